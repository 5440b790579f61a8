//! The guard of the beam: keeps it inside the field and its dose within the limits.

mod overview;

use super::board::{Board, Exposure};
use super::message::{Beam, BlankReason, DoseLimits, Pulse, Refusal, Settings, Spot, Which};
use crate::{Candidate, Candidates};

/// Starts and ends exposures, and counts their dose for one campaign.
pub(super) struct BeamGuard<'a> {
    doses: &'a mut [u32],
    ceiling: DoseLimits,
    pub(super) settings: Settings,
    pub(super) state: Beam,
    pub(super) exposures: u32,
    pub(super) dose_us: u64,
    /// Where the bench had the beam last.
    spot: Spot,
}

impl<'a> BeamGuard<'a> {
    /// The guard of a beam that the reset has blanked. `ceiling` bounds the dose limits that a host
    /// may set.
    pub(super) fn new(doses: &'a mut [u32], ceiling: DoseLimits) -> Self {
        doses.fill(0);
        let mut settings = Settings::DEFAULT;
        settings.dose.pixel_us = settings.dose.pixel_us.min(ceiling.pixel_us);
        settings.dose.total_us = settings.dose.total_us.min(ceiling.total_us);
        Self {
            doses,
            ceiling,
            settings,
            state: Beam::Blanked(BlankReason::Reset),
            exposures: 0,
            dose_us: 0,
            spot: Spot::MIDDLE,
        }
    }

    /// Sets all doses to zero, for a new campaign.
    pub(super) fn clear(&mut self) {
        self.doses.fill(0);
        self.exposures = 0;
        self.dose_us = 0;
    }

    pub(super) fn blank(&mut self, board: &mut impl Board, reason: BlankReason) {
        board.blank();
        self.state = Beam::Blanked(reason);
    }

    /// Notes the end of an exposure.
    pub(super) fn watch(&mut self, board: &mut impl Board) {
        if !matches!(self.state, Beam::Blanked(_)) && !board.exposing() {
            self.state = Beam::Blanked(match board.beam_outcome() {
                Ok(()) => BlankReason::Between,
                Err(fault) => BlankReason::Fault(fault),
            });
        }
    }

    /// Takes new settings. A dose limit cannot be raised once some of the dose is used.
    /// `shortest_us` is the shortest dwell that the board keeps.
    pub(super) fn configure(
        &mut self,
        settings: Settings,
        shortest_us: u32,
    ) -> Result<(), Refusal> {
        let used = self.dose_us > 0;
        let held = |ceiling: u64, current: u64| if used { current } else { ceiling };
        let most_pixel = held(
            self.ceiling.pixel_us.into(),
            self.settings.dose.pixel_us.into(),
        );
        let most_total = held(self.ceiling.total_us, self.settings.dose.total_us);
        let longest = u64::from(Settings::LONGEST_US);
        let timeouts = Settings::TIMEOUTS_MS;
        let timeout = settings.link_timeout_ms;
        let timeout_limit = if timeout < *timeouts.start() {
            *timeouts.start()
        } else {
            *timeouts.end()
        };
        check_dwell(settings.dwell_us, shortest_us)?;
        let checks = [
            (
                Which::Settle,
                u64::from(settings.settle_us) <= longest,
                longest,
            ),
            (
                Which::PixelDose,
                u64::from(settings.dose.pixel_us) <= most_pixel,
                most_pixel,
            ),
            (
                Which::TotalDose,
                settings.dose.total_us <= most_total,
                most_total,
            ),
            (
                Which::LinkTimeout,
                timeouts.contains(&timeout),
                timeout_limit.into(),
            ),
            (Which::Field, settings.field.is_valid(), 1 << 16),
        ];
        for (which, accepted, limit) in checks {
            if !accepted {
                return Err(Refusal::Setting { which, limit });
            }
        }
        self.settings = settings;
        Ok(())
    }

    /// Exposes a candidate's pixel; returns its dose so far, this exposure included. The dose
    /// counts in full even if the exposure is cut short, by a fault or otherwise.
    pub(super) fn expose(
        &mut self,
        candidate: Candidate,
        candidates: Candidates,
        board: &mut impl Board,
    ) -> Result<u32, Refusal> {
        let pixel = candidates.pixel(candidate)?;
        let Settings {
            dwell_us,
            settle_us,
            dose,
            field,
            ..
        } = self.settings;
        let position = field.position(pixel, candidates.height(), candidates.width());
        let (x, y) = position.ok_or(OUTSIDE)?;
        let pixel_dose = self.spend(candidate.index(), dwell_us, dose, board)?;
        self.state = Beam::On {
            candidate: candidate.0,
        };
        board.expose(Exposure {
            x,
            y,
            settle_us,
            dwell_us,
        });
        Ok(pixel_dose)
    }

