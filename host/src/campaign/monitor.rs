//! How a campaign is doing: coverage and errors against the truth, step by step.

use std::time::Duration;

use beacon_kernel::{Candidate, Candidates, Standardisation, Surrogate};
use serde::{Deserialize, Serialize};

use super::Times;
use crate::data::Map;
use crate::metrics::{
    Coverage, Groups, MetricsError, SurrogateErrors, TARGET_BINS, target_groups, vector_groups,
};
use crate::spaces::Spaces;

/// The figures of every step so far, one entry per step, seeds not among them: NaN for steps at which a figure
/// could not be computed, as those of a target without a truth between others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Share of the target-space bins that the steps have visited, 0 to 1; empty where the truth
    /// is not known.
    #[serde(default, deserialize_with = "figures")]
    pub target_coverage: Vec<f64>,
    /// Share of the bins between the smallest and the largest response measured so far that hold
    /// one, seeds included, 0 to 1. It needs no truth, and falls when the range grows.
    #[serde(default)]
    pub observed_coverage: Vec<f64>,
    /// Share of the clusters of patches likewise; empty where they were not worked out.
    #[serde(default)]
    pub patch_coverage: Vec<f64>,
    /// Share of the clusters of the latent space likewise; empty where it was not worked out.
    #[serde(default)]
    pub latent_coverage: Vec<f64>,
    /// Share of the target-space bins that seeds and steps have visited together, 0 to 1.
    #[serde(default, deserialize_with = "figures")]
    pub target_coverage_with_seeds: Vec<f64>,
    /// Share of the clusters of patches likewise; empty where they were not worked out.
    #[serde(default)]
    pub patch_coverage_with_seeds: Vec<f64>,
    /// Share of the clusters of the latent space likewise; empty where it was not worked out.
    #[serde(default)]
    pub latent_coverage_with_seeds: Vec<f64>,
    /// Mean absolute error of the surrogate over all candidates, in units of the response; empty
    /// where the truth is not known, as the two that follow.
    #[serde(default, deserialize_with = "figures")]
    pub mae: Vec<f64>,
    /// Root mean squared error over all candidates, in units of the response.
    #[serde(default, deserialize_with = "figures")]
    pub rmse: Vec<f64>,
    /// Mean negative log predictive density over all candidates, in nats.
    #[serde(default, deserialize_with = "figures")]
    pub nlpd: Vec<f64>,
    /// Mean of the surrogate over all candidates, in units of the response.
    #[serde(deserialize_with = "figures")]
    pub surrogate_mean: Vec<f64>,
    /// Mean standard deviation of the surrogate, without measurement noise, in units of the
    /// response.
    #[serde(deserialize_with = "figures")]
    pub surrogate_sigma: Vec<f64>,
    /// Mean variance of the surrogate likewise, in squared units of the response.
    #[serde(default, deserialize_with = "figures")]
    pub surrogate_variance: Vec<f64>,
    /// Standard deviation of the measurement noise as the model sees it, in units of the
    /// response. NLPD counts it, `surrogate_sigma` does not.
    #[serde(deserialize_with = "figures")]
    pub noise_sigma: Vec<f64>,
    /// Wall time of the step without monitoring, in seconds.
    pub seconds: Vec<f64>,
    /// Time of the step spent waiting for the experiment, in seconds.
    #[serde(default)]
    pub measuring_seconds: Vec<f64>,
    /// Time of the step spent on training and on handing the model over, in seconds.
    #[serde(default)]
    pub training_seconds: Vec<f64>,
    /// Time of the step spent waiting for the proposal, in seconds.
    #[serde(default)]
    pub deciding_seconds: Vec<f64>,
    /// How well each further response is told, where several are sought, in the order they were first
    /// sought; absent where one is.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub further: Vec<FurtherFigures>,
}

/// The figures of a response that is sought beside the first, one entry a step: NaN for steps at which it was
/// not sought, or could not be judged.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FurtherFigures {
    /// What it is, as its scalarizer is written or its map is called.
    pub target: String,
    /// Its units.
    pub units: String,
    /// Mean absolute error of the surrogate over all candidates, in those units.
    #[serde(deserialize_with = "figures")]
    pub mae: Vec<f64>,
    /// Root mean squared error likewise.
    #[serde(deserialize_with = "figures")]
    pub rmse: Vec<f64>,
    /// Mean negative log predictive density likewise, in nats.
    #[serde(deserialize_with = "figures")]
    pub nlpd: Vec<f64>,
}

