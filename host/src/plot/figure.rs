//! From a figure to a file: the fonts, the averaged pixels and the file formats.

use super::canvas::{Canvas, DrawError, DrawResult, Medium, register_fonts};
use super::error::FigureError;
use super::pdf;
use crate::data::files::replace_with;
use plotters::drawing::IntoDrawingArea;
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::WHITE;
use std::io::Write;
use std::path::Path;

/// Canvas units per pixel of a PNG: pictures are drawn twice as fine and averaged, because
/// plotters smooths neither thick lines nor polygons.
const FINE: u32 = 2;

const PIXELS: Medium = Medium {
    drop: 0.21,
    embolden: true,
    finest: 1.0,
    round_joins: true,
};

// An SVG holds an element for every image pixel, so a large image is averaged to some
// 150 by 150 of them.
const SVG: Medium = Medium {
    drop: 0.07,
    embolden: false,
    finest: 12.0,
    round_joins: false,
};

// Capitals are centred on their point by the page itself, and maps are pictures of their own.
const PDF: Medium = Medium {
    drop: 0.0,
    embolden: false,
    finest: 1.0,
    round_joins: false,
};

/// Fonts of an SVG, those first whose letters are as wide as those it was laid out with.
const FAMILIES: &str = "Ubuntu, Calibri, Helvetica, Arial, sans-serif";

/// Pixels of a PNG per inch, and with it the size of a PDF: text is then as large as in print.
pub const DPI: f64 = 200.0;

/// How figures are drawn, beside what they show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FigureStyle {
    /// Whether the panels of a figure with several have letters: a, b, c …
    pub letters: bool,
}

/// Something that can be drawn on any canvas.
pub trait Figure {
    /// Width and height in canvas units, which are half pixels of the PNG; both even.
    fn size(&self) -> (u32, u32);

    /// Refuses data that cannot be drawn.
    ///
    /// # Errors
    /// When parts of the figure contradict each other.
    fn check(&self) -> Result<(), FigureError> {
        Ok(())
    }

    /// The same in figures of one panel each, for a page that is narrower than the whole; empty where
    /// the whole is as narrow as it can be.
    fn parts(&self) -> Vec<Box<dyn Figure + '_>> {
        Vec::new()
    }

    /// Draws on a white canvas of [`Self::size`].
    ///
    /// # Errors
    /// When the backend refuses.
    fn draw(&self, canvas: &Canvas<'_>) -> DrawResult;
}

/// Writes a figure as PNG, SVG or PDF, whichever `path` ends in.
///
/// # Errors
/// When the figure contradicts itself, the name has another ending, or the file cannot be
/// written; nothing half-written is left.
pub fn save(figure: &dyn Figure, path: &Path) -> Result<(), FigureError> {
    save_in_style(figure, path, FigureStyle::default())
}

fn save_in_style(figure: &dyn Figure, path: &Path, style: FigureStyle) -> Result<(), FigureError> {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "png" => {
            let png = pixels(figure, style, path)?.png()?;
            Ok(replace_with(path, |writer| writer.write_all(&png))?)
        }
        "svg" => {
            let svg = svg_in_style(figure, style).map_err(|error| match error {
                FigureError::Draw { reason, .. } => draw_error(path, &reason),
                other => other,
            })?;
            Ok(replace_with(path, |writer| {
                writer.write_all(svg.as_bytes())
            })?)
        }
        "pdf" => {
            figure.check()?;
            register_fonts();
            let page = pdf::Page::new(figure.size());
            let canvas = Canvas::new(&page, PDF, style);
            let drawn = figure.draw(&canvas).and_then(|()| page.finish());
            let bytes = drawn.map_err(|error| draw_error(path, &error))?;
            Ok(replace_with(path, |writer| writer.write_all(&bytes))?)
        }
        _ => Err(FigureError::Format {
            path: path.to_owned(),
        }),
    }
}

/// The files that [`save_all`] writes of a figure, by their endings.
pub const FORMS: [&str; 3] = ["png", "pdf", "svg"];

/// Writes a figure into `folder` as `name.png`, as `name.svg` and as `name.pdf`.
///
/// # Errors
/// As [`save`].
pub fn save_all(
    folder: &Path,
    name: &str,
    figure: &dyn Figure,
    style: FigureStyle,
) -> Result<(), FigureError> {
    FORMS.into_iter().try_for_each(|extension| {
        let path = folder.join(format!("{name}.{extension}"));
        save_in_style(figure, &path, style)
    })
}

