//! The bytes of an HDF5 file, with the soft links of old-style groups left out.
//!
//! Groups of the kind that h5py writes by default keep a soft link as an entry without an
//! address. `hdf5-pure` takes every entry for an object, so a single link would make the whole
//! group unreadable. In groups of the newer kind it passes over links itself.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use hdf5_pure::{FormatError, Source};

/// A file of which parts are read as they are asked for. Clones share it.
#[derive(Clone)]
pub(super) struct Linkless {
    file: Arc<Mutex<File>>,
    length: u64,
}

impl Linkless {
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn open(file: &str) -> std::io::Result<Self> {
        let file = File::open(file)?;
        let length = file.metadata()?.len();
        Ok(Self {
            file: Arc::new(Mutex::new(file)),
            length,
        })
    }

    /// The bytes of a range; nothing where it does not lie in the file.
    pub(super) fn bytes(&self, offset: u64, length: u64) -> Option<Vec<u8>> {
        let end = offset
            .checked_add(length)
            .filter(|&end| end <= self.length)?;
        let mut bytes = vec![0; usize::try_from(end - offset).ok()?];
        self.read_at(offset, &mut bytes).ok()?;
        Some(bytes)
    }
}

impl Source for Linkless {
    fn len(&self) -> u64 {
        self.length
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), FormatError> {
        let end = offset.saturating_add(buf.len() as u64);
        // Whoever panicked between seeking and reading left a file that is sought again.
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = (end <= self.length).then(|| {
            let sought = file.seek(SeekFrom::Start(offset));
            sought.and_then(|_| file.read_exact(buf))
        });
        match read {
            Some(Ok(())) => Ok(()),
            _ => Err(FormatError::UnexpectedEof {
                expected: usize::try_from(end).unwrap_or(usize::MAX),
                available: usize::try_from(self.length).unwrap_or(usize::MAX),
            }),
        }
    }

    // Values are not read this way, so that whatever they are they stay as they are.
    fn read_metadata_at(&self, offset: u64, len: usize) -> Result<Vec<u8>, FormatError> {
        let mut bytes = self.read_exact_at(offset, len)?;
        drop_soft_links(&mut bytes);
        Ok(bytes)
    }
}

/// What an entry ends with: kind (4 bytes), reserved (4), scratch space (16). Name and address
/// come before it, in as many bytes as the file says.
const TAIL: usize = 24;
const SOFT_LINK: [u8; 4] = [2, 0, 0, 0];

/// Takes the soft links out of a symbol table node; leaves everything else alone. The node is
/// signature (4 bytes), version (1), reserved (1), number of entries (2), entries.
fn drop_soft_links(node: &mut [u8]) {
    let Some((head, entries)) = node.split_at_mut_checked(8) else {
        return;
    };
    let count = usize::from(u16::from_le_bytes([head[6], head[7]]));
    if !head.starts_with(b"SNOD\x01") || count == 0 || entries.len() % count != 0 {
        return;
    }
    let size = entries.len() / count;
    if size <= TAIL {
        return;
    }
    let mut kept: u16 = 0;
    for start in (0..entries.len()).step_by(size) {
        let kind = start + size - TAIL;
        if entries[kind..].starts_with(&SOFT_LINK) {
            continue;
        }
        entries.copy_within(start..start + size, usize::from(kept) * size);
        kept += 1;
    }
    head[6..].copy_from_slice(&kept.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_soft_links_of_a_symbol_table_node_are_dropped() {
        let entry = |name: u8, kind: u8| {
            let mut entry = [0; 40];
            (entry[0], entry[16]) = (name, kind);
            entry
        };
        let node = |count: u8, entries: &[[u8; 40]]| {
            [b"SNOD\x01\0", [count, 0].as_slice(), &entries.concat()].concat()
        };
        let all = [entry(1, 0), entry(2, 2), entry(3, 1), entry(4, 2)];
        let mut mixed = node(4, &all);
        drop_soft_links(&mut mixed);
        assert_eq!(mixed[..88], node(2, &[entry(1, 0), entry(3, 1)]));
        for other in [vec![], b"SNOD".to_vec(), node(3, &all), node(0, &[])] {
            let mut same = other.clone();
            drop_soft_links(&mut same);
            assert_eq!(same, other);
        }
    }
}
