//! The tree of tags that a DigitalMicrograph file is.
//!
//! Versions 3 and 4 as Jefferson and Mitchell describe them ("The DigitalMicrograph file format") and as
//! Niermann does for version 4. Structure is big-endian; values are in the byte order that the header names.

use std::fs::File;
use std::io::{self, BufReader, Read as _};

use super::super::latin;

/// Deeper nesting than any file of the field has.
const DEEPEST: usize = 64;
/// More tags than any file of the field has.
const MOST_TAGS: usize = 1 << 20;
/// Longer texts than any name or unit: what is longer is passed over.
const LONGEST_TEXT: u64 = 1 << 12;
/// Fields of a struct, more than any of the field has.
const MOST_FIELDS: u64 = 256;

/// What a tag holds.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    /// Tags by name; those of a list have none.
    Group(Vec<(String, Value)>),
    Number(f64),
    Text(String),
    /// So many numbers that stay in the file, of which the first lies at a byte.
    Numbers {
        offset: u64,
        count: u64,
    },
    /// What is passed over.
    Other,
}

impl Value {
    /// The tag at a path of names.
    pub(super) fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |value, name| {
            let Self::Group(tags) = value else {
                return None;
            };
            tags.iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value)
        })
    }

    /// The tags of a group at a path, in order; none where there is no such group.
    pub(super) fn list(&self, path: &[&str]) -> impl Iterator<Item = &Self> {
        let tags = match self.at(path) {
            Some(Self::Group(tags)) => tags.as_slice(),
            _ => &[],
        };
        tags.iter().map(|(_, value)| value)
    }

    pub(super) fn number(&self, path: &[&str]) -> Option<f64> {
        match self.at(path)? {
            Self::Number(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn text(&self, path: &[&str]) -> Option<&str> {
        match self.at(path)? {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// A file whose tags are read.
struct Reader {
    file: BufReader<File>,
    /// Bytes of the file.
    length: u64,
    /// The next byte.
    place: u64,
    version: u32,
    little: bool,
    tags: usize,
}

fn invalid(told: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, told)
}

/// Bytes of a number of each type.
fn size_of(kind: u64) -> io::Result<u64> {
    match kind {
        8..=10 => Ok(1),
        2 | 4 => Ok(2),
        3 | 5 | 6 => Ok(4),
        7 | 11 | 12 => Ok(8),
        other => Err(invalid(format!("a number of type {other}"))),
    }
}

/// The tags of a file, and whether its values are little-endian.
///
/// # Errors
/// When it is none of DigitalMicrograph, or ends too early.
pub(super) fn read(path: &str) -> io::Result<(Value, bool)> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut reader = Reader {
        file: BufReader::new(file),
        length,
        place: 0,
        version: 0,
        little: false,
        tags: 0,
    };
    reader.version = reader.integer()?;
    if !matches!(reader.version, 3 | 4) {
        let told = format!(
            "version {} of the format; known are 3 and 4",
            reader.version
        );
        return Err(invalid(told));
    }
    reader.word()?;
    reader.little = reader.integer()? != 0;
    let root = reader.group(0, "")?;
    Ok((root, reader.little))
}

impl Reader {
    fn bytes<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        self.place += N as u64;
        Ok(bytes)
    }

    fn text(&mut self, length: u64) -> io::Result<Vec<u8>> {
        if length > self.length - self.place.min(self.length) {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact(&mut bytes)?;
        self.place += length;
        Ok(bytes)
    }

    /// Passes over so many bytes, all of which the file must have.
    fn skip(&mut self, count: u64) -> io::Result<()> {
        let end = self.place.checked_add(count);
        let end = end.filter(|&end| end <= self.length);
        self.place = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let count = i64::try_from(count).map_err(io::Error::other)?;
        self.file.seek_relative(count)
    }

    fn integer(&mut self) -> io::Result<u32> {
        Ok(u32::from_be_bytes(self.bytes()?))
    }

    /// A count: wider in version 4.
    fn word(&mut self) -> io::Result<u64> {
        if self.version == 4 {
            Ok(u64::from_be_bytes(self.bytes()?))
        } else {
            Ok(self.integer()?.into())
        }
    }

    /// A group from its flags on.
    fn group(&mut self, depth: usize, group: &str) -> io::Result<Value> {
        if depth > DEEPEST {
            return Err(invalid(format!(
                "groups are nested more than {DEEPEST} deep"
            )));
        }
        // Whether it is sorted, and whether it is open.
        self.bytes::<2>()?;
        let count = self.word()?;
        let mut tags = Vec::new();
        for _ in 0..count {
            self.tags += 1;
            if self.tags > MOST_TAGS {
                return Err(invalid(format!("more than {MOST_TAGS} tags")));
            }
            let [kind] = self.bytes()?;
            let length = u16::from_be_bytes(self.bytes()?);
            let name = latin::text(&self.text(length.into())?);
            if self.version == 4 {
                // Bytes of the tag.
                self.bytes::<8>()?;
            }
            let value = match kind {
                20 => self.group(depth + 1, &name)?,
                21 => self.value(group == "ImageData" && name == "Data")?,
                other => return Err(invalid(format!("a tag of kind {other}"))),
            };
            tags.push((name, value));
        }
        Ok(Value::Group(tags))
    }

    /// A value; of the data of an image it stays in the file.
    fn value(&mut self, is_data: bool) -> io::Result<Value> {
        if self.bytes()? != *b"%%%%" {
            return Err(invalid("a tag does not begin as one".to_owned()));
        }
        let words = self.word()?;
        let kind = self.word()?;
        match (words, kind) {
            (1, _) => self.number(kind).map(Value::Number),
            (2, 18) => {
                let length = self.word()?;
                self.read_text(length, 1)
            }
            (_, 15) => {
                let bytes = self.fields()?;
                self.skip(bytes)?;
                Ok(Value::Other)
            }
            (_, 20) => self.array(is_data),
            _ => Err(invalid(format!(
                "a value of type {kind} described by {words} words"
            ))),
        }
    }

    fn array(&mut self, is_data: bool) -> io::Result<Value> {
        let kind = self.word()?;
        let element = match kind {
            15 => self.fields()?,
            18 => self.word()?,
            20 => {
                let kind = self.word()?;
                let length = self.word()?;
                let size = size_of(kind)?;
                length
                    .checked_mul(size)
                    .ok_or(io::ErrorKind::UnexpectedEof)?
            }
            _ => size_of(kind)?,
        };
        let count = self.word()?;
        if kind == 4 && !is_data && count <= LONGEST_TEXT {
            return self.read_text(count, 2);
        }
        let offset = self.place;
        let bytes = count.checked_mul(element);
        self.skip(bytes.ok_or(io::ErrorKind::UnexpectedEof)?)?;
        Ok(if kind < 15 {
            Value::Numbers { offset, count }
        } else {
            Value::Other
        })
    }

    /// Bytes of a struct, whose definition comes next.
    fn fields(&mut self) -> io::Result<u64> {
        self.word()?;
        let count = self.word()?;
        if count > MOST_FIELDS {
            return Err(invalid(format!("a struct of {count} fields")));
        }
        let mut bytes = 0;
        for _ in 0..count {
            self.word()?;
            bytes += size_of(self.word()?)?;
        }
        Ok(bytes)
    }

    /// A text of so many characters of so many bytes.
    fn read_text(&mut self, length: u64, wide: u64) -> io::Result<Value> {
        if length > LONGEST_TEXT {
            self.skip(length)?;
            return Ok(Value::Other);
        }
        let bytes = self.text(length * wide)?;
        if wide == 1 {
            return Ok(Value::Text(latin::text(&bytes)));
        }
        let pairs = bytes.as_chunks::<2>().0.iter();
        let characters = pairs.map(|&pair| {
            if self.little {
                u16::from_le_bytes(pair)
            } else {
                u16::from_be_bytes(pair)
            }
        });
        let characters: Vec<u16> = characters.collect();
        let text = String::from_utf16_lossy(&characters);
        Ok(Value::Text(text))
    }

    fn number(&mut self, kind: u64) -> io::Result<f64> {
        macro_rules! read {
            ($type:ty) => {{
                let bytes = self.bytes()?;
                if self.little {
                    <$type>::from_le_bytes(bytes) as f64
                } else {
                    <$type>::from_be_bytes(bytes) as f64
                }
            }};
        }
        Ok(match kind {
            2 => read!(i16),
            3 => read!(i32),
            4 => read!(u16),
            5 => read!(u32),
            6 => read!(f32),
            7 => read!(f64),
            8 | 10 => read!(u8),
            9 => read!(i8),
            11 => read!(i64),
            12 => read!(u64),
            other => return Err(invalid(format!("a number of type {other}"))),
        })
    }
}
