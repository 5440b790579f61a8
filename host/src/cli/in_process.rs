//! Runs a campaign with the kernel in this process.

use beacon_kernel::Capacity;

use super::Failure;
use super::progress::Progress;
use crate::campaign::{Campaign, Outcome};
use crate::controller::{InProcess, Memory};
use crate::microscope::Microscope;

/// Runs a checked campaign on a microscope.
pub(super) fn run(
    campaign: Campaign,
    microscope: &mut dyn Microscope,
    mut progress: Progress,
) -> Result<Outcome, Failure> {
    let candidates = campaign.candidates();
    let mut memory = Memory::new(Capacity::for_campaign(
        candidates.height(),
        candidates.width(),
        candidates.window(),
        campaign.measurements(),
    ));
    let mut controller = InProcess::new(&mut memory).map_err(|e| Failure::running(&e))?;
    campaign
        .run(microscope, &mut controller, &mut progress)
        .map_err(|e| Failure::running(&e))
}
