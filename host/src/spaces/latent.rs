//! Latent space: where a variational autoencoder puts each candidate's patch (S2 of the paper).

use beacon_kernel::Candidate;
use beacon_train::autoencoder::{Autoencoder, BATCH, LATENT, Perceptron};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::LatentConfig;
use super::error::SpacesError;
use super::kmeans::Centres;
use super::{rotation, sample};
use crate::data::Patches;
use crate::metrics::Groups;
use crate::train::Pace;

/// Clusters of the latent means.
pub const LATENT_CLUSTERS: usize = 80;

/// The latent plane of a dataset, with everything that a figure of it shows.
#[derive(Clone, Debug)]
pub struct LatentSpace {
    groups: Groups,
    learnt: Learnt,
}

/// What was learnt from the patches; what a cache keeps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Learnt {
    labels: Vec<u32>,
    means: Vec<[f32; LATENT]>,
    decoder: Perceptron,
}

/// The decoder's patches over a regular grid of the latent plane.
#[derive(Clone, Debug, PartialEq)]
pub struct DecodedGrid {
    /// Coordinates of the grid along the first latent axis, rising.
    pub first: Vec<f32>,
    /// Coordinates of the grid along the second latent axis, rising.
    pub second: Vec<f32>,
    /// `[second][first][window * window]`: decoded patches, row-major, as fractions of the
    /// range of the image.
    pub patches: Vec<Vec<Vec<f32>>>,
}

impl Learnt {
    /// Trains the autoencoder on the patches and clusters their latent means.
    ///
    /// # Errors
    /// When training did not end in finite numbers, or was broken off.
    pub(super) fn new(
        patches: &Patches,
        config: LatentConfig,
        seed: u64,
        pace: &Pace,
    ) -> Result<Self, SpacesError> {
        let candidates = patches.candidates();
        let area = candidates.window() * candidates.window();
        let chosen = sample::numbers(candidates.count(), seed);
        let range = Range::of(patches.pixels());
        let mut table = Vec::with_capacity(chosen.len() * area);
        for n in chosen {
            table.extend(prepared(patches, n, range, config)?);
        }
        let trained = Autoencoder::trained(&table, area, seed, pace);
        let trained = trained.ok_or(SpacesError::BrokenOff)?;
        let encode = |first: usize| -> Result<Vec<[f32; LATENT]>, SpacesError> {
            let mut table = Vec::with_capacity(BATCH * area);
            for n in first..candidates.count().min(first + BATCH) {
                table.extend(prepared(patches, n, range, config)?);
            }
            let encoded = trained.encoder.forward(&table);
            let mean = |output: &[f32]| core::array::from_fn(|axis| output[axis]);
            Ok(encoded.chunks_exact(2 * LATENT).map(mean).collect())
        };
        let batches = (0..candidates.count()).into_par_iter().step_by(BATCH);
        let means: Vec<Vec<[f32; LATENT]>> = batches.map(encode).collect::<Result<_, _>>()?;
        let means = means.concat();
        if !means.as_flattened().iter().all(|mean| mean.is_finite()) {
            return Err(SpacesError::Training("the latent is not finite".to_owned()));
        }
        let points = means.as_flattened();
        let learnt_from = sample::rows(points, LATENT, seed);
        let centres = Centres::fit(&learnt_from, LATENT, LATENT_CLUSTERS, seed);
        Ok(Self {
            labels: centres.labels(points),
            means,
            decoder: trained.decoder,
        })
    }

    /// Whether it describes so many candidates.
    pub(super) fn fits(&self, candidates: usize) -> bool {
        self.labels.len() == candidates && self.means.len() == candidates
    }
}

impl LatentSpace {
    pub(super) fn new(learnt: Learnt) -> Result<Self, SpacesError> {
        Ok(Self {
            groups: Groups::new(learnt.labels.clone())?,
            learnt,
        })
    }

    /// Clusters of the latent means.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }

    /// Latent mean of every candidate's patch.
    pub fn means(&self) -> &[[f32; 2]] {
        &self.learnt.means
    }

    /// The decoder's patch at a point of the latent plane: `window * window` values, row-major,
    /// as fractions of the range of the image.
    pub fn decode(&self, at: [f32; 2]) -> Vec<f32> {
        self.learnt.decoder.forward(&at)
    }

    /// Decoded patches over the bounding box of the latent means, `side` along each axis.
    pub fn manifold(&self, side: usize) -> DecodedGrid {
        let axis = |axis: usize| -> Vec<f32> {
            let values = || self.learnt.means.iter().map(|mean| mean[axis]);
            let low = values().fold(f32::INFINITY, f32::min);
            let high = values().fold(f32::NEG_INFINITY, f32::max);
            let share = |n: usize| n as f32 / side.saturating_sub(1).max(1) as f32;
            (0..side).map(|n| low + share(n) * (high - low)).collect()
        };
        let (first, second) = (axis(0), axis(1));
        let row = |&y: &f32| first.iter().map(|&x| self.decode([x, y])).collect();
        let patches = second.iter().map(row).collect();
        DecodedGrid {
            first,
            second,
            patches,
        }
    }
}

