//! Frames of Pyro 5: a header of 40 bytes, annotations, and data.
//!
//! Oracle: `Pyro5/protocol.py`, whose `struct` format is `!4sHBBHHII16sHH`: `PYRO`, version, type,
//! serializer, flags, sequence number, length of the data, length of the annotations,
//! correlation id, reserved, magic number; big-endian.

use std::fmt;

/// Length of a header, in bytes.
pub(super) const HEADER: usize = 40;
/// What every message begins with.
const TAG: &[u8; 4] = b"PYRO";
/// The wire protocol of all of Pyro 5.
const VERSION: u16 = 502;
const MAGIC: u16 = 0x4dc5;
/// Number of the JSON serializer.
const JSON: u8 = 3;
/// The data are a serialized exception.
const EXCEPTION: u16 = 1 << 0;
/// The data are compressed.
const COMPRESSED: u16 = 1 << 1;
/// What Pyro itself neither sends nor takes more of (`MAX_MESSAGE_SIZE`), data and annotations.
const LONGEST: u64 = 1 << 30;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Kind {
    /// Asks for an object.
    Connect = 1,
    /// The object is there.
    ConnectOk = 2,
    /// It is not.
    ConnectFail = 3,
    /// Calls a method.
    Invoke = 4,
    /// What the method returned or raised.
    Result = 5,
}

/// The part of a header that says something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// One of [`Kind`] where the peer is sound.
    pub(super) kind: u8,
    serializer: u8,
    flags: u16,
    /// Number of the request, which its answer repeats.
    pub(super) sequence: u16,
    /// Length of the data, in bytes.
    pub(super) data: u32,
    /// Length of the annotations before the data, in bytes.
    pub(super) annotations: u32,
}

/// What came instead of a message of this protocol.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Foreign {
    pub(super) found: String,
    pub(super) expected: String,
}

impl Foreign {
    pub(super) fn new(found: impl fmt::Display, expected: impl fmt::Display) -> Self {
        Self {
            found: found.to_string(),
            expected: expected.to_string(),
        }
    }
}

impl Header {
    /// Whether the data are an exception.
    pub(super) fn is_exception(&self) -> bool {
        self.flags & EXCEPTION != 0
    }

    /// Whether the data are JSON: a peer that did not get as far as reading which serializer was
    /// asked for answers in another.
    pub(super) fn is_json(&self) -> bool {
        self.serializer == JSON
    }

    /// Reads a header.
    ///
    /// # Errors
    /// When it is none, of another version, compressed, or announces more than Pyro sends.
    pub(super) fn decode(bytes: &[u8; HEADER]) -> Result<Self, Foreign> {
        require_tag(bytes)?;
        let half = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        let word = |at: usize| {
            u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
        };
        if half(4) != VERSION {
            let found = format!("Pyro's protocol in version {}", half(4));
            return Err(Foreign::new(
                found,
                format!("version {VERSION}, that of Pyro 5"),
            ));
        }
        if half(38) != MAGIC {
            let found = format!("a header that ends in {:#06x}", half(38));
            return Err(Foreign::new(found, format!("{MAGIC:#06x}")));
        }
        let header = Self {
            kind: bytes[6],
            serializer: bytes[7],
            flags: half(8),
            sequence: half(10),
            data: word(12),
            annotations: word(16),
        };
        let length = u64::from(header.data) + u64::from(header.annotations);
        if length > LONGEST {
            let found = format!("a message of {length} bytes");
            return Err(Foreign::new(found, format!("at most {LONGEST}")));
        }
        if header.flags & COMPRESSED != 0 {
            let expected = "plain ones: set PYRO_COMPRESSION=0 for the server";
            return Err(Foreign::new("compressed messages", expected));
        }
        Ok(header)
    }
}

/// Checks that bytes begin like a message, as far as they go.
///
/// # Errors
/// When they do not: with what they are.
pub(super) fn require_tag(bytes: &[u8]) -> Result<(), Foreign> {
    let n = bytes.len().min(TAG.len());
    if bytes[..n] == TAG[..n] {
        return Ok(());
    }
    let expected = "a message of Pyro 5, which begins with `PYRO`";
    Err(Foreign::new(
        format!("`{}`", bytes.escape_ascii()),
        expected,
    ))
}

/// A message with JSON data, without annotations.
pub(super) fn message(kind: Kind, sequence: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + data.len());
    bytes.extend(TAG);
    bytes.extend(VERSION.to_be_bytes());
    bytes.extend([kind as u8, JSON]);
    bytes.extend(0_u16.to_be_bytes());
    bytes.extend(sequence.to_be_bytes());
    bytes.extend((data.len() as u32).to_be_bytes());
    // No annotations, no correlation id, and what is reserved.
    bytes.extend([0; 4 + 16 + 2]);
    bytes.extend(MAGIC.to_be_bytes());
    bytes.extend(data);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(change: impl Fn(&mut [u8; HEADER])) -> Result<Header, Foreign> {
        let mut bytes = message(Kind::Result, 7, b"null")[..HEADER]
            .try_into()
            .unwrap();
        change(&mut bytes);
        Header::decode(&bytes)
    }

    /// Oracle: `struct.pack("!4sHBBHHII16sHH", b"PYRO", 502, 4, 3, 0, 258, 2, 0, bytes(16), 0,
    /// 0x4dc5)`.
    #[test]
    fn a_header_is_what_python_packs() {
        let mut expected = b"PYRO\x01\xf6\x04\x03\x00\x00\x01\x02\x00\x00\x00\x02".to_vec();
        expected.extend([0; 22]);
        expected.extend(b"\x4d\xc5{}");
        assert_eq!(message(Kind::Invoke, 258, b"{}"), expected);
    }

    #[test]
    fn a_header_says_what_follows() {
        let found = header(|bytes| {
            bytes[9] = 1;
            bytes[18..20].copy_from_slice(&[1, 2]);
        })
        .unwrap();
        assert!(found.is_exception() && found.is_json());
        assert_eq!((found.kind, found.sequence), (5, 7));
        assert_eq!((found.data, found.annotations), (4, 258));
    }

    #[test]
    fn what_is_no_header_is_named() {
        let found = |change: fn(&mut [u8; HEADER])| header(change).unwrap_err().found;
        assert!(found(|bytes| bytes[..4].copy_from_slice(b"HTTP")).starts_with("`HTTP"));
        assert!(found(|bytes| bytes[5] = 0xf7).ends_with("version 503"));
        assert!(found(|bytes| bytes[39] = 0).ends_with("0x4d00"));
        assert_eq!(found(|bytes| bytes[9] = 2), "compressed messages");
        let absurd = found(|bytes| bytes[12..20].fill(0xff));
        assert_eq!(absurd, "a message of 8589934590 bytes");
    }
}
