//! Which results are written already, so that a program that is killed while it writes them gets
//! further with every life.

use std::cell::RefCell;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The results of one campaign that are in its folder, by the names and SHA-256 of their files. They are
/// noted in the hidden file `.results`, under a key that tells the campaign's events from others.
#[derive(Debug)]
pub struct Finished {
    folder: PathBuf,
    /// Nothing where everything is written anew.
    names: Option<RefCell<HashMap<String, String>>>,
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
            // A last line that was torn holds the checksum of no file.
            Some(found) if found == key => lines
                .filter_map(|line| line.split_once(' '))
                .map(|(sum, name)| (name.to_owned(), sum.to_owned()))
                .collect(),
            _ => {
                // Where it cannot be noted, results are written anew.
                let _ = fs::write(folder.join(".results"), format!("{key}\n"));
                HashMap::new()
            }
        };
        Self {
            folder: folder.to_owned(),
            names: Some(RefCell::new(names)),
        }
    }

    /// Writes a file unless it was written before and is still as it was: another program may have
    /// put its own in its place.
    ///
    /// # Errors
    /// Those of `write`.
    pub fn once<E>(&self, name: &str, write: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let Some(names) = &self.names else {
            return write();
        };
        let file = self.folder.join(name);
        let noted = names.borrow().get(name).cloned();
        if noted.is_some_and(|noted| sum(&file).is_ok_and(|found| found == noted)) {
            return Ok(());
        }
        write()?;
        // What is not noted is written once more.
        if let Ok(sum) = sum(&file) {
            let results = self.folder.join(".results");
            let results = OpenOptions::new().append(true).open(results);
            let _ = results.and_then(|mut file| writeln!(file, "{sum} {name}"));
            names.borrow_mut().insert(name.to_owned(), sum);
        }
        Ok(())
    }
}

/// SHA-256 of a file, in hexadecimal digits.
fn sum(file: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut File::open(file)?, &mut hash)?;
    Ok(format!("{:x}", hash.finalize()))
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
        // Another program's file in its place is no result of these events.
        fs::write(folder.path().join("map.npy"), "y").unwrap();
        for _ in 0..2 {
            write(&Finished::of(folder.path(), "b"), "map.npy").unwrap();
            assert_eq!(written.get(), 8);
        }
    }
}
