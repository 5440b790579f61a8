//! What people ask for while a campaign runs, and after a kill.

use std::collections::HashSet;
use std::fs;
use std::mem::discriminant;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use beacon_host::Session;
use beacon_host::campaign::{Command, Ended, Event, LiveConfig, Series};
use beacon_host::internal::control::status;
use beacon_host::internal::journal::RunFolder;
use beacon_host::microscope::Microscope as _;
use beacon_kernel::{Candidate, Candidates, Edges};
use beacon_tests::live::{Ran, begin, go, resume, settings};
use beacon_tests::unreliable::Unreliable;

use super::{SPECIMEN, Written, column, folder, opened, run, say, undisturbed};

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

/// Commands that a campaign is given when it is about to measure its nth point.
type Asked = fn(usize) -> &'static [&'static str];

/// Runs a campaign that is given commands on the way; `meanwhile` is called after those of each
/// point. Cuts its journal at one place of each kind: what kinds of records stand before it and behind it. Does so
/// anew after each point that came with commands where `anew`, and else once more after each. Goes on from there
/// with the commands that had been answered by then.
fn goes_on_through_commands(
    arguments: &str,
    anew: bool,
    asked: Asked,
    meanwhile: impl Fn(&Path, usize),
) -> Ran {
    let (_kept, path) = folder();
    let mut config = settings(arguments);
    let give = |to: &Path, at: usize| {
        for text in asked(at) {
            say(to, text).unwrap_or_else(|error| panic!("{text}: {error}"));
        }
    };
    // The file of commands as it is after each acquisition.
    let mut kept = vec![Vec::new()];
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        give(&path, at);
        meanwhile(&path, at);
        kept.push(fs::read(path.join("commands")).unwrap());
        None
    });
    let whole = begin(&mut microscope, config, &path).unwrap();
    let journal = Written::read(&path);
    let is_command = |index: usize| {
        let event = &journal.records[index].1.event;
        matches!(event, Event::Commanded(_))
    };
    let (mut kinds, mut phase, mut tried) = (HashSet::new(), 0, 0);
    for (index, (place, behind)) in journal.records.iter().enumerate().skip(30) {
        let before = &journal.records[index - 1].1.event;
        let begins = is_command(index - 1) && !is_command(index);
        phase += usize::from(begins);
        let kind = (discriminant(before), discriminant(&behind.event));
        if !kinds.insert((anew.then_some(phase), kind)) && !begins {
            continue;
        }
        let measured = journal.measured_before(index);
        // A kill with the beam on comes before or after what is asked for meanwhile.
        let exposing = matches!(before, Event::Exposing(_));
        for answered in measured..=measured + usize::from(exposing) {
            let (_kept, path) = journal.cut(*place);
            fs::write(path.join("commands"), &kept[answered]).unwrap();
            // Only what was asked for after the cut is asked for again.
            let mut microscope = Unreliable::new(column(&mut settings(arguments)), |nth| {
                if measured + nth > answered {
                    give(&path, measured + nth);
                }
                None
            });
            let again = resume(&mut microscope, &path).unwrap();
            let cut = format!("cut at record {index}, after {measured} and answers to {answered}");
            assert_eq!(again.trajectory(), whole.trajectory(), "{cut}");
            let found = fs::read(path.join("commands")).unwrap();
            assert_eq!(timeless(&found), timeless(kept.last().unwrap()), "{cut}");
            // A command that was answered during an exposure that is lost counts from the point before.
            if answered == measured {
                assert_eq!(again.summary.commands, whole.summary.commands, "{cut}");
                assert_eq!(again.summary.discarded, whole.summary.discarded, "{cut}");
                let (a, b) = (again.series(), whole.series());
                assert_eq!(a.mae, b.mae, "{cut}");
                assert_eq!(a.patch_coverage, b.patch_coverage, "{cut}");
                let further = |of: &Series| serde_json::to_string(&of.further).unwrap();
                assert_eq!(further(a), further(b), "{cut}");
                let clusters =
                    |of: &Series| serde_json::to_string(&of.response_cluster_coverage).unwrap();
                assert_eq!(clusters(a), clusters(b), "{cut}");
            }
            tried += 1;
        }
    }
    println!("{tried} cuts");
    assert!(tried > 10, "{tried} cuts");
    whole
}

#[test]
fn what_was_asked_for_on_the_way_is_done_again_at_the_same_points() {
    let asked: Asked = |at| match at {
        15 => &["strategy ei"],
        20 => &["exclude 8..32,8..56", "measure 40,41"],
        28 => &["target line:Au-Ma", "strategy beacon"],
        _ => &[],
    };
    let whole = goes_on_through_commands(SPECIMEN, true, asked, |path, at| {
        // While it is being measured, and afterwards.
        for (point, why) in [(21, "is under the beam"), (22, "was measured before")] {
            if at == point {
                let refused = say(path, "measure 40,41").unwrap_err().to_string();
                assert!(refused.contains(why), "{refused}");
            }
        }
    });
    assert_eq!(whole.summary.commands.len(), 5);
    let steps = &whole.outcome.steps;
    let pixels: Vec<_> = steps
        .iter()
        .map(|s| (s.pixel.row, s.pixel.column))
        .collect();
    // Asked for while the twentieth point, of which ten were seeds, was measured.
    assert_eq!(pixels[10], (40, 41));
    assert!(steps[10].proposal.is_none());
    let excluded =
        |&(row, column): &(usize, usize)| (8..32).contains(&row) && (8..56).contains(&column);
    // More than a quarter of the candidates.
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
}

