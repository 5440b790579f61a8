//! From a spectrum to a response: the sum of a window above a straight background.
//!
//! With S the sum over the n channels of the signal window, b₁ and b₂ the means of the side
//! windows and c, c₁, c₂ the centres of all three,
//! y = S − n (b₁ + (b₂ − b₁)(c − c₁)/(c₂ − c₁)).
//! Both ends add the channels one by one in their order, in f64, and call [`above_background`], so
//! that they get the same bits. The explorer receives the difference to an origin that the host
//! chose, in f32: see [`relative`]. The controller keeps sums alone, nothing else of the spectrum.

use serde::{Deserialize, Serialize};

/// Channels `start..end`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// First channel.
    pub start: u16,
    /// Channel after the last.
    pub end: u16,
}

impl Window {
    const fn holds(self, channel: u32) -> bool {
        self.start as u32 <= channel && channel < self.end as u32
    }

    /// The tally of its channels, given their sum.
    fn tally(self, sum: f64) -> Tally {
        let (start, end) = (f64::from(self.start), f64::from(self.end));
        Tally {
            sum,
            channels: end - start,
            // Half a channel more or less than a whole number, which f64 holds.
            centre: 0.5 * (start + end - 1.0),
        }
    }

    /// Twice its middle, which is whole.
    fn centre2(self) -> u32 {
        u32::from(self.start) + u32::from(self.end)
    }
}

/// Channels that were summed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tally {
    /// Sum over them.
    pub sum: f64,
    /// How many there are.
    pub channels: f64,
    /// Their mean position: the mean channel number, or another coordinate in which the
    /// background is straight.
    pub centre: f64,
}

/// The signal above a background that runs straight through the means of two side windows.
pub fn above_background(signal: Tally, below: Tally, above: Tally) -> f64 {
    let (low, high) = (below.sum / below.channels, above.sum / above.channels);
    let share = (signal.centre - below.centre) / (above.centre - below.centre);
    let background = low + (high - low) * share;
    signal.sum - signal.channels * background
}

/// The response as the explorer receives it: the difference to an origin, because f32 cannot hold
/// small differences on a large offset.
pub fn relative(response: f64, origin: f64) -> f32 {
    (response - origin) as f32
}

/// The windows that make a response of a spectrum.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scalarizer {
    /// Channels that are summed.
    pub signal: Window,
    /// Side windows below and above, if a background is subtracted.
    pub background: Option<(Window, Window)>,
}

impl Scalarizer {
    /// Whether no window is empty and the centres of the side windows differ.
    pub fn is_valid(&self) -> bool {
        let filled = |window: Window| window.start < window.end;
        filled(self.signal)
            && self.background.is_none_or(|(below, above)| {
                filled(below) && filled(above) && below.centre2() != above.centre2()
            })
    }

    /// Channels a spectrum must have at least.
    pub fn channels(&self) -> u16 {
        let side = self
            .background
            .map_or(0, |(below, above)| below.end.max(above.end));
        self.signal.end.max(side)
    }

    /// The response of a whole spectrum.
    pub fn response(&self, spectrum: &[f32]) -> f64 {
        let mut sums = Sums::default();
        for &counts in spectrum {
            sums.add(self, counts);
        }
        sums.response(self)
    }
}

/// A spectrum on its way: sums over the windows of what has arrived.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sums {
    channels: u32,
    signal: f64,
    below: f64,
    above: f64,
}

impl Sums {
    /// Takes the counts of the next channel.
    pub fn add(&mut self, scalarizer: &Scalarizer, counts: f32) {
        let channel = self.channels;
        self.channels = channel.saturating_add(1);
        let counts = f64::from(counts);
        if scalarizer.signal.holds(channel) {
            self.signal += counts;
        }
        if let Some((below, above)) = scalarizer.background {
            if below.holds(channel) {
                self.below += counts;
            }
            if above.holds(channel) {
                self.above += counts;
            }
        }
    }

    /// The response of the channels so far.
    pub fn response(&self, scalarizer: &Scalarizer) -> f64 {
        let signal = scalarizer.signal.tally(self.signal);
        match scalarizer.background {
            None => signal.sum,
            Some((below, above)) => {
                above_background(signal, below.tally(self.below), above.tally(self.above))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_straight_background_is_removed_and_the_peak_stays() {
        let scalarizer = Scalarizer {
            signal: Window { start: 10, end: 14 },
            background: Some((Window { start: 2, end: 6 }, Window { start: 20, end: 26 })),
        };
        assert!(scalarizer.is_valid());
        assert_eq!(scalarizer.channels(), 26);
        let mut spectrum: Vec<f32> = (0..32).map(|i| 100.0 + 4.0 * i as f32).collect();
        assert_eq!(scalarizer.response(&spectrum), 0.0);
        spectrum[11] += 50.0;
        spectrum[30] += 1000.0;
        assert_eq!(scalarizer.response(&spectrum), 50.0);
    }

    #[test]
    fn without_a_background_the_window_is_summed() {
        let signal = Window { start: 1, end: 3 };
        let scalarizer = Scalarizer {
            signal,
            background: None,
        };
        assert_eq!(scalarizer.response(&[1.0, 2.0, 4.0, 8.0]), 6.0);
        let empty = Window { start: 3, end: 3 };
        let broken = [
            Scalarizer {
                signal: empty,
                background: None,
            },
            Scalarizer {
                signal,
                background: Some((signal, signal)),
            },
        ];
        assert!(broken.iter().all(|scalarizer| !scalarizer.is_valid()));
    }

    /// 2²⁴ + 1 is the first whole number that f32 does not hold.
    #[test]
    fn sums_are_exact_beyond_what_single_precision_holds() {
        let scalarizer = Scalarizer {
            signal: Window { start: 0, end: 2 },
            background: None,
        };
        let response = scalarizer.response(&[16_777_216.0, 1.0]);
        assert_eq!(response, 16_777_217.0);
        assert_eq!(relative(response, 16_777_216.0), 1.0);
    }
}
