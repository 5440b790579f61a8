//! One map alone: what figures of several maps are on a narrow page.

use std::borrow::Cow;

use super::trajectory::{Trajectory, draw_seed_key, draw_steps};
use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult, even};
use crate::plot::colour_bar::ColourBar;
use crate::plot::image_panel::{ImagePanel, panel_height, side_by_side};
use crate::plot::palette::ColourMap;
use crate::plot::{Figure, FigureError};

/// A map with its colour bar, or under a trajectory with the bar of its steps.
pub(super) struct OneMap<'a> {
    pub(super) map: Cow<'a, Map>,
    pub(super) colours: ColourMap,
    pub(super) range: (f64, f64),
    pub(super) title: String,
    /// A campaign over the map, and the steps that its colours span.
    pub(super) campaign: Option<(Trajectory<'a>, usize)>,
}

/// With its bar no wider than a telephone shows legibly.
const SIDE: i32 = 900;

impl Figure for OneMap<'_> {
    fn size(&self) -> (u32, u32) {
        let width = side_by_side(&self.map, SIDE, &[true]).1;
        let key = self
            .campaign
            .map_or(0, |(campaign, _)| campaign.marked.key_height(width));
        even(width, panel_height(&self.map, SIDE) + key)
    }

    fn check(&self) -> Result<(), FigureError> {
        match &self.campaign {
            Some((campaign, _)) => campaign.check(&self.map),
            None => Ok(()),
        }
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let panel = ImagePanel {
            map: &self.map,
            colours: self.colours,
            range: self.range,
            title: &self.title,
            colour_bar: self.campaign.is_none(),
            row_axis: true,
            place: (0, 1),
        };
        let frame = panel.draw(canvas, (0, 0), SIDE)?;
        let Some((campaign, steps)) = &self.campaign else {
            return Ok(());
        };
        let radius = ((frame.cell() * 0.38).round() as i32).clamp(7, 14);
        draw_seed_key(canvas, campaign, &frame, radius)?;
        draw_steps(canvas, campaign, &frame, radius, *steps)?;
        if *steps > 1 {
            let bar = ColourBar::steps(*steps);
            bar.draw(canvas, (frame.right() + 30, frame.top), frame.height)?;
        }
        let corner = (frame.left, panel_height(&self.map, SIDE));
        let width = side_by_side(&self.map, SIDE, &[true]).1;
        campaign.marked.draw_key(canvas, corner, width)
    }
}
