//! Several targets at once.

use super::*;
use crate::campaign::Outcome;
use crate::data::{Axis, Channels, Spectra};
use crate::metrics::{TARGET_BINS, vector_groups};

const CHANNELS: usize = 12;

/// A second response, which is large where the first says nothing of it.
fn other() -> Map {
    let pixel = |n: usize| 300.0 * (0.4 * (n / SIDE) as f64).cos() + (n % SIDE) as f64;
    Map::uncalibrated(SIDE, SIDE, (0..SIDE * SIDE).map(pixel).collect(), "other")
}

/// Counts of three lines whose heights differ from pixel to pixel.
fn counts(row: usize, column: usize) -> Vec<f64> {
    let line = |channel: usize, centre: f64| (-0.5 * (channel as f64 - centre).powi(2)).exp();
    let (row, column) = (row as f64, column as f64);
    let channel = |n: usize| {
        let lines = line(n, 2.0) * (20.0 + 2.0 * row)
            + line(n, 6.0) * (60.0 - 2.0 * column)
            + line(n, 9.0) * 90.0 * (0.5 * row).sin().abs();
        (3.0 + lines).round()
    };
    (0..CHANNELS).map(channel).collect()
}

fn setup(channels: usize, targets: &str) -> Setup {
    Setup {
        channels: Channels::along(Axis::pixels("response", channels), "response", ""),
        target: targets.parse().unwrap(),
        ..Setup::new(config(), 18)
    }
}

const BOTH: &str = "window:-0.25..0.25,window:0.75..1.25";

fn began(setup: Setup) -> Beginning {
    Beginning::new(setup, Seeds::Random(6), image(), |_, _| false).unwrap()
}

fn two() -> Beginning {
    began(setup(2, BOTH))
}

fn both(point: &Asked) -> Vec<f64> {
    let Pixel { row, column } = point.pixel;
    vec![response().at(row, column), other().at(row, column)]
}

fn spectrum(point: &Asked) -> Vec<f64> {
    counts(point.pixel.row, point.pixel.column)
}

fn go_on(explorer: &mut AskTell<'_>, count: usize, measured: impl Fn(&Asked) -> Vec<f64>) {
    for _ in 0..count {
        let point = explorer.ask(1).unwrap()[0];
        explorer
            .tell(vec![(point.candidate, measured(&point))])
            .unwrap();
    }
}

fn bits(map: &Map) -> Vec<u64> {
    map.values.iter().map(|value| value.to_bits()).collect()
}

/// The judge is the campaign of a replay, whose driver is another. Of so many points it is known what was expected
/// of the responses that are sought at the end.
fn same_as(
    mut replay: Replay,
    beginning: Beginning,
    measured: impl Fn(&Asked) -> Vec<f64>,
    expected: usize,
) {
    let campaign = Campaign::new(config(), Seeds::Random(6), &replay).unwrap();
    let mut memory = Memory::new(campaign.capacity());
    let mut kernel = InProcess::new(&mut memory).unwrap();
    let outcome: Outcome = campaign.run(&mut replay, &mut kernel, &mut ()).unwrap();
    let points: Vec<_> = outcome.seeds.iter().chain(&outcome.steps).collect();
    with(beginning, |explorer| {
        go_on(explorer, 18, measured);
        let order: Vec<u32> = points.iter().map(|point| point.candidate.0).collect();
        assert_eq!(told(explorer), order);
        let of_first = explorer.measurements().0;
        assert!(of_first.iter().zip(&points).all(|(ours, theirs)| {
            ours.response == theirs.response && ours.expected == theirs.expected
        }));
        let further = explorer.further();
        assert_eq!(further.len(), 1);
        assert_eq!(further[0].values, outcome.further[0].values);
        assert_eq!(further[0].expected, outcome.further[0].expected);
        assert_eq!(further[0].expected.iter().flatten().count(), expected);
        let theirs = outcome.mean.iter().zip(&outcome.sigma);
        let theirs = theirs.chain(outcome.further.iter().filter_map(|further| {
            let (mean, sigma) = further.surrogate.as_ref()?;
            Some((mean, sigma))
        }));
        let ours = explorer.surrogates().unwrap();
        assert_eq!(theirs.clone().count(), 2);
        for ((mean, sigma), (their_mean, their_sigma)) in ours.iter().zip(theirs) {
            assert_eq!(bits(mean), bits(their_mean));
            assert_eq!(bits(sigma), bits(their_sigma));
        }
        assert_eq!(
            bits(&explorer.surrogate().unwrap().unwrap().0),
            bits(&ours[0].0)
        );
        let map = explorer.map().unwrap().unwrap().0;
        assert_eq!(bits(&map.mean), bits(&outcome.map.unwrap().mean));
        assert_eq!(
            explorer.series().observed_coverage,
            outcome.series.observed_coverage
        );
    });
}

