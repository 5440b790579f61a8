//! Expected improvement, as a logarithm that stays exact far below the best.
//!
//! Ament et al., "Unexpected improvements to expected improvement" (NeurIPS 2023): EI itself
//! underflows to zero over most of the candidates and then cannot rank them; its logarithm can.

/// ln √(2π)
const LOG_ROOT_TAU: f32 = 0.918_938_5;
/// Terms of the continued fraction; with 24 it is exact to f32 from two deviations outwards.
const TERMS: u32 = 24;
/// Smallest deviation, so that a certain candidate has a finite score.
const MIN_SIGMA: f32 = 1e-6;

/// ln E[max(f − best, 0)] for f normal with `mean` and `sigma`.
pub(crate) fn log_expected_improvement(mean: f32, sigma: f32, best: f32) -> f32 {
    let sigma = if sigma > MIN_SIGMA { sigma } else { MIN_SIGMA };
    log_h((mean - best) / sigma) + libm::logf(sigma)
}

/// ln(φ(z) + zΦ(z)).
fn log_h(z: f32) -> f32 {
    let log_density = -0.5 * z * z - LOG_ROOT_TAU;
    if z > -2.0 {
        let density = libm::expf(log_density);
        let below = 0.5 * libm::erfcf(-z * core::f32::consts::FRAC_1_SQRT_2);
        return libm::logf(density + z * below);
    }
    // With x = −z and Mills' ratio R(x) = 1/(x + c), c = 1/(x + 2/(x + 3/(x + …))):
    // h = φ(1 − xR) = φ · c/(x + c), where nothing cancels.
    let x = -z;
    let mut tail = x;
    for n in (2..=TERMS).rev() {
        tail = x + n as f32 / tail;
    }
    let c = 1.0 / tail;
    log_density + libm::logf(c / (x + c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_expected_improvement_agrees_with_numerical_integration() {
        // ∫ max(z + t, 0) φ(t) dt by the midpoint rule in f64.
        let integral = |z: f64| {
            let (start, end, n) = (-z, -z + 14.0, 400_000);
            let step = (end - start) / f64::from(n);
            let sum: f64 = (0..n)
                .map(|i| {
                    let t = start + (f64::from(i) + 0.5) * step;
                    (z + t) * (-0.5 * t * t).exp()
                })
                .sum();
            sum * step / std::f64::consts::TAU.sqrt()
        };
        for z in [
            -8.0, -5.0, -3.0, -1.5, -2.01, -1.99, -1.0, -0.5, 0.0, 1.0, 3.0,
        ] {
            let expected = integral(z).ln();
            let got = f64::from(log_h(z as f32));
            assert!(
                (got - expected).abs() < 2e-5 * expected.abs().max(1.0),
                "{z}: {got} {expected}"
            );
        }
    }

    #[test]
    fn far_below_the_best_the_score_is_finite_and_still_ranks() {
        let near = log_expected_improvement(-30.0, 1.0, 0.0);
        let far = log_expected_improvement(-31.0, 1.0, 0.0);
        assert!(near.is_finite() && far.is_finite() && near > far);
        assert!(log_expected_improvement(0.5, 0.0, 1.0).is_finite());
        let certain = log_expected_improvement(1.5, 0.0, 1.0);
        assert!((certain - 0.5_f32.ln()).abs() < 1e-5, "{certain}");
    }
}
