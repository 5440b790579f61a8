//! What the finished cells of a study hold, strategy by strategy: for figures and statistics.

use std::collections::HashMap;

use super::statistics::Spread;
use super::{CellResult, METRICS, Metric, Plan, Stored, StudyError, StudyFolder};
use crate::campaign::{ALGORITHM, FurtherFigures, Series};

/// Finished campaigns of several strategies on the same data.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// What was planned: data, settings, names of the strategies, seeds.
    pub plan: Plan,
    /// The strategies with at least one finished campaign, in the order of the plan.
    pub strategies: Vec<StrategyRuns>,
    /// What is missing or went wrong, a line each.
    pub notes: Vec<String>,
}

/// The finished campaigns of one strategy.
#[derive(Clone, Debug)]
pub struct StrategyRuns {
    /// Its name.
    pub strategy: String,
    /// By rising seed, which is `campaign.seed` of each. `campaign.seeds` are the candidate
    /// numbers of the points measured first, `campaign.order` those of the steps, which number
    /// as many as the plan's.
    pub runs: Vec<CellResult>,
}

/// Mean and standard deviation of a metric over seeds, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct MeanCurve {
    /// Mean after each step; NaN where no campaign could compute it.
    pub mean: Vec<f64>,
    /// Standard deviation likewise; NaN with fewer than two campaigns.
    pub sd: Vec<f64>,
}

/// What a note lists is named up to this number.
const NAMED: usize = 8;

impl Comparison {
    /// Assembles what is there.
    ///
    /// # Errors
    /// [`StudyError::NothingYet`], [`StudyError::AnotherRevision`], and [`StudyError::Unpaired`] when campaigns of one seed
    /// started from different points.
    pub fn collect(folder: &StudyFolder) -> Result<Self, StudyError> {
        let plan = folder.plan().clone();
        let mut strategies: Vec<_> = plan
            .strategies
            .iter()
            .map(|strategy| StrategyRuns {
                strategy: strategy.clone(),
                runs: Vec::new(),
            })
            .collect();
        let there = folder.cells()?;
        let missing = plan.cell_count() - there.len();
        let mut notes = Vec::new();
        for cell in &there {
            match folder.read(cell) {
                Stored::Finished(result) => {
                    for warning in &result.campaign.warnings {
                        notes.push(format!("{cell}: {warning}"));
                    }
                    let mut entries = strategies.iter_mut();
                    if let Some(entry) = entries.find(|entry| entry.strategy == cell.strategy) {
                        entry.runs.push(*result);
                    }
                }
                // It was removed meanwhile.
                Stored::Absent => {}
                Stored::Damaged(reason) => notes.push(format!(
                    "`{}` is damaged and left out: {reason}",
                    folder.file(cell).display()
                )),
                Stored::Outdated(differences) => notes.push(format!(
                    "`{}` is of other arguments and left out: {differences}",
                    folder.file(cell).display()
                )),
            }
        }
        if missing > 0 {
            // Both are sorted by number.
            let mut there = there.iter().map(|cell| cell.number).peekable();
            let absent = plan
                .cells()
                .filter(|cell| there.next_if_eq(&cell.number).is_none());
            let names: Vec<_> = absent.take(NAMED).map(|cell| cell.to_string()).collect();
            notes.push(format!(
                "{missing} of {} cells are not finished: {}",
                plan.cell_count(),
                some_of(&names, missing)
            ));
        }
        strategies.retain(|strategy| !strategy.runs.is_empty());
        // Settings that came with a later revision are missing in the checksums of an older one's cells.
        let found = plan.algorithm;
        if strategies.is_empty() && missing < plan.cell_count() && found != Some(ALGORITHM) {
            return Err(StudyError::AnotherRevision {
                folder: folder.path().to_owned(),
                found,
            });
        }
        if strategies.is_empty() {
            return Err(StudyError::NothingYet {
                folder: folder.path().to_owned(),
                cells: plan.cell_count(),
            });
        }
        let mut comparison = Self {
            plan,
            strategies,
            notes,
        };
        comparison.check_pairs()?;
        comparison.leave_out_spaces_that_differ();
        Ok(comparison)
    }

    /// The campaigns of a strategy; `None` when none of them is finished.
    pub fn strategy(&self, name: &str) -> Option<&StrategyRuns> {
        self.strategies.iter().find(|runs| runs.strategy == name)
    }

    /// All metrics in the order of tables: [`METRICS`], and behind them the errors of every response that was
    /// sought beside the first.
    pub fn metrics(&self) -> Vec<Metric> {
        let mut further: Vec<&FurtherFigures> = Vec::new();
        for run in self.strategies.iter().flat_map(|runs| &runs.runs) {
            for of in &run.campaign.series.further {
                if further.iter().all(|known| known.target != of.target) {
                    further.push(of);
                }
            }
        }
        let further = further.into_iter().flat_map(Metric::of_further);
        METRICS.iter().cloned().chain(further).collect()
    }

