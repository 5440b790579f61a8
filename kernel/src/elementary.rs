//! Exponential, sine and cosine as short polynomials.
//!
//! A posterior sample needs some twenty thousand exponentials and ten thousand pairs of sine and
//! cosine. The functions of `libm` cost 70 and about 100 instructions on a Cortex-M7, half of them
//! for arguments that do not occur here. These functions reduce their argument by Cody and Waite
//! ("Software Manual for the Elementary Functions", 1980), then evaluate a minimax polynomial. They
//! have no branches, so that the host's compiler can evaluate several arguments at once, and use
//! additions and multiplications alone, so that host and controller agree bit for bit.

/// 1.5 · 2²³: adding it rounds to a whole number, which is then in the lowest bits.
const ROUND: f32 = 12_582_912.0;

/// eˣ for x up to 88, within 3 ulp; below −40 it stays what it is there, 4.2e-18. That counts for
/// nothing beside 1, and products of two are still far from numbers so small that some processors take
/// a hundred times as long for them.
pub(crate) fn exp(x: f32) -> f32 {
    /// ln 2 in two parts: products of the first with whole numbers up to 2¹⁵ are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let x = if x > -40.0 { x } else { -40.0 };
    let rounded = x * core::f32::consts::LOG2_E + ROUND;
    let whole = rounded - ROUND;
    let r = (x - whole * LN_2[0]) - whole * LN_2[1];
    let tail = 0.499_992_28 + r * (0.166_671_16 + r * (0.041_890_558 + r * 0.008_312_482));
    let power = (r + tail * (r * r)) + 1.0;
    // Times 2^whole: its lowest bits move up into the exponent.
    f32::from_bits(power.to_bits().wrapping_add(rounded.to_bits() << 23))
}

/// Sine and cosine of an angle up to a few hundred, within 1e-7.
pub(crate) fn sin_cos(angle: f32) -> (f32, f32) {
    /// π/2 in three parts; products of the first two with whole numbers up to 2¹² are exact.
    const QUARTER: [f32; 3] = [1.570_312_5, 4.837_513e-4, 7.549_79e-8];
    let rounded = angle * core::f32::consts::FRAC_2_PI + ROUND;
    let whole = rounded - ROUND;
    let r = ((angle - whole * QUARTER[0]) - whole * QUARTER[1]) - whole * QUARTER[2];
    let z = r * r;
    let sine = r + (r * z) * (-0.166_666_55 + z * (0.008_332_156 + z * -1.951_462_8e-4));
    let cosine =
        (1.0 - 0.5 * z) + (z * z) * (0.041_666_646 + z * (-0.001_388_736_2 + z * 2.443_772_4e-5));
    // The quadrant says which is which, and which is negative.
    let quadrant = rounded.to_bits();
    let (s, c) = if quadrant & 1 == 0 {
        (sine, cosine)
    } else {
        (cosine, sine)
    };
    let signed = |x: f32, sign: u32| f32::from_bits(x.to_bits() ^ ((sign & 2) << 30));
    (signed(s, quadrant), signed(c, quadrant.wrapping_add(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The oracles are the f64 functions of `libm`, right to the last bits of an f32.
    #[test]
    fn exponentials_are_within_three_ulp() {
        let mut random = Random::new(1, 0);
        let check = |x: f32| {
            let exact = libm::exp(f64::from(x));
            let ulp = f64::from(libm::nextafterf(exact as f32, f32::MAX)) - exact as f32 as f64;
            let error = (f64::from(exp(x)) - exact).abs() / ulp;
            assert!(error < 3.0, "exp({x}) is off by {error} ulp");
        };
        for _ in 0..100_000 {
            let u = random.uniform();
            check(-39.9 * u);
            check(-u * u * u);
            check(80.0 * u);
        }
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-0.0), 1.0);
        let least = exp(-40.0);
        assert!(least > 0.0 && least < 1e-17);
        assert_eq!(exp(f32::NEG_INFINITY), least);
        assert_eq!(exp(-1e30), least);
    }

    #[test]
    fn sines_and_cosines_are_within_1e_7() {
        let mut random = Random::new(2, 0);
        for n in 0..300_000 {
            let angle = (random.uniform() - 0.5) * if n % 2 == 0 { 8.0 } else { 400.0 };
            let (s, c) = sin_cos(angle);
            let error = |found: f32, exact: f64| (f64::from(found) - exact).abs();
            assert!(
                error(s, libm::sin(f64::from(angle))) < 1e-7,
                "sin {angle}: {s}"
            );
            assert!(
                error(c, libm::cos(f64::from(angle))) < 1e-7,
                "cos {angle}: {c}"
            );
        }
        assert_eq!(sin_cos(0.0), (0.0, 1.0));
    }
}
