//! The exact log marginal likelihood of a Gaussian process on a latent plane, and its gradient.
//!
//! loss = ½(y − m)ᵀK⁻¹(y − m) + ½ log|K| + (N/2) log 2π, over N (Rasmussen & Williams 2006,
//! eq. 5.8), with K = s(R + rI): R the RBF correlation with one lengthscale an axis, s the
//! outputscale, r = floor + eᵘ the noise over it, so that no step can leave r under its floor.
//!
//! Several responses share K and m. Their joint density is the product of R such densities (each
//! response standardised by itself, none a prediction of another), and the loss is that of the
//! product, over R as well as over N: copies of a response, or collinear ones, then weigh no more
//! against a prior than one does.

use beacon_kernel::Hyperparameters;
use rayon::prelude::*;

use super::pairs::{Pairs, Totals, accumulate};
use super::triangular::{
    LANES, PANEL, factor, invert_factor, negated_inverse, stride, weigh, whiten,
};

/// Number of parameters: ln ℓ₁, ln ℓ₂, ln s, u, m.
pub(super) const PARAMETERS: usize = 5;

const LENGTHSCALE: usize = 0;
const OUTPUTSCALE: usize = 2;
const EXCESS: usize = 3;
const MEAN: usize = 4;

/// Added to r, in turn, when the factorisation fails.
const JITTER: [f64; 7] = [0.0, 1e-12, 1e-10, 1e-8, 1e-6, 1e-4, 1e-2];

/// Where lengthscales, outputscale and noise start, in standardised units: softplus(0).
const START: f64 = core::f64::consts::LN_2;

/// Parameters before any training.
pub(super) fn initial(floor: f64) -> [f64; PARAMETERS] {
    let start = libm::log(START);
    // Noise of START at an outputscale of START is a ratio of 1, floor included.
    let excess = libm::log((1.0 - floor).max(0.1));
    [start, start, start, excess, 0.0]
}

/// What the kernel is told: noise in standardised units squared, everything as f32.
pub(super) fn hyperparameters(p: &[f64; PARAMETERS], floor: f64) -> Hyperparameters {
    let outputscale = libm::exp(p[OUTPUTSCALE]);
    Hyperparameters {
        lengthscale: [p[LENGTHSCALE], p[LENGTHSCALE + 1]].map(|l| libm::exp(l) as f32),
        outputscale: outputscale as f32,
        noise: (outputscale * (floor + libm::exp(p[EXCESS]))) as f32,
        mean: p[MEAN] as f32,
    }
}

/// Value and gradient of the loss, with the buffers they need; these only ever grow.
///
/// ```
/// use beacon_train::Likelihood;
///
/// let mut likelihood = Likelihood::new(1e-2);
/// let latents = [[0.0, 0.0], [1.0, 0.5]];
/// let at = |m: f64| [0.0, 0.0, 0.0, -3.0, m];
/// let mut loss = |m: f64| likelihood.value(latents.into_iter(), &[0.3, -0.2], &at(m));
/// let difference = loss(1e-5).unwrap() - loss(-1e-5).unwrap();
/// loss(0.0).unwrap();
/// assert!((likelihood.gradient()[4] - difference / 2e-5).abs() < 1e-8);
/// ```
#[derive(Clone, Debug)]
pub struct Likelihood {
    floor: f64,
    points: usize,
    stride: usize,
    /// Latent coordinates over the lengthscale, by axis.
    scaled: [Vec<f64>; 2],
    /// 1/ℓ by axis.
    inverse_length: [f64; 2],
    outputscale: f64,
    excess: f64,
    jitter: f64,
    /// Leading points of which `correlation` and `factor` hold what they did when `scaled` and
    /// `excess` were last used: none after a gradient, or with jitter.
    known: usize,
    responses: usize,
    /// U⁻ᵀ(y − m) of each response, a stride after the other.
    whitened: Vec<f64>,
    /// (R + rI)⁻¹(y − m) of each response likewise.
    weights: Vec<f64>,
    /// Upper triangle of R with its diagonal, zero elsewhere.
    correlation: Vec<f64>,
    /// Upper triangle of what is added to R; empty where nothing is.
    beside: Vec<f64>,
    /// Upper Cholesky factor of R + rI, then minus its inverse.
    factor: Vec<f64>,
    /// Reciprocal roots of the factor's pivots.
    reciprocals: Vec<f64>,
    /// The factor's inverse, transposed.
    inverse_factor: Vec<f64>,
    /// Gradient by latent coordinates, by axis.
    latent_gradient: [Vec<f64>; 2],
}

