//! A folder of Igor binary waves, one for each place of a force map, as Asylum Research's microscopes write
//! them: `Line0000Point0000.ibw`, whose numbers count rows and columns. A wave holds a curve of several
//! channels, one after another.
//!
//! Source: pycroscopy's reader of such folders, which takes rows and columns from the names.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::array::Array;
use super::error::DatasetError;
use super::igor::Wave;
use super::named::{self, Named};
use super::{Wanted, location_of, raw};
use crate::data::{Values, npy};

const FORMAT: &str = "force map";

/// Files of a folder that are looked at, more than any map of the field has.
const MOST_FILES: usize = 1 << 20;

/// The curves of a folder by row and column.
struct ForceMap {
    files: BTreeMap<(usize, usize), PathBuf>,
    height: usize,
    width: usize,
    /// Points of the shortest curve.
    points: usize,
    first: Wave,
}

/// Row and column by the name of a file.
fn place(path: &Path) -> Option<(usize, usize)> {
    let number = |digits: &str| {
        let counts = (1..=6).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
        counts.then(|| digits.parse().ok())?
    };
    let is_wave = path.extension()?.eq_ignore_ascii_case("ibw");
    let (row, column) = path
        .file_stem()?
        .to_str()?
        .strip_prefix("Line")?
        .split_once("Point")?;
    is_wave.then_some((number(row)?, number(column)?))
}

fn files(folder: &str) -> impl Iterator<Item = ((usize, usize), PathBuf)> {
    let entries = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .take(MOST_FILES);
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter_map(|path| Some((place(&path)?, path)))
}

/// Whether a folder holds curves by row and column.
pub(super) fn is_one(folder: &str) -> bool {
    Path::new(folder).is_dir() && files(folder).next().is_some()
}

impl ForceMap {
    fn open(folder: &str) -> Result<Self, DatasetError> {
        let files: BTreeMap<_, _> = files(folder).collect();
        let unreadable = |reason: String| DatasetError::unreadable(folder, FORMAT, &reason);
        let mut first: Option<Wave> = None;
        let (mut height, mut width) = (0, 0);
        let (mut shortest, mut longest) = (usize::MAX, 0);
        for ((row, column), path) in &files {
            let wave = Wave::open(&path.to_string_lossy())?;
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            let like = first
                .as_ref()
                .is_none_or(|first| first.channels == wave.channels);
            if !wave.is_curve() || !like {
                return Err(unreadable(format!(
                    "`{name}` has the channels `{}`; expected the same in every file, as points x channels",
                    wave.channels.join("`, `")
                )));
            }
            let points = wave.sizes.first().copied().unwrap_or(0);
            raw::require(&path.to_string_lossy(), FORMAT, &wave.sizes, wave.curve(0))?;
            (height, width) = (height.max(row + 1), width.max(column + 1));
            (shortest, longest) = (shortest.min(points), longest.max(points));
            first.get_or_insert(wave);
        }
        let first = first.ok_or_else(|| unreadable("no curve in it".to_owned()))?;
        if shortest < longest / 2 {
            return Err(unreadable(format!(
                "its curves have {shortest} to {longest} points; take those out that were broken off: their \
                 places are no candidates then"
            )));
        }
        Ok(Self {
            files,
            height,
            width,
            points: shortest,
            first,
        })
    }

    fn named(&self) -> Vec<Named> {
        let channels = self.first.channels.iter();
        let channels = channels.take(self.first.sizes.get(1).copied().unwrap_or(0));
        let shape = || vec![self.height, self.width, self.points];
        channels
            .map(|name| Named::new(name.clone(), shape()))
            .collect()
    }
}

/// The curves of the channel `inside`. Places without a file have no numbers; of curves of different lengths
/// as many points are read as the shortest has.
///
/// # Errors
/// When none or several channels can be meant, or a file is damaged.
pub(super) fn read(
    folder: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let map = ForceMap::open(folder)?;
    let named = map.named();
    let chosen = named::choose(folder, inside, wanted, &named)?;
    let location = location_of(folder, inside);
    let name = named[chosen].name.clone();
    let (units, mut points) = (map.first.units_of(&name), map.first.dimension(2, 0, None));
    points.axis.size = map.points;
    if points.axis.units == "s" {
        "Time".clone_into(&mut points.axis.name);
    }
    let shape = named[chosen].shape.clone();
    let load = move || map.load(chosen);
    let mut array = Array::bare(&location, shape, &name, load);
    array.set_dimension(2, points);
    array.units = units;
    Ok(array)
}

