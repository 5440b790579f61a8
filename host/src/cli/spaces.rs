//! The spaces that campaigns are judged in, from the user's cache where they were kept.

use std::io::IsTerminal as _;

use super::{Failure, OrFail as _};
use crate::data::Patches;
use crate::spaces::{Cache, LatentConfig, Spaces, SpacesError};

/// Takes or works out the spaces of an image; what could not be kept is told on
/// standard error, and on a terminal that learning will take a while.
pub(super) fn of(patches: &Patches, latent: Option<LatentConfig>) -> Result<Spaces, Failure> {
    of_campaign(patches, latent, |cache| Spaces::new(patches, latent, cache)).or_running()
}

/// As [`of`], worked out by somebody else where they are not in the cache.
///
/// # Errors
/// As they are worked out.
pub(super) fn of_campaign(
    patches: &Patches,
    latent: Option<LatentConfig>,
    made: impl FnOnce(&Cache) -> Result<Spaces, SpacesError>,
) -> Result<Spaces, SpacesError> {
    let cache = Cache::from_environment();
    let learns = latent.is_some_and(|config| Spaces::learns(patches, config, &cache));
    if learns && std::io::stderr().is_terminal() {
        let count = patches.candidates().count();
        super::log(&format!("learning the latent space of {count} patches…"));
    }
    let spaces = made(&cache)?;
    for note in spaces.notes() {
        super::log(&format!("note: {note}"));
    }
    Ok(spaces)
}
