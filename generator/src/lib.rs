//! A model of the FPGA scan generator that Open Beam Interface commands drive, clock cycle by
//! clock cycle: what its pins do, and when, for any stream of bytes.
//!
//! | part | module | what it holds |
//! |---|---|---|
//! | [`Front`] | `front` | bytes on their way in: a serial line with its FIFO, or no line at all |
//! | parser | `parser` | bytes to commands |
//! | executor | `executor` | one command at a time; blanking, external control, synchronisation |
//! | pipeline | `pipeline` | dwell counter, converters' bus, samples on their way back |
//! | [`Generator`] | `generator` | all of it, its pins and its output |
//! | [`Detector`] | `detector` | what a detector sees, where and while the beam is on |
//! | [`Record`] | `record` | what the pins exposed, where and how long |
//! | [`Attached`] | `serve` | a generator at the end of a connection, in real time |
//!
//! The behaviour is that of the public gateware (Open Beam Interface, 2026-03), its faults
//! included: every register that a pin depends on is here. Written anew from its behaviour, and
//! compared with recordings of its simulation in `generator/tests/recordings.rs`. Time that
//! changes nothing but the dwell counter is skipped, so that a dwell of a minute costs
//! microseconds.
//!
//! Beside those, 48 random streams of commands were simulated from the public sources (0f6e62c,
//! March 2026, amaranth 0.5.10) and recorded: 4382 bytes of vector and raster pixels, blanking,
//! beams, external control, delays and output modes, 15 streams with a reader that stops, through
//! 461 760 cycles. So were 26 rows of exposures as the firmware sends them, each with bytes lost,
//! damaged or cut off. The model reproduced all 563 changes of the pins. Not compared: free-running
//! and filling scans, arrays of commands, streams after which the gateware never came to rest, and
//! the serial line, which is no part of it.
//!
//! The detector sees the place of the beam and whether it is on, and nothing of time: the average
//! over a dwell is the one value. Left out: the flush line, transforms of the axes, a delay of the
//! external control's relay.

mod detector;
mod executor;
mod front;
mod generator;
mod parser;
mod pipeline;
mod raster;
mod record;
mod serve;

pub use detector::Detector;
pub use front::Front;
pub use generator::{Generator, Pins, Reader};
pub use record::{Record, Stay};
pub use serve::Attached;

/// Clock of the gateware.
pub const CLOCK_HZ: u64 = 48_000_000;
/// Clock cycles in one count of a dwell: 125 ns.
pub const CYCLES_PER_COUNT: u64 = 6;
