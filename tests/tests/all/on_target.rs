//! Campaigns with the kernel on the emulated board: the same bits as in this process, whatever
//! happens to the host and the line in between.

use std::io::{Read as _, Write as _};
use std::thread;
use std::time::{Duration, Instant};

use beacon_host::campaign::{CampaignConfig, Experiment, Oracle, Outcome, Seeds, Series};
use beacon_host::controller::{
    Controller as _, ControllerChoice, ControllerError, InProcess, Linked, Memory, Port, Recovery,
};
use beacon_host::train::SurrogateKind;
use beacon_kernel::link::message::{Beam, BlankReason, Field, Settings};
use beacon_kernel::link::{Client, Timing};
use beacon_kernel::{Candidate, Capacity, Edges};
use beacon_tests::campaign::{further, trajectory, without_line};
use beacon_tests::emulated::{check_points, check_posterior, points_of_board};
use beacon_tests::{EmulatedBoard, pfm, published_seeds, run, specimen, specimen_of};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;
use serialport::{SerialPort, TTYPort};

/// Weights take the emulated line two seconds: they are sent at every fourth step.
fn config(steps: usize) -> CampaignConfig {
    CampaignConfig {
        steps,
        retrain_every: 4.into(),
        ..CampaignConfig::default()
    }
}

/// Every figure but the wall time; two texts are equal when all bits are.
fn figures(series: &Series) -> String {
    let timeless = Series {
        seconds: Vec::new(),
        measuring_seconds: Vec::new(),
        training_seconds: Vec::new(),
        deciding_seconds: Vec::new(),
        ..series.clone()
    };
    format!("{timeless:?}")
}

fn assert_same(on_board: &Outcome, in_process: &Outcome) {
    assert_eq!(trajectory(on_board), trajectory(in_process));
    assert_eq!(further(on_board), further(in_process));
    assert_eq!(figures(&on_board.series), figures(&in_process.series));
    assert_eq!(on_board.warnings, in_process.warnings);
}

/// Converter codes (x, y) of every point's pixel, seeds first.
fn codes(outcome: &Outcome, image: (usize, usize)) -> Vec<(u16, u16)> {
    let points = outcome.seeds.iter().chain(&outcome.steps);
    let code = |pixel| {
        let (x, y) = Field::FULL.position(pixel, image.0, image.1)?;
        // The converters have 14 of the 16 bits.
        Some((x >> 2, y >> 2))
    };
    points
        .map(|point| code(point.pixel).expect("points lie in the image"))
        .collect()
}

fn shape(experiment: &dyn Experiment) -> (usize, usize) {
    let image = experiment.image();
    (image.height(), image.width())
}

/// Runs 40 steps on the board and in this process, and compares all there is to compare.
fn compare(experiment: &mut dyn Oracle, seeds: &Seeds) {
    compare_with(&config(40), experiment, seeds);
}

/// Compares a campaign on the board with the one in this process; `None` without a board.
fn compare_with(
    config: &CampaignConfig,
    experiment: &mut dyn Oracle,
    seeds: &Seeds,
) -> Option<Outcome> {
    let board = EmulatedBoard::start()?;
    Some(compare_on(&board, config, experiment, seeds))
}

/// Compares a campaign on a board with the one in this process, and before every fiftieth call what the board
/// itself holds.
fn compare_on(
    board: &EmulatedBoard,
    config: &CampaignConfig,
    experiment: &mut dyn Oracle,
    seeds: &Seeds,
) -> Outcome {
    compare_at(50, board, config, experiment, seeds)
}

