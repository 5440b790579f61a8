//! Candidates: the pixels that can be measured, numbered row by row.
//!
//! The kernel describes a candidate by the window around its pixel. [`Edges`] says what becomes of
//! windows that reach beyond the image. The kernel works on the *extended* image, which reaches as
//! far as the windows do, so that every window lies inside it: features and structural distances
//! of a window depend on its pixels alone, bit for bit, wherever it lies.

use crate::Error;

/// A candidate's number, row-major over the pixels that can be measured.
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

/// What becomes of windows that reach beyond the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Edges {
    /// A pixel is a candidate only if its whole window lies inside the image.
    #[default]
    Inside,
    /// Every pixel is a candidate. The image is completed by reflection about its outermost
    /// pixels, which are not repeated: `c b | a b c d | c b`. This is the mode `reflect` of
    /// `numpy.pad` and PyTorch, `mirror` in SciPy. A window larger than the image reflects again
    /// at the other edge; an image of one row or column repeats it.
    Reflect,
}

impl Edges {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Inside, Self::Reflect];

    /// The name on command lines and in files.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Inside => "inside",
            Self::Reflect => "reflect",
        }
    }

    /// The one with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|edges| edges.name() == name)
    }
}

/// The candidates of an image: geometry only.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Candidates {
    height: usize,
    width: usize,
    window: usize,
    edges: Edges,
}

impl Candidates {
    /// The candidates of an image of `height` × `width` pixels whose square windows lie inside it:
    /// those of [`Edges::Inside`].
    ///
    /// # Errors
    /// [`Error::NoCandidates`] when no window fits or a side exceeds 65 535 pixels.
    pub const fn new(height: usize, width: usize, window: usize) -> Result<Self, Error> {
        Self::with_edges(height, width, window, Edges::Inside)
    }

    /// The candidates of an image of `height` × `width` pixels for square windows.
    ///
    /// # Errors
    /// [`Error::NoCandidates`] when there are none, or when a side of image or window exceeds
    /// 65 535 pixels.
    pub const fn with_edges(
        height: usize,
        width: usize,
        window: usize,
        edges: Edges,
    ) -> Result<Self, Error> {
        let smallest = match edges {
            Edges::Inside => window,
            Edges::Reflect => 1,
        };
        let largest = u16::MAX as usize;
        if window == 0
            || window > largest
            || height < smallest
            || width < smallest
            || height > largest
            || width > largest
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
            edges,
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

    /// What becomes of windows that reach beyond the image.
    pub const fn edges(self) -> Edges {
        self.edges
    }

    /// Rows of candidates.
    pub const fn rows(self) -> usize {
        match self.edges {
            Edges::Inside => self.height - self.window + 1,
            Edges::Reflect => self.height,
        }
    }

    /// Columns of candidates.
    pub const fn columns(self) -> usize {
        match self.edges {
            Edges::Inside => self.width - self.window + 1,
            Edges::Reflect => self.width,
        }
    }

    /// Number of candidates.
    pub const fn count(self) -> usize {
        self.rows() * self.columns()
    }

    /// Rows of the extended image.
    pub const fn extended_height(self) -> usize {
        self.rows() + self.window - 1
    }

    /// Columns of the extended image.
    pub const fn extended_width(self) -> usize {
        self.columns() + self.window - 1
    }

    /// Rows above the image in the extended one, and columns left of it.
    const fn margin(self) -> usize {
        match self.edges {
            Edges::Inside => 0,
            Edges::Reflect => self.window / 2,
        }
    }

    /// Rows above the pixel of the first candidate, and columns left of it.
    const fn offset(self) -> usize {
        self.window / 2 - self.margin()
    }

    /// Writes the extended image, row-major, into `extended`; `image` holds height × width pixels,
    /// row-major. With [`Edges::Inside`] the two are equal.
    pub fn extend(self, image: &[f32], extended: &mut [f32]) {
        let (margin, width) = (self.margin(), self.width);
        let rows = extended.chunks_exact_mut(self.extended_width().max(1));
        for (row, out) in rows.take(self.extended_height()).enumerate() {
            let start = reflected(row, margin, self.height) * width;
            let pixels = image.get(start..start + width).unwrap_or_default();
            let (left, rest) = out.split_at_mut(margin.min(out.len()));
            let (middle, right) = rest.split_at_mut(width.min(rest.len()));
            for (out, pixel) in middle.iter_mut().zip(pixels) {
                *out = *pixel;
            }
            let columns = (0..margin).chain(margin + width..self.extended_width());
            for (out, column) in left.iter_mut().chain(right).zip(columns) {
                let pixel = pixels.get(reflected(column, margin, width));
                *out = pixel.copied().unwrap_or_default();
            }
        }
    }

    /// The candidate whose measured pixel is this one, if there is one.
    pub const fn at(self, pixel: Pixel) -> Option<Candidate> {
        let offset = self.offset();
        if pixel.row < offset || pixel.column < offset {
            return None;
        }
        let (row, column) = (pixel.row - offset, pixel.column - offset);
        if row >= self.rows() || column >= self.columns() {
            return None;
        }
        Some(Candidate((row * self.columns() + column) as u32))
    }

    /// Top-left pixel of a candidate's window in the extended image; with [`Edges::Inside`] that is
    /// the image itself.
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
        let offset = self.offset();
        match self.corner(candidate) {
            Ok(Pixel { row, column }) => Ok(Pixel {
                row: row + offset,
                column: column + offset,
            }),
            Err(error) => Err(error),
        }
    }
}

