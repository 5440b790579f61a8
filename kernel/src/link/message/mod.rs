//! The messages between host and controller: every request and every reply.
//!
//! Variants and fields are numbered by their order (postcard), so nothing is inserted, removed or
//! reordered; `tests/tests/all/link_golden.rs` pins every byte. What is added goes to the end of
//! its list and belongs to a protocol version of its own: [`Request::since`] says which.

mod beam;
mod bench;
mod identity;
mod kernel;
mod overview;
mod refusal;
mod status;
mod transfer;
mod vectors;

pub use beam::{DoseLimits, Field, Settings};
pub use bench::{Pulse, Signals, Spot};
pub use identity::{Hello, Identity, OtherHost};
pub use kernel::{
    Acquisition, Architecture, Capacity, Edges, Hyperparameters, Measurement, Prediction, Proposal,
    References, Sampling, Standardisation, Strategy, WindowLimits,
};
pub use overview::{Raster, Reading};
pub use refusal::{KernelError, Refusal, Which};
pub use status::{Beam, BeamFault, BlankReason, Health, LinkStatistics, Phase, Status};
pub use transfer::{Descriptor, Encoding, Kind, Payload, Progress};
pub use vectors::{Reduction, Several, Vectors};

use serde::{Deserialize, Serialize};

use super::scalarizer::Scalarizer;

