//! Hands the linker the memory map of the chosen board.

use std::path::Path;
use std::{env, fs};

fn main() {
    println!("cargo:rerun-if-changed=memory");
    println!("cargo:rerun-if-env-changed=BEACON_BUILD");
    // The commit, when `build` knows it.
    let build = env::var("BEACON_BUILD").unwrap_or_else(|_| "unknown".into());
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets CARGO_PKG_VERSION");
    println!("cargo:rustc-env=BEACON_BUILD={version} {build}");
    let chosen = |board: &str| {
        let name = board.to_uppercase().replace('-', "_");
        env::var_os(format!("CARGO_FEATURE_{name}")).is_some()
    };
    let boards: Vec<&str> = ["mps2-an500", "mps2-an505", "nucleo-h743zi"]
        .into_iter()
        .filter(|board| chosen(board))
        .collect();
    let board = match boards[..] {
        [] => return,
        [board] => board,
        _ => panic!("choose one board, found {}", boards.join(" and ")),
    };
    let out = env::var("OUT_DIR").expect("cargo sets OUT_DIR");
    let out = Path::new(&out);
    let map = match env::var_os("CARGO_FEATURE_PSRAM") {
        Some(_) => format!("memory/{board}-psram.x"),
        None => format!("memory/{board}.x"),
    };
    fs::copy(map, out.join("memory.x")).expect("memory map");
    fs::copy("memory/sections.x", out.join("sections.x")).expect("sections");
    if board.starts_with("mps2") {
        // Every interrupt of these boards has a handler in its own table.
        fs::write(out.join("device.x"), "").expect("device.x");
    }
    println!("cargo:rustc-link-search={}", out.display());
    if env::var_os("CARGO_FEATURE_DEFMT").is_some() {
        println!("cargo:rustc-link-arg-bins=-Tdefmt.x");
    }
}
