//! What the host sends: network weights, Gaussian-process hyperparameters, target statistics.

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

/// A trained deep kernel, borrowed from whoever trained or received it.
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
}

/// Smallest ratio of noise to outputscale at which the f32 factorisation is trusted:
/// at 1e-4 it is refused, from 1e-3 on it stays within 2e-4 of f64 over 300 points.
pub const MIN_NOISE_RATIO: f32 = 1e-4;

impl Hyperparameters {
    /// Checks every value.
    ///
    /// # Errors
    /// [`Error::Hyperparameter`] names the first value that is not finite, not positive where
    /// it must be, or a noise below [`MIN_NOISE_RATIO`] times the outputscale.
    pub fn validate(&self) -> Result<(), Error> {
        let positive = [
            ("lengthscale", self.lengthscale[0]),
            ("lengthscale", self.lengthscale[1]),
            ("outputscale", self.outputscale),
            ("noise", self.noise),
        ];
        for (name, value) in positive {
            // Subnormals would overflow in a reciprocal or vanish in a product.
            if !value.is_normal() || value < 0.0 {
                return Err(Error::Hyperparameter { name, value });
            }
        }
        if !self.mean.is_finite() {
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
    /// the first weight that is not finite, [`Error::Hyperparameter`] for a hyperparameter.
    pub fn validate(&self) -> Result<(), Error> {
        let expected = self.network.weight_count();
        if self.weights.len() != expected {
            return Err(Error::WeightCount {
                found: self.weights.len(),
                expected,
            });
        }
        if let Some(index) = self.weights.iter().position(|w| !w.is_finite()) {
            return Err(Error::NotFinite {
                what: "weight",
                index,
            });
        }
        self.hyperparameters.validate()?;
        self.standardisation.validate()
    }
}
