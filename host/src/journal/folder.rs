//! The folder of a live campaign: which process works in it, and the files in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::file::unfinished;

/// Why a folder cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// Another process works in it.
    #[error(
        "`{}`: {} runs a campaign in it; wait for it, stop it with `beacon ctl {} stop`, or choose \
         another folder",
        path.display(), process(*.owner), path.display()
    )]
    InUse {
        /// The folder.
        path: PathBuf,
        /// Number of the process, where it is known.
        owner: Option<u32>,
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
    /// What the claim brought into the folder.
    brought: Vec<PathBuf>,
    _lock: File,
}

impl RunFolder {
    /// A new folder for a campaign that begins. Files of a campaign that was killed before it had a
    /// journal are removed.
    ///
    /// # Errors
    /// When a campaign is in it already, or it cannot be made.
    pub fn begin(path: &Path) -> Result<Self, FolderError> {
        if path.is_file() {
            return Err(system(path, io::Error::other("is a file")));
        }
        std::fs::create_dir_all(path).map_err(|source| system(path, source))?;
        let folder = Self::claim(path)?;
        if folder.journal().exists() {
            return Err(FolderError::Begun {
                path: path.to_owned(),
            });
        }
        // Without a journal these files belong to no campaign.
        for file in [unfinished(&folder.journal()), folder.commands()] {
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(system(&file, error));
                }
                _ => {}
            }
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
        let mut brought = vec![path.join("lock"), owner(path)];
        brought.retain(|file| !file.exists());
        let file = path.join("lock");
        let failed = |source| system(&file, source);
        // The system holds the lock and releases it when the process ends.
        let lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&file)
            .map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = std::fs::read_to_string(owner(path));
                return Err(FolderError::InUse {
                    path: path.to_owned(),
                    owner: owner.ok().and_then(|owner| owner.trim().parse().ok()),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        let file = owner(path);
        std::fs::write(&file, format!("{}\n", std::process::id()))
            .map_err(|source| system(&file, source))?;
        Ok(Self {
            path: path.to_owned(),
            brought,
            _lock: lock,
        })
    }

    /// Removes the files of a campaign in which nothing was measured, and the folder itself where
    /// nothing else is in it.
    pub fn abandon(&self) {
        // A file that cannot be removed stays: the next campaign in the folder reports it.
        let lock = self.path.join("lock");
        let learned = self.path.join("learned");
        let page = self.path.join("page");
        let view = self.path.join("view");
        let [control, reserve] = ["control", "reserve"].map(|name| self.path.join(name));
        for file in [
            control,
            reserve,
            self.commands(),
            self.journal(),
            learned,
            page,
            view,
            owner(&self.path),
            lock,
        ] {
            let _ = std::fs::remove_file(file);
        }
        let _ = std::fs::remove_dir_all(self.path.join("views"));
        let _ = std::fs::remove_dir(&self.path);
    }

    /// Removes what claiming it brought into the folder, in which nothing is done.
    pub(crate) fn leave(&self) {
        for file in &self.brought {
            let _ = std::fs::remove_file(file);
        }
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its journal.
    pub fn journal(&self) -> PathBuf {
        journal(&self.path)
    }

    /// The commands that its campaign was given.
    pub(crate) fn commands(&self) -> PathBuf {
        self.path.join("commands")
    }

    /// Its HDF5 file of results.
    pub fn results(&self) -> PathBuf {
        self.path.join("campaign.hspy")
    }
}

fn journal(folder: &Path) -> PathBuf {
    folder.join("journal")
}

/// The file with the number of the process that works in a folder: a file that is locked cannot be
/// read on every system.
fn owner(folder: &Path) -> PathBuf {
    folder.join("owner")
}

fn process(number: Option<u32>) -> String {
    number.map_or("another process".to_owned(), |number| {
        format!("process {number}")
    })
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
        // A second lock of the same process is refused as that of another.
        assert!(
            message.contains(&std::process::id().to_string()),
            "{message}"
        );
        std::fs::remove_file(path.join("owner")).unwrap();
        let message = RunFolder::begin(&path).unwrap_err().to_string();
        assert!(message.contains("another process runs"), "{message}");
        drop(folder);
        let folder = RunFolder::begin(&path).unwrap();
        std::fs::write(folder.journal(), "").unwrap();
        drop(folder);
        let message = RunFolder::begin(&path).unwrap_err().to_string();
        assert!(message.contains("beacon resume"), "{message}");
        assert!(RunFolder::resume(&path).is_ok());
    }

    #[test]
    fn what_a_kill_leaves_before_there_is_a_journal_is_in_nobody_s_way() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        std::fs::create_dir(&path).unwrap();
        for left in ["journal.new", "commands", "owner", "lock"] {
            std::fs::write(path.join(left), "BEACON jour").unwrap();
        }
        assert!(matches!(
            RunFolder::resume(&path),
            Err(FolderError::NotBegun { .. })
        ));
        let folder = RunFolder::begin(&path).unwrap();
        assert!(!path.join("journal.new").exists() && !path.join("commands").exists());
        folder.abandon();
        assert!(!path.exists());
    }
}
