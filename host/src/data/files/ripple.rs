//! Ripple: a text `.rpl` that says what the numbers of the `.raw` beside it are.
//!
//! Source: NIST's Lispix, and the keys that `HyperSpy` adds.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use super::array::{Array, Dimension};
use super::conditions::Conditions;
use super::error::DatasetError;
use super::plain;
use super::raw::{self, Place};

const FORMAT: &str = "ripple file";

/// Bytes of a `.rpl`, more than any has.
const MOST_TEXT: u64 = 1 << 20;

/// The map or the spectra that a `.rpl` describes.
///
/// # Errors
/// When a key is missing or wrong, or the numbers are not beside it.
pub(super) fn read(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    super::refuse_inside(file, inside)?;
    let keys = keys(file)?;
    let refused = |reason: String| DatasetError::unreadable(file, FORMAT, &reason);
    let text = |key: &str| keys.get(key).map(String::as_str);
    let wrong = |key: &str, accepted: &str| {
        let found = text(key).map_or("is missing".to_owned(), |found| format!("is `{found}`"));
        refused(format!("`{key}` {found}; expected {accepted}"))
    };
    let whole = |key: &str| {
        let value = text(key).and_then(|text| text.parse::<usize>().ok());
        value.ok_or_else(|| wrong(key, "a whole number"))
    };
    let number = |key: &str| text(key).and_then(|text| text.parse::<f64>().ok());
    let (height, width, depth) = (whole("height")?, whole("width")?, whole("depth")?);
    let dtype = dtype(
        text("data-type").unwrap_or_default(),
        text("data-length").unwrap_or_default(),
        text("byte-order") == Some("big-endian"),
    )
    .ok_or_else(|| {
        let accepted = "signed or unsigned of 1, 2, 4 or 8 bytes, or float of 4 or 8";
        wrong("data-type", &format!("{accepted}, by `data-length`"))
    })?;
    let (shape, order): (Vec<usize>, &[usize]) = match text("record-by") {
        Some("vector") => (vec![height, width, depth], &[0, 1, 2]),
        Some("image") => (vec![depth, height, width], &[1, 2, 0]),
        Some("dont-care") if depth <= 1 => (vec![height, width], &[0, 1]),
        _ => {
            return Err(wrong(
                "record-by",
                "vector or image; dont-care where `depth` is 1",
            ));
        }
    };
    let numbers = beside(file).ok_or_else(|| {
        let name = plain(&super::stem(file));
        refused(format!(
            "its numbers are in `{name}.raw`, which is not beside it"
        ))
    })?;
    let place = Place {
        offset: whole("offset")? as u64,
        dtype,
    };
    let quantity = match text("title") {
        Some(title) if !title.is_empty() => plain(title),
        _ => super::stem(file),
    };
    let mut array = raw::array((&numbers, file), FORMAT, shape, &quantity, place)?;
    array.permute(order);
    let usual = ["height", "width", "depth"];
    for (place, &usual) in usual.iter().enumerate().take(array.shape.len()) {
        let of = |what: &str| format!("{usual}-{what}");
        let per_channel = number("ev-per-chan").filter(|_| place == 2);
        let said = number(&of("scale"));
        let units = text(&of("units")).filter(|units| *units != "<undefined>");
        let units = match (units, said, per_channel) {
            (Some(units), _, _) if !units.is_empty() => plain(units),
            // What the format itself counts in.
            (_, None, Some(_)) => "eV".to_owned(),
            _ => String::new(),
        };
        let scale = said.or(per_channel).unwrap_or(0.0);
        let name = text(&of("name")).map(plain).unwrap_or_default();
        let offset = number(&of("origin")).unwrap_or(0.0);
        let size = array.shape[place];
        let dimension = Dimension::uniform(place, size, (&name, &units), (offset, scale));
        array.set_dimension(place, dimension);
    }
    array.conditions = Conditions {
        beam_energy: number("beam-energy"),
        live_time: number("live-time"),
        ..Conditions::default()
    }
    .sensible();
    Ok(array)
}

/// The keys of the text and their values, in the form of Lispix or in that of Oxford's INCA.
fn keys(file: &str) -> Result<HashMap<String, String>, DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, FORMAT, &e);
    let mut bytes = Vec::new();
    let open = File::open(file).map_err(unreadable)?;
    open.take(MOST_TEXT)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = match std::str::from_utf8(&bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
    };
    let entries = text.lines().filter_map(|line| {
        let line = line.split(';').next()?.trim();
        let line = line
            .strip_prefix("(MLX::")
            .unwrap_or(line)
            .trim_end_matches(')');
        let (key, value) = line
            .split_once('\t')
            .or_else(|| line.split_once(" : "))
            .or_else(|| line.split_once(' '))?;
        Some((key.trim().to_lowercase(), value.trim().to_owned()))
    });
    Ok(entries.collect())
}

/// The type of the numbers.
fn dtype(kind: &str, length: &str, is_big: bool) -> Option<&'static str> {
    let (big, little) = match (kind, length) {
        ("signed", "1") => ("|i1", "|i1"),
        ("signed", "2") => (">i2", "<i2"),
        ("signed", "4") => (">i4", "<i4"),
        ("signed", "8") => (">i8", "<i8"),
        ("unsigned", "1") => ("|u1", "|u1"),
        ("unsigned", "2") => (">u2", "<u2"),
        ("unsigned", "4") => (">u4", "<u4"),
        ("unsigned", "8") => (">u8", "<u8"),
        ("float", "4") => (">f4", "<f4"),
        ("float", "8") => (">f8", "<f8"),
        _ => return None,
    };
    Some(if is_big { big } else { little })
}

/// The file of the numbers.
fn beside(file: &str) -> Option<String> {
    let extensions = ["raw", "RAW", "Raw"].into_iter();
    let mut found = extensions.map(|extension| Path::new(file).with_extension(extension));
    let path = found.find(|path| path.is_file())?;
    Some(path.to_string_lossy().into_owned())
}
