//! Coverage: how much of a space a campaign has seen.

use super::error::MetricsError;
use std::sync::Arc;

/// The group of every candidate in one space: its bin of the target space, its cluster of the
/// patch or latent space.
///
/// A clone shares the table, so that many campaigns on the same data are judged by one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Groups {
    of: Arc<[u32]>,
    /// Groups that some candidate belongs to.
    occupied: usize,
}

impl Groups {
    /// Groups from one label a candidate. Labels need not be consecutive; one that no candidate
    /// bears can never be visited, so it does not count.
    ///
    /// # Errors
    /// [`MetricsError::Empty`] when there is no candidate.
    pub fn new(labels: Vec<u32>) -> Result<Self, MetricsError> {
        if labels.is_empty() {
            return Err(MetricsError::Empty);
        }
        let mut distinct = labels.clone();
        distinct.sort_unstable();
        distinct.dedup();
        Ok(Self {
            of: labels.into(),
            occupied: distinct.len(),
        })
    }

    /// The label of every candidate.
    pub fn labels(&self) -> &[u32] {
        &self.of
    }

    /// Number of groups that at least one candidate belongs to: the denominator of coverage.
    pub fn occupied(&self) -> usize {
        self.occupied
    }

    /// Coverage after each visit of `order`, starting from nothing.
    ///
    /// # Errors
    /// As [`Coverage::visit`].
    pub fn curve(&self, order: &[usize]) -> Result<Vec<f64>, MetricsError> {
        let mut coverage = Coverage::new(self.clone());
        order
            .iter()
            .map(|&candidate| {
                coverage.visit(candidate)?;
                Ok(coverage.share())
            })
            .collect()
    }
}

/// Share of the occupied groups that have been visited. A visit costs one look-up.
///
/// ```
/// use beacon_host::metrics::{Coverage, Groups};
///
/// let mut coverage = Coverage::new(Groups::new(vec![0, 0, 5, 9])?);
/// coverage.visit(0)?;
/// coverage.visit(1)?;
/// assert_eq!(coverage.share(), 1.0 / 3.0);
/// # Ok::<(), beacon_host::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Coverage {
    groups: Groups,
    /// By label.
    visited: Vec<bool>,
    count: usize,
}

impl Coverage {
    /// Nothing visited yet.
    pub fn new(groups: Groups) -> Self {
        let labels = groups.of.iter().max().map_or(0, |&most| most as usize + 1);
        Self {
            groups,
            visited: vec![false; labels],
            count: 0,
        }
    }

    /// Counts a measurement at `candidate`; a group visited before changes nothing.
    ///
    /// # Errors
    /// When there is no such candidate.
    pub fn visit(&mut self, candidate: usize) -> Result<(), MetricsError> {
        let Some(&label) = self.groups.of.get(candidate) else {
            return Err(MetricsError::Candidate {
                candidate,
                candidates: self.groups.of.len(),
            });
        };
        let visited = &mut self.visited[label as usize];
        self.count += usize::from(!*visited);
        *visited = true;
        Ok(())
    }

    /// Visited share of the occupied groups, from 0 to 1.
    pub fn share(&self) -> f64 {
        self.count as f64 / self.groups.occupied as f64
    }

    /// The groups that are counted.
    pub fn groups(&self) -> &Groups {
        &self.groups
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn visiting_a_group_again_adds_nothing() {
        let mut coverage = Coverage::new(Groups::new(vec![7, 7, 2]).unwrap());
        assert_eq!(coverage.share(), 0.0);
        for candidate in [0, 1, 0] {
            coverage.visit(candidate).unwrap();
        }
        assert_eq!(coverage.share(), 0.5);
        coverage.visit(2).unwrap();
        assert_eq!(coverage.share(), 1.0);
    }

    /// Oracle: the set of labels among the first n of an order, counted from scratch each time.
    #[test]
    fn a_curve_counts_distinct_groups_among_the_first_visits() {
        let labels: Vec<u32> = (0..60).map(|n| (n * n) % 11).collect();
        let order: Vec<usize> = (0..60).map(|n| (n * 37) % 60).collect();
        let curve = Groups::new(labels.clone()).unwrap().curve(&order).unwrap();
        let distinct = |order: &[usize]| {
            let seen = order.iter().map(|&n| labels[n]);
            seen.collect::<std::collections::HashSet<_>>().len() as f64
        };
        for (n, share) in curve.into_iter().enumerate() {
            assert_eq!(share, distinct(&order[..=n]) / distinct(&order));
        }
    }

    #[test]
    fn what_cannot_be_counted_is_refused() {
        assert_eq!(Groups::new(vec![]).unwrap_err(), MetricsError::Empty);
        let mut coverage = Coverage::new(Groups::new(vec![1, 2]).unwrap());
        let error = coverage.visit(2).unwrap_err();
        assert_eq!(error.to_string(), "candidate 2 does not exist: there are 2");
    }
}
