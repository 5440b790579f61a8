mod several;

use std::collections::HashSet;

use beacon_kernel::Candidates;

use super::*;
use crate::campaign::{Campaign, CampaignConfig, Region, Seeds, Standing};
use crate::controller::{InProcess, Memory};
use crate::data::{Axis, Channels};
use crate::experiment::Replay;
use crate::journal::Journal;

const SIDE: usize = 20;

fn image() -> Map {
    let pixel = |n: usize| (0.7 * (n % SIDE) as f64).sin() + (0.09 * (n / SIDE) as f64).cos();
    Map::uncalibrated(SIDE, SIDE, (0..SIDE * SIDE).map(pixel).collect(), "image")
}

fn response() -> Map {
    let mut response = image();
    for (n, value) in response.values.iter_mut().enumerate() {
        *value = 5.0 + *value * *value + 0.01 * (n % 7) as f64;
    }
    response
}

fn config() -> CampaignConfig {
    CampaignConfig {
        window: 8,
        steps: 12,
        initial: 6,
        seed: 3,
        ..CampaignConfig::default()
    }
}

fn beginning() -> Beginning {
    Beginning::new(
        Setup::new(config(), 18),
        Seeds::Random(6),
        image(),
        |_, _| false,
    )
    .unwrap()
}

/// Does something with a campaign that was just begun, or taken up.
fn with<T>(beginning: Beginning, job: impl FnOnce(&mut AskTell<'_>) -> T) -> T {
    let mut memory = beginning.memory().unwrap();
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let mut explorer = AskTell::begin(beginning, &mut kernel, None).unwrap();
    job(&mut explorer)
}

fn value(point: &Asked) -> Vec<f64> {
    vec![response().at(point.pixel.row, point.pixel.column)]
}

fn tell(explorer: &mut AskTell<'_>, point: &Asked) {
    explorer
        .tell(vec![(point.candidate, value(point))])
        .unwrap();
}

fn steps(explorer: &mut AskTell<'_>, count: usize) {
    for _ in 0..count {
        let point = explorer.ask(1).unwrap()[0];
        tell(explorer, &point);
    }
}

fn told(explorer: &AskTell<'_>) -> Vec<u32> {
    let (points, _) = explorer.measurements();
    points.iter().map(|point| point.candidate.0).collect()
}

/// The judge is the campaign of a replay, whose driver is another.
#[test]
fn asked_and_told_one_by_one_it_is_the_campaign_of_a_replay() {
    let mut replay = Replay::new(image(), response()).unwrap();
    let campaign = Campaign::new(config(), Seeds::Random(6), &replay).unwrap();
    let mut memory = Memory::fitting(campaign.candidates(), 18).unwrap();
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let outcome = campaign.run(&mut replay, &mut kernel, &mut ()).unwrap();
    let points = outcome.seeds.iter().chain(&outcome.steps);
    let order: Vec<u32> = points.map(|point| point.candidate.0).collect();
    with(beginning(), |explorer| {
        steps(explorer, 18);
        assert_eq!(told(explorer), order);
        let bits = |map: &Map| map.values.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        let (mean, sigma) = explorer.surrogate().unwrap().unwrap();
        assert_eq!(bits(&mean), bits(&outcome.mean.unwrap()));
        assert_eq!(bits(&sigma), bits(&outcome.sigma.unwrap()));
        let map = explorer.map().unwrap().unwrap().0;
        assert_eq!(bits(&map.mean), bits(&outcome.map.unwrap().mean));
        assert_eq!(
            explorer.series().observed_coverage,
            outcome.series.observed_coverage
        );
        let full = explorer.ask(1).unwrap_err();
        assert!(full.to_string().contains("larger budget"), "{full}");
    });
}

#[test]
fn pending_points_count_and_are_told_in_any_order() {
    let explore = || {
        with(beginning(), |explorer| {
            let mut waiting = explorer.ask(4).unwrap();
            while told(explorer).len() + waiting.len() < 18 {
                waiting.extend(explorer.ask(1).unwrap());
                // The newest is told first, the others late.
                let point = waiting.remove(waiting.len() - 1 - told(explorer).len() % 3);
                tell(explorer, &point);
                assert_eq!(explorer.pending(), waiting);
            }
            for point in waiting.into_iter().rev() {
                tell(explorer, &point);
            }
            let predicted = explorer
                .measurements()
                .0
                .iter()
                .filter(|p| p.expected.is_some())
                .count();
            assert!(predicted >= 8, "{predicted}");
            told(explorer)
        })
    };
    let points = explore();
    assert_eq!(points.iter().collect::<HashSet<_>>().len(), 18);
    assert_eq!(points, explore());
}

/// What was asked for and is withdrawn leaves no trace: what follows is as if nobody had asked.
#[test]
fn a_point_that_is_withdrawn_was_never_asked_for() {
    let go_on = |withdrawn: bool| {
        with(beginning(), |explorer| {
            steps(explorer, 9);
            if withdrawn {
                for point in explorer.ask(3).unwrap() {
                    explorer.withdraw(point.candidate).unwrap();
                }
            }
            steps(explorer, 4);
            told(explorer)
        })
    };
    assert_eq!(go_on(true), go_on(false));
}

/// What the page of a folder shows is what the campaign itself says, whether the folder was written all along
/// or at the end.
#[test]
fn a_folder_has_the_maps_that_are_shown_of_it() {
    let parent = tempfile::tempdir().unwrap();
    let [kept, saved] = ["kept", "saved"].map(|name| parent.path().join(name));
    let beginning = beginning();
    let mut memory = beginning.memory().unwrap();
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let mut explorer = AskTell::begin(beginning, &mut kernel, Some(&kept)).unwrap();
    steps(&mut explorer, 10);
    explorer.save(&saved).unwrap();
    let (mean, _) = explorer.surrogate().unwrap().unwrap();
    drop(explorer);
    let mean = mean
        .values
        .iter()
        .flat_map(|&mean| (mean as f32).to_le_bytes());
    let mean: Vec<u8> = mean.collect();
    for (folder, scores) in [(&kept, true), (&saved, false)] {
        let seen = crate::journal::read_view(folder).unwrap();
        assert_eq!((seen.head.points, seen.head.seeds), (10, 6));
        assert_eq!(seen.head.series.seconds.len(), 4);
        let names: Vec<&str> = seen.head.maps.iter().map(|map| map.name.as_str()).collect();
        let expected = ["mean", "plane_x", "plane_y", "score", "sigma"];
        let expected: Vec<&str> = expected
            .into_iter()
            .filter(|name| scores || *name != "score")
            .collect();
        assert_eq!(names, expected);
        assert!(seen.maps[0] == mean, "the mean of {}", folder.display());
    }
    // The states before the last one are kept as those of a run.
    assert!(kept.join("views").is_dir());
}

#[test]
fn a_campaign_goes_on_from_where_it_was_saved() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("saved");
    let whole = with(beginning(), |explorer| {
        steps(explorer, 7);
        explorer.save(&folder).unwrap();
        steps(explorer, 3);
        explorer.save(&folder).unwrap();
        steps(explorer, 8);
        told(explorer)
    });
    for learned in [true, false] {
        let loaded = Beginning::load(&folder).unwrap();
        let again = with(loaded, |explorer| {
            assert_eq!(told(explorer).len(), 10);
            steps(explorer, 8);
            told(explorer)
        });
        assert_eq!(again, whole, "with what was learned: {learned}");
        let _ = std::fs::remove_file(folder.join("learned"));
    }
    let other = with(beginning(), |explorer| explorer.save(&folder)).unwrap_err();
    assert!(
        other.to_string().contains("another campaign is in it"),
        "{other}"
    );
    let nothing = Beginning::load(parent.path()).err().unwrap();
    assert!(matches!(nothing, AskTellError::Folder(_)), "{nothing}");
}

