//! The discovery loop's state and its two moves: `measure` and `propose`; and `prepare`, which works ahead
//! while a response is awaited.
//!
//! Seed, image, models and measurements, the last two in the order they came, determine the whole
//! state, so a campaign survives the loss of either end.

mod bands;
mod distances;
mod dropping;
mod evaluation;
mod model;
#[cfg(feature = "parts")]
mod parts;
mod posterior;
mod preparation;
mod proposal;
mod scores;
mod several;

pub use bands::Band;
pub use proposal::Proposal;

use evaluation::Evaluation;
use preparation::Preparation;

use crate::gp::{Covariance, Factor};
use crate::grid::Axes;
use crate::math::within;
use crate::network::LATENT;
use crate::space::Space;
use crate::strategy::{Acquisition, Sampling, Strategy};
use crate::structure::Windows;
use crate::{
    Candidate, Candidates, Capacity, Error, Hyperparameters, MOST_RESPONSES, Pixel, Responses,
    Standardisation, Storage,
};

/// The posterior at one candidate, in the units of the response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prediction {
    /// Posterior mean.
    pub mean: f32,
    /// Posterior standard deviation of the response itself, without measurement noise; of what the
    /// latent plane tells of it, where the model has a spatial part.
    pub sigma: f32,
}

/// What the explorer keeps of a model once it has computed the features of all candidates.
#[derive(Clone, Copy)]
struct Process {
    hyperparameters: Hyperparameters,
    /// Of each response.
    standardisations: [Standardisation; MOST_RESPONSES],
    /// What neighbours share beside the plane.
    space: Option<Space>,
    /// A grid over the candidates' latents, in lengthscales.
    axes: Axes,
    /// Points measured when the model arrived. The surrogate sweeps over these and takes every
    /// later one by an update, so that its bits do not depend on when the caller asks for it.
    swept: usize,
    /// Groups of the surrogate's sites that the sweep has done.
    groups: usize,
    /// Points in the surrogate once the sweep is over.
    updated: usize,
    /// Responses whose plane in memory is what neighbours add to the surrogate's means.
    spread: usize,
}

impl Process {
    fn covariance(&self) -> Covariance {
        Covariance {
            outputscale: self.hyperparameters.outputscale,
        }
    }

    /// Of the first response.
    fn standardisation(&self) -> Standardisation {
        self.standardisations[0]
    }

    /// Variance of a measured response.
    fn variance(&self) -> f32 {
        let Hyperparameters {
            outputscale, noise, ..
        } = self.hyperparameters;
        let variance = outputscale + noise;
        self.space
            .map_or(variance, |space| variance + space.variance)
    }
}

/// Largest magnitude of a pixel. With [`crate::LARGEST_WEIGHT`] no feature can overflow.
pub const LARGEST_PIXEL: f32 = 1e6;
/// Largest magnitude of a response, in its own units.
pub const LARGEST_RESPONSE: f32 = 1e30;
/// Multiply-accumulates in a slice of work that can wait: a few milliseconds on a controller. Work
/// that cannot be cut so short takes longer. Tests use fewer, so that small images take several
/// slices.
const SLICE: usize = if cfg!(test) { 6_000 } else { 250_000 };
/// Largest magnitude of a standardised target; larger ones could overflow sums.
const LARGEST_TARGET: f32 = 1e12;

/// Decides which candidate to measure next.
pub struct Explorer<'a> {
    memory: Storage<'a>,
    factor: Factor<'a>,
    acquisition: Acquisition,
    seed: u64,
    candidates: Option<Candidates>,
    /// Responses of a place.
    responses: usize,
    process: Option<Process>,
    /// Points measured.
    measured: usize,
    /// Points among them that the Gaussian process is of.
    held: usize,
    /// How many may be held.
    most: usize,
    /// Whether the features of the fixed filters are those of the image.
    filtered: bool,
    /// Measured points that the structural distances include.
    distances_known: usize,
    /// The candidate that the distances are being updated with, and the rows of candidates done.
    distances_underway: Option<(Candidate, usize)>,
    /// What is worked ahead for the decision after the point measured last, or after the one to come.
    preparation: Option<Preparation>,
    /// What is known of new weights. Whoever takes its memory ends it.
    evaluation: Option<Evaluation>,
}

