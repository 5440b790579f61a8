//! Filters of HDF5 chunks that `hdf5-pure` does not unpack, in Rust alone.
//!
//! | number | filter | here |
//! |---|---|---|
//! | 1, 2, 3 | deflate, shuffle, Fletcher32 | behind one of those below |
//! | 32001 | Blosc | with BloscLZ, LZ4, zlib or Zstandard |
//! | 32004 | LZ4 | yes |
//! | 32008 | Bitshuffle | by itself, with LZ4 or Zstandard |
//! | 32015 | Zstandard | yes |
//!
//! Every stage knows how much it may give, so that no chunk grows beyond what the shape says. Source:
//! the sources of these filters, and the registered list of the HDF Group.

mod bitshuffle;
mod blosc;
mod codec;

use hdf5_pure::{Dataset, Datatype, DatatypeByteOrder, Filter};

use super::error::DatasetError;
use super::hdf5::unreadable;
use super::links::Linkless;
use super::number::half_order;
use crate::data::{Values, npy};

const DEFLATE: u16 = 1;
const SHUFFLE: u16 = 2;
const FLETCHER32: u16 = 3;
const BLOSC: u16 = 32001;
const LZ4: u16 = 32004;
const BITSHUFFLE: u16 = 32008;
const ZSTD: u16 = 32015;

/// What `hdf5-pure` unpacks by itself.
const KNOWN: [u16; 5] = [DEFLATE, SHUFFLE, FLETCHER32, 6, 32000];
const OWN: [u16; 4] = [BLOSC, LZ4, BITSHUFFLE, ZSTD];
const BESIDE_OWN: [u16; 3] = [DEFLATE, SHUFFLE, FLETCHER32];

/// Whether a filter of the pipeline is unpacked here.
pub(super) fn has_own(pipeline: &[Filter]) -> bool {
    pipeline.iter().any(|filter| OWN.contains(&filter.id))
}

/// Refuses a pipeline with a filter that nothing here unpacks.
///
/// # Errors
/// [`DatasetError::Filter`], with who writes the file without it.
pub(super) fn require(pipeline: &[Filter], location: &str) -> Result<(), DatasetError> {
    let own = has_own(pipeline);
    let unread = |filter: &&Filter| {
        let known = if own {
            OWN.contains(&filter.id) || BESIDE_OWN.contains(&filter.id)
        } else {
            KNOWN.contains(&filter.id)
        };
        !known
    };
    match pipeline.iter().find(unread) {
        None => Ok(()),
        Some(filter) => Err(refused(location, &name(filter))),
    }
}

/// Refuses a dataset whose chunks are far larger than itself, before there is room for one.
///
/// # Errors
/// When a chunk cannot be that of the dataset.
pub(super) fn require_chunk(dataset: &Dataset, location: &str) -> Result<(), DatasetError> {
    /// A chunk that reaches beyond the dataset is stored whole, so that it may be larger by so much.
    const TIMES: u64 = 64;
    /// Of datasets that are yet to grow, a chunk may have so many bytes.
    const LEAST: u64 = 1 << 24;
    let failed = |e| unreadable(location, &e);
    let Some(chunk) = dataset.chunk_shape().map_err(failed)? else {
        return Ok(());
    };
    let size = dataset.element_size().map_err(failed)?;
    let bytes = |shape: &[u64]| shape.iter().try_fold(size, |n, &size| n.checked_mul(size));
    let whole = bytes(&dataset.shape().map_err(failed)?).unwrap_or(u64::MAX);
    if bytes(&chunk).is_some_and(|bytes| bytes <= whole.saturating_mul(TIMES).max(LEAST)) {
        return Ok(());
    }
    let reason = "its chunks are far larger than the dataset; copy it again, or write it anew without chunks";
    Err(DatasetError::unreadable(location, "HDF5", &reason))
}

fn refused(location: &str, filter: &str) -> DatasetError {
    let file = super::plain(super::split(location).0);
    let remedy = if file.to_lowercase().ends_with(".hspy") {
        format!(
            "HyperSpy, with hdf5plugin imported, writes it so that it can be read: \
             hs.load(\"{file}\").save(\"new.hspy\", compression=\"gzip\")"
        )
    } else {
        format!("h5repack writes it without: h5repack -f NONE \"{file}\" new.h5")
    };
    DatasetError::Filter {
        location: location.to_owned(),
        filter: filter.to_owned(),
        remedy,
    }
}

fn name(filter: &Filter) -> String {
    let known = match filter.id {
        4 => "szip",
        5 => "nbit",
        6 => "scale-offset behind another filter",
        307 => "bzip2",
        32000 => "LZF behind another filter",
        32013 => "ZFP",
        32017 | 32024 => "SZ",
        32026 => "Blosc2",
        _ => {
            let name = filter.name.as_deref().unwrap_or("no name");
            return format!("the HDF5 filter {} ({})", filter.id, super::plain(name));
        }
    };
    known.to_owned()
}

