//! Reduces a spectrum or a hysteresis loop to the one number that is sought.
//!
//! ```
//! use beacon_host::scalarizer::Scalarizer;
//!
//! let scalarizer: Scalarizer = "window:2.7..3".parse().unwrap();
//! assert_eq!(scalarizer.to_string(), "window:2.7..3");
//! assert!("peak".parse::<Scalarizer>().is_err());
//! ```

mod error;
mod hysteresis;
mod window;

use std::fmt;
use std::str::FromStr;

pub use error::ScalarizerError;

use crate::axis::Axis;
use crate::lines::{self, Line};
use crate::map::Map;
use crate::spectra::Spectra;
use hysteresis::Loop;
use window::{Peak, Window};

/// How a spectrum becomes a number. Written as in the table; parsing and printing agree.
///
/// | text | value |
/// |---|---|
/// | `sum` | sum over all channels |
/// | `window:LO..HI` | sum over the channels with coordinates in `LO..=HI`, in units of the axis |
/// | `line:Pd-La` | counts within ±1 FWHM of the line, less a linear background |
/// | `loop-height` | remanent response: distance between the branches of a loop near zero bias |
/// | `loop-area` | area of the closed polygon of bias and response |
///
/// Where the file gives no axis, as in `.npy` and `.npz`, the bounds of a window are channel
/// numbers from 0, and there is no bias for a loop.
#[derive(Clone, Debug, PartialEq)]
pub enum Scalarizer {
    /// Sum over all channels, in units of the spectrum.
    Sum,
    /// Sum over a closed range of coordinates.
    Window {
        /// Lowest coordinate, in units of the axis.
        low: f64,
        /// Highest coordinate, in units of the axis.
        high: f64,
    },
    /// Net counts of a characteristic X-ray line, for a silicon detector of 130 eV at Mn Kα;
    /// may be negative where noise exceeds the line.
    Line(&'static Line),
    /// Height of a hysteresis loop, in units of the response; never negative.
    LoopHeight,
    /// Area of a hysteresis loop, in units of bias times response; never negative.
    LoopArea,
}

impl Scalarizer {
    /// Reduces one spectrum with the given coordinate for each channel; `axis` supplies name
    /// and units.
    ///
    /// # Errors
    /// When the lengths differ, or the axis does not suit the scalarizer.
    pub fn reduce(
        &self,
        spectrum: &[f64],
        coordinates: &[f64],
        axis: &Axis,
    ) -> Result<f64, ScalarizerError> {
        if spectrum.len() != coordinates.len() {
            return Err(ScalarizerError::Length {
                found: spectrum.len(),
                expected: coordinates.len(),
            });
        }
        Ok(self.prepare(coordinates, axis)?.reduce(spectrum))
    }

    /// Reduces the spectrum of every pixel; the map keeps the axes of the scan and is named
    /// after the scalarizer. NaN in a spectrum gives NaN in the map.
    ///
    /// # Errors
    /// When the axis does not suit the scalarizer.
    pub fn map(&self, spectra: &Spectra) -> Result<Map, ScalarizerError> {
        let prepared = self.prepare(&spectra.coordinates, &spectra.channels)?;
        let mut spectrum = Vec::with_capacity(spectra.coordinates.len());
        let mut values = Vec::with_capacity(spectra.height() * spectra.width());
        for row in 0..spectra.height() {
            for column in 0..spectra.width() {
                spectra.copy_into(row, column, &mut spectrum);
                values.push(prepared.reduce(&spectrum));
            }
        }
        Ok(Map {
            values,
            rows: spectra.rows.clone(),
            columns: spectra.columns.clone(),
            quantity: self.to_string(),
            units: self.units(&spectra.channels.units, &spectra.units),
        })
    }

    /// Units of the number for spectra of the given units of channels and values.
    pub fn units(&self, channels: &str, values: &str) -> String {
        match self {
            Self::LoopArea => format!("{channels} {values}").trim().to_owned(),
            _ => values.to_owned(),
        }
    }

    fn prepare<'a>(
        &self,
        coordinates: &'a [f64],
        axis: &Axis,
    ) -> Result<Prepared<'a>, ScalarizerError> {
        let name = self.to_string();
        Ok(match self {
            Self::Sum => Prepared::Sum,
            Self::Window { low, high } => {
                Prepared::Window(Window::new(&name, (*low, *high), coordinates, axis)?)
            }
            Self::Line(line) => Prepared::Peak(Peak::new(&name, line, coordinates, axis)?),
            Self::LoopHeight => Prepared::Height(Loop::new(&name, coordinates, axis)?),
            Self::LoopArea => {
                Loop::new(&name, coordinates, axis)?;
                Prepared::Area(coordinates)
            }
        })
    }
}

impl serde::Serialize for Scalarizer {
    /// As text, in the form that parses back.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Scalarizer {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Whether the channels are only numbered, because the file gives no axis.
fn is_numbered(coordinates: &[f64], axis: &Axis) -> bool {
    let mut numbered = coordinates.iter().zip(0_u32..);
    axis.units.is_empty() && numbered.all(|(&value, i)| value == f64::from(i))
}

/// A scalarizer resolved on one axis, so that a map looks its channels up once.
enum Prepared<'a> {
    Sum,
    Window(Window),
    Peak(Peak),
    Height(Loop),
    /// Bias of every point.
    Area(&'a [f64]),
}

impl Prepared<'_> {
    fn reduce(&self, spectrum: &[f64]) -> f64 {
        match self {
            Self::Sum => spectrum.iter().sum(),
            Self::Window(window) => window.sum(spectrum),
            Self::Peak(peak) => peak.net(spectrum),
            Self::Height(branches) => branches.height(spectrum),
            Self::Area(bias) => hysteresis::area(bias, spectrum),
        }
    }
}

impl FromStr for Scalarizer {
    type Err = ScalarizerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        match text.split_once(':') {
            None => match text {
                "sum" => Ok(Self::Sum),
                "loop-height" => Ok(Self::LoopHeight),
                "loop-area" => Ok(Self::LoopArea),
                _ => Err(ScalarizerError::Unknown {
                    text: text.to_owned(),
                }),
            },
            Some(("line", name)) => Ok(Self::Line(lines::line(name)?)),
            Some(("window", bounds)) => {
                let number = |text: &str| text.trim().parse::<f64>().ok().filter(|v| v.is_finite());
                let (low, high) = bounds.split_once("..").unwrap_or_default();
                match (number(low), number(high)) {
                    (Some(low), Some(high)) if low < high => Ok(Self::Window { low, high }),
                    _ => Err(ScalarizerError::Bounds {
                        text: text.to_owned(),
                    }),
                }
            }
            Some(_) => Err(ScalarizerError::Unknown {
                text: text.to_owned(),
            }),
        }
    }
}

impl fmt::Display for Scalarizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum => f.write_str("sum"),
            Self::Window { low, high } => write!(f, "window:{low}..{high}"),
            Self::Line(line) => write!(f, "line:{line}"),
            Self::LoopHeight => f.write_str("loop-height"),
            Self::LoopArea => f.write_str("loop-area"),
        }
    }
}

#[cfg(test)]
mod tests;
