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
fn dev_variants() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/variants");
    let text = std::fs::read_to_string(folder.join("expected.json")).unwrap().replace("NaN", "null");
    let expected: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&text).unwrap();
    let mut wrong = 0;
    for (name, expected) in &expected {
        let location = folder.join(name).to_string_lossy().into_owned();
        let kind = expected["kind"].as_str().unwrap();
        let told = match read(&location) {
            Err(error) => {
                let message = error.to_string();
                let words = expected["words"].as_array().cloned().unwrap_or_default();
                if kind == "refused" && words.iter().all(|w| message.contains(w.as_str().unwrap())) { continue; }
                message
            }
            Ok(_) if kind == "refused" => "is read".to_owned(),
            Ok(found) => {
                let (shape, values, axes) = match &found {
                    Dataset::Map(m) => (vec![m.height(), m.width()], m.values.clone(), vec![(m.rows.values(), m.rows.units.clone()), (m.columns.values(), m.columns.units.clone())]),
                    Dataset::Spectra(s) => {
                        let mut v = Vec::new();
                        for r in 0..s.height() { for c in 0..s.width() { v.extend(s.at(r, c)); } }
                        (vec![s.height(), s.width(), s.channels.size], v, vec![(s.rows.values(), s.rows.units.clone()), (s.columns.values(), s.columns.units.clone()), (s.coordinates.clone(), s.channels.units.clone())])
                    }
                };
                let wanted: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
                let wv: Vec<f64> = serde_json::from_value(expected["values"].clone()).unwrap();
                let most = if kind == "about" { 2.0 } else { 0.0 };
                if shape != wanted { format!("shape {shape:?} {wanted:?}") }
                else if let Some(p) = values.iter().zip(&wv).position(|(a, b)| !((a - b).abs() <= most)) { format!("value {p}: {} {}", values[p], wv[p]) }
                else {
                    let mut t = String::new();
                    for ((f, u), w) in axes.iter().zip(expected["axes"].as_array().unwrap()) {
                        let wu = w[1].as_str().unwrap();
                        let wv: Vec<f64> = serde_json::from_value(w[0].clone()).unwrap();
                        if u != wu || f.len() != wv.len() || !f.iter().zip(&wv).all(|(a, b)| (a - b).abs() <= 1e-9 * b.abs().max(1e-3)) { t = format!("axis {f:?} {u} {wv:?} {wu}"); }
                    }
                    if t.is_empty() { continue; }
                    t
                }
            }
        };
        wrong += 1;
        println!("WRONG {name}: {}", told.chars().take(400).collect::<String>());
    }
    println!("{wrong} of {}", expected.len());
}
