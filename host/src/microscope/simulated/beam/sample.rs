//! The sample between its pixels.

/// A pixel that the beam shares, by its index row by row, and its share.
pub(super) type Spot = (usize, f64);

/// The pixels around a place (row, column), whole numbers being their centres, with the weights
/// of bilinear interpolation; one pixel where the place is its centre. Beyond its border the
/// sample is mirrored.
pub(super) fn around(place: (f64, f64), shape: (usize, usize)) -> Vec<Spot> {
    let [rows, columns] = [(place.0, shape.0), (place.1, shape.1)].map(|(at, size)| {
        let at = settle(at);
        let below = at.floor();
        [(below, 1.0 - (at - below)), (below + 1.0, at - below)]
            .map(|(index, weight)| (mirror(index, size), weight))
    });
    let spots = rows
        .into_iter()
        .flat_map(|(row, a)| columns.map(|(column, b)| (row * shape.1 + column, a * b)));
    spots.filter(|(_, weight)| *weight > 0.0).collect()
}

/// The pixel (row, column) nearest to a place, in the sample mirrored beyond its border.
pub(super) fn nearest(place: (f64, f64), shape: (usize, usize)) -> (usize, usize) {
    let [row, column] =
        [(place.0, shape.0), (place.1, shape.1)].map(|(at, size)| mirror(at.round(), size));
    (row, column)
}

/// The map whose pixels show what lies `shift` pixels (rows, columns) before them: `map` moved by
/// `shift`. By cubic convolution (Keys 1981), which leaves whole shifts exact.
pub(super) fn moved(map: &[f64], shape: (usize, usize), shift: (f64, f64)) -> Vec<f64> {
    let (height, width) = shape;
    let taps = |shift: f64| {
        let back = settle(-shift);
        let whole = back.floor();
        let weights = cubic(back - whole);
        core::array::from_fn::<_, 4, _>(|tap| (whole + tap as f64 - 1.0, weights[tap]))
    };
    let (down, along) = (taps(shift.0), taps(shift.1));
    let mut rows = Vec::with_capacity(map.len());
    for row in 0..height {
        let from = down.map(|(offset, weight)| (mirror(row as f64 + offset, height), weight));
        for column in 0..width {
            let parts = from.map(|(row, weight)| weight * map[row * width + column]);
            rows.push(parts.iter().sum::<f64>());
        }
    }
    let mut moved = Vec::with_capacity(map.len());
    for line in rows.chunks_exact(width) {
        for column in 0..width {
            let parts =
                along.map(|(offset, weight)| weight * line[mirror(column as f64 + offset, width)]);
            moved.push(parts.iter().sum::<f64>());
        }
    }
    moved
}

/// Weights of the four pixels around a place `t` after the second, 0 to 1: Keys' kernel with
/// a = −1/2.
fn cubic(t: f64) -> [f64; 4] {
    [
        ((-0.5 * t + 1.0) * t - 0.5) * t,
        (1.5 * t - 2.5) * t * t + 1.0,
        ((-1.5 * t + 2.0) * t + 0.5) * t,
        (0.5 * t - 0.5) * t * t,
    ]
}

/// What differs from a whole number by rounding only is that number: places come as fractions of
/// the frame.
fn settle(at: f64) -> f64 {
    const ROUNDING: f64 = 1e-9;
    let whole = at.round();
    if (at - whole).abs() < ROUNDING {
        whole
    } else {
        at
    }
}

/// Index of a whole number in a line that is mirrored at its ends: ... 1 0 | 0 1 ... n−1 | n−1 ...
fn mirror(index: f64, size: usize) -> usize {
    let period = 2 * size;
    let index = index.rem_euclid(period as f64) as usize;
    index.min(period - 1 - index)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: (usize, usize) = (5, 7);

    #[test]
    fn centres_of_pixels_are_those_pixels_and_rounding_is_none() {
        assert_eq!(around((2.0, 3.0), SHAPE), [(17, 1.0)]);
        assert_eq!(around((2.0 + 1e-14, 3.0 - 1e-14), SHAPE), [(17, 1.0)]);
        assert_eq!(nearest((2.4, 3.4), SHAPE), (2, 3));
    }

    /// Oracle: a plane is interpolated exactly.
    #[test]
    fn weights_add_up_and_point_at_the_place() {
        let place = (1.25, 4.6);
        let spots = around(place, SHAPE);
        let mean = |value: fn(usize) -> usize| {
            let parts = spots
                .iter()
                .map(|&(pixel, weight)| value(pixel) as f64 * weight);
            parts.sum::<f64>()
        };
        assert!((mean(|_| 1) - 1.0).abs() < 1e-12);
        assert!((mean(|pixel| pixel / 7) - place.0).abs() < 1e-12);
        assert!((mean(|pixel| pixel % 7) - place.1).abs() < 1e-12);
    }

    #[test]
    fn beyond_its_border_the_sample_is_mirrored() {
        assert_eq!(nearest((-1.0, 7.0), SHAPE), (0, 6));
        assert_eq!(nearest((-3.0, 9.0), SHAPE), (2, 4));
        assert_eq!(around((-0.5, 0.0), SHAPE), [(0, 0.5), (0, 0.5)]);
        assert!(nearest((1e6, -1e6), SHAPE).0 < 5);
    }

    /// Oracle: the map's own values, and a parabola, which Keys' kernel reproduces.
    #[test]
    fn a_moved_map_shows_what_was_there() {
        let map: Vec<f64> = (0..35).map(|i| f64::from(i * i % 17)).collect();
        let moved_by = |shift| moved(&map, SHAPE, shift);
        assert_eq!(moved_by((0.0, 0.0)), map);
        let whole = moved_by((1.0, -2.0));
        assert_eq!(whole[3 * 7 + 2], map[2 * 7 + 4]);
        assert_eq!(whole[2], map[4]);
        let parabola: Vec<f64> = (0..35).map(|i| f64::from(i % 7).powi(2)).collect();
        let shifted = moved(&parabola, SHAPE, (0.0, 0.3));
        assert!((shifted[2 * 7 + 3] - 2.7 * 2.7).abs() < 1e-12);
    }
}
