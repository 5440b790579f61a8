//! Arrays as DTMicroscope sends them: (nested lists, shape, type).

use std::borrow::Cow;
use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, SeqAccess, Visitor};

use crate::microscope::MicroscopeError;
use crate::microscope::network::one_line;

/// An array of numbers, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Array {
    pub(super) values: Vec<f64>,
    /// Length of each dimension, the slowest first; none is 0.
    pub(super) shape: Vec<usize>,
}

/// Reads the answer to a call; what is not finite becomes NaN.
///
/// # Errors
/// When it is no array of numbers, or the lists are not of its shape.
pub(super) fn read(json: &[u8], call: &str) -> Result<Array, MicroscopeError> {
    let answer = |found, expected| MicroscopeError::answer(call, found, expected);
    let Sent(nested, shape, dtype) = serde_json::from_slice(&strict(json)).map_err(|error| {
        let found = format!("something else ({})", one_line(&error.to_string()));
        answer(found, "(nested lists of numbers, shape, type)")
    })?;
    if !["float", "int", "uint"]
        .iter()
        .any(|kind| dtype.starts_with(kind))
    {
        let found = format!("values of type `{}`", one_line(&dtype));
        return Err(answer(found, "real numbers"));
    }
    let lengths: Vec<usize> = nested.lengths.into_iter().map_while(|n| n).collect();
    if lengths != shape || nested.values.is_empty() {
        let found = format!(
            "lists of {} for a shape of {}",
            text(&lengths),
            text(&shape)
        );
        return Err(answer(found, "as many numbers as the shape says, and some"));
    }
    Ok(Array {
        values: nested.values,
        shape,
    })
}

/// A shape as messages show it: `48 x 40`.
pub(super) fn text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    if sizes.is_empty() {
        "one number".to_owned()
    } else {
        sizes.join(" x ")
    }
}

/// JSON proper: Python also writes `NaN`, `Infinity` and `-Infinity`, which are `null` here.
fn strict(json: &[u8]) -> Cow<'_, [u8]> {
    const WORDS: [&[u8]; 3] = [b"NaN", b"-Infinity", b"Infinity"];
    if !json.iter().any(|byte| matches!(byte, b'N' | b'I')) {
        return Cow::Borrowed(json);
    }
    let (mut out, mut rest) = (Vec::with_capacity(json.len()), json);
    let mut quoted = false;
    while let Some((&byte, after)) = rest.split_first() {
        let word = WORDS.iter().find(|word| !quoted && rest.starts_with(word));
        if let Some(word) = word {
            out.extend(b"null");
            rest = &rest[word.len()..];
            continue;
        }
        out.push(byte);
        rest = after;
        if quoted && byte == b'\\' {
            // What is escaped ends no string.
            if let Some((&escaped, after)) = rest.split_first() {
                out.push(escaped);
                rest = after;
            }
        }
        quoted ^= byte == b'"';
    }
    Cow::Owned(out)
}

#[derive(Deserialize)]
struct Sent(Nested, Vec<usize>, String);

/// Nested lists, flattened while they are read.
#[derive(Default)]
struct Nested {
    values: Vec<f64>,
    /// Length of the lists at each depth; `None` where a number lies.
    lengths: Vec<Option<usize>>,
}

impl Nested {
    /// Notes what lies at a depth: a list of some length, or a number.
    fn note(&mut self, depth: usize, length: Option<usize>) -> Result<(), String> {
        // Inner lists end before the outer ones: what is not known yet is not noted yet.
        const UNKNOWN: Option<usize> = Some(usize::MAX);
        if self.lengths.len() <= depth {
            self.lengths.resize(depth + 1, UNKNOWN);
        }
        match self.lengths[depth] {
            known if known == length => Ok(()),
            UNKNOWN => {
                self.lengths[depth] = length;
                Ok(())
            }
            _ => Err("lists that differ in length".to_owned()),
        }
    }
}

impl<'de> Deserialize<'de> for Nested {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut nested = Self::default();
        let level = Level {
            nested: &mut nested,
            depth: 0,
        };
        level.deserialize(deserializer)?;
        Ok(nested)
    }
}

/// A list, or a number, within the lists.
struct Level<'a> {
    nested: &'a mut Nested,
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for Level<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Level<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a list")
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.nested.values.push(value);
        self.nested.note(self.depth, None).map_err(E::custom)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.visit_f64(value as f64)
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.visit_f64(f64::NAN)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut length = 0;
        loop {
            let level = Level {
                nested: &mut *self.nested,
                depth: self.depth + 1,
            };
            if list.next_element_seed(level)?.is_none() {
                break;
            }
            length += 1;
        }
        let noted = self.nested.note(self.depth, Some(length));
        noted.map_err(A::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(json: &str) -> String {
        read(json.as_bytes(), "get").unwrap_err().to_string()
    }

    #[test]
    fn an_array_is_row_major_and_has_its_shape() {
        let array = read(b"[[[1, 2.5, -3], [4, 5, 6e2]], [2, 3], \"float64\"]", "get").unwrap();
        assert_eq!(array.values, [1.0, 2.5, -3.0, 4.0, 5.0, 600.0]);
        assert_eq!(array.shape, [2, 3]);
    }

    /// What Python's shortest decimal stands for, to the last bit: what is reduced from it is
    /// equal to what is reduced from the file.
    #[test]
    fn every_bit_of_a_number_arrives() {
        let mut bits = 0x3ff0_0000_0000_0001_u64;
        for _ in 0..2000 {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005) | 1;
            let value = f64::from_bits(bits & 0x7fef_ffff_ffff_ffff);
            let array = read(format!("[[{value:e}], [1], \"float64\"]").as_bytes(), "get");
            assert_eq!(array.unwrap().values[0].to_bits(), value.to_bits());
        }
    }

    #[test]
    fn numbers_that_are_none_are_nan_and_text_stays_text() {
        let json = br#"[[NaN, Infinity, -Infinity, 1], [4], "float64"]"#;
        let array = read(json, "get").unwrap();
        assert!(array.values[..3].iter().all(|value| value.is_nan()));
        assert_eq!(array.values[3], 1.0);
        let text = br#"["a NaN", "\"NaN", NaN]"#;
        assert_eq!(strict(text).as_ref(), br#"["a NaN", "\"NaN", null]"#);
    }

    #[test]
    fn what_is_no_array_of_its_shape_is_named() {
        for (json, found) in [
            ("null", "something else (invalid type: null"),
            ("[[1, 2], [2]]", "something else (invalid length 2"),
            (
                "[[\"a\"], [1], \"float64\"]",
                "something else (invalid type: string \"a\"",
            ),
            (
                "[[[1], [2, 3]], [2, 1], \"int64\"]",
                "lists that differ in length",
            ),
            ("[[[1], 2], [2], \"int64\"]", "lists that differ in length"),
            ("[[1, 2], [3], \"int64\"]", "lists of 2 for a shape of 3"),
            (
                "[[1, 2], [2, 1], \"int64\"]",
                "lists of 2 for a shape of 2 x 1",
            ),
            (
                "[1, [1], \"int64\"]",
                "lists of one number for a shape of 1",
            ),
            ("[[], [0], \"float64\"]", "lists of 0 for a shape of 0"),
            ("[[1], [1], \"complex128\"]", "values of type `complex128`"),
            ("[[1], [1], \"float64\"", "something else (EOF"),
            ("{\"a\": 1}", "something else"),
        ] {
            let message = message(json);
            assert!(message.contains(found), "{json}: {message}");
            assert!(!message.contains('\n'), "{message}");
        }
    }
}
