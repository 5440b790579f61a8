//! How a campaign is doing: coverage and errors against the truth, step by step.

use beacon_kernel::{Candidate, Candidates, Surrogate};
use serde::{Deserialize, Serialize};

use crate::map::Map;
use crate::metrics::{MetricsError, SurrogateErrors, TargetCoverage};

/// The figures of every step so far, one entry per step, seeds not among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Share of the target-space bins that the steps have visited, 0 to 1.
    pub target_coverage: Vec<f64>,
    /// Mean absolute error of the surrogate over all candidates, in units of the response.
    pub mae: Vec<f64>,
    /// Root mean squared error over all candidates, in units of the response.
    pub rmse: Vec<f64>,
    /// Mean negative log predictive density over all candidates, in nats.
    pub nlpd: Vec<f64>,
    /// Mean of the surrogate over all candidates, in units of the response.
    pub surrogate_mean: Vec<f64>,
    /// Mean standard deviation of the surrogate, in units of the response.
    pub surrogate_sigma: Vec<f64>,
    /// Wall time of the step, in seconds.
    pub seconds: Vec<f64>,
}

/// Judges a campaign against the truth.
#[derive(Clone, Debug)]
pub struct Monitor {
    truth: Vec<f64>,
    coverage: TargetCoverage,
}

impl Monitor {
    /// A monitor over the true response at every candidate.
    ///
    /// # Errors
    /// When the response is constant or not finite somewhere.
    pub fn new(truth: &Map, candidates: Candidates) -> Result<Self, MetricsError> {
        let truth: Vec<f64> = (0..candidates.count() as u32)
            .filter_map(|n| candidates.pixel(Candidate(n)).ok())
            .map(|pixel| truth.at(pixel.row, pixel.column))
            .collect();
        let coverage = TargetCoverage::new(&truth, TargetCoverage::BINS)?;
        Ok(Self { truth, coverage })
    }

    /// Visited and occupied bins of the target space.
    pub fn coverage(&self) -> &TargetCoverage {
        &self.coverage
    }

    /// Counts a step and appends its figures to the series; without a surrogate the errors
    /// are NaN.
    ///
    /// # Errors
    /// When the candidate does not exist or the surrogate is not finite.
    pub fn record(
        &mut self,
        candidate: Candidate,
        surrogate: Option<&Surrogate<'_>>,
        seconds: f64,
        series: &mut Series,
    ) -> Result<(), MetricsError> {
        self.coverage.visit(candidate.index())?;
        let errors = surrogate.map(|s| self.errors(s)).transpose()?;
        let figure = |pick: fn(&SurrogateErrors) -> f64| errors.as_ref().map_or(f64::NAN, pick);
        series.target_coverage.push(self.coverage.coverage());
        series.mae.push(figure(|e| e.mae));
        series.rmse.push(figure(|e| e.rmse));
        series.nlpd.push(figure(|e| e.nlpd));
        series.surrogate_mean.push(figure(|e| e.surrogate_mean));
        series.surrogate_sigma.push(figure(|e| e.surrogate_sigma));
        series.seconds.push(seconds);
        Ok(())
    }

    fn errors(&self, surrogate: &Surrogate<'_>) -> Result<SurrogateErrors, MetricsError> {
        let posterior = Posterior::new(surrogate);
        SurrogateErrors::new(
            &self.truth,
            &posterior.mean,
            &posterior.variance,
            posterior.noise,
        )
    }
}

/// A surrogate in the units of the response.
pub(super) struct Posterior {
    pub(super) mean: Vec<f64>,
    pub(super) variance: Vec<f64>,
    pub(super) noise: f64,
}

impl Posterior {
    pub(super) fn new(surrogate: &Surrogate<'_>) -> Self {
        let standardisation = surrogate.standardisation;
        let squared = f64::from(standardisation.scale).powi(2);
        let mean = surrogate.mean.iter();
        let variance = surrogate.variance.iter();
        Self {
            mean: mean
                .map(|&m| f64::from(standardisation.restore(m)))
                .collect(),
            variance: variance.map(|&v| f64::from(v) * squared).collect(),
            noise: f64::from(surrogate.noise) * squared,
        }
    }
}
