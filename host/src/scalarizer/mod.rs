//! Reduces a spectrum or a hysteresis loop to the one number that is sought.
//!
//! ```
//! use beacon_host::scalarizer::Scalarizer;
//!
//! let scalarizer: Scalarizer = "window:2.7..3".parse().unwrap();
//! assert_eq!(scalarizer.to_string(), "window:2.7..3");
//! assert!("peak".parse::<Scalarizer>().is_err());
//! ```

mod background;
mod component;
mod edge;
mod error;
mod grammar;
mod hysteresis;
mod line_set;
mod nucleation;
mod plasmon;
mod ruler;
mod window;

use beacon_kernel::link::scalarizer as kernel;

pub use background::Background;
pub use component::{Component, ComponentsTarget, MOST_COMPONENTS};
pub(crate) use component::{sum_of_products, weighted_units};
pub use error::{LineOutsideAxis, ScalarizerError};
pub use line_set::LineSet;

use std::borrow::Cow;
use std::sync::Arc;

use crate::data::{Axis, Map, Spectra};
use crate::units::AxisUnit;
use background::SignalRange;
use edge::Edge;
use hysteresis::LoopBranches;
use nucleation::Branch;
use plasmon::PeakSearch;
use ruler::Ruler;
use window::{Net, Window};

/// How a spectrum becomes a number. Written as in the table; parsing and printing agree.
///
/// | text | value |
/// |---|---|
/// | `sum` | sum over all channels |
/// | `window:LO..HI` | sum over the channels with coordinates in `LO..=HI`, in units of the axis |
/// | `line:Pd-La` | counts within ±1 FWHM of the line, less a linear background from both sides |
/// | `line:Pd-La+Pd-Lb1` | the same of several lines; overlapping windows count once |
/// | `lines:Pd` | the same of all lines of the element that lie on the axis |
/// | `eels:LO..HI` | counts of an energy-loss edge above a power law fitted before it |
/// | `eels:LO..HI,LO..HI` | the same, fitted in the second window |
/// | `plasmon-energy:LO..HI` | where the highest peak of the range lies, between channels |
/// | `plasmon-height:LO..HI` | how high it is |
/// | `loop-height` | remanent response: distance between the branches of a loop near zero bias |
/// | `loop-area` | area of the closed polygon of bias and response |
/// | `nucleation-positive` | bias at which the branch of rising bias begins to switch |
/// | `nucleation-negative` | bias at which the branch of falling bias begins to switch |
/// | `component:K/N` | component K of the first N of the spectra measured so far: see [`ComponentsTarget`] |
///
/// Windows and lines may say which background they are counted above: `@none`, `@linear` (a
/// straight line through the ends of the window itself) or `@two-window` (a straight line through
/// windows on both sides), as in `line:Pd-La@none`. Windows have none otherwise, lines that of
/// two windows.
///
/// Bounds may have a unit of their own, as in `window:2.7keV..3keV` or `window:2.7..3keV`: they are
/// converted to those of the axis.
///
/// Where the file gives no axis, as in `.npy` and `.npz`, the bounds of a window are channel
/// numbers from 0, there is no bias for a loop, and no energy for a line or an edge. Energies of
/// lines and their weights are those of `crate::lines`.
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
        /// What is subtracted.
        background: Background,
    },
    /// Net counts of characteristic X-ray lines, for a silicon detector of 130 eV at Mn Kα;
    /// may be negative where noise exceeds the lines.
    Lines {
        /// Which lines.
        lines: LineSet,
        /// What is subtracted.
        background: Background,
    },
    /// Counts of an ionisation edge above a power law; may be negative.
    Edge {
        /// Lowest and highest energy that are summed, in units of the axis.
        signal: (f64, f64),
        /// Lowest and highest energy of the fit, in units of the axis; `None` for 0.85 to 0.97
        /// of the energy at which the signal begins.
        fit: Option<(f64, f64)>,
    },
    /// Position of the highest peak of a range, in units of the axis.
    PlasmonEnergy {
        /// Lowest coordinate, in units of the axis.
        low: f64,
        /// Highest coordinate, in units of the axis.
        high: f64,
    },
    /// Height of the highest peak of a range, in units of the spectrum.
    PlasmonHeight {
        /// Lowest coordinate, in units of the axis.
        low: f64,
        /// Highest coordinate, in units of the axis.
        high: f64,
    },
    /// Height of a hysteresis loop, in units of the response; never negative.
    LoopHeight,
    /// Area of a hysteresis loop, in units of bias times response; never negative.
    LoopArea,
    /// Bias at which a hysteresis loop begins to switch while the bias rises: where it has gone
    /// a tenth of the way from its level before to that after.
    NucleationPositive,
    /// The same while the bias falls.
    NucleationNegative,
    /// A component of the spectra measured so far, in units of the spectrum or, of counts, of their root.
    Component(Component),
    /// A scalarizer whose bounds are in this unit, whatever those of the axis are.
    InUnit {
        /// The unit.
        unit: AxisUnit,
        /// The scalarizer, with bounds in that unit.
        of: Box<Self>,
    },
}

