//! A decision, from a measured response to the next candidate, around 310 measured points.

use beacon_host::controller::Controller;
use beacon_host::train::SurrogateKind;
use beacon_kernel::{Acquisition, Strategy};
use divan::Bencher;

use crate::scene::Scene;

/// Each decision follows a new measurement: the median of these has 310 points.
const DECISIONS: u32 = 20;
const BEFORE: usize = 300;

fn decision(bencher: Bencher<'_, '_>, side: usize, strategy: Strategy, surrogate: SurrogateKind) {
    let scene = Scene::new(side, BEFORE + DECISIONS as usize).unwrap();
    let trainer = scene.trainer(surrogate, BEFORE).unwrap();
    let mut memory = scene.memory();
    let mut kernel = scene.kernel(&mut memory, &trainer.model(), BEFORE).unwrap();
    kernel.choose(Acquisition::new(strategy)).unwrap();
    // What is known of earlier points stays from one decision to the next.
    kernel.propose(true).unwrap();
    let mut points = BEFORE..;
    bencher.bench_local(|| {
        scene.measure(&mut kernel, points.next().unwrap()).unwrap();
        kernel.propose(true).unwrap()
    });
}

/// 64 × 64 pixels, 2401 candidates.
#[divan::bench(args = Strategy::ALL.map(Strategy::name), sample_count = DECISIONS, sample_size = 1)]
fn decision_among_2401(bencher: Bencher<'_, '_>, strategy: &str) {
    let strategy = Strategy::from_name(strategy).unwrap();
    decision(bencher, 64, strategy, SurrogateKind::default());
}

/// 512 × 512 pixels, 247 009 candidates, for the strategies that need no posterior of each.
#[divan::bench(
    args = ["beacon", "beacon-structure", "thompson"],
    sample_count = DECISIONS,
    sample_size = 1
)]
fn decision_among_247009(bencher: Bencher<'_, '_>, strategy: &str) {
    let strategy = Strategy::from_name(strategy).unwrap();
    decision(bencher, 512, strategy, SurrogateKind::default());
}

/// The default strategy with a network as surrogate.
#[divan::bench(args = [64, 512], sample_count = DECISIONS, sample_size = 1)]
fn decision_with_a_network(bencher: Bencher<'_, '_>, side: usize) {
    decision(
        bencher,
        side,
        Strategy::BeaconStructure,
        SurrogateKind::Network,
    );
}

/// New weights: latents of all candidates, then the factor of all measured points.
#[divan::bench(args = [64, 512])]
fn load_model(bencher: Bencher<'_, '_>, side: usize) {
    loading(bencher, side, SurrogateKind::default());
}

/// The same of a network.
#[divan::bench(args = [64, 512])]
fn load_model_of_a_network(bencher: Bencher<'_, '_>, side: usize) {
    loading(bencher, side, SurrogateKind::Network);
}

fn loading(bencher: Bencher<'_, '_>, side: usize, surrogate: SurrogateKind) {
    let scene = Scene::new(side, 310).unwrap();
    let trainer = scene.trainer(surrogate, 310).unwrap();
    let mut memory = scene.memory();
    let mut kernel = scene.kernel(&mut memory, &trainer.model(), 310).unwrap();
    bencher.bench_local(|| kernel.load_model(&trainer.model(), 1).unwrap());
}