impl Series {
    /// The share of the responses' range that was seen last: of all there are where the truth is known, else
    /// of those so far; `None` before the first step.
    pub(crate) fn coverage(&self) -> Option<f64> {
        let known = [&self.target_coverage, &self.observed_coverage];
        let last = |coverage: &&Vec<f64>| coverage.last().copied();
        known
            .iter()
            .filter_map(last)
            .find(|share| share.is_finite())
    }

    /// Appends where the time of a step went: the difference between two sums of times.
    pub(super) fn record_times(&mut self, before: &Times, after: &Times) {
        let spent = |of: fn(&Times) -> Duration| of(after).saturating_sub(of(before)).as_secs_f64();
        self.measuring_seconds.push(spent(|times| times.measuring));
        self.training_seconds.push(spent(|times| times.training));
        self.deciding_seconds.push(spent(|times| times.deciding));
    }
}

/// Appends the figure of a step behind `before` others, so that a figure that is not known at every step, as
/// while a target without a truth is sought, stays beside its step. One that is known at none has no entries.
fn append(figures: &mut Vec<f64>, before: usize, figure: Option<f64>) {
    if figure.is_some() || !figures.is_empty() {
        figures.resize(before, f64::NAN);
        figures.push(figure.unwrap_or(f64::NAN));
    }
}

/// Reads figures back; one that could not be computed is NaN here and `null` in JSON.
fn figures<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let figures = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(figures.into_iter().map(|f| f.unwrap_or(f64::NAN)).collect())
}

/// How far a campaign has come in one space, by its steps alone and with its seeds.
#[derive(Clone, Debug)]
struct Explored {
    steps: Coverage,
    all: Coverage,
}

impl Explored {
    fn new(groups: &Groups) -> Self {
        let coverage = Coverage::new(groups.clone());
        Self {
            steps: coverage.clone(),
            all: coverage,
        }
    }

    fn step(&mut self, candidate: usize) -> Result<(), MetricsError> {
        self.steps.visit(candidate)?;
        self.all.visit(candidate)
    }

    fn append(&self, steps: &mut Vec<f64>, all: &mut Vec<f64>) {
        steps.push(self.steps.share());
        all.push(self.all.share());
    }
}

/// The true response at every candidate, of several the first, and its bins; of several the cells of all.
#[derive(Clone, Debug)]
struct Truth {
    responses: Vec<f64>,
    target: Explored,
}

/// What is sought beside the first response, and the true one at every candidate where it is known.
type Known = (FurtherTarget, Option<Vec<f64>>);

/// A response that is sought beside the first.
#[derive(Clone, Debug, PartialEq)]
pub struct FurtherTarget {
    /// What it is, as its scalarizer is written or its map is called.
    pub name: String,
    /// Its units.
    pub units: String,
    /// The true response at every pixel, where it is known.
    pub truth: Option<Map>,
}

/// Judges a campaign: against the truth where it is known, else by what it measured.
#[derive(Clone, Debug)]
pub struct Monitor {
    candidates: Candidates,
    truth: Option<Truth>,
    /// What is sought beside the first response, and the true one at every candidate where it is known.
    further: Vec<Known>,
    /// Every response measured so far, of several the first.
    observed: Vec<f64>,
    patch: Option<Explored>,
    latent: Option<Explored>,
}

impl Monitor {
    /// A monitor over the true response at every candidate, or without one.
    ///
    /// # Errors
    /// When the response is constant or not finite somewhere.
    pub fn new(truth: Option<&Map>, candidates: Candidates) -> Result<Self, MetricsError> {
        Self::of_several(truth, &[], candidates)
    }

    /// A monitor of several responses.
    ///
    /// # Errors
    /// As [`Self::new`], of each.
    pub fn of_several(
        truth: Option<&Map>,
        further: &[FurtherTarget],
        candidates: Candidates,
    ) -> Result<Self, MetricsError> {
        let further = known(further, candidates)?;
        Ok(Self {
            candidates,
            truth: truth
                .map(|map| Truth::new(map, &further, candidates))
                .transpose()?,
            further,
            observed: Vec::new(),
            patch: None,
            latent: None,
        })
    }

