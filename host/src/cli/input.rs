//! Images and responses from files, and folders for results.

use std::path::{Path, PathBuf};

use crate::dataset::{self, Dataset};
use crate::map::Map;
use crate::microscope::Replay;
use crate::scalarizer::Scalarizer;

use super::Failure;

/// Reads an image and a response of the same area.
pub(super) fn read_replay(
    image: &str,
    response: &str,
    scalarizer: Option<&Scalarizer>,
) -> Result<Replay, Failure> {
    let image = dataset::read_map(image).map_err(|e| Failure::input(&e))?;
    dataset::require_finite(&image, "the image").map_err(|e| Failure::input(&e))?;
    let response = read_response(response, scalarizer)?;
    Replay::new(image, response).map_err(|e| Failure::input(&e))
}

fn read_response(location: &str, scalarizer: Option<&Scalarizer>) -> Result<Map, Failure> {
    match (
        dataset::read(location).map_err(|e| Failure::input(&e))?,
        scalarizer,
    ) {
        (Dataset::Map(map), None) => Ok(map),
        (Dataset::Spectra(spectra), Some(scalarizer)) => {
            scalarizer.map(&spectra).map_err(|e| Failure::input(&e))
        }
        (Dataset::Map(map), Some(scalarizer)) => Err(Failure::Input(format!(
            "`{location}` is a map of {} x {}, which needs no scalarizer; leave out \
             `--scalarizer {scalarizer}`",
            map.height(),
            map.width()
        ))),
        (Dataset::Spectra(spectra), None) => Err(Failure::Input(format!(
            "`{location}` holds {} x {} spectra of {} channels; say how each becomes a number \
             with --scalarizer: sum, window:LO..HI, line:Pd-La, loop-height or loop-area",
            spectra.height(),
            spectra.width(),
            spectra.coordinates.len()
        ))),
    }
}

/// The folder for results: the one asked for, or the first free one below `runs`.
pub(super) fn folder_for(out: Option<&Path>, name: &str) -> PathBuf {
    if let Some(out) = out {
        return out.to_owned();
    }
    (1..)
        .map(|n: u32| Path::new("runs").join(format!("{name}-{n}")))
        .find(|folder| !folder.exists())
        .unwrap_or_else(|| Path::new("runs").join(name))
}

/// Refuses a folder that cannot be one, before anything is measured for it.
pub(super) fn check_folder(folder: &Path) -> Result<(), Failure> {
    let mut existing = folder;
    while !existing.exists() {
        match existing.parent() {
            Some(parent) if parent != Path::new("") => existing = parent,
            _ => return Ok(()),
        }
    }
    if existing.is_dir() {
        return Ok(());
    }
    Err(Failure::Input(format!(
        "`{}` is a file; expected a folder for the results",
        existing.display()
    )))
}
