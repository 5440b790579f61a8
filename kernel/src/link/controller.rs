//! The controller's whole logic, independent of the board.

use super::board::Board;
use super::frame;
use super::message::DoseLimits;
use crate::{Capacity, Error, Explorer};

/// What a controller works in, besides the explorer's own memory.
pub struct Memory<'a> {
    /// Receives a frame; [`frame::MAX_BODY`] bytes.
    pub receive: &'a mut [u8],
    /// Holds the last reply until it is acknowledged; [`frame::MAX_FRAME`] bytes.
    pub reply: &'a mut [u8],
    /// Receives an image or weights; [`Memory::staging`] floats.
    pub staging: &'a mut [f32],
    /// Counts the dose of every pixel; [`Memory::doses`] words.
    pub doses: &'a mut [u32],
}

impl Memory<'_> {
    /// Length of the staging memory.
    pub const fn staging(capacity: Capacity) -> usize {
        if capacity.image_pixels > capacity.weights() {
            capacity.image_pixels
        } else {
            capacity.weights()
        }
    }

    /// Length of the memory for doses.
    pub const fn doses(capacity: Capacity) -> usize {
        capacity.candidates
    }

    /// Bytes of all four.
    pub const fn bytes(capacity: Capacity) -> usize {
        frame::MAX_BODY + frame::MAX_FRAME + 4 * (Self::staging(capacity) + Self::doses(capacity))
    }
}

/// What no host may exceed: the board's own ceiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Dose limits that a host may lower but not raise.
    pub dose: DoseLimits,
}

/// An explorer at the end of a serial line.
pub struct Controller<'a> {
    explorer: Explorer<'a>,
    memory: Memory<'a>,
    limits: Limits,
}

impl<'a> Controller<'a> {
    /// A controller in borrowed memory.
    ///
    /// # Errors
    /// [`Error::Capacity`] when a slice is too short.
    pub fn new(explorer: Explorer<'a>, memory: Memory<'a>, limits: Limits) -> Result<Self, Error> {
        Ok(Self {
            explorer,
            memory,
            limits,
        })
    }

    /// Takes one byte from the line. Returns whether a frame is complete: then call
    /// [`Self::poll`] before the next byte.
    pub fn receive(&mut self, byte: u8) -> bool {
        let _ = byte;
        false
    }

    /// Does what is due: answers a complete frame, ends exposures, watches the link. Call it
    /// in every turn of the main loop; `now_ms` counts from reset and never falls.
    pub fn poll(&mut self, now_ms: u64, board: &mut impl Board) {
        let _ = (now_ms, board, &self.explorer, &self.memory, &self.limits);
    }
}
