//! The exact Gaussian process: covariance, packed Cholesky factor, triangular solves.

use crate::Error;
use crate::math::{distance_squared, dot, subtract_scaled};

/// Radial-basis covariance with latents already divided by their lengthscales:
/// k(a, b) = s · exp(−½|a − b|²).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Covariance {
    /// Prior variance s.
    pub(crate) outputscale: f32,
}

impl Covariance {
    pub(crate) fn between(self, a: [f32; 2], b: [f32; 2]) -> f32 {
        self.outputscale * libm::expf(-0.5 * distance_squared(a, b))
    }

    /// Covariance of one point with each of `points`, into `out`.
    pub(crate) fn with_each(self, a: [f32; 2], points: &[[f32; 2]], out: &mut [f32]) {
        for (out, &b) in out.iter_mut().zip(points) {
            *out = self.between(a, b);
        }
    }
}

/// Lower Cholesky factor of K + σ²I, its rows packed one after another and appended one by one.
pub(crate) struct Factor<'a> {
    packed: &'a mut [f32],
    order: usize,
}

/// Entries of a packed triangle of `order` rows.
pub(crate) const fn packed(order: usize) -> usize {
    order * (order + 1) / 2
}

impl<'a> Factor<'a> {
    /// An empty factor in borrowed memory.
    pub(crate) fn new(packed: &'a mut [f32]) -> Self {
        Self { packed, order: 0 }
    }

    /// Rows so far.
    pub(crate) fn order(&self) -> usize {
        self.order
    }

    /// Forgets every row.
    pub(crate) fn clear(&mut self) {
        self.order = 0;
    }

    /// Row `i` up to and including its diagonal.
    pub(crate) fn row(&self, i: usize) -> &[f32] {
        let start = packed(i);
        self.packed.get(start..start + i + 1).unwrap_or_default()
    }

    /// Appends the row l = L⁻¹k with diagonal √(variance − l·l), where `covariances` are those
    /// of the new point with all earlier ones and `variance` its own, noise included.
    ///
    /// # Errors
    /// [`Error::Capacity`] when the memory is full, [`Error::NotPositiveDefinite`] when the
    /// pivot is not positive; the factor is then as it was before.
    pub(crate) fn append(&mut self, covariances: &[f32], variance: f32) -> Result<(), Error> {
        let n = self.order;
        let (old, rest) = self.packed.split_at_mut(packed(n).min(self.packed.len()));
        let capacity = n;
        let full = Error::Capacity {
            what: "measurements",
            needed: n + 1,
            capacity,
        };
        let row = rest.get_mut(..=n).ok_or(full)?;
        let Some((diagonal, row)) = row.split_last_mut() else {
            return Err(full);
        };
        for (entry, covariance) in row.iter_mut().zip(covariances) {
            *entry = *covariance;
        }
        solve_lower(old, row);
        let pivot = variance - dot(row, row);
        if !pivot.is_normal() || pivot < 0.0 {
            return Err(Error::NotPositiveDefinite { row: n });
        }
        *diagonal = libm::sqrtf(pivot);
        self.order = n + 1;
        Ok(())
    }

    /// b ← L⁻¹b with as many leading rows as `b` is long.
    pub(crate) fn solve_lower(&self, b: &mut [f32]) {
        solve_lower(self.packed, b);
    }

    /// b ← L⁻ᵀb with as many leading rows as `b` is long.
    pub(crate) fn solve_upper(&self, b: &mut [f32]) {
        for i in (0..b.len()).rev() {
            let Some((diagonal, row)) = self.row(i).split_last() else {
                continue;
            };
            let (head, tail) = b.split_at_mut(i.min(b.len()));
            if let Some(x) = tail.first_mut() {
                *x /= diagonal;
                subtract_scaled(head, *x, row);
            }
        }
    }
}

fn solve_lower(packed: &[f32], b: &mut [f32]) {
    let mut rest = packed;
    for i in 0..b.len() {
        let Some((row, after)) = rest.split_at_checked(i + 1) else {
            return;
        };
        rest = after;
        let (head, tail) = b.split_at_mut(i.min(b.len()));
        if let (Some((diagonal, row)), Some(x)) = (row.split_last(), tail.first_mut()) {
            *x = (*x - dot(row, head)) / diagonal;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// L Lᵀ = K in f64 is the definition; 2e-6 is a few ulp of the unit diagonal.
    #[test]
    fn the_factor_times_its_transpose_is_the_covariance() {
        let n = 60;
        let mut random = Random::new(5, 0);
        let points: Vec<[f32; 2]> = (0..n).map(|_| [random.normal(), random.normal()]).collect();
        let covariance = Covariance { outputscale: 1.0 };
        let mut memory = vec![0.0; packed(n)];
        let mut factor = Factor::new(&mut memory);
        let mut row = vec![0.0; n];
        for (i, &point) in points.iter().enumerate() {
            covariance.with_each(point, &points[..i], &mut row);
            factor.append(&row[..i], 1.01).unwrap();
        }
        for i in 0..n {
            for j in 0..=i {
                let product: f64 = factor.row(i)[..=j]
                    .iter()
                    .zip(factor.row(j))
                    .map(|(&a, &b)| f64::from(a) * f64::from(b))
                    .sum();
                let expected = f64::from(covariance.between(points[i], points[j]))
                    + if i == j { 0.01 } else { 0.0 };
                assert!((product - expected).abs() < 2e-6, "({i}, {j})");
            }
        }
    }

    #[test]
    fn solving_down_then_up_inverts_the_covariance() {
        let mut memory = vec![0.0; packed(3)];
        let mut factor = Factor::new(&mut memory);
        factor.append(&[], 4.0).unwrap();
        factor.append(&[2.0], 5.0).unwrap();
        factor.append(&[0.5, 1.0], 3.0).unwrap();
        // K (1, -2, 3)ᵀ by hand.
        let mut b = [4.0 - 4.0 + 1.5, 2.0 - 10.0 + 3.0, 0.5 - 2.0 + 9.0];
        factor.solve_lower(&mut b);
        factor.solve_upper(&mut b);
        for (x, expected) in b.iter().zip([1.0, -2.0, 3.0]) {
            assert!((x - expected).abs() < 1e-5, "{b:?}");
        }
    }

    #[test]
    fn a_pivot_that_is_not_positive_leaves_the_factor_as_it_was() {
        let mut memory = vec![0.0; packed(2)];
        let mut factor = Factor::new(&mut memory);
        factor.append(&[], 1.0).unwrap();
        assert_eq!(
            factor.append(&[1.0], 1.0),
            Err(Error::NotPositiveDefinite { row: 1 })
        );
        assert_eq!(
            factor.append(&[f32::NAN], 1.0),
            Err(Error::NotPositiveDefinite { row: 1 })
        );
        assert_eq!(factor.order(), 1);
        factor.append(&[0.5], 1.0).unwrap();
        assert!(matches!(
            factor.append(&[0.5, 0.5], 1.0),
            Err(Error::Capacity { needed: 3, .. })
        ));
    }
}
