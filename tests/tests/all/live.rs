//! Campaigns on instruments with everything that can happen to them, in this process.

use std::fs;
use std::path::Path;
use std::time::Duration;

use beacon_host::campaign::{
    Campaign, Command, Ended, Event, LiveConfig, Record, Seeds, pixel_area,
};
use beacon_host::control::tell;
use beacon_host::controller::{InProcess, Memory};
use beacon_host::experiment::SpecimenExperiment;
use beacon_host::journal::Journal;
use beacon_host::live::LiveError;
use beacon_host::microscope::{
    Microscope, MicroscopeError, Opened, SimulatedBeam, SpecimenMicroscope,
};
use beacon_host::specimen::SpecimenKind;
use beacon_kernel::Capacity;
use beacon_tests::live::{Ran, begin, resume, settings, trajectory};
use beacon_tests::unreliable::{Mishap, Unreliable};
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

fn run(arguments: &str, folder: &Path) -> Ran {
    let mut config = settings(arguments);
    let mut microscope = opened(&mut config);
    begin(&mut *microscope, config, folder).unwrap()
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

const SPECIMEN: &str = "--microscope specimen --budget 40";

#[test]
fn on_a_sample_that_stays_as_it_is_a_live_campaign_decides_as_a_replay() {
    for (kind, reduce) in [
        ("nanoparticles", "host"),
        ("nanoparticles", "controller"),
        ("ferroelectric", "host"),
        ("plasmonic", "host"),
    ] {
        let (_kept, path) = folder();
        let arguments = format!("--microscope specimen:{kind}:2 --budget 40 --reduce {reduce}");
        let live = run(&arguments, &path);
        let mut experiment =
            SpecimenExperiment::open(kind.parse::<SpecimenKind>().unwrap().config(2)).unwrap();
        let mut config = settings(&arguments).campaign;
        config.steps = 30;
        let campaign = Campaign::new(config, Seeds::Random(10), &experiment).unwrap();
        let capacity = Capacity::for_campaign(64, 64, 16, 40);
        let mut memory = Memory::new(capacity);
        let mut kernel = InProcess::new(&mut memory).unwrap();
        let replayed = campaign.run(&mut experiment, &mut kernel, &mut ()).unwrap();
        assert_eq!(live.trajectory(), trajectory(&replayed), "{kind}, {reduce}");
        assert_eq!(live.outcome.ended, Ended::Budget);
        assert_eq!(live.summary.campaign.series.mae, replayed.series.mae);
    }
}

/// Cuts the journal of a whole campaign everywhere between two records, and in the middle of
/// some, and goes on from each.
fn goes_on_from_everywhere(arguments: &str) {
    let (_kept, path) = folder();
    let whole = run(arguments, &path);
    let journal = fs::read(path.join("journal")).unwrap();
    let places: Vec<u64> = Journal::open(&path.join("journal"))
        .unwrap()
        .records
        .iter()
        .map(|(place, _)| place.offset)
        .collect();
    let cuts = places.iter().skip(1).step_by(7);
    let torn = places.iter().skip(3).step_by(19).map(|place| place + 5);
    let mut tried = 0;
    for cut in cuts.copied().chain(torn).chain([journal.len() as u64]) {
        let (_kept, path) = folder();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("journal"), &journal[..cut as usize]).unwrap();
        let mut config = settings(arguments);
        let mut microscope = opened(&mut config);
        let again = resume(&mut *microscope, &path).unwrap();
        assert_eq!(again.trajectory(), whole.trajectory(), "cut at {cut}");
        let (a, b) = (&again.summary, &whole.summary);
        assert_eq!(a.positions, b.positions, "cut at {cut}");
        assert_eq!(a.position_errors, b.position_errors, "cut at {cut}");
        assert_eq!(a.drift, b.drift, "cut at {cut}");
        assert_eq!(a.campaign.series.mae, b.campaign.series.mae, "cut at {cut}");
        tried += 1;
    }
    assert!(tried > 10, "{tried} cuts");
}

