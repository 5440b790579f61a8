//! Vectors of responses: how far a sampled one lies from those already known.
//!
//! With one response novelty is the distance on standardised targets. Several responses may differ in
//! scale from what they were standardised by, and tell the same twice. So distances between vectors are
//! Mahalanobis distances, |L⁻¹(a − b)| with L Lᵀ = C the covariance of the measured target vectors. With one
//! response that would divide every distance by the same number and change no proposal; it is left out there.
//!
//! # Shrinkage
//!
//! C = (Σ_j (t_j − t̄)(t_j − t̄)ᵀ + ν I)/(n + ν) with ν = R + 1: as though, besides the n vectors of R
//! responses, R + 1 more had been seen that are what standardised responses are meant to be, of unit variance and
//! uncorrelated. R + 1 vectors are as few as have a covariance of full rank, so measured and assumed ones weigh
//! alike from there on. No eigenvalue of C is below ν/(n + ν), whether responses are equal, collinear or
//! constant: what the measured ones say of a direction in which they never differed grows with n, as it should.
//!
//! # Nearest vectors
//!
//! Known vectors are whitened once and sorted along the first axis of u = L⁻¹(t − t̄). From where a sampled vector
//! would stand, the search goes outwards on both sides until the gap along that axis alone is as large as the
//! distance to the farthest of the k nearest so far. A squared distance is a sum that begins with the square
//! of that gap and never falls, in floating point as well: the k distances are those of all, bit for bit.

use core::cell::Cell;

use crate::MOST_RESPONSES;
use crate::math::larger;
use crate::novelty::GAPS;

/// One number for each response; 0 beyond those there are.
pub(crate) type Vector = [f32; MOST_RESPONSES];

/// A pivot below this share of its response's variance is rounding.
const LEAST_PIVOT: f32 = 1e-5;

/// The lower Cholesky factor of (Σ_j (x_j − c)(x_j − c)ᵀ + ν I)/(n + ν), ν = R + 1, of R columns of n numbers;
/// zero beyond them.
pub(crate) fn shrunk(columns: &[&[f32]], centre: Vector) -> [Vector; MOST_RESPONSES] {
    let count = columns.first().map_or(0, |column| column.len());
    let assumed = (columns.len() + 1) as f32;
    let total = count as f32 + assumed;
    let mut factor = [[0.0; MOST_RESPONSES]; MOST_RESPONSES];
    for (r, (own, own_centre)) in columns.iter().zip(centre).enumerate() {
        let (before, rest) = factor.split_at_mut(r.min(MOST_RESPONSES));
        let Some(row) = rest.first_mut() else { break };
        let mut explained = 0.0;
        let others = columns.iter().zip(centre).zip(before.iter());
        for (s, ((other, other_centre), earlier)) in others.enumerate() {
            let both = own.iter().zip(*other);
            let products = both.map(|(x, y)| (x - own_centre) * (y - other_centre));
            let mut entry = products.sum::<f32>() / total;
            for (a, b) in row.iter().zip(earlier).take(s) {
                entry -= a * b;
            }
            if let (Some(slot), Some(diagonal)) = (row.get_mut(s), earlier.get(s)) {
                *slot = entry / diagonal;
                explained += *slot * *slot;
            }
        }
        let squares = own.iter().map(|x| (x - own_centre) * (x - own_centre));
        let variance = (squares.sum::<f32>() + assumed) / total;
        if let Some(slot) = row.get_mut(r) {
            *slot = libm::sqrtf(larger(LEAST_PIVOT * variance, variance - explained));
        }
    }
    factor
}

/// From responses to coordinates in which their distance is Mahalanobis'.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Whitening {
    centre: Vector,
    factor: [Vector; MOST_RESPONSES],
    /// Of its diagonal.
    reciprocals: Vector,
    order: usize,
}

impl Whitening {
    /// By the [`shrunk`] covariance of measured targets, a column for each response.
    pub(crate) fn new(targets: &[&[f32]]) -> Self {
        let mut centre = [0.0; MOST_RESPONSES];
        for (centre, column) in centre.iter_mut().zip(targets) {
            let count = column.len().max(1) as f32;
            *centre = column.iter().sum::<f32>() / count;
        }
        let factor = shrunk(targets, centre);
        let order = targets.len().min(MOST_RESPONSES);
        let mut reciprocals = [0.0; MOST_RESPONSES];
        for (r, (reciprocal, row)) in reciprocals.iter_mut().zip(&factor).enumerate().take(order) {
            *reciprocal = row.get(r).map_or(0.0, |diagonal| 1.0 / diagonal);
        }
        Self {
            centre,
            factor,
            reciprocals,
            order,
        }
    }

