//! Posterior mean and variance at every candidate.
//!
//! Both are smooth functions of the latent plane, so the surrogate holds them at the nodes of a
//! [grid](crate::grid) over the candidates and interpolates: for S nodes and N measured points one
//! sweep evaluates a new model in O(S·N²/2), and every measurement after it corrects mean and
//! variance in O(S·N), however many candidates there are.
//!
//! With a [spatial part](crate::space) k = k_f + k_s the factor is that of the whole covariance.
//! The variance is s − k_fᵀK⁻¹k_f: that of what the features tell, given all measurements, which is
//! a function of the plane. That of k_s, which would be near w wherever nothing was measured nearby,
//! is left out. The mean is m + (k_f + k_s)ᵀα; its second term differs from candidate to candidate and
//! is added to what the grid says.

use crate::gp::{Covariance, Factor};
use crate::grid::{Axes, Grid, MAX_NODES, Row};
use crate::math::dot;
use crate::{MOST_RESPONSES, Standardisation};

/// Nodes whose triangular solves run side by side: a factor of thousands of points outgrows a host's caches, and
/// is read once for as many.
pub(crate) const LANES: usize = if cfg!(target_arch = "arm") { 8 } else { 16 };

/// Most values of a mean or a variance.
pub(crate) const ROOM: usize = MAX_NODES * MAX_NODES;

/// Most groups of [`LANES`] nodes, in which a sweep evaluates them.
pub(crate) const MOST_GROUPS: usize = ROOM / LANES;
// No group reaches into the next row.
const _: () = assert!(MAX_NODES.is_multiple_of(LANES));

/// Groups in a row of [`MAX_NODES`].
fn groups_in_row(axes: Axes) -> usize {
    axes.columns().div_ceil(LANES)
}

/// All of them.
pub(crate) fn groups(axes: Axes) -> usize {
    axes.rows() * groups_in_row(axes)
}

/// Index of a group's first value, and where its nodes lie.
pub(crate) fn group(axes: Axes, group: usize) -> (usize, [[f32; 2]; LANES]) {
    // No row is empty; the compiler does not know.
    let in_row = groups_in_row(axes).max(1);
    let (row, first) = (group / in_row, LANES * (group % in_row));
    let node = |lane: usize| axes.node(row, first + lane);
    (row * MAX_NODES + first, core::array::from_fn(node))
}

/// The posterior at every candidate, in standardised units. Where the model has a spatial part, means
/// count it, and variances are those of what the latent plane tells, given all measurements. Several
/// responses have means of their own, and one variance.
#[derive(Clone, Copy, Debug)]
pub struct Surrogate<'s> {
    pub(crate) latents: &'s [[f32; 2]],
    /// The grid whose nodes the means and variances belong to.
    pub(crate) axes: Axes,
    /// Means of each response.
    pub(crate) mean: [&'s [f32]; MOST_RESPONSES],
    pub(crate) variance: &'s [f32],
    /// What neighbours add to the candidates' means of each response, where there is a spatial part.
    pub(crate) shared: [Option<&'s [f32]>; MOST_RESPONSES],
    /// How to return to the units of each response.
    pub(crate) standardisations: [Standardisation; MOST_RESPONSES],
    pub(crate) responses: usize,
    /// Variance of the measurement noise.
    pub noise: f32,
    /// How to return to the units of the first response.
    pub standardisation: Standardisation,
}

impl Surrogate<'_> {
    /// Responses of a place.
    pub fn responses(&self) -> usize {
        self.responses
    }

    /// How to return to the units of a response, counted from 0; `None` beyond those there are.
    pub fn standardisation_of(&self, response: usize) -> Option<Standardisation> {
        let all = self.standardisations.get(..self.responses);
        all.and_then(|all| all.get(response)).copied()
    }

    /// [`Self::iter`] for a response, counted from 0: the variance is that of any. Beyond the responses that
    /// there are it yields nothing.
    pub fn iter_of(&self, response: usize) -> impl ExactSizeIterator<Item = (f32, f32)> {
        let known = response < self.responses;
        let latents = if known { self.latents } else { &[] };
        let latents = latents.iter().enumerate();
        latents.map(move |(index, &latent)| self.evaluate(response, index, latent))
    }

    /// Where every candidate lies in the learned plane.
    pub fn latents(&self) -> &[[f32; 2]] {
        self.latents
    }

    /// Number of candidates.
    pub fn len(&self) -> usize {
        self.latents.len()
    }

    /// Whether there are no candidates; there always are.
    pub fn is_empty(&self) -> bool {
        self.latents.is_empty()
    }

    /// Posterior mean of the first response and variance, without measurement noise, of every candidate in
    /// turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (f32, f32)> {
        self.latents
            .iter()
            .enumerate()
            .map(|(index, &latent)| self.evaluate(0, index, latent))
    }

    /// Posterior mean of the first response and variance of the candidate of this number.
    pub fn at(&self, index: usize) -> Option<(f32, f32)> {
        let latent = *self.latents.get(index)?;
        Some(self.evaluate(0, index, latent))
    }

    fn evaluate(&self, response: usize, index: usize, latent: [f32; 2]) -> (f32, f32) {
        let stencil = self.axes.stencil(latent);
        let mean = self.mean.get(response).copied().unwrap_or_default();
        let mean = stencil.apply(mean.as_chunks().0);
        let variance = not_negative(stencil.apply(self.variance.as_chunks().0));
        let shared = self.shared.get(response).copied().flatten();
        let shared = shared.and_then(|shared| shared.get(index));
        (shared.map_or(mean, |shared| mean + shared), variance)
    }
}

