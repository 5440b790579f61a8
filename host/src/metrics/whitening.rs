//! Whitened responses: several responses on axes of equal spread, of which none tells what another does.

use nalgebra::{DMatrix, SymmetricEigen};

use super::error::{MetricsError, check};
use super::target::range;

/// The least share of a response's variance that counts as a direction of its own. Directions with less
/// are divided by the root of this share: of responses that are collinear but for noise, the noise is not
/// blown up to the spread of a response.
pub const LEAST_SHARE: f64 = 0.01;

/// Makes vectors of responses white: z = R^-½ V^-½ (y − m), with the mean m, the variances V and the
/// correlation matrix R of all candidates (ZCA-cor of Kessy, Lewin and Strimmer, Am. Stat. 72, 309, 2018).
///
/// Every axis of z is the one that is closest to its response: there is no order and no sign to choose, and
/// units of the responses do not matter. Eigenvalues of R below [`LEAST_SHARE`] are raised to it. A response
/// that is constant stays 0.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitening {
    /// Smallest value and width of each response; a width of 0 for a constant one.
    ranges: Vec<(f64, f64)>,
    /// Mean of each response in its range.
    means: Vec<f64>,
    /// Row by row, of what is in the range.
    matrix: Vec<f64>,
}

impl Whitening {
    /// The whitening of responses, each given by one value a candidate, in any units.
    ///
    /// # Errors
    /// When there is no response or no candidate, responses differ in length, a value is not finite, or
    /// all responses are constant.
    pub fn new(responses: &[&[f64]]) -> Result<Self, MetricsError> {
        let first = responses.first().ok_or(MetricsError::NoResponses)?;
        let candidates = first.len();
        let count = responses.len();
        let mut ranges = Vec::with_capacity(count);
        for (number, response) in responses.iter().enumerate() {
            check("true response", response, candidates).map_err(|e| e.of_response(number))?;
            ranges.push(match range(response) {
                // Half of each first keeps the width finite for any finite range.
                Ok((low, high)) => (low, 0.5 * high - 0.5 * low),
                Err(MetricsError::Constant(value)) => (value, 0.0),
                Err(error) => return Err(error.of_response(number)),
            });
        }
        if ranges.iter().all(|&(_, width)| width == 0.0) {
            return Err(match ranges.as_slice() {
                &[(value, _)] => MetricsError::Constant(value),
                _ => MetricsError::AllConstant(count),
            });
        }
        let mut means = Vec::with_capacity(count);
        let mut standard: Vec<Vec<f64>> = Vec::with_capacity(count);
        let mut deviations = Vec::with_capacity(count);
        for (response, &range) in responses.iter().zip(&ranges) {
            let places: Vec<f64> = response.iter().map(|&value| place(value, range)).collect();
            let mean = places.iter().sum::<f64>() / candidates as f64;
            let squares = places.iter().map(|place| (place - mean) * (place - mean));
            let deviation = (squares.sum::<f64>() / candidates as f64).sqrt();
            let scale = inverse(deviation);
            standard.push(places.iter().map(|place| (place - mean) * scale).collect());
            means.push(mean);
            deviations.push(deviation);
        }
        let correlation = |i: usize, j: usize| {
            // A constant response has no correlation, and is left at 0 whatever stands here.
            if i == j {
                return 1.0;
            }
            let products = standard[i].iter().zip(&standard[j]).map(|(a, b)| a * b);
            products.sum::<f64>() / candidates as f64
        };
        let eigen = SymmetricEigen::new(DMatrix::from_fn(count, count, correlation));
        let roots = eigen.eigenvalues.map(|value| value.max(LEAST_SHARE).sqrt());
        let matrix = (0..count * count).map(|n| {
            let (row, column) = (n / count, n % count);
            // Rounding would leave a constant response some of the others.
            if ranges[row].1 == 0.0 {
                return 0.0;
            }
            let vectors = &eigen.eigenvectors;
            let terms = (0..count).map(|k| vectors[(row, k)] * vectors[(column, k)] / roots[k]);
            terms.sum::<f64>() * inverse(deviations[column])
        });
        Ok(Self {
            matrix: matrix.collect(),
            ranges,
            means,
        })
    }

    /// Responses of a vector.
    pub fn count(&self) -> usize {
        self.ranges.len()
    }

