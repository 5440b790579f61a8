//! The interface between a board and the main loop, and the code that all boards share.
//!
//! A board is chosen by a cargo feature. To add one, write a module with a type that implements
//! [`Hardware`], the free functions `before_main` and `blank_now`, and a memory map; for the images
//! that count what work costs, also a [`WorkCounter`].

use beacon_kernel::link::Exposure;
use beacon_kernel::link::message::{BeamFault, Reading, Signals, Which};

#[cfg(any(feature = "mps2-an500", feature = "mps2-an505"))]
mod mps2;
#[cfg(feature = "nucleo-h743zi")]
mod nucleo_h743zi;

mod counter;
pub mod crash_store;
pub mod memory;
mod serial;
mod start;

pub use counter::WorkCounter;
#[cfg(any(feature = "mps2-an500", feature = "mps2-an505"))]
use mps2::before_main;
#[cfg(any(feature = "mps2-an500", feature = "mps2-an505"))]
pub use mps2::{Counter, Selected, blank_now};
#[cfg(feature = "nucleo-h743zi")]
use nucleo_h743zi::before_main;
#[cfg(feature = "nucleo-h743zi")]
pub use nucleo_h743zi::{Counter, Selected, blank_now};
#[cfg(feature = "panic-test")]
pub use start::fault;
pub use start::{reset, stack_high_water, stack_size, static_ram};

/// The divider that brings a clock nearest to a rate of the link, in bits a second.
///
/// # Errors
/// The nearest rate within the dividers, when it is more than 2 % off: an end then misreads bytes.
const fn baud_divider(clock_hz: u32, baud: u32, least: u32, most: u32) -> Result<u32, u32> {
    let wanted = match clock_hz.saturating_add(baud / 2).checked_div(baud) {
        Some(wanted) => wanted,
        None => most,
    };
    let divider = if wanted < least {
        least
    } else if wanted > most {
        most
    } else {
        wanted
    };
    let Some(found) = clock_hz.checked_div(divider) else {
        return Err(0);
    };
    if found.abs_diff(baud) <= baud / 50 {
        Ok(divider)
    } else {
        Err(found)
    }
}

/// A scan controller's hardware.
///
/// Nothing here blocks for longer than a beam command takes to leave, except [`Hardware::sleep`].
pub trait Hardware: Sized {
    /// The board's name.
    const NAME: &'static str;
    /// The core's clock in Hz.
    const CLOCK_HZ: u32;
    /// How long a host waits for the longest work, in ms: the features of 3600 candidates in the
    /// padded network, which evaluates patch by patch, some 4 G instructions in slices. The unpadded network
    /// needs a hundredth of that.
    const WORK_MS: u32;
    /// The shortest dwell that is kept, in µs.
    const SHORTEST_DWELL_US: u32 = 1;

    /// The hardware, once. The beam is blanked and the watchdog runs when it returns.
    fn take() -> Option<Self>;

    /// Takes received bytes out of their queue.
    fn receive(&mut self, into: &mut [u8]) -> usize;
    /// Queues bytes to be sent, as many as there is room for.
    fn send(&mut self, bytes: &[u8]) -> usize;
    /// Received bytes that found the queue full since the start, and were lost.
    fn lost_bytes(&self) -> u32;

    /// Whether the link can run at a rate, in bits a second.
    ///
    /// # Errors
    /// The nearest rate that it can run at.
    fn check_baud(baud: u32) -> Result<(), u32>;
    /// Changes the rate of the link at once, or returns to the one from reset. Call it when all has
    /// left.
    fn set_baud(&mut self, baud: Option<u32>);
    /// Whether all that was sent has left.
    fn has_sent(&self) -> bool;

    /// Moves the blanked beam, lets it settle, exposes the specimen and blanks it again; with a
    /// dwell of 0 it only moves. Returns at once: a timer does the rest, whatever becomes of the
    /// main loop.
    fn expose(&mut self, exposure: Exposure);
    /// Whether an exposure is under way.
    fn exposing(&self) -> bool;
    /// Whether an exposure can begin.
    ///
    /// # Errors
    /// What is wrong with what drives the beam.
    fn beam_ready(&self) -> Result<(), BeamFault> {
        Ok(())
    }
    /// Whether the last exposure went as it was asked for, as far as it has come.
    ///
    /// # Errors
    /// What cut it short.
    fn beam_outcome(&self) -> Result<(), BeamFault> {
        Ok(())
    }
    /// The board's name, which the host shows: that of the board, and of its detector where it has a
    /// choice.
    fn name(&self) -> &'static str {
        Self::NAME
    }
    /// Whether a detector is read in every exposure.
    fn has_detector(&self) -> bool {
        false
    }
    /// The shortest dwell that the detector can read, in µs.
    fn shortest_reading_us(&self) -> u32 {
        Self::SHORTEST_DWELL_US
    }
    /// What the detector gave over the dwell of the last exposure; `None` while it is under way, and
    /// when it was cut short.
    fn reading(&mut self) -> Option<Reading> {
        None
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
    /// Takes the beam off the specimen and gives up the exposure.
    fn blank(&mut self);

    /// Milliseconds since the start; wraps after 49 days.
    fn milliseconds(&self) -> u32;
    /// A free-running counter of the core's clock, to measure what work costs.
    #[cfg(feature = "defmt")]
    fn ticks(&self) -> u32;

    /// Proves to the watchdog that the main loop runs. Nothing else may call it.
    fn feed_watchdog(&mut self);
    /// Sleeps until an interrupt, unless bytes wait already.
    fn sleep(&mut self);
}
