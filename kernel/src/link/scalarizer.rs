//! From a spectrum to a response: the sum of a window above a straight background.
//!
//! With S the sum over the n channels of the signal window, b₁ and b₂ the means of the side
//! windows and c, c₁, c₂ the centres of all three,
//! y = S − n (b₁ + (b₂ − b₁)(c − c₁)/(c₂ − c₁)).
//! Channels are added one by one in their order, in f32, so that both ends get the same bits;
//! sums of whole counts are exact up to 2²⁴. Nothing of the spectrum is kept.

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

    fn width(self) -> f32 {
        f32::from(self.end.saturating_sub(self.start))
    }

    /// Twice the mean channel, which is whole.
    fn centre2(self) -> f32 {
        (u32::from(self.start) + u32::from(self.end)) as f32
    }
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
    pub fn response(&self, spectrum: &[f32]) -> f32 {
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
    signal: f32,
    below: f32,
    above: f32,
}

impl Sums {
    /// Takes the counts of the next channel.
    pub fn add(&mut self, scalarizer: &Scalarizer, counts: f32) {
        let channel = self.channels;
        self.channels = channel.saturating_add(1);
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
    pub fn response(&self, scalarizer: &Scalarizer) -> f32 {
        let Some((below, above)) = scalarizer.background else {
            return self.signal;
        };
        let (low, high) = (self.below / below.width(), self.above / above.width());
        let signal = scalarizer.signal;
        let share = (signal.centre2() - below.centre2()) / (above.centre2() - below.centre2());
        let background = low + (high - low) * share;
        self.signal - signal.width() * background
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
}
