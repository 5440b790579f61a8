//! Campaigns on instruments with everything that can happen to them, in this process.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use beacon_host::campaign::{
    Campaign, Command, Ended, Event, LiveConfig, Record, Seeds, pixel_area,
};
use beacon_host::control::{status, tell};
use beacon_host::controller::{InProcess, Memory};
use beacon_host::data::Map;
use beacon_host::experiment::SpecimenExperiment;
use beacon_host::journal::{Journal, RunFolder};
use beacon_host::live::{LiveError, Session, TakenUp};
use beacon_host::microscope::{
    Microscope, MicroscopeError, Opened, ReplayMicroscope, SimulatedBeam, SpecimenMicroscope,
};
use beacon_host::specimen::SpecimenKind;
use beacon_kernel::{Candidate, Candidates, Capacity};
use beacon_tests::live::{Ran, begin, go, resume, settings, trajectory};
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
        let capacity = Capacity::for_candidates(campaign.candidates(), 40);
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
        pixel_area(&image.rows, &image.columns).unwrap().get()
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

/// Commands that a campaign is given when it is about to measure its nth point.
type Asked = fn(usize) -> &'static [&'static str];

/// Runs a campaign that is given commands on the way, cuts its journal between records, and goes
/// on from there with the commands that had been answered by then.
fn goes_on_through_commands(arguments: &str, asked: Asked) -> Ran {
    let (_kept, path) = folder();
    let mut config = settings(arguments);
    let say = |to: &Path, text: &str| {
        let words: Vec<String> = text.split(' ').map(str::to_owned).collect();
        tell(to, &words, "Ada").unwrap_or_else(|error| panic!("{text}: {error}"));
    };
    let mut kept = vec![Vec::new()];
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        for text in asked(at) {
            say(&path, text);
        }
        kept.push(fs::read(path.join("commands")).unwrap());
        None
    });
    let whole = begin(&mut microscope, config, &path).unwrap();
    let journal = fs::read(path.join("journal")).unwrap();
    let records = Journal::open(&path.join("journal")).unwrap().records;
    for (index, (place, _)) in records.iter().enumerate().skip(30).step_by(5) {
        let before = &records[..index];
        let is_measured = |record: &&(_, Record)| matches!(record.1.event, Event::Measured(_));
        let measured = before.iter().filter(is_measured).count();
        let (_kept, path) = folder();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("journal"), &journal[..place.offset as usize]).unwrap();
        fs::write(path.join("commands"), &kept[measured]).unwrap();
        let mut microscope = Unreliable::new(column(&mut settings(arguments)), |nth| {
            for text in asked(measured + nth) {
                say(&path, text);
            }
            None
        });
        let again = resume(&mut microscope, &path).unwrap();
        let cut = format!("cut at record {index}, after {measured}");
        assert_eq!(again.trajectory(), whole.trajectory(), "{cut}");
        assert_eq!(again.summary.commands, whole.summary.commands, "{cut}");
        assert_eq!(again.summary.discarded, whole.summary.discarded, "{cut}");
        let (a, b) = (
            &again.summary.campaign.series,
            &whole.summary.campaign.series,
        );
        assert_eq!(a.mae, b.mae, "{cut}");
        assert_eq!(a.patch_coverage, b.patch_coverage, "{cut}");
    }
    whole
}

#[test]
fn what_is_taken_back_is_taken_back_at_the_same_points_after_a_kill() {
    // The first point is a random one whose pixel follows from the seed.
    let whole = goes_on_through_commands("--microscope specimen --budget 34", |at| match at {
        13 => &["exclude 8..40,8..56"],
        // Rows and columns of candidates 1200 and 2014, the first two measured.
        16 => &["discard 32,32", "discard 49,13"],
        20 => &["include 8..40,8..56", "restore 32,32"],
        24 => &["budget 36", "dose-limit 1e13"],
        27 => &["dwell 0.5"],
        _ => &[],
    });
    assert_eq!(whole.trajectory().len(), 36);
    assert_eq!(whole.summary.discarded, [1]);
    let candidates = Candidates::new(64, 64, 16).unwrap();
    let excluded = |point: &(u32, u64)| {
        let pixel = candidates.pixel(Candidate(point.0)).unwrap();
        (8..40).contains(&pixel.row) && (8..56).contains(&pixel.column)
    };
    let trajectory = whole.trajectory();
    assert!(!trajectory[13..20].iter().any(excluded));
    assert!(
        whole
            .summary
            .command_authors
            .iter()
            .all(|(name, _)| name == "Ada")
    );
}

