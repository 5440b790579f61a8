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
        let (wide, high) = self.cells();
        (
            self.left + ((column as f64 + 0.5) * wide).round() as i32,
            self.top + ((row as f64 + 0.5) * high).round() as i32,
        )
    }

    /// Canvas position of the upper left corner of a pixel, that of one behind the last being where the last
    /// ends.
    pub(crate) fn corner(&self, row: usize, column: usize) -> (i32, i32) {
        let (wide, high) = self.cells();
        (
            self.left + (column.min(self.columns) as f64 * wide).round() as i32,
            self.top + (row.min(self.rows) as f64 * high).round() as i32,
        )
    }

    /// Side of a pixel, in canvas units: that along the longer side, whose rounding to whole units matters least.
    pub(crate) fn cell(&self) -> f64 {
        let (wide, high) = self.cells();
        if self.rows > self.columns { high } else { wide }
    }

    /// Width and height of a pixel, which fill the frame both ways: each side of it is whole units.
    fn cells(&self) -> (f64, f64) {
        // A map without pixels is drawn as an empty frame.
        let each = |side: i32, pixels: usize| f64::from(side) / pixels.max(1) as f64;
        (each(self.width, self.columns), each(self.height, self.rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_fill_the_frame_of_a_narrow_map_both_ways() {
        // As of 600 x 5 and 17 x 1000 pixels in a square of 1000.
        for (width, height, rows, columns) in [(8, 1000, 600, 5), (1000, 17, 17, 1000)] {
            let frame = ImageFrame {
                left: 10,
                top: 20,
                width,
                height,
                rows,
                columns,
            };
            assert_eq!(frame.corner(0, 0), (10, 20));
            assert_eq!(frame.corner(rows, columns), (frame.right(), frame.bottom()));
            let (x, y) = frame.centre(rows - 1, columns - 1);
            assert!(x <= frame.right() && y <= frame.bottom());
            assert!(f64::from(frame.bottom() - y) <= frame.cell());
        }
    }
}
