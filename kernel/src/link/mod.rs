//! The serial link, for both ends: frames, messages, transfers, sessions.

mod board;
mod client;
mod column;
mod controller;
pub mod frame;
pub mod message;
pub mod scalarizer;
mod session;
mod station;
pub mod transfer;

pub use board::{Board, Exposure};
pub use client::{Client, ClientStatistics, Failure, Timing, Transport, Upload};
pub use controller::{Controller, Limits, Memory};

/// Oldest protocol version spoken here.
pub const PROTOCOL_MIN: u8 = 1;
/// Newest protocol version spoken here.
pub const PROTOCOL_CURRENT: u8 = 1;
