//! Whether a campaign still finds anything.

use serde::{Deserialize, Serialize};

use super::Series;

/// The highest coverages so far, and when they have grown last.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Growth {
    /// Of the range of responses, of several of the cells of their vectors, and of the clusters of patches.
    pub(super) fullest: [f64; 2],
    /// Step of the last growth.
    grown: usize,
    step: usize,
}

impl Growth {
    /// Begins anew after a step: another target is sought.
    pub(super) fn restart(&mut self) {
        (self.fullest, self.grown) = ([0.0; 2], self.step);
    }

    /// Takes the figures after a step into account. A range of responses that widens becomes emptier,
    /// which is no growth.
    pub(super) fn take(&mut self, step: usize, series: &Series) {
        self.step = step;
        let coverages = [&series.observed_coverage, &series.patch_coverage_with_seeds];
        for (fullest, coverage) in self.fullest.iter_mut().zip(coverages) {
            let coverage = coverage.last().copied().unwrap_or(0.0);
            if coverage > *fullest {
                *fullest = coverage;
                self.grown = step;
            }
        }
    }

    /// Steps since coverage has grown last.
    pub(super) fn stalled(&self) -> usize {
        self.step - self.grown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_has_stalled_when_neither_coverage_has_grown() {
        let stalled = |observed: &[f64], patches: &[f64]| {
            let (mut growth, mut series) = (Growth::default(), Series::default());
            let pairs = (1..).zip(observed.iter().zip(patches));
            let mut stalled = Vec::new();
            for (step, (&observed, &patches)) in pairs {
                series.observed_coverage.push(observed);
                series.patch_coverage_with_seeds.push(patches);
                growth.take(step, &series);
                stalled.push(growth.stalled());
            }
            stalled
        };
        let observed = [0.1, 0.2, 0.2, 0.1, 0.2, 0.2];
        let patches = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2];
        assert_eq!(stalled(&observed, &patches), [0, 0, 1, 0, 1, 2]);
        assert_eq!(stalled(&observed, &[0.1; 6]), [0, 0, 1, 2, 3, 4]);
    }
}
