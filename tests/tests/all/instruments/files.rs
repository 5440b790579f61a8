//! Files of the field in their variants, written by the programs of the field: HyperSpy, sidpy, h5py,
//! tifffile and NumPy. What they hold is told by the same programs.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use beacon_host::data::files::{self, Dataset};
use serde_json::Value;

use super::python;

/// Whether two numbers are the same to the last bit of the narrower of their types.
fn same(found: f64, expected: f64) -> bool {
    found == expected || (found.is_nan() && expected.is_nan())
}

/// Numbers of an axis, which files keep as offset and step.
fn close(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= 1e-9 * expected.abs().max(1e-3)
}

/// A unit of length in metres.
fn metres(units: &str) -> Option<f64> {
    match units {
        "m" => Some(1.0),
        "mm" => Some(1e-3),
        "µm" => Some(1e-6),
        "nm" => Some(1e-9),
        "pm" => Some(1e-12),
        _ => None,
    }
}

/// What was compared of a location, and whether it was right; nothing where there was nothing to compare.
#[derive(Clone, Copy, Debug, Default)]
struct Judged {
    /// It is read, as it should be.
    read: Option<bool>,
    /// It is refused with the words that it should be.
    refused: Option<bool>,
    /// Every value is that of the reference.
    values: Option<bool>,
    /// Every value of every axis that the file calibrates.
    axes: Option<bool>,
    /// The units of these axes.
    units: Option<bool>,
}

/// What is right about a location, and what is wrong; nothing where it is as expected.
fn judge(location: &str, expected: &Value) -> (Judged, Option<String>) {
    let mut judged = Judged::default();
    let kind = expected["kind"].as_str().unwrap();
    let found = match files::read(location) {
        Ok(found) => found,
        Err(error) if kind == "refused" => {
            let message = error.to_string();
            let words = expected["words"].as_array().cloned().unwrap_or_default();
            let holds = |word: &Value| message.contains(word.as_str().unwrap());
            let said = words.iter().all(holds);
            judged.refused = Some(said);
            return (judged, (!said).then_some(message));
        }
        Err(error) => {
            judged.read = Some(false);
            return (judged, Some(error.to_string()));
        }
    };
    if kind == "refused" {
        judged.refused = Some(false);
        return (judged, Some("is read".to_owned()));
    }
    let fault = compare(&found, expected, &mut judged);
    (judged, fault)
}

fn compare(found: &Dataset, expected: &Value, judged: &mut Judged) -> Option<String> {
    let (shape, values, axes) = match found {
        Dataset::Map(map) => (
            vec![map.height(), map.width()],
            map.values.clone(),
            vec![
                (map.rows.values(), &map.rows.units),
                (map.columns.values(), &map.columns.units),
            ],
        ),
        Dataset::Spectra(spectra) => {
            let (height, width) = (spectra.height(), spectra.width());
            let pixels = (0..height).flat_map(|row| (0..width).map(move |column| (row, column)));
            (
                vec![height, width, spectra.channels.size],
                pixels
                    .flat_map(|(row, column)| spectra.at(row, column))
                    .collect(),
                vec![
                    (spectra.rows.values(), &spectra.rows.units),
                    (spectra.columns.values(), &spectra.columns.units),
                    (spectra.coordinates.clone(), &spectra.channels.units),
                ],
            )
        }
    };
    let wanted: Vec<usize> = serde_json::from_value(expected["shape"].clone()).unwrap();
    judged.read = Some(shape == wanted);
    if shape != wanted {
        return Some(format!("has shape {shape:?}, not {wanted:?}"));
    }
    let wanted: Vec<Option<f64>> = serde_json::from_value(expected["values"].clone()).unwrap();
    let wanted: Vec<f64> = wanted
        .iter()
        .map(|value| value.unwrap_or(f64::NAN))
        .collect();
    // Decoders of JPEG may round a brightness either way.
    let most = if expected["kind"] == "about" {
        2.0
    } else {
        0.0
    };
    let differ = |(found, wanted): &(&f64, &f64)| {
        let near = (**found - **wanted).abs() <= most;
        !near && !same(**found, **wanted)
    };
    let differing = values.iter().zip(&wanted).find(differ);
    judged.values = Some(differing.is_none());
    if let Some((found, wanted)) = differing {
        return Some(format!("holds {found} where it should hold {wanted}"));
    }
    let wanted = expected["axes"].as_array().unwrap();
    for ((found, units), wanted) in axes.iter().zip(wanted) {
        let wanted_units = wanted[1].as_str().unwrap();
        let mut wanted: Vec<f64> = serde_json::from_value(wanted[0].clone()).unwrap();
        if wanted.is_empty() {
            // Nobody but us knows it.
            continue;
        }
        let lengths = metres(units).zip(metres(wanted_units));
        for value in &mut wanted {
            *value *= lengths.map_or(1.0, |(ours, theirs)| theirs / ours);
        }
        let same_units = lengths.is_some()
            || *units == wanted_units
            || (wanted_units.is_empty() && *units == "px");
        judged.units = Some(judged.units.unwrap_or(true) && same_units);
        if !same_units {
            return Some(format!("has an axis in `{units}`, not `{wanted_units}`"));
        }
        let same_values =
            found.len() == wanted.len() && found.iter().zip(&wanted).all(|(&a, &b)| close(a, b));
        judged.axes = Some(judged.axes.unwrap_or(true) && same_values);
        if !same_values {
            return Some(format!("has an axis of {found:?}, not {wanted:?}"));
        }
    }
    None
}

