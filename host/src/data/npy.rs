//! `NumPy`'s `.npy`: arrays of real numbers.
//!
//! Written down here because every parser of the format on crates.io comes with one of all Python
//! literals, which needs an assembler.
//!
//! Source: `NEP 1` and `numpy.lib.format`, versions 1.0 to 3.0.

use std::io::{self, Read, Write};

use super::Values;

const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes of a header; NumPy itself reads no longer ones unless it is told to.
const MOST_HEADER: u64 = 1 << 16;
/// Dimensions of an array, as in NumPy.
const MOST_DIMENSIONS: usize = 64;

/// Bytes that are decoded together; a multiple of every size of a number.
const BLOCK: usize = 1 << 16;

/// An array whose header is read and whose values are not yet.
#[derive(Debug)]
pub struct Npy<R> {
    shape: Vec<usize>,
    column_major: bool,
    dtype: String,
    rest: R,
}

/// A value as the file holds it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// A float; one of single precision is widened.
    Float(f64),
    /// A signed integer.
    Signed(i64),
    /// An unsigned integer.
    Unsigned(u64),
}

impl Number {
    /// The nearest float.
    pub fn to_float(self) -> f64 {
        match self {
            Self::Float(value) => value,
            Self::Signed(value) => value as f64,
            Self::Unsigned(value) => value as f64,
        }
    }

    /// The integer, of whatever width; nothing for a float.
    pub fn to_integer(self) -> Option<i128> {
        match self {
            Self::Float(_) => None,
            Self::Signed(value) => Some(value.into()),
            Self::Unsigned(value) => Some(value.into()),
        }
    }
}