    /// Responses that are not constant.
    pub fn varying(&self) -> usize {
        self.ranges.iter().filter(|(_, width)| *width > 0.0).count()
    }

    /// A vector of responses, made white: standard deviations on axes without correlation.
    ///
    /// # Errors
    /// When it has more or fewer responses than those that the whitening is of.
    pub fn apply(&self, vector: &[f64]) -> Result<Vec<f64>, MetricsError> {
        if vector.len() != self.count() {
            return Err(MetricsError::Responses {
                expected: self.count(),
                found: vector.len(),
            });
        }
        let places = vector.iter().zip(&self.ranges).zip(&self.means);
        let centred: Vec<f64> = places
            .map(|((&value, &range), mean)| place(value, range) - mean)
            .collect();
        let rows = self.matrix.chunks_exact(self.count());
        Ok(rows
            .map(|row| row.iter().zip(&centred).map(|(a, b)| a * b).sum())
            .collect())
    }

    /// The same of every candidate, `[candidate][axis]`.
    ///
    /// # Errors
    /// As [`Self::apply`], and when responses differ in length.
    pub fn apply_all(&self, responses: &[&[f64]]) -> Result<Vec<Vec<f64>>, MetricsError> {
        let candidates = responses.first().map_or(0, |first| first.len());
        for (number, response) in responses.iter().enumerate() {
            check("true response", response, candidates).map_err(|e| e.of_response(number))?;
        }
        let vector = |candidate: usize| -> Vec<f64> {
            responses
                .iter()
                .map(|response| response[candidate])
                .collect()
        };
        (0..candidates)
            .map(|candidate| self.apply(&vector(candidate)))
            .collect()
    }
}

/// Where in its range a value lies, from 0 to 2; 0 of a constant response.
fn place(value: f64, (low, width): (f64, f64)) -> f64 {
    if width > 0.0 {
        value / width - low / width
    } else {
        0.0
    }
}

