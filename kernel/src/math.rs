//! Sums with a fixed order, and the few vector operations that the kernel is made of.
//!
//! Floating-point addition does not associate, so the order *is* the result: every reduction
//! in the kernel is sequential, or has lanes that are part of its definition as those of [`dot`]
//! are. Host and controller then agree bit for bit.

use core::ops::Range;

/// Independent accumulators of [`dot`].
pub(crate) const LANES: usize = 4;

/// Σ aᵢbᵢ over the shorter of the two: four interleaved partial sums, added pairwise, then the
/// remaining terms in order.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let [[sum]] = dots([a], [b]);
    sum
}

/// [`dot`] of each of `a` with each of `b`, all cut to the shortest, bit for bit. Each number that
/// it loads serves several products, so it is faster than single calls.
pub(crate) fn dots<const A: usize, const B: usize>(
    a: [&[f32]; A],
    b: [&[f32]; B],
) -> [[f32; B]; A] {
    let lengths = a.iter().chain(&b).map(|x| x.len());
    let length = lengths.min().unwrap_or(0);
    let whole = length / LANES;
    let mut sums = block_dots(a, b, whole);
    let rest = whole * LANES..length;
    let (Some(a), Some(b)) = (parts(a, &rest), parts(b, &rest)) else {
        return sums;
    };
    for k in 0..rest.len() {
        for (sums, a) in sums.iter_mut().zip(a) {
            for (sum, b) in sums.iter_mut().zip(b) {
                if let (Some(x), Some(y)) = (a.get(k), b.get(k)) {
                    *sum += x * y;
                }
            }
        }
    }
    sums
}

/// [`dots`] of the first `count` blocks of [`LANES`].
#[inline]
pub(crate) fn block_dots<const A: usize, const B: usize>(
    a: [&[f32]; A],
    b: [&[f32]; B],
    count: usize,
) -> [[f32; B]; A] {
    let mut lanes = [[[0.0_f32; LANES]; B]; A];
    let (Some(a), Some(b)) = (blocks(a, count), blocks(b, count)) else {
        return [[0.0; B]; A];
    };
    for k in 0..count {
        for (lanes, a) in lanes.iter_mut().zip(a) {
            for (lanes, b) in lanes.iter_mut().zip(b) {
                if let (Some(a), Some(b)) = (a.get(k), b.get(k)) {
                    for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
                        *lane += x * y;
                    }
                }
            }
        }
    }
    lanes.map(|lanes| lanes.map(|[s0, s1, s2, s3]| (s0 + s2) + (s1 + s3)))
}

/// A range of each. All slices then have one length that the compiler sees, and it leaves out the
/// bounds checks.
fn parts<'x, const N: usize>(of: [&'x [f32]; N], range: &Range<usize>) -> Option<[&'x [f32]; N]> {
    let parts = of.map(|x| x.get(range.clone()));
    let all = parts.iter().all(Option::is_some);
    all.then(|| parts.map(Option::unwrap_or_default))
}

/// The first `count` blocks of each, likewise.
fn blocks<const N: usize>(of: [&[f32]; N], count: usize) -> Option<[&[[f32; LANES]]; N]> {
    let blocks = of.map(|x| x.as_chunks().0.get(..count));
    let whole = blocks.iter().all(Option::is_some);
    whole.then(|| blocks.map(Option::unwrap_or_default))
}

/// y ← y − a·x, element by element.
pub(crate) fn subtract_scaled(y: &mut [f32], a: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y -= a * x;
    }
}

/// The larger of two; the first when they are equal or either is NaN.
/// `f32::max` leaves the sign of a zero to the processor; this does not.
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
}

/// The smaller of two; the first when they are equal or either is NaN.
pub(crate) fn smaller(a: f32, b: f32) -> f32 {
    if b < a { b } else { a }
}

/// Whether a value is a number of at most this magnitude.
pub(crate) fn within(value: f32, largest: f32) -> bool {
    libm::fabsf(value) <= largest
}

/// Squared distance of two points of the plane.
pub(crate) fn distance_squared(a: [f32; 2], b: [f32; 2]) -> f32 {
    (nalgebra::Vector2::from(a) - nalgebra::Vector2::from(b)).norm_squared()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_of_any_length_agrees_with_f64() {
        for length in 0..40_usize {
            let a: Vec<f32> = (0..length).map(|i| 0.25 * i as f32 - 3.0).collect();
            let b: Vec<f32> = (0..length).map(|i| 1.0 / (1.0 + i as f32)).collect();
            let exact: f64 = a
                .iter()
                .zip(&b)
                .map(|(&x, &y)| f64::from(x) * f64::from(y))
                .sum();
            assert!(
                (f64::from(dot(&a, &b)) - exact).abs() < 1e-5,
                "length {length}"
            );
        }
    }

    #[test]
    fn larger_keeps_the_first_of_equals_whatever_the_sign_of_zero() {
        assert!(larger(0.0, -0.0).is_sign_positive());
        assert!(larger(-0.0, 0.0).is_sign_negative());
        assert_eq!(larger(-1.0, 2.0), 2.0);
    }
}