/// [`compare_on`], before every call of that number and its multiples.
fn compare_at(
    every: usize,
    board: &EmulatedBoard,
    config: &CampaignConfig,
    experiment: &mut dyn Oracle,
    seeds: &Seeds,
) -> Outcome {
    let (mut compared, mut calls, mut held) = (0, 0, Vec::new());
    let (outcome, link) = board.run(1, (config, seeds.clone()), experiment, |call, linked| {
        calls = call;
        if call.is_multiple_of(every) {
            check_posterior(linked)?;
            held = points_of_board(linked)?;
            compared += 1;
        }
        Ok(())
    });
    let outcome = outcome.expect("the campaign runs to its end");
    println!("{link:?}");
    assert!(compared > 0 && compared == calls / every, "{calls} calls");
    check_points(&held, &outcome);
    assert_eq!((link.losses, link.resumed), (0, 0));
    assert_same(&outcome, &run(config, seeds.clone(), experiment));
    assert_eq!(
        board.exposures(Settings::DEFAULT.dwell_us, 0),
        codes(&outcome, shape(experiment))
    );
    outcome
}

#[test]
fn a_campaign_on_the_pfm_data_equals_the_one_in_this_process_and_moves_the_beam_as_proposed() {
    let (Some(mut pfm), Some(seeds)) = (pfm(), published_seeds()) else {
        return;
    };
    compare(&mut pfm, &seeds);
}

/// The largest campaign in candidates that boards have room for, with weights that take one frame.
#[test]
fn a_campaign_of_filters_over_every_pixel_equals_the_one_in_this_process_and_moves_the_beam_as_proposed()
 {
    let config = CampaignConfig {
        edges: Edges::Reflect,
        surrogate: SurrogateKind::Filters,
        ..config(20)
    };
    let outcome = compare_with(&config, &mut specimen(1), &Seeds::Random(10));
    let Some(outcome) = outcome else {
        return;
    };
    let points = outcome.seeds.iter().chain(&outcome.steps);
    let inside = |index: usize| (8..=56).contains(&index);
    let beyond = points.filter(|point| !inside(point.pixel.row) || !inside(point.pixel.column));
    assert!(beyond.count() > 0, "no window reached beyond the image");
}

#[test]
fn a_campaign_on_the_specimen_equals_the_one_in_this_process_and_moves_the_beam_as_proposed() {
    compare(&mut specimen(1), &Seeds::Random(10));
}

/// Compares a short campaign after several targets, whose model arrives three times.
fn compare_several(targets: &[&str], surrogate: SurrogateKind) {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let config = CampaignConfig {
        steps: 6,
        retrain_every: 3.into(),
        surrogate,
        ..CampaignConfig::default()
    };
    let mut experiment = specimen_of(4, targets);
    let outcome = compare_at(20, &board, &config, &mut experiment, &Seeds::Random(6));
    assert_eq!(outcome.further.len() + 1, targets.len());
    for further in &outcome.further {
        let expected = further.expected.iter().flatten().count();
        assert_eq!(expected, config.steps, "{}", further.target);
    }
}

/// Filters: weights and statistics of both responses take one frame.
#[test]
fn a_campaign_of_two_responses_equals_the_one_in_this_process_and_moves_the_beam_as_proposed() {
    compare_several(&["line:Pd-La", "line:Au-Ma"], SurrogateKind::Filters);
}

/// The network: its weights arrive chunk by chunk, before the statistics of three responses.
#[test]
fn a_campaign_of_three_responses_equals_the_one_in_this_process_and_moves_the_beam_as_proposed() {
    let targets = ["line:Pd-La", "line:Au-Ma", "sum"];
    compare_several(&targets, SurrogateKind::Network);
}

/// The second family's core decides the same.
#[test]
fn a_campaign_on_the_cortex_m33_equals_the_one_in_this_process_and_moves_the_beam_as_proposed() {
    let Some(board) = EmulatedBoard::start_as("mps2-an505") else {
        return;
    };
    compare_on(&board, &config(20), &mut specimen(1), &Seeds::Random(10));
}

