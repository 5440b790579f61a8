//! How much of the target space was covered after how many steps.

use super::curves::{Curve, named};
use super::step_mark::StepMark;
use crate::plot::canvas::{Canvas, DrawResult, TEXT, even, text_width};
use crate::plot::plane::{Plane, Scale};
use crate::plot::{Figure, FigureError};

/// Coverage against step for any number of campaigns.
#[derive(Clone, Copy, Debug)]
pub struct CoverageFigure<'a> {
    /// The upright axis, such as `target coverage`.
    pub quantity: &'a str,
    /// One a campaign or group of campaigns; values from 0 to 1.
    pub curves: &'a [Curve<'a>],
    /// Steps that are marked.
    pub marks: &'a [StepMark<'a>],
    /// Steps behind which the curves are broken: another target was sought.
    pub breaks: &'a [usize],
}

const LEFT: i32 = 200;
const TOP: i32 = 40;
const WIDTH: i32 = 1900;
const HEIGHT: i32 = 1150;
const BOTTOM: i32 = 140;

impl Figure for CoverageFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let names = self
            .curves
            .iter()
            .map(|curve| text_width(&named(curve, 0.0), TEXT));
        // The tenth on top is for readers of SVG whose own font is wider.
        let room = names.max().unwrap_or(0) * 11 / 10;
        even(LEFT + WIDTH + 130 + room, TOP + HEIGHT + BOTTOM)
    }

    fn check(&self) -> Result<(), FigureError> {
        self.curves.iter().try_for_each(Curve::check)
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let steps = self.curves.iter().map(|curve| curve.values.len()).max();
        let plane = Plane {
            left: LEFT,
            top: TOP,
            width: WIDTH,
            height: HEIGHT,
            x: Scale::steps(steps.unwrap_or(0)),
            y: Scale::shares(self.curves.iter().flat_map(Curve::extremes)),
        };
        plane.draw_axes(canvas, ("step", ""), (self.quantity, ""))?;
        plane.draw_marks(canvas, self.marks)?;
        plane.draw_curves(canvas, self.curves, self.breaks)?;
        plane.name_curves(canvas, self.curves)
    }
}
