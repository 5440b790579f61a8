//! The process on the network's plane: its parameters, maximum a posteriori.

use beacon_kernel::network::LATENT;

use super::super::bfgs::Objective;
use super::super::likelihood::{self, Likelihood};
use super::super::prior::Prior;

/// ln ℓ of both axes, ln s, ln of the noise's excess over its floor, mean: a plane that is nearly
/// linear in its first axis and smooth in its second.
pub(super) const PRIORS: [Prior; likelihood::PARAMETERS] = [
    Prior {
        mean: 1.0,
        deviation: 1.0,
    },
    Prior {
        mean: 1.5,
        deviation: 1.0,
    },
    Prior {
        mean: 1.0,
        deviation: 1.5,
    },
    Prior {
        mean: -3.0,
        deviation: 1.5,
    },
    Prior {
        mean: 0.0,
        deviation: 0.5,
    },
];
/// Magnitude of a parameter of the plane's process that no fit comes to.
const LARGEST: f64 = 12.0;

/// Minus the logarithm of the posterior density of the parameters of the plane's process, but for a
/// constant.
pub(super) struct Plane<'a> {
    pub(super) latents: Vec<[f64; LATENT]>,
    /// Of each response.
    pub(super) targets: &'a [Vec<f64>],
    pub(super) likelihood: &'a mut Likelihood,
    /// Where the value was asked for last.
    pub(super) parameters: [f64; likelihood::PARAMETERS],
}

impl Objective for Plane<'_> {
    fn value(&mut self, parameters: &[f64]) -> Option<f64> {
        self.parameters.copy_from_slice(parameters);
        // Written so that NaN fails too.
        if !parameters.iter().all(|x| x.abs() <= LARGEST) {
            return None;
        }
        let latents = self.latents.iter().copied();
        let loss = self
            .likelihood
            .value_of(latents, self.targets, &self.parameters)?;
        let priors = PRIORS.iter().zip(parameters);
        let penalty: f64 = priors.map(|(prior, &x)| prior.penalty(x)).sum();
        Some(loss * self.latents.len() as f64 + penalty)
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        let count = self.latents.len() as f64;
        let loss = self.likelihood.gradient();
        let priors = PRIORS.iter().zip(&self.parameters);
        for ((slope, loss), (prior, &x)) in gradient.iter_mut().zip(loss).zip(priors) {
            *slope = loss * count + prior.slope(x);
        }
    }
}