impl Likelihood {
    /// With `floor` the smallest noise variance over the outputscale.
    pub fn new(floor: f64) -> Self {
        let mut likelihood = Self {
            floor,
            points: 0,
            stride: 0,
            scaled: Default::default(),
            inverse_length: [1.0; 2],
            outputscale: 1.0,
            excess: 0.0,
            jitter: 0.0,
            known: 0,
            responses: 1,
            whitened: Vec::new(),
            weights: Vec::new(),
            correlation: Vec::new(),
            beside: Vec::new(),
            factor: Vec::new(),
            reciprocals: Vec::new(),
            inverse_factor: Vec::new(),
            latent_gradient: Default::default(),
        };
        likelihood.reshape(0, 1);
        likelihood
    }

    /// The smallest noise variance over the outputscale.
    pub(super) fn floor(&self) -> f64 {
        self.floor
    }

    /// Jitter the last factorisation needed, relative to the outputscale.
    pub fn jitter(&self) -> f64 {
        self.jitter
    }

    /// The loss over N of `targets`, one latent a point, at the parameters
    /// `[ln ℓ₁, ln ℓ₂, ln s, u, m]`; nothing where no jitter made the matrix positive definite
    /// or the value is not finite.
    ///
    /// Costs O(N²) instead of O(N³) when but the last few latents, and the parameters of the
    /// covariance, are those of the last value, and no gradient has been taken since.
    pub fn value(
        &mut self,
        latents: impl Iterator<Item = [f64; 2]>,
        targets: &[f64],
        p: &[f64; PARAMETERS],
    ) -> Option<f64> {
        self.value_of(latents, &[targets], p)
    }

    /// [`value`](Self::value) of several responses, `targets` a column of each: the sum over the
    /// responses, over N and their number.
    ///
    /// # Panics
    /// When the columns differ in length.
    pub fn value_of(
        &mut self,
        latents: impl Iterator<Item = [f64; 2]>,
        targets: &[impl AsRef<[f64]>],
        p: &[f64; PARAMETERS],
    ) -> Option<f64> {
        self.take_shape(targets)?;
        if !self.beside.is_empty() {
            self.beside.clear();
            self.known = 0;
        }
        self.evaluate(latents, targets, p)
    }

    /// Reshapes for these columns; nothing without one.
    fn take_shape(&mut self, targets: &[impl AsRef<[f64]>]) -> Option<()> {
        let points = targets.first()?.as_ref().len();
        assert!(
            targets
                .iter()
                .all(|targets| targets.as_ref().len() == points),
            "columns of different lengths"
        );
        self.reshape(points, targets.len());
        Some(())
    }

    /// [`value_of`](Self::value_of) of the process whose correlation of points i ≤ j is larger by
    /// `beside(i, j)`, in outputscales.
    pub(super) fn value_beside(
        &mut self,
        latents: impl Iterator<Item = [f64; 2]>,
        targets: &[impl AsRef<[f64]>],
        p: &[f64; PARAMETERS],
        beside: impl Fn(usize, usize) -> f64,
    ) -> Option<f64> {
        self.take_shape(targets)?;
        self.known = 0;
        self.beside.clear();
        self.beside.resize(self.stride * self.stride, 0.0);
        for i in 0..self.points {
            for j in i..self.points {
                self.beside[i * self.stride + j] = beside(i, j);
            }
        }
        self.evaluate(latents, targets, p)
    }

    fn evaluate(
        &mut self,
        latents: impl Iterator<Item = [f64; 2]>,
        targets: &[impl AsRef<[f64]>],
        p: &[f64; PARAMETERS],
    ) -> Option<f64> {
        self.outputscale = libm::exp(p[OUTPUTSCALE]);
        self.inverse_length = [p[LENGTHSCALE], p[LENGTHSCALE + 1]].map(|l| 1.0 / libm::exp(l));
        let excess = libm::exp(p[EXCESS]);
        if excess != self.excess {
            self.known = 0;
        }
        self.excess = excess;
        for (point, z) in latents.take(self.points).enumerate() {
            for axis in 0..2 {
                let scaled = z[axis] * self.inverse_length[axis];
                if scaled != self.scaled[axis][point] {
                    self.known = self.known.min(point);
                }
                self.scaled[axis][point] = scaled;
            }
        }
        self.correlate();
        if !self.factorise() {
            return None;
        }
        let (quadratic, log_determinant) = self.whiten(targets, p[MEAN]);
        let n = self.points as f64;
        let loss = 0.5 * (quadratic / self.outputscale + log_determinant)
            + 0.5 * n * (p[OUTPUTSCALE] + libm::log(core::f64::consts::TAU));
        Some(loss / n).filter(|loss| loss.is_finite())
    }

