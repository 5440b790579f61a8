//! Nine features of a patch, from a fixed bank of small filters.
//!
//! A patch is described by
//!
//! | feature | what |
//! |---|---|
//! | 0 | the pixel in the middle, which is the one measured |
//! | 1, 2, 3 | Gaussian means about it, σ = 1, 2, 4 pixels |
//! | 4, 5, 6 | standard deviations over the 5 × 5 and 8 × 8 pixels about it, and over the window |
//! | 7, 8 | magnitudes of the gradient of Gaussian means, in units of brightness per σ, σ = 1, 2 |
//!
//! Lengths are those of a window of 16 pixels and grow with the window. No filter reaches beyond
//! the window: Gaussians end with it, and their weights sum to one. Each feature is standardised
//! over the candidates of the image (mean 0, variance 1), and rounded to half precision, so that
//! all nine take 20 bytes. A feature that hardly varies over the image is zero everywhere.
//!
//! A model of [`Architecture::Filters`](crate::Architecture::Filters) maps the features to the
//! latent plane by a matrix. The image alone determines the features: the kernel computes them
//! once, and new weights cost 18 multiply-accumulates a candidate. What neighbours share and no
//! feature tells is in two more weights ([`Layout::space`](crate::network::Layout::space)).

use core::ops::Range;

use half::f16;

use crate::network::{LATENT, Network};
use crate::storage::Latents;

pub use crate::network::FEATURES;
use crate::{Candidates, Error};

/// Words that hold the features of one candidate, two in each.
pub(crate) const WORDS: usize = FEATURES.div_ceil(2);

/// The features of one candidate in half precision, as bits: the first in the lower half of the
/// first word.
pub(crate) type Packed = [u32; WORDS];

/// Window at which the lengths of the bank are given, in pixels.
const WINDOW: usize = 16;

/// A feature varies if its variance exceeds this share of its mean square. Single precision rounds
/// a Gaussian mean by some 3e-7 of its value; at the least variance that is a hundredth of a
/// standard deviation.
const LEAST_VARIANCE: f64 = 1e-9;

/// One filter; lengths in pixels at a window of [`WINDOW`].
#[derive(Clone, Copy)]
enum Filter {
    /// The pixel itself.
    Pixel,
    /// Gaussian mean with this σ.
    Mean(f32),
    /// Standard deviation over a square of this side.
    Deviation(usize),
    /// Magnitude of the gradient of the Gaussian mean with this σ, times σ.
    Gradient(f32),
}

const BANK: [Filter; FEATURES] = [
    Filter::Pixel,
    Filter::Mean(1.0),
    Filter::Mean(2.0),
    Filter::Mean(4.0),
    Filter::Deviation(5),
    Filter::Deviation(8),
    Filter::Deviation(WINDOW),
    Filter::Gradient(1.0),
    Filter::Gradient(2.0),
];

/// Floats of workspace for extended images of `width` pixels a row.
pub(crate) const fn scratch(width: usize) -> usize {
    3 * width
}

/// The features of a candidate in single precision.
pub(crate) fn unpack(packed: &Packed) -> [f32; FEATURES] {
    let halves = packed
        .iter()
        .flat_map(|word| [*word as u16, (word >> 16) as u16]);
    let mut features = [0.0; FEATURES];
    for (feature, bits) in features.iter_mut().zip(halves) {
        *feature = f16::from_bits(bits).to_f32_const();
    }
    features
}

/// The latent vectors of the candidates of a range.
// By itself, so that its cost does not hang on what it would be inlined into.
#[inline(never)]
pub(crate) fn latents(
    weights: &[f32],
    features: &[Packed],
    some: Range<usize>,
    mut latents: Latents<'_>,
) {
    let features = features.get(some.clone()).unwrap_or_default();
    for (index, features) in some.zip(features) {
        latents.change(index, |latent| *latent = project(weights, features));
    }
}

/// The latent vector of a candidate: `weights` holds two for each feature, in their order.
fn project(weights: &[f32], packed: &Packed) -> [f32; LATENT] {
    let mut latent = [0.0; LATENT];
    let weights: &[[f32; LATENT]] = weights.as_chunks().0;
    for (feature, weights) in unpack(packed).iter().zip(weights) {
        for (sum, weight) in latent.iter_mut().zip(weights) {
            *sum += feature * weight;
        }
    }
    latent
}

/// How far the features of an image have come: filters that are done, and rows of candidates that the next
/// one has done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Progress {
    pub(crate) filters: usize,
    pub(crate) rows: usize,
}

