//! A whole campaign on an instrument, in a call.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use beacon_kernel::Capacity;

use super::{LiveError, Session, TakenUp};
use crate::campaign::{LiveConfig, Observer, Outcome};
use crate::controller::{InProcess, Memory};
use crate::journal::RunFolder;
use crate::microscope::Microscope;

/// Begins a campaign in a folder, which is made, and runs it to its end with the kernel in this
/// process. Its journal is in the folder, and [`resume`] goes on where it ends.
///
/// # Errors
/// As [`Session::begin`] and [`Session::run`], and when a campaign is in the folder already.
pub fn run(
    microscope: &mut dyn Microscope,
    config: LiveConfig,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Outcome, LiveError> {
    let folder = RunFolder::begin(folder)?;
    let session = Session::begin(microscope, config, None, &folder, never())?;
    to_its_end(session, observer)
}

/// Takes the campaign of a folder up where its journal ends and runs it to its end with the kernel
/// in this process. One that has ended stays as it is.
///
/// # Errors
/// As [`TakenUp::read`], [`Session::resume`] and [`Session::run`], and when no campaign is in the
/// folder.
pub fn resume(
    microscope: &mut dyn Microscope,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Outcome, LiveError> {
    let folder = RunFolder::resume(folder)?;
    let taken_up = TakenUp::read(&folder)?;
    let session = Session::resume(microscope, taken_up, &folder, never())?;
    to_its_end(session, observer)
}

fn to_its_end(mut session: Session<'_>, observer: &mut dyn Observer) -> Result<Outcome, LiveError> {
    let candidates = session.candidates()?;
    let capacity = Capacity::for_candidates(candidates, session.config().budget);
    let mut memory = Memory::new(capacity);
    let mut kernel = InProcess::new(&mut memory).map_err(crate::campaign::CampaignError::from)?;
    Ok(session.run(None, &mut kernel, observer)?)
}

/// An observer ends such a campaign; no signal does.
fn never() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}
