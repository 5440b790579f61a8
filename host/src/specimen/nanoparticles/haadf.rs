//! The high-angle annular dark-field image.

use super::config::NanoparticlesConfig;
use super::frame;
use super::noise;
use super::projection::Projection;
use super::random::{Purpose, Stream};
use crate::data::{Map, blur};

/// The image in counts, without noise: the scattering of the projected sample as the probe sees
/// it. Incoherent and linear, which holds for samples this thin (Pennycook 1989).
pub(super) fn expected(config: &NanoparticlesConfig, projection: &Projection) -> Vec<f64> {
    let mut signal = blur(
        &projection.scattering,
        config.width,
        config.probe_fwhm_nm / config.pixel_nm(),
    );
    let gain = config.image_counts * signal.len() as f64 / signal.iter().sum::<f64>();
    for value in &mut signal {
        *value *= gain;
    }
    signal
}

/// The image in counts of a mean, with shot noise and readout noise.
pub(super) fn noisy(config: &NanoparticlesConfig, mean: Vec<f64>, repeat: u64) -> Vec<f64> {
    let stream = Stream::new(config.seed, Purpose::Image, [repeat, 0]);
    noise::read_out(mean, config.image_readout_counts, stream)
}

/// A map over the frame of a configuration.
pub(super) fn map(
    config: &NanoparticlesConfig,
    values: Vec<f64>,
    quantity: &str,
    units: &str,
) -> Map {
    let shape = (config.height, config.width);
    frame::map(shape, config.pixel_nm(), values, quantity, units)
}