#[test]
fn a_campaign_goes_on_from_wherever_it_was_killed() {
    goes_on_from_everywhere(SPECIMEN);
}

#[test]
fn so_does_one_with_drift_damage_and_limits() {
    goes_on_from_everywhere(
        "--microscope specimen --budget 40 --drift-every 5 --drift 1.5 --drift-walk 0.5 \
         --damage-dose 3e5 --dose-limit 1e12",
    );
}

/// Commands as their file has them, but for when they were given.
fn timeless(file: &[u8]) -> Vec<serde_json::Value> {
    let lines = file.split(|&byte| byte == b'\n');
    let lines = lines.filter(|line| !line.is_empty());
    let command = |line: &[u8]| {
        let mut value: serde_json::Value = serde_json::from_slice(line).unwrap();
        value["at_ms"] = 0.into();
        value
    };
    lines.map(command).collect()
}

#[test]
fn what_was_asked_for_on_the_way_is_done_again_at_the_same_points() {
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let asked = |at: usize| match at {
        15 => &["strategy ei"][..],
        20 => &["exclude 8..32,8..56", "measure 40,41"],
        28 => &["target line:Au-Ma", "strategy beacon"],
        _ => &[],
    };
    let say = |to: &Path, text: &str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        tell(to, &words, "Ada")
    };
    // The file of commands as it is after each acquisition.
    let mut kept = vec![Vec::new()];
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        for text in asked(at) {
            say(&path, text).unwrap();
        }
        // While it is being measured, and afterwards.
        for (point, why) in [(21, "is under the beam"), (22, "was measured before")] {
            if at == point {
                let refused = say(&path, "measure 40,41").unwrap_err().to_string();
                assert!(refused.contains(why), "{refused}");
            }
        }
        kept.push(fs::read(path.join("commands")).unwrap());
        None
    });
    let whole = begin(&mut microscope, config, &path).unwrap();
    let steps = &whole.outcome.steps;
    let pixels: Vec<_> = steps
        .iter()
        .map(|s| (s.pixel.row, s.pixel.column))
        .collect();
    // Asked for while the twentieth point, of which ten were seeds, was measured.
    assert_eq!(pixels[10], (40, 41));
    assert!(steps[10].proposal.is_none());
    let excluded = |&(row, column): &(usize, usize)| row < 32 && (8..56).contains(&column);
    // Nearly half of the candidates.
    assert!(!pixels[10..].iter().any(excluded));
    // The one that was being measured may be measured again after a kill.
    assert!(!excluded(&pixels[9]));
    // All responses are of the last target, as if it had been sought from the beginning.
    assert_eq!(whole.summary.target, "line:Au-Ma");
    let truth = column(&mut settings(SPECIMEN))
        .truth(&"line:Au-Ma".parse().unwrap())
        .unwrap();
    let responses = whole.outcome.seeds.iter().chain(steps);
    let pairs: Vec<(f64, f64)> = responses
        .map(|p| (p.response, truth.at(p.pixel.row, p.pixel.column)))
        .collect();
    let off = pairs.iter().map(|(a, b)| (a - b).abs()).sum::<f64>() / pairs.len() as f64;
    let range = truth.values.iter().copied().fold(0.0, f64::max);
    assert!(off < 0.1 * range, "{off} of {range}");

    let journal = fs::read(path.join("journal")).unwrap();
    let records = Journal::open(&path.join("journal")).unwrap().records;
    let commands = records
        .iter()
        .filter(|(_, record)| matches!(record.event, Event::Commanded(_)));
    assert_eq!(commands.count(), 5);
    let mut tried = 0;
    for (index, (place, _)) in records.iter().enumerate().skip(30).step_by(2) {
        let before = &records[..index];
        let is_measured = |record: &&(_, Record)| matches!(record.1.event, Event::Measured(_));
        let measured = before.iter().filter(is_measured).count();
        // A kill with the beam on comes before or after what is asked for meanwhile.
        let exposing = matches!(before[index - 1].1.event, Event::Exposing(_));
        for answered in measured..=measured + usize::from(exposing) {
            let (_kept, path) = folder();
            fs::create_dir(&path).unwrap();
            fs::write(path.join("journal"), &journal[..place.offset as usize]).unwrap();
            fs::write(path.join("commands"), &kept[answered]).unwrap();
            // Only what was asked for after the cut is asked for again.
            let mut microscope = Unreliable::new(column(&mut settings(SPECIMEN)), |nth| {
                let at = measured + nth;
                if at > answered {
                    for text in asked(at) {
                        say(&path, text).unwrap();
                    }
                }
                None
            });
            let again = resume(&mut microscope, &path).unwrap();
            let cut = format!("cut at record {index}, after {measured} and answers to {answered}");
            assert_eq!(again.trajectory(), whole.trajectory(), "{cut}");
            let found = fs::read(path.join("commands")).unwrap();
            assert_eq!(timeless(&found), timeless(kept.last().unwrap()), "{cut}");
            tried += 1;
        }
    }
    assert!(tried > 30, "{tried} cuts");
}

