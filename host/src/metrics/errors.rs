//! How far the surrogate is from the truth, and how sure of itself it is.

use super::error::{MetricsError, check};
use std::f64::consts::PI;

/// All figures of one surrogate at one step, over all candidates, measured ones included.
///
/// In units of the response, except where another is given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SurrogateErrors {
    /// Mean absolute error of the predicted mean.
    pub mae: f64,
    /// Root mean squared error of the predicted mean; what the published notebooks call MAE.
    pub rmse: f64,
    /// Mean negative log predictive density of the true responses, in nats.
    pub nlpd: f64,
    /// Share of the true responses within two standard deviations, those of a measurement.
    pub within: f64,
    /// Mean of the predicted means, the paper's "surrogate mean".
    pub surrogate_mean: f64,
    /// Mean standard deviation of the latent function, the paper's "surrogate uncertainty".
    pub surrogate_sigma: f64,
    /// Mean variance of the latent function in squared units, the published notebooks'
    /// uncertainty.
    pub surrogate_variance: f64,
}

impl SurrogateErrors {
    /// Compares a surrogate with the truth.
    ///
    /// `truth`, `mean` and `variance` hold one value per candidate; `variance` is that of
    /// the latent function, without noise, and `noise` the variance of a measurement, both
    /// in squared units of the response. The density takes their sum, because a true
    /// response is itself a measurement.
    ///
    /// # Errors
    /// When the slices are empty, differ in length, hold something not finite, or when a
    /// predictive variance is not positive.
    pub fn new(
        truth: &[f64],
        mean: &[f64],
        variance: &[f64],
        noise: f64,
    ) -> Result<Self, MetricsError> {
        check("latent variance", variance, truth.len())?;
        let predictive: Vec<f64> = variance.iter().map(|v| v + noise).collect();
        let errors = truth.iter().zip(mean).map(|(y, mu)| (y - mu) * (y - mu));
        let within = errors.zip(&predictive).filter(|(e, v)| *e <= 4.0 * *v);
        let within = within.count() as f64 / truth.len() as f64;
        Ok(Self {
            mae: mae(truth, mean)?,
            rmse: rmse(truth, mean)?,
            nlpd: nlpd(truth, mean, &predictive)?,
            within,
            ..Self::without_truth(mean, variance)?
        })
    }

    /// Describes a surrogate where no truth is known; its errors are NaN.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn without_truth(mean: &[f64], variance: &[f64]) -> Result<Self, MetricsError> {
        check("latent variance", variance, mean.len())?;
        // A recursively updated variance can end a rounding error below zero.
        let variance: Vec<f64> = variance.iter().map(|v| v.max(0.0)).collect();
        let sigma: Vec<f64> = variance.iter().map(|v| v.sqrt()).collect();
        Ok(Self {
            mae: f64::NAN,
            rmse: f64::NAN,
            nlpd: f64::NAN,
            within: f64::NAN,
            surrogate_mean: self::mean(mean)?,
            surrogate_sigma: self::mean(&sigma)?,
            surrogate_variance: self::mean(&variance)?,
        })
    }
}

/// Mean absolute error, (1/n) Σ |y − μ|, in units of the response.
///
/// # Errors
/// When the slices are empty, differ in length or hold something not finite.
pub fn mae(truth: &[f64], mean: &[f64]) -> Result<f64, MetricsError> {
    average(truth, mean, |y, mu| (y - mu).abs())
}

/// Root mean squared error, √((1/n) Σ (y − μ)²), in units of the response.
///
/// # Errors
/// When the slices are empty, differ in length or hold something not finite.
pub fn rmse(truth: &[f64], mean: &[f64]) -> Result<f64, MetricsError> {
    average(truth, mean, |y, mu| (y - mu).powi(2)).map(f64::sqrt)
}

/// Mean negative log predictive density, (1/n) Σ ½ ln(2πv) + (y − μ)²/(2v), in nats.
///
/// `variance` is the *predictive* variance v, noise included, in squared units of the
/// response.
///
/// # Errors
/// When the slices are empty, differ in length, hold something not finite, or when a
/// variance is not positive.
pub fn nlpd(truth: &[f64], mean: &[f64], variance: &[f64]) -> Result<f64, MetricsError> {
    check("true response", truth, truth.len())?;
    check("predicted mean", mean, truth.len())?;
    check("predictive variance", variance, truth.len())?;
    if let Some(candidate) = variance.iter().position(|&v| v <= 0.0) {
        return Err(MetricsError::Variance {
            candidate,
            value: variance[candidate],
        });
    }
    let sum: f64 = truth
        .iter()
        .zip(mean)
        .zip(variance)
        .map(|((y, mu), v)| 0.5 * (2.0 * PI * v).ln() + (y - mu).powi(2) / (2.0 * v))
        .sum();
    Ok(sum / truth.len() as f64)
}

