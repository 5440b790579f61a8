//! Drawing in the figure's own units, the same on pixels and in SVG.

use super::figure::FigureStyle;
use super::palette::INK;
use plotters::coord::Shift;
use plotters::drawing::DrawingArea;
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::DrawingBackend;
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{
    Color, FontStyle, FontTransform, IntoFont, RGBColor, ShapeStyle, TextStyle, register_font,
};
use std::sync::Once;

/// What plotters said where it could not draw.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DrawError(String);

impl DrawError {
    pub(super) fn new(error: impl std::error::Error) -> Self {
        Self(error.to_string())
    }
}

/// What drawing comes to.
pub type DrawResult<T = ()> = Result<T, DrawError>;

/// An area of plotters, whatever it draws on.
pub(super) trait Area {
    fn path(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> DrawResult;
    fn polygon(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> DrawResult;
    fn rectangle(&self, corners: [(i32, i32); 2], style: ShapeStyle) -> DrawResult;
    fn circle(&self, centre: (i32, i32), radius: i32, style: ShapeStyle) -> DrawResult;
    fn text(&self, text: &str, style: &TextStyle<'_>, at: (i32, i32)) -> DrawResult;
    /// Draws a picture of so many columns, RGB row by row, stretched over a rectangle without smoothing;
    /// `None` where pictures are drawn pixel by pixel as rectangles.
    fn picture(
        &self,
        _corner: (i32, i32),
        _size: (i32, i32),
        _columns: usize,
        _rgb: &dyn Fn() -> Vec<u8>,
    ) -> Option<DrawResult> {
        None
    }
}

impl<DB: DrawingBackend> Area for DrawingArea<DB, Shift> {
    fn path(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> DrawResult {
        let path = PathElement::new(points, style);
        self.draw(&path).map_err(DrawError::new)
    }

    fn polygon(&self, points: Vec<(i32, i32)>, style: ShapeStyle) -> DrawResult {
        let polygon = Polygon::new(points, style);
        self.draw(&polygon).map_err(DrawError::new)
    }

    fn rectangle(&self, corners: [(i32, i32); 2], style: ShapeStyle) -> DrawResult {
        let rectangle = Rectangle::new(corners, style);
        self.draw(&rectangle).map_err(DrawError::new)
    }

    fn circle(&self, centre: (i32, i32), radius: i32, style: ShapeStyle) -> DrawResult {
        let circle = Circle::new(centre, radius, style);
        self.draw(&circle).map_err(DrawError::new)
    }

    fn text(&self, text: &str, style: &TextStyle<'_>, at: (i32, i32)) -> DrawResult {
        self.draw_text(text, style, at).map_err(DrawError::new)
    }
}

/// Family that all text is set in; the fonts are registered under this name for pictures,
/// and an SVG reader takes its own.
const FONT: &str = "sans-serif";

/// Height of text in canvas units.
pub(crate) const TEXT: f64 = 46.0;
/// Height of numbers on axes and colour bars.
pub(crate) const SMALL: f64 = 41.0;
/// Height of panel titles.
pub(crate) const TITLE: f64 = 54.0;

/// Where a text hangs on its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hang {
    /// The point is the middle of the left edge.
    Left,
    /// The point is the centre.
    Centre,
    /// The point is the middle of the right edge.
    Right,
}

/// What the backends of plotters do differently.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Medium {
    /// How far below the point plotters has to be told to write, as a share of the text
    /// height, for capitals and digits to be centred on the point.
    pub(crate) drop: f64,
    /// Whether text is written twice, half a pixel apart: the light face that is at hand
    /// is too thin for numbers in a picture that is shown smaller than it is.
    pub(crate) embolden: bool,
    /// Smallest side of an image pixel worth drawing, in canvas units.
    pub(crate) finest: f64,
    /// Whether corners of thick lines are drawn as dots: on pixels plotters draws out acute ones
    /// to needles of any length.
    pub(crate) round_joins: bool,
}

/// An area to draw on; units are half pixels of the final picture.
pub struct Canvas<'a> {
    area: &'a dyn Area,
    medium: Medium,
    style: FigureStyle,
}

impl<'a> Canvas<'a> {
    pub(super) fn new(area: &'a dyn Area, medium: Medium, style: FigureStyle) -> Self {
        Self {
            area,
            medium,
            style,
        }
    }

    /// Writes the letter of a panel, the first of which has the number 0, with the middle of its left
    /// edge there, and returns how much room it takes: none where letters are not asked for, or the panel
    /// is the only one.
    pub(crate) fn letter(&self, number: usize, of: usize, at: (i32, i32)) -> DrawResult<i32> {
        let room = self.letter_room(of);
        if room > 0 {
            let letter = char::from(b'a' + (number % 26) as u8).to_string();
            // Twice, a unit apart: bold, for which there is no face at hand.
            self.text(&letter, at, Hang::Left, TITLE, INK)?;
            self.text(&letter, (at.0 + 2, at.1), Hang::Left, TITLE, INK)?;
        }
        Ok(room)
    }

    /// The room that the letter of one of so many panels takes.
    pub(crate) fn letter_room(&self, of: usize) -> i32 {
        if self.style.letters && of > 1 { 60 } else { 0 }
    }

    /// Draws a picture where the medium takes one: see [`Area::picture`].
    pub(crate) fn picture(
        &self,
        corner: (i32, i32),
        size: (i32, i32),
        columns: usize,
        rgb: &dyn Fn() -> Vec<u8>,
    ) -> Option<DrawResult> {
        self.area.picture(corner, size, columns, rgb)
    }

