//! Overviews: what they may cost, and their exposures one by one.

use super::super::board::{Board, Exposure};
use super::super::message::{
    Beam, BeamFault, BlankReason, DoseLimits, Raster, Reading, Refusal, Settings, Which,
};
use super::{BeamGuard, OUTSIDE, check_dwell};
use crate::Candidates;

impl BeamGuard<'_> {
    /// Counts all of an overview before it begins, if the limits and what drives the beam allow it:
    /// on every candidate while there is a campaign, else by place. Returns the dose of the pixel
    /// that has had most.
    pub(in super::super) fn begin_overview(
        &mut self,
        raster: &Raster,
        campaign: Option<Candidates>,
        board: &mut impl Board,
    ) -> Result<u32, Refusal> {
        check_dwell(raster.dwell_us, board.shortest_reading_us())?;
        let longest = u64::from(Settings::LONGEST_US);
        for (which, accepted, limit) in [
            (Which::Raster, raster.pixels() > 0 && raster.frames > 0, 1),
            (
                Which::Settle,
                u64::from(raster.settle_us) <= longest,
                longest,
            ),
            (Which::Field, raster.field.is_valid(), 1 << 16),
        ] {
            if !accepted {
                return Err(Refusal::Setting { which, limit });
            }
        }
        let limits = match campaign {
            Some(_) => self.settings.dose,
            None => self.ceiling,
        };
        let total = self.total_with(raster.total_us(), limits, board)?;
        board.beam_ready().map_err(Refusal::Beam)?;
        let most = match campaign {
            Some(candidates) => self.spend_on_candidates(raster, candidates, limits)?,
            None => self.spend_on_places(raster, limits)?,
        };
        self.dose_us = total;
        self.state = Beam::Overview { exposures: 0 };
        Ok(most)
    }

    /// As many of the raster's pixels as may lie in a candidate's count on each.
    fn spend_on_candidates(
        &mut self,
        raster: &Raster,
        candidates: Candidates,
        limits: DoseLimits,
    ) -> Result<u32, Refusal> {
        let along = |pixels: u16, of: usize| u64::from(pixels).div_ceil((of as u64).max(1));
        let pixels = along(raster.rows, candidates.height())
            .saturating_mul(along(raster.columns, candidates.width()));
        let each = raster.pixel_us().saturating_mul(pixels);
        let used = self.doses.iter().copied().max().unwrap_or(0);
        let most = sum_within(used, each, limits)?;
        // Below the largest sum, which fits.
        let each = each as u32;
        for dose in self.doses.iter_mut() {
            *dose = dose.saturating_add(each);
        }
        Ok(most)
    }

    fn spend_on_places(&mut self, raster: &Raster, limits: DoseLimits) -> Result<u32, Refusal> {
        let side = self.side();
        let each = raster.pixel_us();
        let mut most = 0;
        for pixel in 0..raster.pixels() {
            let spot = raster.spot(pixel).ok_or(OUTSIDE)?;
            let used = self.doses.get_mut(side.place(spot)).ok_or(OUTSIDE)?;
            match sum_within(*used, each, limits) {
                Ok(dose) => {
                    *used = dose;
                    most = most.max(dose);
                }
                Err(refusal) => {
                    // Nothing is exposed: what was counted so far is taken back.
                    for counted in (0..pixel).filter_map(|pixel| raster.spot(pixel)) {
                        if let Some(used) = self.doses.get_mut(side.place(counted)) {
                            *used = used.saturating_sub(each as u32);
                        }
                    }
                    return Err(refusal);
                }
            }
        }
        Ok(most)
    }

    /// Whether an overview is under way.
    pub(in super::super) fn takes_overview(&self) -> bool {
        matches!(self.state, Beam::Overview { .. })
    }

    /// What the detector gave in the overview's exposure that has just ended. A fault that cut it
    /// short ends the overview.
    pub(in super::super) fn read(
        &mut self,
        board: &mut impl Board,
    ) -> Result<Option<Reading>, BeamFault> {
        board
            .beam_outcome()
            .inspect_err(|&fault| self.blank(board, BlankReason::Fault(fault)))?;
        Ok(board.reading())
    }

    /// Exposes a pixel of an overview that was counted.
    pub(in super::super) fn expose_pixel(
        &mut self,
        raster: &Raster,
        pixel: u32,
        board: &mut impl Board,
    ) {
        let (Beam::Overview { exposures }, Some(spot)) = (self.state, raster.spot(pixel)) else {
            return;
        };
        self.state = Beam::Overview {
            exposures: exposures.saturating_add(1),
        };
        board.expose(Exposure {
            x: spot.x,
            y: spot.y,
            settle_us: raster.settle_us,
            dwell_us: raster.dwell_us,
        });
    }
}

/// A dose with another one, where the limit of a pixel allows it.
fn sum_within(used_us: u32, more_us: u64, limits: DoseLimits) -> Result<u32, Refusal> {
    let limit_us = limits.pixel_us;
    let sum = u64::from(used_us).saturating_add(more_us);
    match u32::try_from(sum) {
        Ok(sum) if sum <= limit_us => Ok(sum),
        _ => Err(Refusal::PixelDose { used_us, limit_us }),
    }
}
