//! Rectangles of pixels.

use std::fmt;
use std::ops::Range;

use beacon_kernel::Pixel;
use serde::{Deserialize, Serialize};

/// A rectangle of pixels of the image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// Its rows.
    pub rows: Range<usize>,
    /// Its columns.
    pub columns: Range<usize>,
}

impl Region {
    /// One pixel.
    pub fn pixel(row: usize, column: usize) -> Self {
        Self {
            rows: row..row + 1,
            columns: column..column + 1,
        }
    }

    /// Whether a pixel lies in it.
    pub fn holds(&self, Pixel { row, column }: Pixel) -> bool {
        self.rows.contains(&row) && self.columns.contains(&column)
    }

    /// Few rectangles that cover the pixels of an image of `height` × `width` of which `holds` is
    /// true, and no other: runs along rows, joined where the rows below have the same.
    pub fn covering(
        height: usize,
        width: usize,
        holds: impl Fn(usize, usize) -> bool,
    ) -> Vec<Self> {
        let mut done: Vec<Self> = Vec::new();
        let mut open: Vec<Self> = Vec::new();
        for row in 0..height {
            let mut runs = Vec::new();
            let mut column = 0;
            while column < width {
                let start = column;
                while column < width && holds(row, column) {
                    column += 1;
                }
                if start < column {
                    runs.push(start..column);
                } else {
                    column += 1;
                }
            }
            let mut next = Vec::with_capacity(runs.len());
            for columns in runs {
                let above = open.iter().position(|region| region.columns == columns);
                let top = above.map_or(row, |above| open.swap_remove(above).rows.start);
                next.push(Self {
                    rows: top..row + 1,
                    columns,
                });
            }
            done.append(&mut open);
            open = next;
        }
        done.append(&mut open);
        done
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { rows, columns } = self;
        write!(
            f,
            "{}..{},{}..{}",
            rows.start, rows.end, columns.start, columns.end
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_is_covered_by_rectangles_exactly() {
        // Every mask of 3 × 4 pixels.
        for mask in 0..1_u32 << 12 {
            let holds = |row: usize, column: usize| mask >> (4 * row + column) & 1 == 1;
            let regions = Region::covering(3, 4, holds);
            for (row, column) in (0..12).map(|i| (i / 4, i % 4)) {
                let times = regions.iter();
                let times = times.filter(|region| region.holds(Pixel { row, column }));
                assert_eq!(times.count(), usize::from(holds(row, column)), "{mask:b}");
            }
        }
        assert_eq!(Region::covering(5, 6, |_, _| true).len(), 1);
    }
}