/// The row or column of the image, of which there are `length`, that the extended image repeats at
/// `index`; the image begins at `margin`.
const fn reflected(index: usize, margin: usize, length: usize) -> usize {
    // There and back again, without the outermost two twice.
    let period = 2 * length.saturating_sub(1);
    let (Some(ahead), Some(behind)) = (index.checked_rem(period), margin.checked_rem(period))
    else {
        return 0;
    };
    let position = if ahead < behind {
        ahead + period - behind
    } else {
        ahead - behind
    };
    if position < length {
        position
    } else {
        period - position
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
    fn edges_have_names() {
        for edges in Edges::ALL {
            assert_eq!(Edges::from_name(edges.name()), Some(edges));
        }
        assert_eq!(Edges::from_name("wrap"), None);
    }

    #[test]
    fn a_window_larger_than_the_image_is_refused_without_reflection() {
        assert!(matches!(
            Candidates::new(15, 50, 16),
            Err(Error::NoCandidates { height: 15, .. })
        ));
        assert!(Candidates::with_edges(15, 50, 16, Edges::Reflect).is_ok());
        for (height, width, window) in [(0, 9, 4), (9, 0, 4), (9, 9, 0), (65_536, 9, 4)] {
            assert_eq!(
                Candidates::with_edges(height, width, window, Edges::Reflect),
                Err(Error::NoCandidates {
                    height,
                    width,
                    window
                })
            );
        }
    }

    /// `numpy.pad([0, 1, …], (window // 2, window - 1 - window // 2), mode="reflect")`, NumPy 2.4.
    #[test]
    fn the_extended_image_is_that_of_numpy() {
        for (length, window, expected) in [
            (4, 4, &[2, 1, 0, 1, 2, 3, 2][..]),
            (4, 5, &[2, 1, 0, 1, 2, 3, 2, 1]),
            (3, 9, &[0, 1, 2, 1, 0, 1, 2, 1, 0, 1, 2]),
            (2, 6, &[1, 0, 1, 0, 1, 0, 1]),
            (1, 4, &[0, 0, 0, 0]),
            (3, 1, &[0, 1, 2]),
        ] {
            let candidates = Candidates::with_edges(length, length, window, Edges::Reflect);
            let candidates = candidates.unwrap();
            let image: Vec<f32> = (0..length * length).map(|i| i as f32).collect();
            let mut extended = vec![f32::NAN; expected.len() * expected.len()];
            assert_eq!(candidates.extended_width(), expected.len());
            assert_eq!(candidates.extended_height(), expected.len());
            candidates.extend(&image, &mut extended);
            for (n, pixel) in extended.iter().enumerate() {
                let (row, column) = (expected[n / expected.len()], expected[n % expected.len()]);
                assert_eq!(*pixel, (row * length + column) as f32, "{length} {window}");
            }
        }
    }

    #[test]
    fn with_reflection_every_pixel_is_a_candidate_in_the_middle_of_its_window() {
        for window in [1, 4, 5, 16] {
            let candidates = Candidates::with_edges(9, 12, window, Edges::Reflect).unwrap();
            assert_eq!(candidates.count(), 9 * 12);
            let image: Vec<f32> = (0..9 * 12).map(|i| i as f32).collect();
            let width = candidates.extended_width();
            let mut extended = vec![f32::NAN; candidates.extended_height() * width];
            candidates.extend(&image, &mut extended);
            for n in 0..candidates.count() as u32 {
                let pixel = candidates.pixel(Candidate(n)).unwrap();
                assert_eq!(candidates.at(pixel), Some(Candidate(n)));
                let corner = candidates.corner(Candidate(n)).unwrap();
                let (row, column) = (corner.row + window / 2, corner.column + window / 2);
                assert_eq!(extended[row * width + column], n as f32);
            }
        }
    }
}
