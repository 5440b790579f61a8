//! Mean, spread and paired tests over seeds.
//!
//! Two strategies that start from the same points form a pair for each seed; a paired test
//! looks at the differences within the pairs, so that a lucky or unlucky start, which both
//! share, does not count as noise.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF as _, StudentsT};

/// Mean and standard deviation of one figure over seeds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Arithmetic mean.
    pub mean: f64,
    /// Standard deviation of the population the seeds are drawn from, with n − 1 in the
    /// denominator; none for a single seed.
    pub sd: Option<f64>,
    /// Number of seeds.
    pub n: usize,
}

impl Spread {
    /// The spread of the values that are finite; `None` when there is none.
    pub fn new(values: &[f64]) -> Option<Self> {
        let finite: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let n = finite.len();
        if n == 0 {
            return None;
        }
        let mean = finite.iter().sum::<f64>() / n as f64;
        let squares: f64 = finite.iter().map(|v| (v - mean).powi(2)).sum();
        let sd = (n > 1).then(|| (squares / (n - 1) as f64).sqrt());
        Some(Self { mean, sd, n })
    }
}

/// How a figure of one strategy differs from that of another, seed by seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PairedTest {
    /// Mean of the differences, this strategy less the other.
    pub difference: f64,
    /// Number of pairs.
    pub n: usize,
    /// Two-sided p of the paired t-test; none with fewer than three pairs, or when all differ
    /// by the same amount.
    pub p: Option<f64>,
    /// Two-sided p of Wilcoxon's signed-rank test, exact; none when no pair differs, there are fewer than
    /// three, or more than [`EXACT_PAIRS`].
    pub wilcoxon_p: Option<f64>,
}

/// Fewest pairs that are tested: of two, a p says nothing but how alike their differences happen to be.
pub(super) const LEAST_PAIRS: usize = 3;

/// Most pairs for which the signed-rank distribution is enumerated: its cost grows with the
/// third power.
pub const EXACT_PAIRS: usize = 200;

/// Differences closer than this share of the largest are rounding, not rank; so is a difference
/// below this share of the values of its pair.
const ROUNDING: f64 = 1e-12;

impl PairedTest {
    /// Tests the differences of pairs; a pair with a value that is not finite does not count.
    /// `None` when no pair is left.
    pub fn new(pairs: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let pairs: Vec<_> = pairs
            .filter(|(this, other)| (this - other).is_finite())
            .collect();
        let differences: Vec<f64> = pairs.iter().map(|(this, other)| this - other).collect();
        let Spread { mean, sd, n } = Spread::new(&differences)?;
        let differing = pairs.iter().zip(&differences);
        let differing = differing.filter(|((this, other), difference)| {
            difference.abs() > ROUNDING * this.abs().max(other.abs())
        });
        let differing: Vec<f64> = differing.map(|(_, difference)| *difference).collect();
        Some(Self {
            difference: mean,
            n,
            p: sd
                .filter(|_| n >= LEAST_PAIRS)
                .and_then(|sd| t_test(mean, sd, n)),
            wilcoxon_p: signed_rank(&differing).filter(|_| n >= LEAST_PAIRS),
        })
    }
}

/// Student's t-test of a mean difference against zero: t = mean √n / sd with n − 1 degrees of
/// freedom.
fn t_test(mean: f64, sd: f64, n: usize) -> Option<f64> {
    if sd <= ROUNDING * mean.abs() || sd == 0.0 {
        return None;
    }
    let t = mean * (n as f64).sqrt() / sd;
    let distribution = StudentsT::new(0.0, 1.0, (n - 1) as f64).ok()?;
    Some((2.0 * distribution.sf(t.abs())).min(1.0))
}

