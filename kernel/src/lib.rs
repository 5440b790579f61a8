//! Deep-kernel learning and novelty search without std and without an allocator.

#![cfg_attr(not(any(test, doctest)), no_std)]
#![forbid(unsafe_code)]

mod candidates;
mod error;
mod model;
pub mod network;

pub use candidates::{Candidate, Candidates, Pixel};
pub use error::Error;
pub use model::{Hyperparameters, MIN_NOISE_RATIO, Model, Standardisation};
pub use network::{Architecture, Network};
