//! The structural distance of every candidate to the nearest measured patch, kept up to date in slices.

use super::{Explorer, SLICE};
use crate::storage::Ahead;
use crate::structure::Windows;
use crate::{Candidate, Error};

impl Explorer<'_> {
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