    /// Whether some campaign computed a metric, by its name.
    pub fn knows(&self, metric: &str) -> bool {
        let metrics = self.metrics();
        let metric = metrics.iter().find(|known| known.name == metric);
        let mut runs = self.strategies.iter().flat_map(|runs| &runs.runs);
        metric.is_some_and(|metric| runs.any(|run| metric.curve(&run.campaign).is_some()))
    }

    /// Leaves out the coverage of a space that is not the same for all cells, and says so: two
    /// versions of the program may learn two spaces.
    fn leave_out_spaces_that_differ(&mut self) {
        for space in [Space::Response, Space::Patch, Space::Latent] {
            let runs = self.strategies.iter().flat_map(|runs| &runs.runs);
            let mut known: Vec<_> = runs.filter_map(|run| space.checksum(run)).collect();
            known.sort();
            known.dedup();
            if known.len() < 2 {
                continue;
            }
            let name = space.name();
            let groups = space.groups();
            self.notes.push(format!(
                "{name} coverage is left out: the cells were judged in {} different {groups}, \
                 as two versions of the program may learn them; it can be compared when one \
                 version runs all cells",
                known.len()
            ));
            for run in self.strategies.iter_mut().flat_map(|runs| &mut runs.runs) {
                space.forget(&mut run.campaign.series);
            }
        }
    }

    /// Checks that campaigns of one seed started from the same points: what pairs them.
    fn check_pairs(&self) -> Result<(), StudyError> {
        let mut starts = HashMap::new();
        for StrategyRuns { strategy, runs } in &self.strategies {
            for CellResult { campaign, .. } in runs {
                let this = (strategy, &campaign.seeds);
                let (first, start) = *starts.entry(campaign.seed).or_insert(this);
                if start != &campaign.seeds {
                    return Err(StudyError::Unpaired {
                        first: first.clone(),
                        second: strategy.clone(),
                        seed: campaign.seed,
                    });
                }
            }
        }
        Ok(())
    }
}

/// A space that is worked out beside the data.
#[derive(Clone, Copy)]
enum Space {
    Response,
    Patch,
    Latent,
}

impl Space {
    fn name(self) -> &'static str {
        match self {
            Self::Response => "response-cluster",
            Self::Patch => "patch",
            Self::Latent => "latent",
        }
    }

    /// What there is one of where all cells were judged alike.
    fn groups(self) -> &'static str {
        match self {
            Self::Response => "clusterings of the responses",
            Self::Patch => "patch spaces",
            Self::Latent => "latent spaces",
        }
    }

    fn checksum(self, run: &CellResult) -> Option<String> {
        match self {
            Self::Response => run.spaces.response.clone(),
            Self::Patch => run.spaces.patch.clone(),
            Self::Latent => run.spaces.latent.clone(),
        }
    }

    fn forget(self, series: &mut Series) {
        let (coverage, with_seeds) = match self {
            Self::Response => (
                &mut series.response_cluster_coverage,
                &mut series.response_cluster_coverage_with_seeds,
            ),
            Self::Patch => (
                &mut series.patch_coverage,
                &mut series.patch_coverage_with_seeds,
            ),
            Self::Latent => (
                &mut series.latent_coverage,
                &mut series.latent_coverage_with_seeds,
            ),
        };
        coverage.clear();
        with_seeds.clear();
    }
}

impl StrategyRuns {
    /// The campaign with a seed.
    pub fn with_seed(&self, seed: u64) -> Option<&CellResult> {
        let found = self
            .runs
            .binary_search_by_key(&seed, |run| run.campaign.seed);
        self.runs.get(found.ok()?)
    }

    /// Mean and standard deviation of a metric over the seeds, step by step; `None` where no
    /// campaign computed it.
    pub fn curve(&self, metric: &Metric) -> Option<MeanCurve> {
        let curves = self.runs.iter().map(|run| metric.curve(&run.campaign));
        let steps = curves.flatten().map(<[f64]>::len).max()?;
        let (mean, sd) = (1..=steps)
            .map(|step| {
                let values: Vec<_> = self
                    .runs
                    .iter()
                    .map(|run| metric.at(&run.campaign, step))
                    .collect();
                let spread = Spread::new(&values);
                let sd = spread.and_then(|spread| spread.sd);
                (
                    spread.map_or(f64::NAN, |spread| spread.mean),
                    sd.unwrap_or(f64::NAN),
                )
            })
            .unzip();
        Some(MeanCurve { mean, sd })
    }
}

/// The first names of so many, and how many more there are.
pub(super) fn some_of(names: &[String], all: usize) -> String {
    let named = &names[..names.len().min(NAMED)];
    let more = match all.saturating_sub(named.len()) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    named.join(", ") + &more
}

#[cfg(test)]
mod tests {
    use super::super::METRICS;
    use super::super::testing::{campaign, comparison};
    use super::FurtherFigures;

