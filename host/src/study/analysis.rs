//! The figures of a comparison at chosen steps, with their spread and tests.

use super::comparison::some_of;
use super::statistics::{EXACT_PAIRS, LEAST_PAIRS, PairedTest, Spread};
use super::{Comparison, Metric, StrategyRuns, StudyError};
use crate::campaign::{MapFigures, Summary};

/// Steps that are looked at when none are asked for.
pub const STEPS: [usize; 4] = [50, 100, 200, 300];

/// Said wherever there are p-values.
pub const CAVEAT: &str = "p-values are two-sided and not corrected for their number: of twenty \
                          tests one falls below 0.05 by chance";

/// Strategy that the others are tested against besides the first.
const BASELINE: &str = "random";

/// One figure of one strategy over its seeds.
#[derive(Clone, Debug, PartialEq)]
pub struct MetricSummary {
    /// Name of the metric, of its area, or of a discovery.
    pub name: String,
    /// After how many steps; `None` for a figure of the whole campaign.
    pub step: Option<usize>,
    /// Its value by rising seed; NaN where it could not be computed.
    pub by_seed: Vec<f64>,
    /// Mean and standard deviation; `None` where no value could be computed.
    pub spread: Option<Spread>,
    /// Against `random`; `None` for `random` itself and where there is none.
    pub against_random: Option<PairedTest>,
    /// Against the first strategy; `None` for the first itself and where there is none.
    pub against_first: Option<PairedTest>,
}

/// When one planted behaviour was met.
#[derive(Clone, Debug, PartialEq)]
pub struct Discovered {
    /// Its name.
    pub behaviour: String,
    /// Whether it is rare.
    pub rare: bool,
    /// Number of seeds with which it was met.
    pub found: usize,
    /// Median over all seeds of the first step on it; `None` when half of the campaigns or
    /// more never met it.
    pub median_first_step: Option<f64>,
    /// The first step on it. A campaign that never met it counts as one step more than it
    /// had: means and differences are then bounds.
    pub first_step: MetricSummary,
}

/// All figures of one strategy.
#[derive(Clone, Debug, PartialEq)]
pub struct StrategyFigures {
    /// Its name.
    pub strategy: String,
    /// The seeds of its finished campaigns.
    pub seeds: Vec<u64>,
    /// Areas under the coverage curves, 0 to 1.
    pub areas: Vec<MetricSummary>,
    /// Every metric at the chosen steps, by step.
    pub at: Vec<MetricSummary>,
    /// Behaviours planted in the specimen; empty for data that know none.
    pub discoveries: Vec<Discovered>,
    /// Mean wall time of a campaign, in seconds.
    pub seconds: f64,
}

/// A comparison in figures.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// The chosen steps, rising; the last of the campaign among them.
    pub at: Vec<usize>,
    /// By strategy, in the order of the plan.
    pub strategies: Vec<StrategyFigures>,
    /// What is missing, went wrong, or could not be tested; a line each.
    pub notes: Vec<String>,
}

impl Analysis {
    /// Computes all figures at the chosen steps, [`STEPS`] when there are none. Steps beyond
    /// the last count as the last, which is always among them.
    ///
    /// # Errors
    /// [`StudyError::Setting`] for a step 0.
    pub fn new(comparison: &Comparison, at: &[usize]) -> Result<Self, StudyError> {
        let at = chosen_steps(at, comparison.plan.campaign.steps)?;
        let (runs, metrics) = (&comparison.strategies, comparison.metrics());
        let strategies: Vec<_> = runs
            .iter()
            .map(|runs| figures(comparison, &metrics, runs, &at))
            .collect();
        let mut notes = comparison.notes.clone();
        notes.extend(untested(&strategies));
        notes.extend(few_seeds(&strategies));
        if strategies.iter().any(StrategyFigures::is_tested) {
            notes.push(CAVEAT.to_owned());
        }
        Ok(Self {
            at,
            strategies,
            notes,
        })
    }
}

impl StrategyFigures {
    /// All figures.
    pub fn all(&self) -> impl Iterator<Item = &MetricSummary> {
        let discoveries = self.discoveries.iter().map(|found| &found.first_step);
        self.areas.iter().chain(&self.at).chain(discoveries)
    }

    fn is_tested(&self) -> bool {
        let mut tests = self.all().flat_map(MetricSummary::tests);
        tests.any(|test| test.p.is_some())
    }
}

impl MetricSummary {
    fn tests(&self) -> impl Iterator<Item = &PairedTest> {
        [&self.against_random, &self.against_first]
            .into_iter()
            .flatten()
    }
}

