//! Campaigns on instruments with everything that can happen to them, in this process.

mod commands;
mod controller;
mod detector;
mod failures;
mod limits;
mod resumed;
mod targets;

use std::fs;
use std::path::{Path, PathBuf};

use beacon_host::campaign::{
    Campaign, Ended, Event, LiveConfig, Record, Seeds, SpecimenExperiment,
};
use beacon_host::internal::control::{ControlError, tell};
use beacon_host::internal::journal::Journal;
use beacon_host::internal::specimen::SpecimenKind;
use beacon_host::microscope::{Microscope, Opened, SimulatedBeam, SpecimenMicroscope};
use beacon_tests::in_process;
use beacon_tests::live::{Ran, begin, settings, trajectory};
use serde_json::Value;
use tempfile::TempDir;

/// An instrument as the program opens it, for settings that take over its dwell.
fn opened(config: &mut LiveConfig) -> Box<dyn Microscope> {
    let dwell = config.dwell.map(|_| config.dwell());
    let opened = config
        .microscope
        .open(&config.instrument, config.current, dwell);
    let (microscope, own): Opened = opened.unwrap();
    config.dwell = config.dwell.or(own.map(|dwell| dwell.as_secs_f64()));
    microscope
}

/// Runs a campaign in a folder.
fn run(arguments: &str, folder: &Path) -> Ran {
    let mut config = settings(arguments);
    let mut microscope = opened(&mut config);
    begin(&mut *microscope, config, folder).unwrap()
}

/// What a campaign comes to in a folder of its own, which is gone.
fn undisturbed(arguments: &str) -> Ran {
    let (_kept, path) = folder();
    run(arguments, &path)
}

fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("run");
    (folder, path)
}

/// The nanoparticles under a column, and settings that take over its dwell.
fn column(config: &mut LiveConfig) -> SpecimenMicroscope {
    let specimen = SpecimenKind::Nanoparticles.config(1).make().unwrap();
    let beam: SimulatedBeam = config.instrument.beam.clone();
    let microscope = SpecimenMicroscope::new(specimen, beam, config.current, None).unwrap();
    config.dwell = Some(microscope.dwell().as_secs_f64());
    microscope
}

/// Everything that the journal in a folder holds, and the place of each record.
struct Written {
    bytes: Vec<u8>,
    /// Offset in bytes, and the record there.
    records: Vec<(usize, Record)>,
}

impl Written {
    fn read(folder: &Path) -> Self {
        let file = folder.join("journal");
        let records = Journal::open(&file).unwrap().records.into_iter();
        let records = records.map(|(place, record)| (place.offset as usize, record));
        Self {
            bytes: fs::read(file).unwrap(),
            records: records.collect(),
        }
    }

    /// A folder as a kill leaves it: with so many bytes of the journal.
    fn cut(&self, bytes: usize) -> (TempDir, PathBuf) {
        let (kept, path) = folder();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("journal"), &self.bytes[..bytes]).unwrap();
        (kept, path)
    }

    /// Points measured before a record.
    fn measured_before(&self, index: usize) -> usize {
        let before = self.records[..index].iter();
        let measured = before.filter(|(_, record)| matches!(record.event, Event::Measured(_)));
        measured.count()
    }
}

/// Gives a campaign a command, as `beacon ctl` does.
pub(crate) fn say(folder: &Path, text: &str) -> Result<Value, ControlError> {
    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
    tell(folder, &words, "Ada")
}

const SPECIMEN: &str = "--microscope specimen --budget 40";

#[test]
fn on_a_sample_that_stays_as_it_is_a_live_campaign_decides_as_a_replay() {
    for (kind, reduce) in [
        ("nanoparticles", "host"),
        ("nanoparticles", "controller"),
        ("ferroelectric", "host"),
        ("plasmonic", "host"),
    ] {
        let arguments = format!("--microscope specimen:{kind}:2 --budget 40 --reduce {reduce}");
        let live = undisturbed(&arguments);
        let mut experiment =
            SpecimenExperiment::open(kind.parse::<SpecimenKind>().unwrap().config(2)).unwrap();
        let mut config = settings(&arguments).campaign;
        config.steps = 30;
        let campaign = Campaign::new(config, Seeds::Random(10), &experiment).unwrap();
        let replayed = in_process(campaign, &mut experiment);
        assert_eq!(live.trajectory(), trajectory(&replayed), "{kind}, {reduce}");
        assert_eq!(live.outcome.ended, Ended::Budget);
        assert_eq!(live.summary.campaign.series.mae, replayed.series.mae);
    }
}
