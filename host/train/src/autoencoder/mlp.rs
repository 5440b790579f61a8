//! Perceptrons, evaluated and differentiated for many vectors at a time.
//!
//! Every function is one of sums, products and quotients in one order: the same on every machine.

#![allow(
    clippy::inline_always,
    reason = "a multiversioned function recompiles only what is inlined into it"
)]

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

use super::product;
use crate::Random;

/// One dense layer, h = x W + b; or the derivatives of a loss by its weights and biases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Dense {
    /// `[input][output]`.
    pub(super) weights: Vec<f32>,
    /// One an output.
    pub(super) biases: Vec<f32>,
}

impl Dense {
    /// `PyTorch`'s default: uniform in ±1/√(inputs of one output).
    fn random(inputs: usize, outputs: usize, random: &mut Random) -> Self {
        let bound = (inputs as f64).sqrt().recip();
        let mut uniform = |count: usize| -> Vec<f32> {
            let draw = |_| ((2.0 * random.uniform() - 1.0) * bound) as f32;
            (0..count).map(draw).collect()
        };
        Self {
            weights: uniform(inputs * outputs),
            biases: uniform(outputs),
        }
    }

    /// `[vector][output]` of `[vector][input]`.
    fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        let outputs = self.biases.len();
        let vectors = inputs.len() * outputs / self.weights.len();
        let mut values = self.biases.repeat(vectors);
        product::add(inputs, &self.weights, &mut values, outputs);
        values
    }

    /// Derivatives by the inputs, `[vector][input]`, from those by the outputs,
    /// `[vector][output]`.
    pub(super) fn backward(&self, by_outputs: &[f32]) -> Vec<f32> {
        let outputs = self.biases.len();
        let inputs = self.weights.len() / outputs;
        let mut by_inputs = vec![0.0; by_outputs.len() / outputs * inputs];
        let weights = product::transposed(&self.weights, outputs);
        product::add(by_outputs, &weights, &mut by_inputs, inputs);
        by_inputs
    }

    /// Takes over the derivatives by weights and biases, summed over vectors.
    fn derive(&mut self, inputs: &[f32], by_outputs: &[f32]) {
        let outputs = self.biases.len();
        self.weights.fill(0.0);
        let inputs = product::transposed(inputs, self.weights.len() / outputs);
        product::add(&inputs, by_outputs, &mut self.weights, outputs);
        self.biases.fill(0.0);
        for vector in by_outputs.chunks_exact(outputs) {
            for (bias, by_output) in self.biases.iter_mut().zip(vector) {
                *bias += by_output;
            }
        }
    }
}

/// Dense layers with tanh between them and none behind the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Perceptron {
    pub(super) layers: Vec<Dense>,
}

impl Perceptron {
    /// One that was not trained, with so many inputs, hidden units and outputs.
    pub(super) fn random(sizes: &[usize], random: &mut Random) -> Self {
        let layer = |sizes: &[usize]| Dense::random(sizes[0], sizes[1], random);
        Self {
            layers: sizes.windows(2).map(layer).collect(),
        }
    }

    /// `[vector][output]` of `[vector][input]`.
    pub fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        self.activations(inputs.to_vec()).pop().unwrap_or_default()
    }

    /// What enters each layer, and last what the last one puts out, `[vector][unit]` each.
    pub(super) fn activations(&self, inputs: Vec<f32>) -> Vec<Vec<f32>> {
        let mut activations = vec![inputs];
        for (number, layer) in self.layers.iter().enumerate() {
            let mut outputs = layer.forward(&activations[number]);
            if number + 1 < self.layers.len() {
                take_tanh(&mut outputs);
            }
            activations.push(outputs);
        }
        activations
    }

    /// From the derivatives of a loss by the outputs, `[vector][output]`, to those by weights and
    /// biases, summed over vectors. Gives those by what the first layer puts out before its
    /// tanh, from which [`Dense::backward`] leads on to the inputs.
    pub(super) fn backward(
        &self,
        activations: &[Vec<f32>],
        by_outputs: Vec<f32>,
        derivatives: &mut Self,
    ) -> Vec<f32> {
        let mut by_outputs = by_outputs;
        for (number, layer) in self.layers.iter().enumerate().rev() {
            let inputs = &activations[number];
            derivatives.layers[number].derive(inputs, &by_outputs);
            if number > 0 {
                by_outputs = layer.backward(&by_outputs);
                for (d, tanh) in by_outputs.iter_mut().zip(inputs) {
                    *d *= 1.0 - tanh * tanh;
                }
            }
        }
        by_outputs
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn take_tanh(values: &mut [f32]) {
    for value in values {
        *value = tanh(*value);
    }
}

/// Hyperbolic tangent within 5e-7: the rational function that Eigen's `ptanh_float` takes, where
/// `libm` would need a third of the time of training. Nothing for what is no number.
#[inline(always)]
fn tanh(x: f32) -> f32 {
    // Beyond, single precision cannot tell it from ±1.
    let x = x.clamp(-7.905_311, 7.905_311);
    let square = x * x;
    let odd = [
        2.000_188e-13,
        -8.604_672e-11,
        5.122_297e-8,
        1.485_722_4e-5,
        6.372_619e-4,
        4.893_524_6e-3,
    ];
    let even = [1.185_347_1e-4, 2.268_434_6e-3, 4.893_525e-3];
    let odd = odd.iter().fold(-2.760_768_5e-16, |sum, c| sum * square + c);
    let even = even.iter().fold(1.198_258_4e-6, |sum, c| sum * square + c);
    x * odd / even
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tanh_is_that_of_the_mathematical_library() {
        for n in -200_000..=200_000 {
            let x = n as f32 * 5e-5;
            let found = f64::from(tanh(x));
            let wanted = libm::tanh(f64::from(x));
            assert!((found - wanted).abs() < 5e-7, "{x}: {found} {wanted}");
        }
        assert!(tanh(f32::NAN).is_nan());
        assert_eq!(
            [tanh(f32::INFINITY), tanh(-1e9)].map(f32::abs),
            [tanh(8.0); 2]
        );
    }

    #[test]
    fn two_layers_by_hand() {
        let layer = |weights: &[f32], biases: &[f32]| Dense {
            weights: weights.to_vec(),
            biases: biases.to_vec(),
        };
        let layers = vec![
            layer(&[1.0, 0.0, 2.0, -1.0], &[0.5, 0.0]),
            layer(&[3.0, 1.0], &[-1.0]),
        ];
        let found = Perceptron { layers }.forward(&[1.0, -1.0, 0.0, 0.0]);
        let first = 3.0 * (-0.5_f64).tanh() + 1.0_f64.tanh() - 1.0;
        let second = 3.0 * 0.5_f64.tanh() - 1.0;
        assert_eq!(found.len(), 2);
        assert!((f64::from(found[0]) - first).abs() < 1e-6);
        assert!((f64::from(found[1]) - second).abs() < 1e-6);
    }

    #[test]
    fn a_vector_alone_and_among_others_gives_the_same_bits() {
        let mut random = Random::new(6);
        let perceptron = Perceptron::random(&[9, 20, 3], &mut random);
        let inputs: Vec<f32> = (0..9 * 7).map(|_| random.normal() as f32).collect();
        let alone = inputs.chunks(9).flat_map(|one| perceptron.forward(one));
        assert_eq!(perceptron.forward(&inputs), alone.collect::<Vec<_>>());
    }
}
