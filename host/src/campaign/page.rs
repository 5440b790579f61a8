//! Campaigns on the same data as their report takes them.

use super::component_weights::ComponentWeights;
use super::monitor::at_candidates;
use super::spectra::ChosenSpectra;
use super::{History, Measurement, Outcome, discovery, history_tables, published};
use crate::data::{Map, Region, on_candidates};
use crate::experiment::Experiment;
use crate::figures::{
    LatentPlane, Marked, Metrics, PairedResponse, PairsFigure, Progress, ResponseErrors, StepMark,
    StepTimes, StrategyResult, SurrogateFigure, Trajectory,
};
use crate::page::{Report, Table};
use crate::plot::number::significant;
use crate::spaces::Spaces;
use beacon_kernel::{Candidate, Candidates};

/// What a report tells beside what campaigns came to.
#[derive(Clone, Copy)]
pub(super) struct ReportExtras<'a> {
    /// What was asked for, as TOML.
    pub(super) settings: &'a str,
    /// What happened in the first campaign.
    pub(super) history: Option<&'a History>,
    /// Whether the panels of figures have letters.
    pub(super) letters: bool,
}

/// Calls `with` on the report of campaigns, of which there is at least one. A single one is
/// shown with its surrogate; of several the first is shown in latent space and with spectra.
pub(super) fn with_report<R>(
    outcomes: &[&Outcome],
    experiment: &dyn Experiment,
    spaces: Option<&Spaces>,
    told: &ReportExtras<'_>,
    with: impl FnOnce(&Report<'_>) -> R,
) -> R {
    let first = outcomes[0];
    let image = experiment.image();
    // Of a campaign that ran the windows fit.
    let geometry = (first.config).candidates(image.height(), image.width());
    let geometry = geometry.ok();
    let target = experiment.truth().zip(geometry);
    let target = target.map(|(truth, geometry)| on_candidates(truth, geometry));
    let target = target.as_ref();

    let border = geometry.and_then(border_of);
    let history = told.history;
    let shown: Vec<_> = outcomes
        .iter()
        .map(|outcome| Shown::new(outcome, border.as_ref(), history))
        .collect();
    let sought = experiment.target();
    let errors = outcomes.iter().map(|outcome| errors(outcome, &sought));
    let errors: Vec<_> = errors.collect();
    let results = shown.iter().zip(&errors);
    let results: Vec<_> = results
        .map(|(shown, errors)| shown.result(errors))
        .collect();
    let surrogate = match (outcomes, &first.mean, &first.sigma) {
        ([_], Some(mean), Some(sigma)) => Some(SurrogateFigure {
            title: "surrogate that decided",
            mean,
            sigma,
            truth: target,
        }),
        _ => None,
    };
    let map = first.map.as_ref().filter(|_| outcomes.len() == 1);
    let map = map.map(|map| SurrogateFigure {
        title: "map to publish",
        mean: &map.mean,
        sigma: &map.sigma,
        truth: target,
    });
    let plane = spaces.and_then(Spaces::latent).map(LatentPlane::new);
    let numbers = [&first.seeds, &first.steps].map(|points| candidates(points));
    let spectra = ChosenSpectra::new(first, experiment);
    let lines = spectra.as_ref().map(ChosenSpectra::spectra);
    let vectors = Vectors::new(first, experiment, geometry);
    let vectors = vectors.as_ref().map(Vectors::responses);
    let tables = tables(outcomes, experiment);
    let loadings = ComponentWeights::new(first, experiment);
    let weights = loadings.as_ref().map(ComponentWeights::spectra);
    let changes = history.and_then(History::target_changes);
    let story = history.map(history_tables::tables).unwrap_or_default();
    let marks = history.map(History::marks).unwrap_or_default();
    let marks: Vec<_> = marks
        .iter()
        .map(|(step, label)| StepMark { step: *step, label })
        .collect();
    let names: Vec<_> = outcomes
        .iter()
        .map(|o| o.config.strategy.as_str())
        .collect();
    let whose = match history {
        Some(history) if !history.strategies().is_empty() => history.strategies().join(", then "),
        _ => names.join(" and "),
    };
    let origin = experiment.origin().map(|origin| ("data", origin));
    let seed = [("seed", first.config.seed.to_string())];
    let provenance: Vec<_> = seed.into_iter().chain(origin).collect();
    with(&Report {
        title: &format!("{whose} on {}", image.quantity),
        lead: &lead(outcomes, &whose, target),
        image,
        target,
        results: &results,
        surrogate,
        map,
        pairs: vectors.as_ref().map(|responses| PairsFigure {
            strategy: names[0],
            responses,
        }),
        latent: plane
            .as_ref()
            .map(|plane| plane.figure(names[0], &numbers[0], &numbers[1])),
        spectra: match (&spectra, &lines) {
            (Some(spectra), Some(lines)) => Some(spectra.figure(lines)),
            _ => None,
        },
        components: match (&loadings, &weights) {
            (Some(loadings), Some(weights)) => Some(loadings.figure(weights)),
            _ => None,
        },
        story: &story,
        marks: &marks,
        changes: changes.as_ref(),
        letters: told.letters,
        tables: &tables,
        notes: &[],
        settings: told.settings,
        warnings: &warnings(outcomes),
        provenance: &provenance,
    })
}

/// The behaviours that were found, and of a single campaign its responses and its maps.
fn tables(outcomes: &[&Outcome], experiment: &dyn Experiment) -> Vec<Table> {
    let found = discovery::table(outcomes).into_iter();
    let (responses, maps) = match outcomes {
        [outcome] => (
            responses(outcome, experiment),
            published::table(&outcome.maps),
        ),
        _ => (None, None),
    };
    found.chain(responses).chain(maps).collect()
}

/// The responses of a campaign that sought several, for the figure of their pairs.
struct Vectors {
    /// Of each what it is, its units, and the true one of every candidate; none of components, which the
    /// campaign has learnt from what it measured.
    names: Vec<(String, String, Vec<f64>)>,
    /// Of each what was measured: seeds, then steps.
    values: Vec<(Vec<f64>, Vec<f64>)>,
}

impl Vectors {
    /// `None` where one response is sought.
    fn new(
        outcome: &Outcome,
        experiment: &dyn Experiment,
        geometry: Option<Candidates>,
    ) -> Option<Self> {
        outcome.further.first()?;
        let of = |points: &[Measurement]| points.iter().map(|point| point.response).collect();
        let mut values = vec![(of(&outcome.seeds), of(&outcome.steps))];
        let further = outcome.further.iter().map(|of| {
            let (seeds, steps) = of.values.split_at(outcome.seeds.len().min(of.values.len()));
            (seeds.to_vec(), steps.to_vec())
        });
        values.extend(further);
        let learnt = experiment.reduced_by_campaign().is_some();
        let (name, units) = experiment.target();
        let further = outcome.further.iter();
        let further = further.map(|of| (of.target.clone(), of.units.clone()));
        let named = std::iter::once((name, units)).chain(further).enumerate();
        let truths: Option<Vec<_>> = (0..values.len())
            .map(|n| experiment.truth_of(n).zip(geometry).filter(|_| !learnt))
            .collect();
        let true_ones = |n: usize| -> Vec<f64> {
            let truth = truths.as_ref().and_then(|truths| truths.get(n));
            let values = truth.and_then(|(map, geometry)| at_candidates(map, *geometry).ok());
            values.unwrap_or_default()
        };
        Some(Self {
            names: named
                .map(|(n, (name, units))| (name, units, true_ones(n)))
                .collect(),
            values,
        })
    }

    fn responses(&self) -> Vec<PairedResponse<'_>> {
        let all = self.names.iter().zip(&self.values);
        all.map(
            |((quantity, units, candidates), (seeds, steps))| PairedResponse {
                quantity,
                units,
                candidates,
                seeds,
                steps,
            },
        )
        .collect()
    }
}

