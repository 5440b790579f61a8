//! Trains the variational autoencoder (Kingma and Welling 2014).
//!
//! Encoder and decoder are perceptrons of 128 and 128 tanh units; the latent is planar with a
//! standard normal prior, and a pixel is Gaussian about the decoder's output with σ = 0.5. The
//! negative evidence bound, Σ (x − x̂)² / (2σ²) + KL, is descended by Adam over 200 epochs of
//! batches of 128, one latent sample a patch.

mod mlp;
mod product;

pub use mlp::Perceptron;

use crate::adam::Adam;
use crate::{Pace, Random};
use mlp::Dense;

/// Dimensions of the latent space.
pub const LATENT: usize = 2;

const HIDDEN: usize = 128;
const EPOCHS: usize = 200;
/// Patches that are put through the networks together.
pub const BATCH: usize = 128;
const RATE: f64 = 1e-3;
/// Standard deviation of a pixel about the decoder's output, in the range of the image.
const SIGMA: f32 = 0.5;

/// An autoencoder; or the derivatives of its loss, in the same places.
#[derive(Clone)]
pub struct Autoencoder {
    /// From pixels to the latent mean and the logarithm of the latent variance.
    pub encoder: Perceptron,
    /// From the latent plane to pixels.
    pub decoder: Perceptron,
}

impl Autoencoder {
    /// One that was trained on patches `[patch][area]`, for the same seed with the same bits on every
    /// machine: transcendentals come from `libm`, and every sum has one order. `None` where it was broken
    /// off.
    ///
    /// # Panics
    /// When `area` is 0: a mistake of the caller.
    #[must_use]
    pub fn trained(patches: &[f32], area: usize, seed: u64, pace: &Pace) -> Option<Self> {
        let count = patches.len() / area;
        pace.announce(EPOCHS * count.div_ceil(BATCH));
        let mut random = Random::new(seed);
        let mut trained = Self::random(area, &mut random);
        let mut derivatives = trained.clone();
        // Steps are too small for single precision to add them up.
        let mut parameters = trained.widened();
        let mut adam = Adam::new(parameters.len());
        for _ in 0..EPOCHS {
            for batch in random.permutation(count, count).chunks(BATCH) {
                if pace.is_broken() {
                    return None;
                }
                let patch = |&n: &usize| &patches[n * area..(n + 1) * area];
                let normal = (0..batch.len() * LATENT).map(|_| random.normal() as f32);
                let normal: Vec<f32> = normal.collect();
                let batch: Vec<&[f32]> = batch.iter().map(patch).collect();
                trained.derive(batch.concat(), &normal, &mut derivatives);
                adam.step(RATE, &mut parameters, &derivatives.widened());
                trained.narrow(&parameters);
                pace.pass(1);
            }
        }
        Some(trained)
    }

    fn random(area: usize, random: &mut Random) -> Self {
        Self {
            encoder: Perceptron::random(&[area, HIDDEN, HIDDEN, 2 * LATENT], random),
            decoder: Perceptron::random(&[LATENT, HIDDEN, HIDDEN, area], random),
        }
    }

    fn layers(&mut self) -> impl Iterator<Item = &mut Dense> {
        self.encoder
            .layers
            .iter_mut()
            .chain(&mut self.decoder.layers)
    }

    /// Every weight and bias, layer by layer.
    fn widened(&mut self) -> Vec<f64> {
        let mut numbers = Vec::new();
        for layer in self.layers() {
            numbers.extend(layer.weights.iter().map(|&weight| f64::from(weight)));
            numbers.extend(layer.biases.iter().map(|&bias| f64::from(bias)));
        }
        numbers
    }

    /// Takes over every weight and bias, in the order of [`Self::widened`].
    fn narrow(&mut self, numbers: &[f64]) {
        let mut rest = numbers;
        for layer in self.layers() {
            for to in [&mut layer.weights, &mut layer.biases] {
                let (numbers, behind) = rest.split_at(to.len());
                for (to, &number) in to.iter_mut().zip(numbers) {
                    *to = number as f32;
                }
                rest = behind;
            }
        }
    }

