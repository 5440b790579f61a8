//! The exact log marginal likelihood of a Gaussian process on a latent plane, and its gradient.
//!
//! loss = ½(y − m)ᵀK⁻¹(y − m) + ½ log|K| + (N/2) log 2π, over N (Rasmussen & Williams 2006,
//! eq. 5.8), with K = s(R + rI): R the RBF correlation with one lengthscale an axis, s the
//! outputscale, r = floor + eᵘ the noise over it, so that no step can leave r under its floor.

use beacon_kernel::Hyperparameters;
use multiversion::multiversion;
use rayon::prelude::*;

use super::triangular::{LANES, PANEL, factor, invert_factor, negated_inverse, stride};

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
#[derive(Debug, Default)]
pub(super) struct Likelihood {
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
    /// U⁻ᵀ(y − m)
    whitened: Vec<f64>,
    /// (R + rI)⁻¹(y − m)
    weights: Vec<f64>,
    /// Upper triangle of R with its diagonal, zero elsewhere.
    correlation: Vec<f64>,
    /// Upper Cholesky factor of R + rI, then minus its inverse.
    factor: Vec<f64>,
    /// The factor's inverse, transposed.
    inverse_factor: Vec<f64>,
    /// Gradient by latent coordinates, by axis.
    latent_gradient: [Vec<f64>; 2],
}

impl Likelihood {
    pub(super) fn new(floor: f64) -> Self {
        Self {
            floor,
            ..Self::default()
        }
    }

    /// Jitter the last factorisation needed, relative to the outputscale.
    pub(super) fn jitter(&self) -> f64 {
        self.jitter
    }

