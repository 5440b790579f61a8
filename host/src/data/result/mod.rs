//! What a campaign leaves behind, in one HDF5 file that `HyperSpy` and sidpy open as it is.
//!
//! Every array is written once and described twice: as a `HyperSpy` signal, by the groups around
//! it, and as an NSID main dataset, by its own attributes and the dimension scales beside it.
//!
//! ```text
//! provenance                  what led to the numbers, a text attribute each
//! Experiments/image           overview: rows × columns
//! Experiments/mean, …         maps over it, NaN where there is no candidate
//! Experiments/points          a row a point, a column a quantity; NaN where it is not known
//! Experiments/spectra         a spectrum a point: points × channels
//! Experiments/*/data                 the numbers: HyperSpy's and NSID's
//!               axis-0, …            HyperSpy's axes
//!               metadata             HyperSpy's title, quantity, kind of signal, beam and times; `Columns` of
//!                                    the points, and `Channels` of a sweep that turns back, which
//!                                    no axis of HyperSpy can hold
//!               original_metadata    the same object as `provenance`
//!               y, x, point, …       NSID's axes, a value an index
//! ```
//!
//! Formats: HyperSpy's `hspy` 3.3 (RosettaSciIO, `_hierarchical.py`) and NSID (pyNSID,
//! `hdf_utils.check_if_main`). All text is of variable length and UTF-8, which h5py hands to both
//! as `str`; text of fixed length arrives as bytes. Dimension scales are references in attributes,
//! which is why `rust-hdf5` writes these files and not `hdf5-pure`, which has none.

mod conditions;
mod error;
mod file;
mod points;
mod signal;
mod spectra;

use std::io;
use std::path::Path;

use rust_hdf5::{H5File, H5Group};

pub use error::ResultError;
pub use points::PointRow;

use crate::data::files::Conditions;
use crate::data::{Channels, Map};
use signal::{Signal, SignalAxis};

/// A response that spectra were reduced to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Response<'a> {
    /// Name of the scalarizer, such as `line:Pd-La`.
    pub name: &'a str,
    /// Units of the response; empty when unknown.
    pub units: &'a str,
}

/// The spectra of the points, fetched one at a time, so that they need not be in memory.
#[derive(Clone, Copy)]
pub struct PointSpectra<'a> {
    /// What the numbers of a spectrum are.
    pub channels: &'a Channels,
    /// Replaces the content of the buffer by the spectrum of a point, a value a channel. Called
    /// twice for each point: before the first is written, the file needs to know how wide its
    /// numbers must be.
    pub fetch: &'a dyn Fn(usize, &mut Vec<f64>) -> io::Result<()>,
}

/// The parts of a campaign's result.
#[derive(Clone, Copy)]
pub struct ResultFile<'a> {
    /// The overview image.
    pub image: &'a Map,
    /// The beam, and the times of each spectrum where all took the same.
    pub conditions: Conditions,
    /// The points in the order they were measured.
    pub points: &'a [PointRow],
    /// What [`PointRow::responses`] are, in their order.
    pub responses: &'a [Response<'a>],
    /// Which of `responses` the campaign was about.
    pub target: usize,
    /// The spectra of the points; `None` where the experiment has none.
    pub spectra: Option<PointSpectra<'a>>,
    /// Further maps by name, such as `mean` and `sigma` of the surrogate: letters, digits, `-`
    /// and `_`.
    pub maps: &'a [(&'a str, &'a Map)],
    /// What led to the numbers by name: versions, seeds, configuration, build, hashes.
    pub provenance: &'a [(&'a str, &'a str)],
}

const EXPERIMENTS: &str = "Experiments";
const PROVENANCE: &str = "provenance";
/// Names of the signals that every file has.
const RESERVED: [&str; 3] = ["image", "points", "spectra"];

impl ResultFile<'_> {
    /// Writes the file, whole or not at all: what was at `path` stays until the new file is on
    /// the disk. Memory does not grow with the spectra.
    ///
    /// `HyperSpy` chooses its reader by the extension, which should be `.hspy`.
    ///
    /// # Errors
    /// When the parts contradict each other, a spectrum cannot be fetched, or the file cannot be
    /// written; then nothing is left of it.
    pub fn write(&self, path: &Path) -> Result<(), ResultError> {
        self.check()?;
        file::replace(path, |partial| {
            let created = H5File::create(partial).map_err(|e| ResultError::encoder(path, &e))?;
            let content = self.content(&created, path);
            // Also after an error, which is the one worth telling: the encoder would otherwise
            // finish the file on its own, and complain on stderr.
            let closed = created.close().map_err(|e| ResultError::encoder(path, &e));
            content.and(closed)
        })
    }

    fn check(&self) -> Result<(), ResultError> {
        let accepted = self.responses.len();
        if self.target >= accepted {
            return Err(ResultError::Target {
                target: self.target,
                responses: accepted,
            });
        }
        for (point, row) in self.points.iter().enumerate() {
            if row.responses.len() != accepted {
                return Err(ResultError::Responses {
                    point,
                    found: row.responses.len(),
                    accepted,
                });
            }
        }
        for (i, (name, _)) in self.maps.iter().enumerate() {
            let is_word = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
            let is_new =
                !RESERVED.contains(name) && self.maps[..i].iter().all(|(other, _)| other != name);
            if name.is_empty() || !name.chars().all(is_word) || !is_new {
                return Err(ResultError::MapName {
                    name: (*name).to_owned(),
                });
            }
        }
        Ok(())
    }

    fn content(&self, file: &H5File, path: &Path) -> Result<(), ResultError> {
        let encoder = |e| ResultError::encoder(path, &e);
        let root = file.root_group();
        root.set_attr_string("file_format", "HyperSpy")
            .map_err(encoder)?;
        root.set_attr_string("file_format_version", signal::HSPY_VERSION)
            .map_err(encoder)?;
        let provenance = file.create_group(PROVENANCE).map_err(encoder)?;
        for (name, text) in self.provenance {
            provenance.set_attr_string(name, text).map_err(encoder)?;
        }
        file.create_group(EXPERIMENTS).map_err(encoder)?;
        let image = map(file, "image", self.image).map_err(encoder)?;
        let times_unknown = Conditions {
            dwell: None,
            live_time: None,
            ..self.conditions
        };
        conditions::write(&image, &times_unknown, "").map_err(encoder)?;
        for (name, content) in self.maps {
            map(file, name, content).map_err(encoder)?;
        }
        points::write(file, self).map_err(encoder)?;
        match &self.spectra {
            Some(spectra) if !self.points.is_empty() => {
                let group = spectra::write(file, self, spectra, path)?;
                let kind = conditions::signal_type(spectra.channels, &self.conditions);
                conditions::write(&group, &self.conditions, kind).map_err(encoder)
            }
            _ => Ok(()),
        }
    }
}

fn map(file: &H5File, name: &str, map: &Map) -> rust_hdf5::Result<H5Group> {
    let signal = Signal {
        name,
        quantity: &map.quantity,
        units: &map.units,
        hyperspy_type: "",
        sidpy_type: "IMAGE",
        axes: &[
            SignalAxis::even(&map.rows, "SPATIAL", false),
            SignalAxis::even(&map.columns, "SPATIAL", false),
        ],
    };
    let (group, data) = signal.create::<f64>(file)?;
    data.write_raw(&map.values)?;
    Ok(group)
}

#[cfg(test)]
mod tests;
