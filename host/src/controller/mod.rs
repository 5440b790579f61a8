//! Where the kernel runs: in this process or on a board. The decision is the kernel's, always.

mod choice;
mod emulated;
mod in_process;
mod linked;
mod serial;
mod shared;
mod watch;

use std::ops::{ControlFlow, Range};
use std::time::Duration;

use beacon_kernel::link::Failure;
use beacon_kernel::link::message::{BeamFault, BlankReason, Refusal, Settings, Signals, Which};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::{
    Acquisition, Candidate, Candidates, Model, Network, Prediction, Proposal, Responses, Surrogate,
};

pub use choice::{ControllerChoice, UnknownController};
pub use emulated::{Emulator, EmulatorError, end_emulators, firmware_image};
pub(crate) use in_process::available_bytes;
pub use in_process::{InProcess, Memory};
pub use linked::{LinkReport, Linked, Recovery};
pub use serial::{Port, PortError};
pub use shared::SharedBoard;
pub(crate) use watch::Course;
pub use watch::{HandOver, OnHandOver};

/// What a campaign tells the kernel before anything is measured.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// The candidates, which say how large image and windows are.
    pub candidates: Candidates,
    /// The image, row-major, as the network is to see it.
    pub pixels: &'a [f32],
    /// Fixes every random number of the kernel.
    pub seed: u64,
    /// Counts the targets of a campaign from 0: a controller tells one from the next by it.
    pub revision: u32,
}

/// Why a controller did not do as told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// The kernel refused.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
    /// The link failed, or the controller refused.
    #[error(transparent)]
    Link(#[from] Failure<PortError>),
    /// A spectrum, or what it is to be reduced with, is refused, here as it would be on a board.
    #[error(transparent)]
    Spectrum(#[from] Refusal),
    /// The firmware does not know of origins.
    #[error(
        "the controller's firmware was built before controllers reduced spectra to responses: \
         flash the firmware that came with this host, or let the host reduce them"
    )]
    NoReduction,
    /// The firmware is older than what the campaign asks for.
    #[error(
        "the controller's firmware speaks protocol {version} and has no {lacks}, which came with \
         protocol {since}: flash the firmware that came with this host, or {instead}"
    )]
    TooOld {
        /// The protocol version that both ends speak.
        version: u8,
        /// The first with what is lacking.
        since: u8,
        /// What it lacks.
        lacks: &'static str,
        /// What to do with the firmware as it is.
        instead: &'static str,
    },
    /// The board was reset while it exposed a point, or was told to.
    #[error("the controller was reset during an exposure, and cannot tell how much of it was made")]
    ExposureUnknown,
    /// An overview ended before its last pixel.
    #[error("the overview was cut short: {0}")]
    OverviewCut(BlankReason),
    /// The beam is not blanked in the time that an exposure may take.
    #[error(
        "the beam has not been blanked for {} s, longer than the exposure takes: cut the board's power",
        .0.as_secs_f64()
    )]
    StaysOn(Duration),
    /// Who watches a hand-over had it broken off. A board keeps what it has, and the hand-over goes
    /// on there.
    #[error("the hand-over to the controller was broken off")]
    BrokenOff,
    /// The controller holds something else than this host put there.
    #[error("the controller's state is not this campaign's: {0}")]
    State(String),
}

impl ControllerError {
    /// Whether every candidate was measured or excluded.
    pub fn is_exhausted(&self) -> bool {
        match self {
            Self::Kernel(error) => *error == beacon_kernel::Error::Exhausted,
            Self::Link(failure) => failure.kernel() == Some(beacon_kernel::Error::Exhausted),
            _ => false,
        }
    }

    /// Whether the link was lost, not something refused.
    pub fn is_link(&self) -> bool {
        matches!(self, Self::Link(failure) if !matches!(failure, Failure::Refused(_)))
    }

    /// The setting that is out of range, and the ceiling that the controller keeps it below.
    pub fn ceiling(&self) -> Option<(Which, u64)> {
        match self {
            Self::Link(Failure::Refused(Refusal::Setting { which, limit })) => {
                Some((*which, *limit))
            }
            _ => None,
        }
    }