/// Goes on with the features of all candidates, row-major into `features`, from the extended image: with the
/// next filter for about so many products, or to its end. `plane` has room for a number of every candidate.
/// Until all [`FEATURES`] filters are done, it stays as it is in between.
///
/// # Errors
/// [`Error::Capacity`] when `workspace` holds fewer floats than [`scratch`] asks for.
// Not part of a decision: it shall not be inlined into what runs in the fastest memory.
#[inline(never)]
pub(crate) fn advance(
    Progress { filters, rows }: Progress,
    products: usize,
    (image, candidates): (&[f32], Candidates),
    (plane, workspace): (&mut [f32], &mut [f32]),
    features: &mut [Packed],
) -> Result<Progress, Error> {
    let width = candidates.extended_width();
    let short = Error::Capacity {
        what: "floats of workspace",
        needed: scratch(width),
        capacity: workspace.len(),
    };
    let workspace = workspace.get_mut(..scratch(width)).ok_or(short)?;
    let plane = plane.get_mut(..candidates.count()).unwrap_or_default();
    if let Some(&filter) = BANK.get(filters) {
        let cost = candidates.columns() * filter.products(candidates.window());
        let more = products.div_ceil(cost.max(1));
        let last = candidates.rows().min(rows.saturating_add(more));
        apply(filter, (image, candidates), rows..last, plane, workspace);
        if last < candidates.rows() {
            let rows = last;
            return Ok(Progress { filters, rows });
        }
        standardise(filters, plane, features);
    }
    Ok(Progress {
        filters: filters + 1,
        rows: 0,
    })
}

impl Filter {
    /// Products at a candidate, or what takes as long.
    fn products(self, window: usize) -> usize {
        match self {
            Self::Pixel => 1,
            Self::Mean(_) => 4 * window,
            Self::Deviation(side) => 4 * scaled(side, window) * scaled(side, window),
            Self::Gradient(_) => 8 * window,
        }
    }
}

/// One feature of all candidates, in units of brightness: [`advance`] from the first row to the last, before it
/// standardises.
pub(crate) fn apply_one(
    filter: usize,
    (image, candidates): (&[f32], Candidates),
    plane: &mut [f32],
    workspace: &mut [f32],
) {
    if let Some(&filter) = BANK.get(filter) {
        let rows = 0..candidates.rows();
        apply(filter, (image, candidates), rows, plane, workspace);
    }
}

/// Rounds one feature of all candidates, standardised over them, into its place.
pub(crate) fn standardise(number: usize, plane: &[f32], features: &mut [Packed]) {
    let count = plane.len() as f64;
    let (mut sum, mut square) = (0.0_f64, 0.0_f64);
    for &x in plane {
        sum += f64::from(x);
        square += f64::from(x) * f64::from(x);
    }
    let mean = sum / count;
    let mut variance = 0.0;
    for &x in plane {
        variance += (f64::from(x) - mean) * (f64::from(x) - mean);
    }
    let scale = if variance > LEAST_VARIANCE * square {
        1.0 / libm::sqrt(variance / count)
    } else {
        0.0
    };
    let shift = 16 * (number % 2);
    for (features, &x) in features.iter_mut().zip(plane) {
        let standardised = (f64::from(x) - mean) * scale;
        let bits = f16::from_f32_const(standardised as f32).to_bits();
        if let Some(word) = features.get_mut(number / 2) {
            *word = (*word & !(0xffff << shift)) | u32::from(bits) << shift;
        }
    }
}

/// One feature in some rows of candidates, in units of brightness. Every number is a sum over rows of pixels,
/// then over columns, in ascending order.
fn apply(
    filter: Filter,
    (image, candidates): (&[f32], Candidates),
    some: Range<usize>,
    plane: &mut [f32],
    workspace: &mut [f32],
) {
    let (width, window) = (candidates.extended_width(), candidates.window());
    let profiles = match filter {
        Filter::Mean(sigma) | Filter::Gradient(sigma) => Profiles::new(sigma, window),
        Filter::Pixel | Filter::Deviation(_) => Profiles::NONE,
    };
    let columns = candidates.columns().max(1);
    let out = plane.get_mut(some.start * columns..some.end * columns);
    for (row, out) in some.zip(out.unwrap_or_default().chunks_exact_mut(columns)) {
        let rows = Rows {
            image,
            width,
            first: row,
        };
        match filter {
            Filter::Pixel => {
                let pixels = rows.from(window / 2, window / 2);
                for (out, pixel) in out.iter_mut().zip(pixels) {
                    *out = *pixel;
                }
            }
            Filter::Mean(_) => {
                rows.filter((&profiles.mean, &profiles.mean), window, workspace, out);
            }
            Filter::Deviation(side) => {
                let side = scaled(side, window);
                rows.deviation(window / 2 - side / 2, side, workspace, out);
            }
            Filter::Gradient(_) => {
                let (across, workspace) = workspace.split_at_mut(width.min(workspace.len()));
                let across = across.get_mut(..out.len()).unwrap_or_default();
                let (mean, slope) = (&profiles.mean, &profiles.slope);
                rows.filter((slope, mean), window, workspace, out);
                rows.filter((mean, slope), window, workspace, across);
                for (out, across) in out.iter_mut().zip(across) {
                    *out = libm::sqrtf(*out * *out + *across * *across);
                }
            }
        }
    }
}

