//! The spaces that exploration is judged in, beside the target space: each candidate's group
//! among the patches of the image.
//!
//! They follow from the image alone, so they are worked out once for a dataset, kept on disk
//! for the next time ([`Cache`]) and shared by every campaign on it:
//!
//! ```
//! use beacon_host::data::{Map, Patches};
//! use beacon_host::campaign::{Cache, Spaces};
//!
//! let image = Map::uncalibrated(20, 20, (0..400).map(|n| f64::from(n).sin()).collect(), "waves");
//! let patches = image.patches(8)?;
//! let spaces = Spaces::new(&patches, None, &Cache::none())?;
//! let share = spaces.patch().curve(&[0, 168])?[1];
//! assert!(share > 0.0 && spaces.latent_groups().is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cache;
mod error;
mod kmeans;
#[cfg(feature = "latent")]
mod latent;
mod patch;
mod response;
#[cfg(feature = "latent")]
mod rotation;
mod sample;

use std::sync::Arc;

use crate::data::Patches;
use crate::metrics::{Groups, MetricsError};
use crate::train::Pace;

pub use cache::Cache;
pub use error::SpacesError;
#[cfg(feature = "latent")]
pub use latent::{DecodedGrid, LATENT_CLUSTERS, LatentSpace};
pub use patch::{PATCH_CLUSTERS, PROJECTED};
pub use response::{RESPONSE_CLUSTERS, response_groups};

use cache::Key;
#[cfg(feature = "latent")]
use latent::Learnt;

/// Fixes projection, initial weights and the starts of the clusterings.
const SEED: u64 = 1;

/// How patches are encoded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct LatentConfig {
    /// Turn each patch to an orientation of its own first: what is alike but for a rotation is
    /// then encoded alike.
    pub rotation_invariant: bool,
}

/// The groups of a dataset's candidates in patch space and, if wanted, in latent space. Those of the vectors
/// of true responses join them where several are sought. A clone shares them.
#[derive(Clone, Debug)]
pub struct Spaces {
    patch: Groups,
    #[cfg(feature = "latent")]
    latent: Option<Arc<LatentSpace>>,
    responses: response::Kept,
    notes: Arc<[String]>,
}

impl Spaces {
    /// Takes the spaces from the cache, or works them out and keeps them there.
    ///
    /// The patch space takes tenths of a second; the latent space, worked out only with a
    /// configuration, seconds. From images of more than 10 000 candidates as many are drawn to
    /// learn from, and all are assigned. Both are the same on every machine.
    ///
    /// # Errors
    /// When the autoencoder cannot be trained on these patches, or is not compiled in. A cache that cannot be read or
    /// written is none: see [`Self::notes`].
    pub fn new(
        patches: &Patches,
        latent: Option<LatentConfig>,
        cache: &Cache,
    ) -> Result<Self, SpacesError> {
        Self::watched(patches, latent, cache, &Pace::default())
    }

