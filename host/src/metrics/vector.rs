//! Metrics of several responses at once.

use super::coverage::Groups;
use super::error::MetricsError;
use super::errors::SurrogateErrors;
use super::target::target_groups;
use super::whitening::Whitening;

/// Cells along each axis, so that a space of so many responses has about as many cells in all as one
/// response has bins: the root of `bins` by the number of responses, rounded, and at least 2.
///
/// | responses | cells an axis of 100 bins | cells in all |
/// |---|---|---|
/// | 1 | 100 | 100 |
/// | 2 | 10 | 100 |
/// | 3 | 5 | 125 |
/// | 4 | 3 | 81 |
pub fn cells_per_axis(bins: usize, responses: usize) -> usize {
    if responses <= 1 {
        return bins;
    }
    let root = libm::pow(bins as f64, 1.0 / responses as f64);
    (libm::round(root) as usize).max(2)
}

/// The cell of every candidate's vector of true responses.
///
/// The vectors are [whitened](Whitening) by the mean and the covariance of all candidates. Along each
/// whitened axis, the range from the smallest to the largest value over all candidates is divided into
/// [`cells_per_axis`] cells of equal width, the largest value belonging to the last. Cells that no
/// candidate falls into can never be visited, so they do not count: coverage is the share of the cells
/// that candidates reach. Constant responses count neither as an axis nor in the number of cells; one
/// response that varies is binned as it is, by [`target_groups`], to the bit.
///
/// `truth` holds a slice a response, with one value a candidate, in any units.
///
/// ```
/// use beacon_host::metrics::{Coverage, vector_groups};
///
/// // Each value is ordinary in its response, and the last candidate is in no other's cell.
/// let (gold, palladium) = ([0.0, 1.0, 2.0, 0.0, 0.0, 1.0], [0.0, 0.0, 0.0, 1.0, 2.0, 1.0]);
/// let groups = vector_groups(&[&gold, &palladium], 100)?;
/// assert_eq!(groups.occupied(), 6);
/// # Ok::<(), beacon_host::metrics::MetricsError>(())
/// ```
///
/// # Errors
/// When there is no response, no candidate, no bin, responses differ in length, a value is not finite, or
/// no response varies.
pub fn vector_groups(truth: &[&[f64]], bins: usize) -> Result<Groups, MetricsError> {
    if let &[response] = truth {
        return target_groups(response, bins);
    }
    let whitening = Whitening::new(truth)?;
    if bins == 0 {
        return Err(MetricsError::NoBins);
    }
    let varying: Vec<&[f64]> = truth
        .iter()
        .filter(|response| response.iter().any(|value| *value != response[0]))
        .copied()
        .collect();
    if let [response] = varying[..] {
        return target_groups(response, bins);
    }
    let white = if varying.len() == truth.len() {
        whitening.apply_all(truth)?
    } else {
        Whitening::new(&varying)?.apply_all(&varying)?
    };
    let cells = cells_per_axis(bins, varying.len());
    let axes = (0..varying.len()).map(|axis| {
        let values: Vec<f64> = white.iter().map(|vector| vector[axis]).collect();
        match target_groups(&values, cells) {
            Ok(groups) => Ok(groups.labels().to_vec()),
            // Rounding may leave nothing of an axis that others tell all of.
            Err(MetricsError::Constant(_)) => Ok(vec![0; values.len()]),
            Err(error) => Err(error),
        }
    });
    let axes = axes.collect::<Result<Vec<_>, _>>()?;
    let cell = |candidate: usize| -> Vec<u32> { axes.iter().map(|axis| axis[candidate]).collect() };
    let cell_of: Vec<Vec<u32>> = (0..white.len()).map(cell).collect();
    let mut reached = cell_of.clone();
    reached.sort_unstable();
    reached.dedup();
    let label = |cell: &Vec<u32>| reached.partition_point(|other| other < cell) as u32;
    Groups::new(cell_of.iter().map(label).collect())
}

