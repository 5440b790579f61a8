//! Minimises a smooth function of a few dozen parameters: BFGS (Nocedal & Wright 2006, Algorithm
//! 6.1) with backtracking.

use super::Pace;

/// Largest change of a parameter in one step.
const LARGEST_STEP: f64 = 1.5;
/// Steps that promise or gain less than this end the search, in units of the value. A logarithmic
/// density need not be known better.
const LEAST_SLOPE: f64 = 1e-4;
const LEAST_GAIN: f64 = 2e-3;
/// Share of the promised decrease that is enough (Armijo), and the shortening of a step without it.
const ENOUGH: f64 = 1e-4;
const SHORTER: f64 = 0.4;
const MOST_SHORTENINGS: usize = 12;

/// What is minimised.
pub(super) trait Objective {
    /// The value at these parameters; nothing outside their range, or where it is not finite.
    fn value(&mut self, parameters: &[f64]) -> Option<f64>;

    /// The gradient where [`value`](Self::value) was asked for last, and succeeded.
    fn gradient(&mut self, gradient: &mut [f64]);
}

/// What a search came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Minimum {
    /// The value where the search began.
    pub(super) before: f64,
    /// The value where it ended.
    pub(super) value: f64,
    /// Steps taken.
    pub(super) steps: usize,
}

/// Takes at most `most` steps from `parameters`, and leaves the best there; nothing, and the
/// parameters as they were, where the objective has no value at the start. The search ends early where it
/// is broken off; its steps were announced.
pub(super) fn minimise(
    objective: &mut impl Objective,
    parameters: &mut [f64],
    most: usize,
    pace: &Pace,
) -> Option<Minimum> {
    let minimum = descend(objective, parameters, most, pace);
    let taken = minimum.map_or(0, |minimum| minimum.steps);
    pace.pass(most - taken);
    minimum
}

fn descend(
    objective: &mut impl Objective,
    parameters: &mut [f64],
    most: usize,
    pace: &Pace,
) -> Option<Minimum> {
    let before = objective.value(parameters)?;
    let mut minimum = Minimum {
        before,
        value: before,
        steps: 0,
    };
    let count = parameters.len();
    let mut gradient = vec![0.0; count];
    objective.gradient(&mut gradient);
    let mut inverse = Inverse::new(&gradient);
    let (mut next, mut next_gradient) = (vec![0.0; count], vec![0.0; count]);
    while minimum.steps < most && !pace.is_broken() {
        let mut direction = inverse.times(&gradient, -1.0);
        let mut slope = dot(&direction, &gradient);
        // Written so that NaN fails too, as below.
        let falls = slope < 0.0;
        if !falls {
            inverse = Inverse::new(&gradient);
            direction = inverse.times(&gradient, -1.0);
            slope = dot(&direction, &gradient);
        }
        let promises = slope < -LEAST_SLOPE;
        if !promises {
            break;
        }
        let largest = direction.iter().fold(0.0_f64, |most, x| most.max(x.abs()));
        let mut length = 1.0_f64.min(LARGEST_STEP / largest);
        let mut found = None;
        for _ in 0..MOST_SHORTENINGS {
            for ((next, x), d) in next.iter_mut().zip(&*parameters).zip(&direction) {
                *next = x + length * d;
            }
            let enough = minimum.value + ENOUGH * length * slope;
            found = objective.value(&next).filter(|&value| value <= enough);
            if found.is_some() {
                break;
            }
            length *= SHORTER;
        }
        let Some(value) = found else { break };
        objective.gradient(&mut next_gradient);
        let step: Vec<f64> = next.iter().zip(&*parameters).map(|(a, b)| a - b).collect();
        let change = next_gradient.iter().zip(&gradient).map(|(a, b)| a - b);
        let change: Vec<f64> = change.collect();
        inverse.update(&step, &change);
        parameters.copy_from_slice(&next);
        gradient.copy_from_slice(&next_gradient);
        let gain = minimum.value - value;
        minimum.value = value;
        minimum.steps += 1;
        pace.pass(1);
        if gain < LEAST_GAIN {
            break;
        }
    }
    Some(minimum)
}

/// The approximate inverse of the matrix of second derivatives.
struct Inverse {
    /// Row-major.
    entries: Vec<f64>,
    count: usize,
    /// Whether it is still a multiple of the identity by guess.
    guessed: bool,
}

