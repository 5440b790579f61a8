//! Target coverage by the arithmetic of the authors' notebook, mistakes included.

use super::error::MetricsError;
use super::target::{TARGET_BINS, range, target_groups};

/// Coverage after each visit of `order` as the published notebook computes it, for comparison
/// with the published curves and with nothing else.
///
/// Two slips make it differ from [`target_groups`]: the number of the *candidate* indexes the
/// flattened map, so that responses of other pixels are binned; and `numpy.digitize` over
/// `linspace(min, max, 101)` puts the largest value beyond the last bin, where it counts for
/// nothing. The published figures are shares of the bins that candidates do occupy, the
/// largest value included.
///
/// `truth` holds the true response of every candidate, `flattened` that of every pixel of the
/// image, row-major, in the same units.
///
/// # Errors
/// When a truth cannot be binned, or `order` names something that is no pixel.
pub fn published_target_curve(
    truth: &[f64],
    flattened: &[f64],
    order: &[usize],
) -> Result<Vec<f64>, MetricsError> {
    let occupied = target_groups(truth, TARGET_BINS)?.occupied();
    let (low, high) = range(truth)?;
    let step = (high - low) / TARGET_BINS as f64;
    // As numpy.linspace rounds: the last edge is the largest value itself.
    let edges: Vec<f64> = (0..TARGET_BINS)
        .map(|edge| edge as f64 * step + low)
        .chain([high])
        .collect();
    let mut visited = [false; TARGET_BINS];
    order
        .iter()
        .map(|&candidate| {
            let Some(value) = flattened.get(candidate) else {
                return Err(MetricsError::Candidate {
                    candidate,
                    candidates: flattened.len(),
                });
            };
            let edges_below = edges.partition_point(|edge| edge <= value);
            // Below the first edge there is no bin, and none from the last one on.
            if let Some(bin) = edges_below.checked_sub(1).and_then(|b| visited.get_mut(b)) {
                *bin = true;
            }
            let count = visited.iter().filter(|&&bin| bin).count();
            Ok(count as f64 / occupied as f64)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::{published_order, response};
    use super::*;

    /// Oracle: numpy, `digitize(flat[order], linspace(min, max, 101))`, which also gives the
    /// figures read off the published curves.
    #[test]
    fn the_published_curves_are_repeated_bin_by_bin() {
        let Some((flattened, truth)) = response() else {
            return;
        };
        for (run, visited) in [
            ("ei", [20, 26, 33, 38]),
            ("mu", [19, 23, 31, 37]),
            ("beacon", [21, 30, 38, 40]),
        ] {
            let order = published_order(run);
            let curve = published_target_curve(&truth, &flattened, &order).unwrap();
            for (steps, bins) in [50, 100, 200, 300].into_iter().zip(visited) {
                assert_eq!(curve[steps - 1], f64::from(bins) / 92.0, "{run} at {steps}");
            }
        }
    }

    #[test]
    fn the_largest_value_and_what_lies_outside_the_range_count_for_nothing() {
        let flattened = [0.0, 10.0, 5.0, -3.0, 99.0];
        let curve = published_target_curve(&[0.0, 5.0, 10.0], &flattened, &[1, 3, 4, 2, 0]);
        let third = 1.0 / 3.0;
        assert_eq!(curve, Ok(vec![0.0, 0.0, 0.0, third, 2.0 * third]));
        assert!(published_target_curve(&[0.0, 1.0], &flattened, &[5]).is_err());
    }
}
