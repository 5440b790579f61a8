//! Where the sample has drifted to.

use core::f64::consts::TAU;

use super::config::SimulatedBeam;
use crate::specimen::{Purpose, Stream};

/// Waves along each axis of the wandering part.
const WAVES: usize = 6;

/// Periods of the waves in s: stages and tips relax over minutes.
const PERIODS: (f64, f64) = (60.0, 900.0);

/// A steady velocity and a bounded smooth wander: the sum of waves of equal amplitude with random
/// periods and phases. A function of time alone, so that it needs no state.
#[derive(Clone, Debug)]
pub(super) struct Drift {
    /// Along rows and columns, in pixels per second.
    velocity: [f64; 2],
    /// Amplitude of each wave in pixels.
    amplitude: f64,
    /// Angular frequency in 1/s and phase of the waves along either axis.
    waves: [[(f64, f64); WAVES]; 2],
}

impl Drift {
    pub(super) fn new(config: &SimulatedBeam, seed: u64) -> Self {
        let speed = config.drift_px_per_min / 60.0;
        let direction = config.drift_direction_degrees.to_radians();
        let wave = |axis: usize, number: usize| {
            let keys = [axis as u64, number as u64];
            let mut stream = Stream::new(seed, Purpose::Drift, keys);
            let (shortest, longest) = PERIODS;
            let period = shortest * libm::pow(longest / shortest, stream.uniform());
            (TAU / period, stream.between(0.0, TAU))
        };
        Self {
            velocity: [libm::sin(direction), libm::cos(direction)].map(|part| speed * part),
            // Between two times the sum changes by no more than twice its largest value.
            amplitude: config.drift_walk_px / (2 * WAVES) as f64,
            waves: [0, 1].map(|axis| core::array::from_fn(|number| wave(axis, number))),
        }
    }

    /// How far the sample has moved between two times in s, in pixels (rows, columns).
    pub(super) fn between(&self, from: f64, to: f64) -> (f64, f64) {
        let along = |axis: usize| {
            let wander = |seconds: f64| {
                let waves = self.waves[axis].iter();
                waves
                    .map(|(rate, phase)| libm::sin(rate * seconds + phase))
                    .sum::<f64>()
            };
            self.velocity[axis] * (to - from) + self.amplitude * (wander(to) - wander(from))
        };
        (along(0), along(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: distance is speed times time, and 90° is down.
    #[test]
    fn a_steady_drift_goes_its_way_at_its_speed() {
        let config = SimulatedBeam {
            drift_px_per_min: 3.0,
            drift_direction_degrees: 90.0,
            ..SimulatedBeam::default()
        };
        let (rows, columns) = Drift::new(&config, 1).between(20.0, 80.0);
        assert!((rows - 3.0).abs() < 1e-12 && columns.abs() < 1e-12);
    }

    /// Oracle: the definition of the setting; and no wave of amplitude a and angular frequency w
    /// is faster than a w.
    #[test]
    fn a_wander_is_bounded_smooth_and_reaches_out() {
        let config = SimulatedBeam {
            drift_walk_px: 6.0,
            ..SimulatedBeam::default()
        };
        let fastest = 0.5 * 6.0 * TAU / PERIODS.0;
        for seed in 0..20 {
            let drift = Drift::new(&config, seed);
            let mut reach = 0.0_f64;
            for second in 0..3600 {
                let (rows, columns) = drift.between(0.0, f64::from(second));
                assert!(rows.abs() <= 6.0 && columns.abs() <= 6.0);
                reach = reach.max(rows.abs()).max(columns.abs());
                let (rows, columns) = drift.between(f64::from(second), f64::from(second + 1));
                assert!(rows.abs() <= fastest && columns.abs() <= fastest);
            }
            assert!(reach > 2.0, "seed {seed}: {reach}");
        }
    }

    #[test]
    fn a_drift_follows_from_its_seed_and_time() {
        let config = SimulatedBeam {
            drift_walk_px: 2.0,
            drift_px_per_min: 1.0,
            ..SimulatedBeam::default()
        };
        let at = |seed, seconds| Drift::new(&config, seed).between(0.0, seconds);
        assert_eq!(at(3, 100.0), at(3, 100.0));
        assert_ne!(at(3, 100.0), at(4, 100.0));
        assert_eq!(at(3, 0.0), (0.0, 0.0));
        let still = Drift::new(&SimulatedBeam::default(), 3);
        assert_eq!(still.between(0.0, 1234.5), (0.0, 0.0));
    }
}
