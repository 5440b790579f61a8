//! Adam, a step from running moments of the gradient (Kingma & Ba 2015, Algorithm 1).

use multiversion::multiversion;
use serde::{Deserialize, Serialize};

const BETA_1: f64 = 0.9;
const BETA_2: f64 = 0.999;
const EPSILON: f64 = 1e-8;

/// State of the optimiser, one entry a parameter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Adam {
    first: Vec<f64>,
    second: Vec<f64>,
    /// β₁ᵗ and β₂ᵗ, as running products: a power function need not round alike everywhere.
    decay: [f64; 2],
}

impl Adam {
    /// Before the first step, for `count` parameters.
    pub(crate) fn new(count: usize) -> Self {
        Self {
            first: vec![0.0; count],
            second: vec![0.0; count],
            decay: [1.0; 2],
        }
    }

    /// Whether it is of `count` parameters.
    pub(crate) fn fits(&self, count: usize) -> bool {
        self.first.len() == count && self.second.len() == count
    }

    /// Moves the parameters one step down their gradient.
    pub(crate) fn step(&mut self, rate: f64, parameters: &mut [f64], gradient: &[f64]) {
        self.decay[0] *= BETA_1;
        self.decay[1] *= BETA_2;
        let bias = self.decay.map(|power| 1.0 - power);
        step(
            parameters,
            gradient,
            &mut self.first,
            &mut self.second,
            [rate / bias[0], bias[1]],
        );
    }

    /// Takes over another state of the same size without allocating.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.first.copy_from_slice(&other.first);
        self.second.copy_from_slice(&other.second);
        self.decay = other.decay;
    }
}

#[multiversion(targets("x86_64+avx2"))]
fn step(
    parameters: &mut [f64],
    gradient: &[f64],
    first: &mut [f64],
    second: &mut [f64],
    [rate, bias]: [f64; 2],
) {
    let moments = first.iter_mut().zip(second);
    for ((p, g), (m, v)) in parameters.iter_mut().zip(gradient).zip(moments) {
        *m = BETA_1 * *m + (1.0 - BETA_1) * g;
        *v = BETA_2 * *v + (1.0 - BETA_2) * g * g;
        *p -= rate * *m / ((*v / bias).sqrt() + EPSILON);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: Algorithm 1 of Kingma & Ba worked by hand. With a constant gradient both
    /// corrected moments are exact (m̂ = g, v̂ = g²), so each step is rate·g/(|g| + ε). For
    /// gradients 1 then −1: m̂₂ = (0.09 − 0.1)/0.19, v̂₂ = 1.
    #[test]
    fn steps_are_those_of_the_algorithm_worked_by_hand() {
        let mut adam = Adam::new(2);
        let mut parameters = [1.0, 1.0];
        adam.step(0.01, &mut parameters, &[4.0, 1.0]);
        assert!((parameters[0] - (1.0 - 0.01)).abs() < 1e-9);
        assert!((parameters[1] - (1.0 - 0.01)).abs() < 1e-9);
        adam.step(0.01, &mut parameters, &[4.0, -1.0]);
        assert!((parameters[0] - (1.0 - 0.02)).abs() < 1e-9);
        assert!((parameters[1] - (0.99 + 0.01 * 0.01 / 0.19)).abs() < 1e-9);
    }

    #[test]
    fn a_parameter_without_gradient_stays() {
        let mut adam = Adam::new(1);
        let mut parameters = [0.5];
        adam.step(0.01, &mut parameters, &[0.0]);
        assert_eq!(parameters, [0.5]);
    }
}
