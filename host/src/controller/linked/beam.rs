//! The beam of a board.

use std::time::{Duration, Instant};

use beacon_kernel::Candidate;
use beacon_kernel::link::message::{Beam, BlankReason, Refusal, Settings, Signals, Which};
use beacon_kernel::link::{Client, Failure};

use super::super::serial::Port;
use super::super::{BeamPort, BoardClock, ControllerError};
use super::transfers::LinkFailure;
use super::{Linked, is_lost};

/// Longest wait for the end of an exposure after the instrument's own, and how often it is looked
/// for. A board's scan generator pauses between the pixels of a long dwell, and ends later.
const ENDING: Duration = Duration::from_secs(10);
const LOOK: Duration = Duration::from_millis(2);

impl Linked<'_> {
    /// Exposures by the board's account; `None` before it was asked.
    pub(super) fn exposures(&self) -> Option<u32> {
        self.held.as_ref().map(|held| held.exposures)
    }

    /// Has the board expose something, once: when its answer was lost, the board is asked whether
    /// it was done. `ask` says with the answer whether anything was exposed.
    pub(super) fn expose_once<R>(
        &mut self,
        mut ask: impl FnMut(&mut Client<Port>) -> Result<(R, bool), LinkFailure>,
    ) -> Result<Option<R>, ControllerError> {
        self.call(|_| Ok(()))?;
        let (before, resets) = (self.exposures(), self.resets);
        self.resets_at_exposure = resets;
        self.call(|linked| {
            if linked.resets != resets {
                return Err(ControllerError::ExposureUnknown);
            }
            if linked.exposures() != before {
                return Ok(None);
            }
            let (reply, exposed) = ask(&mut linked.client)?;
            if let Some(held) = &mut linked.held {
                held.exposures += u32::from(exposed);
            }
            Ok(Some(reply))
        })
    }
}

/// Whether a ceiling is that of a dose.
fn is_dose((which, _): (Which, u64)) -> bool {
    matches!(which, Which::PixelDose | Which::TotalDose)
}

impl BeamPort for Linked<'_> {
    fn expose(&mut self, candidate: Candidate) -> Result<(), ControllerError> {
        if self.is_behind() {
            return Ok(());
        }
        self.expose_once(|client| Ok((client.expose(candidate.0)?, true)))
            .map(|_| ())
    }

    fn finish(&mut self) -> Result<(), ControllerError> {
        let begun = Instant::now();
        let waits = self.brief.signals.and_then(|signals| signals.ready_ms);
        let ending = ENDING + Duration::from_millis(waits.unwrap_or(0).into());
        loop {
            let status = self.status()?;
            if self.resets != self.resets_at_exposure {
                return Err(ControllerError::ExposureUnknown);
            }
            self.clock = Some(BoardClock {
                uptime: Duration::from_millis(status.uptime_ms),
                dose: Duration::from_micros(status.dose_us),
                resets: self.resets,
            });
            match status.beam {
                Beam::Blanked(BlankReason::Fault(fault)) => {
                    return Err(Failure::Refused(Refusal::Beam(fault)).into());
                }
                // The board ends it by itself; one that does not has a fault of its own.
                Beam::On { .. } if begun.elapsed() < ending => std::thread::sleep(LOOK),
                _ => return Ok(()),
            }
        }
    }

    /// The beam comes first, whatever else the board lacks.
    fn blank(&mut self) -> Result<(), ControllerError> {
        if self.silent {
            return Ok(());
        }
        match self.client.blank().map_err(ControllerError::from) {
            Err(error) if is_lost(&error) => self.call(|linked| Ok(linked.client.blank()?)),
            blanked => blanked,
        }
    }

    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError> {
        let before = self.brief.settings.replace(settings);
        if let Some(held) = &mut self.held {
            held.settings = None;
        }
        let told = self.call(|linked| {
            // Where there is a campaign, the board has been told just now.
            match &linked.held {
                Some(held) if held.settings == Some(settings) => Ok(()),
                _ => Ok(linked.client.configure(settings)?),
            }
        });
        match told {
            // A campaign that has ended holds limits down; a new one is told them once it began.
            Err(error) if self.brief.campaign.is_none() && error.ceiling().is_some_and(is_dose) => {
                Ok(())
            }
            Err(error) if !is_lost(&error) => {
                self.brief.settings = before;
                Err(error)
            }
            told => told,
        }
    }

    fn use_signals(&mut self, signals: Signals) -> Result<(), ControllerError> {
        if self.brief.signals.unwrap_or_default() == signals {
            return Ok(());
        }
        self.check_signals(signals)?;
        let before = self.brief.signals.replace(signals);
        let told = self.call(|linked| {
            // Where there is a campaign, the board has been told just now.
            match &linked.held {
                Some(held) if held.signals == Some(signals) => Ok(()),
                _ => Ok(linked.client.set_signals(signals)?),
            }
        });
        if told.as_ref().is_err_and(|error| !is_lost(error)) {
            self.brief.signals = before;
        }
        told
    }

    fn settings(&self) -> Option<Settings> {
        Some(self.brief.settings.unwrap_or_default())
    }

    fn resets(&self) -> u32 {
        self.resets
    }

    fn clock(&self) -> Option<BoardClock> {
        self.clock
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        Ok(self.status()?.dose_us)
    }
}
