//! Instruments behind one trait: overview image, beam, spectra with live time, calibrations.
//!
//! | `--microscope` | what |
//! |---|---|
//! | `replay:IMAGE,RESPONSE` | data acquired before, as if they were measured now |
//! | `specimen[:NAME[:SEED]]` | a built-in specimen under a simulated beam |
//! | `pyro:HOST:PORT` | DTMicroscope, the digital twin, over Pyro5 |
//! | `bridge:HOST:PORT` | an instrument behind the line-JSON bridge, such as AutoScript |
//! | `controller:serial:PORT`, `controller:emulated` | a scan controller that reads a detector by itself |
//!
//! Nothing here decides, retries or records: that is a live campaign's.

mod bridge;
mod choice;
mod error;
mod functions;
mod interrupt;
mod network;
pub mod pyro;
mod scanner;
mod simulated;

pub use bridge::{BridgeMicroscope, BridgeOptions};
pub use choice::{MicroscopeChoice, MicroscopeOptions, Opened, UnknownMicroscope};
pub use error::MicroscopeError;
pub use functions::{FromFunctions, from_functions};
pub use interrupt::{Interrupt, Urgency};
pub use scanner::{ScanOptions, ScannerMicroscope};
pub use simulated::{ReplayMicroscope, ReplayOptions, SimulatedBeam, SpecimenMicroscope};

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::data::{Axis, Behaviour, Channels, Map, Region};
use crate::scalarizer::Scalarizer;
use crate::units::{Picoamperes, Seconds};

/// A place in the frame of the overview image, in fractions of it: (0, 0) is its upper left
/// corner and (1, 1) its lower right one, so that pixels have their centres at (column + ½) /
/// width and (row + ½) / height.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// To the right, along a row.
    pub x: f64,
    /// Downwards, along a column.
    pub y: f64,
}

impl Position {
    /// The place at a row and a column of an image of `height` × `width` pixels, whole numbers
    /// being the centres of pixels.
    pub fn of_pixel(row: f64, column: f64, height: usize, width: usize) -> Self {
        Self {
            x: (column + 0.5) / width as f64,
            y: (row + 0.5) / height as f64,
        }
    }

    /// Row and column of the place in an image of `height` × `width` pixels, whole numbers being
    /// the centres of pixels.
    pub fn pixel(self, height: usize, width: usize) -> (f64, f64) {
        (self.y * height as f64 - 0.5, self.x * width as f64 - 0.5)
    }

    /// The pixel of an image of `height` × `width` pixels that the place lies in; `None` outside
    /// the frame.
    pub fn nearest_pixel(self, height: usize, width: usize) -> Option<(usize, usize)> {
        // A place on the lower or right border belongs to the last pixel.
        let index = |fraction: f64, size: usize| ((fraction * size as f64) as usize).min(size - 1);
        self.is_inside()
            .then(|| (index(self.y, height), index(self.x, width)))
    }

    /// Whether it lies in the frame.
    pub fn is_inside(self) -> bool {
        (0.0..=1.0).contains(&self.x) && (0.0..=1.0).contains(&self.y)
    }

    /// Refuses a place outside the frame.
    ///
    /// # Errors
    /// [`MicroscopeError::Outside`].
    pub fn require_inside(self) -> Result<(), MicroscopeError> {
        let Self { x, y } = self;
        let outside = MicroscopeError::Outside { x, y };
        self.is_inside().then_some(()).ok_or(outside)
    }
}

/// What was acquired at one place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Acquired {
    /// A value a channel, summed over the detectors.
    pub spectrum: Vec<f64>,
    /// Sum over the channels of each detector, where there are several: they tell shadowing and
    /// a detector that is out.
    pub detectors: Vec<f64>,
    /// How long the detectors were ready to count.
    pub live_time: Seconds,
    /// How long the beam was on.
    pub real_time: Seconds,
}

impl Acquired {
    /// Of one detector without dead time: the beam was on for as long as it counted.
    pub(crate) fn without_dead_time(spectrum: Vec<f64>, dwell: Duration) -> Self {
        Self {
            spectrum,
            detectors: Vec::new(),
            live_time: dwell.into(),
            real_time: dwell.into(),
        }
    }
}

/// What an instrument knows of its beam.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Beam {
    /// Current; `None` where the instrument does not tell.
    pub current: Option<Picoamperes>,
    /// Dwell on each pixel of an overview; `None` where the instrument does not tell.
    pub overview_dwell: Option<Seconds>,
}

