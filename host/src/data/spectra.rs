//! A spectrum image: one spectrum, or one hysteresis loop, per pixel.

use serde::{Deserialize, Serialize};

use crate::data::Axis;

/// What the numbers of one spectrum, or of one hysteresis loop, are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Channels {
    /// The axis along a spectrum: its name and units hold always, its offset and scale only when
    /// the channels are equidistant.
    pub axis: Axis,
    /// Value of every channel in units of the axis, in the order of acquisition: not monotonic
    /// for a loop.
    pub coordinates: Vec<f64>,
    /// What is recorded, such as `X-rays`.
    pub quantity: String,
    /// Units of what is recorded; empty when unknown.
    pub units: String,
    /// Symbols of the elements whose X-ray lines are worth naming; none where there are no lines.
    pub elements: Vec<String>,
}

impl Channels {
    /// Equidistant channels.
    pub fn along(axis: Axis, quantity: &str, units: &str) -> Self {
        Self {
            coordinates: axis.values(),
            axis,
            quantity: quantity.to_owned(),
            units: units.to_owned(),
            elements: Vec::new(),
        }
    }

    /// The same with further elements whose lines are worth naming, each once.
    #[must_use]
    pub fn naming<'e>(mut self, elements: impl IntoIterator<Item = &'e str>) -> Self {
        for element in elements {
            if !self.elements.iter().any(|known| known == element) {
                self.elements.push(element.to_owned());
            }
        }
        self
    }

    /// Whether the axis is named as that of energy losses.
    pub fn is_energy_loss(&self) -> bool {
        let (name, units) = (self.axis.name.to_lowercase(), self.axis.units.trim());
        let energy = ["ev", "kev"].contains(&units.to_lowercase().as_str());
        energy && (name.contains("loss") || name == "eels")
    }

    /// Lowest and highest coordinate.
    pub fn range(&self) -> (f64, f64) {
        let all = self.coordinates.iter();
        all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &x| {
            (low.min(x), high.max(x))
        })
    }

    /// So many channels of which nothing is known but their number, from 0.
    pub fn numbered(size: usize, quantity: &str) -> Self {
        let axis = Axis {
            units: String::new(),
            ..Axis::pixels("channel", size)
        };
        Self::along(axis, quantity, "")
    }
}

/// Numbers as wide as their source needs: single precision holds every value of up to 16 bits
/// exactly and halves the memory of the usual spectrum image.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Values {
    /// From f32, and from integers of up to 16 bits.
    Single(Vec<f32>),
    /// From everything wider.
    Double(Vec<f64>),
}

impl Values {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Single(values) => values.len(),
            Self::Double(values) => values.len(),
        }
    }

    /// The values in another order: those at the given places.
    pub(crate) fn reordered(&self, places: impl Iterator<Item = usize>) -> Self {
        match self {
            Self::Single(values) => Self::Single(places.map(|place| values[place]).collect()),
            Self::Double(values) => Self::Double(places.map(|place| values[place]).collect()),
        }
    }

    pub(crate) fn into_f64(self) -> Vec<f64> {
        match self {
            Self::Single(values) => values.into_iter().map(f64::from).collect(),
            Self::Double(values) => values,
        }
    }
}

/// Spectra over the scanned area: `rows x columns` pixels in row-major order, the channel
/// fastest.
#[derive(Clone, Debug, PartialEq)]
pub struct Spectra {
    /// The slow axis of the scan, from the top down.
    pub rows: Axis,
    /// The fast axis of the scan, from left to right.
    pub columns: Axis,
    /// The axis along each spectrum: its name and units hold always, its offset and scale only
    /// when the channels are equidistant. `coordinates` holds always.
    pub channels: Axis,
    /// Value of every channel, in the units of `channels`; in the order of acquisition, so not
    /// monotonic for a voltage sweep.
    pub coordinates: Vec<f64>,
    /// What the values are, such as `X-rays` or `Piezoresponse`.
    pub quantity: String,
    /// Units of the values; empty when unknown.
    pub units: String,
    pub(crate) values: Values,
}

