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

/// Checks the columns of several responses: at least one, and each with a response for every point.
///
/// # Errors
/// [`TrainError::NoResponses`] without a column, [`TrainError::Columns`] where they differ in length, and those
/// of [`check`].
pub(super) fn check_all(columns: &[&[f64]]) -> Result<(), TrainError> {
    let Some(first) = columns.first() else {
        return Err(TrainError::NoResponses);
    };
    for (column, responses) in columns.iter().enumerate() {
        let (found, expected) = (responses.len(), first.len());
        if found != expected {
            return Err(TrainError::Columns {
                column,
                found,
                expected,
            });
        }
        check(responses)?;
    }
    Ok(())
}

/// The number of points that all columns have a response for, one each of the `expected`.
///
/// # Errors
/// [`TrainError::NoPoints`], [`TrainError::PointCount`], and those of [`check_all`].
pub(super) fn count(columns: &[&[f64]], expected: usize) -> Result<usize, TrainError> {
    let Some(found) = columns.first().map(|first| first.len()) else {
        return Err(TrainError::NoResponses);
    };
    if found == 0 {
        return Err(TrainError::NoPoints);
    }
    if found != expected {
        return Err(TrainError::PointCount { found, expected });
    }
    check_all(columns)?;
    Ok(found)
}

/// The standardisation of each column, and the columns standardised by it, of some of the points.
pub(super) fn standardised(
    columns: &[&[f64]],
    most: Option<usize>,
) -> (Vec<Standardisation>, Vec<Vec<f64>>) {
    let (mut standardisations, mut targets) = (Vec::new(), Vec::new());
    standardise(columns, most, &mut standardisations, &mut targets);
    (standardisations, targets)
}

/// The same in memory that is there.
pub(super) fn standardise(
    columns: &[&[f64]],
    most: Option<usize>,
    standardisations: &mut Vec<Standardisation>,
    targets: &mut Vec<Vec<f64>>,
) {
    standardisations.clear();
    targets.resize_with(columns.len(), Vec::new);
    for (responses, targets) in columns.iter().zip(targets) {
        let standardisation = statistics(responses);
        let mean = f64::from(standardisation.mean);
        let scale = f64::from(standardisation.scale);
        let some = some_of(responses.len(), most);
        targets.clear();
        targets.extend(some.map(|n| (responses[n] - mean) / scale));
        standardisations.push(standardisation);
    }
}

/// Standardisations as what a trainer keeps of them, in bits.
pub(super) fn to_bits(of: &[Standardisation]) -> Vec<[u32; 2]> {
    let bits = of.iter().map(|of| [of.mean, of.scale].map(f32::to_bits));
    bits.collect()
}

/// The same back; the identity for the first where none was kept.
pub(super) fn from_bits(bits: &[[u32; 2]]) -> Vec<Standardisation> {
    let of = |bits: &[u32; 2]| {
        let [mean, scale] = bits.map(f32::from_bits);
        Standardisation { mean, scale }
    };
    if bits.is_empty() {
        return vec![Standardisation::IDENTITY];
    }
    bits.iter().map(of).collect()
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

/// Mean and population standard deviation of the responses, for what stays on the host; |mean| (or 1 about
/// zero) for a deviation of responses that do not differ.
pub(super) fn spread(responses: &[f64]) -> (f64, f64) {
    let count = responses.len() as f64;
    let mean = responses.iter().sum::<f64>() / count;
    let square = |r: &f64| (r - mean) * (r - mean);
    let deviation = (responses.iter().map(square).sum::<f64>() / count).sqrt();
    let distinct = deviation > 16.0 * f64::EPSILON * mean.abs();
    let scale = [deviation, mean.abs(), 1.0]
        .into_iter()
        .skip(usize::from(!distinct))
        .find(|scale| scale.is_normal());
    (mean, scale.unwrap_or(1.0))
}

/// The numbers of at most `most` of `count` points: of more, as many, spread evenly over their order, the
/// newest among them.
pub(super) fn some_of(count: usize, most: Option<usize>) -> impl Iterator<Item = usize> {
    let some = most.unwrap_or(count).min(count);
    (1..=some).map(move |n| n * count / some - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_points_are_spread_over_all_and_end_with_the_newest() {
        let some = |count, most| some_of(count, most).collect::<Vec<_>>();
        let all = [0, 1, 2, 3, 4];
        assert_eq!(some(5, None), all);
        assert_eq!(some(5, Some(5)), all);
        assert_eq!(some(5, Some(9)), all);
        assert_eq!(some(9, Some(4)), [1, 3, 5, 8]);
        assert!(some(0, Some(4)).is_empty());
        for count in 1..40 {
            let some = some(count, Some(7));
            assert_eq!(some.len(), count.min(7));
            assert_eq!(some.last(), Some(&(count - 1)));
            assert!(some.windows(2).all(|pair| pair[0] < pair[1]), "{some:?}");
        }
    }

    #[test]
    fn statistics_are_mean_and_population_deviation() {
        let found = statistics(&[1.0, 3.0, 5.0, 7.0]);
        assert_eq!(found.mean, 4.0);
        assert_eq!(found.scale, 5.0_f32.sqrt());
    }

    #[test]
    fn the_host_tells_responses_apart_that_the_controller_cannot() {
        let (mean, scale) = spread(&[1e8 - 3.0, 1e8 - 1.0, 1e8 + 1.0, 1e8 + 3.0]);
        assert_eq!((mean, scale), (1e8, 5.0_f64.sqrt()));
        assert!((spread(&[0.1; 7]).1 - 0.1).abs() < 1e-15);
        assert_eq!(spread(&[0.0; 7]), (0.0, 1.0));
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
