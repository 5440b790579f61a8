//! The journal: every event of a live campaign, on disk before the beam may move again.
//!
//! | bytes | what |
//! |---|---|
//! | 16 | `BEACON journal`, a line feed, and the version of the format |
//! | for each record: 4 | length of its payload |
//! | 4 | the length again, each bit inverted |
//! | 4 | CRC-32 of the checksum before, the length and the payload |
//! | length | the payload, a [`Record`] in postcard |
//!
//! All numbers are little-endian. Checksums are chained, so that a record that was changed, taken
//! out or put elsewhere is noticed. A record that was being written when the power went was never
//! acted upon and is dropped. It is the last one, and
//!
//! * shorter than its length says, or
//! * of its whole length, with a checksum that does not match and nothing but zeros from the
//!   beginning of a sector to the end of the file, or
//! * nothing but zeros: the file had grown before its content arrived.
//!
//! Anything else that does not match was written and altered since, and nothing is dropped. What
//! is dropped is first added to the end of `journal.torn`, beside the journal.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use crc::{CRC_32_ISO_HDLC, Crc};
use sha2::{Digest as _, Sha256};

use super::error::{JournalError, altered, failed, unknown};
use super::version1::{self, OldRecord};
use crate::campaign::{Event, Record};

/// Version of the format and of [`Record`].
pub(super) const VERSION: u8 = 2;
/// Oldest version that is read.
pub(super) const OLDEST: u8 = 1;

pub(super) const MAGIC: &[u8; 15] = b"BEACON journal\n";
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// Bytes before a payload.
pub(super) const HEAD: usize = 12;
/// A disk writes so many bytes as a whole or not at all.
const SECTOR: u64 = 512;
/// Longest payload: an image of 4096 × 4096 pixels and more.
const LONGEST: u32 = 1 << 28;

/// Where a record is, and what shows that it is still the one that was written there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its first byte.
    pub offset: u64,
    /// Its number, from 0.
    pub record: usize,
    /// Checksum of the record before.
    pub(super) chain: u32,
}

/// A journal that is open for appending.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    version: u8,
    /// Where the next record goes.
    end: Place,
    /// Whether there may be half a record after it.
    dirty: bool,
    /// Whether a record is on the disk before anything follows from it.
    safe: bool,
}

/// What was found in a journal.
#[derive(Debug)]
pub struct Found {
    /// The journal, to go on with.
    pub journal: Journal,
    /// Its records, each with its place.
    pub records: Vec<(Place, Record)>,
    /// Bytes of a torn last record, which [`Self::mend`] moves to `journal.torn`.
    pub torn: u64,
    /// Version of its format. A journal of an earlier one lacks events that follow from the others,
    /// and nothing can be appended to it.
    pub version: u8,
}

impl Found {
    /// Moves a torn last record to `journal.torn`, for whoever goes on with the journal.
    ///
    /// # Errors
    /// When that cannot be written.
    pub fn mend(&mut self) -> Result<(), JournalError> {
        let journal = &mut self.journal;
        if !journal.dirty {
            return Ok(());
        }
        let aside = beside(&journal.path, ".torn");
        let mut torn = Vec::new();
        let read = journal.file.seek(SeekFrom::Start(journal.end.offset));
        read.and_then(|_| journal.file.read_to_end(&mut torn))
            .map_err(|source| journal.failed("read", source))?;
        set_aside(&aside, &torn).map_err(|source| failed(&aside, "written", source))?;
        journal.cut().map_err(|e| journal.failed("cut", e))
    }
}

/// The version of the journal that begins with these bytes.
///
/// # Errors
/// When they begin no journal, or one of another version than can be read.
pub(super) fn version_of(path: &Path, bytes: &[u8]) -> Result<u8, JournalError> {
    let path = path.to_owned();
    match bytes.strip_prefix(MAGIC) {
        Some(&[found, ..]) if (OLDEST..=VERSION).contains(&found) => Ok(found),
        Some(&[found, ..]) => Err(JournalError::Version { path, found }),
        _ => Err(JournalError::NotAJournal { path }),
    }
}

