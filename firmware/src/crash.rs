//! The crash record: a message in reserved memory, which survives a reset.
//!
//! After power-on the memory holds random bits, so a record counts only with its magic number and
//! its checksum.

use core::fmt;

/// Longest message in bytes; longer ones are cut.
pub const LONGEST: usize = 240;

/// "BEACONcr", so that memory that was never written is not mistaken for a record.
const MAGIC: [u32; 2] = [0x4345_4142, 0x7263_4e4f];

/// A message with a magic number and a checksum, which random memory lacks.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct Record {
    magic: [u32; 2],
    checksum: u32,
    length: u32,
    text: [u8; LONGEST],
}

impl Record {
    /// No message.
    pub const EMPTY: Self = Self {
        magic: [0; 2],
        checksum: 0,
        length: 0,
        text: [0; LONGEST],
    };

    /// A record of a message.
    pub fn new(message: &Message) -> Self {
        Self {
            magic: MAGIC,
            checksum: checksum(message.length as u32, &message.text),
            length: message.length as u32,
            text: message.text,
        }
    }

    /// The message, if this memory holds one.
    pub fn message(&self) -> Option<Message> {
        let genuine = self.magic == MAGIC
            && self.length as usize <= LONGEST
            && self.checksum == checksum(self.length, &self.text);
        genuine.then_some(Message {
            text: self.text,
            length: self.length as usize,
        })
    }
}

/// A number of resets with its complement, which random memory lacks.
#[derive(Clone, Copy)]
#[repr(C)]
pub struct ResetCount {
    value: u32,
    complement: u32,
}

impl ResetCount {
    /// The record of a number.
    pub const fn new(value: u32) -> Self {
        Self {
            value,
            complement: !value,
        }
    }

    /// The number; 0 when this memory holds none.
    pub const fn value(&self) -> u32 {
        if self.complement == !self.value {
            self.value
        } else {
            0
        }
    }
}

/// FNV-1a: detects random memory.
fn checksum(length: u32, text: &[u8]) -> u32 {
    let bytes = length.to_le_bytes();
    bytes
        .iter()
        .chain(text)
        .fold(0x811c_9dc5, |hash: u32, &byte| {
            (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
        })
}

/// Text of bounded length, cut where it is full.
#[derive(Clone, Copy)]
pub struct Message {
    text: [u8; LONGEST],
    length: usize,
}

impl Default for Message {
    fn default() -> Self {
        Self::new()
    }
}

impl Message {
    /// No text.
    pub const fn new() -> Self {
        Self {
            text: [0; LONGEST],
            length: 0,
        }
    }

    /// Adds text.
    #[must_use]
    pub fn with(mut self, text: &str) -> Self {
        self.push(text.as_bytes());
        self
    }

    /// Adds eight hexadecimal digits, without the formatting machinery: fault handlers use this.
    #[must_use]
    pub fn with_hex(mut self, value: u32) -> Self {
        let mut digits = [0; 8];
        for (digit, shift) in digits.iter_mut().zip((0..8).rev()) {
            let nibble = (value >> (4 * shift) & 15) as u8;
            *digit = nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
        }
        self.push(&digits);
        self
    }

    /// The text. A character that was cut in half is left out.
    pub fn as_str(&self) -> &str {
        let bytes = self.text.get(..self.length).unwrap_or_default();
        match core::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => bytes
                .get(..error.valid_up_to())
                .and_then(|valid| core::str::from_utf8(valid).ok())
                .unwrap_or_default(),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let free = self.text.get_mut(self.length..).unwrap_or_default();
        for (own, byte) in free.iter_mut().zip(bytes) {
            *own = *byte;
            self.length += 1;
        }
    }
}

impl fmt::Write for Message {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_survives_and_a_damaged_one_does_not_count() {
        let message = Message::new().with("hard fault at ").with_hex(0x0801_2abc);
        assert_eq!(message.as_str(), "hard fault at 08012abc");
        let record = Record::new(&message);
        assert_eq!(
            record.message().map(|m| m.as_str().to_owned()).as_deref(),
            Some("hard fault at 08012abc")
        );
        let mut damaged = record;
        damaged.text[3] ^= 1;
        assert!(damaged.message().is_none());
        let mut damaged = record;
        damaged.length += 1;
        assert!(damaged.message().is_none());
        assert!(Record::EMPTY.message().is_none());
    }

    #[test]
    fn a_counter_in_random_memory_stands_at_zero() {
        assert_eq!(ResetCount::new(7).value(), 7);
        let mut damaged = ResetCount::new(7);
        damaged.value = 6;
        assert_eq!(damaged.value(), 0);
    }

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let message = Message::new().with(&"µ".repeat(LONGEST));
        assert_eq!(message.as_str(), "µ".repeat(LONGEST / 2));
        let odd = Message::new().with("x").with(&"µ".repeat(LONGEST));
        assert_eq!(odd.as_str().len(), LONGEST - 1);
    }
}
