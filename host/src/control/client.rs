//! The caller's side of the socket.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{ControlError, LONGEST, LONGEST_ANSWER, Request, Status, WRONG_TOKEN, identity};

/// How long a caller waits for the campaign, which may have to wait for its disk.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends the campaign in a folder a command in the name of a person, and returns its answer.
///
/// # Errors
/// When none is running there, or it refuses, or what is said is too long.
pub fn tell(folder: &Path, words: &[String], name: &str) -> Result<Value, ControlError> {
    let not_running = || ControlError::NotRunning {
        folder: folder.to_owned(),
    };
    let silent = |source| ControlError::Silent {
        folder: folder.to_owned(),
        source,
    };
    let content = std::fs::read_to_string(folder.join("control")).map_err(|_| not_running())?;
    let (port, token) = content.trim().split_once(' ').ok_or_else(not_running)?;
    // The file in a copy of a folder speaks of the campaign in the other one.
    let named = token.split_once('-').map(|(_, named)| named);
    if named.is_some_and(|named| identity(folder).is_some_and(|own| own != named)) {
        return Err(not_running());
    }
    let port: u16 = port.parse().map_err(|_| not_running())?;
    // The file of a campaign that was killed names a port that is closed, or another program's.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|_| not_running())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(silent)?;
    let request = Request {
        token: token.to_owned(),
        words: words.to_vec(),
        name: name.to_owned(),
    };
    let mut request = serde_json::to_string(&request).map_err(|e| silent(e.into()))?;
    request.push('\n');
    if request.len() > LONGEST {
        return Err(ControlError::TooLong {
            length: request.len(),
        });
    }
    stream.write_all(request.as_bytes()).map_err(silent)?;
    let mut line = Vec::new();
    BufReader::new(stream.take(LONGEST_ANSWER))
        .read_until(b'\n', &mut line)
        .map_err(silent)?;
    let answer: Value = serde_json::from_slice(&line).map_err(|error| {
        // Another program may have the port by now.
        let begins = [&br#"{"ok":"#[..], br#"{"error":"#];
        if begins.iter().any(|begins| line.starts_with(begins)) {
            silent(io::Error::new(io::ErrorKind::InvalidData, error))
        } else {
            not_running()
        }
    })?;
    match (answer.get("ok"), answer.get("error")) {
        (Some(said), _) => Ok(said.clone()),
        // Another campaign has the port by now.
        (_, Some(error)) if error == WRONG_TOKEN => Err(not_running()),
        (_, Some(error)) => {
            let error = error.as_str().unwrap_or("it refused");
            Err(ControlError::Refused(error.to_owned()))
        }
        _ => Err(not_running()),
    }
}

/// The status of the campaign in a folder.
///
/// # Errors
/// As [`tell`].
pub fn status(folder: &Path) -> Result<Status, ControlError> {
    let said = tell(folder, &["status".to_owned()], "")?;
    serde_json::from_value(said).map_err(|error| ControlError::Refused(error.to_string()))
}
