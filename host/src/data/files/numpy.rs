//! `NumPy`'s `.npy` and `.npz`.

use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use zip::ZipArchive;
use zip::result::ZipError;

use super::array::{Array, is_candidate};
use super::error::DatasetError;
use super::write::{WriteError, replace_with};
use super::{Wanted, plain};
use crate::data::npy::{self, Npy, Number};
use crate::data::{Map, Values};

const FORMAT: &str = "NumPy array";

/// The array of a `.npy` file.
///
/// # Errors
/// When it is damaged, cut off, not of real numbers, or a path inside was asked for.
pub(super) fn read_npy(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    super::refuse_inside(file, inside)?;
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, FORMAT, &e);
    let open = File::open(file).map_err(unreadable)?;
    let length = open.metadata().map_err(unreadable)?.len();
    let npy = Npy::new(BufReader::new(open)).map_err(unreadable)?;
    let size = real(&npy, file)?.1;
    let shape = npy.shape().to_vec();
    require_whole(file, &shape, size, length)?;
    let (location, column_major) = (file.to_owned(), npy.column_major());
    let mut array = Array::bare(file, shape, &super::stem(file), move || {
        values(npy, &location)
    });
    array.width = size;
    Ok(in_order(array, column_major))
}

/// Refuses values that cannot lie in so many bytes, before there is room for them.
fn require_whole(
    location: &str,
    shape: &[usize],
    size: usize,
    length: u64,
) -> Result<(), DatasetError> {
    let bytes = shape
        .iter()
        .try_fold(size as u64, |n, &size| n.checked_mul(size as u64));
    if bytes.is_some_and(|bytes| bytes <= length) {
        return Ok(());
    }
    let reason = format!(
        "cut off after {length} bytes, which cannot hold {} values of {size} bytes; copy it again",
        super::shape_text(shape)
    );
    Err(DatasetError::unreadable(location, FORMAT, &reason))
}

/// The arrays of a `.npz` archive with their shapes, by name.
///
/// # Errors
/// When it is no archive.
pub(super) fn list_npz(file: &str) -> Result<Vec<(String, Vec<usize>)>, DatasetError> {
    Ok(list(&mut unzip(file)?))
}

fn list(archive: &mut Archive) -> Vec<(String, Vec<usize>)> {
    let names = archive.file_names();
    let names = names.filter_map(|name| name.strip_suffix(".npy"));
    let mut names: Vec<String> = names.map(str::to_owned).collect();
    names.sort();
    let mut shapes = Vec::new();
    for name in names {
        // One damaged array must not hide the others.
        if let Ok(packed) = archive.by_name(&format!("{name}.npy"))
            && let Ok(npy) = Npy::new(packed)
        {
            shapes.push((name, npy.shape().to_vec()));
        }
    }
    shapes
}

/// What is opened of an archive, each with its name.
type Arrays = Vec<(String, Result<Array, DatasetError>)>;

/// Opens the first `most` arrays that are a map or spectra, and says how many more there are.
///
/// # Errors
/// When it is no archive.
pub(super) fn read_first(file: &str, most: usize) -> Result<(Arrays, usize), DatasetError> {
    let mut archive = unzip(file)?;
    let mut names = list(&mut archive);
    names.retain(|(_, shape)| is_candidate(shape));
    let more = names.len().saturating_sub(most);
    let opened = names.into_iter().take(most).map(|(name, _)| {
        let array = member(file, &name, archive.clone());
        (name, array)
    });
    Ok((opened.collect(), more))
}

/// One array of a `.npz` archive: the one named `inside`, or the only one of the rank that is
/// wanted.
///
/// # Errors
/// As [`read_npy`], and when the name is unknown or several arrays could be meant.
pub(super) fn read_npz(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let available = |shapes: &[(String, Vec<usize>)]| {
        /// A file of thousands must not fill the screen.
        const SHOWN: usize = 24;
        let listed = shapes
            .iter()
            .take(SHOWN)
            .map(|(name, shape)| format!("{} ({})", plain(name), super::shape_text(shape)));
        let mut listed: Vec<String> = listed.collect();
        if let Some(more @ 1..) = shapes.len().checked_sub(SHOWN) {
            listed.push(format!("and {more} more"));
        }
        if listed.is_empty() {
            "no array".to_owned()
        } else {
            listed.join(", ")
        }
    };
    let name = if let Some(inside) = inside {
        // The headers of all the others need not be read.
        inside.to_owned()
    } else {
        let shapes = list_npz(file)?;
        if shapes.is_empty() {
            require_known_compression(file)?;
        }
        only_candidate(&shapes, wanted).ok_or_else(|| {
            let (file, available) = (file.to_owned(), available(&shapes));
            if shapes.iter().any(|(_, shape)| is_candidate(shape)) {
                DatasetError::Ambiguous { file, available }
            } else {
                DatasetError::Nothing { file, available }
            }
        })?
    };
    let archive = unzip(file)?;
    if archive.index_for_name(&format!("{name}.npy")).is_none() {
        return Err(DatasetError::UnknownInside {
            file: file.to_owned(),
            inside: name,
            available: available(&list_npz(file)?),
        });
    }
    member(file, &name, archive)
}