    /// Gradient of the loss over N by the parameters, at the point of the last successful
    /// [`value`](Self::value), whose factor it uses up. With G = ½(K⁻¹ − ααᵀ), where ααᵀ is the mean
    /// over the responses, and H = G ∘ sR: ∂/∂ln ℓ = Σ H d²/ℓ², ∂/∂ln s = Σ H + σ² tr G,
    /// ∂/∂u = s eᵘ tr G, ∂/∂m = −Σ α, the mean over the responses too.
    pub fn gradient(&mut self) -> [f64; PARAMETERS] {
        let (n, stride) = (self.points, self.stride);
        self.known = 0;
        invert_factor(&self.factor, &mut self.inverse_factor, stride);
        negated_inverse(&self.inverse_factor, &mut self.factor, stride);
        let columns = self.whitened.chunks_exact(stride);
        for (whitened, weights) in columns.zip(self.weights.chunks_exact_mut(stride)) {
            weigh(&self.inverse_factor, whitened, weights, stride);
        }
        let per_response = 1.0 / self.responses as f64;
        let weights = || {
            self.weights
                .chunks_exact(stride)
                .map(|weights| &weights[..n])
        };
        let trace_inverse: f64 = (0..n).map(|i| -self.factor[i * stride + i]).sum();
        let squares = weights().map(|weights| weights.iter().map(|w| w * w).sum::<f64>());
        let square = total(squares) * per_response;
        // s tr G
        let trace = 0.5 * (trace_inverse - square / self.outputscale);
        let ratio = self.floor + self.excess + self.jitter;
        let Totals { h, squares } = accumulate(
            Pairs {
                negated_inverse: &self.factor,
                correlation: &self.correlation,
                weights: &self.weights,
                responses: self.responses,
                scaled: [&self.scaled[0], &self.scaled[1]],
                stride,
                points: n,
                per_outputscale: 1.0 / self.outputscale * per_response,
            },
            &mut self.latent_gradient,
        );
        let per_point = 1.0 / n as f64;
        for (axis, gradient) in self.latent_gradient.iter_mut().enumerate() {
            let scale = -2.0 * self.inverse_length[axis] * per_point;
            for g in gradient.iter_mut() {
                *g *= scale;
            }
        }
        // The pairs count twice, the diagonal once; it adds up to s tr G.
        let mut gradient = [0.0; PARAMETERS];
        gradient[LENGTHSCALE] = 2.0 * squares[0] * per_point;
        gradient[LENGTHSCALE + 1] = 2.0 * squares[1] * per_point;
        gradient[OUTPUTSCALE] = (2.0 * h - trace + ratio * trace) * per_point;
        gradient[EXCESS] = self.excess * trace * per_point;
        let sums = weights().map(|weights| weights.iter().sum::<f64>());
        let sum = total(sums) * per_response;
        gradient[MEAN] = -sum / self.outputscale * per_point;
        gradient
    }

    /// Mean log density of each target given all others of its response, after [`gradient`](Self::gradient) (Rasmussen and
    /// Williams 2006, Eqs. 5.10 to 5.12): with C = R + rI, the residual of point i is [C⁻¹(y − m)]ᵢ / [C⁻¹]ᵢᵢ and its
    /// variance s / [C⁻¹]ᵢᵢ.
    pub(super) fn leave_one_out(&self) -> f64 {
        let of_each = self.weights.chunks_exact(self.stride).map(|weights| {
            let densities = (0..self.points).map(|i| {
                let precision = -self.factor[i * self.stride + i] / self.outputscale;
                let residual = weights[i] / self.outputscale / precision;
                let square = residual * residual * precision;
                0.5 * (libm::log(precision / core::f64::consts::TAU) - square)
            });
            densities.sum::<f64>() / self.points as f64
        });
        total(of_each) / self.responses as f64
    }

    /// Derivative of the loss over N by what is beside the correlation of points i ≤ j, after
    /// [`gradient`](Self::gradient), which counts nothing of it: 2 s G, and s G on the diagonal.
    pub(super) fn by_beside(&self, i: usize, j: usize) -> f64 {
        let columns = self.weights.chunks_exact(self.stride);
        let products = total(columns.map(|weights| weights[i] * weights[j]));
        let weights = products / self.responses as f64 / self.outputscale;
        let product = -(self.factor[i * self.stride + j] + weights) / self.points as f64;
        if i == j { 0.5 * product } else { product }
    }