/// An exposure that a simulated instrument has to be told of when a campaign goes on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Past {
    /// An overview image.
    Overview,
    /// An acquisition at a place, with the dwell that was asked for.
    Acquisition(Position, Duration),
}

/// An instrument.
///
/// The beam is blanked at all times but within [`Self::acquire`] and [`Self::overview`], whether
/// they succeed or fail: an implementation that cannot be sure of it asks the instrument to blank
/// before it returns an error.
pub trait Microscope {
    /// What it is, with version where it tells one: for records.
    fn description(&self) -> String;

    /// Takes an overview image, its axes calibrated where the instrument is.
    ///
    /// # Errors
    /// When the instrument fails or answers with something else.
    fn overview(&mut self) -> Result<Map, MicroscopeError>;

    /// What the numbers of its spectra are. Constant as long as a campaign lasts.
    fn channels(&self) -> &Channels;

    /// What it knows of its beam.
    fn beam(&self) -> Beam;

    /// Energy of its beam, in keV; `None` where the instrument does not tell.
    fn beam_energy(&self) -> Option<f64> {
        None
    }

    /// Moves the blanked beam.
    ///
    /// # Errors
    /// When the place lies outside the frame or the instrument fails.
    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError>;

    /// Unblanks the beam where it is, acquires for `dwell` of live time, and blanks.
    ///
    /// `key` names this acquisition among all others. An instrument that has just made it, and
    /// whose answer was lost, answers with it again instead of exposing the sample twice.
    ///
    /// # Errors
    /// When the instrument fails or answers with something else.
    fn acquire(&mut self, dwell: Duration, key: &str) -> Result<Acquired, MicroscopeError>;

    /// The longest that the beam can be on in one acquisition, relative to its live time: dose is
    /// announced by it before it is spent. 1 where nothing is dead.
    fn longest_real_to_live(&self) -> f64 {
        1.0
    }

    /// Rows and columns of an overview, where they are known before one is taken.
    fn frame(&self) -> Option<(Axis, Axis)> {
        None
    }

    /// How long the beam is on for an overview, where that is known before one is taken.
    fn overview_time(&self) -> Option<Seconds> {
        let (rows, columns) = self.frame()?;
        let dwell = self.beam().overview_dwell?;
        Some(dwell * (rows.size * columns.size) as f64)
    }

    /// Pixels that cannot be measured, besides those where the overview itself has no number.
    fn absent(&self) -> Vec<Region> {
        Vec::new()
    }

    /// What a person should know of its data before a campaign begins.
    fn caution(&self) -> Option<&str> {
        None
    }

    /// Blanks the beam.
    ///
    /// # Errors
    /// When the instrument cannot be reached.
    fn blank(&mut self) -> Result<(), MicroscopeError>;

    /// Finds the instrument again after an error that [passes](MicroscopeError::is_passing).
    ///
    /// # Errors
    /// When it is not there, or is another one.
    fn reconnect(&mut self) -> Result<(), MicroscopeError>;

    /// Where an exposure that takes its time looks whether it is to be given up: then it ends
    /// within about a second, blanked, as [`MicroscopeError::Aborted`]. An instrument that answers
    /// at once need not look.
    fn set_interrupt(&mut self, _interrupt: Interrupt) {}

    /// Where it looks, so that whoever runs the campaign can have an exposure given up; `None` of one that
    /// does not look.
    fn interrupt(&self) -> Option<Interrupt> {
        None
    }

    /// The noiseless response at every pixel of the overview, where that is known: for judging a
    /// campaign, never for steering one.
    fn truth(&self, _target: &Scalarizer) -> Option<Map> {
        None
    }

    /// What there is to discover, where it is known: for judging a campaign, never for steering
    /// one.
    fn behaviours(&self) -> &[Behaviour] {
        &[]
    }

    /// Where on the sample the beam really was at the last acquisition, as (row, column) of the
    /// first overview, where that is known: for judging drift correction, never for steering.
    fn true_pixel(&self) -> Option<(f64, f64)> {
        None
    }

    /// Brings a simulated instrument, which ended with the program, to where it was: as after
    /// these exposures. Real ones know themselves.
    fn fast_forward(&mut self, _past: &[Past]) {}
}
