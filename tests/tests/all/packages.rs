//! What the program is built from.

use std::process::Command;

/// Packages that compile C or assembly, or look for libraries that were.
const COMPILERS: [&str; 6] = ["bindgen", "cc", "cmake", "nasm-rs", "pkg-config", "vcpkg"];

/// Packages named as bindings that declare the calls of a system and compile nothing.
const DECLARATIONS: [&str; 1] = ["linux-raw-sys"];

/// The README promises that nothing but the Rust toolchain is needed. `tests/packages` holds all
/// systems to it where `cargo-deny` can be had; this, the system at hand, anywhere.
#[test]
fn nothing_is_compiled_from_c() {
    let tree = tree(&["--workspace", "--edges", "normal,build"]);
    let names = names(&tree);
    assert!(
        names.contains(&"beacon-host") && names.contains(&"libm"),
        "{tree}"
    );
    for name in names {
        let compiles =
            COMPILERS.contains(&name) || name.ends_with("-sys") && !DECLARATIONS.contains(&name);
        assert!(
            !compiles,
            "`{name}` is compiled from C: `cargo tree --invert {name}`"
        );
    }
}

/// What the program needs and a library that runs campaigns does not.
#[test]
fn without_features_a_campaign_needs_no_command_line_no_hdf5_and_no_figures() {
    let of = |features: &[&str]| {
        let package = ["--package", "beacon-host", "--edges", "normal"];
        tree(&[&package, features].concat())
    };
    let (program, library) = (of(&[]), of(&["--no-default-features"]));
    let (program, library) = (names(&program), names(&library));
    for name in [
        "clap",
        "epaint_default_fonts",
        "hdf5-pure",
        "indicatif",
        "plotters",
        "png",
        "rust-hdf5",
        "signal-hook",
    ] {
        assert!(program.contains(&name), "{name}");
        assert!(!library.contains(&name), "{name}");
    }
}

fn names(tree: &str) -> Vec<&str> {
    tree.lines()
        .filter_map(|line| line.split(' ').next())
        .collect()
}

/// What `cargo tree` says, a package a line.
fn tree(arguments: &[&str]) -> String {
    let tree = Command::new(env!("CARGO"))
        .arg("tree")
        .args(arguments)
        .args([
            "--prefix",
            "none",
            "--format",
            "{p}",
            "--locked",
            "--offline",
        ])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .expect("cargo starts");
    let complaint = String::from_utf8_lossy(&tree.stderr);
    assert!(tree.status.success(), "{complaint}");
    String::from_utf8(tree.stdout).expect("names are UTF-8")
}
