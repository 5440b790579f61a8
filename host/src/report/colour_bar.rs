//! The key from colours to values.

use super::page::{DrawResult, Hang, Page, SMALL, text_width};
use super::palette::{ColourMap, INK};
use super::ticks::Ticks;
use plotters::prelude::DrawingBackend;

/// Width of a bar with its numbers and caption, in page units.
pub(super) const WIDTH: i32 = 256;

/// Height of the lowest bar: two numbers and a short caption.
pub(super) const LEAST: i32 = 330;

const BAR: i32 = 44;
/// Enough for no step between neighbours to be seen.
const SHADES: i32 = 256;

/// A vertical bar beside a panel.
pub(super) struct ColourBar<'a> {
    pub(super) colours: ColourMap,
    /// Values at the lower and the upper end.
    pub(super) range: (f64, f64),
    pub(super) quantity: &'a str,
    /// Empty when unknown.
    pub(super) units: &'a str,
}

impl ColourBar<'_> {
    /// Draws with the upper left corner at `(left, top)`, at least [`LEAST`] high; the caption
    /// reads upwards at the right of the numbers.
    pub(super) fn draw<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        (left, top): (i32, i32),
        height: i32,
    ) -> DrawResult<DB> {
        let height = height.max(LEAST);
        let edge = |shade: i32| top + height - height * shade / SHADES;
        for shade in 0..SHADES {
            let colour = self
                .colours
                .colour(f64::from(shade) / f64::from(SHADES - 1));
            page.fill_rectangle((left, edge(shade + 1)), (left + BAR, edge(shade)), colour)?;
        }
        page.frame((left, top), (left + BAR, top + height))?;

        let (low, high) = self.range;
        let ticks = Ticks::new(low, high, (height / 90).clamp(2, 6) as usize);
        let mut widest = 0;
        for (value, label) in ticks.values.iter().zip(&ticks.labels) {
            let fraction = (value - low) / (high - low);
            let y = top + height - (fraction * f64::from(height)).round() as i32;
            page.line((left + BAR, y), (left + BAR + 10, y), INK, 2)?;
            page.text(label, (left + BAR + 20, y), Hang::Left, SMALL, INK)?;
            widest = widest.max(text_width(label, SMALL));
        }
        let caption = ticks.caption(self.quantity, self.units);
        let x = left + BAR + 20 + widest + 38;
        page.caption_upwards(&caption, (x, top + height / 2), height + 60)
    }
}
