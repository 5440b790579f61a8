//! Whether there is anything to learn in a response: how much of it is more than the chance of counting,
//! and how much of it neighbouring pixels share.

use std::fmt;

/// What a response is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Learnable {
    /// Share of the variance that neighbours in rows and columns explain: their covariance over the
    /// variance, from 0 to 1. Noise is shared by none. `None` where too few neighbours have numbers, or
    /// all numbers are equal.
    pub shared: Option<f64>,
    /// Standard deviation beyond the noise of counting, over that noise; `None` where the response is
    /// no sum of counts.
    pub signal_to_noise: Option<f64>,
}

/// Pairs of neighbours that say something of their covariance.
const LEAST_PAIRS: usize = 30;
/// Below this share of signal in the variance, a response is mostly noise.
const MOSTLY_NOISE: f64 = 0.25;
/// Below this, noise is a good part of it.
const NOISY: f64 = 0.6;

impl Learnable {
    /// Of row-major values, NaN where there is none, and of the variance that counting gives them on
    /// average, in the square of their units.
    pub fn of(values: &[f64], width: usize, counting: Option<f64>) -> Self {
        let known = || values.iter().copied().filter(|value| value.is_finite());
        let count = known().count();
        let mean = known().sum::<f64>() / count.max(1) as f64;
        let variance =
            known().map(|value| (value - mean).powi(2)).sum::<f64>() / count.max(1) as f64;
        let (mut sum, mut pairs) = (0.0, 0_usize);
        for (i, &value) in values.iter().enumerate() {
            let right = (i % width.max(1) + 1 < width).then(|| values[i + 1]);
            let below = values.get(i + width).copied();
            for neighbour in [right, below].into_iter().flatten() {
                let product = (value - mean) * (neighbour - mean);
                if product.is_finite() {
                    sum += product;
                    pairs += 1;
                }
            }
        }
        let varies = variance.is_finite() && variance > 0.0;
        let shared = (varies && pairs >= LEAST_PAIRS)
            .then(|| (sum / pairs as f64 / variance).clamp(0.0, 1.0));
        let signal_to_noise = counting
            .filter(|&noise| varies && noise > 0.0)
            .map(|noise| {
                let signal = (variance - noise).max(0.0);
                (signal / noise).sqrt()
            });
        Self {
            shared,
            signal_to_noise,
        }
    }

    /// Share of the variance that is signal: what counting leaves over, or what neighbours share, the
    /// larger of both.
    fn signal(&self) -> Option<f64> {
        let counted = self.signal_to_noise.map(|ratio| {
            let square = ratio * ratio;
            square / (1.0 + square)
        });
        match (counted, self.shared) {
            (Some(a), Some(b)) => Some(a.max(b)),
            (a, b) => a.or(b),
        }
    }

    /// Whether a campaign would mostly follow chance.
    pub fn is_mostly_noise(&self) -> bool {
        self.signal().is_some_and(|signal| signal < MOSTLY_NOISE)
    }
}

impl fmt::Display for Learnable {
    /// Figures and a sentence.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(ratio) = self.signal_to_noise {
            write!(f, "signal-to-noise {ratio:.2} by counting; ")?;
        }
        if let Some(shared) = self.shared {
            write!(
                f,
                "neighbours explain {:.0} % of the variance; ",
                100.0 * shared
            )?;
        }
        f.write_str(match self.signal() {
            None => "too few numbers, or all are equal: nothing can be said of what can be learned",
            Some(signal) if signal < MOSTLY_NOISE => {
                "these numbers are mostly noise; more dwell, or a wider window"
            }
            Some(signal) if signal < NOISY => {
                "noise is a good part of these numbers; more dwell or a wider window would help"
            }
            Some(_) if self.shared.is_some_and(|shared| shared < MOSTLY_NOISE) => {
                "these numbers differ beyond chance, yet neighbours have little in common: what varies is \
                 finer than a pixel"
            }
            Some(_) => "there is structure to learn",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Variance 4 with counting of 1: sqrt(3) of signal to noise.
    #[test]
    fn counting_tells_signal_from_noise() {
        let values: Vec<f64> = (0..400)
            .map(|i| if (i / 20 + i) % 2 == 0 { 2.0 } else { -2.0 })
            .collect();
        let learned = Learnable::of(&values, 20, Some(1.0));
        assert!((learned.signal_to_noise.unwrap() - 3.0_f64.sqrt()).abs() < 1e-12);
        assert_eq!(learned.shared, Some(0.0));
        assert!(
            learned.to_string().contains("finer than a pixel"),
            "{learned}"
        );
        assert!(Learnable::of(&values, 20, Some(3.9)).is_mostly_noise());
        let nothing = Learnable::of(&[1.0; 400], 20, Some(1.0));
        assert_eq!((nothing.shared, nothing.signal_to_noise), (None, None));
        assert!(Learnable::of(&[], 0, None).to_string().contains("too few"));
    }

    #[test]
    fn a_slope_is_structure_and_noise_is_none() {
        let slope: Vec<f64> = (0..400).map(|i| f64::from(i % 20 + i / 20)).collect();
        let learned = Learnable::of(&slope, 20, None);
        assert!(learned.shared.unwrap() > 0.9, "{learned:?}");
        assert!(
            learned.to_string().ends_with("there is structure to learn"),
            "{learned}"
        );
        // Equal numbers next to each other are as rare as anywhere.
        let mut state = 1_u64;
        let mut noise = || {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as f64 / (1_u64 << 31) as f64
        };
        let values: Vec<f64> = (0..400).map(|_| noise()).collect();
        let learned = Learnable::of(&values, 20, None);
        assert!(learned.is_mostly_noise(), "{learned:?}");
        assert!(learned.to_string().contains("more dwell"), "{learned}");
    }
}