#[test]
fn what_was_asked_for_before_a_stop_is_taken_before_the_end_or_after_it() {
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let asked = ["strategy ei", "measure 40,41", "exclude 8..32,8..56"];
    let run = |path: &Path, config: LiveConfig, stop: bool| {
        let mut microscope = Unreliable::new(column(&mut settings(SPECIMEN)), |at| {
            for text in asked.into_iter().chain(stop.then_some("stop")) {
                if at == 20 {
                    let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
                    tell(path, &words, "").unwrap();
                }
            }
            None
        });
        begin(&mut microscope, config, path).unwrap()
    };
    column(&mut config);
    let whole = run(&path, config.clone(), false);
    let (_kept, path) = folder();
    let stopped = run(&path, config, true);
    assert_eq!(stopped.outcome.ended, Ended::Stopped);
    assert_eq!(stopped.trajectory(), whole.trajectory()[..20]);
    let records = Journal::open(&path.join("journal")).unwrap().records;
    let strategy = Command::Strategy("ei".to_owned());
    assert!(records.iter().any(|(_, record)| matches!(&record.event,
        Event::Commanded(given) if given.command == strategy)));
    let again = resume(&mut column(&mut settings(SPECIMEN)), &path).unwrap();
    assert_eq!(again.trajectory(), whole.trajectory());
}

fn failed() -> MicroscopeError {
    MicroscopeError::Failed {
        call: "acquire".to_owned(),
        message: "the gun emits nothing".to_owned(),
    }
}

fn timed_out() -> MicroscopeError {
    MicroscopeError::TimedOut {
        address: "127.0.0.1:9".to_owned(),
        call: "acquire".to_owned(),
        seconds: 0.1,
    }
}

