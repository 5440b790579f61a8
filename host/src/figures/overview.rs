//! What is known before a campaign and what it is after, side by side.

use std::borrow::Cow;

use super::one_map::OneMap;
use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult, even};
use crate::plot::image_panel::{ImagePanel, full_range, panel_height, robust_range, side_by_side};
use crate::plot::palette::ColourMap;
use crate::plot::{Figure, FigureError};

/// The image and, where it is known, the true response over it, each with its own colour bar.
#[derive(Clone, Copy, Debug)]
pub struct OverviewFigure<'a> {
    /// What the decisions are made on.
    pub image: &'a Map,
    /// The true response; NaN where there is no candidate (see [`crate::data::on_candidates`]).
    pub target: Option<&'a Map>,
}

const SIDE: i32 = 1100;

impl OverviewFigure<'_> {
    fn layout(&self) -> (Vec<i32>, i32) {
        let panels = 1 + usize::from(self.target.is_some());
        side_by_side(self.image, SIDE, &vec![true; panels])
    }
}

/// Title, map, colours and the values that they span.
type Panel<'a> = (&'static str, &'a Map, ColourMap, (f64, f64));

impl<'a> OverviewFigure<'a> {
    fn panels(&self) -> Vec<Panel<'a>> {
        let image = self.image;
        let image = ("image", image, ColourMap::Grey, robust_range(image));
        let target = self.target;
        let target = target.map(|map| ("target", map, ColourMap::Viridis, full_range(map)));
        std::iter::once(image).chain(target).collect()
    }
}

impl Figure for OverviewFigure<'_> {
    fn size(&self) -> (u32, u32) {
        even(self.layout().1, panel_height(self.image, SIDE))
    }

    fn check(&self) -> Result<(), FigureError> {
        let shape = |map: &Map| (map.height(), map.width());
        match self.target {
            Some(target) if shape(target) != shape(self.image) => Err(FigureError::Shape {
                what: "target map",
                expected: shape(self.image),
                found: shape(target),
            }),
            _ => Ok(()),
        }
    }

    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        let panels = self.panels().into_iter();
        let panels = panels.map(|(title, map, colours, range)| -> Box<dyn Figure + '_> {
            Box::new(OneMap {
                map: Cow::Borrowed(map),
                colours,
                range,
                title: title.to_owned(),
                campaign: None,
            })
        });
        panels.collect()
    }

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let panels = self.panels();
        let of = panels.len();
        for (i, (left, (title, map, colours, range))) in
            self.layout().0.into_iter().zip(panels).enumerate()
        {
            let panel = ImagePanel {
                map,
                colours,
                range,
                title,
                colour_bar: true,
                row_axis: i == 0,
                place: (i, of),
            };
            panel.draw(canvas, (left, 0), SIDE)?;
        }
        Ok(())
    }
}
