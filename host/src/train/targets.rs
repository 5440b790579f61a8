//! Standardised targets of raw responses.

use beacon_kernel::Standardisation;

use super::TrainError;

/// Checks that the kernel can hold every response.
///
/// # Errors
/// [`TrainError::Response`] names the first that it cannot.
pub(super) fn check(responses: &[f64]) -> Result<(), TrainError> {
    match responses.iter().position(|r| !(*r as f32).is_finite()) {
        Some(index) => Err(TrainError::Response {
            index,
            value: responses[index],
        }),
        None => Ok(()),
    }
}

/// Mean and population standard deviation of the responses, rounded to what the kernel holds,
/// so that host and controller standardise alike.
///
/// Responses that do not differ give a scale of |mean| (or 1 about zero): the first one that
/// does differ then lands within a few units, where a tiny scale would send it to infinity.
pub(super) fn statistics(responses: &[f64]) -> Standardisation {
    let count = responses.len() as f64;
    let mean = responses.iter().sum::<f64>() / count;
    let square = |r: &f64| (r - mean) * (r - mean);
    let deviation = (responses.iter().map(square).sum::<f64>() / count).sqrt();
    // A spread that f32 cannot tell from the mean is no spread to the controller.
    let distinct = deviation > f64::from(f32::EPSILON) * mean.abs();
    let scale = [deviation as f32, mean.abs() as f32, 1.0]
        .into_iter()
        .skip(usize::from(!distinct))
        .find(|scale| scale.is_normal())
        .unwrap_or(1.0);
    Standardisation {
        mean: mean as f32,
        scale,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_mean_and_population_deviation() {
        let found = statistics(&[1.0, 3.0, 5.0, 7.0]);
        assert_eq!(found.mean, 4.0);
        assert_eq!(found.scale, 5.0_f32.sqrt());
    }

    #[test]
    fn equal_responses_never_give_a_scale_of_zero() {
        for (value, scale) in [(0.0, 1.0), (-3.0, 3.0), (2e-12, 2e-12), (0.1, 0.1)] {
            let found = statistics(&[value; 7]);
            assert_eq!((found.mean, found.scale), (value as f32, scale));
            assert_eq!(found.validate(), Ok(()));
        }
        assert_eq!(statistics(&[5.0]).scale, 5.0);
        assert_eq!(statistics(&[1e-300, 2e-300]).scale, 1.0);
    }
}
