//! What each step spent its time on: Figure 6 of the paper.

use super::panels::columns;
use super::step_mark::StepMark;
use super::strategy_result::StepTimes;
use crate::plot::canvas::{Canvas, DrawResult, Hang, TITLE, even, fitted, whole};
use crate::plot::legend::{Entry, Legend};
use crate::plot::line::draw_line;
use crate::plot::palette::INK;
use crate::plot::plane::{FOOT, Plane, Scale, Y_TICKS};
use crate::plot::stroke::rounded;
use crate::plot::{Figure, Stroke};
use plotters::style::RGBColor;

/// Seconds per step for measuring, training and deciding on a logarithmic axis, a panel a
/// campaign; training as a dot a step. Steps that spent none of their time on something leave a gap.
#[derive(Clone, Copy, Debug)]
pub struct TimesFigure<'a> {
    /// Strategy and times of each campaign, left to right.
    pub campaigns: &'a [(&'a str, StepTimes<'a>)],
    /// Steps that are marked in every panel.
    pub marks: &'a [StepMark<'a>],
    /// Whether the figure is for a narrow page.
    pub narrow: bool,
}

/// From dark to light, each with its own line: what waits for the instrument, what the host
/// computes, what the kernel decides.
const PARTS: [(&str, RGBColor, Stroke); 3] = [
    ("measuring", RGBColor(0x30, 0x2a, 0x5e), Stroke::Solid),
    // Dots: a step that trains may take 10^5 times one that does not, and a line would swing between them.
    ("training", RGBColor(0x1f, 0x7f, 0x8e), Stroke::Dotted),
    ("deciding", RGBColor(0xc0, 0xa0, 0x1e), Stroke::DashDot),
];

/// Radius of a dot.
const DOT: i32 = 7;
const HEIGHT: i32 = 760;
const TOP: i32 = 20;
const HEAD: i32 = 96;
const RIGHT: i32 = 100;
const PITCH: i32 = HEAD + HEIGHT + FOOT;

fn parts<'a>(times: &StepTimes<'a>) -> [&'a [f64]; 3] {
    [times.measuring, times.training, times.deciding]
}

impl TimesFigure<'_> {
    fn scale(&self) -> Scale {
        let all = self.campaigns.iter().flat_map(|(_, times)| parts(times));
        Scale::decades(all.flatten().copied())
    }

    fn legend(&self) -> Legend {
        let known = PARTS.iter().enumerate().filter(|(i, _)| {
            let mut campaigns = self.campaigns.iter();
            campaigns.any(|(_, times)| !parts(times)[*i].is_empty())
        });
        let entries = known.map(|(_, &(label, colour, stroke))| Entry {
            label: label.to_owned(),
            colour,
            stroke,
        });
        Legend::new(entries, self.width() - RIGHT)
    }

    /// Width of a panel: the fewer, the wider.
    fn panel(&self) -> i32 {
        match self.campaigns.len() {
            _ if self.narrow => 1020,
            0 | 1 => 1900,
            2 | 4 => 1200,
            _ => 900,
        }
    }

    fn columns(&self) -> usize {
        columns(self.campaigns.len())
    }

    fn width(&self) -> i32 {
        whole(self.columns()) * (self.panel() + RIGHT)
    }
}

impl<'a> Figure for TimesFigure<'a> {
    fn size(&self) -> (u32, u32) {
        let room = Plane::room(&self.scale());
        let rows = whole(self.campaigns.len().max(1).div_ceil(self.columns()));
        let height = TOP + self.legend().height() + rows * PITCH;
        even(room + self.width(), height)
    }

    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        if self.narrow {
            return Vec::new();
        }
        let part = |campaigns: &'a [(&'a str, StepTimes<'a>)]| -> Box<dyn Figure + '_> {
            Box::new(TimesFigure {
                campaigns,
                marks: self.marks,
                narrow: true,
            })
        };
        self.campaigns.chunks(1).map(part).collect()
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let scale = self.scale();
        let room = Plane::room(&scale);
        let legend = self.legend();
        legend.draw(canvas, (room, TOP))?;
        let steps = self.campaigns.iter().flat_map(|(_, times)| parts(times));
        let steps = steps.map(<[f64]>::len).max().unwrap_or(0);
        for i in 0..self.campaigns.len().max(1) {
            let (row, column) = (i / self.columns(), i % self.columns());
            let plane = Plane {
                left: room + whole(column) * (self.panel() + RIGHT),
                top: TOP + legend.height() + whole(row) * PITCH + HEAD,
                width: self.panel(),
                height: HEIGHT,
                x: Scale::steps(steps),
                y: scale,
            };
            if column == 0 {
                plane.draw_axes(canvas, ("step", ""), ("time per step", "s"))?;
            } else {
                plane.draw_grid(canvas, Y_TICKS)?;
                plane.draw_x_axis(canvas, ("step", ""))?;
            }
            let Some((strategy, times)) = self.campaigns.get(i) else {
                continue;
            };
            let corner = (plane.left, plane.top - 44);
            let letter = canvas.letter(i, self.campaigns.len(), corner)?;
            let title = fitted(strategy, TITLE, self.panel() - letter);
            let corner = (corner.0 + letter, corner.1);
            canvas.text(&title, corner, Hang::Left, TITLE, INK)?;
            plane.draw_marks(canvas, self.marks)?;
            for ((_, colour, stroke), seconds) in PARTS.into_iter().zip(parts(times)) {
                let points: Vec<(f64, f64)> = (1..)
                    .zip(seconds)
                    // Nothing has no place on a logarithmic axis.
                    .map(|(i, &s)| (f64::from(i), if s > 0.0 { s } else { f64::NAN }))
                    .map(|(step, s)| plane.at(step, s))
                    .collect();
                if stroke == Stroke::Dotted {
                    for point in points.into_iter().filter(|(_, y)| y.is_finite()) {
                        canvas.dot(rounded(point), DOT, colour)?;
                    }
                } else {
                    draw_line(canvas, &points, colour, stroke)?;
                }
            }
        }
        Ok(())
    }
}
