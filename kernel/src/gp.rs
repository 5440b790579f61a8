//! The exact Gaussian process: covariance, packed Cholesky factor, triangular solves.

use crate::Error;
use crate::elementary::exp;
use crate::math::{LANES, block_dots, distance_squared, dot, dots, subtract_scaled};

/// Radial-basis covariance with latents already divided by their lengthscales:
/// k(a, b) = s · exp(−½|a − b|²).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Covariance {
    /// Prior variance s.
    pub(crate) outputscale: f32,
}

impl Covariance {
    pub(crate) fn between(self, a: [f32; 2], b: [f32; 2]) -> f32 {
        self.outputscale * exp(-0.5 * distance_squared(a, b))
    }

    /// Covariance of one point with each of `points`, into `out`.
    pub(crate) fn with_each(self, a: [f32; 2], points: &[[f32; 2]], out: &mut [f32]) {
        for (out, &b) in out.iter_mut().zip(points) {
            *out = self.between(a, b);
        }
    }

    /// Writes the covariances of each point with all before it.
    pub(crate) fn among(self, points: &[[f32; 2]]) -> impl Fn(usize, &mut [f32]) + Sync {
        move |n, row| {
            let own = points.get(n).copied().unwrap_or_default();
            self.with_each(own, points, row);
        }
    }
}

/// Lower Cholesky factor of K + σ²I, its rows packed one after another and appended one by one.
pub(crate) struct Factor<'a> {
    packed: &'a mut [f32],
    order: usize,
}

/// Entries of a packed triangle of `order` rows.
pub(crate) const fn packed(order: usize) -> usize {
    order * (order + 1) / 2
}

impl<'a> Factor<'a> {
    /// An empty factor in borrowed memory.
    pub(crate) fn new(packed: &'a mut [f32]) -> Self {
        Self { packed, order: 0 }
    }

    /// Rows so far.
    pub(crate) fn order(&self) -> usize {
        self.order
    }

    /// Forgets every row.
    pub(crate) fn clear(&mut self) {
        self.order = 0;
    }

    /// Row `i` up to and including its diagonal.
    pub(crate) fn row(&self, i: usize) -> &[f32] {
        let start = packed(i);
        self.packed.get(start..start + i + 1).unwrap_or_default()
    }

