//! What happens to a campaign: the journal is the list of these events, and the campaign's
//! [`State`](super::State) is their fold.
//!
//! Postcard numbers variants and fields by their order: within one version of the journal nothing
//! is inserted, removed or reordered. Further events are added at the end.

use serde::{Deserialize, Serialize};

use super::{Command, Ended, Region};
use crate::components::BasisChange;
use crate::data::Axis;
use crate::data::Channels;
use crate::data::Map;
use crate::microscope::{Acquired, Beam, Position};
use crate::units::{Electrons, Seconds};

/// An event and when it happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Milliseconds since the beginning of 1970, UTC.
    pub at_ms: u64,
    /// Milliseconds that the campaign has been running, without the time between a stop and the
    /// resume after it.
    pub elapsed_ms: u64,
    /// What happened.
    pub event: Event,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Event {
    /// The campaign began. The beam was not on yet.
    Begun(Box<Begun>),
    /// A program took the campaign up again.
    Resumed(Resumed),
    /// An overview is about to be taken. Its dose counts from here on, whatever comes of it.
    Surveying {
        /// Its dose; 0 where that is not known.
        electrons: Electrons,
    },
    /// The first overview was taken: what the campaign is about.
    Overview(Box<Overview>),
    /// A later overview was compared with the first.
    Surveyed(Surveyed),
    /// The kernel proposed the next point.
    Proposed(Proposed),
    /// The beam is about to be unblanked at a point. Its dose counts from here on, whatever comes
    /// of it.
    Exposing(Exposing),
    /// The exposure did not begin: its dose does not count.
    NotExposed {
        /// Why.
        why: String,
    },
    /// A point was measured.
    Measured(Box<Measured>),
    /// A point cannot be measured and is left out from here on.
    LeftOut {
        /// The candidate.
        candidate: u32,
        /// Why.
        why: String,
    },
    /// The instrument failed. What was announced counts.
    Failed {
        /// What it said.
        why: String,
    },
    /// The model was trained on all usable points.
    Trained(Trained),
    /// A person gave a command, and it holds.
    Commanded(Given),
    /// A person gave a command that the campaign refused.
    Refused {
        /// The command.
        given: Given,
        /// Why not.
        why: String,
    },
    /// All points so far were reduced by a further scalarizer.
    Reduced {
        /// The scalarizer, as it is written.
        scalarizer: String,
        /// The response of every point so far, in the order they were measured. NaN for a point
        /// that has none.
        responses: Vec<f64>,
    },
    /// The campaign ended, until it is resumed.
    Ended(#[serde(with = "as_json")] Ended),
    /// A person gave the exposure or overview under way up, which is no failure of the instrument. What
    /// was announced counts.
    GivenUp {
        /// What the instrument said.
        why: String,
    },
    /// What the model expects of each further response at the point that was proposed last, where
    /// several are sought.
    Foreseen(Vec<Foreseen>),
    /// The components that are sought were learnt, from the points so far.
    Components(Box<Components>),
}

/// What a campaign begins with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Begun {
    /// Version of the program.
    pub version: String,
    /// Revision of what decides: [`crate::campaign::ALGORITHM`].
    pub algorithm: u32,
    /// Recognises the campaign's acquisitions among all others.
    pub id: u64,
    /// The settings, as TOML.
    pub settings: String,
    /// What the instrument says it is.
    pub instrument: String,
    /// What the numbers of a spectrum are.
    pub channels: Channels,
    /// What the instrument knows of its beam before it is used.
    pub beam: Beam,
    /// Rows and columns of an overview, where the instrument knows before it takes one.
    pub frame: Option<(Axis, Axis)>,
    /// How long the beam is on for an overview, where the instrument knows.
    pub overview_time: Option<Seconds>,
    /// Longest time with the beam on in one exposure, relative to its live time.
    pub real_to_live: f64,
    /// Candidates to measure first, where they were given.
    pub seeds: Option<Vec<u32>>,
}

/// What a campaign goes on with.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resumed {
    /// Version of the program.
    pub version: String,
    /// The settings from here on, as TOML.
    pub settings: String,
    /// Longest time with the beam on in one exposure, relative to its live time.
    pub real_to_live: f64,
}

/// The first overview.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    /// The image.
    pub image: Map,
    /// What the instrument knows of its beam once it was used.
    pub beam: Beam,
    /// Pixels without data, which are no candidates.
    pub absent: Vec<Region>,
}

/// The comparison of a later overview with the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surveyed {
    /// How far the sample has moved down and to the right since, in pixels; `None` where that
    /// is not known.
    pub shift: Option<(f64, f64)>,
    /// How far to trust it, 0 to 1.
    pub confidence: f64,
}

/// A point that the kernel proposed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proposed {
    /// The candidate.
    pub candidate: u32,
    /// Usable points that the kernel knew.
    pub step: u32,
    /// Its score by the strategy.
    pub score: f32,
    /// Predicted mean, relative to `origin`, and standard deviation; `None` without a model.
    pub prediction: Option<(f32, f32)>,
    /// What the predicted mean is relative to, in the units of the response.
    pub origin: f64,
    /// How long the kernel took, in seconds.
    pub seconds: f64,
}

/// What the model expects of one response.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Foreseen {
    /// Mean, relative to `origin`, and standard deviation.
    pub prediction: (f32, f32),
    /// What the mean is relative to, in the units of the response.
    pub origin: f64,
}

/// Components of the spectra measured so far: what they are from here on, and were of every point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Components {
    /// What they were learnt from.
    pub change: BasisChange,
    /// What each channel counts, a row a component.
    pub weights: Vec<Vec<f64>>,
    /// The components of every point so far, a row a point in the order they were measured. NaN for a point
    /// whose spectrum is not known.
    pub responses: Vec<Vec<f64>>,
}

/// The beam on its way to a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exposing {
    /// The candidate.
    pub candidate: u32,
    /// Where in the frame, drift included.
    pub position: Position,
    /// Dose that it will be at most; 0 where the current is not known.
    pub electrons: Electrons,
}

/// A measured point.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// The candidate.
    pub candidate: u32,
    /// Where in the frame, drift included.
    pub position: Position,
    /// What was acquired.
    pub acquired: Acquired,
    /// Its dose; 0 where the current is not known.
    pub electrons: Electrons,
    /// Where the beam really was, row and column of the first overview; known of simulated
    /// samples alone.
    pub true_pixel: Option<(f64, f64)>,
}

/// A training.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trained {
    /// Usable points that it was trained on.
    pub points: u32,
    /// CRC-32 of the weights: a program that trains otherwise is noticed.
    pub checksum: u32,
    /// How long it took, in seconds, with handing the model over.
    pub seconds: f64,
    /// How long handing the model over took, in seconds.
    pub handing_over_seconds: f64,
}

/// A command, and who gave it when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// The command.
    pub command: Command,
    /// Who gave it, by the name they gave; empty without one.
    pub by: String,
    /// When, in milliseconds since the beginning of 1970, UTC.
    pub at_ms: u64,
}

/// The reason of an end as JSON: its tagged form is one that postcard does not read back.
mod as_json {
    use serde::de::Error as _;
    use serde::ser::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Ended;

    pub(super) fn serialize<S: Serializer>(ended: &Ended, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&serde_json::to_string(ended).map_err(S::Error::custom)?)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Ended, D::Error> {
        serde_json::from_str(&String::deserialize(from)?).map_err(D::Error::custom)
    }
}
