//! Reading the published runs.

use crate::{Outcome, Pixels};
use beacon_host::data::npy::{Npy, Number};
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

pub(crate) fn npy(path: &Path) -> Outcome<Vec<f64>> {
    Ok(Npy::new(BufReader::new(File::open(path)?))?.values(Number::to_float)?)
}

pub(crate) fn indices(path: &Path) -> Outcome<Vec<usize>> {
    Ok(npy(path)?.into_iter().map(|i| i as usize).collect())
}

pub(crate) fn coords(path: &Path) -> Outcome<Pixels> {
    Ok(indices(path)?
        .chunks_exact(2)
        .map(|pixel| (pixel[0], pixel[1]))
        .collect())
}

/// The column `patch_index` of a published run.
pub(crate) fn order(path: &Path) -> Outcome<Vec<usize>> {
    column(path, "patch_index")
}

/// A column of a table by its name.
pub(crate) fn column<T>(path: &Path, name: &str) -> Outcome<Vec<T>>
where
    T: std::str::FromStr<Err: std::error::Error + 'static>,
{
    let mut reader = csv::Reader::from_path(path)?;
    let position = reader.headers()?.iter().position(|known| known == name);
    let position = position.ok_or_else(|| format!("{}: no column {name}", path.display()))?;
    let cell = |row: csv::Result<csv::StringRecord>| Ok(row?[position].parse()?);
    reader.records().map(cell).collect()
}

pub(crate) fn at(candidates: &[(usize, usize)], order: &[usize]) -> Pixels {
    order.iter().map(|i| candidates[*i]).collect()
}
