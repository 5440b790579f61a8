//! What the figures of several strategies are drawn from.

use super::trajectory::Trajectory;

/// A quantity after each step, of one campaign or the mean over several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Progress<'a> {
    /// `mean[0]` is the value after step 1; empty when the quantity is unknown, NaN where it
    /// could not be computed.
    pub mean: &'a [f64],
    /// Standard deviation over campaigns, as many as `mean`; `None` for a single one.
    pub sd: Option<&'a [f64]>,
}

impl<'a> Progress<'a> {
    /// The progress of a single campaign.
    pub fn of_one(values: &'a [f64]) -> Self {
        Self {
            mean: values,
            sd: None,
        }
    }

    /// Mean and standard deviation after the last step.
    pub fn last(&self) -> Option<(f64, Option<f64>)> {
        let mean = *self.mean.last()?;
        Some((mean, self.sd.and_then(<[f64]>::last).copied()))
    }
}

/// How far the surrogate of one of several responses is from the truth.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResponseErrors<'a> {
    /// What the response is.
    pub response: &'a str,
    /// Its units; empty for none.
    pub units: &'a str,
    /// Mean absolute error, in those units.
    pub mae: Progress<'a>,
    /// Mean negative log predictive density, in nats.
    pub nlpd: Progress<'a>,
}

/// The six metrics of the paper's supplement over the steps, and those of several responses; empty where
/// unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Metrics<'a> {
    /// Mean absolute error of the surrogate, in the units of the response.
    pub mae: Progress<'a>,
    /// Mean of the surrogate, in the units of the response.
    pub surrogate_mean: Progress<'a>,
    /// Mean standard deviation of the surrogate, in the units of the response.
    pub surrogate_sigma: Progress<'a>,
    /// Share of the target space, 0 to 1.
    pub target_coverage: Progress<'a>,
    /// Share of the clusters of the vectors of several responses, 0 to 1.
    pub response_cluster_coverage: Progress<'a>,
    /// Share of the range of the responses so far, 0 to 1: what stands for the target space where
    /// the truth is not known.
    pub range_coverage: Progress<'a>,
    /// Share of the clusters of patches, 0 to 1.
    pub patch_coverage: Progress<'a>,
    /// Share of the clusters of latent points, 0 to 1.
    pub latent_coverage: Progress<'a>,
    /// Each of several responses, the first before the others; empty where one is sought.
    pub errors: &'a [ResponseErrors<'a>],
}

/// Seconds each step took; as many in each as there were steps, empty where unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct StepTimes<'a> {
    /// Waiting for the experiment.
    pub measuring: &'a [f64],
    /// Training the deep kernel.
    pub training: &'a [f64],
    /// Choosing the next point.
    pub deciding: &'a [f64],
}

/// What one strategy came to.
#[derive(Clone, Copy, Debug)]
pub struct StrategyResult<'a> {
    /// One campaign of the strategy, to be shown.
    pub trajectory: Trajectory<'a>,
    /// How well it did, alone or on average.
    pub metrics: Metrics<'a>,
    /// Where its time went.
    pub times: StepTimes<'a>,
}
