//! Blosc's format 2: a header, where each block begins, and blocks of one stream, or of one for every
//! byte of an element.

use super::codec::{self, take};
use super::{FilterError, bitshuffle};

const DAMAGED: FilterError = FilterError::Damaged("Blosc");

/// Bits of the flags.
const SHUFFLED: u8 = 1;
const STORED: u8 = 2;
const BITSHUFFLED: u8 = 4;
const ONE_STREAM: u8 = 16;

/// Elements of more bytes are never split, nor blocks of fewer elements.
const MOST_STREAMS: usize = 16;
const LEAST_STREAM: usize = 128;

/// A little-endian number of four bytes at the front of `bytes`, which move on.
fn number(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    usize::try_from(u32::from_le_bytes(*first)).ok()
}

/// Unpacks a buffer of at most `most` bytes.
pub(super) fn unpack(packed: &[u8], most: usize) -> Result<Vec<u8>, FilterError> {
    let mut header = packed;
    let &[format, _, flags, size] = take(&mut header, 4).ok_or(DAMAGED)? else {
        return Err(DAMAGED);
    };
    let sizes = number(&mut header).zip(number(&mut header));
    let ((total, block), _packed) = sizes.zip(number(&mut header)).ok_or(DAMAGED)?;
    if total > most {
        return Err(FilterError::Size);
    }
    if format > 2 {
        return Err(FilterError::Unknown("Blosc2"));
    }
    if flags & STORED != 0 {
        return Ok(take(&mut header, total).ok_or(DAMAGED)?.to_vec());
    }
    if total == 0 {
        return Ok(Vec::new());
    }
    if block == 0 {
        return Err(DAMAGED);
    }
    let size = usize::from(size).max(1);
    let mut starts = header;
    let mut plain = Vec::new();
    while plain.len() < total {
        let left = total - plain.len();
        let start = number(&mut starts).ok_or(DAMAGED)?;
        let stream = packed.get(start..).ok_or(DAMAGED)?;
        let length = block.min(left);
        let split = flags & ONE_STREAM == 0
            && size <= MOST_STREAMS
            && block / size >= LEAST_STREAM
            && length == block;
        let streams = if split { size } else { 1 };
        let bytes = streams_of(stream, streams, length, flags >> 5)?;
        plain.extend(if flags & SHUFFLED != 0 {
            codec::unshuffled(&bytes, size)
        } else if flags & BITSHUFFLED != 0 {
            unbitshuffled(bytes, size)
        } else {
            bytes
        });
    }
    Ok(plain)
}

/// The streams of a block, each with its packed size before it.
fn streams_of(
    mut packed: &[u8],
    streams: usize,
    length: usize,
    compressor: u8,
) -> Result<Vec<u8>, FilterError> {
    let each = length / streams;
    let mut plain = Vec::new();
    for _ in 0..streams {
        let bytes = number(&mut packed).and_then(|size| take(&mut packed, size));
        let bytes = bytes.ok_or(DAMAGED)?;
        if bytes.len() == each {
            plain.extend_from_slice(bytes);
            continue;
        }
        let unpacked = match compressor {
            0 => codec::blosclz(bytes, each).ok_or(DAMAGED)?,
            1 => codec::lz4(bytes, each)?,
            2 => return Err(FilterError::Unknown("Blosc and Snappy")),
            3 => codec::zlib(bytes, each)?,
            4 => codec::zstd(bytes, each)?,
            _ => return Err(FilterError::Unknown("Blosc and an unknown compressor")),
        };
        if unpacked.len() != each {
            return Err(FilterError::Size);
        }
        plain.extend(unpacked);
    }
    Ok(plain)
}

/// Format 2 leaves a block alone whose elements are no multiple of 8.
fn unbitshuffled(bytes: Vec<u8>, size: usize) -> Vec<u8> {
    let count = bytes.len() / size;
    if !count.is_multiple_of(8) {
        return bytes;
    }
    let mut plain = bitshuffle::unshuffled(&bytes[..count * size], size);
    plain.extend_from_slice(&bytes[count * size..]);
    plain
}
