//! Where the members of HDF5 groups lead: to an object, along a soft link, or out of the file.
//!
//! `hdf5-pure` opens hard links alone and says nothing of the others. This reads as much of a group
//! as names its members: symbol tables, and link messages in the header of the group. A group with
//! many links of the newer kind keeps them in a heap, which is not read: of its members nothing is
//! known here. Source: the HDF5 file format specification, sections III.A to III.D and IV.A.

use std::collections::{BTreeMap, HashMap};

use hdf5_pure::{File, Source as _};

use super::links::Linkless;

/// What a member of a group is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Member {
    /// The object at this address.
    Object(u64),
    /// Another path of the same file.
    Soft(String),
    /// A path of another file.
    External(String),
}

/// The paths by which groups were found, each with a `/` at its end, by their addresses.
pub(super) type Walked = HashMap<u64, String>;

/// Where a path leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// To this path without links.
    Path(String),
    /// To something that is not there.
    Absent,
    /// To this path as far as is known: a group on the way does not tell its members.
    Unread(String),
    /// Nowhere in this file; the words say why.
    Astray(String),
}

/// The groups of a file.
pub(super) struct Members {
    source: Linkless,
    root: u64,
    base: u64,
    /// Bytes of an address and of a length.
    widths: (usize, usize),
}

/// Links that a path is followed along, at most: more is a cycle.
const MOST_LINKS: usize = 16;
/// Parts of a header, nodes of a table and members of a group that are read, at most.
const MOST_BLOCKS: usize = 256;
const MOST_NODES: usize = 4096;
/// Bytes of one block of a header or of the names of a group, at most.
const LARGEST: u64 = 1 << 22;

const LINK_INFO: u16 = 0x02;
const LINK: u16 = 0x06;
const CONTINUATION: u16 = 0x10;
const SYMBOL_TABLE: u16 = 0x11;

impl Members {
    pub(super) fn of(file: &File, source: Linkless) -> Self {
        let superblock = file.superblock();
        Self {
            source,
            root: superblock.root_group_address,
            base: superblock.base_address.get(),
            widths: (
                usize::from(superblock.offset_size),
                usize::from(superblock.length_size),
            ),
        }
    }

    /// The address of the root group.
    pub(super) fn root(&self) -> u64 {
        self.root
    }

    /// The members of the group at an address by name; nothing where they cannot all be told.
    pub(super) fn at(&self, address: u64) -> Option<BTreeMap<String, Member>> {
        let mut members = BTreeMap::new();
        for (kind, body) in self.messages(address)? {
            let mut fields = Fields(&body);
            match kind {
                SYMBOL_TABLE => {
                    let table = fields.number(self.widths.0)?;
                    let names = self.names(fields.number(self.widths.0)?)?;
                    let mut left = MOST_NODES;
                    self.table(table, &names, &mut left, &mut members)?;
                }
                LINK => {
                    let (name, member) = self.link(&mut fields)?;
                    members.insert(name, member);
                }
                LINK_INFO => {
                    let flags = fields.take(2)?[1];
                    fields.take(if flags & 1 == 1 { 8 } else { 0 })?;
                    let heap = fields.take(self.widths.0)?;
                    if heap.iter().any(|&byte| byte != u8::MAX) {
                        return None;
                    }
                }
                _ => {}
            }
        }
        Some(members)
    }

