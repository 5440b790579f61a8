//! The wording of mistakes, and files that are damaged.

#[cfg(feature = "hdf5")]
use super::samples::{LINKS, TYPES, bytes};
use super::testing::{npy, written};
#[cfg(feature = "hdf5")]
use super::testing::{nsid_file, shared};
use super::*;

#[test]
#[cfg(feature = "hdf5")]
fn a_damaged_file_is_an_error_and_never_a_panic() {
    let files = [
        ("a.npy", npy("<f8", false, "2, 3", &[0; 48])),
        ("a.h5", nsid_file()),
        ("links.h5", bytes(LINKS)),
        ("types.h5", bytes(TYPES)),
        (
            "a.tif",
            shared("stem-edx/haadf.tiff").map_or_else(Vec::new, |f| std::fs::read(f).unwrap()),
        ),
        (
            "a.hspy",
            shared("eds/haadf_eds_64_image.hspy")
                .map_or_else(Vec::new, |f| std::fs::read(f).unwrap()),
        ),
    ];
    for (name, whole) in files {
        for part in 0..16 {
            let (_folder, file) = written(name, &whole[..whole.len() * part / 16]);
            let message = read(&file).unwrap_err().to_string();
            assert!(
                message.contains(name) && !message.contains('\n'),
                "{message}"
            );
        }
        // Flipped bytes may go unnoticed in the values; they must not end the program.
        for place in (0..whole.len()).step_by(whole.len() / 150 + 1) {
            let mut spoilt = whole.clone();
            spoilt[place] ^= 0x55;
            let (_folder, file) = written(name, &spoilt);
            let _ = read(&file);
        }
    }
}

#[test]
fn mistakes_in_the_location_say_what_is_accepted() {
    let message = |location: &str| read(location).unwrap_err().to_string();
    assert_eq!(message("nowhere.npy"), "`nowhere.npy`: no such file");
    assert_eq!(message("nowhere.h5#a/b"), "`nowhere.h5`: no such file");
    let folder = tempfile::tempdir().unwrap();
    let name = folder.path().to_string_lossy();
    let expected = format!("`{name}`: is a folder; give one of the files in it");
    assert_eq!(message(&name), expected);
    assert_eq!(message(&format!("{name}#a")), expected);
    assert_eq!(list_hdf5(&name).unwrap_err().to_string(), expected);
    let (_folder, file) = written("image.png", b"");
    assert!(message(&file).contains("unknown extension `png`; accepted are .npy, .npz, .tif"));
    let (_folder, file) = written("a.npy", &npy("|u1", false, "1, 1", &[7]));
    assert!(message(&format!("{file}#b")).contains("leave out the path"));
}

#[test]
#[cfg(not(feature = "hdf5"))]
fn a_file_whose_reader_is_not_compiled_in_is_refused_with_the_name_of_the_feature() {
    for name in ["a.h5", "a.hdf5", "a.nsid", "a.hspy"] {
        let (_folder, file) = written(name, b"");
        let expected = format!(
            "`{file}`: this build does not read such files; build it with the feature `hdf5`"
        );
        assert_eq!(read(&file).unwrap_err().to_string(), expected);
        assert_eq!(list_hdf5(&file).unwrap_err().to_string(), expected);
    }
}

#[test]
fn the_first_value_that_is_not_finite_is_named() {
    let mut map = Map::uncalibrated(2, 3, vec![0.0; 6], "response");
    require_finite(&map, "response").unwrap();
    (map.values[4], map.values[5]) = (f64::NAN, f64::INFINITY);
    let message = require_finite(&map, "the response")
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "the response is NaN at row 1, column 1; every value must be finite"
    );
}

#[test]
fn a_file_of_another_format_names_the_program_and_the_line_that_convert_it() {
    for (name, line) in [
        ("a.bcf", "hs.load("),
        ("a.BLO", "hs.load("),
        ("README.md", "numpy.save(\"README.npy\", VALUES)"),
        ("a", "numpy.save(\"a.npy\", VALUES)"),
        ("a.png", "PIL.Image.open("),
        ("a.csv", "delimiter=\",\""),
        ("a.gwy", "SciFiReaders.GwyddionReader("),
    ] {
        let (_folder, file) = written(name, b"anything else");
        let message = read(&file).unwrap_err().to_string();
        assert!(
            message.contains(line) && message.contains(name),
            "{message}"
        );
    }
    // What begins as a file that is read is one, whatever it is called.
    let (_folder, file) = written("a.dat", &npy("|u1", false, "1, 2", &[7, 8]));
    assert_eq!(read_map(&file).unwrap().values, [7.0, 8.0]);
}

#[test]
fn text_of_files_is_shown_without_what_commands_a_terminal() {
    assert_eq!(
        plain("\u{1b}[31mred\u{7}\u{202e}\n µm"),
        "\\u{1b}[31mred\\u{7}\\u{202e}  µm"
    );
    let header = "\u{1b}]0;title\u{7}";
    let (_folder, file) = written("a.npy", &npy(header, false, "1, 2", &[7, 8]));
    let message = read(&file).unwrap_err().to_string();
    assert!(!message.contains(char::is_control), "{message:?}");
}

#[test]
fn values_are_not_read_where_they_would_take_more_memory_than_they_may() {
    let (_folder, file) = written("a.npy", &npy("<f8", false, "2, 3", &[0; 48]));
    let signal = || open(&file, Wanted::Any).unwrap();
    assert_eq!(signal().area(), (2, 3));
    assert!(signal().read(48).is_ok());
    let message = signal().read(47).unwrap_err().to_string();
    assert!(
        message.contains("2x3") && message.contains("--most-memory"),
        "{message}"
    );
    // A header that promises more than follows is refused before its values are set aside.
    let (_folder, file) = written("vast.npy", &npy("<f8", false, "1000000, 1000000", &[0; 48]));
    let message = read(&file).unwrap_err().to_string();
    assert!(message.contains("cut off after"), "{message}");
}