    /// Goes on as if this truth, where it is known, and these points had counted all along: seeds
    /// and steps with their responses. Coverage of the target space is that of `groups` where they are given.
    ///
    /// # Errors
    /// As [`Self::new`]; the points are counted.
    pub fn restart(
        &mut self,
        (truth, groups): (Option<&Map>, Option<Groups>),
        further: &[FurtherTarget],
        seeds: &[(Candidate, f64)],
        steps: &[(Candidate, f64)],
    ) -> Result<(), MetricsError> {
        let judged = Self::of_several(truth, further, self.candidates);
        let (truth, known, result) = match judged {
            Ok(judged) => (judged.truth, judged.further, Ok(())),
            Err(error) => {
                let unknown = further.iter().map(|target| (target.clone(), None));
                (None, unknown.collect(), Err(error))
            }
        };
        (self.truth, self.further) = (truth, known);
        if let Some((truth, groups)) = self.truth.as_mut().zip(groups) {
            truth.target = Explored::new(&groups);
        }
        self.observed.clear();
        for space in [&mut self.patch, &mut self.latent].into_iter().flatten() {
            *space = Explored::new(&space.steps.groups().clone());
        }
        for &(seed, response) in seeds {
            self.seed(seed, response)?;
        }
        for &(step, response) in steps {
            self.observed.push(response);
            self.spaces()
                .try_for_each(|space| space.step(step.index()))?;
        }
        result
    }

    /// Judges exploration in these spaces as well, from here on.
    ///
    /// # Errors
    /// When they are of another number of candidates.
    pub fn judge_in(&mut self, spaces: &Spaces) -> Result<(), MetricsError> {
        let latent = spaces.latent_groups();
        for groups in [Some(spaces.patch()), latent].into_iter().flatten() {
            if groups.labels().len() != self.candidates.count() {
                return Err(MetricsError::Length {
                    what: "space",
                    expected: self.candidates.count(),
                    found: groups.labels().len(),
                });
            }
        }
        self.patch = Some(Explored::new(spaces.patch()));
        self.latent = latent.map(Explored::new);
        Ok(())
    }

    /// The bins of the target space, where the truth is known.
    pub fn target(&self) -> Option<&Groups> {
        let truth = self.truth.as_ref()?;
        Some(truth.target.steps.groups())
    }

    fn spaces(&mut self) -> impl Iterator<Item = &mut Explored> {
        let target = self.truth.as_mut().map(|truth| &mut truth.target);
        let further = [&mut self.patch, &mut self.latent];
        let further = further.into_iter().filter_map(Option::as_mut);
        target.into_iter().chain(further)
    }

    /// Counts a seed and its response.
    ///
    /// # Errors
    /// When the candidate does not exist.
    pub fn seed(&mut self, candidate: Candidate, response: f64) -> Result<(), MetricsError> {
        self.observed.push(response);
        self.spaces()
            .try_for_each(|space| space.all.visit(candidate.index()))
    }

    /// Share of the bins between the smallest and the largest response so far that hold one.
    fn observed_coverage(&self) -> f64 {
        let responses = self.observed.iter().copied();
        let known: Vec<f64> = responses.filter(|response| response.is_finite()).collect();
        match target_groups(&known, TARGET_BINS) {
            Ok(groups) => groups.occupied() as f64 / TARGET_BINS as f64,
            // One value, or none: at most one bin.
            Err(_) => f64::from(u8::from(!known.is_empty())) / TARGET_BINS as f64,
        }
    }

