//! Curves over steps, named at their ends rather than in a legend.

use super::page::{DrawResult, Hang, Page, SMALL, TEXT};
use super::palette::INK;
use super::strategy_colour::strategy_colour;
use super::ticks::Ticks;
use plotters::prelude::DrawingBackend;
use plotters::style::{Color, RGBColor};

/// How a curve is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stroke {
    /// An unbroken line.
    #[default]
    Solid,
    /// Dashes, for what is compared against, such as published runs or a baseline.
    Dashed,
}

/// One quantity over the steps of a campaign, or of the mean of several.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// What stands at the end of the curve.
    pub label: &'a str,
    /// Strategy, which decides the colour.
    pub strategy: &'a str,
    /// Value after each step; `values[0]` is that after step 1.
    pub values: &'a [f64],
    /// Half width of a band around the values, such as a standard deviation over
    /// repetitions; as many as `values`.
    pub spread: Option<&'a [f64]>,
    /// How the line is drawn.
    pub stroke: Stroke,
}

/// The plane of the curves on the page, step to the right and value up.
pub(super) struct Plane {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    /// Largest step.
    pub(super) steps: usize,
    /// Largest value; the smallest is 0.
    pub(super) highest: f64,
}

const WIDTH: u32 = 6;
const DASH: f64 = 22.0;
const GRID: RGBColor = RGBColor(225, 225, 225);

impl Plane {
    fn at(&self, step: f64, value: f64) -> (f64, f64) {
        let x = f64::from(self.left) + step / self.steps.max(1) as f64 * f64::from(self.width);
        let share = (value / self.highest).clamp(0.0, 1.0);
        (
            x,
            f64::from(self.top) + (1.0 - share) * f64::from(self.height),
        )
    }

    /// Axes with a light grid, under the curves.
    pub(super) fn draw_axes<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        quantity: &str,
    ) -> DrawResult<DB> {
        let (right, bottom) = (self.left + self.width, self.top + self.height);
        let values = Ticks::new(0.0, self.highest, 5);
        for (value, label) in values.values.iter().zip(&values.labels) {
            let (_, y) = rounded(self.at(0.0, *value));
            page.line((self.left, y), (right, y), GRID, 2)?;
            page.text(label, (self.left - 20, y), Hang::Right, SMALL, INK)?;
        }
        let steps = Ticks::new(0.0, self.steps as f64, 8);
        for (step, label) in steps.values.iter().zip(&steps.labels) {
            let (x, _) = rounded(self.at(*step, 0.0));
            page.line((x, bottom), (x, bottom + 12), INK, 2)?;
            page.text(label, (x, bottom + 38), Hang::Centre, SMALL, INK)?;
        }
        page.line((self.left, bottom), (right, bottom), INK, 3)?;
        page.line((self.left, self.top), (self.left, bottom), INK, 3)?;
        page.text(
            "step",
            (self.left + self.width / 2, bottom + 92),
            Hang::Centre,
            TEXT,
            INK,
        )?;
        page.text_upwards(
            quantity,
            (self.left - 140, self.top + self.height / 2),
            TEXT,
        )
    }

    pub(super) fn draw_curves<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        curves: &[Curve<'_>],
    ) -> DrawResult<DB> {
        // All bands first: a band must not veil another's line.
        for curve in curves {
            self.draw_band(page, curve)?;
        }
        for curve in curves {
            let points: Vec<(f64, f64)> = (1..)
                .zip(curve.values)
                .map(|(i, v)| self.at(f64::from(i), *v))
                .collect();
            let colour = strategy_colour(curve.strategy);
            match curve.stroke {
                Stroke::Solid => {
                    page.path(points.into_iter().map(rounded).collect(), colour, WIDTH)?;
                }
                Stroke::Dashed => {
                    for dash in dashes(&points) {
                        page.path(dash, colour, WIDTH)?;
                    }
                }
            }
        }
        self.name_curves(page, curves)
    }

    fn draw_band<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        curve: &Curve<'_>,
    ) -> DrawResult<DB> {
        let Some(spread) = curve.spread else {
            return Ok(());
        };
        let edge = |sign: f64| -> Vec<(i32, i32)> {
            (1..)
                .zip(curve.values.iter().zip(spread))
                .map(|(i, (value, half))| rounded(self.at(f64::from(i), value + sign * half)))
                .collect()
        };
        let mut outline = edge(1.0);
        outline.extend(edge(-1.0).into_iter().rev());
        page.polygon(outline, strategy_colour(curve.strategy).mix(0.22))
    }

    /// Names with final values right of the plane, moved apart where ends are close.
    fn name_curves<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        curves: &[Curve<'_>],
    ) -> DrawResult<DB> {
        let mut ends: Vec<(&Curve<'_>, f64, (i32, i32))> = curves
            .iter()
            .filter_map(|curve| {
                let last = *curve.values.last()?;
                Some((
                    curve,
                    last,
                    rounded(self.at(curve.values.len() as f64, last)),
                ))
            })
            .collect();
        ends.sort_by_key(|(_, _, (_, y))| *y);
        let heights = spread_out(
            &ends.iter().map(|(_, _, (_, y))| *y).collect::<Vec<_>>(),
            TEXT as i32 + 10,
            (self.top, self.top + self.height),
        );
        let x = self.left + self.width;
        for ((curve, last, end), y) in ends.iter().zip(heights) {
            let colour = strategy_colour(curve.strategy);
            page.line((end.0 + 8, end.1), (x + 60, y), colour.mix(0.7), 2)?;
            page.fill_rectangle((x + 68, y - 12), (x + 92, y + 12), colour)?;
            page.text(&named(curve, *last), (x + 106, y), Hang::Left, TEXT, INK)?;
        }
        Ok(())
    }
}

