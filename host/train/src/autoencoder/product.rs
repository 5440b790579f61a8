//! Products of matrices, row-major, with one order of every sum.

#![allow(
    clippy::inline_always,
    reason = "a multiversioned function recompiles only what is inlined into it"
)]

use multiversion::multiversion;

/// Rows and columns of the product that are summed up together, in registers.
const ROWS: usize = 4;
const COLUMNS: usize = 16;

/// Adds the product of `a`, `[row][inner]`, and `b`, `[inner][column]`, to `sum`,
/// `[row][column]`. Each sum goes on from what is there in the order of `inner`: the same bits
/// on every machine, and for a row alone as among others.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn add(a: &[f32], b: &[f32], sum: &mut [f32], columns: usize) {
    add_body(a, b, sum, columns);
}

#[inline(always)]
fn add_body(a: &[f32], b: &[f32], sum: &mut [f32], columns: usize) {
    let inner = b.len() / columns;
    // Some columns of `b`, one behind the other; past the last column nothing that counts.
    let mut panel = vec![[0.0; COLUMNS]; inner];
    for first in (0..columns).step_by(COLUMNS) {
        let width = COLUMNS.min(columns - first);
        for (to, from) in panel.iter_mut().zip(b.chunks_exact(columns)) {
            to[..width].copy_from_slice(&from[first..first + width]);
        }
        let blocks = a.chunks(ROWS * inner).zip(sum.chunks_mut(ROWS * columns));
        for (a, sum) in blocks {
            if let Some(rows) = rows::<ROWS>(a, inner) {
                add_block(rows, &panel, sum, columns, first, width);
            } else {
                let rows = a.chunks_exact(inner).zip(sum.chunks_exact_mut(columns));
                for (row, sum) in rows {
                    add_block([row], &panel, sum, columns, first, width);
                }
            }
        }
    }
}

/// The rows of a full block; nothing for what is left at the end.
#[inline(always)]
fn rows<const R: usize>(a: &[f32], inner: usize) -> Option<[&[f32]; R]> {
    (a.len() == R * inner).then(|| core::array::from_fn(|row| &a[row * inner..(row + 1) * inner]))
}

#[inline(always)]
fn add_block<const R: usize>(
    rows: [&[f32]; R],
    panel: &[[f32; COLUMNS]],
    sum: &mut [f32],
    columns: usize,
    first: usize,
    width: usize,
) {
    let mut sums = [[0.0; COLUMNS]; R];
    for (sums, sum) in sums.iter_mut().zip(sum.chunks_exact(columns)) {
        sums[..width].copy_from_slice(&sum[first..first + width]);
    }
    let sums = summed(sums, rows, panel);
    for (sums, sum) in sums.iter().zip(sum.chunks_exact_mut(columns)) {
        sum[first..first + width].copy_from_slice(&sums[..width]);
    }
}

/// By value, so that the sums stay in registers.
#[inline(always)]
fn summed<const R: usize>(
    mut sums: [[f32; COLUMNS]; R],
    mut rows: [&[f32]; R],
    panel: &[[f32; COLUMNS]],
) -> [[f32; COLUMNS]; R] {
    for row in &mut rows {
        *row = &row[..panel.len()];
    }
    // By index: a compiler that keeps an iterator over `rows` keeps the sums in memory with it.
    for (inner, b) in panel.iter().enumerate() {
        for row in 0..R {
            let a = rows[row][inner];
            for column in 0..COLUMNS {
                sums[row][column] += a * b[column];
            }
        }
    }
    sums
}

/// `[column][row]` of a matrix `[row][column]`.
pub(super) fn transposed(matrix: &[f32], columns: usize) -> Vec<f32> {
    let rows = matrix.len() / columns;
    let mut transposed = vec![0.0; matrix.len()];
    for (row, values) in matrix.chunks_exact(columns).enumerate() {
        for (column, &value) in values.iter().enumerate() {
            transposed[column * rows + row] = value;
        }
    }
    transposed
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Random;

    /// Oracle: the definition, in the same order. Sizes on both sides of the blocks' own.
    #[test]
    fn blocks_and_what_is_left_of_them_are_summed_as_defined_to_the_bit() {
        let mut random = Random::new(4);
        let mut table =
            |count: usize| -> Vec<f32> { (0..count).map(|_| random.normal() as f32).collect() };
        for (rows, inner, columns) in [(1, 1, 1), (3, 7, 5), (4, 2, 16), (9, 40, 33), (0, 3, 2)] {
            let (a, b, start) = (
                table(rows * inner),
                table(inner * columns),
                table(rows * columns),
            );
            let mut wanted = start.clone();
            for row in 0..rows {
                for column in 0..columns {
                    for n in 0..inner {
                        wanted[row * columns + column] +=
                            a[row * inner + n] * b[n * columns + column];
                    }
                }
            }
            let (mut dispatched, mut plain) = (start.clone(), start);
            add(&a, &b, &mut dispatched, columns);
            add_body(&a, &b, &mut plain, columns);
            assert_eq!(dispatched, wanted, "{rows} {inner} {columns}");
            assert_eq!(plain, wanted, "{rows} {inner} {columns}");
        }
    }

    #[test]
    fn rows_become_columns() {
        let matrix = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert_eq!(transposed(&matrix, 3), [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
    }
}
