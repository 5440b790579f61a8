//! Running the program, what it prints and refuses, and files to run it on.

#![allow(unreachable_pub)]

pub mod documented;

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use beacon_host::data::npy;
use serde_json::Value;
use tempfile::TempDir;

/// The program, with a cache of the tests' own: never the user's.
pub fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_beacon"));
    command.args(arguments).stdin(Stdio::null());
    command.env("BEACON_CACHE", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Runs the program in a folder.
pub fn beacon(arguments: &[&str], folder: &Path) -> Output {
    let output = program(arguments).current_dir(folder).output();
    output.expect("the program starts")
}

/// Runs the program in a folder; it must end well.
pub fn beacon_ok(arguments: &[&str], folder: &Path) -> Output {
    let output = beacon(arguments, folder);
    assert_succeeded(&output);
    output
}

/// The program ended well.
pub fn assert_succeeded(output: &Output) {
    assert!(output.status.success(), "{}", text(&output.stderr));
}

/// The program must refuse its arguments: exit code 2, and one line on standard error with all that
/// is `said`.
pub fn refused(output: &Output, said: &[&str]) {
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said:?}: {message}");
    assert_eq!(message.lines().count(), 1, "{said:?}: {message}");
    assert_eq!(text(&output.stdout), "", "{said:?}");
    for word in said {
        assert!(message.contains(word), "no `{word}` in: {message}");
    }
}

/// What a user changes, and what the program must say of it.
pub type Mistake<'a> = (&'a [&'a str], &'a [&'a str]);

/// Every change of the `valid` arguments is [`refused`], and leaves no file in the folder.
pub fn mistakes_are_refused(valid: &[&str], mistakes: &[Mistake<'_>], folder: &Path) {
    let before = names(folder);
    for (change, said) in mistakes {
        refused(&beacon(&changed(valid, change), folder), said);
        assert_eq!(names(folder), before, "{change:?} left something behind");
    }
}

/// A command with options added or replaced: every option of `valid` has one value.
pub fn changed<'a>(valid: &[&'a str], change: &[&'a str]) -> Vec<&'a str> {
    let kept = valid[1..].chunks(2);
    let kept = kept.filter(|option| !change.contains(&option[0])).flatten();
    let arguments = valid[..1].iter().chain(kept).chain(change);
    arguments.copied().collect()
}

/// Output as text.
pub fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// JSON, with nothing before or after it.
pub fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON and nothing else")
}

/// Every one of the words is in the text, of which a failure shows the beginning.
pub fn assert_says(text: &str, words: &[&str]) {
    let shown: String = text.chars().take(2000).collect();
    for word in words {
        assert!(text.contains(word), "no `{word}` in: {shown}");
    }
}

/// A summary has a number for every step of each figure.
pub fn assert_figures(summary: &Value, steps: usize, figures: &[&str]) {
    for figure in figures {
        let values = summary[figure].as_array().unwrap();
        assert_eq!(values.len(), steps, "{figure}");
        assert!(values.iter().all(Value::is_f64), "{figure}");
    }
}

/// A text file.
pub fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// Names of what is in a folder, sorted.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is there");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string();
    let mut names: Vec<String> = entries.map(|entry| name(entry).unwrap()).collect();
    names.sort();
    names
}

/// What the program prints explains every file of a folder; SVG and PDF files go with their PNG file.
pub fn assert_every_file_is_explained(folder: &Path, said: &str) {
    for name in names(folder) {
        let goes_with = Path::new(&name)
            .extension()
            .is_some_and(|kind| kind == "svg" || kind == "pdf");
        let told = goes_with || said.contains(&format!("\n  {name} "));
        assert!(told, "{name} is not explained in: {said}");
    }
}

/// Structure of the made-up image: pixel `i` of rows of `columns` pixels.
pub fn wave(columns: u32) -> impl Fn(u32) -> f64 + Copy {
    move |i| {
        let (y, x) = (f64::from(i / columns), f64::from(i % columns));
        (0.7 * y).sin() + (0.4 * x).cos() + 0.3 * (x * y * 0.05).sin()
    }
}

/// A folder with an image of 24 pixels a row, a response that follows its structure, a constant map,
/// seeds of which one is no candidate, and a file that is neither data nor a folder.
pub fn data(rows: u32) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let shape = [rows as usize, 24];
    let (pixels, wave) = (0..rows * 24, wave(24));
    let at = |name: &str| folder.path().join(name);
    write_npy(&at("image.npy"), &shape, pixels.clone().map(wave));
    let response = pixels.clone().map(|i| wave(i).powi(2));
    write_npy(&at("response.npy"), &shape, response);
    write_npy(&at("flat.npy"), &shape, pixels.map(|_| 3.0));
    fs::write(at("notes.doc"), "neither data nor a folder").unwrap();
    fs::write(at("far.txt"), "3 600\n").unwrap();
    folder
}

/// Writes an array of float64 in C order.
pub fn write_npy(file: &Path, shape: &[usize], values: impl Iterator<Item = f64>) {
    let mut bytes = Vec::new();
    npy::write(&mut bytes, shape, values).unwrap();
    fs::write(file, bytes).unwrap();
}