#[test]
fn several_responses_are_those_of_a_replay() {
    let replay = Replay::new(image(), response()).unwrap();
    same_as(replay.and(other()).unwrap(), two(), both, 12);
}

#[test]
fn components_of_the_spectra_so_far_are_those_of_a_replay() {
    let pixels = || (0..SIDE).flat_map(|row| (0..SIDE).map(move |column| (row, column)));
    let values = pixels().flat_map(|(row, column)| counts(row, column));
    let axis = Axis::pixels("response", CHANNELS);
    let spectra = Spectra::new(
        Axis::pixels("row", SIDE),
        Axis::pixels("column", SIDE),
        axis.clone(),
        axis.values(),
        values.map(|count| count as f32).collect(),
    );
    let setup = setup(CHANNELS, "spectrum:2");
    let replay = Replay::of_spectra(image(), spectra, &setup.target).unwrap();
    // They are learnt from 6, 9 and 14 spectra.
    same_as(replay, began(setup), spectrum, 4);
}

/// The map to publish of each response is the one of a campaign that seeks it alone.
#[test]
fn each_target_has_a_map_to_publish() {
    let points: Vec<_> = (0..12).map(|n| Candidate(31 * n + 7)).collect();
    let map_of = |targets: &str, place: usize| {
        with(began(setup(2, targets)), |explorer| {
            let candidates = explorer.candidates();
            let all = points.iter().map(|&candidate| {
                let pixel = candidates.pixel(candidate).unwrap();
                let expected = None;
                (
                    candidate,
                    both(&Asked {
                        candidate,
                        pixel,
                        expected,
                    }),
                )
            });
            explorer.tell(all.collect()).unwrap();
            let made = explorer.map_of(place).unwrap();
            made.map(|(map, figures)| (bits(&map.mean), bits(&map.sigma), figures))
        })
    };
    let [first, second] = [map_of(BOTH, 0).unwrap(), map_of(BOTH, 1).unwrap()];
    assert_eq!(first, map_of("window:-0.25..0.25", 0).unwrap());
    assert_eq!(second, map_of("window:0.75..1.25", 0).unwrap());
    assert!(first != second);
    assert_eq!(map_of(BOTH, 2), None);
}

/// With no training in between, a pending point is as one that was told what is expected of every response.
#[test]
fn pending_points_take_the_expected_value_of_every_response() {
    let next = |told: Option<[f64; 2]>| {
        let mut setup = setup(2, BOTH);
        setup.campaign.retrain_every = 100.into();
        with(began(setup), |explorer| {
            go_on(explorer, 6, both);
            let first = explorer.ask(1).unwrap()[0];
            if let Some(beside) = told {
                let maps = explorer.surrogates().unwrap();
                let Pixel { row, column } = first.pixel;
                let expected = maps.iter().zip(beside);
                let expected = expected.map(|((mean, _), beside)| mean.at(row, column) + beside);
                let expected = expected.collect();
                explorer.tell(vec![(first.candidate, expected)]).unwrap();
            }
            explorer
                .ask(3)
                .unwrap()
                .iter()
                .map(|point| point.candidate)
                .collect::<Vec<_>>()
        })
    };
    let pending = next(None);
    assert_eq!(next(Some([0.0, 0.0])), pending);
    assert_ne!(next(Some([0.0, 900.0])), pending);
}

#[test]
fn pending_vectors_are_told_in_any_order_and_at_once() {
    for targets in [BOTH, "spectrum:2", "spectrum:1,window:0.5..4"] {
        let measured = if targets == BOTH { both } else { spectrum };
        let channels = if targets == BOTH { 2 } else { CHANNELS };
        let explore = || {
            with(began(setup(channels, targets)), |explorer| {
                let mut waiting = explorer.ask(4).unwrap();
                while told(explorer).len() + waiting.len() < 18 {
                    waiting.extend(explorer.ask(2).unwrap());
                    let late = waiting.remove(waiting.len() - 1 - told(explorer).len() % 3);
                    let points = [late, waiting.remove(0)];
                    let points = points.map(|point| (point.candidate, measured(&point)));
                    explorer.tell(points.to_vec()).unwrap();
                    let pending: Vec<_> = explorer.pending().iter().map(|p| p.candidate).collect();
                    let waiting: Vec<_> = waiting.iter().map(|p| p.candidate).collect();
                    assert_eq!(pending, waiting);
                }
                let discarded = told(explorer)[1];
                explorer.command(Command::Discard(discarded)).unwrap();
                let corner = Region {
                    rows: 0..9,
                    columns: 0..9,
                };
                explorer.command(Command::Exclude(corner)).unwrap();
                for point in explorer.pending().into_iter().rev() {
                    explorer
                        .tell(vec![(point.candidate, measured(&point))])
                        .unwrap();
                }
                assert!(explorer.surrogates().unwrap().len() == 2, "{targets}");
                let expected = explorer.further()[0].expected.iter().flatten().count();
                // Components are learnt anew late, and what was expected of earlier ones does not count.
                assert!(expected > 0 || targets != BOTH, "{targets}");
                told(explorer)
            })
        };
        let points = explore();
        let distinct: HashSet<_> = points.iter().collect();
        assert_eq!(distinct.len(), points.len(), "{targets}");
        assert_eq!(points, explore(), "{targets}");
    }
}

