//! Data for the stand-in of a bridge: the built-in nanoparticles, cut small.

use beacon_host::data::{Axis, Map, Spectra};
use beacon_host::internal::specimen::{Nanoparticles, NanoparticlesConfig, Specimen as _};

use crate::bridge_standin::StandinData;

/// Side of the image in pixels.
pub const SIDE: usize = 32;
/// Channels of 10 eV: to beyond the L lines of palladium.
pub const CHANNELS: usize = 400;

/// An image and spectra of the nanoparticles.
///
/// # Panics
/// Never: the configuration is in range.
pub fn particles() -> StandinData {
    let config = NanoparticlesConfig {
        height: SIDE,
        width: SIDE,
        ..NanoparticlesConfig::default()
    };
    let specimen = Nanoparticles::new(config).expect("a configuration in range");
    let image = specimen.image();
    let mut spectra = Vec::with_capacity(SIDE * SIDE * CHANNELS);
    for row in 0..SIDE {
        for column in 0..SIDE {
            spectra.extend_from_slice(&specimen.spectrum(row, column)[..CHANNELS]);
        }
    }
    StandinData {
        height: SIDE,
        width: SIDE,
        image: image.values.clone(),
        spectra,
        dispersion_ev: Some(10.0),
        offset_ev: Some(0.0),
        pixel_nm: Some(image.columns.scale),
        current_pa: Some(100.0),
    }
}

/// The same as files would hold them.
///
/// # Panics
/// Never: the data have the shapes that they say.
pub fn spectra_of(data: &StandinData) -> (Map, Spectra) {
    let image = Map::uncalibrated(data.height, data.width, data.image.clone(), "HAADF");
    let [rows, columns] = [("y", data.height), ("x", data.width)];
    let energy = Axis {
        name: "Energy".to_owned(),
        units: "keV".to_owned(),
        offset: 0.0,
        scale: 0.01,
        size: CHANNELS,
    };
    let coordinates = (0..CHANNELS).map(|i| energy.value(i)).collect();
    let values = data.spectra.iter().map(|&value| value as f32).collect();
    let spectra = Spectra::new(
        Axis::pixels(rows.0, rows.1),
        Axis::pixels(columns.0, columns.1),
        energy,
        coordinates,
        values,
    );
    (image, spectra)
}
