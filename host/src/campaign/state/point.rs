//! Candidates and points: where they stand, who chose them, and what was measured.

use beacon_kernel::{Candidate, Pixel};

use crate::campaign::{Foreseen, Proposed};
use crate::microscope::Position;
use crate::units::{Electrons, Seconds};

/// What a candidate is: exactly one of these at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It may be proposed.
    Free,
    /// It was chosen and is exposed next.
    Next,
    /// The beam is on its way to it or on it.
    Exposing,
    /// It was measured, and counts.
    Measured,
    /// A person excluded it.
    Excluded,
    /// It cannot be measured, or its measurement cannot be used.
    LeftOut,
    /// It was measured, and a person discarded the measurement.
    Discarded,
}

/// Who chose a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// It was among the points given to start from, or in an order that is followed.
    Plan,
    /// The kernel, at random, before the strategy has a say.
    Chance,
    /// The kernel, by its strategy.
    Strategy,
    /// A person.
    Person,
}

/// The point that is measured next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextPoint {
    /// The candidate.
    pub candidate: Candidate,
    /// Who chose it.
    pub author: Author,
    /// The kernel's proposal, where the kernel chose it.
    pub proposed: Option<Proposed>,
    /// Whether it still waits for approval.
    pub waits: bool,
    /// Whether an exposure of it was begun and failed. The sample may have been exposed there, so
    /// this point comes before any other.
    pub begun: bool,
}

/// A measured point. Its spectrum is in the journal, where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredPoint {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
    /// Where in the frame it was measured, drift included.
    pub position: Position,
    /// Where the beam really was, row and column of the first overview; known of simulated
    /// samples alone.
    pub true_pixel: Option<(f64, f64)>,
    /// How long the detectors were ready to count.
    pub live_time: Seconds,
    /// How long the beam was on.
    pub real_time: Seconds,
    /// Its dose; 0 where the current is not known.
    pub electrons: Electrons,
    /// A number from each scalarizer; NaN where one gave none.
    pub responses: Vec<f64>,
    /// Who chose it.
    pub author: Author,
    /// The kernel's proposal, where the kernel chose it.
    pub proposed: Option<Proposed>,
    /// What was expected of each further response that was sought, where several were; none without a model.
    pub foreseen: Vec<Foreseen>,
    /// Targets sought before the one that it was chosen under.
    pub revision: u32,
    /// Whether a person discarded it.
    pub discarded: bool,
}
