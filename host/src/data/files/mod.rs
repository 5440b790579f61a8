//! Reads images, maps and spectrum images from the files of the field, and writes files whole.
//!
//! A location is `FILE` or `FILE#path/inside`:
//!
//! | extension | what | path inside |
//! |---|---|---|
//! | `.npy` | `NumPy` array; booleans are 1 and 0 | none |
//! | `.npz` | `NumPy` archive | name of the array |
//! | `.tif`, `.tiff` | a page of grey values as they are stored; Thermo/FEI, OME, DigitalMicrograph, `ImageJ` or Zeiss metadata give the pixel size | number of the page, from 1 |
//! | a folder of `.ibw` | the curves of an Asylum force map, a file for each place | name of a channel |
//! | `.dm3`, `.dm4` | Gatan DigitalMicrograph | name of an image, or its number, from 1 |
//! | `.h5`, `.hdf5`, `.hf5`, `.nsid` | NSID (sidpy, `pyNSID`), USID and plain HDF5 | dataset, or a group that holds one |
//! | `.hspy`, `.zspy` | `HyperSpy`, a file or a folder | `Experiments/<title>` |
//!
//! Two dimensions are a map, three are spectra with the channel last, unless the file says which
//! dimension is which; trailing dimensions of size 1 do not count, nor any of four or more. Spectra along a line, or of
//! scattered points, are those of a scan of a single column. The path inside may be left out where
//! only one dataset can be meant: the only map where an image is wanted, the only spectra where
//! these are. A file with another extension is read where it begins as HDF5, TIFF or `NumPy` array.
//!
//! Values are read once the shape is known to fit, and at most [`MOST_MEMORY`] of them unless the
//! caller allows more.
//!
//! `.npy` and `.npz` hold no axes: their channels are numbered from 0, and those numbers are what
//! a scalarizer sees. In HDF5, soft links are followed where a `NeXus` group or the path inside names
//! them; external ones are refused. HDF5 and `HyperSpy` need the feature `hdf5`; without it they are refused.

mod acquisitions;
mod array;
#[cfg(feature = "hdf5")]
mod berkeley;
mod conditions;
mod digital_micrograph;
mod error;
#[cfg(feature = "hdf5")]
mod expression;
#[cfg(feature = "hdf5")]
mod filters;
mod finished;
mod force_map;
#[cfg(feature = "hdf5")]
mod h5oina;
#[cfg(feature = "hdf5")]
mod hdf5;
#[cfg(not(feature = "hdf5"))]
#[path = "without_hdf5.rs"]
mod hdf5;
#[cfg(feature = "hdf5")]
mod hyperspy;
mod igor;
mod latin;
mod length;
#[cfg(feature = "hdf5")]
mod links;
mod listing;
#[cfg(feature = "hdf5")]
mod members;
mod memory;
mod named;
mod nanonis;
#[cfg(feature = "hdf5")]
mod nexus;
#[cfg(feature = "hdf5")]
mod nsid;
#[cfg(feature = "hdf5")]
mod number;
mod numpy;
mod orientation;
mod raw;
mod remedy;
mod ripple;
mod tiff;
#[cfg(feature = "hdf5")]
mod usid;
#[cfg(feature = "hdf5")]
mod velox;
mod write;
#[cfg(feature = "hdf5")]
mod zarr;

use std::path::Path;

pub use acquisitions::{Acquisition, FurtherColumns, write_acquisitions};
pub use conditions::Conditions;
pub use error::DatasetError;
pub use finished::Finished;
pub use hdf5::list_hdf5;
pub use listing::DatasetInfo;
pub use memory::{MOST_MEMORY, parse_memory};
pub use numpy::write_npy;
pub use orientation::orientation;
#[cfg(feature = "hdf5")]
pub(crate) use write::replace;
pub(crate) use write::replace_with;
pub use write::{WriteError, remove_file, write_file};

use crate::data::{Axis, Map, Spectra};

/// What a location holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Dataset {
    /// One value per pixel.
    Map(Map),
    /// One spectrum per pixel.
    Spectra(Spectra),
}