    /// Appends rows up to row `count`: l = L⁻¹k with diagonal √(variance − l·l), k the covariances
    /// of a point with all earlier ones, which `fill` writes, and `variance` its own, noise
    /// included. `share` is given rows that go together, and [solves](NewRows::solve) each, in any order. The
    /// factor does not depend on how many rows a call appends, or on who solves which.
    ///
    /// # Errors
    /// [`Error::Capacity`] when the memory is full, [`Error::NotPositiveDefinite`] when a pivot
    /// is not positive; the factor then has the rows before the one that failed.
    pub(crate) fn extend(
        &mut self,
        count: usize,
        variance: f32,
        fill: impl Fn(usize, &mut [f32]) + Sync,
        mut share: impl FnMut(&mut [NewRows<'_>]),
    ) -> Result<(), Error> {
        while self.order < count {
            let n = self.order;
            if n + SHARED * TOGETHER <= count {
                self.append_together::<SHARED>(variance, &fill, &mut share)?;
            } else if n + TOGETHER <= count {
                self.append_together::<1>(variance, &fill, &mut share)?;
            } else {
                self.append(variance, |row| fill(n, row))?;
            }
        }
        Ok(())
    }

    /// Works out the row that [`Self::adopt`] appends, as [`Self::extend`] does, and L⁻¹b beside it: earlier
    /// rows are read once for both. Until then the factor is what it was, and another row may take its place.
    ///
    /// # Errors
    /// As [`Self::extend`].
    pub(crate) fn prepare(
        &mut self,
        variance: f32,
        fill: impl Fn(usize, &mut [f32]),
        b: &mut [f32],
    ) -> Result<(), Error> {
        let n = self.order;
        let (old, new) = split(self.packed, n, n + 1)?;
        if let Some((diagonal, row)) = new.split_last_mut() {
            fill(n, row);
            if b.len() == row.len() {
                solve_lower_each(old, [row, b]);
            } else {
                solve_lower_each(old, [row]);
            }
            *diagonal = root(variance - dot(row, row), n)?;
        }
        Ok(())
    }

    /// Appends the row that was prepared last.
    pub(crate) fn adopt(&mut self) {
        self.order += 1;
    }

    /// Appends one row, whose covariances `fill` writes.
    fn append(&mut self, variance: f32, fill: impl FnOnce(&mut [f32])) -> Result<(), Error> {
        let n = self.order;
        let (old, new) = split(self.packed, n, n + 1)?;
        if let Some((diagonal, row)) = new.split_last_mut() {
            fill(row);
            solve_lower_each(old, [row]);
            *diagonal = root(variance - dot(row, row), n)?;
        }
        self.order = n + 1;
        Ok(())
    }

    /// Appends so many times [`TOGETHER`] rows at once.
    fn append_together<const TIMES: usize>(
        &mut self,
        variance: f32,
        fill: &(dyn Fn(usize, &mut [f32]) + Sync),
        share: &mut impl FnMut(&mut [NewRows<'_>]),
    ) -> Result<(), Error> {
        let n = self.order;
        let (old, mut new) = split(self.packed, n, n + TIMES * TOGETHER)?;
        let mut all: [NewRows<'_>; TIMES] = core::array::from_fn(|time| {
            let first = n + time * TOGETHER;
            NewRows {
                old,
                order: n,
                first,
                rows: core::array::from_fn(|r| new.split_off_mut(..=first + r).unwrap_or_default()),
                fill,
            }
        });
        share(&mut all);
        // What is left of each row is among the new ones.
        let rows = all.as_mut_slice();
        for r in 0..TIMES * TOGETHER {
            let (own_time, own_place) = (r / TOGETHER, r % TOGETHER);
            let (before, own) = rows.split_at_mut(own_time);
            let Some((beside, own)) = own
                .first_mut()
                .and_then(|own| own.rows.split_at_mut_checked(own_place))
            else {
                break;
            };
            let Some((diagonal, own)) = own.first_mut().and_then(|own| own.split_last_mut()) else {
                break;
            };
            let before = before.iter().flat_map(|time| &time.rows).chain(&*beside);
            for (j, before) in (n..).zip(before) {
                if let (Some((known, [x, ..])), Some((diagonal, before))) =
                    (own.split_at_mut_checked(j), before.split_last())
                {
                    *x = (*x - dot(known, before)) / diagonal;
                }
            }
            *diagonal = root(variance - dot(own, own), n + r)?;
            // The rows before one that fails are complete.
            self.order = n + r + 1;
        }
        Ok(())
    }

    /// b ← L⁻¹b with as many leading rows as `b` is long.
    pub(crate) fn solve_lower(&self, b: &mut [f32]) {
        solve_lower_each(self.packed, [b]);
    }

    /// B ← L⁻¹B for the columns of B, given row by row, with as many leading rows as B has. It
    /// solves two rows at a time, so that it loads the solved part of B once for both.
    pub(crate) fn solve_lower_each<const C: usize>(&self, b: &mut [[f32; C]]) {
        let subtract = |sums: &mut [f32; C], entry: f32, known: &[f32; C]| {
            for (sum, known) in sums.iter_mut().zip(known) {
                *sum -= entry * known;
            }
        };
        let mut rest = &*self.packed;
        for i in (0..b.len()).step_by(2) {
            let (known, tail) = b.split_at_mut(i.min(b.len()));
            // Local sums, which the compiler can keep in registers.
            if let ([x, y, ..], Some((rows, after))) = (&mut *tail, take_rows(rest, i)) {
                let [(even, even_diagonal), (odd, odd_diagonal)] = rows;
                let (mut even_sums, mut odd_sums) = (*x, *y);
                for ((known, even), odd) in known.iter().zip(even).zip(odd) {
                    subtract(&mut even_sums, *even, known);
                    subtract(&mut odd_sums, *odd, known);
                }
                *x = even_sums.map(|sum| sum / even_diagonal);
                subtract(&mut odd_sums, odd.last().copied().unwrap_or_default(), x);
                *y = odd_sums.map(|sum| sum / odd_diagonal);
                rest = after;
            } else if let (Some(x), Some(([(row, diagonal)], _))) =
                (tail.first_mut(), take_rows(rest, i))
            {
                let mut sums = *x;
                for (known, entry) in known.iter().zip(row) {
                    subtract(&mut sums, *entry, known);
                }
                *x = sums.map(|sum| sum / diagonal);
            }
        }
    }

    /// b ← L⁻ᵀb with as many leading rows as `b` is long.
    pub(crate) fn solve_upper(&self, b: &mut [f32]) {
        self.solve_upper_each([b]);
    }

    /// [`Self::solve_upper`] of several columns of one length, bit for bit: rows that come from far are read
    /// once for all.
    pub(crate) fn solve_upper_each<const C: usize>(&self, mut columns: [&mut [f32]; C]) {
        let length = columns.first().map_or(0, |b| b.len());
        let blocked = length - length % ROWS;
        for i in (blocked..length).rev() {
            let Some((diagonal, row)) = self.row(i).split_last() else {
                return;
            };
            for b in &mut columns {
                let (head, tail) = b.split_at_mut(i.min(b.len()));
                if let Some(x) = tail.first_mut() {
                    *x /= diagonal;
                    subtract_scaled(head, *x, row);
                }
            }
        }
        for i in (0..blocked).step_by(ROWS).rev() {
            let rows: [&[f32]; ROWS] = core::array::from_fn(|r| self.row(i + r));
            for b in &mut columns {
                solve_rows_upper(rows, i, b);
            }
        }
    }
}

/// What rows `i` and after it, [`ROWS`] of them, do in solving Lᵀx = b, the rows after them being done.
fn solve_rows_upper(rows: [&[f32]; ROWS], i: usize, b: &mut [f32]) {
    let (head, tail) = b.split_at_mut(i.min(b.len()));
    let Some(x) = tail.first_chunk_mut::<ROWS>() else {
        return;
    };
    for r in (0..ROWS).rev() {
        let (Some((known, tail)), Some((diagonal, row))) = (
            x.split_at_mut_checked(r),
            rows.get(r).and_then(|row| row.split_last()),
        ) else {
            return;
        };
        if let Some(own) = tail.first_mut() {
            *own /= diagonal;
            subtract_scaled(known, *own, row.get(i..).unwrap_or_default());
        }
    }
    let [x0, x1, x2, x3] = *x;
    let [r0, r1, r2, r3] = rows;
    let rows = r0.iter().zip(r1).zip(r2.iter().zip(r3));
    for (y, ((r0, r1), (r2, r3))) in head.iter_mut().zip(rows) {
        *y = (((*y - x3 * r3) - x2 * r2) - x1 * r1) - x0 * r0;
    }
}

/// Some rows that are to be appended to a factor, for whoever works them out: a host's threads do it side by
/// side.
pub struct NewRows<'r> {
    /// The factor so far, and how many rows it has.
    old: &'r [f32],
    order: usize,
    /// The number of the first.
    first: usize,
    rows: [&'r mut [f32]; TOGETHER],
    /// Writes the covariances of a row.
    fill: &'r (dyn Fn(usize, &mut [f32]) + Sync),
}

impl NewRows<'_> {
    /// Does what there is to do: the covariances of each, and what the rows of the factor make of them. Each of
    /// those is read once for all.
    pub fn solve(&mut self) {
        let (n, rows) = (self.order, &mut self.rows);
        for (row, number) in rows.iter_mut().zip(self.first..) {
            if let Some((_, entries)) = row.split_last_mut() {
                (self.fill)(number, entries);
            }
        }
        let mut rest = self.old;
        for i in (0..n).step_by(ROWS) {
            if let Some((four, after)) = take_rows::<ROWS>(rest, i) {
                rest = after;
                let [(a, _), (b, _), (c, _), (d, _)] = four;
                let triangle = triangle(&four, i);
                for rows in rows.as_chunks_mut::<GROUP>().0 {
                    let known = rows.each_ref().map(|row| row.get(..i).unwrap_or_default());
                    let first = products(known, [a, b], i);
                    let second = products(known, [c, d], i);
                    for ((row, [a, b]), [c, d]) in rows.iter_mut().zip(first).zip(second) {
                        if let Some(x) = row.get_mut(i..).and_then(<[f32]>::first_chunk_mut) {
                            solve_beside(&triangle, [a, b, c, d], x);
                        }
                    }
                }
            } else {
                for j in i..n {
                    let Some(([(a, diagonal)], after)) = take_rows(rest, j) else {
                        break;
                    };
                    rest = after;
                    for row in &mut *rows {
                        if let Some((known, [x, ..])) = row.split_at_mut_checked(j) {
                            *x = (*x - dot(known, a)) / diagonal;
                        }
                    }
                }
            }
        }
    }
}

/// By itself: one after the other.
pub(crate) fn alone(rows: &mut [NewRows<'_>]) {
    rows.iter_mut().for_each(NewRows::solve);
}

/// Rows to be appended whose products with two of the factor a processor has in its registers.
const GROUP: usize = if cfg!(target_arch = "arm") { 3 } else { 4 };

/// Rows that are appended together: as many as a host's cache holds of thousands of points each. A board's
/// points all lie in its fast memory.
const TOGETHER: usize = if cfg!(target_arch = "arm") {
    GROUP
} else {
    4 * GROUP
};

/// Times as many that can be shared among a host's threads.
const SHARED: usize = if cfg!(target_arch = "arm") { 1 } else { 4 };

/// Rows that a triangular solve takes together.
const ROWS: usize = LANES;

/// The first `from` rows, and room for those up to `to`.
fn split(rows: &mut [f32], from: usize, to: usize) -> Result<(&[f32], &mut [f32]), Error> {
    let full = Error::Capacity {
        what: "measurements",
        needed: to,
        capacity: from,
    };
    let (old, rest) = rows.split_at_mut_checked(packed(from)).ok_or(full)?;
    let new = rest.get_mut(..packed(to) - packed(from)).ok_or(full)?;
    Ok((old, new))
}

/// The square root of a pivot.
fn root(pivot: f32, row: usize) -> Result<f32, Error> {
    if pivot.is_normal() && pivot > 0.0 {
        Ok(libm::sqrtf(pivot))
    } else {
        Err(Error::NotPositiveDefinite { row })
    }
}

/// Entries of rows left of the diagonal, and the diagonal entry of each.
type Rows<'p, const R: usize> = [(&'p [f32], f32); R];

/// Splits `R` rows off the front of packed rows, the first of which is row `first`; returns them
/// and the rest.
fn take_rows<const R: usize>(packed: &[f32], first: usize) -> Option<(Rows<'_, R>, &[f32])> {
    let mut rest = packed;
    let mut rows = [(&[] as &[f32], 1.0); R];
    for (i, row) in rows.iter_mut().enumerate() {
        let (own, after) = rest.split_at_checked(first + i + 1)?;
        let (diagonal, entries) = own.split_last()?;
        *row = (entries, *diagonal);
        rest = after;
    }
    Some((rows, rest))
}

/// Products of rows to be appended with two of the factor, of their first `i` entries, which are whole blocks.
// By itself, so that all sums stay in registers.
#[inline(never)]
fn products(known: [&[f32]; GROUP], rows: [&[f32]; 2], i: usize) -> [[f32; 2]; GROUP] {
    block_dots(known, rows, i / LANES)
}

/// The triangle of a factor at its diagonal in rows that begin with the `i`th.
fn triangle(rows: &Rows<'_, ROWS>, i: usize) -> [[f32; ROWS]; ROWS] {
    let mut triangle = [[1.0; ROWS]; ROWS];
    for (r, (out, (row, diagonal))) in triangle.iter_mut().zip(rows).enumerate() {
        let entries = row.get(i..).unwrap_or_default();
        for (out, entry) in out.iter_mut().zip(entries) {
            *out = *entry;
        }
        if let Some(out) = out.get_mut(r) {
            *out = *diagonal;
        }
    }
    triangle
}

/// Solves for the entries beside a triangle, `sums` being the products of those before them with their rows.
fn solve_beside(triangle: &[[f32; ROWS]; ROWS], sums: [f32; ROWS], x: &mut [f32; ROWS]) {
    for r in 0..ROWS {
        let mut sum = sums[r];
        for k in 0..r {
            sum += x[k] * triangle[r][k];
        }
        x[r] = (x[r] - sum) / triangle[r][r];
    }
}

/// b ← L⁻¹b for columns of one length, four rows at a time, so that it loads the solved part of each once for
/// all four, and rows that come from far once for all columns.
fn solve_lower_each<const C: usize>(packed: &[f32], mut columns: [&mut [f32]; C]) {
    let mut rest = packed;
    let length = columns.first().map_or(0, |b| b.len());
    let blocked = length - length % ROWS;
    for i in (0..blocked).step_by(ROWS) {
        let Some((rows, after)) = take_rows::<ROWS>(rest, i) else {
            return;
        };
        rest = after;
        let known = columns.each_ref().map(|b| b.get(..i).unwrap_or_default());
        let sums = dots(known, rows.map(|(row, _)| row));
        let triangle = triangle(&rows, i);
        for (b, sums) in columns.iter_mut().zip(sums) {
            if let Some(x) = b.get_mut(i..).and_then(<[f32]>::first_chunk_mut) {
                solve_beside(&triangle, sums, x);
            }
        }
    }
    for i in blocked..length {
        let Some(([(row, diagonal)], after)) = take_rows::<1>(rest, i) else {
            return;
        };
        rest = after;
        for b in &mut columns {
            let (known, tail) = b.split_at_mut(i.min(b.len()));
            if let Some(x) = tail.first_mut() {
                *x = (*x - dot(known, row)) / diagonal;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn append(factor: &mut Factor<'_>, covariances: &[f32], variance: f32) -> Result<(), Error> {
        factor.append(variance, |row| row.copy_from_slice(covariances))
    }

    /// Forward and backward substitution row by row, as a textbook has them.
    fn solve_one_by_one(factor: &Factor<'_>, b: &mut [f32]) {
        for i in 0..b.len() {
            let (row, diagonal) = (factor.row(i), factor.row(i)[i]);
            b[i] = (b[i] - dot(&b[..i], &row[..i])) / diagonal;
        }
        for i in (0..b.len()).rev() {
            b[i] /= factor.row(i)[i];
            let x = b[i];
            subtract_scaled(&mut b[..i], x, factor.row(i));
        }
    }

    /// The reference appends rows one by one: a controller that received its points in other
    /// groups holds the same factor.
    #[test]
    fn blocks_of_rows_change_no_bit() {
        let n = 61;
        let mut random = Random::new(6, 0);
        let points: Vec<[f32; 2]> = (0..n).map(|_| [random.normal(), random.normal()]).collect();
        let covariance = Covariance { outputscale: 1.3 };
        let (mut one, mut all) = (vec![0.0; packed(n)], vec![0.0; packed(n)]);
        let (mut one, mut all) = (Factor::new(&mut one), Factor::new(&mut all));
        for count in 1..=n {
            one.extend(count, 1.32, covariance.among(&points), alone)
                .unwrap();
        }
        for count in [1, 12, 13, n] {
            all.extend(count, 1.32, covariance.among(&points), alone)
                .unwrap();
        }
        assert_eq!(one.packed, all.packed);
        // Columns solved side by side subtract term by term instead of a sum: equal but for
        // rounding.
        for length in [1, 2, 7, n] {
            let b: Vec<[f32; 3]> = (0..length)
                .map(|_| [(); 3].map(|()| random.normal()))
                .collect();
            let mut solved = b.clone();
            all.solve_lower_each(&mut solved);
            for column in 0..3 {
                let mut alone: Vec<f32> = b.iter().map(|row| row[column]).collect();
                all.solve_lower(&mut alone);
                for (row, x) in solved.iter().zip(alone) {
                    assert!(
                        (row[column] - x).abs() < 1e-3 * x.abs().max(1.0),
                        "{row:?} {x}"
                    );
                }
            }
        }
        for length in 1..=n {
            let mut b: Vec<f32> = (0..length).map(|_| random.normal()).collect();
            let mut expected = b.clone();
            all.solve_lower(&mut b);
            all.solve_upper(&mut b);
            solve_one_by_one(&one, &mut expected);
            assert_eq!(b, expected, "{length}");
        }
    }

    /// L Lᵀ = K in f64 is the definition; 2e-6 is a few ulp of the unit diagonal.
    #[test]
    fn the_factor_times_its_transpose_is_the_covariance() {
        let n = 60;
        let mut random = Random::new(5, 0);
        let points: Vec<[f32; 2]> = (0..n).map(|_| [random.normal(), random.normal()]).collect();
        let covariance = Covariance { outputscale: 1.0 };
        let mut memory = vec![0.0; packed(n)];
        let mut factor = Factor::new(&mut memory);
        factor
            .extend(points.len(), 1.01, covariance.among(&points), alone)
            .unwrap();
        for i in 0..n {
            for j in 0..=i {
                let product: f64 = factor.row(i)[..=j]
                    .iter()
                    .zip(factor.row(j))
                    .map(|(&a, &b)| f64::from(a) * f64::from(b))
                    .sum();
                let expected = f64::from(covariance.between(points[i], points[j]))
                    + if i == j { 0.01 } else { 0.0 };
                assert!((product - expected).abs() < 2e-6, "({i}, {j})");
            }
        }
    }

    #[test]
    fn solving_down_then_up_inverts_the_covariance() {
        let mut memory = vec![0.0; packed(3)];
        let mut factor = Factor::new(&mut memory);
        append(&mut factor, &[], 4.0).unwrap();
        append(&mut factor, &[2.0], 5.0).unwrap();
        append(&mut factor, &[0.5, 1.0], 3.0).unwrap();
        // K (1, -2, 3)ᵀ by hand.
        let mut b = [4.0 - 4.0 + 1.5, 2.0 - 10.0 + 3.0, 0.5 - 2.0 + 9.0];
        factor.solve_lower(&mut b);
        factor.solve_upper(&mut b);
        for (x, expected) in b.iter().zip([1.0, -2.0, 3.0]) {
            assert!((x - expected).abs() < 1e-5, "{b:?}");
        }
    }

    /// Without noise the second of two equal points has no variance left.
    #[test]
    fn a_failing_row_among_several_leaves_the_rows_before_it() {
        const COUNT: usize = 45;
        let covariance = Covariance { outputscale: 1.0 };
        let mut random = Random::new(8, 0);
        let mut points: Vec<[f32; 2]> = (0..COUNT)
            .map(|_| [4.0 * random.normal(), 4.0 * random.normal()])
            .collect();
        for failing in [5, 6, 31, 41] {
            let copied = points[failing];
            points[failing] = points[1];
            let (mut whole, mut short) = (vec![0.0; packed(COUNT)], vec![0.0; packed(COUNT)]);
            let (mut whole, mut short) = (Factor::new(&mut whole), Factor::new(&mut short));
            let error = whole.extend(points.len(), 1.0, covariance.among(&points), alone);
            assert_eq!(error, Err(Error::NotPositiveDefinite { row: failing }));
            assert_eq!(whole.order(), failing);
            short
                .extend(failing, 1.0, covariance.among(&points), alone)
                .unwrap();
            let rows = packed(failing);
            assert_eq!(whole.packed[..rows], short.packed[..rows]);
            points[failing] = copied;
        }
    }

    #[test]
    fn a_pivot_that_is_not_positive_leaves_the_factor_as_it_was() {
        let mut memory = vec![0.0; packed(2)];
        let mut factor = Factor::new(&mut memory);
        append(&mut factor, &[], 1.0).unwrap();
        assert_eq!(
            append(&mut factor, &[1.0], 1.0),
            Err(Error::NotPositiveDefinite { row: 1 })
        );
        assert_eq!(
            append(&mut factor, &[f32::NAN], 1.0),
            Err(Error::NotPositiveDefinite { row: 1 })
        );
        assert_eq!(factor.order(), 1);
        append(&mut factor, &[0.5], 1.0).unwrap();
        assert!(matches!(
            append(&mut factor, &[0.5, 0.5], 1.0),
            Err(Error::Capacity { needed: 3, .. })
        ));
    }
}
