//! What lies under a window, and where it is measured.

use std::fmt;

use super::ScalarizerError;
use super::ruler::Ruler;
use super::window::{Net, Window};

/// The background that is subtracted from a window or from lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Background {
    /// `@none`: nothing is subtracted.
    None,
    /// `@linear`: a straight line through the ends of the window itself, each the mean of its
    /// outermost tenth.
    Linear,
    /// `@two-window`: a straight line through the means of two windows beside it.
    TwoWindow,
}

impl Background {
    /// Every background.
    pub const ALL: [Self; 3] = [Self::None, Self::Linear, Self::TwoWindow];

    /// The name users type and read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Linear => "linear",
            Self::TwoWindow => "two-window",
        }
    }

    /// The background of a name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.name() == name)
    }
}

impl fmt::Display for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A range of coordinates to be summed, with the ranges beside it that show its background.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Stretch {
    pub(super) signal: (f64, f64),
    pub(super) below: (f64, f64),
    pub(super) above: (f64, f64),
}

impl Stretch {
    /// A range as somebody gives it. Side windows have the proportions of those of a line: half
    /// as wide as the window, a quarter of its width away.
    pub(super) fn beside((low, high): (f64, f64)) -> Self {
        let width = high - low;
        Self {
            signal: (low, high),
            below: (low - 0.75 * width, low - 0.25 * width),
            above: (high + 0.25 * width, high + 0.75 * width),
        }
    }

    /// What has to lie on the axis.
    pub(super) fn needed(&self, background: Background) -> (f64, f64) {
        match background {
            Background::None | Background::Linear => self.signal,
            Background::TwoWindow => (self.below.0, self.above.1),
        }
    }

    /// Takes in what begins no lower and overlaps.
    fn swallow(&mut self, other: &Self) {
        if other.signal.1 > self.signal.1 {
            self.signal.1 = other.signal.1;
            self.above = other.above;
        }
    }

    /// Whether a side window of either reaches into the signal of the other.
    fn crowds(&self, next: &Self) -> bool {
        self.above.1 >= next.signal.0 || next.below.0 <= self.signal.1
    }
}

/// The union of stretches, every channel counted once, each above the background chosen.
///
/// Stretches that overlap are one. With side windows, those that stand so close that a side
/// window of one would lie in another share a background: a straight line from below the lowest
/// to above the highest of them. So no side window lies in the union.
///
/// # Errors
/// When a window holds no channel, or too few.
pub(super) fn union(
    scalarizer: &str,
    mut stretches: Vec<Stretch>,
    background: Background,
    ruler: &Ruler<'_>,
) -> Result<Vec<Net>, ScalarizerError> {
    stretches.sort_by(|a, b| a.signal.0.total_cmp(&b.signal.0));
    let mut apart: Vec<Stretch> = Vec::new();
    for stretch in stretches {
        match apart.last_mut() {
            Some(last) if stretch.signal.0 <= last.signal.1 => last.swallow(&stretch),
            _ => apart.push(stretch),
        }
    }
    let together = |a: &Stretch, b: &Stretch| background == Background::TwoWindow && a.crowds(b);
    apart
        .chunk_by(together)
        .map(|group| {
            let ranges: Vec<_> = group.iter().map(|stretch| stretch.signal).collect();
            let signal = Window::union(scalarizer, &ranges, ruler)?;
            match background {
                Background::None => Ok(Net::whole(signal, ruler)),
                Background::Linear => Net::above_its_ends(scalarizer, signal, ruler),
                Background::TwoWindow => {
                    let window = |range| Window::new(scalarizer, range, ruler);
                    let below = window(group[0].below)?;
                    let above = window(group[group.len() - 1].above)?;
                    Ok(Net::above(signal, (below, above), ruler))
                }
            }
        })
        .collect()
}
