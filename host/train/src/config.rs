//! How long and how fast the trainer trains.

use serde::{Deserialize, Serialize};

use super::TrainError;

/// Settings of the [`Trainer`](super::Trainer); its state is kept apart from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default, deny_unknown_fields)]
pub struct TrainerConfig {
    /// Full-batch epochs of the first fit, on the seeds.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 50,
            value_name = "N",
            help_heading = "Training"
        )
    )]
    pub initial_epochs: usize,
    /// Full-batch epochs of every later fit, each a warm start.
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t = 1, value_name = "N", help_heading = "Training")
    )]
    pub epochs: usize,
    /// Full-batch epochs of every later fit on fewer than 60 points, instead of those of `--epochs`.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "N", help_heading = "Training")
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_epochs: Option<usize>,
    /// Train a second network from new weights whenever the points have doubled since the last time, from 20
    /// on, and keep whichever predicts each point better from the others.
    #[cfg_attr(feature = "cli", arg(long, help_heading = "Training"))]
    pub restarts: bool,
    /// Adam's step size in the first fit, in (0, 1].
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 0.01,
            value_name = "X",
            help_heading = "Training"
        )
    )]
    pub learning_rate: f64,
    /// Adam's step size in every later fit, in (0, 1].
    ///
    /// Over a campaign these steps add up to
    /// far more than the first fit's, and the likelihood of a deep kernel overfits before its
    /// predictions do: at the first fit's rate the noise sinks to its floor.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 2e-3,
            value_name = "X",
            help_heading = "Training"
        )
    )]
    pub warm_learning_rate: f64,
    /// Smallest noise variance over outputscale, in [1e-3, 1].
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 1e-2,
            value_name = "X",
            help_heading = "Training"
        )
    )]
    pub noise_floor: f64,
    /// Seed of the initial weights; a campaign puts its own here.
    #[cfg_attr(feature = "cli", arg(skip))]
    #[serde(skip)]
    pub seed: u64,
    /// Most points that a fit takes: of more, as many, spread over their order. `None` takes all; a campaign
    /// puts its own here likewise.
    #[cfg_attr(feature = "cli", arg(skip))]
    #[serde(skip)]
    pub most_points: Option<usize>,
}

impl Default for TrainerConfig {
    fn default() -> Self {
        Self {
            initial_epochs: 50,
            epochs: 1,
            early_epochs: None,
            restarts: false,
            learning_rate: 0.01,
            warm_learning_rate: 2e-3,
            noise_floor: 1e-2,
            seed: 0,
            most_points: None,
        }
    }
}

impl TrainerConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`TrainError::Config`] names the first value outside its range.
    pub fn validate(&self) -> Result<(), TrainError> {
        let within = |name, value: f64, accepted, ok| {
            if ok {
                Ok(())
            } else {
                Err(TrainError::Config {
                    name,
                    value,
                    accepted,
                })
            }
        };
        let rates = [
            ("learning_rate", self.learning_rate),
            ("warm_learning_rate", self.warm_learning_rate),
        ];
        for (name, rate) in rates {
            let ok = rate > 0.0 && rate <= 1.0;
            within(name, rate, "more than 0 and at most 1", ok)?;
        }
        // Below 1e-3 the kernel's f32 factorisation loses digits; below 1e-4 it is refused.
        let floor = self.noise_floor;
        within(
            "noise_floor",
            floor,
            "1e-3 to 1",
            (1e-3..=1.0).contains(&floor),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_valid_and_a_bad_value_is_named() {
        assert_eq!(TrainerConfig::default().validate(), Ok(()));
        let bad = TrainerConfig {
            noise_floor: f64::NAN,
            ..TrainerConfig::default()
        };
        let error = bad.validate().unwrap_err();
        assert_eq!(
            error.to_string(),
            "noise_floor is NaN; 1e-3 to 1 is accepted"
        );
        let bad = TrainerConfig {
            warm_learning_rate: 0.0,
            ..TrainerConfig::default()
        };
        assert!(bad.validate().is_err());
    }
}