impl<'a> Explorer<'a> {
    /// An explorer in borrowed memory. `seed` fixes every random number of the campaign.
    ///
    /// # Errors
    /// [`Error::Setting`] for an acquisition out of range.
    pub fn new(
        mut memory: Storage<'a>,
        acquisition: Acquisition,
        seed: u64,
    ) -> Result<Self, Error> {
        acquisition.validate()?;
        let factor = Factor::new(core::mem::take(&mut memory.factor));
        memory.taken.fill(0);
        let most = memory.capacity.measurements;
        Ok(Self {
            memory,
            factor,
            acquisition,
            seed,
            candidates: None,
            responses: 1,
            process: None,
            measured: 0,
            held: 0,
            most,
            filtered: false,
            distances_known: 0,
            distances_underway: None,
            preparation: None,
            evaluation: None,
        })
    }

    /// Starts a campaign with an image, row-major, and square windows of `window` pixels that lie
    /// inside it: [`Self::load_image_for`] with the candidates of [`Candidates::new`].
    ///
    /// # Errors
    /// [`Error::NoCandidates`], and those of [`Self::load_image_for`].
    pub fn load_image(
        &mut self,
        height: usize,
        width: usize,
        window: usize,
        pixels: &[f32],
    ) -> Result<(), Error> {
        self.load_image_for(Candidates::new(height, width, window)?, pixels)
    }

    /// Starts a campaign over these candidates with their image, row-major; forgets model and
    /// measurements. A place has one response.
    ///
    /// # Errors
    /// [`Error::ImageShape`], [`Error::NotFinite`] for a pixel, and [`Error::Capacity`] when the
    /// extended image or the candidates do not fit. The explorer is then as it was before.
    pub fn load_image_for(&mut self, candidates: Candidates, pixels: &[f32]) -> Result<(), Error> {
        self.load_image_with(candidates, 1, pixels)
    }

    /// [`Self::load_image_for`] with so many responses of a place, from 1 to
    /// [`Capacity::responses`].
    ///
    /// # Errors
    /// [`Error::ResponseCount`] for none, [`Error::Capacity`] for more than there is room for, and those of
    /// [`Self::load_image_for`].
    pub fn load_image_with(
        &mut self,
        candidates: Candidates,
        responses: usize,
        pixels: &[f32],
    ) -> Result<(), Error> {
        self.memory.capacity.admit_responses(responses)?;
        let (height, width) = (candidates.height(), candidates.width());
        if height.checked_mul(width) != Some(pixels.len()) {
            return Err(Error::ImageShape {
                height,
                width,
                pixels: pixels.len(),
            });
        }
        self.memory.capacity.admit(candidates)?;
        if let Some(index) = pixels.iter().position(|&x| !within(x, LARGEST_PIXEL)) {
            return Err(Error::NotFinite {
                what: "pixel",
                index,
            });
        }
        candidates.extend(pixels, self.memory.image);
        self.candidates = Some(candidates);
        self.responses = responses;
        self.process = None;
        self.measured = 0;
        self.held = 0;
        self.filtered = false;
        self.factor.clear();
        self.memory.taken.fill(0);
        self.distances_known = 0;
        self.distances_underway = None;
        self.preparation = None;
        self.evaluation = None;
        let memory = &mut self.memory;
        Windows::new(memory.image, candidates).begin(memory.reciprocals, memory.distances)
    }

