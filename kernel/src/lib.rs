//! Deep-kernel learning and novelty search without std and without an allocator.

#![cfg_attr(not(any(test, doctest)), no_std)]
#![forbid(unsafe_code)]

mod candidates;
mod cnn;
mod dense;
mod error;
mod explorer;
mod gp;
mod grid;
mod improvement;
pub mod link;
mod math;
mod model;
pub mod network;
mod novelty;
mod random;
mod storage;
mod strategy;
mod surrogate;
mod thompson;

pub use candidates::{Candidate, Candidates, Pixel};
pub use error::Error;
pub use explorer::{Explorer, Prediction, Proposal, Surrogate};
pub use model::{Hyperparameters, MIN_NOISE_RATIO, Model, Standardisation};
pub use network::{Architecture, Network};
pub use storage::{Capacity, Storage};
pub use strategy::{Acquisition, References, Sampling, Strategy};
