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
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--edges", "normal,build"])
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
    let tree = String::from_utf8(tree.stdout).expect("names are UTF-8");
    let names: Vec<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
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
