//! The rate of a board's line.
//!
//! A board begins at its own rate, and returns there when nothing intact arrives at another one for
//! a while. An earlier host may have left it at the wanted rate, and a board may have been built for
//! that: it is looked for at both.

use beacon_kernel::link::message::Identity;
use beacon_kernel::link::{Client, Failure, Timing};

use super::super::ControllerError;
use super::super::serial::{Port, Rates};
use super::Linked;
use super::versions::speaks;

/// Attempts at one rate, before the other one's turn. They take a second, twice as long as a board tries a new
/// rate.
const ATTEMPTS: u32 = 3;

/// Says hello, at both rates where there are two, and has both ends run at the wanted one. A line
/// that does not carry it stays at the rate of the board.
pub(super) fn greet(client: &mut Client<Port>) -> Result<Identity, ControllerError> {
    let Rates { first, wanted, .. } = client.transport_mut().rates();
    if wanted == first {
        return Ok(client.connect()?);
    }
    let patient = *client.timing_mut();
    *client.timing_mut() = Timing {
        attempts: ATTEMPTS.min(patient.attempts),
        ..patient
    };
    // A board that begins to run, or is busy, is waited for as long as at one rate.
    let mut greeted = greet_at_both(client);
    for _ in 1..patient.attempts.div_ceil(ATTEMPTS) {
        if !matches!(greeted, Err(ControllerError::Link(Failure::NoReply { .. }))) {
            break;
        }
        greeted = greet_at_both(client);
    }
    *client.timing_mut() = patient;
    greeted
}

fn greet_at_both(client: &mut Client<Port>) -> Result<Identity, ControllerError> {
    let Rates {
        first,
        wanted,
        present,
    } = client.transport_mut().rates();
    let identity = match client.connect() {
        Err(Failure::NoReply { .. }) => {
            let other = if present == first { wanted } else { first };
            set(client, other)?;
            client.connect()?
        }
        greeted => greeted?,
    };
    if client.transport_mut().rates().present == wanted {
        return Ok(identity);
    }
    speaks(
        &identity,
        2,
        "other rates of its line",
        "leave @BAUD out of `--controller`",
    )?;
    client.set_baud(wanted)?;
    set(client, wanted)?;
    match client.status() {
        Ok(_) => Ok(identity),
        Err(Failure::NoReply { .. }) => {
            // The board has returned to its own rate meanwhile.
            set(client, first)?;
            let stays = client.connect()?;
            client.transport_mut().give_up_rate();
            Ok(stays)
        }
        Err(failure) => Err(failure.into()),
    }
}

fn set(client: &mut Client<Port>, baud: u32) -> Result<(), ControllerError> {
    let set = client.transport_mut().set_baud(baud);
    Ok(set.map_err(Failure::Transport)?)
}

impl Linked<'_> {
    /// Bits a second that the line runs at: what was wanted, or the board's own rate where the line
    /// does not carry that.
    pub fn baud(&mut self) -> u32 {
        self.client.transport_mut().rates().present
    }
}
