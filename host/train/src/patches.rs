//! The image as the network sees it, and the patches it is trained on.

use beacon_kernel::{Candidate, Candidates, Edges, Error};

/// The standardised image, with the geometry of its candidates.
#[derive(Clone, Debug)]
pub struct Patches {
    pixels: Vec<f32>,
    /// As far as windows reach; empty where that is no farther than the image.
    extended: Vec<f32>,
    candidates: Candidates,
}

impl Patches {
    /// Standardises an image to mean 0 and standard deviation 1, a constant one to 0: networks
    /// learn several times faster from centred inputs (`LeCun` et al., "Efficient `BackProp`", 1998).
    ///
    /// `image` is row-major, with a number at every pixel.
    ///
    /// # Errors
    /// [`Error::ImageShape`] when the candidates are of an image with more pixels or fewer,
    /// [`Error::NotFinite`] for a pixel without a number.
    pub fn new(candidates: Candidates, image: &[f64]) -> Result<Self, Error> {
        let (height, width) = (candidates.height(), candidates.width());
        if image.len() != height * width {
            return Err(Error::ImageShape {
                height,
                width,
                pixels: image.len(),
            });
        }
        if let Some(index) = image.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                what: "pixel",
                index,
            });
        }
        // Scaled to -1..1 first, so that sums and squares of any finite values are finite.
        let largest = image.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let largest = if largest > 0.0 { largest } else { 1.0 };
        let count = image.len() as f64;
        let sum = |f: &dyn Fn(f64) -> f64| image.iter().map(|x| f(x / largest)).sum::<f64>();
        let mean = sum(&|x| x) / count;
        let deviation = (sum(&|x| (x - mean) * (x - mean)) / count).sqrt();
        let deviation = if deviation > 1e-12 { deviation } else { 1.0 };
        let pixels = image.iter();
        let pixels: Vec<f32> = pixels
            .map(|x| ((x / largest - mean) / deviation) as f32)
            .collect();
        let extended = match candidates.edges() {
            Edges::Inside => Vec::new(),
            Edges::Reflect => {
                let (height, width) = (candidates.extended_height(), candidates.extended_width());
                let mut extended = vec![0.0; height * width];
                candidates.extend(&pixels, &mut extended);
                extended
            }
        };
        Ok(Self {
            pixels,
            extended,
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
        let (window, width) = (self.candidates.window(), self.candidates.extended_width());
        let extended = match self.candidates.edges() {
            Edges::Inside => &self.pixels,
            Edges::Reflect => &self.extended,
        };
        for row in corner.row..corner.row + window {
            let start = row * width + corner.column;
            out.extend_from_slice(&extended[start..start + window]);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_patch_is_the_window_around_its_pixel_of_the_standardised_image() {
        let ramp: Vec<f64> = (0..30).map(f64::from).collect();
        let candidates = Candidates::new(5, 6, 4).unwrap();
        let patches = Patches::new(candidates, &ramp).unwrap();
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

    /// The windows by their definition: pixel by pixel, there and back again at an edge.
    #[test]
    fn with_reflection_every_pixel_has_a_patch_whose_pixels_are_those_of_the_mirrored_image() {
        let mirrored = |middle: usize, offset: usize, window: usize, length: usize| {
            let there_and_back: Vec<usize> = (0..length).chain((1..length - 1).rev()).collect();
            let period = there_and_back.len();
            there_and_back[(middle + offset + window * period - window / 2) % period]
        };
        for (height, width, window) in [(9, 13, 4), (9, 13, 5), (6, 5, 16), (1, 7, 4), (3, 2, 11)] {
            let pixel = |i: usize| f64::from((i * i % 31) as u32);
            let image: Vec<f64> = (0..height * width).map(pixel).collect();
            let candidates = Candidates::with_edges(height, width, window, Edges::Reflect);
            let patches = Patches::new(candidates.unwrap(), &image).unwrap();
            assert_eq!(patches.candidates().count(), height * width);
            for n in 0..height * width {
                let mut patch = Vec::new();
                patches.append(Candidate(n as u32), &mut patch).unwrap();
                assert_eq!(patch.len(), window * window);
                for (place, value) in patch.iter().enumerate() {
                    let row = mirrored(n / width, place / window, window, height);
                    let column = mirrored(n % width, place % window, window, width);
                    let expected = patches.pixels()[row * width + column];
                    assert_eq!(value.to_bits(), expected.to_bits());
                }
            }
        }
    }

    #[test]
    fn a_constant_image_is_zero_and_a_vast_one_finite() {
        let candidates = Candidates::new(4, 4, 4).unwrap();
        let patches = Patches::new(candidates, &[7.0; 16]).unwrap();
        assert!(patches.pixels().iter().all(|&x| x == 0.0));
        let mut vast = [0.0; 16];
        (vast[0], vast[1]) = (f64::MAX, f64::MIN);
        let patches = Patches::new(candidates, &vast).unwrap();
        assert!(patches.pixels().iter().all(|x| x.is_finite()));
    }

    #[test]
    fn an_image_of_another_shape_or_without_a_number_is_refused() {
        let candidates = Candidates::new(4, 5, 4).unwrap();
        let refused = |image: &[f64]| Patches::new(candidates, image).err();
        for pixels in [0, 16, 19, 21] {
            let (height, width) = (4, 5);
            let expected = Error::ImageShape {
                height,
                width,
                pixels,
            };
            assert_eq!(refused(&vec![1.0; pixels]), Some(expected));
        }
        for number in [f64::NAN, f64::INFINITY] {
            let mut image = [1.0; 20];
            image[7] = number;
            let (what, index) = ("pixel", 7);
            assert_eq!(refused(&image), Some(Error::NotFinite { what, index }));
        }
    }
}
