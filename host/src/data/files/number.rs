//! The types of numbers in HDF5 files, and their values.

use half::f16;
use hdf5_pure::{DType, Dataset, Datatype, DatatypeByteOrder, Error, FloatingPointLayout};

use super::filters;
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

/// The few numbers of a dataset that tells of others, such as an axis; nothing where they cannot be read.
pub(super) fn plain_values(dataset: &Dataset) -> Option<Vec<f64>> {
    is_read(&dataset.datatype().ok()?).then_some(())?;
    filters::require_chunk(dataset, "").ok()?;
    dataset.read_f64().ok()
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
