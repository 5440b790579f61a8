//! What the model expects: at one candidate, and at all of them in slices.

use super::model::lattice;
use super::{Explorer, Prediction, Process, SLICE};
use crate::gp::{Factor, packed};
use crate::math::dot;
use crate::network::LATENT;
use crate::storage::{Ahead, Own};
use crate::surrogate::{self, Nodes, Posterior, Surrogate};
use crate::{Candidate, Error, MOST_RESPONSES};

impl Explorer<'_> {
    /// The posterior at one candidate; of the first response, where there are several.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::NoModel`], [`Error::NoSuchCandidate`] and
    /// [`Error::NotPositiveDefinite`] when the model does not fit the measurements.
    pub fn predict(&mut self, candidate: Candidate) -> Result<Prediction, Error> {
        self.predict_of(candidate, 0)
    }

    /// The posterior of a response, counted from 0, at one candidate. In standardised units σ is that of any.
    ///
    /// # Errors
    /// [`Error::ResponseCount`] for a response that the campaign has not, and those of [`Self::predict`].
    pub fn predict_of(
        &mut self,
        candidate: Candidate,
        response: usize,
    ) -> Result<Prediction, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        candidates.corner(candidate)?;
        if response >= self.responses {
            return Err(Error::ResponseCount {
                found: response + 1,
                expected: self.responses,
            });
        }
        let process = self.ready()?;
        let n = self.held;
        if process.space.is_some() && n > 0 {
            self.weigh()?;
        }
        let memory = &mut self.memory;
        let (Some(own), Some(standardisation)) = (
            memory.own.get(response),
            process.standardisations.get(response),
        ) else {
            return Err(Error::NoModel);
        };
        let posterior = posterior(&process, &self.factor, memory.points, own.whitened, n);
        let latent = memory
            .latents
            .get(candidate.index())
            .copied()
            .unwrap_or_default();
        let scratch = memory.row.get_mut(..n).unwrap_or_default();
        let (mut mean, variance) = posterior.at(latent, scratch);
        if let Some(space) = process.space {
            let place = lattice(candidates, candidate)?;
            scratch.fill(0.0);
            space.add_each(memory.falloff, place, memory.places, scratch);
            mean += dot(scratch, own.alpha);
        }
        Ok(Prediction {
            mean: standardisation.restore(mean),
            sigma: libm::sqrtf(variance) * standardisation.scale,
        })
    }

    /// The posterior at every candidate, brought up to date with the measurements.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::NoModel`] and [`Error::NotPositiveDefinite`] when the model
    /// does not fit the measurements.
    pub fn surrogate(&mut self) -> Result<Surrogate<'_>, Error> {
        // What a decision by a sample needs as well spares the newest point a solve of its own.
        if self.acquisition.temperature().is_some() && self.measured > 0 {
            self.finish(None)?;
        }
        while !self.refresh()? {}
        self.current_surrogate()
    }

    /// [`Self::surrogate`] by several hands: `share` is given the nodes of a new model in groups, and
    /// [sweeps](Nodes::sweep) each, in any order. No bit depends on who sweeps which.
    ///
    /// # Errors
    /// As [`Self::surrogate`].
    pub fn surrogate_shared(
        &mut self,
        share: impl FnMut(&mut [Nodes<'_>]),
    ) -> Result<Surrogate<'_>, Error> {
        self.sweep_shared(share)?;
        self.surrogate()
    }

    fn sweep_shared(&mut self, mut share: impl FnMut(&mut [Nodes<'_>])) -> Result<(), Error> {
        let mut process = self.ready()?;
        let (axes, groups) = (process.axes, surrogate::groups(process.axes));
        if process.groups == groups {
            return Ok(());
        }
        let memory = &mut self.memory;
        let (whitened, means) = of_each(&mut memory.own, self.responses);
        let n = self.held;
        let posterior = posterior(&process, &self.factor, memory.points, whitened[0], n);
        let mut means = means.map(|means| means.chunks_exact_mut(surrogate::LANES));
        let mut variances = memory.variance.chunks_exact_mut(surrogate::LANES);
        let mut all = heapless::Vec::<_, { surrogate::MOST_GROUPS }>::new();
        let mut passed = 0;
        for group in 0..groups {
            let (start, _) = surrogate::group(axes, group);
            let ahead = start / surrogate::LANES - passed;
            passed += ahead + 1;
            let means = means.each_mut().map(|means| means.nth(ahead));
            let nodes = Nodes {
                posterior,
                count: process.swept,
                axes,
                group,
                first: 0,
                whitened,
                means: means.map(Option::unwrap_or_default),
                variances: variances.nth(ahead).unwrap_or_default(),
            };
            // There is room for all.
            let _ = all.push(nodes);
        }
        share(&mut all);
        process.groups = groups;
        self.process = Some(process);
        Ok(())
    }

    /// The posterior as far as it was brought up to date.
    pub(super) fn current_surrogate(&self) -> Result<Surrogate<'_>, Error> {
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        let process = self.ready()?;
        Ok(Surrogate {
            latents: self.memory.latents.get(..count).unwrap_or_default(),
            axes: process.axes,
            mean: self.memory.own.each_ref().map(|own| &*own.mean),
            variance: self.memory.variance,
            shared: self.memory.own.each_ref().map(|own| {
                let plane = own.plane.get(..count);
                process.space.and(plane)
            }),
            noise: process.hyperparameters.noise,
            standardisation: process.standardisation(),
            standardisations: process.standardisations,
            responses: self.responses,
        })
    }

    /// Does one slice of what [`Self::surrogate`] does, so that the caller can attend to more
    /// urgent work in between: some nodes of a new model, all nodes after one more measurement,
    /// or what neighbours add to all of them, for one response at a time.
    /// Returns whether nothing is left.
    ///
    /// # Errors
    /// As [`Self::surrogate`].
    pub fn refresh(&mut self) -> Result<bool, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let count = candidates.count();
        let mut process = self.ready()?;
        let n = self.held;
        self.evaluation = None;
        let responses = self.responses;
        let unspread = process.space.is_some() && process.spread < responses;
        let swept = process.groups == surrogate::groups(process.axes);
        if swept && process.updated == n && n > 0 && unspread {
            self.weigh()?;
        }
        let weighed = process.updated < n && self.copy_direction(process.updated);
        let memory = &mut self.memory;
        let (whitened, means) = of_each(&mut memory.own, responses);
        let posterior = posterior(&process, &self.factor, memory.points, whitened[0], n);
        let (_, workspace) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let (axes, groups) = (process.axes, surrogate::groups(process.axes));
        if process.groups < groups {
            let cost = surrogate::LANES * (packed(process.swept) + 1);
            let last = process.groups + SLICE.div_ceil(cost.max(1));
            let last = last.min(groups);
            let mut nodes = Nodes {
                posterior,
                count: process.swept,
                axes,
                group: 0,
                first: 0,
                whitened,
                means,
                variances: memory.variance,
            };
            for group in process.groups..last {
                (nodes.group, (nodes.first, _)) = (group, surrogate::group(axes, group));
                nodes.sweep(workspace);
            }
            process.groups = last;
        } else if process.updated < n {
            let scratch = (&mut *memory.row, workspace);
            let point = (process.updated, weighed);
            let [first, others @ ..] = means;
            let others = whitened.into_iter().skip(1).zip(others);
            let others = others.take(responses.saturating_sub(1));
            posterior.update(point, axes, (first, others), memory.variance, scratch);
            process.updated += 1;
            process.spread = 0;
        } else if let (Some(space), Some(own)) = (
            process.space,
            memory.own.get_mut(process.spread).filter(|_| unspread),
        ) {
            let alpha = own.alpha.get(..n).unwrap_or_default();
            let plane = own.plane.get_mut(..count).unwrap_or_default();
            plane.fill(0.0);
            space.spread(candidates, memory.falloff, (memory.places, alpha), plane);
            process.spread += 1;
            if let Some(preparation) = &mut self.preparation {
                preparation.lose_plane(responses);
            }
        }
        self.process = Some(process);
        Ok(self.is_refreshed())
    }

    /// Whether [`Self::surrogate`] has nothing left to do, or can do nothing.
    pub fn is_refreshed(&self) -> bool {
        let Ok(process) = self.ready() else {
            return true;
        };
        let spread = process.spread >= self.responses || process.space.is_none();
        process.groups == surrogate::groups(process.axes) && process.updated == self.held && spread
    }
}

/// β and means of each response that there is.
fn of_each<'o>(
    own: &'o mut [Own<'_>; MOST_RESPONSES],
    responses: usize,
) -> ([&'o [f32]; MOST_RESPONSES], [&'o mut [f32]; MOST_RESPONSES]) {
    let (mut whitened, mut means) = <([&[f32]; MOST_RESPONSES], [&mut [f32]; _])>::default();
    let both = whitened.iter_mut().zip(&mut means);
    for ((whitened, means), own) in both.zip(own).take(responses) {
        *whitened = &*own.whitened;
        *means = &mut *own.mean;
    }
    (whitened, means)
}

fn posterior<'p>(
    process: &Process,
    factor: &'p Factor<'p>,
    points: &'p [[f32; LATENT]],
    whitened: &'p [f32],
    n: usize,
) -> Posterior<'p> {
    Posterior {
        covariance: process.covariance(),
        prior_mean: process.hyperparameters.mean,
        factor,
        points: points.get(..n).unwrap_or_default(),
        whitened: whitened.get(..n).unwrap_or_default(),
    }
}
