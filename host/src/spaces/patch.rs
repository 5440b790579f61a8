//! Patch space: what the image looks like around each candidate (S2 of the paper).
//!
//! Each patch is standardised by itself, projected to 32 dimensions at random, and clustered.

use beacon_kernel::{Candidate, Error};
use beacon_train::Random;
use rayon::prelude::*;

use super::kmeans::Centres;
use super::sample;
use crate::data::Patches;

/// Dimensions that patches are projected to.
pub const PROJECTED: usize = 32;

/// Clusters of the projected patches.
pub const PATCH_CLUSTERS: usize = 100;

/// Every patch, standardised and projected: `[candidate][PROJECTED]`.
///
/// The projection is Gaussian with components of variance 1/32 (as scikit-learn's
/// `GaussianRandomProjection`), so that distances between patches are kept on average.
///
/// # Errors
/// Never for patches that were made: the kernel's geometry is total over its candidates.
pub(super) fn projected(patches: &Patches, seed: u64) -> Result<Vec<f32>, Error> {
    let window = patches.candidates().window();
    let mut random = Random::new(seed);
    let scale = (PROJECTED as f64).sqrt().recip();
    // [pixel][dimension]: all dimensions of a sum grow side by side.
    let components: Vec<f32> = (0..window * window * PROJECTED)
        .map(|_| (random.normal() * scale) as f32)
        .collect();
    let mut projected = vec![0.0; patches.candidates().count() * PROJECTED];
    projected
        .par_chunks_mut(PROJECTED)
        .enumerate()
        .try_for_each_init(Vec::new, |patch, (candidate, sums)| {
            patch.clear();
            patches.append(Candidate(candidate as u32), patch)?;
            standardise(patch);
            for (x, components) in patch.iter().zip(components.chunks_exact(PROJECTED)) {
                for (sum, component) in sums.iter_mut().zip(components) {
                    *sum += x * component;
                }
            }
            Ok::<_, Error>(())
        })?;
    Ok(projected)
}

/// The cluster of every candidate's projected patch.
///
/// # Errors
/// As [`projected`].
pub(super) fn labels(patches: &Patches, seed: u64) -> Result<Vec<u32>, Error> {
    let points = projected(patches, seed)?;
    let learnt_from = sample::rows(&points, PROJECTED, seed);
    let centres = Centres::fit(&learnt_from, PROJECTED, PATCH_CLUSTERS, seed);
    Ok(centres.labels(&points))
}

/// Scales a patch to mean 0 and standard deviation 1, a constant one to 0.
fn standardise(patch: &mut [f32]) {
    if patch.iter().all(|x| *x == patch[0]) {
        patch.fill(0.0);
        return;
    }
    let count = patch.len() as f64;
    let mean = patch.iter().map(|&x| f64::from(x)).sum::<f64>() / count;
    let squares = patch.iter().map(|&x| (f64::from(x) - mean).powi(2));
    let deviation = (squares.sum::<f64>() / count).sqrt();
    for x in patch {
        *x = ((f64::from(*x) - mean) / deviation) as f32;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Map;

    fn patches(values: impl Fn(usize, usize) -> f64, side: usize, window: usize) -> Patches {
        let values = (0..side * side).map(|n| values(n / side, n % side));
        let image = Map::uncalibrated(side, side, values.collect(), "image");
        image.patches(window).unwrap()
    }

    fn texture(row: usize, column: usize) -> f64 {
        let (y, x) = (row as f64, column as f64);
        (0.9 * y).sin() * (0.37 * x * y).cos() + (1.7 * x).sin()
    }

    #[test]
    fn a_patch_is_judged_by_its_pattern_alone() {
        let mut patch = [1.0, 3.0, 1.0, 3.0];
        standardise(&mut patch);
        assert_eq!(patch, [-1.0, 1.0, -1.0, 1.0]);
        let mut constant = [0.1; 25];
        standardise(&mut constant);
        assert_eq!(constant, [0.0; 25]);
    }

    /// Johnson and Lindenstrauss: a squared distance is kept on average, with a relative
    /// deviation of √(2/32) = 0.25 for one pair; a mean over 64 disjoint pairs, were they
    /// independent, of 0.03.
    #[test]
    fn the_projection_keeps_distances_on_average() {
        let patches = patches(texture, 40, 12);
        let projected = projected(&patches, 5).unwrap();
        let standard = |n: u32| {
            let mut patch = Vec::new();
            patches.append(Candidate(n), &mut patch).unwrap();
            standardise(&mut patch);
            patch
        };
        let squared = |a: &[f32], b: &[f32]| -> f64 {
            let pairs = a.iter().zip(b);
            pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum()
        };
        let row = |n: u32| &projected[n as usize * PROJECTED..][..PROJECTED];
        let ratios = (0..64).map(|pair| {
            let (a, b) = (pair * 13, 840 - pair * 13 - 6);
            squared(row(a), row(b)) / squared(&standard(a), &standard(b))
        });
        let mean = ratios.sum::<f64>() / 64.0;
        assert!((mean - 1.0).abs() < 0.25, "{mean}");
    }

    /// The same texture twice, on top with little contrast, below bright and with much.
    #[test]
    fn contrast_and_brightness_within_an_image_do_not_change_the_clusters() {
        let value = |row: usize, column: usize| match row.checked_sub(30) {
            None => texture(row, column),
            Some(below) => 5.0 + 4.0 * texture(below, column),
        };
        let values = (0..60 * 30).map(|n| value(n / 30, n % 30));
        let image = Map::uncalibrated(60, 30, values.collect(), "image");
        let labels = labels(&image.patches(8).unwrap(), 1).unwrap();
        // 23 × 23 windows lie within either half, 30 rows apart.
        let (top, bottom) = (&labels[..23 * 23], &labels[30 * 23..]);
        assert_eq!(top.len(), bottom.len());
        // The pixels differ in their last bits, which may move a patch on a border.
        let moved = top.iter().zip(bottom).filter(|(a, b)| a != b).count();
        assert!(moved * 50 < top.len(), "{moved} of {}", top.len());
    }

    #[test]
    fn a_periodic_image_has_as_many_clusters_as_distinct_patches() {
        let stripes = patches(|_, column| f64::from(column % 3 == 0), 24, 9);
        let mut labels = labels(&stripes, 2).unwrap();
        assert!((3..labels.len()).all(|n| n % 16 < 3 || labels[n] == labels[n - 3]));
        labels.sort_unstable();
        labels.dedup();
        assert_eq!(labels.len(), 3);
    }
}
