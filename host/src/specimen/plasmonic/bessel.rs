//! Modified Bessel functions K₀ and K₁ for arguments above zero, to 2e-7 and better
//! (Abramowitz and Stegun 1964, 9.8.1 to 9.8.8).

/// K₀(x).
pub(super) fn k0(x: f64) -> f64 {
    if x <= 2.0 {
        let t = (x / 3.75).powi(2);
        let i0 = horner(
            t,
            &[
                1.0,
                3.515_622_9,
                3.089_942_4,
                1.206_749_2,
                0.265_973_2,
                0.036_076_8,
                0.004_581_3,
            ],
        );
        let rest = horner(
            (x / 2.0).powi(2),
            &[
                -0.577_215_66,
                0.422_784_20,
                0.230_697_56,
                0.034_885_90,
                0.002_626_98,
                0.000_107_50,
                0.000_007_40,
            ],
        );
        rest - libm::log(x / 2.0) * i0
    } else {
        let rest = horner(
            2.0 / x,
            &[
                1.253_314_14,
                -0.078_323_58,
                0.021_895_68,
                -0.010_624_46,
                0.005_878_72,
                -0.002_515_40,
                0.000_532_08,
            ],
        );
        rest * libm::exp(-x) / x.sqrt()
    }
}

/// K₁(x).
pub(super) fn k1(x: f64) -> f64 {
    if x <= 2.0 {
        let t = (x / 3.75).powi(2);
        let i1 = x * horner(
            t,
            &[
                0.5,
                0.878_905_94,
                0.514_988_69,
                0.150_849_34,
                0.026_587_33,
                0.003_015_32,
                0.000_324_11,
            ],
        );
        let rest = horner(
            (x / 2.0).powi(2),
            &[
                1.0,
                0.154_431_44,
                -0.672_785_79,
                -0.181_568_97,
                -0.019_194_02,
                -0.001_104_04,
                -0.000_046_86,
            ],
        );
        libm::log(x / 2.0) * i1 + rest / x
    } else {
        let rest = horner(
            2.0 / x,
            &[
                1.253_314_14,
                0.234_986_19,
                -0.036_556_20,
                0.015_042_68,
                -0.007_803_53,
                0.003_256_14,
                -0.000_682_45,
            ],
        );
        rest * libm::exp(-x) / x.sqrt()
    }
}

/// Σ cᵢ xⁱ.
fn horner(x: f64, coefficients: &[f64]) -> f64 {
    coefficients.iter().rev().fold(0.0, |sum, c| sum * x + c)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: Kₙ(x) = ∫₀^∞ exp(−x cosh t) cosh(nt) dt (Abramowitz and Stegun, 9.6.24), by the
    /// trapezoidal rule, which converges faster than any power for it.
    fn integral(n: f64, x: f64) -> f64 {
        let step = 0.01;
        let value = |t: f64| libm::exp(-x * libm::cosh(t)) * libm::cosh(n * t);
        step * (0.5 * value(0.0) + (1..2000).map(|i| value(f64::from(i) * step)).sum::<f64>())
    }

    #[test]
    fn both_functions_agree_with_their_integrals_on_both_sides_of_two() {
        for x in [0.02, 0.3, 1.0, 1.99, 2.01, 5.0, 20.0] {
            for (found, expected) in [(k0(x), integral(0.0, x)), (k1(x), integral(1.0, x))] {
                assert!(
                    (found / expected - 1.0).abs() < 1e-6,
                    "{x}: {found} {expected}"
                );
            }
        }
    }
}