impl<R: Read> Npy<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When the file cannot be read, or does not begin with a header of a known version.
    pub fn new(mut reader: R) -> io::Result<Self> {
        let mut start = [0; MAGIC.len() + 2];
        reader.read_exact(&mut start)?;
        let (magic, version) = start.split_at(MAGIC.len());
        if magic != MAGIC {
            return Err(invalid("does not begin as a NumPy array".to_owned()));
        }
        let length = match version[0] {
            1 => {
                let mut length = [0; 2];
                reader.read_exact(&mut length)?;
                u64::from(u16::from_le_bytes(length))
            }
            2 | 3 => {
                let mut length = [0; 4];
                reader.read_exact(&mut length)?;
                u64::from(u32::from_le_bytes(length))
            }
            other => {
                let told = format!("version {other} of the format; known are 1, 2 and 3");
                return Err(invalid(told));
            }
        };
        if length > MOST_HEADER {
            let told =
                format!("its header of {length} bytes is longer than any; at most {MOST_HEADER}");
            return Err(invalid(told));
        }
        let mut header = Vec::new();
        if reader.by_ref().take(length).read_to_end(&mut header)? as u64 != length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let header = String::from_utf8_lossy(&header);
        let entry = |key: &str| {
            let told = || {
                invalid(format!(
                    "no `{key}` in the header `{}`",
                    short(header.trim())
                ))
            };
            entry(&header, key).ok_or_else(told)
        };
        let column_major = match entry("fortran_order")? {
            "False" => false,
            "True" => true,
            other => return Err(invalid(format!("`fortran_order` is `{}`", short(other)))),
        };
        let shape = entry("shape")?;
        let sizes = shape.trim_matches(['(', ')']).split(',').map(str::trim);
        let sizes = sizes.filter(|size| !size.is_empty()).map(str::parse);
        let sizes: Vec<usize> = (sizes.collect::<Result<_, _>>())
            .map_err(|_| invalid(format!("`shape` is `{}`", short(shape))))?;
        if sizes.len() > MOST_DIMENSIONS {
            let told = format!("{} dimensions; at most {MOST_DIMENSIONS}", sizes.len());
            return Err(invalid(told));
        }
        Ok(Self {
            shape: sizes,
            column_major,
            dtype: entry("descr")?.trim_matches('\'').to_owned(),
            rest: reader,
        })
    }

    /// Sizes of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// Whether the first index runs fastest, as in Fortran, and not the last.
    pub fn column_major(&self) -> bool {
        self.column_major
    }

    /// The type of the values as `NumPy` describes it, such as `<f8`.
    pub fn dtype(&self) -> &str {
        &self.dtype
    }

    /// Letter and bytes of a type of real numbers that can be read: `i`, `u` with 1, 2, 4 or 8,
    /// `f` with 2, 4 or 8, `b` (true is 1, false 0) with 1. Nothing for other types.
    pub fn real(&self) -> Option<(char, usize)> {
        real(&self.dtype)
    }

    /// Reads the values in the order of the file.
    ///
    /// # Errors
    /// When the file cannot be read, holds fewer values than its shape says or other than real
    /// numbers, or has more than fit into memory.
    pub fn values<T>(mut self, convert: impl Fn(Number) -> T) -> io::Result<Vec<T>> {
        let (size, decode) = self.decoder()?;
        let too_many = || invalid(format!("shape {:?} does not fit into memory", self.shape));
        let product = |product: usize, &size: &usize| product.checked_mul(size);
        let count = self.shape.iter().try_fold(1, product);
        let count = count.ok_or_else(too_many)?;
        let mut left = count.checked_mul(size).ok_or_else(too_many)?;
        let mut values = Vec::new();
        values.try_reserve_exact(count).map_err(|_| too_many())?;
        let mut block = vec![0; BLOCK.min(left)];
        let mut numbers = Vec::new();
        while left > 0 {
            let bytes = &mut block[..BLOCK.min(left)];
            self.rest.read_exact(bytes)?;
            left -= bytes.len();
            decode(bytes, &mut numbers);
            values.extend(numbers.drain(..).map(&convert));
        }
        // An archive compares its checksum when the end is read.
        self.rest.take(1).read_to_end(&mut block)?;
        Ok(values)
    }

    /// Bytes of a value, and what decodes values.
    fn decoder(&self) -> io::Result<(usize, Decode)> {
        macro_rules! decoder {
            ($type:ty, $number:expr) => {{
                let little: Decode = |bytes, numbers| {
                    let values = bytes.as_chunks().0.iter();
                    numbers.extend(values.map(|&v| $number(<$type>::from_le_bytes(v).into())));
                };
                let big: Decode = |bytes, numbers| {
                    let values = bytes.as_chunks().0.iter();
                    numbers.extend(values.map(|&v| $number(<$type>::from_be_bytes(v).into())));
                };
                let decode = if self.dtype.starts_with('>') {
                    big
                } else {
                    little
                };
                Ok((size_of::<$type>(), decode))
            }};
        }
        match self.real() {
            Some(('i', 1)) => decoder!(i8, Number::Signed),
            Some(('i', 2)) => decoder!(i16, Number::Signed),
            Some(('i', 4)) => decoder!(i32, Number::Signed),
            Some(('i', _)) => decoder!(i64, Number::Signed),
            Some(('b' | 'u', 1)) => decoder!(u8, Number::Unsigned),
            Some(('u', 2)) => decoder!(u16, Number::Unsigned),
            Some(('u', 4)) => decoder!(u32, Number::Unsigned),
            Some(('u', _)) => decoder!(u64, Number::Unsigned),
            Some((_, 2)) => decoder!(half::f16, Number::Float),
            Some((_, 4)) => decoder!(f32, Number::Float),
            Some(_) => decoder!(f64, Number::Float),
            None => Err(invalid(format!(
                "values of type {}; accepted are real integers and floats",
                self.dtype
            ))),
        }
    }
}

/// Appends the numbers that some bytes are.
type Decode = fn(&[u8], &mut Vec<Number>);