/// The parts of an axis that a scalarizer looks at, as lowest and highest coordinate.
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
pub struct Windows {
    /// What is summed, or searched for a peak.
    pub signal: Vec<(f64, f64)>,
    /// Where the background under it is measured.
    pub background: Vec<(f64, f64)>,
}

impl Scalarizer {
    /// The parts of an axis that the scalarizer looks at, in units of the axis; `None` where that is all of
    /// it, or it does not suit.
    pub fn windows(&self, coordinates: &[f64], axis: &Axis) -> Option<Windows> {
        let ruler = &Ruler::new(self.to_string(), coordinates, axis);
        Some(match self.on(axis).ok()?.as_ref() {
            &Self::Window {
                low,
                high,
                background,
            } => background::windows(vec![SignalRange::beside((low, high))], background),
            Self::Lines { lines, background } => {
                let signal_ranges = lines.signal_ranges(*background, ruler).ok()?;
                background::windows(signal_ranges, *background)
            }
            &Self::Edge { signal, fit } => Windows {
                signal: vec![signal],
                background: vec![fit.unwrap_or_else(|| edge::default_fit(signal.0))],
            },
            &Self::PlasmonEnergy { low, high } | &Self::PlasmonHeight { low, high } => Windows {
                signal: vec![(low, high)],
                background: Vec::new(),
            },
            _ => return None,
        })
    }

    /// Whether it looks for what an energy-loss spectrum has.
    pub fn is_of_losses(&self) -> bool {
        match self {
            Self::Edge { .. } | Self::PlasmonEnergy { .. } | Self::PlasmonHeight { .. } => true,
            Self::InUnit { of, .. } => of.is_of_losses(),
            _ => false,
        }
    }

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

    /// [`Self::reduce`] of one spectrum after the other, as many channels each as there are coordinates.
    ///
    /// # Errors
    /// When the axis does not suit the scalarizer.
    pub(crate) fn reduce_each(
        &self,
        spectra: impl Iterator<Item = Vec<f64>>,
        coordinates: &[f64],
        axis: &Axis,
    ) -> Result<Vec<f64>, ScalarizerError> {
        let prepared = self.prepare(coordinates, axis)?;
        Ok(spectra.map(|spectrum| prepared.reduce(&spectrum)).collect())
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

    /// The same scalarizer as the kernel has it, so that a controller reduces spectra by itself,
    /// to the same bits for spectra of values that f32 holds. `None` where it has no such form:
    /// where a window is not one run of channels, where a background would be straight in the
    /// coordinates but not in the channel numbers, and for all that is no sum over a window; and
    /// where the axis does not suit.
    pub fn on_controller(&self, coordinates: &[f64], axis: &Axis) -> Option<kernel::Scalarizer> {
        match self.prepare(coordinates, axis) {
            Ok(Prepared::Nets(nets)) => match nets.as_slice() {
                [net] => net.on_controller(),
                _ => None,
            },
            _ => None,
        }
    }

    /// Symbols of the elements whose lines are counted, each once.
    pub fn elements(&self) -> Vec<&'static str> {
        match self {
            Self::Lines { lines, .. } => lines.elements(),
            _ => Vec::new(),
        }
    }

    /// Whether the number grows with the time that a spectrum is counted for.
    pub fn grows_with_dwell(&self) -> bool {
        match self {
            Self::Sum
            | Self::Window { .. }
            | Self::Lines { .. }
            | Self::Edge { .. }
            | Self::PlasmonHeight { .. }
            | Self::Component(_) => true,
            Self::PlasmonEnergy { .. }
            | Self::LoopHeight
            | Self::LoopArea
            | Self::NucleationPositive
            | Self::NucleationNegative => false,
            Self::InUnit { of, .. } => of.grows_with_dwell(),
        }
    }