/// The array of that name, which is in the archive.
fn member(file: &str, name: &str, mut archive: Archive) -> Result<Array, DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, ARCHIVE, &e);
    let entry = format!("{name}.npy");
    let location = format!("{file}#{name}");
    let packed = archive
        .by_name(&entry)
        .map_err(|e| not_unpacked(file, &location, e))?;
    let length = packed.size();
    let npy = Npy::new(packed).map_err(unreadable)?;
    let size = real(&npy, &location)?.1;
    let (shape, column_major) = (npy.shape().to_vec(), npy.column_major());
    require_whole(&location, &shape, size, length)?;
    drop(npy);
    let found = location.clone();
    let mut array = Array::bare(&location, shape, name, move || {
        let unreadable = |e: std::io::Error| DatasetError::unreadable(&found, ARCHIVE, &e);
        let packed = archive.by_name(&entry).map_err(|e| unreadable(e.into()))?;
        values(Npy::new(packed).map_err(unreadable)?, &found)
    });
    array.width = size;
    Ok(in_order(array, column_major))
}

/// Refuses an archive of which no array can be unpacked, with the reason of the first.
fn require_known_compression(file: &str) -> Result<(), DatasetError> {
    let mut archive = unzip(file)?;
    let first = archive
        .file_names()
        .find(|name| name.strip_suffix(".npy").is_some());
    let Some(first) = first.map(str::to_owned) else {
        return Ok(());
    };
    match archive.by_name(&first) {
        Err(error) => Err(not_unpacked(file, file, error)),
        Ok(_) => Ok(()),
    }
}

/// The error of an array that cannot be unpacked; of a compression that is not read, with the remedy.
fn not_unpacked(file: &str, location: &str, error: ZipError) -> DatasetError {
    match error {
        ZipError::UnsupportedArchive(_) | ZipError::CompressionMethodNotSupported(_) => {
            DatasetError::Filter {
                location: location.to_owned(),
                filter: "a compression other than deflate".to_owned(),
                remedy: format!(
                    "NumPy writes it so that it is: numpy.savez_compressed(\"new.npz\", **numpy.load(\"{}\"))",
                    plain(file)
                ),
            }
        }
        other => DatasetError::unreadable(file, ARCHIVE, &std::io::Error::from(other)),
    }
}

const ARCHIVE: &str = "NumPy archive";

/// An open archive. Clones share its directory, which of thousands of arrays takes long to read.
type Archive = ZipArchive<SharedFile>;

fn unzip(file: &str) -> Result<Archive, DatasetError> {
    let unreadable = |e: std::io::Error| DatasetError::unreadable(file, ARCHIVE, &e);
    let reader = SharedFile::new(File::open(file).map_err(unreadable)?);
    ZipArchive::new(reader).map_err(|e| unreadable(e.into()))
}

/// A file that several read, each at a place of its own.
struct SharedFile {
    file: Arc<Mutex<File>>,
    position: u64,
    /// What was read ahead, and how much of it is taken.
    ahead: Vec<u8>,
    taken: usize,
}

impl SharedFile {
    /// Bytes that are read at once.
    const AHEAD: u64 = 1 << 13;

    fn new(file: File) -> Self {
        Self {
            file: Arc::new(Mutex::new(file)),
            position: 0,
            ahead: Vec::new(),
            taken: 0,
        }
    }
}

impl Clone for SharedFile {
    fn clone(&self) -> Self {
        Self {
            file: Arc::clone(&self.file),
            position: self.position,
            ahead: Vec::new(),
            taken: 0,
        }
    }
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.taken == self.ahead.len() {
            let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            file.seek(SeekFrom::Start(self.position))?;
            self.ahead.clear();
            self.taken = 0;
            // Large pieces are not copied twice.
            if buffer.len() as u64 >= Self::AHEAD {
                let count = file.read(buffer)?;
                self.position += count as u64;
                return Ok(count);
            }
            file.by_ref()
                .take(Self::AHEAD)
                .read_to_end(&mut self.ahead)?;
        }
        let count = (&self.ahead[self.taken..]).read(buffer)?;
        self.taken += count;
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> std::io::Result<u64> {
        let end = || {
            let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
            Ok::<_, std::io::Error>(file.metadata()?.len())
        };
        let to = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::Current(by) => self.position.checked_add_signed(by),
            SeekFrom::End(by) => end()?.checked_add_signed(by),
        };
        let to = to.ok_or(std::io::ErrorKind::InvalidInput)?;
        let begun = self.position - self.taken as u64;
        match to
            .checked_sub(begun)
            .and_then(|at| usize::try_from(at).ok())
        {
            Some(at) if at < self.ahead.len() => self.taken = at,
            _ => (self.ahead, self.taken) = (Vec::new(), 0),
        }
        self.position = to;
        Ok(to)
    }
}

