//! What judging a campaign costs a step: the posterior at every candidate, and the figures.

use beacon_host::campaign::Posterior;
use beacon_host::controller::Controller;
use beacon_host::metrics::SurrogateErrors;
use beacon_host::train::SurrogateKind;
use divan::Bencher;

use crate::scene::Scene;

const SIDE: usize = 64;
const POINTS: [usize; 3] = [30, 110, 310];

/// The posterior at all 2401 candidates under a new model. A model is loaded, untimed, before
/// each.
#[divan::bench(args = POINTS, sample_count = 20)]
fn surrogate_of_a_new_model(bencher: Bencher<'_, '_>, points: usize) {
    sweeping(bencher, points, SurrogateKind::default());
}

/// The same of a network.
#[divan::bench(args = POINTS, sample_count = 20)]
fn surrogate_of_a_new_network(bencher: Bencher<'_, '_>, points: usize) {
    sweeping(bencher, points, SurrogateKind::Network);
}

fn sweeping(bencher: Bencher<'_, '_>, points: usize, surrogate: SurrogateKind) {
    let scene = Scene::new(SIDE, points).unwrap();
    let trainer = scene.trainer(surrogate, points).unwrap();
    let mut memory = scene.memory();
    let kernel = scene.kernel(&mut memory, &trainer.model(), points).unwrap();
    let kernel = std::cell::RefCell::new(kernel);
    let load = || kernel.borrow_mut().load_model(&trainer.model(), 1).unwrap();
    let sweep = |()| kernel.borrow_mut().surrogate().unwrap().noise;
    bencher.with_inputs(load).bench_local_values(sweep);
}

/// The same brought up to date with one more point, around 310 of them.
#[divan::bench(sample_count = 20, sample_size = 1)]
fn surrogate_of_one_more_point(bencher: Bencher<'_, '_>) {
    let scene = Scene::new(SIDE, 320).unwrap();
    let trainer = scene.trainer(SurrogateKind::default(), 300).unwrap();
    let mut memory = scene.memory();
    let mut kernel = scene.kernel(&mut memory, &trainer.model(), 300).unwrap();
    kernel.surrogate().unwrap();
    let mut points = 300..;
    bencher.bench_local(|| {
        scene.measure(&mut kernel, points.next().unwrap()).unwrap();
        kernel.surrogate().unwrap().noise
    });
}

/// Errors and density over all 2401 candidates from a surrogate.
#[divan::bench]
fn figures(bencher: Bencher<'_, '_>) {
    let scene = Scene::new(SIDE, 310).unwrap();
    let trainer = scene.trainer(SurrogateKind::default(), 310).unwrap();
    let mut memory = scene.memory();
    let mut kernel = scene.kernel(&mut memory, &trainer.model(), 310).unwrap();
    let surrogate = kernel.surrogate().unwrap();
    let truth = Posterior::new(&surrogate, 0.1).mean;
    bencher.bench_local(|| {
        let posterior = Posterior::new(&surrogate, 0.0);
        let (mean, variance) = (&posterior.mean, &posterior.variance);
        SurrogateErrors::new(&truth, mean, variance, posterior.noise)
    });
}
