//! Frames: the bytes on the wire.
//!
//! `00 | COBS( version, kind, sequence (u16), message, raw bytes, CRC-32 (u32) ) | 00`, all
//! little-endian. Byte stuffing removes every zero from the inside, so a zero always ends a frame:
//! after any damage the receiver is in step again at the next zero. The zero in front separates a
//! frame from an aborted one before it.

use cobs::{DecodeResult, DecoderState, EncoderState, PushResult};
use crc::{CRC_32_ISO_HDLC, Crc, Digest, Table};
use postcard::ser_flavors::Flavor;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Most raw bytes in a frame.
pub const MAX_RAW: usize = 1024;
/// Most bytes of a message; a test holds the largest of every kind against it.
pub const MAX_MESSAGE: usize = 256;
/// Version, kind and sequence number.
pub const HEADER: usize = 4;
/// Bytes of the CRC.
pub const TRAILER: usize = 4;
/// Largest frame before byte stuffing: what a receive buffer holds.
pub const MAX_BODY: usize = HEADER + MAX_MESSAGE + MAX_RAW + TRAILER;
/// Largest frame on the wire, both zeros included: what a send buffer holds.
pub const MAX_FRAME: usize = cobs::max_encoding_length(MAX_BODY) + 2;

const _: () = assert!(MAX_BODY == 1288 && MAX_FRAME == 1296);
// Chunks of whole values, pages of whole entries.
const _: () = assert!(MAX_RAW.is_multiple_of(8) && MAX_RAW <= u16::MAX as usize);

static CRC: Crc<u32, Table<1>> = Crc::<u32, Table<1>>::new(&CRC_32_ISO_HDLC);

/// CRC-32/ISO-HDLC (that of zip and Ethernet), piece by piece.
#[derive(Clone)]
pub struct Checksum(Digest<'static, u32, Table<1>>);

impl Checksum {
    /// The checksum of no bytes.
    pub fn new() -> Self {
        Self(CRC.digest())
    }

    /// Takes more bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// The CRC so far.
    pub fn value(&self) -> u32 {
        self.0.clone().finalize()
    }
}

impl Default for Checksum {
    fn default() -> Self {
        Self::new()
    }
}

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameKind {
    /// [`Hello`](super::message::Hello), the same in every version.
    Hello,
    /// [`Identity`](super::message::Identity), the same in every version.
    Identity,
    /// A [`Request`](super::message::Request).
    Request,
    /// A [`Reply`](super::message::Reply).
    Reply,
}

impl FrameKind {
    const fn number(self) -> u8 {
        match self {
            Self::Hello => 1,
            Self::Identity => 2,
            Self::Request => 3,
            Self::Reply => 4,
        }
    }

    const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::Hello),
            2 => Some(Self::Identity),
            3 => Some(Self::Request),
            4 => Some(Self::Reply),
            _ => None,
        }
    }
}

/// The first bytes of every frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Protocol version the message is written in.
    pub version: u8,
    /// What it carries.
    pub kind: FrameKind,
    /// Number of the request; its replies repeat it.
    pub sequence: u16,
}

/// The frame did not fit in the buffer, or its message in [`MAX_MESSAGE`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooLong;

/// Writes stuffed bytes behind the leading zero and keeps the CRC of what went in.
struct Writer<'b> {
    out: &'b mut [u8],
    state: EncoderState,
    /// Next free byte of `out`, counted behind the leading zero.
    end: usize,
    /// A full block was closed: its successor's code byte is only needed if more follows.
    full: bool,
    checksum: Checksum,
    taken: usize,
}

impl Writer<'_> {
    fn stuff(&mut self, byte: u8) -> Result<(), TooLong> {
        if self.full {
            self.full = false;
            self.end += 1;
        }
        let mut put = |index: usize, byte: u8| {
            // One byte in front is the leading zero, one behind is the trailing one.
            let slot = self.out.get_mut(index + 1).ok_or(TooLong)?;
            *slot = byte;
            Ok(())
        };
        match self.state.push(byte) {
            PushResult::AddSingle(byte) => put(self.end, byte)?,
            PushResult::ModifyFromStartAndSkip((code, length)) => put(code, length)?,
            PushResult::ModifyFromStartAndPushAndSkip((code, length, byte)) => {
                put(code, length)?;
                put(self.end, byte)?;
                self.full = true;
            }
        }
        self.end += 1;
        Ok(())
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), TooLong> {
        self.checksum.update(bytes);
        self.taken += bytes.len();
        bytes.iter().try_for_each(|&byte| self.stuff(byte))
    }

    fn finish(mut self) -> Result<usize, TooLong> {
        let crc = self.checksum.value().to_le_bytes();
        crc.iter().try_for_each(|&byte| self.stuff(byte))?;
        let (code, length) = self.state.finalize();
        // After a full block the code byte of the next one was never reserved.
        if !self.full {
            *self.out.get_mut(code + 1).ok_or(TooLong)? = length;
        }
        *self.out.get_mut(self.end + 1).ok_or(TooLong)? = 0;
        Ok(self.end + 2)
    }
}

impl Flavor for &mut Writer<'_> {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.push(data)
            .map_err(|TooLong| postcard::Error::SerializeBufferFull)
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.try_extend(&[data])
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

