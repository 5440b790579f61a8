//! The trainer: a whole step, and the parts that it is made of.

use beacon_host::train::{Batch, Likelihood, Trainer};
use beacon_kernel::Network;
use divan::{Bencher, black_box};

use crate::scene::{Scene, WINDOW};

/// Measured points: early, where the published system was timed, and at the end of a campaign.
const POINTS: [usize; 3] = [30, 110, 310];
const SIDE: usize = 64;

/// Parameters of the process near those that training finds.
const PROCESS: [f64; 5] = [-0.4, -0.4, -0.4, -3.0, 0.0];

struct Parts {
    scene: Scene,
    trainer: Trainer,
    patches: Vec<f32>,
}

fn parts(points: usize) -> Parts {
    let scene = Scene::new(SIDE, points).unwrap();
    Parts {
        trainer: scene.trainer(points).unwrap(),
        patches: scene.training_patches(points).unwrap(),
        scene,
    }
}

/// A network over the points of a trained model, and the weights of that.
fn batch(parts: &Parts) -> (Batch, Vec<f64>) {
    let mut batch = Batch::new(Network::for_window(WINDOW).unwrap());
    let model = parts.trainer.model();
    let weights: Vec<f64> = model.weights.iter().map(|&w| w.into()).collect();
    batch.set_weights(&weights);
    batch.set_patches(&parts.patches);
    (batch, weights)
}

/// One warm start of one epoch, as after every measurement of a campaign.
#[divan::bench(args = POINTS)]
fn step(bencher: Bencher<'_, '_>, points: usize) {
    let mut parts = parts(points);
    bencher.bench_local(|| parts.trainer.fit(&parts.patches, &parts.scene.responses));
}

#[divan::bench(args = POINTS)]
fn network_forward(bencher: Bencher<'_, '_>, points: usize) {
    let (mut batch, mut weights) = batch(&parts(points));
    bencher.bench_local(|| {
        // With the weights of the last time there would be nothing to do.
        weights[0] += 1e-3;
        batch.set_weights(&weights);
        batch.forward();
    });
}

#[divan::bench(args = POINTS)]
fn network_backward(bencher: Bencher<'_, '_>, points: usize) {
    let parts = parts(points);
    let (mut batch, weights) = batch(&parts);
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
