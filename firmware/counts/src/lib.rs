//! What the counting image is made of: a workload, the kernels, a table, and how many
//! multiply-accumulates each kernel asks for.
//!
//! The image runs one kernel of `beacon-kernel` on the board, the one that the debugger names, and
//! prints rows of `kernel,candidates,measurements,COUNT,macs` through semihosting; COUNT is what
//! the board's [`WorkCounter`](beacon_firmware::board::WorkCounter) counts. A panic is printed and
//! ends the run with an exit code.

#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

pub mod macs;
mod shape;

#[cfg(feature = "board")]
mod argument;
#[cfg(feature = "board")]
mod bench;
#[cfg(feature = "board")]
mod campaign;
#[cfg(feature = "board")]
pub mod kernels;
#[cfg(feature = "board")]
mod memory;
#[cfg(feature = "board")]
mod scene;
#[cfg(feature = "board")]
mod table;
#[cfg(feature = "board")]
mod workload;

#[cfg(feature = "board")]
pub use self::{bench::Bench, campaign::LinkedCampaign, memory::Lent, table::Table, table::run};
pub use shape::Shape;

/// The problem that all kernels are compared at: the 2401 windows of 16 pixels inside an image of
/// 64 × 64, with room for three responses of a place.
pub const CAPACITY: beacon_kernel::Capacity =
    beacon_kernel::Capacity::for_campaign(64, 64, 16, 320).with_responses(3);
/// Points measured in the middle of a campaign of 300 steps after ten seeds: the figure that all
/// kernels are compared at.
pub const MEASUREMENTS: usize = 310;

/// Points whose structural distances are found before those of the counted one; what the others'
/// are makes no difference to what it costs.
#[cfg(feature = "board")]
const STRUCTURES: usize = 3;
