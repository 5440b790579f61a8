//! Correlation coefficients of two images over all shifts by whole pixels.

use core::ops::Range;

use rustfft::num_complex::Complex;
use rustfft::{FftDirection, FftPlanner};

/// The highest correlation coefficient.
pub(super) struct Peak {
    /// Where it is, in pixels and fractions (rows, columns).
    pub(super) shift: (f64, f64),
    /// How high it is; zero where nothing correlates.
    pub(super) coefficient: f64,
    /// How far it stands above the next highest maximum; zero on the border of the range, where
    /// it is none.
    pub(super) lead: f64,
}

/// Correlation coefficients over a range of shifts.
pub(super) struct Correlation {
    /// Row by row, from the most negative shift.
    coefficients: Vec<f64>,
    /// Farthest shifts along rows and columns.
    reach: (isize, isize),
}

impl Correlation {
    /// Correlates two images of the same shape and `width`, up to shifts by a third of them: beyond
    /// that the images share too little.
    pub(super) fn new(reference: &[f64], fresh: &[f64], width: usize) -> Self {
        let height = reference.len() / width;
        let shape = (height, width);
        let [reference, fresh] = [reference, fresh].map(|values| {
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            values.iter().map(|value| value - mean).collect::<Vec<_>>()
        });
        let products = products(&reference, &fresh, shape);
        let sums = [&reference, &fresh].map(|values| Sums::new(values, width));
        let reach = ((height / 3).cast_signed(), (width / 3).cast_signed());
        let mut coefficients = Vec::new();
        for down in -reach.0..=reach.0 {
            for along in -reach.1..=reach.1 {
                let rows = shared(down, height);
                let columns = shared(along, width);
                let [before, after] = [
                    sums[0].over(rows.0, columns.0),
                    sums[1].over(rows.1, columns.1),
                ];
                let wrap = |shift: isize, size: usize| {
                    shift.rem_euclid((2 * size).cast_signed()).cast_unsigned()
                };
                let product = products[wrap(down, height) * 2 * width + wrap(along, width)];
                let covariance = product - before.sum * after.sum / before.count;
                let spread = (before.spread() * after.spread()).sqrt();
                coefficients.push(if spread > 0.0 {
                    covariance / spread
                } else {
                    0.0
                });
            }
        }
        Self {
            coefficients,
            reach,
        }
    }

    pub(super) fn peak(&self) -> Peak {
        let mut highest = (f64::NEG_INFINITY, (0, 0));
        for (shift, value) in self.shifts().zip(&self.coefficients) {
            if *value > highest.0 {
                highest = (*value, shift);
            }
        }
        let (coefficient, (row, column)) = highest;
        let others = self.shifts().zip(&self.coefficients);
        let next = others
            .filter(|&(shift, _)| shift != (row, column) && self.is_maximum(shift))
            .fold(0.0_f64, |next, (_, value)| next.max(*value));
        let is_inside = row.abs() < self.reach.0 && column.abs() < self.reach.1;
        let along = |step: (isize, isize)| {
            vertex([-1, 0, 1].map(|n| self.at(row + n * step.0, column + n * step.1)))
        };
        Peak {
            shift: (row as f64 + along((1, 0)), column as f64 + along((0, 1))),
            coefficient: coefficient.clamp(0.0, 1.0),
            lead: if is_inside {
                (coefficient - next).clamp(0.0, 1.0)
            } else {
                0.0
            },
        }
    }

    /// Every shift (rows, columns), in the order of the coefficients.
    fn shifts(&self) -> impl Iterator<Item = (isize, isize)> {
        let (rows, columns) = self.reach;
        (-rows..=rows).flat_map(move |down| (-columns..=columns).map(move |along| (down, along)))
    }

    /// The coefficient of a shift; `None` out of range.
    fn at(&self, down: isize, along: isize) -> Option<f64> {
        let (rows, columns) = self.reach;
        let is_in_range = down.abs() <= rows && along.abs() <= columns;
        is_in_range.then(|| {
            let index = (down + rows) * (2 * columns + 1) + along + columns;
            self.coefficients[index.cast_unsigned()]
        })
    }

    /// Whether no neighbour in range is higher.
    fn is_maximum(&self, (down, along): (isize, isize)) -> bool {
        let here = self.at(down, along);
        let mut neighbours = (-1..=1).flat_map(|i| (-1..=1).map(move |j| (i, j)));
        neighbours.all(|(i, j)| self.at(down + i, along + j) <= here)
    }
}

/// Where a parabola through three points at −1, 0 and 1, the middle one the highest, has its
/// vertex: within ½. Zero where a point is missing.
fn vertex([before, here, after]: [Option<f64>; 3]) -> f64 {
    let (Some(before), Some(here), Some(after)) = (before, here, after) else {
        return 0.0;
    };
    let curvature = before - 2.0 * here + after;
    if curvature < 0.0 {
        0.5 * (before - after) / curvature
    } else {
        0.0
    }
}

/// The parts of a line of `size` pixels that two images share after a shift: in the reference,
/// and in the fresh image.
fn shared(shift: isize, size: usize) -> (Range<usize>, Range<usize>) {
    let gone = shift.unsigned_abs();
    let (first, last) = (0..size - gone, gone..size);
    if shift >= 0 {
        (first, last)
    } else {
        (last, first)
    }
}

/// Sums over rectangles of an image, from those over all rectangles at its upper left corner.
struct Sums {
    /// Sums of values and of squares, of one row and one column more than the image.
    table: Vec<[f64; 2]>,
    width: usize,
}

/// Sums over one rectangle.
struct Rectangle {
    count: f64,
    sum: f64,
    squares: f64,
}