/// What the host asks for. Each is answered by exactly one [`Reply`], possibly after
/// [`Reply::Busy`].
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// The controller's whole state. → [`Reply::Status`]
    Status,
    /// The settings in force. → [`Reply::Configuration`]
    Configuration,
    /// Measured candidates with their responses, in order. → [`Reply::Measurements`]
    Measurements {
        /// Index of the first that is wanted.
        from: u32,
    },
    /// The posterior at every candidate. → [`Reply::Surrogate`]
    Surrogate {
        /// First candidate that is wanted.
        from: u32,
    },
    /// The message of the last panic. → [`Reply::LastPanic`]
    LastPanic {
        /// Index of the first byte that is wanted.
        from: u32,
    },
    /// Forgets the last panic. → [`Reply::Done`]
    ClearPanic,
    /// Sets the link's counters to zero. → [`Reply::Done`]
    ResetCounters,
    /// Starts a campaign; the image follows. Repeating the running campaign's changes nothing.
    /// → [`Reply::Done`]
    Begin(Campaign),
    /// Changes the strategy from the next proposal on. → [`Reply::Done`]
    Choose(Acquisition),
    /// Sets beam, dose limits and link time-out. → [`Reply::Done`]
    Configure(Settings),
    /// Sets how a spectrum becomes a response. → [`Reply::Done`]
    Scalarize(Scalarizer),
    /// Begins a transfer, or goes on with the same one. → [`Reply::Progress`]
    Transfer(Descriptor),
    /// The bytes at an offset, as raw part. → [`Reply::Progress`]
    Chunk {
        /// Which transfer.
        kind: Kind,
        /// Offset of the first byte in the payload.
        offset: u32,
    },
    /// How far a transfer has come. → [`Reply::Progress`]
    Query {
        /// Which transfer.
        kind: Kind,
    },
    /// Makes a complete transfer take effect. → [`Reply::Done`], or [`Reply::Measured`] for a
    /// spectrum
    Commit(Activation),
    /// Forgets a transfer. → [`Reply::Done`]
    Abort {
        /// Which transfer.
        kind: Kind,
    },
    /// A measured response. → [`Reply::Measured`]
    Measure {
        /// The candidate and its response.
        measurement: Measurement,
        /// What to do then.
        next: Next,
    },
    /// The candidate to measure next. → [`Reply::Proposed`]
    Propose {
        /// Whether to expose it as well.
        expose: bool,
    },
    /// Moves the beam to a candidate's pixel, for the configured dwell. → [`Reply::Exposed`]
    Expose {
        /// The candidate.
        candidate: u32,
    },
    /// Blanks the beam at once, whatever the sequence number. → [`Reply::Done`]
    Blank,
    /// Ends the campaign and blanks the beam. → [`Reply::Done`]
    End {
        /// Id of the campaign.
        campaign: u32,
    },
    /// Sets the origin. The controller subtracts it from the response of every spectrum that
    /// follows, before it rounds the response to f32. A host sends the campaign's first response,
    /// so that responses of spectra and of [`Self::Measure`] have one origin. [`Self::Begin`] sets
    /// it to 0. → [`Reply::Done`]
    Origin {
        /// Finite.
        value: f64,
    },
    /// Excludes a region from all further proposals. → [`Reply::Done`]
    Exclude(Region),
    /// [`Self::Begin`] with other candidates. Repeating the running campaign's changes nothing.
    /// Since version 2. → [`Reply::Done`]
    BeginWith {
        /// The campaign.
        campaign: Campaign,
        /// What becomes of windows that reach beyond the image.
        edges: Edges,
    },
    /// [`Self::Transfer`], [`Self::Chunk`] and [`Self::Commit`] of a model whose weights fit in
    /// the raw part of one frame. Since version 2. → [`Reply::Done`]
    Load {
        /// Describes the weights.
        weights: Descriptor,
        /// The model without its weights.
        header: ModelHeader,
    },
    /// Moves the blanked beam, while no campaign runs. Since version 2. → [`Reply::Done`]
    Point(Spot),
    /// Exposes a place, while no campaign runs. The board's own dose limits hold, for every place
    /// and in all. Since version 2. → [`Reply::Exposed`], with the dose of the place
    Pulse(Pulse),
    /// Changes the rate of the line once the reply has left. The controller returns to the rate
    /// that it has from reset when no intact frame comes within [`super::BAUD_TRIAL_MS`], and when
    /// the link is lost. Since version 2. → [`Reply::Done`]
    Baud {
        /// Bits a second.
        baud: u32,
    },
    /// Sets which lines to a detector are used; none after a reset and when a campaign begins.
    /// Since version 2.
    /// → [`Reply::Done`]
    Signals(Signals),
    /// Takes an overview, whose pixels [`Self::Pixels`] then tells; the room for transfers holds
    /// them until the next one begins. Since version 2. → [`Reply::Exposed`], the dose of the pixel
    /// that has had most
    Overview(Raster),
    /// Values of the overview, as far as they are final. Since version 2. → [`Reply::Pixels`]
    Pixels {
        /// The first pixel that is wanted, counted row by row.
        from: u32,
    },
    /// What the detector gave in the last exposure. Since version 2. → [`Reply::Reading`]
    Reading,
    /// How many responses a place may have, and those measured last. Since version 2. →
    /// [`Reply::Vectors`]
    Vectors,
    /// [`Self::BeginWith`] for several responses of a place. Repeating the running campaign's changes
    /// nothing. Since version 2. → [`Reply::Done`]
    BeginVectors {
        /// The campaign.
        campaign: Campaign,
        /// What becomes of windows that reach beyond the image.
        edges: Edges,
        /// Responses of a place, 1 to as many as there is room for.
        responses: u8,
    },
    /// All responses of a place. Since version 2. → [`Reply::Measured`], with the first of them
    MeasureVector {
        /// The candidate.
        candidate: u32,
        /// Its responses, as many as the campaign has.
        responses: Several<f32>,
        /// What to do then.
        next: Next,
    },
    /// [`Self::Load`] in a campaign of several responses. Since version 2. → [`Reply::Done`]
    LoadVectors {
        /// Describes the weights.
        weights: Descriptor,
        /// The model without its weights.
        header: ModelHeader,
        /// Statistics of the further responses.
        others: Several<Standardisation>,
    },
    /// [`Self::Scalarize`] and [`Self::Origin`] for each of several responses. Since version 2. →
    /// [`Reply::Done`]
    Reduce(Several<Reduction>),
    /// [`Self::Measurements`] with another of several responses. Since version 2. →
    /// [`Reply::Measurements`]
    MeasurementsOf {
        /// Which response, from 0.
        response: u8,
        /// Index of the first that is wanted.
        from: u32,
    },
    /// [`Self::Surrogate`] of another of several responses. Since version 2. → [`Reply::Surrogate`]
    SurrogateOf {
        /// Which response, from 0.
        response: u8,
        /// First candidate that is wanted.
        from: u32,
    },
}

/// A rectangle of the image's pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Region {
    /// First row.
    pub top: u16,
    /// Row after the last.
    pub bottom: u16,
    /// First column.
    pub left: u16,
    /// Column after the last.
    pub right: u16,
}

