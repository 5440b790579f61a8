//! A kernel on a board, at the other end of a serial line.
//!
//! Beside the board runs a mirror: the same kernel in this process, told the same. It computes
//! the surrogate for monitoring, so that maps need not cross the line; it checks every
//! proposal, which must be equal bit for bit; and it takes the place of the board while a new
//! host catches up with a campaign that an earlier one left behind.
//!
//! What the board is to hold is written down in one place, its brief. What it has to be told is the
//! difference between the brief and what the board says of itself, after a reset, a cut at any
//! byte, or in the ordinary course of a campaign.

mod beam;
mod bench;
mod brief;
mod kernel;
mod overview;
mod rate;
mod transfers;
mod versions;

use std::time::{Duration, Instant};

use beacon_kernel::link::message::{Identity, Measurement, Refusal, Status};
use beacon_kernel::link::{Client, Failure};
use serde::{Deserialize, Serialize};

use super::serial::Port;
use super::watch::HandOver;
use super::{BoardClock, ControllerError, InProcess};
use brief::{Brief, Held, Point};

/// How long a lost link is sought before it is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// In all.
    pub patience: Duration,
    /// Between one attempt and the next.
    pub pause: Duration,
}

impl Default for Recovery {
    fn default() -> Self {
        Self {
            patience: Duration::from_secs(60),
            pause: Duration::from_millis(200),
        }
    }
}

/// What the link has been through.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkReport {
    /// Name of the board.
    pub board: String,
    /// Version and build of its firmware.
    pub build: String,
    /// Frames sent.
    pub frames: u32,
    /// Frames sent again because no answer came.
    pub retries: u32,
    /// Frames received that were damaged.
    pub damaged: u32,
    /// Times the link was lost and found again.
    pub losses: u32,
    /// Measurements that an earlier host had already handed over.
    pub resumed: u32,
    /// Points that the kernel is of: fewer than were measured where the board's memory is full.
    #[serde(default)]
    pub held: u32,
}

/// A kernel on a board.
pub struct Linked<'m> {
    client: Client<Port>,
    identity: Identity,
    /// Responses of a place that the board has room for.
    most_responses: usize,
    recovery: Recovery,
    mirror: InProcess<'m>,
    brief: Brief,
    /// Nothing until the board was asked.
    held: Option<Held>,
    /// Whether the board is not told anything yet: the mirror alone catches up with a journal.
    silent: bool,
    /// What the board held when this host found it, in order; nothing until it was asked about the
    /// campaign that was begun here.
    found: Option<Vec<Point>>,
    /// Whether a journal says all that the board was ever told: a board that holds more is of another
    /// campaign on the same image.
    journalled: bool,
    /// Whether the last hand-over was broken off: the board keeps what it has until it is taken up.
    broken_off: bool,
    losses: u32,
    /// Times that the board was told everything again.
    resets: u32,
    /// How often that had been when it exposed last.
    resets_at_exposure: u32,
    /// The board's clock when the last exposure was found to be over.
    clock: Option<BoardClock>,
    intrusions: u32,
}

/// Another host that was heard within this time may be alive.
const LATELY: Duration = Duration::from_millis(2500);
/// How often another host may interfere before this one gives way.
const INTRUSIONS: u32 = 10;

/// Whether another host spoke with the controller just before this one.
fn heard_lately(identity: &Identity) -> bool {
    let silent = identity
        .other
        .map(|other| Duration::from_millis(other.silent_ms.into()));
    silent.is_some_and(|silent| silent < LATELY)
}

fn contended(identity: &Identity) -> ControllerError {
    let (host, silent_ms) = identity
        .other
        .map_or((0, 0), |other| (other.host, other.silent_ms));
    ControllerError::State(format!(
        "another host ({host:08x}) spoke with it {silent_ms} ms ago; one host at a time: stop the \
         other"
    ))
}

impl<'m> Linked<'m> {
    /// Says hello to a board; `mirror` has the memory for the same campaign.
    ///
    /// # Errors
    /// When nothing answers, or something that is no controller of this protocol version.
    pub fn connect(
        client: Client<Port>,
        recovery: Recovery,
        mirror: InProcess<'m>,
    ) -> Result<Self, ControllerError> {
        let mut client = client;
        let mut identity = rate::greet(&mut client)?;
        if heard_lately(&identity) {
            // A host that is alive will have spoken again; one that died just now will not.
            std::thread::sleep(LATELY);
            identity = rate::greet(&mut client)?;
            if heard_lately(&identity) {
                return Err(contended(&identity));
            }
        }
        let mut mirror = mirror;
        mirror.mirror(identity.capacity.into());
        let mut linked = Self {
            client,
            identity,
            most_responses: 1,
            recovery,
            mirror,
            brief: Brief::default(),
            held: None,
            silent: false,
            found: None,
            journalled: false,
            broken_off: false,
            losses: 0,
            resets: 0,
            resets_at_exposure: 0,
            clock: None,
            intrusions: 0,
        };
        linked.most_responses =
            linked.call(|linked| versions::most_responses(&mut linked.client))?;
        Ok(linked)
    }

