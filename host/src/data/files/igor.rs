//! Igor binary waves, `.ibw`, version 5, as Asylum Research's microscopes write them: images, channel after
//! channel; and waves of three dimensions without named channels, which are sweeps over an area. The curves of a
//! force map, a file each, are put together by [`super::force_map`].
//!
//! Source: `WaveMetrics`' technical note 3, "Igor Binary Format".

use std::io::Read as _;

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::length::compact;
use super::named::{self, Named};
use super::raw::{self, Place};
use super::{Wanted, latin, location_of, plain, shape_text};

const FORMAT: &str = "Igor binary wave";

/// Bytes of both headers of version 5.
const HEADERS: usize = 384;
/// Bytes of a name of a row, column or channel.
const LABEL: usize = 32;
/// Bytes of texts behind the values, more than any file of the field has.
const MOST_TEXT: u64 = 1 << 22;

/// A wave whose values are not yet read.
pub(super) struct Wave {
    name: String,
    dtype: &'static str,
    /// Bytes of a value.
    size: u64,
    /// Sizes of its dimensions: the first runs fastest.
    pub(super) sizes: Vec<usize>,
    scales: [f64; 4],
    offsets: [f64; 4],
    units: [String; 4],
    data_units: String,
    /// Names along the last dimension.
    pub(super) channels: Vec<String>,
}

/// Numbers at places of a header.
struct Header {
    bytes: [u8; HEADERS],
    little: bool,
}

impl Header {
    fn at<const N: usize>(&self, place: usize) -> [u8; N] {
        let mut bytes = [0; N];
        if let Some(found) = self.bytes.get(place..place + N) {
            bytes.copy_from_slice(found);
        }
        if !self.little {
            bytes.reverse();
        }
        bytes
    }

    fn short(&self, place: usize) -> i16 {
        i16::from_le_bytes(self.at(place))
    }

    fn long(&self, place: usize) -> i32 {
        i32::from_le_bytes(self.at(place))
    }

    fn double(&self, place: usize) -> f64 {
        f64::from_le_bytes(self.at(place))
    }

    fn text(&self, place: usize, length: usize) -> String {
        text(self.bytes.get(place..place + length).unwrap_or_default())
    }
}

/// What comes before the first zero.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|&byte| byte == 0);
    let bytes = &bytes[..end.unwrap_or(bytes.len())];
    plain(&latin::text(bytes))
}

impl Wave {
    pub(super) fn open(file: &str) -> Result<Self, DatasetError> {
        let unreadable = |e: std::io::Error| DatasetError::unreadable(file, FORMAT, &e);
        let mut open = raw::open_at(file, 0).map_err(unreadable)?;
        let mut header = Header {
            bytes: [0; HEADERS],
            little: true,
        };
        let mut start = [0; 2];
        open.read_exact(&mut start).map_err(unreadable)?;
        // The version is a small number: its other byte is zero.
        header.little = start[0] != 0;
        let version = if header.little { start[0] } else { start[1] };
        if version != 5 {
            let reason = if matches!(version, 1..=3) {
                format!("version {version} of the format, whose waves have one dimension")
            } else {
                format!("version {version} of the format; known is 5")
            };
            return Err(DatasetError::unreadable(file, FORMAT, &reason));
        }
        header.bytes[..2].copy_from_slice(&start);
        open.read_exact(&mut header.bytes[2..])
            .map_err(unreadable)?;
        let kind = header.short(80);
        let (dtype, size) = dtype(kind, header.little).ok_or_else(|| DatasetError::Type {
            location: file.to_owned(),
            dtype: match kind {
                0 => "text".to_owned(),
                kind if kind & 1 == 1 => "complex".to_owned(),
                kind => format!("number {kind} of Igor"),
            },
        })?;
        let sizes = (0..4).map(|i| usize::try_from(header.long(132 + 4 * i)).unwrap_or(0));
        let sizes: Vec<usize> = sizes.take_while(|&size| size > 0).collect();
        let mut wave = Self {
            name: header.text(92, 32),
            dtype,
            size,
            sizes,
            scales: [0, 1, 2, 3].map(|i| header.double(148 + 8 * i)),
            offsets: [0, 1, 2, 3].map(|i| header.double(180 + 8 * i)),
            data_units: header.text(212, 4),
            units: [0, 1, 2, 3].map(|i| header.text(216 + 4 * i, 4)),
            channels: Vec::new(),
        };
        wave.read_labels(file, &header);
        Ok(wave)
    }

    /// Reads the names of the last dimension, which lie behind the values, a formula, a note, long units and
    /// names of other dimensions; without them where they are damaged.
    fn read_labels(&mut self, file: &str, header: &Header) {
        let length = |place: usize| u64::try_from(header.long(place)).unwrap_or(0);
        // The lengths of these texts lie one behind the other, those of the names of dimensions last.
        let own = 36 + 4 * self.sizes.len().saturating_sub(1);
        let before: u64 = (8..own).step_by(4).map(length).sum();
        let values = u64::try_from(header.long(4))
            .unwrap_or(0)
            .saturating_sub(320);
        let size = length(own);
        if size == 0 || size > MOST_TEXT {
            return;
        }
        let mut bytes = Vec::new();
        let read = raw::open_at(file, HEADERS as u64 + values + before)
            .and_then(|open| open.take(size).read_to_end(&mut bytes));
        if read.is_ok() {
            // The first is that of the dimension itself.
            let labels = bytes.as_chunks::<LABEL>().0.iter().skip(1);
            self.channels = labels.map(|label| text(label)).collect();
        }
    }