    /// L⁻¹(y − t̄)
    pub(crate) fn of(&self, responses: Vector) -> Vector {
        let mut whitened = [0.0; MOST_RESPONSES];
        let own = responses.iter().zip(&self.centre).zip(&self.reciprocals);
        for (r, (((y, centre), reciprocal), row)) in
            own.zip(&self.factor).enumerate().take(self.order)
        {
            let mut rest = y - centre;
            for (entry, known) in row.iter().zip(&whitened).take(r) {
                rest -= entry * known;
            }
            if let Some(slot) = whitened.get_mut(r) {
                *slot = rest * reciprocal;
            }
        }
        whitened
    }
}

/// Whitened vectors to be novel against, in ascending order of their first coordinate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownVectors<'a> {
    axes: [&'a [f32]; MOST_RESPONSES],
    order: usize,
    /// Room for the squared distances of the k nearest.
    nearest: &'a [Cell<f32>],
}

impl<'a> KnownVectors<'a> {
    /// Whitens and sorts vectors in place: a column for each response. Novelty averages over no more of them
    /// than there is `room` for.
    pub(crate) fn new(
        whitening: &Whitening,
        columns: [&'a mut [f32]; MOST_RESPONSES],
        room: &'a mut [f32],
    ) -> Self {
        let mut columns = columns;
        let order = whitening.order;
        let count = columns[0].len();
        for n in 0..count {
            let vector = core::array::from_fn(|r| columns[r].get(n).copied().unwrap_or_default());
            let whitened = whitening.of(vector);
            for (column, x) in columns.iter_mut().zip(whitened) {
                if let Some(slot) = column.get_mut(n) {
                    *slot = x;
                }
            }
        }
        sort_by_first(&mut columns);
        Self {
            axes: columns.map(|column| &*column),
            order,
            nearest: Cell::from_mut(room).as_slice_of_cells(),
        }
    }

    /// Mean distance of a whitened vector to the `k` nearest, or to all when there are fewer; 0 when there are
    /// none.
    pub(crate) fn novelty(&self, at: Vector, k: usize) -> f32 {
        self.novelty_above(at, k, f32::NEG_INFINITY)
    }

    /// [`Self::novelty`] where that is above a number, and there or elsewhere 0 as soon as it cannot be.
    pub(crate) fn novelty_above(&self, at: Vector, k: usize, most: f32) -> f32 {
        let [first, others @ ..] = &self.axes;
        let k = k.min(first.len()).min(self.nearest.len());
        // No mean is above the root of the mean of the squares; with more terms rounding may be.
        let enough = if most > 0.0 && k <= 1000 {
            0.999 * (k as f32 * (most * most))
        } else {
            f32::NEG_INFINITY
        };
        let [x, rest @ ..] = at;
        let mut right = first.partition_point(|&y| y < x);
        let (mut left, mut found) = (right, 0);
        let mut farthest = f32::INFINITY;
        while left > 0 || right < first.len() {
            let before = left.checked_sub(1).and_then(|n| first.get(n));
            let below = before.map_or(f32::INFINITY, |y| x - y);
            let above = first.get(right).map_or(f32::INFINITY, |y| y - x);
            let (gap, n) = if right >= first.len() || (left > 0 && below <= above) {
                left -= 1;
                (below, left)
            } else {
                right += 1;
                (above, right - 1)
            };
            let mut squared = gap * gap;
            if found >= k && squared >= farthest {
                break;
            }
            for (axis, x) in others.iter().zip(rest).take(self.order.saturating_sub(1)) {
                let y = axis.get(n).copied().unwrap_or_default();
                squared += (x - y) * (x - y);
            }
            if found < k || squared < farthest {
                found = k.min(found + 1);
                self.insert(squared, found);
                let last = found.checked_sub(1).and_then(|n| self.nearest.get(n));
                farthest = last.filter(|_| found == k).map_or(f32::INFINITY, Cell::get);
                if found == k {
                    let nearest = self.nearest.get(..k).unwrap_or_default();
                    if nearest.iter().map(Cell::get).sum::<f32>() <= enough {
                        return 0.0;
                    }
                }
            }
        }
        let nearest = self.nearest.get(..found).unwrap_or_default();
        let sum: f32 = nearest
            .iter()
            .map(|squared| libm::sqrtf(squared.get()))
            .sum();
        if found == 0 { 0.0 } else { sum / found as f32 }
    }

    /// Puts a squared distance in its place among the `count` least, this one included.
    fn insert(&self, squared: f32, count: usize) {
        let nearest = self.nearest.get(..count).unwrap_or_default();
        let Some((mut slot, before)) = nearest.split_last() else {
            return;
        };
        for other in before.iter().rev() {
            if other.get() <= squared {
                break;
            }
            slot.set(other.get());
            slot = other;
        }
        slot.set(squared);
    }
}

/// Cells of [`VectorBounds`] along each axis, by the number of axes.
const CELLS: [usize; MOST_RESPONSES + 1] = [1, 64, 16, 6, 4];
/// Most of them in all.
const MOST_CELLS: usize = 256;

/// A table of upper bounds of novelty over the box of the known vectors, as
/// [`Bounds`](crate::novelty::Bounds) is over their range. Most cells are empty: what one holds is worked out when
/// it is asked for.
#[derive(Clone, Debug)]
pub(crate) struct VectorBounds<'a> {
    known: KnownVectors<'a>,
    k: usize,
    low: Vector,
    width: Vector,
    /// 1/width
    density: Vector,
    /// Cells along each axis.
    cells: usize,
    /// Larger than what rounding can change.
    margin: f32,
    /// Novelty at the middle of each cell, or NaN; the first axis counts fastest.
    middle: [Cell<f32>; MOST_CELLS],
}

