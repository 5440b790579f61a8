//! Scenes that campaigns meet, for the image that counts a board's instructions: `count_scenes OUT` writes a file
//! for each specimen and one for blobs into the folder OUT, which is `firmware/counts/scenes`.
//!
//! A file has numbers of four bytes, little-endian: the pixels of the image, the response of every candidate, and
//! of the models that the filters' trainer finds for the first 30, 110 and 310 points their weights,
//! lengthscales, prior variance, noise and mean, and the mean and scale of the responses. `firmware/counts/src/scene.rs`
//! reads them.

#[allow(dead_code, reason = "benchmarks and examples each take their part")]
#[path = "../../benches/host/scene.rs"]
mod scene;

use std::error::Error;
use std::path::Path;

use beacon_host::internal::specimen::SpecimenKind;
use beacon_host::train::SurrogateKind;

use scene::{Sample, Scene};

const SIDE: usize = 64;
const POINTS: [usize; 3] = [30, 110, 310];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, out] = &arguments[..] else {
        return Err("expected a folder: count_scenes OUT".into());
    };
    let specimens = SpecimenKind::ALL.map(|kind| (kind.name(), Sample::Specimen(kind)));
    for (name, sample) in specimens
        .into_iter()
        .chain([("blobs", Sample::Blobs(SIDE))])
    {
        std::fs::write(Path::new(out).join(name), bytes(sample)?)?;
    }
    Ok(())
}

/// The file of a sample.
fn bytes(sample: Sample) -> Result<Vec<u8>, Box<dyn Error>> {
    let count = (SIDE + 1 - scene::WINDOW).pow(2);
    let scene = Scene::of(sample, count)?;
    let mut numbers = scene.patches.pixels().to_vec();
    let mut responses = vec![0.0; count];
    for (candidate, response) in scene.order.iter().zip(&scene.responses) {
        responses[candidate.index()] = *response as f32;
    }
    numbers.extend(responses);
    for points in POINTS {
        let trainer = scene.trainer(SurrogateKind::Filters, points)?;
        let model = trainer.model();
        let process = model.hyperparameters;
        numbers.extend(model.weights);
        numbers.extend(process.lengthscale);
        numbers.extend([process.outputscale, process.noise, process.mean]);
        numbers.extend([model.standardisation.mean, model.standardisation.scale]);
    }
    Ok(numbers.into_iter().flat_map(f32::to_le_bytes).collect())
}