    /// Counts an exposure in one of the accounts and in all, if the limits and what drives the beam
    /// allow it; returns the account.
    fn spend(
        &mut self,
        account: usize,
        dwell_us: u32,
        limits: DoseLimits,
        board: &mut impl Board,
    ) -> Result<u32, Refusal> {
        let used = *self.doses.get(account).ok_or(OUTSIDE)?;
        let dose = used.saturating_add(dwell_us);
        if dose > limits.pixel_us {
            return Err(Refusal::PixelDose {
                used_us: used,
                limit_us: limits.pixel_us,
            });
        }
        let total = self.total_with(dwell_us.into(), limits, board)?;
        board.beam_ready().map_err(Refusal::Beam)?;
        if let Some(used) = self.doses.get_mut(account) {
            *used = dose;
        }
        self.dose_us = total;
        self.exposures = self.exposures.saturating_add(1);
        Ok(dose)
    }

    /// Dose of the campaign once `us` more are spent; blanks where the limit forbids them.
    fn total_with(
        &mut self,
        us: u64,
        limits: DoseLimits,
        board: &mut impl Board,
    ) -> Result<u64, Refusal> {
        let total = self.dose_us.saturating_add(us);
        if total > limits.total_us {
            self.blank(board, BlankReason::DoseLimit);
            return Err(Refusal::TotalDose {
                used_us: self.dose_us,
                limit_us: limits.total_us,
            });
        }
        Ok(total)
    }

    /// Lets the bench count by place what a campaign counted by candidate. The dose in all stays.
    pub(super) fn leave_campaign(&mut self) {
        self.doses.fill(0);
    }

    /// Moves the blanked beam.
    pub(super) fn point(&mut self, spot: Spot, board: &mut impl Board) -> Result<(), Refusal> {
        board.beam_ready().map_err(Refusal::Beam)?;
        self.spot = spot;
        self.go(spot, 0, board);
        Ok(())
    }

    /// Exposes a place outside of any campaign; returns its dose so far. The board's ceiling holds,
    /// for each of the places that the range is divided into and in all.
    pub(super) fn pulse(&mut self, pulse: Pulse, board: &mut impl Board) -> Result<u32, Refusal> {
        check_dwell(pulse.dwell_us, board.shortest_dwell_us())?;
        let spot = pulse.at.unwrap_or(self.spot);
        let place = self.side().place(spot);
        let dose = self.spend(place, pulse.dwell_us, self.ceiling, board)?;
        self.spot = spot;
        self.state = Beam::OnBench(spot);
        self.go(spot, pulse.dwell_us, board);
        Ok(dose)
    }

    /// How the range is divided into places.
    fn side(&self) -> Side {
        // Not `isqrt`, whose table has a bounds check left.
        let accounts = self.doses.len();
        let squares = (1..=accounts).take_while(|side| side * side <= accounts);
        Side(squares.count())
    }

    fn go(&self, Spot { x, y }: Spot, dwell_us: u32, board: &mut impl Board) {
        let settle_us = self.settings.settle_us;
        board.expose(Exposure {
            x,
            y,
            settle_us,
            dwell_us,
        });
    }
}

/// As many places lie along each side of the range.
#[derive(Clone, Copy)]
struct Side(usize);

impl Side {
    /// Number of the place that a spot lies in.
    fn place(self, spot: Spot) -> usize {
        let cell = |code: u16| (usize::from(code) * self.0) >> 16;
        cell(spot.y) * self.0 + cell(spot.x)
    }
}

/// The position lies nowhere in the range, or nothing counts its dose.
const OUTSIDE: Refusal = Refusal::Setting {
    which: Which::Field,
    limit: 1 << 16,
};

/// Refuses a dwell that is longer than any may be, or shorter than the board keeps.
fn check_dwell(dwell_us: u32, shortest_us: u32) -> Result<(), Refusal> {
    let limit = if dwell_us < shortest_us {
        shortest_us
    } else if dwell_us > Settings::LONGEST_US {
        Settings::LONGEST_US
    } else {
        return Ok(());
    };
    Err(Refusal::Setting {
        which: Which::Dwell,
        limit: limit.into(),
    })
}
