//! Trains the surrogate that a campaign decides by.
//!
//! [`Trainer`] trains the deep kernel: network weights and Gaussian-process hyperparameters jointly,
//! by Adam on the exact log marginal likelihood (Wilson et al. 2016, "Deep kernel learning").
//! [`FiltersTrainer`] trains the matrix behind the kernel's nine fixed filters instead of a network,
//! by BFGS on the posterior density. [`TaughtTrainer`] teaches the network what a wider process says
//! of every patch. [`SurrogateKind`] names the three, [`SurrogateTrainer`] is any of them as a campaign
//! has it.
//! [`Mapmaker`] makes the map that is published, by a process that decides nothing.
//!
//! The floor is `triangular` and `convolution`, the arithmetic of the two halves; `likelihood`
//! (summing over `pairs`) and `backprop` (chunk by chunk, in `passes`) give values and
//! gradients; `adam` steps; [`Trainer`] ties them together and keeps what is warm between two
//! calls.
//!
//! A trained model is the same, bit for bit, on every machine and for any number of threads:
//! no sum is reordered, no multiply-add contracted, transcendentals come from `libm`, and work
//! is split over threads in pieces that do not depend on how many there are.

#![allow(
    clippy::inline_always,
    reason = "a multiversioned function recompiles only what is inlined into it"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "lanes and taps walk several arrays in step, and read better by index"
)]

mod adam;
mod backprop;
mod bfgs;
mod config;
mod convolution;
mod error;
mod filters;
mod initial;
mod likelihood;
mod mapmaker;
mod pace;
mod pairs;
mod passes;
mod prior;
mod process;
mod shape;
mod surrogate;
mod targets;
mod taught;
mod trainer;
mod triangular;

#[cfg(feature = "latent")]
pub(crate) use adam::Adam;
pub use backprop::Batch;
pub use config::TrainerConfig;
pub use error::TrainError;
pub use filters::{FiltersState, FiltersTrainer, features};
pub use likelihood::Likelihood;
pub use mapmaker::{LeftOut, Mapmaker, ResponseMap};
pub use pace::Pace;
pub(crate) use surrogate::SurrogateState;
pub use surrogate::{SurrogateKind, SurrogateTrainer};
pub use taught::{TaughtState, TaughtTrainer};
pub use trainer::{FitReport, Trainer, TrainerState};
