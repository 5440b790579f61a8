//! An instrument behind the line-JSON bridge: `host/bridge/` beside AutoScript, or anything else
//! that speaks its protocol.
//!
//! The bridge blanks around every exposure, on its own errors, and when its host is gone. This
//! end closes the connection whenever an answer is late, lost or cannot be read, which blanks
//! as well, and asks again only after [`Microscope::reconnect`]. A request to acquire carries
//! its place and its key, so that a bridge that was restarted in between exposes where it should
//! and a spectrum that was acquired before is not acquired twice. An exposure that somebody has
//! given up is aborted over a second connection, while the first one waits for its answer.

mod answer;
mod connection;
mod message;
#[cfg(test)]
mod tests;

use std::time::Duration;

use serde::de::DeserializeOwned;

use self::answer::{HELLO, OVERVIEW, acquired, beam, channels, image, seconds};
use self::connection::Connection;
use self::message::{
    Call, Done, Hello, Instrument, Overview, PROTOCOL, Refusal, Spectrum, Unknown, VERSION,
};
use super::network::one_line;
use super::{Acquired, Beam, Interrupt, Microscope, MicroscopeError, Position};
use crate::data::{Axis, Channels, Map};
use crate::units::Seconds;

/// Longest dwell that a bridge accepts.
const LONGEST_DWELL: Duration = Duration::from_secs(3600);
/// Longest key that a bridge accepts, in characters.
const LONGEST_KEY: usize = 200;
/// How long anything may take once somebody wants an exposure given up: they wait in front of it.
const HASTE: Duration = Duration::from_secs(2);

/// How patient a host is with a bridge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BridgeOptions {
    /// How long any call may take beyond its exposure.
    pub timeout: Duration,
    /// How much longer than its nominal time an exposure may take: dwell is live time, and at a
    /// dead time of 75 % the beam is on four times as long.
    pub margin: f64,
}

impl Default for BridgeOptions {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            margin: 4.0,
        }
    }
}

impl BridgeOptions {
    fn check(&self) -> Result<(), MicroscopeError> {
        let refuse = |name, value, accepted| Err(MicroscopeError::setting(name, value, accepted));
        if self.timeout.is_zero() || self.timeout > LONGEST_DWELL {
            let seconds = format!("{} s", self.timeout.as_secs_f64());
            return refuse("timeout", seconds, "above 0 and up to 3600 s");
        }
        if !(1.0..=100.0).contains(&self.margin) {
            return refuse("margin", self.margin.to_string(), "a factor from 1 to 100");
        }
        Ok(())
    }

    /// How long to wait for an exposure of a nominal time.
    fn patience(&self, exposure: Duration) -> Duration {
        exposure.mul_f64(self.margin) + self.timeout
    }
}

/// An instrument behind a bridge.
pub struct BridgeMicroscope {
    address: String,
    options: BridgeOptions,
    /// None after an error that leaves open what would come next.
    connection: Option<Connection>,
    instrument: Instrument,
    channels: Channels,
    beam: Beam,
    overview_time: Duration,
    position: Option<Position>,
    interrupt: Interrupt,
    /// Whether the beam was blanked over a second connection. Nothing is asked after that which
    /// would unblank it.
    blanked_aside: bool,
}

impl BridgeMicroscope {
    /// Connects to the bridge at `host:port`.
    ///
    /// # Errors
    /// When nobody listens there, or it serves another host; when it does not answer in time,
    /// answers another protocol or version, or something else than the protocol says; when the
    /// channels have no calibration; when an option is out of range.
    pub fn connect(address: &str, options: BridgeOptions) -> Result<Self, MicroscopeError> {
        options.check()?;
        let (connection, hello) = greet(address, options.timeout)?;
        Ok(Self {
            address: address.to_owned(),
            options,
            connection: Some(connection),
            channels: channels(hello.channels)?,
            beam: beam(HELLO, &hello.beam)?,
            overview_time: seconds(HELLO, "overview_seconds", hello.overview_seconds)?,
            instrument: hello.instrument,
            position: None,
            interrupt: Interrupt::default(),
            blanked_aside: false,
        })
    }