/// The text at the end of a curve.
pub(super) fn named(curve: &Curve<'_>, last: f64) -> String {
    format!("{} {last:.2}", curve.label)
}

fn rounded((x, y): (f64, f64)) -> (i32, i32) {
    (x.round() as i32, y.round() as i32)
}

/// Cuts a path into every other stretch of equal length along it.
fn dashes(points: &[(f64, f64)]) -> Vec<Vec<(i32, i32)>> {
    let mut result = Vec::new();
    let mut dash: Vec<(i32, i32)> = points.first().map(|p| rounded(*p)).into_iter().collect();
    let (mut drawing, mut left) = (true, DASH);
    for pair in points.windows(2) {
        let ((x0, y0), (x1, y1)) = (pair[0], pair[1]);
        let length = (x1 - x0).hypot(y1 - y0);
        let mut done = 0.0;
        while length - done > left {
            done += left;
            let turn = rounded((
                x0 + (x1 - x0) * done / length,
                y0 + (y1 - y0) * done / length,
            ));
            if drawing {
                dash.push(turn);
                result.push(std::mem::take(&mut dash));
            } else {
                dash = vec![turn];
            }
            drawing = !drawing;
            left = if drawing { DASH } else { DASH * 0.6 };
        }
        left -= length - done;
        if drawing {
            dash.push(rounded((x1, y1)));
        }
    }
    result.extend((dash.len() > 1).then_some(dash));
    result
}

/// Moves ascending positions at least `gap` apart, as little as one pass each way does,
/// within `(low, high)` as long as they fit.
fn spread_out(wanted: &[i32], gap: i32, (low, high): (i32, i32)) -> Vec<i32> {
    let mut placed = wanted.to_vec();
    let mut floor = low;
    for y in &mut placed {
        *y = (*y).max(floor);
        floor = *y + gap;
    }
    let mut ceiling = high;
    for y in placed.iter_mut().rev() {
        *y = (*y).min(ceiling);
        ceiling = *y - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_apart_and_inside() {
        assert_eq!(
            spread_out(&[10, 12, 95, 99], 10, (0, 100)),
            [10, 20, 90, 100]
        );
        assert_eq!(spread_out(&[50], 10, (0, 100)), [50]);
    }

    #[test]
    fn dashes_and_gaps_alternate_along_the_path() {
        let dashes = dashes(&[(0.0, 0.0), (30.0, 0.0), (60.0, 0.0)]);
        assert_eq!(dashes[0], [(0, 0), (22, 0)]);
        assert_eq!(dashes[1][0], (35, 0));
        assert_eq!(dashes[1].last(), Some(&(57, 0)));
        assert_eq!(dashes.len(), 2);
    }
}
