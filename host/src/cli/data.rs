//! How the files of an image and of a response are read.

use clap::Args;
use serde::Serialize;

use super::{Failure, OrFail as _, log};
use crate::data::Map;
use crate::data::files::{self, Dataset, Signal, Transpose, Wanted, is_marked, plain};

/// Arguments that say how files are read.
#[derive(Clone, Debug, Args, Serialize)]
pub(super) struct DataArgs {
    /// Map over the same pixels: those where it is 0, false or no number are no candidates.
    #[arg(long, value_name = "FILE", requires = "response")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<String>,
    /// Exchange rows and columns of a file that stores them the other way round.
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        default_missing_value = "response",
        requires = "response"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    transpose: Option<Transpose>,
    /// Most memory that the values of one file may take, as in 512M or 16G.
    #[arg(long, value_name = "BYTES", default_value = "4G", value_parser = parse_memory)]
    #[serde(skip)]
    most_memory: u64,
}

impl DataArgs {
    /// Opens the image, without its values.
    pub(super) fn image(&self, location: &str) -> Result<Signal, Failure> {
        let signal = files::open_map(location).or_input()?;
        Ok(Transpose::turn(self.transpose, Transpose::Image, signal))
    }

    /// Opens the response, without its values: spectra where these are `wanted` and there is a choice.
    pub(super) fn response(&self, location: &str, wanted: Wanted) -> Result<Signal, Failure> {
        let signal = files::open(location, wanted).or_input()?;
        Ok(Transpose::turn(self.transpose, Transpose::Response, signal))
    }

    /// Reads the values of both, once they are known to cover the same pixels.
    pub(super) fn read(&self, image: Signal, response: Signal) -> Result<(Map, Dataset), Failure> {
        if image.area() != response.area() {
            return Err(Failure::Input(mismatch(&image, &response)));
        }
        if self.transpose.is_none() {
            tell_orientation(&image, &response);
        }
        let map = self.map(image)?;
        let mut response = self.values(response)?;
        if let Some(location) = &self.mask {
            let mask = files::open_map(location).or_input()?;
            if mask.area() != (map.height(), map.width()) {
                return Err(Failure::Input(format!(
                    "the image has {} and the mask `{}` {}; expected the same rows and columns",
                    pixels((map.height(), map.width())),
                    plain(location),
                    pixels(mask.area())
                )));
            }
            let mask = self.map(mask)?;
            let kept = mask
                .values
                .iter()
                .filter(|&&value| is_marked(value))
                .count();
            log(&format!(
                "mask: {kept} of {} pixels are candidates, those that it marks",
                mask.values.len()
            ));
            if kept == 0 {
                return Err(Failure::Input(format!(
                    "the mask `{}` marks no pixel; expected numbers other than 0 where the sample may be \
                     measured",
                    plain(location)
                )));
            }
            response.leave_out(|pixel| !is_marked(mask.values[pixel]));
        }
        Ok((map, response))
    }

    /// Reads the values of a signal.
    pub(super) fn values(&self, signal: Signal) -> Result<Dataset, Failure> {
        signal.read(self.most_memory).or_input()
    }

    fn map(&self, signal: Signal) -> Result<Map, Failure> {
        match self.values(signal)? {
            Dataset::Map(map) => Ok(map),
            Dataset::Spectra(_) => Err(Failure::Input("an image has spectra".to_owned())),
        }
    }
}

fn pixels((rows, columns): (usize, usize)) -> String {
    format!("{rows} x {columns} pixels")
}

/// What to say of files of different areas.
fn mismatch(image: &Signal, response: &Signal) -> String {
    let (of_image, of_response) = (image.area(), response.area());
    let (rows, columns) = of_response;
    let hint = if (columns, rows) == of_image {
        "; --transpose exchanges rows and columns of the response".to_owned()
    } else if columns == 1 {
        format!(
            "; the response is a line, or scattered points, of {rows}, which no campaign can explore: \
             it needs a value or a spectrum for every pixel of the image"
        )
    } else {
        String::new()
    };
    format!(
        "the image has {} and the response {rows} x {columns}; expected the same rows and columns{hint}",
        pixels(of_image)
    )
}

/// Warns where the names of the axes say that one of two square files is stored with its columns
/// first: nothing else would tell.
fn tell_orientation(image: &Signal, response: &Signal) {
    let (rows, columns) = image.area();
    let first = |signal: &Signal| {
        signal
            .names()
            .and_then(|(rows, columns)| columns_first(rows, columns))
    };
    let (of_image, of_response) = (first(image), first(response));
    // A file without names is taken for rows first, as images are.
    let differ = of_image.unwrap_or(false) != of_response.unwrap_or(false);
    if rows != columns || !differ {
        return;
    }
    let (file, other, which) = if of_response == Some(true) {
        ("response", "image", "--transpose")
    } else {
        ("image", "response", "--transpose image")
    };
    let signal = if of_response == Some(true) {
        response
    } else {
        image
    };
    let (slow, fast) = signal.names().unwrap_or_default();
    let told = if of_image.is_some() && of_response.is_some() {
        "whose axes are named the other way round"
    } else {
        "which names no axes"
    };
    log(&format!(
        "warning: the axes of the {file} are named `{slow}`, then `{fast}`, as if it stored columns first, \
         beside the {other}, {told}; if so, say {which}"
    ));
}

/// Whether the names of two axes say that the first runs along a row.
fn columns_first(first: &str, second: &str) -> Option<bool> {
    let runs_across = |name: &str| match name.trim().to_lowercase().as_str() {
        "x" | "width" | "column" | "columns" => Some(true),
        "y" | "height" | "row" | "rows" => Some(false),
        _ => None,
    };
    match (runs_across(first)?, runs_across(second)?) {
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// A number of bytes, with K, M or G for powers of 1024.
fn parse_memory(text: &str) -> Result<u64, String> {
    let told =
        || format!("`{text}` is no memory; expected a number of bytes from 1, as in 512M or 16G");
    let text_upper = text.trim().to_uppercase();
    let bare = text_upper.trim_end_matches("IB").trim_end_matches('B');
    let (digits, shift) = match bare.chars().next_back() {
        Some('K') => (&bare[..bare.len() - 1], 10),
        Some('M') => (&bare[..bare.len() - 1], 20),
        Some('G') => (&bare[..bare.len() - 1], 30),
        _ => (bare, 0),
    };
    let number: u64 = digits.trim().parse().map_err(|_| told())?;
    let bytes = number.checked_mul(1 << shift);
    bytes.filter(|&bytes| bytes > 0).ok_or_else(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_as_people_write_it() {
        for (text, bytes) in [
            ("1", 1),
            ("2K", 2048),
            ("512M", 512 << 20),
            ("16g", 16 << 30),
            ("4 GiB", 4 << 30),
        ] {
            assert_eq!(parse_memory(text), Ok(bytes), "{text}");
        }
        for text in [
            "",
            "G",
            "0",
            "-1",
            "1.5G",
            "99999999999999999999",
            "1e3",
            "18446744073709551615G",
        ] {
            assert!(parse_memory(text).unwrap_err().contains("16G"), "{text}");
        }
    }

    #[test]
    fn names_that_contradict_a_row_first_image_are_told() {
        assert_eq!(columns_first("x", "y"), Some(true));
        assert_eq!(columns_first("height", "width"), Some(false));
        assert_eq!(columns_first("x", "Energy"), None);
        assert_eq!(columns_first("x", "width"), None);
    }
}