/// What a campaign is started from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Campaign {
    /// Chosen by the host, to recognise it again.
    pub id: u32,
    /// Fixes every random number.
    pub seed: u64,
    /// Rows of the image.
    pub height: u16,
    /// Columns of the image.
    pub width: u16,
    /// Side of the window, in pixels.
    pub window: u16,
}

/// What the controller does after a measurement, without another request of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Next {
    /// Nothing.
    Nothing,
    /// The next proposal.
    Propose,
    /// The next proposal, and the beam goes there.
    Expose,
}

/// How a complete transfer takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Activation {
    /// The image of the campaign that [`Request::Begin`] described; the measurements are cleared.
    Image,
    /// The weights, with everything else that makes a model.
    Model(ModelHeader),
    /// The spectrum becomes a response by the configured scalarizer, or several.
    Spectrum {
        /// What to do then.
        next: Next,
    },
    /// [`Self::Model`] in a campaign of several responses. Since version 2.
    ModelOfVectors {
        /// The model without its weights.
        header: ModelHeader,
        /// Statistics of the further responses.
        others: Several<Standardisation>,
    },
}

/// A model without its weights.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ModelHeader {
    /// Counted by the host; reported in [`Status`].
    pub version: u32,
    /// Hyperparameters of the Gaussian process.
    pub hyperparameters: Hyperparameters,
    /// Statistics of the responses.
    pub standardisation: Standardisation,
}

/// The controller's answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The controller has done what the request says.
    Done,
    /// The controller works on the request; the answer follows. The host counts no attempt.
    Busy {
        /// Milliseconds after which to ask again.
        milliseconds: u32,
    },
    /// The controller has done nothing, for this reason.
    Refused(Refusal),
    /// The controller's state.
    Status(Status),
    /// The settings in force.
    Configuration(Configuration),
    /// Raw part: for each, the candidate as u32 and its response as f32, little-endian.
    Measurements {
        /// Index of the first.
        from: u32,
        /// How many there are in all.
        total: u32,
    },
    /// Raw part: for each candidate mean and variance as f32, little-endian, standardised.
    Surrogate {
        /// The first candidate.
        from: u32,
        /// How many there are in all.
        total: u32,
        /// Variance of the measurement noise.
        noise: f32,
        /// How to return to the units of the response.
        standardisation: Standardisation,
    },
    /// Raw part: bytes of the message, UTF-8.
    LastPanic {
        /// Index of the first byte.
        from: u32,
        /// How many there are in all.
        total: u32,
    },
    /// How far a transfer has come.
    Progress {
        /// Bytes received in order; the next chunk starts here.
        received: u32,
    },
    /// A measurement was accepted.
    Measured(Measured),
    /// The candidate to measure next.
    Proposed(Proposed),
    /// The beam goes to a candidate's pixel.
    Exposed {
        /// Dose of this pixel so far, this exposure included, in µs of beam.
        pixel_dose_us: u32,
        /// Dose of the campaign so far, in µs of beam.
        total_dose_us: u64,
    },
    /// Raw part: for each pixel its value as f32, little-endian; NaN where the detector was
    /// saturated, overflowed or gave nothing.
    Pixels {
        /// The first pixel.
        from: u32,
        /// Pixels whose values are final.
        taken: u32,
        /// How many there are in all; 0 when the board holds no overview.
        total: u32,
        /// CRC-32 of the bytes of all values, once all are final.
        crc: Option<u32>,
    },
    /// What the detector gave.
    Reading {
        /// Exposures of the campaign so far, the one that was read included.
        exposures: u32,
        /// `None` while an exposure is under way, and when the last one was cut short.
        reading: Option<Reading>,
    },
    /// How many responses there may be, and what was measured last.
    Vectors(Vectors),
}

/// An accepted measurement and what followed it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Measurements so far.
    pub count: u32,
    /// The response that was taken, the first of several: the scalarizer's for a spectrum.
    pub value: f32,
    /// What followed.
    pub next: Followed,
}

/// What followed a measurement. It stays accepted whatever this says.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Followed {
    /// Nothing was asked for.
    Nothing,
    /// The next proposal.
    Proposed(Proposed),
    /// The response is kept, but the model no longer fits or nothing can be proposed.
    Refused(Refusal),
}

/// A proposal, and whether the beam exposes it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// The proposal.
    pub proposal: Proposal,
    /// Whether its pixel was exposed.
    pub exposure: Exposed,
}