/// A side of the bank at another window: at least two pixels, so that they can differ.
fn scaled(side: usize, window: usize) -> usize {
    ((side * window + WINDOW / 2) / WINDOW).max(2)
}

/// A Gaussian over the window and its slope, along one axis.
struct Profiles {
    mean: [f32; Network::MAX_WINDOW],
    slope: [f32; Network::MAX_WINDOW],
}

impl Profiles {
    const NONE: Self = Self {
        mean: [0.0; Network::MAX_WINDOW],
        slope: [0.0; Network::MAX_WINDOW],
    };

    fn new(sigma: f32, window: usize) -> Self {
        let sigma = sigma * window as f32 / WINDOW as f32;
        let away = |i: usize| (i as f32 - (window / 2) as f32) / sigma;
        let mut profiles = Self::NONE;
        let mut sum = 0.0;
        for (i, mean) in profiles.mean.iter_mut().take(window).enumerate() {
            *mean = libm::expf(-0.5 * away(i) * away(i));
            sum += *mean;
        }
        let pairs = profiles.mean.iter_mut().zip(&mut profiles.slope);
        for (i, (mean, slope)) in pairs.take(window).enumerate() {
            *mean /= sum;
            *slope = *mean * away(i);
        }
        profiles
    }
}

/// Rows of an extended image, from the first row of a row of windows on.
#[derive(Clone, Copy)]
struct Rows<'i> {
    image: &'i [f32],
    width: usize,
    first: usize,
}

