//! The factor's row of a point, γ, and the weights that are linear in its response.

use core::ops::Range;

use super::super::model::lattice;
use super::super::{Explorer, Process};
use crate::storage::Ahead;
use crate::{Candidate, Error};

/// Which weights are solved for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Weights {
    Mean,
    Sample,
    Both,
}

impl Explorer<'_> {
    /// Covariances and factor's row of a point that was not measured, and beside it L⁻¹r₍₎ of so many points.
    pub(super) fn prepare_row(
        &mut self,
        known: usize,
        process: &Process,
        targets: usize,
    ) -> Result<(), Error> {
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let targets = ahead.weights.get_mut(..targets).unwrap_or_default();
        let points = memory.points.get(..=known).unwrap_or_default();
        let at = (points, &*memory.places, &*memory.falloff);
        let fill = |n: usize, row: &mut [f32]| process.covariances(at, n, row);
        self.factor.prepare(process.variance(), fill, targets)
    }

    /// Copies latent and place of a point that is, or may become, this number.
    pub(in crate::explorer) fn stand(
        &mut self,
        candidate: Candidate,
        n: usize,
    ) -> Result<(), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let memory = &mut self.memory;
        let (Some(latent), Some(point), Some(place)) = (
            memory.latents.get(candidate.index()),
            memory.points.get_mut(n),
            memory.places.get_mut(n),
        ) else {
            return Err(Error::NoMeasurement);
        };
        *point = *latent;
        *place = lattice(candidates, candidate)?;
        Ok(())
    }

    /// γ, and the weights of the points before in the posterior mean and in the sample: all that are asked for
    /// in one pass over the factor.
    pub(super) fn solve_upper(&mut self, known: usize, which: Weights) {
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let first = &mut memory.own[0];
        let all = [ahead.direction, &mut *first.before, ahead.weights];
        let [
            Some((own, direction)),
            Some((no_mean, alpha)),
            Some((no_sample, weights)),
        ] = all.map(|weights| weights.get_mut(..=known)?.split_last_mut())
        else {
            return;
        };
        if which == Weights::Sample {
            *no_sample = 0.0;
            return self.factor.solve_upper(weights);
        }
        (*own, *no_mean) = (1.0, 0.0);
        for (weight, entry) in direction.iter_mut().zip(self.factor.row(known)) {
            *weight = -entry;
        }
        for (weight, whitened) in alpha.iter_mut().zip(&*first.whitened) {
            *weight = *whitened;
        }
        if which == Weights::Both {
            *no_sample = 0.0;
            self.factor.solve_upper_each([direction, alpha, weights]);
        } else {
            self.factor.solve_upper_each([direction, alpha]);
        }
    }

    /// L⁻ᵀβ of some of the further responses: all that are asked for in one pass over the factor.
    pub(super) fn weigh_further(&mut self, known: usize, some: Range<usize>) {
        let responses = some.len();
        let all = self.memory.own.get_mut(some).unwrap_or_default();
        for own in all.iter_mut() {
            let before = own.before.get_mut(..=known).unwrap_or_default();
            for (weight, whitened) in before.iter_mut().zip(&*own.whitened) {
                *weight = *whitened;
            }
            if let Some(last) = before.last_mut() {
                *last = 0.0;
            }
        }
        let mut all = all.iter_mut().map(|own| {
            let before = own.before.get_mut(..known);
            before.unwrap_or_default()
        });
        if responses == 1 || cfg!(target_arch = "arm") {
            // All points lie near by, and the fastest memory has no room for as many forms of the solve.
            all.for_each(|before| self.factor.solve_upper(before));
        } else if let (Some(second), Some(third)) = (all.next(), all.next()) {
            match all.next() {
                Some(fourth) => self.factor.solve_upper_each([second, third, fourth]),
                None => self.factor.solve_upper_each([second, third]),
            }
        }
    }

    /// Copies γ of point `n` into the memory's row, where it is known; whether it is.
    pub(in crate::explorer) fn copy_direction(&mut self, n: usize) -> bool {
        let candidate = self.held_candidate(n);
        let known = self.preparation.as_ref().is_some_and(|preparation| {
            let own = Some(preparation.candidate) == candidate && preparation.known == n;
            own && preparation.weighed > 0
        });
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let weights = memory.row.iter_mut().zip(&*ahead.direction);
        if known {
            weights.take(n + 1).for_each(|(to, weight)| *to = *weight);
        }
        known
    }

    /// The weights of all points in the posterior mean of each response, into the memory's α.
    pub(in crate::explorer) fn weigh(&mut self) -> Result<(), Error> {
        self.finish(None)?;
        let n = self.held;
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let last = n.saturating_sub(1);
        for own in memory.own.iter_mut().take(self.responses) {
            let (Some(whitened), Some(diagonal)) =
                (own.whitened.get(last), self.factor.row(last).last())
            else {
                return Err(Error::NoMeasurement);
            };
            let step = whitened / diagonal;
            let known = own.before.iter().zip(&*ahead.direction);
            for (alpha, (before, direction)) in own.alpha.iter_mut().zip(known).take(n) {
                *alpha = before + step * direction;
            }
        }
        Ok(())
    }
}