/// Calls of a campaign with random seeds: one to choose, two for each of ten seeds, one to
/// choose and one for the model; then two for every step and one for every fourth step's model.
#[test]
fn a_campaign_outlives_its_hosts_and_only_the_point_under_the_beam_is_exposed_again() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    // Expected improvement goes by the posterior everywhere, and its rounding depends on when a
    // model arrived.
    let config = CampaignConfig {
        strategy: "ei".to_owned(),
        ..config(12)
    };
    let (seeds, mut experiment) = (Seeds::Random(10), specimen(2));
    let killed = || ControllerError::State("the host is gone".to_owned());
    let ends = [
        // With the third seed under the beam.
        (7, 0),
        // Before the model of the first four steps.
        (32, 2),
        // Two points after it, with the seventh step under the beam.
        (38, 14),
        // With that point measured and nothing under the beam.
        (39, 16),
    ];
    for (host, (last, resumed)) in (1..).zip(ends) {
        let mut attend = |call, _: &mut Linked<'_>| match call {
            call if call == last => Err(killed()),
            _ => Ok(()),
        };
        let (outcome, link) =
            board.run(host, (&config, seeds.clone()), &mut experiment, &mut attend);
        let ended = match outcome {
            Ok(outcome) => outcome.ended.to_string(),
            Err(error) => error.to_string(),
        };
        assert!(ended.contains("the host is gone"), "host {host}: {ended}");
        assert_eq!(link.resumed, resumed, "host {host}");
    }
    let attend = |call, linked: &mut Linked<'_>| match call {
        40 => check_posterior(linked),
        _ => Ok(()),
    };
    let (outcome, link) = board.run(9, (&config, seeds.clone()), &mut experiment, attend);
    let outcome = outcome.expect("the last host finishes the campaign");
    assert_eq!(link.resumed, 17);
    assert_same(&outcome, &run(&config, seeds, &mut experiment));

    let mut expected = codes(&outcome, shape(&experiment));
    expected.insert(16, expected[16]);
    expected.insert(2, expected[2]);
    // A host that gives up blanks: the two exposures that it left may have been cut short.
    assert_eq!(board.exposures(Settings::DEFAULT.dwell_us, 2), expected);
}

#[test]
fn silence_blanks_the_beam_and_the_campaign_goes_on_as_if_nothing_had_been() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let (config, seeds, mut experiment) = (config(8), Seeds::Random(10), specimen(3));
    // The emulator of a crowded machine may hear the last frame late.
    let silence = u64::from(Settings::DEFAULT.link_timeout_ms) + 2500;
    let attend = |call, linked: &mut Linked<'_>| {
        // With a point under the beam that has to be measured when the line is back.
        if call == 27 {
            let before = linked.status()?;
            thread::sleep(Duration::from_millis(silence));
            let after = linked.status()?;
            assert_eq!(after.beam, Beam::Blanked(BlankReason::LinkLost));
            assert_eq!(after.link.losses, before.link.losses + 1);
            assert!(before.pending.is_some() && before.exposed.is_some());
            assert_eq!(without_line(&before), without_line(&after));
        }
        Ok(())
    };
    let (outcome, _) = board.run(1, (&config, seeds.clone()), &mut experiment, attend);
    let outcome = outcome.expect("the campaign runs to its end");
    assert_same(&outcome, &run(&config, seeds, &mut experiment));
    assert_eq!(
        board.exposures(Settings::DEFAULT.dwell_us, 0),
        codes(&outcome, shape(&experiment))
    );
}

