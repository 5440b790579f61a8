//! Room on the disk for one more measurement.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

/// A file without content that is deleted when the disk is full: a spectrum that was just measured
/// then finds room.
#[derive(Debug)]
pub(crate) struct Reserve {
    file: PathBuf,
    bytes: usize,
    held: bool,
}

impl Reserve {
    /// A reserve for records of up to `bytes`, in a folder; it holds no room yet.
    pub(crate) fn new(folder: &std::path::Path, bytes: usize) -> Self {
        Self {
            file: folder.join("reserve"),
            bytes,
            held: false,
        }
    }

    /// Takes the room, if it is not held.
    ///
    /// # Errors
    /// When there is none.
    pub(crate) fn hold(&mut self) -> io::Result<()> {
        if self.held {
            return Ok(());
        }
        let written = File::create(&self.file).and_then(|mut file| {
            // Bytes that differ, so that no file system leaves them out.
            let bytes: Vec<u8> = (0..self.bytes).map(|i| (i % 251) as u8 + 1).collect();
            file.write_all(&bytes)?;
            file.sync_all()
        });
        if written.is_err() {
            let _ = fs::remove_file(&self.file);
        }
        self.held = written.is_ok();
        written
    }

    /// Gives the room up.
    pub(crate) fn give_up(&mut self) {
        // Where it cannot be removed, the next append fails and is tried again.
        let _ = fs::remove_file(&self.file);
        self.held = false;
    }
}

impl Drop for Reserve {
    fn drop(&mut self) {
        self.give_up();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_held_until_it_is_given_up() {
        let folder = tempfile::tempdir().unwrap();
        let mut reserve = Reserve::new(folder.path(), 5000);
        reserve.hold().unwrap();
        let file = folder.path().join("reserve");
        assert_eq!(fs::metadata(&file).unwrap().len(), 5000);
        reserve.hold().unwrap();
        reserve.give_up();
        assert!(!file.exists());
        reserve.hold().unwrap();
        drop(reserve);
        assert!(!file.exists());
        assert!(
            Reserve::new(&folder.path().join("absent"), 10)
                .hold()
                .is_err()
        );
    }
}
