//! The leading principal components of the features of a patch.

use beacon_kernel::filters::FEATURES;
use beacon_kernel::network::LATENT;

use super::super::process::Site;

/// The leading principal components of the features at all sites, scaled to variance 1; zero where
/// nothing varies.
pub(super) fn components(sites: &[Site]) -> Vec<[f64; LATENT]> {
    let mut covariance = [[0.0; FEATURES]; FEATURES];
    for site in sites {
        for (row, a) in covariance.iter_mut().zip(site.features) {
            for (sum, b) in row.iter_mut().zip(site.features) {
                *sum += a * b / sites.len() as f64;
            }
        }
    }
    let mut found = vec![[0.0; LATENT]; sites.len()];
    for axis in 0..LATENT {
        let (direction, variance) = leading(&covariance);
        let scale = if variance > 1e-6 {
            1.0 / variance.sqrt()
        } else {
            0.0
        };
        for (found, site) in found.iter_mut().zip(sites) {
            let along: f64 = site
                .features
                .iter()
                .zip(&direction)
                .map(|(x, d)| x * d)
                .sum();
            found[axis] = scale * along;
        }
        for (row, a) in covariance.iter_mut().zip(direction) {
            for (entry, b) in row.iter_mut().zip(direction) {
                *entry -= variance * a * b;
            }
        }
    }
    found
}

/// Direction and variance of the leading component, by power iteration.
fn leading(covariance: &[[f64; FEATURES]; FEATURES]) -> ([f64; FEATURES], f64) {
    // Any start will do that no symmetry makes orthogonal to the component.
    let mut direction: [f64; FEATURES] = core::array::from_fn(|k| 1.0 / (k + 1) as f64);
    let mut variance = 0.0;
    for _ in 0..100 {
        let image = covariance.map(|row| row.iter().zip(&direction).map(|(c, d)| c * d).sum());
        variance = image.iter().map(|x: &f64| x * x).sum::<f64>().sqrt();
        if variance < 1e-9 {
            return (direction, 0.0);
        }
        direction = image.map(|x| x / variance);
    }
    (direction, variance)
}
