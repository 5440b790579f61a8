//! Lines through points, and places for the names at their ends.

use super::canvas::{Canvas, DrawResult};
use super::stroke::{Stroke, rounded};
use plotters::style::RGBColor;

/// Width of a line, in canvas units.
const WIDTH: u32 = 6;

/// A line through points, broken where one has no place; a point between two breaks is a dot.
pub(crate) fn draw_line(
    canvas: &Canvas<'_>,
    points: &[(f64, f64)],
    colour: RGBColor,
    stroke: Stroke,
) -> DrawResult {
    for range in unbroken(points) {
        if let [point] = points[range.clone()] {
            canvas.dot(rounded(point), WIDTH.cast_signed(), colour)?;
            continue;
        }
        for dash in stroke.cut(&points[range]) {
            canvas.path(dash, colour, WIDTH)?;
        }
    }
    Ok(())
}

/// Stretches of points that have a place.
pub(crate) fn unbroken(points: &[(f64, f64)]) -> Vec<std::ops::Range<usize>> {
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
pub(crate) fn spread_out(wanted: &[i32], gap: i32, (low, high): (i32, i32)) -> Vec<i32> {
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
