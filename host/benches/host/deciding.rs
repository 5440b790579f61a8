//! A decision, from a measured response to the next candidate, most of them around 310 measured points.

use std::error::Error;

use beacon_host::controller::Controller;
use beacon_host::internal::specimen::SpecimenKind;
use beacon_host::train::SurrogateKind;
use beacon_kernel::{Acquisition, Capacity, Explorer, Model, Storage, Strategy};
use divan::Bencher;

use crate::scene::{Sample, Scene};

/// Each decision follows a new measurement: the median of these has 310 points.
const DECISIONS: u32 = 20;
const BEFORE: usize = 300;

fn decision(bencher: Bencher<'_, '_>, side: usize, strategy: Strategy, surrogate: SurrogateKind) {
    let scene = Scene::new(side, BEFORE + DECISIONS as usize).unwrap();
    decision_in(bencher, &scene, strategy, surrogate);
}

/// The last decisions in a scene, by a model that knows the points before them.
fn decision_in(
    bencher: Bencher<'_, '_>,
    scene: &Scene,
    strategy: Strategy,
    surrogate: SurrogateKind,
) {
    let before = scene.order.len() - DECISIONS as usize;
    let trainer = scene.trainer(surrogate, before).unwrap();
    let mut memory = scene.memory();
    let mut kernel = (scene.kernel(&mut memory, &trainer.model(), before)).unwrap();
    kernel.choose(Acquisition::new(strategy)).unwrap();
    // What is known of earlier points stays from one decision to the next.
    kernel.propose(true).unwrap();
    let mut points = before..;
    bencher.bench_local(|| {
        scene.measure(&mut kernel, points.next().unwrap()).unwrap();
        kernel.propose(true).unwrap()
    });
}

/// What campaigns meet, and the points around which they do: specimens of every kind, and blobs.
fn scenes() -> Vec<(Sample, usize)> {
    let few = SpecimenKind::ALL.map(Sample::Specimen);
    let few = few.map(|sample| [30, 110, 310].map(|points| (sample, points)));
    let large = [256, 512].map(|side| (Sample::Blobs(side), 310));
    few.into_iter().flatten().chain(large).collect()
}

/// The default decision by models that were trained in the scene.
#[divan::bench(args = scenes(), sample_count = DECISIONS, sample_size = 1)]
fn decision_on(bencher: Bencher<'_, '_>, of: (Sample, usize)) {
    decision_on_by(bencher, of, SurrogateKind::default());
}

/// The same by a network.
#[divan::bench(args = scenes(), sample_count = DECISIONS, sample_size = 1)]
fn decision_of_a_network_on(bencher: Bencher<'_, '_>, of: (Sample, usize)) {
    decision_on_by(bencher, of, SurrogateKind::Network);
}

fn decision_on_by(
    bencher: Bencher<'_, '_>,
    (sample, points): (Sample, usize),
    surrogate: SurrogateKind,
) {
    let scene = Scene::of(sample, points + DECISIONS as usize / 2).unwrap();
    decision_in(bencher, &scene, Strategy::BeaconStructure, surrogate);
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

/// The default decision among 2401 candidates whose latents span so many lengthscales along either axis.
#[divan::bench(args = [1, 3, 6, 12, 25, 50, 100], sample_count = DECISIONS, sample_size = 1)]
fn decision_over_lengthscales(bencher: Bencher<'_, '_>, span: u32) {
    let scene = Scene::new(64, BEFORE + DECISIONS as usize).unwrap();
    let trainer = scene.trainer(SurrogateKind::default(), BEFORE).unwrap();
    let mut model = trainer.model();
    let spans = spans(&scene, &model).unwrap();
    for (lengthscale, spanned) in model.hyperparameters.lengthscale.iter_mut().zip(spans) {
        *lengthscale *= spanned / span as f32;
    }
    let mut memory = scene.memory();
    let mut kernel = scene.kernel(&mut memory, &model, BEFORE).unwrap();
    kernel.propose(true).unwrap();
    let mut points = BEFORE..;
    bencher.bench_local(|| {
        scene.measure(&mut kernel, points.next().unwrap()).unwrap();
        kernel.propose(true).unwrap()
    });
}

/// Lengthscales that the candidates' latents span along each axis under a model.
fn spans(scene: &Scene, model: &Model<'_>) -> Result<[f32; 2], Box<dyn Error>> {
    let capacity = Capacity::for_candidates(scene.patches.candidates(), 1);
    let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words)?;
    let mut explorer = Explorer::new(storage, Acquisition::default(), 1)?;
    explorer.load_image_for(scene.patches.candidates(), scene.patches.pixels())?;
    explorer.load_model(model)?;
    let latents = explorer.latents().ok_or("a model has latents")?;
    Ok([0, 1].map(|axis| {
        let along = latents.iter().map(|latent| latent[axis]);
        along.clone().fold(f32::MIN, f32::max) - along.fold(f32::MAX, f32::min)
    }))
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