impl Journal {
    /// Begins a journal. It is there with its first record, or it is not there: a kill on the way
    /// leaves `journal.new` at most, which the next attempt writes over.
    ///
    /// # Errors
    /// When there is one or it cannot be written.
    pub fn begin(path: &Path, first: &Record) -> Result<Self, JournalError> {
        let failed = |source| failed(path, "begun", source);
        if path.try_exists().map_err(failed)? {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        let new = unfinished(path);
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&new)
            .map_err(failed)?;
        let mut journal = Self::empty(path, file)?;
        journal.append(first)?;
        journal.file.sync_all().map_err(failed)?;
        std::fs::rename(&new, path).map_err(failed)?;
        sync_folder(path).map_err(failed)?;
        Ok(journal)
    }

    /// Begins a journal that nothing depends on: it is for showing a campaign, and a power failure may
    /// take it.
    ///
    /// # Errors
    /// As [`Self::begin`].
    pub(crate) fn begin_to_show(path: &Path, first: &Record) -> Result<Self, JournalError> {
        let mut journal = Self::begin(path, first)?;
        journal.safe = false;
        Ok(journal)
    }

    fn empty(path: &Path, mut file: File) -> Result<Self, JournalError> {
        let head = head(VERSION);
        file.write_all(&head)
            .map_err(|source| failed(path, "begun", source))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            version: VERSION,
            end: Place::first(&head),
            dirty: false,
            safe: true,
        })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the next record goes.
    pub fn end(&self) -> Place {
        self.end
    }

    /// Number of the last record, from 0.
    pub(crate) fn last(&self) -> Option<usize> {
        self.end.record.checked_sub(1)
    }

    /// Opens a journal, reads all of it, and moves a torn last record to `journal.torn`.
    ///
    /// # Errors
    /// As [`Self::inspect`], and when what was torn cannot be moved.
    pub fn open(path: &Path) -> Result<Found, JournalError> {
        let mut found = Self::inspect(path)?;
        found.mend()?;
        Ok(found)
    }

    /// Opens a journal and reads all of it; what was torn stays until [`Found::mend`].
    ///
    /// # Errors
    /// When it cannot be read, is of another version or of a program that knows more, or was altered.
    pub fn inspect(path: &Path) -> Result<Found, JournalError> {
        let opened = OpenOptions::new().read(true).write(true).open(path);
        let mut file = opened.map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => JournalError::NotAJournal {
                path: path.to_owned(),
            },
            _ => failed(path, "opened", source),
        })?;
        let mut bytes = Vec::new();
        let read = file.read_to_end(&mut bytes);
        read.map_err(|source| failed(path, "read", source))?;
        let version = version_of(path, &bytes)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
            version,
            end: Place::first(&head(version)),
            dirty: false,
            safe: true,
        };
        let (mut records, mut old) = (Vec::new(), Vec::new());
        loop {
            let rest = &bytes[journal.end.offset as usize..];
            match next(rest, journal.end) {
                Next::Record { record, chain } => {
                    let length = HEAD + record.len();
                    let place = journal.end;
                    let read = if version == VERSION {
                        whole(record).map(|record| records.push((place, record)))
                    } else {
                        whole::<OldRecord>(record).map(|record| old.push((place, record)))
                    };
                    if read.is_none() {
                        return Err(unknown(path, place));
                    }
                    journal.end = journal.end.after(length as u64, chain);
                }
                Next::End => break,
                Next::Altered => return Err(journal.altered(journal.end)),
            }
        }
        let torn = bytes.len() as u64 - journal.end.offset;
        journal.dirty = torn > 0;
        records.extend(version1::upgrade(old));
        Ok(Found {
            journal,
            records,
            torn,
            version,
        })
    }

    /// Appends a record and returns its place; it is on disk when this returns. After an error the
    /// journal is as it was before, and the same record can be appended again.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn append(&mut self, record: &Record) -> Result<Place, JournalError> {
        let too_long = || io::Error::new(io::ErrorKind::InvalidInput, "a record is too long");
        let written = postcard::to_allocvec(record)
            .map_err(io::Error::other)
            .and_then(|payload| {
                let length = u32::try_from(payload.len()).ok();
                let length = length.filter(|&length| length <= LONGEST);
                Ok((length.ok_or_else(too_long)?, payload))
            })
            .and_then(|(length, payload)| {
                let chain = checksum(self.end.chain, length, &payload);
                let mut bytes = Vec::with_capacity(HEAD + payload.len());
                bytes.extend_from_slice(&length.to_le_bytes());
                bytes.extend_from_slice(&(!length).to_le_bytes());
                bytes.extend_from_slice(&chain.to_le_bytes());
                bytes.extend_from_slice(&payload);
                if self.dirty {
                    self.cut()?;
                }
                self.dirty = true;
                self.file.seek(SeekFrom::Start(self.end.offset))?;
                self.file.write_all(&bytes)?;
                if self.safe {
                    self.file.sync_data()?;
                }
                Ok((chain, bytes.len() as u64))
            });
        match written {
            Ok((chain, length)) => {
                let place = self.end;
                self.end = place.after(length, chain);
                self.dirty = false;
                Ok(place)
            }
            Err(error) => {
                // Half a record would be dropped when the journal is read; cutting it off keeps a
                // full disk from staying full. The caller gets the first error.
                let _ = self.cut();
                Err(self.failed("written", error))
            }
        }
    }

    /// Reads a record again; `None` from a journal of an earlier version.
    ///
    /// # Errors
    /// When it cannot be read, or is not as it was written.
    pub fn read(&mut self, place: Place) -> Result<Option<Record>, JournalError> {
        let payload = self.payload(place)?;
        if self.version != VERSION {
            return Ok(None);
        }
        let record = whole(&payload).ok_or_else(|| unknown(&self.path, place))?;
        Ok(Some(record))
    }

    /// Reads the spectrum of a measured point again.
    ///
    /// # Errors
    /// When it cannot be read, is not as it was written, or the record is of anything but a measured
    /// point.
    pub fn spectrum(&mut self, place: Place) -> Result<Vec<f64>, JournalError> {
        let payload = self.payload(place)?;
        let unknown = || unknown(&self.path, place);
        let spectrum = if self.version == VERSION {
            match whole::<Record>(&payload).ok_or_else(unknown)?.event {
                Event::Measured(measured) => Some(measured.acquired.spectrum),
                _ => None,
            }
        } else {
            whole::<OldRecord>(&payload)
                .ok_or_else(unknown)?
                .into_spectrum()
        };
        spectrum.ok_or_else(|| self.altered(place))
    }

    /// The payload at a place, checked against its checksum.
    fn payload(&mut self, place: Place) -> Result<Vec<u8>, JournalError> {
        let mut attempt = || -> io::Result<Option<Vec<u8>>> {
            self.file.seek(SeekFrom::Start(place.offset))?;
            let mut bytes = vec![0; HEAD];
            self.file.read_exact(&mut bytes)?;
            let Some((length, _)) = lengths(&bytes) else {
                return Ok(None);
            };
            bytes.resize(HEAD + length as usize, 0);
            self.file.read_exact(&mut bytes[HEAD..])?;
            Ok(match next(&bytes, place) {
                Next::Record { record, .. } => Some(record.to_vec()),
                Next::End | Next::Altered => None,
            })
        };
        match attempt() {
            Ok(Some(payload)) => Ok(payload),
            Ok(None) => Err(self.altered(place)),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(self.altered(place)),
            Err(error) => Err(self.failed("read", error)),
        }
    }

    /// SHA-256 of the journal so far, in hexadecimal: what `sha256sum` says.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn hash(&mut self) -> Result<String, JournalError> {
        let mut attempt = || -> io::Result<String> {
            self.file.seek(SeekFrom::Start(0))?;
            let mut hash = Sha256::new();
            let mut buffer = vec![0; 1 << 16];
            loop {
                let count = self.file.read(&mut buffer)?;
                if count == 0 {
                    break;
                }
                hash.update(&buffer[..count]);
            }
            let digits = hash.finalize();
            let digits = digits.iter().map(|byte| format!("{byte:02x}"));
            Ok(digits.collect())
        };
        attempt().map_err(|error| self.failed("read", error))
    }

    fn cut(&mut self) -> io::Result<()> {
        self.file.set_len(self.end.offset)?;
        self.file.sync_all()?;
        self.dirty = false;
        Ok(())
    }

    fn failed(&self, action: &'static str, source: io::Error) -> JournalError {
        failed(&self.path, action, source)
    }

    fn altered(&self, place: Place) -> JournalError {
        altered(&self.path, place)
    }
}

