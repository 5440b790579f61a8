//! A small deep kernel to test with, and its posterior computed in f64.

// Each test file compiles its own copy and none needs all of it.
#![allow(dead_code, unreachable_pub)]

use beacon_kernel::{
    Acquisition, Architecture, Candidate, Capacity, Explorer, Hyperparameters, Model, Network,
    Standardisation, Storage,
};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

pub const SIDE: usize = 40;
pub const WINDOW: usize = 16;
/// Of a model with a spatial part: its share of the outputscale, and 1/λ per pixel.
pub const SPACE: [f32; 2] = [0.4, 0.2];

/// Everything an explorer is built from.
pub struct Fixture {
    pub image: Vec<f32>,
    pub network: Network,
    pub weights: Vec<f32>,
    pub hyperparameters: Hyperparameters,
    pub standardisation: Standardisation,
}

impl Fixture {
    pub fn new(architecture: Architecture, noise: f32) -> Self {
        let mut random = Xoshiro128PlusPlus::seed_from_u64(4);
        let mut uniform = || (random.next_u32() >> 8) as f32 / 16_777_216.0;
        // A smooth image, so that neighbouring latents cluster as they do in a real one.
        let waves: Vec<[f32; 4]> = (0..12)
            .map(|_| [uniform(), uniform(), uniform(), uniform()])
            .collect();
        let image = (0..SIDE * SIDE)
            .map(|i| {
                let (y, x) = ((i / SIDE) as f32, (i % SIDE) as f32);
                let waves = waves
                    .iter()
                    .map(|[a, b, c, d]| a * (0.6 * (b * y + c * x) + 6.0 * d).sin());
                waves.sum()
            })
            .collect();
        let network = Network::new(architecture, WINDOW).unwrap();
        let mut weights: Vec<f32> = (0..network.weight_count())
            .map(|_| 0.3 * (uniform() - 0.5))
            .collect();
        let space = weights[network.layout().space].iter_mut();
        for (weight, value) in space.zip(SPACE) {
            *weight = value;
        }
        Self {
            image,
            network,
            weights,
            hyperparameters: Hyperparameters {
                lengthscale: [0.15, 0.1],
                outputscale: 1.0,
                noise,
                mean: 0.1,
            },
            standardisation: Standardisation {
                mean: 2.0,
                scale: 3.0,
            },
        }
    }

    pub fn model(&self) -> Model<'_> {
        Model {
            network: self.network,
            weights: &self.weights,
            hyperparameters: self.hyperparameters,
            standardisation: self.standardisation,
            others: &[],
        }
    }
}

/// ExplorerMemory for one explorer.
pub struct ExplorerMemory {
    capacity: Capacity,
    floats: Vec<f32>,
    words: Vec<u32>,
}

impl ExplorerMemory {
    pub fn new(measurements: usize) -> Self {
        let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, measurements);
        Self {
            capacity,
            // Whatever the memory held before must not matter.
            floats: vec![f32::NAN; capacity.floats()],
            words: vec![u32::MAX; capacity.words()],
        }
    }

    /// An explorer that has the fixture's image.
    pub fn with_image(
        &mut self,
        acquisition: Acquisition,
        seed: u64,
        fixture: &Fixture,
    ) -> Explorer<'_> {
        let mut explorer = self.explorer(acquisition, seed);
        explorer
            .load_image(SIDE, SIDE, WINDOW, &fixture.image)
            .unwrap();
        explorer
    }

    /// An explorer without anything.
    pub fn explorer(&mut self, acquisition: Acquisition, seed: u64) -> Explorer<'_> {
        let storage = Storage::new(self.capacity, &mut self.floats, &mut self.words).unwrap();
        Explorer::new(storage, acquisition, seed).unwrap()
    }
}

/// A response over the latent plane that the surrogate can learn.
pub fn response(latent: [f32; 2]) -> f32 {
    2.0 + 3.0 * ((latent[0]).sin() + 0.5 * (2.0 * latent[1]).cos())
}

pub fn response_at(explorer: &Explorer<'_>, candidate: Candidate) -> f32 {
    response(explorer.latents().unwrap()[candidate.index()])
}

/// Candidates spread over the image by a stride coprime to their number.
pub fn spread(n: usize, count: usize) -> Candidate {
    Candidate(((n * 233) % count) as u32)
}

/// Mean and variance by an f64 Cholesky of the whole covariance, sharing no code with the kernel. With
/// a spatial part the mean counts it, and the variance is that of what the features tell.
pub fn posterior_f64(
    fixture: &Fixture,
    latents: &[[f32; 2]],
    measured: &[(Candidate, f32)],
) -> Vec<(f64, f64)> {
    let h = fixture.hyperparameters;
    let k = |a: [f32; 2], b: [f32; 2]| {
        let squared: f64 = (0..2)
            .map(|i| (f64::from(a[i]) - f64::from(b[i])).powi(2))
            .sum();
        f64::from(h.outputscale) * (-0.5 * squared).exp()
    };
    let space = &fixture.weights[fixture.network.layout().space];
    let columns = SIDE - WINDOW + 1;
    let shared = |a: usize, b: usize| {
        let &[share, inverse_reach] = space else {
            return 0.0;
        };
        let along = |a: usize, b: usize| {
            let d = 3.0_f64.sqrt() * a.abs_diff(b) as f64 * f64::from(inverse_reach);
            (1.0 + d) * (-d).exp()
        };
        let correlation = along(a / columns, b / columns) * along(a % columns, b % columns);
        f64::from(h.outputscale) * f64::from(share) * correlation
    };
    let n = measured.len();
    let number = |i: usize| measured[i].0.index();
    let at = |i: usize| latents[measured[i].0.index()];
    let mut l = vec![vec![0.0_f64; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let mut sum = k(at(i), at(j)) + shared(number(i), number(j));
            sum += if i == j { f64::from(h.noise) } else { 0.0 };
            sum -= l[i][..j]
                .iter()
                .zip(&l[j][..j])
                .map(|(a, b)| a * b)
                .sum::<f64>();
            l[i][j] = if i == j { sum.sqrt() } else { sum / l[j][j] };
        }
    }
    let forward = |mut b: Vec<f64>| {
        for i in 0..n {
            let known: f64 = l[i][..i].iter().zip(&b).map(|(a, x)| a * x).sum();
            b[i] = (b[i] - known) / l[i][i];
        }
        b
    };
    let s = fixture.standardisation;
    let centred = measured
        .iter()
        .map(|&(_, y)| (f64::from(y) - f64::from(s.mean)) / f64::from(s.scale) - f64::from(h.mean));
    let whitened = forward(centred.collect());
    latents
        .iter()
        .enumerate()
        .map(|(own, &x)| {
            let a = forward((0..n).map(|i| k(x, at(i))).collect());
            let b = forward((0..n).map(|i| shared(own, number(i))).collect());
            let both = a.iter().zip(&b).map(|(a, b)| a + b);
            let mean: f64 = both.zip(&whitened).map(|(a, b)| a * b).sum();
            let explained: f64 = a.iter().map(|a| a * a).sum();
            (
                f64::from(h.mean) + mean,
                f64::from(h.outputscale) - explained,
            )
        })
        .collect()
}
