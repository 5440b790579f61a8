//! Where an image lies on the page.

/// Where the pixels of an image lie on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: i32,
    pub(super) height: i32,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl Frame {
    pub(super) fn bottom(&self) -> i32 {
        self.top + self.height
    }

    pub(super) fn right(&self) -> i32 {
        self.left + self.width
    }

    /// Page position of the centre of a pixel.
    pub(super) fn centre(&self, row: usize, column: usize) -> (i32, i32) {
        (
            self.left + ((column as f64 + 0.5) * self.cell()).round() as i32,
            self.top + ((row as f64 + 0.5) * self.cell()).round() as i32,
        )
    }

    /// Side of a pixel, in page units.
    pub(super) fn cell(&self) -> f64 {
        // A map without pixels is drawn as an empty frame.
        f64::from(self.width) / self.columns.max(1) as f64
    }
}