    /// Counts a step and its response and appends its figures to the series; without a surrogate,
    /// or with one that is not finite, the errors are NaN. Figures that need the truth are left
    /// out where it is not known.
    ///
    /// # Errors
    /// When the candidate does not exist or the surrogate is not finite; the step is counted.
    pub fn record(
        &mut self,
        (candidate, response): (Candidate, f64),
        surrogate: Option<&Posterior>,
        seconds: f64,
        series: &mut Series,
    ) -> Result<(), MetricsError> {
        self.observed.push(response);
        let visited = self
            .spaces()
            .try_for_each(|space| space.step(candidate.index()));
        series.observed_coverage.push(self.observed_coverage());
        let before = series.seconds.len();
        let target = self.truth.as_ref().map(|truth| &truth.target);
        let [steps, all] = [
            &mut series.target_coverage,
            &mut series.target_coverage_with_seeds,
        ];
        append(steps, before, target.map(|target| target.steps.share()));
        append(all, before, target.map(|target| target.all.share()));
        if let Some(patch) = &self.patch {
            patch.append(
                &mut series.patch_coverage,
                &mut series.patch_coverage_with_seeds,
            );
        }
        if let Some(latent) = &self.latent {
            latent.append(
                &mut series.latent_coverage,
                &mut series.latent_coverage_with_seeds,
            );
        }
        let errors = surrogate.map(|s| self.errors(s)).transpose();
        series
            .noise_sigma
            .push(surrogate.map_or(f64::NAN, |s| s.noise.sqrt()));
        let known = errors.as_ref().ok().and_then(Option::as_ref);
        let figure = |pick: fn(&SurrogateErrors) -> f64| known.map_or(f64::NAN, pick);
        let judged = |pick| self.truth.is_some().then(|| figure(pick));
        append(&mut series.mae, before, judged(|e| e.mae));
        append(&mut series.rmse, before, judged(|e| e.rmse));
        append(&mut series.nlpd, before, judged(|e| e.nlpd));
        series.surrogate_mean.push(figure(|e| e.surrogate_mean));
        series.surrogate_sigma.push(figure(|e| e.surrogate_sigma));
        series
            .surrogate_variance
            .push(figure(|e| e.surrogate_variance));
        series.seconds.push(seconds);
        visited.and(errors.map(|_| ()))
    }

    /// Appends the figures of the responses beside the first to the series, behind [`Self::record`]: of
    /// each the surrogate, in their order; NaN without one, and where no truth is known.
    ///
    /// # Errors
    /// When a surrogate is not finite; all have their entry then.
    pub fn record_further(
        &self,
        surrogates: &[Posterior],
        series: &mut Series,
    ) -> Result<(), MetricsError> {
        let before = series.seconds.len().saturating_sub(1);
        // A component that was never learnt has no surrogate, and was never in force.
        for ((target, _), _) in self.further.iter().zip(surrogates) {
            if let Some(of) = (series.further.iter_mut()).find(|of| of.target == target.name) {
                // Those of a component are known once it was learnt.
                of.units.clone_from(&target.units);
            } else {
                let unknown = vec![f64::NAN; before];
                series.further.push(FurtherFigures {
                    target: target.name.clone(),
                    units: target.units.clone(),
                    mae: unknown.clone(),
                    rmse: unknown.clone(),
                    nlpd: unknown,
                });
            }
        }
        let mut result = Ok(());
        for figures in &mut series.further {
            let mut further = self.further.iter().enumerate();
            let sought = further.find(|(_, (target, _))| target.name == figures.target);
            let known =
                sought.and_then(|(n, (_, truth))| Some((surrogates.get(n)?, truth.as_ref()?)));
            let errors = known.map(|(surrogate, truth)| errors_against(truth, surrogate));
            let errors = errors.transpose().unwrap_or_else(|error| {
                result = Err(error);
                None
            });
            let figure = |pick: fn(&SurrogateErrors) -> f64| errors.as_ref().map_or(f64::NAN, pick);
            figures.mae.push(figure(|of| of.mae));
            figures.rmse.push(figure(|of| of.rmse));
            figures.nlpd.push(figure(|of| of.nlpd));
        }
        result
    }

    /// How far a posterior is from the truth; `None` where that is not known.
    ///
    /// # Errors
    /// When the posterior is not finite.
    pub(super) fn against_truth(
        &self,
        posterior: &Posterior,
    ) -> Result<Option<SurrogateErrors>, MetricsError> {
        let known = self.truth.is_some();
        known.then(|| self.errors(posterior)).transpose()
    }

    fn errors(&self, posterior: &Posterior) -> Result<SurrogateErrors, MetricsError> {
        match &self.truth {
            Some(truth) => errors_against(&truth.responses, posterior),
            None => SurrogateErrors::without_truth(&posterior.mean, &posterior.variance),
        }
    }
}

/// How far a posterior is from true responses; where these have a gap there is nothing to be judged by.
fn errors_against(truth: &[f64], posterior: &Posterior) -> Result<SurrogateErrors, MetricsError> {
    let Posterior {
        mean,
        variance,
        noise,
    } = posterior;
    if truth.iter().all(|response| response.is_finite()) {
        return SurrogateErrors::new(truth, mean, variance, *noise);
    }
    let known = |values: &[f64]| -> Vec<f64> {
        let known = values.iter().zip(truth);
        let known = known.filter(|(_, truth)| truth.is_finite());
        known.map(|(value, _)| *value).collect()
    };
    SurrogateErrors::new(&known(truth), &known(mean), &known(variance), *noise)
}

