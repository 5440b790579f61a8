//! Curves over steps, with bands around them.

use super::strategy_colour::{strategy_colour, strategy_stroke};
use crate::plot::FigureError;
use crate::plot::canvas::{Canvas, DrawResult, Hang, TEXT, text_width};
use crate::plot::line::{draw_line, spread_out, unbroken};
use crate::plot::palette::INK;
use crate::plot::plane::Plane;
use crate::plot::stroke::{Stroke, rounded};
use plotters::style::Color;

/// Bands that are told apart where they lie over each other; of more curves the spread is shown by bars.
pub(crate) const MOST_BANDS: usize = 3;
/// Bars along a curve.
const BARS: u32 = 5;
/// Half the width of the end of a bar.
const CAP: i32 = 11;

/// One quantity over the steps of a campaign, or of the mean of several.
#[derive(Clone, Copy, Debug)]
pub struct Curve<'a> {
    /// What the curve is called.
    pub label: &'a str,
    /// Strategy, which decides the colour.
    pub strategy: &'a str,
    /// Value after each step; `values[0]` is that after step 1. The curve is broken where a
    /// value is not finite.
    pub values: &'a [f64],
    /// Half width of a band around the values, such as a standard deviation over
    /// repetitions; as many as `values`.
    pub spread: Option<&'a [f64]>,
    /// How the line is drawn.
    pub stroke: Stroke,
}

impl<'a> Curve<'a> {
    /// The curve of a strategy, in its own colour and line.
    pub fn of(strategy: &'a str, values: &'a [f64], spread: Option<&'a [f64]>) -> Self {
        Self {
            label: strategy,
            strategy,
            values,
            spread,
            stroke: strategy_stroke(strategy),
        }
    }

    /// Refuses a band that does not belong to the values.
    pub(super) fn check(&self) -> Result<(), FigureError> {
        match self.spread {
            Some(spread) if spread.len() != self.values.len() => Err(FigureError::Size {
                what: format!("band of {}", self.label),
                expected: self.values.len(),
                found: spread.len(),
            }),
            _ => Ok(()),
        }
    }

    /// Every value and every edge of the band.
    pub(super) fn extremes(&self) -> impl Iterator<Item = f64> + '_ {
        let half = |i: usize| self.spread.map_or(0.0, |spread| spread[i]);
        (0..self.values.len()).flat_map(move |i| {
            [
                self.values[i] - half(i),
                self.values[i],
                self.values[i] + half(i),
            ]
        })
    }
}

