//! Detectors that count one by one, and are blind for a while after each count.

use crate::specimen::{SpecimenKind, Stream};

/// Share of the counts that each detector sees, adding up to 1; none where nothing is counted.
///
/// X-rays meet four detectors around the sample, whose holder shadows those on its far side: the
/// shares are chosen, not computed. Electrons that lost energy meet one.
pub(super) fn shares(kind: SpecimenKind) -> &'static [f64] {
    match kind {
        SpecimenKind::Nanoparticles => &[0.31, 0.28, 0.24, 0.17],
        SpecimenKind::Plasmonic => &[1.0],
        SpecimenKind::Ferroelectric => &[],
    }
}

/// Divides `total` counts over the detectors of the given shares, a multinomial variable: each
/// takes a binomial part of what those before it left.
pub(super) fn divide(total: f64, shares: &[f64], stream: &mut Stream) -> Vec<f64> {
    let (mut counts, mut share_left) = (total, 1.0);
    let last = shares.len().saturating_sub(1);
    shares
        .iter()
        .enumerate()
        .map(|(number, share)| {
            let taken = if number == last {
                counts
            } else {
                binomial(counts, share / share_left, stream)
            };
            counts -= taken;
            share_left -= share;
            taken
        })
        .collect()
}

/// Successes among `trials`, each with the given probability.
fn binomial(trials: f64, probability: f64, stream: &mut Stream) -> f64 {
    /// Beyond this the normal approximation is off by less than a hundredth of the standard
    /// deviation for the shares at hand, and far quicker.
    const MOST_DRAWN: f64 = 1e6;
    if trials <= MOST_DRAWN {
        let draws = (0..trials as u64).filter(|_| stream.uniform() < probability);
        draws.count() as f64
    } else {
        let deviation = (trials * probability * (1.0 - probability)).sqrt();
        let successes = trials * probability + deviation * stream.normal();
        successes.round().clamp(0.0, trials)
    }
}

/// Time in s that the beam is on until every detector was ready for `live` seconds: each is
/// blind for `dead` seconds after each of its counts, whatever arrives meanwhile
/// (non-paralysable; Knoll, Radiation Detection and Measurement, 4.VII), so that n counts in the
/// live time L take L + n τ.
pub(super) fn real_seconds(live: f64, dead: f64, counts: &[f64]) -> f64 {
    live + dead * counts.iter().copied().fold(0.0, f64::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::specimen::Purpose;

    #[test]
    fn shares_add_up() {
        for kind in SpecimenKind::ALL {
            let shares = shares(kind);
            let sum: f64 = shares.iter().sum();
            assert!(shares.is_empty() || (sum - 1.0).abs() < 1e-12, "{kind}");
        }
    }

    /// Oracle: the mean n p and the variance n p (1 − p) of each part, whose standard errors over
    /// m draws are √(V/m) and about V √(2/m).
    #[test]
    fn parts_add_up_and_scatter_as_a_multinomial_does() {
        let shares = shares(SpecimenKind::Nanoparticles);
        // Either side of the change of method.
        for (total, draws) in [(400.0, 4000), (4e6, 4000)] {
            let parts: Vec<Vec<f64>> = (0..draws)
                .map(|draw| {
                    let mut stream = Stream::new(7, Purpose::Detectors, [draw, 0]);
                    divide(total, shares, &mut stream)
                })
                .collect();
            assert!(parts.iter().all(|part| part.iter().sum::<f64>() == total));
            for (number, share) in shares.iter().enumerate() {
                let m = draws as f64;
                let mean = parts.iter().map(|part| part[number]).sum::<f64>() / m;
                let squares = parts.iter().map(|part| (part[number] - mean).powi(2));
                let variance = squares.sum::<f64>() / (m - 1.0);
                let expected = total * share * (1.0 - share);
                assert!((mean - total * share).abs() < 4.0 * (expected / m).sqrt());
                assert!((variance / expected - 1.0).abs() < 4.0 * (2.0 / m).sqrt());
            }
        }
        assert!(divide(5.0, &[], &mut Stream::new(1, Purpose::Detectors, [0, 0])).is_empty());
    }

    /// Oracle: the formula of the non-paralysable detector, n = m / (1 − m τ) with the measured
    /// rate m over real time and the true rate n, which is the rate over live time.
    #[test]
    fn the_busiest_detector_lengthens_the_exposure() {
        let (live, dead, counts) = (2.0, 1e-5, [30_000.0, 50_000.0, 0.0]);
        let real = real_seconds(live, dead, &counts);
        let measured = 50_000.0 / real;
        assert!((measured / (1.0 - measured * dead) - 25_000.0).abs() < 1e-6);
        assert_eq!(real_seconds(2.0, 0.0, &counts), 2.0);
        assert_eq!(real_seconds(2.0, 1e-5, &[]), 2.0);
    }
}