/// The range of an image, which patches are encoded as fractions of.
#[derive(Clone, Copy)]
struct Range {
    low: f32,
    width: f32,
}

impl Range {
    fn of(pixels: &[f32]) -> Self {
        let low = pixels.iter().copied().fold(f32::INFINITY, f32::min);
        let high = pixels.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let width = if high > low { high - low } else { 1.0 };
        Self { low, width }
    }
}

/// A patch as the encoder sees it.
fn prepared(
    patches: &Patches,
    candidate: usize,
    range: Range,
    config: LatentConfig,
) -> Result<Vec<f32>, SpacesError> {
    let mut patch = Vec::new();
    patches.append(Candidate(candidate as u32), &mut patch)?;
    for x in &mut patch {
        *x = (*x - range.low) / range.width;
    }
    if config.rotation_invariant {
        patch = rotation::canonical(&patch, patches.candidates().window());
    }
    Ok(patch)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Map;

    const SIDE: usize = 20;

    /// Bright blobs of two sizes, and the same image turned by a quarter.
    fn images() -> [Map; 2] {
        let value = |row: usize, column: usize| {
            let blob = |r: f64, c: f64, size: f64| {
                let squared = (row as f64 - r).powi(2) + (column as f64 - c).powi(2);
                (-squared / size).exp()
            };
            blob(5.0, 6.0, 8.0) + blob(13.0, 12.0, 30.0) + 0.02 * row as f64
        };
        let plain = (0..SIDE * SIDE).map(|n| value(n / SIDE, n % SIDE));
        let turned = (0..SIDE * SIDE).map(|n| value(n % SIDE, SIDE - 1 - n / SIDE));
        [plain.collect(), turned.collect()]
            .map(|values| Map::uncalibrated(SIDE, SIDE, values, "blobs"))
    }

    fn space(image: &Map, rotation_invariant: bool) -> LatentSpace {
        let patches = image.patches(8).unwrap();
        let config = LatentConfig { rotation_invariant };
        LatentSpace::new(Learnt::new(&patches, config, 1, &Pace::default()).unwrap()).unwrap()
    }

    #[test]
    fn the_plane_describes_its_patches_better_than_their_mean() {
        let [image, _] = images();
        let patches = image.patches(8).unwrap();
        let space = space(&image, false);
        assert_eq!(space.means().len(), 13 * 13);
        assert!(space.groups().occupied() <= LATENT_CLUSTERS);
        let range = Range::of(patches.pixels());
        let config = LatentConfig::default();
        let all: Vec<_> = (0..169)
            .map(|n| prepared(&patches, n, range, config).unwrap())
            .collect();
        let mean = |pixel: usize| all.iter().map(|patch| patch[pixel]).sum::<f32>() / 169.0;
        let (mut decoded, mut constant) = (0.0, 0.0);
        for (patch, &at) in all.iter().zip(space.means()) {
            for (pixel, (x, d)) in patch.iter().zip(space.decode(at)).enumerate() {
                decoded += (x - d).powi(2);
                constant += (x - mean(pixel)).powi(2);
            }
        }
        assert!(decoded < 0.3 * constant, "{decoded} {constant}");
    }

    /// Every patch of the turned image is one of the plain image, turned: what reaches the encoder
    /// is then the same, and so is any latent it makes of it.
    #[test]
    fn patches_of_a_turned_image_reach_the_invariant_encoder_alike_and_no_other() {
        let [plain, turned] = images();
        let spread = |invariant: bool| {
            let patches = [&plain, &turned].map(|image| image.patches(8).unwrap());
            let config = LatentConfig {
                rotation_invariant: invariant,
            };
            let ranges = [0, 1].map(|n| Range::of(patches[n].pixels()));
            let seen = |which: usize, n: usize| {
                prepared(&patches[which], n, ranges[which], config).unwrap()
            };
            // Candidate (i, j) of the plain image is (12 - j, i) of the turned one.
            let pairs = (0..169).map(|n| (seen(0, n), seen(1, (12 - n % 13) * 13 + n / 13)));
            pairs
                .flat_map(|(a, b)| {
                    a.into_iter()
                        .zip(b)
                        .map(|(a, b)| (a - b).abs())
                        .collect::<Vec<_>>()
                })
                .fold(0.0, f32::max)
        };
        assert!(spread(true) < 1e-3, "{}", spread(true));
        assert!(spread(false) > 0.1, "{}", spread(false));
    }

    #[test]
    fn the_manifold_spans_the_latent_means() {
        let [image, _] = images();
        let space = space(&image, true);
        let manifold = space.manifold(5);
        assert_eq!((manifold.first.len(), manifold.patches.len()), (5, 5));
        assert_eq!(manifold.patches[4][0].len(), 64);
        for mean in space.means() {
            assert!(manifold.first[0] <= mean[0] && mean[0] <= manifold.first[4] + 1e-4);
        }
        let corner = [manifold.first[4], manifold.second[1]];
        assert_eq!(manifold.patches[1][4], space.decode(corner));
    }
}
