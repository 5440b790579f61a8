//! Which results are written already, so that a program that is killed while it writes them gets
//! further with every life.

use std::cell::RefCell;
use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

/// The results of one campaign that are in its folder, by the names of their files. They are noted in
/// the hidden file `.results`, under a key that tells the campaign's events from others.
#[derive(Debug)]
pub struct Finished {
    folder: PathBuf,
    /// Nothing where everything is written anew.
    names: Option<RefCell<HashSet<String>>>,
}

impl Finished {
    /// Everything is written anew.
    pub fn nothing() -> Self {
        Self {
            folder: PathBuf::new(),
            names: None,
        }
    }

    /// What is in a folder of the results with this key.
    pub fn of(folder: &Path, key: &str) -> Self {
        let text = fs::read_to_string(folder.join(".results")).unwrap_or_default();
        let mut lines = text.lines();
        let names = match lines.next() {
            // A last line that was torn is the name of no file.
            Some(found) if found == key => lines.map(str::to_owned).collect(),
            _ => {
                // Where it cannot be noted, results are written anew.
                let _ = fs::write(folder.join(".results"), format!("{key}\n"));
                HashSet::new()
            }
        };
        Self {
            folder: folder.to_owned(),
            names: Some(RefCell::new(names)),
        }
    }

    /// Writes a file unless it was written before and is still there.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn once<E>(&self, name: &str, write: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let Some(names) = &self.names else {
            return write();
        };
        if names.borrow().contains(name) && self.folder.join(name).exists() {
            return Ok(());
        }
        write()?;
        if names.borrow_mut().insert(name.to_owned()) {
            let noted = OpenOptions::new()
                .append(true)
                .open(self.folder.join(".results"));
            // What is not noted is written once more.
            let _ = noted.and_then(|mut file| file.write_all(format!("{name}\n").as_bytes()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_not_written_again_for_the_same_events() {
        let folder = tempfile::tempdir().unwrap();
        let written = std::cell::Cell::new(0);
        let write = |finished: &Finished, name: &str| {
            finished.once(name, || {
                written.set(written.get() + 1);
                fs::write(folder.path().join(name), "x")
            })
        };
        for (key, files, expected) in [("a", 2, 2), ("a", 3, 3), ("b", 3, 6), ("b", 3, 6)] {
            let finished = Finished::of(folder.path(), key);
            for name in ["map.npy", "report.html", "summary.json"]
                .iter()
                .take(files)
            {
                write(&finished, name).unwrap();
            }
            assert_eq!(written.get(), expected, "{key}");
        }
        fs::remove_file(folder.path().join("map.npy")).unwrap();
        write(&Finished::of(folder.path(), "b"), "map.npy").unwrap();
        assert_eq!(written.get(), 7);
    }
}
