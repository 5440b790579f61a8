//! A connection to the socket, of whoever calls.

use std::io::{self, Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::LONGEST;

/// How long a caller may take to send its request, and then to take its answer. What the campaign itself
/// needs in between, such as a slow disk's time for a command, is not the caller's.
const DEADLINE: Duration = Duration::from_secs(6);

/// A connection: bytes of a request, then of its answer.
pub(super) struct Caller {
    stream: TcpStream,
    since: Instant,
    request: Vec<u8>,
    answer: Option<Vec<u8>>,
}

impl Caller {
    pub(super) fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            since: Instant::now(),
            request: Vec::new(),
            answer: None,
        })
    }

    /// Reads what there is; whether that completes the request.
    ///
    /// # Errors
    /// When there is nothing to read yet, and when the caller is gone.
    fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 1024];
        let count = self.stream.read(&mut buffer)?;
        self.request.extend_from_slice(&buffer[..count]);
        Ok(count == 0 || buffer[..count].contains(&b'\n') || self.request.len() > LONGEST)
    }

    /// Writes what goes of the answer; whether that was all of it.
    ///
    /// # Errors
    /// When nothing goes yet, and when the caller is gone.
    fn write(&mut self) -> io::Result<bool> {
        let Some(answer) = &mut self.answer else {
            return Ok(false);
        };
        let count = self.stream.write(answer)?;
        answer.drain(..count);
        Ok(answer.is_empty())
    }

    /// Goes on as far as it goes; whether there is anything left to do.
    pub(super) fn go_on(&mut self, answer: impl FnOnce(&[u8]) -> Vec<u8>) -> bool {
        let done = match self.answer {
            // At once: what was asked for may end the campaign, and with it whoever answers.
            None => match self.read() {
                Ok(true) => {
                    self.answer = Some(answer(&self.request));
                    self.since = Instant::now();
                    self.write()
                }
                incomplete => incomplete,
            },
            Some(_) => self.write(),
        };
        match done {
            Ok(done) => !done && self.since.elapsed() < DEADLINE,
            Err(error) => {
                let passing = [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted];
                passing.contains(&error.kind()) && self.since.elapsed() < DEADLINE
            }
        }
    }
}
