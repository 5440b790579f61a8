//! The folder of a live campaign: which process works in it, and the files in it.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::follow::has_beginning;
use super::past::remove_kept;

/// What a campaign keeps in its folder beside journal and results, all but the views of the past.
const FILES: [&str; 9] = [
    "journal.new",
    "control",
    "reserve",
    "commands",
    "learned",
    ".learned.new",
    "page",
    "view",
    ".view.new",
];

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
        "`{}`: {}choose another folder", path.display(),
        if has_beginning(&journal(path)) {
            format!("a campaign was begun in it; go on with `beacon resume {}`, or ", path.display())
        } else {
            "a journal is in it that ends before the campaign's beginning; ".to_owned()
        }
    )]
    Begun {
        /// The folder.
        path: PathBuf,
    },
    /// Something has the name of a file of a campaign, and no campaign made it.
    #[error(
        "`{}`: is in the way: no campaign made it, and one in this folder would write over it; expected a new \
         or empty folder",
        path.display()
    )]
    Foreign {
        /// The file or folder.
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
    /// journal are removed; files of anybody else are refused.
    ///
    /// # Errors
    /// When a campaign is in it already, or a file that a campaign would write over, or it cannot be made.
    pub fn begin(path: &Path) -> Result<Self, FolderError> {
        if path.is_file() {
            return Err(system(path, io::Error::other("is a file")));
        }
        let begun = || FolderError::Begun {
            path: path.to_owned(),
        };
        // A campaign that runs is named by its lock.
        match journal(path).exists() {
            true if !lock(path).exists() => return Err(begun()),
            true => {}
            false => refuse_foreign(path)?,
        }
        std::fs::create_dir_all(path).map_err(|source| system(path, source))?;
        let folder = Self::claim(path)?;
        if folder.journal().exists() {
            folder.leave();
            return Err(begun());
        }
        // Without a journal these files belong to no campaign.
        folder.remove_files()?;
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
        let mut brought = vec![lock(path), owner(path)];
        brought.retain(|file| !file.exists());
        let file = lock(path);
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

    /// Removes the files of a campaign that was begun here and in which nothing was measured, and the folder
    /// itself where nothing else is in it.
    pub fn abandon(&self) {
        // A file that cannot be removed stays: the next campaign in the folder reports it.
        let _ = std::fs::remove_file(self.journal());
        let _ = self.remove_files();
        for file in [owner(&self.path), lock(&self.path)] {
            let _ = std::fs::remove_file(file);
        }
        let _ = std::fs::remove_dir(&self.path);
    }

    /// Removes what a campaign keeps beside its journal. [`Self::begin`] lets in no file of anybody else.
    fn remove_files(&self) -> Result<(), FolderError> {
        remove_kept(&self.path);
        let removed = FILES.map(|name| {
            let file = self.path.join(name);
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(system(&file, error)),
                _ => Ok(()),
            }
        });
        removed.into_iter().collect()
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

fn lock(folder: &Path) -> PathBuf {
    folder.join("lock")
}

/// Refuses a folder without a journal in which a campaign would write over what it did not make. One that was
/// killed before it had a journal leaves an empty lock and the number of its process.
fn refuse_foreign(folder: &Path) -> Result<(), FolderError> {
    let (lock, owner) = (lock(folder), owner(folder));
    let is_empty = |file: &Path| file.metadata().is_ok_and(|m| m.is_file() && m.len() == 0);
    let number = std::fs::read_to_string(&owner);
    let is_numbered = number.is_ok_and(|number| number.trim().parse::<u32>().is_ok());
    let is_locked = is_empty(&lock);
    let others = FILES.iter().chain(&["views"]).map(|name| folder.join(name));
    let others = others.filter(|_| !(is_locked && is_numbered));
    let mut foreign: Vec<PathBuf> = others.collect();
    if !is_locked {
        foreign.push(lock);
    }
    // A kill or a power failure may have come before the number.
    if !(is_numbered || is_locked && is_empty(&owner)) {
        foreign.push(owner);
    }
    let mut there = foreign.into_iter();
    match there.find(|file| file.symlink_metadata().is_ok()) {
        Some(path) => Err(FolderError::Foreign { path }),
        None => Ok(()),
    }
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
    use crate::campaign::{Event, Record};
    use crate::journal::Journal;

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
        let first = Record {
            at_ms: 0,
            elapsed_ms: 0,
            event: Event::GivenUp { why: String::new() },
        };
        Journal::begin(&folder.journal(), &first).unwrap();
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
        for left in ["journal.new", "commands"] {
            std::fs::write(path.join(left), "BEACON jour").unwrap();
        }
        // Both as a claim leaves them.
        std::fs::write(path.join("owner"), "4711\n").unwrap();
        std::fs::write(path.join("lock"), "").unwrap();
        assert!(matches!(
            RunFolder::resume(&path),
            Err(FolderError::NotBegun { .. })
        ));
        let folder = RunFolder::begin(&path).unwrap();
        assert!(!path.join("journal.new").exists() && !path.join("commands").exists());
        folder.abandon();
        assert!(!path.exists());
    }

    #[test]
    fn what_no_campaign_made_is_neither_removed_nor_written_over() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("run");
        std::fs::create_dir_all(path.join("views")).unwrap();
        let thesis = path.join("views/thesis.txt");
        std::fs::write(&thesis, "mine").unwrap();
        let refused = |name: &str| {
            let file = path.join(name);
            let message = RunFolder::begin(&path).unwrap_err().to_string();
            assert!(message.contains(&*file.to_string_lossy()), "{message}");
            assert!(message.contains("is in the way"), "{message}");
        };
        refused("views");
        std::fs::rename(path.join("views"), path.join("chapters")).unwrap();
        for name in FILES.into_iter().chain(["lock", "owner"]) {
            let file = path.join(name);
            std::fs::write(&file, "mine").unwrap();
            refused(name);
            assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine", "{name}");
            std::fs::remove_file(&file).unwrap();
        }
        // What the campaign made goes with it, and nothing else.
        let folder = RunFolder::begin(&path).unwrap();
        std::fs::rename(path.join("chapters"), path.join("views")).unwrap();
        std::fs::write(path.join("views/12-40"), "a view").unwrap();
        std::fs::write(folder.journal(), "").unwrap();
        folder.abandon();
        let left = std::fs::read_dir(&path).unwrap();
        let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left, ["views"]);
        assert!(thesis.exists() && !path.join("views/12-40").exists());
    }
}
