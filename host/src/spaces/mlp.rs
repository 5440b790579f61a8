//! A trained perceptron, evaluated without the library that trained it.

use serde::{Deserialize, Serialize};

/// One dense layer, h = x W + b.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Dense {
    /// `[input][output]`.
    pub(super) weights: Vec<f32>,
    /// One an output.
    pub(super) biases: Vec<f32>,
}

impl Dense {
    fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        let mut outputs = self.biases.clone();
        for (x, weights) in inputs.iter().zip(self.weights.chunks_exact(outputs.len())) {
            for (output, weight) in outputs.iter_mut().zip(weights) {
                *output += x * weight;
            }
        }
        outputs
    }
}

/// Dense layers with tanh between them and none behind the last.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Perceptron {
    pub(super) layers: Vec<Dense>,
}

impl Perceptron {
    /// Outputs for one vector of inputs. Transcendentals come from `libm`, sums run in the
    /// order of the inputs: the same on every machine.
    pub(super) fn forward(&self, inputs: &[f32]) -> Vec<f32> {
        let last = self.layers.len().saturating_sub(1);
        let mut values = inputs.to_vec();
        for (number, layer) in self.layers.iter().enumerate() {
            values = layer.forward(&values);
            if number < last {
                for value in &mut values {
                    *value = libm::tanhf(*value);
                }
            }
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let found = Perceptron { layers }.forward(&[1.0, -1.0]);
        let expected = 3.0 * (-0.5_f64).tanh() + 1.0_f64.tanh() - 1.0;
        assert!((f64::from(found[0]) - expected).abs() < 1e-6);
    }
}
