//! The true response and where campaigns looked at it.

use super::trajectory::Trajectory;
use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult, Hang, TEXT, TITLE, even, text_width};
use crate::plot::image_frame::ImageFrame;
use crate::plot::image_panel::{ImagePanel, full_range, panel_height, side_by_side};
use crate::plot::palette::{ColourMap, INK};
use crate::plot::{Figure, FigureError};
use plotters::style::RGBColor;

/// The true response with visited pixels as open circles, one panel a campaign, so that
/// strategies are compared side by side.
#[derive(Clone, Copy, Debug)]
pub struct TargetFigure<'a> {
    /// The true response; NaN where there is no candidate (see [`crate::data::on_candidates`]).
    pub target: &'a Map,
    /// One panel each, left to right; without any, the response alone is drawn.
    pub campaigns: &'a [Trajectory<'a>],
}

impl TargetFigure<'_> {
    fn side(&self) -> i32 {
        match self.campaigns.len() {
            0 | 1 => 1800,
            2 => 1400,
            _ => 1000,
        }
    }

    /// Only the last panel has the colour bar that all share.
    fn layout(&self) -> (Vec<i32>, i32) {
        let mut bars = vec![false; self.campaigns.len().saturating_sub(1)];
        bars.push(true);
        side_by_side(self.target, self.side(), &bars)
    }
}

impl Figure for TargetFigure<'_> {
    fn size(&self) -> (u32, u32) {
        even(self.layout().1, panel_height(self.target, self.side()))
    }

    fn check(&self) -> Result<(), FigureError> {
        self.campaigns
            .iter()
            .try_for_each(|campaign| campaign.check(self.target))
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let (lefts, _) = self.layout();
        for (i, left) in lefts.iter().enumerate() {
            let campaign = self.campaigns.get(i);
            let panel = ImagePanel {
                map: self.target,
                colours: ColourMap::Viridis,
                range: full_range(self.target),
                title: campaign.map_or("", |campaign| campaign.strategy),
                colour_bar: i + 1 == lefts.len(),
                row_axis: i == 0,
                place: (i, lefts.len()),
            };
            let frame = panel.draw(canvas, (*left, 0), self.side())?;
            if let Some(campaign) = campaign {
                draw_visits(canvas, &frame, campaign)?;
            }
        }
        Ok(())
    }
}

fn draw_visits(canvas: &Canvas<'_>, frame: &ImageFrame, campaign: &Trajectory<'_>) -> DrawResult {
    let radius = ((frame.cell() * 0.3).round() as i32).clamp(7, 14);
    campaign.marked.draw_under(canvas, frame)?;
    for &(row, column) in campaign.seeds.iter().chain(campaign.steps) {
        let centre = frame.centre(row, column);
        // White inside dark: one of the two shows on any colour of the map.
        canvas.ring(centre, radius + 3, INK, 3)?;
        canvas.ring(centre, radius, RGBColor(255, 255, 255), 4)?;
    }
    campaign.marked.draw_over(canvas, frame, radius)?;
    let label = format!("{} visited", campaign.seeds.len() + campaign.steps.len());
    let (x, y) = (frame.right(), frame.top - 40);
    let width = text_width(&label, TEXT) * 11 / 10;
    let taken = text_width(campaign.strategy, TITLE) * 11 / 10 + 40 + canvas.letter_room(2);
    if width + 2 * radius + taken > frame.width {
        return Ok(());
    }
    canvas.text(&label, (x, y), Hang::Right, TEXT, INK)?;
    canvas.ring((x - width - radius - 18, y), radius + 2, INK, 4)
}