#[test]
fn an_instrument_that_fails_is_blanked_found_again_and_loses_nothing() {
    let (_kept, path) = folder();
    let undisturbed = run(SPECIMEN, &path);
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let mut microscope = Unreliable::new(column(&mut config), |at| match at {
        4 | 17 => Some(Mishap::Before(failed())),
        25 => Some(Mishap::After(timed_out())),
        _ => None,
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.trajectory(), undisturbed.trajectory());
    assert_eq!(microscope.reconnected, 3);
    assert!(!microscope.unblanked);
    let said = |what: &str| ran.said.iter().filter(|said| said.contains(what)).count();
    assert_eq!(said("the gun emits nothing; the beam is blanked"), 2);
    assert_eq!(said("did not answer"), 1);
    // What was exposed in vain counts.
    let extra = ran.summary.dose_electrons - undisturbed.summary.dose_electrons;
    let each = undisturbed.summary.dose_electrons / 41.0;
    assert!(extra > 0.5 * each, "{extra} {each}");
}

#[test]
fn an_instrument_that_fails_for_good_ends_the_campaign_with_what_there_is() {
    {
        let (mishap, said) = (Mishap::Before(failed()), "the gun emits nothing");
        let (_kept, path) = folder();
        let mut config = settings(&format!("{SPECIMEN} --patience 0.3"));
        let mut microscope =
            Unreliable::new(column(&mut config), |at| (at > 21).then(|| mishap.clone()));
        let ran = begin(&mut microscope, config, &path).unwrap();
        let Ended::Instrument(why) = &ran.outcome.ended else {
            panic!("{:?}", ran.outcome.ended);
        };
        assert!(why.contains(said), "{why}");
        assert_eq!(ran.summary.positions.len(), 21);
        assert!(!microscope.unblanked);
        // Mended, it goes on as if nothing had been.
        let mut microscope = column(&mut settings(SPECIMEN));
        let again = resume(&mut microscope, &path).unwrap();
        let (_kept, path) = folder();
        assert_eq!(again.trajectory(), run(SPECIMEN, &path).trajectory());
    }
}

#[test]
fn a_spectrum_that_is_given_up_ends_the_campaign_which_goes_on_with_it() {
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let aborted = MicroscopeError::Aborted {
        call: "acquire".to_owned(),
        beam: "the beam is blanked".to_owned(),
    };
    let mishap = |at| (at == 22).then(|| Mishap::Before(aborted.clone()));
    let mut microscope = Unreliable::new(column(&mut config), mishap);
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Interrupted);
    assert_eq!(ran.summary.positions.len(), 21);
    assert_eq!((microscope.asked, microscope.reconnected), (22, 0));
    assert!(!microscope.unblanked);
    let mut microscope = column(&mut settings(SPECIMEN));
    let again = resume(&mut microscope, &path).unwrap();
    let (_kept, path) = folder();
    let undisturbed = run(SPECIMEN, &path);
    assert_eq!(again.trajectory(), undisturbed.trajectory());
    // Nobody knows how much of it the sample has taken: it counts as announced.
    let extra = again.summary.dose_electrons - undisturbed.summary.dose_electrons;
    let each = undisturbed.summary.dose_electrons / 41.0;
    assert!(extra > 0.5 * each, "{extra} {each}");
}

#[test]
fn no_dose_limit_is_ever_broken() {
    let (_kept, path) = folder();
    let free = run(SPECIMEN, &path);
    let (_kept, path) = folder();
    // Enough for about half of the points, dead time and overview included.
    let limit = free.summary.dose_electrons / 2.0;
    let half = run(&format!("{SPECIMEN} --dose-limit {limit}"), &path);
    assert!(
        matches!(half.outcome.ended, Ended::Dose(_)),
        "{:?}",
        half.outcome.ended
    );
    assert!(half.summary.dose_electrons <= limit);
    assert!(half.summary.dose_electrons > 0.9 * limit);
    let points = half.summary.positions.len();
    assert!((15..25).contains(&points), "{points}");
    assert_eq!(half.trajectory(), free.trajectory()[..points]);
    let ended = half.summary.campaign.warnings.join("\n");
    assert!(ended.contains("a dose limit was reached"), "{ended}");
}