    /// Whether the limit of one pixel was reached: others can still be measured.
    pub fn is_pixel_dose_limit(&self) -> bool {
        matches!(
            self,
            Self::Link(Failure::Refused(Refusal::PixelDose { .. }))
        )
    }

    /// Whether what drives the beam failed, which may pass.
    pub fn is_beam_fault(&self) -> bool {
        matches!(self, Self::Link(Failure::Refused(Refusal::Beam(_)))) && !self.is_not_ready()
    }

    /// Whether the detector was not ready in time: nothing was exposed.
    pub fn is_not_ready(&self) -> bool {
        let not_ready = Refusal::Beam(BeamFault::NotReady);
        matches!(self, Self::Link(Failure::Refused(refusal)) if *refusal == not_ready)
    }

    /// Whether a dose limit was reached: a campaign ends there, as it should.
    pub fn is_dose_limit(&self) -> bool {
        matches!(
            self,
            Self::Link(Failure::Refused(
                Refusal::PixelDose { .. } | Refusal::TotalDose { .. }
            ))
        )
    }
}

/// The error for more responses of a place than there is room for.
fn no_room_for(responses: usize, room: usize) -> ControllerError {
    beacon_kernel::Error::Capacity {
        what: "responses",
        needed: responses,
        capacity: room,
    }
    .into()
}

/// What a board said of itself when an exposure was over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BoardClock {
    /// Since it was reset.
    pub uptime: Duration,
    /// Its account of the campaign's dose, in beam time.
    pub dose: Duration,
    /// Times that it was reset and told everything again.
    pub resets: u32,
}

impl BoardClock {
    /// How long the beam was blanked until then; `None` where the board was reset in between.
    pub fn blanked_until(&self, later: &Self) -> Option<Duration> {
        if self.resets != later.resets {
            return None;
        }
        let (uptime, dose) = (
            later.uptime.checked_sub(self.uptime)?,
            later.dose.checked_sub(self.dose)?,
        );
        Some(uptime.saturating_sub(dose))
    }
}

/// The beam of a controller, where it has one.
pub trait BeamPort {
    /// Moves the beam to a candidate and exposes it.
    ///
    /// # Errors
    /// When the controller refuses, because of a dose limit for one.
    fn expose(&mut self, candidate: Candidate) -> Result<(), ControllerError>;

    /// Waits until the exposure under way is over.
    ///
    /// # Errors
    /// When it was cut short by a fault of what drives the beam, or the link is lost for good.
    fn finish(&mut self) -> Result<(), ControllerError> {
        Ok(())
    }

    /// Blanks the beam at once.
    ///
    /// # Errors
    /// When the controller cannot be reached; it then blanks by itself after its time-out.
    fn blank(&mut self) -> Result<(), ControllerError>;

    /// Sets dwell, dose limits, link time-out and where the frame lies, and keeps them through a
    /// reset of the board.
    ///
    /// # Errors
    /// When a setting is out of range, or the link is lost for good.
    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError>;

    /// Sets which lines to a detector the exposures to come use, and keeps them through a reset of
    /// the board.
    ///
    /// # Errors
    /// When the board has no such line, or the link is lost for good.
    fn use_signals(&mut self, _signals: Signals) -> Result<(), ControllerError> {
        Ok(())
    }

    /// What it was told last; `None` where it has no beam.
    fn settings(&self) -> Option<Settings>;

    /// Times that it was reset and told everything again.
    fn resets(&self) -> u32 {
        0
    }

    /// Its clock when the last exposure was found to be over; `None` where it exposed nothing.
    fn clock(&self) -> Option<BoardClock> {
        None
    }

    /// Exposure of the campaign so far by its own account, in µs of beam.
    ///
    /// # Errors
    /// When the link is lost for good.
    fn dose_us(&mut self) -> Result<u64, ControllerError>;
}

