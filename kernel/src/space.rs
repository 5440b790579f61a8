//! The spatial part of the covariance: what neighbours share and no feature tells.
//!
//! k(p, q) = w · m(|Δrow|/λ) · m(|Δcolumn|/λ), m(d) = (1 + √3 d) e^(−√3 d) being the Matérn-3/2
//! correlation along one axis (Rasmussen & Williams 2006, eq. 4.17). Candidates lie on the lattice of
//! pixels and the covariance is a product, so Σ_j k(x, z_j) v_j at every candidate x is a sum along
//! the rows of the points and then a recursive filter down the columns: about ten
//! multiply-accumulates a candidate, however many points there are.
//!
//! With c = √3/λ, a = e⁻ᶜ and e(d) = a^|d|, summing two geometric series gives
//! (e ∗ e)(d) = a^|d| (|d| + (1 + a²)/(1 − a²)), and so
//!
//! m = c · e ∗ e + κ · e, κ = 1 − c (1 + a²)/(1 − a²).
//!
//! e ∗ x is one recursion forth and one back: pₙ = xₙ + a pₙ₋₁, then (e ∗ x)ₙ = (1 − a²) pₙ +
//! a (e ∗ x)ₙ₊₁.

use core::ops::Range;

use crate::Candidates;
use crate::elementary::exp;

/// Columns that are filtered side by side.
pub(crate) const LANES: usize = 4;

/// The covariance of two candidates by their rows and columns.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Space {
    /// w
    pub(crate) variance: f32,
    /// √3/λ, per pixel.
    rate: f32,
}

impl Space {
    /// With variance w and 1/λ, per pixel.
    pub(crate) fn new(variance: f32, inverse_reach: f32) -> Self {
        /// √3
        const ROOT: f32 = 1.732_050_8;
        Self {
            variance,
            rate: ROOT * inverse_reach,
        }
    }

    /// m at whole lags, those of a table from 0 on: whatever the table lacks is worked out when it is asked for.
    pub(crate) fn tabulate(self, falloff: &mut [f32]) {
        for (lag, value) in falloff.iter_mut().enumerate() {
            *value = self.correlation(lag as f32);
        }
    }

    /// m at a lag along one axis.
    // So rarely beyond a table that it shall not be inlined there.
    #[inline(never)]
    fn correlation(self, lag: f32) -> f32 {
        let along = self.rate * lag;
        exp(-along) * (1.0 + along)
    }

    /// The covariance of two candidates.
    pub(crate) fn between(self, falloff: &[f32], a: [f32; 2], b: [f32; 2]) -> f32 {
        let along = |lag: f32| {
            // Places lie on the lattice.
            let known = falloff.get(lag as usize).copied();
            known.unwrap_or_else(|| self.correlation(lag))
        };
        let rows = along(libm::fabsf(a[0] - b[0]));
        self.variance * (rows * along(libm::fabsf(a[1] - b[1])))
    }

    /// Adds the covariances of a candidate with those at each of `places` to `sums`; `falloff` is what
    /// [`Self::tabulate`] wrote.
    // Not inlined into what runs in the fastest memory, which is small.
    #[inline(never)]
    pub(crate) fn add_each(
        self,
        falloff: &[f32],
        own: [f32; 2],
        places: &[[f32; 2]],
        sums: &mut [f32],
    ) {
        for (sum, &place) in sums.iter_mut().zip(places) {
            *sum += self.between(falloff, own, place);
        }
    }

    /// Adds Σ_j k(x, z_j) v_j for each candidate to `sums`, all of which are zero: `places` are
    /// the z_j, `weights` the v_j.
    // As add_each.
    #[inline(never)]
    pub(crate) fn spread(
        self,
        candidates: Candidates,
        falloff: &[f32],
        (places, weights): (&[[f32; 2]], &[f32]),
        sums: &mut [f32],
    ) {
        let columns = candidates.columns();
        self.spread_along(columns, falloff, (places, weights), sums);
        self.spread_down(columns, 0..columns, sums);
    }