/// Whether a proposed pixel was exposed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Exposed {
    /// It was not asked for.
    No,
    /// It was.
    Yes,
    /// It was asked for and refused.
    Refused(Refusal),
}

/// The settings in force on a controller.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configuration {
    /// Strategy and its settings.
    pub acquisition: Acquisition,
    /// Beam, dose limits, link time-out.
    pub settings: Settings,
    /// How a spectrum becomes a response, the first of several.
    pub scalarizer: Option<Scalarizer>,
}

impl Request {
    /// The protocol version that the request, with all it carries, belongs to.
    pub fn since(&self) -> u8 {
        match self {
            Self::BeginWith { .. }
            | Self::Load { .. }
            | Self::Point(_)
            | Self::Pulse(_)
            | Self::Baud { .. }
            | Self::Signals(_)
            | Self::Overview(_)
            | Self::Pixels { .. }
            | Self::Reading
            | Self::Vectors
            | Self::BeginVectors { .. }
            | Self::MeasureVector { .. }
            | Self::LoadVectors { .. }
            | Self::Reduce(_)
            | Self::MeasurementsOf { .. }
            | Self::SurrogateOf { .. }
            | Self::Commit(Activation::ModelOfVectors { .. }) => 2,
            Self::Transfer(descriptor) => descriptor.payload.since(),
            _ => 1,
        }
    }

    /// Whether raw bytes follow the message.
    pub fn carries_raw(&self) -> bool {
        matches!(
            self,
            Self::Chunk { .. } | Self::Load { .. } | Self::LoadVectors { .. }
        )
    }

    /// Whether it may start an exposure or disturb one, and so has to wait for one that is under
    /// way.
    pub fn needs_beam(&self) -> bool {
        matches!(
            self,
            Self::Expose { .. }
                | Self::Point(_)
                | Self::Pulse(_)
                | Self::Signals(_)
                | Self::Overview(_)
                | Self::Propose { expose: true }
                | Self::Commit(Activation::Spectrum { next: Next::Expose })
                | Self::Measure {
                    next: Next::Expose,
                    ..
                }
                | Self::MeasureVector {
                    next: Next::Expose,
                    ..
                }
        )
    }

    /// Whether the work may outlast a host's patience, so that [`Reply::Busy`] goes first.
    pub fn takes_long(&self) -> bool {
        matches!(
            self,
            Self::Commit(_)
                | Self::Load { .. }
                | Self::LoadVectors { .. }
                | Self::Propose { .. }
                | Self::Surrogate { .. }
                | Self::SurrogateOf { .. }
                | Self::Measure {
                    next: Next::Propose | Next::Expose,
                    ..
                }
                | Self::MeasureVector {
                    next: Next::Propose | Next::Expose,
                    ..
                }
        )
    }
}

impl Reply {
    /// The reply as a host of this protocol version can read it: what was added later is left out,
    /// or told by what comes nearest to it.
    #[must_use]
    pub fn within(mut self, version: u8) -> Self {
        if let Self::Status(status) = &mut self {
            let known = |progress: &Progress| progress.descriptor.payload.since() <= version;
            status.transfer = status.transfer.filter(known);
            status.beam = status.beam.within(version);
        }
        if let Some(refusal) = self.refusal_mut() {
            *refusal = refusal.within(version);
        }
        self
    }

    /// The refusal that it tells, whole or in part.
    fn refusal_mut(&mut self) -> Option<&mut Refusal> {
        let proposed = match self {
            Self::Refused(refusal) => return Some(refusal),
            Self::Proposed(proposed) => proposed,
            Self::Measured(measured) => match &mut measured.next {
                Followed::Refused(refusal) => return Some(refusal),
                Followed::Proposed(proposed) => proposed,
                Followed::Nothing => return None,
            },
            _ => return None,
        };
        match &mut proposed.exposure {
            Exposed::Refused(refusal) => Some(refusal),
            Exposed::No | Exposed::Yes => None,
        }
    }

    /// Whether raw bytes follow the message.
    pub fn carries_raw(&self) -> bool {
        matches!(
            self,
            Self::Measurements { .. }
                | Self::Surrogate { .. }
                | Self::LastPanic { .. }
                | Self::Pixels { .. }
        )
    }
}
