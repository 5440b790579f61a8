//! Several responses, each pair of them in a plane.

use super::density::draw_density;
use super::trajectory::{draw_seed, draw_step, step_colour};
use crate::plot::canvas::{Canvas, DrawResult, Hang, TEXT, TITLE, even, fitted, text_width, whole};
use crate::plot::colour_bar::{self, ColourBar};
use crate::plot::palette::INK;
use crate::plot::plane::{FOOT, Plane, Scale, Y_TICKS};
use crate::plot::stroke::rounded;
use crate::plot::{Figure, FigureError};

/// One response: what there is, and what was measured of it.
#[derive(Clone, Copy, Debug)]
pub struct PairedResponse<'a> {
    /// What the response is, such as `line:Pd-La`.
    pub quantity: &'a str,
    /// Its units; empty for none.
    pub units: &'a str,
    /// The true response of every candidate, in one order for all responses; none where no truth is known.
    pub candidates: &'a [f64],
    /// Measured before the strategy had a say.
    pub seeds: &'a [f64],
    /// Measured by decision, first to last.
    pub steps: &'a [f64],
}

/// A plane for each pair of responses, as the lower triangle of a matrix: what candidates show, in grey,
/// under what a campaign measured, coloured by step. What is ordinary in each response and not in both lies
/// where the grey does not.
#[derive(Clone, Copy, Debug)]
pub struct PairsFigure<'a> {
    /// Name of the strategy, as it is to be read.
    pub strategy: &'a str,
    /// Two or more.
    pub responses: &'a [PairedResponse<'a>],
}

const TOP: i32 = 96;
/// Between planes: more than a number on an axis sticks out at both ends.
const GAP: i32 = 76;
const RIGHT: i32 = 60;
const BAR_GAP: i32 = 30;
const RADIUS: i32 = 9;

impl PairsFigure<'_> {
    /// Planes along each side of the triangle.
    fn order(&self) -> usize {
        self.responses.len().saturating_sub(1)
    }

    /// Edge of a plane: smaller ones where there are more.
    fn side(&self) -> i32 {
        match self.order() {
            0 | 1 => 1100,
            2 => 820,
            3 => 660,
            _ => 520,
        }
    }

    fn steps(&self) -> usize {
        self.responses.first().map_or(0, |first| first.steps.len())
    }

    /// Left edge of the planes in the first column.
    fn left(&self) -> i32 {
        let rows = self.responses.iter().skip(1);
        let rooms = rows.map(|response| Plane::room(&response.scale()));
        rooms.max().unwrap_or(0)
    }

    /// The plane of a row and a column of the triangle.
    fn plane(&self, row: usize, column: usize) -> Plane {
        let side = self.side();
        Plane {
            left: self.left() + whole(column) * (side + GAP),
            top: TOP + whole(row) * (side + GAP),
            width: side,
            height: side,
            x: self.responses[column].scale(),
            y: self.responses[row + 1].scale(),
        }
    }

    /// Right edge of the last column.
    fn right(&self) -> i32 {
        let order = whole(self.order().max(1));
        self.left() + order * self.side() + (order - 1) * GAP
    }

    fn draw_head(&self, canvas: &Canvas<'_>) -> DrawResult {
        let seeds = self.responses.first().map_or(0, |first| first.seeds.len());
        let label = match seeds {
            0 => String::new(),
            1 => "1 seed".to_owned(),
            seeds => format!("{seeds} seeds"),
        };
        let (left, right, y) = (self.left(), self.right(), TOP - 44);
        let width = text_width(&label, TEXT) * 11 / 10;
        let title = fitted(self.strategy, TITLE, right - left - width - 160);
        canvas.text(&title, (left, y), Hang::Left, TITLE, INK)?;
        if seeds > 0 {
            canvas.text(&label, (right, y), Hang::Right, TEXT, INK)?;
            draw_seed(canvas, (right - width - RADIUS - 16, y), RADIUS)?;
        }
        Ok(())
    }

    fn draw_plane(&self, canvas: &Canvas<'_>, row: usize, column: usize) -> DrawResult {
        let plane = self.plane(row, column);
        let (x, y) = (&self.responses[column], &self.responses[row + 1]);
        // Most candidates of a skewed response share a corner; the fourth root still shows the few elsewhere.
        let shade = |density: f64| density.sqrt().sqrt();
        draw_density(canvas, &plane, &pairs(x.candidates, y.candidates), shade)?;
        if column == 0 {
            plane.draw_y_axis(canvas, (y.quantity, y.units))?;
        } else {
            plane.draw_grid(canvas, Y_TICKS)?;
        }
        let bottom = plane.bottom();
        if row + 1 == self.order() {
            plane.draw_x_axis(canvas, (x.quantity, x.units))?;
        } else {
            canvas.line((plane.left, bottom), (plane.right(), bottom), INK, 3)?;
        }
        let at = |(x, y): (f64, f64)| {
            let (x, y) = plane.at(x, y);
            (x.is_finite() && y.is_finite()).then(|| rounded((x, y)))
        };
        for centre in pairs(x.seeds, y.seeds).into_iter().filter_map(at) {
            draw_seed(canvas, centre, RADIUS)?;
        }
        let steps = pairs(x.steps, y.steps);
        for (i, step) in steps.iter().enumerate() {
            if let Some(centre) = at(*step) {
                draw_step(canvas, centre, RADIUS, step_colour(i, steps.len()))?;
            }
        }
        Ok(())
    }
}

