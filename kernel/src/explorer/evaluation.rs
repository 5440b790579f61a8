//! New weights: latents of all candidates, in slices, beside the model in force.
//!
//! They are built where a decision has both its parts at the candidates, a and b of
//! [`preparation`](super::preparation), which new weights would change anyway, and in its workspace. The model
//! in force keeps its own latents until [`Explorer::adopt`] puts the new ones in their place. A decision that it
//! has to make before takes the memory back, and the evaluation begins again.

use core::ops::ControlFlow;

use super::{Explorer, SLICE};
use crate::cnn::Layers;
use crate::filters::{self, FEATURES, Progress};
use crate::network::{CHANNELS_1, CHANNELS_2, LATENT, TAPS};
use crate::storage::Latents;
use crate::{Architecture, Candidate, Candidates, Error, Model, Network, dense};

/// How far the evaluation of some weights has come.
#[derive(Clone, Copy)]
pub(super) struct Evaluation {
    network: Network,
    pub(super) stage: Stage,
}

/// What comes next, and how much of it is done.
#[derive(Clone, Copy)]
pub(super) enum Stage {
    /// Rows of the image that have passed through the unpadded layers.
    Rows(usize),
    /// Candidates whose patches have passed through the padded ones.
    Patches(usize),
    /// The fixed filters, of an image that has no features yet.
    Filters(Progress),
    /// Candidates that have their latents from their features.
    Latents(usize),
    Done,
    /// [`Explorer::adopt`] says why.
    Impossible,
}

/// Candidates at a time that get their latents from their features, and the cost of one: what takes as long
/// as so many multiply-accumulates.
const SOME: usize = 128;
const PROJECTION: usize = 150;

