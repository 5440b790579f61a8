//! One step of a campaign, timed part by part.

use std::error::Error;
use std::time::Instant;

use beacon_host::controller::Controller;
use beacon_host::train::SurrogateKind;
use beacon_kernel::Acquisition;

use crate::scene::{Scene, WINDOW};

/// From a response to the next candidate by the default strategy; one epoch of a network's training
/// on all points; the new model's features and factor; the posterior at every candidate.
pub(crate) const PARTS: [&str; 4] = ["decision", "training", "new model", "posterior"];

/// Steps of which the median counts, the middle one at the number of points asked for.
const STEPS: usize = 5;

/// Median seconds of the parts among `root`² candidates around `points` measured ones.
pub(crate) fn measure(root: usize, points: usize) -> Result<[f64; PARTS.len()], Box<dyn Error>> {
    let before = points - STEPS / 2;
    let scene = Scene::new(root + WINDOW - 1, before + STEPS)?;
    let mut trainer = scene.trainer(SurrogateKind::Network, before)?;
    let mut memory = scene.memory();
    let mut kernel = scene.kernel(&mut memory, &trainer.model(), before)?;
    kernel.choose(Acquisition::default())?;
    kernel.propose(true)?;
    let mut seconds: [Vec<f64>; PARTS.len()] = Default::default();
    for point in before..before + STEPS {
        let measured = point + 1;
        let mut marks = [Instant::now(); PARTS.len() + 1];
        scene.measure(&mut kernel, point)?;
        kernel.propose(true)?;
        marks[1] = Instant::now();
        trainer.add(scene.order[point], &scene.patches)?;
        trainer.fit(&scene.responses[..measured])?;
        marks[2] = Instant::now();
        kernel.load_model(&trainer.model(), 1)?;
        marks[3] = Instant::now();
        kernel.surrogate()?;
        marks[4] = Instant::now();
        for (part, marks) in seconds.iter_mut().zip(marks.windows(2)) {
            part.push((marks[1] - marks[0]).as_secs_f64());
        }
    }
    Ok(seconds.map(|mut part| {
        part.sort_by(f64::total_cmp);
        part[STEPS / 2]
    }))
}
