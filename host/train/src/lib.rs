//! Trains the surrogate that a campaign decides by.
//!
//! [`Trainer`] trains the deep kernel: network weights and Gaussian-process hyperparameters jointly,
//! by Adam on the exact log marginal likelihood (Wilson et al. 2016, "Deep kernel learning").
//! [`FiltersTrainer`] trains the matrix behind the kernel's nine fixed filters instead of a network,
//! by BFGS on the posterior density. [`TaughtTrainer`] teaches the network what a wider process says
//! of every patch. [`SurrogateKind`] names the three, [`SurrogateTrainer`] is any of them as a campaign
//! has it.
//! [`Mapmaker`] makes the map that is published, by a process that decides nothing.
//! [`autoencoder`] learns the latent plane in which exploration is judged.
//!
//! The floor is `triangular` and `convolution`, the arithmetic of the two halves; `likelihood`
//! (summing over `pairs`) and `backprop` (chunk by chunk, in `passes`) give values and
//! gradients; `adam` steps; [`Trainer`] ties them together and keeps what is warm between two
//! calls.
//!
//! A trained model is the same, bit for bit, on every machine and for any number of threads:
//! no sum is reordered, no multiply-add contracted, transcendentals come from `libm`, and work
//! is split over threads in pieces that do not depend on how many there are.
//!
//! The crate is compiled in one piece: its loops are not calls then, whatever the rest of the program is
//! compiled like.

#![forbid(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "a multiversioned function recompiles only what is inlined into it"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "lanes and taps walk several arrays in step, and read better by index"
)]

mod adam;
pub mod autoencoder;
mod backprop;
mod bands;
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
mod patches;
mod prior;
mod process;
mod random;
mod shape;
mod surrogate;
mod targets;
mod taught;
mod trainer;
mod triangular;

pub use backprop::Batch;
pub use bands::evaluate_band;
pub use config::TrainerConfig;
pub use error::TrainError;
pub use filters::{FiltersState, FiltersTrainer, features};
pub use likelihood::Likelihood;
pub use mapmaker::{LeftOut, Mapmaker, ResponseMap};
pub use pace::Pace;
pub use patches::Patches;
pub use random::Random;
pub use surrogate::{SurrogateKind, SurrogateState, SurrogateTrainer};
pub use taught::{TaughtState, TaughtTrainer};
pub use trainer::{FitReport, Trainer, TrainerState};
