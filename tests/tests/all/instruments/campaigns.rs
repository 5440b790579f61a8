//! Campaigns of a hundred points on the servers of instruments, which decide as replays of the
//! same data do.

use beacon_host::campaign::{Campaign, CampaignConfig, Ended, LiveConfig, Replay, Seeds};
use beacon_host::controller::{InProcess, Memory};
use beacon_host::data::Map;
use beacon_host::data::files::{self, Dataset};
use beacon_host::microscope::{BridgeMicroscope, BridgeOptions, Microscope};
use beacon_host::scalarizer::Scalarizer;
use beacon_kernel::Capacity;
use beacon_tests::bridge_standin::BridgeStandin;
use beacon_tests::dtmicroscope::DtServer;
use beacon_tests::live::{Ran, begin, settings, trajectory};
use beacon_tests::standin_data::{SIDE, particles, spectra_of};
use tempfile::TempDir;

const BUDGET: usize = 100;

fn live(microscope: &mut dyn Microscope, config: LiveConfig) -> Ran {
    let folder = TempDir::new().unwrap();
    let ran = begin(microscope, config, &folder.path().join("run")).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Budget, "{:?}", ran.said);
    ran
}

/// Candidates and responses of a replay with the same settings.
fn replayed(image: Map, response: Map, config: CampaignConfig) -> Vec<(u32, u64)> {
    let mut replay = Replay::new(image, response).unwrap();
    let mut config = config;
    config.steps = BUDGET - config.initial;
    let seeds = Seeds::Random(config.initial);
    let campaign = Campaign::new(config, seeds, &replay).unwrap();
    let mut memory = Memory::new(Capacity::for_candidates(campaign.candidates(), BUDGET));
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let outcome = campaign.run(&mut replay, &mut kernel, &mut ()).unwrap();
    trajectory(&outcome)
}

#[test]
fn a_campaign_through_the_bridge_decides_as_a_replay_of_its_data() {
    let data = particles();
    let Some(standin) = BridgeStandin::start(&data, &[]) else {
        return;
    };
    for reduce in ["host", "controller"] {
        let arguments = format!(
            "--microscope bridge:{} --budget {BUDGET} --scalarizer line:Pd-La --reduce {reduce} \
             --dwell 0.01",
            standin.address()
        );
        let config = settings(&arguments);
        let options = BridgeOptions::default();
        let mut bridge = BridgeMicroscope::connect(&standin.address(), options).unwrap();
        let before = standin.completed().len();
        let ran = live(&mut bridge, config.clone());

        let (image, spectra) = spectra_of(&data);
        let line: Scalarizer = "line:Pd-La".parse().unwrap();
        let response = line.map(&spectra).unwrap();
        let expected = replayed(image, response, config.campaign.clone());
        assert_eq!(ran.trajectory(), expected, "{reduce}");

        // Every point was exposed once, where it says, and the beam is off.
        let candidates = config.campaign.candidates(SIDE, SIDE).unwrap();
        let pixels = ran.trajectory();
        let pixels = pixels.iter().map(|&(candidate, _)| {
            let pixel = candidates
                .pixel(beacon_kernel::Candidate(candidate))
                .unwrap();
            (pixel.row, pixel.column)
        });
        assert_eq!(standin.completed()[before..], pixels.collect::<Vec<_>>());
        assert!(standin.is_blanked());
    }
}

#[test]
fn a_campaign_on_dtmicroscope_decides_as_a_replay_of_the_file_it_registered() {
    let Some(server) = DtServer::start() else {
        return;
    };
    let arguments = format!(
        "--microscope pyro:{} --budget {BUDGET} --scalarizer plasmon-energy:12..28",
        server.address()
    );
    let config = settings(&arguments);
    let mut twin = server.connect().unwrap();
    let ran = live(&mut twin, config.clone());

    let file = server.data();
    let image = files::read_map(&format!("{file}#Channel_000")).unwrap();
    let spectra = files::read(&format!("{file}#Channel_001")).unwrap();
    let Dataset::Spectra(spectra) = spectra else {
        panic!("the second channel holds spectra");
    };
    let energy: Scalarizer = "plasmon-energy:12..28".parse().unwrap();
    let expected = replayed(image, energy.map(&spectra).unwrap(), config.campaign);
    assert_eq!(ran.trajectory(), expected);
}