/// Chance goes by how many points were measured, also while components have yet to be learnt.
#[test]
fn a_point_that_is_withdrawn_before_components_are_learnt_leaves_no_trace() {
    let points = |withdrawn: bool| {
        with(began(setup(CHANNELS, "spectrum:2")), |explorer| {
            go_on(explorer, 3, spectrum);
            if withdrawn {
                for point in explorer.ask(2).unwrap() {
                    explorer.withdraw(point.candidate).unwrap();
                }
            }
            go_on(explorer, 6, spectrum);
            told(explorer)
        })
    };
    assert_eq!(points(true), points(false));
}

#[test]
fn a_campaign_of_several_goes_on_from_where_it_was_saved() {
    for (channels, targets) in [(2, BOTH), (CHANNELS, "spectrum:2")] {
        let measured = if targets == BOTH { both } else { spectrum };
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("saved");
        let whole = with(began(setup(channels, targets)), |explorer| {
            go_on(explorer, 7, measured);
            explorer.save(&folder).unwrap();
            go_on(explorer, 3, measured);
            explorer.save(&folder).unwrap();
            go_on(explorer, 8, measured);
            (told(explorer), explorer.further()[0].expected.clone())
        });
        for learned in [true, false] {
            let loaded = Beginning::load(&folder).unwrap();
            let again = with(loaded, |explorer| {
                assert_eq!(told(explorer).len(), 10);
                assert_eq!(explorer.state().settings().targets_in_words(), targets);
                go_on(explorer, 8, measured);
                (told(explorer), explorer.further()[0].expected.clone())
            });
            assert_eq!(again, whole, "{targets}, with what was learned: {learned}");
            let _ = std::fs::remove_file(folder.join("learned"));
        }
    }
}

#[test]
fn wherever_a_journal_of_several_breaks_off_every_point_may_be_told() {
    break_off(two(), both, &[5.5, 20.0], &[4.0, -3.0]);
    let [one, others] = [(4, 4), (9, 15)].map(|(row, column)| counts(row, column));
    break_off(
        began(setup(CHANNELS, "spectrum:2")),
        spectrum,
        &one,
        &others,
    );
}

#[test]
fn targets_change_on_the_way_and_what_was_expected_of_others_does_not_count() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("saved");
    let seek = |text: &str| Command::seek(&text.parse().unwrap());
    with(began(setup(2, "window:0.75..1.25")), |explorer| {
        go_on(explorer, 8, both);
        assert!(explorer.further().is_empty());
        let asked = explorer.ask(1).unwrap()[0];
        assert!(asked.expected.is_some());
        explorer.command(seek(BOTH)).unwrap();
        let pending = explorer.pending();
        assert_eq!(
            (pending[0].candidate, pending[0].expected),
            (asked.candidate, None)
        );
        explorer
            .tell(vec![(asked.candidate, both(&asked))])
            .unwrap();
        go_on(explorer, 1, both);
        let first = explorer.measurements().0;
        let further = &explorer.further()[0];
        assert_eq!(first[9].pixel, explorer.state().points()[9].pixel);
        for (n, expected) in further.expected.iter().enumerate() {
            // The last point alone was chosen by both.
            assert_eq!(
                (first[n].expected.is_some(), expected.is_some()),
                (n == 9, n == 9)
            );
            let Pixel { row, column } = first[n].pixel;
            let both = [response(), other()].map(|map| map.at(row, column));
            assert_eq!([first[n].response, further.values[n]], both);
        }
        explorer.save(&folder).unwrap();
    });
    let loaded = with(Beginning::load(&folder).unwrap(), |explorer| {
        assert_eq!(explorer.surrogates().unwrap().len(), 2);
        explorer.command(seek("sum")).unwrap();
        assert_eq!(explorer.surrogates().unwrap().len(), 1);
        explorer.state().settings().targets_in_words()
    });
    assert_eq!(loaded, "sum");
}

