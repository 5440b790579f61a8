//! The image as the network sees it, and the patches it is trained on.

use beacon_kernel::{Candidate, Candidates, Error};

use crate::data::Map;

/// The standardised image, with the geometry of its candidates.
#[derive(Clone, Debug)]
pub struct Patches {
    pixels: Vec<f32>,
    candidates: Candidates,
}

impl Patches {
    /// Standardises an image to mean 0 and standard deviation 1, a constant one to 0: networks
    /// learn several times faster from centred inputs (`LeCun` et al., "Efficient `BackProp`", 1998).
    ///
    /// # Errors
    /// [`Error::NoCandidates`] when no window of `window` pixels fits.
    pub fn new(image: &Map, window: usize) -> Result<Self, Error> {
        let candidates = Candidates::new(image.height(), image.width(), window)?;
        // Scaled to -1..1 first, so that sums and squares of any finite values are finite.
        let largest = image
            .values
            .iter()
            .fold(0.0_f64, |most, x| most.max(x.abs()));
        let largest = if largest > 0.0 { largest } else { 1.0 };
        let count = image.values.len() as f64;
        let sum = |f: &dyn Fn(f64) -> f64| image.values.iter().map(|x| f(x / largest)).sum::<f64>();
        let mean = sum(&|x| x) / count;
        let deviation = (sum(&|x| (x - mean) * (x - mean)) / count).sqrt();
        let deviation = if deviation > 1e-12 { deviation } else { 1.0 };
        let pixels = image.values.iter();
        Ok(Self {
            pixels: pixels
                .map(|x| ((x / largest - mean) / deviation) as f32)
                .collect(),
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
    fn a_patch_is_the_window_around_its_pixel_of_the_standardised_image() {
        let image = Map::uncalibrated(5, 6, (0..30).map(f64::from).collect(), "ramp");
        let patches = Patches::new(&image, 4).unwrap();
        let mut patch = Vec::new();
        // Candidate 4 of 2 x 3 has its corner at row 1, column 1.
        patches.append(Candidate(4), &mut patch).unwrap();
        assert_eq!(patch.len(), 16);
        // A uniform ramp of 30 has mean 14.5 and variance (30² - 1) / 12.
        let standard = |x: f64| (x - 14.5) / (899.0_f64 / 12.0).sqrt();
        assert!((f64::from(patch[0]) - standard(7.0)).abs() < 1e-6);
        assert!((f64::from(patch[15]) - standard(28.0)).abs() < 1e-6);
        assert!(patches.append(Candidate(6), &mut patch).is_err());
    }

    #[test]
    fn a_constant_image_is_zero_and_a_vast_one_finite() {
        let flat = Map::uncalibrated(4, 4, vec![7.0; 16], "flat");
        let patches = Patches::new(&flat, 4).unwrap();
        assert!(patches.pixels().iter().all(|&x| x == 0.0));
        let mut values = vec![0.0; 16];
        (values[0], values[1]) = (f64::MAX, f64::MIN);
        let vast = Map::uncalibrated(4, 4, values, "vast");
        let patches = Patches::new(&vast, 4).unwrap();
        assert!(patches.pixels().iter().all(|x| x.is_finite()));
    }
}
