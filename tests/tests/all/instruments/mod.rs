//! Instruments and programs outside this one: servers in Python, and what opens our results.

mod bridge;
mod campaigns;
mod cases;
mod command_kills;
mod dtmicroscope;
mod files;
mod kills;
mod result_file;

use std::path::{Path, PathBuf};

/// A Python that has the programs; nothing where there is none and none is demanded.
fn python() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let python = std::env::var_os("BEACON_INSTRUMENTS_PYTHON")
        .map_or_else(|| root.join("target/instruments/bin/python"), PathBuf::from);
    if python.is_file() {
        return Some(python);
    }
    assert!(
        std::env::var_os("BEACON_REQUIRE_INSTRUMENTS").is_none_or(|v| v != "1"),
        "{} is missing: run tests/instruments/install",
        python.display()
    );
    println!("skipped: tests/instruments/install has not run");
    None
}
