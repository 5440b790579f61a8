//! A map drawn with square pixels, its calibration and its colour bar.

use super::canvas::{Canvas, DrawResult, Hang, SMALL, TEXT, TITLE, fitted, text_width};
use super::colour_bar::{self, ColourBar};
use super::image_frame::ImageFrame;
use super::palette::{ColourMap, INK, NO_VALUE};
use super::scale_bar;
use crate::data::Map;
use plotters::style::RGBColor;

/// Gap between an image and its colour bar.
const GAP: i32 = 30;
/// Room above an image for its title.
const HEAD: i32 = 84;

/// An image with what belongs to it.
pub(crate) struct ImagePanel<'a> {
    pub(crate) map: &'a Map,
    pub(crate) colours: ColourMap,
    /// Values of the darkest and the lightest colour.
    pub(crate) range: (f64, f64),
    /// Empty for none.
    pub(crate) title: &'a str,
    pub(crate) colour_bar: bool,
    /// Whether an image without calibration has its rows numbered.
    pub(crate) row_axis: bool,
    /// Number of the panel from 0, and how many there are, for its letter.
    pub(crate) place: (usize, usize),
}

/// Room left and right of the image of a panel.
pub(crate) fn sides(map: &Map, row_axis: bool, colour_bar: bool) -> (i32, i32) {
    let left = if row_axis && !scale_bar::has_scale(map) {
        170
    } else {
        24
    };
    (
        left,
        if colour_bar {
            GAP + colour_bar::WIDTH
        } else {
            24
        },
    )
}

/// Height of a panel whose image fits a square of `side`.
pub(crate) fn panel_height(map: &Map, side: i32) -> i32 {
    let foot = if scale_bar::has_scale(map) { 76 } else { 132 };
    HEAD + (image_size(map, side).1 + foot).max(colour_bar::LEAST + 30)
}

/// Left edges of panels side by side and the width of them all; `bars` tells which have a
/// colour bar. Only the first numbers its rows.
pub(crate) fn side_by_side(map: &Map, side: i32, bars: &[bool]) -> (Vec<i32>, i32) {
    let mut right = 0;
    let lefts = bars
        .iter()
        .enumerate()
        .map(|(i, bar)| {
            let (before, after) = sides(map, i == 0, *bar);
            let left = right;
            right += before + image_size(map, side).0 + after;
            left
        })
        .collect();
    (lefts, right)
}

/// Width and height of the image of a map within a square of `side` canvas units: whole
/// units a pixel as long as pixels are large enough to show the difference.
pub(crate) fn image_size(map: &Map, side: i32) -> (i32, i32) {
    let longest = map.height().max(map.width()).max(1) as f64;
    let exact = f64::from(side) / longest;
    let cell = if exact >= 4.0 { exact.floor() } else { exact };
    let units = |pixels: usize| ((pixels as f64 * cell).round() as i32).max(1);
    (units(map.width()), units(map.height()))
}

impl ImagePanel<'_> {
    /// Draws with the outer upper left corner at `(left, top)`, the image itself within a
    /// square of `side`.
    pub(crate) fn draw(
        &self,
        canvas: &Canvas<'_>,
        (left, top): (i32, i32),
        side: i32,
    ) -> DrawResult<ImageFrame> {
        let (before, after) = sides(self.map, self.row_axis, self.colour_bar);
        let (width, height) = image_size(self.map, side);
        let frame = ImageFrame {
            left: left + before,
            top: top + HEAD,
            width,
            height,
            rows: self.map.height(),
            columns: self.map.width(),
        };
        draw_pixels(canvas, self.map, self.colours, self.range, &frame)?;
        canvas.frame((frame.left, frame.top), (frame.right(), frame.bottom()))?;
        scale_bar::draw(canvas, self.map, &frame, self.row_axis)?;
        if self.map.values.iter().any(|value| value.is_nan()) {
            draw_no_value_key(canvas, self.map, &frame)?;
        }
        let (number, of) = self.place;
        let letter = canvas.letter(number, of, (frame.left, frame.top - 40))?;
        if !self.title.is_empty() {
            canvas.text(
                &fitted(self.title, TITLE, width + after - letter),
                (frame.left + letter, frame.top - 40),
                Hang::Left,
                TITLE,
                INK,
            )?;
        }
        if self.colour_bar {
            let bar = ColourBar {
                colours: self.colours,
                range: self.range,
                quantity: &self.map.quantity,
                units: &self.map.units,
            };
            bar.draw(canvas, (frame.right() + GAP, frame.top), frame.height)?;
        }
        Ok(frame)
    }
}

