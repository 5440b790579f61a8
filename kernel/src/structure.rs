//! Structural distance: how unlike every measured patch a candidate's patch is.
//!
//! Patches are compared as their shape, not their brightness: each is centred and divided by
//! its own standard deviation, as for the patch-space coverage of the paper (section S2). The
//! squared distance of two such patches, averaged over their pixels, is 2(1 − ρ) with Pearson's
//! correlation ρ. One pass of a measured patch over the image, as in template matching (Lewis,
//! "Fast normalized cross-correlation", 1995), therefore gives its distance to every candidate;
//! the kernel keeps the least distance of each candidate.

use crate::candidates::{Candidates, Pixel};
use crate::{Candidate, Error};

/// A patch whose variance is below this share of its mean square is flat: the f32 correlation of
/// such a patch is off by (mean / deviation)² times the rounding of its mean, here by about 0.01.
const FLAT: f32 = 1e-5;

/// Neighbouring candidates whose correlations one pass computes.
const LANES: usize = 8;
/// Pixels of a row of the template that a step of the pass takes.
const TAPS: usize = 8;

/// The windows of an extended image, row-major.
#[derive(Clone, Copy)]
pub(crate) struct Windows<'a> {
    image: &'a [f32],
    /// Pixels in a row of the image.
    width: usize,
    candidates: Candidates,
}

/// A measured patch, centred and of unit norm; zeros where it is flat.
#[derive(Clone, Copy)]
pub(crate) struct Template<'t> {
    pixels: &'t [f32],
    /// 0 where it is flat, else 1.
    textured: f32,
}

impl Template<'_> {
    /// The lesser of a squared distance and that of this patch and one with the product and reciprocal
    /// norm given.
    fn nearer(&self, product: f32, other: f32, squared: f32) -> f32 {
        // Against a centred template the mean of the other patch cancels.
        let correlation = product * other;
        let own = self.textured + textured(other) - 2.0 * correlation;
        let own = own.clamp(0.0, 4.0);
        if own < squared { own } else { squared }
    }
}

/// 0 for the reciprocal norm of a flat patch, 1 for others.
fn textured(reciprocal: f32) -> f32 {
    if reciprocal > 0.0 { 1.0 } else { 0.0 }
}

impl<'a> Windows<'a> {
    pub(crate) fn new(image: &'a [f32], candidates: Candidates) -> Self {
        Self {
            image,
            width: candidates.extended_width(),
            candidates,
        }
    }