/// The steps to look at, rising.
///
/// # Errors
/// [`StudyError::Setting`] for a step 0.
pub fn chosen_steps(at: &[usize], steps: usize) -> Result<Vec<usize>, StudyError> {
    if at.contains(&0) {
        return Err(StudyError::Setting {
            name: "at",
            value: "0".to_owned(),
            accepted: format!("steps from 1 to {steps}"),
        });
    }
    let asked = if at.is_empty() { &STEPS[..] } else { at };
    let mut chosen: Vec<_> = asked.iter().map(|&step| step.min(steps)).collect();
    chosen.push(steps);
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

/// A figure of a map; nothing where the truth is not known.
type OfMap = fn(&MapFigures) -> Option<f64>;

/// What is told of the map to publish, where it was made after a step that is looked at.
const MAPS: [(&str, OfMap); 2] = [("map_mae", |map| map.mae), ("map_nlpd", |map| map.nlpd)];

fn of_map(campaign: &Summary, step: usize, pick: OfMap) -> Option<f64> {
    let points = campaign.seeds.len() + step;
    let map = campaign.maps.iter().find(|map| map.points == points)?;
    pick(map)
}

fn figures(
    comparison: &Comparison,
    metrics: &[Metric],
    runs: &StrategyRuns,
    at: &[usize],
) -> StrategyFigures {
    let figure = &|name: &str, step, value: &dyn Fn(&Summary) -> f64| {
        MetricSummary::new(comparison, runs, name, step, value)
    };
    let areas = metrics.iter().filter_map(|metric| {
        let figure = figure(metric.area?, None, &|campaign| metric.mean(campaign));
        figure.spread.is_some().then_some(figure)
    });
    let at = at.iter().flat_map(|&step| {
        let metrics = metrics
            .iter()
            .map(move |metric| figure(&metric.name, Some(step), &|c| metric.at(c, step)));
        let maps = MAPS.iter().map(move |(name, pick)| {
            figure(name, Some(step), &|c| {
                of_map(c, step, *pick).unwrap_or(f64::NAN)
            })
        });
        let all = metrics.chain(maps);
        all.filter(|figure| figure.spread.is_some())
    });
    let seconds: f64 = runs.runs.iter().map(|run| run.seconds).sum();
    StrategyFigures {
        strategy: runs.strategy.clone(),
        seeds: runs.runs.iter().map(|run| run.campaign.seed).collect(),
        areas: areas.collect(),
        at: at.collect(),
        discoveries: discoveries(comparison, runs),
        seconds: seconds / runs.runs.len() as f64,
    }
}

impl MetricSummary {
    fn new(
        comparison: &Comparison,
        runs: &StrategyRuns,
        name: &str,
        step: Option<usize>,
        value: &dyn Fn(&Summary) -> f64,
    ) -> Self {
        let by_seed: Vec<f64> = runs.runs.iter().map(|run| value(&run.campaign)).collect();
        let against = |other: &str| {
            let other = comparison
                .strategy(other)
                .filter(|other| other.strategy != runs.strategy)?;
            PairedTest::new(runs.runs.iter().zip(&by_seed).filter_map(|(run, &this)| {
                let pair = other.with_seed(run.campaign.seed)?;
                Some((this, value(&pair.campaign)))
            }))
        };
        Self {
            name: name.to_owned(),
            step,
            spread: Spread::new(&by_seed),
            against_random: against(BASELINE),
            against_first: against(&comparison.plan.strategies[0]),
            by_seed,
        }
    }
}

fn discoveries(comparison: &Comparison, runs: &StrategyRuns) -> Vec<Discovered> {
    let never = comparison.plan.campaign.steps + 1;
    let first_step = |campaign: &Summary, behaviour: &str| {
        let mut met = campaign.discoveries.iter();
        let met = met.find(|met| met.behaviour == behaviour)?;
        Some(met.first_step.unwrap_or(never))
    };
    let planted = runs.runs.first().map(|run| &run.campaign.discoveries);
    let discovered = planted.into_iter().flatten().map(|planted| {
        let name = &planted.behaviour;
        let value = |campaign: &Summary| first_step(campaign, name).map_or(f64::NAN, |n| n as f64);
        let label = format!("first_step {name}");
        let figure = MetricSummary::new(comparison, runs, &label, None, &value);
        let found = figure.by_seed.iter().filter(|&&step| step < never as f64);
        Discovered {
            behaviour: name.clone(),
            rare: planted.rare,
            found: found.count(),
            median_first_step: median(&figure.by_seed, never as f64),
            first_step: figure,
        }
    });
    discovered.collect()
}

/// The median of values that end at a scale's end; `None` when a middle one lies there, of which
/// no more is known.
fn median(values: &[f64], end: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    (upper < end).then(|| f64::midpoint(lower, upper))
}

/// Seeds below which a comparison says that they are few.
const FEW: usize = 5;

/// Says how little a test on few seeds can show: a signed-rank test has 2ⁿ equally likely signs,
/// and at best one of them at either end.
fn few_seeds(strategies: &[StrategyFigures]) -> Option<String> {
    let tests = strategies.iter().flat_map(StrategyFigures::all);
    let pairs = tests.flat_map(MetricSummary::tests).map(|test| test.n);
    let seeds = pairs
        .max()
        .filter(|pairs| (LEAST_PAIRS..FEW).contains(pairs))?;
    let least = 2.0 / f64::from(1_u32 << seeds);
    Some(format!(
        "{seeds} seeds: a signed-rank test cannot fall below {least}, and means are uncertain"
    ))
}

/// Says which tests could not be made, once for each reason.
fn untested(strategies: &[StrategyFigures]) -> Vec<String> {
    let (mut few, mut alike, mut many) = (false, Vec::new(), false);
    for strategy in strategies {
        for figure in strategy.all() {
            for test in figure.tests() {
                few |= test.n < LEAST_PAIRS;
                many |= test.n > EXACT_PAIRS;
                if test.n >= LEAST_PAIRS && test.p.is_none() {
                    alike.push(match figure.step {
                        Some(step) => format!("{} {}@{step}", strategy.strategy, figure.name),
                        None => format!("{} {}", strategy.strategy, figure.name),
                    });
                }
            }
        }
    }
    alike.dedup();
    let mut notes = Vec::new();
    if few {
        notes.push(
            "too few seeds: no test where a pair of strategies shares fewer than three of them"
                .to_owned(),
        );
    }
    if !alike.is_empty() {
        notes.push(format!(
            "no p of a t-test where the difference to the other strategy is the same for every seed, so that it has \
             no scatter: {}",
            some_of(&alike, alike.len())
        ));
    }
    if many {
        notes.push(format!(
            "no signed-rank test for more than {EXACT_PAIRS} seeds"
        ));
    }
    notes
}

#[cfg(test)]
mod tests;
