//! What is learnt from when there are very many patches.

use beacon_train::Random;

/// Patches that clusters and networks are learnt from at most; all are then assigned.
pub(super) const LIMIT: usize = 10_000;

/// Rows of a table of `width` columns to learn from: all of them, or a random [`LIMIT`].
pub(super) fn rows(table: &[f32], width: usize, seed: u64) -> Vec<f32> {
    let count = table.len() / width;
    let chosen = numbers(count, seed);
    if chosen.len() == count {
        return table.to_vec();
    }
    let row = |n: usize| &table[n * width..(n + 1) * width];
    chosen.into_iter().flat_map(row).copied().collect()
}

/// The numbers, in rising order, of at most [`LIMIT`] of `count` patches.
pub(super) fn numbers(count: usize, seed: u64) -> Vec<usize> {
    if count <= LIMIT {
        return (0..count).collect();
    }
    let mut chosen = Random::new(seed).permutation(LIMIT, count);
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_rows_are_all_taken_and_many_are_thinned() {
        assert_eq!(rows(&[1.0, 2.0, 3.0, 4.0], 2, 1), [1.0, 2.0, 3.0, 4.0]);
        let many: Vec<f32> = (0..3 * LIMIT).map(|n| n as f32).collect();
        let some = rows(&many, 1, 1);
        assert_eq!(some.len(), LIMIT);
        assert!(some.is_sorted_by(|a, b| a < b));
        // Thirds of the table are taken alike: 5 standard deviations of a hypergeometric count.
        let first = some.iter().filter(|&&n| n < LIMIT as f32).count() as f64;
        assert!((first - LIMIT as f64 / 3.0).abs() < 5.0 * (LIMIT as f64 * 4.0 / 27.0).sqrt());
    }
}
