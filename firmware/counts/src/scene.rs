//! Scenes that campaigns meet: samples, and models of the filters that the host trained on them.
//!
//! `cargo run --release --package beacon-host --example count_scenes -- firmware/counts/scenes` makes the files.

use beacon_kernel::{Candidate, Hyperparameters, Standardisation};

/// Points whose models there are.
pub(crate) const POINTS: [usize; 3] = [30, 110, 310];

const PIXELS: usize = 64 * 64;
const CANDIDATES: usize = 49 * 49;
/// Weights of the filters, and what else a model is made of.
const WEIGHTS: usize = 20;
const MODEL: usize = WEIGHTS + 7;
const NUMBERS: usize = PIXELS + CANDIDATES + POINTS.len() * MODEL;
/// From one measured point to the next: what spreads them in the host's own benchmarks.
const STRIDE: usize = 1483;

/// An image of 64 × 64 pixels, the response of every candidate, and the models of its first points.
pub(crate) struct Scene {
    /// What the row of a decision is called.
    pub(crate) row: &'static str,
    numbers: &'static [f32; NUMBERS],
}

/// A model that was trained in a scene.
pub(crate) struct Trained {
    pub(crate) weights: &'static [f32],
    pub(crate) hyperparameters: Hyperparameters,
    pub(crate) standardisation: Standardisation,
}

/// All of them.
pub(crate) static ALL: [Scene; 4] = [
    Scene {
        row: "decision_on_nanoparticles",
        numbers: &NANOPARTICLES,
    },
    Scene {
        row: "decision_on_ferroelectric",
        numbers: &FERROELECTRIC,
    },
    Scene {
        row: "decision_on_plasmonic",
        numbers: &PLASMONIC,
    },
    Scene {
        row: "decision_on_blobs",
        numbers: &BLOBS,
    },
];

static NANOPARTICLES: [f32; NUMBERS] = numbers(include_bytes!("../scenes/nanoparticles"));
static FERROELECTRIC: [f32; NUMBERS] = numbers(include_bytes!("../scenes/ferroelectric"));
static PLASMONIC: [f32; NUMBERS] = numbers(include_bytes!("../scenes/plasmonic"));
static BLOBS: [f32; NUMBERS] = numbers(include_bytes!("../scenes/blobs"));

const fn numbers(bytes: &[u8; 4 * NUMBERS]) -> [f32; NUMBERS] {
    let mut numbers = [0.0; NUMBERS];
    let (words, _) = bytes.as_chunks::<4>();
    let mut i = 0;
    while i < NUMBERS {
        numbers[i] = f32::from_le_bytes(words[i]);
        i += 1;
    }
    numbers
}

impl Scene {
    pub(crate) fn image(&self) -> &'static [f32] {
        &self.numbers[..PIXELS]
    }

    /// The n-th point measured.
    pub(crate) fn candidate(n: usize) -> Candidate {
        Candidate((n * STRIDE % CANDIDATES) as u32)
    }

    pub(crate) fn response(&self, candidate: Candidate) -> f32 {
        self.numbers[PIXELS + candidate.index()]
    }

    /// The model of the first so many of [`POINTS`].
    pub(crate) fn model(&self, points: usize) -> Trained {
        let which = POINTS.iter().position(|own| *own == points);
        let which = which.expect("a number of points that there is a model for");
        let first = PIXELS + CANDIDATES + which * MODEL;
        let (weights, rest) = self.numbers[first..first + MODEL].split_at(WEIGHTS);
        let [x, y, outputscale, noise, prior_mean, mean, scale] = *rest else {
            unreachable!("a model has seven further numbers");
        };
        Trained {
            weights,
            hyperparameters: Hyperparameters {
                lengthscale: [x, y],
                outputscale,
                noise,
                mean: prior_mean,
            },
            standardisation: Standardisation { mean, scale },
        }
    }
}
