//! Comparisons made up for tests.

use serde_json::json;

use super::{CellResult, Comparison, Conditions, DataIdentity, Plan, SpaceChecksums, StrategyRuns};
use crate::campaign::{CampaignConfig, Summary};

/// A campaign of one strategy: its seed, the points it started from, its coverage.
pub(super) fn campaign(strategy: &str, seed: u64, start: u32, coverage: &[f64]) -> Summary {
    let none = vec![f64::NAN; coverage.len()];
    let summary = json!({
        "version": "0", "strategy": strategy, "seed": seed, "window": 4, "candidates": 9,
        "occupied_bins": 5, "seeds": [start], "order": vec![7; coverage.len()],
        "responses": vec![1.0; coverage.len()], "target_coverage": coverage,
        "mae": coverage.iter().map(|c| 1.0 - c).collect::<Vec<_>>(), "rmse": none, "nlpd": none,
        "surrogate_mean": none, "surrogate_sigma": none, "noise_sigma": none, "seconds": coverage,
        "time": {"deciding": 1.0, "measuring": 0.0, "training": 1.0, "monitoring": 1.0},
        "warnings": [],
    });
    serde_json::from_value(summary).expect("every field of a summary is there")
}

/// A comparison of campaigns, grouped by strategy.
pub(super) fn comparison(groups: &[&[Summary]]) -> Comparison {
    let first = &groups[0][0];
    let dataset = DataIdentity {
        name: "data".to_owned(),
        quantity: "response".to_owned(),
        units: "nA".to_owned(),
        height: 6,
        width: 6,
        checksum: "0".to_owned(),
        further: Vec::new(),
    };
    let config = CampaignConfig {
        steps: first.order.len(),
        ..CampaignConfig::default()
    };
    let strategies = groups.iter().map(|group| group[0].strategy.clone());
    let seeds = groups.iter().map(|group| group.len() as u64);
    let plan = Plan::new(
        dataset,
        strategies.collect(),
        seeds.max().unwrap_or(1),
        Vec::new(),
        config,
    );
    let plan = plan.expect("a valid plan");
    let runs = |group: &[Summary]| StrategyRuns {
        strategy: group[0].strategy.clone(),
        runs: group
            .iter()
            .map(|campaign| CellResult {
                conditions: plan.conditions().expect("a valid plan"),
                settings: Conditions::default(),
                spaces: SpaceChecksums::default(),
                seconds: 2.0,
                campaign: campaign.clone(),
            })
            .collect(),
    };
    Comparison {
        strategies: groups.iter().map(|group| runs(group)).collect(),
        plan: plan.clone(),
        notes: Vec::new(),
    }
}
