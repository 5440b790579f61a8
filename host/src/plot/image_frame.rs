//! Where an image lies on the canvas.

/// Where the pixels of an image lie on the canvas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ImageFrame {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl ImageFrame {
    /// A square of `side` for as many rows as columns.
    pub(crate) fn square((left, top): (i32, i32), side: i32, pixels: usize) -> Self {
        Self {
            left,
            top,
            width: side,
            height: side,
            rows: pixels,
            columns: pixels,
        }
    }

    pub(crate) fn bottom(&self) -> i32 {
        self.top + self.height
    }

    pub(crate) fn right(&self) -> i32 {
        self.left + self.width
    }

    /// Canvas position of the centre of a pixel.
    pub(crate) fn centre(&self, row: usize, column: usize) -> (i32, i32) {
        (
            self.left + ((column as f64 + 0.5) * self.cell()).round() as i32,
            self.top + ((row as f64 + 0.5) * self.cell()).round() as i32,
        )
    }

    /// Side of a pixel, in canvas units.
    pub(crate) fn cell(&self) -> f64 {
        // A map without pixels is drawn as an empty frame.
        f64::from(self.width) / self.columns.max(1) as f64
    }
}
