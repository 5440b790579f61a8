//! The campaign's random numbers: one generator, restarted for every step.
//!
//! A step's stream depends on nothing but the campaign's seed and the number of points
//! measured so far. A controller that was reset, or a host that resumes from its journal, goes
//! on with identical decisions without ever saving a generator's state, and asking twice for a
//! proposal gives the same one.

use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

/// Spreads steps over seeds; odd, and not the increment of the `SplitMix64` behind
/// `seed_from_u64`, so that neighbouring steps share no word of state.
const STEP: u64 = 0xd134_2543_de82_ef95;

/// Random numbers of one step of one campaign.
pub(crate) struct Random {
    generator: Xoshiro128PlusPlus,
    spare: Option<f32>,
}

impl Random {
    pub(crate) fn new(seed: u64, step: usize) -> Self {
        let mixed = seed.wrapping_add((step as u64).wrapping_mul(STEP));
        Self {
            generator: Xoshiro128PlusPlus::seed_from_u64(mixed),
            spare: None,
        }
    }

    /// The stream of a further response, counted from 1, beside that of [`Self::new`].
    pub(crate) fn beside(seed: u64, step: usize, response: usize) -> Self {
        /// Odd, and no small multiple of [`STEP`].
        const RESPONSE: u64 = 0x8cb9_2ba7_2f3d_8dd7;
        Self::new(
            seed.wrapping_add((response as u64).wrapping_mul(RESPONSE)),
            step,
        )
    }

    /// Uniform in [0, 1), on a lattice of 2⁻²⁴ that every f32 in the range can hold.
    pub(crate) fn uniform(&mut self) -> f32 {
        (self.generator.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in `0..bound`, without bias (Lemire 2019); 0 for a bound of 0.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg().checked_rem(bound).unwrap_or(0);
        loop {
            let wide = u64::from(self.generator.next_u32()) * u64::from(bound);
            if (wide as u32) >= threshold {
                return (wide >> 32) as u32;
            }
        }
    }

    /// Standard normal (Box and Muller 1958).
    pub(crate) fn normal(&mut self) -> f32 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        // 1 - uniform lies in (0, 1]: the logarithm is finite.
        let radius = libm::sqrtf(-2.0 * libm::logf(1.0 - self.uniform()));
        let angle = core::f32::consts::TAU * self.uniform();
        self.spare = Some(radius * libm::sinf(angle));
        radius * libm::cosf(angle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normals_have_the_moments_of_a_standard_normal() {
        let mut random = Random::new(1, 0);
        let n = 200_000;
        let (mut first, mut second, mut fourth) = (0.0_f64, 0.0_f64, 0.0_f64);
        for _ in 0..n {
            let x = f64::from(random.normal());
            first += x;
            second += x * x;
            fourth += x * x * x * x;
        }
        let n = f64::from(n);
        // Five standard errors each: sqrt(1/n), sqrt(2/n), sqrt(96/n).
        assert!((first / n).abs() < 5.0 * (1.0 / n).sqrt());
        assert!((second / n - 1.0).abs() < 5.0 * (2.0 / n).sqrt());
        assert!((fourth / n - 3.0).abs() < 5.0 * (96.0 / n).sqrt());
    }

    #[test]
    fn below_reaches_every_value_evenly() {
        let mut random = Random::new(2, 0);
        let mut seen = [0_u32; 7];
        for _ in 0..70_000 {
            seen[random.below(7) as usize] += 1;
        }
        // Six standard deviations of a binomial with n = 70 000 and p = 1/7.
        assert!(
            seen.iter()
                .all(|&n| (f64::from(n) - 10_000.0).abs() < 6.0 * 92.6),
            "{seen:?}"
        );
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn steps_and_seeds_have_streams_of_their_own() {
        let first = |seed, step| Random::new(seed, step).generator.next_u64();
        assert_eq!(first(3, 4), first(3, 4));
        assert_ne!(first(3, 4), first(3, 5));
        assert_ne!(first(3, 4), first(4, 4));
        // No stream of a response is that of another, nor of another step near by.
        let mut seen = std::collections::HashSet::new();
        for step in 0..2000 {
            for response in 0..4 {
                let mut random = Random::beside(3, step, response);
                assert!(seen.insert(random.generator.next_u64()));
            }
            let first = |mut random: Random| random.generator.next_u64();
            assert_eq!(
                first(Random::new(3, step)),
                first(Random::beside(3, step, 0))
            );
        }
    }
}
