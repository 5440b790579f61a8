//! Random numbers that depend on what they are for, never on what was drawn before.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// What a stream is for; streams of different purposes are independent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    Scene = 1,
    Support = 2,
    Image = 3,
    Spectrum = 4,
    Domains = 5,
    Needles = 6,
    Loop = 7,
    Grade = 8,
    Assembly = 9,
    Loss = 10,
    Detectors = 11,
    Drift = 12,
}

/// One stream of random numbers: the same on every machine, since all functions beyond
/// the basic operations come from `libm`.
#[derive(Clone, Debug)]
pub(crate) struct Stream(Xoshiro256PlusPlus);

impl Stream {
    /// The stream of a seed, a purpose and two keys (such as a pixel and a repeat).
    pub(crate) fn new(seed: u64, purpose: Purpose, keys: [u64; 2]) -> Self {
        let state = [purpose as u64, keys[0], keys[1]]
            .into_iter()
            .fold(mix(seed), |state, key| mix(state ^ mix(key)));
        Self(Xoshiro256PlusPlus::seed_from_u64(state))
    }

    /// The stream of a measurement at a pixel (row, column). By row and column rather than index,
    /// so that the width of the scan is no part of it.
    pub(crate) fn at_pixel(
        seed: u64,
        purpose: Purpose,
        (row, column): (usize, usize),
        repeat: u64,
    ) -> Self {
        Self::new(seed, purpose, [(row as u64) << 32 | column as u64, repeat])
    }

    /// Uniform in `[0, 1)`, with 53 random bits.
    pub(crate) fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[low, high)`.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f64 {
        // 1 - u lies in (0, 1], where the logarithm is finite.
        let radius = (-2.0 * libm::log(1.0 - self.uniform())).sqrt();
        radius * libm::cos(core::f64::consts::TAU * self.uniform())
    }

    /// Poisson with a finite mean of zero or more.
    pub(crate) fn poisson(&mut self, mean: f64) -> f64 {
        if mean <= 0.0 {
            0.0
        } else if mean < 10.0 {
            self.poisson_product(mean)
        } else {
            self.poisson_ptrs(mean)
        }
    }

    /// Product of uniforms (Knuth): exact, in time proportional to the mean.
    fn poisson_product(&mut self, mean: f64) -> f64 {
        let limit = libm::exp(-mean);
        let mut product = self.uniform();
        let mut count = 0.0;
        while product > limit {
            product *= self.uniform();
            count += 1.0;
        }
        count
    }

    /// Transformed rejection PTRS (Hörmann 1993): exact for means of 10 and above.
    fn poisson_ptrs(&mut self, mean: f64) -> f64 {
        let b = 0.931 + 2.53 * mean.sqrt();
        let a = -0.059 + 0.02483 * b;
        let inverse_alpha = 1.1239 + 1.1328 / (b - 3.4);
        let accept = 0.9277 - 3.6224 / (b - 2.0);
        let log_mean = libm::log(mean);
        loop {
            let u = self.uniform() - 0.5;
            let v = 1.0 - self.uniform();
            let us = 0.5 - u.abs();
            let count = ((2.0 * a / us + b) * u + mean + 0.43).floor();
            if us >= 0.07 && v <= accept {
                return count;
            }
            if count < 0.0 || (us < 0.013 && v > us) {
                continue;
            }
            let proposal = libm::log(v * inverse_alpha / (a / (us * us) + b));
            if proposal <= count * log_mean - mean - libm::lgamma(count + 1.0) {
                return count;
            }
        }
    }
}

/// The finaliser of `SplitMix64` (Steele, Lea and Flood 2014): near keys give far states.
fn mix(key: u64) -> u64 {
    let z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(draw: impl FnMut() -> f64) -> (f64, f64) {
        let n = 40_000.0;
        let values: Vec<f64> = core::iter::repeat_with(draw).take(n as usize).collect();
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / (n - 1.0);
        (mean, variance)
    }

    /// Oracle: mean and variance of a Poisson variable are both its parameter; the standard
    /// errors over n draws are √(λ/n) and about λ√(2/n) + √(λ/n).
    #[test]
    fn poisson_has_equal_mean_and_variance_on_both_sides_of_the_method_change() {
        for mean in [0.05, 0.7, 3.0, 9.9, 10.1, 40.0, 900.0, 2.0e5] {
            let mut stream = Stream::new(11, Purpose::Spectrum, [3, 0]);
            let (m, v) = moments(|| stream.poisson(mean));
            let error = (mean / 40_000.0).sqrt();
            assert!((m - mean).abs() < 5.0 * error, "mean {m} of {mean}");
            let error = error + mean * (2.0f64 / 40_000.0).sqrt();
            assert!((v - mean).abs() < 5.0 * error, "variance {v} of {mean}");
        }
    }

    /// Oracle: P(k) = e^-λ λ^k / k!, on both sides of the change of method.
    #[test]
    fn poisson_frequencies_follow_the_probabilities() {
        for mean in [4.0, 12.0] {
            let mut stream = Stream::new(5, Purpose::Image, [0, 0]);
            let draws = 100_000;
            let mut seen = vec![0.0; 200];
            for _ in 0..draws {
                seen[stream.poisson(mean) as usize] += 1.0;
            }
            let mut probability = libm::exp(-mean);
            for (k, seen) in seen.iter().enumerate().take(25) {
                let expected = probability * draws as f64;
                let error = (expected + 1.0).sqrt();
                assert!(
                    (seen - expected).abs() < 5.0 * error,
                    "{seen} of {expected} at {k}"
                );
                probability *= mean / (k as f64 + 1.0);
            }
        }
    }

    #[test]
    fn normal_is_standard() {
        let mut stream = Stream::new(2, Purpose::Image, [0, 0]);
        let (mean, variance) = moments(|| stream.normal());
        assert!(
            mean.abs() < 0.025 && (variance - 1.0).abs() < 0.035,
            "{mean} {variance}"
        );
    }

    #[test]
    fn every_key_changes_the_stream() {
        let first = |seed, purpose, keys| Stream::new(seed, purpose, keys).uniform();
        let mut values = [
            first(1, Purpose::Scene, [0, 0]),
            first(2, Purpose::Scene, [0, 0]),
            first(1, Purpose::Image, [0, 0]),
            first(1, Purpose::Scene, [1, 0]),
            first(1, Purpose::Scene, [0, 1]),
        ];
        values.sort_by(f64::total_cmp);
        assert!(
            values.windows(2).all(|pair| pair[0] < pair[1]),
            "{values:?}"
        );
    }
}