impl<'i> Rows<'i> {
    /// The pixels of a row of the windows from a column on.
    fn from(self, row: usize, column: usize) -> &'i [f32] {
        let start = (self.first + row) * self.width;
        let pixels = self.image.get(start..start + self.width);
        pixels.and_then(|row| row.get(column..)).unwrap_or_default()
    }

    /// Σ along y, then along x, of the pixels of every window times the two profiles.
    fn filter(
        self,
        (along_y, along_x): (&[f32], &[f32]),
        window: usize,
        workspace: &mut [f32],
        out: &mut [f32],
    ) {
        let sums = workspace.get_mut(..self.width).unwrap_or_default();
        sums.fill(0.0);
        for (row, weight) in along_y.iter().take(window).enumerate() {
            for (sum, pixel) in sums.iter_mut().zip(self.from(row, 0)) {
                *sum += weight * pixel;
            }
        }
        out.fill(0.0);
        for (column, weight) in along_x.iter().take(window).enumerate() {
            let sums = sums.get(column..).unwrap_or_default();
            for (out, sum) in out.iter_mut().zip(sums) {
                *out += weight * sum;
            }
        }
    }

    /// Standard deviation over `side` × `side` pixels of every window from pixel (`start`, `start`)
    /// on: the mean, then the squares of the deviations from it. Each row of the square is summed
    /// by itself, so that a large square keeps its digits.
    fn deviation(self, start: usize, side: usize, workspace: &mut [f32], out: &mut [f32]) {
        let (means, sums) = workspace.split_at_mut(self.width.min(workspace.len()));
        let means = means.get_mut(..out.len()).unwrap_or_default();
        let sums = sums.get_mut(..out.len()).unwrap_or_default();
        let count = (side * side) as f32;
        let square = start..start + side;
        means.fill(0.0);
        for row in square.clone() {
            sums.fill(0.0);
            for column in square.clone() {
                for (sum, pixel) in sums.iter_mut().zip(self.from(row, column)) {
                    *sum += pixel;
                }
            }
            for (mean, sum) in means.iter_mut().zip(&*sums) {
                *mean += sum;
            }
        }
        for mean in means.iter_mut() {
            *mean /= count;
        }
        out.fill(0.0);
        for row in square.clone() {
            sums.fill(0.0);
            for column in square.clone() {
                let pixels = self.from(row, column).iter().zip(&*means);
                for (sum, (pixel, mean)) in sums.iter_mut().zip(pixels) {
                    *sum += (pixel - mean) * (pixel - mean);
                }
            }
            for (out, sum) in out.iter_mut().zip(&*sums) {
                *out += sum;
            }
        }
        for out in out.iter_mut() {
            *out = libm::sqrtf(*out / count);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::{Candidate, Edges};

    fn found(image: &[f32], candidates: Candidates) -> Vec<[f32; FEATURES]> {
        let size = candidates.extended_width() * candidates.extended_height();
        let mut extended = vec![0.0; size];
        candidates.extend(image, &mut extended);
        let mut plane = vec![f32::NAN; candidates.count()];
        let mut workspace = vec![f32::NAN; scratch(candidates.extended_width())];
        let mut packed = vec![[u32::MAX; WORDS]; candidates.count()];
        let mut done = Progress::default();
        while done.filters < FEATURES {
            let (of, to) = (
                (extended.as_slice(), candidates),
                (&mut plane[..], &mut workspace[..]),
            );
            done = advance(done, 1_000, of, to, &mut packed).unwrap();
        }
        packed.iter().map(unpack).collect()
    }

    /// The features by their definition in f64: sums over the whole window, two-dimensional
    /// Gaussians, standardised over the candidates.
    fn exact(image: &[f32], candidates: Candidates) -> Vec<Vec<f64>> {
        let (window, width) = (candidates.window(), candidates.extended_width());
        let size = width * candidates.extended_height();
        let mut extended = vec![0.0; size];
        candidates.extend(image, &mut extended);
        let centre = window / 2;
        let raw = |n: usize| {
            let corner = candidates.corner(Candidate(n as u32)).unwrap();
            let pixel = |i: usize, j: usize| {
                f64::from(extended[(corner.row + i) * width + corner.column + j])
            };
            let whole = || (0..window).flat_map(|i| (0..window).map(move |j| (i, j)));
            let away = |i: usize, sigma: f64| (i as f64 - centre as f64) / sigma;
            let scale = window as f64 / 16.0;
            let mean = |sigma: f64, slope: &dyn Fn(usize, usize) -> f64| {
                let sigma = sigma * scale;
                let weight = |i: usize, j: usize| {
                    (-0.5 * (away(i, sigma).powi(2) + away(j, sigma).powi(2))).exp()
                };
                let total: f64 = whole().map(|(i, j)| weight(i, j)).sum();
                let terms = whole().map(|(i, j)| weight(i, j) * slope(i, j) * pixel(i, j));
                terms.sum::<f64>() / total
            };
            let deviation = |side: usize| {
                let side = ((side as f64 * scale + 0.5) as usize).max(2);
                let start = centre - side / 2;
                let inside = |i: &usize| (start..start + side).contains(i);
                let pixels: Vec<f64> = whole()
                    .filter(|(i, j)| inside(i) && inside(j))
                    .map(|(i, j)| pixel(i, j))
                    .collect();
                assert_eq!(pixels.len(), side * side);
                let mean = pixels.iter().sum::<f64>() / pixels.len() as f64;
                let squares = pixels.iter().map(|x| (x - mean).powi(2));
                (squares.sum::<f64>() / pixels.len() as f64).sqrt()
            };
            let gradient = |sigma: f64| {
                let along_y = mean(sigma, &|i, _| away(i, sigma * scale));
                let along_x = mean(sigma, &|_, j| away(j, sigma * scale));
                along_y.hypot(along_x)
            };
            vec![
                pixel(centre, centre),
                mean(1.0, &|_, _| 1.0),
                mean(2.0, &|_, _| 1.0),
                mean(4.0, &|_, _| 1.0),
                deviation(5),
                deviation(8),
                deviation(16),
                gradient(1.0),
                gradient(2.0),
            ]
        };
        let mut all: Vec<Vec<f64>> = (0..candidates.count()).map(raw).collect();
        let count = all.len() as f64;
        for k in 0..FEATURES {
            let mean = all.iter().map(|x| x[k]).sum::<f64>() / count;
            let variance = all.iter().map(|x| (x[k] - mean).powi(2)).sum::<f64>() / count;
            for features in &mut all {
                features[k] = (features[k] - mean) / variance.sqrt();
            }
        }
        all
    }

    fn check(found: &[[f32; FEATURES]], exact: &[Vec<f64>], tolerance: f64) {
        assert_eq!(found.len(), exact.len());
        for (n, (found, exact)) in found.iter().zip(exact).enumerate() {
            for (k, (found, exact)) in found.iter().zip(exact).enumerate() {
                let error = (f64::from(*found) - exact).abs();
                assert!(
                    error < tolerance * exact.abs().max(1.0),
                    "candidate {n}, feature {k}: {found} is not {exact}"
                );
            }
        }
    }

    /// Half precision rounds by up to 2⁻¹¹ of a value.
    #[test]
    fn features_are_those_of_their_definition() {
        let mut random = Random::new(3, 0);
        for (height, width, window, edges) in [
            (24, 31, 16, Edges::Inside),
            (19, 23, 16, Edges::Reflect),
            (12, 17, 5, Edges::Inside),
            (15, 14, 4, Edges::Reflect),
            (40, 30, 23, Edges::Inside),
            (7, 9, 10, Edges::Reflect),
            (66, 65, 64, Edges::Inside),
        ] {
            let image: Vec<f32> = (0..height * width)
                .map(|i| random.normal() + (i % width) as f32 * 0.1)
                .collect();
            let candidates = Candidates::with_edges(height, width, window, edges).unwrap();
            check(&found(&image, candidates), &exact(&image, candidates), 6e-4);
        }
    }

    /// Brightness a thousand deviations away costs two digits, no more.
    #[test]
    fn an_offset_and_an_outlier_leave_the_features_finite_and_right() {
        let mut random = Random::new(4, 0);
        let candidates = Candidates::new(30, 30, 16).unwrap();
        let mut image: Vec<f32> = (0..900).map(|_| 1000.0 + random.normal()).collect();
        check(&found(&image, candidates), &exact(&image, candidates), 2e-2);
        image[450] = 1e6;
        check(&found(&image, candidates), &exact(&image, candidates), 2e-2);
    }

    #[test]
    fn features_without_variance_are_zero() {
        let candidates = Candidates::with_edges(20, 20, 16, Edges::Reflect).unwrap();
        for brightness in [0.0, 0.1, -3.7e5] {
            let features = found(&[brightness; 400], candidates);
            assert!(features.iter().flatten().all(|&x| x == 0.0), "{brightness}");
        }
        // A ramp has one gradient, and one deviation over every square. The wider Gaussian ends
        // with the window and not with its tails.
        let candidates = Candidates::new(20, 20, 16).unwrap();
        let ramp: Vec<f32> = (0..400).map(|i| (i % 20) as f32).collect();
        let features = found(&ramp, candidates);
        assert!(features.iter().all(|features| features[4..8] == [0.0; 4]));
        assert!(features.iter().any(|features| features[0] != 0.0));
    }

    #[test]
    fn a_latent_is_the_weighted_sum_of_the_features() {
        let mut random = Random::new(5, 0);
        let candidates = Candidates::new(20, 18, 16).unwrap();
        let image: Vec<f32> = (0..360).map(|_| random.normal()).collect();
        let mut plane = vec![0.0; candidates.count()];
        let mut workspace = vec![0.0; scratch(18)];
        let mut packed = vec![[0; WORDS]; candidates.count()];
        for filters in 0..FEATURES {
            let (of, to) = (
                (image.as_slice(), candidates),
                (&mut plane[..], &mut workspace[..]),
            );
            let done = advance(
                Progress { filters, rows: 0 },
                usize::MAX,
                of,
                to,
                &mut packed,
            );
            assert_eq!(done.unwrap().filters, filters + 1);
        }
        let weights: Vec<f32> = (0..FEATURES * LATENT).map(|_| random.normal()).collect();
        for packed in &packed {
            let latent = project(&weights, packed);
            for (axis, found) in latent.into_iter().enumerate() {
                let terms = unpack(packed).into_iter().enumerate();
                let terms = terms.map(|(k, x)| f64::from(x) * f64::from(weights[2 * k + axis]));
                let expected = terms.sum::<f64>();
                assert!((f64::from(found) - expected).abs() < 1e-5 * expected.abs().max(1.0));
            }
        }
        let (of, to) = (
            (image.as_slice(), candidates),
            (&mut plane[..], &mut workspace[1..]),
        );
        let short = advance(Progress::default(), 1, of, to, &mut packed);
        assert!(matches!(short, Err(Error::Capacity { needed: 54, .. })));
    }
}