/// Text of a file as a message quotes it.
pub(crate) fn short(text: &str) -> String {
    /// Characters that tell a person what there is.
    const MOST: usize = 200;
    match text.char_indices().nth(MOST) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

/// Letter and bytes of a type of real numbers by its description, as [`Npy::real`] gives them.
pub fn real(dtype: &str) -> Option<(char, usize)> {
    let kind = dtype.strip_prefix(['<', '>', '|', '='])?;
    match kind {
        "b1" => Some(('b', 1)),
        "i1" => Some(('i', 1)),
        "i2" => Some(('i', 2)),
        "i4" => Some(('i', 4)),
        "i8" => Some(('i', 8)),
        "u1" => Some(('u', 1)),
        "u2" => Some(('u', 2)),
        "u4" => Some(('u', 4)),
        "u8" => Some(('u', 8)),
        "f2" => Some(('f', 2)),
        "f4" => Some(('f', 4)),
        "f8" => Some(('f', 8)),
        _ => None,
    }
}

/// So many numbers of a type of real numbers, one after another: of single precision where that holds
/// them exactly.
///
/// # Errors
/// When the type is another, or fewer follow.
pub(crate) fn read(rest: impl Read, count: usize, dtype: &str) -> io::Result<Values> {
    let told = || invalid(format!("values of type {dtype}"));
    let (kind, size) = real(dtype).ok_or_else(told)?;
    let npy = Npy {
        shape: vec![count],
        column_major: false,
        dtype: dtype.to_owned(),
        rest,
    };
    Ok(match (kind, size) {
        ('f', 2 | 4) | (_, 1 | 2) => Values::Single(npy.values(|number| number.to_float() as f32)?),
        _ => Values::Double(npy.values(Number::to_float)?),
    })
}

/// The numbers that bytes stand for, as [`read`] reads them.
///
/// # Errors
/// When the type is none of real numbers.
#[cfg(feature = "hdf5")]
pub(crate) fn decode(raw: &[u8], dtype: &str) -> io::Result<Values> {
    let size = real(dtype).map_or(1, |(_, size)| size);
    read(raw, raw.len() / size, dtype)
}

/// Fills bytes with a number of a type of real numbers.
#[cfg(feature = "hdf5")]
pub(crate) fn encode(value: f64, dtype: &str, raw: &mut [u8]) {
    let mut bytes = match real(dtype) {
        Some(('f', 2)) => half::f16::from_f64(value).to_le_bytes().to_vec(),
        Some(('f', 4)) => (value as f32).to_le_bytes().to_vec(),
        Some(('f', _)) => value.to_le_bytes().to_vec(),
        Some((_, size)) => (value as i64).to_le_bytes()[..size].to_vec(),
        None => return,
    };
    if dtype.starts_with('>') {
        bytes.reverse();
    }
    for element in raw.chunks_exact_mut(bytes.len()) {
        element.copy_from_slice(&bytes);
    }
}

/// Writes an array of float64, the last index fastest.
///
/// # Errors
/// When it cannot be written.
pub fn write(
    mut to: impl Write,
    shape: &[usize],
    values: impl IntoIterator<Item = f64>,
) -> io::Result<()> {
    let sizes: Vec<String> = shape.iter().map(|size| format!("{size},")).collect();
    let sizes = sizes.join(" ");
    let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({sizes}), }}");
    // The values begin at a multiple of 64, a line break before them.
    let whole = (MAGIC.len() + 4 + header.len() + 1).next_multiple_of(64);
    let length = whole - MAGIC.len() - 4;
    to.write_all(MAGIC)?;
    to.write_all(&[1, 0])?;
    to.write_all(
        &u16::try_from(length)
            .map_err(io::Error::other)?
            .to_le_bytes(),
    )?;
    to.write_all(format!("{header:<0$}\n", length - 1).as_bytes())?;
    for value in values {
        to.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}

/// The value of a key of the Python dictionary that a header is.
fn entry<'a>(header: &'a str, key: &str) -> Option<&'a str> {
    let entries = header.trim().strip_prefix('{')?.strip_suffix('}')?;
    let (mut depth, mut quoted) = (0_usize, false);
    let between = |c: char| {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' => depth += 1,
            ')' | ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0 && !quoted
    };
    entries.split(between).find_map(|entry| {
        let (name, value) = entry.split_once(':')?;
        (name.trim().trim_matches('\'') == key).then_some(value.trim())
    })
}