/// Two targets from the beginning, one in between, three at last: the journal folds to the same trajectory
/// wherever it is cut.
#[test]
fn several_targets_are_sought_again_after_a_kill() {
    let several = "--microscope specimen --budget 34 --target line:Pd-La --target line:Au-Ma";
    let asked: Asked = |at| match at {
        20 => &["target sum"],
        26 => &["target line:Au-Ma,line:Pd-La,window:1..2"],
        _ => &[],
    };
    let whole = goes_on_through_commands(several, false, asked, |path, at| {
        if at == 15 {
            for (words, told) in [
                (
                    "target sum,sum",
                    "`sum` is a target twice; expected each target once",
                ),
                (
                    "target sum,peak",
                    "unknown scalarizer `peak`; accepted are sum",
                ),
                (
                    "target sum,window:1..2,window:2..3,window:3..4,window:4..5",
                    "5 targets, `sum,window:1..2",
                ),
                ("target line:Pd-La,loop-area", "`loop-area`"),
                (
                    "strategy beacon-elite",
                    "beacon-elite with 2 targets; expected one of",
                ),
            ] {
                let refused = say(path, words).unwrap_err().to_string();
                assert!(refused.contains(told), "{words}: {refused}");
            }
        }
    });
    assert_eq!(whole.summary.target, "line:Au-Ma");
    assert_eq!(whole.summary.further_targets, ["line:Pd-La", "window:1..2"]);
    let phases = whole.summary.history.phases.iter();
    let phases: Vec<_> = phases.map(|phase| phase.further_targets.len()).collect();
    assert_eq!(phases.iter().collect::<HashSet<_>>().len(), 3, "{phases:?}");
    let further = &whole.outcome.further;
    assert_eq!(further.len(), 2);
    // Each response is the one of its own line: compared with the truth that the specimen tells.
    let microscope = column(&mut settings(SPECIMEN));
    let points: Vec<_> = whole
        .outcome
        .seeds
        .iter()
        .chain(&whole.outcome.steps)
        .collect();
    for of in further {
        let truth = microscope.truth(&of.target.parse().unwrap()).unwrap();
        let pairs = of.values.iter().zip(&points);
        let off = pairs.map(|(y, p)| (y - truth.at(p.pixel.row, p.pixel.column)).abs());
        let off = off.sum::<f64>() / points.len() as f64;
        let range = truth.values.iter().copied().fold(0.0, f64::max);
        assert!(off < 0.1 * range, "{}: {off} of {range}", of.target);
        assert_eq!(of.values.len(), points.len());
        assert!(of.expected.last().unwrap().is_some(), "{}", of.target);
        assert!(of.surrogate.is_some());
    }
    let series = &whole.summary.campaign.series;
    for of in &series.further {
        assert_eq!(of.mae.len(), series.mae.len(), "{}", of.target);
    }
    let known = |target: &str| {
        let of = series
            .further
            .iter()
            .find(|of| of.target == target)
            .unwrap();
        of.mae.iter().map(|mae| mae.is_finite()).collect::<Vec<_>>()
    };
    // Of the second target at first, of another at last, and of none in between.
    let (gold, palladium) = (known("line:Au-Ma"), known("line:Pd-La"));
    assert!(
        gold[..9].iter().all(|known| *known) && !gold[12..].contains(&true),
        "{gold:?}"
    );
    assert!(
        !palladium[..15].contains(&true) && palladium[23],
        "{palladium:?}"
    );
}