    /// Whether its third dimension is of channels, each an image.
    fn is_images(&self) -> bool {
        self.sizes.len() == 3 && !self.channels.is_empty()
    }

    /// Whether it is a curve with several channels, as at one place of a force map.
    pub(super) fn is_curve(&self) -> bool {
        self.sizes.len() == 2 && !self.channels.is_empty()
    }

    /// Where the values of a channel of a curve lie.
    pub(super) fn curve(&self, channel: usize) -> Place {
        let points = self.sizes.first().copied().unwrap_or(0) as u64;
        let before = points
            .saturating_mul(self.size)
            .saturating_mul(channel as u64);
        Place {
            offset: (HEADERS as u64).saturating_add(before),
            dtype: self.dtype,
        }
    }

    /// Units of a channel.
    pub(super) fn units_of(&self, channel: &str) -> String {
        units_of(channel, &self.data_units)
    }

    fn named(&self) -> Vec<Named> {
        let shape = |sizes: &[usize]| sizes.iter().rev().copied().collect::<Vec<usize>>();
        if self.is_images() {
            let channels = self.channels.iter().take(self.sizes[2]);
            let images = channels.map(|name| Named::new(name.clone(), shape(&self.sizes[..2])));
            return images.collect();
        }
        let shape = match self.sizes[..] {
            [width, height, channels] => vec![height, width, channels],
            _ => shape(&self.sizes),
        };
        vec![Named::new(self.name.clone(), shape)]
    }

    pub(super) fn dimension(
        &self,
        place: usize,
        of: usize,
        length: Option<(&str, f64)>,
    ) -> Dimension {
        let units = self.units[of].as_str();
        let (units, factor) = length.unwrap_or((units, 1.0));
        let (offset, scale) = (self.offsets[of] * factor, self.scales[of] * factor);
        let calibrated = !units.is_empty();
        let scale = if calibrated || scale != 1.0 {
            scale
        } else {
            0.0
        };
        Dimension::uniform(place, self.sizes[of], ("", units), (offset, scale))
    }
}

/// The type of values by its flags, and its bytes.
fn dtype(kind: i16, little: bool) -> Option<(&'static str, u64)> {
    let (big, small, size) = match kind {
        2 => (">f4", "<f4", 4),
        4 => (">f8", "<f8", 8),
        0x08 => ("|i1", "|i1", 1),
        0x10 => (">i2", "<i2", 2),
        0x20 => (">i4", "<i4", 4),
        0x48 => ("|u1", "|u1", 1),
        0x50 => (">u2", "<u2", 2),
        0x60 => (">u4", "<u4", 4),
        _ => return None,
    };
    Some((if little { small } else { big }, size))
}

/// An image of the channel `inside`, or the map or the spectra that the wave is.
///
/// # Errors
/// When none or several can be meant, or the file is damaged.
pub(super) fn read(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let wave = Wave::open(file)?;
    if wave.is_curve() {
        return Err(DatasetError::Shape {
            location: file.to_owned(),
            shape: format!(
                "{} (one curve of several channels)",
                shape_text(&wave.sizes)
            ),
            accepted: "images, sweeps over an area, and the folder of a force map, whose files are \
                       called Line0000Point0000.ibw and so on",
        });
    }
    let named = wave.named();
    let chosen = named::choose(file, inside, wanted, &named)?;
    let location = location_of(file, inside);
    let stored: Vec<usize> = if wave.is_images() {
        named[chosen].shape.clone()
    } else {
        wave.sizes.iter().rev().copied().collect()
    };
    let pixels = stored
        .iter()
        .fold(wave.size, |n, &size| n.saturating_mul(size as u64));
    let place = Place {
        offset: (HEADERS as u64).saturating_add(pixels.saturating_mul(chosen as u64)),
        dtype: wave.dtype,
    };
    let name = named[chosen].name.as_str();
    let mut array = raw::array((file, &location), FORMAT, stored, name, place)?;
    if array.shape.len() == 3 {
        // The slowest are the channels.
        array.permute(&[1, 2, 0]);
    }
    if wave.sizes.len() > 1 {
        let across = wave.scales[0] * wave.sizes[0] as f64 / 2.0;
        let length = (wave.units[0] == "m").then(|| compact(across));
        let down = length.filter(|_| wave.units[1] == "m");
        let rows = wave.dimension(0, 1, down);
        let columns = wave.dimension(1, 0, length);
        array.set_dimension(0, rows);
        array.set_dimension(1, columns);
    }
    if array.shape.len() == 3 {
        array.set_dimension(2, wave.dimension(2, 2, None));
    }
    array.units = if wave.is_images() {
        units_of(name, &wave.data_units)
    } else {
        wave.data_units
    };
    Ok(array)
}

/// Units of a channel of Asylum Research: a wave of several has none for each.
fn units_of(channel: &str, said: &str) -> String {
    let begins = |word: &str| channel.starts_with(word);
    let known = if begins("Phase") {
        "deg"
    } else if begins("Current") {
        "A"
    } else if ["Height", "ZSensor", "ZSnsr", "Raw", "Defl", "Amp"]
        .into_iter()
        .any(begins)
    {
        "m"
    } else {
        said
    };
    known.to_owned()
}

/// What stands behind `#` for each image.
///
/// # Errors
/// When the file is damaged.
pub(super) fn list(file: &str) -> Result<Vec<String>, DatasetError> {
    let wave = Wave::open(file)?;
    if wave.is_curve() {
        // What is wrong with it is told where it is opened.
        return Ok(vec![String::new()]);
    }
    Ok(named::paths(&wave.named()))
}
