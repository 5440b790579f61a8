//! Singular vectors of few rows, weighted for the noise of counting.

use nalgebra::{DMatrix, SymmetricEigen};
use rayon::prelude::*;

use super::{ComponentsError, Weighting};
use crate::scalarizer::sum_of_products as dot;

/// Iterations for each eigenvalue after which they are given up; three suffice as a rule.
const ITERATIONS: usize = 100;

/// A squared singular value below this share of the largest is a rounding error.
const ROUNDING: f64 = 1e-12;

/// What was found of the scaled matrix.
#[derive(Debug)]
pub(super) struct Decomposition {
    /// Singular values, falling; as many as were asked for and exist.
    pub(super) singular_values: Vec<f64>,
    /// Of each its weights on the channels of an unscaled spectrum.
    pub(super) weights: Vec<Vec<f64>>,
}

/// The first `count` components of spectra of equal length over the channels that are used.
///
/// The eigenvectors of all products of two spectra are the left singular vectors: there are far fewer
/// spectra than channels, as a rule.
///
/// # Errors
/// When all spectra are zero in those channels, or the iteration does not end.
pub(super) fn decompose(
    spectra: &[Vec<f64>],
    used: &[bool],
    weighting: Weighting,
    count: usize,
) -> Result<Decomposition, ComponentsError> {
    let (rows, channels) = (spectra.len(), used.len());
    let of_channels = match weighting {
        Weighting::Counting => inverse_roots(&means(spectra, used)),
        Weighting::Equal => used.iter().map(|&used| f64::from(u8::from(used))).collect(),
    };
    let scaled: Vec<Vec<f64>> = spectra
        .iter()
        .map(|spectrum| {
            let of_spectrum = match weighting {
                Weighting::Counting => {
                    let counted = spectrum.iter().zip(used).filter(|(_, used)| **used);
                    let number = used.iter().filter(|used| **used).count().max(1);
                    let mean = counted.map(|(value, _)| value).sum::<f64>() / number as f64;
                    inverse_root(mean)
                }
                Weighting::Equal => 1.0,
            };
            let channels = spectrum.iter().zip(&of_channels);
            channels
                .map(|(value, channel)| value * channel * of_spectrum)
                .collect()
        })
        .collect();
    let products: Vec<Vec<f64>> = (0..rows)
        .into_par_iter()
        .map(|i| (0..=i).map(|j| dot(&scaled[i], &scaled[j])).collect())
        .collect();
    let products = DMatrix::from_fn(rows, rows, |i, j| products[i.max(j)][i.min(j)]);
    let most = ITERATIONS * rows;
    let eigen =
        SymmetricEigen::try_new(products, f64::EPSILON, most).ok_or(ComponentsError::NotFound {
            spectra: rows,
            iterations: most,
        })?;
    let mut order: Vec<usize> = (0..rows).collect();
    order.sort_by(|&a, &b| eigen.eigenvalues[b].total_cmp(&eigen.eigenvalues[a]));
    let largest = order.first().map_or(0.0, |&first| eigen.eigenvalues[first]);
    if largest <= 0.0 {
        return Err(ComponentsError::Zero {
            spectra: rows,
            channels: used.iter().filter(|used| **used).count(),
        });
    }
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    let mut singular_values = Vec::with_capacity(count);
    for &place in order.iter().take(count.min(channels)) {
        let squared = eigen.eigenvalues[place];
        if squared <= ROUNDING * largest {
            break;
        }
        let mut vector = vec![0.0; channels];
        for (row, left) in scaled.iter().zip(eigen.eigenvectors.column(place).iter()) {
            for (sum, value) in vector.iter_mut().zip(row) {
                *sum += left * value;
            }
        }
        orthonormal(&mut vector, &vectors);
        upright(&mut vector);
        singular_values.push(squared.sqrt());
        vectors.push(vector);
    }
    for vector in &mut vectors {
        for (value, channel) in vector.iter_mut().zip(&of_channels) {
            *value *= channel;
        }
    }
    Ok(Decomposition {
        singular_values,
        weights: vectors,
    })
}

/// The mean of every channel that is used, in the order of the spectra; 0 of the others.
pub(super) fn means(spectra: &[Vec<f64>], used: &[bool]) -> Vec<f64> {
    let mut means = vec![0.0; used.len()];
    for spectrum in spectra {
        for ((sum, value), used) in means.iter_mut().zip(spectrum).zip(used) {
            if *used {
                *sum += value;
            }
        }
    }
    for sum in &mut means {
        *sum /= spectra.len().max(1) as f64;
    }
    means
}

fn inverse_roots(means: &[f64]) -> Vec<f64> {
    means.iter().map(|&mean| inverse_root(mean)).collect()
}

/// 1/√mean; 0 where nothing was counted, which is then left out.
fn inverse_root(mean: f64) -> f64 {
    if mean > 0.0 { mean.sqrt().recip() } else { 0.0 }
}

/// Takes from a vector what lies along the others, and makes its length 1. Products lose half the digits
/// of small singular values; this gives their vectors back the right angles.
fn orthonormal(vector: &mut [f64], others: &[Vec<f64>]) {
    // The second time removes what the rounding of the first left.
    for _ in 0..2 {
        for other in others {
            let along = dot(vector, other);
            for (value, other) in vector.iter_mut().zip(other) {
                *value -= along * other;
            }
        }
        let length = dot(vector, vector).sqrt();
        for value in vector.iter_mut() {
            *value /= length;
        }
    }
}

/// Turns a vector so that its largest entry in magnitude, the first of several, is positive.
fn upright(vector: &mut [f64]) {
    let largest = vector.iter().fold(0.0_f64, |largest, &value| {
        if value.abs() > largest.abs() {
            value
        } else {
            largest
        }
    });
    if largest < 0.0 {
        for value in vector {
            *value = -*value;
        }
    }
}
