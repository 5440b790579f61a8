//! How far the sample has moved: registration of a fresh overview on the reference.

mod correlation;
#[cfg(test)]
mod tests;

use crate::data::{Map, blur};
use correlation::Correlation;

/// Displacement of a fresh image from the reference.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Shift {
    /// Pixels that the sample has moved down.
    pub rows: f64,
    /// Pixels that it has moved to the right.
    pub columns: f64,
    /// Correlation coefficient of the images where both show the same, 0 to 1.
    pub correlation: f64,
    /// How far that stands above the next likely displacement's, 0 to 1: see
    /// [`Self::is_trusted`].
    pub confidence: f64,
}

impl Shift {
    /// Confidence from which a shift is one: images of different samples stay below 0.2, and
    /// those of one sample above 0.35.
    pub const TRUSTED: f64 = 0.25;

    /// Whether the sample has moved by this. It may have moved otherwise where the images are
    /// noise, repeat themselves as a lattice does, or have too little in common because the sample
    /// has gone far.
    pub fn is_trusted(&self) -> bool {
        self.confidence >= Self::TRUSTED
    }
}

/// Why two images have no displacement.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum DriftError {
    /// Images of different shapes.
    #[error(
        "the fresh overview has {} x {} pixels; expected {} x {} as the reference has",
        fresh.0, fresh.1, reference.0, reference.1
    )]
    Shape {
        /// Rows and columns of the reference.
        reference: (usize, usize),
        /// Rows and columns of the fresh image.
        fresh: (usize, usize),
    },
    /// Images that are too small.
    #[error("the overview has {rows} x {columns} pixels; expected at least 16 x 16 to tell drift")]
    Small {
        /// Rows of both images.
        rows: usize,
        /// Columns of both images.
        columns: usize,
    },
    /// An image with a value that is no number.
    #[error(
        "the {which} overview is {value} at row {row}, column {column}; expected a finite number"
    )]
    NotFinite {
        /// `reference` or `fresh`.
        which: &'static str,
        /// What it is there.
        value: f64,
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
    },
    /// An image that shows nothing.
    #[error("the {which} overview is {value} everywhere; expected contrast to tell drift")]
    Flat {
        /// `reference` or `fresh`.
        which: &'static str,
        /// What it is.
        value: f64,
    },
}

/// Fewest rows and columns of an image that drift can be measured on.
const SMALLEST: usize = 16;

/// Tells how far the sample has moved from `reference` to `fresh`, up to about a third of the frame
/// along either axis. The standard deviation is a few hundredths of a pixel on images of 64 × 64.
///
/// Both images are reduced to their structure first: smoothed, less their local mean, over their
/// local contrast. Brightness that changed on a part of the frame, as where the beam has damaged
/// the sample, then counts little. For every shift by whole pixels the correlation coefficient is
/// taken over what both images show, so that nothing wraps around and no shift is preferred, as a
/// window would prefer small ones (Padfield, IEEE Trans. Image Process. 21, 2706, 2012, with
/// whole frames for masks). Parabolas through the highest tell fractions of a pixel.
///
/// # Errors
/// When the shapes differ, or an image is too small, flat, or holds a value that is not finite.
pub fn register(reference: &Map, fresh: &Map) -> Result<Shift, DriftError> {
    let shape = (reference.height(), reference.width());
    if (fresh.height(), fresh.width()) != shape {
        return Err(DriftError::Shape {
            reference: shape,
            fresh: (fresh.height(), fresh.width()),
        });
    }
    let (rows, columns) = shape;
    if rows.min(columns) < SMALLEST {
        return Err(DriftError::Small { rows, columns });
    }
    let of = |map, which| check(map, which).map(|()| Structure::of(map));
    let (reference, fresh) = (of(reference, "reference")?, of(fresh, "fresh")?);
    let correlation = Correlation::new(&reference.values, &fresh.values, reference.width);
    let peak = correlation.peak();
    Ok(Shift {
        rows: peak.shift.0,
        columns: peak.shift.1,
        correlation: peak.coefficient,
        confidence: peak.lead,
    })
}

/// Nothing when an image shows something.
fn check(map: &Map, which: &'static str) -> Result<(), DriftError> {
    if let Some(i) = map.values.iter().position(|value| !value.is_finite()) {
        return Err(DriftError::NotFinite {
            which,
            value: map.values[i],
            row: i / map.width(),
            column: i % map.width(),
        });
    }
    let value = map.values[0];
    if map.values.iter().all(|&other| other == value) {
        return Err(DriftError::Flat { which, value });
    }
    Ok(())
}

/// What an image shows beside its brightness, without a border of which too little is known.
struct Structure {
    values: Vec<f64>,
    width: usize,
}

impl Structure {
    fn of(map: &Map) -> Self {
        /// Share of the mean contrast that is added to the local one, so that noise on bare
        /// support stays small.
        const CONTRAST_FLOOR: f64 = 0.1;
        let (height, width) = (map.height(), map.width());
        // In pixels: 1 and 4 of 64, so that a magnified image gives the same shift.
        let wide = height.min(width) as f64 / 16.0;
        let smooth = |values: &[f64], sigma: f64| {
            let to_fwhm = (8.0 * core::f64::consts::LN_2).sqrt();
            blur(values, width, sigma * to_fwhm)
        };
        // Large offsets would leave rounding for contrast.
        let mean = map.values.iter().sum::<f64>() / map.values.len() as f64;
        let centred: Vec<f64> = map.values.iter().map(|value| value - mean).collect();
        let (fine, coarse) = (smooth(&centred, 0.25 * wide), smooth(&centred, wide));
        let detail: Vec<f64> = fine.iter().zip(coarse).map(|(a, b)| a - b).collect();
        let squares: Vec<f64> = detail.iter().map(|value| value * value).collect();
        let contrast = smooth(&squares, wide);
        let floor = CONTRAST_FLOOR * contrast.iter().sum::<f64>() / contrast.len() as f64;

        let border = wide as usize;
        let inner = |size: usize| border..size - border;
        let pixels = inner(height).flat_map(|row| inner(width).map(move |column| (row, column)));
        let values = pixels.map(|(row, column)| {
            let i = row * width + column;
            // No contrast anywhere is no structure.
            let scale = (contrast[i] + floor).sqrt().max(f64::MIN_POSITIVE);
            detail[i] / scale
        });
        Self {
            values: values.collect(),
            width: width - 2 * border,
        }
    }
}
