//! What a campaign decides by, and the trainer of it.

use beacon_kernel::{Candidate, Model, Network};
use serde::{Deserialize, Serialize};

use super::filters::{FiltersState, FiltersTrainer};
use super::taught::{TaughtState, TaughtTrainer};
use super::{FitReport, Pace, TrainError, Trainer, TrainerConfig, TrainerState};
use crate::Patches;

/// What turns patches into the plane on which the deciding Gaussian process lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum SurrogateKind {
    /// A convolutional network trained on the points.
    #[serde(rename = "cnn")]
    #[cfg_attr(feature = "cli", value(name = "cnn"))]
    Network,
    /// Nine fixed filters and what neighbours share.
    #[default]
    #[serde(rename = "filters")]
    #[cfg_attr(feature = "cli", value(name = "filters"))]
    Filters,
    /// That network, taught by the process that makes the map.
    #[serde(rename = "taught")]
    #[cfg_attr(feature = "cli", value(name = "taught"))]
    Taught,
}

impl SurrogateKind {
    /// That of settings without a word on it: they are older than the choice.
    pub const fn unsaid() -> Self {
        Self::Network
    }
}

/// The trainer of a campaign's surrogate, with the points that it learns from.
#[derive(Debug)]
pub enum SurrogateTrainer {
    /// Of [`SurrogateKind::Network`].
    Network {
        /// What it has learned.
        trainer: Box<Trainer>,
        /// Of the points, `[point][window][window]`.
        patches: Vec<f32>,
        /// What a trainer begins with.
        network: Network,
        /// The same.
        config: TrainerConfig,
    },
    /// Of [`SurrogateKind::Filters`].
    Filters(Box<FiltersTrainer>),
    /// Of [`SurrogateKind::Taught`].
    Taught(Box<TaughtTrainer>),
}

/// All that a [`SurrogateTrainer`] keeps from one fit to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SurrogateState {
    /// Of [`SurrogateKind::Network`].
    Network(TrainerState),
    /// Of [`SurrogateKind::Filters`].
    Filters(FiltersState),
    /// Of [`SurrogateKind::Taught`].
    Taught(TaughtState),
}

impl SurrogateTrainer {
    /// A trainer that has learned nothing, for the candidates of an image.
    ///
    /// # Errors
    /// When the configuration is not valid, or the window has no such surrogate.
    pub fn new(
        kind: SurrogateKind,
        patches: &Patches,
        config: TrainerConfig,
    ) -> Result<Self, TrainError> {
        let candidates = patches.candidates();
        match kind {
            SurrogateKind::Network => {
                let network = Network::for_window(candidates.window())?;
                Ok(Self::Network {
                    trainer: Box::new(Trainer::new(network, config.clone())?),
                    patches: Vec::new(),
                    network,
                    config,
                })
            }
            SurrogateKind::Filters => {
                let trainer = FiltersTrainer::new(candidates, patches.pixels(), &config)?;
                Ok(Self::Filters(Box::new(trainer)))
            }
            SurrogateKind::Taught => {
                let trainer = TaughtTrainer::new(patches, config)?;
                Ok(Self::Taught(Box::new(trainer)))
            }
        }
    }

    /// Forgets what was learned, and keeps the points.
    ///
    /// # Errors
    /// When the configuration is not valid, which [`Self::new`] has excluded.
    pub fn forget(&mut self) -> Result<(), TrainError> {
        match self {
            Self::Network {
                trainer,
                network,
                config,
                ..
            } => **trainer = Trainer::new(*network, config.clone())?,
            Self::Filters(trainer) => trainer.forget(),
            Self::Taught(trainer) => trainer.forget(),
        }
        Ok(())
    }

    /// Adds a point behind the others; its response comes with the next fit.
    ///
    /// # Errors
    /// When there is no such candidate.
    pub fn add(&mut self, candidate: Candidate, of: &Patches) -> Result<(), beacon_kernel::Error> {
        match self {
            Self::Network { patches, .. } => of.append(candidate, patches),
            Self::Filters(trainer) => trainer.add(candidate),
            Self::Taught(trainer) => trainer.add(candidate),
        }
    }

