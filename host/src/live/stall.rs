//! Whether a campaign still finds anything: stops one that does not.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::campaign::{Observer, Series};
use crate::experiment::Ended;

/// Ends a campaign when neither the range of responses nor the structures measured have become
/// fuller over a number of points; passes everything on to another observer.
pub struct Stall<'o> {
    observer: &'o mut dyn Observer,
    after: Option<usize>,
    /// The highest coverages so far: of the range of responses, and of the clusters of patches.
    fullest: [f64; 2],
    /// Step of the last growth.
    grown: usize,
    /// Counts changes of the target, which begin coverage anew.
    retargets: Arc<AtomicUsize>,
    seen: usize,
}

impl<'o> Stall<'o> {
    /// Watches for `after` points without growth; for ever where there is no such number.
    /// `retargets` counts changes of the target, with which growth begins anew.
    pub fn new(
        observer: &'o mut dyn Observer,
        after: Option<usize>,
        retargets: Arc<AtomicUsize>,
    ) -> Self {
        Self {
            observer,
            after,
            fullest: [0.0; 2],
            grown: 0,
            retargets,
            seen: 0,
        }
    }
}

impl Observer for Stall<'_> {
    fn step(&mut self, step: usize, of: usize, series: &Series) -> ControlFlow<Ended> {
        self.observer.step(step, of, series)?;
        let retargets = self.retargets.load(Ordering::Relaxed);
        if std::mem::replace(&mut self.seen, retargets) != retargets {
            (self.fullest, self.grown) = ([0.0; 2], step);
        }
        let coverages = [&series.observed_coverage, &series.patch_coverage_with_seeds];
        for (fullest, coverage) in self.fullest.iter_mut().zip(coverages) {
            let coverage = coverage.last().copied().unwrap_or(0.0);
            if coverage > *fullest {
                *fullest = coverage;
                self.grown = step;
            }
        }
        match self.after {
            Some(after) if step - self.grown >= after => {
                let [responses, patches] = self.fullest;
                ControlFlow::Break(Ended::Stalled(format!(
                    "for {after} points it has been {responses:.2} of the range of responses and \
                     {patches:.2} of the structures"
                )))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_ends_when_nothing_has_grown_for_long_enough() {
        let run = |after, observed: &[f64], patches: &[f64]| {
            let mut nobody = ();
            let mut stall = Stall::new(&mut nobody, after, Arc::default());
            let mut series = Series::default();
            for (n, (&observed, &patches)) in observed.iter().zip(patches).enumerate() {
                series.observed_coverage.push(observed);
                series.patch_coverage_with_seeds.push(patches);
                if let ControlFlow::Break(why) = stall.step(n + 1, 99, &series) {
                    return Some((n + 1, why));
                }
            }
            None
        };
        let observed = [0.1, 0.2, 0.2, 0.1, 0.2, 0.2];
        let patches = [0.1, 0.1, 0.1, 0.2, 0.2, 0.2];
        assert_eq!(run(None, &observed, &patches), None);
        assert_eq!(run(Some(3), &observed, &patches), None);
        let (step, why) = run(Some(2), &observed, &patches).unwrap();
        assert_eq!(step, 6);
        assert!(matches!(why, Ended::Stalled(_)));
        // The range of responses that widens makes it emptier, and that is no growth.
        assert_eq!(run(Some(2), &observed, &[0.1; 6]).unwrap().0, 4);
    }
}