#[test]
fn a_point_that_would_take_too_much_is_left_out_and_others_are_measured() {
    let (_kept, path) = folder();
    let free = run(SPECIMEN, &path);
    let mut config = settings(SPECIMEN);
    let area = {
        let mut microscope = column(&mut config);
        let image = microscope.overview().unwrap();
        pixel_area(&image.rows, &image.columns).unwrap()
    };
    // One exposure of a point is allowed; the second, after a failure, is not.
    let each = free.summary.dose_electrons / 41.0 / area;
    let limit = 1.6 * each;
    let (_kept, path) = folder();
    let mut config = settings(&format!("{SPECIMEN} --pixel-dose-limit {limit}"));
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        (at == 23).then(|| Mishap::Before(failed()))
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Budget);
    let (points, expected) = (ran.trajectory(), free.trajectory());
    assert_eq!(points.len(), 40);
    assert_eq!(points[..22], expected[..22]);
    assert!(!points.contains(&expected[22]));
    assert!(
        ran.summary
            .campaign
            .warnings
            .iter()
            .any(|w| w.contains("was left out"))
    );
}

#[test]
fn time_and_coverage_end_a_campaign_in_order() {
    let (_kept, path) = folder();
    let mut config = settings(&format!("{SPECIMEN} --time-limit 1"));
    let mut microscope = Unreliable::new(column(&mut config), |_| {
        std::thread::sleep(Duration::from_millis(60));
        None
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Time);
    let points = ran.summary.positions.len();
    assert!((2..=17).contains(&points), "{points}");
    // Half of a campaign at random finds something at nearly every point; none for ever.
    let (_kept, path) = folder();
    let ran = run(
        "--microscope specimen --budget 400 --stall-after 3 --retrain-every 500",
        &path,
    );
    assert!(
        matches!(ran.outcome.ended, Ended::Stalled(_)),
        "{:?}",
        ran.outcome.ended
    );
    assert!(ran.summary.positions.len() < 400);
}

#[test]
fn settings_that_do_not_fit_are_refused_before_anything_is_written() {
    for (arguments, said) in [
        ("--dwell 0", "dwell is 0; expected"),
        ("--pixel-dose-limit=-3", "pixel-dose-limit is -3"),
        ("--drift-every 0", "drift-every is 0"),
        ("--scalarizer line:U-Ka", "axis `Energy` runs over"),
        ("--scalarizer loop-height", "needs a bias sweep"),
        (
            "--reduce controller --target plasmon-height:2..3",
            "reduce is controller",
        ),
        ("--dose-limit 1000", "the overview takes too much"),
        ("--stall-after 0", "stall-after is 0"),
        ("--most-failures 0", "most-failures is 0"),
    ] {
        let (_kept, path) = folder();
        let config = settings(&format!("{SPECIMEN} {arguments}"));
        let mut microscope = column(&mut settings(SPECIMEN));
        let error = begin(&mut microscope, config, &path)
            .unwrap_err()
            .to_string();
        assert!(error.contains(said), "{arguments}: {error}");
        assert!(!path.join("journal").exists());
    }
}

#[test]
fn another_instrument_or_another_program_is_not_gone_on_with() {
    let (_kept, path) = folder();
    let whole = run(SPECIMEN, &path);
    let mut other = settings("--microscope specimen:plasmonic --budget 40");
    let mut microscope = opened(&mut other);
    let error = resume(&mut *microscope, &path).unwrap_err();
    assert!(
        matches!(error, LiveError::OtherInstrument { .. }),
        "{error}"
    );
    // A journal that says otherwise than what is decided: two points exchanged.
    let file = path.join("journal");
    let records = Journal::open(&file).unwrap().records;
    fs::remove_file(&file).unwrap();
    let mut journal = Journal::begin(&file, &records[0].1).unwrap();
    for (_, mut record) in records.into_iter().skip(1) {
        if let Event::Measured(measured) = &mut record.event
            && measured.candidate == whole.outcome.seeds[3].candidate.0
        {
            measured.candidate += 1;
        }
        journal.append(&record).unwrap();
    }
    drop(journal);
    let mut microscope = column(&mut settings(SPECIMEN));
    let failure = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        resume(&mut microscope, &path)
    }));
    let message = failure.unwrap_err();
    let message = message
        .downcast_ref::<String>()
        .cloned()
        .unwrap_or_default();
    assert!(message.contains("the journal has candidate"), "{message}");
}
