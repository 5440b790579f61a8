//! Calls methods of an object behind a Pyro 5 daemon, with the JSON serializer.

use std::io::{ErrorKind, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::wire::{self, Foreign, HEADER, Header, Kind};
use crate::microscope::network::{connect, one_line, read_some};
use crate::microscope::{Interrupt, MicroscopeError};

/// The name under which DTMicroscope registers its server.
const OBJECT: &str = "microscope.server";
/// What the first message is called in errors.
const HANDSHAKE: &str = "connect";
/// Memory grows by no more than this ahead of what has arrived.
const CHUNK: usize = 1 << 16;

/// One connection at a time to one object. After an error that leaves the line in an unknown
/// state there is none, so that a late answer is never taken for that of another call.
pub(super) struct Client {
    address: String,
    timeout: Duration,
    line: Option<TcpStream>,
    sequence: u16,
    interrupt: Interrupt,
}

/// Why an exchange ended early.
enum Broken {
    Late,
    Unwanted,
    Ended(String),
    Foreign(Foreign),
}

impl From<std::io::Error> for Broken {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => Self::Late,
            _ => Self::Ended(one_line(&error.to_string())),
        }
    }
}

impl From<Foreign> for Broken {
    fn from(foreign: Foreign) -> Self {
        Self::Foreign(foreign)
    }
}

impl Client {
    /// A client that is not connected yet; `timeout` holds for each call.
    pub(super) fn new(address: &str, timeout: Duration) -> Self {
        Self {
            address: address.to_owned(),
            timeout,
            line: None,
            sequence: 0,
            interrupt: Interrupt::default(),
        }
    }

    /// What makes waiting for an answer end, which ends the connection.
    pub(super) fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.interrupt = interrupt;
    }

    pub(super) fn interrupt(&self) -> &Interrupt {
        &self.interrupt
    }

    /// Host and port.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// Opens a connection, in place of one that there may be.
    ///
    /// # Errors
    /// When the address is none, nobody listens there, it speaks another protocol, or it refuses.
    pub(super) fn connect(&mut self) -> Result<(), MicroscopeError> {
        let port = self.address.rsplit_once(':').map(|(_, port)| port);
        if port.is_none_or(|port| port.parse::<u16>().is_err()) {
            let value = format!("`{}`", one_line(&self.address));
            let accepted = "HOST:PORT, as in localhost:9091";
            let name = "the address of DTMicroscope";
            return Err(MicroscopeError::setting(name, value, accepted));
        }
        self.line = Some(connect(&self.address, self.timeout)?);
        self.sequence = 0;
        let greeting = format!(r#"{{"handshake": "hello", "object": "{OBJECT}"}}"#);
        let (header, data) = self.exchange(Kind::Connect, greeting.as_bytes(), HANDSHAKE)?;
        match header.kind {
            kind if kind == Kind::ConnectOk as u8 => Ok(()),
            kind if kind == Kind::ConnectFail as u8 => {
                self.line = None;
                Err(MicroscopeError::Failed {
                    call: HANDSHAKE.to_owned(),
                    message: if header.is_json() {
                        raised(&data)
                    } else {
                        one_line(&data.escape_ascii().to_string())
                    },
                })
            }
            kind => Err(self.unexpected(kind, "2 or 3")),
        }
    }

    /// Calls a method: the JSON of what it returns.
    ///
    /// # Errors
    /// When there is no connection, it breaks, or no answer comes in time: connect again. When
    /// the method raises an exception.
    pub(super) fn invoke(
        &mut self,
        method: &str,
        parameters: &[Value],
    ) -> Result<Vec<u8>, MicroscopeError> {
        let call = call(method, parameters);
        self.sequence = self.sequence.wrapping_add(1);
        // As Python spaces it, so that the bytes are those of Pyro's own client.
        let request = format!(
            r#"{{"object": "{OBJECT}", "method": "{method}", "params": [{}], "kwargs": {{}}}}"#,
            listed(parameters)
        );
        let (header, data) = self.exchange(Kind::Invoke, request.as_bytes(), &call)?;
        if header.kind != Kind::Result as u8 {
            return Err(self.unexpected(header.kind, "5"));
        }
        if !header.is_json() {
            self.line = None;
            return Err(self.foreign(Foreign::new("another serializer", "JSON")));
        }
        if header.is_exception() {
            let message = raised(&data);
            return Err(MicroscopeError::Failed { call, message });
        }
        Ok(data)
    }

    /// Sends a message and waits for the one that answers it.
    fn exchange(
        &mut self,
        kind: Kind,
        data: &[u8],
        call: &str,
    ) -> Result<(Header, Vec<u8>), MicroscopeError> {
        // Put back when the answer has come whole.
        let Some(mut line) = self.line.take() else {
            return Err(self.broken(Broken::Ended("it is not connected".to_owned()), call));
        };
        let patience = Patience {
            deadline: Instant::now() + self.timeout,
            interrupt: &self.interrupt,
        };
        let message = wire::message(kind, self.sequence, data);
        let exchanged = send(&mut line, &message, self.timeout)
            .and_then(|()| receive(&mut line, self.sequence, patience));
        let answer = exchanged.map_err(|broken| self.broken(broken, call))?;
        self.line = Some(line);
        Ok(answer)
    }

    fn broken(&self, broken: Broken, call: &str) -> MicroscopeError {
        let (address, call) = (self.address.clone(), call.to_owned());
        match broken {
            Broken::Late => MicroscopeError::TimedOut {
                address,
                call,
                seconds: self.timeout.as_secs_f64(),
            },
            Broken::Unwanted => MicroscopeError::Aborted {
                call,
                beam: "there is none".to_owned(),
            },
            Broken::Ended(reason) => MicroscopeError::Lost {
                address,
                call,
                reason,
            },
            Broken::Foreign(foreign) => self.foreign(foreign),
        }
    }

    fn foreign(&self, foreign: Foreign) -> MicroscopeError {
        MicroscopeError::Protocol {
            address: self.address.clone(),
            found: foreign.found,
            expected: foreign.expected,
        }
    }

    fn unexpected(&mut self, kind: u8, expected: &str) -> MicroscopeError {
        self.line = None;
        let found = format!("a message of type {kind}");
        self.foreign(Foreign::new(found, format!("type {expected}")))
    }
}

