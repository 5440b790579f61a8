//! Thermo Fisher's Velox `.emd`: HDF5 with images, streams of X-ray events, and energy-loss spectra.
//!
//! | below `Data` | what | name |
//! |---|---|---|
//! | `Image` | rows x columns x frames; of several frames beside spectra the first | detector, or what the program shows it under |
//! | `SpectrumStream` | events, one stream for each detector | `EDS` is all detectors together; each by its own name |
//! | `EelsSpectrumImage` | columns x energies x rows, one for each range of energies | `EELS` |

mod metadata;
mod stream;

use std::collections::HashMap;

use hdf5_pure::{Dataset, File, Group};

use super::array::{Array, Dimension};
use super::conditions::Conditions;
use super::error::DatasetError;
use super::hdf5::{Opened, unreadable};
use super::memory::memory_text;
use super::named::{self, Named};
use super::number::Kind;
use super::{MOST_MEMORY, Wanted, location_of, plain, shape_text};
use metadata::{Metadata, json, whole};

/// Images, streams and spectra of a file, more than any of the field has.
const MOST_SIGNALS: usize = 1024;

/// What is read.
enum Content {
    /// The first of so many frames.
    Image {
        path: String,
        frames: usize,
    },
    /// Streams by their paths.
    Events(Vec<String>),
    Loss {
        path: String,
    },
}

struct Signal {
    named: Named,
    content: Content,
}

/// Whether a file is of Velox.
pub(super) fn is_one(open: &File) -> bool {
    let data = open.group("Data").and_then(|data| data.groups());
    let data = data.unwrap_or_default();
    let known = ["Image", "SpectrumStream", "Spectrum", "EelsSpectrumImage"];
    open.dataset("Version").is_ok() && data.iter().any(|name| known.contains(&name.as_str()))
}

/// What stands behind `#` for each image and all spectra.
pub(super) fn list(open: &File) -> Vec<String> {
    let named: Vec<Named> = signals(open)
        .into_iter()
        .map(|signal| signal.named)
        .collect();
    named::paths(&named)
}

/// The image or the spectra that are called `inside`, or the only ones that can be meant.
///
/// # Errors
/// When none or several can be meant, or the file is damaged.
pub(super) fn read(
    open: &Opened<'_>,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let signals = signals(&open.open);
    let named: Vec<Named> = signals.iter().map(|signal| signal.named.clone()).collect();
    let chosen = named::choose(open.file, inside, wanted, &named)?;
    let location = location_of(open.file, inside);
    let signal = &signals[chosen];
    let mut array = match &signal.content {
        Content::Image { path, frames } => image(open, &location, path, *frames),
        Content::Events(paths) => events(open, &location, paths, &signal.named.shape),
        Content::Loss { path } => loss(open, &location, path),
    }?;
    signal.named.name.clone_into(&mut array.quantity);
    if let Content::Events(_) = signal.content {
        (array.quantity, array.units) = ("X-rays".to_owned(), "Counts".to_owned());
    }
    array.names_axes = true;
    Ok(array)
}

/// The groups below one of `Data`, in order.
fn below(open: &File, name: &str) -> Vec<(String, Group)> {
    let parent = format!("Data/{name}");
    let names = open.group(&parent).and_then(|group| group.groups());
    let mut names = names.unwrap_or_default();
    names.sort();
    names.truncate(MOST_SIGNALS);
    let opened = names.into_iter().filter_map(|name| {
        let path = format!("{parent}/{name}");
        let group = open.group(&path).ok()?;
        Some((path, group))
    });
    opened.collect()
}

/// Sizes of the dataset `Data` of a group.
fn shape_of(group: &Group) -> Option<(Dataset, Vec<usize>)> {
    let dataset = group.dataset("Data").ok()?;
    let shape = dataset.shape().ok()?;
    let sizes = shape.iter().map(|&size| usize::try_from(size).ok());
    let shape = sizes.collect::<Option<_>>()?;
    Some((dataset, shape))
}

