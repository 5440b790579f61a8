//! A Gaussian process over the features of a patch and the pixel that it lies at, maximum a
//! posteriori.
//!
//! k = c(r) (s + w (1 + a) e⁻ᵃ), with r² = Σ (Δx/ℓ)², one lengthscale ℓ a feature, c the
//! Matérn-5/2 correlation, and a = √3 |Δpixel| / λ (Rasmussen & Williams 2006, eq. 4.17). The
//! second term is what the features do not tell and alike neighbours share. Added to c(r) instead
//! of multiplied, neighbours of other structure share it too: a background between bright
//! particles, of which few points are measured, then bends with them.

use beacon_kernel::filters::FEATURES;
use multiversion::multiversion;
use rayon::prelude::*;

use super::Pace;
use super::bfgs::{self, Objective};
use super::likelihood::total;
use super::prior::Prior;
use super::triangular::{
    LANES, PANEL, factor, invert_factor, negated_inverse, stride, weigh, whiten,
};

/// ln ℓ of every feature, ln s, ln of the noise variance, mean, ln w, ln λ.
pub(super) const PARAMETERS: usize = FEATURES + 5;
const OUTPUTSCALE: usize = FEATURES;
const NOISE: usize = FEATURES + 1;
const MEAN: usize = FEATURES + 2;
pub(super) const SPACE: usize = FEATURES + 3;
pub(super) const REACH: usize = FEATURES + 4;

/// Least noise variance, in standardised units squared.
const NOISE_FLOOR: f64 = 1e-4;
/// Magnitude of a parameter that no fit comes to.
const LARGEST: f64 = 12.0;
/// Sites for whose predictions a panel of the factor's inverse is read once, in units of [`LANES`].
const GROUPS: usize = 4;

/// What the process knows of a candidate.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// Standardised over the candidates.
    pub(super) features: [f64; FEATURES],
    /// Row and column, in windows.
    pub(super) place: [f64; 2],
}

/// What is known of the parameters before anything is measured; also where a fresh search starts.
pub(super) const PRIORS: [Prior; PARAMETERS] = {
    // Nine features of unit variance, three lengthscales each: neighbours in all of them are alike.
    let mut priors = [Prior {
        mean: 1.1,
        deviation: 1.0,
    }; PARAMETERS];
    priors[OUTPUTSCALE] = Prior {
        mean: 0.0,
        deviation: 0.7,
    };
    priors[NOISE] = Prior {
        mean: -3.5,
        deviation: 1.0,
    };
    priors[MEAN] = Prior {
        mean: 0.0,
        deviation: 0.5,
    };
    priors[SPACE] = Prior {
        mean: -1.5,
        deviation: 1.0,
    };
    // Half a window.
    priors[REACH] = Prior {
        mean: -0.7,
        deviation: 0.7,
    };
    priors
};

/// The covariance at given parameters.
#[derive(Clone, Copy, Debug)]
struct Covariance {
    /// 1/ℓ.
    inverse_lengths: [f64; FEATURES],
    outputscale: f64,
    space: f64,
    /// √3/λ.
    inverse_reach: f64,
}

/// The covariance of two sites in its parts.
struct Terms {
    /// s c(r).
    features: f64,
    /// The derivative of the whole by r².
    slope: f64,
    /// (Δx/ℓ)² of every feature.
    squares: [f64; FEATURES],
    /// w (1 + a) e⁻ᵃ c(r), and its derivative by ln λ.
    space: [f64; 2],
}

impl Covariance {
    fn new(parameters: &[f64]) -> Self {
        let mut inverse_lengths = [0.0; FEATURES];
        for (inverse, length) in inverse_lengths.iter_mut().zip(parameters) {
            *inverse = libm::exp(-length);
        }
        Self {
            inverse_lengths,
            outputscale: libm::exp(parameters[OUTPUTSCALE]),
            space: libm::exp(parameters[SPACE]),
            inverse_reach: 3.0_f64.sqrt() * libm::exp(-parameters[REACH]),
        }
    }

    fn terms(&self, one: &Site, other: &Site) -> Terms {
        let mut squares = [0.0; FEATURES];
        let mut sum = 0.0;
        for (k, square) in squares.iter_mut().enumerate() {
            let apart = (one.features[k] - other.features[k]) * self.inverse_lengths[k];
            *square = apart * apart;
            sum += *square;
        }
        let far = (5.0 * sum).sqrt();
        let decay = libm::exp(-far);
        let alike = (1.0 + far + far * far / 3.0) * decay;
        let apart = [0, 1].map(|axis| one.place[axis] - other.place[axis]);
        let away = self.inverse_reach * (apart[0] * apart[0] + apart[1] * apart[1]).sqrt();
        let near = self.space * libm::exp(-away);
        let shared = (1.0 + away) * near;
        Terms {
            features: self.outputscale * alike,
            slope: -5.0 / 6.0 * (1.0 + far) * decay * (self.outputscale + shared),
            squares,
            space: [shared * alike, away * away * near * alike],
        }
    }