    /// What a person should know of a window that the axis cuts, or whose bounds are no channel numbers where
    /// there is no axis; `None` where all is well.
    pub fn cut(&self, coordinates: &[f64], axis: &Axis) -> Option<String> {
        let in_axis_units = self.on(axis).ok()?;
        let &Self::Window { low, high, .. } = in_axis_units.as_ref() else {
            return None;
        };
        let ruler = Ruler::new(self.to_string(), coordinates, axis);
        if coordinates.len() > 1 && ruler.is_numbered() && (low.fract(), high.fract()) != (0.0, 0.0)
        {
            return Some(format!(
                "`{self}`: the file gives no axis, so that {low}..{high} are channel numbers, from 0"
            ));
        }
        (!coordinates.is_empty() && !ruler.covers((low, high))).then(|| {
            format!(
                "`{self}` is cut: axis `{}` runs over {}",
                axis.name,
                ruler.range_text()
            )
        })
    }

    /// The variance that counting gives the number on average: `None` where the spectra are no counts, or
    /// the number is no weighted sum of them.
    pub fn counting_variance(&self, spectra: &Spectra) -> Option<f64> {
        let prepared = self.prepare(&spectra.coordinates, &spectra.channels).ok()?;
        let Prepared::Nets(_) = &prepared else {
            return None;
        };
        let mean = spectra.mean_of_counts()?;
        let mut spectrum = vec![0.0; mean.len()];
        let mut variance = 0.0;
        for (channel, counts) in mean.into_iter().enumerate() {
            spectrum[channel] = 1.0;
            variance += prepared.reduce(&spectrum).powi(2) * counts;
            spectrum[channel] = 0.0;
        }
        Some(variance)
    }

    /// What a person should know of a sum of which the peak at zero energy is most: it tells of the
    /// thickness, or of the detector, and of nothing else.
    pub fn zero_peak(&self, spectra: &Spectra) -> Option<String> {
        let energies = (
            spectra.coordinates.as_slice(),
            spectra.channels.units.as_str(),
        );
        self.zero_peak_in(energies, || spectra.mean())
    }

    /// The same of one spectrum, or of the sum of several, over these energies and their units.
    pub(crate) fn zero_peak_in(
        &self,
        (energies, units): (&[f64], &str),
        spectrum: impl FnOnce() -> Vec<f64>,
    ) -> Option<String> {
        /// The share of a sum from which on it is dominated.
        const DOMINATED: f64 = 0.5;
        let within = |energy: f64| match *self {
            Self::Sum => true,
            Self::Window { low, high, .. } => (low..=high).contains(&energy),
            _ => false,
        };
        let half = half_of_zero_peak(energies, units)?;
        if !within(0.0) {
            return None;
        }
        let spectrum = spectrum();
        let sum = |from: &dyn Fn(f64) -> bool| {
            let channels = energies.iter().zip(&spectrum);
            let taken = channels.filter(|(energy, _)| within(**energy) && from(**energy));
            taken.map(|(_, counts)| *counts).sum::<f64>()
        };
        let share = sum(&|energy| energy.abs() <= half) / sum(&|_| true);
        (share > DOMINATED).then(|| {
            format!(
                "{:.0} % of `{self}` is the peak at zero energy; window:LO..HI with LO above {} {} leaves it \
                 out",
                100.0 * share,
                half,
                units
            )
        })
    }

    /// Whether it makes a number of a spectrum: a component has to be learnt from spectra first.
    pub fn is_learnt(&self) -> bool {
        !matches!(self, Self::Component(component) if component.weights().is_none())
    }

    /// Units of the number for spectra of the given units of channels and values.
    pub fn units(&self, channels: &str, values: &str) -> String {
        match self {
            Self::InUnit { of, .. } => of.units(channels, values),
            Self::Component(component) => component.units(values),
            Self::LoopArea => format!("{channels} {values}").trim().to_owned(),
            Self::PlasmonEnergy { .. } | Self::NucleationPositive | Self::NucleationNegative => {
                channels.to_owned()
            }
            _ => values.to_owned(),
        }
    }