/// Everything that is read of a file.
fn signals(open: &File) -> Vec<Signal> {
    let labels = labels(open);
    let streams = below(open, "SpectrumStream");
    let losses = below(open, "EelsSpectrumImage");
    let mut signals = Vec::new();
    let mut area = None;
    for (number, (path, group)) in below(open, "Image").into_iter().enumerate() {
        let Some((_, shape)) = shape_of(&group) else {
            continue;
        };
        let [height, width, frames] = shape[..] else {
            continue;
        };
        area = Some((height, width));
        let key = path.rsplit('/').next().unwrap_or_default();
        let name = labels.get(key).cloned();
        let name = name.or_else(|| Metadata::read(&group, "Metadata").detector());
        let is_stack = frames > 1 && streams.is_empty() && losses.is_empty();
        let shape = if is_stack {
            vec![height, width, frames]
        } else {
            vec![height, width]
        };
        signals.push(Signal {
            named: Named::new(
                name.unwrap_or_else(|| format!("Image {}", number + 1)),
                shape,
            ),
            content: Content::Image { path, frames },
        });
    }
    for (path, group) in losses {
        let Some((_, shape)) = shape_of(&group) else {
            continue;
        };
        if let [width, energies, height] = shape[..] {
            signals.push(Signal {
                named: Named::new("EELS".to_owned(), vec![height, width, energies]),
                content: Content::Loss { path },
            });
        }
    }
    let mut all = Vec::new();
    let mut parts = Vec::new();
    let mut sum_shape = None;
    for (number, (path, group)) in streams.into_iter().enumerate() {
        let about = Metadata::read(&group, "Metadata");
        let settings = json(open, &format!("{path}/AcquisitionSettings"));
        let channels = settings.and_then(|settings| whole(&settings, &["bincount"]));
        let (Some((height, width)), Some(channels)) = (about.scanned().or(area), channels) else {
            continue;
        };
        let shape = vec![height, width, channels];
        if *sum_shape.get_or_insert_with(|| shape.clone()) != shape {
            continue;
        }
        let detector = about.detector();
        parts.push(Signal {
            named: Named {
                is_part: true,
                ..Named::new(
                    detector.unwrap_or_else(|| format!("Detector {}", number + 1)),
                    shape,
                )
            },
            content: Content::Events(vec![path.clone()]),
        });
        all.push(path);
    }
    if let Some(shape) = sum_shape {
        signals.push(Signal {
            named: Named::new("EDS".to_owned(), shape),
            content: Content::Events(all),
        });
    }
    signals.extend(parts);
    signals
}

/// What the program shows images under, by the last part of their paths.
fn labels(open: &File) -> HashMap<String, String> {
    let mut labels = HashMap::new();
    let displays = |group: &str| {
        let names = open.group(group).and_then(|group| group.datasets());
        let mut names = names.unwrap_or_default();
        names.truncate(MOST_SIGNALS);
        let paths = names.into_iter().map(move |name| format!("{group}/{name}"));
        paths.collect::<Vec<String>>()
    };
    let text = |value: Option<&serde_json::Value>| value?.as_str().map(str::to_owned);
    // Before version 11 of the format, and from it on.
    for path in displays("Presentation/Displays/ImageDisplay") {
        let Some(display) = json(open, &path) else {
            continue;
        };
        let label = text(display.pointer("/display/label"));
        if let (Some(image), Some(label)) = (text(display.get("dataPath")), label) {
            labels.insert(image, label);
        }
    }
    for path in displays("Displays/ImageDisplay") {
        let Some(display) = json(open, &path) else {
            continue;
        };
        let reference = text(display.get("data"));
        let reference = reference.and_then(|reference| json(open, &reference));
        let image = reference.and_then(|reference| text(reference.get("dataPath")));
        if let (Some(image), Some(label)) = (image, text(display.get("id"))) {
            labels.insert(image, label);
        }
    }
    let named = labels.into_iter().map(|(image, label)| {
        let key = image.rsplit('/').next().unwrap_or_default().to_owned();
        (key, plain(&label))
    });
    named.filter(|(_, label)| !label.is_empty()).collect()
}

fn image(
    open: &Opened<'_>,
    location: &str,
    path: &str,
    frames: usize,
) -> Result<Array, DatasetError> {
    let group = open
        .open
        .group(path)
        .map_err(|e| unreadable(open.file, &e))?;
    let (dataset, shape) = shape_of(&group).ok_or_else(|| nothing(open, path))?;
    if let Kind::Other(dtype) = Kind::of_dataset(&dataset) {
        let location = location.to_owned();
        return Err(DatasetError::Type { location, dtype });
    }
    let load = open.load(&dataset, location)?;
    let [height, width] = [shape[0], shape[1]];
    let about = Metadata::read(&group, "Metadata");
    let is_stack = frames > 1
        && below(&open.open, "SpectrumStream").is_empty()
        && below(&open.open, "EelsSpectrumImage").is_empty();
    if is_stack {
        return Err(Array::bare(location, shape, "", load).is_stack());
    }
    let bytes = shape
        .iter()
        .try_fold(4_u64, |n, &size| n.checked_mul(size as u64));
    if bytes.is_none_or(|bytes| bytes > MOST_MEMORY) {
        return Err(DatasetError::TooLarge {
            location: location.to_owned(),
            shape: shape_text(&shape),
            most: memory_text(MOST_MEMORY),
            remedy: format!(
                "HyperSpy writes the sum of its frames: hs.load(\"{}\").save(\"new.hspy\")",
                plain(open.file)
            ),
        });
    }
    let mut array = Array::bare(location, vec![height, width], "", move || {
        let values = load()?;
        if frames == 1 || values.len() != height * width * frames {
            return Ok(values);
        }
        Ok(values.reordered((0..height * width).map(|pixel| pixel * frames)))
    });
    array.dimensions = about.area((height, width)).into();
    array.conditions = about.conditions();
    Ok(array)
}

