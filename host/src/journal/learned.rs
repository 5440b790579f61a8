//! What the campaign has learned, beside the journal. With it a campaign is taken up again without
//! training anew; where it is missing or does not match, the campaign trains anew.
//!
//! The file `learned` belongs to a place in the journal, whose checksum it repeats. It is replaced
//! as a whole, never altered, and may be lost at any time.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crc::{CRC_32_ISO_HDLC, Crc};
use serde::{Deserialize, Serialize};

use super::file::Place;
use crate::campaign::drive::Kept;

const MAGIC: &[u8; 16] = b"BEACON learned 4";
const CRC: Crc<u32> = Crc::<u32>::new(&CRC_32_ISO_HDLC);
/// Share of the time that keeping may take.
const SHARE: f64 = 0.02;

#[derive(Serialize, Deserialize)]
struct Content {
    /// Number of records that it was learned from.
    records: usize,
    /// Checksum of the last of them.
    chain: u32,
    /// Revision of what decides: [`crate::campaign::ALGORITHM`].
    algorithm: u32,
    kept: Kept,
}

/// The file, and when it was written last.
#[derive(Debug)]
pub(crate) struct LearnedFile {
    path: PathBuf,
    written: Instant,
    took: Duration,
}

impl LearnedFile {
    /// The file in a folder.
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            path: folder.join("learned"),
            written: Instant::now(),
            took: Duration::ZERO,
        }
    }

    /// What was learned, and from how many records of the journal, whose records have these places;
    /// `None` where there is nothing that matches.
    pub(crate) fn read(&self, places: &[Place], end: Place) -> Option<(usize, Kept)> {
        let bytes = fs::read(&self.path).ok()?;
        let (head, rest) = bytes.split_at_checked(MAGIC.len())?;
        let (sum, payload) = rest.split_at_checked(4)?;
        if head != MAGIC || CRC.checksum(payload).to_le_bytes() != *sum {
            return None;
        }
        let content: Content = postcard::from_bytes(payload).ok()?;
        let place = places.iter().find(|place| place.record == content.records);
        let place = place.or((end.record == content.records).then_some(&end))?;
        let matches =
            place.chain == content.chain && content.algorithm == crate::campaign::ALGORITHM;
        matches.then_some((content.records, content.kept))
    }

    /// Keeps what was learned by the end of the journal, unless it was kept just before. An error of
    /// the disk is ignored: the journal has everything.
    pub(crate) fn write(&mut self, end: Place, kept: &dyn Fn() -> Kept) {
        if self.written.elapsed().mul_f64(SHARE) < self.took {
            return;
        }
        let begun = Instant::now();
        let content = Content {
            records: end.record,
            chain: end.chain,
            algorithm: crate::campaign::ALGORITHM,
            kept: kept(),
        };
        if let Ok(payload) = postcard::to_allocvec(&content) {
            let mut bytes = MAGIC.to_vec();
            bytes.extend_from_slice(&CRC.checksum(&payload).to_le_bytes());
            bytes.extend_from_slice(&payload);
            let new = self.path.with_file_name(".learned.new");
            let _ = fs::write(&new, bytes).and_then(|()| fs::rename(&new, &self.path));
        }
        (self.written, self.took) = (Instant::now(), begun.elapsed());
    }
}