    /// Derivatives of the loss, averaged over a batch of patches `[patch][area]`, whose latents
    /// are sampled with standard normal numbers `[patch][LATENT]`.
    fn derive(&self, patches: Vec<f32>, normal: &[f32], derivatives: &mut Self) {
        let share = LATENT as f32 / normal.len() as f32;
        let encoded = self.encoder.activations(patches);
        let (patches, outputs) = (&encoded[0], &encoded[self.encoder.layers.len()]);
        // Mean, standard deviation and variance of the latent of each patch along each axis.
        let posterior = |n: usize| {
            let (patch, axis) = (n / LATENT, n % LATENT);
            let at = 2 * LATENT * patch + axis;
            let deviation = libm::expf(0.5 * outputs[at + LATENT]);
            (at, outputs[at], deviation)
        };
        let sample = |(n, normal): (usize, &f32)| {
            let (_, mean, deviation) = posterior(n);
            mean + deviation * normal
        };
        let latents = normal.iter().enumerate().map(sample).collect();
        let decoded = self.decoder.activations(latents);
        let pairs = decoded[self.decoder.layers.len()].iter().zip(patches);
        let by_pixel = pairs.map(|(decoded, patch)| (decoded - patch) / (SIGMA * SIGMA) * share);
        let decoder = &mut derivatives.decoder;
        let by_hidden = self.decoder.backward(&decoded, by_pixel.collect(), decoder);
        let by_latent = self.decoder.layers[0].backward(&by_hidden);
        let mut by_output = vec![0.0; outputs.len()];
        for (n, (by_latent, normal)) in by_latent.iter().zip(normal).enumerate() {
            // KL = ½ Σ (μ² + s² − 1 − ln s²)
            let (at, mean, deviation) = posterior(n);
            by_output[at] = by_latent + mean * share;
            by_output[at + LATENT] =
                0.5 * (by_latent * normal * deviation + (deviation * deviation - 1.0) * share);
        }
        let encoder = &mut derivatives.encoder;
        self.encoder.backward(&encoded, by_output, encoder);
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
        let trained = Autoencoder::trained(&patches, 64, 1, &Pace::default()).unwrap();
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
    fn training_is_broken_off_at_its_next_step() {
        let (patches, _) = two_factors(20);
        let pace = Pace::default();
        pace.break_off();
        assert!(Autoencoder::trained(&patches, 64, 1, &pace).is_none());
        assert_eq!(pace.steps(), (0, EPOCHS));
    }

    /// Outputs of one vector in double precision, from the front of `parameters`, which it takes.
    fn outputs(parameters: &mut &[f64], inputs: &[f64], sizes: [usize; 3]) -> Vec<f64> {
        let mut values = inputs.to_vec();
        for (number, size) in sizes.into_iter().enumerate() {
            let (weights, rest) = parameters.split_at(values.len() * size);
            let (biases, rest) = rest.split_at(size);
            *parameters = rest;
            let output = |n: usize| {
                let pairs = values.iter().zip(weights.iter().skip(n).step_by(size));
                let sum = biases[n] + pairs.map(|(x, w)| x * w).sum::<f64>();
                if number < 2 { libm::tanh(sum) } else { sum }
            };
            values = (0..size).map(output).collect();
        }
        values
    }

    /// The negative evidence bound of one patch, as the module's page defines it.
    fn loss(mut parameters: &[f64], patch: &[f64], normal: &[f64]) -> f64 {
        let encoded = outputs(&mut parameters, patch, [HIDDEN, HIDDEN, 2 * LATENT]);
        let (means, logarithms) = encoded.split_at(LATENT);
        let latent = |n: usize| means[n] + (0.5 * logarithms[n]).exp() * normal[n];
        let latent: Vec<f64> = (0..LATENT).map(latent).collect();
        let decoded = outputs(&mut parameters, &latent, [HIDDEN, HIDDEN, patch.len()]);
        let squares = decoded.iter().zip(patch).map(|(d, x)| (d - x).powi(2));
        let divergence = |n: usize| means[n].powi(2) + logarithms[n].exp() - 1.0 - logarithms[n];
        squares.sum::<f64>() / (2.0 * f64::from(SIGMA).powi(2))
            + 0.5 * (0..LATENT).map(divergence).sum::<f64>()
    }

    /// Oracle: central differences of the loss in double precision, written down again.
    #[test]
    fn derivatives_are_those_of_finite_differences() {
        const AREA: usize = 6;
        const COUNT: usize = 3;
        let mut random = Random::new(2);
        let mut autoencoder = Autoencoder::random(AREA, &mut random);
        let mut table =
            |count: usize| -> Vec<f32> { (0..count).map(|_| random.normal() as f32).collect() };
        let (patches, normal) = (table(COUNT * AREA), table(COUNT * LATENT));
        let mut derivatives = autoencoder.clone();
        autoencoder.derive(patches.clone(), &normal, &mut derivatives);
        let found = derivatives.widened();
        let wide = |table: &[f32]| -> Vec<f64> { table.iter().map(|&x| f64::from(x)).collect() };
        let (patches, normal) = (wide(&patches), wide(&normal));
        let mean_loss = |parameters: &[f64]| {
            let patches = patches.chunks(AREA).zip(normal.chunks(LATENT));
            let losses = patches.map(|(patch, normal)| loss(parameters, patch, normal));
            losses.sum::<f64>() / COUNT as f64
        };
        let mut parameters = autoencoder.widened();
        // A prime that no table's size is a multiple of, so that every layer is met.
        for n in (0..parameters.len()).step_by(37) {
            let at = parameters[n];
            let mut moved = |by: f64| {
                parameters[n] = at + by;
                mean_loss(&parameters)
            };
            let wanted = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            parameters[n] = at;
            let allowed = 1e-5 + 1e-4 * wanted.abs();
            assert!(
                (found[n] - wanted).abs() < allowed,
                "{n}: {} {wanted}",
                found[n]
            );
        }
    }

    /// The bits of one training, whatever the machine. A change of them is a new version of the
    /// latent space in the cache.
    #[test]
    fn training_ends_in_the_same_bits_everywhere() {
        let (patches, _) = two_factors(150);
        let mut trained = Autoencoder::trained(&patches, 64, 1, &Pace::default()).unwrap();
        let numbers = trained.widened();
        let bytes: Vec<u8> = numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let crc = crc::Crc::<u32>::new(&crc::CRC_32_ISO_HDLC);
        assert_eq!(crc.checksum(&bytes), 0x81d4_e68c);
    }
}
