//! The high-angle annular dark-field image.

use super::blur::blur;
use super::config::SpecimenConfig;
use super::projection::Projection;
use super::random::{Purpose, Stream};
use crate::axis::Axis;
use crate::map::Map;

/// The image in counts: the scattering of the projected sample as the probe sees it, with
/// shot noise and readout noise. Incoherent and linear, which holds for samples this thin
/// (Pennycook 1989).
pub(super) fn image(config: &SpecimenConfig, projection: &Projection) -> Map {
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

/// A map over the frame with axes in nm, at the centres of the pixels.
pub(super) fn map(config: &SpecimenConfig, values: Vec<f64>, quantity: &str, units: &str) -> Map {
    let pixel = config.pixel_nm();
    let axis = |name: &str, size| Axis {
        name: name.to_owned(),
        units: "nm".to_owned(),
        offset: 0.5 * pixel,
        scale: pixel,
        size,
    };
    Map {
        values,
        rows: axis("y", config.height),
        columns: axis("x", config.width),
        quantity: quantity.to_owned(),
        units: units.to_owned(),
    }
}