    fn between(&self, one: &Site, other: &Site) -> f64 {
        let terms = self.terms(one, other);
        terms.features + terms.space[0]
    }

    /// Prior variance of a response.
    fn variance(&self) -> f64 {
        self.outputscale + self.space
    }
}

/// Minus the logarithm of the posterior density of the parameters, but for a constant; after its
/// value, the process itself.
#[derive(Debug)]
pub(super) struct Process<'a> {
    sites: &'a [Site],
    /// Standardised, of each response.
    targets: Vec<&'a [f64]>,
    stride: usize,
    parameters: Vec<f64>,
    covariance: Covariance,
    /// Upper Cholesky factor of the covariance with noise, then minus its inverse.
    factor: Vec<f64>,
    /// The factor's inverse, transposed.
    inverse_factor: Vec<f64>,
    reciprocals: Vec<f64>,
    /// Of each response, a stride after the other.
    whitened: Vec<f64>,
    /// K⁻¹(y − m) likewise.
    weights: Vec<f64>,
}

/// The posterior at a candidate, in standardised units.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Estimate {
    pub(super) mean: f64,
    /// Without the noise of measuring it once.
    pub(super) variance: f64,
}

impl<'a> Process<'a> {
    /// Of these sites and the standardised responses there.
    pub(super) fn new(sites: &'a [Site], targets: &'a [f64]) -> Self {
        Self::of(sites, vec![targets])
    }

    /// Of several responses, standardised each by itself, that share covariance and mean. What is minimised
    /// then is the mean over the responses, so that copies of one weigh no more against the prior than it.
    pub(super) fn of(sites: &'a [Site], targets: Vec<&'a [f64]>) -> Self {
        let stride = stride(sites.len());
        let responses = targets.len();
        let square = || vec![0.0; stride * stride];
        let vector = || vec![0.0; stride];
        Self {
            sites,
            targets,
            stride,
            parameters: vec![0.0; PARAMETERS],
            covariance: Covariance::new(&[0.0; PARAMETERS]),
            factor: square(),
            inverse_factor: square(),
            reciprocals: vector(),
            whitened: vec![0.0; responses * stride],
            weights: vec![0.0; responses * stride],
        }
    }

    /// Variance of measuring a response once, in standardised units squared.
    pub(super) fn noise(&self) -> f64 {
        NOISE_FLOOR + libm::exp(self.parameters[NOISE])
    }

    /// Makes ready for predictions at these parameters; whether that was possible.
    pub(super) fn settle(&mut self, parameters: &[f64]) -> bool {
        let possible = self.value(parameters).is_some();
        if possible {
            self.invert();
        }
        possible
    }

    /// Inverse of the covariance, and the weights of the points.
    fn invert(&mut self) {
        invert_factor(&self.factor, &mut self.inverse_factor, self.stride);
        negated_inverse(&self.inverse_factor, &mut self.factor, self.stride);
        let columns = self.whitened.chunks_exact(self.stride);
        for (whitened, weights) in columns.zip(self.weights.chunks_exact_mut(self.stride)) {
            weigh(&self.inverse_factor, whitened, weights, self.stride);
        }
    }

    /// K⁻¹(y − m) of a response.
    fn weights_of(&self, response: usize) -> &[f64] {
        let weights = self.weights.get(response * self.stride..);
        weights.unwrap_or_default()
    }

    /// What the process without a point says of it, for every point: with K the covariance with
    /// noise, μ = y − α/K⁻¹ and v = 1/K⁻¹ by diagonal elements, which counts noise (Rasmussen &
    /// Williams 2006, eq. 5.12). After [`settle`](Self::settle).
    pub(super) fn left_out(&self) -> Vec<Estimate> {
        self.left_out_of(0)
    }

    /// The same of a response, from 0.
    pub(super) fn left_out_of(&self, response: usize) -> Vec<Estimate> {
        let targets = self.targets.get(response).copied().unwrap_or_default();
        let points = targets.iter().zip(self.weights_of(response)).enumerate();
        points
            .map(|(i, (target, weight))| {
                let variance = -1.0 / self.factor[i * self.stride + i];
                Estimate {
                    mean: target - weight * variance,
                    variance,
                }
            })
            .collect()
    }

