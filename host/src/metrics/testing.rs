//! The published benchmark for tests, which say so where it is absent.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use crate::data::npy::{Npy, Number};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/pfm")
}

fn npy(name: &str) -> Vec<f64> {
    let reader = BufReader::new(File::open(folder().join(name)).unwrap());
    let npy = Npy::new(reader).unwrap();
    npy.values(Number::to_float).unwrap()
}

/// The response of every pixel of the 50 × 50, row-major, and that of every candidate.
pub(super) fn response() -> Option<(Vec<f64>, Vec<f64>)> {
    if !folder().is_dir() {
        println!("skipped: the PFM data are absent ({})", folder().display());
        return None;
    }
    let flattened = npy("scalarizer.npy");
    let coords = npy("coords.npy");
    let pixels = coords
        .chunks_exact(2)
        .map(|rc| (rc[0] * 50.0 + rc[1]) as usize);
    let truth = pixels.map(|pixel| flattened[pixel]).collect();
    Some((flattened, truth))
}

/// The candidates of a published run, in the order they were measured.
pub(super) fn published_order(run: &str) -> Vec<usize> {
    let file = folder().join(format!("published_{run}.csv"));
    let mut table = csv::Reader::from_path(file).unwrap();
    let headers = table.headers().unwrap();
    let column = headers.iter().position(|name| name == "patch_index");
    let cell = |row: csv::StringRecord| row[column.unwrap()].parse().unwrap();
    table.records().map(|row| cell(row.unwrap())).collect()
}