/// The format of a location by its extension.
fn format_of(name: &str) -> String {
    let file = name.split('#').next().unwrap_or(name).split('/').next();
    let extension = Path::new(file.unwrap_or(name)).extension();
    match extension.map(|extension| extension.to_string_lossy().to_lowercase()) {
        Some(extension) => format!("`.{extension}`"),
        // The folder of a force map.
        None => "`.ibw`".to_owned(),
    }
}

/// A table of formats: of how many places what was right.
fn table(all: &[(String, Judged)]) -> String {
    let mut formats: BTreeMap<String, Vec<Judged>> = BTreeMap::new();
    for (name, judged) in all {
        formats.entry(format_of(name)).or_default().push(*judged);
    }
    let mut text = String::from(
        "| format | read | values | axes | units | refused with a remedy |\n|---|---|---|---|---|---|\n",
    );
    for (format, judged) in formats {
        let count = |of: fn(&Judged) -> Option<bool>| {
            let compared: Vec<bool> = judged.iter().filter_map(of).collect();
            let right = compared.iter().filter(|&&right| right).count();
            match compared.len() {
                0 => "–".to_owned(),
                all => format!("{right} of {all}"),
            }
        };
        let cells = [
            count(|judged| judged.read),
            count(|judged| judged.values),
            count(|judged| judged.axes),
            count(|judged| judged.units),
            count(|judged| judged.refused),
        ];
        // A string takes any text.
        let _ = writeln!(text, "| {format} | {} |", cells.join(" | "));
    }
    text
}

/// Compares a table with the one in a page, or puts it there with `BEACON_BLESS=1`.
fn assert_told(table: &str) {
    const BEGIN: &str = "<!-- the formats, by files.rs -->\n";
    const END: &str = "<!-- end -->\n";
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/docs/data.md");
    let text = std::fs::read_to_string(&page).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page has the table");
    let (told, after) = rest.split_once(END).expect("the table has an end");
    if told != table && std::env::var_os("BEACON_BLESS").is_some() {
        std::fs::write(&page, format!("{before}{BEGIN}{table}{END}{after}")).unwrap();
        return;
    }
    assert_eq!(
        told,
        table,
        "BEACON_BLESS=1 puts it into {}",
        page.display()
    );
}

/// Runs a script with the Python of the field's programs; nothing where it is absent.
pub(super) fn run(script: &str, arguments: &[&Path]) -> Option<()> {
    let python = python()?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("instruments")
        .join(script);
    let ran = Command::new(python)
        .arg(script)
        .args(arguments)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{told}");
    Some(())
}

/// What a script says that files hold.
pub(super) fn expectations(file: &Path) -> serde_json::Map<String, Value> {
    // Python writes numbers that JSON does not know.
    let text = std::fs::read_to_string(file).unwrap();
    serde_json::from_str(&text.replace("NaN", "null")).unwrap()
}

/// The folder that `script` filled with files, and what it says that they hold.
fn written(script: &str) -> Option<(tempfile::TempDir, serde_json::Map<String, Value>)> {
    let folder = tempfile::tempdir().unwrap();
    run(script, &[folder.path()])?;
    let expected = expectations(&folder.path().join("expected.json"));
    Some((folder, expected))
}

#[test]
fn files_of_the_field_are_read_as_their_own_programs_read_them_or_refused_with_a_remedy() {
    let Some((folder, expected)) = written("write_files.py") else {
        return;
    };
    assert!(expected.len() > 100, "{}", expected.len());
    let (mut wrong, mut judged) = (Vec::new(), Vec::new());
    for (name, expected) in &expected {
        let location = folder.path().join(name);
        let (right, fault) = judge(&location.to_string_lossy(), expected);
        judged.push((name.clone(), right));
        wrong.extend(fault.map(|fault| format!("{name}: {fault}")));
    }
    let all = expected.len();
    println!("{} of {all} as expected", all - wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {all}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_told(&table(&judged));
}

/// Files of instruments below the folder that `BEACON_REAL_FILES` names, beside what HyperSpy and others
/// read in them. Every map and every spectrum image that they find must be among what is found here.
#[test]
fn files_of_instruments_are_read_as_the_programs_of_the_field_read_them() {
    let Ok(real) = std::env::var("BEACON_REAL_FILES") else {
        println!("skipped: BEACON_REAL_FILES names no folder");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let told = folder.path().join("expected.json");
    if run("real_files.py", &[Path::new(&real), &told]).is_none() {
        return;
    }
    let (mut signals, mut files, mut wrong) = (0, 0, Vec::new());
    for (file, expected) in expectations(&told) {
        let Some(wanted) = expected["signals"].as_array() else {
            println!(
                "{file}: not read by the program of the field: {}",
                expected["error"]
            );
            continue;
        };
        files += 1;
        let all = files::locations(&file).unwrap_or_else(|error| {
            wrong.push(error.to_string());
            Vec::new()
        });
        for (number, wanted) in wanted.iter().enumerate() {
            signals += 1;
            let faults: Option<Vec<String>> = all.iter().map(|one| judge(one, wanted).1).collect();
            if let Some(faults) = faults {
                let shape = &wanted["shape"];
                let faults = faults.join("; ");
                wrong.push(format!(
                    "{file}: signal {number} of shape {shape} is not found: {faults}"
                ));
            }
        }
    }
    println!(
        "{} of {signals} signals of {files} files as expected",
        signals - wrong.len()
    );
    assert!(signals > 0 && wrong.is_empty(), "{}", wrong.join("\n"));
}
