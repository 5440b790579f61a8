//! A plane with two labelled axes, linear or logarithmic.

use super::canvas::{Canvas, DrawResult, Hang, SMALL, TEXT, fitted, text_width};
use super::palette::INK;
use super::stroke::rounded;
use super::ticks::{Ticks, ceiling};
use plotters::style::RGBColor;

/// The values along one side of a plane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    pub(crate) low: f64,
    pub(crate) high: f64,
    /// Whether equal factors, not equal differences, are equally far apart.
    pub(crate) logarithmic: bool,
    /// Whether only whole numbers mean something.
    pub(crate) whole: bool,
}

/// The largest number on a plane: twice its half more is still a number.
const FARTHEST: f64 = 5e307;

impl Scale {
    /// From `low` to `high`, made wide enough to divide by.
    pub(crate) fn linear(low: f64, high: f64) -> Self {
        // Numbers farther apart have no difference.
        let near = |end: f64| end.clamp(-FARTHEST, FARTHEST);
        let wide = if low < high {
            (near(low), near(high))
        } else if low.abs() < f64::MIN_POSITIVE || !low.is_finite() {
            (0.0, 1.0)
        } else {
            let low = near(low);
            (low - low.abs() / 2.0, low + low.abs() / 2.0)
        };
        Self {
            low: wide.0,
            high: wide.1,
            logarithmic: false,
            whole: false,
        }
    }

    /// From before the first step to the last.
    pub(crate) fn steps(steps: usize) -> Self {
        Self {
            whole: true,
            ..Self::linear(0.0, steps.max(1) as f64)
        }
    }

    /// Over the finite values among `values`, with a twentieth of their range on either side.
    pub(crate) fn around(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values);
        let margin = if low < high { (high - low) / 20.0 } else { 0.0 };
        Self::linear(low - margin, high + margin)
    }

    /// From zero to the largest finite value, with a twentieth of it above.
    pub(crate) fn from_zero(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values.chain([0.0]));
        Self::linear(low * 1.05, high * 1.05)
    }

    /// From zero to a number of the axis no smaller than the largest finite share among `values`,
    /// and no larger than 1.
    pub(crate) fn shares(values: impl Iterator<Item = f64>) -> Self {
        let (_, largest) = extent(values);
        if largest > 0.0 {
            Self::linear(0.0, ceiling(largest.min(1.0), Y_TICKS).min(1.0))
        } else {
            Self::linear(0.0, 1.0)
        }
    }

    /// Whole decades around the positive values among `values`.
    pub(crate) fn decades(values: impl Iterator<Item = f64>) -> Self {
        let (low, high) = extent(values.filter(|v| *v > 0.0));
        let (low, high) = if low <= high {
            // Beyond, powers of ten are no longer numbers.
            (
                low.log10().floor().max(-300.0),
                high.log10().ceil().min(300.0),
            )
        } else {
            (0.0, 1.0)
        };
        Self {
            low: 10_f64.powf(low),
            high: 10_f64.powf(high.max(low + 1.0)),
            logarithmic: true,
            whole: false,
        }
    }

    /// Place of a value, 0 at the low end and 1 at the high end; NaN for one without a place.
    pub(crate) fn share(&self, value: f64) -> f64 {
        let share = if self.logarithmic {
            (value / self.low).log10() / (self.high / self.low).log10()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        share.clamp(0.0, 1.0)
    }

    pub(crate) fn ticks(&self, count: usize) -> Ticks {
        if self.logarithmic {
            // Two numbers a decade apart are told apart closer than two of a fine division.
            Ticks::decades(self.low, self.high, 2 * count)
        } else if self.whole {
            let most = (self.high - self.low) as usize;
            Ticks::new(self.low, self.high, count.min(most))
        } else {
            Ticks::new(self.low, self.high, count)
        }
    }
}

/// Smallest and largest finite value; infinite and crossed when there is none.
pub(crate) fn extent(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        })
}

/// A plane on the canvas, `x` to the right and `y` up.
pub(crate) struct Plane {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

const GRID: RGBColor = RGBColor(225, 225, 225);
/// Room below a plane for numbers and a caption.
pub(crate) const FOOT: i32 = 134;
/// Numbers on the upright axis, at most about.
pub(crate) const Y_TICKS: usize = 5;

impl Plane {
    /// Room left of a plane for the numbers on `y` and a caption.
    pub(crate) fn room(y: &Scale) -> i32 {
        caption_distance(&y.ticks(Y_TICKS)) + 46
    }

    pub(crate) fn right(&self) -> i32 {
        self.left + self.width
    }

    pub(crate) fn bottom(&self) -> i32 {
        self.top + self.height
    }

    /// Place of a point on the canvas; NaN where it has none.
    pub(crate) fn at(&self, x: f64, y: f64) -> (f64, f64) {
        (
            f64::from(self.left) + self.x.share(x) * f64::from(self.width),
            f64::from(self.top) + (1.0 - self.y.share(y)) * f64::from(self.height),
        )
    }

