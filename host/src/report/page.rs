//! Drawing in the figure's own units, the same on pixels and in SVG.

use super::palette::INK;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, DrawingAreaErrorKind};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle,
};

/// What drawing on a backend comes to.
pub type DrawResult<DB> = Result<(), DrawingAreaErrorKind<<DB as DrawingBackend>::ErrorType>>;

/// Family that all text is set in; the fonts are registered under this name for pictures,
/// and an SVG reader takes its own.
pub(super) const FONT: &str = "sans-serif";

/// Height of text in page units.
pub(super) const TEXT: f64 = 42.0;
/// Height of numbers on axes and colour bars.
pub(super) const SMALL: f64 = 37.0;
/// Height of panel titles.
pub(super) const TITLE: f64 = 48.0;

/// Where a text hangs on its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hang {
    /// The point is the middle of the left edge.
    Left,
    /// The point is the centre.
    Centre,
    /// The point is the middle of the right edge.
    Right,
}

/// An area to draw on; units are half pixels of the final picture.
pub struct Page<'a, DB: DrawingBackend> {
    area: &'a DrawingArea<DB, Shift>,
    /// How far below the point plotters has to be told to write, as a share of the text
    /// height, for digits to be centred on the point: its backends disagree on the baseline.
    drop: f64,
}

impl<'a, DB: DrawingBackend> Page<'a, DB> {
    pub(super) fn new(area: &'a DrawingArea<DB, Shift>, drop: f64) -> Self {
        Self { area, drop }
    }

    pub(super) fn fill_rectangle(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        colour: RGBColor,
    ) -> DrawResult<DB> {
        self.area.draw(&Rectangle::new([from, to], colour.filled()))
    }

    pub(super) fn frame(&self, from: (i32, i32), to: (i32, i32)) -> DrawResult<DB> {
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        for side in corners.windows(2) {
            self.line(side[0], side[1], INK, 2)?;
        }
        Ok(())
    }

    pub(super) fn line(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        colour: impl Color,
        width: u32,
    ) -> DrawResult<DB> {
        self.area.draw(&PathElement::new([from, to], colour.stroke_width(width)))
    }

    pub(super) fn path(
        &self,
        points: Vec<(i32, i32)>,
        colour: RGBColor,
        width: u32,
    ) -> DrawResult<DB> {
        self.area.draw(&PathElement::new(points, colour.stroke_width(width)))
    }

    pub(super) fn polygon(&self, points: Vec<(i32, i32)>, colour: impl Color) -> DrawResult<DB> {
        self.area.draw(&Polygon::new(points, colour.filled()))
    }

    pub(super) fn dot(&self, centre: (i32, i32), radius: i32, colour: RGBColor) -> DrawResult<DB> {
        self.area.draw(&Circle::new(centre, radius, colour.filled()))
    }

    pub(super) fn ring(
        &self,
        centre: (i32, i32),
        radius: i32,
        colour: RGBColor,
        width: u32,
    ) -> DrawResult<DB> {
        self.area.draw(&Circle::new(
            centre,
            radius,
            ShapeStyle { color: colour.to_rgba(), filled: false, stroke_width: width },
        ))
    }

    /// Writes horizontally.
    pub(super) fn text(
        &self,
        text: &str,
        (x, y): (i32, i32),
        hang: Hang,
        size: f64,
        colour: RGBColor,
    ) -> DrawResult<DB> {
        let position = (x, y + (size * self.drop).round() as i32);
        self.area.draw_text(text, &style(hang, size, colour), position)
    }

    /// Writes upwards, centred on the point.
    pub(super) fn text_upwards(&self, text: &str, (x, y): (i32, i32), size: f64) -> DrawResult<DB> {
        let position = (x + (size * self.drop).round() as i32, y);
        let style = style(Hang::Centre, size, INK).transform(FontTransform::Rotate270);
        self.area.draw_text(text, &style, position)
    }

    /// Width of a text as it will be written.
    pub(super) fn text_width(&self, text: &str, size: f64) -> i32 {
        // The only failure is a font that is not there, which drawing reports.
        self.area
            .estimate_text_size(text, &style(Hang::Left, size, INK))
            .map_or(0, |(width, _)| width as i32)
    }
}

fn style(hang: Hang, size: f64, colour: RGBColor) -> TextStyle<'static> {
    let horizontal = match hang {
        Hang::Left => HPos::Left,
        Hang::Centre => HPos::Center,
        Hang::Right => HPos::Right,
    };
    TextStyle {
        font: (FONT, size).into_font(),
        color: colour.to_backend_color(),
        pos: Pos::new(horizontal, VPos::Center),
    }
}
