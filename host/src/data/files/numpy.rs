//! `NumPy`'s `.npy` and `.npz`.

use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;

use zip::ZipArchive;

use super::array::{Array, is_candidate};
use super::error::DatasetError;
use super::write::{WriteError, replace_with};
use crate::data::npy::{self, Npy, Number};
use crate::data::{Map, Values};

/// Reads the array of a `.npy` file.
///
/// # Errors
/// When it is damaged, not of real numbers, or a path inside was asked for.
pub(super) fn read_npy(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    super::refuse_inside(file, inside)?;
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, "NumPy array", &e);
    let reader = BufReader::new(File::open(file).map_err(unreadable)?);
    let npy = Npy::new(reader).map_err(unreadable)?;
    decode(npy, file, &super::stem(file))
}

/// Reads one array of a `.npz` archive: the one named `inside`, or the only one with two or
/// three dimensions.
///
/// # Errors
/// As [`read_npy`], and when the name is unknown or several arrays could be meant.
pub(super) fn read_npz(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, "NumPy archive", &e);
    let unzipped = |e: zip::result::ZipError| unreadable(e.into());
    let reader = BufReader::new(File::open(file).map_err(unreadable)?);
    let mut archive = ZipArchive::new(reader).map_err(unzipped)?;
    let names = archive
        .file_names()
        .filter_map(|name| name.strip_suffix(".npy"));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    let mut shapes = Vec::new();
    for name in &names {
        let packed = archive.by_name(&format!("{name}.npy"));
        // One damaged array must not hide the others.
        if let Ok(npy) = packed
            .map_err(unzipped)
            .and_then(|packed| Npy::new(packed).map_err(unreadable))
        {
            shapes.push((name.clone(), npy.shape().to_vec()));
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
    if !names.contains(&name) {
        return Err(DatasetError::UnknownInside {
            file: file.to_owned(),
            inside: name.clone(),
            available: available(),
        });
    }
    let packed = archive.by_name(&format!("{name}.npy")).map_err(unzipped)?;
    let npy = Npy::new(packed).map_err(unreadable)?;
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

fn decode<R: Read>(npy: Npy<R>, location: &str, quantity: &str) -> Result<Array, DatasetError> {
    let Some(real) = npy.real() else {
        return Err(DatasetError::Type {
            location: location.to_owned(),
            dtype: npy.dtype().to_owned(),
        });
    };
    let shape = npy.shape().to_vec();
    let column_major = npy.column_major();
    let values = match real {
        // Single precision holds them exactly.
        ('f', 4) | (_, 1 | 2) => {
            let values = npy.values(|number| number.to_float() as f32);
            values.map(|values| Values::Single(row_major(values, &shape, column_major)))
        }
        _ => {
            let values = npy.values(Number::to_float);
            values.map(|values| Values::Double(row_major(values, &shape, column_major)))
        }
    };
    let values = values.map_err(|e| DatasetError::unreadable(location, "NumPy array", &e))?;
    Ok(Array::bare(location, shape, values, quantity))
}

/// Values with the last index fastest, whichever it was.
fn row_major<T: Copy>(values: Vec<T>, shape: &[usize], column_major: bool) -> Vec<T> {
    if !column_major {
        return values;
    }
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
        let shape = [map.height(), map.width()];
        npy::write(file, &shape, map.values.iter().copied())
    })
}

#[cfg(test)]
mod tests {
    use super::write_npy;
    use crate::data::files::testing::{close, npy as bare, shared, written};
    use crate::data::files::{Dataset, read, read_map, require_finite};
    use crate::data::{Map, npy};
    use std::io::Write as _;

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
            let (_folder, file) = written("map.npy", &bare(descr, false, "2, 3", &data));
            let map = read_map(&file).unwrap();
            assert_eq!((map.height(), map.width()), (2, 3));
            assert_eq!(map.values, wanted, "{descr}");
        }
        let (_folder, file) = written("map.npy", &bare("<c16", false, "1, 1", &[0; 16]));
        assert!(
            read(&file)
                .unwrap_err()
                .to_string()
                .contains("real integers and floats")
        );
    }

    #[test]
    fn fortran_order_is_turned_round() {
        let (_folder, file) = written("map.npy", &bare("|u1", true, "2, 3", &[0, 3, 1, 4, 2, 5]));
        assert_eq!(
            read_map(&file).unwrap().values,
            [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
        );
    }

    #[test]
    fn an_archive_gives_the_array_that_is_meant_and_none_that_is_damaged() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("run.npz").to_string_lossy().into_owned();
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&file).unwrap());
        let deflated = zip::write::SimpleFileOptions::default();
        let stored = deflated.compression_method(zip::CompressionMethod::Stored);
        for (name, shape, options) in [
            ("mean", vec![2, 2], deflated),
            ("loss", vec![4], stored),
            ("cube", vec![1, 2, 2], stored),
        ] {
            archive.start_file(format!("{name}.npy"), options).unwrap();
            npy::write(&mut archive, &shape, [1.0, 2.0, 3.0, 4.0]).unwrap();
        }
        archive.start_file("notes.txt", stored).unwrap();
        archive.write_all(b"not an array").unwrap();
        archive.finish().unwrap();
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
        let mut bytes = std::fs::read(&file).unwrap();
        let three = 3.0_f64.to_le_bytes();
        let place = bytes.windows(8).position(|bytes| bytes == three).unwrap();
        bytes[place] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let message = read(&format!("{file}#loss")).unwrap_err().to_string();
        assert!(message.contains("checksum"), "{message}");
    }

    #[test]
    fn a_written_map_reads_back_with_its_shape() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("surrogate_mean.npy");
        let map = Map::uncalibrated(2, 3, vec![0.0, 1.5, -2.0, 3.0, f64::INFINITY, 5.0], "mean");
        write_npy(&path, &map).unwrap();
        let bytes = std::fs::read(&path).unwrap();
        let npy = npy::Npy::new(&bytes[..]).unwrap();
        assert_eq!((npy.shape(), npy.column_major()), (&[2, 3][..], false));
        assert_eq!(npy.values(npy::Number::to_float).unwrap(), map.values);
    }
}
