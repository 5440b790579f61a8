//! Curves of several quantities, a panel each: Figure 3 of the paper and its coverage curves.

use std::borrow::Cow;

use super::curves::{Curve, room_for_names};
use super::step_mark::StepMark;
use super::strategy_colour::strategy_colour;
use super::strategy_result::{Metrics, Progress, ResponseErrors, StrategyResult};
use crate::plot::canvas::{Canvas, DrawResult, even, whole};
use crate::plot::legend::{Entry, Legend};
use crate::plot::plane::{FOOT, Plane, Scale};
use crate::plot::{Figure, FigureError};

/// The values an upright axis spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    /// From zero to a round number no larger than 1, for shares.
    Shares,
    /// From zero, for quantities with a meaningful one, such as errors.
    FromZero,
    /// Whatever the curves span.
    Fitted,
}

/// One quantity.
#[derive(Clone, Debug)]
pub struct CurvePanel<'a> {
    /// What the upright axis is called.
    pub quantity: Cow<'a, str>,
    /// Units of the quantity; empty for none.
    pub units: &'a str,
    /// The values that the axis spans.
    pub span: Span,
    /// One a strategy.
    pub curves: Vec<Curve<'a>>,
    /// Steps behind which the curves are broken: another target was sought.
    pub breaks: &'a [usize],
}

/// Panels over the same steps in rows, with one legend for all.
#[derive(Clone, Debug)]
pub struct PanelsFigure<'a> {
    /// Left to right, then down.
    pub panels: Vec<CurvePanel<'a>>,
    /// Panels in a row, 1 or more.
    pub columns: usize,
    /// Steps that are marked in every panel.
    pub marks: &'a [StepMark<'a>],
}

const WIDTH: i32 = 1020;
const HEIGHT: i32 = 680;
const TOP: i32 = 20;
/// Below the legend: half the height of a number on an axis, and air.
const HEAD: i32 = 40;
/// Right of every panel, for the last number on its axis.
const RIGHT: i32 = 60;

impl<'a> PanelsFigure<'a> {
    /// Figure 3 of the paper: error, mean and uncertainty of the surrogate and coverage of the
    /// target space against step, for a response in `units`. Quantities that no strategy knows
    /// have no panel.
    pub fn learning(results: &'a [StrategyResult<'a>], units: &'a str) -> Self {
        Self::of(
            results,
            2,
            &[
                ("MAE", units, Span::FromZero, |m| m.mae),
                ("surrogate mean", units, Span::Fitted, |m| m.surrogate_mean),
                ("surrogate uncertainty", units, Span::FromZero, |m| {
                    m.surrogate_sigma
                }),
                ("target coverage", "", Span::Shares, |m| m.target_coverage),
                ("range covered so far", "", Span::Shares, |m| {
                    m.range_coverage
                }),
            ],
        )
    }

    /// Coverage of target, clusters of several responses, patches and latent space against step, three in a
    /// row. Quantities that no strategy knows have no panel.
    pub fn coverage(results: &'a [StrategyResult<'a>]) -> Self {
        Self::of(
            results,
            3,
            &[
                ("target coverage", "", Span::Shares, |m| m.target_coverage),
                ("response-cluster coverage", "", Span::Shares, |m| {
                    m.response_cluster_coverage
                }),
                ("range covered so far", "", Span::Shares, |m| {
                    m.range_coverage
                }),
                ("patch coverage", "", Span::Shares, |m| m.patch_coverage),
                ("latent coverage", "", Span::Shares, |m| m.latent_coverage),
            ],
        )
    }

    fn of(results: &'a [StrategyResult<'a>], columns: usize, quantities: &[Quantity<'a>]) -> Self {
        let panels = quantities.iter().map(|&(quantity, units, span, pick)| {
            let curves = results.iter().filter_map(|result| {
                let Progress { mean, sd } = pick(&result.metrics);
                (!mean.is_empty()).then(|| Curve::of(result.trajectory.strategy, mean, sd))
            });
            CurvePanel {
                quantity: quantity.into(),
                units,
                span,
                curves: curves.collect(),
                breaks: &[],
            }
        });
        Self {
            panels: panels.filter(|panel| !panel.curves.is_empty()).collect(),
            columns,
            marks: &[],
        }
    }

    /// Errors of the surrogate of each of several responses against step, a response a row: MAE and NLPD.
    /// A response of which no strategy knows the truth has no row.
    pub fn errors(results: &'a [StrategyResult<'a>]) -> Self {
        let mut responses: Vec<(&str, &str)> = Vec::new();
        for of in results.iter().flat_map(|result| result.metrics.errors) {
            if responses.iter().all(|(known, _)| *known != of.response) {
                responses.push((of.response, of.units));
            }
        }
        let panel = |response: &'a str, error, units, span, pick: PickError<'a>| {
            let curves = results.iter().filter_map(|result| {
                let mut errors = result.metrics.errors.iter();
                let of = errors.find(|of| of.response == response)?;
                let Progress { mean, sd } = pick(of);
                let known = mean.iter().any(|value| value.is_finite());
                known.then(|| Curve::of(result.trajectory.strategy, mean, sd))
            });
            CurvePanel {
                quantity: format!("{error} of {response}").into(),
                units,
                span,
                curves: curves.collect(),
                breaks: &[],
            }
        };
        let panels = responses.into_iter().flat_map(|(response, units)| {
            [
                panel(response, "MAE", units, Span::FromZero, |of| of.mae),
                panel(response, "NLPD", "nats", Span::Fitted, |of| of.nlpd),
            ]
        });
        Self {
            panels: panels.filter(|panel| !panel.curves.is_empty()).collect(),
            columns: 2,
            marks: &[],
        }
    }

    /// The same with marks.
    #[must_use]
    pub fn marked(self, marks: &'a [StepMark<'a>]) -> Self {
        Self { marks, ..self }
    }

    /// The same with the curves of the target broken behind these steps, after each of which another one was
    /// sought. Patches and the latent space are the same for every target.
    #[must_use]
    pub fn broken(mut self, breaks: &'a [usize]) -> Self {
        let of_image = ["patch coverage", "latent coverage"];
        for panel in &mut self.panels {
            if !of_image.contains(&&*panel.quantity) {
                panel.breaks = breaks;
            }
        }
        self
    }

    fn layout(&self) -> Layout {
        let columns = self.columns.clamp(1, self.panels.len().max(1));
        // Panels above each other share the widest margin, so that their axes align.
        let mut room = vec![0; columns];
        for (i, panel) in self.panels.iter().enumerate() {
            let needed = Plane::room(&panel.scale());
            room[i % columns] = needed.max(room[i % columns]);
        }
        let names = room_for_names(self.panels.iter().flat_map(|panel| &panel.curves));
        let mut right = 0;
        let lefts = room.iter().map(|room| {
            let left = right + room;
            right = left + WIDTH + RIGHT + names;
            left
        });
        let lefts: Vec<i32> = lefts.collect();
        // As the curves of the first panel of coverage end, from the top down: the same order in every figure.
        let end = |curve: &Curve<'_>| {
            let finite = curve.values.iter().rev().find(|value| value.is_finite());
            finite.copied().unwrap_or(f64::NEG_INFINITY)
        };
        let mut entries: Vec<&Curve<'_>> = Vec::new();
        let (shares, others): (Vec<_>, Vec<_>) =
            (self.panels.iter()).partition(|panel| panel.span == Span::Shares);
        for panel in shares.into_iter().chain(others) {
            let mut curves: Vec<&Curve<'_>> = panel.curves.iter().collect();
            curves.sort_by(|a, b| end(b).total_cmp(&end(a)));
            entries.extend(curves);
        }
        let legend = Legend::new(
            entries.into_iter().map(|curve| Entry {
                label: curve.label.to_owned(),
                colour: strategy_colour(curve.strategy),
                stroke: curve.stroke,
            }),
            right - lefts[0],
        );
        let top = TOP + legend.height() + HEAD;
        Layout {
            rows: whole(self.panels.len().div_ceil(columns)),
            width: right,
            lefts,
            top,
            names: names > 0,
            legend,
        }
    }
}

