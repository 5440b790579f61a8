//! Bitshuffle: the bits of elements ordered by their place in an element, block by block.

use super::FilterError;
use super::codec::{self, number, take};

const DAMAGED: FilterError = FilterError::Damaged("Bitshuffle");

/// Compressions behind the shuffle, as the filter numbers them.
const NOTHING: u32 = 0;
const LZ4: u32 = 2;
const ZSTD: u32 = 3;

/// Unpacks a chunk of elements of `size` bytes. `settings` are the filter's: versions (2 numbers),
/// size of an element, elements of a block, compression.
pub(super) fn unpack(
    packed: &[u8],
    settings: &[u32],
    size: usize,
    most: usize,
) -> Result<Vec<u8>, FilterError> {
    let setting = |place: usize| settings.get(place).copied().unwrap_or(0);
    let size = usize::try_from(setting(2))
        .ok()
        .filter(|&size| size > 0)
        .unwrap_or(size)
        .max(1);
    let compression = setting(4);
    if compression == NOTHING {
        let block = match usize::try_from(setting(3)) {
            Ok(block) if block > 0 => block,
            _ => default_block(size),
        };
        return plain_blocks(packed, size, block);
    }
    let mut rest = packed;
    let header = number::<8>(&mut rest).zip(number::<4>(&mut rest));
    let (total, block) = header.ok_or(DAMAGED)?;
    if total > most {
        return Err(FilterError::Size);
    }
    let block = block / size * size;
    if block == 0 {
        return Err(DAMAGED);
    }
    let mut plain = Vec::new();
    // The last block has a multiple of 8 elements; the few behind it are stored as they are.
    let shuffled = total / size / 8 * 8 * size;
    while plain.len() < shuffled {
        let length = block.min(shuffled - plain.len());
        let piece = number::<4>(&mut rest).and_then(|packed| take(&mut rest, packed));
        let piece = piece.ok_or(DAMAGED)?;
        let bytes = match compression {
            LZ4 => codec::lz4(piece, length)?,
            ZSTD => codec::zstd(piece, length)?,
            _ => {
                return Err(FilterError::Unknown(
                    "Bitshuffle and an unknown compression",
                ));
            }
        };
        if bytes.len() != length {
            return Err(FilterError::Size);
        }
        plain.extend(unshuffled(&bytes, size));
    }
    let left = total - plain.len();
    plain.extend_from_slice(take(&mut rest, left).ok_or(DAMAGED)?);
    Ok(plain)
}

/// Elements of a block where nothing is said: of 8192 bytes, a multiple of 8, and 128 at least.
fn default_block(size: usize) -> usize {
    (8192 / size / 8 * 8).max(128)
}

fn plain_blocks(bytes: &[u8], size: usize, block: usize) -> Result<Vec<u8>, FilterError> {
    let shuffled = bytes.len() / size / 8 * 8 * size;
    let block = block.checked_mul(size).ok_or(DAMAGED)?;
    let (blocks, left) = bytes.split_at(shuffled);
    let mut plain = Vec::with_capacity(bytes.len());
    for block in blocks.chunks(block) {
        plain.extend(unshuffled(block, size));
    }
    plain.extend_from_slice(left);
    Ok(plain)
}

/// A multiple of 8 elements of `size` bytes, whose bits were ordered by their place in an element.
pub(super) fn unshuffled(bytes: &[u8], size: usize) -> Vec<u8> {
    let row = bytes.len() / size / 8;
    let mut plain = vec![0; bytes.len()];
    for (place, bits) in bytes.chunks_exact(row.max(1)).enumerate() {
        let (byte, bit) = (place / 8, place % 8);
        for (group, &eight) in bits.iter().enumerate() {
            for i in 0..8 {
                let at = (group * 8 + i) * size + byte;
                if let Some(plain) = plain.get_mut(at) {
                    *plain |= (eight >> i & 1) << bit;
                }
            }
        }
    }
    plain
}
