//! What the surrogate believes, how firmly, and how wrongly.

use super::canvas::Figure;
use super::error::ReportError;
use super::image_panel::{ImagePanel, full_range, image_size, margins};
use super::page::{DrawResult, Page};
use super::palette::ColourMap;
use super::trajectory::even;
use crate::map::Map;
use plotters::prelude::DrawingBackend;

/// Predicted mean, predicted sigma and, when the truth is known, the absolute error, side
/// by side. All maps have the shape of `mean`; NaN where there is no candidate.
#[derive(Clone, Copy, Debug)]
pub struct SurrogateFigure<'a> {
    /// Predicted mean of the response.
    pub mean: &'a Map,
    /// Predicted standard deviation, in the units of the response.
    pub sigma: &'a Map,
    /// The true response, where it is known.
    pub truth: Option<&'a Map>,
}

const SIDE: i32 = 1000;

impl SurrogateFigure<'_> {
    fn panels(&self) -> i32 {
        if self.truth.is_some() { 3 } else { 2 }
    }

    fn panel_width(&self) -> i32 {
        let (left, _, right, _) = margins(self.mean, true);
        left + image_size(self.mean, SIDE).0 + right
    }

    fn error(&self, truth: &Map) -> Map {
        let values = self.mean.values.iter().zip(&truth.values).map(|(m, t)| (m - t).abs());
        Map { values: values.collect(), ..self.mean.clone() }
    }
}

impl Figure for SurrogateFigure<'_> {
    fn size(&self) -> (u32, u32) {
        let (_, top, _, bottom) = margins(self.mean, true);
        let (_, height) = image_size(self.mean, SIDE);
        even(self.panel_width() * self.panels(), top + height + bottom)
    }

    fn check(&self) -> Result<(), ReportError> {
        let shape = |map: &Map| (map.height(), map.width());
        for (what, map) in [("map of sigma", Some(self.sigma)), ("true map", self.truth)] {
            if let Some(map) = map.filter(|map| shape(map) != shape(self.mean)) {
                return Err(ReportError::Size {
                    what: what.to_owned(),
                    expected: self.mean.values.len(),
                    found: map.values.len(),
                });
            }
        }
        Ok(())
    }

    fn draw<DB: DrawingBackend>(&self, page: &Page<'_, DB>) -> DrawResult<DB> {
        let error = self.truth.map(|truth| self.error(truth));
        let panels = [
            ("predicted mean", Some(self.mean), ColourMap::Viridis),
            ("predicted sigma", Some(self.sigma), ColourMap::Cividis),
            ("absolute error", error.as_ref(), ColourMap::Cividis),
        ];
        for (i, (title, map, colours)) in panels.into_iter().enumerate() {
            let Some(map) = map else { continue };
            let panel =
                ImagePanel { map, colours, range: full_range(map), title, colour_bar: true };
            panel.draw(page, (i as i32 * self.panel_width(), 0), SIDE)?;
        }
        Ok(())
    }
}