fn inverse(deviation: f64) -> f64 {
    if deviation > 0.0 {
        deviation.recip()
    } else {
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Responses of 300 candidates: mixtures of three sources of different shapes.
    fn mixtures() -> Vec<Vec<f64>> {
        let source = |n: usize| {
            let n = n as f64;
            [
                (0.7 * n).sin(),
                (0.31 * n).cos().powi(3),
                (n * 0.618).fract(),
            ]
        };
        let mix = [[1.0, 0.2, 0.0], [-3e4, 1e4, 5e3], [1e-6, 2e-6, -2e-6]];
        let response = |row: [f64; 3]| {
            let value = |n| row.iter().zip(source(n)).map(|(a, b)| a * b).sum::<f64>();
            (0..300).map(value).collect()
        };
        mix.map(response).to_vec()
    }

    fn slices(responses: &[Vec<f64>]) -> Vec<&[f64]> {
        responses.iter().map(Vec::as_slice).collect()
    }

    fn whitened(responses: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let responses = slices(responses);
        Whitening::new(&responses)
            .unwrap()
            .apply_all(&responses)
            .unwrap()
    }

    fn moments(a: impl Fn(usize) -> f64, b: impl Fn(usize) -> f64, n: usize) -> f64 {
        let mean = |of: &dyn Fn(usize) -> f64| (0..n).map(of).sum::<f64>() / n as f64;
        let (ma, mb) = (mean(&a), mean(&b));
        (0..n).map(|i| (a(i) - ma) * (b(i) - mb)).sum::<f64>() / n as f64
    }

    #[test]
    fn whitened_responses_have_the_unit_matrix_for_their_covariance() {
        let white = whitened(&mixtures());
        for i in 0..3 {
            for j in 0..3 {
                let covariance = moments(|n| white[n][i], |n| white[n][j], 300);
                let unit = f64::from(u8::from(i == j));
                assert!((covariance - unit).abs() < 1e-12, "{i} {j}: {covariance}");
            }
        }
    }

    /// Oracle: R^-½ by the coupled iteration of Denman and Beavers (1976), which needs no eigenvalues,
    /// on correlations worked out here.
    #[test]
    fn whitening_is_the_inverse_root_of_the_correlation_matrix() {
        let responses = mixtures();
        let mean: Vec<f64> = responses
            .iter()
            .map(|r| r.iter().sum::<f64>() / 300.0)
            .collect();
        let covariance =
            |i: usize, j: usize| moments(|n| responses[i][n], |n| responses[j][n], 300);
        let deviation: Vec<f64> = (0..3).map(|i| covariance(i, i).sqrt()).collect();
        let correlation = DMatrix::from_fn(3, 3, |i, j| {
            covariance(i, j) / (deviation[i] * deviation[j])
        });
        let (mut root, mut inverse) = (correlation, DMatrix::identity(3, 3));
        for _ in 0..50 {
            let next = (&root + inverse.clone().try_inverse().unwrap()) * 0.5;
            inverse = (&inverse + root.try_inverse().unwrap()) * 0.5;
            root = next;
        }
        let white = whitened(&responses);
        for n in (0..300).step_by(7) {
            for (i, found) in white[n].iter().enumerate() {
                let terms =
                    (0..3).map(|j| inverse[(i, j)] * (responses[j][n] - mean[j]) / deviation[j]);
                let expected: f64 = terms.sum();
                assert!((found - expected).abs() < 1e-9, "{found} {expected}");
            }
        }
    }

    #[test]
    fn units_of_the_responses_do_not_matter() {
        let responses = mixtures();
        let others: Vec<Vec<f64>> = responses
            .iter()
            .zip([8.0, 0.25, 1024.0])
            .map(|(response, factor)| response.iter().map(|value| value * factor).collect())
            .collect();
        for (one, other) in whitened(&responses).iter().zip(whitened(&others)) {
            for (a, b) in one.iter().zip(other) {
                assert!((a - b).abs() < 1e-9, "{a} {b}");
            }
        }
    }

    /// The difference of the first and the last response is a thousandth of them: less than the least
    /// share, so that it is not made as wide as they are.
    #[test]
    fn collinear_and_constant_responses_stay_finite_and_small() {
        let mut responses = mixtures();
        let small = responses[1].clone();
        responses.push(responses[0].clone());
        responses.push(vec![0.1; 300]);
        let noisy = responses[0].iter().zip(&small).map(|(a, b)| a + 1e-8 * b);
        responses.push(noisy.collect());
        let white = whitened(&responses);
        for vector in &white {
            assert!(vector.iter().all(|value| value.is_finite()), "{vector:?}");
            assert_eq!(vector[4], 0.0);
            assert!((vector[0] - vector[3]).abs() < 1e-9);
            assert!((vector[0] - vector[5]).abs() < 0.02, "{vector:?}");
        }
        let variance = |axis: usize| moments(|n| white[n][axis], |n| white[n][axis], 300);
        assert!((0..6).all(|axis| variance(axis) < 1.0 + 1e-9));
        // Three that say the same share the spread of one.
        let shared: f64 = [0, 3, 5].map(variance).iter().sum();
        assert!((shared - 1.0).abs() < 0.05, "{shared}");
    }

    #[test]
    fn a_range_as_wide_as_numbers_go_is_no_overflow() {
        let wide = vec![f64::MIN, 0.0, f64::MAX, 1.0];
        let white = whitened(&[wide, vec![1.0, 2.0, 1.0, 2.0]]);
        assert!(
            white.iter().flatten().all(|value| value.is_finite()),
            "{white:?}"
        );
    }

    #[test]
    fn what_cannot_be_whitened_is_refused_with_the_response_at_fault() {
        let refusal = |responses: &[&[f64]]| Whitening::new(responses).unwrap_err().to_string();
        assert_eq!(
            refusal(&[]),
            "a vector needs at least one response, found none"
        );
        assert_eq!(
            refusal(&[&[1.0, 2.0], &[1.0]]),
            "response 2: expected 2 values of the true response, one per candidate, found 1"
        );
        assert_eq!(
            refusal(&[&[1.0, 2.0], &[f64::NAN, 1.0]]),
            "response 2: the true response of candidate 0 is NaN, expected a finite number"
        );
        assert_eq!(
            refusal(&[&[1.0, 1.0], &[3.0, 3.0]]),
            "all candidates respond alike in each of 2 responses: coverage of constant responses is \
             undefined"
        );
        let whitening = Whitening::new(&[&[1.0, 2.0], &[4.0, 3.0]]).unwrap();
        assert_eq!(
            whitening.apply(&[1.0]).unwrap_err().to_string(),
            "expected 2 responses, found 1"
        );
    }
}
