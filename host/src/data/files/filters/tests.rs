//! Tiny chunks, packed by hand as the formats say. The filters' own libraries judge whole files:
//! `tests/tests/all/instruments/files.rs`.

use super::*;

/// Literals `abcd`, then a match of 8 bytes 4 back: format of an LZ4 block.
const LZ4_BLOCK: [u8; 13] = [
    0x44, b'a', b'b', b'c', b'd', 4, 0, 0x50, b'v', b'w', b'x', b'y', b'z',
];
const UNPACKED: &[u8] = b"abcdabcdabcdvwxyz";

#[test]
fn lz4_blocks_are_unpacked_and_stored_ones_taken() {
    let sizes = |block: u8| [&[0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, block][..]].concat();
    let packed = [&sizes(17)[..], &[0, 0, 0, 13], &LZ4_BLOCK].concat();
    assert_eq!(codec::lz4_blocks(&packed, 17).unwrap(), UNPACKED);
    let stored = [&sizes(17)[..], &[0, 0, 0, 17], UNPACKED].concat();
    assert_eq!(codec::lz4_blocks(&stored, 17).unwrap(), UNPACKED);
    assert_eq!(codec::lz4_blocks(&packed, 16), Err(FilterError::Size));
    for length in 0..packed.len() {
        assert!(
            codec::lz4_blocks(&packed[..length], 17).is_err(),
            "{length}"
        );
    }
    // A block of no bytes would never end.
    let endless = [&sizes(0)[..], &[0, 0, 0, 0]].concat();
    assert!(codec::lz4_blocks(&endless, 17).is_err());
}

#[test]
fn shuffled_bytes_go_back_to_their_elements() {
    assert_eq!(
        codec::unshuffled(&[1, 3, 5, 2, 4, 6, 7], 2),
        [1, 2, 3, 4, 5, 6, 7]
    );
    assert_eq!(codec::unshuffled(&[1, 2], 1), [1, 2]);
    // Element i of 8 has bit i of its first byte alone.
    let mut rows = vec![0_u8; 16];
    for (bit, row) in rows.iter_mut().take(8).enumerate() {
        *row = 1 << bit;
    }
    let mut plain = vec![0_u8; 16];
    for element in 0..8 {
        plain[2 * element] = 1 << element;
    }
    assert_eq!(bitshuffle::unshuffled(&rows, 2), plain);
}

/// Literals `ab`, a match of 4 bytes 2 back, a literal `c`.
#[test]
fn blosclz_copies_what_overlaps_itself() {
    let packed = [1, b'a', b'b', 2 << 5, 1, 0, b'c'];
    assert_eq!(codec::blosclz(&packed, 7), Some(b"abababc".to_vec()));
    assert_eq!(codec::blosclz(&packed, 6), None);
    // A match before the beginning.
    assert_eq!(codec::blosclz(&[0, b'a', 1 << 5, 5], 4), None);
}

#[test]
fn a_blosc_buffer_is_taken_apart_and_never_beyond_its_size() {
    let header = |flags: u8, total: u8| {
        let sizes = [total, 0, 0, 0, total, 0, 0, 0, 0, 0, 0, 0];
        [&[2, 1, flags, 1][..], &sizes].concat()
    };
    let stored = [&header(2, 17)[..], UNPACKED].concat();
    assert_eq!(blosc::unpack(&stored, 17).unwrap(), UNPACKED);
    let lz4 = [
        &header(1 << 5, 17)[..],
        &[20, 0, 0, 0, 13, 0, 0, 0],
        &LZ4_BLOCK,
    ]
    .concat();
    assert_eq!(blosc::unpack(&lz4, 17).unwrap(), UNPACKED);
    assert_eq!(blosc::unpack(&lz4, 16), Err(FilterError::Size));
    for length in 0..lz4.len() {
        assert!(blosc::unpack(&lz4[..length], 17).is_err(), "{length}");
    }
    let snappy = [&header(2 << 5, 17)[..], &[20, 0, 0, 0, 1, 0, 0, 0, 0]].concat();
    let refused = blosc::unpack(&snappy, 17).unwrap_err();
    assert!(refused.to_string().contains("Snappy"), "{refused}");
}

/// Value i is i / 5, rounded down, whatever packs it; chunks reach beyond the dataset.
#[test]
fn datasets_of_every_filter_are_put_together_from_their_chunks() {
    use crate::data::files::samples::{FILTERS, bytes};
    use crate::data::files::testing::{spectra, written};
    let (_folder, file) = written("filters.h5", &bytes(FILTERS));
    for name in ["zstd", "blosc", "lz4", "bits"] {
        let found = spectra(&format!("{file}#{name}"));
        assert_eq!(
            (found.height(), found.width(), found.channels.size),
            (2, 3, 16)
        );
        for pixel in 0..6 {
            let wanted: Vec<f64> = (0..16).map(|i| f64::from((16 * pixel + i) / 5)).collect();
            assert_eq!(
                found.at(pixel as usize / 3, pixel as usize % 3),
                wanted,
                "{name}"
            );
        }
    }
}

#[test]
fn chunks_that_were_never_written_hold_the_fill_value() {
    use crate::data::files::read_map;
    use crate::data::files::samples::{PACKED, bytes};
    use crate::data::files::testing::written;
    let (_folder, file) = written("packed.h5", &bytes(PACKED));
    let written = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
    let map = read_map(&format!("{file}#i")).unwrap();
    assert_eq!(map.values, [written, [-7.0; 6]].concat());
    let map = read_map(&format!("{file}#d")).unwrap();
    assert_eq!(map.values[..6], written);
    assert!(map.values[6..].iter().all(|value| value.is_nan()));
}
