//! A key above the panels of a figure, for what they all share.

use super::canvas::{Canvas, DrawResult, Hang, TEXT, text_width};
use super::line::draw_line;
use super::palette::INK;
use super::stroke::Stroke;
use plotters::style::RGBColor;

/// One line and its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) label: String,
    pub(crate) colour: RGBColor,
    pub(crate) stroke: Stroke,
}

/// Names with their lines, in rows from left to right.
pub(crate) struct Legend {
    entries: Vec<Entry>,
    width: i32,
}

/// Length of a sample: twice the longest pattern of dashes.
const SAMPLE: i32 = 150;
const GAP: i32 = 20;
const BETWEEN: i32 = 64;
const ROW: i32 = 66;

impl Legend {
    /// A legend no wider than `width`, with one entry for each name.
    pub(crate) fn new(entries: impl IntoIterator<Item = Entry>, width: i32) -> Self {
        let mut kept: Vec<Entry> = Vec::new();
        for entry in entries {
            if kept.iter().all(|known| known.label != entry.label) {
                kept.push(entry);
            }
        }
        Self {
            entries: kept,
            width,
        }
    }

    /// Upper left corner of every entry, relative to that of the legend.
    fn corners(&self) -> Vec<(i32, i32)> {
        let (mut x, mut y) = (0, 0);
        self.entries
            .iter()
            .map(|entry| {
                // The tenth is for readers of SVG whose own font is wider.
                let width = SAMPLE + GAP + text_width(&entry.label, TEXT) * 11 / 10;
                if x > 0 && x + width > self.width {
                    (x, y) = (0, y + ROW);
                }
                let corner = (x, y);
                x += width + BETWEEN;
                corner
            })
            .collect()
    }

    /// Height of all rows; 0 without entries.
    pub(crate) fn height(&self) -> i32 {
        self.corners().last().map_or(0, |(_, y)| y + ROW)
    }

    /// Draws with the upper left corner at `(left, top)`.
    pub(crate) fn draw(&self, canvas: &Canvas<'_>, (left, top): (i32, i32)) -> DrawResult {
        for (entry, (x, y)) in self.entries.iter().zip(self.corners()) {
            let (x, y) = (left + x, top + y + ROW / 2);
            let line = [(x, y), (x + SAMPLE, y)].map(|(x, y)| (f64::from(x), f64::from(y)));
            draw_line(canvas, &line, entry.colour, entry.stroke)?;
            canvas.text(&entry.label, (x + SAMPLE + GAP, y), Hang::Left, TEXT, INK)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(label: &str) -> Entry {
        Entry {
            label: label.to_owned(),
            colour: INK,
            stroke: Stroke::Solid,
        }
    }

    #[test]
    fn entries_wrap_before_the_edge_and_come_once() {
        let names = [
            "beacon",
            "ei",
            "beacon",
            "mu",
            "random",
            "beacon-elite",
            "farthest",
        ];
        let legend = Legend::new(names.map(entry), 1000);
        let corners = legend.corners();
        assert_eq!(corners.len(), 6);
        assert!(legend.height() > ROW);
        for (corner, entry) in corners.iter().zip(&legend.entries) {
            assert!(corner.0 + SAMPLE + GAP + text_width(&entry.label, TEXT) <= 1000);
        }
        assert_eq!(Legend::new([], 1000).height(), 0);
    }
}
