//! Running the program, and files to run it on.

#![allow(unreachable_pub)]

use std::path::Path;
use std::process::{Command, Output};

use beacon_host::data::npy;

/// Runs the program in a folder, with a cache of the tests' own: never the user's.
pub fn beacon(arguments: &[&str], folder: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_beacon"))
        .args(arguments)
        .current_dir(folder)
        .env("BEACON_CACHE", env!("CARGO_TARGET_TMPDIR"))
        .output()
        .expect("the program starts")
}

/// Output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// Writes an array of float64 in C order.
pub fn write_npy(file: &Path, shape: &[usize], values: impl Iterator<Item = f64>) {
    let mut bytes = Vec::new();
    npy::write(&mut bytes, shape, values).unwrap();
    std::fs::write(file, bytes).unwrap();
}
