//! How a campaign is doing: coverage and errors against the truth, step by step.

use std::time::Duration;

use beacon_kernel::{Candidate, Candidates, Surrogate};
use serde::{Deserialize, Serialize};

use super::Times;
use crate::map::Map;
use crate::metrics::{MetricsError, SurrogateErrors, TargetCoverage};

/// The figures of every step so far, one entry per step, seeds not among them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Share of the target-space bins that the steps have visited, 0 to 1.
    pub target_coverage: Vec<f64>,
    /// Mean absolute error of the surrogate over all candidates, in units of the response.
    #[serde(deserialize_with = "figures")]
    pub mae: Vec<f64>,
    /// Root mean squared error over all candidates, in units of the response.
    #[serde(deserialize_with = "figures")]
    pub rmse: Vec<f64>,
    /// Mean negative log predictive density over all candidates, in nats.
    #[serde(deserialize_with = "figures")]
    pub nlpd: Vec<f64>,
    /// Mean of the surrogate over all candidates, in units of the response.
    #[serde(deserialize_with = "figures")]
    pub surrogate_mean: Vec<f64>,
    /// Mean standard deviation of the surrogate, without measurement noise, in units of the
    /// response.
    #[serde(deserialize_with = "figures")]
    pub surrogate_sigma: Vec<f64>,
    /// Standard deviation of the measurement noise as the model sees it, in units of the
    /// response. NLPD counts it, `surrogate_sigma` does not.
    #[serde(deserialize_with = "figures")]
    pub noise_sigma: Vec<f64>,
    /// Wall time of the step without monitoring, in seconds.
    pub seconds: Vec<f64>,
    /// Time of the step spent waiting for the microscope, in seconds.
    #[serde(default)]
    pub measuring_seconds: Vec<f64>,
    /// Time of the step spent on training and on handing the model over, in seconds.
    #[serde(default)]
    pub training_seconds: Vec<f64>,
    /// Time of the step spent waiting for the proposal, in seconds.
    #[serde(default)]
    pub deciding_seconds: Vec<f64>,
}

impl Series {
    /// Appends where the time of a step went: the difference between two sums of times.
    pub(super) fn record_times(&mut self, before: &Times, after: &Times) {
        let spent = |of: fn(&Times) -> Duration| of(after).saturating_sub(of(before)).as_secs_f64();
        self.measuring_seconds.push(spent(|times| times.measuring));
        self.training_seconds.push(spent(|times| times.training));
        self.deciding_seconds.push(spent(|times| times.deciding));
    }
}

/// Reads figures back; one that could not be computed is NaN here and `null` in JSON.
fn figures<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
    let figures = Vec::<Option<f64>>::deserialize(deserializer)?;
    Ok(figures.into_iter().map(|f| f.unwrap_or(f64::NAN)).collect())
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

    /// Counts a step and appends its figures to the series; without a surrogate, or with one
    /// that is not finite, the errors are NaN.
    ///
    /// # Errors
    /// When the candidate does not exist or the surrogate is not finite; the step is counted.
    pub fn record(
        &mut self,
        candidate: Candidate,
        surrogate: Option<&Posterior>,
        seconds: f64,
        series: &mut Series,
    ) -> Result<(), MetricsError> {
        let visited = self.coverage.visit(candidate.index());
        let errors = surrogate.map(|s| self.errors(s)).transpose();
        series
            .noise_sigma
            .push(surrogate.map_or(f64::NAN, |s| s.noise.sqrt()));
        let known = errors.as_ref().ok().and_then(Option::as_ref);
        let figure = |pick: fn(&SurrogateErrors) -> f64| known.map_or(f64::NAN, pick);
        series.target_coverage.push(self.coverage.coverage());
        series.mae.push(figure(|e| e.mae));
        series.rmse.push(figure(|e| e.rmse));
        series.nlpd.push(figure(|e| e.nlpd));
        series.surrogate_mean.push(figure(|e| e.surrogate_mean));
        series.surrogate_sigma.push(figure(|e| e.surrogate_sigma));
        series.seconds.push(seconds);
        visited.and(errors.map(|_| ()))
    }

    fn errors(&self, posterior: &Posterior) -> Result<SurrogateErrors, MetricsError> {
        SurrogateErrors::new(
            &self.truth,
            &posterior.mean,
            &posterior.variance,
            posterior.noise,
        )
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
    /// A kernel's surrogate; `origin` is what was subtracted from the responses it was told.
    pub fn new(surrogate: &Surrogate<'_>, origin: f64) -> Self {
        let standardisation = surrogate.standardisation;
        let squared = f64::from(standardisation.scale).powi(2);
        let mean = surrogate.mean.iter();
        let variance = surrogate.variance.iter();
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
        let mut monitor = Monitor::new(&truth, candidates).unwrap();
        let mut series = Series::default();
        monitor
            .record(Candidate(1), None, 0.5, &mut series)
            .unwrap();
        let text = serde_json::to_string(&series).unwrap();
        assert!(text.contains("\"mae\":[null]"), "{text}");
        let read: Series = serde_json::from_str(&text).unwrap();
        assert!(read.mae[0].is_nan());
        assert_eq!((read.target_coverage, read.seconds), (vec![0.5], vec![0.5]));
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
