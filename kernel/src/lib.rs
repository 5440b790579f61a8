//! Decides which pixel of an image to measure next: deep-kernel learning and novelty search,
//! without std, without an allocator, in bounded memory.
//!
//! Host and scan controller run the same code and make the same decisions, bit for bit: every
//! transcendental function comes from `libm` or from a polynomial of this crate, and every sum has
//! a fixed order.
//!
//! # The loop
//!
//! ```text
//!          image ──► network ──► latent plane ──► Gaussian process ──► sample ──► novelty
//!                    cnn, dense   (2-D)            gp, surrogate       thompson   novelty
//!                                                                      grid
//!  measure(candidate, response) ─────────────────►     ▲                            │
//!                                                                     propose() ◄───┘
//! ```
//!
//! 1. A small convolutional network turns the patch around each [`Candidate`] into a point of a
//!    two-dimensional latent plane. Its weights come from the host as part of a [`Model`]. A fixed
//!    bank of [`filters`] with a matrix can take its place ([`Architecture::Filters`]).
//! 2. A Gaussian process on that plane predicts the response everywhere from the points
//!    measured so far; each measurement appends one row to a Cholesky factor. Beside the plane a model
//!    of the filters may have a spatial part: what neighbouring pixels share and no feature tells.
//! 3. A [`Strategy`] scores the candidates. BEACON draws one joint posterior
//!    sample of the response and asks how far each sampled response lies from the nearest
//!    responses already known, and proposes the candidate whose response is farthest.
//!
//! Posterior means and sample are linear in the newest response. While the beam dwells, everything that does
//! not depend on that is worked out in slices ([`Explorer::prepare`]); when it arrives, a decision is
//! a multiply-add a candidate, and scores. Whatever was not worked ahead is done then, by the same steps: no
//! bit of a proposal depends on how long the beam dwelt. New weights are evaluated in slices as well, beside the model in
//! force ([`Explorer::evaluate`]), and only the factor of the points is left when they take its place
//! ([`Explorer::adopt`]).
//!
//! Up to [`MOST_RESPONSES`] responses of each place may be measured at once ([`Explorer::measure_all`]). They
//! share network, covariance and factor; each has its own standardisation, posterior mean and sample. Novelty
//! is then the Mahalanobis distance of the sampled vector from the nearest known ones, and structure and
//! temperature count as with one response.
//!
//! [`link`] is the serial protocol by which a host drives an [`Explorer`] on a board; both ends
//! use it.
//!
//! # Memory
//!
//! The caller lends all memory, as two slices whose lengths follow from a [`Capacity`] at compile
//! time.
//! [`Capacity::DEFAULT`] fits in 512 KiB beside a workspace of 64 KiB.
//!
//! # Example
//!
//! ```
//! use beacon_kernel::{
//!     Acquisition, Candidate, Capacity, Explorer, Hyperparameters, Model, Network,
//!     Standardisation, Storage,
//! };
//!
//! const CAPACITY: Capacity = Capacity::for_campaign(24, 24, 16, 8);
//! let mut floats = [0.0; CAPACITY.floats()];
//! let mut words = [0; CAPACITY.words()];
//! let storage = Storage::new(CAPACITY, &mut floats, &mut words)?;
//! let mut explorer = Explorer::new(storage, Acquisition::default(), 1)?;
//!
//! // The image is known everywhere.
//! let image: [f32; 576] = core::array::from_fn(|i| (i % 24) as f32 * 0.1);
//! explorer.load_image(24, 24, 16, &image)?;
//!
//! // A trained model comes from the host; here its weights are made up.
//! let network = Network::for_window(16)?;
//! let weights = [0.02; 5058];
//! explorer.load_model(&Model {
//!     network,
//!     weights: &weights,
//!     hyperparameters: Hyperparameters {
//!         lengthscale: [1.0, 1.0],
//!         outputscale: 1.0,
//!         noise: 0.05,
//!         mean: 0.0,
//!     },
//!     standardisation: Standardisation::IDENTITY,
//!     others: &[],
//! })?;
//!
//! // Two seeds, then the kernel decides.
//! explorer.measure(Candidate(0), 0.3)?;
//! explorer.measure(Candidate(80), 1.2)?;
//! let proposal = explorer.propose()?;
//! assert!(!explorer.is_measured(proposal.candidate));
//! # Ok::<(), beacon_kernel::Error>(())
//! ```

#![cfg_attr(not(any(test, doctest)), no_std)]
#![forbid(unsafe_code)]
#![allow(
    clippy::inline_always,
    reason = "a host compiles what its threads do for wider lanes too, and gets there what is inlined"
)]

mod candidates;
mod cnn;
mod dense;
mod elementary;
mod error;
mod explorer;
pub mod filters;
mod gp;
mod grid;
mod improvement;
pub mod link;
mod math;
mod model;
pub mod network;
mod novelty;
mod random;
mod responses;
mod space;
mod storage;
mod strategy;
mod structure;
mod surrogate;
mod thompson;
mod vectors;

pub use candidates::{Candidate, Candidates, Edges, Pixel};
pub use error::Error;
pub use explorer::{Band, Explorer, LARGEST_PIXEL, LARGEST_RESPONSE, Prediction, Proposal};
pub use gp::NewRows;
pub use model::{Hyperparameters, LARGEST_WEIGHT, MIN_NOISE_RATIO, Model, Standardisation};
pub use network::{Architecture, Network};
pub use responses::{MOST_RESPONSES, Responses};
pub use storage::{Capacity, Storage};
pub use strategy::{Acquisition, References, Sampling, Strategy};
pub use surrogate::{Nodes, Surrogate};
