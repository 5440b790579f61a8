//! A comparison as one JSON object: what `--json` prints and `comparison.json` holds.

use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use super::analysis::{Analysis, MetricSummary, StrategyFigures};
use super::statistics::PairedTest;
use super::{Comparison, DataIdentity};

/// The object. Fields are added by later versions, never renamed; what could not be computed
/// is null or absent.
#[derive(Serialize)]
struct Form<'a> {
    version: &'a str,
    dataset: &'a DataIdentity,
    steps: usize,
    seeds: Vec<u64>,
    at: &'a [usize],
    /// The strategy that the others are tested against besides `random`.
    first: &'a str,
    strategies: Ordered<StrategyForm<'a>>,
    notes: &'a [String],
}

/// One strategy.
#[derive(Serialize)]
struct StrategyForm<'a> {
    seeds: &'a [u64],
    /// `auc_target`, `auc_target_sd`, `auc_target_by_seed` and so on.
    #[serde(flatten)]
    areas: Map<String, Value>,
    /// By step, then by metric.
    at: Ordered<Ordered<Value>>,
    against_random: Map<String, Value>,
    against_first: Map<String, Value>,
    discoveries: Ordered<Value>,
    seconds: f64,
}

/// A map that keeps the order it was made in.
struct Ordered<V>(Vec<(String, V)>);

impl<V: Serialize> Serialize for Ordered<V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, value)| (key, value)))
    }
}

/// The JSON text of a comparison, indented, with a line feed at its end.
///
/// # Errors
/// Never for what a comparison holds.
pub fn to_json(comparison: &Comparison, analysis: &Analysis) -> serde_json::Result<String> {
    let plan = &comparison.plan;
    let strategies = analysis.strategies.iter();
    let form = Form {
        version: env!("CARGO_PKG_VERSION"),
        dataset: &plan.dataset,
        steps: plan.campaign.steps,
        seeds: (1..=plan.seeds).collect(),
        at: &analysis.at,
        first: &plan.strategies[0],
        strategies: Ordered(
            strategies
                .map(|figures| (figures.strategy.clone(), strategy(figures, &analysis.at)))
                .collect(),
        ),
        notes: &analysis.notes,
    };
    Ok(serde_json::to_string_pretty(&form)? + "\n")
}

fn strategy<'a>(figures: &'a StrategyFigures, at: &[usize]) -> StrategyForm<'a> {
    let mut areas = Map::new();
    for area in &figures.areas {
        let name = &area.name;
        areas.insert(name.clone(), json!(area.spread.map(|spread| spread.mean)));
        areas.insert(
            format!("{name}_sd"),
            json!(area.spread.and_then(|spread| spread.sd)),
        );
        areas.insert(format!("{name}_by_seed"), json!(area.by_seed));
    }
    let at = at.iter().map(|&step| {
        let here = figures.at.iter().filter(|figure| figure.step == Some(step));
        let metrics = here.map(|figure| (figure.name.clone(), with_tests(figure)));
        (step.to_string(), Ordered(metrics.collect()))
    });
    let discoveries = figures.discoveries.iter().map(|found| {
        let first_steps = &found.first_step.by_seed;
        let mut form = json!({
            "rare": found.rare,
            "found": found.found,
            "median_first_step": found.median_first_step,
            "first_step_by_seed": first_steps,
        });
        if let Some(form) = form.as_object_mut() {
            insert_tests(form, &found.first_step);
        }
        (found.behaviour.clone(), form)
    });
    let against = |test: fn(&MetricSummary) -> Option<PairedTest>| {
        let areas = figures.areas.iter();
        areas
            .filter_map(|area| Some((area.name.clone(), json!(test(area)?))))
            .collect()
    };
    StrategyForm {
        seeds: &figures.seeds,
        areas,
        at: Ordered(at.collect()),
        against_random: against(|area| area.against_random),
        against_first: against(|area| area.against_first),
        discoveries: Ordered(discoveries.collect()),
        seconds: figures.seconds,
    }
}

fn with_tests(figure: &MetricSummary) -> Value {
    let mut form = Map::new();
    if let Some(spread) = figure.spread {
        form.insert("mean".to_owned(), json!(spread.mean));
        form.insert("sd".to_owned(), json!(spread.sd));
        form.insert("n".to_owned(), json!(spread.n));
    }
    insert_tests(&mut form, figure);
    Value::Object(form)
}

fn insert_tests(form: &mut Map<String, Value>, figure: &MetricSummary) {
    for (name, test) in [
        ("against_random", figure.against_random),
        ("against_first", figure.against_first),
    ] {
        if let Some(test) = test {
            form.insert(name.to_owned(), json!(test));
        }
    }
}
