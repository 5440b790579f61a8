//! What Velox writes about a recording: JSON, whose numbers are texts, in the bytes of a dataset.

use hdf5_pure::{File, Group};
use serde_json::Value;

use crate::data::files::array::Dimension;
use crate::data::files::conditions::Conditions;
use crate::data::files::length::compact;
use crate::data::files::plain;

/// Bytes of metadata, more than any file of the field has: of hundreds of frames.
const MOST_BYTES: u64 = 1 << 28;

/// What is told of one image, stream or spectrum: of each frame, or of the first alone where that is all
/// that can be had.
pub(super) struct Metadata(Vec<Value>);

impl Metadata {
    /// Reads the dataset `name` of a group: a column of bytes for each frame.
    pub(super) fn read(group: &Group, name: &str) -> Self {
        let read = || {
            let dataset = group.dataset(name).ok()?;
            let [length, frames] = dataset.shape().ok()?[..] else {
                return None;
            };
            if frames == 0 || length.checked_mul(frames)? > MOST_BYTES {
                return None;
            }
            let bytes = dataset.read_u8().ok()?;
            let frames = usize::try_from(frames).ok()?;
            let parsed = (0..frames).map_while(|frame| {
                let column = bytes.iter().skip(frame).step_by(frames);
                let text: Vec<u8> = column.copied().take_while(|&byte| byte != 0).collect();
                serde_json::from_slice(&text).ok()
            });
            Some(parsed.collect())
        };
        Self(read().unwrap_or_default())
    }

    fn first(&self, path: &[&str]) -> Option<&Value> {
        at(self.0.first()?, path)
    }

    pub(super) fn number(&self, path: &[&str]) -> Option<f64> {
        number(self.first(path)?)
    }

    pub(super) fn text(&self, path: &[&str]) -> Option<String> {
        Some(plain(self.first(path)?.as_str()?))
    }

    /// The detector that the recording is of.
    pub(super) fn detector(&self) -> Option<String> {
        let index = self.first(&["BinaryResult", "DetectorIndex"]);
        let index = index
            .and_then(Value::as_str)
            .map(|index| format!("Detector-{index}"));
        let name = |key: String| self.text(&["Detectors", &key, "DetectorName"]);
        self.text(&["BinaryResult", "Detector"])
            .filter(|name| !name.is_empty())
            .or_else(|| index.and_then(name))
    }

    /// The entry of the detector that counts, and the same of every frame.
    fn counting(&self) -> Vec<&Value> {
        let Some(name) = self.text(&["BinaryResult", "Detector"]) else {
            return Vec::new();
        };
        let of_frame = |frame: &'_ Value| {
            let detectors = at(frame, &["Detectors"]).and_then(Value::as_object);
            let key = detectors?.iter().find_map(|(key, detector)| {
                let other = at(detector, &["DetectorName"])?.as_str()?;
                other.contains(&name).then_some(key)
            })?;
            Some(key.clone())
        };
        let entries = self.0.iter().map_while(|frame| {
            let key = of_frame(frame)?;
            at(frame, &["Detectors", &key])
        });
        entries.collect()
    }

    /// The energies of the channels.
    pub(super) fn energies(&self, channels: usize) -> Dimension {
        let detectors = self.counting();
        let volts = |name: &str| number(at(detectors.first()?, &[name])?).map(|ev| ev / 1000.0);
        match (volts("Dispersion"), volts("OffsetEnergy")) {
            (Some(scale), Some(offset)) => {
                Dimension::uniform(2, channels, ("X-ray energy", "keV"), (offset, scale))
            }
            _ => Dimension::unknown(2, channels),
        }
    }

    /// How long its detector counted in a frame, on average, in seconds.
    pub(super) fn live_time(&self) -> Option<f64> {
        let times = self.counting().into_iter();
        let times: Option<Vec<f64>> = times
            .map(|entry| number(at(entry, &["LiveTime"])?))
            .collect();
        times
            .filter(|times| !times.is_empty())
            .map(|times| times.iter().sum::<f64>() / times.len() as f64)
    }

    /// Frames that it is about.
    pub(super) fn frames(&self) -> usize {
        self.0.len()
    }

    pub(super) fn conditions(&self) -> Conditions {
        let index = self
            .first(&["BinaryResult", "DetectorIndex"])
            .and_then(Value::as_str);
        let key = index.map(|index| format!("Detector-{index}"));
        let exposure = key.and_then(|key| self.number(&["Detectors", &key, "ExposureTime"]));
        Conditions {
            beam_energy: self
                .number(&["Optics", "AccelerationVoltage"])
                .map(|volts| volts / 1000.0),
            dwell: self.number(&["Scan", "DwellTime"]).or(exposure),
            ..Conditions::default()
        }
        .sensible()
    }

    /// Rows and columns of an area.
    pub(super) fn area(&self, (height, width): (usize, usize)) -> [Dimension; 2] {
        let size = |name: &str| self.number(&["BinaryResult", "PixelSize", name]);
        let offset = |name: &str| self.number(&["BinaryResult", "Offset", name]);
        let units = self
            .text(&["BinaryResult", "PixelUnitX"])
            .unwrap_or_default();
        let (Some(down), Some(across)) = (size("height"), size("width")) else {
            return [Dimension::unknown(0, height), Dimension::unknown(1, width)];
        };
        let (units, per_metre) = if units == "m" {
            compact(across * width as f64 / 2.0)
        } else {
            (units.as_str(), 1.0)
        };
        let place =
            |name: &str, step: f64| (offset(name).unwrap_or(0.0) * per_metre, step * per_metre);
        [
            Dimension::uniform(0, height, ("y", units), place("y", down)),
            Dimension::uniform(1, width, ("x", units), place("x", across)),
        ]
    }

    /// Rows and columns of the scanned part of the frame.
    pub(super) fn scanned(&self) -> Option<(usize, usize)> {
        let size = |name: &str| self.number(&["Scan", "ScanSize", name]);
        let part = |name: &str| self.number(&["Scan", "ScanArea", name]);
        let whole = |low: Option<f64>, high: Option<f64>, size: f64| {
            let pixels = (high.unwrap_or(1.0) - low.unwrap_or(0.0)) * size;
            (pixels.is_finite() && pixels >= 0.5).then_some(pixels.round() as usize)
        };
        Some((
            whole(part("top"), part("bottom"), size("height")?)?,
            whole(part("left"), part("right"), size("width")?)?,
        ))
    }
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

/// A number, which Velox writes as a text.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::String(text) => text.trim().parse().ok(),
        other => other.as_f64(),
    }
}

/// The JSON of a dataset of one text.
pub(super) fn json(file: &File, path: &str) -> Option<Value> {
    let dataset = file.dataset(path.trim_start_matches('/')).ok()?;
    let limits = hdf5_pure::VlenStringReadOptions::new()
        .with_max_elements(1 << 10)
        .with_max_payload_bytes(1 << 22);
    let texts = dataset.read_vlen_strings(limits).ok()?;
    serde_json::from_str(texts.first()?).ok()
}

/// A whole number of a JSON object, which Velox writes as a text.
pub(super) fn whole(value: &Value, path: &[&str]) -> Option<usize> {
    let number = number(at(value, path)?)?;
    (number >= 0.0 && number.fract() == 0.0 && number < 1e15).then_some(number as usize)
}