/// Components of the spectra so far, then a line, then other components: the journal, wherever it is cut, folds to
/// the same trajectory.
#[test]
fn components_are_learnt_again_after_a_kill() {
    let components = "--microscope specimen --budget 30 --target spectrum:3";
    let asked: Asked = |at| match at {
        18 => &["target line:Au-Ma"],
        21 => &["target spectrum:2,sum"],
        _ => &[],
    };
    let whole = goes_on_through_commands(components, false, asked, |path, at| {
        if at == 15 {
            for (words, told) in [
                (
                    "target spectrum:2,component:1/3",
                    "`spectrum:2` and `spectrum:3` cannot be sought together",
                ),
                ("target spectrum:0", "`spectrum:0` names no components"),
                ("target spectrum:4,sum", "5 targets, `spectrum:4,sum`"),
            ] {
                let refused = say(path, words).unwrap_err().to_string();
                assert!(refused.contains(told), "{words}: {refused}");
            }
        }
    });
    assert_eq!(whole.summary.target, "component:1/2");
    assert_eq!(whole.summary.further_targets, ["component:2/2", "sum"]);
    let values = |n: usize| &whole.outcome.further[n].values;
    let points = whole.outcome.seeds.iter().chain(&whole.outcome.steps);
    let first: Vec<f64> = points.map(|point| point.response).collect();
    assert!(first.iter().chain(values(0)).all(|value| value.is_finite()));
    // The first component of counts is their sum, but for a factor that is about that of all.
    let factors: Vec<f64> = first.iter().zip(values(1)).map(|(a, b)| a / b).collect();
    let mean = factors.iter().sum::<f64>() / factors.len() as f64;
    let off = factors.iter().map(|factor| (factor / mean - 1.0).abs());
    assert!(off.fold(0.0, f64::max) < 0.1, "{factors:?}");
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
                    say(path, text).unwrap();
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
    let records = Written::read(&path).records;
    let strategy = Command::Strategy("ei".to_owned());
    assert!(records.iter().any(|(_, record)| matches!(&record.event,
        Event::Commanded(given) if given.command == strategy)));
    let again = resume(&mut column(&mut settings(SPECIMEN)), &path).unwrap();
    assert_eq!(again.trajectory(), whole.trajectory());
}

#[test]
fn what_is_taken_back_is_taken_back_at_the_same_points_after_a_kill() {
    // The first point is a random one whose pixel follows from the seed.
    let asked: Asked = |at| match at {
        13 => &["exclude 8..40,8..56"],
        // Rows and columns of candidates 2047 and 3435, the first two measured.
        16 => &["discard 31,63", "discard 53,43"],
        20 => &["include 8..40,8..56", "restore 31,63"],
        24 => &[
            "budget 36",
            "dose-limit 1e13",
            "pixel-dose-limit 1e9",
            "time-limit 8h",
        ],
        27 => &["dwell 0.5", "pixel-dose-limit none", "time-limit none"],
        _ => &[],
    };
    let arguments = "--microscope specimen --budget 34";
    let whole = goes_on_through_commands(arguments, false, asked, |_, _| ());
    assert_eq!(whole.trajectory().len(), 36);
    assert_eq!(whole.summary.discarded, [1]);
    let warnings = whole.outcome.warnings.join("\n");
    assert!(
        warnings.contains("live times from 0.5 to 2 s"),
        "{warnings}"
    );
    let candidates = Candidates::with_edges(64, 64, 16, Edges::Reflect).unwrap();
    let excluded = |point: &(u32, u64)| {
        let pixel = candidates.pixel(Candidate(point.0)).unwrap();
        (8..40).contains(&pixel.row) && (8..56).contains(&pixel.column)
    };
    let trajectory = whole.trajectory();
    assert!(!trajectory[13..20].iter().any(excluded));
    let mut authors = whole.summary.command_authors.iter();
    assert!(authors.all(|(name, _)| name == "Ada"));
}

/// Accepts whatever waits in a campaign until it ends.
fn accept_all(path: &Path, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        match status(path) {
            Ok(status) if status.proposal.is_some() => {
                // It may have been accepted meanwhile.
                let _ = say(path, "accept");
            }
            _ => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

#[test]
fn what_is_approved_is_measured_as_without_a_word_and_after_a_kill() {
    let free = undisturbed("--microscope specimen --budget 16");
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
    let journal = Written::read(&path);
    for (place, _) in journal.records.iter().skip(20).step_by(17) {
        let (_kept, path) = journal.cut(*place);
        let again = accepted(&path, &mut || {
            let mut config = settings("--microscope specimen --budget 16 --approve");
            let mut microscope = opened(&mut config);
            resume(&mut *microscope, &path).unwrap()
        });
        assert_eq!(again.trajectory(), free.trajectory());
    }
}

#[test]
fn a_seed_that_is_measured_on_a_persons_word_is_measured_once() {
    let (_kept, path) = folder();
    let mut config = settings("--microscope specimen --budget 20");
    let seeds = vec![5, 700, 2601, 2000];
    // Candidate 2601, which is still to come, is asked for at the first.
    let mut microscope = Unreliable::new(column(&mut config), |at| {
        if at == 1 {
            say(&path, "measure 40,41").unwrap();
        }
        None
    });
    let run = RunFolder::begin(&path).unwrap();
    let never = || Arc::new(AtomicBool::new(false));
    let session = Session::begin(&mut microscope, config, Some(seeds), &run, never()).unwrap();
    let whole = go(session, None).unwrap();
    drop(run);
    let order = whole.order();
    assert_eq!(order[..4], [5, 2601, 700, 2000]);
    let distinct: HashSet<_> = order.iter().collect();
    assert_eq!((distinct.len(), order.len()), (20, 20));
    assert!(resume(&mut column(&mut settings(SPECIMEN)), &path).is_ok());
}
