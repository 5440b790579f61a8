//! The kernel in this process.

use std::ops::{ControlFlow, Range};

use beacon_kernel::link::message::{Refusal, Settings, Which};
use beacon_kernel::link::scalarizer::{Scalarizer, relative};
use beacon_kernel::link::transfer::Encoding;
use beacon_kernel::{
    Acquisition, Band, Candidate, Candidates, Capacity, Explorer, Model, NewRows, Prediction,
    Proposal, Responses, Storage, Surrogate,
};
use beacon_train::evaluate_band;
use rayon::prelude::*;

use super::watch::{Course, HandOver, OnHandOver, nobody};
use super::{BeamPort, Controller, ControllerError, Setup};

/// What an [`InProcess`] kernel works in: boxes of the size the campaign needs.
#[derive(Clone, Debug)]
pub struct Memory {
    capacity: Capacity,
    floats: Vec<f32>,
    words: Vec<u32>,
}

impl Memory {
    /// Memory for images and campaigns up to a capacity.
    pub fn new(capacity: Capacity) -> Self {
        Self {
            capacity,
            floats: vec![0.0; capacity.floats()],
            words: vec![0; capacity.words()],
        }
    }

    /// Memory for a campaign of so many points over these candidates. One that this machine has not is
    /// refused before anything is exposed.
    ///
    /// # Errors
    /// How much it takes, and what would fit.
    pub fn fitting(candidates: Candidates, points: usize) -> Result<Self, String> {
        Self::fitting_in(candidates, points, available_bytes())
    }

    /// [`Self::fitting`] for so many responses of a place.
    ///
    /// # Errors
    /// As [`Self::fitting`].
    pub fn fitting_vectors(
        candidates: Candidates,
        points: usize,
        responses: usize,
    ) -> Result<Self, String> {
        Self::fitting_vectors_in(candidates, (points, responses), available_bytes())
    }

    /// [`Self::fitting`], where so many bytes are free; `None` where that is not known.
    pub(crate) fn fitting_in(
        candidates: Candidates,
        points: usize,
        free: Option<u64>,
    ) -> Result<Self, String> {
        Self::fitting_vectors_in(candidates, (points, 1), free)
    }

    /// [`Self::fitting_vectors`], likewise.
    pub(crate) fn fitting_vectors_in(
        candidates: Candidates,
        (points, responses): (usize, usize),
        free: Option<u64>,
    ) -> Result<Self, String> {
        let capacity = |points| {
            let capacity = Capacity::for_candidates(candidates, points);
            capacity.with_responses(responses)
        };
        let bytes = |points| 4 * (capacity(points).floats() + capacity(points).words()) as u64;
        if let Some(free) = free
            && bytes(points) > free
        {
            let fits: Vec<usize> = (0..points.ilog2())
                .map(|shift| points >> (shift + 1))
                .collect();
            let fits = fits.into_iter().find(|&fewer| bytes(fewer) <= free);
            let advice = match fits {
                Some(fewer) => format!("{fewer} points would fit"),
                None => "choose a smaller image".to_owned(),
            };
            return Err(format!(
                "a campaign of {points} points on {} x {} pixels takes {:.1} GB of memory; expected at \
                 most the {:.1} GB that are free: {advice}",
                candidates.height(),
                candidates.width(),
                bytes(points) as f64 * 1e-9,
                free as f64 * 1e-9
            ));
        }
        Ok(Self::new(capacity(points)))
    }

    /// What it has room for.
    pub fn capacity(&self) -> Capacity {
        self.capacity
    }
}

/// Bytes that programs may still take; `None` where the system does not tell.
pub(crate) fn available_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text
        .lines()
        .find(|line| line.starts_with("MemAvailable:"))?;
    let kilobytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(1024 * kilobytes)
}

/// A kernel that runs in this process, in borrowed memory.
pub struct InProcess<'m> {
    explorer: Explorer<'m>,
    room: usize,
    /// The windows of each response, and what is subtracted from the response of a spectrum.
    reductions: Vec<(Scalarizer, f64)>,
    pub(super) watch: OnHandOver,
    /// The scores of the last proposal, where they are kept.
    scores: Option<Vec<f32>>,
    /// The last proposal since the campaign began: after its response comes another.
    proposed: Option<Candidate>,
}