impl Dataset {
    /// Takes the values of the pixels away, by their number in row-major order, that are to be no
    /// candidates.
    pub fn leave_out(&mut self, is_left_out: impl Fn(usize) -> bool) {
        match self {
            Self::Map(map) => {
                for (pixel, value) in map.values.iter_mut().enumerate() {
                    if is_left_out(pixel) {
                        *value = f64::NAN;
                    }
                }
            }
            Self::Spectra(spectra) => spectra.leave_out(is_left_out),
        }
    }
}

/// Which of two files has its rows and columns exchanged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "lowercase")]
pub enum Transpose {
    /// The response.
    Response,
    /// The image.
    Image,
    /// Both.
    Both,
}

impl Transpose {
    /// A signal as the user says that its file is to be read.
    pub fn turn(asked: Option<Self>, which: Self, signal: Signal) -> Signal {
        if asked.is_some_and(|asked| asked == which || asked == Self::Both) {
            signal.transposed()
        } else {
            signal
        }
    }
}

/// Whether a mask marks a pixel that has this value in it.
pub fn is_marked(value: f64) -> bool {
    value.is_finite() && value != 0.0
}

/// What is sought in a file that holds several arrays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Whatever it is.
    #[default]
    Any,
    /// A map, where there is one alone.
    Map,
    /// Spectra, where there are such alone.
    Spectra,
}

/// An array of which all is known but its values, which are still in the file.
pub struct Signal(array::Array);

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({})", self.0.location, shape_text(&self.0.shape))
    }
}

impl Signal {
    /// What a reader found, where it is a map or spectra.
    fn of(mut array: array::Array) -> Result<Self, DatasetError> {
        array.drop_single();
        array.require_rank()?;
        array.require_axes()?;
        array.require_steps();
        let pixels = array.shape.iter().take(2).product();
        array.conditions = array.conditions.of_area(pixels);
        Ok(Self(array))
    }

    /// Rows, columns and, of spectra, channels.
    pub fn axes(&self) -> Vec<&Axis> {
        let rank = self.0.squeezed().len();
        let dimensions = self.0.dimensions.iter().take(rank);
        dimensions.map(|dimension| &dimension.axis).collect()
    }

    /// The same, each with its values where the file lists them one by one.
    pub fn axes_with_values(&self) -> Vec<(&Axis, Option<&[f64]>)> {
        let rank = self.0.squeezed().len();
        let dimensions = self.0.dimensions.iter().take(rank);
        let listed = |dimension: &'_ array::Dimension| !dimension.is_equidistant();
        let values = dimensions.map(|dimension| {
            let coordinates = dimension.coordinates.as_deref();
            (&dimension.axis, coordinates.filter(|_| listed(dimension)))
        });
        values.collect()
    }

    /// Number of values along each dimension.
    #[cfg(feature = "cli")]
    pub(crate) fn shape(&self) -> &[usize] {
        &self.0.shape
    }

    /// Number of rows and of columns.
    pub fn area(&self) -> (usize, usize) {
        let size = |place: usize| self.0.shape.get(place).copied().unwrap_or(1);
        (size(0), size(1))
    }

    /// Whether every pixel has a spectrum.
    pub fn has_spectra(&self) -> bool {
        self.0.squeezed().len() > 2
    }

    /// Name of the values and their units; empty where the file tells none.
    pub fn quantity(&self) -> (&str, &str) {
        (&self.0.quantity, &self.0.units)
    }

    /// What the file says and cannot be so, each in one line for people: what is read leaves it out.
    pub fn warnings(&self) -> &[String] {
        &self.0.warnings
    }

    /// How its values were recorded, as far as the file says it.
    pub fn conditions(&self) -> &Conditions {
        &self.0.conditions
    }

    /// The names of the axes of rows and columns, where the file itself gives them.
    pub fn names(&self) -> Option<(&str, &str)> {
        let name = |place: usize| Some(self.0.dimensions.get(place)?.axis.name.as_str());
        self.0.names_axes.then(|| Some((name(0)?, name(1)?)))?
    }

