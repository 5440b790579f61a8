//! The image as the network sees it, and the patches it is trained on.

use beacon_kernel::{Candidate, Candidates, Edges, Error};

use crate::data::Map;

/// The standardised image, with the geometry of its candidates.
///
/// Pixels without data take the mean of their neighbours, see [`Map::completed`]: the windows of
/// candidates nearby show nothing remarkable there.
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
    /// The patches are those of windows inside the image.
    ///
    /// # Errors
    /// As [`Self::with_edges`].
    pub fn new(image: &Map, window: usize) -> Result<Self, Error> {
        Self::with_edges(image, window, Edges::Inside)
    }

    /// [`Self::new`], with the patches of windows that reach beyond the image as `edges` says.
    ///
    /// # Errors
    /// [`Error::NoCandidates`] when no window of `window` pixels fits, [`Error::NotFinite`] when no
    /// pixel has data.
    pub fn with_edges(image: &Map, window: usize, edges: Edges) -> Result<Self, Error> {
        let candidates = Candidates::with_edges(image.height(), image.width(), window, edges)?;
        let image = &*image.completed();
        if let Some(index) = image.values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite {
                what: "pixel",
                index,
            });
        }
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
        let pixels: Vec<f32> = pixels
            .map(|x| ((x / largest - mean) / deviation) as f32)
            .collect();
        let extended = match edges {
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

    /// The windows by their definition: pixel by pixel, there and back again at an edge.
    #[test]
    fn with_reflection_every_pixel_has_a_patch_whose_pixels_are_those_of_the_mirrored_image() {
        let mirrored = |middle: usize, offset: usize, window: usize, length: usize| {
            let there_and_back: Vec<usize> = (0..length).chain((1..length - 1).rev()).collect();
            let period = there_and_back.len();
            there_and_back[(middle + offset + window * period - window / 2) % period]
        };
        for (height, width, window) in [(9, 13, 4), (9, 13, 5), (6, 5, 16), (1, 7, 4), (3, 2, 11)] {
            let values = (0..height * width).map(|i| f64::from((i * i % 31) as u32));
            let image = Map::uncalibrated(height, width, values.collect(), "image");
            let patches = Patches::with_edges(&image, window, Edges::Reflect).unwrap();
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
    fn a_pixel_without_data_is_completed_and_changes_nothing_but_windows_that_hold_it() {
        for edges in Edges::ALL {
            // A plane, so that the mean of the neighbours is the value that is missing.
            let values = (0..81).map(|i| f64::from(3 * (i / 9) + i % 9));
            let whole = Map::uncalibrated(9, 9, values.collect(), "plane");
            let mut image = whole.clone();
            image.values[4 * 9 + 4] = f64::NAN;
            let found = Patches::with_edges(&image, 4, edges).unwrap();
            let expected = Patches::with_edges(&whole, 4, edges).unwrap();
            assert_eq!(found.pixels(), expected.pixels());

            // What it becomes depends on its neighbours alone: others keep their values.
            let mut whole = whole;
            (image.values[0], whole.values[0]) = (40.0, 40.0);
            let found = Patches::with_edges(&image, 4, edges).unwrap();
            let expected = Patches::with_edges(&whole, 4, edges).unwrap();
            assert_eq!(found.pixels(), expected.pixels());
        }
        let nothing = Map::uncalibrated(9, 9, vec![f64::NAN; 81], "nothing");
        assert_eq!(
            Patches::new(&nothing, 4).err(),
            Some(Error::NotFinite {
                what: "pixel",
                index: 0
            })
        );
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