/// The true responses beside the first at every candidate, where they are known.
fn known(further: &[FurtherTarget], candidates: Candidates) -> Result<Vec<Known>, MetricsError> {
    let of_each = further.iter().map(|target| {
        let truth = target.truth.as_ref();
        let truth = truth
            .map(|map| at_candidates(map, candidates))
            .transpose()?;
        Ok((target.clone(), truth))
    });
    of_each.collect()
}

/// A map's value at every candidate.
pub(super) fn at_candidates(map: &Map, candidates: Candidates) -> Result<Vec<f64>, MetricsError> {
    let (height, width) = (candidates.height(), candidates.width());
    if (map.height(), map.width()) != (height, width) {
        return Err(MetricsError::Length {
            what: "true response",
            expected: height * width,
            found: map.values.len(),
        });
    }
    let pixels = (0..candidates.count() as u32).filter_map(|n| candidates.pixel(Candidate(n)).ok());
    Ok(pixels
        .map(|pixel| map.at(pixel.row, pixel.column))
        .collect())
}

impl Truth {
    /// Where the truth of a further response is not known, the bins are those of the first.
    fn new(map: &Map, further: &[Known], candidates: Candidates) -> Result<Self, MetricsError> {
        let responses = at_candidates(map, candidates)?;
        // A pixel without data is never visited, so that its bin does not matter, as long as it is
        // one that another pixel has.
        let further = further.iter().map(|(_, truth)| truth.as_deref());
        let further: Option<Vec<&[f64]>> = further.collect();
        let columns = std::iter::once(&responses[..]).chain(further.unwrap_or_default());
        let columns: Vec<&[f64]> = columns.collect();
        let is_known = |n: &usize| columns.iter().all(|of| of[*n].is_finite());
        let known = (0..responses.len()).find(is_known);
        let binned = columns.iter().map(|of| -> Vec<f64> {
            let at = |n| if is_known(&n) { Some(n) } else { known };
            let places = (0..responses.len()).map(at);
            places.map(|n| n.map_or(f64::NAN, |n| of[n])).collect()
        });
        let binned: Vec<Vec<f64>> = binned.collect();
        let binned: Vec<&[f64]> = binned.iter().map(Vec::as_slice).collect();
        let target = Explored::new(&vector_groups(&binned, TARGET_BINS)?);
        Ok(Self { responses, target })
    }
}

/// The posterior at every candidate, in the units of the response.
#[derive(Clone, Debug, PartialEq)]
pub struct Posterior {
    /// Means.
    pub mean: Vec<f64>,
    /// Variances of the response itself, without measurement noise.
    pub variance: Vec<f64>,
    /// Variance of the measurement noise.
    pub noise: f64,
}

impl Posterior {
    /// A kernel's surrogate; `origin` is what was subtracted from its responses. Of several, the first.
    pub fn new(surrogate: &Surrogate<'_>, origin: f64) -> Self {
        let of_each = surrogate.iter();
        Self::made(surrogate, surrogate.standardisation, of_each, origin)
    }

    /// The same of a response, counted from 0; `None` beyond those there are.
    pub fn of(surrogate: &Surrogate<'_>, response: usize, origin: f64) -> Option<Self> {
        let standardisation = surrogate.standardisation_of(response)?;
        let of_each = surrogate.iter_of(response);
        Some(Self::made(surrogate, standardisation, of_each, origin))
    }