    /// The first half of [`Self::spread`], for some of the points: what each adds along its own row.
    // As add_each.
    #[inline(never)]
    pub(crate) fn spread_along(
        self,
        columns: usize,
        falloff: &[f32],
        (places, weights): (&[[f32; 2]], &[f32]),
        sums: &mut [f32],
    ) {
        let falloff = falloff.get(..columns).unwrap_or_default();
        for (&[row, column], weight) in places.iter().zip(weights) {
            let height = self.variance * weight;
            let (row, column) = (row as usize * columns, column as usize);
            let row = sums.get_mut(row..row + columns).unwrap_or_default();
            let (left, right) = row.split_at_mut(column.min(row.len()));
            for (sum, falloff) in right.iter_mut().zip(falloff) {
                *sum += height * falloff;
            }
            let falloff = falloff.get(1..).unwrap_or_default();
            // In blocks, which a compiler reverses as a whole.
            let (rest, blocks) = left.as_rchunks_mut::<LANES>();
            let (near, far) = falloff
                .split_at_checked(LANES * blocks.len())
                .unwrap_or_default();
            for (block, falloff) in blocks.iter_mut().rev().zip(near.as_chunks::<LANES>().0) {
                let added = falloff.map(|falloff| height * falloff);
                for (sum, added) in block.iter_mut().zip(added.iter().rev()) {
                    *sum += added;
                }
            }
            for (sum, falloff) in rest.iter_mut().rev().zip(far) {
                *sum += height * falloff;
            }
        }
    }

    /// The second half of [`Self::spread`], for some of the columns, once all points are in their rows.
    // As add_each.
    #[inline(never)]
    pub(crate) fn spread_down(self, columns: usize, some: Range<usize>, sums: &mut [f32]) {
        let filter = Filter::new(self.rate);
        let whole = some.end - (some.end - some.start.min(some.end)) % LANES;
        for column in (some.start..whole).step_by(LANES) {
            filter.down::<LANES>(sums, columns, column);
        }
        for column in whole..some.end {
            filter.down::<1>(sums, columns, column);
        }
    }
}

/// The recursive filter of m.
#[derive(Clone, Copy)]
struct Filter {
    /// a
    decay: f32,
    /// 1 − a²
    rest: f32,
    /// c
    rate: f32,
    /// κ
    own: f32,
    /// c · a/(1 − a²): what e ∗ x beyond the lattice adds, in units of its last value on it.
    beyond: f32,
}

impl Filter {
    fn new(rate: f32) -> Self {
        let decay = libm::expf(-rate);
        // 1 − a is exact where a is near 1.
        let rest = (1.0 - decay) * (1.0 + decay);
        Self {
            decay,
            rest,
            rate,
            own: 1.0 - rate * ((1.0 + decay * decay) / rest),
            beyond: rate * (decay / rest),
        }
    }

    /// Filters `L` columns of `plane` from `column` on, in place.
    // LLVM 22 mistakes a loop that keeps the row it wrote last as a reference: on Cortex-M it stored the last
    // turn's row in the place of the first one's. So this one finds each row by its number.
    #[inline(never)]
    fn down<const L: usize>(self, plane: &mut [f32], columns: usize, column: usize) {
        let Self {
            decay,
            rest,
            rate,
            own,
            beyond,
        } = self;
        let mut sum = forth(decay, [0.0; L], plane, columns, column);
        // The first sum is all of e ∗ x that there is at the last row.
        let last = sum;
        let mut both = sum;
        let rows = plane.len() / columns.max(1);
        for row in (1..rows).rev() {
            let (above, own_row) = plane.split_at_mut((row * columns).min(plane.len()));
            let (Some(before), Some(slot)) = (
                block::<L>(above, (row - 1) * columns + column),
                block::<L>(own_row, column),
            ) else {
                return;
            };
            // Of the sums follow the numbers that were summed.
            for l in 0..L {
                slot[l] = rate * both[l] + own * (sum[l] - decay * before[l]);
                both[l] = rest * before[l] + decay * both[l];
            }
            sum = *before;
        }
        let Some(slot) = block::<L>(plane, column) else {
            return;
        };
        for l in 0..L {
            slot[l] = rate * both[l] + own * sum[l];
        }
        let sum = forth(decay, both.map(|x| beyond * x), plane, columns, column);
        let mut both = sum;
        for (both, last) in both.iter_mut().zip(last) {
            *both = decay * *both + beyond * last;
        }
        for row in blocks::<L>(plane, columns, column).rev() {
            for (x, both) in row.iter_mut().zip(&mut both) {
                *both = rest * *x + decay * *both;
                *x = *both;
            }
        }
    }
}

