//! Our side of `tests/peers`: answers lines on standard input until it ends.
//!
//! `beacon-peer IMAGE RESPONSE` works on two maps in files; `beacon-peer specimen FOLDER` writes
//! the built-in specimen's as `image.npy` and `scalarizer.npy` and ends. See
//! [`beacon_tests::peer`] for the lines.

use std::error::Error;
use std::io::{self, BufRead as _, Write as _};
use std::path::Path;
use std::process::ExitCode;

use beacon_host::campaign::Experiment as _;
use beacon_host::data::files::{self, read_map, write_npy};
use beacon_tests::peer::{Scene, answer};

const USAGE: &str = "beacon-peer IMAGE RESPONSE, or beacon-peer specimen FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["specimen", folder] => write_specimen(Path::new(folder)),
        [image, response] => serve(image, response),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(2)
        }
    }
}

fn write_specimen(folder: &Path) -> Result<(), Box<dyn Error>> {
    let specimen = beacon_tests::specimen(1);
    let truth = specimen.truth().ok_or("the specimen has no truth")?;
    write_npy(&folder.join("image.npy"), specimen.image())?;
    write_npy(&folder.join("scalarizer.npy"), truth)?;
    Ok(())
}

fn serve(image: &str, response: &str) -> Result<(), Box<dyn Error>> {
    let read = |location: &str, what: &str| -> Result<_, Box<dyn Error>> {
        let map = read_map(location)?;
        files::require_finite(&map, what)?;
        Ok(map)
    };
    let scene = Scene::new(&read(image, "image")?, &read(response, "response")?)?;
    let (candidates, window) = (scene.count(), scene.window());
    let threads = rayon::current_num_threads();
    if !say(&format!(
        "ok candidates {candidates} window {window} threads {threads}"
    ))? {
        return Ok(());
    }
    let mut bout = None;
    for line in io::stdin().lock().lines() {
        if !say(&answer(&scene, &mut bout, &line?))? {
            break;
        }
    }
    Ok(())
}

/// Says a line; whether anybody still listens.
fn say(line: &str) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{line}").and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        said => said.map(|()| true),
    }
}