    /// Forgets the points, and keeps what was learned.
    pub fn clear(&mut self) {
        match self {
            Self::Network { patches, .. } => patches.clear(),
            Self::Filters(trainer) => trainer.clear(),
            Self::Taught(trainer) => trainer.clear(),
        }
    }

    /// Fits to all points, whose responses in raw units these are; nothing where no fit is due, and
    /// the model is as it was.
    ///
    /// # Errors
    /// For a caller's mistakes, which change nothing.
    pub fn fit(&mut self, responses: &[f64]) -> Result<Option<FitReport>, TrainError> {
        self.fit_at(&Pace::default(), &[responses])
    }

    /// The same to several responses of every point, a column of each, which another thread may break off.
    /// What was learned is then to be
    /// [forgotten](Self::forget).
    ///
    /// # Errors
    /// As [`Self::fit`], and [`TrainError::BrokenOff`].
    pub fn fit_at(
        &mut self,
        pace: &Pace,
        responses: &[&[f64]],
    ) -> Result<Option<FitReport>, TrainError> {
        match self {
            Self::Network {
                trainer, patches, ..
            } => trainer.fit_at(pace, patches, responses).map(Some),
            Self::Filters(trainer) => trainer.fit_at(pace, responses),
            Self::Taught(trainer) => trainer.fit_at(pace, responses).map(Some),
        }
    }

    /// The model as trained so far, for the kernel.
    pub fn model(&self) -> Model<'_> {
        match self {
            Self::Network { trainer, .. } => trainer.model(),
            Self::Filters(trainer) => trainer.model(),
            Self::Taught(trainer) => trainer.model(),
        }
    }

    /// What it keeps from one fit to the next.
    pub fn state(&self) -> SurrogateState {
        match self {
            Self::Network { trainer, .. } => SurrogateState::Network(trainer.state()),
            Self::Filters(trainer) => SurrogateState::Filters(trainer.state()),
            Self::Taught(trainer) => SurrogateState::Taught(trainer.state()),
        }
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// [`TrainError::State`], [`TrainError::OtherSurrogate`] when it is of another surrogate. Nothing
    /// changes then.
    pub fn restore(&mut self, state: SurrogateState) -> Result<(), TrainError> {
        match (self, state) {
            (Self::Network { trainer, .. }, SurrogateState::Network(state)) => {
                trainer.restore(state)
            }
            (Self::Filters(trainer), SurrogateState::Filters(state)) => trainer.restore(state),
            (Self::Taught(trainer), SurrogateState::Taught(state)) => trainer.restore(state),
            _ => Err(TrainError::OtherSurrogate),
        }
    }
}

#[cfg(test)]
mod tests {
    use beacon_kernel::Candidates;

    use super::*;

    #[test]
    fn a_fit_takes_no_more_points_than_it_may() {
        let side = 24;
        let pixels = (0..side * side).map(|n| libm::sin(0.4 * n as f64) + (n % side) as f64 / 9.0);
        let candidates = Candidates::new(side, side, 16).unwrap();
        let patches = Patches::new(candidates, &pixels.collect::<Vec<_>>()).unwrap();
        let points: Vec<Candidate> = (0..20).map(|n| Candidate(n * 4)).collect();
        let response = |point: &Candidate| libm::cos(0.7 * f64::from(point.0));
        let responses: Vec<f64> = points.iter().map(response).collect();
        for (kind, most_points, expected) in [
            (SurrogateKind::Network, Some(12), 12),
            (SurrogateKind::Filters, Some(12), 12),
            (SurrogateKind::Taught, Some(12), 12),
            (SurrogateKind::Filters, Some(20), 20),
            (SurrogateKind::Network, None, 20),
        ] {
            let config = TrainerConfig {
                most_points,
                initial_epochs: 2,
                ..TrainerConfig::default()
            };
            let mut trainer = SurrogateTrainer::new(kind, &patches, config).unwrap();
            for &point in &points {
                trainer.add(point, &patches).unwrap();
            }
            let report = trainer.fit(&responses).unwrap().unwrap();
            assert_eq!(report.points, expected, "{kind:?}");
            assert!(report.skipped == 0 && trainer.model().validate().is_ok());
        }
    }
}
