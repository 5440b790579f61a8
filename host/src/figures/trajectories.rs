//! Where several campaigns measured, and in which order, a panel each.

use std::borrow::Cow;

use super::one_map::OneMap;
use super::panels::columns;
use super::trajectory::{Trajectory, draw_seed_key, draw_steps};
use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult, even, whole};
use crate::plot::colour_bar::{self, ColourBar};
use crate::plot::image_panel::{ImagePanel, image_size, panel_height, robust_range, sides};
use crate::plot::palette::ColourMap;
use crate::plot::{Figure, FigureError};

/// A map in grey under the trajectories, a panel a campaign: seeds as white circles, steps as
/// dots coloured by step, on one scale for all.
#[derive(Clone, Copy, Debug)]
pub struct TrajectoriesFigure<'a> {
    /// The image, or the true response with NaN where there is no candidate.
    pub background: &'a Map,
    /// One panel each, left to right, then down.
    pub campaigns: &'a [Trajectory<'a>],
}

/// Between panels, beside what they need for themselves.
const GAP: i32 = 24;
const BAR_GAP: i32 = 30;

struct Layout {
    side: i32,
    columns: usize,
    /// Left edges of the panels of a row.
    lefts: Vec<i32>,
    /// Left edge of the first colour bar.
    bars: i32,
    pitch: i32,
}

impl<'a> TrajectoriesFigure<'a> {
    /// Campaigns over a map.
    pub(crate) fn over(background: &'a Map, campaigns: &'a [Trajectory<'a>]) -> Self {
        Self {
            background,
            campaigns,
        }
    }

    fn layout(&self) -> Layout {
        let columns = columns(self.campaigns.len());
        let side = match columns {
            1 => 1500,
            2 => 1100,
            3 => 900,
            _ => 760,
        };
        let width = image_size(self.background, side).0;
        let mut right = 0;
        let lefts = (0..columns).map(|column| {
            let left = right;
            let (before, after) = sides(self.background, column == 0, false);
            right += before + width + after + GAP;
            left
        });
        Layout {
            lefts: lefts.collect(),
            side,
            columns,
            bars: right - GAP - 24 + BAR_GAP,
            pitch: panel_height(self.background, side),
        }
    }

    /// Height of the keys of all panels: campaigns side by side differ in what is marked.
    fn key_height(&self) -> i32 {
        let width = self.layout().bars;
        let keys = self.campaigns.iter();
        let keys = keys.map(|campaign| campaign.marked.key_height(width));
        keys.max().unwrap_or(0)
    }

    fn steps(&self) -> usize {
        let steps = self.campaigns.iter().map(|campaign| campaign.steps.len());
        steps.max().unwrap_or(0)
    }
}

impl<'a> Figure for TrajectoriesFigure<'a> {
    fn size(&self) -> (u32, u32) {
        let layout = self.layout();
        let rows = whole(self.campaigns.len().max(1).div_ceil(layout.columns));
        let bars = if self.steps() > 1 && rows == 1 { 2 } else { 1 };
        even(
            layout.bars + bars * (colour_bar::WIDTH + BAR_GAP) - BAR_GAP,
            rows * layout.pitch + self.key_height(),
        )
    }

    fn check(&self) -> Result<(), FigureError> {
        self.campaigns
            .iter()
            .try_for_each(|campaign| campaign.check(self.background))
    }

    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        let (steps, range) = (self.steps(), robust_range(self.background));
        let part = |campaign: &Trajectory<'a>| -> Box<dyn Figure + '_> {
            Box::new(OneMap {
                map: Cow::Borrowed(self.background),
                colours: ColourMap::DimGrey,
                range,
                title: campaign.strategy.to_owned(),
                campaign: Some((*campaign, steps)),
            })
        };
        self.campaigns.iter().map(part).collect()
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let layout = self.layout();
        let steps = self.steps();
        let range = robust_range(self.background);
        let mut first = None;
        for i in 0..self.campaigns.len().max(1) {
            let (row, column) = (i / layout.columns, i % layout.columns);
            let campaign = self.campaigns.get(i);
            let panel = ImagePanel {
                map: self.background,
                colours: ColourMap::DimGrey,
                range,
                title: campaign.map_or("", |campaign| campaign.strategy),
                colour_bar: false,
                row_axis: column == 0,
                place: (i, self.campaigns.len()),
            };
            let corner = (layout.lefts[column], whole(row) * layout.pitch);
            let frame = panel.draw(canvas, corner, layout.side)?;
            first.get_or_insert(frame);
            if let Some(campaign) = campaign {
                let radius = ((frame.cell() * 0.38).round() as i32).clamp(7, 14);
                draw_seed_key(canvas, campaign, &frame, radius)?;
                draw_steps(canvas, campaign, &frame, radius, steps)?;
            }
        }
        let Some(frame) = first else { return Ok(()) };
        let rows = whole(self.campaigns.len().max(1).div_ceil(layout.columns));
        let marked = self.campaigns.iter().map(|campaign| campaign.marked);
        let most = marked.max_by_key(|marked| marked.key_height(layout.bars));
        let corner = (frame.left, rows * layout.pitch);
        most.unwrap_or_default()
            .draw_key(canvas, corner, layout.bars)?;
        // The bars stand beside each other, or above each other where there are two rows.
        let (mut left, mut top) = (layout.bars, frame.top);
        if steps > 1 {
            ColourBar::steps(steps).draw(canvas, (left, top), frame.height)?;
            if self.campaigns.len() > layout.columns {
                top += layout.pitch;
            } else {
                left += colour_bar::WIDTH + BAR_GAP;
            }
        }
        let bar = ColourBar {
            colours: ColourMap::DimGrey,
            range,
            quantity: &self.background.quantity,
            units: &self.background.units,
        };
        bar.draw(canvas, (left, top), frame.height)
    }
}
