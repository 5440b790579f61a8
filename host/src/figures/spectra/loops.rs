//! Hysteresis loops as small multiples, each with the direction of its sweep.

use super::{RIGHT, SpectraFigure, TOP, colour};
use crate::plot::Stroke;
use crate::plot::canvas::{Canvas, DrawResult, Hang, TEXT, even, fitted, whole};
use crate::plot::line::draw_line;
use crate::plot::palette::INK;
use crate::plot::plane::{FOOT, Plane, Scale, Y_TICKS};
use crate::plot::stroke::rounded;
use plotters::style::RGBColor;

const HEIGHT: i32 = 520;
/// Above a loop, for its label.
const HEAD: i32 = 72;
const GAP: i32 = 50;
/// Shares of the way around a loop at which an arrow points on.
const ARROWS: [f64; 4] = [0.1, 0.35, 0.6, 0.85];

impl SpectraFigure<'_> {
    fn columns(&self) -> usize {
        match self.spectra.len() {
            _ if self.narrow => 1,
            0 | 1 => 1,
            2 | 4 => 2,
            _ => 3,
        }
    }

    fn loop_width(&self) -> i32 {
        let columns = whole(self.columns());
        (self.width() - (columns - 1) * GAP) / columns
    }

    pub(super) fn size_of_loops(&self) -> (u32, u32) {
        let rows = self.spectra.len().max(1).div_ceil(self.columns());
        let height = TOP + whole(rows) * (HEAD + HEIGHT + FOOT);
        even(self.room() + self.width() + RIGHT, height)
    }

    pub(super) fn draw_loops(&self, canvas: &Canvas<'_>) -> DrawResult {
        let y = self.y(self.spectra);
        let columns = self.columns();
        for (number, spectrum) in self.spectra.iter().enumerate() {
            let (row, column) = (number / columns, number % columns);
            let plane = Plane {
                left: self.room() + whole(column) * (self.loop_width() + GAP),
                top: TOP + HEAD + whole(row) * (HEAD + HEIGHT + FOOT),
                width: self.loop_width(),
                height: HEIGHT,
                x: self.x(),
                y,
            };
            if column == 0 {
                plane.draw_y_axis(canvas, (self.quantity, self.units))?;
            } else {
                plane.draw_grid(canvas, Y_TICKS)?;
            }
            plane.draw_x_axis(canvas, (self.axis, self.axis_units))?;
            let corner = (plane.left, plane.top - 36);
            let letter = canvas.letter(number, self.spectra.len(), corner)?;
            let label = fitted(spectrum.label, TEXT, plane.width - letter);
            canvas.text(&label, (corner.0 + letter, corner.1), Hang::Left, TEXT, INK)?;
            self.draw_loop(canvas, &plane, number)?;
        }
        Ok(())
    }

    /// The loop of a spectrum: its last channel joined to the first, a dot where the sweep begins, arrows
    /// along it.
    fn draw_loop(&self, canvas: &Canvas<'_>, plane: &Plane, number: usize) -> DrawResult {
        let mut points = self.points(plane, number);
        points.extend(points.first().copied());
        let colour = colour(number, self.spectra.len());
        draw_line(canvas, &points, colour, Stroke::Solid)?;
        let known = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
        let path: Vec<_> = points.into_iter().filter(known).collect();
        for arrow in arrows(&path) {
            canvas.polygon(arrow, colour)?;
        }
        let Some(&first) = path.first() else {
            return Ok(());
        };
        canvas.dot(rounded(first), 13, INK)?;
        canvas.dot(rounded(first), 9, RGBColor(255, 255, 255))
    }

    /// Half a scale of a loop's axis: what an axis would hide at its ends.
    pub(super) fn around_loop((low, high): (f64, f64)) -> Scale {
        Scale::around([low, high].into_iter())
    }
}

/// Heads of arrows along a path, each as its corners.
fn arrows(path: &[(f64, f64)]) -> Vec<Vec<(i32, i32)>> {
    const AHEAD: f64 = 20.0;
    const BEHIND: f64 = 14.0;
    const ASIDE: f64 = 16.0;
    let length = |a: (f64, f64), b: (f64, f64)| (b.0 - a.0).hypot(b.1 - a.1);
    let whole: f64 = path.windows(2).map(|pair| length(pair[0], pair[1])).sum();
    let head = |share: &f64| {
        let mut left = share * whole;
        for pair in path.windows(2) {
            let (from, to) = (pair[0], pair[1]);
            let along = length(from, to);
            if left > along || along == 0.0 {
                left -= along;
                continue;
            }
            let (dx, dy) = ((to.0 - from.0) / along, (to.1 - from.1) / along);
            let (x, y) = (from.0 + dx * left, from.1 + dy * left);
            let (back, tip) = (
                (x - BEHIND * dx, y - BEHIND * dy),
                (x + AHEAD * dx, y + AHEAD * dy),
            );
            let corners = [
                tip,
                (back.0 - ASIDE * dy, back.1 + ASIDE * dx),
                (back.0 + ASIDE * dy, back.1 - ASIDE * dx),
            ];
            return Some(corners.map(rounded).to_vec());
        }
        None
    };
    ARROWS.iter().filter_map(head).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrows_point_the_way_that_the_sweep_goes() {
        let square = [
            (0.0, 0.0),
            (100.0, 0.0),
            (100.0, 100.0),
            (0.0, 100.0),
            (0.0, 0.0),
        ];
        let tips: Vec<_> = arrows(&square).iter().map(|corners| corners[0]).collect();
        assert_eq!(tips, [(60, 0), (100, 60), (40, 100), (0, 40)]);
        let back: Vec<_> = square.into_iter().rev().collect();
        assert_ne!(arrows(&back)[0][0], tips[0]);
        assert!(arrows(&[(1.0, 1.0)]).is_empty());
    }
}