/// Errors of the surrogate of each response: see [`SurrogateErrors::new`], whose arguments these are, a
/// slice and a noise variance a response, each in units of its own.
///
/// # Errors
/// When the numbers of responses differ, or as [`SurrogateErrors::new`], with the response at fault.
pub fn vector_errors(
    truth: &[&[f64]],
    mean: &[&[f64]],
    variance: &[&[f64]],
    noise: &[f64],
) -> Result<Vec<SurrogateErrors>, MetricsError> {
    let expected = truth.len();
    if expected == 0 {
        return Err(MetricsError::NoResponses);
    }
    for found in [mean.len(), variance.len(), noise.len()] {
        if found != expected {
            return Err(MetricsError::Responses { expected, found });
        }
    }
    let responses = truth.iter().zip(mean).zip(variance).zip(noise).enumerate();
    responses
        .map(|(number, (((truth, mean), variance), &noise))| {
            let errors = SurrogateErrors::new(truth, mean, variance, noise);
            errors.map_err(|error| error.of_response(number))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::target::TARGET_BINS;
    use super::super::testing::response;
    use super::*;

    fn waves(rate: f64) -> Vec<f64> {
        (0..500).map(|n| (rate * f64::from(n)).sin()).collect()
    }

    #[test]
    fn one_response_has_the_bins_of_target_coverage() {
        let mut responses = vec![waves(0.37), vec![1e300, -1e300, 3.0]];
        responses.extend(response().map(|(_, truth)| truth));
        for truth in &responses {
            let expected = target_groups(truth, TARGET_BINS).unwrap();
            assert_eq!(vector_groups(&[truth], TARGET_BINS), Ok(expected.clone()));
            // A constant response adds nothing.
            let constant = vec![0.1; truth.len()];
            let both = vector_groups(&[&constant, truth], TARGET_BINS);
            assert_eq!(both, Ok(expected));
        }
    }

    #[test]
    fn there_are_about_as_many_cells_in_all_as_bins() {
        let cells = [1, 2, 3, 4].map(|responses| cells_per_axis(100, responses));
        assert_eq!(cells, [100, 10, 5, 3]);
        assert_eq!(cells_per_axis(100, 12), 2);
    }

    /// Oracle: the definition, on sets of cells; whitening is tested by itself.
    #[test]
    fn cells_divide_the_range_of_each_whitened_axis_into_equal_widths() {
        let responses = [waves(0.37), waves(0.11), waves(0.053)];
        let truth = responses.each_ref().map(Vec::as_slice);
        for count in [2, 3] {
            let truth = &truth[..count];
            let white = Whitening::new(truth).unwrap().apply_all(truth).unwrap();
            let cells = [10.0, 5.0][count - 2];
            let end = |axis: usize, start: f64, of: fn(f64, f64) -> f64| {
                white.iter().map(|v| v[axis]).fold(start, of)
            };
            let cell = |n: usize| -> Vec<u64> {
                (0..count)
                    .map(|axis| {
                        let low = end(axis, f64::INFINITY, f64::min);
                        let high = end(axis, f64::NEG_INFINITY, f64::max);
                        let part = (white[n][axis] - low) / (high - low);
                        (part * cells).min(cells - 1.0) as u64
                    })
                    .collect()
            };
            let groups = vector_groups(truth, 100).unwrap();
            let all: HashSet<Vec<u64>> = (0..500).map(cell).collect();
            assert_eq!(groups.occupied(), all.len());
            assert!(groups.occupied() > 40, "{}", groups.occupied());
            for (a, b) in (0..500).map(|n| (n, (n * 7 + 3) % 500)) {
                let alike = groups.labels()[a] == groups.labels()[b];
                assert_eq!(alike, cell(a) == cell(b), "{a} {b}");
            }
        }
    }

    /// A cross: two arms along the axes, and one candidate between them.
    #[test]
    fn what_no_response_shows_by_itself_has_a_cell_of_its_own() {
        let arm: Vec<f64> = (0..100).map(f64::from).collect();
        let gold = [&arm[..], &[0.0; 100], &[50.0]].concat();
        let palladium = [&[0.0; 100], &arm[..], &[50.0]].concat();
        let groups = vector_groups(&[&gold, &palladium], 100).unwrap();
        let between = groups.labels()[200];
        assert!(!groups.labels()[..200].contains(&between));
        for response in [&gold, &palladium] {
            let bins = target_groups(response, 100).unwrap();
            assert!(bins.labels()[..200].contains(&bins.labels()[200]));
        }
    }

    #[test]
    fn collinear_responses_have_cells_along_a_line() {
        let one = waves(0.37);
        let other: Vec<f64> = one.iter().map(|value| 5.0 - 3.0 * value).collect();
        let groups = vector_groups(&[&one, &other], 100).unwrap();
        assert!(
            (9..=20).contains(&groups.occupied()),
            "{}",
            groups.occupied()
        );
    }

    #[test]
    fn many_responses_have_as_many_cells_as_candidates_reach() {
        let responses: Vec<Vec<f64>> = (1..=40).map(|n| waves(0.013 * f64::from(n))).collect();
        let truth: Vec<&[f64]> = responses.iter().map(Vec::as_slice).collect();
        let groups = vector_groups(&truth, 100).unwrap();
        assert!(groups.occupied() <= 500);
        assert!(
            groups
                .labels()
                .iter()
                .all(|&label| (label as usize) < groups.occupied())
        );
    }

    #[test]
    fn what_has_no_cells_is_refused() {
        let refusal = |truth: &[&[f64]], bins| vector_groups(truth, bins).unwrap_err();
        assert_eq!(refusal(&[], 100), MetricsError::NoResponses);
        assert_eq!(
            refusal(&[&[], &[]], 100),
            MetricsError::Empty.of_response(0)
        );
        let two: [&[f64]; 2] = [&[1.0, 2.0], &[2.0, 1.0]];
        assert_eq!(refusal(&two, 0), MetricsError::NoBins);
        assert_eq!(
            refusal(&[&[1.0, 1.0], &[2.0, 2.0]], 9),
            MetricsError::AllConstant(2)
        );
    }

    #[test]
    fn errors_of_each_response_are_those_of_it_alone() {
        let (truth, mean) = (waves(0.37), waves(0.36));
        let tenfold: Vec<f64> = truth.iter().map(|value| 10.0 * value).collect();
        let variance = vec![0.25; 500];
        let errors = vector_errors(
            &[&truth, &tenfold],
            &[&mean, &mean],
            &[&variance, &variance],
            &[0.1, 4.0],
        )
        .unwrap();
        let alone = |truth: &[f64], noise| SurrogateErrors::new(truth, &mean, &variance, noise);
        assert_eq!(errors[0], alone(&truth, 0.1).unwrap());
        assert_eq!(errors[1], alone(&tenfold, 4.0).unwrap());

        let refused = vector_errors(&[&truth], &[&mean], &[&variance], &[-1.0]).unwrap_err();
        let text = refused.to_string();
        assert!(
            text.starts_with("response 1: the predictive variance of candidate 0"),
            "{text}"
        );
        let refused = vector_errors(&[&truth], &[&mean, &mean], &[&variance], &[1.0]);
        assert_eq!(
            refused,
            Err(MetricsError::Responses {
                expected: 1,
                found: 2
            })
        );
        assert_eq!(
            vector_errors(&[], &[], &[], &[]),
            Err(MetricsError::NoResponses)
        );
    }
}
