//! What happens in a live campaign, as its journal keeps it.
//!
//! Postcard numbers variants and fields by their order: within one version of the journal nothing
//! is inserted, removed or reordered.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::data::{Channels, Map};
use crate::experiment::Region;
use crate::microscope::{Acquired, Beam, Position};

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
pub enum Event {
    /// The campaign began.
    Begun(Box<Begun>),
    /// A program took it up again.
    Resumed {
        /// Its version.
        version: String,
        /// The settings from here on, as TOML.
        settings: String,
    },
    /// The beam is about to be unblanked at a point; its dose counts from here on, whatever comes
    /// of it.
    Exposing(Exposing),
    /// A point was measured.
    Measured(Box<Measured>),
    /// A fresh overview is about to be taken; its dose counts from here on, whatever comes of it.
    Surveying {
        /// Its dose in electrons; 0 where that is not known.
        electrons: f64,
    },
    /// A fresh overview was compared with the first.
    Surveyed(Surveyed),
    /// The instrument failed.
    Failed {
        /// What it said.
        why: String,
    },
    /// A point cannot be measured and is left out from here on.
    LeftOut {
        /// The candidate.
        candidate: u32,
        /// Why.
        why: String,
    },
    /// Somebody wanted something otherwise.
    Commanded(Command),
    /// The campaign ended, or paused until it is resumed.
    Ended {
        /// Why.
        why: String,
    },
    /// Somebody wanted something otherwise that cannot be done.
    Refused {
        /// What.
        command: Command,
        /// Why not.
        why: String,
    },
}

impl Event {
    /// Whether a command was taken, done or not.
    pub(super) fn takes_command(&self) -> bool {
        matches!(self, Self::Commanded(_) | Self::Refused { .. })
    }
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
    /// What was asked for, as TOML.
    pub settings: String,
    /// What the instrument says it is.
    pub instrument: String,
    /// The overview image that the campaign is about.
    pub image: Map,
    /// What the numbers of a spectrum are.
    pub channels: Channels,
    /// What the instrument knows of its beam.
    pub beam: Beam,
    /// Candidates to measure first, where they were given.
    pub seeds: Option<Vec<u32>>,
    /// Dose of the overview in electrons, 0 where it is not known.
    pub electrons: f64,
}

/// The beam on its way to a point.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exposing {
    /// The candidate.
    pub candidate: u32,
    /// Where in the frame, drift included.
    pub position: Position,
    /// Dose that it will be at most, in electrons; 0 where the current is not known.
    pub electrons: f64,
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
    /// Its dose in electrons, 0 where the current is not known.
    pub electrons: f64,
    /// Where the beam really was, row and column of the first overview; known of simulated
    /// samples alone.
    pub true_pixel: Option<(f64, f64)>,
}

/// A comparison of a fresh overview with the first.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Surveyed {
    /// How far the sample has moved down and to the right since, in pixels; `None` where that
    /// cannot be told.
    pub shift: Option<(f64, f64)>,
    /// How far to trust it, 0 to 1.
    pub confidence: f64,
}

/// What somebody wants otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Command {
    /// Another strategy, by its name.
    Strategy(String),
    /// Another target, as a scalarizer is written.
    Target(String),
    /// Nothing is to be measured here any more.
    Exclude(Region),
    /// This candidate is to be measured next.
    Measure(u32),
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Strategy(name) => write!(f, "strategy {name}"),
            Self::Target(text) => write!(f, "target {text}"),
            Self::Exclude(Region { rows, columns }) => write!(
                f,
                "exclude {}..{},{}..{}",
                rows.start, rows.end, columns.start, columns.end
            ),
            Self::Measure(candidate) => write!(f, "measure candidate {candidate}"),
        }
    }
}
