//! What connections to instruments on the network share.

use std::io::{self, ErrorKind, Read as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::{Duration, Instant};

use super::MicroscopeError;

/// Longest wait without a look at whether the answer is still wanted.
const SLICE: Duration = Duration::from_millis(100);

/// Connects to `HOST:PORT`, at the first of the host's addresses that answers.
pub(super) fn connect(address: &str, patience: Duration) -> Result<TcpStream, MicroscopeError> {
    let unreachable = |reason: &dyn std::fmt::Display| MicroscopeError::Unreachable {
        address: address.to_owned(),
        reason: one_line(&reason.to_string()),
    };
    let mut last = unreachable(&"the name has no address");
    for place in address.to_socket_addrs().map_err(|e| unreachable(&e))? {
        match TcpStream::connect_timeout(&place, patience) {
            Ok(stream) => {
                // A request is one small packet that nothing follows.
                stream.set_nodelay(true).map_err(|e| unreachable(&e))?;
                return Ok(stream);
            }
            Err(error) => last = unreachable(&error),
        }
    }
    Err(last)
}

/// Reads what has arrived, or `None` where nothing has for a while: time to look whether it is
/// still wanted.
///
/// # Errors
/// [`ErrorKind::TimedOut`] after the deadline, and what the system says; the end of a stream is one.
pub(super) fn read_some(
    stream: &mut TcpStream,
    buffer: &mut [u8],
    deadline: Instant,
) -> io::Result<Option<usize>> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(ErrorKind::TimedOut.into());
    }
    stream.set_read_timeout(Some(left.min(SLICE)))?;
    match stream.read(buffer) {
        Ok(0) => Err(io::Error::other("it was closed from there")),
        Ok(count) => Ok(Some(count)),
        Err(error) => match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted => Ok(None),
            _ => Err(error),
        },
    }
}

/// Text of others on one line of bounded length.
pub(super) fn one_line(text: &str) -> String {
    const LONGEST: usize = 300;
    let words: Vec<&str> = text.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}