/// Says below an image what its light grey is, where there is room.
fn draw_no_value_key(canvas: &Canvas<'_>, map: &Map, frame: &ImageFrame) -> DrawResult {
    let label = "no candidate";
    let width = text_width(label, SMALL) * 11 / 10;
    let below = if scale_bar::has_scale(map) { 36 } else { 92 };
    let y = frame.bottom() + below;
    if 2 * (width + 60) + text_width("column (px)", TEXT) * 11 / 10 > frame.width {
        return Ok(());
    }
    let x = frame.right() - width;
    canvas.fill_rectangle((x - 48, y - 16), (x - 14, y + 16), NO_VALUE)?;
    canvas.frame((x - 48, y - 16), (x - 14, y + 16))?;
    canvas.text(label, (frame.right(), y), Hang::Right, SMALL, INK)
}

/// Draws the values of a map as pixels; `range` holds those of the darkest and the lightest colour.
pub(crate) fn draw_pixels(
    canvas: &Canvas<'_>,
    map: &Map,
    colours: ColourMap,
    range: (f64, f64),
    frame: &ImageFrame,
) -> DrawResult {
    let picture = || -> Vec<u8> {
        let colours = map.values.iter().map(|&value| colours.of(value, range));
        colours.flat_map(|RGBColor(r, g, b)| [r, g, b]).collect()
    };
    let (corner, size) = ((frame.left, frame.top), (frame.width, frame.height));
    if let Some(drawn) = canvas.picture(corner, size, frame.columns, &picture) {
        return drawn;
    }
    // An image finer than the canvas is averaged in blocks of this many pixels a side.
    let block = (canvas.finest() / frame.cell()).ceil().max(1.0) as usize;
    for row in (0..frame.rows).step_by(block) {
        let fill = |from: usize, to: usize, colour| {
            let (first, end) = (frame.corner(row, from), frame.corner(row + block, to));
            canvas.fill_rectangle(first, end, colour)
        };
        // Neighbours of one colour are one rectangle: an SVG holds each.
        let mut start = 0;
        let colour_at = |column| colours.of(block_mean(map, row, column, block), range);
        let mut colour = NO_VALUE;
        for column in (0..frame.columns).step_by(block) {
            let next = colour_at(column);
            if next != colour {
                if start < column {
                    fill(start, column, colour)?;
                }
                (start, colour) = (column, next);
            }
        }
        fill(start, frame.columns, colour)?;
    }
    Ok(())
}

/// Mean of the pixels of a block that have a value; NaN when none has.
fn block_mean(map: &Map, row: usize, column: usize, block: usize) -> f64 {
    if block == 1 {
        return map.at(row, column);
    }
    let rows = row..(row + block).min(map.height());
    let columns = column..(column + block).min(map.width());
    let (sum, count) = rows
        .flat_map(|r| columns.clone().map(move |c| map.at(r, c)))
        .filter(|v| !v.is_nan())
        .fold((0.0, 0_u32), |(sum, count), v| (sum + v, count + 1));
    sum / f64::from(count)
}

/// Smallest and largest finite value; a constant or empty map gets a range around it, so
/// that it has a colour at all.
pub(crate) fn full_range(map: &Map) -> (f64, f64) {
    let (low, high) = map
        .values
        .iter()
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| {
            (l.min(v), h.max(v))
        });
    if low < high {
        (low, high)
    } else if low == high && low.abs() >= f64::MIN_POSITIVE {
        let low = low.clamp(-f64::MAX / 2.0, f64::MAX / 2.0);
        (low - low.abs() / 2.0, low + low.abs() / 2.0)
    } else if low == high {
        (-0.5, 0.5)
    } else {
        (0.0, 1.0)
    }
}

/// Range without the darkest and the brightest half per cent of the pixels, so that one hot
/// pixel does not turn the image black.
pub(crate) fn robust_range(map: &Map) -> (f64, f64) {
    let mut values: Vec<f64> = map
        .values
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .collect();
    values.sort_by(f64::total_cmp);
    let cut = values.len() / 200;
    match (
        values.get(cut),
        values
            .len()
            .checked_sub(cut + 1)
            .and_then(|i| values.get(i)),
    ) {
        (Some(&low), Some(&high)) if low < high => (low, high),
        _ => full_range(map),
    }
}