/// A group of nodes whose posterior under a new model is to be found, for whoever finds it: a host's threads do
/// it side by side.
pub struct Nodes<'n> {
    pub(crate) posterior: Posterior<'n>,
    /// How many points it is of.
    pub(crate) count: usize,
    pub(crate) axes: Axes,
    /// Which group, and where its means and variances begin.
    pub(crate) group: usize,
    pub(crate) first: usize,
    /// β of each response.
    pub(crate) whitened: [&'n [f32]; MOST_RESPONSES],
    /// Means of each response that there is.
    pub(crate) means: [&'n mut [f32]; MOST_RESPONSES],
    pub(crate) variances: &'n mut [f32],
}

impl Nodes<'_> {
    /// Floats of workspace that [`Self::sweep`] needs.
    pub fn floats(&self) -> usize {
        LANES * self.count
    }

    /// Mean and variance at each node, in a `workspace` of at least [`Self::floats`].
    pub fn sweep(&mut self, workspace: &mut [f32]) {
        let (_, places) = group(self.axes, self.group);
        let Posterior {
            covariance,
            factor,
            points,
            ..
        } = self.posterior;
        let solved = workspace.as_chunks_mut::<LANES>().0;
        let solved = solved.get_mut(..self.count).unwrap_or_default();
        for (slots, &point) in solved.iter_mut().zip(points) {
            *slots = places.map(|place| covariance.between(place, point));
        }
        factor.solve_lower_each(solved);
        let mut variance = [covariance.outputscale; LANES];
        let mut mean = [self.posterior.prior_mean; LANES];
        let [first, ..] = self.whitened;
        for (solved, whitened) in solved.iter().zip(first) {
            for ((mean, variance), a) in mean.iter_mut().zip(&mut variance).zip(solved) {
                *mean += a * whitened;
                *variance -= a * a;
            }
        }
        let [first, others @ ..] = &mut self.means;
        for (out, mean) in first.iter_mut().skip(self.first).zip(mean) {
            *out = mean;
        }
        for (out, variance) in self.variances.iter_mut().skip(self.first).zip(variance) {
            *out = not_negative(variance);
        }
        let others = others.iter_mut().zip(self.whitened.iter().skip(1));
        for (out, whitened) in others {
            let out = out.get_mut(self.first..).unwrap_or_default();
            further_mean(self.posterior.prior_mean, solved, whitened, out);
        }
    }
}

/// Mean of a further response, with this β, at nodes that are solved for.
// Once for all responses: the fastest memory is small.
#[inline(never)]
fn further_mean(prior: f32, solved: &[[f32; LANES]], whitened: &[f32], means: &mut [f32]) {
    let mut sums = [prior; LANES];
    for (solved, whitened) in solved.iter().zip(whitened) {
        for (sum, a) in sums.iter_mut().zip(solved) {
            *sum += a * whitened;
        }
    }
    for (out, sum) in means.iter_mut().zip(sums) {
        *out = sum;
    }
}

/// The exact posterior given the measured points: what sweep, update and single predictions read.
#[derive(Clone, Copy)]
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

    /// Corrects every mean and variance, until now from the first `n` points, by point `n`:
    /// with w = K⁻¹k(Z, z_n), c(x) = k(x, z_n) − Σ_j k(x, z_j) w_j and d the factor's new
    /// diagonal, μ(x) += (c/d) β_n and v(x) −= (c/d)². `scratch` is longer than there are points
    /// before it; `weighed` says that it begins with (−w, 1). `others` are β and means of the further
    /// responses.
    pub(crate) fn update<'o>(
        &self,
        (n, weighed): (usize, bool),
        axes: Axes,
        (means, others): (&mut [f32], impl Iterator<Item = (&'o [f32], &'o mut [f32])>),
        variances: &mut [f32],
        (scratch, workspace): (&mut [f32], &mut [f32]),
    ) {
        let (Some(points), Some(&whitened), Some((own, weights)), Some((diagonal, row))) = (
            self.points.get(..=n),
            self.whitened.get(n),
            scratch.get_mut(..=n).and_then(<[f32]>::split_last_mut),
            self.factor.row(n).split_last(),
        ) else {
            return;
        };
        if !weighed {
            for (weight, entry) in weights.iter_mut().zip(row) {
                *weight = -entry;
            }
            self.factor.solve_upper(weights);
            *own = 1.0;
        }
        let weights = scratch.get(..=n).unwrap_or_default();
        let correct = |mean: &mut f32, variance: &mut f32, c: f32| {
            let a = c / diagonal;
            *mean += a * whitened;
            *variance = not_negative(*variance - a * a);
        };
        let Some(mut grid) = Grid::new(axes, workspace) else {
            return;
        };
        grid.add_covariances(self.covariance, points, weights);
        let means: &mut [Row] = means.as_chunks_mut().0;
        let rows = means
            .iter_mut()
            .zip(variances.as_chunks_mut::<MAX_NODES>().0);
        for ((means, variances), c) in rows.zip(grid.nodes()).take(axes.rows()) {
            let nodes = means.iter_mut().zip(variances).zip(c).take(axes.columns());
            nodes.for_each(|((mean, variance), &c)| correct(mean, variance, c));
        }
        for (whitened, means) in others {
            let whitened = whitened.get(n).copied().unwrap_or_default();
            let rows = means.as_chunks_mut::<MAX_NODES>().0.iter_mut();
            for (means, c) in rows.zip(grid.nodes()).take(axes.rows()) {
                for (mean, c) in means.iter_mut().zip(c).take(axes.columns()) {
                    *mean += (c / diagonal) * whitened;
                }
            }
        }
    }
}

/// Zero for a variance that rounding made negative.
fn not_negative(variance: f32) -> f32 {
    if variance > 0.0 { variance } else { 0.0 }
}