impl Spectra {
    /// Spectra from values in row-major pixel order, channel fastest.
    ///
    /// # Panics
    /// When the lengths of `values` and `coordinates` do not follow from the axes: a mistake of
    /// the caller.
    pub fn new(
        rows: Axis,
        columns: Axis,
        channels: Axis,
        coordinates: Vec<f64>,
        values: Vec<f32>,
    ) -> Self {
        assert_eq!(coordinates.len(), channels.size, "one coordinate a channel");
        assert_eq!(
            values.len(),
            rows.size * columns.size * channels.size,
            "spectra hold rows x columns x channels values"
        );
        Self {
            rows,
            columns,
            channels,
            coordinates,
            quantity: String::new(),
            units: String::new(),
            values: Values::Single(values),
        }
    }

    /// What lies along each spectrum, with the elements whose lines are worth naming.
    pub fn along(&self, elements: &[&str]) -> Channels {
        Channels {
            axis: self.channels.clone(),
            coordinates: self.coordinates.clone(),
            quantity: self.quantity.clone(),
            units: self.units.clone(),
            elements: elements.iter().map(|&symbol| symbol.to_owned()).collect(),
        }
    }

    /// Number of rows of pixels.
    pub fn height(&self) -> usize {
        self.rows.size
    }

    /// Number of columns of pixels.
    pub fn width(&self) -> usize {
        self.columns.size
    }

    /// Replaces the content of `spectrum` by the spectrum of a pixel, so that a loop over all
    /// pixels needs one buffer.
    ///
    /// # Panics
    /// When the pixel lies outside: a mistake of the caller.
    pub fn copy_into(&self, row: usize, column: usize, spectrum: &mut Vec<f64>) {
        assert!(
            row < self.height() && column < self.width(),
            "pixel within the scan"
        );
        let n = self.channels.size;
        let start = (row * self.width() + column) * n;
        spectrum.clear();
        match &self.values {
            Values::Single(values) => {
                spectrum.extend(values[start..start + n].iter().map(|&v| f64::from(v)));
            }
            Values::Double(values) => spectrum.extend_from_slice(&values[start..start + n]),
        }
    }

    /// The mean of every channel over the pixels that have numbers.
    pub fn mean(&self) -> Vec<f64> {
        let mut sum = vec![0.0; self.channels.size];
        let (mut spectrum, mut count) = (Vec::new(), 0_usize);
        for pixel in 0..self.height() * self.width() {
            self.copy_into(pixel / self.width(), pixel % self.width(), &mut spectrum);
            if spectrum.iter().all(|value| value.is_finite()) {
                count += 1;
                for (sum, value) in sum.iter_mut().zip(&spectrum) {
                    *sum += value;
                }
            }
        }
        sum.iter().map(|sum| sum / count.max(1) as f64).collect()
    }

    /// The same where all numbers are counts: whole, none below 0, some above 1.
    pub fn mean_of_counts(&self) -> Option<Vec<f64>> {
        let is_count = |value: f64| !value.is_finite() || value >= 0.0 && value.fract() == 0.0;
        let (counts, more) = match &self.values {
            Values::Single(values) => (
                values.iter().all(|&value| is_count(value.into())),
                values.iter().any(|&value| value > 1.0),
            ),
            Values::Double(values) => (
                values.iter().all(|&value| is_count(value)),
                values.iter().any(|&value| value > 1.0),
            ),
        };
        (counts && more).then(|| self.mean())
    }

    /// Takes the spectra of the pixels away, by their number in row-major order, that are left out.
    pub(crate) fn leave_out(&mut self, is_left_out: impl Fn(usize) -> bool) {
        let channels = self.channels.size.max(1);
        match &mut self.values {
            Values::Single(values) => {
                let pixels = values.chunks_mut(channels).enumerate();
                for (_, spectrum) in pixels.filter(|(pixel, _)| is_left_out(*pixel)) {
                    spectrum.fill(f32::NAN);
                }
            }
            Values::Double(values) => {
                let pixels = values.chunks_mut(channels).enumerate();
                for (_, spectrum) in pixels.filter(|(pixel, _)| is_left_out(*pixel)) {
                    spectrum.fill(f64::NAN);
                }
            }
        }
    }

    /// Whether every value of the spectrum at a pixel is a number.
    pub(crate) fn is_finite_at(&self, row: usize, column: usize) -> bool {
        self.at(row, column).iter().all(|value| value.is_finite())
    }

    /// The spectrum of a pixel, `channels.size` values.
    ///
    /// # Panics
    /// When the pixel lies outside: a mistake of the caller.
    pub fn at(&self, row: usize, column: usize) -> Vec<f64> {
        let mut spectrum = Vec::with_capacity(self.channels.size);
        self.copy_into(row, column, &mut spectrum);
        spectrum
    }
}
