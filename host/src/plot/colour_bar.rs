//! The key from colours to values.

use super::canvas::{Canvas, DrawResult, Hang, SMALL, text_width};
use super::palette::{ColourMap, INK, share};
use super::ticks::Ticks;

/// Width of a bar with its numbers and caption, in canvas units.
pub(crate) const WIDTH: i32 = 256;

/// Height of the lowest bar: two numbers and a short caption.
pub(crate) const LEAST: i32 = 330;

const BAR: i32 = 44;
/// Enough for no step between neighbours to be seen.
const SHADES: i32 = 256;

/// A vertical bar beside a panel.
pub(crate) struct ColourBar<'a> {
    pub(crate) colours: ColourMap,
    /// Values at the lower and the upper end.
    pub(crate) range: (f64, f64),
    pub(crate) quantity: &'a str,
    /// Empty when unknown.
    pub(crate) units: &'a str,
}

impl ColourBar<'_> {
    /// The bar of steps from the first to the last.
    pub(crate) fn steps(steps: usize) -> Self {
        Self {
            colours: ColourMap::Viridis,
            range: (1.0, steps as f64),
            quantity: "step",
            units: "",
        }
    }

    /// Draws with the upper left corner at `(left, top)`, at least [`LEAST`] high; the caption
    /// reads upwards at the right of the numbers.
    pub(crate) fn draw(
        &self,
        canvas: &Canvas<'_>,
        (left, top): (i32, i32),
        height: i32,
    ) -> DrawResult {
        let height = height.max(LEAST);
        let edge = |shade: i32| top + height - height * shade / SHADES;
        for shade in 0..SHADES {
            let colour = self
                .colours
                .colour(f64::from(shade) / f64::from(SHADES - 1));
            canvas.fill_rectangle((left, edge(shade + 1)), (left + BAR, edge(shade)), colour)?;
        }
        canvas.frame((left, top), (left + BAR, top + height))?;

        let (low, high) = self.range;
        let ticks = Ticks::new(low, high, (height / 90).clamp(2, 6) as usize);
        let mut widest = 0;
        for (value, label) in ticks.values.iter().zip(&ticks.labels) {
            let fraction = share(*value, self.range);
            let y = top + height - (fraction * f64::from(height)).round() as i32;
            canvas.line((left + BAR, y), (left + BAR + 10, y), INK, 2)?;
            canvas.text(label, (left + BAR + 20, y), Hang::Left, SMALL, INK)?;
            widest = widest.max(text_width(label, SMALL));
        }
        let caption = ticks.caption(self.quantity, self.units);
        let x = left + BAR + 20 + widest + 38;
        canvas.caption_upwards(&caption, (x, top + height / 2), height + 60)
    }
}