    /// What the board said it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Responses of a place that the board has room for.
    pub fn most_responses(&self) -> usize {
        self.most_responses
    }

    /// The board's state.
    ///
    /// # Errors
    /// When the link is lost for good.
    pub fn status(&mut self) -> Result<Status, ControllerError> {
        self.call(|linked| Ok(linked.client.status()?))
    }

    /// The message of the last panic that the board survived; empty when there was none.
    ///
    /// # Errors
    /// When the link is lost for good.
    pub fn last_panic(&mut self) -> Result<String, ControllerError> {
        let mut message = vec![0; usize::from(self.identity.last_panic)];
        let length = self.call(|linked| Ok(linked.client.last_panic(&mut message)?))?;
        message.truncate(length);
        Ok(String::from_utf8_lossy(&message).into_owned())
    }

    /// What the board has measured of a response, counted from 0, in order.
    ///
    /// # Errors
    /// When the link is lost for good, or the campaign has no such response.
    pub fn measurements_of_board(
        &mut self,
        response: u8,
    ) -> Result<Vec<Measurement>, ControllerError> {
        self.call(|linked| {
            let mut measurements = Vec::new();
            let each = |measurement| measurements.push(measurement);
            linked.client.measurements_of(response, 0, each)?;
            Ok(measurements)
        })
    }

    /// The board's own posterior of a response, counted from 0: mean and variance of every candidate,
    /// standardised.
    ///
    /// # Errors
    /// When the link is lost for good, the board has no model, or the campaign no such response.
    pub fn surrogate_of_board(
        &mut self,
        response: u8,
    ) -> Result<(Vec<f32>, Vec<f32>), ControllerError> {
        let candidates = self.identity.capacity.candidates as usize;
        let (mut mean, mut variance) = (vec![0.0; candidates], vec![0.0; candidates]);
        let (count, ..) = self.call(|linked| {
            let (mean, variance) = (&mut mean, &mut variance);
            Ok(linked.client.surrogate_of(response, mean, variance)?)
        })?;
        mean.truncate(count);
        variance.truncate(count);
        Ok((mean, variance))
    }

    /// Tells the board what it lacks, asks it something, and finds it again when the link is lost.
    /// A board that was reset, or a link that was lost while it was told, is no other case: what
    /// the board lacks follows from what it says of itself.
    fn call<R>(
        &mut self,
        mut ask: impl FnMut(&mut Self) -> Result<R, ControllerError>,
    ) -> Result<R, ControllerError> {
        let mut lost_since: Option<Instant> = None;
        loop {
            let error = match self.bring_up_to_date().and_then(|()| ask(self)) {
                Ok(reply) => {
                    self.broken_off = false;
                    return Ok(reply);
                }
                Err(error) => error,
            };
            self.broken_off = error == ControllerError::BrokenOff;
            let since = *lost_since.get_or_insert_with(Instant::now);
            if !is_lost(&error) || since.elapsed() > self.recovery.patience {
                return Err(error);
            }
            self.losses += 1;
            self.held = None;
            let identity = self.seek(since)?;
            // One that came by and was sent away is no reason to stop; one that stays is.
            if heard_lately(&identity) {
                self.intrusions += 1;
                if self.intrusions > INTRUSIONS {
                    return Err(contended(&identity));
                }
            }
        }
    }

    /// Says hello until there is an answer to a board that was lost at an instant.
    fn seek(&mut self, since: Instant) -> Result<Identity, ControllerError> {
        let patience = self.recovery.patience;
        loop {
            let error = match rate::greet(&mut self.client) {
                Ok(identity) => return Ok(identity),
                Err(error) => error,
            };
            if !is_lost(&error) || since.elapsed() > patience {
                return Err(error);
            }
            if (self.mirror.watch)(&HandOver::search(since, patience)).is_break() {
                self.broken_off = true;
                return Err(ControllerError::BrokenOff);
            }
            std::thread::sleep(self.recovery.pause);
        }
    }
}

/// Whether the link was lost, so that the board is to be found again.
fn is_lost(error: &ControllerError) -> bool {
    matches!(
        error,
        ControllerError::Link(
            Failure::NoReply { .. }
                | Failure::NotConnected
                | Failure::StillBusy
                | Failure::Refused(Refusal::NotConnected | Refusal::OutOfSequence { .. })
        )
    )
}