    /// Smallest side of an image pixel worth drawing, in canvas units.
    pub(crate) fn finest(&self) -> f64 {
        self.medium.finest
    }

    pub(crate) fn fill_rectangle(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        colour: RGBColor,
    ) -> DrawResult {
        self.area.rectangle([from, to], colour.filled())
    }

    pub(crate) fn frame(&self, from: (i32, i32), to: (i32, i32)) -> DrawResult {
        let corners = [from, (to.0, from.1), to, (from.0, to.1), from];
        for side in corners.windows(2) {
            self.line(side[0], side[1], INK, 2)?;
        }
        Ok(())
    }

    pub(crate) fn line(
        &self,
        from: (i32, i32),
        to: (i32, i32),
        colour: impl Color,
        width: u32,
    ) -> DrawResult {
        self.area.path(vec![from, to], colour.stroke_width(width))
    }

    pub(crate) fn path(&self, points: Vec<(i32, i32)>, colour: RGBColor, width: u32) -> DrawResult {
        if !self.medium.round_joins {
            return self.area.path(points, colour.stroke_width(width));
        }
        for pair in points.windows(2) {
            self.line(pair[0], pair[1], colour, width)?;
        }
        let corners = points.get(1..points.len().saturating_sub(1));
        for &corner in corners.unwrap_or_default() {
            self.dot(corner, width.div_ceil(2).cast_signed() - 1, colour)?;
        }
        Ok(())
    }

    pub(crate) fn polygon(&self, points: Vec<(i32, i32)>, colour: impl Color) -> DrawResult {
        self.area.polygon(points, colour.filled())
    }

    pub(crate) fn dot(&self, centre: (i32, i32), radius: i32, colour: RGBColor) -> DrawResult {
        self.area.circle(centre, radius, colour.filled())
    }

    pub(crate) fn ring(
        &self,
        centre: (i32, i32),
        radius: i32,
        colour: RGBColor,
        width: u32,
    ) -> DrawResult {
        self.area.circle(centre, radius, colour.stroke_width(width))
    }

    /// Writes horizontally.
    pub(crate) fn text(
        &self,
        text: &str,
        (x, y): (i32, i32),
        hang: Hang,
        size: f64,
        colour: RGBColor,
    ) -> DrawResult {
        let y = y + (size * self.medium.drop).round() as i32;
        let style = style(hang, size, colour);
        if self.medium.embolden {
            self.area.text(text, &style, (x + 1, y))?;
        }
        self.area.text(text, &style, (x, y))
    }

    /// Writes upwards, centred on the point, no longer than `length`: smaller where that is
    /// needed, and cut where that is not enough.
    pub(crate) fn caption_upwards(&self, text: &str, at: (i32, i32), length: i32) -> DrawResult {
        let fits = |size: f64| text_width(text, size) * 11 / 10 <= length;
        let size = if fits(TEXT) { TEXT } else { SMALL * 0.8 };
        self.text_upwards(&fitted(text, size, length), at, size)
    }

    /// Writes upwards, centred on the point.
    pub(crate) fn text_upwards(&self, text: &str, (x, y): (i32, i32), size: f64) -> DrawResult {
        let x = x + (size * self.medium.drop).round() as i32;
        let style = style(Hang::Centre, size, INK).transform(FontTransform::Rotate270);
        if self.medium.embolden {
            self.area.text(text, &style, (x, y - 1))?;
        }
        self.area.text(text, &style, (x, y))
    }
}

/// Width of a text as it will be written on pixels, in canvas units.
pub(crate) fn text_width(text: &str, size: f64) -> i32 {
    register_fonts();
    // The only failure is a font that is not there, which drawing reports.
    (FONT, size)
        .into_font()
        .box_size(text)
        .map_or(0, |(width, _)| width.cast_signed())
}

/// `text`, cut at its end until it is no wider than `width` canvas units.
pub(crate) fn fitted(text: &str, size: f64, width: i32) -> String {
    // The tenth is for readers of SVG whose own font is wider.
    let fits = |text: &str| text_width(text, size) * 11 / 10 <= width;
    if fits(text) {
        return text.to_owned();
    }
    let ends: Vec<usize> = text.char_indices().map(|(end, _)| end).collect();
    let cut = |end: usize| format!("{}…", text[..end].trim_end());
    let fitting = ends.partition_point(|end| fits(&cut(*end)));
    cut(ends[fitting.saturating_sub(1)])
}

/// A number of panels, rows or columns as the canvas counts.
pub(crate) fn whole(count: usize) -> i32 {
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A canvas size that averages to whole pixels.
pub(crate) fn even(width: i32, height: i32) -> (u32, u32) {
    let round = |length: i32| (length + length % 2) as u32;
    (round(width), round(height))
}

/// Makes text possible; every way to a canvas comes through here first.
pub(crate) fn register_fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // A font that failed to parse is reported by the first text that misses it.
        let _ = register_font(FONT, FontStyle::Normal, epaint_default_fonts::UBUNTU_LIGHT);
    });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_cut_where_it_no_longer_fits() {
        let long = "piezoresponse amplitude over all of the hysteresis loop";
        let cut = fitted(long, TEXT, 400);
        assert!(text_width(&cut, TEXT) <= 400 && text_width(&cut, TEXT) > 300);
        let start = cut.strip_suffix('…').unwrap();
        assert!(long.starts_with(start), "{cut}");
        assert_eq!(fitted("HAADF", TEXT, 400), "HAADF");
        assert_eq!(fitted("HAADF", TEXT, 0), "…");
        assert_eq!(fitted("", TEXT, 0), "");
    }
}
