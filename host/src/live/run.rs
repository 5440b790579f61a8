//! A whole campaign on an instrument, in a call.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use beacon_kernel::MOST_RESPONSES;

use super::{LiveError, Session, TakenUp};
use crate::campaign::{CampaignError, LiveConfig, Observer, Outcome};
use crate::controller::{InProcess, Memory, available_bytes};
use crate::journal::RunFolder;
use crate::microscope::{Interrupt, Microscope};

/// Begins a campaign in a folder, which is made, and runs it to its end with the kernel in this
/// process. Its journal is in the folder, and [`resume`] goes on where it ends.
///
/// # Errors
/// As [`Session::begin`] and [`Session::run`], when a campaign is in the folder already, and when this
/// machine has too little memory.
pub fn run(
    microscope: &mut dyn Microscope,
    config: LiveConfig,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Outcome, LiveError> {
    run_within(available_bytes(), microscope, config, folder, observer)
}

fn run_within(
    free: Option<u64>,
    microscope: &mut dyn Microscope,
    config: LiveConfig,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Outcome, LiveError> {
    forget_abort(microscope);
    Session::check(microscope, &config, None)?;
    let frame = microscope.frame();
    let size = frame.map(|(rows, columns)| (rows.size, columns.size));
    let memory = memory_for(&config, size, free)?;
    let folder = RunFolder::begin(folder)?;
    let session = Session::begin(microscope, config, None, &folder, never())?;
    to_its_end(session, memory, free, observer)
}

/// Takes the campaign of a folder up where its journal ends and runs it to its end with the kernel
/// in this process. One that has ended stays as it is.
///
/// # Errors
/// As [`TakenUp::read`], [`Session::resume`] and [`Session::run`], when no campaign is in the folder,
/// and when this machine has too little memory.
pub fn resume(
    microscope: &mut dyn Microscope,
    folder: &Path,
    observer: &mut dyn Observer,
) -> Result<Outcome, LiveError> {
    forget_abort(microscope);
    let free = available_bytes();
    let folder = RunFolder::resume(folder)?;
    let taken_up = TakenUp::read(&folder)?;
    Session::check_resumed(microscope, &taken_up, None)?;
    let memory = memory_for(&taken_up.config, taken_up.size(), free)?;
    let session = Session::resume(microscope, taken_up, &folder, never())?;
    to_its_end(session, memory, free, observer)
}

/// A `stop now` of a campaign before concerns none that comes after it.
fn forget_abort(microscope: &mut dyn Microscope) {
    if microscope
        .interrupt()
        .is_some_and(|interrupt| interrupt.is_abort())
    {
        microscope.set_interrupt(Interrupt::default());
    }
}

/// Memory for the kernel, where the size of the image is known: without it nothing is exposed.
fn memory_for(
    config: &LiveConfig,
    size: Option<(usize, usize)>,
    free: Option<u64>,
) -> Result<Option<Memory>, LiveError> {
    let Some((height, width)) = size else {
        return Ok(None);
    };
    let candidates = config.campaign.candidates(height, width)?;
    let size = (config.budget, MOST_RESPONSES);
    let memory = Memory::fitting_vectors_in(candidates, size, free);
    memory.map(Some).map_err(LiveError::Memory)
}

fn to_its_end(
    mut session: Session<'_>,
    memory: Option<Memory>,
    free: Option<u64>,
    observer: &mut dyn Observer,
) -> Result<Outcome, LiveError> {
    let mut memory = if let Some(memory) = memory {
        memory
    } else {
        let size = (session.config().budget, MOST_RESPONSES);
        Memory::fitting_vectors_in(session.candidates()?, size, free).map_err(LiveError::Memory)?
    };
    let mut kernel = InProcess::new(&mut memory).map_err(CampaignError::from)?;
    Ok(session.run(None, &mut kernel, observer)?)
}

/// An observer ends such a campaign; no signal does.
fn never() -> Arc<AtomicBool> {
    Arc::new(AtomicBool::new(false))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Channels, Map};
    use crate::journal::{Seen, read_view};
    use crate::microscope::{MicroscopeChoice, SpecimenMicroscope, from_functions};
    use crate::specimen::SpecimenKind;

    #[test]
    fn a_campaign_that_has_ended_shows_what_it_showed_when_it_is_resumed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let values = (0..144).map(|n| f64::from(n * n % 31)).collect();
        let image = Map::uncalibrated(12, 12, values, "image");
        let mut microscope = from_functions(
            "two functions",
            Channels::numbered(1, "response"),
            || Ok(image.clone()),
            |at, _| Ok(vec![at.x + (9.0 * at.y).sin()]),
        );
        let choice = "replay:a.npy,b.npy".parse().unwrap();
        let mut config = LiveConfig::new(choice, 14);
        config.scalarizers = vec!["sum".parse().unwrap()];
        config.campaign.initial = 12;
        run(&mut microscope, config, &folder, &mut ()).unwrap();
        let before = read_view(&folder).unwrap();
        let maps = |seen: &Seen| -> Vec<String> {
            let maps = seen.head.maps.iter();
            maps.map(|map| map.name.clone()).collect()
        };
        let all = ["mean", "plane_x", "plane_y", "score", "sigma"];
        assert_eq!(maps(&before), all);
        assert_eq!(before.head.series.seconds.len(), 2);
        let mut resumed = || {
            resume(&mut microscope, &folder, &mut ()).unwrap();
            read_view(&folder).unwrap()
        };
        assert_eq!(resumed(), before);
        // Where the file was deleted it is made anew, but for the scores, which nobody computes again.
        std::fs::remove_file(folder.join("view")).unwrap();
        let after = resumed();
        assert_eq!(maps(&after), ["mean", "plane_x", "plane_y", "sigma"]);
        assert_eq!(after.head.series.seconds.len(), 2);
        assert_eq!(after.maps[0], before.maps[0]);
    }

    #[test]
    fn memory_is_looked_at_before_anything_is_exposed() {
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("run");
        let choice: MicroscopeChoice = "specimen".parse().unwrap();
        let config = LiveConfig::new(choice, 1000);
        let specimen = SpecimenKind::Nanoparticles.config(1).make().unwrap();
        let beam = config.instrument.beam.clone();
        let mut microscope = SpecimenMicroscope::new(specimen, beam, None, None).unwrap();
        let refused = run_within(Some(1 << 20), &mut microscope, config, &folder, &mut ());
        let said = refused.unwrap_err().to_string();
        assert!(
            said.contains("a campaign of 1000 points on 64 x 64"),
            "{said}"
        );
        assert!(said.contains("at most the 0.0 GB that are free"), "{said}");
        assert!(!folder.exists(), "nothing is left behind");
    }
}
