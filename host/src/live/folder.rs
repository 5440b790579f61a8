//! The folder of a live campaign: whose it is, and where what lies in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// Why a folder cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Another process works in it.
    #[error(
        "`{}`: process {owner} runs a campaign in it; wait for it, stop it with `beacon ctl {} \
         stop`, or choose another folder",
        path.display(), path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Number of the process.
        owner: String,
    },
    /// There is a campaign in it already.
    #[error(
        "`{}`: a campaign was begun in it; go on with `beacon resume {}`, or choose another folder",
        path.display(), path.display()
    )]
    Begun {
        /// The folder.
        path: PathBuf,
    },
    /// No campaign was begun in it.
    #[error("`{}`: no campaign in it; expected the folder of one that `beacon run` began", path.display())]
    NotBegun {
        /// The folder.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("`{}`: {source}; expected a folder that can be written to", path.display())]
    System {
        /// The folder or a file in it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// A folder that no other process works in for as long as this is kept.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    _lock: File,
}

impl RunFolder {
    /// A new folder for a campaign that begins.
    ///
    /// # Errors
    /// When a campaign is in it already, or it cannot be made.
    pub fn begin(path: &Path) -> Result<Self, FolderError> {
        std::fs::create_dir_all(path).map_err(|source| system(path, source))?;
        let folder = Self::claim(path)?;
        if folder.journal().exists() {
            return Err(FolderError::Begun {
                path: path.to_owned(),
            });
        }
        Ok(folder)
    }

    /// The folder of a campaign that goes on.
    ///
    /// # Errors
    /// When there is none, or another process works in it.
    pub fn resume(path: &Path) -> Result<Self, FolderError> {
        if !journal(path).is_file() {
            return Err(FolderError::NotBegun {
                path: path.to_owned(),
            });
        }
        Self::claim(path)
    }

    fn claim(path: &Path) -> Result<Self, FolderError> {
        let file = path.join("lock");
        let failed = |source| system(&file, source);
        // The lock is the system's and ends with the process, whatever becomes of the file.
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut owner = String::new();
                // Where it cannot be read the folder is in use all the same.
                let _ = lock.read_to_string(&mut owner);
                return Err(FolderError::InUse {
                    path: path.to_owned(),
                    owner: owner.trim().to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        lock.set_len(0)
            .and_then(|()| lock.seek(SeekFrom::Start(0)))
            .and_then(|_| writeln!(lock, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Takes away what lies in it of a campaign in which nothing was measured, and the folder
    /// itself where nothing else is in it.
    pub fn abandon(&self) {
        // What cannot be removed stays, and is told of when a campaign is begun in it.
        for file in [self.journal(), self.path.join("lock")] {
            let _ = std::fs::remove_file(file);
        }
        let _ = std::fs::remove_dir(&self.path);
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its journal.
    pub fn journal(&self) -> PathBuf {
        journal(&self.path)
    }

    /// Its HDF5 file of results.
    pub fn results(&self) -> PathBuf {
        self.path.join("campaign.hspy")
    }
}

fn journal(folder: &Path) -> PathBuf {
    folder.join("journal")
}

fn system(path: &Path, source: io::Error) -> FolderError {
    FolderError::System {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_belongs_to_one_process_at_a_time() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        assert!(matches!(
            RunFolder::resume(&path),
            Err(FolderError::NotBegun { .. })
        ));
        let folder = RunFolder::begin(&path).unwrap();
        let message = RunFolder::begin(&path).unwrap_err().to_string();
        // A lock held twice by one process is held twice all the same.
        assert!(
            message.contains(&std::process::id().to_string()),
            "{message}"
        );
        drop(folder);
        let folder = RunFolder::begin(&path).unwrap();
        std::fs::write(folder.journal(), "").unwrap();
        drop(folder);
        let message = RunFolder::begin(&path).unwrap_err().to_string();
        assert!(message.contains("beacon resume"), "{message}");
        assert!(RunFolder::resume(&path).is_ok());
    }
}
