//! What the surrogate believes, how firmly, and how wrongly.

use std::borrow::Cow;

use super::one_map::OneMap;
use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult, even};
use crate::plot::image_panel::{ImagePanel, full_range, panel_height, side_by_side};
use crate::plot::palette::ColourMap;
use crate::plot::{Figure, FigureError};

/// Predicted mean, predicted sigma and, when the truth is known, the absolute error, side
/// by side. All maps have the shape of `mean`; NaN where there is no candidate.
#[derive(Clone, Copy, Debug)]
pub struct SurrogateFigure<'a> {
    /// What estimates the response, as the title of the picture.
    pub title: &'a str,
    /// Predicted mean of the response.
    pub mean: &'a Map,
    /// Predicted standard deviation, in the units of the response.
    pub sigma: &'a Map,
    /// The true response, where it is known.
    pub truth: Option<&'a Map>,
}

const SIDE: i32 = 900;

impl SurrogateFigure<'_> {
    fn layout(&self) -> (Vec<i32>, i32) {
        let panels = if self.truth.is_some() { 3 } else { 2 };
        side_by_side(self.mean, SIDE, &vec![true; panels])
    }

    fn error(&self, truth: &Map) -> Map {
        let values = self
            .mean
            .values
            .iter()
            .zip(&truth.values)
            .map(|(m, t)| (m - t).abs());
        Map {
            values: values.collect(),
            ..self.mean.clone()
        }
    }
}

impl<'a> Figure for SurrogateFigure<'a> {
    fn size(&self) -> (u32, u32) {
        even(self.layout().1, panel_height(self.mean, SIDE))
    }

    fn check(&self) -> Result<(), FigureError> {
        let shape = |map: &Map| (map.height(), map.width());
        for (what, map) in [("map of sigma", Some(self.sigma)), ("true map", self.truth)] {
            if let Some(map) = map.filter(|map| shape(map) != shape(self.mean)) {
                return Err(FigureError::Shape {
                    what,
                    expected: shape(self.mean),
                    found: shape(map),
                });
            }
        }
        Ok(())
    }

    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        let part = |title: String, map: Cow<'a, Map>, colours| -> Box<dyn Figure + '_> {
            let range = full_range(&map);
            Box::new(OneMap {
                map,
                colours,
                range,
                title,
                campaign: None,
            })
        };
        let mean = format!("{}: estimate", self.title);
        let sigma = "its standard deviation".to_owned();
        let mut parts = vec![
            part(mean, Cow::Borrowed(self.mean), ColourMap::Viridis),
            part(sigma, Cow::Borrowed(self.sigma), ColourMap::Cividis),
        ];
        let error = self.truth.map(|truth| Cow::Owned(self.error(truth)));
        let error = error.map(|map| part("absolute error".to_owned(), map, ColourMap::Cividis));
        parts.extend(error);
        parts
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let error = self.truth.map(|truth| self.error(truth));
        let mean = format!("{}: estimate", self.title);
        let panels = [
            (mean.as_str(), Some(self.mean), ColourMap::Viridis),
            (
                "its standard deviation",
                Some(self.sigma),
                ColourMap::Cividis,
            ),
            ("absolute error", error.as_ref(), ColourMap::Cividis),
        ];
        let (lefts, _) = self.layout();
        for (i, (left, (title, map, colours))) in lefts.into_iter().zip(panels).enumerate() {
            let Some(map) = map else { continue };
            let panel = ImagePanel {
                map,
                colours,
                range: full_range(map),
                title,
                colour_bar: true,
                row_axis: i == 0,
                place: (i, 2 + usize::from(self.truth.is_some())),
            };
            panel.draw(canvas, (left, 0), SIDE)?;
        }
        Ok(())
    }
}
