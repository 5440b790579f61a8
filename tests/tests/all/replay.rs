//! Replayed campaigns: pinned trajectories, and the same bits whatever the number of threads.

use std::fmt::Write as _;

use beacon_host::campaign::{CampaignConfig, Outcome, Seeds};
use beacon_host::train::SurrogateKind;
use beacon_kernel::{Edges, Strategy};
use beacon_tests::{golden, pfm, published_seeds, run, specimen};

fn config(strategy: Strategy, steps: usize) -> CampaignConfig {
    CampaignConfig {
        strategy: strategy.name().to_owned(),
        steps,
        ..CampaignConfig::default()
    }
}

/// With the network, over the candidates whose windows lie inside: numbered as the published ones.
fn with_network(strategy: Strategy, steps: usize) -> CampaignConfig {
    CampaignConfig {
        surrogate: SurrogateKind::Network,
        edges: Edges::Inside,
        ..config(strategy, steps)
    }
}

/// Candidate and the bits of score, predicted mean and sigma, one line a step.
fn trajectory(outcome: &Outcome) -> String {
    let mut text = String::new();
    for step in &outcome.steps {
        let proposal = step.proposal.expect("steps are proposed");
        let prediction = proposal.prediction.expect("a model was loaded");
        let bits = [proposal.score, prediction.mean, prediction.sigma].map(f32::to_bits);
        let [score, mean, sigma] = bits;
        writeln!(
            text,
            "{} {score:08x} {mean:08x} {sigma:08x}",
            step.candidate.0
        )
        .expect("a string takes any text");
    }
    text
}

#[test]
fn the_trajectory_on_the_specimen_is_pinned_to_the_bit() {
    for (name, config) in [
        ("specimen-seed1-beacon.txt", config(Strategy::Beacon, 40)),
        (
            "specimen-seed1-beacon-cnn.txt",
            with_network(Strategy::Beacon, 40),
        ),
    ] {
        let outcome = run(&config, Seeds::Random(10), &mut specimen(1));
        golden(name, &trajectory(&outcome));
    }
}

#[test]
fn the_trajectory_on_the_pfm_data_is_pinned_to_the_bit() {
    let (Some(mut pfm), Some(seeds)) = (pfm(), published_seeds()) else {
        return;
    };
    let network = with_network(Strategy::Beacon, 60);
    let filters = CampaignConfig {
        surrogate: SurrogateKind::Filters,
        ..network.clone()
    };
    for (name, config) in [
        ("pfm-published-seeds-beacon.txt", filters),
        ("pfm-published-seeds-beacon-cnn.txt", network),
    ] {
        let outcome = run(&config, seeds.clone(), &mut pfm);
        golden(name, &trajectory(&outcome));
    }
}

#[test]
fn the_trajectories_of_all_strategies_on_the_specimen_are_pinned_to_the_bit() {
    let mut text = String::new();
    let plain = Strategy::ALL.map(|strategy| config(strategy, 10));
    let raw = CampaignConfig {
        raw_references: true,
        ..config(Strategy::Beacon, 10)
    };
    let joint = CampaignConfig {
        joint_elite: true,
        ..config(Strategy::BeaconElite, 10)
    };
    for config in plain.into_iter().chain([raw, joint]) {
        let outcome = run(&config, Seeds::Random(10), &mut specimen(1));
        let (raw, joint) = (config.raw_references, config.joint_elite);
        writeln!(text, "{} raw {raw} joint {joint}", config.strategy).expect("text");
        text += &trajectory(&outcome);
    }
    golden("specimen-seed1-all-strategies.txt", &text);
}

#[test]
fn one_thread_and_several_make_the_same_decisions() {
    let on = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.expect("threads can be had").install(|| {
            let outcome = run(
                &config(Strategy::Beacon, 25),
                Seeds::Random(10),
                &mut specimen(3),
            );
            trajectory(&outcome)
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn every_strategy_and_architecture_replays() {
    let mut experiment = specimen(2);
    for strategy in Strategy::ALL {
        for surrogate in [SurrogateKind::Network, SurrogateKind::Filters] {
            let small = CampaignConfig {
                window: 7,
                retrain_every: 5.into(),
                surrogate,
                ..config(strategy, 12)
            };
            let outcome = run(&small, Seeds::Random(5), &mut experiment);
            assert_eq!(outcome.steps.len(), 12, "{}", strategy.name());
            // So few points, some on background alone, may tell little of the map.
            let mut warnings = outcome.warnings.iter();
            assert!(
                warnings.all(|warning| warning.contains("hardly differ yet")),
                "{:?}",
                outcome.warnings
            );
            let mut seen: Vec<_> = outcome.seeds.iter().chain(&outcome.steps).collect();
            seen.sort_by_key(|point| point.candidate);
            seen.dedup_by_key(|point| point.candidate);
            assert_eq!(
                seen.len(),
                17,
                "{} measures no point twice",
                strategy.name()
            );
        }
    }
}

#[test]
fn strategies_share_the_seeds_of_a_campaign() {
    let seeds = |strategy| {
        let outcome = run(&config(strategy, 1), Seeds::Random(10), &mut specimen(4));
        outcome
            .seeds
            .iter()
            .map(|seed| seed.candidate)
            .collect::<Vec<_>>()
    };
    assert_eq!(seeds(Strategy::Beacon), seeds(Strategy::Random));
}

#[test]
fn training_beside_the_experiment_decides_the_same_every_time_and_explores_as_well() {
    let beside = CampaignConfig {
        train_beside: true,
        ..config(Strategy::Beacon, 60)
    };
    let runs = [1, 2].map(|_| run(&beside, Seeds::Random(10), &mut specimen(2)));
    assert_eq!(trajectory(&runs[0]), trajectory(&runs[1]));
    let after = |outcome: &Outcome| outcome.series.target_coverage[59];
    let plain = run(
        &config(Strategy::Beacon, 60),
        Seeds::Random(10),
        &mut specimen(2),
    );
    assert_ne!(trajectory(&plain), trajectory(&runs[0]), "one point behind");
    assert!(after(&runs[0]) > 0.7 * after(&plain));
}