/// pₙ = xₙ + a pₙ₋₁ in place, down `L` columns; returns the last. `before` comes ahead of the first.
fn forth<const L: usize>(
    decay: f32,
    before: [f32; L],
    plane: &mut [f32],
    columns: usize,
    column: usize,
) -> [f32; L] {
    let mut sum = before;
    for row in blocks::<L>(plane, columns, column) {
        for (x, sum) in row.iter_mut().zip(&mut sum) {
            *sum = *x + decay * *sum;
            *x = *sum;
        }
    }
    sum
}

/// `L` numbers from a place on.
fn block<const L: usize>(plane: &mut [f32], at: usize) -> Option<&mut [f32; L]> {
    plane.get_mut(at..)?.first_chunk_mut()
}

/// `L` columns of every row.
fn blocks<const L: usize>(
    plane: &mut [f32],
    columns: usize,
    column: usize,
) -> impl DoubleEndedIterator<Item = &mut [f32; L]> {
    let rows = plane.chunks_exact_mut(columns.max(1));
    rows.filter_map(move |row| row.get_mut(column..)?.first_chunk_mut())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::{Candidate, Edges};

    /// Oracle: the double sum in f64, by the definition.
    #[test]
    fn the_filter_is_the_sum_over_the_points() {
        let mut random = Random::new(12, 0);
        for (height, width, reach) in [
            (1, 1, 3.0),
            (1, 19, 8.0),
            (23, 1, 8.0),
            (24, 31, 0.25),
            (24, 31, 1.0),
            (49, 49, 4.0),
            (49, 49, 8.0),
            (50, 50, 6.0),
            (64, 64, 30.0),
            (17, 64, 300.0),
            (40, 40, 1e4),
        ] {
            let candidates = Candidates::with_edges(height, width, 16, Edges::Reflect).unwrap();
            let count = candidates.count();
            let points = count.div_ceil(8);
            let places: Vec<[f32; 2]> = (0..points)
                .map(|n| {
                    let corner = candidates.corner(Candidate(((n * 233) % count) as u32));
                    let corner = corner.unwrap();
                    [corner.row as f32, corner.column as f32]
                })
                .collect();
            let weights: Vec<f32> = (0..points).map(|_| random.normal()).collect();
            let space = Space::new(0.7, 1.0 / reach);
            let mut sums = vec![0.0; count];
            // As far as an image is wide; some are higher.
            let mut falloff = vec![f32::NAN; width];
            space.tabulate(&mut falloff);
            space.spread(candidates, &falloff, (&places, &weights), &mut sums);
            let correlation = |d: f32| {
                let d = 3.0_f64.sqrt() * f64::from(d) / f64::from(reach);
                (1.0 + d) * (-d).exp()
            };
            let size: f32 = weights.iter().map(|w| w.abs()).sum();
            for (n, found) in sums.iter().enumerate() {
                let at = [(n / width) as f32, (n % width) as f32];
                let (mut expected, mut by_entries) = (0.0, 0.0);
                for (place, weight) in places.iter().zip(&weights) {
                    let along = [0, 1].map(|axis| correlation((at[axis] - place[axis]).abs()));
                    expected += 0.7 * f64::from(*weight) * along[0] * along[1];
                    by_entries += weight * space.between(&falloff, at, *place);
                }
                let allowed = 2e-6 * size;
                assert!(
                    (f64::from(*found) - expected).abs() < f64::from(allowed)
                        && (found - by_entries).abs() < allowed,
                    "{height} x {width}, {reach} pixels: {n} is {found}, {expected}, {by_entries}"
                );
            }
        }
    }
}
