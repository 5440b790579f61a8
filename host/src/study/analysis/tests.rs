use super::*;
use crate::campaign::Discovery;
use crate::study::testing::{campaign, comparison};

#[test]
fn the_last_step_is_always_looked_at_and_none_beyond_it() {
    assert_eq!(chosen_steps(&[], 300).unwrap(), [50, 100, 200, 300]);
    assert_eq!(chosen_steps(&[], 120).unwrap(), [50, 100, 120]);
    assert_eq!(chosen_steps(&[], 20).unwrap(), [20]);
    assert_eq!(chosen_steps(&[7, 3, 7], 10).unwrap(), [3, 7, 10]);
    let error = chosen_steps(&[5, 0], 10).unwrap_err().to_string();
    assert_eq!(error, "at is 0; expected steps from 1 to 10");
}

#[test]
fn the_median_is_unknown_when_half_never_got_there() {
    assert_eq!(median(&[4.0, 1.0, 3.0], 9.0), Some(3.0));
    assert_eq!(median(&[4.0, 1.0, 3.0, 9.0], 9.0), Some(3.5));
    assert_eq!(median(&[4.0, 1.0, 9.0, 9.0], 9.0), None);
    assert_eq!(median(&[], 9.0), None);
}

fn figure<'a>(strategy: &'a StrategyFigures, name: &str, step: Option<usize>) -> &'a MetricSummary {
    let mut all = strategy.all();
    let figure = all.find(|figure| figure.name == name && figure.step == step);
    figure.expect("the figure is there")
}

/// By hand: areas 0.3, 0.5, 0.7 and 0.2, 0.3, 0.4; differences 0.1, 0.2, 0.3 with mean 0.2 and standard
/// deviation 0.1, so t = 2√3 with two degrees of freedom and p = 1 − t / √(t² + 2).
#[test]
fn only_seeds_that_both_have_are_paired() {
    let ei = [
        campaign("ei", 1, 4, &[0.2, 0.4]),
        campaign("ei", 2, 5, &[0.4, 0.6]),
        campaign("ei", 4, 6, &[0.9, 0.9]),
        campaign("ei", 5, 7, &[0.6, 0.8]),
    ];
    let random = [
        campaign("random", 1, 4, &[0.1, 0.3]),
        campaign("random", 2, 5, &[0.2, 0.4]),
        campaign("random", 3, 6, &[0.0, 0.0]),
        campaign("random", 5, 7, &[0.3, 0.5]),
    ];
    let analysis = Analysis::new(&comparison(&[&ei, &random]), &[1]).unwrap();
    let [ei, random] = &analysis.strategies[..] else {
        panic!("two strategies, found {}", analysis.strategies.len());
    };
    let area = figure(ei, "auc_target", None);
    let test = area.against_random.unwrap();
    assert!((test.difference - 0.2).abs() < 1e-15);
    assert_eq!((test.n, area.spread.unwrap().n), (3, 4));
    let p = 1.0 - (12.0_f64 / 14.0).sqrt();
    assert!((test.p.unwrap() - p).abs() < 1e-12);
    assert_eq!(area.against_first, None);
    let back = figure(random, "auc_target", None).against_first.unwrap();
    assert!((back.difference + 0.2).abs() < 1e-15);
    let first = figure(ei, "target_coverage", Some(1)).spread.unwrap();
    assert!((first.mean - 0.525).abs() < 1e-15);
}

#[test]
fn figures_that_no_campaign_could_compute_are_left_out() {
    let ei = [campaign("ei", 1, 4, &[0.2, 0.4])];
    let analysis = Analysis::new(&comparison(&[&ei]), &[]).unwrap();
    let names: Vec<_> = analysis.strategies[0].all().map(|f| &f.name).collect();
    assert_eq!(names, ["auc_target", "target_coverage", "mae"]);
    assert_eq!(analysis.notes, Vec::<String>::new(), "nothing to test");
}

#[test]
fn what_could_not_be_tested_is_said() {
    let ei = [
        campaign("ei", 1, 4, &[0.5]),
        campaign("ei", 2, 5, &[0.75]),
        campaign("ei", 3, 6, &[0.875]),
    ];
    let random = [
        campaign("random", 1, 4, &[0.25]),
        campaign("random", 2, 5, &[0.5]),
        campaign("random", 3, 6, &[0.625]),
    ];
    let notes = Analysis::new(&comparison(&[&random, &ei]), &[])
        .unwrap()
        .notes;
    assert!(
        notes[0].contains("no scatter: ei auc_target, ei target_coverage@1, ei mae@1"),
        "{notes:?}"
    );
    let notes = Analysis::new(&comparison(&[&random[..2], &ei[..2]]), &[]);
    assert!(notes.unwrap().notes[0].contains("too few seeds"));
}

/// Of the 2ⁿ signs one alone has all differences positive: p = 2 / 2ⁿ, both sides taken together.
#[test]
fn few_seeds_are_said_to_be_few() {
    let notes = |seeds: u64| {
        let runs = |strategy, gain: f64| -> Vec<_> {
            let covered = |seed: u64| [gain * seed as f64, gain * seed as f64];
            let all = (1..=seeds).map(|seed| campaign(strategy, seed, 4, &covered(seed)));
            all.collect()
        };
        let comparison = comparison(&[&runs("ei", 0.1), &runs("random", 0.05)]);
        Analysis::new(&comparison, &[1]).unwrap().notes
    };
    let few = |notes: &[String]| notes.iter().find(|n| n.contains("signed-rank")).cloned();
    assert_eq!(few(&notes(1)), None);
    assert_eq!(
        few(&notes(3)).unwrap(),
        "3 seeds: a signed-rank test cannot fall below 0.25, and means are uncertain"
    );
    assert!(few(&notes(4)).unwrap().contains("below 0.125,"));
    assert_eq!(few(&notes(5)), None);
}

#[test]
fn a_behaviour_that_was_never_met_counts_as_later_than_every_step() {
    let met = |seed, first_step| {
        let mut campaign = campaign("ei", seed, 4, &[0.2, 0.4, 0.5]);
        campaign.discoveries.push(Discovery {
            behaviour: "wall".to_owned(),
            rare: true,
            points: 1,
            first_step,
        });
        campaign
    };
    let runs = [met(1, Some(2)), met(2, None), met(3, Some(1))];
    let analysis = Analysis::new(&comparison(&[&runs]), &[]).unwrap();
    let wall = &analysis.strategies[0].discoveries[0];
    assert_eq!((wall.found, wall.rare), (2, true));
    assert_eq!(wall.median_first_step, Some(2.0));
    assert_eq!(wall.first_step.by_seed, [2.0, 4.0, 1.0]);
    let runs = [met(1, Some(2)), met(2, None)];
    let analysis = Analysis::new(&comparison(&[&runs]), &[]).unwrap();
    let wall = &analysis.strategies[0].discoveries[0];
    assert_eq!((wall.found, wall.median_first_step), (1, None));
}