    /// Has the bridge at `host:port` blank the beam and end the exposure under way, whichever host asked for
    /// it.
    ///
    /// # Errors
    /// When nobody listens there, or the beam could not be blanked.
    pub fn abort_at(address: &str) -> Result<(), MicroscopeError> {
        let mut aside = Connection::open(address, HASTE)?;
        match aside.call::<Done>(Call::Abort, HASTE)? {
            Ok(Done {}) => Ok(()),
            Err(refusal) => Err(refused(address, Call::Abort, refusal)),
        }
    }

    fn call<R: DeserializeOwned>(
        &mut self,
        call: Call<'_>,
        patience: Duration,
    ) -> Result<R, MicroscopeError> {
        let Some(connection) = &mut self.connection else {
            return Err(MicroscopeError::Lost {
                address: self.address.clone(),
                call: call.name().to_owned(),
                reason: "it was given up after an earlier error".to_owned(),
            });
        };
        match connection.call(call, patience) {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(refusal)) => Err(refused(&self.address, call, refusal)),
            Err(error) => {
                let error = match error {
                    MicroscopeError::Aborted { call, .. } => self.abort(call),
                    error => error,
                };
                // Not before: a bridge takes it for a new host that comes when none is served.
                self.connection = None;
                Err(error)
            }
        }
    }

    /// Has the bridge give up the exposure under way; what that call ends with.
    fn abort(&mut self, call: String) -> MicroscopeError {
        let asked = Self::abort_at(&self.address);
        self.blanked_aside = asked.is_ok();
        let beam = match asked {
            Ok(()) => "the beam is blanked".to_owned(),
            Err(error) => format!("the beam is on until the exposure ends: {error}"),
        };
        MicroscopeError::Aborted { call, beam }
    }

    /// How long a call may take that exposes nothing.
    fn patience(&self) -> Duration {
        if self.interrupt.is_abort() {
            self.options.timeout.min(HASTE)
        } else {
            self.options.timeout
        }
    }
}

impl Microscope for BridgeMicroscope {
    fn description(&self) -> String {
        let Instrument { name, identity } = &self.instrument;
        format!("{name} ({identity})")
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        let patience = self.options.patience(self.overview_time);
        let overview: Overview = self.call(Call::Overview, patience)?;
        self.beam = beam(OVERVIEW, &overview.beam)?;
        image(overview)
    }

    fn channels(&self) -> &Channels {
        &self.channels
    }

    /// The current becomes known with the first overview where the instrument reports it with
    /// its images.
    fn beam(&self) -> Beam {
        self.beam
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        position.require_inside()?;
        let Position { x, y } = position;
        let Done {} = self.call(Call::Move { x, y }, self.options.timeout)?;
        self.position = Some(position);
        Ok(())
    }

    /// The beam-on time includes that of earlier exposures under the same key that began and
    /// left no spectrum, each taken to have lasted as long as this one: their dose is on the
    /// sample.
    fn acquire(&mut self, dwell: Duration, key: &str) -> Result<Acquired, MicroscopeError> {
        if dwell.is_zero() || dwell > LONGEST_DWELL {
            let (value, most) = (dwell.as_secs_f64(), LONGEST_DWELL.as_secs());
            let accepted = format!("above 0 and up to {most} s");
            return Err(MicroscopeError::setting(
                "dwell",
                format!("{value} s"),
                accepted,
            ));
        }
        if !(1..=LONGEST_KEY).contains(&key.chars().count()) {
            let accepted = format!("1 to {LONGEST_KEY} characters");
            return Err(MicroscopeError::setting(
                "key",
                format!("{key:?}"),
                accepted,
            ));
        }
        let Some(Position { x, y }) = self.position else {
            let accepted = "a place that the beam was moved to";
            return Err(MicroscopeError::setting("position", "not set", accepted));
        };
        let call = Call::Acquire {
            key,
            x,
            y,
            dwell: dwell.as_secs_f64(),
        };
        let spectrum: Spectrum = self.call(call, self.options.patience(dwell))?;
        acquired(spectrum, key, self.channels.axis.size)
    }

    /// By the bridge's word.
    fn overview_time(&self) -> Option<Seconds> {
        Some(self.overview_time.into())
    }

