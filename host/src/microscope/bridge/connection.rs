//! One connection: a line out, a line in, within a time and a length.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde_json::error::Category;

use super::message::{Call, PROTOCOL, Refusal, Reply, Request, VERSION};
use crate::microscope::network::{connect, read_some};
use crate::microscope::{Interrupt, MicroscopeError};

/// Longest answer: an overview of 4096×4096 counts of up to five digits takes 100 MB.
const MAX_LINE: usize = 256 << 20;
/// Bytes read at a time.
const CHUNK: usize = 64 << 10;
/// Bytes of something unexpected that an error shows.
const SHOWN: usize = 40;

/// A connection on which every answer so far could be read. After an error none can be sure
/// which answer comes next, so it is of no further use; closing it blanks the beam.
pub(super) struct Connection {
    address: String,
    stream: TcpStream,
    /// What was received beyond the last line.
    received: Vec<u8>,
    asked: u64,
    interrupt: Interrupt,
}

impl Connection {
    /// Connects to `host:port`.
    pub(super) fn open(address: &str, patience: Duration) -> Result<Self, MicroscopeError> {
        Ok(Self {
            address: address.to_owned(),
            stream: connect(address, patience)?,
            received: Vec::new(),
            asked: 0,
            interrupt: Interrupt::default(),
        })
    }

    /// What makes waiting for an exposure end, in [`MicroscopeError::Aborted`]. Other calls leave
    /// the beam blanked and are waited for.
    pub(super) fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    /// Asks, and waits for the answer. The outer error ends the connection; the inner one is the
    /// instrument's own, after which it can be asked again.
    pub(super) fn call<R: DeserializeOwned>(
        &mut self,
        call: Call<'_>,
        patience: Duration,
    ) -> Result<Result<R, Refusal>, MicroscopeError> {
        let deadline = Instant::now() + patience;
        self.asked += 1;
        self.send(call, patience)?;
        let line = self.receive(call, patience, deadline)?;
        let reply: Reply<R> = serde_json::from_slice(&line).map_err(|error| {
            if error.classify() == Category::Data {
                self.unexpected(call, error.to_string())
            } else {
                self.foreign(&line)
            }
        })?;
        match reply {
            // One that is turned away at the door is answered before it asks.
            Reply {
                id: None,
                error: Some(refusal),
                ..
            } => Ok(Err(refusal)),
            Reply { id, .. } if id != Some(self.asked) => {
                let found = id.map_or_else(|| "no number".to_owned(), |id| format!("number {id}"));
                Err(self.unexpected(call, format!("{found} where {} was asked", self.asked)))
            }
            Reply {
                error: Some(refusal),
                ..
            } => Ok(Err(refusal)),
            Reply { ok: Some(ok), .. } => Ok(Ok(ok)),
            Reply { .. } => Err(self.unexpected(call, "neither `ok` nor `error`".to_owned())),
        }
    }

    fn send(&mut self, call: Call<'_>, patience: Duration) -> Result<(), MicroscopeError> {
        let request = Request {
            id: self.asked,
            call,
        };
        let sent = serde_json::to_vec(&request)
            .map_err(std::io::Error::from)
            .and_then(|mut line| {
                line.push(b'\n');
                self.stream.set_write_timeout(Some(patience))?;
                self.stream.write_all(&line)
            });
        sent.map_err(|error| self.broken(call, patience, &error))
    }

    /// The next line, without its end.
    fn receive(
        &mut self,
        call: Call<'_>,
        patience: Duration,
        deadline: Instant,
    ) -> Result<Vec<u8>, MicroscopeError> {
        let mut chunk = vec![0; CHUNK];
        let mut searched = 0;
        loop {
            // Every line is an object: something else shows with its first byte.
            if self.received.first().is_some_and(|&first| first != b'{') {
                return Err(self.foreign(&self.received));
            }
            let end = self.received[searched..].iter().position(|&b| b == b'\n');
            if let Some(end) = end {
                let rest = self.received.split_off(searched + end + 1);
                let mut line = std::mem::replace(&mut self.received, rest);
                line.pop();
                return Ok(line);
            }
            searched = self.received.len();
            if searched > MAX_LINE {
                return Err(self.unexpected(call, format!("more than {MAX_LINE} bytes in a line")));
            }
            if call.exposes() && self.interrupt.is_abort() {
                return Err(MicroscopeError::Aborted {
                    call: call.name().to_owned(),
                    beam: "whether the beam is blanked is unknown".to_owned(),
                });
            }
            match read_some(&mut self.stream, &mut chunk, deadline) {
                Ok(count) => self
                    .received
                    .extend_from_slice(&chunk[..count.unwrap_or(0)]),
                Err(error) => return Err(self.broken(call, patience, &error)),
            }
        }
    }

    fn broken(
        &self,
        call: Call<'_>,
        patience: Duration,
        error: &std::io::Error,
    ) -> MicroscopeError {
        if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) {
            return MicroscopeError::TimedOut {
                address: self.address.clone(),
                call: call.name().to_owned(),
                seconds: patience.as_secs_f64(),
            };
        }
        MicroscopeError::Lost {
            address: self.address.clone(),
            call: call.name().to_owned(),
            reason: error.to_string(),
        }
    }

    fn unexpected(&self, call: Call<'_>, found: String) -> MicroscopeError {
        if matches!(call, Call::Hello { .. }) {
            // Before it has said what it speaks, a strange answer is another protocol.
            return self.another(found);
        }
        let expected = format!("what version {VERSION} of the protocol says");
        MicroscopeError::answer(call.name(), found, expected)
    }

    /// Something that is no line of the protocol.
    fn foreign(&self, received: &[u8]) -> MicroscopeError {
        let shown = &received[..received.len().min(SHOWN)];
        self.another(format!("{:?}", String::from_utf8_lossy(shown)))
    }

    /// Somebody who speaks something else.
    pub(super) fn another(&self, found: String) -> MicroscopeError {
        MicroscopeError::Protocol {
            address: self.address.clone(),
            found,
            expected: format!("{PROTOCOL} version {VERSION}"),
        }
    }
}
