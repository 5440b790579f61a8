//! The board that a controller runs on.

use super::message::{BeamFault, Health, Reading, Signals, Which};

/// One stay of the beam on a pixel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Deflection to the right, in 1/65536 of the range.
    pub x: u16,
    /// Deflection downwards, in 1/65536 of the range.
    pub y: u16,
    /// How long to wait, blanked, after moving, in µs.
    pub settle_us: u32,
    /// How long the beam then stays on, in µs; 0 only moves it.
    pub dwell_us: u32,
}

/// A board: its beam, its end of the serial line, its name and its health.
pub trait Board {
    /// Name of the board, at most 24 bytes.
    fn name(&self) -> &str;

    /// Version and build of the firmware, at most 48 bytes.
    fn build(&self) -> &str;

    /// Core clock in Hz; 0 when there is none.
    fn clock_hz(&self) -> u32;

    /// Starts an exposure: move, settle, unblank, dwell, blank. Returns at once or when it is
    /// over; either way the board blanks by itself after the dwell.
    fn expose(&mut self, exposure: Exposure);

    /// Whether an exposure is still under way.
    fn exposing(&mut self) -> bool;

    /// Shortest dwell that the board keeps, in µs.
    fn shortest_dwell_us(&self) -> u32 {
        1
    }

    /// Whether an exposure can begin.
    ///
    /// # Errors
    /// What is wrong with what drives the beam.
    fn beam_ready(&mut self) -> Result<(), BeamFault> {
        Ok(())
    }

    /// Whether the last exposure went as it was asked for, as far as it has come.
    ///
    /// # Errors
    /// What cut it short.
    fn beam_outcome(&mut self) -> Result<(), BeamFault> {
        Ok(())
    }

    /// Sets which lines to a detector the exposures to come use.
    ///
    /// # Errors
    /// The line that the board has not.
    fn set_signals(&mut self, signals: Signals) -> Result<(), Which> {
        match signals {
            Signals {
                ready_ms: Some(_), ..
            } => Err(Which::Ready),
            Signals { gate: true, .. } => Err(Which::Gate),
            _ => Ok(()),
        }
    }

    /// Whether the board reads a detector in every exposure.
    fn has_detector(&self) -> bool {
        false
    }

    /// Shortest dwell that the detector can read, in µs.
    fn shortest_reading_us(&self) -> u32 {
        self.shortest_dwell_us()
    }

    /// What the detector gave over the dwell of the last exposure; `None` while it is under way, and
    /// when it was cut short.
    fn reading(&mut self) -> Option<Reading> {
        None
    }

    /// Whether the line can run at a rate, in bits a second.
    ///
    /// # Errors
    /// The nearest rate that it can run at; 0 where it has one only.
    fn check_baud(&self, _baud: u32) -> Result<(), u32> {
        Err(0)
    }

    /// Changes the rate of the line to one that [`Self::check_baud`] accepted, or back to the one
    /// from reset, when all that was sent has left.
    fn set_baud(&mut self, _baud: Option<u32>) {}

    /// Blanks at once and gives up the exposure, if there is one.
    fn blank(&mut self);

    /// Sends a whole frame. It may wait for room, but must not lose a byte of the frame.
    fn send(&mut self, frame: &[u8]);

    /// Stack, memory, lost bytes and watchdog resets.
    fn health(&mut self) -> Health;

    /// Message of the last panic, which survives the reset that follows it; empty when there was
    /// none.
    fn last_panic(&self) -> &[u8];

    /// Forgets the last panic.
    fn clear_panic(&mut self);
}
