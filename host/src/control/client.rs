//! The caller's side of the socket.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;
use std::time::Duration;

use serde_json::Value;

use super::{ControlError, LONGEST, Request, Status};

/// How long a caller waits for the campaign, which may have to wait for its disk.
const PATIENCE: Duration = Duration::from_secs(15);

/// Sends the campaign in a folder a command in the name of a person, and returns its answer.
///
/// # Errors
/// When none is running there, or it refuses.
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
    let port: u16 = port.parse().map_err(|_| not_running())?;
    // The file of a campaign that was killed names a port that is closed, or another program's.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|_| not_running())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(silent)?;
    let request = Request {
        token: token.to_owned(),
        words: words.to_vec(),
        name: name.to_owned(),
    };
    let request = serde_json::to_string(&request).map_err(|e| silent(e.into()))?;
    writeln!(stream, "{request}").map_err(silent)?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST as u64))
        .read_line(&mut line)
        .map_err(silent)?;
    let answer: Value = serde_json::from_str(&line).map_err(|_| not_running())?;
    match (answer.get("ok"), answer.get("error")) {
        (Some(said), _) => Ok(said.clone()),
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
