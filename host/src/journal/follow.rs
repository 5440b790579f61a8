//! Reading a journal that another process may be appending to. Nothing in the folder is touched.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::error::{altered, failed, unknown};
use super::file::{HEAD, MAGIC, Next, VERSION, head, lengths, next, version_of, whole};
use super::version1::{self, OldRecord};
use super::{JournalError, Place};
use crate::campaign::Record;

/// How long bytes that are no record yet may become one.
const PATIENCE: Duration = Duration::from_secs(2);

/// What has come to a journal since it was read last.
#[derive(Debug, Default)]
pub struct News {
    /// Whether the journal is another than before: what was read of it until then does not count.
    pub anew: bool,
    /// The further records, each with its place.
    pub records: Vec<(Place, Record)>,
    /// Bytes behind the last record that are none: a record that is being written, or was torn.
    pub rest: u64,
    /// Whether these bytes have been there for so long that they are of a record that was torn.
    pub torn: bool,
}

/// The reader of a journal, as far as it has come.
#[derive(Debug)]
pub struct Follower {
    path: PathBuf,
    open: Option<Open>,
    /// Since when there are bytes behind the last record that are none, and where it ends.
    stuck: Option<(Instant, u64)>,
    /// Where the last record ended when the journal was read anew for such bytes.
    reread: Option<u64>,
}

#[derive(Debug)]
struct Open {
    file: File,
    version: u8,
    end: Place,
}

impl Follower {
    /// Follows a journal from its beginning, which may be yet to come.
    pub fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            open: None,
            stuck: None,
            reread: None,
        }
    }

    /// Version of the format; `None` while there is no journal.
    pub fn format(&self) -> Option<u8> {
        Some(self.open.as_ref()?.version)
    }

    /// What has come since the last call; nothing while there is no journal.
    ///
    /// # Errors
    /// When it cannot be read, is of another version, or was altered. What came before it holds, and
    /// a later call may find more.
    pub fn poll(&mut self) -> Result<News, JournalError> {
        let failed = |source| failed(&self.path, "read", source);
        let mut news = News::default();
        if let Some(open) = &self.open
            && is_another(&self.path, open).map_err(failed)?
        {
            self.open = None;
            (news.anew, self.reread) = (true, None);
        }
        let Some(open) = &mut self.open else {
            self.open = Open::at_beginning(&self.path)?;
            self.stuck = None;
            let anew = news.anew;
            return match self.open {
                Some(_) => self.poll().map(|news| News {
                    anew: anew || news.anew,
                    ..news
                }),
                None => Ok(news),
            };
        };
        if open.version == VERSION {
            while let Some((place, payload)) = open.next_payload().map_err(failed)? {
                let Some(record) = whole(&payload) else {
                    return Err(unknown(&self.path, place));
                };
                news.records.push((place, record));
                // A long journal comes in pieces.
                if news.records.len() == 1000 {
                    return Ok(news);
                }
            }
        } else {
            let mut old = Vec::new();
            while let Some((place, payload)) = open.next_payload().map_err(failed)? {
                let record = whole::<OldRecord>(&payload);
                old.push((place, record.ok_or_else(|| unknown(&self.path, place))?));
            }
            news.records = version1::upgrade(old);
        }
        let length = open.file.metadata().map_err(failed)?.len();
        news.rest = length.saturating_sub(open.end.offset);
        if news.rest == 0 || !news.records.is_empty() {
            self.stuck = None;
            return Ok(news);
        }
        let (since, at) = *self.stuck.get_or_insert((Instant::now(), open.end.offset));
        if since.elapsed() < PATIENCE || at != open.end.offset {
            return Ok(news);
        }
        if self.reread != Some(at) {
            // A write that failed is made again, perhaps with another record in its place.
            (self.open, self.reread) = (None, Some(at));
            let found = self.poll()?;
            return Ok(News {
                anew: true,
                ..found
            });
        }
        open.judge(&self.path)?;
        Ok(News { torn: true, ..news })
    }

    /// Judges what is behind the last record of a journal that nobody writes.
    ///
    /// # Errors
    /// When it cannot be read, or was altered.
    pub(crate) fn judge(&mut self) -> Result<(), JournalError> {
        match &mut self.open {
            Some(open) => open.judge(&self.path),
            None => Ok(()),
        }
    }
}

impl Open {
    /// `None` where there is no journal yet.
    fn at_beginning(path: &Path) -> Result<Option<Self>, JournalError> {
        let failed = |source| failed(path, "read", source);
        let mut file = match File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut bytes = [0; MAGIC.len() + 1];
        let begun = file.read_exact(&mut bytes).map_or(&[][..], |()| &bytes);
        let version = version_of(path, begun)?;
        let end = Place::first(&head(version));
        Ok(Some(Self { file, version, end }))
    }

    /// The next record, where all of it is there.
    fn next_payload(&mut self) -> io::Result<Option<(Place, Vec<u8>)>> {
        let place = self.end;
        let Some(bytes) = bytes_at(&mut self.file, place)? else {
            return Ok(None);
        };
        Ok(match next(&bytes, place) {
            Next::Record { record, chain } => {
                self.end = place.after(bytes.len() as u64, chain);
                Some((place, record.to_vec()))
            }
            Next::End | Next::Altered => None,
        })
    }

