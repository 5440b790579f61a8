//! What a campaign is asked to do: one definition for the command line, the run folder and code.

use beacon_kernel::{Acquisition, References, Sampling, Strategy};
use serde::{Deserialize, Serialize};

use crate::train::{SurrogateKind, TrainerConfig};

/// Name of the strategy of a campaign that is not told another: the kernel's default.
pub fn default_strategy() -> &'static str {
    Acquisition::default().strategy.name()
}

/// Settings of one campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default, deny_unknown_fields)]
pub struct CampaignConfig {
    /// Acquisition function that picks the next point; a command that runs campaigns puts its
    /// own here.
    #[cfg_attr(feature = "cli", arg(skip = default_strategy()))]
    pub strategy: String,
    /// Points to measure after the seeds.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 300,
            value_name = "N",
            help_heading = "Campaign"
        )
    )]
    pub steps: usize,
    /// Random points to measure first.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 10,
            value_name = "N",
            help_heading = "Campaign"
        )
    )]
    pub initial: usize,
    /// Fixes every random number of the campaign; a command puts its own here likewise.
    #[cfg_attr(feature = "cli", arg(skip = 1_u64))]
    pub seed: u64,
    /// Side of the square window around each candidate, in pixels.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 16,
            value_name = "PIXELS",
            help_heading = "Campaign"
        )
    )]
    pub window: usize,
    /// Neighbours that novelty averages over.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 10,
            value_name = "N",
            help_heading = "Campaign"
        )
    )]
    pub k: u16,
    /// β of `ucb`, which seeks μ + √β σ.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value_t = 4.0,
            value_name = "X",
            help_heading = "Campaign"
        )
    )]
    pub beta: f32,
    /// Measure novelty against responses as measured, instead of denoised by the model.
    #[cfg_attr(feature = "cli", arg(long, help_heading = "Campaign"))]
    pub raw_references: bool,
    /// Let `beacon-elite` draw one joint sample, instead of the published marginal ones.
    #[cfg_attr(feature = "cli", arg(long, help_heading = "Campaign"))]
    pub joint_elite: bool,
    /// What the Gaussian process that decides sees of a patch. Epochs and learning rates are those
    /// of a network.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            value_enum,
            default_value_t,
            value_name = "KIND",
            help_heading = "Training"
        )
    )]
    #[serde(skip_serializing_if = "SurrogateKind::is_default")]
    pub surrogate: SurrogateKind,
    /// Points to measure between one training and the next.
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t = 1, value_name = "N", help_heading = "Training")
    )]
    pub retrain_every: usize,
    /// Train while the experiment goes on: a proposal never waits, and is made with the model
    /// of one point earlier.
    #[cfg_attr(feature = "cli", arg(long, help_heading = "Training"))]
    pub train_beside: bool,
    /// How the deep kernel is trained.
    #[cfg_attr(feature = "cli", command(flatten))]
    pub training: TrainerConfig,
}

impl Default for CampaignConfig {
    fn default() -> Self {
        Self {
            strategy: default_strategy().to_owned(),
            steps: 300,
            initial: 10,
            seed: 1,
            window: 16,
            k: 10,
            beta: 4.0,
            raw_references: false,
            joint_elite: false,
            surrogate: SurrogateKind::default(),
            retrain_every: 1,
            train_beside: false,
            training: TrainerConfig::default(),
        }
    }
}

impl CampaignConfig {
    /// The kernel's form of the strategy; `None` when its name is unknown.
    pub fn acquisition(&self) -> Option<Acquisition> {
        let mut acquisition = Acquisition::new(Strategy::from_name(&self.strategy)?);
        acquisition.k = self.k;
        acquisition.beta = self.beta;
        if self.raw_references {
            acquisition.references = References::Raw;
        }
        if self.joint_elite {
            acquisition.sampling = Sampling::Joint;
        }
        Some(acquisition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "cli")]
    fn the_command_line_and_code_have_the_same_defaults() {
        use clap::{Args as _, Command, FromArgMatches as _};
        let command = CampaignConfig::augment_args(Command::new("test").no_binary_name(true));
        let matches = command.get_matches_from(Vec::<String>::new());
        let parsed = CampaignConfig::from_arg_matches(&matches).unwrap();
        assert_eq!(parsed, CampaignConfig::default());
    }

    /// Studies and journals from before there was a choice keep their identity.
    #[test]
    fn the_default_surrogate_is_not_mentioned_in_the_file_form() {
        let mut config = CampaignConfig::default();
        assert!(!toml::to_string(&config).unwrap().contains("surrogate"));
        config.surrogate = SurrogateKind::Filters;
        let text = toml::to_string(&config).unwrap();
        assert!(text.contains("surrogate = \"filters\""), "{text}");
        assert_eq!(toml::from_str::<CampaignConfig>(&text).unwrap(), config);
    }

    #[test]
    fn a_configuration_survives_its_file_form() {
        let config = CampaignConfig {
            strategy: "ucb".to_owned(),
            beta: 2.5,
            ..CampaignConfig::default()
        };
        let text = toml::to_string(&config).unwrap();
        assert_eq!(toml::from_str::<CampaignConfig>(&text).unwrap(), config);
    }
}
