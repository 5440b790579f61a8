//! Candidates: the pixels whose window lies inside the image, numbered row by row.

use crate::Error;

/// A candidate's number, row-major over the pixels whose window fits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Candidate(pub u32);

impl Candidate {
    /// The number as an index.
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// A pixel of the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pixel {
    /// Row, from the top.
    pub row: usize,
    /// Column, from the left.
    pub column: usize,
}

/// The candidates of an image: geometry only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidates {
    height: usize,
    width: usize,
    window: usize,
}

impl Candidates {
    /// The candidates of an image of `height` × `width` pixels for square windows.
    ///
    /// # Errors
    /// [`Error::NoCandidates`] when no window fits or the pixels would not count in `u32`.
    pub const fn new(height: usize, width: usize, window: usize) -> Result<Self, Error> {
        if window == 0
            || height < window
            || width < window
            || height > u16::MAX as usize
            || width > u16::MAX as usize
        {
            return Err(Error::NoCandidates {
                height,
                width,
                window,
            });
        }
        Ok(Self {
            height,
            width,
            window,
        })
    }

    /// Rows of the image.
    pub const fn height(self) -> usize {
        self.height
    }

    /// Columns of the image.
    pub const fn width(self) -> usize {
        self.width
    }

    /// Side of the window in pixels.
    pub const fn window(self) -> usize {
        self.window
    }

    /// Rows of candidates.
    pub const fn rows(self) -> usize {
        self.height - self.window + 1
    }

    /// Columns of candidates.
    pub const fn columns(self) -> usize {
        self.width - self.window + 1
    }

    /// Number of candidates.
    pub const fn count(self) -> usize {
        self.rows() * self.columns()
    }

    /// The candidate whose measured pixel is this one, if its window fits.
    pub const fn at(self, pixel: Pixel) -> Option<Candidate> {
        let half = self.window / 2;
        if pixel.row < half || pixel.column < half {
            return None;
        }
        let (row, column) = (pixel.row - half, pixel.column - half);
        if row >= self.rows() || column >= self.columns() {
            return None;
        }
        Some(Candidate((row * self.columns() + column) as u32))
    }

    /// Top-left pixel of a candidate's window.
    ///
    /// # Errors
    /// [`Error::NoSuchCandidate`].
    pub const fn corner(self, candidate: Candidate) -> Result<Pixel, Error> {
        let index = candidate.index();
        let count = self.count();
        let columns = self.columns();
        if index >= count || columns == 0 {
            return Err(Error::NoSuchCandidate {
                candidate,
                candidates: count,
            });
        }
        Ok(Pixel {
            row: index / columns,
            column: index % columns,
        })
    }

    /// The pixel that is measured: the window spans `pixel - window / 2` up to but excluding
    /// `pixel - window / 2 + window`, so an even window has its pixel just past the middle.
    ///
    /// # Errors
    /// [`Error::NoSuchCandidate`].
    pub const fn pixel(self, candidate: Candidate) -> Result<Pixel, Error> {
        let half = self.window / 2;
        match self.corner(candidate) {
            Ok(Pixel { row, column }) => Ok(Pixel {
                row: row + half,
                column: column + half,
            }),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_benchmark_has_1225_candidates_from_pixel_8_8() {
        let candidates = Candidates::new(50, 50, 16).unwrap();
        assert_eq!(candidates.count(), 1225);
        let pixel = |n| candidates.pixel(Candidate(n)).map(|p| (p.row, p.column));
        assert_eq!(pixel(0), Ok((8, 8)));
        assert_eq!(pixel(36), Ok((9, 9)));
        assert_eq!(pixel(1224), Ok((42, 42)));
        assert_eq!(
            pixel(1225),
            Err(Error::NoSuchCandidate {
                candidate: Candidate(1225),
                candidates: 1225
            })
        );
    }

    #[test]
    fn pixel_and_candidate_are_inverse_and_the_border_has_none() {
        let candidates = Candidates::new(9, 12, 5).unwrap();
        for n in 0..candidates.count() as u32 {
            let pixel = candidates.pixel(Candidate(n)).unwrap();
            assert_eq!(candidates.at(pixel), Some(Candidate(n)));
        }
        assert_eq!(candidates.at(Pixel { row: 1, column: 5 }), None);
        assert_eq!(candidates.at(Pixel { row: 7, column: 5 }), None);
        assert_eq!(candidates.at(Pixel { row: 5, column: 10 }), None);
    }

    #[test]
    fn a_window_larger_than_the_image_is_refused() {
        assert!(matches!(
            Candidates::new(15, 50, 16),
            Err(Error::NoCandidates { height: 15, .. })
        ));
    }
}
