//! Posterior mean and variance at every candidate.
//!
//! A new model is evaluated in one sweep, O(M·N²/2) for M candidates and N measured points;
//! every measurement after it corrects what is there in O(M·N). Neither keeps anything but the
//! means and variances themselves.

use crate::gp::{Covariance, Factor};
use crate::math::dot;

/// Candidates whose triangular solves run side by side.
pub(crate) const LANES: usize = 8;

/// What both ways of computing the surrogate start from.
pub(crate) struct Posterior<'a> {
    pub(crate) covariance: Covariance,
    /// Constant prior mean.
    pub(crate) prior_mean: f32,
    pub(crate) factor: &'a Factor<'a>,
    /// Latents of the measured points, in lengthscales.
    pub(crate) points: &'a [[f32; 2]],
    /// β = L⁻¹(y − m): its first n entries belong to the first n points.
    pub(crate) whitened: &'a [f32],
}

impl Posterior<'_> {
    /// Mean and variance at `x` from all points: μ = m + a·β and v = s − a·a with a = L⁻¹k.
    /// `scratch` is as long as there are points.
    pub(crate) fn at(&self, x: [f32; 2], scratch: &mut [f32]) -> (f32, f32) {
        self.covariance.with_each(x, self.points, scratch);
        self.factor.solve_lower(scratch);
        let mean = self.prior_mean + dot(scratch, self.whitened);
        let variance = self.covariance.outputscale - dot(scratch, scratch);
        (mean, not_negative(variance))
    }

    /// Mean and variance at every latent from the first `count` points, in one sweep.
    /// `workspace` holds [`LANES`] × `count` floats.
    pub(crate) fn sweep(
        &self,
        count: usize,
        latents: &[[f32; 2]],
        means: &mut [f32],
        variances: &mut [f32],
        workspace: &mut [f32],
    ) {
        let (solved, _) = workspace.as_chunks_mut::<LANES>();
        let solved = solved.get_mut(..count).unwrap_or_default();
        let blocks = means.chunks_mut(LANES).zip(variances.chunks_mut(LANES));
        for (latents, (means, variances)) in latents.chunks(LANES).zip(blocks) {
            let mut mean = [self.prior_mean; LANES];
            let mut variance = [self.covariance.outputscale; LANES];
            for (i, (&point, &whitened)) in self.points.iter().zip(self.whitened).enumerate() {
                let Some((known, rest)) = solved.split_at_mut_checked(i) else {
                    break;
                };
                let (Some(new), Some((diagonal, row))) =
                    (rest.first_mut(), self.factor.row(i).split_last())
                else {
                    break;
                };
                let mut sums = [0.0_f32; LANES];
                for (sum, &latent) in sums.iter_mut().zip(latents) {
                    *sum = self.covariance.between(latent, point);
                }
                for (known, entry) in known.iter().zip(row) {
                    for (sum, known) in sums.iter_mut().zip(known) {
                        *sum -= entry * known;
                    }
                }
                *new = sums.map(|sum| sum / diagonal);
                for ((mean, variance), a) in mean.iter_mut().zip(&mut variance).zip(&*new) {
                    *mean += a * whitened;
                    *variance -= a * a;
                }
            }
            for (out, mean) in means.iter_mut().zip(mean) {
                *out = mean;
            }
            for (out, variance) in variances.iter_mut().zip(variance) {
                *out = not_negative(variance);
            }
        }
    }

    /// Corrects every mean and variance, until now from the first `n` points, by point `n`:
    /// with w = K⁻¹k(Z, z_n), c(x) = k(x, z_n) − Σ_j k(x, z_j) w_j and d the factor's new
    /// diagonal, μ(x) += (c/d) β_n and v(x) −= (c/d)². `scratch` is as long as there are points.
    pub(crate) fn update(
        &self,
        n: usize,
        latents: &[[f32; 2]],
        means: &mut [f32],
        variances: &mut [f32],
        scratch: &mut [f32],
    ) {
        let (Some(&new), Some(earlier), Some(&whitened), Some(weights)) = (
            self.points.get(n),
            self.points.get(..n),
            self.whitened.get(n),
            scratch.get_mut(..n),
        ) else {
            return;
        };
        let Some((diagonal, row)) = self.factor.row(n).split_last() else {
            return;
        };
        for (weight, entry) in weights.iter_mut().zip(row) {
            *weight = *entry;
        }
        self.factor.solve_upper(weights);
        for ((&x, mean), variance) in latents.iter().zip(means).zip(variances) {
            let mut c = self.covariance.between(x, new);
            for (&point, weight) in earlier.iter().zip(&*weights) {
                c -= self.covariance.between(x, point) * weight;
            }
            let a = c / diagonal;
            *mean += a * whitened;
            *variance = not_negative(*variance - a * a);
        }
    }
}

/// A variance that rounding made negative is none.
fn not_negative(variance: f32) -> f32 {
    if variance > 0.0 { variance } else { 0.0 }
}
