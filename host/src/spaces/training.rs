//! Trains the variational autoencoder (Kingma and Welling 2014) with `candle`.
//!
//! Encoder and decoder are perceptrons of 128 and 128 tanh units; the latent is planar with a
//! standard normal prior, and a pixel is Gaussian about the decoder's output with σ = 0.5. The
//! negative evidence bound, Σ (x − x̂)² / (2σ²) + KL, is descended by Adam over 200 epochs of
//! batches of 128, one latent sample a patch.

use candle_core::{Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer as _, ParamsAdamW};

use super::mlp::{Dense, Perceptron};
use super::random::Random;

/// Dimensions of the latent space.
pub(super) const LATENT: usize = 2;

const HIDDEN: usize = 128;
const EPOCHS: usize = 200;
const BATCH: usize = 128;
const RATE: f64 = 1e-3;
/// Standard deviation of a pixel about the decoder's output, in the range of the image.
const SIGMA: f64 = 0.5;

/// A trained autoencoder.
pub(super) struct Autoencoder {
    /// From pixels to the latent mean and the logarithm of the latent variance.
    pub(super) encoder: Perceptron,
    /// From the latent plane to pixels.
    pub(super) decoder: Perceptron,
}

/// Trains on patches `[patch][area]`. The same on every run on one machine and for any number
/// of threads; another processor may sum in another order, and so end in another plane.
///
/// # Errors
/// What `candle` reports; nothing for tables of the right size.
pub(super) fn train(patches: &[f32], area: usize, seed: u64) -> Result<Autoencoder> {
    keep_freed_memory();
    let count = patches.len() / area;
    let device = Device::Cpu;
    let mut random = Random::new(seed);
    let encoder = Layers::new(&[area, HIDDEN, HIDDEN, 2 * LATENT], &mut random)?;
    let decoder = Layers::new(&[LATENT, HIDDEN, HIDDEN, area], &mut random)?;
    let variables = encoder.0.iter().chain(&decoder.0).flatten().cloned();
    let adam = ParamsAdamW {
        lr: RATE,
        weight_decay: 0.0,
        ..ParamsAdamW::default()
    };
    let mut adam = AdamW::new(variables.collect(), adam)?;
    let patches = Tensor::from_slice(patches, (count, area), &device)?;
    for _ in 0..EPOCHS {
        for batch in random.permutation(count, count).chunks(BATCH) {
            let size = batch.len();
            let numbers: Vec<u32> = batch.iter().map(|&n| n as u32).collect();
            let wanted = patches.index_select(&Tensor::new(numbers, &device)?, 0)?;
            let noise: Vec<f32> = (0..size * LATENT).map(|_| random.normal() as f32).collect();
            let noise = Tensor::from_vec(noise, (size, LATENT), &device)?;
            let encoded = encoder.forward(&wanted)?;
            let mean = encoded.narrow(1, 0, LATENT)?;
            let log_variance = encoded.narrow(1, LATENT, LATENT)?;
            let latent = (&mean + (&log_variance * 0.5)?.exp()?.mul(&noise)?)?;
            let misfit = (wanted - decoder.forward(&latent)?)?.sqr()?.sum_all()?;
            // KL = ½ Σ (μ² + s² − 1 − ln s²)
            let divergence = ((mean.sqr()? + log_variance.exp()?)? - log_variance)?;
            let divergence = (divergence.sum_all()? - (size * LATENT) as f64)?;
            let loss = ((misfit / (2.0 * SIGMA * SIGMA))? + (divergence * 0.5)?)?;
            adam.backward_step(&(loss / size as f64)?)?;
        }
    }
    Ok(Autoencoder {
        encoder: encoder.perceptron()?,
        decoder: decoder.perceptron()?,
    })
}

/// Lets the allocator keep what is freed. The C library of Linux gives blocks of a batch's size
/// back to the system at once, until it has seen a larger one come and go; faulting them in
/// again took half of the training's time.
fn keep_freed_memory() {
    drop(std::hint::black_box(vec![0_u8; 16 << 20]));
}

/// Weights and biases of dense layers, under training.
struct Layers(Vec<[Var; 2]>);

impl Layers {
    /// `PyTorch`'s default: uniform in ±1/√(inputs of one output).
    fn new(sizes: &[usize], random: &mut Random) -> Result<Self> {
        let layer = |sizes: &[usize]| {
            let (inputs, outputs) = (sizes[0], sizes[1]);
            let bound = (inputs as f64).sqrt().recip();
            let mut uniform = |count: usize| -> Vec<f32> {
                let draw = |_| ((2.0 * random.uniform() - 1.0) * bound) as f32;
                (0..count).map(draw).collect()
            };
            let weights = uniform(inputs * outputs);
            let biases = uniform(outputs);
            Ok([
                Var::from_vec(weights, (inputs, outputs), &Device::Cpu)?,
                Var::from_vec(biases, outputs, &Device::Cpu)?,
            ])
        };
        sizes.windows(2).map(layer).collect::<Result<_>>().map(Self)
    }

    fn forward(&self, inputs: &Tensor) -> Result<Tensor> {
        let mut values = inputs.clone();
        for (number, [weights, biases]) in self.0.iter().enumerate() {
            values = values.matmul(weights)?.broadcast_add(biases)?;
            if number + 1 < self.0.len() {
                values = values.tanh()?;
            }
        }
        Ok(values)
    }

    fn perceptron(&self) -> Result<Perceptron> {
        let layer = |[weights, biases]: &[Var; 2]| {
            Ok(Dense {
                weights: weights.flatten_all()?.to_vec1()?,
                biases: biases.to_vec1()?,
            })
        };
        let layers = self.0.iter().map(layer).collect::<Result<_>>()?;
        Ok(Perceptron { layers })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patches that vary along two directions only, and their two coordinates.
    fn two_factors(count: usize) -> (Vec<f32>, Vec<[f32; 2]>) {
        let mut random = Random::new(8);
        let factors: Vec<[f32; 2]> = (0..count)
            .map(|_| [random.uniform() as f32, random.uniform() as f32])
            .collect();
        let pixel = |[a, b]: [f32; 2], n: usize| {
            if n.is_multiple_of(2) { a } else { b }
        };
        let patches = factors
            .iter()
            .flat_map(|&f| (0..64).map(move |n| pixel(f, n)));
        (patches.collect(), factors)
    }

    /// Without a latent the best reconstruction is the mean, which leaves the variance of a
    /// uniform, 1/12. A plane that holds both factors leaves next to nothing.
    #[test]
    fn two_factors_of_variation_survive_the_latent_plane() {
        let (patches, factors) = two_factors(600);
        let trained = train(&patches, 64, 1).unwrap();
        let mut squares = 0.0;
        for (patch, _) in patches.chunks_exact(64).zip(&factors) {
            let latent = &trained.encoder.forward(patch)[..LATENT];
            let decoded = trained.decoder.forward(latent);
            let pairs = decoded.iter().zip(patch);
            squares += pairs.map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
        }
        let error = squares / patches.len() as f64;
        assert!(error < 0.1 / 12.0, "{error}");
    }

    #[test]
    fn two_runs_train_the_same_network() {
        let (patches, _) = two_factors(150);
        let [one, other] = [1, 2].map(|_| train(&patches, 64, 1).unwrap());
        assert_eq!(one.encoder, other.encoder);
        assert_eq!(one.decoder, other.decoder);
    }
}
