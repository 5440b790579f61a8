//! From a figure to a file: the fonts, the averaged pixels and the file formats.

use super::error::ReportError;
use super::file::replace_with;
use super::page::{DrawResult, Medium, Page, register_fonts};
use plotters::drawing::IntoDrawingArea;
use plotters::prelude::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::style::WHITE;
use std::io::Write;
use std::path::Path;

/// Page units per pixel of a PNG: pictures are drawn twice as fine and averaged, because
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

/// Fonts of an SVG, those first whose letters are as wide as those it was laid out with.
const FAMILIES: &str = "Ubuntu, Calibri, Helvetica, Arial, sans-serif";

/// Something that can be drawn on any page.
pub trait Figure {
    /// Width and height in page units, which are half pixels of the PNG; both even.
    fn size(&self) -> (u32, u32);

    /// Refuses data that cannot be drawn.
    ///
    /// # Errors
    /// When parts of the figure contradict each other.
    fn check(&self) -> Result<(), ReportError>;

    /// Draws on a white page of [`Self::size`].
    ///
    /// # Errors
    /// When the backend refuses.
    fn draw<DB: DrawingBackend>(&self, page: &Page<'_, DB>) -> DrawResult<DB>;
}

/// Writes a figure as PNG or SVG, whichever `path` ends in.
///
/// # Errors
/// When the figure contradicts itself, the name has another ending, or the file cannot be
/// written; nothing half-written is left.
pub fn save(figure: &impl Figure, path: &Path) -> Result<(), ReportError> {
    let extension = path
        .extension()
        .and_then(|e| e.to_str())
        .unwrap_or_default();
    match extension.to_ascii_lowercase().as_str() {
        "png" => {
            let png = pixels(figure, path)?.png()?;
            replace_with(path, |writer| writer.write_all(&png))
        }
        "svg" => {
            let svg = draw_svg(figure).map_err(|error| match error {
                ReportError::Draw { reason, .. } => draw_error(path, &reason),
                other => other,
            })?;
            replace_with(path, |writer| writer.write_all(svg.as_bytes()))
        }
        _ => Err(ReportError::Format {
            path: path.to_owned(),
        }),
    }
}

/// Writes a figure into `folder` as `name.png` and as `name.svg`.
///
/// # Errors
/// As [`save`].
pub fn save_both(folder: &Path, name: &str, figure: &impl Figure) -> Result<(), ReportError> {
    ["png", "svg"]
        .into_iter()
        .try_for_each(|extension| save(figure, &folder.join(format!("{name}.{extension}"))))
}

/// A figure as SVG text, to be put into a page of HTML.
///
/// # Errors
/// When the figure contradicts itself or cannot be drawn.
pub fn draw_svg(figure: &impl Figure) -> Result<String, ReportError> {
    figure.check()?;
    register_fonts();
    let size = figure.size();
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)
            .and_then(|()| figure.draw(&Page::new(&area, SVG)))
            .and_then(|()| area.present())
            .map_err(|error| draw_error(Path::new("the SVG"), &error))?;
    }
    // No such character may stand in a document, not even escaped.
    svg.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
    // The page is laid out in half pixels; at its own size it would fill two screens.
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
pub(super) struct Pixels {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) rgb: Vec<u8>,
}

/// Draws a figure on pixels; `path` only names it in errors.
pub(super) fn pixels(figure: &impl Figure, path: &Path) -> Result<Pixels, ReportError> {
    figure.check()?;
    register_fonts();
    let (width, height) = figure.size();
    let mut fine = vec![0_u8; (width * height * 3) as usize];
    {
        let area = BitMapBackend::with_buffer(&mut fine, (width, height)).into_drawing_area();
        area.fill(&WHITE)
            .and_then(|()| figure.draw(&Page::new(&area, PIXELS)))
            .and_then(|()| area.present())
            .map_err(|error| draw_error(path, &error))?;
    }
    Ok(average(&fine, width, height))
}

fn average(fine: &[u8], width: u32, height: u32) -> Pixels {
    let (wide, high) = (width / FINE, height / FINE);
    let mut rgb = Vec::with_capacity((wide * high * 3) as usize);
    for y in 0..high {
        for x in 0..wide {
            for channel in 0..3 {
                let mut sum = 0;
                for dy in 0..FINE {
                    for dx in 0..FINE {
                        let pixel = (y * FINE + dy) * width + x * FINE + dx;
                        sum += u32::from(fine[(pixel * 3 + channel) as usize]);
                    }
                }
                rgb.push(((sum + FINE * FINE / 2) / (FINE * FINE)) as u8);
            }
        }
    }
    Pixels {
        width: wide,
        height: high,
        rgb,
    }
}

impl Pixels {
    /// The picture as the bytes of a PNG file.
    pub(super) fn png(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Vec::new();
        let failed = |error: png::EncodingError| draw_error(Path::new("the picture"), &error);
        let mut encoder = png::Encoder::new(&mut bytes, self.width, self.height);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        let mut writer = encoder.write_header().map_err(failed)?;
        writer.write_image_data(&self.rgb).map_err(failed)?;
        writer.finish().map_err(failed)?;
        Ok(bytes)
    }
}