#[test]
fn a_journal_has_everything_at_every_moment() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("kept");
    let beginning = beginning();
    let mut memory = beginning.memory().unwrap();
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let mut explorer = AskTell::begin(beginning, &mut kernel, Some(&folder)).unwrap();
    steps(&mut explorer, 8);
    let so_far = told(&explorer);
    // It is dropped without a farewell, as a kill would.
    drop(explorer);
    with(Beginning::load(&folder).unwrap(), |explorer| {
        assert_eq!(told(explorer), so_far);
    });
}

#[test]
fn wherever_a_journal_breaks_off_every_point_may_be_told() {
    break_off(beginning(), value, &[5.5], &[4.0]);
}

/// Breaks a journal off behind each of its records and goes on from there. Points have the responses that they are
/// `measured` to have, or these.
fn break_off(
    beginning: Beginning,
    measured: impl Fn(&Asked) -> Vec<f64>,
    one: &[f64],
    others: &[f64],
) {
    let parent = tempfile::tempdir().unwrap();
    let whole = parent.path().join("whole");
    let mut memory = beginning.memory().unwrap();
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let mut explorer = AskTell::begin(beginning, &mut kernel, Some(&whole)).unwrap();
    // Planned points, one that was proposed, and one that nobody asked for.
    for _ in 0..7 {
        let point = explorer.ask(1).unwrap()[0];
        let told = vec![(point.candidate, measured(&point))];
        explorer.tell(told).unwrap();
    }
    let unmeasured = |explorer: &AskTell<'_>| -> Vec<Candidate> {
        let all = (0..explorer.candidates().count()).map(|n| Candidate(n as u32));
        let measured = told(explorer);
        all.filter(|c| !measured.contains(&c.0)).collect()
    };
    let unasked = unmeasured(&explorer)[40];
    explorer.tell(vec![(unasked, one.to_vec())]).unwrap();
    drop(explorer);
    let records = Journal::open(&whole.join("journal")).unwrap().records;
    for count in 2..=records.len() {
        let folder = parent.path().join(count.to_string());
        std::fs::create_dir(&folder).unwrap();
        let mut journal = Journal::begin(&folder.join("journal"), &records[0].1).unwrap();
        for (_, record) in &records[1..count] {
            journal.append(record).unwrap();
        }
        drop(journal);
        let beginning = Beginning::load(&folder).unwrap();
        let mut memory = beginning.memory().unwrap();
        let mut kernel = InProcess::new(&mut memory).unwrap();
        let mut explorer = AskTell::begin(beginning, &mut kernel, Some(&folder)).unwrap();
        // One whose record broke off in the middle comes first, and is what is asked for.
        if let Some(first) = explorer.unfinished() {
            let other = unmeasured(&explorer)[3];
            let refused = explorer.tell(vec![(other, others.to_vec())]).unwrap_err();
            assert!(
                refused.to_string().contains("expected it first"),
                "{refused}"
            );
            assert_eq!(explorer.ask(1).unwrap()[0].candidate, first);
            explorer.tell(vec![(first, one.to_vec())]).unwrap();
        }
        let left = 18 - told(&explorer).len();
        let mut points = unmeasured(&explorer);
        points.rotate_left(7);
        points.truncate(left - 1);
        points.retain(|&point| point != unasked);
        for point in points {
            explorer.tell(vec![(point, others.to_vec())]).unwrap();
        }
        if explorer.state().standing(unasked) != Standing::Measured {
            explorer.tell(vec![(unasked, one.to_vec())]).unwrap();
        }
        let all = told(&explorer);
        drop(explorer);
        with(Beginning::load(&folder).unwrap(), |explorer| {
            assert_eq!(told(explorer), all);
        });
    }
}

