//! What the kernels are run on: the same in every run and on every board.

use beacon_kernel::network::{CHANNELS_1, CHANNELS_2, LATENT, TAPS};
use beacon_kernel::{Architecture, Candidate, Hyperparameters, Network};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

/// Lengthscales that the candidates' latents span along each axis: the widest of a trained model
/// once some fifty points are measured, and so far above 3 that no rounding decides how many nodes
/// the sample's grid has.
pub(crate) const SPAN: f32 = 3.05;
/// Lengthscales of a plane as wide as the kernel's can be.
pub(crate) const WIDE: f32 = 22.0;
/// Coprime to the number of candidates of every image here, so that measured points are spread
/// and none comes twice.
const STRIDE: usize = 1009;

/// Uniform numbers between 0 and 1.
struct Uniform(Xoshiro128PlusPlus);

impl Uniform {
    fn seeded(seed: u64) -> Self {
        Self(Xoshiro128PlusPlus::seed_from_u64(seed))
    }

    fn next(&mut self) -> f32 {
        (self.0.next_u32() >> 8) as f32 / (1 << 24) as f32
    }
}

/// A triangle wave of unit amplitude and period.
fn wave(x: f32) -> f32 {
    let phase = x - (x as i32) as f32;
    4.0 * (phase - 0.5).abs() - 1.0
}

/// Two crossed waves, one of them chirped, under noise: texture everywhere, and nowhere the same.
pub(crate) fn image(side: usize, pixels: &mut [f32]) {
    let mut noise = Uniform::seeded(1);
    for (i, pixel) in pixels.iter_mut().enumerate() {
        let (y, x) = ((i / side) as f32, (i % side) as f32);
        let down = wave(y / 18.0 + x * y / 3000.0);
        *pixel = down + wave(x / 22.0) + 0.3 * noise.next();
    }
}

/// Untrained weights: uniform in ±1/√(inputs of one output), as training starts from.
pub(crate) fn weights(network: Network, weights: &mut [f32]) {
    let mut random = Uniform::seeded(2);
    let layout = network.layout();
    let side = network.pool2_side();
    for (range, inputs) in [
        (0..layout.conv1_bias.end, TAPS),
        (
            layout.conv2_kernel.start..layout.conv2_bias.end,
            TAPS * CHANNELS_1,
        ),
        (
            layout.dense_kernel.start..layout.dense_bias.end,
            side * side * CHANNELS_2,
        ),
    ] {
        let bound = 1.0 / libm::sqrtf(inputs as f32);
        for weight in &mut weights[range] {
            *weight = bound * (2.0 * random.next() - 1.0);
        }
    }
}

/// Weights of the fixed filters: as those of a network, and neighbours that share a good part over some
/// eight pixels.
pub(crate) fn filters(window: usize, weights: &mut [f32]) -> (Network, &[f32]) {
    let network = Network::new(Architecture::Filters, window).expect("a window of the filters");
    let weights = &mut weights[..network.weight_count()];
    let mut random = Uniform::seeded(3);
    let space = network.layout().space;
    for weight in &mut weights[..space.start] {
        *weight = 2.0 * random.next() - 1.0;
    }
    weights[space].copy_from_slice(&[0.4, 0.125]);
    (network, weights)
}

/// A process whose lengthscales make `latents`, still in those of [`UNIT`], span so many of them.
pub(crate) fn hyperparameters(latents: &[[f32; LATENT]], lengthscales: f32) -> Hyperparameters {
    let span = |axis: usize| {
        let along = latents.iter().map(|latent| latent[axis]);
        let low = along.clone().fold(f32::INFINITY, f32::min);
        along.fold(f32::NEG_INFINITY, f32::max) - low
    };
    Hyperparameters {
        lengthscale: [span(0) / lengthscales, span(1) / lengthscales],
        ..UNIT
    }
}

/// A process of unit lengthscales, with the noise of a good detector.
pub(crate) const UNIT: Hyperparameters = Hyperparameters {
    lengthscale: [1.0; LATENT],
    outputscale: 1.0,
    noise: 0.02,
    mean: 0.0,
};

/// The n-th point measured of so many candidates.
pub(crate) fn candidate(n: usize, candidates: usize) -> Candidate {
    Candidate((n * STRIDE % candidates) as u32)
}

/// The response there: no pattern that the model could learn, so that no part gets off lightly.
pub(crate) fn response(candidate: Candidate) -> f32 {
    let mut random = Uniform::seeded(u64::from(candidate.0));
    2.0 * random.next() - 1.0
}
