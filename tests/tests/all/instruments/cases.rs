//! Files that were read wrongly once, and files that say more than they hold: those beside the repository, and
//! those that `hostile_files.py` writes.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use beacon_host::data::files::{self, Dataset, Wanted};

use super::files::{expectations, run};

/// A folder of cases beside the repository; nothing, said aloud, where it is absent.
fn cases(name: &str) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/cases");
    let folder = folder.join(name);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: the cases are absent ({})", folder.display());
    None
}

/// Shape and values of a location; with rows and columns exchanged, where that is asked for.
fn values(location: &Path, turned: bool) -> (Vec<usize>, Vec<f64>) {
    let signal = files::open(&location.to_string_lossy(), Wanted::Any).unwrap();
    let signal = if turned { signal.transposed() } else { signal };
    match signal.read(files::MOST_MEMORY).unwrap() {
        Dataset::Map(map) => (vec![map.height(), map.width()], map.values),
        Dataset::Spectra(spectra) => {
            let (height, width) = (spectra.height(), spectra.width());
            let pixels = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
            let values = pixels.flat_map(|(row, column)| spectra.at(row, column));
            (vec![height, width, spectra.channels.size], values.collect())
        }
    }
}

/// Oracle: `truth_yxe.npy`, and sums that NumPy and tifffile give.
#[test]
fn files_that_were_read_wrongly_are_read_right() {
    let Some(folder) = cases("files") else {
        return;
    };
    let read = |name: &str| values(&folder.join(name), false);
    let truth = read("truth_yxe.npy");
    for name in [
        "signal_axis_first.hspy",
        "functional_axis.hspy",
        "blosc.hspy",
        "zstd.hspy",
        "half.npy",
    ] {
        assert!(read(name) == truth, "{name}");
    }
    for name in ["nsid_x_first.h5", "pytemlib_default.hf5"] {
        let location = folder.join(name);
        assert!(values(&location, true) == truth, "{name}");
        let image = folder.join("image.npy");
        let open = |path: &Path| files::open(&path.to_string_lossy(), Wanted::Any).unwrap();
        let told = files::orientation(&open(&image), &open(&location)).unwrap();
        assert!(told.contains("--transpose"), "{told}");
    }
    for (name, sum) in [
        ("image.npy", 7_322.386_192_998_849),
        ("mask.npy", 353.0),
        ("one_bit.tif", 353.0),
        ("min_is_white_u8.tif", 12_792.0),
        ("ome_half_nm.ome.tif", 188_184.0),
        ("rgb_page_then_data_page.tif", 3_768_192.0),
        ("interrupted_scan.npy", 99_758.0),
    ] {
        let (shape, values) = read(name);
        assert_eq!(shape, [24, 24], "{name}");
        let known = values.iter().filter(|value| value.is_finite());
        let found: f64 = known.sum();
        assert!((found - sum).abs() <= 1e-9 * sum, "{name}: {found}");
    }
    let (_, interrupted) = read("interrupted_scan.npy");
    let first_missing = interrupted.iter().position(|value| value.is_nan());
    assert_eq!(first_missing, Some(12 * 24));
    assert_eq!(read("nsid_line_scan.h5").0, [24, 1, 24]);

    let opened = |name: &str| {
        let location = folder.join(name).to_string_lossy().into_owned();
        files::open(&location, Wanted::Any).unwrap()
    };
    let page = opened("ome_half_nm.ome.tif");
    let of_half =
        |axis: &&beacon_host::data::Axis| (axis.scale, axis.units.as_str()) == (0.5, "nm");
    assert!(page.axes().iter().all(of_half));
    let functional = opened("functional_axis.hspy");
    let axes = functional.axes_with_values();
    let (axis, listed) = axes[2];
    assert_eq!(
        (axis.name.as_str(), axis.units.as_str()),
        ("Wavelength", "nm")
    );
    assert!((listed.unwrap()[0] - 12.398).abs() < 1e-2);
}

/// `beacon look` with 2 s of a processor and 200 MB of addresses.
fn look(file: &Path) -> Output {
    let limited = "ulimit -v 204800 && ulimit -t 2 && exec \"$0\" look \"$1\"";
    let mut command = Command::new("sh");
    command.args(["-c", limited, env!("CARGO_BIN_EXE_beacon-under-test")]);
    command.arg(file).output().unwrap()
}

fn assert_refused(file: &Path, word: &str) {
    let output = look(file);
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{}: {told}", file.display());
    assert_eq!(told.lines().count(), 1, "{}: {told}", file.display());
    assert!(told.contains(word) && told.len() < 1000, "`{word}`: {told}");
}

#[cfg(target_os = "linux")]
#[test]
fn hostile_files_are_refused_within_two_seconds_and_200_megabytes() {
    let folder = tempfile::tempdir().unwrap();
    if run("hostile_files.py", &[folder.path()]).is_some() {
        for (name, word) in expectations(&folder.path().join("expected.json")) {
            assert_refused(&folder.path().join(name), word.as_str().unwrap());
        }
    }
    let Some(folder) = cases("hostile") else {
        return;
    };
    assert_refused(&folder.join("h2.h5"), "--most-memory");
    assert_refused(&folder.join("npy-nest-20.npy"), "`fortran_order`");
    let circle = look(&folder.join("h5-cycle-2.h5"));
    let told = String::from_utf8_lossy(&circle.stdout);
    assert!(circle.status.success(), "{told}");
    // One dataset, once.
    assert_eq!(
        told.matches("a map, rows x columns 24 x 24 of d").count(),
        1,
        "{told}"
    );
}

#[test]
fn a_run_warns_of_a_file_that_is_stored_columns_first_and_keeps_the_warning() {
    let Some(folder) = cases("files") else {
        return;
    };
    let out = tempfile::tempdir().unwrap();
    let warned = |more: &[&str], name: &str| {
        let out = out.path().join(name);
        let [image, response] = ["image.npy", "nsid_x_first.h5"].map(|file| folder.join(file));
        let output = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
            .args(["run", "--window", "4", "--scalarizer", "sum"])
            .args(["--initial", "8", "--budget", "10", "--out"])
            .arg(&out)
            .arg("--microscope")
            .arg(format!("replay:{},{}", image.display(), response.display()))
            .args(more)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        let summary = std::fs::read_to_string(out.join("summary.json")).unwrap();
        let said = "named `x`, then `y`, as if it stored columns first";
        (told.contains(said), summary.contains(said))
    };
    assert_eq!(warned(&[], "as stored"), (true, true));
    assert_eq!(warned(&["--transpose"], "turned"), (false, false));
    assert_eq!(warned(&["--most-memory", "1M"], "little"), (true, true));
}
