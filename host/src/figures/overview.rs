//! What is known before a campaign and what it is after, side by side.

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

    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult {
        let panels = [
            ("image", Some(self.image), ColourMap::Grey),
            ("target", self.target, ColourMap::Viridis),
        ];
        for (i, (left, (title, map, colours))) in
            self.layout().0.into_iter().zip(panels).enumerate()
        {
            let Some(map) = map else { continue };
            let range = match colours {
                ColourMap::Grey => robust_range(map),
                _ => full_range(map),
            };
            let panel = ImagePanel {
                map,
                colours,
                range,
                title,
                colour_bar: true,
                row_axis: i == 0,
            };
            panel.draw(canvas, (left, 0), SIDE)?;
        }
        Ok(())
    }
}