    /// Where a path leads; a group that was `walked` goes by the path by which it was.
    pub(super) fn follow(&self, path: &str, walked: &Walked) -> Lead {
        let words = |path: &str| {
            let words = path
                .split('/')
                .filter(|word| !word.is_empty() && *word != ".");
            words.rev().map(str::to_owned).collect::<Vec<_>>()
        };
        let (mut ahead, mut behind) = (words(path), String::new());
        let mut group = self.root;
        let mut last = None;
        let mut links = 0;
        while let Some(name) = ahead.pop() {
            let place = format!("{behind}{name}");
            let Some(mut members) = self.at(group) else {
                ahead.reverse();
                return Lead::Unread(
                    [place]
                        .into_iter()
                        .chain(ahead)
                        .collect::<Vec<_>>()
                        .join("/"),
                );
            };
            match members.remove(&name) {
                None => {
                    return last.map_or(Lead::Absent, |(link, target)| {
                        let told = format!("`{link}` is a link to `{target}`, which is not there");
                        Lead::Astray(told)
                    });
                }
                Some(Member::External(target)) => {
                    return Lead::Astray(format!(
                        "`{place}` is a link to `{target}`, another file"
                    ));
                }
                Some(Member::Soft(target)) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Lead::Astray(format!("`{place}` is a link in a circle"));
                    }
                    if target.starts_with('/') {
                        (behind, group) = (String::new(), self.root);
                    }
                    ahead.extend(words(&target));
                    last = Some((place, target));
                }
                Some(Member::Object(address)) => {
                    group = address;
                    let known = walked.get(&address);
                    behind = known.cloned().unwrap_or_else(|| format!("{place}/"));
                }
            }
        }
        behind.truncate(behind.trim_end_matches('/').len());
        Lead::Path(behind)
    }

    fn bytes(&self, address: u64, length: u64) -> Option<Vec<u8>> {
        let address = self.base.checked_add(address)?;
        self.source
            .bytes(address, Some(length).filter(|&length| length <= LARGEST)?)
    }

    /// The messages in the header of an object, each by its kind.
    fn messages(&self, address: u64) -> Option<Vec<(u16, Vec<u8>)>> {
        let left = self
            .source
            .len()
            .checked_sub(self.base.checked_add(address)?)?;
        let head = self.bytes(address, left.min(64))?;
        let mut fields = Fields(&head);
        let newer = head.starts_with(b"OHDR");
        let (begin, length, flags) = if newer {
            let flags = fields.take(6)?[5];
            fields.take(if flags & 0x20 == 0 { 0 } else { 16 })?;
            fields.take(if flags & 0x10 == 0 { 0 } else { 4 })?;
            let length = fields.number(1 << (flags & 3))?;
            (head.len() - fields.0.len(), length, flags)
        } else {
            (fields.take(1)? == [1]).then_some(())?;
            fields.take(7)?;
            (16, fields.number(4)?, 0)
        };
        let mut blocks = vec![(address.checked_add(begin as u64)?, length)];
        let mut messages = Vec::new();
        let mut place = 0;
        while let Some(&(address, length)) = blocks.get(place) {
            let mut block = self.bytes(address, length)?;
            if newer && place > 0 {
                // Signature and checksum.
                block.starts_with(b"OCHK").then_some(())?;
                block.truncate(block.len().checked_sub(4)?);
                block.drain(..4);
            }
            place += 1;
            let mut fields = Fields(&block);
            while let Some((kind, body)) = message(&mut fields, newer, flags) {
                if kind == CONTINUATION {
                    let mut fields = Fields(body);
                    let address = fields.number(self.widths.0)?;
                    blocks.push((address, fields.number(self.widths.1)?));
                    (blocks.len() <= MOST_BLOCKS).then_some(())?;
                } else {
                    messages.push((kind, body.to_vec()));
                }
            }
        }
        Some(messages)
    }

    /// The texts of an old group, to which its table points.
    fn names(&self, heap: u64) -> Option<Vec<u8>> {
        let (address, length) = self.widths;
        let head = self.bytes(heap, (8 + 2 * length + address) as u64)?;
        head.starts_with(b"HEAP").then_some(())?;
        let mut fields = Fields(head.get(8..)?);
        let size = fields.number(length)?;
        fields.take(length)?;
        self.bytes(fields.number(address)?, size)
    }

    /// Collects what a node of a symbol table and those below it name, of so many nodes.
    fn table(
        &self,
        node: u64,
        names: &[u8],
        left: &mut usize,
        members: &mut BTreeMap<String, Member>,
    ) -> Option<()> {
        *left = left.checked_sub(1)?;
        let (address, length) = self.widths;
        let head = self.bytes(node, 8)?;
        if head.starts_with(b"SNOD") {
            let count = Fields(head.get(6..)?).number(2)?;
            let entry = 2 * address + 24;
            let entries = self.bytes(node.checked_add(8)?, count * entry as u64)?;
            for entry in entries.chunks_exact(entry) {
                let mut fields = Fields(entry);
                let name = fields.number(address)?;
                let object = fields.number(address)?;
                let kind = fields.number(4)?;
                fields.take(4)?;
                let member = match kind {
                    2 => Member::Soft(text(names, fields.number(4)?)?),
                    _ => Member::Object(object),
                };
                members.insert(text(names, name)?, member);
            }
            return Some(());
        }
        head.starts_with(b"TREE\0").then_some(())?;
        let count = Fields(head.get(6..)?).number(2)?;
        let pairs = count.checked_mul((address + length) as u64)?;
        let body = self.bytes(node.checked_add((8 + 2 * address) as u64)?, pairs)?;
        let mut fields = Fields(&body);
        for _ in 0..count {
            fields.take(length)?;
            self.table(fields.number(address)?, names, left, members)?;
        }
        Some(())
    }

    fn link(&self, fields: &mut Fields<'_>) -> Option<(String, Member)> {
        let flags = fields.take(2)?[1];
        let kind = if flags & 8 == 0 { 0 } else { fields.number(1)? };
        fields.take(if flags & 4 == 0 { 0 } else { 8 })?;
        fields.take(usize::from(flags & 0x10 != 0))?;
        let length = fields.number(1 << (flags & 3))?;
        let name = fields.take(usize::try_from(length).ok()?)?;
        let name = String::from_utf8_lossy(name).into_owned();
        let mut told = || {
            let length = usize::try_from(fields.number(2)?).ok()?;
            Some(String::from_utf8_lossy(fields.take(length)?).into_owned())
        };
        let member = match kind {
            0 => Member::Object(fields.number(self.widths.0)?),
            1 => Member::Soft(told()?),
            64 => {
                let told = told()?;
                let mut words = told.trim_start_matches('\0').split('\0');
                Member::External(format!("{}:{}", words.next()?, words.next()?))
            }
            // A kind of the user's own.
            _ => Member::External("a place of its own kind".to_owned()),
        };
        Some((name, member))
    }
}