/// Arithmetic mean of a quantity over the candidates, in its own units.
///
/// # Errors
/// When the slice is empty or holds something not finite.
pub fn mean(values: &[f64]) -> Result<f64, MetricsError> {
    check("value", values, values.len())?;
    Ok(values.iter().sum::<f64>() / values.len() as f64)
}

fn average(
    truth: &[f64],
    mean: &[f64],
    term: impl Fn(f64, f64) -> f64,
) -> Result<f64, MetricsError> {
    check("true response", truth, truth.len())?;
    check("predicted mean", mean, truth.len())?;
    let sum: f64 = truth.iter().zip(mean).map(|(&y, &mu)| term(y, mu)).sum();
    Ok(sum / truth.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-14
    }

    #[test]
    fn errors_of_a_small_example_by_hand() {
        let (truth, predicted) = ([1.0, 2.0, 3.0, 4.0], [1.0, 3.0, 3.0, 1.0]);
        assert_eq!(mae(&truth, &predicted), Ok(1.0));
        assert_eq!(rmse(&truth, &predicted), Ok(2.5_f64.sqrt()));
        assert_eq!(mean(&predicted), Ok(2.0));
    }

    /// By hand; a variance below zero is a rounding error.
    #[test]
    fn a_surrogate_is_described_without_a_truth() {
        let described = SurrogateErrors::without_truth(&[1.0, 3.0], &[4.0, -1e-9]).unwrap();
        assert_eq!(described.surrogate_mean, 2.0);
        assert_eq!(described.surrogate_sigma, 1.0);
        assert_eq!(described.surrogate_variance, 2.0);
        assert!(described.mae.is_nan() && described.nlpd.is_nan());
        assert!(SurrogateErrors::without_truth(&[f64::NAN], &[1.0]).is_err());
    }

    /// For a standard normal, −ln p(0) = ½ ln 2π = 0.9189385332046727 and −ln p(x) adds x²/2.
    #[test]
    fn nlpd_agrees_with_the_standard_normal() {
        assert!(close(
            nlpd(&[0.0], &[0.0], &[1.0]).unwrap(),
            0.918_938_533_204_672_7
        ));
        assert!(close(
            nlpd(&[5.0], &[3.0], &[1.0]).unwrap(),
            2.918_938_533_204_672_7
        ));
    }

    /// Scaling the response by c shifts the density of a continuous quantity by ln c.
    #[test]
    fn nlpd_shifts_by_the_logarithm_of_the_units() {
        let one = nlpd(&[0.3, -1.0], &[0.1, 0.2], &[0.5, 2.0]).unwrap();
        let ten = nlpd(&[3.0, -10.0], &[1.0, 2.0], &[50.0, 200.0]).unwrap();
        assert!(close(ten - one, 10_f64.ln()));
    }

    #[test]
    fn noise_counts_in_the_density_but_not_in_the_surrogate_sigma() {
        let errors = SurrogateErrors::new(&[0.0, 2.0], &[0.0, 0.0], &[0.25, 1.0], 0.75).unwrap();
        assert_eq!(errors.surrogate_sigma, 0.75);
        assert_eq!(errors.surrogate_variance, 0.625);
        assert!(close(
            errors.nlpd,
            nlpd(&[0.0, 2.0], &[0.0, 0.0], &[1.0, 1.75]).unwrap()
        ));
        assert_eq!((errors.mae, errors.rmse), (1.0, 2.0_f64.sqrt()));
        // Within 2 √1.75, and beyond 2 √1.
        assert_eq!(errors.within, 1.0);
        let beyond = SurrogateErrors::new(&[0.0, 2.0], &[0.0, 0.0], &[0.25, 0.2], 0.75).unwrap();
        assert_eq!(beyond.within, 0.5);
    }

    #[test]
    fn bad_input_is_named() {
        assert_eq!(mae(&[], &[]), Err(MetricsError::Empty));
        assert_eq!(
            mae(&[1.0, 2.0], &[1.0]).unwrap_err().to_string(),
            "expected 2 values of the predicted mean, one per candidate, found 1"
        );
        assert!(matches!(
            rmse(&[f64::NAN], &[1.0]),
            Err(MetricsError::NotFinite { .. })
        ));
        assert_eq!(
            nlpd(&[1.0, 1.0], &[1.0, 1.0], &[1.0, 0.0]),
            Err(MetricsError::Variance {
                candidate: 1,
                value: 0.0
            })
        );
    }
}