impl<'a> VectorBounds<'a> {
    pub(crate) fn new(known: KnownVectors<'a>, k: usize) -> Self {
        let order = known.order;
        let cells = CELLS.get(order).copied().unwrap_or(1);
        let mut bounds = Self {
            known,
            k,
            low: [0.0; MOST_RESPONSES],
            width: [0.0; MOST_RESPONSES],
            density: [0.0; MOST_RESPONSES],
            cells,
            margin: 0.0,
            middle: [const { Cell::new(f32::NAN) }; MOST_CELLS],
        };
        for (r, axis) in known.axes.iter().enumerate().take(order) {
            let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
            for &x in *axis {
                (low, high) = (crate::math::smaller(low, x), larger(high, x));
            }
            if axis.is_empty() {
                (low, high) = (0.0, 0.0);
            }
            let width = larger((high - low) / cells as f32, 1e-12);
            if let (Some(to), Some(own), Some(density)) = (
                bounds.low.get_mut(r),
                bounds.width.get_mut(r),
                bounds.density.get_mut(r),
            ) {
                (*to, *own, *density) = (low, width, 1.0 / width);
            }
            bounds.margin += 1e-5 * (libm::fabsf(low) + libm::fabsf(high));
        }
        bounds
    }

    /// Novelty changes no faster than the distance.
    pub(crate) fn at(&self, whitened: Vector) -> f32 {
        let (mut index, mut stride, mut squared) = (0, 1, 0.0);
        let mut middle = [0.0; MOST_RESPONSES];
        let axes = self.low.iter().zip(&self.width).zip(&self.density);
        let axes = whitened.iter().zip(axes).zip(&mut middle);
        for ((x, ((low, width), density)), middle) in axes.take(self.known.order) {
            let cell = (((x - low) * density) as usize).min(self.cells.saturating_sub(1));
            *middle = low + (cell as f32 + 0.5) * width;
            squared += (x - *middle) * (x - *middle);
            index += stride * cell;
            stride *= self.cells;
        }
        let Some(own) = self.middle.get(index) else {
            return f32::INFINITY;
        };
        if own.get().is_nan() {
            own.set(self.known.novelty(middle, self.k));
        }
        (own.get() + libm::sqrtf(squared)) * 1.0001 + self.margin
    }
}

/// Sorts rows of several columns in ascending order of the first, as [`sort`](crate::novelty::sort) does;
/// columns that are shorter take no part.
fn sort_by_first(columns: &mut [&mut [f32]; MOST_RESPONSES]) {
    let count = columns[0].len();
    let row = |columns: &[&mut [f32]; MOST_RESPONSES], n: usize| -> Vector {
        core::array::from_fn(|r| columns[r].get(n).copied().unwrap_or_default())
    };
    let put = |columns: &mut [&mut [f32]; MOST_RESPONSES], n: usize, row: Vector| {
        for (column, x) in columns.iter_mut().zip(row) {
            if let Some(slot) = column.get_mut(n) {
                *slot = x;
            }
        }
    };
    for gap in GAPS {
        for end in gap..count {
            let own = row(columns, end);
            let mut i = end;
            while let Some(before) = i.checked_sub(gap) {
                let other = row(columns, before);
                if !other[0].total_cmp(&own[0]).is_gt() {
                    break;
                }
                put(columns, i, other);
                i = before;
            }
            put(columns, i, own);
        }
    }
}

#[cfg(test)]
mod tests;
