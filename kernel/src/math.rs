//! Sums with a fixed order, and the handful of vector operations everything is made of.
//!
//! Floating-point addition does not associate, so the order *is* the result: every reduction
//! in the kernel is either sequential or goes through [`dot`], whose lanes are part of its
//! definition. Host and controller then agree bit for bit.

/// Independent accumulators of [`dot`]: enough to hide the latency of a multiply-accumulate.
const LANES: usize = 8;

/// Σ aᵢbᵢ over the shorter of the two: eight interleaved partial sums, added pairwise, then
/// the remaining terms in order.
pub(crate) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let length = a.len().min(b.len());
    let (a, b) = (a.get(..length).unwrap_or(a), b.get(..length).unwrap_or(b));
    let (blocks_a, rest_a) = a.as_chunks::<LANES>();
    let (blocks_b, rest_b) = b.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (x, y) in blocks_a.iter().zip(blocks_b) {
        for ((lane, x), y) in lanes.iter_mut().zip(x).zip(y) {
            *lane += x * y;
        }
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = lanes;
    let mut sum = ((s0 + s4) + (s2 + s6)) + ((s1 + s5) + (s3 + s7));
    for (x, y) in rest_a.iter().zip(rest_b) {
        sum += x * y;
    }
    sum
}

/// y ← y − a·x, element by element.
pub(crate) fn subtract_scaled(y: &mut [f32], a: f32, x: &[f32]) {
    for (y, x) in y.iter_mut().zip(x) {
        *y -= a * x;
    }
}

/// The larger of two, the first when they are equal or when either is NaN's companion.
/// `f32::max` leaves the sign of a zero to the processor; this does not.
pub(crate) fn larger(a: f32, b: f32) -> f32 {
    if b > a { b } else { a }
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