    /// The loss over N, or nothing where no jitter made the matrix positive definite or the
    /// value is not finite.
    pub(super) fn value(
        &mut self,
        latents: impl Iterator<Item = [f64; 2]>,
        targets: &[f64],
        p: &[f64; PARAMETERS],
    ) -> Option<f64> {
        self.reshape(targets.len());
        self.outputscale = libm::exp(p[OUTPUTSCALE]);
        self.excess = libm::exp(p[EXCESS]);
        self.inverse_length = [p[LENGTHSCALE], p[LENGTHSCALE + 1]].map(|l| 1.0 / libm::exp(l));
        for (point, z) in latents.enumerate() {
            for axis in 0..2 {
                self.scaled[axis][point] = z[axis] * self.inverse_length[axis];
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
    /// [`value`](Self::value), whose factor it uses up. With G = ½(K⁻¹ − ααᵀ) and
    /// H = G ∘ sR: ∂/∂ln ℓ = Σ H d²/ℓ², ∂/∂ln s = Σ H + σ² tr G, ∂/∂u = s eᵘ tr G,
    /// ∂/∂m = −Σ α.
    pub(super) fn gradient(&mut self) -> [f64; PARAMETERS] {
        let (n, stride) = (self.points, self.stride);
        invert_factor(&self.factor, &mut self.inverse_factor, stride);
        negated_inverse(&self.inverse_factor, &mut self.factor, stride);
        weigh(
            &self.inverse_factor,
            &self.whitened,
            &mut self.weights,
            stride,
        );
        let weights = &self.weights[..n];
        let trace_inverse: f64 = (0..n).map(|i| -self.factor[i * stride + i]).sum();
        let square: f64 = weights.iter().map(|w| w * w).sum();
        // s tr G
        let trace = 0.5 * (trace_inverse - square / self.outputscale);
        let ratio = self.floor + self.excess + self.jitter;
        let Totals { h, squares } = accumulate(
            Pairs {
                negated_inverse: &self.factor,
                correlation: &self.correlation,
                weights: &self.weights,
                scaled: [&self.scaled[0], &self.scaled[1]],
                stride,
                points: n,
                per_outputscale: 1.0 / self.outputscale,
            },
            &mut self.latent_gradient,
        );
        let per_point = 1.0 / n as f64;
        for (axis, gradient) in self.latent_gradient.iter_mut().enumerate() {
            let scale = -2.0 * self.inverse_length[axis] * per_point;
            gradient.iter_mut().for_each(|g| *g *= scale);
        }
        // The pairs count twice, the diagonal once; it adds up to s tr G.
        let mut gradient = [0.0; PARAMETERS];
        gradient[LENGTHSCALE] = 2.0 * squares[0] * per_point;
        gradient[LENGTHSCALE + 1] = 2.0 * squares[1] * per_point;
        gradient[OUTPUTSCALE] = (2.0 * h - trace + ratio * trace) * per_point;
        gradient[EXCESS] = self.excess * trace * per_point;
        gradient[MEAN] = -weights.iter().sum::<f64>() / self.outputscale * per_point;
        gradient
    }

    /// Gradient of the loss over N by one point's latent coordinates, after
    /// [`gradient`](Self::gradient): −(2/ℓ²) Σⱼ Hᵢⱼ(zᵢ − zⱼ).
    pub(super) fn latent_gradient(&self, point: usize) -> [f64; 2] {
        [0, 1].map(|axis| self.latent_gradient[axis][point])
    }

    fn reshape(&mut self, points: usize) {
        let stride = stride(points);
        if (points, stride) == (self.points, self.stride) {
            return;
        }
        (self.points, self.stride) = (points, stride);
        let [a, b] = &mut self.scaled;
        let [c, d] = &mut self.latent_gradient;
        for vector in [a, b, c, d, &mut self.whitened, &mut self.weights] {
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

    fn correlate(&mut self) {
        let (n, stride) = (self.points, self.stride);
        let [a, b] = &self.scaled;
        let panels = self.correlation.par_chunks_exact_mut(PANEL * stride);
        panels.enumerate().for_each(|(panel, rows)| {
            let rows = rows.chunks_exact_mut(stride);
            for (i, row) in (panel * PANEL..n).zip(rows) {
                row[i] = 1.0;
                for j in i + 1..n {
                    let d = [a[i] - a[j], b[i] - b[j]];
                    row[j] = libm::exp(-0.5 * (d[0] * d[0] + d[1] * d[1]));
                }
            }
        });
    }

    fn factorise(&mut self) -> bool {
        JITTER.into_iter().any(|jitter| {
            self.jitter = jitter;
            self.factor.copy_from_slice(&self.correlation);
            let diagonal = self.factor.iter_mut().step_by(self.stride + 1);
            for (i, value) in diagonal.enumerate() {
                // Past the points, the identity keeps every tile full and changes nothing.
                *value = if i < self.points {
                    1.0 + self.floor + self.excess + jitter
                } else {
                    1.0
                };
            }
            factor(&mut self.factor, self.stride).is_ok()
        })
    }

    /// (y − m)ᵀ(R + rI)⁻¹(y − m) and log |R + rI|.
    fn whiten(&mut self, targets: &[f64], mean: f64) -> (f64, f64) {
        self.whitened.fill(0.0);
        for (t, y) in self.whitened.iter_mut().zip(targets) {
            *t = y - mean;
        }
        let (mut quadratic, mut log_root) = (0.0, 0.0);
        for (i, row) in self
            .factor
            .chunks_exact(self.stride)
            .enumerate()
            .take(self.points)
        {
            let (solved, rest) = self.whitened.split_at_mut(i + 1);
            let t = solved[i] / row[i];
            solved[i] = t;
            for (r, u) in rest.iter_mut().zip(&row[i + 1..]) {
                *r -= u * t;
            }
            quadratic += t * t;
            log_root += libm::log(row[i]);
        }
        (quadratic, 2.0 * log_root)
    }
}

/// β = Vᵀt.
#[multiversion(targets("x86_64+avx2"))]
fn weigh(v: &[f64], t: &[f64], weights: &mut [f64], stride: usize) {
    weights.fill(0.0);
    for (row, t) in v.chunks_exact(stride).zip(t) {
        for (w, v) in weights.iter_mut().zip(row) {
            *w += v * t;
        }
    }
}

/// What the sums over pairs of points read; upper triangles only.
#[derive(Clone, Copy)]
struct Pairs<'a> {
    negated_inverse: &'a [f64],
    correlation: &'a [f64],
    weights: &'a [f64],
    scaled: [&'a [f64]; 2],
    stride: usize,
    points: usize,
    per_outputscale: f64,
}

/// Σ H over i ≤ j, and Σ H d²/ℓ² over i < j by axis.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Totals {
    h: f64,
    squares: [f64; 2],
}

/// The totals, and Σⱼ Hᵢⱼ(zᵢ − zⱼ)/ℓ of every point by axis.
#[multiversion(targets("x86_64+avx2"))]
fn accumulate(pairs: Pairs<'_>, differences: &mut [Vec<f64>; 2]) -> Totals {
    accumulate_body(pairs, differences)
}

#[inline(always)]
fn accumulate_body(pairs: Pairs<'_>, differences: &mut [Vec<f64>; 2]) -> Totals {
    let stride = pairs.stride;
    let [first, second] = differences;
    first.fill(0.0);
    second.fill(0.0);
    // h, h·d₁², h·d₂², each in lanes of their own for one fixed order of summation.
    let mut totals = [[0.0; LANES]; 3];
    for i in 0..pairs.points {
        // From the tile that holds the diagonal: the correlation is zero to its left.
        let start = i / LANES * LANES;
        let row = i * stride + start..(i + 1) * stride;
        let inverse = pairs.negated_inverse[row.clone()].chunks_exact(LANES);
        let correlation = pairs.correlation[row].chunks_exact(LANES);
        let weights = pairs.weights[start..stride].chunks_exact(LANES);
        let za = pairs.scaled[0][start..stride].chunks_exact(LANES);
        let zb = pairs.scaled[1][start..stride].chunks_exact(LANES);
        let ga = first[start..stride].chunks_exact_mut(LANES);
        let gb = second[start..stride].chunks_exact_mut(LANES);
        let weight = pairs.weights[i] * pairs.per_outputscale;
        let (a, b) = (pairs.scaled[0][i], pairs.scaled[1][i]);
        let mut own = [[0.0; LANES]; 2];
        let matrices = inverse.zip(correlation).zip(weights);
        for (((inverse, correlation), weights), ((za, zb), (ga, gb))) in
            matrices.zip(za.zip(zb).zip(ga.zip(gb)))
        {
            for l in 0..LANES {
                let h = -0.5 * (inverse[l] + weight * weights[l]) * correlation[l];
                let (da, db) = (a - za[l], b - zb[l]);
                let (ha, hb) = (h * da, h * db);
                totals[0][l] += h;
                totals[1][l] += ha * da;
                totals[2][l] += hb * db;
                own[0][l] += ha;
                own[1][l] += hb;
                ga[l] -= ha;
                gb[l] -= hb;
            }
        }
        first[i] += own[0].iter().sum::<f64>();
        second[i] += own[1].iter().sum::<f64>();
    }
    let [h, a, b] = totals.map(|lanes| lanes.iter().sum());
    Totals { h, squares: [a, b] }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(n: usize) -> (Vec<[f64; 2]>, Vec<f64>) {
        let wave = |i: usize, step: f64| libm::sin(1.0 + step * i as f64);
        let latents = (0..n).map(|i| [wave(i, 1.3), 0.8 * wave(i, 2.9)]);
        (latents.collect(), (0..n).map(|i| wave(i, 0.7)).collect())
    }

    const P: [f64; PARAMETERS] = [-0.4, 0.2, 0.3, -1.5, 0.1];

    /// Oracle: eq. 5.8 with nalgebra's dense algebra.
    #[test]
    fn the_value_is_that_of_dense_algebra() {
        let floor = 0.01;
        for n in [1, 2, 7, 40] {
            let (z, y) = points(n);
            let found = Likelihood::new(floor).value(z.iter().copied(), &y, &P);
            let k = nalgebra::DMatrix::from_fn(n, n, |i, j| {
                let d = |a: usize| (z[i][a] - z[j][a]) / P[a].exp();
                let noise = if i == j { floor + P[3].exp() } else { 0.0 };
                P[2].exp() * ((-0.5 * (d(0) * d(0) + d(1) * d(1))).exp() + noise)
            });
            let residual = nalgebra::DVector::from_fn(n, |i, _| y[i] - P[4]);
            let cholesky = k.cholesky().unwrap();
            let quadratic = residual.dot(&cholesky.solve(&residual));
            let tau = core::f64::consts::TAU;
            let loss = quadratic + cholesky.determinant().ln() + n as f64 * tau.ln();
            assert!((found.unwrap() - 0.5 * loss / n as f64).abs() < 1e-12);
        }
    }

    /// Oracle: central differences of the value.
    #[test]
    fn the_gradient_is_the_slope_of_the_value() {
        for n in [1, 2, 9, 40] {
            let (mut z, y) = points(n);
            let mut likelihood = Likelihood::new(0.01);
            likelihood.value(z.iter().copied(), &y, &P).unwrap();
            let gradient = likelihood.gradient();
            let by_latent: Vec<_> = (0..n).map(|i| likelihood.latent_gradient(i)).collect();
            let mut value = |z: &[[f64; 2]], p: &[f64; PARAMETERS]| {
                likelihood.value(z.iter().copied(), &y, p).unwrap()
            };
            let step = 1e-5;
            for (k, g) in gradient.into_iter().enumerate() {
                let (mut up, mut down) = (P, P);
                up[k] += step;
                down[k] -= step;
                let slope = (value(&z, &up) - value(&z, &down)) / (2.0 * step);
                assert!((g - slope).abs() < 1e-8, "{n} {k}: {g} {slope}");
            }
            for i in 0..n {
                for axis in 0..2 {
                    let centre = z[i][axis];
                    z[i][axis] = centre + step;
                    let up = value(&z, &P);
                    z[i][axis] = centre - step;
                    let down = value(&z, &P);
                    z[i][axis] = centre;
                    let slope = (up - down) / (2.0 * step);
                    let g = by_latent[i][axis];
                    assert!((g - slope).abs() < 1e-8, "{n} {i}: {g} {slope}");
                }
            }
        }
    }

    #[test]
    fn points_that_coincide_without_noise_are_factored_with_jitter() {
        let mut likelihood = Likelihood::new(0.0);
        let p = [0.0, 0.0, 0.0, -200.0, 0.0];
        let latents = [[0.3, 0.1]; 20].into_iter();
        let value = likelihood.value(latents, &[0.5; 20], &p);
        assert!(value.is_some());
        assert!(likelihood.jitter() > 0.0);
        assert!(likelihood.gradient().iter().all(|g| g.is_finite()));
        let (z, y) = points(5);
        likelihood.value(z.into_iter(), &y, &P);
        assert_eq!(likelihood.jitter(), 0.0);
    }

    #[test]
    fn a_latent_that_is_not_finite_gives_no_value() {
        let mut likelihood = Likelihood::new(0.01);
        let latents = [[0.0, 1.0], [f64::NAN, 0.0], [1.0, 1.0]];
        assert_eq!(likelihood.value(latents.into_iter(), &[1.0; 3], &P), None);
    }

    /// Buffers are reused; what an earlier, larger problem left there must not show.
    #[test]
    fn a_smaller_problem_after_a_larger_one_is_as_if_alone() {
        let mut used = Likelihood::new(0.01);
        let (z, y) = points(40);
        used.value(z.into_iter(), &y, &P);
        used.gradient();
        for n in [33, 9, 40] {
            let (z, y) = points(n);
            let mut fresh = Likelihood::new(0.01);
            let value = used.value(z.iter().copied(), &y, &P);
            assert_eq!(value, fresh.value(z.iter().copied(), &y, &P));
            assert_eq!(used.gradient(), fresh.gradient());
        }
    }

    #[test]
    fn wider_instructions_change_no_bit() {
        let (z, y) = points(40);
        let mut likelihood = Likelihood::new(0.01);
        likelihood.value(z.into_iter(), &y, &P);
        likelihood.gradient();
        let pairs = Pairs {
            negated_inverse: &likelihood.factor,
            correlation: &likelihood.correlation,
            weights: &likelihood.weights,
            scaled: [&likelihood.scaled[0], &likelihood.scaled[1]],
            stride: likelihood.stride,
            points: likelihood.points,
            per_outputscale: 0.7,
        };
        let mut dispatched = likelihood.latent_gradient.clone();
        let mut plain = dispatched.clone();
        assert_eq!(
            accumulate(pairs, &mut dispatched),
            accumulate_body(pairs, &mut plain)
        );
        assert_eq!(dispatched, plain);
    }
}