impl Inverse {
    /// A multiple of the identity that makes the first step at most 0.3 long.
    fn new(gradient: &[f64]) -> Self {
        let scale = 0.3 / dot(gradient, gradient).sqrt().max(0.3);
        let mut inverse = Self {
            entries: Vec::new(),
            count: gradient.len(),
            guessed: true,
        };
        inverse.identity(scale);
        inverse
    }

    fn identity(&mut self, scale: f64) {
        self.entries.clear();
        self.entries.resize(self.count * self.count, 0.0);
        for entry in self.entries.iter_mut().step_by(self.count + 1) {
            *entry = scale;
        }
    }

    fn times(&self, vector: &[f64], factor: f64) -> Vec<f64> {
        let rows = self.entries.chunks_exact(self.count);
        rows.map(|row| factor * dot(row, vector)).collect()
    }

    /// Takes in that `change` of the gradient came of `step` (eq. 6.17); the first time after
    /// scaling the identity (eq. 6.20).
    fn update(&mut self, step: &[f64], change: &[f64]) {
        let curvature = dot(step, change);
        // Written so that NaN fails too.
        let convex = curvature > 1e-10;
        if !convex {
            return;
        }
        if core::mem::take(&mut self.guessed) {
            self.identity(curvature / dot(change, change));
        }
        let product = self.times(change, 1.0);
        let along = (1.0 + dot(change, &product) / curvature) / curvature;
        let rows = self.entries.chunks_exact_mut(self.count);
        for ((row, s), h) in rows.zip(step).zip(&product) {
            for ((entry, t), g) in row.iter_mut().zip(step).zip(&product) {
                *entry += along * s * t - (h * t + s * g) / curvature;
            }
        }
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rosenbrock's valley, whose minimum is 0 at (1, 1); no value beyond 3.
    struct Valley {
        at: Vec<f64>,
        values: usize,
    }

    impl Objective for Valley {
        fn value(&mut self, parameters: &[f64]) -> Option<f64> {
            self.at = parameters.to_vec();
            self.values += 1;
            let terms = parameters.windows(2).map(|pair| {
                let rise = pair[1] - pair[0] * pair[0];
                100.0 * rise * rise + (1.0 - pair[0]) * (1.0 - pair[0])
            });
            let value: f64 = terms.sum();
            parameters.iter().all(|x| x.abs() < 3.0).then_some(value)
        }

        fn gradient(&mut self, gradient: &mut [f64]) {
            gradient.fill(0.0);
            for i in 1..self.at.len() {
                let (a, b) = (self.at[i - 1], self.at[i]);
                gradient[i] += 200.0 * (b - a * a);
                gradient[i - 1] += -400.0 * a * (b - a * a) - 2.0 * (1.0 - a);
            }
        }
    }

    fn valley() -> Valley {
        Valley {
            at: Vec::new(),
            values: 0,
        }
    }

    #[test]
    fn a_curved_valley_is_followed_to_its_end() {
        let (mut valley, mut at) = (valley(), vec![-1.2, 1.0]);
        let minimum = minimise(&mut valley, &mut at, 200, &Pace::default()).unwrap();
        assert!(minimum.value < 5e-3, "{minimum:?}");
        assert!(at.iter().all(|x| (x - 1.0).abs() < 0.2), "{at:?}");
        assert!(valley.values < 120, "{}", valley.values);
    }

    #[test]
    fn a_start_without_a_value_is_left_as_it_is() {
        let mut at = vec![5.0, 1.0];
        let found = minimise(&mut valley(), &mut at, 10, &Pace::default());
        assert_eq!(found, None);
        assert_eq!(at, [5.0, 1.0]);
    }

    #[test]
    fn no_more_steps_are_taken_than_allowed() {
        let mut at = vec![-1.2, 1.0];
        let minimum = minimise(&mut valley(), &mut at, 3, &Pace::default()).unwrap();
        assert_eq!(minimum.steps, 3);
        assert!(minimum.value < minimum.before);
        let found = valley().value(&at).unwrap();
        assert_eq!(found, minimum.value);
    }

    #[test]
    fn a_search_that_is_broken_off_takes_no_further_step() {
        let (mut at, pace) = (vec![-1.2, 1.0], Pace::default());
        pace.announce(200);
        pace.break_off();
        let minimum = minimise(&mut valley(), &mut at, 200, &pace).unwrap();
        assert_eq!(minimum.steps, 0);
        assert_eq!(at, [-1.2, 1.0]);
        assert_eq!(pace.steps(), (200, 200));
    }
}
