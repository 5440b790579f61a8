//! Cholesky factor and inverse of a positive definite matrix, blocked for registers.
//!
//! `A = UᵀU`, then `V = U⁻ᵀ`, then `A⁻¹ = VᵀV`. All three are one operation, `C −= AᵀB` over
//! rows, on tiles of 4 × 8 that stay in registers. Every element still collects its products
//! one by one in ascending order, as in the textbook loops, so that tiling changes no bit.
//!
//! Matrices are row-major with rows of [`stride`] values; rows and columns past the matrix
//! proper are those of the identity.

use multiversion::multiversion;
use rayon::prelude::*;

/// Rows of a tile.
pub(super) const PANEL: usize = 4;
/// Columns of a tile.
pub(super) const LANES: usize = 8;

/// Length of a row, and number of rows, for `n` points. Odd in units of a cache line: at an
/// even pitch the columns of a tile would fall on a few cache sets and evict each other.
pub(super) fn stride(n: usize) -> usize {
    (n.div_ceil(LANES) | 1) * LANES
}

/// The matrix is not positive definite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotPositive;

/// Replaces the upper triangle of `a` by U with `A = UᵀU`, from column `from` on, a multiple of
/// [`LANES`]: what lies left of it is U already. What lies below the diagonal is spoilt; on
/// failure everything is. `reciprocals` are the reciprocal roots of the pivots, one a row, those
/// of rows above `from` given.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn factor(
    a: &mut [f64],
    reciprocals: &mut [f64],
    stride: usize,
    from: usize,
) -> Result<(), NotPositive> {
    factor_body(a, reciprocals, stride, from)
}

/// `V = U⁻ᵀ`, lower triangular, zero above its diagonal.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn invert_factor(u: &[f64], v: &mut [f64], stride: usize) {
    invert_factor_body(u, v, stride);
}

/// The upper triangle of `−A⁻¹ = −VᵀV`, over the threads of the current pool.
pub(super) fn negated_inverse(v: &[f64], inverse: &mut [f64], stride: usize) {
    let panels = inverse.par_chunks_exact_mut(PANEL * stride).enumerate();
    panels.for_each(|(panel, rows)| inverse_panel(v, rows, stride, panel * PANEL));
}

#[multiversion(targets("x86_64+avx2"))]
fn inverse_panel(v: &[f64], rows: &mut [f64], stride: usize, first: usize) {
    inverse_panel_body(v, rows, stride, first);
}

/// Replaces `t` by `U⁻ᵀt`; its square, and log |A|, over so many points.
pub(super) fn whiten(u: &[f64], t: &mut [f64], stride: usize, points: usize) -> (f64, f64) {
    let (mut square, mut log_root) = (0.0, 0.0);
    for (i, row) in u.chunks_exact(stride).enumerate().take(points) {
        let (solved, rest) = t.split_at_mut(i + 1);
        let own = solved[i] / row[i];
        solved[i] = own;
        for (r, u) in rest.iter_mut().zip(&row[i + 1..]) {
            *r -= u * own;
        }
        square += own * own;
        log_root += libm::log(row[i]);
    }
    (square, 2.0 * log_root)
}

/// β = Vᵀt.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn weigh(v: &[f64], t: &[f64], weights: &mut [f64], stride: usize) {
    weights.fill(0.0);
    for (row, t) in v.chunks_exact(stride).zip(t) {
        for (w, v) in weights.iter_mut().zip(row) {
            *w += v * t;
        }
    }
}

#[inline(always)]
fn factor_body(
    a: &mut [f64],
    reciprocals: &mut [f64],
    stride: usize,
    from: usize,
) -> Result<(), NotPositive> {
    for first in (0..stride).step_by(PANEL) {
        let (above, rows) = a.split_at_mut(first * stride);
        let rows = &mut rows[..PANEL * stride];
        for column in (from.max(first / LANES * LANES)..stride).step_by(LANES) {
            subtract_tile(rows, (&*above, &*above), stride, (first, column));
        }
        for p in 0..PANEL {
            let (solved, row) = rows.split_at_mut(p * stride);
            let diagonal = first + p;
            let start = from.max(diagonal);
            for solved in solved.chunks_exact(stride) {
                subtract_row(&mut row[start..stride], solved[diagonal], &solved[start..]);
            }
            if diagonal >= from {
                let pivot = row[diagonal];
                // Written so that NaN fails too.
                if !(pivot > 0.0 && pivot < f64::INFINITY) {
                    return Err(NotPositive);
                }
                reciprocals[diagonal] = 1.0 / pivot.sqrt();
            }
            let scale = reciprocals[diagonal];
            for value in &mut row[start..stride] {
                *value *= scale;
            }
        }
    }
    Ok(())
}