impl PairedResponse<'_> {
    fn scale(&self) -> Scale {
        let all = [self.candidates, self.seeds, self.steps];
        Scale::around(all.into_iter().flatten().copied())
    }
}

impl Figure for PairsFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let order = whole(self.order().max(1));
        // Beside a lone plane; the empty half of the triangle has room for the bar of more.
        let bar = if self.order() < 2 && self.steps() > 1 {
            BAR_GAP + colour_bar::WIDTH
        } else {
            RIGHT
        };
        let height = order * self.side() + (order - 1) * GAP;
        even(self.right() + bar, TOP + height + FOOT)
    }

    fn check(&self) -> Result<(), FigureError> {
        let size = |what: String, expected: usize, found: usize| {
            if found == expected {
                Ok(())
            } else {
                Err(FigureError::Size {
                    what,
                    expected,
                    found,
                })
            }
        };
        let Some((first, others)) = self.responses.split_first() else {
            return size("vector of responses".to_owned(), 2, 0);
        };
        if others.is_empty() {
            return size("vector of responses".to_owned(), 2, 1);
        }
        for response in others {
            let of = |what: &str| format!("{what} of `{}`", response.quantity);
            size(
                of("truth"),
                first.candidates.len(),
                response.candidates.len(),
            )?;
            size(of("seeds"), first.seeds.len(), response.seeds.len())?;
            size(of("steps"), first.steps.len(), response.steps.len())?;
        }
        Ok(())
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        self.draw_head(canvas)?;
        for row in 0..self.order() {
            for column in 0..=row {
                self.draw_plane(canvas, row, column)?;
            }
        }
        if self.steps() > 1 {
            let place = (self.plane(0, 0).right() + BAR_GAP, TOP);
            ColourBar::steps(self.steps()).draw(canvas, place, self.side())?;
        }
        Ok(())
    }
}

fn pairs(x: &[f64], y: &[f64]) -> Vec<(f64, f64)> {
    x.iter().copied().zip(y.iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::draw_svg;

    const VALUES: [f64; 4] = [0.0, 1.0, 2.0, f64::NAN];

    fn response(quantity: &'static str) -> PairedResponse<'static> {
        PairedResponse {
            quantity,
            units: "counts",
            candidates: &VALUES,
            seeds: &VALUES[..1],
            steps: &VALUES[1..],
        }
    }

    #[test]
    fn responses_of_different_campaigns_are_named() {
        let refusal = |responses: &[PairedResponse<'_>]| {
            let figure = PairsFigure {
                strategy: "beacon",
                responses,
            };
            figure.check().unwrap_err().to_string()
        };
        let (one, other) = (response("line:Au-La"), response("line:Pd-La"));
        let message = "the vector of responses has 1 values, expected 2";
        assert_eq!(refusal(&[one]), message);
        let fewer = PairedResponse {
            steps: &VALUES[..2],
            ..other
        };
        let message = "the steps of `line:Pd-La` has 2 values, expected 3";
        assert_eq!(refusal(&[one, other, fewer]), message);
        let without = PairedResponse {
            candidates: &[],
            ..other
        };
        let message = "the truth of `line:Pd-La` has 0 values, expected 4";
        assert_eq!(refusal(&[one, without]), message);
    }

    /// Oracle: by hand. Every pair has its dots of one seed and of the two steps that have a place.
    #[test]
    fn every_pair_of_responses_has_a_plane_with_what_was_measured() {
        for count in 2..=5 {
            let responses = [response("line:Au-La"); 5];
            let figure = PairsFigure {
                strategy: "beacon",
                responses: &responses[..count],
            };
            let svg = draw_svg(&figure).unwrap();
            let pairs = count * (count - 1) / 2;
            let dots = svg.matches("<circle").count();
            // A seed is two discs and a step three; the key has one more seed.
            assert_eq!(dots, pairs * (2 + 2 * 3) + 2, "{count}");
        }
    }
}
