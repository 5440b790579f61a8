//! Where the kernel runs: in this process or on a board. The decision is the kernel's, always.

mod in_process;

use beacon_kernel::{Acquisition, Candidate, Model, Proposal, Surrogate};

pub use in_process::{InProcess, Memory};

/// What a campaign tells the kernel before anything is measured.
#[derive(Clone, Copy, Debug)]
pub struct Setup<'a> {
    /// Rows of the image.
    pub height: usize,
    /// Columns of the image.
    pub width: usize,
    /// Side of the window around each candidate, in pixels.
    pub window: usize,
    /// The image, row-major, as the network is to see it.
    pub pixels: &'a [f32],
    /// Fixes every random number of the kernel.
    pub seed: u64,
}

/// Why a controller did not do as told.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ControllerError {
    /// The kernel refused.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
}

/// A kernel, wherever it runs. All of them make identical decisions, bit for bit.
pub trait Controller {
    /// Starts over with an image.
    ///
    /// # Errors
    /// When the kernel refuses the image or has no room for it.
    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError>;

    /// Chooses the strategy from the next proposal on.
    ///
    /// # Errors
    /// When a setting is out of range.
    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError>;

    /// Hands over a trained model.
    ///
    /// # Errors
    /// When the model does not fit; see [`beacon_kernel::Explorer::load_model`].
    fn load_model(&mut self, model: &Model<'_>) -> Result<(), ControllerError>;

    /// Hands over a measured response, in raw units.
    ///
    /// # Errors
    /// When the kernel refuses it; see [`beacon_kernel::Explorer::measure`].
    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError>;

    /// Asks for the candidate to measure next.
    ///
    /// # Errors
    /// When the strategy lacks what it needs; see [`beacon_kernel::Explorer::propose`].
    fn propose(&mut self) -> Result<Proposal, ControllerError>;

    /// The posterior at every candidate, for monitoring.
    ///
    /// # Errors
    /// When there is no model; see [`beacon_kernel::Explorer::surrogate`].
    fn surrogate(&mut self) -> Result<Surrogate<'_>, ControllerError>;
}
