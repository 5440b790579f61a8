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
use super::raw::{self, Place};
use super::{latin, plain};
use crate::data::npy;

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
    let text = |key: &str| keys.get(key).map(|(_, text)| text.as_str());
    let wrong = |key: &str, accepted: &str| {
        let found = keys.get(key).map_or_else(
            || format!("`{key}` is missing"),
            |(line, found)| format!("line {line}: `{key}` is `{}`", npy::short(found)),
        );
        refused(format!("{found}; expected {accepted}"))
    };
    let whole = |key: &str| {
        let value = text(key).and_then(|text| text.parse::<usize>().ok());
        value.ok_or_else(|| wrong(key, "a whole number"))
    };
    let said = |key: &str| text(key).filter(|text| !matches!(*text, "" | "<undefined>"));
    for key in keys.keys().filter(|key| is_number(key)) {
        let step = key.ends_with("-scale");
        let fits = |text: &str| {
            let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
            number.is_some_and(|number| !step || number != 0.0)
        };
        if !said(key).is_none_or(fits) {
            let accepted = if step {
                "a number other than 0, as 0.5"
            } else {
                "a number, as 0.5"
            };
            return Err(wrong(key, accepted));
        }
    }
    let number = |key: &str| said(key).and_then(|text| text.parse::<f64>().ok());
    let (height, width, depth) = (whole("height")?, whole("width")?, whole("depth")?);
    let choice = |key: &str| text(key).unwrap_or_default().to_lowercase();
    let form = ["data-type", "data-length", "byte-order"].map(choice);
    let dtype = dtype(form.each_ref().map(String::as_str))
        .map_err(|(key, accepted)| wrong(key, accepted))?;
    let (shape, order): (Vec<usize>, &[usize]) = match choice("record-by").as_str() {
        "vector" => (vec![height, width, depth], &[0, 1, 2]),
        "image" => (vec![depth, height, width], &[1, 2, 0]),
        "dont-care" if depth <= 1 => (vec![height, width], &[0, 1]),
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
    // As it says of spectra that HyperSpy writes.
    let is_of_x_rays = choice("signal").starts_with("eds");
    let quantity = match text("title") {
        _ if is_of_x_rays => "X-rays".to_owned(),
        Some(title) if !title.is_empty() => plain(title),
        _ => super::stem(file),
    };
    let mut array = raw::array((&numbers, file), FORMAT, shape, &quantity, place)?;
    array.warnings.extend(raw::rest(&numbers, &array.shape, place).map(|bytes| {
        let name = plain(&super::stem(file));
        format!(
            "{name}.rpl: {bytes} bytes of `{name}.raw` follow the numbers that it tells of; if they are some of \
             them, `data-length`, `depth` or `offset` is wrong"
        )
    }));
    array.permute(order);
    let usual = ["height", "width", "depth"];
    for (place, &usual) in usual.iter().enumerate().take(array.shape.len()) {
        let of = |what: &str| format!("{usual}-{what}");
        // RosettaSciIO writes 0 where there are none.
        let per_channel = number("ev-per-chan").filter(|&number| place == 2 && number != 0.0);
        let scale = number(&of("scale"));
        let units = text(&of("units")).filter(|units| *units != "<undefined>");
        let units = match (units, scale, per_channel) {
            (Some(units), _, _) if !units.is_empty() => plain(units),
            // What the format itself counts in.
            (_, None, Some(_)) => "eV".to_owned(),
            _ => String::new(),
        };
        // Without a scale the channels are counted.
        let scale = scale.or(per_channel).unwrap_or(0.0);
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

/// Whether the value of a key is a number that need not be whole.
fn is_number(key: &str) -> bool {
    const OTHERS: [&str; 10] = [
        "ev-per-chan",
        "beam-energy",
        "live-time",
        "convergence-angle",
        "collection-angle",
        "elevation-angle",
        "azimuth-angle",
        "tilt-stage",
        "energy-resolution",
        "detector-peak-width-ev",
    ];
    let of_axis = ["height-", "width-", "depth-"]
        .into_iter()
        .find_map(|axis| key.strip_prefix(axis));
    matches!(of_axis, Some("scale" | "origin")) || OTHERS.contains(&key)
}

/// The keys of the text, each with the number of its line and its value, in the form of Lispix or in that of
/// Oxford's INCA.
fn keys(file: &str) -> Result<HashMap<String, (usize, String)>, DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, FORMAT, &e);
    let mut bytes = Vec::new();
    let open = File::open(file).map_err(unreadable)?;
    open.take(MOST_TEXT)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = latin::text(&bytes);
    let entries = (1..).zip(text.lines()).filter_map(|(number, line)| {
        let line = line.split(';').next()?.trim();
        let line = line
            .strip_prefix("(MLX::")
            .unwrap_or(line)
            .trim_end_matches(')');
        let (key, value) = line
            .split_once('\t')
            .or_else(|| line.split_once(" : "))
            .or_else(|| line.split_once(' '))?;
        Some((key.trim().to_lowercase(), (number, value.trim().to_owned())))
    });
    Ok(entries.collect())
}

