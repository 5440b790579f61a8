//! Position and height of the highest peak in a range, such as a plasmon's in an energy-loss
//! spectrum, between channels.

use super::ScalarizerError;
use super::ruler::Ruler;

/// The channels among which a peak is sought.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct PeakSearch<'a> {
    coordinates: &'a [f64],
    /// First channel and the one after the last.
    channels: (usize, usize),
}

/// A peak.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Peak {
    /// In units of the axis.
    pub(super) position: f64,
    /// In units of the spectrum.
    pub(super) height: f64,
}

impl<'a> PeakSearch<'a> {
    /// Seeks among the channels with coordinates in `low..=high`.
    ///
    /// # Errors
    /// When the axis turns back, or has no channel in the range.
    pub(super) fn new(
        scalarizer: &str,
        (low, high): (f64, f64),
        ruler: &Ruler<'a>,
    ) -> Result<Self, ScalarizerError> {
        if !ruler.is_monotonic() {
            return Err(ScalarizerError::NotMonotonic {
                scalarizer: scalarizer.to_owned(),
                axis: ruler.axis.name.clone(),
            });
        }
        if !ruler.covers((low, high)) {
            return Err(ruler.outside(scalarizer, (low, high)));
        }
        let within = |value: &f64| (low..=high).contains(value);
        let channels = ruler.coordinates.iter().position(within).zip(
            ruler
                .coordinates
                .iter()
                .rposition(within)
                .map(|last| last + 1),
        );
        let channels = channels.ok_or_else(|| ScalarizerError::Empty {
            scalarizer: scalarizer.to_owned(),
            window: ruler.text((low, high)) + ruler.note(),
            step: ruler.widest_step(),
        })?;
        Ok(Self {
            coordinates: ruler.coordinates,
            channels,
        })
    }

    /// The vertex of the parabola through the highest channel of the range, the first of equal
    /// ones, and its two neighbours on the axis; that channel itself where it is no maximum of
    /// the three, as at an end of the range on a slope. NaN when the range holds one.
    pub(super) fn peak(&self, spectrum: &[f64]) -> Peak {
        let (start, end) = self.channels;
        let mut highest = start;
        for channel in start..end {
            if spectrum[channel].is_nan() {
                return Peak {
                    position: f64::NAN,
                    height: f64::NAN,
                };
            }
            if spectrum[channel] > spectrum[highest] {
                highest = channel;
            }
        }
        let point =
            |channel: usize| Some((*self.coordinates.get(channel)?, *spectrum.get(channel)?));
        let before = highest.checked_sub(1).and_then(point);
        let (position, height) = (self.coordinates[highest], spectrum[highest]);
        let vertex = before
            .zip(point(highest + 1))
            .and_then(|(before, after)| vertex(before, (position, height), after));
        vertex.unwrap_or(Peak { position, height })
    }
}

/// The vertex of the parabola through three points; `None` where the middle one is no maximum.
fn vertex(before: (f64, f64), middle: (f64, f64), after: (f64, f64)) -> Option<Peak> {
    let [(x0, y0), (x1, y1), (x2, y2)] = [before, middle, after];
    if !(y1 >= y0 && y1 >= y2 && (y1 > y0 || y1 > y2)) {
        return None;
    }
    // Newton's form: y₀ + s₁ (x − x₀) + c (x − x₀)(x − x₁).
    let (first, second) = ((y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1));
    let curvature = (second - first) / (x2 - x0);
    let position = 0.5 * (x0 + x1 - first / curvature);
    let height = y0 + (position - x0) * (first + curvature * (position - x1));
    Some(Peak { position, height })
}