/// Panels in a row of so many in all.
pub(super) fn columns(panels: usize) -> usize {
    match panels {
        0..=3 => panels.max(1),
        4 => 2,
        5 | 6 | 9 => 3,
        _ => 4,
    }
}

type PickError<'a> = fn(&ResponseErrors<'a>) -> Progress<'a>;

type Quantity<'a> = (&'a str, &'a str, Span, fn(&Metrics<'a>) -> Progress<'a>);

struct Layout {
    /// Left edges of the planes of a row.
    lefts: Vec<i32>,
    /// Upper edge of the first row.
    top: i32,
    rows: i32,
    width: i32,
    /// Whether curves are named at their ends.
    names: bool,
    legend: Legend,
}

const PITCH: i32 = HEIGHT + FOOT + HEAD;

impl CurvePanel<'_> {
    fn scale(&self) -> Scale {
        let values = self.curves.iter().flat_map(Curve::extremes);
        match self.span {
            Span::Shares => Scale::shares(values),
            Span::FromZero => Scale::from_zero(values.map(|v| v.max(0.0))),
            Span::Fitted => Scale::around(values),
        }
    }
}

impl<'a> Figure for PanelsFigure<'a> {
    fn size(&self) -> (u32, u32) {
        let layout = self.layout();
        even(layout.width, layout.top + layout.rows * PITCH)
    }

    fn check(&self) -> Result<(), FigureError> {
        let mut curves = self.panels.iter().flat_map(|panel| &panel.curves);
        curves.try_for_each(Curve::check)
    }

    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        if self.panels.len() < 2 {
            return Vec::new();
        }
        let part = |panel: &CurvePanel<'a>| -> Box<dyn Figure + '_> {
            Box::new(PanelsFigure {
                panels: vec![panel.clone()],
                columns: 1,
                marks: self.marks,
            })
        };
        self.panels.iter().map(part).collect()
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let layout = self.layout();
        layout.legend.draw(canvas, (layout.lefts[0], TOP))?;
        let curves = self.panels.iter().flat_map(|panel| &panel.curves);
        let steps = curves.map(|curve| curve.values.len()).max().unwrap_or(0);
        for (i, panel) in self.panels.iter().enumerate() {
            let columns = layout.lefts.len();
            let plane = Plane {
                left: layout.lefts[i % columns],
                top: layout.top + whole(i / columns) * PITCH,
                width: WIDTH,
                height: HEIGHT,
                x: Scale::steps(steps),
                y: panel.scale(),
            };
            plane.draw_axes(canvas, ("step", ""), (&panel.quantity, panel.units))?;
            let corner = (plane.left - Plane::room(&plane.y) + 8, plane.top - 14);
            canvas.letter(i, self.panels.len(), corner)?;
            plane.draw_marks(canvas, self.marks)?;
            plane.draw_curves(canvas, &panel.curves, panel.breaks)?;
            if layout.names {
                plane.label_curves(canvas, &panel.curves)?;
            }
        }
        Ok(())
    }
}