    /// Whether what follows the last record is one that was torn.
    fn judge(&mut self, path: &Path) -> Result<(), JournalError> {
        let mut rest = Vec::new();
        let read = self.file.seek(SeekFrom::Start(self.end.offset));
        let read = read.and_then(|_| self.file.read_to_end(&mut rest));
        read.map_err(|source| failed(path, "read", source))?;
        match next(&rest, self.end) {
            Next::Altered => Err(altered(path, self.end)),
            Next::Record { .. } | Next::End => Ok(()),
        }
    }
}

/// Whether there is anything to go on with in a journal; of one that cannot be read, whoever goes on says more.
pub(crate) fn has_beginning(path: &Path) -> bool {
    match Follower::new(path).poll() {
        Ok(news) => !news.records.is_empty(),
        Err(error) => !matches!(error, JournalError::NotAJournal { .. }),
    }
}

/// Reads a record of a journal again; `None` where another one is there by now.
///
/// # Errors
/// When the file cannot be read.
pub fn read_at(path: &Path, place: Place) -> io::Result<Option<Record>> {
    let Some(bytes) = bytes_at(&mut File::open(path)?, place)? else {
        return Ok(None);
    };
    Ok(match next(&bytes, place) {
        Next::Record { record, .. } => whole(record),
        Next::End | Next::Altered => None,
    })
}

/// Head and payload of the record at a place, where all of it is there.
fn bytes_at(file: &mut File, place: Place) -> io::Result<Option<Vec<u8>>> {
    file.seek(SeekFrom::Start(place.offset))?;
    let mut bytes = Vec::new();
    file.take(HEAD as u64).read_to_end(&mut bytes)?;
    let Some((length, _)) = lengths(&bytes) else {
        return Ok(None);
    };
    let read = file.take(length.into()).read_to_end(&mut bytes)?;
    Ok((read == length as usize).then_some(bytes))
}

/// Whether another file has taken the place of one that is open.
fn is_another(path: &Path, open: &Open) -> io::Result<bool> {
    let there = match fs::metadata(path) {
        Ok(there) => there,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    Ok(there.len() < open.end.offset || !is_same(&there, &open.file.metadata()?))
}

#[cfg(unix)]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same(a: &Metadata, b: &Metadata) -> bool {
    a.created().ok() == b.created().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::campaign::Event;
    use crate::journal::Journal;
    use std::fs::OpenOptions;
    use std::io::Write as _;

    fn record(number: u64) -> Record {
        let why = format!("number {number}");
        Record {
            at_ms: number,
            elapsed_ms: number,
            event: Event::NotExposed { why },
        }
    }

    fn numbers(news: &News) -> Vec<u64> {
        let records = news.records.iter();
        records.map(|(_, record)| record.at_ms).collect()
    }

    #[test]
    fn records_are_read_as_they_come_and_only_whole_ones() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut follower = Follower::new(&path);
        // Nothing yet, and no mistake.
        let news = follower.poll().unwrap();
        assert!(news.records.is_empty() && follower.format().is_none());
        let mut journal = Journal::begin(&path, &record(0)).unwrap();
        let place = journal.append(&record(1)).unwrap();
        assert_eq!(numbers(&follower.poll().unwrap()), [0, 1]);
        assert_eq!(read_at(&path, place).unwrap(), Some(record(1)));
        // Half a record, as another process is writing it.
        let whole = fs::read(&path).unwrap();
        journal.append(&record(2)).unwrap();
        let longer = fs::read(&path).unwrap();
        drop(journal);
        fs::write(&path, &longer[..longer.len() - 3]).unwrap();
        let news = follower.poll().unwrap();
        assert!(news.records.is_empty());
        assert_eq!(news.rest as usize, longer.len() - whole.len() - 3);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(&longer[longer.len() - 3..]).unwrap();
        let news = follower.poll().unwrap();
        assert!(numbers(&news) == [2] && !news.anew);
        // Another journal in its place.
        fs::remove_file(&path).unwrap();
        Journal::begin(&path, &record(7)).unwrap();
        let news = follower.poll().unwrap();
        assert!(news.anew && numbers(&news) == [7]);
    }

    #[test]
    fn other_versions_and_altered_records_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("journal");
        let mut journal = Journal::begin(&path, &record(0)).unwrap();
        let place = journal.append(&record(1)).unwrap();
        journal.append(&record(2)).unwrap();
        let good = fs::read(&path).unwrap();
        let mut altered = good.clone();
        altered[place.offset as usize + HEAD] ^= 1;
        fs::write(&path, &altered).unwrap();
        let mut follower = Follower::new(&path);
        assert_eq!(numbers(&follower.poll().unwrap()), [0]);
        let begun = Instant::now();
        let error = loop {
            match follower.poll() {
                Err(error) => break error,
                Ok(_) => assert!(begun.elapsed() < 5 * PATIENCE),
            }
            std::thread::sleep(PATIENCE / 20);
        };
        let said = format!(
            "record 1, at byte {}, is not as it was written",
            place.offset
        );
        assert!(error.to_string().contains(&said), "{error}");
        let mut other = good;
        other[MAGIC.len()] = 9;
        fs::write(&path, &other).unwrap();
        let error = Follower::new(&path).poll().unwrap_err();
        assert!(
            error.to_string().contains("a journal of version 9"),
            "{error}"
        );
        fs::write(&path, "notes").unwrap();
        let error = Follower::new(&path).poll().unwrap_err();
        assert!(error.to_string().contains("no journal"), "{error}");
    }
}