/// Wilcoxon's signed-rank test: pairs that do not differ are left out, equal differences share
/// their mean rank, and the distribution over all 2ⁿ signs is enumerated, which is exact with
/// ties as well.
fn signed_rank(differences: &[f64]) -> Option<f64> {
    let mut differences: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let n = differences.len();
    if n == 0 || n > EXACT_PAIRS {
        return None;
    }
    differences.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    let resolution = ROUNDING * differences[n - 1].abs();
    // Twice the rank, which is whole even where two share one.
    let mut ranks = Vec::with_capacity(n);
    while ranks.len() < n {
        let first = ranks.len();
        let tied = differences[first..]
            .iter()
            .take_while(|d| d.abs() - differences[first].abs() <= resolution)
            .count();
        ranks.extend(std::iter::repeat_n(2 * first + tied + 1, tied));
    }
    let signed = ranks.iter().zip(&differences);
    let positive: usize = signed
        .filter(|(_, d)| **d > 0.0)
        .map(|(rank, _)| rank)
        .sum();
    let total: usize = ranks.iter().sum();
    let mut probability = vec![0.0; total + 1];
    probability[0] = 1.0;
    for &rank in &ranks {
        for sum in (0..=total).rev() {
            let with = if sum >= rank {
                probability[sum - rank]
            } else {
                0.0
            };
            probability[sum] = 0.5 * (probability[sum] + with);
        }
    }
    let tail = positive.min(total - positive);
    Some((2.0 * probability[..=tail].iter().sum::<f64>()).min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-12 * b.abs()
    }

    fn test(pairs: &[(f64, f64)]) -> PairedTest {
        PairedTest::new(pairs.iter().copied()).unwrap()
    }

    const A: [f64; 10] = [
        0.704, 0.698, 0.721, 0.690, 0.711, 0.707, 0.699, 0.716, 0.702, 0.709,
    ];
    const B: [f64; 10] = [
        0.710, 0.689, 0.715, 0.695, 0.700, 0.703, 0.701, 0.709, 0.688, 0.712,
    ];
    const SIX: [(f64, f64); 6] = [
        (1.0, 0.5),
        (2.5, 2.75),
        (3.0, 1.5),
        (4.75, 4.0),
        (6.0, 3.0),
        (7.25, 5.0),
    ];

    /// By hand: 1, 2, 3, 4 have mean 5/2 and squared deviations that sum to 5.
    #[test]
    fn the_spread_is_that_of_a_sample_and_passes_over_what_is_not_a_number() {
        let spread = Spread::new(&[1.0, 2.0, f64::NAN, 3.0, 4.0]).unwrap();
        assert_eq!((spread.mean, spread.n), (2.5, 4));
        assert!(close(spread.sd.unwrap(), (5.0_f64 / 3.0).sqrt()));
        assert_eq!(Spread::new(&[7.0]).unwrap().sd, None);
        assert_eq!(Spread::new(&[f64::NAN]), None);
    }

    /// `scipy.stats.ttest_rel` of scipy 1.17.1.
    #[test]
    fn the_t_test_agrees_with_scipy() {
        let pairs: Vec<_> = A.into_iter().zip(B).collect();
        assert!((test(&pairs).p.unwrap() - 0.152_167_524_916_107_63).abs() < 1e-11);
        let six = test(&SIX);
        assert!(close(six.difference, 1.291_666_666_666_666_7));
        assert!(close(six.p.unwrap(), 0.045_931_413_129_757_35));
        // Far out in the tail, where 1 − CDF would have lost every digit.
        let far = A.into_iter().enumerate().map(|(i, a)| {
            let back = if i % 2 == 0 { 0.156 } else { 0.16 };
            (a, a - back)
        });
        let p = PairedTest::new(far).unwrap().p.unwrap();
        assert!((p / 2.157_004_565_301_184e-18 - 1.0).abs() < 1e-9, "{p:e}");
    }

    /// `2 * scipy.stats.t.sf(t, n - 1)` of scipy 1.17.1.
    #[test]
    fn t_statistics_have_the_p_of_scipy() {
        for (t, n, p) in [
            (0.5, 2, 0.704_832_764_699_133_5),
            (12.0, 10, 7.699_886_222_985_653e-7),
            (-30.0, 10, 2.483_704_704_158_263_5e-10),
            (1e-3, 5, 0.999_250_000_156_25),
        ] {
            let sd = (f64::from(n)).sqrt();
            assert!(close(t_test(t, sd, n as usize).unwrap(), p), "{t}, {n}");
        }
    }

    /// `scipy.stats.wilcoxon(method="exact")` of scipy 1.17.1; with ties and zeros
    /// `PermutationMethod(n_resamples=inf)`.
    #[test]
    fn the_signed_rank_test_agrees_with_scipy() {
        assert_eq!(test(&SIX).wilcoxon_p, Some(0.0625));
        let ties = [1.0, -1.0, 2.0, 2.0, 3.0, 0.0, -2.0, 4.0];
        assert_eq!(signed_rank(&ties), Some(0.203_125));
        let thirty: Vec<f64> = (0..30)
            .map(|i| f64::from(i + 1) * if i % 3 == 0 { -1.0 } else { 1.0 })
            .collect();
        let p = signed_rank(&thirty).unwrap();
        assert!(close(p, 0.073_244_074_359_536_07), "{p}");
    }

    /// Three equal differences that rounding made unequal must not be ranked by rounding.
    #[test]
    fn rounding_does_not_break_ties() {
        let exact = signed_rank(&[0.1, 0.1, -0.1, 0.3]);
        assert_eq!(signed_rank(&[0.9 - 0.8, 0.7 - 0.6, 0.2 - 0.3, 0.3]), exact);
    }

    /// 0.1 + 0.2 is 0.3 but for the last bit: such a pair does not differ, and is left out like
    /// one that is equal.
    #[test]
    fn rounding_does_not_make_pairs_differ() {
        let with = |this| test(&[SIX[0], SIX[1], (this, 0.3), SIX[2], SIX[3]]).wilcoxon_p;
        assert_ne!(0.1 + 0.2, 0.3);
        assert_eq!(with(0.1 + 0.2), with(0.3));
        assert_ne!(with(0.3 + 1e-9), with(0.3));
        assert_eq!(test(&[(0.1 + 0.2, 0.3); 3]).wilcoxon_p, None);
    }

    #[test]
    fn what_cannot_be_tested_has_no_p() {
        let single = test(&[(1.0, 0.5)]);
        assert_eq!((single.n, single.p), (1, None));
        let alike = test(&[(0.5, 0.5), (0.25, 0.25)]);
        assert_eq!((alike.p, alike.wilcoxon_p), (None, None));
        let two = test(&[(0.5, 0.25), (0.75, 0.25)]);
        assert_eq!((two.n, two.p, two.wilcoxon_p), (2, None, None));
        let shifted = test(&[(0.9, 0.8), (0.7, 0.6), (0.3, 0.2)]);
        assert_eq!(shifted.p, None, "differences that do not vary");
        assert_eq!(PairedTest::new(std::iter::once((f64::NAN, 1.0))), None);
    }
}
