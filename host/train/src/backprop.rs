//! The fixed network over a batch of patches: latents forward, weight gradients backward.
//!
//! The batch lies in chunks of [`CHUNK`] patches, each with its own activations and gradient.
//! Chunks go to threads as they come, their gradients are added up in the order of chunks:
//! the result does not depend on who computed what. A chunk whose patches and weights are
//! those of the last time is not evaluated again: with one more point, all but the last are.

use beacon_kernel::Network;
use beacon_kernel::network::{CHANNELS_2, LATENT};
use rayon::prelude::*;

use super::passes::{CHUNK, Chunk, FAN_2, Weights, backward, forward};
use super::shape::Shape;

/// A network with its weights and a batch of patches: what [`Trainer`](super::Trainer) trains,
/// for use without one.
#[derive(Clone, Debug)]
pub struct Batch {
    weights: Weights,
    points: usize,
    /// Those past the batch are kept for when it grows.
    chunks: Vec<Chunk>,
}

impl Batch {
    /// An empty batch, all weights zero.
    pub fn new(network: Network) -> Self {
        Self {
            weights: Weights {
                shape: Shape::new(network),
                layout: network.layout(),
                flat: vec![0.0; network.weight_count()],
                conv2_by_output: vec![0.0; FAN_2 * CHANNELS_2],
            },
            points: 0,
            chunks: Vec::new(),
        }
    }

    /// The weights of the last [`set_weights`](Self::set_weights), as f32.
    pub fn weights(&self) -> &[f32] {
        &self.weights.flat
    }

    /// Takes over weights in the order of [`Network::layout`].
    pub fn set_weights(&mut self, weights: &[f64]) {
        let Weights {
            layout,
            flat,
            conv2_by_output,
            ..
        } = &mut self.weights;
        let mut changed = false;
        for (to, from) in flat.iter_mut().zip(weights) {
            let weight = *from as f32;
            changed |= weight.to_bits() != to.to_bits();
            *to = weight;
        }
        if !changed {
            return;
        }
        for chunk in &mut self.chunks {
            chunk.evaluated = false;
        }
        let kernel = &flat[layout.conv2_kernel.clone()];
        for (input, outputs) in kernel.chunks_exact(CHANNELS_2).enumerate() {
            for (output, weight) in outputs.iter().enumerate() {
                conv2_by_output[output * FAN_2 + input] = *weight;
            }
        }
    }

    /// Takes over patches, `[patch][window][window]`.
    pub fn set_patches(&mut self, patches: &[f32]) {
        let shape = self.weights.shape;
        let size = shape.window * shape.window;
        self.points = patches.len() / size;
        let wanted = self.points.div_ceil(CHUNK);
        while self.chunks.len() < wanted {
            self.chunks.push(Chunk::new(shape, self.weights.flat.len()));
        }
        for (chunk, patches) in self.chunks.iter_mut().zip(patches.chunks(CHUNK * size)) {
            let count = patches.len() / size;
            let mut changed = chunk.patches != count;
            chunk.patches = count;
            let inputs = chunk.input.chunks_exact_mut(shape.input_len());
            for (input, patch) in inputs.zip(patches.chunks_exact(size)) {
                changed |= shape.fill(patch, input);
            }
            chunk.evaluated &= !changed;
        }
    }

    /// Evaluates the latents of all patches.
    pub fn forward(&mut self) {
        let weights = &self.weights;
        let chunks = &mut self.chunks[..self.points.div_ceil(CHUNK)];
        chunks
            .par_iter_mut()
            .filter(|chunk| !chunk.evaluated)
            .for_each(|chunk| {
                forward(weights, chunk);
                chunk.evaluated = true;
            });
    }

    /// The latents of the last [`forward`](Self::forward).
    pub fn latents(&self) -> impl Iterator<Item = [f32; LATENT]> {
        let chunks = self.chunks.iter().flat_map(|chunk| chunk.latents);
        chunks.take(self.points)
    }

    /// From the gradient by each patch's latent to the gradient by the weights, written to
    /// `gradient` in the order of the layout; after [`forward`](Self::forward).
    ///
    /// # Panics
    /// When `gradient` is not as long as there are weights.
    pub fn backward(
        &mut self,
        latent_gradient: impl Fn(usize) -> [f64; LATENT] + Sync,
        gradient: &mut [f64],
    ) {
        let weights = &self.weights;
        let chunks = &mut self.chunks[..self.points.div_ceil(CHUNK)];
        chunks
            .par_iter_mut()
            .enumerate()
            .for_each(|(index, chunk)| {
                let points = index * CHUNK..index * CHUNK + chunk.patches;
                for (to, point) in chunk.latent_gradient.iter_mut().zip(points) {
                    *to = latent_gradient(point).map(|g| g as f32);
                }
                backward(weights, chunk);
            });
        gradient.fill(0.0);
        let conv2 = weights.layout.conv2_kernel.clone();
        for chunk in chunks {
            let outside = [0..conv2.start, conv2.end..gradient.len()];
            for range in outside {
                let from = &chunk.gradient[range.clone()];
                for (to, from) in gradient[range].iter_mut().zip(from) {
                    *to += f64::from(*from);
                }
            }
            let by_output = chunk.gradient[conv2.clone()].chunks_exact(FAN_2);
            for (output, inputs) in by_output.enumerate() {
                let to = gradient[conv2.clone()][output..]
                    .iter_mut()
                    .step_by(CHANNELS_2);
                for (to, from) in to.zip(inputs) {
                    *to += f64::from(*from);
                }
            }
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