/// The next message of a block: its kind and its body.
fn message<'a>(fields: &mut Fields<'a>, newer: bool, flags: u8) -> Option<(u16, &'a [u8])> {
    let kind = fields.number(if newer { 1 } else { 2 })?;
    let length = usize::try_from(fields.number(2)?).ok()?;
    fields.take(match (newer, flags & 4) {
        (false, _) => 4,
        (true, 0) => 1,
        (true, _) => 3,
    })?;
    Some((u16::try_from(kind).ok()?, fields.take(length)?))
}

/// A text that ends with a zero.
fn text(names: &[u8], place: u64) -> Option<String> {
    let rest = names.get(usize::try_from(place).ok()?..)?;
    let text = rest.split(|&byte| byte == 0).next()?;
    Some(String::from_utf8_lossy(text).into_owned())
}

/// Bytes that are taken from the front.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    /// A number of so many bytes, 8 at most, the lowest first.
    fn number(&mut self, length: usize) -> Option<u64> {
        let taken = self.take(length)?;
        let mut bytes = [0; 8];
        bytes.get_mut(..length)?.copy_from_slice(taken);
        Some(u64::from_le_bytes(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::files::samples::{CYCLE, LATEST, LINKS, bytes};
    use crate::data::files::testing::written;

    fn members(sample: &str) -> (tempfile::TempDir, Members) {
        let (folder, file) = written("links.h5", &bytes(sample));
        let source = Linkless::open(&file).unwrap();
        let open = File::from_source(source.clone()).unwrap();
        (folder, Members::of(&open, source))
    }

    #[test]
    fn soft_links_lead_to_their_targets_in_groups_of_either_kind() {
        for sample in [LINKS, LATEST] {
            let (_folder, members) = members(sample);
            let found = members.at(members.root()).unwrap();
            assert_eq!(found["to"], Member::Soft("/img".to_owned()));
            let none = Walked::new();
            for path in ["to", "/to", "img", "./to"] {
                assert_eq!(members.follow(path, &none), Lead::Path("img".to_owned()));
            }
        }
        let (_folder, members) = members(LINKS);
        let astray = Lead::Astray("`gone` is a link to `/nowhere`, which is not there".to_owned());
        assert_eq!(members.follow("gone", &Walked::new()), astray);
        assert_eq!(members.follow("other", &Walked::new()), Lead::Absent);
    }

    #[test]
    fn a_group_goes_by_the_path_by_which_it_was_walked() {
        let (_folder, members) = members(CYCLE);
        let root = Walked::from([(members.root(), String::new())]);
        for path in ["a/l0/d", "a/l1/a/l0/d", "d"] {
            assert_eq!(members.follow(path, &root), Lead::Path("d".to_owned()));
        }
    }

    #[test]
    fn a_header_that_is_cut_off_names_nothing() {
        let (_folder, members) = members(LINKS);
        for address in [1, 1 << 20, u64::MAX] {
            assert_eq!(members.at(address), None);
        }
    }
}