#[test]
fn failed_excluded_and_discarded_points_are_left_out() {
    with(beginning(), |explorer| {
        steps(explorer, 8);
        let failed = explorer.ask(1).unwrap()[0];
        explorer
            .tell(vec![(failed.candidate, vec![f64::NAN])])
            .unwrap();
        assert_eq!(
            explorer.state().left_out().last().unwrap().0,
            failed.candidate
        );
        let half = Region {
            rows: 0..SIDE / 2,
            columns: 0..SIDE,
        };
        explorer.command(Command::Exclude(half.clone())).unwrap();
        for _ in 0..4 {
            let point = explorer.ask(1).unwrap()[0];
            assert!(!half.holds(point.pixel) && point.candidate != failed.candidate);
            tell(explorer, &point);
        }
        explorer.command(Command::Include(half)).unwrap();
        let first = Candidate(told(explorer)[0]);
        explorer.command(Command::Discard(first.0)).unwrap();
        assert_eq!(explorer.state().standing(first), Standing::Discarded);
        explorer.command(Command::Restore(first.0)).unwrap();
        steps(explorer, 2);
    });
}

#[test]
fn what_cannot_be_told_changes_nothing() {
    with(beginning(), |explorer| {
        steps(explorer, 7);
        let known = explorer.measurements().0[0].candidate;
        let [one, two] = explorer.ask(2).unwrap()[..] else {
            panic!("two points")
        };
        let records = explorer.world.records.len();
        for (points, why) in [
            (
                vec![(one.candidate, value(&one)), (known, vec![1.0])],
                "was measured before",
            ),
            (
                vec![(one.candidate, vec![1.0]), (one.candidate, vec![1.0])],
                "is told twice",
            ),
            (
                vec![(two.candidate, vec![1.0, 2.0])],
                "has 2 numbers; expected 1",
            ),
            (
                (0..12).map(|n| (Candidate(n), vec![1.0])).collect(),
                "expected at most 11 more",
            ),
        ] {
            let error = explorer.tell(points).unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
        assert_eq!(explorer.world.records.len(), records);
        assert_eq!(explorer.pending(), [one, two]);
        let never = explorer.withdraw(known).unwrap_err().to_string();
        assert!(never.contains("is not pending"), "{never}");
    });
}

/// A spectrum of three channels, of which one is sought, then another.
#[test]
fn spectra_are_reduced_to_what_is_sought() {
    let channels = Channels::along(Axis::pixels("channel", 3), "signal", "");
    let setup = Setup {
        channels,
        scalarizers: vec![
            "window:-0.25..0.25".parse().unwrap(),
            "window:1..2".parse().unwrap(),
        ],
        ..Setup::new(config(), 18)
    };
    let beginning = Beginning::new(setup, Seeds::Random(6), image(), |_, _| false).unwrap();
    with(beginning, |explorer| {
        for _ in 0..8 {
            let point = explorer.ask(1).unwrap()[0];
            let value = value(&point)[0];
            let spectrum = vec![value, 1.0, -value];
            explorer.tell(vec![(point.candidate, spectrum)]).unwrap();
        }
        let before = explorer.measurements().0;
        explorer
            .command(Command::Target("window:1..2".to_owned()))
            .unwrap();
        for (first, second) in before.iter().zip(explorer.measurements().0) {
            assert_eq!(second.response, 1.0 - first.response);
            assert_eq!(explorer.spectrum(second.candidate).unwrap()[1], 1.0);
        }
        // A target of which nobody spoke before is reduced from what was told.
        explorer.command(Command::Target("sum".to_owned())).unwrap();
        assert!(
            explorer
                .measurements()
                .0
                .iter()
                .all(|p| (p.response - 1.0).abs() < 1e-12)
        );
    });
}

/// A strategy of the caller's that takes what `mu` takes proposes what `mu` does.
#[test]
fn a_strategy_sees_what_the_kernel_sees() {
    let order = |own: bool| {
        let setup = Setup::new(
            CampaignConfig {
                strategy: "mu".to_owned(),
                ..config()
            },
            18,
        );
        let beginning = Beginning::new(setup, Seeds::Random(6), image(), |_, _| false).unwrap();
        with(beginning, |explorer| {
            for _ in 0..18 {
                let sight = if own { explorer.sight().unwrap() } else { None };
                let point =
                    match sight {
                        None => explorer.ask(1).unwrap()[0],
                        Some(sight) => {
                            let free = (0..)
                                .zip(sight.sigma())
                                .zip(&sight.free)
                                .filter(|(_, free)| **free);
                            let best = free.map(|(scored, _)| scored).fold(
                                (0, -1.0),
                                |best, (n, &sigma)| {
                                    if sigma > best.1 { (n, sigma) } else { best }
                                },
                            );
                            assert_eq!(
                                sight.sample().len(),
                                Candidates::count(explorer.candidates())
                            );
                            explorer
                                .choose(Candidate(best.0), best.1 as f32, &sight)
                                .unwrap()
                        }
                    };
                tell(explorer, &point);
            }
            told(explorer)
        })
    };
    assert_eq!(order(true), order(false));
}

#[test]
fn pixels_that_are_left_out_are_no_candidates() {
    let left_out = |row: usize, _| row < 12;
    let setup = Setup::new(config(), 18);
    let beginning = Beginning::new(setup, Seeds::Random(6), image(), left_out).unwrap();
    with(beginning, |explorer| {
        steps(explorer, 18);
        assert!(
            explorer
                .measurements()
                .0
                .iter()
                .all(|point| point.pixel.row >= 12)
        );
    });
    let mut holed = image();
    holed.values[13 * SIDE] = f64::NAN;
    let width = SIDE as u32;
    let seeds = [3, 12 * width, 13 * width, 14 * width].map(Candidate);
    let lost = Beginning::new(
        Setup::new(config(), 18),
        Seeds::Given(seeds.to_vec()),
        holed,
        left_out,
    );
    let error = lost.err().unwrap().to_string();
    let expected = "2 of 4 seeds are no candidates: row 0, column 3; row 13, column 0, ";
    assert!(error.starts_with(expected), "{error}");
    // As a budget of all pixels with data is 0.
    let mut empty = image();
    empty.values.fill(f64::NAN);
    let empty = Beginning::new(Setup::new(config(), 0), Seeds::Random(6), empty, |_, _| {
        false
    });
    let error = empty.err().unwrap().to_string();
    let expected = "the number of pixels with data of the image is 0";
    assert!(error.starts_with(expected), "{error}");
    let setup = Setup::new(config(), 18);
    let most = Beginning::new(setup, Seeds::Random(6), image(), |row, column| {
        row > 0 || column > 16
    });
    let error = most.err().unwrap().to_string();
    assert!(
        error.contains("budget is 18; expected at most the 17"),
        "{error}"
    );
}