/// Accepts whatever waits in a campaign until it ends.
fn accept_all(path: &Path, over: &AtomicBool) {
    let word = |text: &str| tell(path, &[text.to_owned()], "Eve");
    while !over.load(Ordering::Relaxed) {
        match status(path) {
            Ok(status) if status.proposal.is_some() => {
                // It may have been accepted meanwhile.
                let _ = word("accept");
            }
            _ => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

#[test]
fn what_is_approved_is_measured_as_without_a_word_and_after_a_kill() {
    let (_kept, path) = folder();
    let free = run("--microscope specimen --budget 16", &path);
    let (_kept, path) = folder();
    let accepted = |path: &Path, campaign: &mut dyn FnMut() -> Ran| {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| accept_all(path, &over));
            let ran = campaign();
            over.store(true, Ordering::Relaxed);
            ran
        })
    };
    let whole = accepted(&path, &mut || {
        run("--microscope specimen --budget 16 --approve", &path)
    });
    assert_eq!(whole.trajectory(), free.trajectory());
    let commands = &whole.summary.commands;
    assert!(commands.len() >= 16 && commands.iter().all(|(_, c)| *c == Command::Accept));
    let journal = fs::read(path.join("journal")).unwrap();
    let records = Journal::open(&path.join("journal")).unwrap().records;
    for (place, _) in records.iter().skip(20).step_by(17) {
        let (_kept, path) = folder();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("journal"), &journal[..place.offset as usize]).unwrap();
        let again = accepted(&path, &mut || {
            let mut config = settings("--microscope specimen --budget 16 --approve");
            let mut microscope = opened(&mut config);
            resume(&mut *microscope, &path).unwrap()
        });
        assert_eq!(again.trajectory(), free.trajectory());
    }
}

/// The data that the journal of version 1 is of.
fn image(r: u32, c: u32) -> f64 {
    f64::from((r * r * 3 + c * c * 5 + r * c * 7) % 97) / 4.0
}

fn response(r: u32, c: u32) -> f64 {
    f64::from((r * 11 + c * c * 2) % 89) / 8.0 + image(r, c) / 2.0
}

/// A journal that a program of version 1 of the format wrote: 28 points on data of whole numbers,
/// with a strategy, an exclusion, a point and a target that a person asked for. That program went on
/// with the candidates below.
#[test]
fn a_journal_of_version_1_is_gone_on_with_as_its_own_program_would_have() {
    const NEXT: [u32; 6] = [122, 187, 197, 178, 259, 320];
    let recorded = Path::new(env!("CARGO_MANIFEST_DIR")).join("recorded/journal-version-1");
    let recorded = fs::read(recorded).unwrap();
    let data = |value: fn(u32, u32) -> f64, name: &str| {
        let values = (0..24 * 24).map(|i| value(i / 24, i % 24)).collect();
        Map::uncalibrated(24, 24, values, name)
    };
    let microscope =
        || ReplayMicroscope::of_response(data(image, "image"), data(response, "response")).unwrap();
    let (_kept, path) = folder();
    fs::create_dir(&path).unwrap();
    fs::write(path.join("journal"), &recorded).unwrap();
    let go_on = |budget: usize| {
        let folder = RunFolder::resume(&path).unwrap();
        let mut taken_up = TakenUp::read(&folder).unwrap();
        taken_up.config.budget = budget;
        let mut microscope = microscope();
        let never = Arc::new(AtomicBool::new(false));
        let session = Session::resume(&mut microscope, taken_up, &folder, never).unwrap();
        go(session, None).unwrap()
    };
    let ran = go_on(34);
    let order: Vec<u32> = ran
        .trajectory()
        .iter()
        .map(|(candidate, _)| *candidate)
        .collect();
    assert_eq!(order[28..], NEXT);
    assert_eq!(ran.summary.commands.len(), 4);
    assert!(
        ran.outcome
            .steps
            .iter()
            .rev()
            .take(6)
            .all(|step| step.expected.is_some())
    );
    // The old journal is kept, and the new one has everything.
    assert_eq!(fs::read(path.join("journal.v1")).unwrap(), recorded);
    let found = Journal::open(&path.join("journal")).unwrap();
    assert_eq!(found.version, 2);
    let trained = |record: &(_, Record)| matches!(record.1.event, Event::Trained(_));
    assert!(found.records.iter().filter(|r| trained(r)).count() > 5);
    let whole = fs::read(path.join("journal")).unwrap();
    assert_eq!(go_on(34).trajectory(), ran.trajectory());
    assert_eq!(fs::read(path.join("journal")).unwrap(), whole);
}