impl<'m> InProcess<'m> {
    /// The posterior at every candidate.
    ///
    /// # Errors
    /// When there is no model; see [`Explorer::surrogate`].
    pub fn surrogate(&mut self) -> Result<Surrogate<'_>, ControllerError> {
        if self.explorer.held() < MANY {
            return Ok(self.explorer.surrogate()?);
        }
        Ok(self.explorer.surrogate_shared(|groups| {
            groups.par_iter_mut().for_each(|nodes| {
                let mut workspace = vec![0.0; nodes.floats()];
                nodes.sweep(&mut workspace);
            });
        })?)
    }

    /// A kernel in the memory.
    ///
    /// # Errors
    /// When the kernel refuses the memory.
    pub fn new(memory: &'m mut Memory) -> Result<Self, ControllerError> {
        let room = memory.capacity.measurements;
        let storage = Storage::new(memory.capacity, &mut memory.floats, &mut memory.words)?;
        let explorer = Explorer::new(storage, Acquisition::default(), 0)?;
        Ok(Self {
            explorer,
            room,
            reductions: Vec::new(),
            watch: nobody(),
            scores: None,
            proposed: None,
        })
    }

    /// Bounds the points that its Gaussian process is of by those of a board whose mirror it is, if there is
    /// memory for as many: then both drop the same ones, and no campaign is too long.
    pub(super) fn mirror(&mut self, board: Capacity) {
        if self.room >= board.measurements {
            self.explorer.hold_at_most(board.measurements);
            self.room = usize::MAX;
        }
    }

    /// Points that its Gaussian process is of: fewer than were measured where its memory is full.
    pub(super) fn held(&self) -> usize {
        self.explorer.held()
    }

    /// Responses of a place that there is room for.
    pub(super) fn most_responses(&self) -> usize {
        self.explorer.capacity().responses
    }

    /// The responses that [`Controller::measure_spectrum_all`] takes from a spectrum; refused where a
    /// board refuses.
    ///
    /// # Errors
    /// Without a scalarizer for each response, and for a spectrum of fewer channels than one needs or more than
    /// a transfer carries.
    pub(super) fn reduce(&self, spectrum: &[f32]) -> Result<Responses, ControllerError> {
        let needed = self.reductions.iter().map(|(own, _)| own.channels()).max();
        let needed = needed.ok_or(Refusal::NoScalarizer)?;
        self.check_responses(self.reductions.len())?;
        let channels = u16::try_from(spectrum.len()).map_err(|_| Refusal::TooLarge {
            needed: u32::try_from(spectrum.len()).unwrap_or(u32::MAX),
            capacity: u16::MAX.into(),
        })?;
        if channels < needed {
            return Err(out_of_range(Which::Scalarizer, channels.into()));
        }
        let reductions = self.reductions.iter();
        let responses: Vec<f32> = reductions
            .map(|(scalarizer, origin)| relative(scalarizer.response(spectrum), *origin))
            .collect();
        Ok(Responses::new(&responses)?)
    }

    /// Refuses another number of responses than the campaign's.
    fn check_responses(&self, found: usize) -> Result<(), ControllerError> {
        let expected = self.explorer.responses();
        if found == expected {
            return Ok(());
        }
        Err(beacon_kernel::Error::ResponseCount { found, expected }.into())
    }

    /// Takes scalarizers and origins that are each in range.
    fn reduce_by(&mut self, reductions: &[(Scalarizer, f64)]) -> Result<(), ControllerError> {
        if !reductions
            .iter()
            .all(|(scalarizer, _)| scalarizer.is_valid())
        {
            return Err(out_of_range(Which::Scalarizer, u16::MAX.into()));
        }
        if !reductions.iter().all(|(_, origin)| origin.is_finite()) {
            return Err(out_of_range(Which::Origin, u64::MAX));
        }
        self.reductions = reductions.to_vec();
        Ok(())
    }
}

/// Points from which on the factor no longer lies in a processor's caches, and a new one is worth further
/// threads.
const MANY: usize = 1000;

/// Candidates from which on new weights are worth a second thread.
const LARGE: usize = 16_384;

