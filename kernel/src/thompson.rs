//! A joint posterior sample of the response as a function: the pathwise Thompson sample.
//!
//! Wilson et al., "Efficiently sampling functions from Gaussian process posteriors" (ICML
//! 2020): a prior sample from random Fourier features, corrected by what the measurements say
//! (Matheron's rule),
//!
//! f(x) = m + √(2s/D) Σ_d w_d cos(θ_d·x + b_d) + Σ_j k(x, z_j) v_j, with
//! v = (K + σ²I)⁻¹ (y − m − f_prior(Z) − ε).
//!
//! The explorer works v out in two parts: without the newest response, and what that adds.
//!
//! It is one function for all candidates: no posterior variance and no candidate-by-candidate
//! covariance is ever formed.

#[cfg(test)]
use crate::gp::{Covariance, Factor};
use crate::random::Random;

/// Fourier features of a prior sample. At 128 the candidates it selects cannot be told from
/// those of an exact joint sample.
pub(crate) const FEATURES: usize = 128;

/// One random Fourier feature: weight · cos(frequency · x + phase).
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FourierFeature {
    pub(crate) frequency: [f32; 2],
    pub(crate) phase: f32,
    pub(crate) weight: f32,
}

impl FourierFeature {
    #[cfg(test)]
    fn at(&self, x: [f32; 2]) -> f32 {
        let angle = self.frequency[0] * x[0] + self.frequency[1] * x[1] + self.phase;
        self.weight * libm::cosf(angle)
    }

    /// The next of a prior sample's features.
    pub(crate) fn draw(random: &mut Random, amplitude: f32) -> Self {
        Self {
            frequency: [random.normal(), random.normal()],
            phase: core::f32::consts::TAU * random.uniform(),
            weight: amplitude * random.normal(),
        }
    }
}

/// Amplitude of the weights of a prior sample's features.
pub(crate) fn amplitude(outputscale: f32) -> f32 {
    libm::sqrtf(2.0 * outputscale / FEATURES as f32)
}

/// A sample of the zero-mean prior with unit lengthscales: the reference for what is drawn pass by pass.
#[cfg(test)]
pub(crate) struct Prior {
    features: [FourierFeature; FEATURES],
    /// The point that angles are measured from: near the candidates, so that angles stay small and
    /// keep their digits.
    origin: [f32; 2],
}

#[cfg(test)]
impl Prior {
    pub(crate) fn draw(random: &mut Random, outputscale: f32, origin: [f32; 2]) -> Self {
        let amplitude = amplitude(outputscale);
        Self {
            features: core::array::from_fn(|_| FourierFeature::draw(random, amplitude)),
            origin,
        }
    }

    pub(crate) fn features(&self) -> &[FourierFeature] {
        &self.features
    }

    pub(crate) fn origin(&self) -> [f32; 2] {
        self.origin
    }

    /// The sample at one point, feature by feature.
    pub(crate) fn at(&self, x: [f32; 2]) -> f32 {
        let x = [x[0] - self.origin[0], x[1] - self.origin[1]];
        self.features.iter().map(|feature| feature.at(x)).sum()
    }
}

/// The measurements and their covariance, which correct a prior sample: the reference for what is worked
/// out in two parts, without and with the newest response.
#[cfg(test)]
pub(crate) struct Evidence<'a> {
    pub(crate) covariance: Covariance,
    /// Constant prior mean m.
    pub(crate) mean: f32,
    /// Variance of the noise ε that a sample draws: σ², unless it is tempered.
    pub(crate) noise: f32,
    pub(crate) factor: &'a Factor<'a>,
    /// Standardised responses there.
    pub(crate) targets: &'a [f32],
}