    /// The rows of the window with this top-left pixel.
    fn rows(self, corner: Pixel) -> impl Iterator<Item = &'a [f32]> {
        let (window, width) = (self.candidates.window(), self.width);
        (corner.row..corner.row + window).map(move |row| {
            let start = row * width + corner.column;
            self.image.get(start..start + window).unwrap_or_default()
        })
    }

    /// Mean of a window, and the reciprocal norm of its deviations from it; 0 for a flat window.
    #[inline]
    fn statistics(self, corner: Pixel) -> (f32, f32) {
        let pixels = (self.candidates.window() * self.candidates.window()) as f32;
        let sum: f32 = self.rows(corner).map(|row| row.iter().sum::<f32>()).sum();
        let mean = sum / pixels;
        let (mut squares, mut deviations) = (0.0_f32, 0.0_f32);
        for pixel in self.rows(corner).flatten() {
            squares += pixel * pixel;
            deviations += (pixel - mean) * (pixel - mean);
        }
        if deviations > FLAT * squares {
            (mean, 1.0 / libm::sqrtf(deviations))
        } else {
            (mean, 0.0)
        }
    }

    /// Fills in the reciprocal norm of every candidate's patch about its mean, 0 for flat ones, and
    /// infinite distances, because no patch was measured yet.
    // Once for an image: it shall not be inlined into what runs in the fastest memory.
    #[inline(never)]
    pub(crate) fn begin(self, reciprocals: &mut [f32], distances: &mut [f32]) -> Result<(), Error> {
        let own = reciprocals.iter_mut().zip(distances);
        for (n, (reciprocal, distance)) in own.take(self.candidates.count()).enumerate() {
            let corner = self.candidates.corner(Candidate(n as u32))?;
            *reciprocal = self.statistics(corner).1;
            *distance = f32::INFINITY;
        }
        Ok(())
    }

    /// The patch of a measured point as others are compared with it. `room` holds a window.
    pub(crate) fn template(
        self,
        measured: Candidate,
        room: &mut [f32],
    ) -> Result<Template<'_>, Error> {
        let corner = self.candidates.corner(measured)?;
        let window = self.candidates.window();
        let (mean, reciprocal) = self.statistics(corner);
        let mut slots = room.iter_mut();
        for (pixel, slot) in self.rows(corner).flatten().zip(&mut slots) {
            *slot = (pixel - mean) * reciprocal;
        }
        Ok(Template {
            pixels: room.get(..window * window).unwrap_or_default(),
            textured: textured(reciprocal),
        })
    }

    /// The lesser of a candidate's squared distance so far and that to a measured patch, bit for bit as
    /// [`Self::update_nearest`] has it.
    #[inline(never)]
    pub(crate) fn nearer(
        self,
        template: Template<'_>,
        candidate: Candidate,
        (reciprocal, squared): (f32, f32),
    ) -> f32 {
        let corner = self.candidates.corner(candidate);
        corner.map_or(squared, |corner| {
            let product = self.product(template.pixels, corner.row, corner.column);
            template.nearer(product, reciprocal, squared)
        })
    }

    /// Updates the distance to the nearest measured patch for the candidates of some rows: writes
    /// into `next` the lesser of the squared distance so far and that to the patch of `measured`.
    /// Squared distances lie in 0 to 4; that of two flat patches is 0, that of a flat patch and any
    /// other is 1. `template` has room for a window.
    // Worked ahead while the beam dwells: by its own module the firmware leaves it out of the fastest
    // memory.
    #[inline(never)]
    pub(crate) fn update_nearest(
        self,
        measured: Candidate,
        rows: core::ops::Range<usize>,
        (reciprocals, template): (&[f32], &mut [f32]),
        (distances, next): (&[f32], &mut [f32]),
    ) -> Result<(), Error> {
        let columns = self.candidates.columns();
        let template = self.template(measured, template)?;
        let mut lower = |row: usize, column: usize, products: &[f32]| {
            let start = row * columns + column;
            let known = reciprocals.iter().zip(distances).skip(start);
            let own = next.iter_mut().skip(start);
            for (product, ((other, distance), next)) in products.iter().zip(known.zip(own)) {
                *next = template.nearer(*product, *other, *distance);
            }
        };
        let template = template.pixels;
        for row in rows {
            if let Some(last) = columns.checked_sub(LANES) {
                // The last block ends with the row, over the one before it.
                for column in (0..columns).step_by(LANES).map(|x| x.min(last)) {
                    lower(row, column, &self.products(template, row, column));
                }
            } else {
                for column in 0..columns {
                    lower(row, column, &[self.product(template, row, column)]);
                }
            }
        }
        Ok(())
    }

    /// Σ of the template times the window with this top-left pixel, term by term.
    fn product(self, template: &[f32], row: usize, column: usize) -> f32 {
        let window = self.rows(Pixel { row, column }).flatten();
        template
            .iter()
            .zip(window)
            .fold(0.0, |sum, (a, b)| sum + a * b)
    }

    /// [`product`](Self::product) of [`LANES`] windows next to each other, bit for bit; each pixel
    /// that it loads serves several of them.
    fn products(self, template: &[f32], row: usize, column: usize) -> [f32; LANES] {
        let (window, width) = (self.candidates.window(), self.width);
        let mut sums = [0.0_f32; LANES];
        for (row, template) in (row..).zip(template.chunks_exact(window.max(1))) {
            let start = row * width + column;
            let pixels = self.image.get(start..start + window + LANES - 1);
            let pixels = pixels.unwrap_or_default();
            let (groups, rest) = template.as_chunks::<TAPS>();
            for (group, taps) in groups.iter().enumerate() {
                let pixels = pixels.get(group * TAPS..);
                let pixels = pixels.and_then(<[f32]>::first_chunk::<{ LANES + TAPS - 1 }>);
                let Some(pixels) = pixels else { continue };
                for (shift, tap) in taps.iter().enumerate() {
                    for (lane, sum) in sums.iter_mut().enumerate() {
                        *sum += tap * pixels[shift + lane];
                    }
                }
            }
            let pixels = pixels.get(groups.len() * TAPS..).unwrap_or_default();
            for (pixels, tap) in pixels.windows(LANES).zip(rest) {
                for (sum, pixel) in sums.iter_mut().zip(pixels) {
                    *sum += tap * pixel;
                }
            }
        }
        sums
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    const SIDE: usize = 20;
    const WINDOW: usize = 5;

    fn distances(image: &[f32], measured: &[u32]) -> Vec<f32> {
        let candidates = Candidates::new(SIDE, SIDE, WINDOW).unwrap();
        let windows = Windows::new(image, candidates);
        let count = candidates.count();
        let (mut reciprocals, mut distances) = (vec![0.0; count], vec![0.0; count]);
        windows.begin(&mut reciprocals, &mut distances).unwrap();
        let mut template = [0.0; WINDOW * WINDOW];
        let mut next = vec![f32::NAN; count];
        for &n in measured {
            for rows in [0..3, 3..candidates.rows()] {
                let scratch = (&reciprocals[..], &mut template[..]);
                let to = (&distances[..], &mut next[..]);
                windows
                    .update_nearest(Candidate(n), rows, scratch, to)
                    .unwrap();
            }
            let template = windows.template(Candidate(n), &mut template).unwrap();
            for (n, next) in next.iter().enumerate() {
                let own = (reciprocals[n], distances[n]);
                let alone = windows.nearer(template, Candidate(n as u32), own);
                assert_eq!(alone.to_bits(), next.to_bits());
            }
            std::mem::swap(&mut distances, &mut next);
        }
        distances
    }

    /// z-scored patches of every candidate in f64, by the definition; flat ones are zeros.
    fn patches(image: &[f32]) -> Vec<Vec<f64>> {
        let candidates = Candidates::new(SIDE, SIDE, WINDOW).unwrap();
        let of = |n: u32| {
            let corner = candidates.corner(Candidate(n)).unwrap();
            let pixels = (0..WINDOW * WINDOW).map(|i| {
                let (row, column) = (corner.row + i / WINDOW, corner.column + i % WINDOW);
                f64::from(image[row * SIDE + column])
            });
            let pixels: Vec<f64> = pixels.collect();
            let count = pixels.len() as f64;
            let mean = pixels.iter().sum::<f64>() / count;
            let variance = pixels.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count;
            let scale = if variance > 1e-12 {
                variance.sqrt()
            } else {
                f64::INFINITY
            };
            pixels.iter().map(|x| (x - mean) / scale).collect()
        };
        (0..candidates.count() as u32).map(of).collect()
    }

    /// A textured half beside a flat one.
    fn image() -> Vec<f32> {
        let mut random = Random::new(5, 0);
        let pixel = |i| if i % SIDE < 12 { random.normal() } else { 1.7 };
        (0..SIDE * SIDE).map(pixel).collect()
    }

    #[test]
    fn distances_are_those_of_z_scored_patches() {
        let image = image();
        let patches = patches(&image);
        let measured = [3, 40, 200, 15];
        for (n, found) in distances(&image, &measured).into_iter().enumerate() {
            let mean_square = |other: &Vec<f64>| {
                let differences = patches[n].iter().zip(other).map(|(a, b)| (a - b).powi(2));
                differences.sum::<f64>() / (WINDOW * WINDOW) as f64
            };
            let nearest = measured.map(|m| mean_square(&patches[m as usize]));
            let expected = nearest.into_iter().fold(f64::INFINITY, f64::min);
            assert!(
                (f64::from(found) - expected).abs() < 2e-6,
                "candidate {n}: {found} is not {expected}"
            );
        }
    }

    /// A bright patch keeps its digits as long as it counts as textured, and is flat after that.
    #[test]
    fn the_brightest_texture_keeps_two_digits_and_brighter_ones_are_flat() {
        let image = image();
        let reference = distances(&image, &[3, 40]);
        let deviation = 1.0;
        for (offset, textured) in [(30.0, true), (100.0, true), (1e3, false), (1e4, false)] {
            let bright: Vec<f32> = image.iter().map(|x| offset + deviation * x).collect();
            // Where the window lies in the textured half.
            let texture = |n: &usize| n % (SIDE - WINDOW + 1) + WINDOW <= 12;
            let found = distances(&bright, &[3, 40]);
            for n in (0..found.len()).filter(texture) {
                let expected = if textured { reference[n] } else { 0.0 };
                let error = (found[n] - expected).abs();
                assert!(
                    error < 0.02,
                    "candidate {n} at {offset}: {} {expected}",
                    found[n]
                );
                assert!((0.0..=4.0).contains(&found[n]));
            }
        }
    }

    #[test]
    fn windows_side_by_side_change_no_bit() {
        let image = image();
        for window in [5, 8, 11] {
            let candidates = Candidates::new(SIDE, SIDE, window).unwrap();
            let windows = Windows::new(&image, candidates);
            let template: Vec<f32> = image.iter().rev().take(window * window).copied().collect();
            for column in 0..=candidates.columns() - LANES {
                let together = windows.products(&template, 2, column);
                let alone: Vec<f32> = (column..column + LANES)
                    .map(|column| windows.product(&template, 2, column))
                    .collect();
                assert_eq!(together[..], alone);
            }
        }
    }

    #[test]
    fn brightness_and_contrast_do_not_count() {
        let image = image();
        let stretched: Vec<f32> = image.iter().map(|x| 100.0 + 8.0 * x).collect();
        let pairs = distances(&image, &[0, 77])
            .into_iter()
            .zip(distances(&stretched, &[0, 77]));
        for (a, b) in pairs {
            assert!((a - b).abs() < 1e-4, "{a} {b}");
        }
    }

    #[test]
    fn nothing_measured_is_infinitely_far_and_a_measured_patch_is_at_zero() {
        let image = image();
        assert!(distances(&image, &[]).iter().all(|d| *d == f32::INFINITY));
        let near = distances(&image, &[9]);
        assert!(near[9] < 1e-6, "{}", near[9]);
    }
}
