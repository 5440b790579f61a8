//! What the beam leaves of the sample.

use super::config::SimulatedBeam;

/// Doses of every pixel of the sample and what they leave of its signal: f + (1 − f) exp(−D/Dₑ),
/// the exponential decay that the damage of organic and many inorganic samples follows (Egerton,
/// Li and Malac, Micron 35, 399, 2004), down to a floor f. It depends on doses alone, neither on
/// their rate nor on time.
#[derive(Clone, Debug)]
pub(super) struct Damage {
    /// Dₑ in e/Å².
    characteristic: f64,
    floor: f64,
    /// In e/Å², row by row.
    doses: Vec<f64>,
}

impl Damage {
    /// A fresh sample of `pixels`; `None` where no dose damages.
    pub(super) fn new(config: &SimulatedBeam, pixels: usize) -> Option<Self> {
        config.damage_dose.map(|characteristic| Self {
            characteristic,
            floor: config.damage_floor,
            doses: vec![0.0; pixels],
        })
    }

    /// Share of the signal of a pixel while it takes a further dose in e/Å²: the mean over it.
    pub(super) fn remaining(&self, pixel: usize, further: f64) -> f64 {
        let before = libm::exp(-self.doses[pixel] / self.characteristic);
        let fading = further / self.characteristic;
        let during = if fading > 0.0 {
            -libm::expm1(-fading) / fading
        } else {
            1.0
        };
        self.floor + (1.0 - self.floor) * before * during
    }

    /// Adds a dose in e/Å² to a pixel.
    pub(super) fn add(&mut self, pixel: usize, dose: f64) {
        self.doses[pixel] += dose;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn damage(characteristic: f64, floor: f64) -> Damage {
        let config = SimulatedBeam {
            damage_dose: Some(characteristic),
            damage_floor: floor,
            ..SimulatedBeam::default()
        };
        Damage::new(&config, 2).unwrap()
    }

    /// Oracle: the law, and its mean over an exposure by the trapezoidal rule.
    #[test]
    fn the_signal_decays_with_the_dose_towards_the_floor() {
        let mut damage = damage(50.0, 0.25);
        assert_eq!(damage.remaining(0, 0.0), 1.0);
        let steps = 2000;
        let law = |dose: f64| 0.25 + 0.75 * (-dose / 50.0).exp();
        for _ in 0..5 {
            let before = damage.doses[0];
            let mean: f64 = (0..steps)
                .map(|i| law(before + 30.0 * (f64::from(i) + 0.5) / f64::from(steps)))
                .sum::<f64>()
                / f64::from(steps);
            assert!((damage.remaining(0, 30.0) - mean).abs() < 1e-7);
            damage.add(0, 30.0);
            assert!((damage.remaining(0, 0.0) - law(before + 30.0)).abs() < 1e-12);
        }
        assert_eq!(damage.remaining(1, 0.0), 1.0);
        damage.add(0, 1e6);
        assert_eq!(damage.remaining(0, 10.0), 0.25);
    }

    /// Oracle: only the sum of doses enters the law.
    #[test]
    fn how_a_dose_was_divided_makes_no_difference() {
        let (mut once, mut often) = (damage(8.0, 0.0), damage(8.0, 0.0));
        once.add(0, 16.0);
        (0..16).for_each(|_| often.add(0, 1.0));
        assert_eq!(once.remaining(0, 3.0), often.remaining(0, 3.0));
    }
}
