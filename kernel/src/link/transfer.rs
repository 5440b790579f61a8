//! Bulk data: an image, weights or a spectrum in chunks.
//!
//! The sender describes a transfer first, with the CRC-32 of all its bytes. The receiver takes
//! chunks in order only and answers each with how far the transfer has come; the sender goes on
//! from there, so a chunk that came twice or one that was skipped needs no rule of its own. A
//! sender that describes the same transfer again goes on with it: so a host resumes after a loss
//! or after its own death. Nothing takes effect before the commit, which checks the CRC.

use super::frame::Checksum;
use super::message::Refusal;
pub use super::message::{Descriptor, Encoding, Kind, Payload, Progress};

/// The receiving end of one transfer: counts and checks, and hands every value on once.
#[derive(Clone)]
pub struct Receiver {
    descriptor: Descriptor,
    values: u32,
    received: u32,
    checksum: Checksum,
}

impl Receiver {
    /// Expects a transfer of at most `capacity` values.
    ///
    /// # Errors
    /// [`Refusal::TooLarge`], or what [`Payload::values`] finds.
    pub fn new(descriptor: Descriptor, capacity: usize) -> Result<Self, Refusal> {
        let values = descriptor.payload.values()?;
        if values as usize > capacity {
            return Err(Refusal::TooLarge {
                needed: values,
                capacity: capacity as u32,
            });
        }
        Ok(Self {
            descriptor,
            values,
            received: 0,
            checksum: Checksum::new(),
        })
    }

    /// What was announced.
    pub fn descriptor(&self) -> Descriptor {
        self.descriptor
    }

    /// How far it has come.
    pub fn progress(&self) -> Progress {
        Progress {
            descriptor: self.descriptor,
            received: self.received,
        }
    }

    /// Bytes announced.
    pub fn length(&self) -> u32 {
        self.values.saturating_mul(self.descriptor.encoding.size())
    }

    /// Number of values announced.
    pub fn values(&self) -> usize {
        self.values as usize
    }

    /// Takes a chunk and gives each of its values with its index to `store`, unless the chunk
    /// is not the next one; returns the offset of the next.
    ///
    /// # Errors
    /// [`Refusal::Chunk`] when it reaches past the end or splits a value.
    pub fn chunk(
        &mut self,
        offset: u32,
        bytes: &[u8],
        mut store: impl FnMut(usize, f32),
    ) -> Result<u32, Refusal> {
        let size = self.descriptor.encoding.size();
        let length = bytes.len() as u32;
        let end = offset.checked_add(length).ok_or(Refusal::Chunk)?;
        // Both sizes are powers of two.
        if (offset | length) & (size - 1) != 0 || end > self.length() {
            return Err(Refusal::Chunk);
        }
        if offset != self.received {
            return Ok(self.received);
        }
        let first = match self.descriptor.encoding {
            Encoding::F32 => offset >> 2,
            Encoding::F16 => offset >> 1,
        } as usize;
        match self.descriptor.encoding {
            Encoding::F32 => {
                for (n, value) in bytes.as_chunks().0.iter().enumerate() {
                    store(first + n, f32::from_le_bytes(*value));
                }
            }
            Encoding::F16 => {
                for (n, value) in bytes.as_chunks().0.iter().enumerate() {
                    let value = half::f16::from_le_bytes(*value).to_f32_const();
                    store(first + n, value);
                }
            }
        }
        self.checksum.update(bytes);
        self.received = end;
        Ok(end)
    }

    /// Whether everything arrived, and as it was announced.
    pub fn is_intact(&self) -> bool {
        self.received == self.length() && self.checksum.value() == self.descriptor.crc
    }

    /// Whether everything arrived as it was announced.
    ///
    /// # Errors
    /// [`Refusal::Incomplete`], and [`Refusal::Checksum`], after which it starts again at 0.
    pub fn check(&mut self) -> Result<(), Refusal> {
        let length = self.length();
        if self.received != length {
            return Err(Refusal::Incomplete {
                received: self.received,
                length,
            });
        }
        if self.checksum.value() != self.descriptor.crc {
            self.received = 0;
            self.checksum = Checksum::new();
            return Err(Refusal::Checksum);
        }
        Ok(())
    }
}

/// The sending end of one transfer: encodes borrowed values chunk by chunk, from any offset.
#[derive(Clone, Copy, Debug)]
pub struct Sender<'v> {
    values: &'v [f32],
    descriptor: Descriptor,
}

impl<'v> Sender<'v> {
    /// A transfer of these values.
    ///
    /// # Errors
    /// What [`Payload::values`] finds, and [`Refusal::Incomplete`] when the values do not
    /// number what the payload's shape says.
    pub fn new(payload: Payload, encoding: Encoding, values: &'v [f32]) -> Result<Self, Refusal> {
        let expected = payload.values()?;
        if values.len() != expected as usize {
            return Err(Refusal::Incomplete {
                received: values.len() as u32,
                length: expected,
            });
        }
        let mut checksum = Checksum::new();
        for &value in values {
            let (bytes, size) = encode(value, encoding);
            checksum.update(bytes.get(..size).unwrap_or_default());
        }
        let descriptor = Descriptor {
            payload,
            encoding,
            crc: checksum.value(),
        };
        Ok(Self { values, descriptor })
    }

    /// What to announce.
    pub fn descriptor(&self) -> Descriptor {
        self.descriptor
    }

    /// Bytes in all.
    pub fn length(&self) -> u32 {
        self.values.len() as u32 * self.descriptor.encoding.size()
    }

    /// Fills `buffer` with the chunk at an offset; returns its length, 0 at the end.
    pub fn chunk(&self, offset: u32, buffer: &mut [u8]) -> usize {
        let encoding = self.descriptor.encoding;
        let size = encoding.size() as usize;
        let first = match encoding {
            Encoding::F32 => offset >> 2,
            Encoding::F16 => offset >> 1,
        } as usize;
        let values = self.values.get(first..).unwrap_or_default();
        let mut length = 0;
        for (&value, out) in values.iter().zip(buffer.chunks_exact_mut(size)) {
            let (bytes, _) = encode(value, encoding);
            for (out, byte) in out.iter_mut().zip(bytes) {
                *out = byte;
            }
            length += size;
        }
        length
    }
}

fn encode(value: f32, encoding: Encoding) -> ([u8; 4], usize) {
    match encoding {
        Encoding::F32 => (value.to_le_bytes(), 4),
        Encoding::F16 => {
            let [low, high] = half::f16::from_f32_const(value).to_le_bytes();
            ([low, high, 0, 0], 2)
        }
    }
}
