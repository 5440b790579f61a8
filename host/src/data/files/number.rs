//! The types of numbers in HDF5 files, and their values.

use half::f16;
use hdf5_pure::{DType, Dataset, Datatype, DatatypeByteOrder, Error, FloatingPointLayout};

use super::error::DatasetError;
use super::filters;
use super::links::Linkless;
use crate::data::Values;

/// The type of truths: an enumeration of two names.
pub(super) const BOOL: &str = "bool";

/// The type of the values under the name that its users know it by.
pub(super) enum Kind {
    Real(String),
    Other(String),
}

impl Kind {
    /// The type of a dataset.
    pub(super) fn of_dataset(dataset: &Dataset) -> Self {
        let datatype = dataset.datatype();
        match (dataset.dtype(), &datatype) {
            (Err(e), _) => Self::Other(format!("unknown ({e})")),
            (Ok(_), Ok(Datatype::FloatingPoint { size, layout, .. }))
                if !datatype.as_ref().is_ok_and(is_read) =>
            {
                Self::Other(format!(
                    "{UNREAD_FLOAT} (of {size} bytes, exponent of {} bits with bias {} from bit {} on, mantissa of \
                     {} bits from bit {} on)",
                    layout.exponent_size,
                    layout.exponent_bias,
                    layout.exponent_location,
                    layout.mantissa_size,
                    layout.mantissa_location
                ))
            }
            (Ok(_), Ok(Datatype::FixedPoint { size, layout, .. }))
                if u32::from(layout.bit_precision) != size * 8 =>
            {
                Self::Other(format!(
                    "integer of {} bits from bit {} on, in {size} bytes",
                    layout.bit_precision, layout.bit_offset
                ))
            }
            (Ok(dtype), _) => Self::of(&dtype),
        }
    }

    fn of(dtype: &DType) -> Self {
        use DType::{
            Compound, Enum, F32, F64, I8, I16, I32, I64, Other, U8, U16, U32, U64,
            VariableLengthString,
        };
        match dtype {
            F32 | F64 | I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64 => {
                Self::Real(dtype.to_string())
            }
            Other(inner) if half_order(inner).is_some() => Self::Real("f16".to_owned()),
            Other(inner) => Self::Other(inner.to_string()),
            // h5py writes booleans and complex numbers so; HDF5 long had neither.
            Enum(names) if *names == ["FALSE", "TRUE"] => Self::Real(BOOL.to_owned()),
            Compound(fields) => match fields.as_slice() {
                [(r, part), (i, _)] if r == "r" && i == "i" => {
                    Self::Other(format!("complex ({part} r, {part} i)"))
                }
                _ => Self::Other(dtype.to_string()),
            },
            VariableLengthString => Self::Other("string".to_owned()),
            _ => Self::Other(dtype.to_string()),
        }
    }
}

/// IEEE 754 binary16, which NumPy calls float16.
const HALF: FloatingPointLayout = FloatingPointLayout {
    bit_offset: 0,
    bit_precision: 16,
    exponent_location: 10,
    exponent_size: 5,
    mantissa_location: 0,
    mantissa_size: 10,
    exponent_bias: 15,
};

/// IEEE 754 binary32 and binary64.
const SINGLE: FloatingPointLayout = FloatingPointLayout {
    bit_offset: 0,
    bit_precision: 32,
    exponent_location: 23,
    exponent_size: 8,
    mantissa_location: 0,
    mantissa_size: 23,
    exponent_bias: 127,
};
const DOUBLE: FloatingPointLayout = FloatingPointLayout {
    bit_offset: 0,
    bit_precision: 64,
    exponent_location: 52,
    exponent_size: 11,
    mantissa_location: 0,
    mantissa_size: 52,
    exponent_bias: 1023,
};

/// Floats of other layouts, which nothing here takes apart: a bias that is not heeded gives other numbers.
pub(super) const UNREAD_FLOAT: &str = "float in a layout other than those of IEEE 754";

/// Whether numbers of a type are read as they are: floats in the layouts of IEEE 754, and whatever is no
/// float.
fn is_read(datatype: &Datatype) -> bool {
    match datatype {
        Datatype::FloatingPoint {
            size,
            byte_order,
            layout,
        } => {
            let usual = matches!((size, layout), (4, layout) if *layout == SINGLE)
                || matches!((size, layout), (8, layout) if *layout == DOUBLE);
            half_order(datatype).is_some() || usual && *byte_order != DatatypeByteOrder::Vax
        }
        _ => true,
    }
}

/// How the bytes of half-precision numbers are read; nothing for other types.
pub(super) fn half_order(datatype: &Datatype) -> Option<fn([u8; 2]) -> f16> {
    match datatype {
        Datatype::FloatingPoint {
            size: 2,
            byte_order,
            layout,
        } if *layout == HALF => match byte_order {
            DatatypeByteOrder::LittleEndian => Some(f16::from_le_bytes),
            DatatypeByteOrder::BigEndian => Some(f16::from_be_bytes),
            DatatypeByteOrder::Vax => None,
        },
        _ => None,
    }
}

