//! The figures of a campaign, step by step.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Times;

/// The figures of every step so far, one entry per step, seeds not among them: NaN for steps at which a figure
/// could not be computed, as those of a target without a truth between others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Share of the target-space bins that the steps have visited, 0 to 1; empty where the truth
    /// is not known.
    #[serde(default, deserialize_with = "figures")]
    pub target_coverage: Vec<f64>,
    /// Share of the bins between the smallest and the largest response measured so far that hold
    /// one, seeds included, 0 to 1; of several responses, of the cells of equal width between the ends of
    /// each. It needs no truth, and falls when a range grows.
    #[serde(default)]
    pub observed_coverage: Vec<f64>,
    /// Share of the clusters of patches likewise; empty where they were not worked out.
    #[serde(default)]
    pub patch_coverage: Vec<f64>,
    /// Share of the clusters of the latent space likewise; empty where it was not worked out.
    #[serde(default)]
    pub latent_coverage: Vec<f64>,
    /// Share of the clusters of the vectors of responses that the steps have visited, where several are sought
    /// and the truth of all is known; NaN for steps at which that was not so, absent where it never was.
    #[serde(
        default,
        deserialize_with = "figures",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub response_cluster_coverage: Vec<f64>,
    /// Share of the target-space bins that seeds and steps have visited together, 0 to 1.
    #[serde(default, deserialize_with = "figures")]
    pub target_coverage_with_seeds: Vec<f64>,
    /// Share of the clusters of patches likewise; empty where they were not worked out.
    #[serde(default)]
    pub patch_coverage_with_seeds: Vec<f64>,
    /// Share of the clusters of the latent space likewise; empty where it was not worked out.
    #[serde(default)]
    pub latent_coverage_with_seeds: Vec<f64>,
    /// Share of the clusters of the vectors of responses likewise.
    #[serde(
        default,
        deserialize_with = "figures",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub response_cluster_coverage_with_seeds: Vec<f64>,
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
pub(super) fn append(figures: &mut Vec<f64>, before: usize, figure: Option<f64>) {
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

#[cfg(test)]
mod tests {
    use super::*;

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