/// Where a campaign measured, for the figures.
struct Shown<'a> {
    outcome: &'a Outcome,
    seeds: Vec<(usize, usize)>,
    steps: Vec<(usize, usize)>,
    marked: Marked<'a>,
}

impl<'a> Shown<'a> {
    fn new(outcome: &'a Outcome, border: Option<&'a Region>, history: Option<&'a History>) -> Self {
        let told = history.map(|history| Marked {
            candidates: border,
            excluded: &history.excluded,
            discarded: &history.discarded,
            by_people: &history.by_people,
        });
        Self {
            marked: told.unwrap_or(Marked {
                candidates: border,
                ..Marked::default()
            }),
            outcome,
            seeds: pixels(&outcome.seeds),
            steps: pixels(&outcome.steps),
        }
    }

    /// The campaign as figures take it.
    fn result<'r>(&'r self, errors: &'r [ResponseErrors<'r>]) -> StrategyResult<'r> {
        let series = &self.outcome.series;
        StrategyResult {
            trajectory: Trajectory {
                strategy: &self.outcome.config.strategy,
                seeds: &self.seeds,
                steps: &self.steps,
                marked: self.marked,
            },
            metrics: Metrics {
                mae: Progress::of_one(&series.mae),
                surrogate_mean: Progress::of_one(&series.surrogate_mean),
                surrogate_sigma: Progress::of_one(&series.surrogate_sigma),
                target_coverage: Progress::of_one(&series.target_coverage),
                patch_coverage: Progress::of_one(&series.patch_coverage),
                range_coverage: if series.target_coverage.is_empty() {
                    Progress::of_one(&series.observed_coverage)
                } else {
                    Progress::default()
                },
                latent_coverage: Progress::of_one(&series.latent_coverage),
                response_cluster_coverage: Progress::of_one(&series.response_cluster_coverage),
                errors,
            },
            times: StepTimes {
                measuring: &series.measuring_seconds,
                training: &series.training_seconds,
                deciding: &series.deciding_seconds,
            },
        }
    }
}