/// A figure as SVG text, to be put into a page of HTML.
///
/// # Errors
/// When the figure contradicts itself or cannot be drawn.
pub fn draw_svg(figure: &dyn Figure) -> Result<String, FigureError> {
    svg_in_style(figure, FigureStyle::default())
}

pub(crate) fn svg_in_style(figure: &dyn Figure, style: FigureStyle) -> Result<String, FigureError> {
    let size = figure.size();
    let mut svg = String::new();
    let backend = SVGBackend::with_string(&mut svg, size);
    draw_on(backend, SVG, figure, style, Path::new("the SVG"))?;
    // No such character may stand in a document, not even escaped.
    svg.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    // The canvas is laid out in half pixels; at its own size it would fill two screens.
    let (wide, high) = (
        format!("width=\"{}\"", size.0),
        format!("height=\"{}\"", size.1),
    );
    Ok(svg
        .replacen(&wide, &format!("width=\"{}\"", size.0 / FINE), 1)
        .replacen(&high, &format!("height=\"{}\"", size.1 / FINE), 1)
        // Text keeps its width where the reader has a font like the one it was laid out in.
        .replace(
            "font-family=\"sans-serif\"",
            &format!("font-family=\"{FAMILIES}\""),
        )
        // Said of every pixel of an image, though it holds anyway.
        .replace(" opacity=\"1\"", "")
        .replace(" stroke=\"none\"", "")
        // Smoothed edges would leave seams between the pixels of an image.
        .replacen(
            '\n',
            "\n<style>rect{shape-rendering:crispEdges}</style>\n",
            1,
        ))
}

/// A picture in memory: 8-bit RGB, row-major.
pub(crate) struct Pixels {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) rgb: Vec<u8>,
}

/// Draws a figure on pixels; `path` only names it in errors.
pub(crate) fn pixels(
    figure: &dyn Figure,
    style: FigureStyle,
    path: &Path,
) -> Result<Pixels, FigureError> {
    let (width, height) = figure.size();
    let mut fine = vec![0_u8; (width * height * 3) as usize];
    let backend = BitMapBackend::with_buffer(&mut fine, (width, height));
    draw_on(backend, PIXELS, figure, style, path)?;
    Ok(average(&fine, width, height))
}

/// Draws a figure, once it was checked; `path` only names it in errors.
fn draw_on(
    backend: impl DrawingBackend,
    medium: Medium,
    figure: &dyn Figure,
    style: FigureStyle,
    path: &Path,
) -> Result<(), FigureError> {
    figure.check()?;
    register_fonts();
    let area = backend.into_drawing_area();
    area.fill(&WHITE)
        .map_err(DrawError::new)
        .and_then(|()| figure.draw(&Canvas::new(&area, medium, style)))
        .and_then(|()| area.present().map_err(DrawError::new))
        .map_err(|error| draw_error(path, &error))
}

fn average(fine: &[u8], width: u32, height: u32) -> Pixels {
    const { assert!(FINE == 2) };
    let (wide, high) = (width / FINE, height / FINE);
    let row = width as usize * 3;
    let mut rgb = vec![[0; 3]; (wide * high) as usize];
    let pairs = fine.chunks_exact(2 * row);
    for (averages, rows) in rgb.chunks_exact_mut(wide as usize).zip(pairs) {
        let (above, below) = rows.split_at(row);
        let squares = above.as_chunks::<6>().0.iter();
        let squares = squares.zip(below.as_chunks::<6>().0);
        for (average, (a, b)) in averages.iter_mut().zip(squares) {
            for (channel, mean) in average.iter_mut().enumerate() {
                let column = |at: usize| u16::from(a[at]) + u16::from(b[at]);
                let four = column(channel) + column(channel + 3);
                *mean = ((four + 2) / 4) as u8;
            }
        }
    }
    Pixels {
        width: wide,
        height: high,
        rgb: rgb.into_flattened(),
    }
}

impl Pixels {
    /// The picture as the bytes of a PNG file.
    pub(crate) fn png(&self) -> Result<Vec<u8>, FigureError> {
        let mut bytes = Vec::new();
        let failed = |error: png::EncodingError| draw_error(Path::new("the picture"), &error);
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        // Pixels per metre; an inch has 25.4 mm.
        let density = (DPI / 0.0254).round() as u32;
        encoder.set_pixel_dims(Some(png::PixelDimensions {
            xppu: density,
            yppu: density,
            unit: png::Unit::Meter,
        }));
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.rgb).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }
}

fn draw_error(path: &Path, reason: &impl ToString) -> FigureError {
    FigureError::Draw {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}