impl Explorer<'_> {
    /// Does a slice of the work that a model's weights need: their latents at all candidates. The model in
    /// force stays so until [`Self::adopt`] is given this one. Returns whether more is left. All calls up to
    /// that have the same weights, or [`Self::forget_evaluation`] comes between.
    pub fn evaluate(&mut self, model: &Model<'_>) -> bool {
        // `adopt` returns the error that stands in the way.
        !self.evaluate_slice(model).unwrap_or(true)
    }

    /// Whether [`Self::evaluate`] has nothing left to do for its model, or can do nothing.
    pub fn is_evaluated(&self) -> bool {
        let stage = self.evaluation.map(|evaluation| evaluation.stage);
        matches!(stage, Some(Stage::Done | Stage::Impossible))
    }

    /// Lets the next evaluation begin anew, of other weights.
    pub fn forget_evaluation(&mut self) {
        self.evaluation = None;
    }

    /// The features of all candidates by the fixed [filters], in half precision. The explorer
    /// computes them once for an image.
    ///
    /// # Errors
    /// [`Error::NoImage`], and [`Error::Window`] outside the windows of
    /// [`Architecture::Filters`].
    pub fn features(&mut self) -> Result<impl ExactSizeIterator<Item = [f32; FEATURES]>, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        Network::new(Architecture::Filters, candidates.window())?;
        if !self.filtered {
            self.take_memory();
            let mut progress = Progress::default();
            while !self.filtered {
                progress = self.filter(progress, candidates)?;
            }
        }
        let features = self.memory.features.get(..candidates.count());
        Ok(features.unwrap_or_default().iter().map(filters::unpack))
    }

    /// Whether a model suits the image.
    ///
    /// # Errors
    /// As [`Self::load_model`].
    pub(crate) fn admit(&self, model: &Model<'_>) -> Result<Candidates, Error> {
        model.validate()?;
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        if model.network.window() != candidates.window() {
            return Err(Error::ModelWindow {
                found: model.network.window(),
                expected: candidates.window(),
            });
        }
        if model.responses() != self.responses {
            return Err(Error::ModelResponses {
                found: model.responses(),
                expected: self.responses,
            });
        }
        Ok(candidates)
    }

    /// Does what is left of an evaluation. Before each piece it asks `watch`, which is told how many are done
    /// and how many there are, whether to go on.
    pub(super) fn finish_evaluation(
        &mut self,
        model: &Model<'_>,
        mut watch: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        let candidates = self.admit(model)?;
        loop {
            let evaluation = self.evaluation_of(model)?;
            if let Stage::Done = evaluation.stage {
                return Ok(ControlFlow::Continue(()));
            }
            if let Some((done, of)) = evaluation.pieces(candidates)
                && watch(done, of).is_break()
            {
                return Ok(ControlFlow::Break(()));
            }
            self.evaluate_slice(model)?;
        }
    }

    fn evaluate_slice(&mut self, model: &Model<'_>) -> Result<bool, Error> {
        let Evaluation { network, mut stage } = self.evaluation_of(model)?;
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let (mut cost, mut result) = (0, Ok(()));
        while cost < SLICE && !matches!(stage, Stage::Done | Stage::Impossible) {
            match self.pass(stage, model, candidates) {
                Ok((next, of)) => (stage, cost) = (next, cost + of),
                Err(error) => (stage, result) = (Stage::Impossible, Err(error)),
            }
        }
        self.evaluation = Some(Evaluation { network, stage });
        result.map(|()| self.is_evaluated())
    }

    /// The evaluation of a model as far as it has come; one that is impossible is tried again.
    pub(super) fn evaluation_of(&mut self, model: &Model<'_>) -> Result<Evaluation, Error> {
        let network = model.network;
        match self.evaluation {
            Some(own) if own.network == network && !matches!(own.stage, Stage::Impossible) => {
                return Ok(own);
            }
            _ => {}
        }
        let admitted = self.admit(model);
        let stage = match (&admitted, network.architecture()) {
            (Err(_), _) => Stage::Impossible,
            (_, Architecture::Valid) => Stage::Rows(0),
            (_, Architecture::Same) => Stage::Patches(0),
            (_, Architecture::Filters) if self.filtered => Stage::Latents(0),
            (_, Architecture::Filters) => Stage::Filters(Progress::default()),
        };
        if admitted.is_ok() {
            self.take_memory();
        }
        let evaluation = Evaluation { network, stage };
        self.evaluation = Some(evaluation);
        admitted.map(|_| evaluation)
    }

    /// Takes the memory of what is worked ahead, and of what neighbours add to the surrogate.
    fn take_memory(&mut self) {
        self.evaluation = None;
        self.preparation = None;
        if let Some(process) = &mut self.process {
            process.spread = 0;
        }
    }

    /// Does the next part; returns what comes then, and what it costs.
    fn pass(
        &mut self,
        stage: Stage,
        model: &Model<'_>,
        candidates: Candidates,
    ) -> Result<(Stage, usize), Error> {
        let count = candidates.count();
        let memory = &mut self.memory;
        let mut latents = Latents::new([&mut *memory.own[0].plane, &mut *memory.slopes]);
        let passed = match stage {
            Stage::Rows(y) => {
                let layers = Layers::new(model.network, model.weights)?;
                let of = (&*memory.image, candidates);
                dense::pass_row(&layers, of, y, latents, memory.workspace)?;
                let more = y + 1 < dense::rows(model.network, candidates);
                let next = if more {
                    Stage::Rows(y + 1)
                } else {
                    Stage::Done
                };
                (next, dense::cost(model.network, candidates))
            }
            Stage::Patches(index) => {
                let layers = Layers::new(model.network, model.weights)?;
                let corner = candidates.corner(Candidate(index as u32))?;
                let corner = (corner.row, corner.column);
                let width = candidates.extended_width();
                let (scratch, _) = memory.workspace.as_chunks_mut::<CHANNELS_1>();
                let latent = layers.patch(memory.image, width, corner, scratch);
                latents.change(index, |own: &mut [f32; LATENT]| *own = latent);
                let next = index + 1;
                // A slice ends with the row.
                let cost = if next % candidates.columns().max(1) == 0 {
                    SLICE
                } else {
                    cost_of_patch(model.network)
                };
                let more = next < count;
                (
                    if more {
                        Stage::Patches(next)
                    } else {
                        Stage::Done
                    },
                    cost,
                )
            }
            Stage::Filters(progress) => {
                let progress = self.filter(progress, candidates)?;
                let next = if self.filtered {
                    Stage::Latents(0)
                } else {
                    Stage::Filters(progress)
                };
                (next, SLICE)
            }
            Stage::Latents(done) => {
                let last = count.min(done + SOME);
                filters::latents(model.weights, memory.features, done..last, latents);
                let more = last < count;
                let next = if more {
                    Stage::Latents(last)
                } else {
                    Stage::Done
                };
                (next, PROJECTION * SOME)
            }
            end @ (Stage::Done | Stage::Impossible) => (end, SLICE),
        };
        Ok(passed)
    }

    /// Goes on with the features of the fixed filters for a slice, or to the end of one filter.
    fn filter(&mut self, progress: Progress, candidates: Candidates) -> Result<Progress, Error> {
        let memory = &mut self.memory;
        let progress = filters::advance(
            progress,
            SLICE,
            (&*memory.image, candidates),
            (&mut *memory.own[0].plane, &mut *memory.workspace),
            memory.features,
        )?;
        self.filtered = progress.filters >= FEATURES;
        Ok(progress)
    }
}

impl Evaluation {
    /// Rows or filters that are done, and how many there are; `None` in the middle of one.
    fn pieces(self, candidates: Candidates) -> Option<(usize, usize)> {
        let columns = candidates.columns().max(1);
        match self.stage {
            Stage::Rows(y) => Some((y, dense::rows(self.network, candidates))),
            Stage::Patches(n) => (n % columns == 0).then(|| (n / columns, candidates.rows())),
            Stage::Filters(Progress { filters, rows: 0 }) => Some((filters, FEATURES)),
            _ => None,
        }
    }
}

/// Products of one patch in the convolutions.
fn cost_of_patch(network: Network) -> usize {
    let (first, second) = (network.conv1_side(), network.conv2_side());
    (first * first + second * second * CHANNELS_2) * TAPS * CHANNELS_1
}

#[cfg(test)]
mod tests;
