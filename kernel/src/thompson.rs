//! A joint posterior sample of the response as a function: the pathwise Thompson sample.
//!
//! Wilson et al., "Efficiently sampling functions from Gaussian process posteriors" (ICML
//! 2020): a prior sample from random Fourier features, corrected by what the measurements say
//! (Matheron's rule),
//!
//! f(x) = m + √(2s/D) Σ_d w_d cos(θ_d·x + b_d) + Σ_j k(x, z_j) v_j, with
//! v = (K + σ²I)⁻¹ (y − m − f_prior(Z) − ε).
//!
//! It is one function for all candidates: no posterior variance and no candidate-by-candidate
//! covariance is ever formed.

use crate::gp::{Covariance, Factor};
use crate::random::Random;

/// Fourier features of a prior sample. At 128 the candidates it selects cannot be told from
/// those of an exact joint sample.
pub(crate) const FEATURES: usize = 128;

/// One random Fourier feature: weight · cos(frequency · x + phase).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Feature {
    pub(crate) frequency: [f32; 2],
    pub(crate) phase: f32,
    pub(crate) weight: f32,
}

impl Feature {
    pub(crate) fn at(&self, x: [f32; 2]) -> f32 {
        let angle = self.frequency[0] * x[0] + self.frequency[1] * x[1] + self.phase;
        self.weight * libm::cosf(angle)
    }

    fn draw(random: &mut Random, amplitude: f32) -> Self {
        Self {
            frequency: [random.normal(), random.normal()],
            phase: core::f32::consts::TAU * random.uniform(),
            weight: amplitude * random.normal(),
        }
    }
}

/// A sample of the zero-mean prior with unit lengthscales.
pub(crate) struct Prior {
    features: [Feature; FEATURES],
}

impl Prior {
    pub(crate) fn draw(random: &mut Random, outputscale: f32) -> Self {
        let amplitude = libm::sqrtf(2.0 * outputscale / FEATURES as f32);
        Self {
            features: core::array::from_fn(|_| Feature::draw(random, amplitude)),
        }
    }

    pub(crate) fn features(&self) -> &[Feature] {
        &self.features
    }

    pub(crate) fn at(&self, x: [f32; 2]) -> f32 {
        self.features.iter().map(|feature| feature.at(x)).sum()
    }
}

/// What the measurements know, as the sample needs it.
pub(crate) struct Evidence<'a> {
    pub(crate) covariance: Covariance,
    /// Constant prior mean m.
    pub(crate) mean: f32,
    /// Noise variance σ².
    pub(crate) noise: f32,
    pub(crate) factor: &'a Factor<'a>,
    /// Latents of the measured points, in lengthscales.
    pub(crate) points: &'a [[f32; 2]],
    /// Standardised responses there.
    pub(crate) targets: &'a [f32],
}

impl Evidence<'_> {
    /// The weights v of the correction, from the prior sample's values at the measured points,
    /// which `weights` holds on entry.
    pub(crate) fn correct(&self, random: &mut Random, weights: &mut [f32]) {
        let deviation = libm::sqrtf(self.noise);
        for (weight, target) in weights.iter_mut().zip(self.targets) {
            *weight = target - self.mean - *weight - deviation * random.normal();
        }
        self.factor.solve_lower(weights);
        self.factor.solve_upper(weights);
    }

    /// The sample at one point, term by term: the reference for the grid.
    pub(crate) fn sample_at(&self, prior: &Prior, weights: &[f32], x: [f32; 2]) -> f32 {
        let correction: f32 = self
            .points
            .iter()
            .zip(weights)
            .map(|(&point, weight)| self.covariance.between(x, point) * weight)
            .sum();
        self.mean + prior.at(x) + correction
    }
}