fn draw_error(path: &Path, reason: &impl ToString) -> ReportError {
    ReportError::Draw {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::Map;
    use crate::report::palette::{ColourMap, NO_VALUE};
    use crate::report::{
        CoverageFigure, Curve, Stroke, SurrogateFigure, TargetFigure, Trajectory, TrajectoryFigure,
    };
    use plotters::style::RGBColor;

    fn tiny() -> Map {
        Map::uncalibrated(2, 2, vec![0.0, 1.0, f64::NAN, 2.0], "response")
    }

    /// The image of a lone panel is 1800 page units, 900 pixels, wide and begins at pixel
    /// (85, 42); the centres of its four pixels follow.
    #[test]
    fn values_have_their_colour_at_their_place() {
        let map = tiny();
        let figure = TargetFigure {
            target: &map,
            campaigns: &[],
        };
        let pixels = pixels(&figure, Path::new("tiny.png")).unwrap();
        let at = |x: u32, y: u32| {
            let i = ((y * pixels.width + x) * 3) as usize;
            RGBColor(pixels.rgb[i], pixels.rgb[i + 1], pixels.rgb[i + 2])
        };
        let (left, top, side) = (85, 42, 450);
        let centre = |row: u32, column: u32| {
            at(left + column * side + side / 2, top + row * side + side / 2)
        };
        assert_eq!(centre(0, 0), ColourMap::Viridis.colour(0.0));
        assert_eq!(centre(0, 1), ColourMap::Viridis.colour(0.5));
        assert_eq!(centre(1, 0), NO_VALUE);
        assert_eq!(centre(1, 1), ColourMap::Viridis.colour(1.0));
        assert_eq!(
            at(pixels.width - 1, pixels.height - 1),
            RGBColor(255, 255, 255)
        );
    }

    /// Layout from the PNG specification: signature, then IHDR with big-endian sizes.
    #[test]
    fn a_png_has_half_as_many_pixels_as_page_units() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("target.png");
        let map = tiny();
        let figure = TargetFigure {
            target: &map,
            campaigns: &[],
        };
        save(&figure, &path).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
        let (width, height) = figure.size();
        assert_eq!((number(16), number(20)), (width / 2, height / 2));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn an_svg_keeps_its_text() {
        let map = tiny();
        let svg = draw_svg(&TargetFigure {
            target: &map,
            campaigns: &[],
        })
        .unwrap();
        assert!(svg.starts_with("<svg ") && svg.contains("response"));
    }

    #[test]
    fn other_endings_and_missing_folders_are_refused() {
        let map = tiny();
        let figure = TargetFigure {
            target: &map,
            campaigns: &[],
        };
        let jpeg = save(&figure, Path::new("target.jpg")).unwrap_err();
        assert!(matches!(jpeg, ReportError::Format { .. }), "{jpeg}");
        let folder = tempfile::tempdir().unwrap();
        let missing = save(&figure, &folder.path().join("none").join("target.png")).unwrap_err();
        assert!(matches!(missing, ReportError::Write { .. }), "{missing}");
    }

    #[test]
    fn degenerate_figures_are_drawn_all_the_same() {
        let none = Trajectory {
            strategy: "random",
            seeds: &[],
            steps: &[],
        };
        let maps = [
            Map::uncalibrated(1, 1, vec![3.0], "one"),
            Map::uncalibrated(1, 200, vec![f64::NAN; 200], "line"),
            Map::uncalibrated(300, 2, vec![f64::MAX / 4.0; 600], "huge"),
            Map::uncalibrated(0, 0, Vec::new(), "nothing"),
        ];
        for map in &maps {
            draw_svg(&TrajectoryFigure {
                image: map,
                trajectory: none,
            })
            .unwrap();
            draw_svg(&TargetFigure {
                target: map,
                campaigns: &[none, none],
            })
            .unwrap();
            draw_svg(&SurrogateFigure {
                mean: map,
                sigma: map,
                truth: Some(map),
            })
            .unwrap();
        }
        draw_svg(&CoverageFigure {
            quantity: "coverage",
            curves: &[],
        })
        .unwrap();
        let curve = Curve {
            label: "one step",
            strategy: "ei",
            values: &[0.1],
            spread: Some(&[0.2]),
            stroke: Stroke::Dashed,
        };
        draw_svg(&CoverageFigure {
            quantity: "coverage",
            curves: &[curve],
        })
        .unwrap();
    }

    #[test]
    fn parts_of_different_sizes_are_refused() {
        let (map, other) = (tiny(), Map::uncalibrated(1, 4, vec![0.0; 4], "other"));
        let surrogate = SurrogateFigure {
            mean: &map,
            sigma: &other,
            truth: None,
        };
        assert_eq!(
            draw_svg(&surrogate).unwrap_err().to_string(),
            "the map of sigma has 1 rows and 4 columns, expected 2 and 2"
        );
        let curve = Curve {
            label: "EI",
            strategy: "ei",
            values: &[0.1, 0.2],
            spread: Some(&[0.1]),
            stroke: Stroke::Solid,
        };
        let coverage = CoverageFigure {
            quantity: "coverage",
            curves: &[curve],
        };
        assert_eq!(
            draw_svg(&coverage).unwrap_err().to_string(),
            "the band of EI has 1 values, expected 2"
        );
    }
}
