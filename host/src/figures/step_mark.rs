//! Steps at which something happened, marked on curves over steps.

use crate::plot::Stroke;
use crate::plot::canvas::{Canvas, DrawResult, Hang, text_width};
use crate::plot::palette::INK;
use crate::plot::plane::Plane;
use plotters::style::RGBColor;

/// A step behind which a campaign went another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepMark<'a> {
    /// The last step before; 0 for before the first.
    pub step: usize,
    /// What stands beside its line, such as the number of a command.
    pub label: &'a str,
}

/// Steps at which another target was sought: figures before and behind are of different numbers, and curves of
/// them are not joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetChanges {
    /// The last step of each target but the last one.
    pub after: Vec<usize>,
    /// Units of the targets in their order, each once.
    pub units: String,
    /// What was sought, in what units, up to which step.
    pub words: String,
}

const LINE: RGBColor = RGBColor(110, 110, 110);
/// Height of a label.
const SIZE: f64 = 34.0;
/// Rows of labels: those of marks close to each other stand below one another.
const ROWS: usize = 4;

impl Plane {
    /// Dashed upright lines at the marks, with their labels at the top.
    pub(super) fn draw_marks(&self, canvas: &Canvas<'_>, marks: &[StepMark<'_>]) -> DrawResult {
        let mut taken = [i32::MIN; ROWS];
        for mark in marks {
            let (x, _) = self.at(mark.step as f64, self.y.low);
            let ends = [(x, f64::from(self.top)), (x, f64::from(self.bottom()))];
            for dash in Stroke::Dashed.cut(&ends) {
                canvas.path(dash, LINE, 3)?;
            }
            let width = text_width(mark.label, SIZE) * 11 / 10;
            let x = x.round() as i32;
            // At the right edge the label stands left of its line.
            let left = if x + 8 + width <= self.right() {
                x + 8
            } else {
                x - 8 - width
            };
            // Where all rows are taken the line stands for itself.
            let Some(row) = taken.iter().position(|&right| right < left) else {
                continue;
            };
            taken[row] = left + width + 6;
            let y = self.top + 20 + 36 * crate::plot::canvas::whole(row);
            canvas.text(mark.label, (left, y), Hang::Left, SIZE, INK)?;
        }
        Ok(())
    }
}