    /// As [`Self::new`], for whoever may break it off.
    #[cfg_attr(
        not(feature = "latent"),
        expect(unused_variables, reason = "only the latent space takes long")
    )]
    pub(crate) fn watched(
        patches: &Patches,
        latent: Option<LatentConfig>,
        cache: &Cache,
        pace: &Pace,
    ) -> Result<Self, SpacesError> {
        let candidates = patches.candidates().count();
        let mut notes = Vec::new();
        let key = Key::new("patch-1", patches);
        let labels = match cache.load::<Vec<u32>>(&key) {
            Some(labels) if labels.len() == candidates => labels,
            _ => {
                let labels = patch::labels(patches, SEED)?;
                notes.extend(cache.store(&key, &labels).err());
                labels
            }
        };
        #[cfg(feature = "latent")]
        let latent = match latent {
            None => None,
            Some(config) => {
                let key = Key::new(latent_name(config), patches);
                let learnt = match cache.load::<Learnt>(&key) {
                    Some(learnt) if learnt.fits(candidates) => learnt,
                    _ => {
                        let learnt = Learnt::new(patches, config, SEED, pace)?;
                        notes.extend(cache.store(&key, &learnt).err());
                        learnt
                    }
                };
                Some(Arc::new(LatentSpace::new(learnt)?))
            }
        };
        #[cfg(not(feature = "latent"))]
        if latent.is_some() {
            return Err(SpacesError::WithoutFeature);
        }
        Ok(Self {
            patch: Groups::new(labels)?,
            #[cfg(feature = "latent")]
            latent,
            responses: response::Kept::default(),
            notes: notes.into(),
        })
    }

    /// Clusters of the patches.
    pub fn patch(&self) -> &Groups {
        &self.patch
    }

    /// Clusters in the latent space, if it was asked for.
    pub fn latent_groups(&self) -> Option<&Groups> {
        #[cfg(feature = "latent")]
        return self.latent().map(LatentSpace::groups);
        #[cfg(not(feature = "latent"))]
        None
    }

    /// Clusters of vectors of true responses, as [`response_groups`] has them: worked out for the first
    /// campaign, and the same for all that share these spaces and seek the same.
    ///
    /// # Errors
    /// As [`response_groups`].
    pub fn response_groups(&self, truth: &[&[f64]]) -> Result<Groups, MetricsError> {
        self.responses.or_new(truth)
    }

    /// The clusters of responses that campaigns were judged by last; `None` where none sought several.
    pub fn judged_responses(&self) -> Option<Groups> {
        self.responses.groups()
    }

    /// What could not be kept for the next time, each in a line.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }
}

#[cfg(feature = "latent")]
impl Spaces {
    /// Whether [`Self::new`] would have to learn the latent space, which takes seconds, because
    /// the cache holds none of these patches.
    pub fn learns(patches: &Patches, config: LatentConfig, cache: &Cache) -> bool {
        !cache.holds(&Key::new(latent_name(config), patches))
    }

    /// The same spaces from another projection, other initial weights and other starts of the
    /// clusterings, never from a cache: how much a figure depends on those.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_seed(
        patches: &Patches,
        latent: Option<LatentConfig>,
        seed: u64,
    ) -> Result<Self, SpacesError> {
        let latent = latent
            .map(|config| LatentSpace::new(Learnt::new(patches, config, seed, &Pace::default())?))
            .transpose()?;
        Ok(Self {
            patch: Groups::new(patch::labels(patches, seed)?)?,
            latent: latent.map(Arc::new),
            responses: response::Kept::default(),
            notes: Arc::default(),
        })
    }

    /// The latent space, if it was asked for.
    pub fn latent(&self) -> Option<&LatentSpace> {
        self.latent.as_deref()
    }
}

#[cfg(feature = "latent")]
/// Name of the space in the cache.
fn latent_name(config: LatentConfig) -> &'static str {
    if config.rotation_invariant {
        "latent-rotation-2"
    } else {
        "latent-2"
    }
}

#[cfg(all(test, feature = "latent"))]
mod tests {
    use super::*;
    use crate::data::Map;

    #[test]
    fn spaces_from_the_cache_are_those_that_were_worked_out() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let value = |n: usize| ((n / 16) as f64 * 0.7).sin() + ((n % 16) as f64).cos();
        let image = Map::uncalibrated(16, 16, (0..256).map(value).collect(), "waves");
        let patches = image.patches(8).unwrap();
        let config = LatentConfig::default();
        let spaces = |cache| Spaces::new(&patches, Some(config), cache).unwrap();
        assert!(Spaces::learns(&patches, config, &cache));
        let (fresh, kept) = (spaces(&cache), spaces(&cache));
        assert!(!Spaces::learns(&patches, config, &cache));
        let alone = spaces(&Cache::none());
        for other in [&kept, &alone] {
            assert_eq!(other.patch(), fresh.patch());
            let latents = [other, &fresh].map(|s| s.latent().unwrap());
            assert_eq!(latents[0].groups(), latents[1].groups());
            assert_eq!(latents[0].means(), latents[1].means());
            assert_eq!(
                latents[0].decode([0.3, -1.0]),
                latents[1].decode([0.3, -1.0])
            );
            assert!(other.notes().is_empty());
        }
        assert_eq!(folder.path().read_dir().unwrap().count(), 2);
    }
}
