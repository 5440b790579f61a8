//! The space of several responses: clusters of the vectors that candidates can show.

use std::sync::{Arc, Mutex, PoisonError};

use super::SEED;
use super::kmeans::Centres;
use super::sample;
use crate::metrics::{Groups, MetricsError, Whitening};

/// Clusters of the whitened vectors of true responses.
pub const RESPONSE_CLUSTERS: usize = 100;

/// The cluster of every candidate's vector of true responses: at most [`RESPONSE_CLUSTERS`] by k-means, on
/// vectors [whitened](Whitening) by the mean and the covariance of all candidates. Unlike cells of equal
/// width, clusters are small where candidates are many; the share of them that a campaign visited stands
/// beside [target coverage](crate::metrics::vector_groups).
///
/// `truth` holds a slice a response, with one value a candidate, in any units. Of more than 10 000
/// candidates as many are drawn to learn from, and all are assigned. The same on every machine, for any
/// number of threads.
///
/// # Errors
/// When there is no response, no candidate, responses differ in length, a value is not finite, or no
/// response varies.
pub fn response_groups(truth: &[&[f64]]) -> Result<Groups, MetricsError> {
    let white = Whitening::new(truth)?.apply_all(truth)?;
    let points: Vec<f32> = white.iter().flatten().map(|&value| value as f32).collect();
    let learnt_from = sample::rows(&points, truth.len(), SEED);
    let centres = Centres::fit(&learnt_from, truth.len(), RESPONSE_CLUSTERS, SEED);
    Groups::new(centres.labels(&points))
}

/// The clusters that were worked out last, and the responses that they are of. A clone shares them, so that
/// many campaigns on the same data work them out once.
#[derive(Clone, Debug, Default)]
pub(super) struct Kept(Arc<Mutex<Option<Clustered>>>);

/// Responses, a column each, and their clusters.
type Clustered = (Vec<Vec<f64>>, Groups);

impl Kept {
    /// Those that are kept.
    pub(super) fn groups(&self) -> Option<Groups> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().map(|(_, groups)| groups.clone())
    }

    /// As [`response_groups`].
    pub(super) fn or_new(&self, truth: &[&[f64]]) -> Result<Groups, MetricsError> {
        {
            let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((of, groups)) = kept.as_ref()
                && of == truth
            {
                return Ok(groups.clone());
            }
        }
        // Nobody holds the lock while threads work: one of them could take up another campaign, and wait.
        let groups = response_groups(truth)?;
        let of = truth.iter().map(|response| response.to_vec()).collect();
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *kept = Some((of, groups.clone()));
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use beacon_train::Random;

    /// 100 narrow heaps on a grid that is sheared, and stretched along one response: whitened, all are
    /// equally far from each other, and each is a cluster.
    #[test]
    fn heaps_of_vectors_are_clusters_whatever_the_units() {
        let mut random = Random::new(4);
        let heaps = 100;
        let (mut one, mut other) = (Vec::new(), Vec::new());
        for n in 0..12 * heaps {
            let heap = n % heaps;
            let (x, y) = ((heap % 10) as f64, (heap / 10) as f64);
            let (x, y) = (x + 0.01 * random.normal(), y + 0.01 * random.normal());
            one.push(1e6 * (x + 0.5 * y));
            other.push(1e-3 * y);
        }
        let groups = response_groups(&[&one, &other]).unwrap();
        let labels = groups.labels();
        // k-means may leave a few heaps together and divide as many, from one start.
        let whole = (0..heaps).filter(|&heap| {
            let mut members = (0..12).map(|n| labels[heap + n * heaps]);
            members.all(|label| label == labels[heap])
        });
        assert!(whole.count() >= 90);
        assert!(groups.occupied() >= 90, "{}", groups.occupied());
    }

    #[test]
    fn there_are_no_more_clusters_than_distinct_vectors() {
        let (one, other) = ([0.0, 1.0, 0.0, 1.0, 0.0], [2.0, 2.0, 3.0, 3.0, 2.0]);
        let groups = response_groups(&[&one, &other]).unwrap();
        assert_eq!(groups.occupied(), 4);
        assert_eq!(groups.labels()[0], groups.labels()[4]);
        let single = response_groups(&[&one]).unwrap();
        assert_eq!(single.occupied(), 2);
        // A constant response adds nothing.
        let with_constant = response_groups(&[&one, &[7.0; 5]]).unwrap();
        assert_eq!(with_constant, single);
    }

    #[test]
    fn what_cannot_be_clustered_is_refused() {
        let refused = response_groups(&[&[1.0, 1.0]]).unwrap_err();
        assert_eq!(refused, MetricsError::Constant(1.0));
        assert!(response_groups(&[]).is_err());
    }

    #[test]
    fn what_is_kept_is_that_of_the_responses_asked_for() {
        let (one, other) = ([0.0, 1.0, 0.0, 1.0, 0.0], [2.0, 2.0, 3.0, 3.0, 2.0]);
        let kept = Kept::default();
        assert_eq!(kept.groups(), None);
        for truth in [[&one[..], &other], [&other, &one], [&one, &one]] {
            let expected = response_groups(&truth);
            assert_eq!(kept.clone().or_new(&truth), expected);
            assert_eq!(kept.or_new(&truth), expected);
            assert_eq!(kept.groups(), expected.ok());
        }
    }
}
