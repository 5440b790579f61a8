//! The bytes of an HDF5 file, with the soft links of old-style groups left out.
//!
//! Groups of the kind that h5py writes by default keep a soft link as an entry without an
//! address. `hdf5-pure` takes every entry for an object, so a single link would make the whole
//! group unreadable. In groups of the newer kind it passes over links itself.

use std::sync::Arc;

use hdf5_pure::{FormatError, Source};

/// A file in memory.
pub(super) struct Linkless(pub(super) Arc<Vec<u8>>);

impl Source for Linkless {
    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> Result<(), FormatError> {
        let end = offset.saturating_add(buf.len() as u64);
        let range = usize::try_from(offset).ok().zip(usize::try_from(end).ok());
        let bytes = range.and_then(|(start, end)| self.0.get(start..end));
        buf.copy_from_slice(bytes.ok_or(FormatError::UnexpectedEof {
            expected: usize::try_from(end).unwrap_or(usize::MAX),
            available: self.0.len(),
        })?);
        Ok(())
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
