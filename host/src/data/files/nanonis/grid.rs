//! `.3ds`: at each pixel of a grid some numbers about it, and for each channel a sweep.

use std::io::{BufReader, Read};

use super::{header, with_units};
use crate::data::Values;
use crate::data::files::array::{Array, Dimension};
use crate::data::files::error::DatasetError;
use crate::data::files::length::compact;
use crate::data::files::named::{self, Named};
use crate::data::files::raw;
use crate::data::files::{Wanted, location_of, plain};
use crate::data::npy;

const FORMAT: &str = "Nanonis grid";

/// Bytes of a number: floats of single precision, big-endian.
const SIZE: u64 = 4;

/// Channels and parameters, more than any file of the field has.
const MOST_NAMES: usize = 1024;

struct Grid {
    file: String,
    height: usize,
    width: usize,
    points: usize,
    /// Names, with units, of what is swept and of what is known of each pixel.
    sweep: String,
    parameters: Vec<String>,
    /// Numbers about each pixel, which may be more than have a name.
    parameter_count: usize,
    channels: Vec<String>,
    begin: u64,
    /// Pixels that the file holds whole.
    measured: usize,
}

impl Grid {
    fn open(file: &str) -> Result<Self, DatasetError> {
        let (text, begin) = header(file, FORMAT, ":HEADER_END:")?;
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.trim().strip_prefix(key));
            let value = line.and_then(|rest| rest.trim_start().strip_prefix('='));
            value
                .map(|value| value.trim().trim_matches('"'))
                .ok_or_else(|| {
                    let reason = format!("no `{key}` in its header");
                    DatasetError::unreadable(file, FORMAT, &reason)
                })
        };
        let wrong = |key: &str, value: &str| {
            let reason = format!("`{key}` is `{}` in its header", plain(value));
            DatasetError::unreadable(file, FORMAT, &reason)
        };
        let whole = |key: &str| {
            let text = value(key)?;
            text.parse::<usize>().map_err(|_| wrong(key, text))
        };
        let names = |key: &str| {
            let names = value(key)?.split(';').map(|name| plain(name.trim()));
            Ok::<_, DatasetError>(names.filter(|name| !name.is_empty()).take(MOST_NAMES))
        };
        let dim = value("Grid dim")?;
        let sizes = dim.split('x').map(|size| size.trim().parse());
        let sizes: Vec<usize> = sizes.collect::<Result<_, _>>().unwrap_or_default();
        let [width, height] = sizes[..] else {
            return Err(wrong("Grid dim", dim));
        };
        let parameters = names("Fixed parameters")?.chain(names("Experiment parameters")?);
        let mut grid = Self {
            file: file.to_owned(),
            height,
            width,
            points: whole("Points")?,
            sweep: plain(value("Sweep Signal")?),
            parameters: parameters.collect(),
            parameter_count: whole("# Parameters (4 byte)")?,
            channels: names("Channels")?.collect(),
            begin,
            measured: 0,
        };
        grid.parameters.truncate(grid.parameter_count);
        grid.measured = grid.require()?;
        Ok(grid)
    }

    /// Numbers of each pixel.
    fn block(&self) -> Option<usize> {
        let swept = self.points.checked_mul(self.channels.len())?;
        swept.checked_add(self.parameter_count)
    }

    /// The pixels that the file holds whole: at least one line of them.
    fn require(&self) -> Result<usize, DatasetError> {
        let unreadable = |e: std::io::Error| DatasetError::unreadable(&self.file, FORMAT, &e);
        let length = std::fs::metadata(&self.file).map_err(unreadable)?.len();
        let pixels = self.height.checked_mul(self.width);
        let bytes = self
            .block()
            .and_then(|block| (block as u64).checked_mul(SIZE));
        let held = bytes
            .filter(|&bytes| bytes > 0)
            .map_or(0, |bytes| (length - self.begin.min(length)) / bytes);
        match pixels {
            Some(pixels) if held >= self.width as u64 && self.width > 0 => {
                Ok(pixels.min(usize::try_from(held).unwrap_or(pixels)))
            }
            _ => {
                let reason = format!(
                    "cut off after {length} bytes, before its first line of {} pixels ends; copy it again",
                    self.width
                );
                Err(DatasetError::unreadable(&self.file, FORMAT, &reason))
            }
        }
    }

    /// Channels, then what is known of each pixel.
    fn named(&self) -> Vec<Named> {
        let area = [self.height, self.width];
        let spectra = [self.height, self.width, self.points];
        let named = |name: &String, shape: &[usize]| {
            Named::new(with_units(name).0.to_owned(), shape.to_vec())
        };
        let channels = self.channels.iter().map(|name| named(name, &spectra));
        let parameters = self.parameters.iter().map(|name| named(name, &area));
        channels.chain(parameters).collect()
    }

    /// The numbers about a pixel, by its number.
    fn about(&self, pixel: usize) -> Option<Vec<f64>> {
        let block = self.block()? as u64;
        let at = (pixel as u64).checked_mul(block)?.checked_mul(SIZE)?;
        let file = raw::open_at(&self.file, self.begin.checked_add(at)?).ok()?;
        // A header may name any number of them.
        let count = self.parameter_count.min(MOST_NAMES);
        Some(npy::read(file, count, ">f4").ok()?.into_f64())
    }

    fn parameter(&self, name: &str, about: &[f64]) -> Option<f64> {
        let place = self.parameters.iter().position(|other| other == name)?;
        about.get(place).copied()
    }

    /// How far the places of two pixels lie apart, in metres.
    fn distance(&self, pixel: usize) -> Option<f64> {
        if pixel >= self.measured {
            return None;
        }
        let (first, other) = (self.about(0)?, self.about(pixel)?);
        let difference =
            |name: &str| Some(self.parameter(name, &other)? - self.parameter(name, &first)?);
        let distance = difference("X (m)")?.hypot(difference("Y (m)")?);
        (distance.is_finite() && distance > 0.0).then_some(distance)
    }

    fn set_axes(&self, array: &mut Array) {
        let (across, down) = (self.distance(1), self.distance(self.width));
        if let Some(step) = across.or(down) {
            let (units, per_metre) = compact(step * self.width as f64 / 2.0);
            let scale = |step: Option<f64>| step.unwrap_or(0.0) * per_metre;
            array.dimensions[0] =
                Dimension::uniform(0, self.height, ("y", units), (0.0, scale(down)));
            array.dimensions[1] =
                Dimension::uniform(1, self.width, ("x", units), (0.0, scale(across)));
            array.names_axes = true;
        }
        if array.shape.len() < 3 {
            return;
        }
        let about = self.about(0).unwrap_or_default();
        let limit = |name: &str, place: usize| {
            self.parameter(name, &about)
                .or_else(|| about.get(place).copied())
        };
        let (name, units) = with_units(&self.sweep);
        if let (Some(start), Some(end)) = (limit("Sweep Start", 0), limit("Sweep End", 1)) {
            let step = (end - start) / self.points.saturating_sub(1).max(1) as f64;
            array.dimensions[2] = Dimension::uniform(2, self.points, (name, units), (start, step));
        }
    }
}

