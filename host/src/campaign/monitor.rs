//! How a campaign is doing: coverage and errors against the truth, step by step.

mod truth;

use beacon_kernel::{Candidate, Candidates, Standardisation, Surrogate};

use super::series::{FurtherFigures, Series, append};
use crate::data::Map;
use crate::metrics::{
    Groups, MetricsError, SurrogateErrors, TARGET_BINS, cells_per_axis, target_groups,
};
use crate::spaces::Spaces;
use truth::{Explored, Truth, errors_against};

/// What is sought beside the first response, and the true one at every candidate where it is known.
type Known = (FurtherTarget, Option<Vec<f64>>);

/// A candidate that was measured, with its responses: the first, and what is sought beside it.
pub type Visit = (Candidate, Vec<f64>);

/// What a campaign is judged against from here on.
#[derive(Clone, Copy, Debug, Default)]
pub struct Judgement<'a> {
    /// The true response, of several the first, where it is known.
    pub truth: Option<&'a Map>,
    /// What is sought beside it.
    pub further: &'a [FurtherTarget],
    /// Whether bins, cells and clusters of responses stay those of the truth before.
    pub keeps_groups: bool,
}

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
    /// The responses of every point measured so far.
    observed: Vec<Vec<f64>>,
    spaces: Option<Spaces>,
    patch: Option<Explored>,
    latent: Option<Explored>,
    /// Clusters of the vectors of several true responses.
    clusters: Option<Explored>,
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
            spaces: None,
            patch: None,
            latent: None,
            clusters: None,
        })
    }

    /// Goes on as if this had been the judgement, and these points had counted, all along: seeds and steps
    /// with their responses.
    ///
    /// # Errors
    /// As [`Self::new`]; the points are counted.
    pub fn restart(
        &mut self,
        judgement: Judgement<'_>,
        seeds: &[Visit],
        steps: &[Visit],
    ) -> Result<(), MetricsError> {
        let Judgement {
            truth,
            further,
            keeps_groups,
        } = judgement;
        let before = self.truth.take().filter(|_| keeps_groups);
        let judged = Self::of_several(truth, further, self.candidates);
        let (truth, known, mut result) = match judged {
            Ok(judged) => (judged.truth, judged.further, Ok(())),
            Err(error) => (None, unknown(further), Err(error)),
        };
        (self.truth, self.further) = (truth, known);
        let clusters = self.clusters.take();
        match (&mut self.truth, before) {
            (Some(truth), Some(before)) => {
                truth.target = before.target.anew();
                self.clusters = clusters.map(|clusters| clusters.anew());
            }
            _ => match self.clusters_of_truth() {
                Ok(clusters) => self.clusters = clusters,
                Err(error) => result = result.and(Err(error)),
            },
        }
        self.observed.clear();
        for space in [&mut self.patch, &mut self.latent].into_iter().flatten() {
            *space = space.anew();
        }
        for (seed, responses) in seeds {
            self.seed(*seed, responses)?;
        }
        for (step, responses) in steps {
            self.observed.push(responses.clone());
            self.spaces()
                .try_for_each(|space| space.step(step.index()))?;
        }
        result
    }

    /// The clusters of the true responses, where there are several and exploration is judged in spaces.
    fn clusters_of_truth(&self) -> Result<Option<Explored>, MetricsError> {
        let truth = self.truth.as_ref();
        let vectors = truth.and_then(|truth| truth.vectors.as_ref());
        let Some((vectors, spaces)) = vectors.zip(self.spaces.as_ref()) else {
            return Ok(None);
        };
        let groups = vectors.groups(|responses| spaces.response_groups(responses))?;
        Ok(Some(Explored::new(&groups)))
    }

    /// Judges exploration in these spaces as well, from here on: among them, where the truth of several
    /// responses is known, the clusters of their vectors.
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
        self.spaces = Some(spaces.clone());
        self.clusters = self.clusters_of_truth()?;
        Ok(())
    }

    /// The bins of the target space, where the truth is known.
    pub fn target(&self) -> Option<&Groups> {
        let truth = self.truth.as_ref()?;
        Some(truth.target.steps.groups())
    }

    fn spaces(&mut self) -> impl Iterator<Item = &mut Explored> {
        let target = self.truth.as_mut().map(|truth| &mut truth.target);
        let further = [&mut self.patch, &mut self.latent, &mut self.clusters];
        let further = further.into_iter().filter_map(Option::as_mut);
        target.into_iter().chain(further)
    }

    /// Counts a seed and its responses.
    ///
    /// # Errors
    /// When the candidate does not exist.
    pub fn seed(&mut self, candidate: Candidate, responses: &[f64]) -> Result<(), MetricsError> {
        self.observed.push(responses.to_vec());
        self.spaces()
            .try_for_each(|space| space.all.visit(candidate.index()))
    }

    /// Share of the bins between the smallest and the largest response so far that hold one; of several
    /// responses, of the cells of equal width between the ends of each. Axes are those of the responses
    /// themselves: whitened ones would turn with every point, and a point that is like an earlier one could
    /// fill another cell.
    fn observed_coverage(&self) -> f64 {
        let sought = 1 + self.further.len();
        let is_known = |of: &&Vec<f64>| of.len() == sought && of.iter().all(|y| y.is_finite());
        let known: Vec<&Vec<f64>> = self.observed.iter().filter(is_known).collect();
        let cells = cells_per_axis(TARGET_BINS, sought);
        let mut visited = vec![0_usize; known.len()];
        for response in 0..sought {
            let values: Vec<f64> = known.iter().map(|of| of[response]).collect();
            // All in one bin where there is one value.
            if let Ok(bins) = target_groups(&values, cells) {
                for (cell, bin) in visited.iter_mut().zip(bins.labels()) {
                    *cell = *cell * cells + *bin as usize;
                }
            }
        }
        visited.sort_unstable();
        visited.dedup();
        visited.len() as f64 / (0..sought).map(|_| cells).product::<usize>() as f64
    }

    /// Counts a step and its responses and appends its figures to the series; without a surrogate,
    /// or with one that is not finite, the errors are NaN. Figures that need the truth are left
    /// out where it is not known.
    ///
    /// # Errors
    /// When the candidate does not exist or the surrogate is not finite; the step is counted.
    pub fn record(
        &mut self,
        (candidate, responses): (Candidate, &[f64]),
        surrogate: Option<&Posterior>,
        seconds: f64,
        series: &mut Series,
    ) -> Result<(), MetricsError> {
        self.observed.push(responses.to_vec());
        let visited = self
            .spaces()
            .try_for_each(|space| space.step(candidate.index()));
        series.observed_coverage.push(self.observed_coverage());
        let before = series.seconds.len();
        let target = self.truth.as_ref().map(|truth| &truth.target);
        for (space, of_steps, of_all) in [
            (
                target,
                &mut series.target_coverage,
                &mut series.target_coverage_with_seeds,
            ),
            (
                self.clusters.as_ref(),
                &mut series.response_cluster_coverage,
                &mut series.response_cluster_coverage_with_seeds,
            ),
        ] {
            append(of_steps, before, space.map(|space| space.steps.share()));
            append(of_all, before, space.map(|space| space.all.share()));
        }
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

/// What is sought beside the first response, of which no truth is known.
fn unknown(further: &[FurtherTarget]) -> Vec<Known> {
    let further = further.iter();
    further.map(|target| (target.clone(), None)).collect()
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
mod tests;