impl Plane {
    /// The curves, each broken behind the steps of `breaks`.
    pub(super) fn draw_curves(
        &self,
        canvas: &Canvas<'_>,
        curves: &[Curve<'_>],
        breaks: &[usize],
    ) -> DrawResult {
        let spread: Vec<_> = curves.iter().filter(|c| c.spread.is_some()).collect();
        // All bands first: a band must not veil another's line.
        if spread.len() <= MOST_BANDS {
            for curve in &spread {
                self.draw_band(canvas, curve)?;
            }
        }
        // And the baseline last: where all agree, it is the one to be seen.
        let is_baseline = |curve: &&Curve<'_>| curve.strategy.eq_ignore_ascii_case("random");
        let others = curves.iter().filter(|curve| !is_baseline(curve));
        for curve in others.chain(curves.iter().filter(is_baseline)) {
            let points = (1_u32..).zip(curve.values);
            let points = points.map(|(i, v)| (i as usize, self.at(f64::from(i), *v)));
            let points: Vec<(usize, (f64, f64))> = points.collect();
            let colour = strategy_colour(curve.strategy);
            for part in points.chunk_by(|(step, _), _| !breaks.contains(step)) {
                let part: Vec<(f64, f64)> = part.iter().map(|(_, point)| *point).collect();
                draw_line(canvas, &part, colour, curve.stroke)?;
            }
        }
        if spread.len() > MOST_BANDS {
            for (number, curve) in spread.iter().enumerate() {
                self.draw_bars(canvas, curve, (number, spread.len()))?;
            }
        }
        Ok(())
    }

    /// Bars in place of a band, at steps at which no other curve of so many has one.
    fn draw_bars(
        &self,
        canvas: &Canvas<'_>,
        curve: &Curve<'_>,
        (number, of): (usize, usize),
    ) -> DrawResult {
        let Some(spread) = curve.spread else {
            return Ok(());
        };
        let steps = curve.values.len();
        let share = (number as f64 + 0.5) / of as f64;
        let colour = strategy_colour(curve.strategy);
        for bar in 0..BARS {
            let step = (f64::from(bar) + share) / f64::from(BARS) * steps as f64;
            let step = (step.round() as usize).clamp(1, steps.max(1));
            let (Some(&value), Some(&half)) = (curve.values.get(step - 1), spread.get(step - 1))
            else {
                continue;
            };
            let end = |sign: f64| self.at(step as f64, value + sign * half);
            let ends = (end(-1.0), end(1.0));
            if !(ends.0.1.is_finite() && ends.1.1.is_finite()) {
                continue;
            }
            let (low, high) = (rounded(ends.0), rounded(ends.1));
            canvas.line(low, high, colour, 5)?;
            for (x, y) in [low, high] {
                canvas.line((x - CAP, y), (x + CAP, y), colour, 5)?;
            }
        }
        Ok(())
    }

    fn draw_band(&self, canvas: &Canvas<'_>, curve: &Curve<'_>) -> DrawResult {
        let Some(spread) = curve.spread else {
            return Ok(());
        };
        let edge = |sign: f64| -> Vec<(f64, f64)> {
            (1..)
                .zip(curve.values.iter().zip(spread))
                .map(|(i, (value, half))| self.at(f64::from(i), value + sign * half))
                .collect()
        };
        let (upper, lower) = (edge(1.0), edge(-1.0));
        let colour = strategy_colour(curve.strategy).mix(0.22);
        for range in unbroken(&upper) {
            let back = lower[range.clone()].iter().rev();
            let outline = upper[range].iter().chain(back).copied().map(rounded);
            canvas.polygon(outline.collect(), colour)?;
        }
        Ok(())
    }

    /// Names with final values right of the plane, moved apart where ends are close.
    pub(super) fn name_curves(&self, canvas: &Canvas<'_>, curves: &[Curve<'_>]) -> DrawResult {
        self.name_ends(canvas, curves, named)
    }

    /// Names right of the plane likewise, in the order of the final values.
    pub(super) fn label_curves(&self, canvas: &Canvas<'_>, curves: &[Curve<'_>]) -> DrawResult {
        self.name_ends(canvas, curves, |curve, _| curve.label.to_owned())
    }

    fn name_ends(
        &self,
        canvas: &Canvas<'_>,
        curves: &[Curve<'_>],
        name: fn(&Curve<'_>, f64) -> String,
    ) -> DrawResult {
        let mut ends: Vec<(&Curve<'_>, f64, (i32, i32))> = curves
            .iter()
            .filter_map(|curve| {
                let last = curve.values.iter().rposition(|v| v.is_finite())?;
                let value = curve.values[last];
                Some((curve, value, rounded(self.at(last as f64 + 1.0, value))))
            })
            .collect();
        ends.sort_by_key(|(_, _, (_, y))| *y);
        let heights = spread_out(
            &ends.iter().map(|(_, _, (_, y))| *y).collect::<Vec<_>>(),
            TEXT as i32 + 10,
            (self.top, self.bottom()),
        );
        let x = self.right();
        for ((curve, last, end), y) in ends.iter().zip(heights) {
            let colour = strategy_colour(curve.strategy);
            canvas.line((end.0 + 8, end.1), (x + 60, y), colour.mix(0.7), 2)?;
            canvas.fill_rectangle((x + 68, y - 12), (x + 92, y + 12), colour)?;
            canvas.text(&name(curve, *last), (x + 106, y), Hang::Left, TEXT, INK)?;
        }
        Ok(())
    }
}

/// Room for names right of a plane; none where one curve needs no name.
pub(super) fn room_for_names<'c>(curves: impl IntoIterator<Item = &'c Curve<'c>>) -> i32 {
    let mut labels: Vec<&str> = curves.into_iter().map(|curve| curve.label).collect();
    labels.sort_unstable();
    labels.dedup();
    if labels.len() < 2 {
        return 0;
    }
    let widest = labels.iter().map(|label| text_width(label, TEXT)).max();
    106 + widest.unwrap_or(0) * 11 / 10
}

/// The text at the end of a curve.
pub(super) fn named(curve: &Curve<'_>, last: f64) -> String {
    format!("{} {last:.2}", curve.label)
}
