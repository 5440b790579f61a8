//! How crowded a plane is: a smoothed histogram of points.

use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult};
use crate::plot::image_frame::ImageFrame;
use crate::plot::image_panel::draw_pixels;
use crate::plot::palette::ColourMap;
use crate::plot::plane::Plane;

/// Cells along each side of the histogram.
const CELLS: usize = 72;
/// Standard deviation of the smoothing, in cells.
const SIGMA: f64 = 1.6;

/// Draws in grey how crowded a square plane is with points; `shade` makes of a density, 0 to 1, how dark it is.
pub(super) fn draw_density(
    canvas: &Canvas<'_>,
    plane: &Plane,
    points: &[(f64, f64)],
    shade: fn(f64) -> f64,
) -> DrawResult {
    let values = density(plane, points).into_iter().map(|d| -shade(d));
    let map = Map::uncalibrated(CELLS, CELLS, values.collect(), "density");
    let frame = ImageFrame::square((plane.left, plane.top), plane.width, CELLS);
    draw_pixels(canvas, &map, ColourMap::PaleGrey, (-1.0, 0.0), &frame)
}

/// Density of points over the plane, row-major from its upper left corner, 0 to 1 for the most
/// crowded cell; all 0 without points.
fn density(plane: &Plane, points: &[(f64, f64)]) -> Vec<f64> {
    let mut counts = vec![0.0; CELLS * CELLS];
    for &(x, y) in points {
        let (x, y) = (plane.x.share(x), 1.0 - plane.y.share(y));
        if x.is_finite() && y.is_finite() {
            let cell = |share: f64| ((share * CELLS as f64) as usize).min(CELLS - 1);
            counts[cell(y) * CELLS + cell(x)] += 1.0;
        }
    }
    let rows = smooth(&counts, CELLS, 1);
    let smoothed = smooth(&rows, 1, CELLS);
    let most = smoothed.iter().copied().fold(0.0, f64::max);
    if most == 0.0 {
        return smoothed;
    }
    smoothed.into_iter().map(|value| value / most).collect()
}

/// Gaussian smoothing along one direction, `stride` apart, lines `between` apart; what leaves
/// the plane is lost.
fn smooth(values: &[f64], between: usize, stride: usize) -> Vec<f64> {
    let reach = (3.0 * SIGMA).ceil() as isize;
    let weight = |d: isize| (-0.5 * (d as f64 / SIGMA).powi(2)).exp();
    let mut result = vec![0.0; values.len()];
    for line in 0..CELLS {
        for cell in 0..CELLS {
            let near = (-reach..=reach).filter_map(|d| Some((d, cell.checked_add_signed(d)?)));
            result[line * between + cell * stride] = near
                .filter(|(_, other)| *other < CELLS)
                .map(|(d, other)| weight(d) * values[line * between + other * stride])
                .sum();
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::plane::Scale;

    fn plane() -> Plane {
        Plane {
            left: 0,
            top: 0,
            width: 720,
            height: 720,
            x: Scale::linear(0.0, 1.0),
            y: Scale::linear(0.0, 1.0),
        }
    }

    /// Three standard deviations, 4.8 cells, hold all of a Gaussian that 8 bits can show.
    #[test]
    fn a_point_is_a_round_spot_where_it_lies() {
        let density = density(&plane(), &[(0.25, 0.75)]);
        let at = |row: usize, column: usize| density[row * CELLS + column];
        assert_eq!(at(18, 18), 1.0);
        assert!((at(18, 20) - at(20, 18)).abs() < 1e-12 && at(18, 20) < 1.0);
        assert_eq!(at(60, 60), 0.0);
    }

    #[test]
    fn points_without_a_place_do_not_count() {
        assert!(
            density(&plane(), &[(f64::NAN, 0.5)])
                .iter()
                .all(|v| *v == 0.0)
        );
        assert!(density(&plane(), &[]).iter().all(|v| *v == 0.0));
    }
}
