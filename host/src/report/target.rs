//! The true response and where campaigns looked at it.

use super::canvas::Figure;
use super::error::ReportError;
use super::image_panel::{ImagePanel, full_range, image_size, margins};
use super::page::{DrawResult, Page};
use super::palette::{ColourMap, INK};
use super::trajectory::{Trajectory, even};
use crate::map::Map;
use plotters::prelude::DrawingBackend;
use plotters::style::RGBColor;

/// The true response with visited pixels as open circles, one panel a campaign, so that
/// strategies are compared side by side.
#[derive(Clone, Copy, Debug)]
pub struct TargetFigure<'a> {
    /// The true response; NaN where there is no candidate (see [`super::only_at`]).
    pub target: &'a Map,
    /// One panel each, left to right; without any, the response alone is drawn.
    pub campaigns: &'a [Trajectory<'a>],
}

impl TargetFigure<'_> {
    fn panels(&self) -> i32 {
        self.campaigns.len().max(1) as i32
    }

    fn side(&self) -> i32 {
        match self.panels() {
            1 => 1800,
            2 => 1500,
            _ => 1100,
        }
    }

    /// Only the last panel has the colour bar that all share.
    fn panel_width(&self) -> i32 {
        let (left, _, right, _) = margins(self.target, false);
        left + image_size(self.target, self.side()).0 + right
    }
}

impl Figure for TargetFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let (_, top, right, bottom) = margins(self.target, true);
        let (_, _, narrow, _) = margins(self.target, false);
        let (_, height) = image_size(self.target, self.side());
        even(self.panel_width() * self.panels() - narrow + right, top + height + bottom)
    }

    fn check(&self) -> Result<(), ReportError> {
        self.campaigns.iter().try_for_each(|campaign| campaign.check(self.target))
    }

    fn draw<DB: DrawingBackend>(&self, page: &Page<'_, DB>) -> DrawResult<DB> {
        let alone = [Trajectory { strategy: "", seeds: &[], steps: &[] }];
        let campaigns = if self.campaigns.is_empty() { &alone } else { self.campaigns };
        for (i, campaign) in campaigns.iter().enumerate() {
            let panel = ImagePanel {
                map: self.target,
                colours: ColourMap::Viridis,
                range: full_range(self.target),
                title: campaign.strategy,
                colour_bar: i + 1 == campaigns.len(),
            };
            let frame = panel.draw(page, (i as i32 * self.panel_width(), 0), self.side())?;
            let radius = ((frame.cell() * 0.3).round() as i32).clamp(7, 16);
            for &(row, column) in campaign.seeds.iter().chain(campaign.steps) {
                let centre = frame.centre(row, column);
                // White inside dark: one of the two shows on any colour of the map.
                page.ring(centre, radius + 2, INK, 2)?;
                page.ring(centre, radius, RGBColor(255, 255, 255), 4)?;
            }
        }
        Ok(())
    }
}