    /// The same with rows and columns exchanged.
    #[must_use]
    pub fn transposed(mut self) -> Self {
        self.0.transpose();
        self
    }

    /// Reads the values, NaN included.
    ///
    /// # Errors
    /// When they take more than `most_memory` bytes, or the file is damaged.
    pub fn read(self, most_memory: u64) -> Result<Dataset, DatasetError> {
        self.0.into_dataset(most_memory)
    }
}

/// Opens what `location` holds, without its values.
///
/// # Errors
/// When the file is missing or damaged, the path inside is unknown or ambiguous, or the array
/// is of a rank or type that fits neither a map nor spectra.
pub fn open(location: &str, wanted: Wanted) -> Result<Signal, DatasetError> {
    let (file, inside) = split(location);
    #[cfg(feature = "hdf5")]
    if is_zarr(file) {
        return Signal::of(zarr::read(file, inside, wanted)?);
    }
    if force_map::is_one(file) {
        return Signal::of(force_map::read(file, inside, wanted)?);
    }
    require_file(file)?;
    let array = match Format::of(file)? {
        Format::Npy => numpy::read_npy(file, inside),
        Format::Npz => numpy::read_npz(file, inside, wanted),
        Format::Tiff => tiff::read(file, inside),
        Format::DigitalMicrograph => digital_micrograph::read(file, inside, wanted),
        Format::NanonisScan => nanonis::scan::read(file, inside, wanted),
        Format::NanonisGrid => nanonis::grid::read(file, inside, wanted),
        Format::Igor => igor::read(file, inside, wanted),
        Format::Ripple => ripple::read(file, inside),
        Format::Hdf5 => hdf5::read(file, inside, wanted),
    }?;
    Signal::of(array)
}

/// Reads what `location` holds. Values are taken as they are, NaN included.
///
/// # Errors
/// As [`open`] and [`Signal::read`].
pub fn read(location: &str) -> Result<Dataset, DatasetError> {
    open(location, Wanted::Any)?.read(MOST_MEMORY)
}

/// Reads a map from `location`.
///
/// # Errors
/// As [`read`], and when the location holds spectra.
pub fn read_map(location: &str) -> Result<Map, DatasetError> {
    let signal = open_map(location)?;
    match signal.read(MOST_MEMORY)? {
        Dataset::Map(map) => Ok(map),
        Dataset::Spectra(spectra) => Err(no_map(
            location,
            &[spectra.height(), spectra.width(), spectra.channels.size],
        )),
    }
}

/// Opens a map at `location`, without its values.
///
/// # Errors
/// As [`open`], and when the location holds spectra.
pub fn open_map(location: &str) -> Result<Signal, DatasetError> {
    let signal = open(location, Wanted::Map)?;
    if signal.has_spectra() {
        return Err(no_map(location, signal.0.squeezed()));
    }
    Ok(signal)
}

fn no_map(location: &str, shape: &[usize]) -> DatasetError {
    DatasetError::Shape {
        location: location.to_owned(),
        shape: shape_text(shape),
        accepted: "rows x columns, an image or a map; of spectra, which --response takes, numpy.sum(values, axis=-1) \
                   makes one",
    }
}

/// What a file holds that is read as a map or as spectra: the first few, and how many more there are.
#[derive(Debug)]
pub struct Found {
    /// Locations, in the order of the file, with what is there.
    pub shown: Vec<(String, Result<Signal, DatasetError>)>,
    /// How many there are beside them.
    pub more: usize,
    /// What was not looked at, for people.
    pub cut: Option<String>,
}

