//! The spaces that exploration is judged in, beside the target space: each candidate's group
//! among the patches of the image.
//!
//! They follow from the image alone, so they are worked out once for a dataset and shared by
//! every campaign on it.

mod kmeans;
mod patch;
mod random;
mod sample;

use beacon_kernel::Error;

use crate::metrics::Groups;
use crate::patches::Patches;

pub use patch::{PATCH_CLUSTERS, PROJECTED};

/// Fixes the projection and the starts of the clusterings.
const SEED: u64 = 1;

/// The groups of a dataset's candidates. A clone shares them.
#[derive(Clone, Debug)]
pub struct Spaces {
    patch: Groups,
}

impl Spaces {
    /// Works out the patch space.
    ///
    /// # Errors
    /// Never for patches that were made.
    pub fn new(patches: &Patches) -> Result<Self, Error> {
        let labels = patch::labels(patches, SEED)?;
        let patch = Groups::new(labels).map_err(|_| Error::NoImage)?;
        Ok(Self { patch })
    }

    /// Clusters of the patches.
    pub fn patch(&self) -> &Groups {
        &self.patch
    }
}
