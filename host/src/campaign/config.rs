//! Settings of a campaign: one definition for the command line, the run folder and code.

use beacon_kernel::{
    Acquisition, Candidates, Edges, Error, Network, References, Sampling, Strategy,
};
use serde::{Deserialize, Serialize};

use super::{CampaignError, Retraining};
use crate::train::{SurrogateKind, TrainerConfig};

/// What becomes of windows that reach beyond the image, where nothing else is asked for.
pub const DEFAULT_EDGES: Edges = Edges::Reflect;

/// Name of the default strategy: the kernel's.
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
    /// Windows that reach beyond the image: `inside` leaves their pixels out, `reflect` completes
    /// them by reflection, so that every pixel is a candidate.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            default_value = DEFAULT_EDGES.name(),
            value_parser = edges_parser(),
            value_name = "HOW",
            help_heading = "Campaign"
        )
    )]
    #[serde(default, with = "edges_by_name")]
    pub edges: Edges,
    /// Neighbours that novelty averages over; `random`, `farthest`, `mu`, `ei`, `ucb` and `thompson`
    /// ignore it.
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
    /// Measure novelty against responses as measured, instead of denoised by the model; strategies
    /// without novelty ignore it.
    #[cfg_attr(feature = "cli", arg(long, help_heading = "Campaign"))]
    pub raw_references: bool,
    /// Let `beacon-elite` draw one joint sample, instead of the published marginal ones.
    #[cfg_attr(feature = "cli", arg(long, help_heading = "Campaign"))]
    pub joint_elite: bool,
    /// What the Gaussian process that decides sees of a patch. `filters` and `taught` ignore epochs,
    /// learning rates and restarts.
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
    #[serde(default = "SurrogateKind::unsaid")]
    pub surrogate: SurrogateKind,
    /// Points to measure between one training and the next. `auto` trains after each up to 500 points,
    /// then when there are a twentieth more, on 500 of them that are spread over their order.
    #[cfg_attr(
        feature = "cli",
        arg(long, default_value_t, value_name = "N", help_heading = "Training")
    )]
    pub retrain_every: Retraining,
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
            edges: DEFAULT_EDGES,
            k: 10,
            beta: 4.0,
            raw_references: false,
            joint_elite: false,
            surrogate: SurrogateKind::default(),
            retrain_every: Retraining::Auto,
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

    /// Checks that the strategy decides by so many responses of a place.
    ///
    /// # Errors
    /// When it is defined by one.
    pub(crate) fn check_targets(&self, responses: usize) -> Result<(), CampaignError> {
        let several = responses > 1;
        if several && Strategy::from_name(&self.strategy) == Some(Strategy::BeaconElite) {
            let names = Strategy::ALL
                .iter()
                .filter(|of| **of != Strategy::BeaconElite);
            let names: Vec<_> = names.map(|of| of.name()).collect();
            return Err(CampaignError::Setting {
                name: "strategy",
                value: format!("{} with {responses} targets", self.strategy),
                accepted: format!("one of {}, or one target", names.join(", ")),
            });
        }
        Ok(())
    }

    /// Checks every setting that says by itself whether it is accepted.
    ///
    /// # Errors
    /// Names the first that is not.
    pub(crate) fn check(&self) -> Result<(), CampaignError> {
        let setting = |name, value: &dyn ToString, accepted: String| CampaignError::Setting {
            name,
            value: value.to_string(),
            accepted,
        };
        let Some(acquisition) = self.acquisition() else {
            let names = Strategy::ALL.map(Strategy::name).join(", ");
            return Err(setting(
                "strategy",
                &self.strategy,
                format!("one of {names}"),
            ));
        };
        acquisition.validate()?;
        let (from, to) = (Network::MIN_WINDOW_SAME, Network::MAX_WINDOW);
        if !(from..=to).contains(&self.window) {
            return Err(setting(
                "window",
                &self.window,
                format!("{from} to {to} pixels"),
            ));
        }
        Ok(self.training.validate()?)
    }

    /// The candidates of an image of so many rows and columns.
    ///
    /// # Errors
    /// [`Error::NoCandidates`] when there are none.
    pub fn candidates(&self, height: usize, width: usize) -> Result<Candidates, Error> {
        Candidates::with_edges(height, width, self.window, self.edges)
    }
}

/// What `--edges` takes.
#[cfg(feature = "cli")]
pub(crate) fn edges_parser() -> impl clap::builder::TypedValueParser<Value = Edges> {
    use clap::builder::{PossibleValuesParser, TypedValueParser as _};
    PossibleValuesParser::new(Edges::ALL.map(Edges::name))
        .map(|name| Edges::from_name(&name).unwrap_or(DEFAULT_EDGES))
}

/// Edges by their name.
pub(super) mod edges_by_name {
    use beacon_kernel::Edges;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
    pub(in crate::campaign) fn serialize<S: Serializer>(
        edges: &Edges,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.serialize_str(edges.name())
    }

    pub(in crate::campaign) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Edges, D::Error> {
        let name = String::deserialize(from)?;
        Edges::from_name(&name).ok_or_else(|| {
            let accepted = Edges::ALL.map(Edges::name).join(" or ");
            D::Error::custom(format!("edges are `{name}`; expected {accepted}"))
        })
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

    #[test]
    fn settings_without_a_word_on_edges_or_surrogate_are_older_than_the_choice() {
        let old = toml::from_str::<CampaignConfig>("steps = 300").unwrap();
        assert_eq!(old.edges, Edges::Inside);
        assert_eq!(old.surrogate, SurrogateKind::Network);
        for edges in Edges::ALL {
            for surrogate in [SurrogateKind::Network, SurrogateKind::Filters] {
                let config = CampaignConfig {
                    edges,
                    surrogate,
                    ..CampaignConfig::default()
                };
                let text = toml::to_string(&config).unwrap();
                assert_eq!(toml::from_str::<CampaignConfig>(&text).unwrap(), config);
            }
        }
        let unknown = toml::from_str::<CampaignConfig>("edges = \"wrap\"").unwrap_err();
        assert!(
            unknown
                .to_string()
                .contains("`wrap`; expected inside or reflect"),
            "{unknown}"
        );
        let older = toml::from_str::<CampaignConfig>("window = 16").unwrap();
        assert_eq!(older.edges, Edges::Inside);
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