/// The judge is the program's coverage of all there is, which every point measured makes that of what was measured.
#[test]
fn coverage_is_that_of_the_vectors() {
    let cells = |first: &[f64], second: &[f64]| {
        vector_groups(&[first, second], TARGET_BINS)
            .unwrap()
            .occupied() as f64
            / 100.0
    };
    with(two(), |explorer| {
        assert!(explorer.coverage().is_empty());
        go_on(explorer, 18, both);
        let coverage = explorer.coverage();
        assert_eq!(coverage.len(), 12);
        let points = explorer.measurements().0;
        let first: Vec<f64> = points.iter().map(|point| point.response).collect();
        let second = &explorer.further()[0].values;
        for (n, share) in (7..).zip(&coverage) {
            assert_eq!(*share, cells(&first[..n], &second[..n]));
        }
        assert_ne!(coverage, explorer.series().observed_coverage);
        // What does not count covers nothing.
        explorer
            .command(Command::Discard(points[3].candidate.0))
            .unwrap();
        let without = |of: &[f64]| [&of[..3], &of[4..]].concat();
        let last = cells(&without(&first), &without(second));
        assert_eq!(explorer.coverage().last(), Some(&last));
    });
    // Two that say the same have two axes, of which one tells nothing.
    with(began(setup(2, BOTH)), |explorer| {
        go_on(explorer, 8, |point| vec![value(point)[0]; 2]);
        assert!(
            explorer
                .coverage()
                .iter()
                .all(|share| (0.01..=0.1).contains(share))
        );
    });
}

#[test]
fn constant_and_collinear_responses_are_sought_all_the_same() {
    type Vectors = fn(&Asked) -> Vec<f64>;
    let collinear: Vectors = |point| vec![value(point)[0], 7.0 - 2.0 * value(point)[0]];
    let constant: Vectors = |point| vec![value(point)[0], 3.5];
    let neither: Vectors = |_| vec![1.0, 3.5];
    for measured in [collinear, constant, neither] {
        with(two(), |explorer| {
            go_on(explorer, 18, measured);
            let maps = explorer.surrogates().unwrap();
            assert!(maps.len() == 2);
            assert!(
                maps.iter()
                    .all(|(mean, _)| mean.values.iter().all(|value| value.is_finite()))
            );
        });
    }
}

#[test]
fn what_cannot_be_sought_together_is_refused_by_name() {
    let refused = |setup: Setup, seeds: Seeds| {
        let error = Beginning::new(setup, seeds, image(), |_, _| false)
            .err()
            .unwrap();
        error.to_string()
    };
    let three = setup(CHANNELS, "spectrum:3");
    let seeds = Seeds::Given(vec![Candidate(3), Candidate(90)]);
    for seeds in [seeds, Seeds::Random(2)] {
        assert_eq!(
            refused(three.clone(), seeds),
            "initial is 2; expected at least the 3 spectra that `spectrum:3` is learnt from"
        );
    }
    let few = refused(setup(2, "spectrum:3"), Seeds::Random(6));
    let needs = "`spectrum:3` needs at least 3 channels; the axis has 2";
    assert!(few.contains(needs), "{few}");
    let mut elite = setup(2, BOTH);
    "beacon-elite".clone_into(&mut elite.campaign.strategy);
    let elite = refused(elite, Seeds::Random(6));
    assert!(
        elite.contains("beacon-elite with 2 targets; expected one of"),
        "{elite}"
    );
    with(two(), |explorer| {
        go_on(explorer, 7, both);
        let own = explorer.sight().unwrap_err().to_string();
        assert_eq!(
            own,
            format!(
                "2 targets, `{BOTH}`, with a strategy of the caller's, which decides by one; expected one target, or a \
                 strategy by its name"
            )
        );
        let targets =
            ["0..1", "0..0.5", "0.5..1", "0.6..1", "0.7..1"].map(|of| format!("window:{of}"));
        let five = explorer
            .command(Command::Targets(targets.to_vec()))
            .unwrap_err()
            .to_string();
        assert!(
            five.contains("5 targets") && five.contains("expected at most 4"),
            "{five}"
        );
        explorer
            .command(Command::Targets(targets[..4].to_vec()))
            .unwrap();
        go_on(explorer, 2, both);
        assert_eq!(explorer.surrogates().unwrap().len(), 4);
        explorer
            .command(Command::Target(targets[0].clone()))
            .unwrap();
        assert!(explorer.sight().unwrap().is_some());
    });
}
