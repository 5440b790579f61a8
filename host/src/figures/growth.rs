//! How costs grow with the size of a problem: power laws on logarithmic planes.

use crate::plot::Figure;
use crate::plot::canvas::{Canvas, DrawResult, Hang, TEXT, even, whole};
use crate::plot::line::spread_out;
use crate::plot::palette::INK;
use crate::plot::plane::{FOOT, Plane, Scale, Y_TICKS};
use crate::plot::stroke::rounded;
use plotters::style::{Color, RGBColor};

/// cost = factor · size^exponent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PowerLaw {
    /// The cost at size 1.
    pub factor: f64,
    /// By how much the logarithm of the cost grows with that of the size.
    pub exponent: f64,
}

impl PowerLaw {
    /// The law closest to `(size, cost)` by least squares of the logarithms; `None` unless all
    /// are positive and finite, and two or more sizes differ.
    pub fn fit(points: &[(f64, f64)]) -> Option<Self> {
        let logarithms = points.iter().map(|(size, cost)| (size.ln(), cost.ln()));
        let logarithms: Vec<(f64, f64)> = logarithms.collect();
        let count = logarithms.len() as f64;
        let mean = |of: fn(&(f64, f64)) -> f64| logarithms.iter().map(of).sum::<f64>() / count;
        let (size, cost) = (mean(|l| l.0), mean(|l| l.1));
        let sum = |of: &dyn Fn(f64, f64) -> f64| {
            let terms = logarithms.iter().map(|l| of(l.0 - size, l.1 - cost));
            terms.sum::<f64>()
        };
        let exponent = sum(&|s, c| s * c) / sum(&|s, _| s * s);
        let factor = (cost - exponent * size).exp();
        (exponent.is_finite() && factor.is_finite()).then_some(Self { factor, exponent })
    }

    /// The cost at a size.
    pub fn at(&self, size: f64) -> f64 {
        self.factor * size.powf(self.exponent)
    }
}

/// One cost at several sizes.
#[derive(Clone, Copy, Debug)]
pub struct Growth<'a> {
    /// What costs.
    pub label: &'a str,
    /// Sizes, ascending, with the cost of each.
    pub points: &'a [(f64, f64)],
}

impl<'a> Growth<'a> {
    /// Sizes that a law is fitted to.
    const FITTED: usize = 3;

    /// The largest sizes with their costs.
    pub fn largest(&self) -> &'a [(f64, f64)] {
        &self.points[self.points.len().saturating_sub(Self::FITTED)..]
    }
}

/// Costs against one size.
#[derive(Clone, Debug)]
pub struct GrowthPanel<'a> {
    /// What is counted as size.
    pub size: &'a str,
    /// Drawn in four colours, in turn.
    pub costs: Vec<Growth<'a>>,
}

/// Costs as dots, a panel for each kind of size, with the power law of the largest sizes, where
/// growth outweighs what costs the same at any size; beside each law its exponent.
#[derive(Clone, Debug)]
pub struct GrowthFigure<'a> {
    /// What one unit of cost is.
    pub unit: &'a str,
    /// Left to right.
    pub panels: Vec<GrowthPanel<'a>>,
}

const COLOURS: [RGBColor; 4] = [
    RGBColor(0xc0, 0xa0, 0x1e),
    RGBColor(0x1f, 0x7f, 0x8e),
    RGBColor(0x30, 0x2a, 0x5e),
    RGBColor(0xb0, 0x4a, 0x3a),
];

const WIDTH: i32 = 1100;
const HEIGHT: i32 = 860;
const TOP: i32 = 40;
/// Right of every panel, for names and exponents.
const RIGHT: i32 = 560;
const DOT: i32 = 13;

impl GrowthFigure<'_> {
    fn scale(&self) -> Scale {
        let costs = self.panels.iter().flat_map(|panel| &panel.costs);
        Scale::decades(costs.flat_map(|cost| cost.points).map(|point| point.1))
    }
}

impl Figure for GrowthFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let room = Plane::room(&self.scale());
        let panels = whole(self.panels.len().max(1));
        even(room + panels * (WIDTH + RIGHT), TOP + HEIGHT + FOOT)
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let y = self.scale();
        for (i, panel) in self.panels.iter().enumerate() {
            let sizes = panel.costs.iter().flat_map(|cost| cost.points);
            let plane = Plane {
                left: Plane::room(&y) + whole(i) * (WIDTH + RIGHT),
                top: TOP,
                width: WIDTH,
                height: HEIGHT,
                x: Scale::decades(sizes.map(|point| point.0)),
                y,
            };
            let size = (panel.size, "");
            if i == 0 {
                plane.draw_axes(canvas, size, ("cost", self.unit))?;
            } else {
                plane.draw_grid(canvas, Y_TICKS)?;
                plane.draw_x_axis(canvas, size)?;
            }
            panel.draw(canvas, &plane)?;
        }
        Ok(())
    }
}

impl GrowthPanel<'_> {
    fn draw(&self, canvas: &Canvas<'_>, plane: &Plane) -> DrawResult {
        let mut ends = Vec::new();
        for (cost, colour) in self.costs.iter().zip(COLOURS.into_iter().cycle()) {
            for &(size, cost) in cost.points {
                canvas.dot(rounded(plane.at(size, cost)), DOT, colour)?;
            }
            let law = PowerLaw::fit(cost.largest());
            if let (Some(law), [(first, _), .., (last, _)]) = (law, cost.largest()) {
                let end = |size: f64| rounded(plane.at(size, law.at(size)));
                canvas.line(end(*first), end(*last), colour, 5)?;
                let name = format!("{} ^{:.2}", cost.label, law.exponent);
                ends.push((name, colour, end(*last)));
            }
        }
        ends.sort_by_key(|(_, _, end)| end.1);
        let wanted: Vec<i32> = ends.iter().map(|(_, _, end)| end.1).collect();
        let heights = spread_out(&wanted, TEXT as i32 + 10, (plane.top, plane.bottom()));
        for ((name, colour, end), y) in ends.iter().zip(heights) {
            let x = plane.right();
            canvas.line((end.0 + DOT, end.1), (x + 40, y), colour.mix(0.7), 2)?;
            canvas.text(name, (x + 54, y), Hang::Left, TEXT, INK)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_power_law_is_found_again() {
        let law = PowerLaw {
            factor: 3.0,
            exponent: 1.7,
        };
        let points = [1.0, 10.0, 35.0, 1e4].map(|size| (size, law.at(size)));
        let found = PowerLaw::fit(&points).unwrap();
        assert!((found.exponent - 1.7).abs() < 1e-12);
        assert!((found.factor - 3.0).abs() < 1e-10);
        assert_eq!(PowerLaw::fit(&points[..1]), None);
        assert_eq!(PowerLaw::fit(&[(1.0, 1.0), (2.0, 0.0)]), None);
    }

    /// Oracle: by hand. Logarithms (0, 0), (1, 2), (2, 1) have slope 1/2 about (1, 1).
    #[test]
    fn scatter_is_fitted_by_least_squares_of_logarithms() {
        let e = std::f64::consts::E;
        let found = PowerLaw::fit(&[(1.0, 1.0), (e, e * e), (e * e, e)]).unwrap();
        assert!((found.exponent - 0.5).abs() < 1e-12);
        assert!((found.factor - 0.5_f64.exp()).abs() < 1e-12);
    }
}