/// Opens the first `most` of what a file holds, without values. The file is looked through once, however
/// many there are.
///
/// # Errors
/// As [`locations`].
pub fn first(location: &str, most: usize) -> Result<Found, DatasetError> {
    let (file, inside) = split(location);
    let is_plain = inside.is_none() && Path::new(file).is_file();
    if is_plain && Format::of(file)? == Format::Hdf5 {
        let (arrays, more, cut) = hdf5::read_first(file, most)?;
        let opened = arrays.into_iter();
        let opened = opened
            .map(|(path, array)| (location_of(file, Some(&path)), array.and_then(Signal::of)));
        return Ok(Found {
            shown: opened.collect(),
            more,
            cut,
        });
    }
    if is_plain && Format::of(file)? == Format::Npz {
        let (arrays, more) = numpy::read_first(file, most)?;
        let opened = arrays.into_iter();
        let opened = opened
            .map(|(name, array)| (location_of(file, Some(&name)), array.and_then(Signal::of)));
        return Ok(Found {
            shown: opened.collect(),
            more,
            cut: None,
        });
    }
    if is_plain && Format::of(file)? == Format::Tiff {
        let (arrays, more, cut) = tiff::read_first(file, most)?;
        let opened = arrays.into_iter();
        let opened =
            opened.map(|(page, array)| (format!("{file}#{page}"), array.and_then(Signal::of)));
        return Ok(Found {
            shown: opened.collect(),
            more,
            cut,
        });
    }
    let locations = locations(location)?;
    let more = locations.len().saturating_sub(most);
    let shown = locations.into_iter().take(most);
    let shown = shown.map(|location| {
        let signal = open(&location, Wanted::Any);
        (location, signal)
    });
    Ok(Found {
        shown: shown.collect(),
        more,
        cut: None,
    })
}

/// The locations of everything in a file that is read as a map or as spectra.
///
/// # Errors
/// When the file is missing or damaged.
pub fn locations(location: &str) -> Result<Vec<String>, DatasetError> {
    let (file, inside) = split(location);
    #[cfg(feature = "hdf5")]
    if is_zarr(file) && inside.is_none() {
        let signals = zarr::signals(file)?.into_iter();
        return Ok(signals
            .map(|info| format!("{file}#{}", info.path))
            .collect());
    }
    if inside.is_some() {
        return Ok(vec![location.to_owned()]);
    }
    if force_map::is_one(file) {
        let channels = force_map::list(file)?.into_iter();
        return Ok(channels.map(|path| format!("{file}#{path}")).collect());
    }
    require_file(file)?;
    let inside = match Format::of(file)? {
        Format::Npy | Format::Ripple => return Ok(vec![file.to_owned()]),
        Format::Npz => {
            let arrays = numpy::list_npz(file)?.into_iter();
            let fitting = arrays.filter(|(_, shape)| array::is_candidate(shape));
            fitting.map(|(name, _)| name).collect()
        }
        Format::Tiff => {
            let pages = tiff::list(file)?.into_iter();
            pages.map(|page| page.to_string()).collect()
        }
        Format::DigitalMicrograph => digital_micrograph::list(file)?,
        Format::NanonisScan => nanonis::scan::list(file)?,
        Format::NanonisGrid => nanonis::grid::list(file)?,
        Format::Igor => igor::list(file)?,
        Format::Hdf5 => hdf5::list_signals(file)?,
    };
    let inside: Vec<String> = inside;
    let location = |path: &String| match path.as_str() {
        "" => file.to_owned(),
        path => format!("{file}#{path}"),
    };
    Ok(inside.iter().map(location).collect())
}

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Npy,
    Npz,
    Tiff,
    DigitalMicrograph,
    NanonisScan,
    NanonisGrid,
    Igor,
    Ripple,
    Hdf5,
}

impl Format {
    /// The format of a file by its extension, or, where that is none that is known, by how it begins.
    fn of(file: &str) -> Result<Self, DatasetError> {
        Ok(match extension(file).as_str() {
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "tif" | "tiff" => Self::Tiff,
            "dm3" | "dm4" => Self::DigitalMicrograph,
            "sxm" => Self::NanonisScan,
            "3ds" => Self::NanonisGrid,
            "ibw" => Self::Igor,
            "rpl" => Self::Ripple,
            "h5" | "hdf5" | "hf5" | "nsid" | "hspy" | "emd" | "nxs" | "nexus" | "h5oina" => {
                Self::Hdf5
            }
            "zspy" | "zarr" => return Err(remedy::zipped(file)),
            _ => return remedy::begins_as(file).ok_or_else(|| remedy::unknown(file)),
        })
    }
}