    /// Gradient of the loss over N by one point's latent coordinates, after
    /// [`gradient`](Self::gradient): −(2/ℓ²) Σⱼ Hᵢⱼ(zᵢ − zⱼ).
    ///
    /// # Panics
    /// When there is no such point.
    pub fn latent_gradient(&self, point: usize) -> [f64; 2] {
        [0, 1].map(|axis| self.latent_gradient[axis][point])
    }

    fn reshape(&mut self, points: usize, responses: usize) {
        let stride = stride(points);
        if responses != self.responses || stride != self.stride {
            for columns in [&mut self.whitened, &mut self.weights] {
                columns.clear();
                columns.resize(responses * stride, 0.0);
            }
            self.responses = responses;
        }
        if stride == self.stride && points >= self.points {
            // Past the points, vectors and correlations are zero.
            self.points = points;
            return;
        }
        (self.points, self.stride, self.known) = (points, stride, 0);
        let [a, b] = &mut self.scaled;
        let [c, d] = &mut self.latent_gradient;
        for vector in [a, b, c, d, &mut self.reciprocals] {
            vector.clear();
            vector.resize(stride, 0.0);
        }
        let squares = [
            &mut self.correlation,
            &mut self.factor,
            &mut self.inverse_factor,
        ];
        for matrix in squares {
            matrix.clear();
            matrix.resize(stride * stride, 0.0);
        }
    }

    /// Fills in the correlations of all points that are not known.
    fn correlate(&mut self) {
        let (n, stride, known) = (self.points, self.stride, self.known);
        let [a, b] = &self.scaled;
        let panels = self.correlation.par_chunks_exact_mut(PANEL * stride);
        panels.enumerate().for_each(|(panel, rows)| {
            let rows = rows.chunks_exact_mut(stride);
            for (i, row) in (panel * PANEL..n).zip(rows) {
                row[i] = 1.0;
                for j in known.max(i + 1)..n {
                    let d = [a[i] - a[j], b[i] - b[j]];
                    row[j] = libm::exp(-0.5 * (d[0] * d[0] + d[1] * d[1]));
                }
            }
        });
    }

    fn factorise(&mut self) -> bool {
        JITTER.into_iter().any(|jitter| {
            self.jitter = jitter;
            // A failure has spoilt what was known.
            let from = core::mem::take(&mut self.known) / LANES * LANES;
            let rows = self.factor.chunks_exact_mut(self.stride);
            for (to, row) in rows.zip(self.correlation.chunks_exact(self.stride)) {
                to[from..].copy_from_slice(&row[from..]);
            }
            let diagonal = self.factor.iter_mut().step_by(self.stride + 1);
            for (i, value) in diagonal.enumerate().skip(from) {
                // Past the points, the identity keeps every tile full and changes nothing.
                *value = if i < self.points {
                    1.0 + self.floor + self.excess + jitter
                } else {
                    1.0
                };
            }
            for (sum, beside) in self.factor.iter_mut().zip(&self.beside) {
                *sum += beside;
            }
            let (matrix, reciprocals) = (&mut self.factor, &mut self.reciprocals);
            let good = factor(matrix, reciprocals, self.stride, from).is_ok();
            if good && jitter == 0.0 {
                self.known = self.points;
            }
            good
        })
    }

    /// (y − m)ᵀ(R + rI)⁻¹(y − m), the mean over the responses, and log |R + rI|.
    fn whiten(&mut self, targets: &[impl AsRef<[f64]>], mean: f64) -> (f64, f64) {
        self.whitened.fill(0.0);
        let mut log_determinant = 0.0;
        let columns = self.whitened.chunks_exact_mut(self.stride).zip(targets);
        let squares = columns.map(|(whitened, targets)| {
            for (t, y) in whitened.iter_mut().zip(targets.as_ref()) {
                *t = y - mean;
            }
            let (square, log) = whiten(&self.factor, whitened, self.stride, self.points);
            log_determinant = log;
            square
        });
        let quadratic = total(squares) / self.responses as f64;
        (quadratic, log_determinant)
    }
}

/// The sum of what each response has, in their order; of one response its own bits.
pub(super) fn total(mut of_each: impl Iterator<Item = f64>) -> f64 {
    let first = of_each.next().unwrap_or(0.0);
    of_each.fold(first, |sum, of| sum + of)
}

#[cfg(test)]
mod tests;