/// Writes a whole frame into `out`, which [`MAX_FRAME`] bytes always suffice for; returns its
/// length.
///
/// # Errors
/// [`TooLong`].
pub fn encode(
    header: Header,
    message: &impl Serialize,
    raw: &[u8],
    out: &mut [u8],
) -> Result<usize, TooLong> {
    if raw.len() > MAX_RAW {
        return Err(TooLong);
    }
    *out.first_mut().ok_or(TooLong)? = 0;
    let mut writer = Writer {
        out,
        state: EncoderState::default(),
        end: 1,
        full: false,
        checksum: Checksum::new(),
        taken: 0,
    };
    let [low, high] = header.sequence.to_le_bytes();
    writer.push(&[header.version, header.kind.number(), low, high])?;
    postcard::serialize_with_flavor(message, &mut writer).map_err(|_| TooLong)?;
    if writer.taken > HEADER + MAX_MESSAGE {
        return Err(TooLong);
    }
    writer.push(raw)?;
    writer.finish()
}

/// An intact frame: its CRC was right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'b> {
    /// Version, kind, sequence.
    pub header: Header,
    /// Message and raw bytes.
    pub content: &'b [u8],
    /// The frame's CRC: equal for a repetition.
    pub crc: u32,
}

/// An intact frame whose content is not what its header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Undecodable;

impl<'b> Frame<'b> {
    /// Splits the content into a message and the raw bytes behind it.
    ///
    /// # Errors
    /// [`Undecodable`].
    pub fn message<M: DeserializeOwned>(&self) -> Result<(M, &'b [u8]), Undecodable> {
        postcard::take_from_bytes(self.content).map_err(|_| Undecodable)
    }
}

/// How many frames arrived intact, and how many were damaged in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames with a right CRC and a known kind.
    pub frames: u32,
    /// Longer than the buffer.
    pub overflows: u32,
    /// Broken byte stuffing.
    pub cobs_errors: u32,
    /// Too short for header and CRC.
    pub runts: u32,
    /// Wrong CRC.
    pub crc_errors: u32,
    /// Right CRC, unknown kind.
    pub kind_errors: u32,
}

/// Takes bytes as they come and finds the frames in them.
pub struct Decoder<B> {
    buffer: B,
    state: DecoderState,
    length: usize,
    /// Everything up to the next zero belongs to a frame that was given up.
    skipping: bool,
    counters: Counters,
}

impl<B: AsRef<[u8]> + AsMut<[u8]>> Decoder<B> {
    /// A decoder into lent memory; [`MAX_BODY`] bytes take every frame.
    pub fn new(buffer: B) -> Self {
        Self {
            buffer,
            state: DecoderState::Idle,
            length: 0,
            skipping: false,
            counters: Counters::default(),
        }
    }

    /// What was counted so far.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Counts from zero again.
    pub fn reset_counters(&mut self) {
        self.counters = Counters::default();
    }

    /// Forgets what was received of a frame that is not complete.
    pub fn reset(&mut self) {
        self.state = DecoderState::Idle;
        self.length = 0;
        self.skipping = false;
    }

    /// Takes one byte; whether it completed an intact frame, which [`Self::frame`] then holds
    /// until the next byte is taken.
    pub fn push(&mut self, byte: u8) -> bool {
        if self.skipping {
            if byte == 0 {
                self.reset();
            }
            return false;
        }
        if byte != 0 && matches!(self.state, DecoderState::Idle) {
            self.length = 0;
        }
        match self.state.feed(byte) {
            Ok(DecodeResult::NoData) => false,
            Ok(DecodeResult::DataContinue(byte)) => {
                if let Some(slot) = self.buffer.as_mut().get_mut(self.length) {
                    *slot = byte;
                    self.length += 1;
                } else {
                    count(&mut self.counters.overflows);
                    self.skipping = true;
                }
                false
            }
            Ok(DecodeResult::DataComplete) => self.is_intact(),
            Err(_) => {
                // Only a zero ends a block early, so the next byte may start a frame.
                count(&mut self.counters.cobs_errors);
                self.reset();
                false
            }
        }
    }

    /// Takes bytes up to the end of an intact frame; returns what it did not take and whether
    /// there is a frame.
    pub fn push_all<'d>(&mut self, mut bytes: &'d [u8]) -> (&'d [u8], bool) {
        while let Some((&byte, rest)) = bytes.split_first() {
            bytes = rest;
            if self.push(byte) {
                return (bytes, true);
            }
        }
        (bytes, false)
    }

    /// The frame that the last byte completed.
    pub fn frame(&self) -> Option<Frame<'_>> {
        let body = self.buffer.as_ref().get(..self.length)?;
        let (inside, trailer) = body.split_last_chunk::<TRAILER>()?;
        let (&[version, kind, low, high], content) = inside.split_first_chunk::<HEADER>()?;
        let header = Header {
            version,
            kind: FrameKind::from_number(kind)?,
            sequence: u16::from_le_bytes([low, high]),
        };
        let crc = u32::from_le_bytes(*trailer);
        Some(Frame {
            header,
            content,
            crc,
        })
    }

    fn is_intact(&mut self) -> bool {
        let body = self.buffer.as_ref().get(..self.length).unwrap_or_default();
        let parts = body.split_last_chunk::<TRAILER>();
        let Some((inside, trailer)) = parts.filter(|(inside, _)| inside.len() > HEADER) else {
            count(&mut self.counters.runts);
            return false;
        };
        let mut checksum = Checksum::new();
        checksum.update(inside);
        if checksum.value() != u32::from_le_bytes(*trailer) {
            count(&mut self.counters.crc_errors);
            return false;
        }
        if self.frame().is_none() {
            count(&mut self.counters.kind_errors);
            return false;
        }
        count(&mut self.counters.frames);
        true
    }
}

/// Adds one; a counter at its largest value stays there.
pub(crate) fn count(counter: &mut u32) {
    *counter = counter.saturating_add(1);
}