    /// The scalarizer with its bounds in units of an axis.
    ///
    /// # Errors
    /// When the axis is of another kind than the unit of the bounds.
    fn on(&self, axis: &Axis) -> Result<Cow<'_, Self>, ScalarizerError> {
        let Self::InUnit { unit, of } = self else {
            return Ok(Cow::Borrowed(self));
        };
        let bound = |bound: f64| {
            let on_axis = unit.on_axis(bound, &axis.units);
            on_axis.ok_or_else(|| ScalarizerError::OtherUnit {
                scalarizer: self.to_string(),
                unit: unit.name(),
                axis: axis.name.clone(),
                units: axis.units.clone(),
            })
        };
        let both = |(low, high): (f64, f64)| -> Result<(f64, f64), ScalarizerError> {
            Ok((bound(low)?, bound(high)?))
        };
        Ok(Cow::Owned(match of.as_ref() {
            &Self::Window {
                low,
                high,
                background,
            } => Self::Window {
                low: bound(low)?,
                high: bound(high)?,
                background,
            },
            &Self::Edge { signal, fit } => Self::Edge {
                signal: both(signal)?,
                fit: fit.map(both).transpose()?,
            },
            &Self::PlasmonEnergy { low, high } => Self::PlasmonEnergy {
                low: bound(low)?,
                high: bound(high)?,
            },
            &Self::PlasmonHeight { low, high } => Self::PlasmonHeight {
                low: bound(low)?,
                high: bound(high)?,
            },
            other => other.clone(),
        }))
    }

    fn prepare<'a>(
        &self,
        coordinates: &'a [f64],
        axis: &'a Axis,
    ) -> Result<Prepared<'a>, ScalarizerError> {
        let ruler = &Ruler::new(self.to_string(), coordinates, axis);
        let in_axis_units = self.on(axis)?;
        let scalarizer = in_axis_units.as_ref();
        Ok(match scalarizer {
            // Bounds have one unit.
            Self::InUnit { of, .. } => return of.prepare(coordinates, axis),
            Self::Sum => Prepared::Nets(vec![Net::whole(Window::all(ruler), ruler)]),
            &Self::Window {
                low,
                high,
                background,
            } => {
                let signal_range = SignalRange::beside((low, high));
                if background == Background::TwoWindow {
                    ruler.require(signal_range.needed(background))?;
                }
                Prepared::Nets(background::union(vec![signal_range], background, ruler)?)
            }
            Self::Lines { lines, background } => {
                let signal_ranges = lines.signal_ranges(*background, ruler)?;
                Prepared::Nets(background::union(signal_ranges, *background, ruler)?)
            }
            &Self::Edge { signal, fit } => {
                let fit = fit.unwrap_or_else(|| edge::default_fit(signal.0));
                Prepared::Edge(Edge::new(signal, fit, ruler)?)
            }
            &Self::PlasmonEnergy { low, high } => {
                Prepared::PeakPosition(PeakSearch::new((low, high), ruler)?)
            }
            &Self::PlasmonHeight { low, high } => {
                Prepared::PeakHeight(PeakSearch::new((low, high), ruler)?)
            }
            Self::LoopHeight => Prepared::LoopHeight(LoopBranches::new(ruler)?),
            Self::LoopArea => {
                LoopBranches::new(ruler)?;
                Prepared::LoopArea(coordinates)
            }
            Self::NucleationPositive | Self::NucleationNegative => {
                LoopBranches::new(ruler)?;
                let positive = *scalarizer == Self::NucleationPositive;
                Prepared::Nucleation(Branch::new(positive, ruler)?)
            }
            Self::Component(component) => Prepared::Component(component.on(coordinates.len())?),
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

/// Half the width of the peak at zero energy, in the units of the axis: that of a loss, or that of a detector
/// of X-rays. `None` where the axis is no energy, or does not reach down to zero.
pub(crate) fn half_of_zero_peak(energies: &[f64], units: &str) -> Option<f64> {
    let ev = match units.trim().to_lowercase().as_str() {
        "ev" => 1.0,
        "kev" => 1e-3,
        _ => return None,
    };
    if !energies.iter().any(|&energy| energy <= 0.0) {
        return None;
    }
    Some(if energies.iter().any(|&energy| energy >= 5000.0 * ev) {
        150.0 * ev
    } else {
        3.0 * ev
    })
}

/// A scalarizer resolved on one axis, so that a map looks its channels up once.
enum Prepared<'a> {
    /// Windows of which no channel is in two.
    Nets(Vec<Net>),
    Edge(Edge),
    PeakPosition(PeakSearch<'a>),
    PeakHeight(PeakSearch<'a>),
    LoopHeight(LoopBranches),
    /// Bias of every point.
    LoopArea(&'a [f64]),
    Nucleation(Branch),
    /// What each channel counts; `None` where that is not learnt yet, which makes no number.
    Component(Option<Arc<[f64]>>),
}

impl Prepared<'_> {
    fn reduce(&self, spectrum: &[f64]) -> f64 {
        match self {
            Self::Nets(nets) => nets.iter().map(|net| net.reduce(spectrum)).sum(),
            Self::Edge(edge) => edge.net(spectrum),
            Self::PeakPosition(search) => search.peak(spectrum).position,
            Self::PeakHeight(search) => search.peak(spectrum).height,
            Self::LoopHeight(branches) => branches.height(spectrum),
            Self::LoopArea(bias) => hysteresis::area(bias, spectrum),
            Self::Nucleation(branch) => branch.nucleation(spectrum),
            Self::Component(weights) => weights
                .as_ref()
                .map_or(f64::NAN, |weights| sum_of_products(weights, spectrum)),
        }
    }
}

#[cfg(test)]
mod tests;
