//! Sums over windows of channels, with and without background.

use super::ScalarizerError;
use crate::axis::Axis;
use crate::lines::Line;

/// Channels within a closed range of coordinates.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    channels: Vec<usize>,
    /// Mean coordinate of the channels.
    centre: f64,
}

impl Window {
    /// The channels whose coordinates lie within `low..=high`; the axis names the units, and
    /// without them the bounds are channel numbers.
    ///
    /// # Errors
    /// When the range lies outside the axis or between two channels.
    pub(super) fn new(
        scalarizer: &str,
        (low, high): (f64, f64),
        coordinates: &[f64],
        axis: &Axis,
    ) -> Result<Self, ScalarizerError> {
        let channels: Vec<usize> = coordinates
            .iter()
            .enumerate()
            .filter(|(_, value)| (low..=high).contains(*value))
            .map(|(i, _)| i)
            .collect();
        if channels.is_empty() {
            let window = text(low, high, axis);
            let (first, last) = range(coordinates);
            return Err(if low > last || high < first {
                outside(scalarizer, (low, high), coordinates, axis)
            } else {
                ScalarizerError::Empty {
                    scalarizer: scalarizer.to_owned(),
                    window: window + note(coordinates, axis),
                    step: format!("{} {}", short(widest_step(coordinates)), axis.units)
                        .trim_end()
                        .to_owned(),
                }
            });
        }
        let sum: f64 = channels.iter().map(|&i| coordinates[i]).sum();
        let centre = sum / channels.len() as f64;
        Ok(Self { channels, centre })
    }

    /// Sum over the channels.
    pub(super) fn sum(&self, spectrum: &[f64]) -> f64 {
        self.channels.iter().map(|&i| spectrum[i]).sum()
    }

    fn mean(&self, spectrum: &[f64]) -> f64 {
        self.sum(spectrum) / self.channels.len() as f64
    }
}

/// The window of a characteristic line and two windows of background beside it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Peak {
    line: Window,
    below: Window,
    above: Window,
}

impl Peak {
    /// The windows of a line on an energy axis in keV or eV: E ± 1 FWHM holds 98 % of a
    /// Gaussian peak; the background is taken from 1.5 to 2.5 FWHM on either side, where 0.04 %
    /// of it is left.
    ///
    /// # Errors
    /// When the axis is no energy or does not cover all three windows.
    pub(super) fn new(
        scalarizer: &str,
        line: &Line,
        coordinates: &[f64],
        axis: &Axis,
    ) -> Result<Self, ScalarizerError> {
        let per_kev = match axis.units.trim().to_lowercase().as_str() {
            "kev" => 1.0,
            "ev" => 1e3,
            _ => {
                return Err(ScalarizerError::NotEnergy {
                    scalarizer: scalarizer.to_owned(),
                    axis: axis.name.clone(),
                    units: axis.units.clone(),
                });
            }
        };
        let energy = line.energy_kev * per_kev;
        let fwhm = fwhm_kev(line.energy_kev) * per_kev;
        let needed = (energy - 2.5 * fwhm, energy + 2.5 * fwhm);
        let (first, last) = range(coordinates);
        if !(needed.0 >= first && needed.1 <= last) {
            return Err(outside(scalarizer, needed, coordinates, axis));
        }
        let window = |from: f64, to: f64| {
            let bounds = (energy + from * fwhm, energy + to * fwhm);
            Window::new(scalarizer, bounds, coordinates, axis)
        };
        Ok(Self {
            line: window(-1.0, 1.0)?,
            below: window(-2.5, -1.5)?,
            above: window(1.5, 2.5)?,
        })
    }

    /// Counts in the line above a background that runs straight between the side windows.
    pub(super) fn net(&self, spectrum: &[f64]) -> f64 {
        let (below, above) = (self.below.mean(spectrum), self.above.mean(spectrum));
        let share =
            (self.line.centre - self.below.centre) / (self.above.centre - self.below.centre);
        let background = below + (above - below) * share;
        self.line.sum(spectrum) - self.line.channels.len() as f64 * background
    }
}

/// Full width at half maximum of a line in a silicon detector that has 130 eV at Mn Kα, in keV:
/// FWHM² = (130 eV)² + 2.5 eV (E − 5898.75 eV), where 2.5 eV = 8 ln 2 × Fano factor × energy
/// per electron-hole pair (Fiori & Newbury, SEM 1978/I, 401).
pub(super) fn fwhm_kev(energy_kev: f64) -> f64 {
    (0.130_f64.powi(2) + 2.5e-3 * (energy_kev - 5.898_75)).sqrt()
}

fn range(coordinates: &[f64]) -> (f64, f64) {
    let least = coordinates.iter().copied().fold(f64::INFINITY, f64::min);
    let most = coordinates
        .iter()
        .copied()
        .fold(f64::NEG_INFINITY, f64::max);
    (least, most)
}

fn widest_step(coordinates: &[f64]) -> f64 {
    let steps = coordinates.windows(2).map(|pair| (pair[1] - pair[0]).abs());
    steps.fold(0.0, f64::max)
}

fn outside(
    scalarizer: &str,
    (low, high): (f64, f64),
    coordinates: &[f64],
    axis: &Axis,
) -> ScalarizerError {
    let (first, last) = range(coordinates);
    ScalarizerError::OutsideAxis {
        scalarizer: scalarizer.to_owned(),
        needed: text(low, high, axis),
        axis: axis.name.clone(),
        range: text(first, last, axis) + note(coordinates, axis),
    }
}

/// What the numbers of an axis are, where nobody chose them.
fn note(coordinates: &[f64], axis: &Axis) -> &'static str {
    if super::is_numbered(coordinates, axis) {
        " (channel numbers: the file gives no axis)"
    } else {
        ""
    }
}

fn text(low: f64, high: f64, axis: &Axis) -> String {
    format!("{}..{} {}", short(low), short(high), axis.units)
        .trim_end()
        .to_owned()
}

/// A number for a message: enough digits to act on, none that drown it.
fn short(value: f64) -> String {
    let rounded = (value * 1e4).round() / 1e4;
    if rounded == 0.0 || !rounded.is_finite() {
        value.to_string()
    } else {
        rounded.to_string()
    }
}
