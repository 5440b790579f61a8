//! Noise of instruments that count.

use super::random::Stream;

/// Poisson counts around their means.
pub(super) fn counted(mut mean: Vec<f64>, mut stream: Stream) -> Vec<f64> {
    for value in &mut mean {
        *value = stream.poisson(*value);
    }
    mean
}

/// Poisson counts around their means, each read out with Gaussian noise of the given standard
/// deviation in counts.
pub(super) fn read_out(mut mean: Vec<f64>, readout: f64, mut stream: Stream) -> Vec<f64> {
    for value in &mut mean {
        *value = stream.poisson(*value) + readout * stream.normal();
    }
    mean
}