    /// Numbered axes with a light grid, under what is drawn on them; `x` and `y` are quantity and
    /// units along the lower and the left edge.
    pub(crate) fn draw_axes(
        &self,
        canvas: &Canvas<'_>,
        x: (&str, &str),
        y: (&str, &str),
    ) -> DrawResult {
        self.draw_x_axis(canvas, x)?;
        self.draw_y_axis(canvas, y)
    }

    pub(crate) fn draw_x_axis(
        &self,
        canvas: &Canvas<'_>,
        (quantity, units): (&str, &str),
    ) -> DrawResult {
        let (right, bottom) = (self.right(), self.bottom());
        // Numbers side by side need more room than numbers above each other.
        let ticks = self.x.ticks((self.width / 200).clamp(2, 8) as usize);
        for (x, label) in ticks.values.iter().zip(&ticks.labels) {
            let (x, _) = rounded(self.at(*x, self.y.low));
            canvas.line((x, bottom), (x, bottom + 12), INK, 2)?;
            canvas.text(label, (x, bottom + 38), Hang::Centre, SMALL, INK)?;
        }
        canvas.line((self.left, bottom), (right, bottom), INK, 3)?;
        let caption = ticks.caption(quantity, units);
        canvas.text(
            &fitted(&caption, TEXT, self.width),
            (self.left + self.width / 2, bottom + 92),
            Hang::Centre,
            TEXT,
            INK,
        )
    }

    /// The left edge and a line across at every round value, for a plane beside one that has
    /// the numbers.
    pub(crate) fn draw_grid(&self, canvas: &Canvas<'_>, count: usize) -> DrawResult {
        for y in self.y.ticks(count).values {
            let (_, y) = rounded(self.at(self.x.low, y));
            canvas.line((self.left, y), (self.right(), y), GRID, 2)?;
        }
        canvas.line((self.left, self.top), (self.left, self.bottom()), INK, 3)
    }

    /// The grid with at most about `count` numbers at the left.
    pub(crate) fn draw_numbers(&self, canvas: &Canvas<'_>, count: usize) -> DrawResult {
        self.draw_grid(canvas, count)?;
        let ticks = self.y.ticks(count);
        for (y, label) in ticks.values.iter().zip(&ticks.labels) {
            let (_, y) = rounded(self.at(self.x.low, *y));
            canvas.text(label, (self.left - 20, y), Hang::Right, SMALL, INK)?;
        }
        Ok(())
    }

    pub(crate) fn draw_y_axis(
        &self,
        canvas: &Canvas<'_>,
        (quantity, units): (&str, &str),
    ) -> DrawResult {
        self.draw_numbers(canvas, Y_TICKS)?;
        let ticks = self.y.ticks(Y_TICKS);
        let caption = ticks.caption(quantity, units);
        canvas.caption_upwards(
            &caption,
            (
                self.left - caption_distance(&ticks),
                self.top + self.height / 2,
            ),
            self.height + 60,
        )
    }
}

/// From the axis to the middle of its caption.
fn caption_distance(ticks: &Ticks) -> i32 {
    let widest = ticks.labels.iter().map(|label| text_width(label, SMALL));
    20 + widest.max().unwrap_or(0) * 11 / 10 + 44
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_end_at_a_round_number_that_holds_them_and_at_1_at_most() {
        let high = |shares: &[f64]| Scale::shares(shares.iter().copied()).high;
        for (shares, end) in [
            (&[0.02, 0.22, f64::NAN][..], 0.25),
            (&[0.3], 0.3),
            (&[0.41, 1.3], 1.0),
            (&[0.85], 1.0),
            (&[], 1.0),
            (&[0.0], 1.0),
        ] {
            assert!((high(shares) - end).abs() < 1e-12, "{shares:?}");
        }
    }

    #[test]
    fn decades_hold_every_positive_value() {
        let scale = Scale::decades([0.03, 0.0, f64::NAN, 240.0].into_iter());
        assert!((scale.low - 0.01).abs() < 1e-12 && (scale.high - 1000.0).abs() < 1e-9);
        assert!((scale.share(1.0) - 0.4).abs() < 1e-12);
        assert_eq!(Scale::decades([f64::NAN].into_iter()).high, 10.0);
        assert_eq!(Scale::decades([1.0].into_iter()).high, 10.0);
    }

    #[test]
    fn a_constant_has_a_place_in_the_middle() {
        for value in [3.0, -1e-12, 1e6] {
            let scale = Scale::around([value, value].into_iter());
            assert!((scale.share(value) - 0.5).abs() < 1e-9, "{scale:?}");
        }
        assert_eq!(Scale::from_zero([0.0].into_iter()), Scale::linear(0.0, 1.0));
    }

    #[test]
    fn steps_are_numbered_with_whole_numbers() {
        assert_eq!(Scale::steps(1).ticks(6).labels, ["0", "1"]);
        assert_eq!(Scale::steps(3).ticks(6).labels, ["0", "1", "2", "3"]);
        assert_eq!(
            Scale::steps(300).ticks(3).labels,
            ["0", "100", "200", "300"]
        );
    }

    #[test]
    fn what_has_no_place_stays_nan() {
        assert!(Scale::linear(0.0, 1.0).share(f64::NAN).is_nan());
    }
}
