//! What stands on an image beside the points of a campaign: where it could not measure, and what people
//! did.

use crate::data::Region;
use crate::plot::Stroke;
use crate::plot::canvas::{Canvas, DrawResult, Hang, SMALL, text_width};
use crate::plot::image_frame::ImageFrame;
use crate::plot::palette::INK;
use plotters::style::RGBColor;

/// Regions and pixels of an image that are drawn otherwise than the rest; pixels as `(row, column)`.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Marked<'a> {
    /// The pixels that are candidates, where not all of the image are.
    pub candidates: Option<&'a Region>,
    /// Where nothing was to be measured any more.
    pub excluded: &'a [Region],
    /// Measured pixels that do not count.
    pub discarded: &'a [(usize, usize)],
    /// Measured pixels that people chose.
    pub by_people: &'a [(usize, usize)],
}

const WHITE: RGBColor = RGBColor(255, 255, 255);
const PERSON: RGBColor = RGBColor(0xff, 0x7f, 0x0e);
/// From one line of a hatch to the next, along the rows.
const HATCH: i32 = 34;
/// Height of a line of the key.
const LINE: i32 = 54;

impl Marked<'_> {
    /// What lies under the points: the border of the candidates, and the hatch of excluded regions.
    pub(super) fn draw_under(&self, canvas: &Canvas<'_>, frame: &ImageFrame) -> DrawResult {
        for region in self.excluded {
            let (left, top, right, bottom) = bounds(region, frame);
            for (from, to) in hatch((left, top), (right, bottom)) {
                canvas.line(from, to, INK, 7)?;
                canvas.line(from, to, WHITE, 3)?;
            }
        }
        let Some(candidates) = self.candidates else {
            return Ok(());
        };
        let (left, top, right, bottom) = bounds(candidates, frame);
        let corners = [
            (left, top),
            (right, top),
            (right, bottom),
            (left, bottom),
            (left, top),
        ];
        for side in corners.windows(2) {
            canvas.line(side[0], side[1], WHITE, 6)?;
        }
        let corners = corners.map(|(x, y)| (f64::from(x), f64::from(y)));
        for dash in Stroke::Dashed.cut(&corners) {
            canvas.path(dash, INK, 6)?;
        }
        Ok(())
    }

    /// What lies over the points: rings around those that people chose, crosses on those discarded.
    pub(super) fn draw_over(
        &self,
        canvas: &Canvas<'_>,
        frame: &ImageFrame,
        radius: i32,
    ) -> DrawResult {
        for &(row, column) in self.by_people {
            canvas.ring(frame.centre(row, column), radius + 9, INK, 9)?;
            canvas.ring(frame.centre(row, column), radius + 9, PERSON, 5)?;
        }
        for &(row, column) in self.discarded {
            let (x, y) = frame.centre(row, column);
            let reach = radius + 8;
            for (colour, width) in [(INK, 11), (WHITE, 5)] {
                canvas.line(
                    (x - reach, y - reach),
                    (x + reach, y + reach),
                    colour,
                    width,
                )?;
                canvas.line(
                    (x - reach, y + reach),
                    (x + reach, y - reach),
                    colour,
                    width,
                )?;
            }
        }
        Ok(())
    }

    /// What is marked, for whoever reads the figure.
    fn words(&self) -> Vec<&'static str> {
        let said = [
            (
                self.candidates.is_some(),
                "dashed: border of the candidates",
            ),
            (!self.excluded.is_empty(), "hatched: excluded"),
            (!self.discarded.is_empty(), "crossed: discarded"),
            (
                !self.by_people.is_empty(),
                "orange ring: chosen by a person",
            ),
        ];
        let said = said.into_iter().filter(|(is_said, _)| *is_said);
        said.map(|(_, words)| words).collect()
    }

    /// The lines of the key, no wider than `width`.
    fn lines(&self, width: i32) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for words in self.words() {
            let longer = lines.last().map(|line| format!("{line}; {words}"));
            // The tenth is for readers of SVG whose own font is wider.
            let fits = |line: &String| text_width(line, SMALL) * 11 / 10 <= width;
            match (lines.last_mut(), longer.filter(fits)) {
                (Some(line), Some(longer)) => *line = longer,
                _ => lines.push(words.to_owned()),
            }
        }
        lines
    }

    /// Height of the key below an image, of a figure that is so wide; 0 where nothing is marked.
    pub(super) fn key_height(&self, width: i32) -> i32 {
        LINE * crate::plot::canvas::whole(self.lines(width).len())
    }

    /// Draws the key with its upper left corner there.
    pub(super) fn draw_key(
        &self,
        canvas: &Canvas<'_>,
        (left, top): (i32, i32),
        width: i32,
    ) -> DrawResult {
        for (number, line) in (0..).zip(self.lines(width)) {
            let y = top + LINE * number + LINE / 2;
            canvas.text(&line, (left, y), Hang::Left, SMALL, INK)?;
        }
        Ok(())
    }
}

/// Left, top, right and bottom of a region on the canvas.
fn bounds(region: &Region, frame: &ImageFrame) -> (i32, i32, i32, i32) {
    let (left, top) = frame.corner(region.rows.start, region.columns.start);
    let (right, bottom) = frame.corner(region.rows.end, region.columns.end);
    (left, top, right, bottom)
}

type Line = ((i32, i32), (i32, i32));

/// Lines that rise to the right through a rectangle; those of rectangles beside each other join.
fn hatch((left, top): (i32, i32), (right, bottom): (i32, i32)) -> Vec<Line> {
    // On a line x + y is constant.
    let first = (left + top).div_euclid(HATCH) + 1;
    let last = (right + bottom).div_euclid(HATCH);
    let line = |number: i32| {
        let sum = number * HATCH;
        let low = (sum - bottom).max(left);
        let high = (sum - top).min(right);
        (low < high).then_some(((low, sum - low), (high, sum - high)))
    };
    (first..=last).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hatch_stays_in_its_rectangle_and_joins_that_of_its_neighbour() {
        let one = hatch((10, 20), (110, 80));
        let whole = hatch((10, 20), (210, 80));
        assert!(one.len() >= 4);
        for &((x0, y0), (x1, y1)) in one.iter().chain(&whole) {
            assert_eq!((x0 + y0).rem_euclid(HATCH), 0);
            assert_eq!(x0 + y0, x1 + y1);
            assert!(x0 >= 10 && x1 <= 210 && y1 >= 20 && y0 <= 80);
        }
        let other = hatch((110, 20), (210, 80));
        let sums = |lines: &[Line]| -> std::collections::BTreeSet<i32> {
            lines.iter().map(|((x, y), _)| x + y).collect()
        };
        let both = sums(&one).union(&sums(&other)).copied().collect();
        assert_eq!(sums(&whole), both);
    }

    #[test]
    fn the_key_says_what_is_marked_and_nothing_else() {
        assert!(Marked::default().lines(2000).is_empty());
        let marked = Marked {
            discarded: &[(1, 2)],
            by_people: &[(3, 4)],
            ..Marked::default()
        };
        let wide = marked.lines(2000);
        assert_eq!(
            wide,
            ["crossed: discarded; orange ring: chosen by a person"]
        );
        assert_eq!(marked.lines(700).len(), 2);
        assert_eq!(marked.key_height(700), 2 * LINE);
    }
}
