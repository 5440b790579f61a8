//! Sums over windows of channels, with and without a straight background.

use beacon_kernel::link::scalarizer::{self as kernel, Tally, above_background};

use super::ScalarizerError;
use super::ruler::Ruler;

/// Channels that are summed, in their order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Window {
    channels: Vec<usize>,
    /// Mean position of the channels: see [`Ruler::position`].
    centre: f64,
}

impl Window {
    /// The channels whose coordinates lie within any of several closed ranges that do not overlap.
    ///
    /// # Errors
    /// When a range lies outside the axis or between two channels.
    pub(super) fn union(ranges: &[(f64, f64)], ruler: &Ruler<'_>) -> Result<Self, ScalarizerError> {
        let mut channels = Vec::new();
        for &(low, high) in ranges {
            let before = channels.len();
            let all = 0..ruler.coordinates.len();
            channels.extend(all.filter(|&channel| ruler.is_within(channel, (low, high))));
            if channels.len() == before {
                let (first, last) = ruler.range();
                return Err(if low > last || high < first {
                    ruler.outside((low, high))
                } else {
                    ruler.empty((low, high))
                });
            }
        }
        channels.sort_unstable();
        // One at the bound of two ranges lies within both.
        channels.dedup();
        Ok(Self::of(channels, ruler))
    }

    /// All channels of the axis.
    pub(super) fn all(ruler: &Ruler<'_>) -> Self {
        Self::of((0..ruler.coordinates.len()).collect(), ruler)
    }

    fn of(channels: Vec<usize>, ruler: &Ruler<'_>) -> Self {
        let sum: f64 = channels.iter().map(|&i| ruler.position(i)).sum();
        let centre = sum / channels.len() as f64;
        Self { channels, centre }
    }

    /// Sum over the channels. From zero, as the kernel counts: an iterator begins at -0.
    pub(super) fn sum(&self, spectrum: &[f64]) -> f64 {
        self.channels.iter().fold(0.0, |sum, &i| sum + spectrum[i])
    }

    /// The channels up to a coordinate and those from another on, at least one each: a straight
    /// line through the means of both is less noisy than one through two single channels.
    fn ends(&self, (low, high): (f64, f64), ruler: &Ruler<'_>) -> (Self, Self) {
        let mut rising = self.channels.clone();
        rising.sort_by(|&a, &b| ruler.coordinates[a].total_cmp(&ruler.coordinates[b]));
        let first = rising.partition_point(|&i| ruler.is_within(i, (f64::NEG_INFINITY, low)));
        let last = rising.partition_point(|&i| !ruler.is_within(i, (high, f64::INFINITY)));
        let end = |channels: &[usize]| {
            let mut channels = channels.to_vec();
            channels.sort_unstable();
            Self::of(channels, ruler)
        };
        (
            end(&rising[..first.max(1)]),
            end(&rising[last.min(rising.len() - 1)..]),
        )
    }

    fn tally(&self, spectrum: &[f64]) -> Tally {
        Tally {
            sum: self.sum(spectrum),
            channels: self.channels.len() as f64,
            centre: self.centre,
        }
    }

    /// The window as the kernel has it; `None` where the channels do not follow each other.
    fn on_controller(&self) -> Option<kernel::Window> {
        let (&first, &last) = (self.channels.first()?, self.channels.last()?);
        let start = u16::try_from(first).ok()?;
        let end = u16::try_from(last + 1).ok()?;
        (last + 1 - first == self.channels.len()).then_some(kernel::Window { start, end })
    }
}

/// A window with the two, if any, whose means its straight background runs through.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Net {
    signal: Window,
    sides: Option<(Window, Window)>,
    /// Whether positions are channel numbers, as the kernel's are.
    numbered: bool,
}

impl Net {
    /// The sum alone.
    pub(super) fn whole(signal: Window, ruler: &Ruler<'_>) -> Self {
        Self {
            signal,
            sides: None,
            numbered: ruler.is_equidistant(),
        }
    }

    /// The sum above a straight line through the ends of the window, the lower up to `ends.0`
    /// and the upper from `ends.1` on.
    ///
    /// # Errors
    /// When the window has no channel between its ends.
    pub(super) fn above_its_ends(
        signal: Window,
        ends: (f64, f64),
        ruler: &Ruler<'_>,
    ) -> Result<Self, ScalarizerError> {
        let what = "channels for a line through the ends of the window";
        ruler.require_number(signal.channels.len(), 3, what)?;
        let sides = signal.ends(ends, ruler);
        Ok(Self::above(signal, sides, ruler))
    }

    /// The sum above a straight line through two windows beside it.
    pub(super) fn above(signal: Window, sides: (Window, Window), ruler: &Ruler<'_>) -> Self {
        Self {
            sides: Some(sides),
            ..Self::whole(signal, ruler)
        }
    }

    pub(super) fn reduce(&self, spectrum: &[f64]) -> f64 {
        let signal = self.signal.tally(spectrum);
        match &self.sides {
            None => signal.sum,
            Some((below, above)) => {
                above_background(signal, below.tally(spectrum), above.tally(spectrum))
            }
        }
    }

    /// The same in the kernel's form; `None` where it has none.
    pub(super) fn on_controller(&self) -> Option<kernel::Scalarizer> {
        let background = match &self.sides {
            None => None,
            Some(_) if !self.numbered => return None,
            Some((below, above)) => Some((below.on_controller()?, above.on_controller()?)),
        };
        let signal = self.signal.on_controller()?;
        let scalarizer = kernel::Scalarizer { signal, background };
        scalarizer.is_valid().then_some(scalarizer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::axis;
    use super::*;

    /// Channels of 10 eV: 0.35 is not 35 times 0.01, nor 0.57 57 times it.
    #[test]
    fn a_channel_at_a_bound_counts_whatever_the_last_bit_of_either_is() {
        let (axis, coordinates) = axis("Energy", "keV", (0.0, 0.01), 200);
        let ruler = Ruler::new("window".to_owned(), &coordinates, &axis);
        let bounds: Vec<f64> = (0..200).map(|n| f64::from(n) / 100.0).collect();
        for (first, &low) in bounds.iter().enumerate() {
            for (last, &high) in bounds.iter().enumerate().skip(first) {
                let window = Window::union(&[(low, high)], &ruler).unwrap();
                assert_eq!(window.channels.len(), last - first + 1);
                assert!(ruler.covers((low, high)));
                assert!(!ruler.is_within(last, (low, high - 1e-5)));
            }
        }
        let beside = [(0.3, 0.35), (0.35 + 1e-12, 0.4)];
        assert_eq!(
            Window::union(&beside, &ruler).unwrap().sum(&[1.0; 200]),
            11.0
        );
    }
}