/// Why a chunk cannot be unpacked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FilterError {
    #[error("a chunk packed with {0} is damaged")]
    Damaged(&'static str),
    #[error("a chunk unpacks to another size than its shape says")]
    Size,
    #[error("{0}")]
    Unknown(&'static str),
}

/// Reads the values of a dataset whose chunks are unpacked here; `source` is the file.
///
/// # Errors
/// When a chunk is damaged, or lies outside the file or the dataset.
pub(super) fn values(
    dataset: &Dataset,
    pipeline: &[Filter],
    source: &Linkless,
    location: &str,
) -> Result<Values, DatasetError> {
    let failed = |e| unreadable(location, &e);
    let datatype = dataset.datatype().map_err(failed)?;
    let size = dataset.element_size().map_err(failed)? as usize;
    let shape = sizes(&dataset.shape().map_err(failed)?);
    let chunk = sizes(&dataset.chunk_shape().map_err(failed)?.unwrap_or_default());
    let damaged =
        |reason: &dyn std::fmt::Display| DatasetError::unreadable(location, "HDF5", reason);
    let outside = || damaged(&"a chunk lies outside the file or the dataset");
    let count = |shape: &[usize]| {
        let bytes = shape.iter().try_fold(size, |n, &size| n.checked_mul(size));
        bytes.filter(|&bytes| bytes > 0 && isize::try_from(bytes).is_ok())
    };
    let (whole, unpacked) = count(&shape).zip(count(&chunk)).ok_or_else(outside)?;
    if chunk.len() != shape.len() {
        return Err(outside());
    }
    let pieces = dataset.chunks().map_err(failed)?;
    let mut raw = vec![0; whole];
    // What was never written holds the fill value.
    let all = shape
        .iter()
        .zip(&chunk)
        .map(|(n, chunk)| n.div_ceil(*chunk));
    if pieces.len() < all.fold(1_usize, usize::saturating_mul) {
        let fill = dataset.fill_value::<f64>().map_err(failed)?;
        if let Some(fill) = fill {
            npy::encode(fill, &numpy_type(&datatype), &mut raw);
        } else if dataset.fill_value::<u8>().map_err(failed)?.is_some() {
            // `hdf5-pure` decodes none of half precision.
            return Err(damaged(
                &"chunks were never written, and their fill value is not read",
            ));
        }
    }
    for piece in pieces {
        // What does not pack grows by little.
        let most = (unpacked as u64).saturating_mul(2).saturating_add(1 << 16);
        let packed = Some(piece.storage_size).filter(|&size| size <= most);
        let packed = packed.and_then(|size| source.bytes(piece.address, size));
        let packed = packed.ok_or_else(outside)?;
        let plain = unpack(&packed, pipeline, piece.filter_mask, size, unpacked);
        let plain = plain.map_err(|error| match error {
            FilterError::Unknown(filter) => refused(location, filter),
            error => damaged(&error),
        })?;
        let offset = sizes(&piece.offset);
        place(&offset, &plain, (&chunk, &shape, size), &mut raw).ok_or_else(outside)?;
    }
    numbers(&raw, &datatype).ok_or_else(|| DatasetError::Type {
        location: location.to_owned(),
        dtype: "of an unusual layout".to_owned(),
    })
}

fn sizes(shape: &[u64]) -> Vec<usize> {
    let size = |&size: &u64| usize::try_from(size).unwrap_or(usize::MAX);
    shape.iter().map(size).collect()
}

/// Undoes the filters that are not masked, the last first.
fn unpack(
    packed: &[u8],
    pipeline: &[Filter],
    mask: u32,
    size: usize,
    unpacked: usize,
) -> Result<Vec<u8>, FilterError> {
    let mut bytes = packed.to_vec();
    // A checksum adds 4 bytes to what was packed after it.
    let most = unpacked + 4 * pipeline.len();
    for (i, filter) in pipeline.iter().enumerate().rev() {
        if i < 32 && mask >> i & 1 == 1 {
            continue;
        }
        bytes = match filter.id {
            DEFLATE => codec::zlib(&bytes, most)?,
            SHUFFLE => codec::unshuffled(&bytes, size),
            FLETCHER32 => {
                let length = bytes.len().checked_sub(4);
                bytes.truncate(length.ok_or(FilterError::Damaged("Fletcher32"))?);
                bytes
            }
            BLOSC => blosc::unpack(&bytes, most)?,
            LZ4 => codec::lz4_blocks(&bytes, most)?,
            BITSHUFFLE => bitshuffle::unpack(&bytes, &filter.client_data, size, most)?,
            ZSTD => codec::zstd(&bytes, most)?,
            _ => return Err(FilterError::Unknown("an unknown filter")),
        };
    }
    if bytes.len() == unpacked {
        Ok(bytes)
    } else {
        Err(FilterError::Size)
    }
}

/// The compressors of Zarr that are read.
pub(super) const ZARR: [&str; 5] = ["blosc", "zstd", "zlib", "gzip", "lz4"];

/// Unpacks a chunk of Zarr, whose compressor has a name, or none.
pub(super) fn decompressed(
    packed: &[u8],
    compressor: Option<&str>,
    unpacked: usize,
) -> Result<Vec<u8>, FilterError> {
    let bytes = match compressor {
        None => packed.to_vec(),
        Some("blosc") => blosc::unpack(packed, unpacked)?,
        Some("zstd") => codec::zstd(packed, unpacked)?,
        Some("zlib") => codec::zlib(packed, unpacked)?,
        Some("gzip") => codec::gzip(packed, unpacked)?,
        // Its size, then one block.
        Some("lz4") => codec::lz4(packed.get(4..).unwrap_or_default(), unpacked)?,
        Some(_) => return Err(FilterError::Unknown("a compressor that is not read")),
    };
    if bytes.len() == unpacked {
        Ok(bytes)
    } else {
        Err(FilterError::Size)
    }
}

/// Copies the elements of a chunk, of `size` bytes, to where they belong in the whole.
pub(super) fn place(
    offset: &[usize],
    plain: &[u8],
    (chunk, shape, size): (&[usize], &[usize], usize),
    raw: &mut [u8],
) -> Option<()> {
    let last = shape.len().checked_sub(1)?;
    let mut kept = Vec::new();
    for ((&offset, &size), &chunk) in offset.iter().zip(shape).zip(chunk) {
        kept.push(
            size.checked_sub(offset)
                .filter(|&left| left > 0)?
                .min(chunk),
        );
    }
    if kept.len() != shape.len() {
        return None;
    }
    let length = kept[last] * size;
    let mut index = vec![0; last];
    loop {
        let (mut from, mut to) = (0, 0);
        for (axis, (&stride, &whole)) in chunk.iter().zip(shape).enumerate() {
            let i = index.get(axis).copied().unwrap_or(0);
            from = from * stride + i;
            to = to * whole + offset[axis] + i;
        }
        let (from, to) = (from * size, to * size);
        raw.get_mut(to..to + length)?
            .copy_from_slice(plain.get(from..from + length)?);
        let mut axis = last;
        loop {
            if axis == 0 {
                return Some(());
            }
            axis -= 1;
            index[axis] += 1;
            if index[axis] < kept[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
}

/// The type of numbers as NumPy calls it; nothing is encoded in what is no number.
fn numpy_type(datatype: &Datatype) -> String {
    let order = |order: &DatatypeByteOrder| match order {
        DatatypeByteOrder::BigEndian => '>',
        _ => '<',
    };
    match datatype {
        Datatype::FixedPoint {
            size,
            byte_order,
            layout,
        } => {
            let kind = if layout.signed { 'i' } else { 'u' };
            format!("{}{kind}{size}", order(byte_order))
        }
        Datatype::FloatingPoint {
            size, byte_order, ..
        } => format!("{}f{size}", order(byte_order)),
        Datatype::Enumeration { .. } => "|u1".to_owned(),
        _ => String::new(),
    }
}

/// The numbers that bytes stand for; nothing for other types than whole bytes of integers and
/// floats.
fn numbers(raw: &[u8], datatype: &Datatype) -> Option<Values> {
    macro_rules! decoded {
        ($type:ty, $order:expr, $wide:ident) => {{
            let decode: fn(_) -> $type = match $order {
                DatatypeByteOrder::LittleEndian => <$type>::from_le_bytes,
                DatatypeByteOrder::BigEndian => <$type>::from_be_bytes,
                DatatypeByteOrder::Vax => return None,
            };
            let values = raw.as_chunks().0.iter().map(|&bytes| decode(bytes));
            decoded!($wide, values)
        }};
        (Single, $values:expr) => {
            Values::Single($values.map(f32::from).collect())
        };
        (Double, $values:expr) => {
            Values::Double($values.map(|value| value as f64).collect())
        };
    }
    if let Some(ordered) = half_order(datatype) {
        let values = raw.as_chunks().0.iter().map(|&pair| ordered(pair).to_f32());
        return Some(Values::Single(values.collect()));
    }
    Some(match datatype {
        Datatype::FixedPoint {
            size,
            byte_order,
            layout,
        } => {
            if u32::from(layout.bit_precision) != size * 8 {
                return None;
            }
            match (size, layout.signed) {
                (1, true) => decoded!(i8, byte_order, Single),
                (1, false) => decoded!(u8, byte_order, Single),
                (2, true) => decoded!(i16, byte_order, Single),
                (2, false) => decoded!(u16, byte_order, Single),
                (4, true) => decoded!(i32, byte_order, Double),
                (4, false) => decoded!(u32, byte_order, Double),
                (8, true) => decoded!(i64, byte_order, Double),
                (8, false) => decoded!(u64, byte_order, Double),
                _ => return None,
            }
        }
        Datatype::FloatingPoint {
            size, byte_order, ..
        } => match size {
            4 => decoded!(f32, byte_order, Single),
            8 => decoded!(f64, byte_order, Double),
            _ => return None,
        },
        Datatype::Enumeration { size: 1, .. } => {
            Values::Single(raw.iter().map(|&truth| f32::from(truth)).collect())
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
