//! The spaces that campaigns are judged in, from the user's cache where they were kept.

use super::Failure;
use crate::patches::Patches;
use crate::spaces::{Cache, LatentConfig, Spaces};

/// Takes or works out the spaces of an image; what could not be kept is told on standard error.
pub(super) fn of(patches: &Patches, latent: Option<LatentConfig>) -> Result<Spaces, Failure> {
    let spaces = Spaces::new(patches, latent, &Cache::from_environment())
        .map_err(|e| Failure::running(&e))?;
    for note in spaces.notes() {
        eprintln!("note: {note}");
    }
    Ok(spaces)
}
