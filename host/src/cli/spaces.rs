//! The spaces that campaigns are judged in, from the user's cache where they were kept.

use std::io::IsTerminal as _;

use super::{Failure, OrFail as _};
use crate::data::Patches;
use crate::spaces::{Cache, LatentConfig, Spaces};

/// Takes or works out the spaces of an image; what could not be kept is told on
/// standard error, and on a terminal that learning will take a while.
pub(super) fn of(patches: &Patches, latent: Option<LatentConfig>) -> Result<Spaces, Failure> {
    let cache = Cache::from_environment();
    let learns = latent.is_some_and(|config| Spaces::learns(patches, config, &cache));
    if learns && std::io::stderr().is_terminal() {
        let count = patches.candidates().count();
        super::log(&format!("learning the latent space of {count} patches…"));
    }
    let spaces = Spaces::new(patches, latent, &cache).or_running()?;
    for note in spaces.notes() {
        super::log(&format!("note: {note}"));
    }
    Ok(spaces)
}
