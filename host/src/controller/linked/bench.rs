//! A board on the bench: its beam without a campaign.

use std::time::{Duration, Instant};

use beacon_kernel::link::Failure;
use beacon_kernel::link::message::{Beam, BlankReason, Pulse, Reading, Refusal, Settings, Spot};

use super::super::ControllerError;
use super::Linked;

/// How often the end of an exposure is looked for.
const LOOK: Duration = Duration::from_millis(2);

impl Linked<'_> {
    /// Moves the blanked beam.
    ///
    /// # Errors
    /// While a campaign runs on the board, when its firmware is too old, when what drives the beam
    /// fails, or when the link is lost for good.
    pub fn point(&mut self, spot: Spot) -> Result<(), ControllerError> {
        self.check_bench()?;
        // To move it twice does no harm.
        self.call(|linked| Ok(linked.client.point(spot)?))
    }

    /// Exposes a place; returns its dose and that of all since the last campaign began, in µs of
    /// beam. Once: when the answer is lost, it may or may not have been exposed.
    ///
    /// # Errors
    /// As [`Self::point`], and at the board's own dose limits.
    pub fn pulse(&mut self, pulse: Pulse) -> Result<(u32, u64), ControllerError> {
        self.check_bench()?;
        Ok(self.client.pulse(pulse)?)
    }

    /// What the board's detector gave in the last exposure; `None` where the board has none, and where
    /// it could not tell.
    ///
    /// # Errors
    /// When the link is lost for good.
    pub fn reading_of_pulse(&mut self) -> Result<Option<Reading>, ControllerError> {
        match self.call(|linked| Ok(linked.client.reading()?)) {
            Ok((_, reading)) => Ok(reading),
            Err(ControllerError::Link(Failure::Refused(Refusal::Setting { .. }))) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Waits until the beam is blanked, for so long at most; returns why it is.
    ///
    /// # Errors
    /// [`ControllerError::StaysOn`], or when the link is lost for good.
    pub fn until_blanked(&mut self, patience: Duration) -> Result<BlankReason, ControllerError> {
        let begun = Instant::now();
        loop {
            match self.status()?.beam {
                Beam::Blanked(reason) => return Ok(reason),
                _ if begun.elapsed() > patience => return Err(ControllerError::StaysOn(patience)),
                _ => std::thread::sleep(LOOK),
            }
        }
    }

    /// The settings in force on the board.
    ///
    /// # Errors
    /// When the link is lost for good.
    pub fn settings_of_board(&mut self) -> Result<Settings, ControllerError> {
        self.call(|linked| Ok(linked.client.configuration()?.settings))
    }
}
