//! Compressions of one stretch of bytes. Each gives at most as many bytes as it may.

use std::io::Read;

use super::FilterError;

/// All that a decoder gives.
fn all(decoder: impl Read, most: usize, name: &'static str) -> Result<Vec<u8>, FilterError> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(most).unwrap_or(u64::MAX).saturating_add(1);
    let read = decoder.take(limit).read_to_end(&mut bytes);
    read.map_err(|_| FilterError::Damaged(name))?;
    if bytes.len() > most {
        return Err(FilterError::Size);
    }
    Ok(bytes)
}

pub(super) fn zlib(packed: &[u8], most: usize) -> Result<Vec<u8>, FilterError> {
    all(flate2::read::ZlibDecoder::new(packed), most, "deflate")
}

pub(super) fn gzip(packed: &[u8], most: usize) -> Result<Vec<u8>, FilterError> {
    all(flate2::read::GzDecoder::new(packed), most, "gzip")
}

pub(super) fn zstd(packed: &[u8], most: usize) -> Result<Vec<u8>, FilterError> {
    const NAME: &str = "Zstandard";
    let decoder = ruzstd::decoding::StreamingDecoder::new(packed);
    all(decoder.map_err(|_| FilterError::Damaged(NAME))?, most, NAME)
}

/// One block of LZ4 without a frame, which unpacks to `size` bytes.
pub(super) fn lz4(packed: &[u8], size: usize) -> Result<Vec<u8>, FilterError> {
    // A byte of a block gives at most 255: what is told to give more is not set aside.
    if size / 255 > packed.len() {
        return Err(FilterError::Damaged("LZ4"));
    }
    let bytes = lz4_flex::block::decompress(packed, size);
    bytes.map_err(|_| FilterError::Damaged("LZ4"))
}

/// A big-endian number at the front of `bytes`, which move on.
pub(super) fn number<const SIZE: usize>(bytes: &mut &[u8]) -> Option<usize> {
    let (first, rest) = bytes.split_first_chunk::<SIZE>()?;
    *bytes = rest;
    let value = first
        .iter()
        .fold(0_u64, |all, &byte| all << 8 | u64::from(byte));
    usize::try_from(value).ok()
}

/// So many bytes at the front of `bytes`, which move on.
pub(super) fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (first, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(first)
}

/// The LZ4 filter: size in all (8 bytes) and of a block (4), then of each block its packed size (4)
/// and its bytes, which are stored as they are where packing them gained nothing.
pub(super) fn lz4_blocks(packed: &[u8], most: usize) -> Result<Vec<u8>, FilterError> {
    let damaged = FilterError::Damaged("LZ4");
    let mut rest = packed;
    let header = number::<8>(&mut rest).zip(number::<4>(&mut rest));
    let (total, block) = header.ok_or(damaged.clone())?;
    if total > most {
        return Err(FilterError::Size);
    }
    let mut bytes = Vec::new();
    while bytes.len() < total {
        let size = block.min(total - bytes.len());
        let piece = number::<4>(&mut rest).and_then(|packed| take(&mut rest, packed));
        let piece = piece.filter(|_| size > 0).ok_or(damaged.clone())?;
        if piece.len() == size {
            bytes.extend_from_slice(piece);
        } else {
            bytes.extend(lz4(piece, size)?);
        }
    }
    Ok(bytes)
}

/// Bytes that were ordered by their place in an element, back in elements of `size` bytes. What is
/// left over behind whole elements was not moved.
pub(super) fn unshuffled(bytes: &[u8], size: usize) -> Vec<u8> {
    let count = bytes.len() / size.max(1);
    if size < 2 || count < 2 {
        return bytes.to_vec();
    }
    let mut plain = Vec::with_capacity(bytes.len());
    for element in 0..count {
        plain.extend((0..size).map(|byte| bytes[byte * count + element]));
    }
    plain.extend_from_slice(&bytes[count * size..]);
    plain
}

/// The compressor of Blosc's own, a descendant of `FastLZ`, which unpacks to `size` bytes.
pub(super) fn blosclz(packed: &[u8], size: usize) -> Option<Vec<u8>> {
    const FARTHEST: usize = 8191;
    let mut plain: Vec<u8> = Vec::new();
    let mut input = packed.iter().copied();
    let mut control = usize::from(input.next()?) & 31;
    loop {
        if control >= 32 {
            let mut length = (control >> 5) - 1;
            let high = (control & 31) << 8;
            if length == 6 {
                loop {
                    let more = input.next()?;
                    length += usize::from(more);
                    if more != 255 {
                        break;
                    }
                }
            }
            let low = usize::from(input.next()?);
            let mut distance = high + low;
            if low == 255 && high == 31 << 8 {
                let far = usize::from(input.next()?) << 8;
                distance = far + usize::from(input.next()?) + FARTHEST;
            }
            let start = plain.len().checked_sub(distance + 1)?;
            if plain.len() + length + 3 > size {
                return None;
            }
            // What is copied may overlap what it makes.
            for i in start..start + length + 3 {
                plain.push(plain[i]);
            }
        } else {
            if plain.len() + control + 1 > size {
                return None;
            }
            for _ in 0..=control {
                plain.push(input.next()?);
            }
        }
        match input.next() {
            Some(next) => control = usize::from(next),
            None => break,
        }
    }
    (plain.len() == size).then_some(plain)
}
