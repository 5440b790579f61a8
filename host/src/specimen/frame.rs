//! The frame of a scan: square pixels on calibrated axes.

use super::range::{SpecimenError, check};
use crate::data::{Axis, Behaviour, Map, blur};

/// A scan over part of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) height: usize,
    pub(super) width: usize,
    /// Edge of a pixel.
    pub(super) pixel_nm: f64,
    /// Width and height of the scanned area.
    pub(super) size_nm: (f64, f64),
}

impl Frame {
    pub(super) fn new(height: usize, width: usize, field_of_view_nm: f64) -> Self {
        let pixel_nm = field_of_view_nm / width as f64;
        Self {
            height,
            width,
            pixel_nm,
            size_nm: (field_of_view_nm, pixel_nm * height as f64),
        }
    }

    /// A map with axes in nm, at the centres of the pixels.
    pub(super) fn map(self, values: Vec<f64>, quantity: &str, units: &str) -> Map {
        let axis = |name: &str, size| Axis {
            name: name.to_owned(),
            units: "nm".to_owned(),
            offset: 0.5 * self.pixel_nm,
            scale: self.pixel_nm,
            size,
        };
        Map {
            values,
            rows: axis("y", self.height),
            columns: axis("x", self.width),
            quantity: quantity.to_owned(),
            units: units.to_owned(),
        }
    }

    /// Centres (x, y) of the pixels in nm, row by row.
    pub(super) fn centres(self) -> impl Iterator<Item = (f64, f64)> {
        let at = move |i: usize| (i as f64 + 0.5) * self.pixel_nm;
        (0..self.height * self.width).map(move |i| (at(i % self.width), at(i / self.width)))
    }

    /// A value for every pixel, row by row, from the position (x, y) of its centre in nm.
    pub(super) fn each(self, mut value: impl FnMut(f64, f64) -> f64) -> Vec<f64> {
        self.centres().map(|(x, y)| value(x, y)).collect()
    }

    /// Index of a pixel, row by row.
    ///
    /// # Panics
    /// When the pixel lies outside the image: a mistake of the caller.
    pub(super) fn index(self, row: usize, column: usize) -> usize {
        let Self { height, width, .. } = self;
        assert!(
            row < height && column < width,
            "pixel ({row}, {column}) lies outside the image of {height} x {width}"
        );
        row * width + column
    }
}

/// A HAADF image in counts, without noise: scattering as a probe of the given full width at half
/// maximum sees it, in counts of the given mean. Incoherent and linear, which holds for samples
/// this thin (Pennycook 1989).
pub(super) fn haadf(frame: Frame, scattering: &[f64], probe_fwhm_nm: f64, counts: f64) -> Map {
    let mut signal = blur(scattering, frame.width, probe_fwhm_nm / frame.pixel_nm);
    let gain = counts * signal.len() as f64 / signal.iter().sum::<f64>();
    for value in &mut signal {
        *value *= gain;
    }
    frame.map(signal, "HAADF", "counts")
}

/// Checks rows, columns and field of view of a configuration; width and height of the field both
/// have the range `nm`.
pub(super) fn check_frame(
    height: usize,
    width: usize,
    field_of_view_nm: f64,
    nm: (f64, f64),
) -> Result<(), SpecimenError> {
    check("height", height as f64, 16.0, 512.0, "rows")?;
    check("width", width as f64, 16.0, 512.0, "columns")?;
    check("field_of_view_nm", field_of_view_nm, nm.0, nm.1, "nm")?;
    let (_, tall) = Frame::new(height, width, field_of_view_nm).size_nm;
    let name = "field_of_view_nm * height / width";
    check(name, tall, nm.0, nm.1, "nm")
}

/// Behaviours by their names and whether they are rare, from the number of the one that each pixel
/// shows.
pub(super) fn behaviours<'a>(
    names: impl IntoIterator<Item = (&'a str, bool)>,
    shown: &[Option<usize>],
) -> Vec<Behaviour> {
    let behaviour = |(number, (name, rare)): (usize, (&str, bool))| Behaviour {
        name: name.to_owned(),
        rare,
        pixels: shown.iter().map(|&shown| shown == Some(number)).collect(),
    };
    names.into_iter().enumerate().map(behaviour).collect()
}
