//! The published benchmark: five seeds of 300 steps for each strategy.
//!
//! `cargo test --release -p beacon-tests --test pfm_benchmark -- --nocapture` prints the table.

use beacon_host::campaign::{CampaignConfig, Outcome, Seeds};
use beacon_kernel::Strategy;
use beacon_tests::{pfm, published_seeds, run};
use rayon::prelude::*;

const STEPS: [usize; 4] = [50, 100, 200, 300];

/// Mean and standard deviation over the seeds.
struct Spread {
    mean: f64,
    deviation: f64,
}

fn spread(outcomes: &[Outcome], figure: impl Fn(&Outcome) -> f64) -> Spread {
    let values: Vec<f64> = outcomes.iter().map(figure).collect();
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares = values.iter().map(|v| (v - mean).powi(2)).sum::<f64>();
    Spread {
        mean,
        deviation: (squares / (count - 1.0)).sqrt(),
    }
}

/// The published seeds, then four random sets.
fn campaigns(strategy: Strategy) -> Option<Vec<Outcome>> {
    let published = published_seeds()?;
    let pfm = pfm()?;
    let outcomes = (0..5_u64).into_par_iter().map(|n| {
        let config = CampaignConfig {
            strategy: strategy.name().to_owned(),
            seed: n + 1,
            ..CampaignConfig::default()
        };
        let seeds = if n == 0 {
            published.clone()
        } else {
            Seeds::Random(10)
        };
        run(&config, seeds, &mut pfm.clone())
    });
    Some(outcomes.collect())
}

#[test]
fn beacon_covers_the_pfm_targets_and_the_elite_variant_does_not() {
    let mut table = Vec::new();
    for strategy in [
        Strategy::Beacon,
        Strategy::BeaconElite,
        Strategy::Ei,
        Strategy::Mu,
        Strategy::Random,
    ] {
        let Some(outcomes) = campaigns(strategy) else {
            return;
        };
        let coverage = STEPS.map(|step| spread(&outcomes, |o| o.series.target_coverage[step - 1]));
        let last = |values: &[f64]| values.last().copied().unwrap_or(f64::NAN);
        let mae = spread(&outcomes, |o| last(&o.series.mae));
        let nlpd = spread(&outcomes, |o| last(&o.series.nlpd));
        let cells: Vec<String> = coverage
            .iter()
            .map(|s| format!("{:.3} ± {:.3}", s.mean, s.deviation))
            .collect();
        println!(
            "| {} | {} | {:.4} ± {:.4} | {:.2} ± {:.2} |",
            strategy.name(),
            cells.join(" | "),
            mae.mean,
            mae.deviation,
            nlpd.mean,
            nlpd.deviation
        );
        table.push((strategy, coverage, mae, nlpd));
    }
    for (strategy, [at50, at100, at200, at300], mae, nlpd) in &table {
        match strategy {
            Strategy::Beacon => {
                assert!(at50.mean >= 0.38 && at100.mean >= 0.62);
                assert!(at200.mean >= 0.86 && at300.mean >= 0.96);
                assert!(mae.mean <= 0.05 && nlpd.mean <= 0.2);
            }
            Strategy::BeaconElite => assert!((0.45..=0.75).contains(&at300.mean)),
            Strategy::Random => assert!((0.66..=0.80).contains(&at300.mean)),
            _ => {}
        }
    }
}