/// The type of numbers of a kind, of so many bytes, in this order.
///
/// # Errors
/// The key that is wrong, with what it may be.
fn dtype([kind, length, order]: [&str; 3]) -> Result<&'static str, (&'static str, &'static str)> {
    let is_big = match order {
        "big-endian" => true,
        // RosettaSciIO writes numbers in the order of the machine as those that need none.
        "little-endian" | "dont-care" => false,
        "" if length == "1" => false,
        _ => {
            let accepted = "little-endian, big-endian, or dont-care, which is little-endian";
            return Err(("byte-order", accepted));
        }
    };
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
        _ => {
            let accepted =
                "signed or unsigned of 1, 2, 4 or 8 bytes, or float of 4 or 8, by `data-length`";
            return Err(("data-type", accepted));
        }
    };
    Ok(if is_big { big } else { little })
}

/// The file of the numbers.
fn beside(file: &str) -> Option<String> {
    let extensions = ["raw", "RAW", "Raw"].into_iter();
    let mut found = extensions.map(|extension| Path::new(file).with_extension(extension));
    let path = found.find(|path| path.is_file())?;
    Some(path.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use crate::data::files::read;
    use crate::data::files::testing::{spectra, written};

    fn header(more: &str) -> String {
        let keys = "key\tvalue\nwidth\t2\nheight\t1\ndepth\t3\noffset\t0\ndata-length\t1\n\
                    data-type\tunsigned\nbyte-order\tdont-care\nrecord-by\tvector\n";
        format!("{keys}{more}")
    }

    #[test]
    fn a_number_that_is_none_is_refused_with_its_line_whatever_it_is_of() {
        let (folder, file) = written("a.rpl", header("depth-scale\t0.5\n").as_bytes());
        std::fs::write(folder.path().join("a.raw"), [1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(spectra(&file).coordinates, [0.0, 0.5, 1.0]);
        for (key, value) in [
            ("depth-scale", "0,5"),
            ("depth-scale", "0"),
            ("depth-scale", "nan"),
            ("depth-origin", "1 eV"),
            ("width-scale", "inf"),
            ("height-origin", "0,25"),
            ("ev-per-chan", "10eV"),
            ("beam-energy", "200 kV"),
            ("live-time", "1,5"),
        ] {
            std::fs::write(&file, header(&format!("{key}\t{value}\n"))).unwrap();
            let message = read(&file).unwrap_err().to_string();
            let wanted = format!("line 10: `{key}` is `{value}`; expected a number");
            assert!(message.contains(&wanted), "{message}");
        }
        for unsaid in [
            "depth-scale\t\n",
            "depth-scale\t<undefined>\n",
            "ev-per-chan\t0\n",
            "",
        ] {
            std::fs::write(&file, header(unsaid)).unwrap();
            assert_eq!(spectra(&file).coordinates, [0.0, 1.0, 2.0]);
        }
    }

    /// Numbers of 2 bytes: 1, 2 and 3 with the first byte last.
    #[test]
    fn the_order_of_bytes_is_said_by_its_words_in_any_letters_or_refused() {
        let (folder, file) = written("a.rpl", b"");
        std::fs::write(
            folder.path().join("a.raw"),
            [1, 0, 2, 0, 3, 0, 1, 0, 2, 0, 3, 0],
        )
        .unwrap();
        let whole = |order: &str| {
            let long = header("").replace("length\t1", "length\t2");
            let long = long
                .replace("unsigned", "Unsigned")
                .replace("vector", "Vector");
            std::fs::write(&file, long.replace("byte-order\tdont-care\n", order)).unwrap();
            read(&file)
        };
        for (order, first) in [
            ("byte-order\tlittle-endian\n", 1.0),
            ("byte-order\tdont-care\n", 1.0),
            ("byte-order\tBig-endian\n", 256.0),
        ] {
            whole(order).unwrap();
            assert_eq!(spectra(&file).at(0, 0)[0], first, "{order}");
        }
        for (order, told) in [
            (
                "byte-order\tbig\n",
                "line 8: `byte-order` is `big`; expected little-endian",
            ),
            ("", "`byte-order` is missing; expected little-endian"),
        ] {
            let message = whole(order).unwrap_err().to_string();
            assert!(message.contains(told), "{message}");
        }
    }

    #[test]
    fn numbers_that_a_header_does_not_tell_of_bring_a_warning_and_its_signal_says_what_they_are() {
        let (folder, file) = written("a.rpl", header("signal\tEDS_TEM\n").as_bytes());
        for (rest, warnings) in [(0, 0), (6, 1)] {
            std::fs::write(folder.path().join("a.raw"), vec![1; 6 + rest]).unwrap();
            let signal = crate::data::files::open(&file, crate::data::files::Wanted::Any).unwrap();
            assert_eq!(signal.warnings().len(), warnings);
            assert!(
                signal
                    .warnings()
                    .iter()
                    .all(|told| told.contains("6 bytes of `a.raw` follow"))
            );
        }
        assert_eq!(spectra(&file).quantity, "X-rays");
    }
}