    /// The posterior at other sites, fewer where that is broken off. After [`settle`](Self::settle).
    pub(super) fn predict(&self, sites: &[Site], pace: &Pace) -> Vec<Estimate> {
        let chunks = sites.par_chunks(GROUPS * LANES);
        pace.announce(sites.len().div_ceil(GROUPS * LANES));
        chunks
            .flat_map_iter(|chunk| {
                let broken = pace.is_broken();
                let estimates = (!broken).then(|| self.predict_chunk(chunk));
                pace.pass(1);
                estimates.unwrap_or_default()
            })
            .collect()
    }

    /// Means of the posterior of a response, from 0, at other sites. After [`settle`](Self::settle).
    pub(super) fn means_of(&self, response: usize, sites: &[Site]) -> Vec<f64> {
        let means = sites.par_iter().map(|site| {
            let points = self.sites.iter().zip(self.weights_of(response));
            let sum: f64 = points
                .map(|(point, weight)| weight * self.covariance.between(site, point))
                .sum();
            self.parameters[MEAN] + sum
        });
        means.collect()
    }

    /// Up to [`GROUPS`] × [`LANES`] sites side by side.
    fn predict_chunk(&self, sites: &[Site]) -> Vec<Estimate> {
        let count = self.sites.len();
        let groups = sites.len().div_ceil(LANES);
        let mut covariances = vec![[0.0; LANES]; groups * count];
        let mut estimates = Vec::with_capacity(sites.len());
        for (sites, rows) in sites.chunks(LANES).zip(covariances.chunks_exact_mut(count)) {
            let mut means = [self.parameters[MEAN]; LANES];
            for ((row, point), weight) in rows.iter_mut().zip(self.sites).zip(&self.weights) {
                for (l, site) in sites.iter().enumerate() {
                    row[l] = self.covariance.between(site, point);
                    means[l] += row[l] * weight;
                }
            }
            let means = means.into_iter().take(sites.len());
            estimates.extend(means.map(|mean| Estimate {
                mean,
                variance: self.covariance.variance(),
            }));
        }
        let mut sums = [[0.0; LANES]; GROUPS];
        explained(
            &self.inverse_factor,
            &covariances,
            self.stride,
            &mut sums[..groups],
        );
        for (estimate, explained) in estimates.iter_mut().zip(sums.as_flattened()) {
            estimate.variance = (estimate.variance - explained).max(0.0);
        }
        estimates
    }
}

/// Where a fresh search starts: features or neighbours can each explain what the other does.
pub(super) fn starts() -> [Vec<f64>; 2] {
    let expected: Vec<f64> = PRIORS.iter().map(|prior| prior.mean).collect();
    let mut placed = expected.clone();
    placed[SPACE] += 2.0;
    [expected, placed]
}

/// The best end of searches of at most `most` steps from these starts; nothing where none had a
/// value.
pub(super) fn search(
    sites: &[Site],
    targets: &[&[f64]],
    starts: Vec<Vec<f64>>,
    most: usize,
    pace: &Pace,
) -> Option<Vec<f64>> {
    pace.announce(starts.len() * most);
    let mut process = Process::of(sites, targets.to_vec());
    let mut best: Option<(f64, Vec<f64>)> = None;
    for mut start in starts {
        let Some(minimum) = bfgs::minimise(&mut process, &mut start, most, pace) else {
            continue;
        };
        if best
            .as_ref()
            .is_none_or(|(value, _)| minimum.value < *value)
        {
            best = Some((minimum.value, start));
        }
    }
    best.map(|(_, parameters)| parameters)
}

/// |V k|² in every lane of every group, V lower triangular and zero above its diagonal. Every product of a
/// row is added in ascending order, so that neither the panels nor the groups change a bit.
#[multiversion(targets("x86_64+avx2"))]
fn explained(v: &[f64], k: &[[f64; LANES]], stride: usize, sums: &mut [[f64; LANES]]) {
    let count = k.len() / sums.len().max(1);
    for first in (0..count).step_by(PANEL) {
        let end = (first + PANEL).min(count);
        let rows: [&[f64]; PANEL] = core::array::from_fn(|p| &v[(first + p) * stride..][..end]);
        for (k, sums) in k.chunks_exact(count).zip(&mut *sums) {
            let mut solved = [[0.0; LANES]; PANEL];
            for (j, k) in k[..end].iter().enumerate() {
                for (solved, row) in solved.iter_mut().zip(rows) {
                    for l in 0..LANES {
                        solved[l] += row[j] * k[l];
                    }
                }
            }
            for solved in &solved[..end - first] {
                for l in 0..LANES {
                    sums[l] += solved[l] * solved[l];
                }
            }
        }
    }
}