/// The sweeps of a channel, or a map of what is known of each pixel. Rows and columns are as they are
/// stored: the first row is the lowest.
///
/// # Errors
/// When none or several can be meant, or the file is damaged.
pub(in crate::data::files) fn read(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let grid = Grid::open(file)?;
    let named = grid.named();
    let chosen = named::choose(file, inside, wanted, &named)?;
    let location = location_of(file, inside);
    let channel = grid.channels.get(chosen);
    let (first, count) = match channel {
        Some(_) => (grid.parameter_count + chosen * grid.points, grid.points),
        None => (chosen - grid.channels.len(), 1),
    };
    let name = channel.or_else(|| grid.parameters.get(first));
    let (name, units) = with_units(name.map_or("", String::as_str));
    let block = grid.block().unwrap_or(usize::MAX);
    let (path, begin, measured) = (file.to_owned(), grid.begin, grid.measured);
    let (pixels, told) = (grid.height.saturating_mul(grid.width), location.clone());
    let load = move || {
        raw::open_at(&path, begin)
            .and_then(|reader| pick(reader, block, (first, count), (measured, pixels)))
            .map_err(|e| DatasetError::unreadable(&told, FORMAT, &e))
    };
    let mut array = Array::bare(&location, named[chosen].shape.clone(), name, load);
    units.clone_into(&mut array.units);
    grid.set_axes(&mut array);
    Ok(array)
}

/// Of the block of each pixel so many numbers from the first on; pixels that were not measured have none.
fn pick(
    mut reader: BufReader<impl Read>,
    block: usize,
    (first, count): (usize, usize),
    (measured, pixels): (usize, usize),
) -> std::io::Result<Values> {
    let mut values = Vec::with_capacity(pixels * count);
    let mut bytes = vec![0; block * SIZE as usize];
    for _ in 0..measured {
        reader.read_exact(&mut bytes)?;
        let numbers = bytes.as_chunks().0.iter().skip(first).take(count);
        values.extend(numbers.map(|&number| f32::from_be_bytes(number)));
    }
    values.resize(pixels * count, f32::NAN);
    Ok(Values::Single(values))
}

/// What stands behind `#` for each channel and each number about a pixel.
///
/// # Errors
/// When the file is damaged.
pub(in crate::data::files) fn list(file: &str) -> Result<Vec<String>, DatasetError> {
    Ok(named::paths(&Grid::open(file)?.named()))
}