#[test]
fn the_board_reduces_spectra_to_the_bits_of_the_host() {
    let Some(board) = EmulatedBoard::start() else {
        return;
    };
    let (config, seeds, mut experiment) = (config(2), Seeds::Random(10), specimen(3));
    let (measured, scalarizer) = (experiment.clone(), experiment.scalarizer().clone());
    let specimen = measured.specimen();
    let (axis, coordinates) = (specimen.channels(), specimen.coordinates());
    let reduce = |spectrum: &[f64]| scalarizer.reduce(spectrum, coordinates, axis).unwrap();
    let mut reduced = 0;
    let attend = |call, linked: &mut Linked<'_>| {
        if call < 12 {
            return Ok(());
        }
        let origin = reduce(&specimen.spectrum(0, 0));
        let form = scalarizer.on_controller(coordinates, axis);
        linked.reduce_with(form, origin)?;
        for candidate in (0..1000).step_by(97) {
            let pixel = (candidate as usize % 64, candidate as usize / 64);
            let spectrum = specimen.spectrum(pixel.0, pixel.1);
            let travels: Vec<f32> = spectrum.iter().map(|&counts| counts as f32).collect();
            // The host that is linked compares as well.
            match linked.measure_spectrum(Candidate(candidate), &travels) {
                // A seed, measured already.
                Err(ControllerError::Kernel(_)) => {}
                taken => {
                    let expected = (reduce(&spectrum) - origin) as f32;
                    assert_eq!(taken?.to_bits(), expected.to_bits());
                    let last = linked.status()?.last.expect("it was measured");
                    assert_eq!(
                        (last.candidate, last.value.to_bits()),
                        (candidate, expected.to_bits())
                    );
                    reduced += 1;
                }
            }
        }
        Err(ControllerError::State("enough".to_owned()))
    };
    let (outcome, _) = board.run(1, (&config, seeds), &mut experiment, attend);
    let ended = outcome.map(|outcome| outcome.ended.to_string());
    assert!(ended.is_ok_and(|ended| ended.ends_with("enough")));
    assert!(reduced >= 5, "{reduced}");
}

/// What comes of saying hello to a device that answers with so many random bytes to each of
/// ours.
fn said_of_device(answers: usize) -> String {
    let (mut device, line) = TTYPort::pair().expect("a pair of pseudo terminals");
    let name = line.name().expect("a pseudo terminal has a name");
    // Its other end stays with the kernel for as long as the device has its own.
    drop(line);
    let port = Port::open(&name, ControllerChoice::BAUD).expect("a port");
    let wait = Duration::from_millis(20);
    device.set_timeout(wait).expect("a time-out");
    let device = thread::spawn(move || {
        let mut random = Xoshiro128PlusPlus::seed_from_u64(5);
        let (mut bytes, deadline) = ([0; 64], Instant::now() + Duration::from_secs(2));
        while Instant::now() < deadline {
            // Nothing asked, or the line closed: the deadline ends it.
            let asked = device.read(&mut bytes).unwrap_or(0);
            for _ in 0..asked * answers {
                let byte = random.next_u32().to_le_bytes()[0];
                let _ = device.write(&[byte]);
            }
        }
    });
    let timing = Timing {
        reply_ms: 100,
        attempts: 3,
        ..Timing::default()
    };
    let mut memory = Memory::new(Capacity::for_campaign(16, 16, 8, 4));
    let mirror = InProcess::new(&mut memory).expect("memory of the right size");
    let client = Client::new(port, timing, 1);
    let said = Linked::connect(client, Recovery::default(), mirror).err();
    device.join().expect("the device ends");
    said.expect("this is no controller").to_string()
}

#[test]
fn a_port_without_a_controller_is_told_apart_silent_babbling_absent_or_taken() {
    let silent = said_of_device(0);
    assert!(silent.starts_with("no answer to 3 attempts: "), "{silent}");
    let rubbish = said_of_device(3);
    assert!(
        rubbish.starts_with("no answer to 3 attempts but "),
        "{rubbish}"
    );
    assert!(rubbish.contains(" bytes that are no frame: "), "{rubbish}");

    let open = |name: &str| Port::open(name, ControllerChoice::BAUD);
    let absent = open("/dev/no-such-port").err().expect("there is none");
    let absent = absent.to_string();
    assert!(
        absent.starts_with("`/dev/no-such-port`: cannot be opened"),
        "{absent}"
    );
    assert!(absent.contains("nothing is plugged in there"), "{absent}");

    let (_device, line) = TTYPort::pair().expect("a pair of pseudo terminals");
    let name = line.name().expect("a pseudo terminal has a name");
    drop(line);
    let _held = open(&name).expect("a port");
    let second = open(&name).err().expect("one host at a time").to_string();
    assert!(
        second.starts_with(&format!("`{name}`: cannot be opened: ")),
        "{second}"
    );
    assert!(second.contains("another program may hold it"), "{second}");
}
