//! What was worked out from a dataset once, kept on disk for the next time.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use beacon_kernel::Edges;
use crc::{CRC_32_ISO_HDLC, CRC_64_XZ, Crc};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::data::Patches;

/// What a kept result is of: the dataset, and how it was worked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Key {
    /// Name of the space, with its version: a change of the algorithm changes it. Edges other than
    /// those inside the image are part of it.
    pub(super) name: String,
    height: u32,
    width: u32,
    window: u32,
    /// CRC-64 of the standardised pixels.
    pixels: u64,
}

impl Key {
    pub(super) fn new(name: &str, patches: &Patches) -> Self {
        let crc = Crc::<u64>::new(&CRC_64_XZ);
        let mut digest = crc.digest();
        for pixel in patches.pixels() {
            digest.update(&pixel.to_le_bytes());
        }
        let candidates = patches.candidates();
        Self {
            name: match candidates.edges() {
                Edges::Inside => name.to_owned(),
                edges @ Edges::Reflect => format!("{name}-{}", edges.name()),
            },
            height: candidates.height() as u32,
            width: candidates.width() as u32,
            window: candidates.window() as u32,
            pixels: digest.finalize(),
        }
    }

    fn file(&self) -> String {
        let Self {
            name,
            height,
            width,
            window,
            pixels,
        } = self;
        format!("{name}-{height}x{width}-{window}-{pixels:016x}")
    }
}

/// A folder of kept results, or none. Never a reason to fail: what cannot be read is worked
/// out again, and what cannot be written is not kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// The user's: `$BEACON_CACHE`, else `$XDG_CACHE_HOME/beacon`, else `~/.cache/beacon`; none
    /// where no such variable is set.
    pub fn from_environment() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let own = variable("BEACON_CACHE").map(PathBuf::from);
        let shared = || variable("XDG_CACHE_HOME").map(|folder| Path::new(&folder).join("beacon"));
        let home = || variable("HOME").map(|home| Path::new(&home).join(".cache/beacon"));
        Self {
            folder: own.or_else(shared).or_else(home),
        }
    }

    /// One in a folder, which is made when something is first kept.
    pub fn at(folder: &Path) -> Self {
        Self {
            folder: Some(folder.to_owned()),
        }
    }

    /// One that keeps nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// What was kept under a key, if it is whole and of this key.
    pub(super) fn load<T: DeserializeOwned>(&self, key: &Key) -> Option<T> {
        let bytes = fs::read(self.folder.as_ref()?.join(key.file())).ok()?;
        let (content, sum) = bytes.split_last_chunk::<4>()?;
        if checksum(content) != u32::from_le_bytes(*sum) {
            return None;
        }
        let (of, value): (Key, T) = postcard::from_bytes(content).ok()?;
        (of == *key).then_some(value)
    }

    /// Whether there is something under a key, whole or not.
    #[cfg(feature = "latent")]
    pub(super) fn holds(&self, key: &Key) -> bool {
        let folder = self.folder.as_ref();
        folder.is_some_and(|folder| folder.join(key.file()).exists())
    }

    /// Keeps a result. It appears whole or not at all, also to other processes.
    ///
    /// # Errors
    /// What the file system says, with the file's name.
    pub(super) fn store<T: Serialize>(&self, key: &Key, value: &T) -> Result<(), String> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        let file = folder.join(key.file());
        let kept = || {
            let mut bytes = postcard::to_allocvec(&(key, value)).map_err(io::Error::other)?;
            bytes.extend(checksum(&bytes).to_le_bytes());
            fs::create_dir_all(folder)?;
            replace(&file, &bytes)
        };
        kept().map_err(|error: io::Error| {
            let file = file.display();
            format!("`{file}`: not kept for the next time: {error}")
        })
    }
}

fn checksum(bytes: &[u8]) -> u32 {
    Crc::<u32>::new(&CRC_32_ISO_HDLC).checksum(bytes)
}

/// Writes beside the file under a name that no other writer has, then renames.
fn replace(file: &Path, bytes: &[u8]) -> io::Result<()> {
    static WRITERS: AtomicU32 = AtomicU32::new(0);
    let writer = WRITERS.fetch_add(1, Ordering::Relaxed);
    let partial = file.with_extension(format!("{}-{writer}.partial", std::process::id()));
    let written = fs::write(&partial, bytes).and_then(|()| fs::rename(&partial, file));
    if written.is_err() {
        // The first failure is the one worth telling.
        let _ = fs::remove_file(&partial);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Map;

    fn patches(last: f64) -> Patches {
        patches_with(last, Edges::Inside)
    }

    fn patches_with(last: f64, edges: Edges) -> Patches {
        let mut values: Vec<f64> = (0..30).map(f64::from).collect();
        values[29] = last;
        Map::uncalibrated(5, 6, values, "ramp")
            .patches_with_edges(4, edges)
            .unwrap()
    }

    #[test]
    fn what_is_kept_is_found_again_for_the_same_data_alone() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(&folder.path().join("deeper"));
        let key = Key::new("space-1", &patches(29.0));
        assert_eq!(cache.load::<Vec<u32>>(&key), None);
        cache.store(&key, &vec![3_u32, 1, 4]).unwrap();
        assert_eq!(cache.load(&key), Some(vec![3_u32, 1, 4]));
        for other in [
            Key::new("space-2", &patches(29.0)),
            Key::new("space-1", &patches(29.5)),
            Key::new("space-1", &patches_with(29.0, Edges::Reflect)),
        ] {
            assert_eq!(cache.load::<Vec<u32>>(&other), None);
        }
        let names = fs::read_dir(folder.path().join("deeper")).unwrap();
        assert_eq!(names.count(), 1, "nothing partial is left");
    }

    #[test]
    fn a_damaged_file_is_as_good_as_none() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        let key = Key::new("space-1", &patches(29.0));
        cache.store(&key, &vec![3_u32, 1, 4]).unwrap();
        let file = folder.path().join(key.file());
        let whole = fs::read(&file).unwrap();
        for damaged in 0..whole.len() {
            let mut bytes = whole.clone();
            bytes[damaged] ^= 0x10;
            fs::write(&file, &bytes).unwrap();
            assert_eq!(cache.load::<Vec<u32>>(&key), None, "byte {damaged}");
            fs::write(&file, &whole[..damaged]).unwrap();
            assert_eq!(cache.load::<Vec<u32>>(&key), None, "cut at {damaged}");
        }
        cache.store(&key, &vec![2_u32]).unwrap();
        assert_eq!(cache.load(&key), Some(vec![2_u32]));
    }

    #[test]
    fn what_cannot_be_kept_is_told_and_none_is_no_trouble() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a-file");
        fs::write(&file, b"").unwrap();
        let key = Key::new("space-1", &patches(29.0));
        let told = Cache::at(&file).store(&key, &1_u32).unwrap_err();
        assert!(
            told.contains("a-file") && told.contains("not kept"),
            "{told}"
        );
        assert_eq!(Cache::none().store(&key, &1_u32), Ok(()));
        assert_eq!(Cache::none().load::<u32>(&key), None);
    }
}