/// How long an answer is waited for.
#[derive(Clone, Copy)]
struct Patience<'a> {
    deadline: Instant,
    interrupt: &'a Interrupt,
}

fn send(line: &mut TcpStream, message: &[u8], timeout: Duration) -> Result<(), Broken> {
    line.set_write_timeout(Some(timeout))?;
    Ok(line.write_all(message)?)
}

/// Reads a message and checks that it answers the request of that number.
fn receive(
    line: &mut TcpStream,
    sequence: u16,
    patience: Patience<'_>,
) -> Result<(Header, Vec<u8>), Broken> {
    let mut bytes = [0; HEADER];
    let mut filled = 0;
    while filled < HEADER {
        filled += read(line, &mut bytes[filled..], patience)?;
        // Something else may send less than a header and wait.
        wire::require_tag(&bytes[..filled])?;
    }
    let header = Header::decode(&bytes)?;
    if header.sequence != sequence {
        let found = format!("the answer to request {}", header.sequence);
        return Err(Foreign::new(found, format!("that to request {sequence}")).into());
    }
    let mut scrap = [0; 256];
    let mut left = header.annotations as usize;
    while left > 0 {
        let n = left.min(scrap.len());
        left -= read(line, &mut scrap[..n], patience)?;
    }
    let length = header.data as usize;
    let (mut data, mut filled) = (Vec::new(), 0);
    while filled < length {
        data.resize(length.min(filled + CHUNK), 0);
        filled += read(line, &mut data[filled..], patience)?;
    }
    Ok((header, data))
}

/// Reads at least one byte while there is patience.
fn read(line: &mut TcpStream, buffer: &mut [u8], patience: Patience<'_>) -> Result<usize, Broken> {
    loop {
        if patience.interrupt.is_abort() {
            return Err(Broken::Unwanted);
        }
        if let Some(count) = read_some(line, buffer, patience.deadline)? {
            return Ok(count);
        }
    }
}

/// A call as messages show it.
pub(super) fn call(method: &str, parameters: &[Value]) -> String {
    format!("{method}({})", listed(parameters))
}

fn listed(parameters: &[Value]) -> String {
    let texts: Vec<String> = parameters.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

/// What a serialized exception, or a refusal, says: `KeyError: Channel_009`.
fn raised(json: &[u8]) -> String {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let Ok(value) = serde_json::from_slice::<Value>(json) else {
        return one_line(&String::from_utf8_lossy(json));
    };
    let (class, arguments) = (&value["__class__"], &value["args"]);
    let (Some(class), Some(arguments)) = (class.as_str(), arguments.as_array()) else {
        return one_line(&text(&value));
    };
    let class = class.rsplit('.').next().unwrap_or(class);
    let arguments: Vec<String> = arguments.iter().map(text).collect();
    one_line(&format!("{class}: {}", arguments.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_told_on_one_line() {
        let json = br#"{"__class__": "builtins.KeyError", "__exception__": true,
            "args": ["Channel_009\nis not there", 3], "attributes": {"_pyroTraceback": ["x"]}}"#;
        assert_eq!(raised(json), "KeyError: Channel_009 is not there, 3");
        assert_eq!(raised(br#""unknown object""#), "unknown object");
        assert_eq!(raised(b"no\njson"), "no json");
        assert_eq!(one_line(&"é".repeat(400)).chars().count(), 301);
    }
}