impl Rectangle {
    /// Sum of squares of differences from the mean; zero where only rounding is left of it.
    fn spread(&self) -> f64 {
        let spread = self.squares - self.sum * self.sum / self.count;
        if spread > 1e-9 * self.squares {
            spread
        } else {
            0.0
        }
    }
}

impl Sums {
    fn new(values: &[f64], width: usize) -> Self {
        let stride = width + 1;
        let mut table = vec![[0.0; 2]; stride];
        for line in values.chunks_exact(width) {
            let (mut sum, mut squares) = (0.0, 0.0);
            table.push([0.0; 2]);
            for value in line {
                sum += value;
                squares += value * value;
                let [above, squares_above] = table[table.len() - stride];
                table.push([above + sum, squares_above + squares]);
            }
        }
        Self { table, width }
    }

    fn over(&self, rows: Range<usize>, columns: Range<usize>) -> Rectangle {
        let corner = |row: usize, column: usize| self.table[row * (self.width + 1) + column];
        let [a, b] = [
            corner(rows.start, columns.start),
            corner(rows.end, columns.end),
        ];
        let [c, d] = [
            corner(rows.start, columns.end),
            corner(rows.end, columns.start),
        ];
        Rectangle {
            count: (rows.len() * columns.len()) as f64,
            sum: a[0] + b[0] - c[0] - d[0],
            squares: a[1] + b[1] - c[1] - d[1],
        }
    }
}

/// Sums of products of the reference and the fresh image moved back, for every shift: of twice the
/// height and width, negative shifts behind the positive ones.
fn products(reference: &[f64], fresh: &[f64], (height, width): (usize, usize)) -> Vec<f64> {
    let padded = (2 * height, 2 * width);
    let spectrum = |values: &[f64]| {
        let mut field = vec![Complex::default(); padded.0 * padded.1];
        let lines = field.chunks_exact_mut(padded.1);
        for (line, values) in lines.zip(values.chunks_exact(width)) {
            for (point, &value) in line.iter_mut().zip(values) {
                point.re = value;
            }
        }
        transform(field, padded, FftDirection::Forward)
    };
    let product = spectrum(fresh)
        .into_iter()
        .zip(spectrum(reference))
        .map(|(fresh, reference)| fresh * reference.conj())
        .collect();
    let scale = 1.0 / (padded.0 * padded.1) as f64;
    let sums = transform(product, padded, FftDirection::Inverse);
    sums.into_iter().map(|value| scale * value.re).collect()
}

/// The Fourier transform over both axes, not scaled.
fn transform(
    mut field: Vec<Complex<f64>>,
    (height, width): (usize, usize),
    direction: FftDirection,
) -> Vec<Complex<f64>> {
    let mut planner = FftPlanner::new();
    planner.plan_fft(width, direction).process(&mut field);
    let mut turned = transpose(&field, width);
    planner.plan_fft(height, direction).process(&mut turned);
    transpose(&turned, height)
}

fn transpose(field: &[Complex<f64>], width: usize) -> Vec<Complex<f64>> {
    let column = |column| field.iter().skip(column).step_by(width).copied();
    (0..width).flat_map(column).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: (usize, usize) = (9, 12);

    fn image(seed: usize) -> Vec<f64> {
        let value = |i: usize| (i * i * (7 + seed) + 3 * i) % 31;
        (0..SHAPE.0 * SHAPE.1).map(|i| value(i) as f64).collect()
    }

    /// Oracle: Pearson's coefficient of the shared pixels, by its definition.
    #[test]
    fn coefficients_are_those_of_the_shared_pixels() {
        let (reference, fresh) = (image(0), image(6));
        let correlation = Correlation::new(&reference, &fresh, SHAPE.1);
        assert_eq!(correlation.reach, (3, 4));
        for down in -3_isize..=3 {
            for along in -4_isize..=4 {
                let mut pairs = Vec::new();
                for row in 0..9 {
                    for column in 0..12 {
                        let (r, c) = (row - down, column - along);
                        if (0..9).contains(&r) && (0..12).contains(&c) {
                            let index = |row: isize, column: isize| (row * 12 + column) as usize;
                            pairs.push((reference[index(r, c)], fresh[index(row, column)]));
                        }
                    }
                }
                let n = pairs.len() as f64;
                let a = pairs.iter().map(|pair| pair.0).sum::<f64>() / n;
                let b = pairs.iter().map(|pair| pair.1).sum::<f64>() / n;
                let of = |f: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(f).sum::<f64>();
                let covariance = of(&|pair| (pair.0 - a) * (pair.1 - b));
                let spreads = of(&|pair| (pair.0 - a).powi(2)) * of(&|pair| (pair.1 - b).powi(2));
                let expected = covariance / spreads.sqrt();
                let found = correlation.at(down, along).unwrap();
                assert!((found - expected).abs() < 1e-12, "{found} {expected}");
            }
        }
        assert_eq!(correlation.at(4, 0), None);
    }

    /// Oracle: the vertex of a parabola that is known.
    #[test]
    fn a_parabola_tells_fractions() {
        let parabola = |x: f64| Some(2.0 - 3.0 * (x - 0.3).powi(2));
        let found = vertex([-1.0, 0.0, 1.0].map(parabola));
        assert!((found - 0.3).abs() < 1e-12);
        assert_eq!(vertex([Some(1.0); 3]), 0.0);
        assert_eq!(vertex([None, Some(1.0), Some(0.0)]), 0.0);
    }

    #[test]
    fn images_without_contrast_correlate_nowhere() {
        let peak = Correlation::new(&[0.0; 108], &image(1), 12).peak();
        assert_eq!((peak.coefficient, peak.lead), (0.0, 0.0));
    }
}
