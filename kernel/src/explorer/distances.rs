//! The structural distance of every candidate to the nearest measured patch, kept up to date in slices.

use super::{Explorer, SLICE};
use crate::storage::Ahead;
use crate::structure::Windows;
use crate::{Candidate, Candidates, Error};

impl Explorer<'_> {
    /// The squared structural distances of all candidates, and how many of the measured points, the first ones,
    /// they include; `None` where that is none.
    pub fn structure(&self) -> Option<(usize, &[f32])> {
        let distances = self.memory.distances.get(..self.candidates?.count())?;
        (self.distances_known > 0).then_some((self.distances_known, distances))
    }

    /// Takes back what [`Self::structure`] told of the same image and the same first `known` points, instead of
    /// comparing every candidate with each of them once more. Returns whether it could be of these: no more
    /// points than are measured, a distance of every candidate.
    pub fn recall_structure(&mut self, known: usize, distances: &[f32]) -> bool {
        let count = self.candidates.map_or(0, Candidates::count);
        let fits =
            distances.len() == count && (self.distances_known..=self.measured).contains(&known);
        let Some(own) = self.memory.distances.get_mut(..count).filter(|_| fits) else {
            return false;
        };
        own.copy_from_slice(distances);
        (self.distances_known, self.distances_underway) = (known, None);
        true
    }

    /// Brings the structural distances up to date with the measurements.
    pub(super) fn update_distances(&mut self) -> Result<(), Error> {
        while !self.update_distances_slice(None)? {}
        Ok(())
    }

    /// Updates some rows of candidates with the next measured point that the structural distances
    /// lack, or else with the candidate that is expected. Returns whether nothing is left.
    pub(super) fn update_distances_slice(
        &mut self,
        expected: Option<Candidate>,
    ) -> Result<bool, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let memory = &mut self.memory;
        let unknown = memory.measured.get(self.distances_known);
        let unknown = unknown.filter(|_| self.distances_known < self.measured);
        let unknown = unknown.map(|&candidate| Candidate(candidate));
        let Some(candidate) = unknown.or(expected) else {
            return Ok(true);
        };
        self.evaluation = None;
        let done = match self.distances_underway {
            Some((underway, rows)) if underway == candidate => rows,
            _ => 0,
        };
        let (window, columns) = (candidates.window(), candidates.columns());
        let cost = window * window * columns;
        let last = (done + SLICE.div_ceil(cost.max(1))).min(candidates.rows());
        let (_, template) = Ahead::split(memory.workspace, memory.capacity.measurements);
        Windows::new(memory.image, candidates).update_nearest(
            candidate,
            done..last,
            (memory.reciprocals, template),
            (memory.distances, memory.next_distances),
        )?;
        self.distances_underway = Some((candidate, last));
        let complete = last == candidates.rows();
        if complete && unknown.is_some() {
            core::mem::swap(&mut memory.distances, &mut memory.next_distances);
            self.distances_underway = None;
            self.distances_known += 1;
        }
        Ok(complete && self.distances_known == self.measured)
    }

    /// Whether a slice of the distances is left, with this candidate expected.
    pub(super) fn distances_wait_for(&self, expected: Option<Candidate>) -> bool {
        let Some(candidates) = self.candidates else {
            return false;
        };
        let whole = |candidate| Some((candidate, candidates.rows()));
        let lack = expected.is_some_and(|expected| self.distances_underway != whole(expected));
        self.distances_known < self.measured || lack
    }

    /// Brings the structural distances up to date but for the point measured last, if no slice of that was
    /// worked ahead to the end: they only shrink, so that those from before bound them, and few
    /// candidates need theirs.
    pub(super) fn update_distances_but_last(&mut self) -> Result<(), Error> {
        while self.distances_lack().is_none() && self.distances_known < self.measured {
            self.update_distances_slice(None)?;
        }
        Ok(())
    }

    /// The only point that the distances lack, of some that they know, and how many candidates have
    /// theirs with it among the next distances; `None` where that is all, or none.
    pub(super) fn distances_lack(&self) -> Option<(Candidate, usize)> {
        let candidates = self.candidates?;
        let last = self.measured.checked_sub(1)?;
        let candidate = Candidate(*self.memory.measured.get(last)?);
        let rows = match self.distances_underway {
            Some((underway, rows)) if underway == candidate => rows,
            _ => 0,
        };
        let lacks = last > 0 && self.distances_known == last && rows < candidates.rows();
        lacks.then_some((candidate, rows * candidates.columns()))
    }
}

#[cfg(test)]
mod tests {
    use crate::explorer::tests::made_up;
    use crate::random::Random;
    use crate::{Acquisition, Candidate, Candidates, Capacity, Error, Explorer, Network, Storage};

    const CANDIDATES: Result<Candidates, Error> = Candidates::new(24, 24, 10);

    fn normal(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed, 0);
        (0..count).map(|_| random.normal()).collect()
    }

    /// A campaign with so many points.
    fn campaign<'m>(
        (floats, words): &'m mut (Vec<f32>, Vec<u32>),
        weights: &[f32],
        responses: &[f32],
    ) -> Explorer<'m> {
        let candidates = CANDIDATES.unwrap();
        let capacity = Capacity::for_candidates(candidates, 20);
        floats.resize(capacity.floats(), f32::NAN);
        words.resize(capacity.words(), 0);
        let storage = Storage::new(capacity, floats, words).unwrap();
        let mut explorer = Explorer::new(storage, Acquisition::default(), 3).unwrap();
        explorer
            .load_image_for(candidates, &normal(576, 4))
            .unwrap();
        let network = Network::for_window(10).unwrap();
        explorer
            .load_model(&made_up(network, weights, [0.5, 0.5]))
            .unwrap();
        for (n, &response) in (0..).zip(responses) {
            explorer.measure(Candidate(9 * n), response).unwrap();
        }
        explorer
    }

    /// The oracle is the explorer that has compared them itself.
    #[test]
    fn distances_that_are_taken_back_change_no_decision() {
        let count = Network::for_window(10).unwrap().weight_count();
        let weights: Vec<f32> = normal(count, 5).iter().map(|x| 0.2 * x).collect();
        let responses = normal(20, 6);
        let (first, rest) = responses.split_at(9);
        let [mut one, mut other] = <[(Vec<f32>, Vec<u32>); 2]>::default();
        let mut own = campaign(&mut one, &weights, first);
        own.propose().unwrap();
        let (known, distances) = own.structure().unwrap();
        assert_eq!(known, 8);
        let distances = distances.to_vec();
        let mut recalled = campaign(&mut other, &weights, first);
        assert!(!recalled.recall_structure(10, &distances));
        assert!(!recalled.recall_structure(known, &distances[1..]));
        assert_eq!(recalled.structure(), None);
        assert!(recalled.recall_structure(known, &distances));
        for &response in rest {
            let proposal = own.propose().unwrap();
            assert_eq!(recalled.propose().unwrap(), proposal);
            for explorer in [&mut own, &mut recalled] {
                explorer.measure(proposal.candidate, response).unwrap();
            }
        }
    }
}