fn events(
    open: &Opened<'_>,
    location: &str,
    paths: &[String],
    shape: &[usize],
) -> Result<Array, DatasetError> {
    let &[height, width, channels] = shape else {
        return Err(DatasetError::shape(location, shape));
    };
    let mut streams = Vec::new();
    let mut first = None;
    let mut live = Vec::new();
    for path in paths {
        let group = open
            .open
            .group(path)
            .map_err(|e| unreadable(open.file, &e))?;
        let (dataset, _) = shape_of(&group).ok_or_else(|| nothing(open, path))?;
        super::filters::require(&dataset.filter_pipeline(), location)?;
        let length = stream::length(&dataset, open.length()).ok_or_else(|| nothing(open, path))?;
        streams.push((dataset, length));
        let about = Metadata::read(&group, "Metadata");
        live.extend(about.live_time());
        first.get_or_insert(about);
    }
    let settings = below(&open.open, "SpectrumImage")
        .into_iter()
        .find_map(|(path, _)| {
            let settings = json(&open.open, &format!("{path}/SpectrumImageSettings"))?;
            whole(&settings, &["endFramePosition"])
        });
    let frames = settings.filter(|&frames| frames > 0);
    let told = location.to_owned();
    let load = move || stream::sum(&streams, [height, width, channels], frames, &told);
    let mut array = Array::bare(location, shape.to_vec(), "", load);
    if let Some(about) = first {
        let [rows, columns] = about.area((height, width));
        array.dimensions = vec![rows, columns, about.energies(channels)];
        // Times are those of a frame; detectors count at the same time.
        let taken = frames.unwrap_or(about.frames()) as f64;
        let mean = live.iter().sum::<f64>() / live.len().max(1) as f64;
        let once = about.conditions();
        array.conditions = Conditions {
            dwell: once.dwell.map(|dwell| dwell * taken),
            live_time: Some(mean * taken / (height * width).max(1) as f64),
            ..once
        }
        .sensible();
    }
    Ok(array)
}

fn loss(open: &Opened<'_>, location: &str, path: &str) -> Result<Array, DatasetError> {
    let group = open
        .open
        .group(path)
        .map_err(|e| unreadable(open.file, &e))?;
    let (dataset, shape) = shape_of(&group).ok_or_else(|| nothing(open, path))?;
    let load = open.load(&dataset, location)?;
    let [width, energies, height] = [shape[0], shape[1], shape[2]];
    let mut array = Array::bare(location, shape, "", load);
    array.permute(&[2, 0, 1]);
    let about = Metadata::read(&group, "AcquisitionMetadata");
    let number = |name: &str| about.number(&["Data", name]);
    let channels = match (number("offset"), number("dispersion")) {
        (Some(offset), Some(scale)) => {
            Dimension::uniform(2, energies, ("Energy loss", "eV"), (offset, scale))
        }
        _ => Dimension::unknown(2, energies),
    };
    let scan = below(&open.open, "SpectrumImage").into_iter().next();
    let scan = scan.map(|(_, group)| Metadata::read(&group, "Metadata"));
    let area = scan.map(|scan| (scan.area((height, width)), scan.conditions()));
    array.dimensions = match area {
        Some(([rows, columns], conditions)) => {
            array.conditions = conditions;
            vec![rows, columns, channels]
        }
        None => vec![
            Dimension::unknown(0, height),
            Dimension::unknown(1, width),
            channels,
        ],
    };
    array.conditions.dwell = number("exposureTime").or(array.conditions.dwell);
    Ok(array)
}

fn nothing(open: &Opened<'_>, path: &str) -> DatasetError {
    let reason = format!("`{}` holds no data", plain(path));
    DatasetError::unreadable(open.file, "Velox file", &reason)
}