#[inline(always)]
fn invert_factor_body(u: &[f64], v: &mut [f64], stride: usize) {
    for first in (0..stride).step_by(PANEL) {
        let (above, rows) = v.split_at_mut(first * stride);
        let rows = &mut rows[..PANEL * stride];
        rows.fill(0.0);
        for p in 0..PANEL {
            rows[p * stride + first + p] = 1.0;
        }
        for column in (0..first).step_by(LANES) {
            // V is zero above its diagonal: the products start at the tile's own rows.
            let (u, v) = (
                &u[column * stride..first * stride],
                &above[column * stride..],
            );
            subtract_tile(rows, (u, v), stride, (first, column));
        }
        let end = first + PANEL;
        for p in 0..PANEL {
            let (solved, row) = rows.split_at_mut(p * stride);
            let row = &mut row[..end];
            for (q, solved) in solved.chunks_exact(stride).enumerate() {
                subtract_row(row, u[(first + q) * stride + first + p], &solved[..end]);
            }
            let scale = 1.0 / u[(first + p) * stride + first + p];
            for value in row.iter_mut() {
                *value *= scale;
            }
        }
    }
}

#[inline(always)]
fn inverse_panel_body(v: &[f64], rows: &mut [f64], stride: usize, first: usize) {
    rows.fill(0.0);
    for column in (first / LANES * LANES..stride).step_by(LANES) {
        let v = &v[column * stride..];
        subtract_tile(rows, (v, v), stride, (first, column));
    }
}

/// `C −= AᵀB` on the tile of four rows `c` at `column`, A taken at columns from `row`.
#[inline(always)]
fn subtract_tile(
    c: &mut [f64],
    (a, b): (&[f64], &[f64]),
    stride: usize,
    (row, column): (usize, usize),
) {
    let mut tile = [[0.0; LANES]; PANEL];
    for (tile, c) in tile.iter_mut().zip(c.chunks_exact(stride)) {
        tile.copy_from_slice(&c[column..column + LANES]);
    }
    for (a, b) in a.chunks_exact(stride).zip(b.chunks_exact(stride)) {
        let a = &a[row..row + PANEL];
        let b = &b[column..column + LANES];
        for p in 0..PANEL {
            for l in 0..LANES {
                tile[p][l] -= a[p] * b[l];
            }
        }
    }
    for (tile, c) in tile.iter().zip(c.chunks_exact_mut(stride)) {
        c[column..column + LANES].copy_from_slice(tile);
    }
}

