//! Every kind of figure, drawn from published runs: `gallery DATA OUT` reads the folders
//! `pfm`, `stem-edx`, `eds` and `beps` of DATA and writes pictures and reports into OUT.
//!
//! For looking at after a change of layout; figures of a campaign come from `beacon`.

mod awkward;
mod latent;
mod pairs;
mod pfm;
mod read;
mod spectra;
mod stem;

use std::error::Error;
use std::path::Path;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;
type Pixels = Vec<(usize, usize)>;

fn main() -> Outcome {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, data, out] = &arguments[..] else {
        return Err("expected two folders: gallery DATA OUT".into());
    };
    let (data, out) = (Path::new(data), Path::new(out));
    std::fs::create_dir_all(out)?;
    pfm::draw(&data.join("pfm"), out)?;
    latent::draw(&data.join("pfm"), out)?;
    pairs::draw(out)?;
    stem::draw(&data.join("stem-edx"), out)?;
    spectra::draw(data, out)?;
    awkward::draw(out)
}
