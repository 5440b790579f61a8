//! The serial link, for both ends: frames, messages, transfers, sessions.

mod board;
mod controller;
pub mod frame;
pub mod message;
pub mod scalarizer;
pub mod transfer;

pub use board::{Board, Exposure};
pub use controller::{Controller, Limits, Memory};

/// Oldest protocol version spoken here.
pub const PROTOCOL_MIN: u8 = 1;
/// Newest protocol version spoken here.
pub const PROTOCOL_CURRENT: u8 = 1;