#[cfg(test)]
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

    /// The sample at one place, term by term, of weights at the measured points: the reference for the
    /// grid.
    pub(crate) fn sample_at(
        &self,
        prior: &Prior,
        (points, weights): (&[[f32; 2]], &[f32]),
        x: [f32; 2],
    ) -> f32 {
        let correction: f32 = points
            .iter()
            .zip(weights)
            .map(|(&point, weight)| self.covariance.between(x, point) * weight)
            .sum();
        self.mean + prior.at(x) + correction
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gp::packed;
    use nalgebra::{DMatrix, DVector};

    const POINTS: [[f32; 2]; 5] = [
        [0.0, 0.0],
        [0.7, -0.3],
        [-1.1, 0.4],
        [0.2, 1.5],
        [0.25, 1.45],
    ];
    const TARGETS: [f32; 5] = [0.3, -0.4, 1.2, 0.8, 0.6];
    const PLACES: [[f32; 2]; 4] = [[0.1, 0.1], [0.9, 0.9], [-2.0, 0.0], [4.0, 4.0]];
    const SCALE: f32 = 1.7;
    const NOISE: f32 = 0.05;
    const MEAN: f32 = 0.2;

    /// Mean and covariance of the exact posterior at `PLACES`, in f64 from the textbook formula
    /// (Rasmussen and Williams 2006, Eqs. 2.25 and 2.26 with a joint covariance).
    fn exact() -> (DVector<f64>, DMatrix<f64>) {
        let k = |a: [f32; 2], b: [f32; 2]| {
            let squared: f64 = (0..2)
                .map(|i| (f64::from(a[i]) - f64::from(b[i])).powi(2))
                .sum();
            f64::from(SCALE) * (-0.5 * squared).exp()
        };
        let noisy = DMatrix::from_fn(5, 5, |i, j| {
            k(POINTS[i], POINTS[j]) + if i == j { f64::from(NOISE) } else { 0.0 }
        });
        let cross = DMatrix::from_fn(4, 5, |i, j| k(PLACES[i], POINTS[j]));
        let prior = DMatrix::from_fn(4, 4, |i, j| k(PLACES[i], PLACES[j]));
        let centred = DVector::from_fn(5, |i, _| f64::from(TARGETS[i]) - f64::from(MEAN));
        let inverse = noisy.try_inverse().unwrap();
        let mean = (&cross * &inverse * centred).add_scalar(f64::from(MEAN));
        (mean, prior - &cross * inverse * cross.transpose())
    }

    /// Thresholds are five standard errors on 4 means and 10 covariances: one seed in 100 000
    /// would fail by chance (union bound 14 · 5.7e-7). Given its frequencies a sample is normal,
    /// so the error of a covariance is that of normals but for the scatter over frequencies,
    /// which at D = 128 adds under 5 %.
    #[test]
    fn samples_have_the_mean_and_covariance_of_the_exact_posterior() {
        let covariance = Covariance { outputscale: SCALE };
        let mut memory = [0.0; packed(5)];
        let mut factor = Factor::new(&mut memory);
        factor
            .extend(
                POINTS.len(),
                SCALE + NOISE,
                covariance.among(&POINTS),
                crate::gp::alone,
            )
            .unwrap();
        let evidence = Evidence {
            covariance,
            mean: MEAN,
            noise: NOISE,
            factor: &factor,
            targets: &TARGETS,
        };
        let draws = 20_000_u32;
        let mut random = Random::new(11, 0);
        let samples = DMatrix::from_columns(
            &(0..draws)
                .map(|_| {
                    let prior = Prior::draw(&mut random, SCALE, [0.3, -0.2]);
                    let mut weights = POINTS.map(|p| prior.at(p));
                    evidence.correct(&mut random, &mut weights);
                    DVector::from_fn(4, |i, _| {
                        f64::from(evidence.sample_at(&prior, (&POINTS, &weights), PLACES[i]))
                    })
                })
                .collect::<Vec<_>>(),
        );
        let (mean, posterior) = exact();
        let n = f64::from(draws);
        for i in 0..4 {
            let error = samples.row(i).sum() / n - mean[i];
            let standard = (posterior[(i, i)] / n).sqrt();
            assert!(
                error.abs() < 5.0 * standard,
                "mean {i}: {error} of {standard}"
            );
            for j in 0..=i {
                let found: f64 = (0..draws as usize)
                    .map(|s| (samples[(i, s)] - mean[i]) * (samples[(j, s)] - mean[j]))
                    .sum::<f64>()
                    / n;
                let product = posterior[(i, i)] * posterior[(j, j)];
                let standard = 1.05 * ((product + posterior[(i, j)].powi(2)) / n).sqrt();
                let error = found - posterior[(i, j)];
                assert!(
                    error.abs() < 5.0 * standard,
                    "covariance {i}, {j}: {error} of {standard}"
                );
            }
        }
    }
}
