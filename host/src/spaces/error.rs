//! Why a space could not be worked out.

use crate::metrics::MetricsError;

/// Why a space could not be worked out; each is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpacesError {
    /// The patches are not those of an image.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
    /// There is nothing to group.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
    /// The autoencoder could not be trained.
    #[error("the latent space cannot be learnt from these patches: {0}")]
    Training(String),
    /// Learning the latent space was broken off.
    #[error("learning the latent space was broken off")]
    BrokenOff,
    /// The latent space was asked for, and the autoencoder is not compiled in.
    #[error("this build learns no latent space; build it with the feature `latent`")]
    WithoutFeature,
}