/// Checks that every value of a map is finite; `what` names the map in the message.
///
/// # Errors
/// When a value is NaN or infinite; names the first in row-major order.
pub fn require_finite(map: &Map, what: &str) -> Result<(), DatasetError> {
    match map.values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(i) => Err(DatasetError::NotFinite {
            what: what.to_owned(),
            value: map.values[i],
            row: i / map.width(),
            column: i % map.width(),
        }),
    }
}

/// The file and the path inside; a `#` that belongs to the name of an existing file stays
/// with it.
fn split(location: &str) -> (&str, Option<&str>) {
    if Path::new(location).exists() {
        return (location, None);
    }
    // What is inside may have a `#` in its name as well: the longest name of something that is there counts.
    let marks = location.rmatch_indices('#');
    let parts = marks.map(|(at, mark)| (&location[..at], &location[at + mark.len()..]));
    let there = parts.clone().find(|(file, _)| Path::new(file).exists());
    match there.or_else(|| parts.clone().next()) {
        Some((file, inside)) => (
            file,
            Some(inside.trim_matches('/')).filter(|s| !s.is_empty()),
        ),
        None => (location, None),
    }
}

/// The location of what is inside a file, as it is given.
fn location_of(file: &str, inside: Option<&str>) -> String {
    match inside {
        Some(inside) => format!("{file}#{inside}"),
        None => file.to_owned(),
    }
}

/// Whether `file` is a folder in which `HyperSpy` writes.
#[cfg(feature = "hdf5")]
fn is_zarr(file: &str) -> bool {
    Path::new(file).is_dir() && matches!(extension(file).as_str(), "zspy" | "zarr")
}

/// Checks that `file` is there and is no folder.
fn require_file(file: &str) -> Result<(), DatasetError> {
    let (path, file) = (Path::new(file), file.to_owned());
    if path.is_file() {
        Ok(())
    } else if path.is_dir() {
        Err(DatasetError::Folder { file })
    } else {
        Err(DatasetError::Missing { file })
    }
}

fn extension(file: &str) -> String {
    let extension = Path::new(file).extension().unwrap_or_default();
    extension.to_string_lossy().to_lowercase()
}

/// The name of a file without folder and extension: the quantity of formats that name none.
fn stem(file: &str) -> String {
    let stem = Path::new(file).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// A shape as messages show it: `50x50x64`.
fn shape_text(shape: &[usize]) -> String {
    let sizes: Vec<String> = shape.iter().map(ToString::to_string).collect();
    if sizes.is_empty() {
        "scalar".to_owned()
    } else {
        sizes.join("x")
    }
}

/// Text from a file or an instrument on one line, without the characters that command a terminal.
pub fn plain(text: &str) -> String {
    let shown = |c: char| match c {
        '\n' | '\r' | '\t' => vec![' '],
        c if c.is_control() || is_direction(c) => c.escape_unicode().collect(),
        c => vec![c],
    };
    text.chars().flat_map(shown).collect()
}

/// Whether a character changes the direction of what follows, and so what a reader takes it for.
fn is_direction(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// For formats that hold a single array: a path inside is a mistake.
fn refuse_inside(file: &str, inside: Option<&str>) -> Result<(), DatasetError> {
    match inside {
        None => Ok(()),
        Some(inside) => Err(DatasetError::UnknownInside {
            file: file.to_owned(),
            inside: inside.to_owned(),
            available: "one array only: leave out the path".to_owned(),
        }),
    }
}

#[cfg(all(test, feature = "hdf5"))]
mod instrument_samples;
#[cfg(all(test, feature = "hdf5"))]
mod instrument_tests;
#[cfg(all(test, feature = "hdf5"))]
mod mutations;
#[cfg(all(test, feature = "hdf5"))]
mod samples;
#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