    /// Takes a measured response, in raw units. Where as many points are held as may be, the Gaussian
    /// process first drops those that tell least: see [`Self::held`].
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::NoSuchCandidate`], [`Error::AlreadyMeasured`],
    /// [`Error::ResponseCount`] in a campaign of several responses,
    /// [`Error::ResponseNotFinite`] and, without room for a single point, [`Error::Capacity`] leave the
    /// explorer as it was.
    /// After [`Error::NotPositiveDefinite`] or [`Error::Outlier`] the response is kept, and counts
    /// again as soon as a better model arrives.
    pub fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), Error> {
        self.measure_all(candidate, &[response])
    }

    /// Takes all measured responses of a place, each in its raw units, in the campaign's order.
    ///
    /// # Errors
    /// As [`Self::measure`]; the first response that is not finite, or an outlier, is named.
    pub fn measure_all(&mut self, candidate: Candidate, responses: &[f32]) -> Result<(), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        candidates.corner(candidate)?;
        if self.is_measured(candidate) {
            return Err(Error::AlreadyMeasured { candidate });
        }
        if responses.len() != self.responses {
            return Err(Error::ResponseCount {
                found: responses.len(),
                expected: self.responses,
            });
        }
        let broken = responses.iter().position(|&x| !within(x, LARGEST_RESPONSE));
        if let Some(response) = broken {
            return Err(Error::ResponseNotFinite {
                candidate,
                response,
            });
        }
        let full = self.held >= self.most;
        if full {
            self.drop_points()?;
        }
        let (n, held) = (self.measured, self.held);
        let (Some(own_candidate), Some(number), Some(taken)) = (
            self.memory.measured.get_mut(n),
            self.memory.numbers.get_mut(held),
            self.memory.taken.get_mut(candidate.index() / 32),
        ) else {
            return Err(Error::Capacity {
                what: "measurements",
                needed: held + 1,
                capacity: self.memory.capacity.measurements,
            });
        };
        *own_candidate = candidate.0;
        for (own, &response) in self.memory.own.iter_mut().zip(responses) {
            if let Some(own) = own.responses.get_mut(held) {
                *own = response;
            }
        }
        *number = n as u32;
        *taken |= 1 << (candidate.0 % 32);
        (self.measured, self.held) = (n + 1, held + 1);
        if self.process.is_some() && (full || self.factor.order() == held) {
            self.absorb()?;
        }
        Ok(())
    }

    /// Excludes the candidates whose pixel lies in these rows and columns of the image: they are
    /// not proposed and cannot be measured any more. Measurements made there stay.
    ///
    /// # Errors
    /// [`Error::NoImage`].
    pub fn exclude(
        &mut self,
        rows: core::ops::Range<usize>,
        columns: core::ops::Range<usize>,
    ) -> Result<(), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let (rows_end, columns_end) = (candidates.height(), candidates.width());
        for row in rows.start..rows.end.min(rows_end) {
            for column in columns.start..columns.end.min(columns_end) {
                let Some(candidate) = candidates.at(Pixel { row, column }) else {
                    continue;
                };
                if let Some(taken) = self.memory.taken.get_mut(candidate.index() / 32) {
                    *taken |= 1 << (candidate.0 % 32);
                }
            }
        }
        Ok(())
    }

    /// Does a slice of the work that the next proposal needs, on the assumption that `expected` is
    /// measured before it, whatever its response will be. Returns whether more is left. A controller
    /// calls it while it is idle; no proposal depends on whether it did, or for which candidate.
    pub fn prepare(&mut self, expected: Option<Candidate>) -> bool {
        // `propose` returns the error that stands in the way.
        !self.prepare_slice(expected).unwrap_or(true)
    }

    fn prepare_slice(&mut self, expected: Option<Candidate>) -> Result<bool, Error> {
        let expected = expected.filter(|&candidate| !self.is_measured(candidate));
        let Acquisition {
            strategy, sampling, ..
        } = self.acquisition;
        let structural = matches!(strategy, Strategy::BeaconStructure | Strategy::Farthest);
        if structural && self.distances_wait_for(expected) {
            self.update_distances_slice(expected)?;
            return Ok(false);
        }
        let marginal = match strategy {
            Strategy::Ei | Strategy::Mu | Strategy::Ucb => true,
            Strategy::BeaconElite => sampling == Sampling::Marginal,
            _ => false,
        };
        if marginal && !self.is_refreshed() {
            return Ok(self.refresh()? && expected.is_none());
        }
        let temperature = self.acquisition.temperature();
        match expected {
            Some(candidate) => self.work_ahead(candidate, self.held, temperature),
            None if temperature.is_some() && self.measured > 0 => self.finish_slice(temperature),
            None => Ok(true),
        }
    }

    /// What the memory was cut for.
    pub fn capacity(&self) -> Capacity {
        self.memory.capacity
    }

    /// The candidates' geometry, once an image was loaded.
    pub fn candidates(&self) -> Option<Candidates> {
        self.candidates
    }

    /// Latent vectors of all candidates in lengthscales, once a model was loaded.
    pub fn latents(&self) -> Option<&[[f32; LATENT]]> {
        self.process?;
        self.memory.latents.get(..self.candidates?.count())
    }

    /// Responses of a place in this campaign.
    pub fn responses(&self) -> usize {
        self.responses
    }

    /// Measured candidates in the order they were measured, with their raw responses, the first one of each;
    /// NaN for the response of one that is no longer [held](Self::held).
    pub fn measurements(&self) -> impl ExactSizeIterator<Item = (Candidate, f32)> {
        self.measurements_of(0)
    }

    /// [`Self::measurements`] with another of the responses, counted from 0; NaN for one that the campaign has
    /// not.
    pub fn measurements_of(
        &self,
        response: usize,
    ) -> impl ExactSizeIterator<Item = (Candidate, f32)> {
        self.recorded().map(move |(candidate, place)| {
            let own = self.memory.own.get(response);
            let own = own.filter(|_| response < self.responses);
            let raw = place.and_then(|n| own?.responses.get(n).copied());
            (candidate, raw.unwrap_or(f32::NAN))
        })
    }

    /// [`Self::measurements`] with all responses of each place.
    pub fn measured_vectors(&self) -> impl ExactSizeIterator<Item = (Candidate, Responses)> {
        self.recorded().map(|(candidate, place)| {
            let mut values = [f32::NAN; MOST_RESPONSES];
            let all = values.iter_mut().zip(&self.memory.own);
            for (value, own) in all.take(self.responses) {
                let raw = place.and_then(|n| own.responses.get(n).copied());
                *value = raw.unwrap_or(f32::NAN);
            }
            let values = values.get(..self.responses).unwrap_or_default();
            let responses = Responses::new(values);
            (candidate, responses.unwrap_or(Responses::one(f32::NAN)))
        })
    }

    /// Measured candidates in the order they were measured, and where among the held points each is.
    fn recorded(&self) -> impl ExactSizeIterator<Item = (Candidate, Option<usize>)> {
        let memory = &self.memory;
        let held = memory.numbers.iter().enumerate().take(self.held);
        let mut held = held.peekable();
        let candidates = memory.measured.iter().take(self.measured).enumerate();
        candidates.map(move |(n, &candidate)| {
            let own = held.next_if(|&(_, &number)| number as usize == n);
            (Candidate(candidate), own.map(|(place, _)| place))
        })
    }

    /// Whether a candidate was measured or excluded, so that it is proposed no more.
    pub fn is_measured(&self, candidate: Candidate) -> bool {
        is_taken(self.memory.taken, candidate.index())
    }

    /// Changes the seed of the campaign from the next proposal on.
    pub fn set_seed(&mut self, seed: u64) {
        self.seed = seed;
        self.preparation = None;
    }

    /// The strategy and its settings.
    pub fn acquisition(&self) -> Acquisition {
        self.acquisition
    }

    /// Changes the strategy or its settings from the next proposal on.
    ///
    /// # Errors
    /// [`Error::Setting`]; the old ones then stay.
    pub fn set_acquisition(&mut self, acquisition: Acquisition) -> Result<(), Error> {
        acquisition.validate()?;
        self.acquisition = acquisition;
        Ok(())
    }

    /// The model, provided that every measurement is in it.
    fn ready(&self) -> Result<Process, Error> {
        let process = self.process.ok_or(Error::NoModel)?;
        if self.factor.order() < self.held {
            return Err(Error::NotPositiveDefinite {
                row: self.factor.order(),
            });
        }
        Ok(process)
    }
}

fn is_taken(taken: &[u32], index: usize) -> bool {
    taken
        .get(index / 32)
        .is_some_and(|word| word >> (index % 32) & 1 == 1)
}

#[cfg(test)]
mod tests;
