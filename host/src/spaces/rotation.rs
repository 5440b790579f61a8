//! Patches turned to an orientation of their own, so that what is alike but for a rotation is
//! encoded alike.

/// Turns a square patch about its centre until its bright side points along +x.
///
/// The orientation is that of the first moment of the values about their mean, over the disc
/// inscribed in the window: it turns with the pattern. Values between pixels are bilinear;
/// outside the disc, where a rotation would bring in pixels that are not there, the mean
/// stands. A patch without a first moment stays as it is within the disc.
///
/// `patch` is row-major, `side` × `side`.
pub(super) fn canonical(patch: &[f32], side: usize) -> Vec<f32> {
    let centre = (side as f32 - 1.0) / 2.0;
    let offsets = |n: usize| ((n % side) as f32 - centre, (n / side) as f32 - centre);
    // Half a rounding error of room keeps the pixels on the rim.
    let inside = |x: f32, y: f32| x * x + y * y <= centre * centre * (1.0 + 1e-6);
    let on_disc = || (0..patch.len()).filter(|&n| inside(offsets(n).0, offsets(n).1));
    let mean = on_disc().map(|n| patch[n]).sum::<f32>() / on_disc().count().max(1) as f32;
    let (mut across, mut down) = (0.0, 0.0);
    for n in on_disc() {
        let (x, y) = offsets(n);
        across += x * (patch[n] - mean);
        down += y * (patch[n] - mean);
    }
    let length = across.hypot(down);
    let (cos, sin) = if length > 0.0 {
        (across / length, down / length)
    } else {
        (1.0, 0.0)
    };
    let last = side as f32 - 1.0;
    let turned = |n: usize| {
        let (x, y) = offsets(n);
        if !inside(x, y) {
            return mean;
        }
        let column = (centre + cos * x - sin * y).clamp(0.0, last);
        let row = (centre + sin * x + cos * y).clamp(0.0, last);
        bilinear(patch, side, row, column)
    };
    (0..patch.len()).map(turned).collect()
}

/// The value between four pixels; row and column lie within the patch.
fn bilinear(patch: &[f32], side: usize, row: f32, column: f32) -> f32 {
    let (top, left) = (row as usize, column as usize);
    let (bottom, right) = ((top + 1).min(side - 1), (left + 1).min(side - 1));
    let (down, across) = (row - top as f32, column - left as f32);
    let between = |row: usize| {
        let (a, b) = (patch[row * side + left], patch[row * side + right]);
        a + across * (b - a)
    };
    between(top) + down * (between(bottom) - between(top))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(side: usize, value: impl Fn(f32, f32) -> f32) -> Vec<f32> {
        let centre = (side as f32 - 1.0) / 2.0;
        (0..side * side)
            .map(|n| value((n % side) as f32 - centre, (n / side) as f32 - centre))
            .collect()
    }

    fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
        let differences = a.iter().zip(b).map(|(a, b)| (a - b).abs());
        differences.fold(0.0, f32::max)
    }

    /// A quarter turn moves pixels onto pixels, so nothing is lost.
    #[test]
    fn quarter_turns_of_a_patch_have_one_canonical_form() {
        for side in [7, 12, 16] {
            let pattern =
                |x: f32, y: f32| (0.8 * x + 0.3 * y).sin() + (0.5 * x * y).cos() + 0.1 * x;
            let plain = canonical(&patch(side, pattern), side);
            for turn in [
                &(|x: f32, y: f32| pattern(-y, x)) as &dyn Fn(f32, f32) -> f32,
                &|x, y| pattern(-x, -y),
                &|x, y| pattern(y, -x),
            ] {
                let turned = canonical(&patch(side, turn), side);
                assert!(largest_difference(&plain, &turned) < 1e-4, "side {side}");
            }
        }
    }

    /// Oracle: a plane is bilinear, so its canonical form is the same slope along +x, exactly.
    #[test]
    fn a_slope_in_any_direction_points_along_x() {
        let expected = canonical(&patch(15, |x, _| 0.5 * x + 2.0), 15);
        let along = patch(15, |x, _| 0.5 * x + 2.0);
        assert!((expected[7 * 15 + 12] - along[7 * 15 + 12]).abs() < 1e-5);
        for angle in [0.3_f32, 1.4, 2.9, 4.4] {
            let slope = patch(15, |x, y| 0.5 * (angle.cos() * x + angle.sin() * y) + 2.0);
            assert!(largest_difference(&canonical(&slope, 15), &expected) < 1e-4);
        }
    }

    #[test]
    fn a_patch_without_orientation_is_left_alone() {
        assert_eq!(canonical(&[0.25; 25], 5), [0.25; 25]);
    }
}
