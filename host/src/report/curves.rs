//! Curves over steps, with bands around them.

use super::error::ReportError;
use super::page::{DrawResult, Hang, Page, TEXT};
use super::palette::INK;
use super::plane::Plane;
use super::strategy_colour::{strategy_colour, strategy_stroke};
use super::stroke::{Stroke, rounded};
use plotters::prelude::DrawingBackend;
use plotters::style::{Color, RGBColor};

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
    pub(super) fn check(&self) -> Result<(), ReportError> {
        match self.spread {
            Some(spread) if spread.len() != self.values.len() => Err(ReportError::Size {
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

pub(super) const WIDTH: u32 = 6;

impl Plane {
    pub(super) fn draw_curves<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        curves: &[Curve<'_>],
    ) -> DrawResult<DB> {
        // All bands first: a band must not veil another's line.
        for curve in curves {
            self.draw_band(page, curve)?;
        }
        // And the baseline last: where all agree, it is the one to be seen.
        let is_baseline = |curve: &&Curve<'_>| curve.strategy.eq_ignore_ascii_case("random");
        let others = curves.iter().filter(|curve| !is_baseline(curve));
        for curve in others.chain(curves.iter().filter(is_baseline)) {
            let points: Vec<(f64, f64)> = (1..)
                .zip(curve.values)
                .map(|(i, v)| self.at(f64::from(i), *v))
                .collect();
            draw_line(page, &points, strategy_colour(curve.strategy), curve.stroke)?;
        }
        Ok(())
    }

    fn draw_band<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        curve: &Curve<'_>,
    ) -> DrawResult<DB> {
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
            page.polygon(outline.collect(), colour)?;
        }
        Ok(())
    }

    /// Names with final values right of the plane, moved apart where ends are close.
    pub(super) fn name_curves<DB: DrawingBackend>(
        &self,
        page: &Page<'_, DB>,
        curves: &[Curve<'_>],
    ) -> DrawResult<DB> {
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

/// A line through points, broken where one has no place; a point between two breaks is a dot.
pub(super) fn draw_line<DB: DrawingBackend>(
    page: &Page<'_, DB>,
    points: &[(f64, f64)],
    colour: RGBColor,
    stroke: Stroke,
) -> DrawResult<DB> {
    for range in unbroken(points) {
        if let [point] = points[range.clone()] {
            page.dot(rounded(point), WIDTH.cast_signed(), colour)?;
            continue;
        }
        for dash in stroke.cut(&points[range]) {
            page.path(dash, colour, WIDTH)?;
        }
    }
    Ok(())
}

/// Stretches of points that have a place.
fn unbroken(points: &[(f64, f64)]) -> Vec<std::ops::Range<usize>> {
    let placed = |(x, y): &(f64, f64)| x.is_finite() && y.is_finite();
    let mut ranges = Vec::new();
    let mut start = 0;
    while let Some(first) = points[start..].iter().position(placed) {
        let first = start + first;
        let end = points[first..].iter().position(|p| !placed(p));
        start = end.map_or(points.len(), |length| first + length);
        ranges.push(first..start);
    }
    ranges
}

/// Moves ascending positions at least `gap` apart, as little as one pass each way does,
/// within `(low, high)` as long as they fit.
pub(super) fn spread_out(wanted: &[i32], gap: i32, (low, high): (i32, i32)) -> Vec<i32> {
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
    fn a_curve_is_broken_where_a_value_is_missing() {
        let at = |x: f64| (x, 1.0);
        let nan = (2.0, f64::NAN);
        assert_eq!(
            unbroken(&[at(0.0), at(1.0), nan, nan, at(3.0)]),
            [0..2, 4..5]
        );
        assert!(unbroken(&[nan]).is_empty());
        assert!(unbroken(&[]).is_empty());
    }
}
