//! Where an image lies in the world: a scale bar, or pixel numbers.

use super::canvas::{Canvas, DrawResult, Hang, SMALL, TEXT, text_width};
use super::image_frame::ImageFrame;
use super::palette::INK;
use super::ticks::{Ticks, scale_bar};
use crate::data::Map;

/// Longest scale bar as a share of the width of the image.
const SHARE: f64 = 0.25;

/// Whether one bar holds in every direction: both axes calibrated in the same units and
/// pixels square to 1 %.
pub(crate) fn has_scale(map: &Map) -> bool {
    let (rows, columns) = (&map.rows, &map.columns);
    let square = (rows.scale.abs() / columns.scale.abs() - 1.0).abs() < 0.01;
    // A bar of a length that no longer is a number of full precision has no place.
    let field = columns.scale.abs() * map.width() as f64;
    let drawn = (1e-290..1e300).contains(&field);
    rows.is_calibrated()
        && columns.is_calibrated()
        && rows.units == columns.units
        && square
        && drawn
}

/// Draws the bar, or the pixel axes of an image without calibration, outside the frame,
/// where it hides nothing; without `row_axis` the rows are not numbered, for panels that
/// share them with the panel at their left.
pub(crate) fn draw(
    canvas: &Canvas<'_>,
    map: &Map,
    frame: &ImageFrame,
    row_axis: bool,
) -> DrawResult {
    if has_scale(map) {
        draw_bar(canvas, map, frame)
    } else {
        draw_pixel_axes(canvas, frame, row_axis)
    }
}

fn draw_bar(canvas: &Canvas<'_>, map: &Map, frame: &ImageFrame) -> DrawResult {
    let field = map.columns.scale.abs() * map.width() as f64;
    let (length, label) = scale_bar(field, SHARE, &map.columns.units);
    let width = (length / field * f64::from(frame.width)).round() as i32;
    let (left, y) = (frame.left, frame.bottom() + 36);
    canvas.fill_rectangle((left, y - 6), (left + width, y + 6), INK)?;
    canvas.text(&label, (left + width + 24, y), Hang::Left, TEXT, INK)
}

fn draw_pixel_axes(canvas: &Canvas<'_>, frame: &ImageFrame, row_axis: bool) -> DrawResult {
    let ticks = |pixels: usize, count: i32| {
        let ticks = Ticks::new(
            0.0,
            pixels.saturating_sub(1) as f64,
            count.clamp(1, 6) as usize,
        );
        // Between pixels there is nothing to number.
        ticks
            .values
            .into_iter()
            .filter(|v| v.fract() == 0.0)
            .map(|v| v as usize)
    };
    for column in ticks(frame.columns, frame.width / 120) {
        let (x, _) = frame.centre(0, column);
        let y = frame.bottom();
        canvas.line((x, y), (x, y + 10), INK, 2)?;
        canvas.text(&column.to_string(), (x, y + 36), Hang::Centre, SMALL, INK)?;
    }
    for row in ticks(frame.rows, frame.height / 60) {
        let (_, y) = frame.centre(row, 0);
        canvas.line((frame.left - 10, y), (frame.left, y), INK, 2)?;
        if row_axis {
            canvas.text(
                &row.to_string(),
                (frame.left - 20, y),
                Hang::Right,
                SMALL,
                INK,
            )?;
        }
    }
    let middle = (frame.left + frame.width / 2, frame.top + frame.height / 2);
    // Beside a narrow image there is another.
    let caption = if text_width("column (px)", TEXT) * 11 / 10 <= frame.width {
        "column (px)"
    } else {
        "px"
    };
    canvas.text(
        caption,
        (middle.0, frame.bottom() + 92),
        Hang::Centre,
        TEXT,
        INK,
    )?;
    if row_axis {
        canvas.text_upwards("row (px)", (frame.left - 138, middle.1), TEXT)?;
    }
    Ok(())
}