/// No beam: what answers at once needs none.
impl BeamPort for () {
    fn expose(&mut self, _: Candidate) -> Result<(), ControllerError> {
        Ok(())
    }

    fn blank(&mut self) -> Result<(), ControllerError> {
        Ok(())
    }

    fn configure(&mut self, _: Settings) -> Result<(), ControllerError> {
        Ok(())
    }

    fn settings(&self) -> Option<Settings> {
        None
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        Ok(0)
    }
}

/// A kernel, wherever it runs. All of them make identical decisions, bit for bit.
pub trait Controller: BeamPort {
    /// Lets the kernel in this process alone decide, and tells a board nothing of it, while a
    /// campaign is read from its journal; afterwards the board is told what it lacks.
    ///
    /// # Errors
    /// When the link is lost for good, or the board holds something else.
    fn set_silent(&mut self, _silent: bool) -> Result<(), ControllerError> {
        Ok(())
    }

    /// Has somebody watch hand-overs, who may break them off.
    fn set_watch(&mut self, _watch: OnHandOver) {}

    /// Tells whoever watches how far something else has come that takes long, and asks whether to go on.
    fn attend(&mut self, _handover: &HandOver) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }

    /// Most measurements that a campaign may come to.
    fn room(&self) -> usize;

    /// Whether models of this network can be handed over.
    ///
    /// # Errors
    /// What the controller does not take.
    fn admit(&self, _network: Network) -> Result<(), ControllerError> {
        Ok(())
    }

    /// Starts over with an image.
    ///
    /// # Errors
    /// When the kernel refuses the image or has no room for it.
    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError>;

    /// [`Self::begin`] with so many responses of a place.
    ///
    /// # Errors
    /// As [`Self::begin`], and for more responses than the kernel has room for; this default has room for one.
    fn begin_with(&mut self, setup: &Setup<'_>, responses: usize) -> Result<(), ControllerError> {
        if responses == 1 {
            return self.begin(setup);
        }
        Err(no_room_for(responses, 1))
    }

    /// Responses of a place that it has room for.
    fn room_for_responses(&self) -> usize {
        1
    }

    /// Chooses the strategy from the next proposal on.
    ///
    /// # Errors
    /// When a setting is out of range.
    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError>;

    /// Hands over a trained model, whose weights are rounded as
    /// [`Encoding::of_weights`](beacon_kernel::link::transfer::Encoding::of_weights) says. `version` counts the models of the campaign from 1, so that a
    /// board can tell which one it has.
    ///
    /// # Errors
    /// When the model does not fit; see [`beacon_kernel::Explorer::load_model`].
    fn load_model(&mut self, model: &Model<'_>, version: u32) -> Result<(), ControllerError>;

    /// Hands over a measured response, in raw units.
    ///
    /// # Errors
    /// When the kernel refuses it; see [`beacon_kernel::Explorer::measure`].
    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError>;

    /// Hands over all measured responses of a place, in the campaign's order and raw units.
    ///
    /// # Errors
    /// When the kernel refuses them; see [`beacon_kernel::Explorer::measure_all`]. This default takes one.
    fn measure_all(
        &mut self,
        candidate: Candidate,
        responses: &[f32],
    ) -> Result<(), ControllerError> {
        match *responses {
            [response] => self.measure(candidate, response),
            _ => Err(beacon_kernel::Error::ResponseCount {
                found: responses.len(),
                expected: 1,
            }
            .into()),
        }
    }

    /// Predicts a response of a candidate, counted from 0.
    ///
    /// # Errors
    /// When there is no model, or no such response; see [`beacon_kernel::Explorer::predict_of`]. This default
    /// predicts none.
    fn predict_of(
        &mut self,
        _candidate: Candidate,
        response: usize,
    ) -> Result<Prediction, ControllerError> {
        Err(no_room_for(response + 1, 1))
    }

    /// Lets the kernel reduce spectra by itself from now on: the response that it takes is
    /// `scalarizer`'s less `origin`, subtracted in f64 and rounded to f32. `origin` is what the
    /// responses handed to [`Self::measure`] are relative to. `None` ends it, and so does
    /// [`Self::begin`].
    ///
    /// # Errors
    /// When a window is empty, the origin is not finite, or the firmware is too old.
    fn reduce_with(
        &mut self,
        scalarizer: Option<Scalarizer>,
        origin: f64,
    ) -> Result<(), ControllerError>;

    /// Hands over the spectrum of a candidate instead of its response; returns the response that
    /// was taken, of several the first, relative to the origin: the bits that [`Self::measure`] would
    /// have been given by a host that reduces the same values with the same scalarizer.
    ///
    /// # Errors
    /// As [`Self::measure`], and without [`Self::reduce_with`], or when the spectrum has fewer
    /// channels than the scalarizer needs, or more than 65535.
    fn measure_spectrum(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<f32, ControllerError> {
        let responses = self.measure_spectrum_all(candidate, spectrum)?;
        // There is one at least.
        Ok(responses[0])
    }

    /// [`Self::reduce_with`] for each response of a place in turn: its windows, and what it is relative to.
    /// None ends it.
    ///
    /// # Errors
    /// As [`Self::reduce_with`], and for another number than the campaign has responses. This default takes one.
    fn reduce_with_all(&mut self, reductions: &[(Scalarizer, f64)]) -> Result<(), ControllerError> {
        match *reductions {
            [] => self.reduce_with(None, 0.0),
            [(scalarizer, origin)] => self.reduce_with(Some(scalarizer), origin),
            _ => Err(beacon_kernel::Error::ResponseCount {
                found: reductions.len(),
                expected: 1,
            }
            .into()),
        }
    }

    /// [`Self::measure_spectrum`]; returns all responses that were taken.
    ///
    /// # Errors
    /// As [`Self::measure_spectrum`].
    fn measure_spectrum_all(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<Responses, ControllerError>;

    /// Proposes nothing any more in these rows and columns of the image.
    ///
    /// # Errors
    /// When there is no image yet.
    fn exclude(&mut self, rows: Range<usize>, columns: Range<usize>)
    -> Result<(), ControllerError>;

    /// Asks for the candidate to measure next and, with `expose`, moves the beam there.
    ///
    /// # Errors
    /// When the strategy lacks what it needs; see [`beacon_kernel::Explorer::propose`].
    fn propose(&mut self, expose: bool) -> Result<Proposal, ControllerError>;

    /// Shows the posterior at every candidate, for monitoring.
    ///
    /// # Errors
    /// When there is no model; see [`beacon_kernel::Explorer::surrogate`].
    fn look_at_surrogate(
        &mut self,
        look: &mut dyn FnMut(&Surrogate<'_>),
    ) -> Result<(), ControllerError>;

    /// Keeps the scores of every proposal from here on, or no longer, for [`Self::take_scores`].
    fn keep_scores(&mut self, keep: bool) {
        let _ = keep;
    }

    /// The scores of all candidates by which the last proposal was chosen, in the strategy's own terms;
    /// `None` where they were not kept, and where chance chose.
    fn take_scores(&mut self) -> Option<Vec<f32>> {
        None
    }

    /// The squared structural distances of all candidates, and how many of the measured points, the first
    /// ones, they include: what [`Self::recall_structure`] takes. `None` where that is none.
    fn structure(&self) -> Option<(usize, Vec<f32>)> {
        None
    }

    /// Takes back the structural distances of the same campaign, where all points that they include were told,
    /// in the same order. Ones that do not fit are worked out anew.
    fn recall_structure(&mut self, known: usize, distances: &[f32]) {
        let _ = (known, distances);
    }

    /// Blanks the beam at the end of a campaign.
    ///
    /// # Errors
    /// When the controller cannot be reached; it then blanks by itself after its time-out.
    fn end(&mut self) -> Result<(), ControllerError>;

    /// What the link has been through; `None` where there is none.
    fn link(&mut self) -> Option<LinkReport> {
        None
    }
}
