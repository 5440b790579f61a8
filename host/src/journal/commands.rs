//! Commands that were accepted, on disk before their sender is answered.
//!
//! The file `commands` has a line of JSON for each, numbered from 1. A command is taken once the
//! journal has a record of it, carried out or refused. That record is one write, so that a kill leaves
//! the command either taken or waiting. The number of such records is the number of the last command
//! taken; those after it wait when the campaign is taken up again.
//!
//! A last line without a line feed, or with zeros in it, was being written when the power failed. Its
//! sender had no answer yet, and the line is dropped.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::file::sync_folder;
use crate::campaign::{Command, Given};

/// Why the file of commands cannot be used; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandsError {
    /// The file system refused.
    #[error("`{}`: the commands cannot be kept: {source}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line that is not as it was written.
    #[error(
        "`{}`: line {line} is no command, or out of order; expected the lines as they were written: \
         without the file, the campaign goes on without the commands that are waiting in it",
        path.display()
    )]
    Altered {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: usize,
    },
}

#[derive(Serialize, Deserialize)]
struct Line {
    number: usize,
    command: Command,
    #[serde(default)]
    by: String,
    #[serde(default)]
    at_ms: u64,
}

/// The file, open for appending.
#[derive(Debug)]
pub(crate) struct Commands {
    file: File,
    /// Where the next line goes.
    end: u64,
    /// Number of the last command.
    last: usize,
}

impl Commands {
    /// Opens the file, or makes it, and returns the commands in it after the first `taken`.
    ///
    /// # Errors
    /// When it cannot be read or written, or was altered.
    pub(crate) fn open(path: &Path, taken: usize) -> Result<(Self, Vec<Given>), CommandsError> {
        let failed = |source| CommandsError::File {
            path: path.to_owned(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(failed)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let (mut end, mut last, mut waiting) = (0, 0, Vec::new());
        for (index, line) in bytes.split_inclusive(|&byte| byte == b'\n').enumerate() {
            let at_end = end + line.len() == bytes.len();
            if at_end && (!line.ends_with(b"\n") || line.contains(&0)) {
                break;
            }
            match serde_json::from_slice::<Line>(line) {
                Ok(line) if line.number > last => {
                    let Line {
                        number,
                        command,
                        by,
                        at_ms,
                    } = line;
                    last = number;
                    if number > taken {
                        waiting.push(Given { command, by, at_ms });
                    }
                }
                _ => {
                    return Err(CommandsError::Altered {
                        path: path.to_owned(),
                        line: index + 1,
                    });
                }
            }
            end += line.len();
        }
        let commands = Self {
            file,
            end: end as u64,
            // Where the file was lost, what the journal has of it is not numbered again.
            last: last.max(taken),
        };
        commands.cut().map_err(failed)?;
        sync_folder(path).map_err(failed)?;
        Ok((commands, waiting))
    }

    /// Appends a command; it is on disk when this returns. After an error the file is as it was.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(crate) fn append(&mut self, given: &Given) -> io::Result<()> {
        let number = self.last + 1;
        let mut line = serde_json::to_vec(&Line {
            number,
            command: given.command.clone(),
            by: given.by.clone(),
            at_ms: given.at_ms,
        })?;
        line.push(b'\n');
        let written = self
            .file
            .seek(SeekFrom::Start(self.end))
            .and_then(|_| self.file.write_all(&line))
            .and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            // What cannot be cut off either is written over by the next one.
            let _ = self.cut();
            return Err(error);
        }
        self.end += line.len() as u64;
        self.last = number;
        Ok(())
    }

    fn cut(&self) -> io::Result<()> {
        self.file.set_len(self.end)?;
        self.file.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(n: u32) -> Given {
        Given {
            command: Command::Measure(n),
            by: "Ada".to_owned(),
            at_ms: u64::from(n),
        }
    }

    fn commands(count: u32) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("commands");
        let (mut commands, waiting) = Commands::open(&path, 0).unwrap();
        assert!(waiting.is_empty());
        for n in 1..=count {
            commands.append(&command(n)).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn what_was_taken_is_taken_once_and_what_was_not_is_waiting() {
        let (_folder, path) = commands(5);
        for taken in 0..=5 {
            let (_, waiting) = Commands::open(&path, taken).unwrap();
            let expected: Vec<_> = (taken as u32 + 1..=5).map(command).collect();
            assert_eq!(waiting, expected);
        }
        let (mut commands, _) = Commands::open(&path, 4).unwrap();
        commands.append(&command(6)).unwrap();
        let (_, waiting) = Commands::open(&path, 5).unwrap();
        assert_eq!(waiting, [command(6)]);
    }

    #[test]
    fn a_file_that_was_lost_is_not_numbered_from_the_beginning() {
        let (_folder, path) = commands(5);
        std::fs::remove_file(&path).unwrap();
        let (mut commands, waiting) = Commands::open(&path, 5).unwrap();
        assert!(waiting.is_empty());
        commands.append(&command(6)).unwrap();
        assert_eq!(Commands::open(&path, 5).unwrap().1, [command(6)]);
        assert!(Commands::open(&path, 6).unwrap().1.is_empty());
    }

    #[test]
    fn a_file_cut_anywhere_keeps_every_complete_line_and_goes_on() {
        let (_folder, path) = commands(3);
        let whole = std::fs::read(&path).unwrap();
        for length in 0..=whole.len() {
            let complete = whole[..length].split(|&byte| byte == b'\n').count() - 1;
            let hole = whole[..length].iter().copied().chain([0; 40]);
            for left in [whole[..length].to_vec(), hole.collect()] {
                std::fs::write(&path, left).unwrap();
                let (mut commands, waiting) = Commands::open(&path, 0).unwrap();
                assert_eq!(waiting.len(), complete, "cut at {length}");
                commands.append(&command(9)).unwrap();
                let (_, waiting) = Commands::open(&path, complete).unwrap();
                assert_eq!(waiting, [command(9)], "cut at {length}");
            }
        }
    }

    #[test]
    fn a_line_that_is_not_as_it_was_written_is_named() {
        let (_folder, path) = commands(3);
        let whole = std::fs::read_to_string(&path).unwrap();
        for (from, to, line) in [
            ("\"number\":2", "\"number\":1", 2),
            ("\"Measure\":3", "\"Measure\":x", 3),
            ("{\"number\":1", "{number\":1", 1),
        ] {
            std::fs::write(&path, whole.replace(from, to)).unwrap();
            let message = Commands::open(&path, 0).unwrap_err().to_string();
            assert!(message.contains(&format!("line {line} ")), "{message}");
        }
    }
}
