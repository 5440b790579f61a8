//! What the latent plane decodes to: patches over a grid.

use crate::data::Map;
use crate::plot::canvas::{Canvas, DrawResult, Hang, SMALL, TEXT, TITLE, text_width, whole};
use crate::plot::image_frame::ImageFrame;
use crate::plot::image_panel::{draw_pixels, full_range};
use crate::plot::palette::{ColourMap, INK};

/// Between neighbouring patches.
const SEAM: i32 = 4;

/// Patches decoded from a grid of points of the latent plane.
#[derive(Clone, Copy, Debug)]
pub struct Manifold<'a> {
    /// First latent coordinate of every column, ascending.
    pub x: &'a [f64],
    /// Second latent coordinate of every row, ascending or descending.
    pub y: &'a [f64],
    /// Side of a patch, in pixels.
    pub window: usize,
    /// Rows x columns patches of `window * window` values, each row-major.
    pub patches: &'a [f32],
}

impl Manifold<'_> {
    /// Width left of the manifold for its numbers and caption.
    pub(super) fn room(&self) -> i32 {
        let labels = self.y.iter().map(|y| text_width(&two_digits(*y), SMALL));
        20 + labels.max().unwrap_or(0) * 11 / 10 + 44 + 46
    }

    /// Draws the patches as a square with its numbers below and at the left.
    pub(super) fn draw(
        &self,
        canvas: &Canvas<'_>,
        (left, top): (i32, i32),
        side: i32,
    ) -> DrawResult {
        let (rows, columns) = (self.y.len(), self.x.len());
        let pitch = side / whole(rows.max(columns).max(1));
        let values = self.patches.iter().map(|v| f64::from(*v));
        let all = Map::uncalibrated(1, self.patches.len(), values.collect(), "decoded");
        let range = full_range(&all);
        let letter = canvas.letter(1, 2, (left, top - 44))?;
        let corner = (left + letter, top - 44);
        canvas.text("decoded patches", corner, Hang::Left, TITLE, INK)?;
        let rising = self.y.first() < self.y.last();
        let place = |row: usize, column: usize| {
            // The second coordinate rises from below, as in the plane beside.
            let from_top = if rising { rows - 1 - row } else { row };
            (left + whole(column) * pitch, top + whole(from_top) * pitch)
        };
        let pixels = self.window * self.window;
        for row in 0..rows {
            for column in 0..columns {
                let start = (row * columns + column) * pixels;
                let patch = Map::uncalibrated(
                    self.window,
                    self.window,
                    all.values[start..start + pixels].to_vec(),
                    "decoded",
                );
                let side = (pitch - SEAM).max(1);
                let frame = ImageFrame::square(place(row, column), side, self.window);
                draw_pixels(canvas, &patch, ColourMap::Grey, range, &frame)?;
            }
        }
        self.number(canvas, pitch, top, place)
    }

    /// Latent coordinates at every so many rows and columns, and what they are.
    fn number(
        &self,
        canvas: &Canvas<'_>,
        pitch: i32,
        top: i32,
        place: impl Fn(usize, usize) -> (i32, i32),
    ) -> DrawResult {
        let (rows, columns) = (self.y.len(), self.x.len());
        if rows == 0 || columns == 0 {
            return Ok(());
        }
        let (left, bottom) = (place(0, 0).0, top + whole(rows) * pitch);
        let every = |room: i32| (room / pitch.max(1)) as usize + 1;
        for (column, x) in self.x.iter().enumerate().step_by(every(130)) {
            let x_page = place(0, column).0 + (pitch - SEAM) / 2;
            let label = two_digits(*x);
            canvas.text(&label, (x_page, bottom + 34), Hang::Centre, SMALL, INK)?;
        }
        for (row, y) in self.y.iter().enumerate().step_by(every(60)) {
            let y_page = place(row, 0).1 + (pitch - SEAM) / 2;
            canvas.text(
                &two_digits(*y),
                (left - 20, y_page),
                Hang::Right,
                SMALL,
                INK,
            )?;
        }
        let (wide, high) = (whole(columns) * pitch, whole(rows) * pitch);
        canvas.text(
            "latent dimension 1",
            (left + wide / 2, bottom + 92),
            Hang::Centre,
            TEXT,
            INK,
        )?;
        let x = left - self.room() + 46;
        canvas.text_upwards("latent dimension 2", (x, top + high / 2), TEXT)
    }
}

/// Latent coordinates are of the order of one.
fn two_digits(value: f64) -> String {
    let text = format!("{value:.1}");
    match text.strip_prefix('-') {
        Some("0.0") => "0.0".to_owned(),
        Some(magnitude) => format!("\u{2212}{magnitude}"),
        None => text,
    }
}
