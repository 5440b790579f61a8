//! What exposures change.

use super::clock::Clock;
use super::config::SimulatedBeam;
use super::damage::Damage;
use crate::microscope::{Acquired, Position};

/// Everything about a simulated instrument that its exposures change.
#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) clock: Clock,
    pub(super) damage: Option<Damage>,
    /// Time in s of the first overview, from which drift is told.
    pub(super) origin: Option<f64>,
    pub(super) overviews: u64,
    /// Acquisitions so far, by the pixel of the sample nearest to each.
    pub(super) repeats: Vec<u64>,
    pub(super) at: Position,
    pub(super) true_pixel: Option<(f64, f64)>,
    /// The last acquisition and its key.
    pub(super) last: Option<(String, Acquired)>,
}

impl State {
    pub(super) fn new(config: &SimulatedBeam, pixels: usize, sleeps: bool) -> Self {
        Self {
            clock: Clock::new(sleeps),
            damage: Damage::new(config, pixels),
            origin: None,
            overviews: 0,
            repeats: vec![0; pixels],
            at: Position { x: 0.5, y: 0.5 },
            true_pixel: None,
            last: None,
        }
    }
}