fn invalid(told: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(version: u8, header: &str, values: &[u8]) -> Vec<u8> {
        let length = u32::try_from(header.len()).unwrap().to_le_bytes();
        let length = &length[..if version == 1 { 2 } else { 4 }];
        [MAGIC, &[version, 0], length, header.as_bytes(), values].concat()
    }

    #[test]
    fn what_is_written_is_read_again() {
        for shape in [&[][..], &[3], &[2, 3], &[0, 4]] {
            let count = shape.iter().product::<usize>();
            let values: Vec<f64> = (0..count).map(|n| (n as f64).sqrt()).collect();
            let mut bytes = Vec::new();
            write(&mut bytes, shape, values.iter().copied()).unwrap();
            assert_eq!((bytes.len() - 8 * values.len()) % 64, 0);
            let npy = Npy::new(&bytes[..]).unwrap();
            assert_eq!((npy.shape(), npy.dtype()), (shape, "<f8"));
            assert!(!npy.column_major());
            assert_eq!(npy.values(Number::to_float).unwrap(), values);
        }
    }

    /// Headers as `NumPy` writes them for a plain and a structured array.
    #[test]
    fn headers_of_every_version_and_of_structures_are_understood() {
        let plain = "{'descr': '>i2', 'fortran_order': True, 'shape': (2,), }   \n";
        for version in [1, 2, 3] {
            let bytes = file(version, plain, &[1, 2, 0xff, 0xff]);
            let npy = Npy::new(&bytes[..]).unwrap();
            assert!(npy.column_major());
            let values = npy.values(Number::to_integer).unwrap();
            assert_eq!(values, [Some(0x102), Some(-1)]);
        }
        let structured = "{'descr': [('a', '<f4'), ('b', '<i8', (2,))], 'fortran_order': False, 'shape': (1,), }\n";
        let npy = file(1, structured, &[0; 20]);
        let npy = Npy::new(&npy[..]).unwrap();
        assert_eq!(npy.real(), None);
        assert_eq!(npy.dtype(), "[('a', '<f4'), ('b', '<i8', (2,))]");
        let told = npy.values(Number::to_float).unwrap_err().to_string();
        assert!(
            told.contains("'<f4'") && told.contains("real integers"),
            "{told}"
        );
    }

    #[test]
    fn what_is_wrong_with_a_file_is_told() {
        let header = "{'descr': '<f8', 'fortran_order': False, 'shape': (2,), }";
        let whole = file(1, header, &[0; 16]);
        for length in 0..whole.len() {
            let read = Npy::new(&whole[..length]).and_then(|npy| npy.values(Number::to_float));
            let kind = read.unwrap_err().kind();
            assert_eq!(kind, io::ErrorKind::UnexpectedEof, "{length}");
        }
        for (version, header, told) in [
            (4, header, "version 4"),
            (1, "{'fortran_order': False, 'shape': (2,), }", "`descr`"),
            (
                1,
                "{'descr': '<f8', 'fortran_order': 1, 'shape': (), }",
                "`1`",
            ),
            (
                1,
                "{'descr': '<f8', 'fortran_order': False, 'shape': (-2,), }",
                "`(-2,)`",
            ),
            (1, "nonsense", "nonsense"),
            (
                1,
                "{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296), }",
                "memory",
            ),
            (
                1,
                "{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,), }",
                "memory",
            ),
        ] {
            let bytes = file(version, header, &[]);
            let read = Npy::new(&bytes[..]).and_then(|npy| npy.values(Number::to_float));
            let error = read.unwrap_err().to_string();
            assert!(error.contains(told), "{told}: {error}");
        }
        let error = Npy::new(&b"PK\x03\x04 and so on"[..]).unwrap_err();
        assert!(error.to_string().contains("NumPy"), "{error}");
    }
}
