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
    /// Lowest and highest coordinate.
    range: (f64, f64),
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
    pub(super) fn new((low, high): (f64, f64), ruler: &Ruler<'a>) -> Result<Self, ScalarizerError> {
        if !ruler.is_monotonic() {
            return Err(ScalarizerError::NotMonotonic {
                scalarizer: ruler.scalarizer.clone(),
                axis: ruler.axis.name.clone(),
            });
        }
        ruler.require((low, high))?;
        let coordinates = ruler.coordinates;
        let within = |&channel: &usize| ruler.is_within(channel, (low, high));
        let first = (0..coordinates.len()).find(within);
        let last = (0..coordinates.len()).rfind(within);
        let (first, last) = first.zip(last).ok_or_else(|| ruler.empty((low, high)))?;
        Ok(Self {
            coordinates,
            channels: (first, last + 1),
            range: (low, high),
        })
    }

    /// The vertex of the parabola through the highest channel of the range, the first of equal
    /// ones, and its two neighbours on the axis; that channel itself where it is no maximum of
    /// the three, as at an end of the range on a slope. A vertex beyond the range gives the end of the
    /// range, and the height of the parabola there. NaN when the range holds one.
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
            .and_then(|(before, after)| vertex(before, (position, height), after, self.range));
        vertex.unwrap_or(Peak { position, height })
    }
}

/// The highest point within a range of the parabola through three points; `None` where the middle one
/// is no maximum.
fn vertex(
    before: (f64, f64),
    middle: (f64, f64),
    after: (f64, f64),
    (low, high): (f64, f64),
) -> Option<Peak> {
    let [(x0, y0), (x1, y1), (x2, y2)] = [before, middle, after];
    if !(y1 >= y0 && y1 >= y2 && (y1 > y0 || y1 > y2)) {
        return None;
    }
    // Newton's form: y₀ + s₁ (x − x₀) + c (x − x₀)(x − x₁).
    let (first, second) = ((y1 - y0) / (x1 - x0), (y2 - y1) / (x2 - x1));
    let curvature = (second - first) / (x2 - x0);
    let position = (0.5 * (x0 + x1 - first / curvature)).clamp(low, high);
    let height = y0 + (position - x0) * (first + curvature * (position - x1));
    Some(Peak { position, height })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{axis, parse};

    /// y = 50 - 3 (x - 15.37)², whose vertex no channel hits.
    #[test]
    fn the_vertex_of_a_parabola_is_found_between_channels() {
        let parabola = |x: &f64| 50.0 - 3.0 * (x - 15.37).powi(2);
        let (axis, coordinates) = axis("Energy loss", "eV", (10.0, 0.25), 60);
        let uneven: Vec<f64> = (0..60).map(|i| 10.0 + 0.003 * f64::from(i * i)).collect();
        let falling: Vec<f64> = coordinates.iter().rev().copied().collect();
        for coordinates in [coordinates, uneven, falling] {
            let spectrum: Vec<f64> = coordinates.iter().map(parabola).collect();
            let reduce = |text: &str| parse(text).reduce(&spectrum, &coordinates, &axis).unwrap();
            assert!((reduce("plasmon-energy:12..18") - 15.37).abs() < 1e-9);
            assert!((reduce("plasmon-height:12..18") - 50.0).abs() < 1e-9);
        }
    }

    /// The Drude loss function Im(-1/ε), ε = 1 - Eₚ²/(E² + iEΓ), has its maximum a little below
    /// Eₚ; here found on a grid 2000 times as fine.
    #[test]
    fn a_plasmon_is_found_to_a_fiftieth_of_a_channel() {
        let loss = |energy: f64| {
            let (plasma, damping) = (15.0_f64, 0.8);
            energy * damping * plasma.powi(2)
                / ((energy.powi(2) - plasma.powi(2)).powi(2) + (energy * damping).powi(2))
        };
        let fine = (0..200_000).map(|i| 10.0 + 5e-5 * f64::from(i));
        let expected = fine.max_by(|a, b| loss(*a).total_cmp(&loss(*b))).unwrap();
        for offset in [0.0, 0.02, 0.04, 0.06, 0.08] {
            let (axis, coordinates) = axis("Energy loss", "eV", (10.0 + offset, 0.1), 100);
            let spectrum: Vec<f64> = coordinates.iter().map(|&energy| loss(energy)).collect();
            let found = parse("plasmon-energy:12..18").reduce(&spectrum, &coordinates, &axis);
            let error = (found.unwrap() - expected).abs();
            assert!(error < 2e-3, "{offset}: {error}");
        }
    }

    #[test]
    fn a_slope_or_a_level_has_its_highest_channel() {
        let (axis, coordinates) = axis("Energy loss", "eV", (0.0, 1.0), 10);
        let rising: Vec<f64> = coordinates.iter().map(|x| 2.0 * x).collect();
        let reduce = |text: &str, spectrum: &[f64]| {
            let reduced = parse(text).reduce(spectrum, &coordinates, &axis);
            reduced.unwrap()
        };
        assert_eq!(reduce("plasmon-energy:2..6", &rising), 6.0);
        assert_eq!(reduce("plasmon-height:2..6", &rising), 12.0);
        assert_eq!(reduce("plasmon-energy:2..9", &rising), 9.0);
        assert_eq!(reduce("plasmon-energy:2..6", &[3.0; 10]), 2.0);
        // The vertex of 6, 8, 7 at 3, 4, 5 lies at 4.167, beyond the range: there 8.02125.
        let beyond = [0.0, 0.0, 0.0, 6.0, 8.0, 7.0, 0.0, 0.0, 0.0, 0.0];
        assert_eq!(reduce("plasmon-energy:2..4.05", &beyond), 4.05);
        let height = reduce("plasmon-height:2..4.05", &beyond);
        assert!((height - (8.0 + 0.5 * 0.05 - 1.5 * 0.05 * 0.05)).abs() < 1e-12);
        // Two equal channels share the vertex.
        let pair = [0.0, 0.0, 0.0, 1.0, 4.0, 4.0, 1.0, 0.0, 0.0, 0.0];
        assert_eq!(reduce("plasmon-energy:2..6", &pair), 4.5);
        assert!(reduce("plasmon-energy:2..6", &[f64::NAN; 10]).is_nan());
    }

    #[test]
    fn a_peak_needs_a_range_on_an_axis_that_does_not_turn_back() {
        let (axis, mut coordinates) = axis("Energy loss", "eV", (0.0, 1.0), 10);
        let message = |text: &str, coordinates: &[f64]| {
            let reduced = parse(text).reduce(&[1.0; 10], coordinates, &axis);
            reduced.unwrap_err().to_string()
        };
        assert_eq!(
            message("plasmon-energy:5..12", &coordinates),
            "`plasmon-energy:5..12` needs 5..12 eV; axis `Energy loss` runs over 0..9 eV"
        );
        assert!(
            message("plasmon-height:5.2..5.8", &coordinates).contains("no channel lies within")
        );
        coordinates[9] = 3.0;
        assert_eq!(
            message("plasmon-energy:2..4", &coordinates),
            "`plasmon-energy:2..4` needs an axis that rises or falls throughout; axis `Energy \
             loss` turns back"
        );
    }
}
