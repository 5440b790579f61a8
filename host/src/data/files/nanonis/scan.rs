//! `.sxm`: for each channel an image of the way there, and of the way back.

use super::header;
use crate::data::files::array::{Array, Dimension};
use crate::data::files::conditions::Conditions;
use crate::data::files::error::DatasetError;
use crate::data::files::length::compact;
use crate::data::files::named::{self, Named};
use crate::data::files::raw::{self, Place};
use crate::data::files::{Wanted, location_of, plain};
use crate::data::npy;

const FORMAT: &str = "Nanonis scan";

/// Channels, more than any file of the field has.
const MOST_CHANNELS: usize = 1024;

/// One image.
struct Image {
    name: String,
    units: String,
    /// Whether its lines are stored from right to left.
    is_backward: bool,
}

struct Scan {
    images: Vec<Image>,
    height: usize,
    width: usize,
    /// Of the whole, in metres.
    size: Option<(f64, f64)>,
    /// Whether its first line is the lowest.
    is_upward: bool,
    line_time: Option<f64>,
    begin: u64,
}

impl Scan {
    fn open(file: &str) -> Result<Self, DatasetError> {
        let (text, begin) = header(file, FORMAT, ":SCANIT_END:")?;
        let missing = |what: &str| {
            let reason = format!("no `{what}` in its header");
            DatasetError::unreadable(file, FORMAT, &reason)
        };
        let lines: Vec<&str> = text.lines().collect();
        let below = |key: &str| {
            let key = format!(":{key}:");
            let at = lines.iter().position(|line| line.trim() == key)?;
            Some(&lines[at + 1..])
        };
        let value = |key: &str| below(key)?.first().map(|line| line.trim());
        let numbers = |key: &str| {
            let numbers = value(key)?.split_whitespace().map(str::parse::<f64>);
            numbers.collect::<Result<Vec<f64>, _>>().ok()
        };
        let pixels = value("SCAN_PIXELS").ok_or_else(|| missing("SCAN_PIXELS"))?;
        let pixels = pixels.split_whitespace().map(str::parse::<usize>);
        let pixels = pixels
            .collect::<Result<Vec<usize>, _>>()
            .unwrap_or_default();
        let [width, height] = pixels[..] else {
            return Err(missing("SCAN_PIXELS"));
        };
        let size = match numbers("SCAN_RANGE").as_deref() {
            Some(&[x, y]) => Some((y, x)),
            _ => None,
        };
        let table = below("DATA_INFO").ok_or_else(|| missing("DATA_INFO"))?;
        let rows = table.iter().take_while(|line| line.starts_with('\t'));
        let rows: Vec<Vec<&str>> = rows
            .take(MOST_CHANNELS)
            .map(|line| line.trim_matches('\t').split('\t').map(str::trim).collect())
            .collect();
        let (titles, rows) = rows.split_first().ok_or_else(|| missing("DATA_INFO"))?;
        let mut images = Vec::new();
        for row in rows {
            let entry = |title: &str| {
                let place = titles.iter().position(|other| *other == title)?;
                row.get(place).copied()
            };
            let name = plain(entry("Name").unwrap_or_default());
            let units = plain(entry("Unit").unwrap_or_default());
            let ways: &[bool] = match entry("Direction") {
                Some("forward") => &[false],
                Some("backward") => &[true],
                _ => &[false, true],
            };
            for &is_backward in ways {
                let name = if is_backward {
                    format!("{name} backward")
                } else {
                    name.clone()
                };
                images.push(Image {
                    name,
                    units: units.clone(),
                    is_backward,
                });
            }
        }
        Ok(Self {
            images,
            height,
            width,
            size,
            is_upward: value("SCAN_DIR") == Some("up"),
            line_time: numbers("SCAN_TIME").and_then(|times| times.first().copied()),
            begin: begin + start(file, begin),
        })
    }

    fn named(&self) -> Vec<Named> {
        let images = self.images.iter();
        images
            .map(|image| Named::new(image.name.clone(), vec![self.height, self.width]))
            .collect()
    }
}

/// How many bytes lie between the header and the values: the last two are 1A 04.
fn start(file: &str, after: u64) -> u64 {
    use std::io::Read as _;
    const MARK: [u8; 2] = [0x1a, 0x04];
    let mut bytes = Vec::new();
    let read = raw::open_at(file, after).and_then(|reader| reader.take(16).read_to_end(&mut bytes));
    let at = bytes.windows(2).position(|pair| pair == MARK);
    match (read, at) {
        (Ok(_), Some(at)) => at as u64 + 2,
        _ => 0,
    }
}

/// An image: that of the channel `inside`, or the only one. Its first row is the highest, its first column
/// the leftmost.
///
/// # Errors
/// When none or several images can be meant, or the file is damaged.
pub(in crate::data::files) fn read(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let scan = Scan::open(file)?;
    let chosen = named::choose(file, inside, wanted, &scan.named())?;
    let location = location_of(file, inside);
    let image = scan
        .images
        .get(chosen)
        .ok_or_else(|| DatasetError::unreadable(file, FORMAT, &"no image in it"))?;
    let shape = vec![scan.height, scan.width];
    let bytes = (scan.height as u64)
        .saturating_mul(scan.width as u64)
        .saturating_mul(4);
    let place = Place {
        offset: scan
            .begin
            .saturating_add(bytes.saturating_mul(chosen as u64)),
        dtype: ">f4",
    };
    let count = raw::require(file, FORMAT, &shape, place)?;
    let (path, told) = (file.to_owned(), location.clone());
    let (height, width) = (scan.height, scan.width);
    let (up, back) = (scan.is_upward, image.is_backward);
    let mut array = Array::bare(&location, shape, &image.name, move || {
        let values = raw::open_at(&path, place.offset)
            .and_then(|reader| npy::read(reader, count, place.dtype))
            .map_err(|e| DatasetError::unreadable(&told, FORMAT, &e))?;
        let places = (0..count).map(|i| {
            let (row, column) = (i / width, i % width);
            let row = if up { height - 1 - row } else { row };
            let column = if back { width - 1 - column } else { column };
            row * width + column
        });
        Ok(values.reordered(places))
    });
    image.units.clone_into(&mut array.units);
    if let Some((down, across)) = scan.size
        && height > 0
        && width > 0
    {
        let (units, per_metre) = compact(across / 2.0);
        let step = |size: f64, pixels: usize| size * per_metre / pixels as f64;
        array.dimensions = vec![
            Dimension::uniform(0, height, ("y", units), (0.0, step(down, height))),
            Dimension::uniform(1, width, ("x", units), (0.0, step(across, width))),
        ];
        array.names_axes = true;
    }
    array.conditions = Conditions {
        dwell: scan.line_time.map(|time| time / width.max(1) as f64),
        ..Conditions::default()
    }
    .sensible();
    Ok(array)
}

/// What stands behind `#` for each image.
///
/// # Errors
/// When the file is damaged.
pub(in crate::data::files) fn list(file: &str) -> Result<Vec<String>, DatasetError> {
    Ok(named::paths(&Scan::open(file)?.named()))
}