/// The few numbers of a dataset that tells of others, such as a table; `source` is the file.
///
/// # Errors
/// Why they cannot be read, for people.
pub(super) fn plain_values(dataset: &Dataset, source: &Linkless) -> Result<Vec<f64>, String> {
    if let Kind::Other(dtype) = Kind::of_dataset(dataset) {
        return Err(format!("has values of type {dtype}"));
    }
    let pipeline = dataset.filter_pipeline();
    let read = || {
        filters::require(&pipeline, "")?;
        filters::require_chunk(dataset, "")?;
        if filters::has_own(&pipeline) {
            return filters::values(dataset, &pipeline, source, "");
        }
        values(dataset).map_err(|error| DatasetError::unreadable("", "HDF5", &error))
    };
    let numbers = read().map(Values::into_f64).map_err(|error| match error {
        DatasetError::Filter { filter, .. } => {
            format!("is packed with {filter}, which is not read")
        }
        DatasetError::Unreadable { reason, .. } => format!("cannot be read: {reason}"),
        error => format!("cannot be read: {error}"),
    })?;
    let shape = dataset.shape().unwrap_or_default();
    if shape.iter().product::<u64>() == numbers.len() as u64 {
        Ok(numbers)
    } else {
        Err("has another number of values than its shape says".to_owned())
    }
}

/// The numbers that a dataset lists along an axis, as many as one of the sizes.
///
/// # Errors
/// Why it does not, for people.
pub(super) fn listed(
    axis: &Dataset,
    source: &Linkless,
    sizes: &[usize],
) -> Result<Vec<f64>, String> {
    /// Values of an axis, more than any array of the field has along one.
    const MOST: usize = 1 << 22;
    let shape = axis
        .shape()
        .map_err(|error| format!("cannot be read: {error}"))?;
    let count = shape.iter().try_fold(1_u64, |n, &size| n.checked_mul(size));
    let count = count.and_then(|count| usize::try_from(count).ok());
    // A single row or column of values is a list as well.
    let long = shape.iter().filter(|&&size| size != 1).count();
    if long > 1 || !count.is_some_and(|count| count <= MOST && sizes.contains(&count)) {
        let found: Vec<String> = shape.iter().map(u64::to_string).collect();
        let (found, size) = (found.join("x"), sizes.first().unwrap_or(&0));
        return Err(format!(
            "has the shape {found}, and the data have {size} along it"
        ));
    }
    plain_values(axis, source)
}

/// Reads the values of a dataset that `hdf5-pure` unpacks.
///
/// # Errors
/// When it cannot be read.
pub(super) fn values(dataset: &Dataset) -> Result<Values, Error> {
    let dtype = dataset.dtype()?;
    if let DType::Other(datatype) = &dtype
        && let Some(ordered) = half_order(datatype)
    {
        let bytes = dataset.read_raw()?;
        let pairs = bytes.chunks_exact(2);
        let numbers = pairs.map(|pair| ordered([pair[0], pair[1]]).to_f32());
        return Ok(Values::Single(numbers.collect()));
    }
    Ok(match dtype {
        DType::Enum(_) => {
            let bytes = dataset.read_raw()?;
            Values::Single(bytes.into_iter().map(f32::from).collect())
        }
        DType::F32 | DType::I8 | DType::I16 | DType::U8 | DType::U16 => {
            Values::Single(dataset.read_f32()?)
        }
        _ => Values::Double(dataset.read_f64()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::files::read;
    use crate::data::files::samples::{PACKED, bytes};
    use crate::data::files::testing::written;

    fn opened(content: &[u8]) -> (tempfile::TempDir, hdf5_pure::File, Linkless, String) {
        let (folder, file) = written("a.h5", content);
        let source = Linkless::open(&file).unwrap();
        let open = hdf5_pure::File::from_source(source.clone()).unwrap();
        (folder, open, source, file)
    }

    #[test]
    fn an_axis_is_read_however_it_is_packed_and_refused_where_it_lists_no_places() {
        let (_folder, file, source, _) = opened(&bytes(PACKED));
        let packed = file.dataset("s").unwrap();
        assert_eq!(
            listed(&packed, &source, &[4]).unwrap(),
            [1.0, 2.0, 4.0, 8.0]
        );
        let half = Datatype::FloatingPoint {
            size: 2,
            byte_order: DatatypeByteOrder::LittleEndian,
            layout: HALF,
        };
        let halves = [1.0, 2.5, 4.0].map(|value| f16::from_f64(value).to_le_bytes());
        let mut file = hdf5_pure::FileBuilder::new();
        file.create_dataset("half")
            .with_raw_data(half, halves.concat(), 3);
        file.create_dataset("column")
            .with_f64_data(&[1.0, 2.5, 4.0])
            .with_shape(&[3, 1]);
        file.create_dataset("short").with_f64_data(&[1.0, 2.5]);
        file.create_dataset("words")
            .with_vlen_strings(&["a", "b", "c"]);
        let (_folder, file, source, _) = opened(&file.finish().unwrap());
        let axis = |name: &str| listed(&file.dataset(name).unwrap(), &source, &[3]);
        for name in ["half", "column"] {
            assert_eq!(axis(name).unwrap(), [1.0, 2.5, 4.0]);
        }
        for (name, told) in [
            ("short", "the shape 2, and the data have 3"),
            ("words", "values of type string"),
        ] {
            let reason = axis(name).unwrap_err();
            assert!(reason.contains(told), "{reason}");
        }
    }

    #[test]
    fn integers_of_other_widths_than_whole_bytes_are_refused_by_their_bits() {
        let mut datatype = hdf5_pure::make_i32_type();
        if let Datatype::FixedPoint { layout, .. } = &mut datatype {
            (layout.bit_offset, layout.bit_precision) = (4, 12);
        }
        let mut file = hdf5_pure::FileBuilder::new();
        file.create_dataset("d")
            .with_raw_data(datatype, vec![0; 16], 4)
            .with_shape(&[2, 2]);
        let (_folder, _, _, file) = opened(&file.finish().unwrap());
        let message = read(&file).unwrap_err().to_string();
        assert!(
            message.contains("integer of 12 bits from bit 4 on"),
            "{message}"
        );
    }
}
