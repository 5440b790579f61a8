//! The bytes of a TIFF file, with what says how a page is to be shown replaced: the decoder then gives
//! what is stored.
//!
//! A page whose zero is to be shown white, or through a table of colours, holds the same numbers as any
//! other, and the decoder would invert or refuse them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::sync::Arc;

/// Tag of how stored numbers are to be shown, and its value for black at zero.
const PHOTOMETRIC: u16 = 262;
const BLACK_IS_ZERO: u16 = 1;
/// White at zero; a table of colours; a mask.
const SHOWN_OTHERWISE: [u16; 3] = [0, 3, 4];

/// Entries of all pages that are looked through; more than any file has.
const MOST_ENTRIES: u64 = 1 << 18;

/// A file with two bytes of some pages replaced.
pub(super) struct Stored {
    name: Arc<str>,
    file: BufReader<File>,
    position: u64,
    /// Where, by rising place, and by what.
    replaced: Arc<Vec<(u64, [u8; 2])>>,
}

impl Stored {
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(file: &str) -> io::Result<Self> {
        let mut stored = Self {
            name: file.into(),
            file: BufReader::new(File::open(file)?),
            position: 0,
            replaced: Arc::default(),
        };
        let mut replaced = Vec::new();
        // A file that ends in the middle of a page is for the decoder to refuse.
        let _ = stored.look_through(&mut replaced);
        replaced.sort_unstable();
        stored.replaced = Arc::new(replaced);
        stored.seek(SeekFrom::Start(0))?;
        Ok(stored)
    }

    /// The same file once more, without looking through its pages again.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn again(&self) -> io::Result<Self> {
        Ok(Self {
            name: Arc::clone(&self.name),
            file: BufReader::new(File::open(&*self.name)?),
            position: 0,
            replaced: Arc::clone(&self.replaced),
        })
    }

    /// Finds the pages that are shown otherwise than black at zero.
    fn look_through(&mut self, replaced: &mut Vec<(u64, [u8; 2])>) -> io::Result<()> {
        let mut head = [0; 4];
        self.read_exact(&mut head)?;
        let little = head.starts_with(b"II");
        let number = |bytes: &[u8]| {
            let push = |all: u64, &byte: &u8| all << 8 | u64::from(byte);
            if little {
                bytes.iter().rev().fold(0, push)
            } else {
                bytes.iter().fold(0, push)
            }
        };
        // Where the first offset is; bytes of an offset, of a count of entries and of an entry, and where
        // in an entry its value lies.
        let (first, size, count, entry, value) = match number(&head[2..]) {
            42 => (4, 4, 2, 12_u64, 8_u64),
            43 => (8, 8, 8, 20, 12),
            _ => return Ok(()),
        };
        let read = |stored: &mut Self, at: u64, size: usize| {
            let mut bytes = [0; 8];
            stored.seek(SeekFrom::Start(at))?;
            stored.read_exact(&mut bytes[..size])?;
            io::Result::Ok(number(&bytes[..size]))
        };
        let mut page = read(self, first, size)?;
        let mut left = MOST_ENTRIES;
        while page != 0 {
            let entries = read(self, page, count)?;
            left = match left.checked_sub(entries.max(1)) {
                Some(left) => left,
                None => return Ok(()),
            };
            let first = page.saturating_add(count as u64);
            // In one piece: to seek for each entry would read the buffer anew for each.
            self.seek(SeekFrom::Start(first))?;
            let mut directory = Vec::new();
            self.by_ref()
                .take(entries * entry)
                .read_to_end(&mut directory)?;
            for (i, stored) in (0..).zip(directory.chunks_exact(entry as usize)) {
                if number(&stored[..2]) != u64::from(PHOTOMETRIC) {
                    continue;
                }
                let at = first.saturating_add(i * entry + value);
                let shown = number(&stored[value as usize..value as usize + 2]);
                if SHOWN_OTHERWISE
                    .iter()
                    .any(|&other| u64::from(other) == shown)
                {
                    let black = if little {
                        BLACK_IS_ZERO.to_le_bytes()
                    } else {
                        BLACK_IS_ZERO.to_be_bytes()
                    };
                    replaced.push((at, black));
                }
            }
            page = read(self, first.saturating_add(entries * entry), size)?;
        }
        Ok(())
    }

    /// Length of the file in bytes.
    pub(super) fn length(&self) -> u64 {
        self.file.get_ref().metadata().map_or(0, |data| data.len())
    }
}

impl Read for Stored {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(buffer)?;
        let (from, to) = (self.position, self.position + count as u64);
        let begin = self.replaced.partition_point(|(at, _)| at + 1 < from);
        for (at, bytes) in &self.replaced[begin..] {
            if *at >= to {
                break;
            }
            for (at, byte) in (*at..).zip(bytes) {
                if (from..to).contains(&at) {
                    buffer[(at - from) as usize] = *byte;
                }
            }
        }
        self.position = to;
        Ok(count)
    }
}

impl Seek for Stored {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        // Relative to where the decoder is, not to what was read ahead.
        self.position = self.file.seek(to)?;
        Ok(self.position)
    }
}
