//! `HyperSpy`'s `.zspy`: a folder of Zarr, version 2, with the groups of an `.hspy` file.
//!
//! Attributes are JSON in `.zattrs`, an array is described in `.zarray`, and each of its chunks is a file
//! named by its place. Source: the Zarr storage specification, version 2.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use hdf5_pure::AttrValue;
use serde::Deserialize;
use serde_json::Value;

use super::array::Array;
use super::error::DatasetError;
use super::filters;
use super::hyperspy::{self, Attributes, Node};
use super::listing::{DatasetInfo, listing};
use super::{Wanted, plain, shape_text};
use crate::data::Values;
use crate::data::npy;

const FORMAT: &str = "Zarr";

/// Bytes of a description, more than any has.
const MOST_TEXT: u64 = 16 << 20;

/// Chunks of an array, more than any folder of the field has.
const MOST_CHUNKS: usize = 1 << 20;

/// What `.zarray` says.
#[derive(Clone, Debug, Deserialize)]
struct Description {
    zarr_format: u32,
    shape: Vec<usize>,
    chunks: Vec<usize>,
    dtype: Value,
    compressor: Option<Compressor>,
    filters: Option<Vec<Value>>,
    order: String,
    #[serde(default)]
    fill_value: Value,
    #[serde(default)]
    dimension_separator: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Compressor {
    id: String,
}

/// A signal of the folder: the one named `inside`, or the only one of the kind that is wanted.
///
/// # Errors
/// When there is none, or several could be meant, or its description is damaged.
pub(super) fn read(
    folder: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let found = signals(folder)?;
    let is_meant = |info: &&DatasetInfo| match inside {
        None => true,
        Some(inside) => info.path == inside || info.path == format!("{inside}/data"),
    };
    let meant: Vec<&DatasetInfo> = found.iter().filter(is_meant).collect();
    let kind = |array: &Array| match wanted {
        Wanted::Any => true,
        Wanted::Map => array.squeezed().len() == 2,
        Wanted::Spectra => array.squeezed().len() == 3,
    };
    match (meant.as_slice(), inside) {
        ([only], _) => describe(folder, only),
        ([], Some(inside)) => Err(DatasetError::UnknownInside {
            file: folder.to_owned(),
            inside: inside.to_owned(),
            available: listing(&found),
        }),
        ([], None) => Err(DatasetError::Nothing {
            file: folder.to_owned(),
            available: listing(&found),
        }),
        (several, _) => {
            let arrays = several
                .iter()
                .filter_map(|info| describe(folder, info).ok());
            let mut fitting = arrays.filter(|array| array.require_rank().is_ok() && kind(array));
            match (fitting.next(), fitting.next()) {
                (Some(only), None) => Ok(only),
                _ => Err(DatasetError::Ambiguous {
                    file: folder.to_owned(),
                    available: listing(&found),
                }),
            }
        }
    }
}

/// The signals of the folder.
///
/// # Errors
/// When it is no folder of `HyperSpy`.
pub(super) fn signals(folder: &str) -> Result<Vec<DatasetInfo>, DatasetError> {
    let experiments = Path::new(folder).join("Experiments");
    let entries = std::fs::read_dir(&experiments).map_err(|_| {
        let reason = "no folder `Experiments` is in it; HyperSpy writes its .zspy folders with one";
        DatasetError::unreadable(folder, FORMAT, &reason)
    })?;
    let mut names: Vec<String> = entries
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .take(4096)
        .collect();
    names.sort();
    let mut found = Vec::new();
    for name in names {
        let path = format!("Experiments/{name}/data");
        let described = Path::new(folder).join(&path).join(".zarray");
        if described.is_file() {
            let description = description(folder, &described)?;
            found.push(DatasetInfo {
                path,
                shape: description.shape,
                dtype: description.dtype.as_str().unwrap_or_default().to_owned(),
                quantity: String::new(),
                main: true,
            });
        }
    }
    Ok(found)
}

fn description(folder: &str, file: &Path) -> Result<Description, DatasetError> {
    let failed = |reason: &dyn std::fmt::Display| DatasetError::unreadable(folder, FORMAT, reason);
    let text = text(file).map_err(|e| failed(&e))?;
    let description: Description = serde_json::from_str(&text).map_err(|e| failed(&e))?;
    let Description {
        zarr_format,
        shape,
        chunks,
        filters,
        order,
        ..
    } = &description;
    let plainly = "; HyperSpy converts it: hs.load(FOLDER).save(\"new.hspy\")";
    if *zarr_format != 2 || !filters.as_ref().is_none_or(Vec::is_empty) || order != "C" {
        return Err(failed(&format!(
            "version {zarr_format}, order {} and its filters are not read{plainly}",
            plain(order)
        )));
    }
    if let Some(Compressor { id }) = &description.compressor
        && !filters::ZARR.contains(&id.as_str())
    {
        return Err(DatasetError::Filter {
            location: folder.to_owned(),
            filter: plain(id),
            remedy: format!(
                "HyperSpy writes it otherwise: hs.load(\"{}\").save(\"new.hspy\")",
                plain(folder)
            ),
        });
    }
    if shape.len() != chunks.len() || chunks.contains(&0) || shape.len() > 32 {
        return Err(failed(&"chunks and shape differ in their dimensions"));
    }
    Ok(description)
}

/// The text of a small file.
fn text(file: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    File::open(file)?
        .take(MOST_TEXT)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// The group of a signal.
struct Folder(PathBuf);

impl Node for Folder {
    fn attributes(&self, path: &str) -> Option<Attributes> {
        let text = text(&self.0.join(path).join(".zattrs")).ok()?;
        let values: HashMap<String, Value> = serde_json::from_str(&text).ok()?;
        let known = values
            .into_iter()
            .filter_map(|(name, value)| Some((name, attribute(value)?)));
        Some(known.collect())
    }

    fn numbers(&self, path: &str, size: usize) -> Result<Option<Vec<f64>>, String> {
        let folder = self.0.join(path);
        let name = folder.to_string_lossy();
        let file = folder.join(".zarray");
        if !file.is_file() {
            return Ok(None);
        }
        let failed = |error: DatasetError| format!("cannot be read: {error}");
        let description = description(&name, &file).map_err(failed)?;
        if description.shape != [size] {
            let found = shape_text(&description.shape);
            return Err(format!(
                "has the shape {found}, and the data have {size} along it"
            ));
        }
        let values = values(&folder, &description, &name).map_err(failed)?;
        Ok(Some(values.into_f64()))
    }
}

fn attribute(value: Value) -> Option<AttrValue> {
    Some(match value {
        Value::Bool(truth) => AttrValue::I64(i64::from(truth)),
        Value::Number(number) => match number.as_i64() {
            Some(whole) => AttrValue::I64(whole),
            None => AttrValue::F64(number.as_f64()?),
        },
        Value::String(text) => AttrValue::String(text),
        Value::Array(values) => {
            let numbers = values.iter().map(Value::as_f64).collect::<Option<_>>()?;
            AttrValue::F64Array(numbers)
        }
        Value::Null | Value::Object(_) => return None,
    })
}

fn describe(folder: &str, info: &DatasetInfo) -> Result<Array, DatasetError> {
    let location = format!("{folder}#{}", info.path);
    let data = Path::new(folder).join(&info.path);
    let description = description(folder, &data.join(".zarray"))?;
    let signal = Folder(data.parent().unwrap_or(Path::new(folder)).to_owned());
    let told = location.clone();
    let width = npy::real(description.dtype.as_str().unwrap_or_default());
    let mut array = Array::bare(&location, info.shape.clone(), "", move || {
        values(&data, &description, &told)
    });
    array.width = width.map_or(1, |(_, width)| width);
    hyperspy::describe(&mut array, &signal)?;
    Ok(array)
}

/// Reads all chunks. One that is missing holds the fill value.
fn values(
    folder: &Path,
    description: &Description,
    location: &str,
) -> Result<Values, DatasetError> {
    let failed =
        |reason: &dyn std::fmt::Display| DatasetError::unreadable(location, FORMAT, reason);
    let dtype = description.dtype.as_str().unwrap_or_default();
    let number = npy::real(dtype).ok_or_else(|| DatasetError::Type {
        location: location.to_owned(),
        dtype: plain(&description.dtype.to_string()),
    })?;
    let size = number.1;
    let Description { shape, chunks, .. } = description;
    let bytes = |shape: &[usize]| {
        let bytes = shape.iter().try_fold(size, |n, &size| n.checked_mul(size));
        bytes.filter(|&bytes| isize::try_from(bytes).is_ok())
    };
    let (whole, unpacked) = bytes(shape)
        .zip(bytes(chunks))
        .ok_or_else(|| failed(&"its shape does not fit into memory"))?;
    if unpacked > whole.saturating_mul(64).max(1 << 20) {
        return Err(failed(&"its chunks are larger than all of it"));
    }
    let pieces = shape
        .iter()
        .zip(chunks)
        .map(|(n, chunk)| n.div_ceil(*chunk));
    let pieces = pieces.fold(1_usize, usize::saturating_mul);
    if pieces > MOST_CHUNKS {
        return Err(failed(&format!(
            "{pieces} chunks, of which each may be a file; at most {MOST_CHUNKS} are looked for"
        )));
    }
    let mut raw = vec![0; whole];
    if let Some(fill) = description.fill_value.as_f64().filter(|&fill| fill != 0.0) {
        npy::encode(fill, dtype, &mut raw);
    }
    // JSON has no such numbers.
    let named = match description.fill_value.as_str() {
        Some("NaN") => Some(f64::NAN),
        Some("Infinity") => Some(f64::INFINITY),
        Some("-Infinity") => Some(f64::NEG_INFINITY),
        _ => None,
    };
    if let Some(fill) = named {
        npy::encode(fill, dtype, &mut raw);
    }
    let separator = description.dimension_separator.as_deref().unwrap_or(".");
    let counts: Vec<usize> = shape
        .iter()
        .zip(chunks)
        .map(|(n, chunk)| n.div_ceil(*chunk))
        .collect();
    let mut place = vec![0; shape.len()];
    loop {
        let name: Vec<String> = place.iter().map(ToString::to_string).collect();
        let file = folder.join(if name.is_empty() {
            "0".to_owned()
        } else {
            name.join(separator)
        });
        if file.is_file() {
            let most = (unpacked as u64).saturating_mul(2).saturating_add(1 << 16);
            let mut packed = Vec::new();
            let opened = File::open(&file).map_err(|e| failed(&e))?;
            opened
                .take(most)
                .read_to_end(&mut packed)
                .map_err(|e| failed(&e))?;
            let id = description
                .compressor
                .as_ref()
                .map(|compressor| compressor.id.as_str());
            let plain = filters::decompressed(&packed, id, unpacked).map_err(|e| failed(&e))?;
            let offset: Vec<usize> = place
                .iter()
                .zip(chunks)
                .map(|(i, chunk)| i * chunk)
                .collect();
            filters::place(&offset, &plain, (chunks, shape, size), &mut raw)
                .ok_or_else(|| failed(&"a chunk lies outside its shape"))?;
        }
        let mut axis = place.len();
        loop {
            let Some(next) = axis.checked_sub(1) else {
                let values = npy::decode(&raw, dtype);
                return values.map_err(|e| failed(&e));
            };
            axis = next;
            place[axis] += 1;
            if place[axis] < counts[axis] {
                break;
            }
            place[axis] = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_values_that_json_does_not_know_are_read() {
        let folder = tempfile::tempdir().unwrap();
        for (said, value) in [
            ("\"Infinity\"", f64::INFINITY),
            ("\"-Infinity\"", f64::NEG_INFINITY),
            ("-7", -7.0),
        ] {
            let text = format!(
                r#"{{"zarr_format": 2, "shape": [2], "chunks": [2], "dtype": "<f4", "compressor": null,
                     "filters": null, "order": "C", "fill_value": {said}}}"#
            );
            let description = serde_json::from_str(&text).unwrap();
            let found = values(folder.path(), &description, "a.zspy").unwrap();
            assert_eq!(found.into_f64(), [value; 2]);
        }
    }
}