impl Objective for Process<'_> {
    fn value(&mut self, parameters: &[f64]) -> Option<f64> {
        self.parameters.copy_from_slice(parameters);
        // Written so that NaN fails too.
        if !parameters.iter().all(|x| x.abs() <= LARGEST) {
            return None;
        }
        self.covariance = Covariance::new(parameters);
        let (covariance, sites, stride) = (self.covariance, self.sites, self.stride);
        let diagonal = covariance.variance() + self.noise();
        let panels = self.factor.par_chunks_exact_mut(PANEL * stride);
        panels.enumerate().for_each(|(panel, rows)| {
            let numbered = (panel * PANEL..).zip(rows.chunks_exact_mut(stride));
            for (i, row) in numbered {
                row.fill(0.0);
                let Some(site) = sites.get(i) else {
                    // Past the points, the identity keeps every tile full and changes nothing.
                    row[i] = 1.0;
                    continue;
                };
                row[i] = diagonal;
                for (entry, other) in row[i + 1..].iter_mut().zip(&sites[i + 1..]) {
                    *entry = covariance.between(site, other);
                }
            }
        });
        factor(&mut self.factor, &mut self.reciprocals, stride, 0).ok()?;
        self.whitened.fill(0.0);
        let points = self.sites.len();
        let mut log_determinant = 0.0;
        let columns = self.whitened.chunks_exact_mut(stride).zip(&self.targets);
        let squares = columns.map(|(whitened, targets)| {
            for (t, y) in whitened.iter_mut().zip(*targets) {
                *t = y - parameters[MEAN];
            }
            let (square, log) = whiten(&self.factor, whitened, stride, points);
            log_determinant = log;
            square
        });
        let quadratic = total(squares) / self.targets.len() as f64;
        let priors = PRIORS.iter().zip(parameters);
        let penalty: f64 = priors.map(|(prior, &x)| prior.penalty(x)).sum();
        Some(0.5 * (quadratic + log_determinant) + penalty).filter(|value| value.is_finite())
    }

    /// With H = K⁻¹ − ααᵀ, ααᵀ the mean over the responses, half of it on the diagonal:
    /// ∂/∂θ = Σ H ∂k/∂θ over i ≤ j.
    fn gradient(&mut self, gradient: &mut [f64]) {
        self.invert();
        let (covariance, sites, stride) = (self.covariance, self.sites, self.stride);
        let (inverse, responses) = (&self.factor, self.targets.len() as f64);
        let columns: Vec<&[f64]> = self.weights.chunks_exact(stride).collect();
        let product = |i: usize, j: usize| {
            let products = columns.iter().map(|weights| weights[i] * weights[j]);
            total(products) / responses
        };
        let rows: Vec<[f64; PARAMETERS]> = (0..sites.len())
            .into_par_iter()
            .map(|i| {
                let mut sums = [0.0; PARAMETERS];
                let own = 0.5 * (-inverse[i * stride + i] - product(i, i));
                sums[OUTPUTSCALE] = own * covariance.outputscale;
                sums[SPACE] = own * covariance.space;
                sums[NOISE] = own;
                sums[MEAN] = -(total(columns.iter().map(|weights| weights[i])) / responses);
                for j in i + 1..sites.len() {
                    let h = -inverse[i * stride + j] - product(i, j);
                    let terms = covariance.terms(&sites[i], &sites[j]);
                    sums[OUTPUTSCALE] += h * terms.features;
                    sums[SPACE] += h * terms.space[0];
                    sums[REACH] += h * terms.space[1];
                    let slope = -2.0 * h * terms.slope;
                    for (sum, square) in sums.iter_mut().zip(terms.squares) {
                        *sum += slope * square;
                    }
                }
                sums
            })
            .collect();
        for (k, slope) in gradient.iter_mut().enumerate() {
            *slope = rows.iter().map(|sums| sums[k]).sum();
        }
        gradient[NOISE] *= self.noise() - NOISE_FLOOR;
        let priors = PRIORS.iter().zip(&self.parameters);
        for (slope, (prior, &x)) in gradient.iter_mut().zip(priors) {
            *slope += prior.slope(x);
        }
    }
}

#[cfg(test)]
mod tests;
