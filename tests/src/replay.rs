//! Replayed campaigns: data, runs, golden files.

use std::path::{Path, PathBuf};

use beacon_host::campaign::{
    Campaign, CampaignConfig, Oracle, Outcome, Replay, SeedList, Seeds, SpecimenExperiment,
    read_seeds,
};
use beacon_host::controller::{InProcess, Memory};
use beacon_host::data::files;
use beacon_host::internal::specimen::SpecimenKind;
use beacon_host::scalarizer::Scalarizer;

/// The published PFM benchmark; `None`, said aloud, where the data are absent.
///
/// # Panics
/// When the data are there and cannot be read.
pub fn pfm() -> Option<Replay> {
    let folder = pfm_folder()?;
    let read = |name: &str| {
        let file = folder.join(name);
        files::read_map(&file.to_string_lossy()).expect("the PFM data are readable")
    };
    let replay = Replay::new(read("image.npy"), read("scalarizer.npy"));
    Some(replay.expect("image and response of the PFM data have one shape"))
}

/// The seeds that all published PFM runs started from.
///
/// # Panics
/// When the data are there and cannot be read.
pub fn published_seeds() -> Option<Seeds> {
    let file = pfm_folder()?.join("seeds.npy");
    let seeds = read_seeds(&file).expect("the seeds are readable");
    let SeedList::Numbers(seeds) = seeds else {
        panic!("the seeds are candidate numbers");
    };
    Some(Seeds::Given(seeds))
}

/// The folder of the PFM benchmark; `None`, said aloud, where the data are absent.
pub fn pfm_folder() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/pfm");
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the PFM data are absent ({})", folder.display());
    None
}

/// The built-in specimen under its Pd Lα line.
///
/// # Panics
/// Never: the default specimen is valid.
pub fn specimen(seed: u64) -> SpecimenExperiment {
    let config = SpecimenKind::Nanoparticles.config(seed);
    SpecimenExperiment::open(config).expect("the default specimen is valid")
}

/// That specimen under several targets, as scalarizers are written.
///
/// # Panics
/// For no target, and for one that is no scalarizer or does not fit the specimen.
pub fn specimen_of(seed: u64, targets: &[&str]) -> SpecimenExperiment {
    let read = |target: &&str| target.parse::<Scalarizer>().expect("a scalarizer");
    let mut targets = targets.iter().map(read);
    let specimen = SpecimenKind::Nanoparticles.config(seed).make();
    let specimen = specimen.expect("the default specimen is valid");
    let first = targets.next().expect("a target");
    SpecimenExperiment::of_several(specimen, first, targets).expect("lines that it has")
}

/// Runs a campaign with the kernel in this process.
///
/// # Panics
/// When the campaign cannot start or fails: tests ask for valid ones.
pub fn run(config: &CampaignConfig, seeds: Seeds, experiment: &mut dyn Oracle) -> Outcome {
    let campaign = Campaign::new(config.clone(), seeds, experiment).expect("a valid campaign");
    in_process(campaign, experiment)
}

/// Runs a campaign that is set up with the kernel in this process.
///
/// # Panics
/// When the campaign fails.
pub fn in_process(campaign: Campaign, experiment: &mut dyn Oracle) -> Outcome {
    let mut memory = Memory::new(campaign.capacity());
    let mut controller = InProcess::new(&mut memory).expect("memory of the right size");
    campaign
        .run(experiment, &mut controller, &mut ())
        .expect("the campaign runs to its end")
}

/// Compares text with a golden file of `tests/golden`. With `BEACON_BLESS` in the environment
/// it is written instead: only after a change of trajectories that the changelog announces.
///
/// # Panics
/// When they differ.
pub fn golden(name: &str, text: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("golden")
        .join(name);
    if std::env::var_os("BEACON_BLESS").is_some() {
        std::fs::write(&file, text).expect("the golden file can be written");
        return;
    }
    let expected = std::fs::read_to_string(&file).expect("the golden file is there");
    assert_eq!(text, expected, "{name} has changed");
}