    /// What is allowed for. The bridge itself ends an exposure 30 s later than that: one that ran
    /// into this would be counted only afterwards.
    fn longest_real_to_live(&self) -> f64 {
        self.options.margin
    }

    /// Connects anew first where the connection was lost.
    fn blank(&mut self) -> Result<(), MicroscopeError> {
        if self.blanked_aside {
            return Ok(());
        }
        if self.connection.is_none() {
            self.reconnect()?;
        }
        let Done {} = self.call(Call::Blank, self.patience())?;
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        // The bridge serves one host at a time: this one, once it has let go.
        self.connection = None;
        let (mut connection, hello) = greet(&self.address, self.patience())?;
        let beam = beam(HELLO, &hello.beam)?;
        let channels = channels(hello.channels)?;
        if hello.instrument != self.instrument || channels != self.channels {
            let told = |instrument: &Instrument, channels: &Channels| {
                let Instrument { name, identity } = instrument;
                let Axis {
                    offset,
                    scale,
                    size,
                    units,
                    ..
                } = &channels.axis;
                format!(
                    "{name} ({identity}) with {size} channels of {scale} {units} from {offset} \
                     {units}"
                )
            };
            let expected = format!("{} as before", told(&self.instrument, &self.channels));
            let found = told(&hello.instrument, &channels);
            return Err(MicroscopeError::answer(HELLO, found, expected));
        }
        self.overview_time = seconds(HELLO, "overview_seconds", hello.overview_seconds)?;
        // What the last image told is not forgotten for a bridge that was restarted since.
        self.beam.current = beam.current.or(self.beam.current);
        connection.set_interrupt(self.interrupt.clone());
        self.connection = Some(connection);
        self.blanked_aside = false;
        Ok(())
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        if let Some(connection) = &mut self.connection {
            connection.set_interrupt(interrupt.clone());
        }
        self.interrupt = interrupt;
    }

    fn interrupt(&self) -> Option<Interrupt> {
        Some(self.interrupt.clone())
    }
}

/// Connects and says hello.
fn greet(address: &str, timeout: Duration) -> Result<(Connection, Hello), MicroscopeError> {
    let mut connection = Connection::open(address, timeout)?;
    let answer: Unknown = match connection.call(Call::HELLO, timeout)? {
        Ok(answer) => answer,
        Err(refusal) => return Err(refused(address, Call::HELLO, refusal)),
    };
    let protocol = answer.get("protocol").and_then(Unknown::as_str);
    let version = answer.get("version").and_then(Unknown::as_u64);
    if protocol != Some(PROTOCOL) || version != Some(VERSION.into()) {
        let protocol = protocol.unwrap_or("no protocol");
        let version = version.map_or_else(String::new, |version| format!(" version {version}"));
        return Err(connection.another(format!("{protocol}{version}")));
    }
    let hello = serde_json::from_value(answer).map_err(|error| {
        let expected = format!("what version {VERSION} of the protocol says");
        MicroscopeError::answer(HELLO, error.to_string(), expected)
    })?;
    Ok((connection, hello))
}

/// What a bridge's refusal is to a campaign.
fn refused(address: &str, call: Call<'_>, refusal: Refusal) -> MicroscopeError {
    let Refusal { kind, message } = refusal;
    // Errors are one line, whatever the instrument thinks.
    let message = one_line(&message);
    let address = address.to_owned();
    match (kind.as_str(), call) {
        ("busy", _) => MicroscopeError::Busy {
            address,
            reason: message,
        },
        ("outside", Call::Move { x, y } | Call::Acquire { x, y, .. }) => {
            MicroscopeError::Outside { x, y }
        }
        ("version" | "request", _) => MicroscopeError::Protocol {
            address,
            found: format!("it refused `{}`: {message}", call.name()),
            expected: format!("{PROTOCOL} version {VERSION}"),
        },
        ("aborted", _) => MicroscopeError::Aborted {
            call: call.name().to_owned(),
            beam: message,
        },
        ("key", _) => {
            let expected = "one place and dwell under one key";
            MicroscopeError::answer(call.name(), message, expected)
        }
        _ => MicroscopeError::Failed {
            call: call.name().to_owned(),
            message,
        },
    }
}
