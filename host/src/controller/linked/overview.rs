//! What a board acquires by itself: overviews, and readings of its detector.

use std::ops::ControlFlow;
use std::time::Duration;

use beacon_kernel::link::Failure;
use beacon_kernel::link::frame::Checksum;
use beacon_kernel::link::message::{Beam, BlankReason, Phase, Raster, Reading, Refusal};

use super::super::ControllerError;
use super::Linked;

/// How often it is looked whether more pixels are final.
const LOOK: Duration = Duration::from_millis(2);
/// How often values are fetched again whose checksum is wrong.
const ATTEMPTS: usize = 3;

impl Linked<'_> {
    /// Has the board take an overview; its values row by row, NaN where the detector could not
    /// tell. `watch` is told how many pixels of how many were fetched, and may end it. A campaign
    /// that another host left on the board is ended first.
    ///
    /// # Errors
    /// When the firmware is too old, the board has no detector, a limit of its dose or another
    /// setting stands against it, the overview is cut short, or the link is lost for good.
    pub fn overview(
        &mut self,
        raster: Raster,
        mut watch: impl FnMut(u32, u32) -> ControlFlow<()>,
    ) -> Result<Vec<f32>, ControllerError> {
        self.check_scanner()?;
        let mut asked = false;
        self.call(|linked| {
            if asked {
                // Whether it was begun is not known, and its dose must not be spent twice.
                return Err(ControllerError::ExposureUnknown);
            }
            linked.leave_other_campaign()?;
            asked = true;
            Ok(linked.client.overview(raster)?)
        })?;
        let resets = self.resets;
        for _ in 0..ATTEMPTS {
            let (values, crc) = self.fetch(raster.pixels(), resets, &mut watch)?;
            let mut checksum = Checksum::new();
            for value in &values {
                checksum.update(&value.to_le_bytes());
            }
            if checksum.value() == crc {
                return Ok(values);
            }
        }
        Err(Failure::Refused(Refusal::Checksum).into())
    }

    /// All values of the overview under way, with the board's checksum.
    fn fetch(
        &mut self,
        pixels: u32,
        resets: u32,
        watch: &mut impl FnMut(u32, u32) -> ControlFlow<()>,
    ) -> Result<(Vec<f32>, u32), ControllerError> {
        let mut values = Vec::with_capacity(pixels as usize);
        loop {
            let from = values.len() as u32;
            if watch(from, pixels).is_break() {
                self.client.blank()?;
                return Err(ControllerError::BrokenOff);
            }
            let mut page = Vec::new();
            let (_, total, crc) = self.call(|linked| {
                page.clear();
                Ok(linked.client.pixels(from, |value| page.push(value))?)
            })?;
            if total != pixels || self.resets != resets {
                return Err(ControllerError::ExposureUnknown);
            }
            values.extend(&page);
            if let Some(crc) = crc.filter(|_| values.len() as u32 == total) {
                return Ok((values, crc));
            }
            if page.is_empty() {
                match self.status()?.beam {
                    // Its last pixels became final just now.
                    Beam::Overview { .. } | Beam::Blanked(BlankReason::Between) => {
                        std::thread::sleep(LOOK);
                    }
                    Beam::Blanked(BlankReason::Fault(fault)) => {
                        return Err(Failure::Refused(Refusal::Beam(fault)).into());
                    }
                    Beam::Blanked(reason) => return Err(ControllerError::OverviewCut(reason)),
                    _ => return Err(ControllerError::ExposureUnknown),
                }
            }
        }
    }

    /// Ends a campaign on the board that is not the one of this host.
    fn leave_other_campaign(&mut self) -> Result<(), ControllerError> {
        if self.brief.campaign.is_some() {
            return Ok(());
        }
        let status = self.client.status()?;
        match (status.phase, status.campaign) {
            (Phase::Running | Phase::AwaitingImage, Some(other)) => {
                Ok(self.client.end(other.id)?)
            }
            _ => Ok(()),
        }
    }

    /// What the board's detector gave in the exposure that this host asked for last, which is over.
    ///
    /// # Errors
    /// When the exposure was cut short, the board was reset meanwhile or has no detector, or the
    /// link is lost for good.
    pub fn reading(&mut self) -> Result<Reading, ControllerError> {
        self.check_scanner()?;
        let (exposures, reading) = self.call(|linked| Ok(linked.client.reading()?))?;
        let ours = self.exposures() == Some(exposures) && self.resets == self.resets_at_exposure;
        reading
            .filter(|_| ours)
            .ok_or(ControllerError::ExposureUnknown)
    }
}