impl Place {
    /// Of the first record, after the head of the file.
    pub(super) fn first(head: &[u8]) -> Self {
        Self {
            offset: head.len() as u64,
            record: 0,
            chain: CRC.checksum(head),
        }
    }

    /// Of the next record, after one of that length and checksum.
    pub(super) fn after(self, length: u64, chain: u32) -> Self {
        Self {
            offset: self.offset + length,
            record: self.record + 1,
            chain,
        }
    }
}

/// What comes next in the bytes of a journal.
pub(super) enum Next<'a> {
    Record {
        record: &'a [u8],
        chain: u32,
    },
    /// Nothing, or a record that was not written to its end.
    End,
    Altered,
}

/// `rest` is what the file holds from a place on.
pub(super) fn next(rest: &[u8], place: Place) -> Next<'_> {
    let Some((head, payload)) = rest.split_at_checked(HEAD) else {
        return Next::End;
    };
    let Some((length, sum)) = lengths(head) else {
        // A file may have grown before its content arrived.
        let blank = rest.iter().all(|&byte| byte == 0);
        return if blank { Next::End } else { Next::Altered };
    };
    let Some((record, after)) = payload.split_at_checked(length as usize) else {
        return Next::End;
    };
    if checksum(place.chain, length, record) == sum {
        return Next::Record { record, chain: sum };
    }
    // The sectors of a record reach the disk in any order.
    let last = (place.offset + rest.len() as u64 - 1) / SECTOR * SECTOR;
    let hole = &rest[last.saturating_sub(place.offset) as usize..];
    if after.is_empty() && hole.iter().all(|&byte| byte == 0) {
        return Next::End;
    }
    Next::Altered
}