#[inline(always)]
fn subtract_row(row: &mut [f64], factor: f64, other: &[f64]) {
    for (r, o) in row.iter_mut().zip(other) {
        *r -= factor * o;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use nalgebra::DMatrix;

    /// A positive definite matrix with the identity around it.
    fn matrix(n: usize) -> (DMatrix<f64>, Vec<f64>, usize) {
        let stride = stride(n);
        let entry = |i: usize, j: usize| {
            let d = (i as f64 - j as f64) / 7.0;
            libm::exp(-0.5 * d * d) + if i == j { 0.05 } else { 0.0 }
        };
        let mut padded = vec![0.0; stride * stride];
        for i in 0..stride {
            padded[i * stride + i] = 1.0;
            for j in i..n {
                padded[i * stride + j] = entry(i, j);
            }
        }
        (DMatrix::from_fn(n, n, entry), padded, stride)
    }

    const SIZES: [usize; 8] = [1, 2, 5, 8, 13, 16, 67, 130];

    #[test]
    fn the_factor_is_nalgebras() {
        for n in SIZES {
            let (full, mut u, stride) = matrix(n);
            factor(&mut u, &mut vec![0.0; stride], stride, 0).unwrap();
            let expected = full.cholesky().unwrap().l();
            for i in 0..n {
                for j in i..n {
                    assert!((u[i * stride + j] - expected[(j, i)]).abs() < 1e-12);
                }
            }
        }
    }

    #[test]
    fn the_inverse_is_nalgebras() {
        for n in SIZES {
            let (full, mut u, stride) = matrix(n);
            factor(&mut u, &mut vec![0.0; stride], stride, 0).unwrap();
            let (mut v, mut inverse) = (u.clone(), u.clone());
            invert_factor(&u, &mut v, stride);
            negated_inverse(&v, &mut inverse, stride);
            let expected = full.cholesky().unwrap().inverse();
            for i in 0..n {
                for j in i..n {
                    assert!((inverse[i * stride + j] + expected[(i, j)]).abs() < 1e-10);
                }
            }
        }
    }

    /// Oracle: the textbook loops, one product after the other.
    #[test]
    fn tiling_changes_no_bit_of_the_textbook_factor() {
        let (_, mut tiled, stride) = matrix(45);
        let mut plain = tiled.clone();
        factor(&mut tiled, &mut vec![0.0; stride], stride, 0).unwrap();
        for i in 0..stride {
            for j in i..stride {
                for k in 0..i {
                    plain[i * stride + j] -= plain[k * stride + i] * plain[k * stride + j];
                }
            }
            let scale = 1.0 / plain[i * stride + i].sqrt();
            for j in i..stride {
                plain[i * stride + j] *= scale;
            }
            assert_eq!(
                tiled[i * stride + i..(i + 1) * stride],
                plain[i * stride + i..(i + 1) * stride]
            );
        }
    }

    /// Oracle: the same factor in one go.
    #[test]
    fn a_factor_is_continued_without_changing_a_bit() {
        let (_, matrix, stride) = matrix(45);
        let (mut whole, mut reciprocals) = (matrix.clone(), vec![0.0; stride]);
        factor(&mut whole, &mut reciprocals, stride, 0).unwrap();
        for from in (0..stride).step_by(LANES) {
            let mut begun = matrix.clone();
            for (row, whole) in begun.chunks_exact_mut(stride).zip(whole.chunks(stride)) {
                row[..from].copy_from_slice(&whole[..from]);
            }
            let mut known = vec![f64::NAN; stride];
            known[..from].copy_from_slice(&reciprocals[..from]);
            factor(&mut begun, &mut known, stride, from).unwrap();
            assert_eq!(known, reciprocals);
            for i in 0..stride {
                let upper = i * stride + i..(i + 1) * stride;
                assert_eq!(begun[upper.clone()], whole[upper], "row {i}, from {from}");
            }
        }
    }

    /// The dispatched versions against the same code compiled for the baseline instructions.
    #[test]
    fn wider_instructions_change_no_bit() {
        let (_, mut u, stride) = matrix(67);
        let mut plain = u.clone();
        factor(&mut u, &mut vec![0.0; stride], stride, 0).unwrap();
        factor_body(&mut plain, &mut vec![0.0; stride], stride, 0).unwrap();
        assert_eq!(u, plain);
        let (mut v, mut plain) = (u.clone(), u.clone());
        invert_factor(&u, &mut v, stride);
        invert_factor_body(&u, &mut plain, stride);
        assert_eq!(v, plain);
        let mut rows = vec![0.0; PANEL * stride];
        let mut plain = rows.clone();
        inverse_panel(&v, &mut rows, stride, 20);
        inverse_panel_body(&v, &mut plain, stride, 20);
        assert_eq!(rows, plain);
    }

    #[test]
    fn a_matrix_that_is_not_positive_definite_is_reported() {
        let (_, good, stride) = matrix(5);
        for bad in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            let mut a = good.clone();
            a[3 * stride + 3] = bad;
            let found = factor(&mut a, &mut vec![0.0; stride], stride, 0);
            assert_eq!(found, Err(NotPositive));
        }
    }
}