    fn made(
        surrogate: &Surrogate<'_>,
        standardisation: Standardisation,
        of_each: impl Iterator<Item = (f32, f32)>,
        origin: f64,
    ) -> Self {
        let squared = f64::from(standardisation.scale).powi(2);
        let (mean, variance): (Vec<f32>, Vec<f32>) = of_each.unzip();
        let mean = mean.iter();
        let variance = variance.iter();
        Self {
            mean: mean
                .map(|&m| f64::from(standardisation.restore(m)) + origin)
                .collect(),
            variance: variance.map(|&v| f64::from(v) * squared).collect(),
            noise: f64::from(surrogate.noise) * squared,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_that_could_not_be_computed_survives_its_file_form() {
        let truth = Map::uncalibrated(4, 5, (0..20).map(f64::from).collect(), "ramp");
        let candidates = Candidates::new(4, 5, 4).unwrap();
        let mut monitor = Monitor::new(Some(&truth), candidates).unwrap();
        let mut series = Series::default();
        monitor
            .record((Candidate(1), 0.1), None, 0.5, &mut series)
            .unwrap();
        let text = serde_json::to_string(&series).unwrap();
        assert!(text.contains("\"mae\":[null]"), "{text}");
        let read: Series = serde_json::from_str(&text).unwrap();
        assert!(read.mae[0].is_nan());
        assert_eq!((read.target_coverage, read.seconds), (vec![0.5], vec![0.5]));
    }

    #[test]
    fn without_a_truth_coverage_is_that_of_the_range_measured_so_far() {
        let candidates = Candidates::new(4, 5, 4).unwrap();
        let mut monitor = Monitor::new(None, candidates).unwrap();
        let mut series = Series::default();
        monitor.seed(Candidate(0), 2.0).unwrap();
        for response in [2.0, 12.0, f64::NAN, 7.0, 7.01] {
            let point = (Candidate(1), response);
            monitor.record(point, None, 0.0, &mut series).unwrap();
        }
        assert_eq!(series.observed_coverage, [0.01, 0.02, 0.02, 0.03, 0.03]);
        assert!(series.target_coverage.is_empty() && series.mae.is_empty());
        assert_eq!(series.surrogate_mean.len(), 5);
    }

    #[test]
    fn figures_that_are_not_known_at_every_step_stay_beside_their_steps() {
        let truth = Map::uncalibrated(4, 5, (0..20).map(f64::from).collect(), "ramp");
        let candidates = Candidates::new(4, 5, 4).unwrap();
        let mut monitor = Monitor::new(Some(&truth), candidates).unwrap();
        let mut series = Series::default();
        let posterior = Posterior {
            mean: vec![1.0; candidates.count()],
            variance: vec![1.0; candidates.count()],
            noise: 0.0,
        };
        let further = |units: &str| FurtherTarget {
            name: "component:2/2".to_owned(),
            units: units.to_owned(),
            truth: None,
        };
        for (known, units) in [
            (false, ""),
            (true, "counts"),
            (false, ""),
            (true, "√counts"),
        ] {
            let truth = known.then_some(&truth);
            monitor
                .restart((truth, None), &[further(units)], &[], &[])
                .unwrap();
            let point = (Candidate(0), 1.0);
            monitor
                .record(point, Some(&posterior), 0.0, &mut series)
                .unwrap();
            let surrogates = vec![posterior.clone(); usize::from(known)];
            monitor.record_further(&surrogates, &mut series).unwrap();
        }
        let known = [false, true, false, true];
        for figures in [
            &series.mae,
            &series.nlpd,
            &series.target_coverage,
            &series.target_coverage_with_seeds,
        ] {
            assert_eq!(
                figures.iter().map(|of| of.is_finite()).collect::<Vec<_>>(),
                known
            );
        }
        assert_eq!(series.further[0].units, "√counts");
        assert_eq!(series.further[0].mae.len(), 4);
        let read: Series = serde_json::from_str(&serde_json::to_string(&series).unwrap()).unwrap();
        assert!(read.target_coverage[0].is_nan() && read.coverage() == series.coverage());
    }

    #[test]
    fn a_component_that_was_never_learnt_is_told_at_no_step() {
        let candidates = Candidates::new(4, 5, 4).unwrap();
        let further = FurtherTarget {
            name: "component:2/2".to_owned(),
            units: String::new(),
            truth: None,
        };
        let mut monitor = Monitor::of_several(None, &[further], candidates).unwrap();
        let mut series = Series::default();
        monitor
            .record((Candidate(0), 1.0), None, 0.0, &mut series)
            .unwrap();
        monitor.record_further(&[], &mut series).unwrap();
        assert_eq!(series.further, []);
    }

    #[test]
    fn another_target_counts_the_points_so_far_in_its_own_bins() {
        let truth = |values: [f64; 2]| {
            let mut map = Map::uncalibrated(4, 5, vec![0.0; 20], "response");
            (map.values[12], map.values[13]) = (values[0], values[1]);
            map
        };
        let candidates = Candidates::new(4, 5, 4).unwrap();
        let mut monitor = Monitor::new(Some(&truth([0.0, 1.0])), candidates).unwrap();
        let mut series = Series::default();
        let first = (Candidate(0), 0.0);
        monitor.record(first, None, 0.0, &mut series).unwrap();
        let visited = [(Candidate(0), 5.0)];
        monitor
            .restart((Some(&truth([5.0, 1.0])), None), &[], &[], &visited)
            .unwrap();
        let second = (Candidate(1), 1.0);
        monitor.record(second, None, 0.0, &mut series).unwrap();
        assert_eq!(series.target_coverage, [0.5, 1.0]);
        let constant = truth([3.0, 3.0]);
        assert!(
            monitor
                .restart((Some(&constant), None), &[], &[], &[])
                .is_err()
        );
        assert!(monitor.target().is_none());
    }

    /// Two responses of two values each, which are the parities of column and row.
    #[test]
    fn coverage_of_several_responses_is_that_of_their_cells() {
        let candidates = Candidates::new(8, 9, 4).unwrap();
        let map = |of: fn(usize) -> usize| {
            let values = (0..72).map(|n| of(n) as f64);
            Map::uncalibrated(8, 9, values.collect(), "parity")
        };
        let first = map(|n| n % 9 % 2);
        let further = FurtherTarget {
            name: "other".to_owned(),
            units: String::new(),
            truth: Some(map(|n| n / 9 % 2)),
        };
        let cells = |further: &FurtherTarget| {
            let further = std::slice::from_ref(further);
            let monitor = Monitor::of_several(Some(&first), further, candidates).unwrap();
            monitor.target().unwrap().occupied()
        };
        assert_eq!(cells(&further), 4);
        let unknown = FurtherTarget {
            truth: None,
            ..further
        };
        assert_eq!(cells(&unknown), 2);
    }

    #[test]
    fn seeds_count_in_the_arrays_that_say_so_alone() {
        let truth = Map::uncalibrated(4, 5, (0..20).map(f64::from).collect(), "ramp");
        let candidates = Candidates::new(4, 5, 4).unwrap();
        let mut monitor = Monitor::new(Some(&truth), candidates).unwrap();
        let patches = crate::data::Patches::new(&truth, 4).unwrap();
        let spaces = Spaces::new(&patches, None, &crate::spaces::Cache::none()).unwrap();
        monitor.judge_in(&spaces).unwrap();
        monitor.seed(Candidate(0), 0.0).unwrap();
        let mut series = Series::default();
        for candidate in [1, 0].map(Candidate) {
            monitor
                .record((candidate, 0.5), None, 0.0, &mut series)
                .unwrap();
        }
        assert_eq!(series.target_coverage, [0.5, 1.0]);
        assert_eq!(series.target_coverage_with_seeds, [1.0, 1.0]);
        // Both patches are one ramp, so standardised they are one pattern or two by rounding.
        assert_eq!(series.patch_coverage.len(), 2);
        assert_eq!(series.patch_coverage_with_seeds[1], 1.0);
        assert!(series.latent_coverage.is_empty());
        assert!(monitor.seed(Candidate(2), 0.0).is_err());
    }

    #[test]
    fn a_summary_of_an_earlier_version_still_reads() {
        let earlier = r#"{"target_coverage":[0.5],"mae":[1],"rmse":[1],"nlpd":[1],
            "surrogate_mean":[1],"surrogate_sigma":[1],"noise_sigma":[1],"seconds":[1]}"#;
        let series: Series = serde_json::from_str(earlier).unwrap();
        assert_eq!(series.target_coverage, [0.5]);
        assert!(series.patch_coverage.is_empty() && series.surrogate_variance.is_empty());
    }

    #[test]
    fn files_without_the_times_of_the_steps_are_read() {
        let mut series = Series::default();
        let after = Times {
            deciding: Duration::from_millis(1500),
            ..Times::default()
        };
        series.record_times(&Times::default(), &after);
        assert_eq!(series.deciding_seconds, [1.5]);
        assert_eq!(series.measuring_seconds, [0.0]);
        let mut value = serde_json::to_value(&series).unwrap();
        let fields = value.as_object_mut().unwrap();
        assert!(fields.remove("deciding_seconds").is_some());
        let read: Series = serde_json::from_value(value).unwrap();
        assert_eq!(read.deciding_seconds, Vec::<f64>::new());
        assert_eq!(read.measuring_seconds, [0.0]);
    }
}
