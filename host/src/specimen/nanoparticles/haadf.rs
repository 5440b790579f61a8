//! The high-angle annular dark-field image.

use super::blur::blur;
use super::config::NanoparticlesConfig;
use super::frame;
use super::projection::Projection;
use super::random::{Purpose, Stream};
use crate::map::Map;

/// The image in counts: the scattering of the projected sample as the probe sees it, with
/// shot noise and readout noise. Incoherent and linear, which holds for samples this thin
/// (Pennycook 1989).
pub(super) fn image(config: &NanoparticlesConfig, projection: &Projection) -> Map {
    let signal = blur(
        &projection.scattering,
        config.width,
        config.probe_fwhm_nm / config.pixel_nm(),
    );
    let gain = config.image_counts * signal.len() as f64 / signal.iter().sum::<f64>();
    let mut stream = Stream::new(config.seed, Purpose::Image, [0, 0]);
    let values = signal
        .iter()
        .map(|s| stream.poisson(gain * s) + config.image_readout_counts * stream.normal())
        .collect();
    map(config, values, "HAADF", "counts")
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
