//! The model that the host trains: network weights, hyperparameters of the Gaussian process,
//! statistics of the responses.

use crate::math::within;
use crate::space::Space;
use crate::{Error, Network};

/// Hyperparameters of the Gaussian process, in standardised target units and latent units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hyperparameters {
    /// Lengthscale along each latent axis, in latent units.
    pub lengthscale: [f32; 2],
    /// Prior variance of the response, in standardised units squared.
    pub outputscale: f32,
    /// Variance of the measurement noise, in standardised units squared.
    pub noise: f32,
    /// Constant prior mean, in standardised units.
    pub mean: f32,
}

/// How raw responses become standardised targets: `(raw - mean) / scale`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Standardisation {
    /// Subtracted from a raw response, in its units.
    pub mean: f32,
    /// Divides the difference, in the units of the raw response; positive.
    pub scale: f32,
}

/// A trained deep kernel; its weights are borrowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Model<'w> {
    /// Shape of the network.
    pub network: Network,
    /// Flat weights in the order of [`Network::layout`].
    pub weights: &'w [f32],
    /// Hyperparameters of the Gaussian process.
    pub hyperparameters: Hyperparameters,
    /// Statistics of the responses the model was trained on.
    pub standardisation: Standardisation,
    /// Those of each further response, in their order; none where a place has one. All responses share
    /// network and hyperparameters, which are in standardised units of each.
    pub others: &'w [Standardisation],
}

/// Smallest ratio of noise to outputscale that is accepted; from 1e-3 on the f32 factorisation
/// stays within 2e-4 of f64 over 300 points.
pub const MIN_NOISE_RATIO: f32 = 1e-4;
/// Largest magnitude of a weight: a trained one is near 1. With [`crate::LARGEST_PIXEL`] no
/// feature can overflow.
pub const LARGEST_WEIGHT: f32 = 1e4;

impl Hyperparameters {
    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] names the first value outside its range: lengthscales 1e-12 to
    /// 1e12, outputscale 1e-6 to 1e6, noise [`MIN_NOISE_RATIO`] of the outputscale to 1e6, mean
    /// at most 1e6 in magnitude. Targets are standardised, so trained ones are near 1.
    pub fn validate(&self) -> Result<(), Error> {
        let positive = [
            ("lengthscale", self.lengthscale[0], 1e-12..=1e12),
            ("lengthscale", self.lengthscale[1], 1e-12..=1e12),
            ("outputscale", self.outputscale, 1e-6..=1e6),
            ("noise", self.noise, 1e-10..=1e6),
        ];
        for (name, value, range) in positive {
            if !range.contains(&value) {
                return Err(Error::Hyperparameter { name, value });
            }
        }
        if !within(self.mean, 1e6) {
            return Err(Error::Hyperparameter {
                name: "mean",
                value: self.mean,
            });
        }
        if self.noise < MIN_NOISE_RATIO * self.outputscale {
            return Err(Error::Hyperparameter {
                name: "noise",
                value: self.noise,
            });
        }
        Ok(())
    }
}

impl Standardisation {
    /// No change: raw responses are the targets.
    pub const IDENTITY: Self = Self {
        mean: 0.0,
        scale: 1.0,
    };

    /// Checks both values.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] when the mean is not finite or the scale not positive.
    pub fn validate(&self) -> Result<(), Error> {
        if !self.mean.is_finite() {
            return Err(Error::Hyperparameter {
                name: "target mean",
                value: self.mean,
            });
        }
        if !self.scale.is_normal() || self.scale < 0.0 {
            return Err(Error::Hyperparameter {
                name: "target scale",
                value: self.scale,
            });
        }
        Ok(())
    }

    /// The standardised target of a raw response.
    pub fn standardise(&self, raw: f32) -> f32 {
        (raw - self.mean) / self.scale
    }

    /// The raw response of a standardised target.
    pub fn restore(&self, target: f32) -> f32 {
        target * self.scale + self.mean
    }
}

impl Model<'_> {
    /// Checks shape and values of the whole model.
    ///
    /// # Errors
    /// [`Error::WeightCount`] when the weights do not fit the network, [`Error::NotFinite`] for
    /// the first weight that is not finite, [`Error::Hyperparameter`] for a hyperparameter, and for
    /// the weights of a spatial part: a share of 0 to 1e4 and, unless that is 0, a λ of 0.25 to 1e4
    /// pixels; the noise is [`MIN_NOISE_RATIO`] of the whole prior variance or more.
    pub fn validate(&self) -> Result<(), Error> {
        let expected = self.network.weight_count();
        if self.weights.len() != expected {
            return Err(Error::WeightCount {
                found: self.weights.len(),
                expected,
            });
        }
        if let Some(index) = self
            .weights
            .iter()
            .position(|&w| !within(w, LARGEST_WEIGHT))
        {
            return Err(Error::NotFinite {
                what: "weight",
                index,
            });
        }
        self.hyperparameters.validate()?;
        for standardisation in self.standardisations() {
            standardisation.validate()?;
        }
        let &[share, inverse_reach] = self.space_weights() else {
            return Ok(());
        };
        if !(0.0..=1e4).contains(&share) {
            return Err(Error::Hyperparameter {
                name: "share of space",
                value: share,
            });
        }
        if share > 0.0 && !(1e-4..=4.0).contains(&inverse_reach) {
            return Err(Error::Hyperparameter {
                name: "inverse reach of space",
                value: inverse_reach,
            });
        }
        let Hyperparameters {
            outputscale, noise, ..
        } = self.hyperparameters;
        if noise < MIN_NOISE_RATIO * (outputscale * (1.0 + share)) {
            return Err(Error::Hyperparameter {
                name: "noise",
                value: noise,
            });
        }
        Ok(())
    }

    /// The standardisation of each response in turn.
    pub fn standardisations(&self) -> impl Iterator<Item = &Standardisation> {
        core::iter::once(&self.standardisation).chain(self.others)
    }

    /// How many responses of a place it is of.
    pub fn responses(&self) -> usize {
        1 + self.others.len()
    }

    fn space_weights(&self) -> &[f32] {
        let range = self.network.layout().space;
        self.weights.get(range).unwrap_or_default()
    }

    /// The spatial part of the covariance, where there is one.
    pub(crate) fn space(&self) -> Option<Space> {
        let &[share, inverse_reach] = self.space_weights() else {
            return None;
        };
        let variance = self.hyperparameters.outputscale * share;
        (variance > 0.0).then(|| Space::new(variance, inverse_reach))
    }
}