#[test]
fn what_was_learned_spares_the_trainings_and_changes_nothing() {
    let (_kept, path) = folder();
    let arguments = "--microscope specimen --budget 30 --retrain-every 1";
    let whole = run(arguments, &path);
    let journal = fs::read(path.join("journal")).unwrap();
    let learned = fs::read(path.join("learned")).unwrap();
    let places: Vec<_> = Journal::open(&path.join("journal")).unwrap().records;
    let (place, _) = places[places.len() - 12];
    let mut damaged = learned.clone();
    damaged[40] ^= 1;
    for kept in [Some(&learned), Some(&damaged), None] {
        let (_kept, path) = folder();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("journal"), &journal[..place.offset as usize]).unwrap();
        if let Some(kept) = kept {
            fs::write(path.join("learned"), kept).unwrap();
        }
        let mut microscope = opened(&mut settings(arguments));
        let again = resume(&mut *microscope, &path).unwrap();
        assert_eq!(again.trajectory(), whole.trajectory());
        let (a, b) = (
            &again.summary.campaign.series,
            &whole.summary.campaign.series,
        );
        assert_eq!((&a.mae, &a.nlpd), (&b.mae, &b.nlpd));
    }
}

#[test]
fn points_that_cannot_be_used_are_left_out_and_too_many_in_a_row_end_a_campaign() {
    let (_kept, path) = folder();
    let undisturbed = run(SPECIMEN, &path);
    let (_kept, path) = folder();
    let mut config = settings(SPECIMEN);
    let mut microscope = Unreliable::new(column(&mut config), |at| match at {
        14 => Some(Mishap::Length(7)),
        19 => Some(Mishap::Length(0)),
        _ => None,
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Budget);
    assert_eq!(ran.trajectory().len(), 40);
    assert!(!microscope.unblanked);
    let warnings = ran.summary.campaign.warnings.join("\n");
    assert!(
        warnings.contains("its spectrum has 7 channels; expected 2048"),
        "{warnings}"
    );
    // Their dose counts.
    assert!(ran.summary.dose_electrons > 1.02 * undisturbed.summary.dose_electrons);
    let (_kept, path) = folder();
    let mut config = settings(&format!("{SPECIMEN} --most-failures 4"));
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        (at > 21).then_some(Mishap::Length(7))
    });
    let ran = begin(&mut microscope, config, &path).unwrap();
    let Ended::Unusable(why) = &ran.outcome.ended else {
        panic!("{:?}", ran.outcome.ended);
    };
    assert!(
        why.contains("4 points in a row") && why.contains("7 channels"),
        "{why}"
    );
    assert_eq!((ran.trajectory().len(), microscope.asked), (21, 25));
}

#[test]
fn a_seed_that_is_measured_on_a_persons_word_is_measured_once() {
    let (_kept, path) = folder();
    let mut config = settings("--microscope specimen --budget 20");
    let seeds = vec![5, 700, 1601, 2000];
    // Candidate 1601, which is still to come, is asked for at the first.
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        if at == 1 {
            let words = ["measure", "40,41"].map(str::to_owned);
            tell(&path, &words, "").unwrap();
        }
        None
    });
    let run = RunFolder::begin(&path).unwrap();
    let never = || Arc::new(AtomicBool::new(false));
    let session = Session::begin(&mut microscope, config, Some(seeds), &run, never()).unwrap();
    let whole = go(session, None).unwrap();
    drop(run);
    let order: Vec<u32> = whole
        .trajectory()
        .iter()
        .map(|(candidate, _)| *candidate)
        .collect();
    assert_eq!(order[..4], [5, 1601, 700, 2000]);
    let distinct: std::collections::HashSet<_> = order.iter().collect();
    assert_eq!((distinct.len(), order.len()), (20, 20));
    assert!(resume(&mut column(&mut settings(SPECIMEN)), &path).is_ok());
}
