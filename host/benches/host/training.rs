//! The trainers: a whole step of each surrogate, and the parts that a network's is made of.

use beacon_host::train::{
    Batch, FiltersTrainer, Likelihood, SurrogateKind, SurrogateTrainer, TrainerConfig, features,
};
use beacon_kernel::Network;
use divan::{Bencher, black_box};

use crate::scene::{Scene, WINDOW};

/// Measured points: early, where the published system was timed, and at the end of a campaign.
const POINTS: [usize; 3] = [30, 110, 310];
const SIDE: usize = 64;
/// Points that a campaign begins with, less the one whose measurement makes the first fit.
const FIRST: usize = 9;

/// Parameters of the process near those that training finds.
const PROCESS: [f64; 5] = [-0.4, -0.4, -0.4, -3.0, 0.0];

fn network(points: usize) -> (Scene, SurrogateTrainer) {
    let scene = Scene::new(SIDE, points).unwrap();
    let trainer = scene.trainer(SurrogateKind::Network, points).unwrap();
    (scene, trainer)
}

/// A network over the points of a trained model, and the weights of that.
fn batch(points: usize) -> (Batch, Vec<f64>) {
    let (scene, trainer) = network(points);
    let mut batch = Batch::new(Network::for_window(WINDOW).unwrap());
    let weights = trainer.model().weights.iter();
    let weights: Vec<f64> = weights.map(|&w| w.into()).collect();
    batch.set_weights(&weights);
    let mut patches = Vec::new();
    for &candidate in &scene.order {
        scene.patches.append(candidate, &mut patches).unwrap();
    }
    batch.set_patches(&patches);
    (batch, weights)
}

/// One warm start of one epoch of a network, as after every measurement of a campaign.
#[divan::bench(args = POINTS)]
fn network_step(bencher: Bencher<'_, '_>, points: usize) {
    let (scene, mut trainer) = network(points);
    bencher.bench_local(|| trainer.fit(&scene.responses));
}

/// The filters' training around so many points, from a sixth fewer to a sixth more, as a campaign has
/// it: every fit that is due, one with fresh starts among them. A step is this over a third of the
/// points.
#[divan::bench(args = POINTS, sample_count = 10, sample_size = 1)]
fn filters_steps_of_a_third(bencher: Bencher<'_, '_>, points: usize) {
    let (before, after) = (points - points / 6, points + points / 6);
    let scene = Scene::new(SIDE, after).unwrap();
    let (candidates, pixels) = (scene.patches.candidates(), scene.patches.pixels());
    let mut trainer = FiltersTrainer::new(candidates, pixels, &TrainerConfig::default()).unwrap();
    let grow = |trainer: &mut FiltersTrainer, from: usize, to: usize| {
        for n in from..to {
            trainer.add(scene.order[n]).unwrap();
            if n >= FIRST {
                trainer.fit(&scene.responses[..=n]).unwrap();
            }
        }
    };
    grow(&mut trainer, 0, before);
    let state = trainer.state();
    bencher.bench_local(|| {
        trainer.restore(state.clone()).unwrap();
        trainer.clear();
        for &candidate in &scene.order[..before] {
            trainer.add(candidate).unwrap();
        }
        grow(&mut trainer, before, after);
    });
}

/// The filters' features of all candidates: once an image.
#[divan::bench(args = [64, 512], sample_count = 10)]
fn filters_features(bencher: Bencher<'_, '_>, side: usize) {
    let scene = Scene::new(side, 1).unwrap();
    bencher.bench_local(|| features(scene.patches.candidates(), scene.patches.pixels()));
}

#[divan::bench(args = POINTS)]
fn network_forward(bencher: Bencher<'_, '_>, points: usize) {
    let (mut batch, mut weights) = batch(points);
    bencher.bench_local(|| {
        // With the weights of the last time there would be nothing to do.
        weights[0] += 1e-3;
        batch.set_weights(&weights);
        batch.forward();
    });
}

#[divan::bench(args = POINTS)]
fn network_backward(bencher: Bencher<'_, '_>, points: usize) {
    let (mut batch, weights) = batch(points);
    let mut gradient = vec![0.0; weights.len()];
    batch.forward();
    bencher.bench_local(|| batch.backward(|_| [0.01, -0.02], black_box(&mut gradient)));
}

/// Points of the latent plane, three lengthscales wide, and targets that vary over it.
fn plane(points: usize) -> (Vec<[f64; 2]>, Vec<f64>) {
    let latent = |i: usize| [0.618, 0.414].map(|step| 2.0 * (i as f64 * step).fract());
    let latents: Vec<[f64; 2]> = (0..points).map(latent).collect();
    let targets = latents.iter().map(|z| (2.0 * z[0]).sin() + z[1] - 1.0);
    let targets = targets.collect();
    (latents, targets)
}

#[divan::bench(args = POINTS)]
fn likelihood_value(bencher: Bencher<'_, '_>, points: usize) {
    let (latents, targets) = plane(points);
    let mut likelihood = Likelihood::new(1e-2);
    let mut process = PROCESS;
    bencher.bench_local(|| {
        // With the parameters of the last time there would be little to do.
        process[0] += 1e-6;
        likelihood.value(latents.iter().copied(), &targets, &process)
    });
}

/// The gradient uses the factor up, so each begins with the value.
#[divan::bench(args = POINTS)]
fn likelihood_value_and_gradient(bencher: Bencher<'_, '_>, points: usize) {
    let (latents, targets) = plane(points);
    let mut likelihood = Likelihood::new(1e-2);
    bencher.bench_local(|| {
        let value = likelihood.value(latents.iter().copied(), &targets, &PROCESS);
        (value, likelihood.gradient())
    });
}