/// Length and checksum of a record from the bytes before its payload; `None` where these are none
/// that were written.
pub(super) fn lengths(head: &[u8]) -> Option<(u32, u32)> {
    let word = |at: usize| {
        let bytes = head.get(at..at + 4)?;
        Some(u32::from_le_bytes(bytes.try_into().ok()?))
    };
    let (length, inverted, sum) = (word(0)?, word(4)?, word(8)?);
    (length == !inverted && length <= LONGEST).then_some((length, sum))
}

/// A record from all of its payload.
pub(super) fn whole<R: serde::de::DeserializeOwned>(payload: &[u8]) -> Option<R> {
    let (record, rest) = postcard::take_from_bytes(payload).ok()?;
    rest.is_empty().then_some(record)
}

pub(super) fn head(version: u8) -> [u8; 16] {
    let mut head = [version; 16];
    head[..MAGIC.len()].copy_from_slice(MAGIC);
    head
}

fn checksum(before: u32, length: u32, payload: &[u8]) -> u32 {
    let mut digest = CRC.digest();
    digest.update(&before.to_le_bytes());
    digest.update(&length.to_le_bytes());
    digest.update(payload);
    digest.finalize()
}

/// Where a journal is until its first record is complete.
fn unfinished(journal: &Path) -> PathBuf {
    beside(journal, ".new")
}

/// A file beside another, with a further ending.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// Appends to a file the bytes that are about to be cut off elsewhere.
fn set_aside(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut aside = OpenOptions::new().append(true).create(true).open(file)?;
    aside.write_all(bytes)?;
    aside.sync_all()?;
    sync_folder(file)
}

/// Makes a new file's name survive a power failure too, where folders can be synced.
pub(super) fn sync_folder(path: &Path) -> io::Result<()> {
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        let folder = if folder.as_os_str().is_empty() {
            Path::new(".")
        } else {
            folder
        };
        File::open(folder)?.sync_all()?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}

#[cfg(test)]
mod tests;