    #[test]
    fn campaigns_that_started_elsewhere_are_no_pair() {
        let random = [
            campaign("random", 1, 4, &[0.1]),
            campaign("random", 2, 5, &[0.1]),
        ];
        let alike = [campaign("ei", 1, 4, &[0.2]), campaign("ei", 2, 5, &[0.2])];
        let elsewhere = [campaign("ei", 1, 4, &[0.2]), campaign("ei", 2, 6, &[0.2])];
        assert!(comparison(&[&random, &alike]).check_pairs().is_ok());
        let error = comparison(&[&random, &elsewhere])
            .check_pairs()
            .unwrap_err();
        let error = error.to_string();
        assert!(
            error.starts_with("random and ei") && error.contains("seed 2"),
            "{error}"
        );
    }

    #[test]
    fn coverage_of_latent_spaces_that_differ_is_left_out_and_said() {
        let runs = |strategy| [1, 2].map(|seed| campaign(strategy, seed, 4, &[0.2]));
        let (ei, random) = (runs("ei"), runs("random"));
        let judged = |latents: [Option<&str>; 4]| {
            let mut comparison = comparison(&[&ei, &random]);
            let runs = comparison.strategies.iter_mut();
            for (run, latent) in runs.flat_map(|runs| &mut runs.runs).zip(latents) {
                run.spaces.patch = Some("a".to_owned());
                run.spaces.latent = latent.map(str::to_owned);
                let series = &mut run.campaign.series;
                series.patch_coverage = vec![0.5];
                series.latent_coverage = vec![0.25];
                series.latent_coverage_with_seeds = vec![0.5];
            }
            comparison.leave_out_spaces_that_differ();
            comparison
        };
        // Of cells older than the checksums nothing is known to differ.
        for alike in [
            [Some("a"); 4],
            [None, Some("a"), Some("a"), None],
            [None; 4],
        ] {
            let comparison = judged(alike);
            assert!(comparison.knows("latent_coverage") && comparison.notes.is_empty());
        }
        let comparison = judged([Some("a"), Some("a"), Some("a"), Some("b")]);
        assert!(!comparison.knows("latent_coverage"));
        assert!(!comparison.knows("latent_coverage_with_seeds"));
        assert!(comparison.knows("patch_coverage") && comparison.knows("target_coverage"));
        let [note] = &comparison.notes[..] else {
            panic!("{:?}", comparison.notes)
        };
        assert!(note.contains("2 different latent spaces"), "{note}");
    }

    /// What is sought beside the first is known from the campaigns themselves.
    #[test]
    fn errors_of_further_responses_are_metrics_with_units_of_their_own() {
        let mut runs = [1, 2].map(|seed| campaign("ei", seed, 4, &[0.2, 0.4]));
        for (run, error) in runs.iter_mut().zip([3.0, 5.0]) {
            run.series.further = vec![FurtherFigures {
                target: "gold".to_owned(),
                units: "counts".to_owned(),
                mae: vec![error, 1.0],
                rmse: vec![f64::NAN; 2],
                nlpd: vec![-1.0, 0.5],
            }];
        }
        let comparison = comparison(&[&runs]);
        let metrics = comparison.metrics();
        let names: Vec<&str> = metrics.iter().map(|metric| &*metric.name).collect();
        assert_eq!(names[13..], ["mae:gold", "rmse:gold", "nlpd:gold"]);
        let units = [8, 13].map(|metric| metrics[metric].units("nA"));
        assert_eq!(units, ["nA", "counts"]);
        let curve = comparison.strategies[0].curve(&metrics[13]).unwrap();
        assert_eq!(curve.mean, [4.0, 1.0]);
        assert!(comparison.knows("nlpd:gold") && !comparison.knows("nlpd:silver"));
        assert!(!comparison.knows("response_cluster_coverage"));
    }

    /// By hand: 0.1 and 0.3 have mean 0.2 and standard deviation √0.02.
    #[test]
    fn curves_are_means_over_seeds_step_by_step() {
        let runs = [
            campaign("ei", 1, 4, &[0.1, 0.5, 0.5]),
            campaign("ei", 2, 5, &[0.3, 0.5, 0.9]),
        ];
        let comparison = comparison(&[&runs]);
        let curve = comparison.strategies[0].curve(&METRICS[0]).unwrap();
        assert_eq!(curve.mean, [0.2, 0.5, 0.7]);
        assert!((curve.sd[0] - 0.02_f64.sqrt()).abs() < 1e-15);
        assert_eq!(curve.sd[1], 0.0);
        let rmse = METRICS.iter().find(|metric| metric.name == "rmse").unwrap();
        let curve = comparison.strategies[0].curve(rmse).unwrap();
        assert!(
            curve
                .mean
                .iter()
                .chain(&curve.sd)
                .all(|value| value.is_nan())
        );
    }
}
