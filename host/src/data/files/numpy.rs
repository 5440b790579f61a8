//! `NumPy`'s `.npy` and `.npz`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use npyz::npz::NpzArchive;
use npyz::{DType, NpyFile, Order, TypeChar, WriterBuilder as _};

use super::array::{Array, is_candidate};
use super::error::DatasetError;
use super::write::{WriteError, replace_with};
use crate::data::{Map, Values};

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
        // An archive may hold pickled objects beside the arrays.
        if let Ok(Some(npy)) = archive.by_name(name) {
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
        None => only_candidate(&shapes).ok_or_else(|| {
            let (file, available) = (file.to_owned(), available());
            if shapes.iter().any(|(_, shape)| is_candidate(shape)) {
                DatasetError::Ambiguous { file, available }
            } else {
                DatasetError::Nothing { file, available }
            }
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

/// Writes a map as `.npy`: float64, two-dimensional (rows, columns), in C order.
///
/// # Errors
/// When the file cannot be written; nothing half-written is left.
pub fn write_npy(path: &Path, map: &Map) -> Result<(), WriteError> {
    replace_with(path, |file| {
        let shape = [map.height() as u64, map.width() as u64];
        let mut npy = npyz::WriteOptions::new()
            .default_dtype()
            .shape(&shape)
            .writer(file)
            .begin_nd()?;
        npy.extend(&map.values)?;
        npy.finish()
    })
}

#[cfg(test)]
mod tests {
    use super::write_npy;
    use crate::data::Map;
    use crate::data::files::testing::{close, npy, shared, written};
    use crate::data::files::{Dataset, read, read_map, require_finite};

    type Encode = fn(u8) -> Vec<u8>;

    #[test]
    fn the_pfm_maps_read_as_numpy_reads_them() {
        if let Some(file) = shared("pfm/scalarizer.npy") {
            let map = read_map(&file).unwrap();
            assert_eq!((map.height(), map.width()), (50, 50));
            assert_eq!(map.quantity, "scalarizer");
            close(map.values.iter().sum(), 264.739_463_372_643_97);
            require_finite(&map, "response").unwrap();
        }
    }

    #[test]
    fn every_numeric_type_of_numpy_is_read() {
        let wanted = [0.0, 1.0, 2.0, 3.0, 4.0, 100.0];
        let bytes: [(&str, Encode); 12] = [
            ("|u1", |v| vec![v]),
            ("|i1", |v| vec![v]),
            ("<u2", |v| u16::from(v).to_le_bytes().to_vec()),
            (">i2", |v| i16::from(v).to_be_bytes().to_vec()),
            ("<u4", |v| u32::from(v).to_le_bytes().to_vec()),
            ("<i4", |v| i32::from(v).to_le_bytes().to_vec()),
            (">u8", |v| u64::from(v).to_be_bytes().to_vec()),
            ("<i8", |v| i64::from(v).to_le_bytes().to_vec()),
            ("<f4", |v| f32::from(v).to_le_bytes().to_vec()),
            (">f4", |v| f32::from(v).to_be_bytes().to_vec()),
            ("<f8", |v| f64::from(v).to_le_bytes().to_vec()),
            (">f8", |v| f64::from(v).to_be_bytes().to_vec()),
        ];
        for (descr, encode) in bytes {
            let data: Vec<u8> = [0, 1, 2, 3, 4, 100].into_iter().flat_map(encode).collect();
            let (_folder, file) = written("map.npy", &npy(descr, false, "2, 3", &data));
            let map = read_map(&file).unwrap();
            assert_eq!((map.height(), map.width()), (2, 3));
            assert_eq!(map.values, wanted, "{descr}");
        }
        let (_folder, file) = written("map.npy", &npy("<c16", false, "1, 1", &[0; 16]));
        assert!(
            read(&file)
                .unwrap_err()
                .to_string()
                .contains("real integers and floats")
        );
    }

    #[test]
    fn fortran_order_is_turned_round() {
        let (_folder, file) = written("map.npy", &npy("|u1", true, "2, 3", &[0, 3, 1, 4, 2, 5]));
        assert_eq!(
            read_map(&file).unwrap().values,
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        );
    }

    #[test]
    fn an_archive_gives_the_array_that_is_meant() {
        use npyz::WriterBuilder;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.npz").to_string_lossy().into_owned();
        let mut archive = npyz::npz::NpzWriter::create(&file).unwrap();
        for (name, shape) in [
            ("mean", vec![2, 2]),
            ("loss", vec![4]),
            ("cube", vec![1, 2, 2]),
        ] {
            let mut array = archive
                .array(name, npyz::zip::write::FileOptions::default())
                .unwrap()
                .default_dtype()
                .shape(&shape)
                .begin_nd()
                .unwrap();
            array.extend([1.0_f64, 2.0, 3.0, 4.0]).unwrap();
            array.finish().unwrap();
        }
        drop(archive);
        assert_eq!(read_map(&file).unwrap().quantity, "mean");
        assert!(matches!(
            read(&format!("{file}#cube")),
            Ok(Dataset::Spectra(_))
        ));
        let message = read(&format!("{file}#other")).unwrap_err().to_string();
        assert!(
            message.contains("`other`") && message.contains("cube (1x2x2), loss (4)"),
            "{message}"
        );
    }

    #[test]
    fn a_written_map_reads_back_with_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("surrogate_mean.npy");
        let map = Map::uncalibrated(2, 3, vec![0.0, 1.5, -2.0, 3.0, f64::INFINITY, 5.0], "mean");
        write_npy(&path, &map).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let npy = npyz::NpyFile::new(&bytes[..]).unwrap();
        assert_eq!((npy.shape(), npy.order()), (&[2, 3][..], npyz::Order::C));
        assert_eq!(npy.into_vec::<f64>().unwrap(), map.values);
    }
}