impl ForceMap {
    /// The values of a channel, of rows x columns x points.
    fn load(self, channel: usize) -> Result<Values, DatasetError> {
        let mut values = vec![f64::NAN; self.height * self.width * self.points];
        for ((row, column), path) in self.files {
            let file = path.to_string_lossy();
            let place = Wave::open(&file)?.curve(channel);
            let curve = raw::open_at(&file, place.offset)
                .and_then(|reader| npy::read(reader, self.points, place.dtype))
                .map_err(|error| DatasetError::unreadable(&file, FORMAT, &error))?;
            let begin = (row * self.width + column) * self.points;
            let slots = values.iter_mut().skip(begin).take(self.points);
            for (slot, value) in slots.zip(curve.into_f64()) {
                *slot = value;
            }
        }
        Ok(Values::Double(values))
    }
}

/// What stands behind `#` for each channel.
///
/// # Errors
/// When a file is damaged.
pub(super) fn list(folder: &str) -> Result<Vec<String>, DatasetError> {
    Ok(named::paths(&ForceMap::open(folder)?.named()))
}

#[cfg(test)]
mod tests {
    use super::super::instrument_samples::curve;
    use super::super::testing::spectra;
    use super::super::{locations, read, read_map};

    /// Value i of channel c at row r and column q is 1000 r + 100 q + 10 c + i.
    fn folder(points: impl Fn(usize, usize) -> Option<usize>) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        for (row, column) in (0..3).flat_map(|row| (0..2).map(move |column| (row, column))) {
            let name = format!("Line{row:04}Point{column:04}.ibw");
            if let Some(points) = points(row, column) {
                let bytes = curve(points, (1000 * row + 100 * column) as f32);
                std::fs::write(folder.path().join(name), bytes).unwrap();
            }
        }
        std::fs::write(folder.path().join("notes.txt"), "of Tuesday").unwrap();
        let name = folder.path().to_string_lossy().into_owned();
        (folder, name)
    }

    #[test]
    fn the_files_of_a_folder_are_one_map_by_their_names() {
        let (_folder, name) =
            folder(|row, column| Some(if (row, column) == (1, 0) { 3 } else { 4 }));
        let found = spectra(&format!("{name}#Defl"));
        assert_eq!(
            (found.height(), found.width(), found.channels.size),
            (3, 2, 3)
        );
        assert_eq!(found.at(2, 1), [2110.0, 2111.0, 2112.0]);
        assert_eq!(
            (found.units.as_str(), found.channels.units.as_str()),
            ("m", "s")
        );
        assert_eq!(found.coordinates, [0.0, 0.5, 1.0]);
        assert_eq!(locations(&name).unwrap().len(), 2);
        let message = read(&name).unwrap_err().to_string();
        assert!(message.contains("1 Raw (3x2x3), 2 Defl"), "{message}");
    }

    #[test]
    fn places_without_a_file_have_no_numbers() {
        let (_folder, name) = folder(|row, column| ((row, column) != (1, 1)).then_some(4));
        let found = spectra(&format!("{name}#Raw"));
        assert!(found.at(1, 1).iter().all(|value| value.is_nan()));
        assert_eq!(found.at(1, 0), [1000.0, 1001.0, 1002.0, 1003.0]);
    }

    #[test]
    fn one_curve_alone_and_one_that_broke_off_are_refused_with_the_way() {
        let (_folder, name) = folder(|row, _| Some(if row == 2 { 1 } else { 4 }));
        let message = read(&name).unwrap_err().to_string();
        assert!(
            message.contains("1 to 4 points; take those out"),
            "{message}"
        );
        let message = read_map(&format!("{name}/Line0000Point0000.ibw")).unwrap_err();
        let message = message.to_string();
        assert!(
            message.contains("4x2 (one curve") && message.contains("folder"),
            "{message}"
        );
    }
}