/// A single array is taken whatever its shape, so that the complaint is about the shape; among
/// several, the only one of the rank that is wanted, or else a single map, or a single spectrum
/// image.
fn only_candidate(shapes: &[(String, Vec<usize>)], wanted: Wanted) -> Option<String> {
    if let [(name, _)] = shapes {
        return Some(name.clone());
    }
    let ranks: &[usize] = match wanted {
        Wanted::Any => &[2, 3],
        Wanted::Map => &[2],
        Wanted::Spectra => &[3],
    };
    ranks.iter().find_map(|&rank| {
        let mut fitting = shapes
            .iter()
            .filter(|(_, shape)| super::array::squeezed(shape).len() == rank);
        match (fitting.next(), fitting.next()) {
            (Some((name, _)), None) => Some(name.clone()),
            _ => None,
        }
    })
}

/// Letter and bytes of the type of an array of real numbers.
///
/// # Errors
/// When it holds anything else.
fn real<R: Read>(npy: &Npy<R>, location: &str) -> Result<(char, usize), DatasetError> {
    npy.real().ok_or_else(|| DatasetError::Type {
        location: location.to_owned(),
        dtype: plain(&npy::short(npy.dtype())),
    })
}

fn values<R: Read>(npy: Npy<R>, location: &str) -> Result<Values, DatasetError> {
    let values = match real(&npy, location)? {
        // Single precision holds them exactly.
        ('f', 2 | 4) | (_, 1 | 2) => npy
            .values(|number| number.to_float() as f32)
            .map(Values::Single),
        _ => npy.values(Number::to_float).map(Values::Double),
    };
    values.map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => DatasetError::unreadable(
            location,
            FORMAT,
            &"cut off before its last value; copy it again",
        ),
        _ => DatasetError::unreadable(location, FORMAT, &error),
    })
}

fn in_order(array: Array, column_major: bool) -> Array {
    if column_major {
        array.column_major()
    } else {
        array
    }
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
        let bytes: [(&str, Encode); 14] = [
            ("<f2", |v| {
                half::f16::from_f32(f32::from(v)).to_le_bytes().to_vec()
            }),
            (">f2", |v| {
                half::f16::from_f32(f32::from(v)).to_be_bytes().to_vec()
            }),
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
        let (_folder, file) = written("mask.npy", &bare("|b1", false, "1, 2", &[1, 0]));
        assert_eq!(read_map(&file).unwrap().values, [1.0, 0.0]);
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
        let place = bytes.windows(8).rposition(|bytes| bytes == three).unwrap();
        bytes[place] ^= 1;
        std::fs::write(&file, &bytes).unwrap();
        let message = read(&format!("{file}#cube")).unwrap_err().to_string();
        assert!(message.contains("checksum"), "{message}");
    }

    /// An archive with one array of 2 x 2 under a name.
    fn archive(name: &str) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Stored);
        archive.start_file(format!("{name}.npy"), options).unwrap();
        npy::write(&mut archive, &[2, 2], [1.0, 2.0, 3.0, 4.0]).unwrap();
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn a_compression_that_is_not_read_is_told_with_the_line_that_writes_another() {
        let mut bytes = archive("a");
        // The method in the header of the entry and in the directory: 14 is LZMA.
        for (mark, place) in [(b"PK\x03\x04", 8), (b"PK\x01\x02", 10)] {
            let at = bytes.windows(4).position(|bytes| bytes == mark).unwrap();
            bytes[at + place] = 14;
        }
        let (_folder, file) = written("a.npz", &bytes);
        for place in ["", "#a"] {
            let message = read(&format!("{file}{place}")).unwrap_err().to_string();
            assert!(
                message.contains("a compression other than deflate, which is not read")
                    && message.contains("numpy.savez_compressed(\"new.npz\", **numpy.load("),
                "{message}"
            );
        }
    }

    #[test]
    fn a_name_with_a_number_sign_is_reached() {
        let (_folder, file) = written("a.npz", &archive("we ird/#name"));
        let map = read_map(&format!("{file}#we ird/#name")).unwrap();
        assert_eq!(map.values, [1.0, 2.0, 3.0, 4.0]);
        let found = crate::data::files::locations(&file).unwrap();
        assert_eq!(read_map(&found[0]).unwrap().quantity, "we ird/#name");
        let (_folder, file) = written("b#1.npz", &archive("c"));
        assert_eq!(read_map(&format!("{file}#c")).unwrap().quantity, "c");
    }

    #[test]
    fn axes_without_names_are_called_by_the_places_that_they_have_at_last() {
        use crate::data::files::{Wanted, open};
        let (_folder, file) = written("a.npy", &bare("|u1", false, "1, 2, 3, 4", &[0; 24]));
        let signal = open(&file, Wanted::Any).unwrap();
        let named: Vec<(&str, &str)> = signal
            .axes()
            .iter()
            .map(|axis| (axis.name.as_str(), axis.units.as_str()))
            .collect();
        assert_eq!(named, [("y", "px"), ("x", "px"), ("channel", "")]);
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
