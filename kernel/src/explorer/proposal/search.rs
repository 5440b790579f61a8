//! The best free candidate by a score, most of them passed over by a bound of it.

use super::super::is_taken;
use super::Score;
use crate::structure::Windows;
use crate::{Candidate, Error};

/// The only measured point that the structural distances lack, and the candidates that have theirs with it.
pub(in crate::explorer) type Lacking = Option<(Candidate, usize)>;

/// How near a candidate is to the point that the structural distances lack, if any, or to the ones before.
/// `known` are reciprocal norms and the next distances; `room` has room for a window.
pub(in crate::explorer) fn nearer<'n>(
    windows: Windows<'n>,
    lacking: Lacking,
    (reciprocals, next): (&'n [f32], &'n [f32]),
    room: &'n mut [f32],
) -> Result<impl Fn(usize, f32) -> Option<f32> + 'n, Error> {
    let newest = match lacking {
        Some((candidate, done)) => Some((windows.template(candidate, room)?, done)),
        None => None,
    };
    Ok(move |index: usize, squared: f32| {
        let (template, done) = newest?;
        if index < done {
            return next.get(index).copied();
        }
        let own = (reciprocals.get(index).copied()?, squared);
        Some(windows.nearer(template, Candidate(index as u32), own))
    })
}

/// The candidate that [`best`] finds among the scores of sampled responses at squared structural
/// distances. Bounds rule most candidates out without their exact score. `nearer` is asked for the
/// distance of those that are left, where the one given may be too large: no score grows with a
/// smaller one.
pub(in crate::explorer) fn best_response<'d, V: Copy>(
    taken: &[u32],
    responses: impl Iterator<Item = (V, &'d f32)>,
    score: &impl Score<V>,
    nearer: impl Fn(usize, f32) -> Option<f32>,
) -> Result<(Candidate, f32), Error> {
    let mut best = Best::default();
    for (index, (response, &squared)) in responses.enumerate() {
        if best.may_lose_to(score.bound(response, squared)) {
            let mut exact = score.exact_above(response, squared, best.most());
            if best.may_lose_to(exact)
                && !is_taken(taken, index)
                && let Some(squared) = nearer(index, squared)
            {
                exact = score.exact(response, squared);
            }
            best.consider(taken, index, exact);
        }
    }
    best.found()
}

/// The free candidate with the largest score: the first of equals, and one whose score is NaN only
/// if all scores are.
pub(super) fn best(
    taken: &[u32],
    scores: impl Iterator<Item = f32>,
) -> Result<(Candidate, f32), Error> {
    let mut best = Best::default();
    for (index, score) in scores.enumerate() {
        best.consider(taken, index, score);
    }
    best.found()
}

/// The best free candidate so far and its score.
#[derive(Default)]
struct Best(Option<(usize, f32)>);

impl Best {
    /// Whether a candidate with a score of at most `bound` may be better.
    fn may_lose_to(&self, bound: f32) -> bool {
        self.0
            .is_none_or(|(_, most)| most.is_nan() || bound.is_nan() || bound > most)
    }

    /// Its score; below all where there is none.
    fn most(&self) -> f32 {
        self.0.map_or(f32::NEG_INFINITY, |(_, most)| most)
    }

    fn consider(&mut self, taken: &[u32], index: usize, score: f32) {
        let better = match self.0 {
            None => true,
            Some((_, most)) => score > most || (most.is_nan() && !score.is_nan()),
        };
        if better && !is_taken(taken, index) {
            self.0 = Some((index, score));
        }
    }

    fn found(self) -> Result<(Candidate, f32), Error> {
        let (index, score) = self.0.ok_or(Error::Exhausted)?;
        Ok((Candidate(index as u32), score))
    }
}
