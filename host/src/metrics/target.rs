//! Target space: bins of equal width over the range of the true response.

use super::coverage::Groups;
use super::error::{MetricsError, check};

/// Number of bins of the paper (S2).
pub const TARGET_BINS: usize = 100;

/// The bin of every candidate's true response.
///
/// The range from the smallest to the largest true value over all candidates is divided
/// into bins of equal width, the largest value belonging to the last bin. Bins that no
/// candidate falls into can never be visited, so they do not count: on the PFM benchmark
/// 92 of 100 bins are occupied. (Section S2 of the paper uses 100 bins; its notebook
/// drops the largest value and, by an indexing slip, bins the wrong pixels: see
/// [`published_target_curve`](super::published_target_curve).)
///
/// `truth` holds the true response of every candidate, in any units.
///
/// ```
/// use beacon_host::metrics::{Coverage, target_groups};
///
/// let mut coverage = Coverage::new(target_groups(&[0.0, 0.1, 5.0, 10.0], 100)?);
/// coverage.visit(0)?;
/// coverage.visit(3)?;
/// assert_eq!(coverage.share(), 0.5);
/// # Ok::<(), beacon_host::metrics::MetricsError>(())
/// ```
///
/// # Errors
/// When there is no candidate, no bin, a value that is not finite, or when all
/// candidates respond alike.
pub fn target_groups(truth: &[f64], bins: usize) -> Result<Groups, MetricsError> {
    let (low, high) = range(truth)?;
    if bins == 0 {
        return Err(MetricsError::NoBins);
    }
    // Dividing both by `bins` first keeps the difference finite for any finite range.
    let width = high / bins as f64 - low / bins as f64;
    let bin = |value: &f64| ((value / width - low / width) as usize).min(bins - 1) as u32;
    Groups::new(truth.iter().map(bin).collect())
}

/// Smallest and largest true response, which differ.
pub(super) fn range(truth: &[f64]) -> Result<(f64, f64), MetricsError> {
    check("true response", truth, truth.len())?;
    let low = truth.iter().copied().fold(f64::INFINITY, f64::min);
    let high = truth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if low == high {
        return Err(MetricsError::Constant(low));
    }
    Ok((low, high))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{published_order, response};
    use super::*;

    #[test]
    fn the_largest_value_falls_into_the_last_bin() {
        let groups = target_groups(&[0.0, 0.995, 1.0], 100).unwrap();
        assert_eq!(groups.labels(), [0, 99, 99]);
        assert_eq!(groups.occupied(), 2);
    }

    #[test]
    fn what_cannot_be_binned_is_refused() {
        let refusal = |truth: &[f64], bins| target_groups(truth, bins).unwrap_err();
        assert_eq!(refusal(&[], 100), MetricsError::Empty);
        assert_eq!(refusal(&[1.0, 2.0], 0), MetricsError::NoBins);
        assert_eq!(refusal(&[2.0, 2.0], 9), MetricsError::Constant(2.0));
        assert!(matches!(
            refusal(&[2.0, f64::NAN], 9),
            MetricsError::NotFinite { candidate: 1, .. }
        ));
    }

    /// Oracle: numpy, `min(floor((t - t.min()) / (t.max() - t.min()) * 100), 99)` over the
    /// 1225 candidates, distinct bins among the first n of each published order; confirmed
    /// with `digitize` over `linspace(min, max, 101)`.
    #[test]
    fn the_published_pfm_runs_cover_what_numpy_counts() {
        let Some((_, truth)) = response() else {
            return;
        };
        let groups = target_groups(&truth, TARGET_BINS).unwrap();
        assert_eq!(groups.occupied(), 92);
        for (run, visited) in [
            ("ei", [37, 59, 81, 89]),
            ("mu", [38, 56, 77, 90]),
            ("beacon", [22, 31, 55, 62]),
        ] {
            let curve = groups.curve(&published_order(run)).unwrap();
            for (steps, bins) in [50, 100, 200, 300].into_iter().zip(visited) {
                assert_eq!(curve[steps - 1], f64::from(bins) / 92.0, "{run} at {steps}");
            }
        }
    }
}