/// Evaluates bands over the threads of the current pool. Before every few `watch` is asked, which is told how
/// many are done.
fn evaluate(bands: &mut [Band<'_>], mut watch: impl FnMut(usize) -> ControlFlow<()>) {
    let mut done = 0;
    for some in bands.chunks_mut(rayon::current_num_threads().max(1)) {
        if watch(done).is_break() {
            return;
        }
        done += some.len();
        some.par_iter_mut().for_each(|band| {
            evaluate_band(band, &mut vec![0.0; band.floats()]);
        });
    }
}

fn out_of_range(which: Which, limit: u64) -> ControllerError {
    Refusal::Setting { which, limit }.into()
}

impl BeamPort for InProcess<'_> {
    fn expose(&mut self, candidate: Candidate) -> Result<(), ControllerError> {
        ().expose(candidate)
    }

    fn blank(&mut self) -> Result<(), ControllerError> {
        ().blank()
    }

    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError> {
        ().configure(settings)
    }

    fn settings(&self) -> Option<Settings> {
        ().settings()
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        ().dose_us()
    }
}

impl Controller for InProcess<'_> {
    fn set_watch(&mut self, watch: OnHandOver) {
        self.watch = watch;
    }

    fn attend(&mut self, handover: &HandOver) -> ControlFlow<()> {
        (self.watch)(handover)
    }

    fn room(&self) -> usize {
        self.room
    }

    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.begin_with(setup, 1)
    }

    fn begin_with(&mut self, setup: &Setup<'_>, responses: usize) -> Result<(), ControllerError> {
        self.reductions.clear();
        self.proposed = None;
        self.explorer.set_seed(setup.seed);
        Ok(self
            .explorer
            .load_image_with(setup.candidates, responses, setup.pixels)?)
    }

    fn room_for_responses(&self) -> usize {
        self.explorer.capacity().responses
    }

    fn predict_of(
        &mut self,
        candidate: Candidate,
        response: usize,
    ) -> Result<Prediction, ControllerError> {
        Ok(self.explorer.predict_of(candidate, response)?)
    }

    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError> {
        Ok(self.explorer.set_acquisition(acquisition)?)
    }

    fn load_model(&mut self, model: &Model<'_>, _version: u32) -> Result<(), ControllerError> {
        let mut course = Course::new("taking the model in");
        // Rounding brings a weight that is beyond the largest back.
        model.validate()?;
        // A board has them from the wire, and decides as this kernel does.
        let encoding = Encoding::of_weights(model.network.architecture());
        let weights: Vec<f32> = model.weights.iter().map(|&w| encoding.round(w)).collect();
        let weights = &weights;
        let rounded = Model { weights, ..*model };
        let mut watch = |done: usize, of: usize| (self.watch)(&course.at(done as u64, of as u64));
        let large = (self.explorer.candidates()).is_some_and(|all| all.count() >= LARGE)
            || self.explorer.held() >= MANY;
        let loaded = if large {
            let share = |bands: &mut [Band<'_>], done, of| {
                evaluate(bands, |more| watch(done + more, of));
            };
            let share_rows = |rows: &mut [NewRows<'_>]| {
                rows.par_iter_mut().for_each(NewRows::solve);
            };
            let explorer = &mut self.explorer;
            explorer.load_model_shared(&rounded, share, share_rows)?
        } else {
            self.explorer.load_model_watched(&rounded, watch)?
        };
        match loaded {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => Err(ControllerError::BrokenOff),
        }
    }

    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError> {
        self.measure_all(candidate, &[response])
    }

    fn measure_all(
        &mut self,
        candidate: Candidate,
        responses: &[f32],
    ) -> Result<(), ControllerError> {
        // What is worked ahead reads a factor of many points fewer times than what comes after. Of a campaign
        // that is taken up nothing is decided between its points.
        if self.explorer.held() >= MANY && self.proposed == Some(candidate) {
            while self.explorer.prepare(Some(candidate)) {}
        }
        Ok(self.explorer.measure_all(candidate, responses)?)
    }

    fn reduce_with(
        &mut self,
        scalarizer: Option<Scalarizer>,
        origin: f64,
    ) -> Result<(), ControllerError> {
        if !origin.is_finite() {
            return Err(out_of_range(Which::Origin, u64::MAX));
        }
        let reduction = scalarizer.map(|scalarizer| (scalarizer, origin));
        self.reduce_by(reduction.as_slice())
    }

    fn reduce_with_all(&mut self, reductions: &[(Scalarizer, f64)]) -> Result<(), ControllerError> {
        if !reductions.is_empty() {
            self.check_responses(reductions.len())?;
        }
        self.reduce_by(reductions)
    }

    fn measure_spectrum_all(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<Responses, ControllerError> {
        let responses = self.reduce(spectrum)?;
        self.measure_all(candidate, &responses)?;
        Ok(responses)
    }

    fn exclude(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<(), ControllerError> {
        Ok(self.explorer.exclude(rows, columns)?)
    }

    fn propose(&mut self, _expose: bool) -> Result<Proposal, ControllerError> {
        let proposal = match &mut self.scores {
            None => self.explorer.propose()?,
            Some(scores) => {
                let count = self.explorer.candidates().map_or(0, Candidates::count);
                scores.clear();
                scores.resize(count, f32::NAN);
                self.explorer.propose_with_scores(scores)?
            }
        };
        self.proposed = Some(proposal.candidate);
        Ok(proposal)
    }

    fn look_at_surrogate(
        &mut self,
        look: &mut dyn FnMut(&Surrogate<'_>),
    ) -> Result<(), ControllerError> {
        look(&self.surrogate()?);
        Ok(())
    }

    fn keep_scores(&mut self, keep: bool) {
        self.scores = keep.then(Vec::new);
    }

    fn take_scores(&mut self) -> Option<Vec<f32>> {
        let scores = std::mem::take(self.scores.as_mut()?);
        scores.iter().any(|score| !score.is_nan()).then_some(scores)
    }

    fn structure(&self) -> Option<(usize, Vec<f32>)> {
        let (known, distances) = self.explorer.structure()?;
        Some((known, distances.to_vec()))
    }

    fn recall_structure(&mut self, known: usize, distances: &[f32]) {
        self.explorer.recall_structure(known, distances);
    }

    fn end(&mut self) -> Result<(), ControllerError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use beacon_kernel::{Architecture, Hyperparameters, Network, Standardisation};

    use super::*;

    /// The oracle is the kernel in one piece, as it is compiled for every processor.
    #[test]
    fn latents_of_a_large_image_are_those_of_the_kernel_alone_bit_for_bit() {
        let candidates = Candidates::new(150, 143, 16).unwrap();
        assert!(candidates.count() >= LARGE);
        let numbers = |count: usize, step: usize| -> Vec<f32> {
            let number = |i: usize| (i * step % 101) as f32 / 101.0 - 0.45;
            (0..count).map(number).collect()
        };
        let pixels = numbers(150 * 143, 37);
        for architecture in [
            Architecture::Valid,
            Architecture::Same,
            Architecture::Filters,
        ] {
            let network = Network::new(architecture, 16).unwrap();
            let encoding = Encoding::of_weights(architecture);
            let mut weights = numbers(network.weight_count(), 53);
            weights[network.layout().space].fill(0.25);
            let weights: Vec<f32> = weights.iter().map(|&w| encoding.round(0.5 * w)).collect();
            let model = Model {
                network,
                weights: &weights,
                hyperparameters: Hyperparameters {
                    lengthscale: [0.5, 0.5],
                    outputscale: 1.0,
                    noise: 0.02,
                    mean: 0.0,
                },
                standardisation: Standardisation::IDENTITY,
                others: &[],
            };
            let mut memory = Memory::new(Capacity::for_candidates(candidates, 4));
            let mut kernel = InProcess::new(&mut memory).unwrap();
            let setup = Setup {
                candidates,
                pixels: &pixels,
                seed: 1,
                revision: 0,
            };
            kernel.begin(&setup).unwrap();
            let latents = |kernel: &InProcess<'_>| -> Vec<u32> {
                let latents = kernel.explorer.latents().unwrap().as_flattened();
                latents.iter().map(|x| x.to_bits()).collect()
            };
            kernel.load_model(&model, 1).unwrap();
            let shared = latents(&kernel);
            kernel.explorer.load_model(&model).unwrap();
            assert!(shared == latents(&kernel), "{architecture:?}");
            assert_ne!(shared.first(), shared.last(), "{architecture:?}");
        }
    }
}