/// The pixels that are candidates, where not all of the image are.
fn border_of(geometry: Candidates) -> Option<Region> {
    let last = u32::try_from(geometry.count()).ok()?.checked_sub(1)?;
    let pixel = |number| geometry.pixel(Candidate(number)).ok();
    let (first, last) = (pixel(0)?, pixel(last)?);
    let region = Region {
        rows: first.row..last.row + 1,
        columns: first.column..last.column + 1,
    };
    let whole = Region {
        rows: 0..geometry.height(),
        columns: 0..geometry.width(),
    };
    (region != whole).then_some(region)
}

/// Pixels of measurements as `(row, column)`.
fn pixels(points: &[Measurement]) -> Vec<(usize, usize)> {
    let points = points.iter();
    points.map(|m| (m.pixel.row, m.pixel.column)).collect()
}

/// Candidate numbers of measurements.
fn candidates(points: &[Measurement]) -> Vec<usize> {
    points.iter().map(|m| m.candidate.index()).collect()
}

/// What went wrong, of several campaigns each with its strategy.
fn warnings(outcomes: &[&Outcome]) -> Vec<String> {
    let warnings = outcomes.iter().flat_map(|outcome| {
        let strategy = &outcome.config.strategy;
        let warnings = outcome.warnings.iter();
        warnings.map(move |warning| match outcomes {
            [_] => warning.clone(),
            _ => format!("{strategy}: {warning}"),
        })
    });
    warnings.collect()
}

/// The errors of each response, where several are sought, for figures; nothing where one is.
fn errors<'r>(
    outcome: &'r Outcome,
    (name, units): &'r (String, String),
) -> Vec<ResponseErrors<'r>> {
    let series = &outcome.series;
    if series.further.is_empty() {
        return Vec::new();
    }
    let errors = |response, units, mae: &'r [f64], nlpd: &'r [f64]| ResponseErrors {
        response,
        units,
        mae: Progress::of_one(mae),
        nlpd: Progress::of_one(nlpd),
    };
    let first = errors(name, units, &series.mae, &series.nlpd);
    let further = series.further.iter();
    let further = further.map(|of| errors(&of.target, &of.units, &of.mae, &of.nlpd));
    std::iter::once(first).chain(further).collect()
}

/// How well the surrogate tells each response, where several are sought; nothing where one is.
fn responses(outcome: &Outcome, experiment: &dyn Experiment) -> Option<Table> {
    let series = &outcome.series;
    let sought = outcome.further.iter().map(|of| of.target.as_str());
    let last = |values: &[f64]| {
        let known = values.last().filter(|value| value.is_finite());
        known.map_or_else(String::new, |value| significant(*value))
    };
    let row = |name: &str, units: &str, figures: [&[f64]; 3]| {
        let [mae, rmse, nlpd] = figures.map(last);
        vec![name.to_owned(), units.to_owned(), mae, rmse, nlpd]
    };
    let (name, units) = experiment.target();
    let first = row(&name, &units, [&series.mae, &series.rmse, &series.nlpd]);
    let further = sought.filter_map(|name| {
        let of = series.further.iter().find(|of| of.target == name)?;
        Some(row(name, &of.units, [&of.mae, &of.rmse, &of.nlpd]))
    });
    let rows: Vec<_> = std::iter::once(first).chain(further).collect();
    let header = ["response", "units", "MAE", "RMSE", "NLPD"];
    (rows.len() > 1).then(|| Table {
        caption: "The responses that were sought together, of which the first is the target of the figures: how \
                  far the surrogate that decided is from the truth at the end, where that is known."
            .to_owned(),
        header: header.map(str::to_owned).to_vec(),
        rows,
    })
}

/// What was done, in a sentence.
fn lead(outcomes: &[&Outcome], whose: &str, target: Option<&Map>) -> String {
    let Some(first) = outcomes.first() else {
        return String::new();
    };
    let sought = target.map_or("a response", |target| &target.quantity);
    let further = first.further.iter().map(|of| of.target.as_str());
    let sought = std::iter::once(sought).chain(further);
    let sought = sought.collect::<Vec<_>>().join(" and ");
    let who = if outcomes.len() > 1 {
        "Each strategy"
    } else {
        whose
    };
    let most = outcomes.iter().map(|outcome| outcome.steps.len()).max();
    let all = outcomes.iter().all(|o| Some(o.steps.len()) == most);
    format!(
        "{who} chose {}{} of {} candidates for measuring {sought}, after {} seeds, with windows \
         of {} pixels.",
        if all { "" } else { "up to " },
        most.unwrap_or(0),
        first.candidates,
        first.seeds.len(),
        first.config.window
    )
}
