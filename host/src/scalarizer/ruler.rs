//! The coordinates of the channels, and what is said of them in messages.

use super::ScalarizerError;
use crate::data::Axis;

/// Share of a step by which a channel and a bound that are meant to be the same may differ: 35 steps of 0.01
/// are not the number that 0.35 is read as.
const ROUNDING: f64 = 1e-6;

/// The coordinate of every channel, with the name and the units of their axis, for the scalarizer
/// that errors name.
#[derive(Clone, Debug)]
pub(super) struct Ruler<'a> {
    pub(super) scalarizer: String,
    pub(super) coordinates: &'a [f64],
    pub(super) axis: &'a Axis,
    equidistant: bool,
}

impl<'a> Ruler<'a> {
    pub(super) fn new(scalarizer: String, coordinates: &'a [f64], axis: &'a Axis) -> Self {
        Self {
            scalarizer,
            coordinates,
            axis,
            equidistant: is_equidistant(coordinates),
        }
    }

    /// Whether one channel is as far from the next as any other.
    pub(super) fn is_equidistant(&self) -> bool {
        self.equidistant
    }

    /// Where a channel lies on a scale on which a straight background is straight: its number
    /// on an equidistant axis, as the kernel has nothing else to go by; its coordinate elsewhere.
    pub(super) fn position(&self, channel: usize) -> f64 {
        if self.equidistant {
            channel as f64
        } else {
            self.coordinates[channel]
        }
    }

    /// Units of the axis in one keV.
    ///
    /// # Errors
    /// When the axis is no energy.
    pub(super) fn per_kev(&self) -> Result<f64, ScalarizerError> {
        match self.axis.units.trim().to_lowercase().as_str() {
            "kev" => Ok(1.0),
            "ev" => Ok(1e3),
            _ => Err(ScalarizerError::NotEnergy {
                scalarizer: self.scalarizer.clone(),
                axis: self.axis.name.clone(),
                units: self.axis.units.clone(),
            }),
        }
    }

    /// Lowest and highest coordinate.
    pub(super) fn range(&self) -> (f64, f64) {
        let all = || self.coordinates.iter().copied();
        let least = all().fold(f64::INFINITY, f64::min);
        let most = all().fold(f64::NEG_INFINITY, f64::max);
        (least, most)
    }

    /// Whether all of a range lies between the lowest and the highest coordinate.
    pub(super) fn covers(&self, (low, high): (f64, f64)) -> bool {
        let (first, last) = self.range();
        let channels = self.coordinates.len();
        let slack = ROUNDING * (last - first) / channels.saturating_sub(1).max(1) as f64;
        low >= first - slack && high <= last + slack
    }

    /// Whether a channel lies within a closed range.
    pub(super) fn is_within(&self, channel: usize, (low, high): (f64, f64)) -> bool {
        let at = self.coordinates[channel];
        let beside = [channel.checked_sub(1), channel.checked_add(1)];
        let beside = beside.into_iter().flatten();
        let apart = beside.filter_map(|other| Some((self.coordinates.get(other)? - at).abs()));
        let step = apart.min_by(f64::total_cmp).unwrap_or(0.0);
        let slack = ROUNDING * step;
        (low - slack..=high + slack).contains(&at)
    }

    /// Whether the coordinates rise throughout, or fall throughout.
    pub(super) fn is_monotonic(&self) -> bool {
        let pairs = || self.coordinates.windows(2);
        pairs().all(|pair| pair[0] < pair[1]) || pairs().all(|pair| pair[0] > pair[1])
    }

    /// Whether the channels are only numbered, because the file gives no axis.
    pub(super) fn is_numbered(&self) -> bool {
        let mut numbered = self.coordinates.iter().zip(0_u32..);
        self.axis.units.is_empty() && numbered.all(|(&value, i)| value == f64::from(i))
    }

    /// Refuses a range that does not lie on the axis.
    pub(super) fn require(&self, range: (f64, f64)) -> Result<(), ScalarizerError> {
        self.covers(range)
            .then_some(())
            .ok_or_else(|| self.outside(range))
    }

    /// Refuses fewer than `needed` of something.
    pub(super) fn require_number(
        &self,
        found: usize,
        needed: usize,
        what: &'static str,
    ) -> Result<(), ScalarizerError> {
        if found >= needed {
            return Ok(());
        }
        Err(ScalarizerError::TooFew {
            scalarizer: self.scalarizer.clone(),
            what,
            needed,
            found,
        })
    }

    /// The error of a range between two channels.
    pub(super) fn empty(&self, range: (f64, f64)) -> ScalarizerError {
        ScalarizerError::Empty {
            scalarizer: self.scalarizer.clone(),
            window: self.text(range) + self.note(),
            step: self.widest_step(),
        }
    }

    /// Largest distance between neighbouring channels, with units.
    fn widest_step(&self) -> String {
        let steps = self.coordinates.windows(2);
        let widest = steps.map(|pair| (pair[1] - pair[0]).abs());
        self.with_units(&short(widest.fold(0.0, f64::max)))
    }

    /// The error of a range that does not lie on the axis.
    pub(super) fn outside(&self, needed: (f64, f64)) -> ScalarizerError {
        self.outside_beside(needed, "")
    }

    /// The same, with what the range is needed for.
    pub(super) fn outside_beside(&self, needed: (f64, f64), what_for: &str) -> ScalarizerError {
        ScalarizerError::OutsideAxis {
            scalarizer: self.scalarizer.clone(),
            needed: self.text(needed) + what_for,
            axis: self.axis.name.clone(),
            range: self.range_text(),
        }
    }

    /// What exists, with units.
    pub(super) fn range_text(&self) -> String {
        self.text(self.range()) + self.note()
    }

    /// What the numbers of the axis are, where nobody chose them.
    fn note(&self) -> &'static str {
        if self.is_numbered() {
            " (channel numbers: the file gives no axis)"
        } else {
            ""
        }
    }

    /// A range with units.
    pub(super) fn text(&self, (low, high): (f64, f64)) -> String {
        self.with_units(&format!("{}..{}", short(low), short(high)))
    }

    /// A coordinate with units.
    pub(super) fn place(&self, coordinate: f64) -> String {
        self.with_units(&short(coordinate))
    }

    fn with_units(&self, text: &str) -> String {
        format!("{text} {}", self.axis.units).trim_end().to_owned()
    }
}

/// Whether every coordinate lies within a thousandth of a step of where equal steps from the
/// first to the last would put it: files round their coordinates, often to single precision.
fn is_equidistant(coordinates: &[f64]) -> bool {
    let (Some(&first), Some(&last)) = (coordinates.first(), coordinates.last()) else {
        return false;
    };
    let step = (last - first) / (coordinates.len() - 1) as f64;
    let is_there =
        |(i, value): (usize, &f64)| (value - (first + i as f64 * step)).abs() <= 1e-3 * step.abs();
    step != 0.0 && coordinates.iter().enumerate().all(is_there)
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
