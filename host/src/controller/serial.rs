//! A serial port as the client's transport.

use std::io::{ErrorKind, Read as _, Write as _};
use std::time::{Duration, Instant};

use beacon_kernel::link::Transport;
use serialport::{ClearBuffer, SerialPort};

/// Why a port cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PortError {
    /// It could not be opened.
    #[error("`{port}`: cannot be opened: {reason}; {advice}")]
    Open {
        /// The port.
        port: String,
        /// What the system said.
        reason: String,
        /// What to do.
        advice: &'static str,
    },
    /// It was open and is gone.
    #[error("`{port}`: lost: {reason}; is the board still plugged in?")]
    Lost {
        /// The port.
        port: String,
        /// What the system said.
        reason: String,
    },
}

/// Rates of a line, in bits a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rates {
    /// What the board has from reset.
    pub(super) first: u32,
    /// What both ends are to run at.
    pub(super) wanted: u32,
    /// What this end runs at.
    pub(super) present: u32,
}

/// An open serial port.
pub struct Port {
    name: String,
    rates: Rates,
    line: Box<dyn SerialPort>,
    opened: Instant,
}

impl Port {
    /// Opens a port for this process alone.
    ///
    /// # Errors
    /// When it is absent, in use, or not ours to open.
    pub fn open(name: &str, baud: u32) -> Result<Self, PortError> {
        let opened = serialport::new(name, baud)
            .timeout(Duration::from_millis(10))
            .open();
        let line = opened.map_err(|error| PortError::Open {
            port: name.to_owned(),
            advice: advice(&error),
            reason: error.to_string().replace('\n', " "),
        })?;
        // What an earlier host left unread is no answer to this one.
        let _ = line.clear(ClearBuffer::All);
        Ok(Self {
            name: name.to_owned(),
            rates: Rates {
                first: baud,
                wanted: baud,
                present: baud,
            },
            line,
            opened: Instant::now(),
        })
    }

    /// Has both ends run at another rate than the one that the port was opened with, once a board
    /// was found.
    #[must_use]
    pub fn wanting(mut self, baud: u32) -> Self {
        self.rates.wanted = baud;
        self
    }

    /// Stays at the rate of the board.
    pub(super) fn give_up_rate(&mut self) {
        self.rates.wanted = self.rates.first;
    }

    pub(super) fn rates(&self) -> Rates {
        self.rates
    }

    /// Runs at another rate from here on.
    pub(super) fn set_baud(&mut self, baud: u32) -> Result<(), PortError> {
        // What was sent leaves at the old rate, and what came at it is over.
        self.line.flush().map_err(|error| self.lost(&error))?;
        self.line
            .set_baud_rate(baud)
            .map_err(|error| self.lost(&error.into()))?;
        let _ = self.line.clear(ClearBuffer::Input);
        self.rates.present = baud;
        Ok(())
    }

    fn lost(&self, error: &std::io::Error) -> PortError {
        PortError::Lost {
            port: self.name.clone(),
            reason: error.to_string(),
        }
    }
}

fn advice(error: &serialport::Error) -> &'static str {
    match error.kind() {
        serialport::ErrorKind::NoDevice => {
            "another program may hold it, or nothing is plugged in: look for /dev/ttyACM* or COM*"
        }
        serialport::ErrorKind::Io(ErrorKind::NotFound) => {
            "nothing is plugged in there: look for /dev/ttyACM* or COM*"
        }
        serialport::ErrorKind::Io(ErrorKind::PermissionDenied) => {
            "it belongs to another user: join the group that owns it, often `dialout`"
        }
        _ => "expected a serial port that no other program holds",
    }
}

impl Transport for Port {
    type Error = PortError;

    fn send(&mut self, bytes: &[u8]) -> Result<(), PortError> {
        self.line
            .write_all(bytes)
            .map_err(|error| self.lost(&error))
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> Result<usize, PortError> {
        let timeout = Duration::from_millis(u64::from(timeout_ms));
        let deadline = Instant::now() + timeout;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            // A time-out of zero means for ever to some drivers.
            let wait = left.max(Duration::from_millis(1));
            if self.line.timeout() != wait {
                self.line
                    .set_timeout(wait)
                    .map_err(|error| self.lost(&error.into()))?;
            }
            match self.line.read(buffer) {
                Ok(count) if count > 0 => return Ok(count),
                Err(error)
                    if !matches!(
                        error.kind(),
                        ErrorKind::TimedOut | ErrorKind::WouldBlock | ErrorKind::Interrupted
                    ) =>
                {
                    return Err(self.lost(&error));
                }
                _ if left.is_zero() => return Ok(0),
                _ => {}
            }
        }
    }

    fn now_ms(&mut self) -> u64 {
        self.opened.elapsed().as_millis() as u64
    }
}
