//! The image as the network sees it, and the patches it is trained on.

use beacon_kernel::{Candidate, Candidates, Error};

use crate::map::Map;

/// The image scaled to 0..1, with the geometry of its candidates.
#[derive(Clone, Debug)]
pub struct Patches {
    pixels: Vec<f32>,
    candidates: Candidates,
}

impl Patches {
    /// Scales an image from its smallest and largest value to 0..1; a constant one to 0.
    ///
    /// # Errors
    /// [`Error::ImageShape`] when no window of `window` pixels fits.
    pub fn new(image: &Map, window: usize) -> Result<Self, Error> {
        let candidates = Candidates::new(image.height(), image.width(), window)?;
        let low = image.values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = image
            .values
            .iter()
            .copied()
            .fold(f64::NEG_INFINITY, f64::max);
        // Halves first, so that the range of any finite values is finite.
        let range = high / 2.0 - low / 2.0;
        let scale = |x: f64| {
            if range > 0.0 {
                (x / 2.0 - low / 2.0) / range
            } else {
                0.0
            }
        };
        Ok(Self {
            pixels: image.values.iter().map(|&x| scale(x) as f32).collect(),
            candidates,
        })
    }

    /// The whole image, row-major.
    pub fn pixels(&self) -> &[f32] {
        &self.pixels
    }

    /// The geometry.
    pub fn candidates(&self) -> Candidates {
        self.candidates
    }

    /// Appends a candidate's patch, row-major, to `out`.
    ///
    /// # Errors
    /// [`Error::NoSuchCandidate`].
    pub fn append(&self, candidate: Candidate, out: &mut Vec<f32>) -> Result<(), Error> {
        let corner = self.candidates.corner(candidate)?;
        let (window, width) = (self.candidates.window(), self.candidates.width());
        for row in corner.row..corner.row + window {
            let start = row * width + corner.column;
            out.extend_from_slice(&self.pixels[start..start + window]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_the_window_around_its_pixel_of_the_scaled_image() {
        let image = Map::uncalibrated(5, 6, (0..30).map(f64::from).collect(), "ramp");
        let patches = Patches::new(&image, 4).unwrap();
        let mut patch = Vec::new();
        // Candidate 4 of 2 x 3 has its corner at row 1, column 1.
        patches.append(Candidate(4), &mut patch).unwrap();
        assert_eq!(patch.len(), 16);
        assert_eq!(patch[0], 7.0 / 29.0);
        assert_eq!(patch[15], 28.0 / 29.0);
        assert!(patches.append(Candidate(6), &mut patch).is_err());
    }

    #[test]
    fn a_constant_image_is_zero_and_a_vast_one_finite() {
        let flat = Map::uncalibrated(4, 4, vec![7.0; 16], "flat");
        assert!(
            Patches::new(&flat, 4)
                .unwrap()
                .pixels()
                .iter()
                .all(|&x| x == 0.0)
        );
        let mut values = vec![0.0; 16];
        (values[0], values[1]) = (f64::MAX, f64::MIN);
        let vast = Map::uncalibrated(4, 4, values, "vast");
        assert!(
            Patches::new(&vast, 4)
                .unwrap()
                .pixels()
                .iter()
                .all(|x| x.is_finite())
        );
    }
}
