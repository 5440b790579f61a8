//! `NumPy`'s `.npy` and `.npz`.

use std::fs::File;
use std::io::{BufReader, Read};

use npyz::npz::NpzArchive;
use npyz::{DType, NpyFile, Order, TypeChar};

use super::array::Array;
use super::error::DatasetError;
use super::spectra::Values;

/// Reads the array of a `.npy` file.
///
/// # Errors
/// When it is damaged, not of real numbers, or a path inside was asked for.
pub(super) fn read_npy(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    super::refuse_inside(file, inside)?;
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, "NumPy array", &e);
    let reader = BufReader::new(File::open(file).map_err(unreadable)?);
    let npy = NpyFile::new(reader).map_err(unreadable)?;
    decode(npy, file, &super::stem(file))
}

/// Reads one array of a `.npz` archive: the one named `inside`, or the only one with two or
/// three dimensions.
///
/// # Errors
/// As [`read_npy`], and when the name is unknown or several arrays could be meant.
pub(super) fn read_npz(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, "NumPy archive", &e);
    let mut archive = NpzArchive::open(file).map_err(unreadable)?;
    let mut names: Vec<String> = archive.array_names().map(str::to_owned).collect();
    names.sort();
    let mut shapes = Vec::new();
    for name in &names {
        if let Some(npy) = archive.by_name(name).map_err(unreadable)? {
            shapes.push((name.clone(), sizes(npy.shape())));
        }
    }
    let available = || {
        let listed: Vec<String> = shapes
            .iter()
            .map(|(name, shape)| format!("{name} ({})", super::shape_text(shape)))
            .collect();
        if listed.is_empty() {
            "no array".to_owned()
        } else {
            listed.join(", ")
        }
    };
    let name = match inside {
        Some(inside) => inside.to_owned(),
        None => only_candidate(&shapes).ok_or_else(|| DatasetError::Ambiguous {
            file: file.to_owned(),
            available: available(),
        })?,
    };
    let npy = archive.by_name(&name).map_err(unreadable)?;
    let npy = npy.ok_or_else(|| DatasetError::UnknownInside {
        file: file.to_owned(),
        inside: name.clone(),
        available: available(),
    })?;
    decode(npy, &format!("{file}#{name}"), &name)
}

/// A single array is taken whatever its shape, so that the complaint is about the shape;
/// among several, a single map, or else a single spectrum image, is meant.
fn only_candidate(shapes: &[(String, Vec<usize>)]) -> Option<String> {
    if let [(name, _)] = shapes {
        return Some(name.clone());
    }
    [2, 3].into_iter().find_map(|rank| {
        let mut fitting = shapes
            .iter()
            .filter(|(_, shape)| super::array::squeezed(shape).len() == rank);
        match (fitting.next(), fitting.next()) {
            (Some((name, _)), None) => Some(name.clone()),
            _ => None,
        }
    })
}

fn sizes(shape: &[u64]) -> Vec<usize> {
    shape.iter().map(|&size| size as usize).collect()
}

fn decode<R: Read>(npy: NpyFile<R>, location: &str, quantity: &str) -> Result<Array, DatasetError> {
    let shape = sizes(npy.shape());
    let order = npy.order();
    let unreadable = |e: std::io::Error| DatasetError::unreadable(location, "NumPy array", &e);
    let DType::Plain(plain) = npy.dtype() else {
        return Err(DatasetError::Type {
            location: location.to_owned(),
            dtype: npy.dtype().descr(),
        });
    };
    let values = match (plain.type_char(), plain.size_field()) {
        (TypeChar::Float, 4) => single(npy.data::<f32>().map(Iterator::collect)),
        (TypeChar::Float, 8) => double::<f64, _>(npy, |v| v),
        (TypeChar::Int, 1) => narrow::<i8, _>(npy),
        (TypeChar::Int, 2) => narrow::<i16, _>(npy),
        (TypeChar::Int, 4) => double::<i32, _>(npy, f64::from),
        (TypeChar::Int, 8) => double::<i64, _>(npy, |v| v as f64),
        (TypeChar::Uint, 1) => narrow::<u8, _>(npy),
        (TypeChar::Uint, 2) => narrow::<u16, _>(npy),
        (TypeChar::Uint, 4) => double::<u32, _>(npy, f64::from),
        (TypeChar::Uint, 8) => double::<u64, _>(npy, |v| v as f64),
        _ => {
            return Err(DatasetError::Type {
                location: location.to_owned(),
                dtype: npy.dtype().descr(),
            });
        }
    }
    .map_err(unreadable)?;
    let values = match (order, values) {
        (Order::C, values) => values,
        (Order::Fortran, Values::Single(values)) => Values::Single(to_row_major(&values, &shape)),
        (Order::Fortran, Values::Double(values)) => Values::Double(to_row_major(&values, &shape)),
    };
    Ok(Array::bare(location, shape, values, quantity))
}

fn single(values: Result<std::io::Result<Vec<f32>>, npyz::DTypeError>) -> std::io::Result<Values> {
    values.map_err(std::io::Error::other)?.map(Values::Single)
}

fn narrow<T: npyz::Deserialize + Into<f32>, R: Read>(npy: NpyFile<R>) -> std::io::Result<Values> {
    let values = npy.data::<T>().map_err(std::io::Error::other)?;
    let values: std::io::Result<_> = values.map(|v| v.map(Into::into)).collect();
    values.map(Values::Single)
}

fn double<T: npyz::Deserialize, R: Read>(
    npy: NpyFile<R>,
    widen: fn(T) -> f64,
) -> std::io::Result<Values> {
    let values = npy.data::<T>().map_err(std::io::Error::other)?;
    let values: std::io::Result<_> = values.map(|v| v.map(widen)).collect();
    values.map(Values::Double)
}

/// Values stored first index fastest, rearranged to last index fastest.
fn to_row_major<T: Copy>(values: &[T], shape: &[usize]) -> Vec<T> {
    let mut index = vec![0; shape.len()];
    let mut sorted = Vec::with_capacity(values.len());
    for _ in 0..values.len() {
        let place = (index.iter().zip(shape).rev()).fold(0, |place, (&i, &size)| place * size + i);
        sorted.push(values[place]);
        for (i, &size) in index.iter_mut().zip(shape).rev() {
            *i += 1;
            if *i < size {
                break;
            }
            *i = 0;
        }
    }
    sorted
}
