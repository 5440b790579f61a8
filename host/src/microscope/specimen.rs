//! A microscope with a built-in specimen under it.

use beacon_kernel::Pixel;

use super::{Microscope, MicroscopeError};
use crate::map::Map;
use crate::scalarizer::Scalarizer;
use crate::specimen::Specimen;

/// A specimen whose spectra are reduced to one number.
#[derive(Clone, Debug)]
pub struct SpecimenMicroscope {
    specimen: Specimen,
    scalarizer: Scalarizer,
    coordinates: Vec<f64>,
    truth: Map,
}

impl SpecimenMicroscope {
    /// A microscope over a specimen; the truth is what spectra without noise reduce to.
    ///
    /// # Errors
    /// When the scalarizer does not fit the specimen's energy axis.
    pub fn new(specimen: Specimen, scalarizer: Scalarizer) -> Result<Self, MicroscopeError> {
        let axis = specimen.energy_axis();
        let coordinates: Vec<f64> = (0..axis.size).map(|i| axis.value(i)).collect();
        let image = specimen.image();
        let mut values = Vec::with_capacity(image.values.len());
        for row in 0..image.height() {
            for column in 0..image.width() {
                let spectrum = specimen.expected_spectrum(row, column);
                values.push(scalarizer.reduce(&spectrum, &coordinates, axis)?);
            }
        }
        let truth = Map {
            values,
            quantity: scalarizer.to_string(),
            units: "counts".to_owned(),
            ..image.clone()
        };
        Ok(Self {
            specimen,
            scalarizer,
            coordinates,
            truth,
        })
    }

    /// What lies under the beam.
    pub fn specimen(&self) -> &Specimen {
        &self.specimen
    }
}

impl Microscope for SpecimenMicroscope {
    fn image(&self) -> &Map {
        self.specimen.image()
    }

    fn measure(&mut self, pixel: Pixel) -> Result<f64, MicroscopeError> {
        let spectrum = self.specimen.spectrum(pixel.row, pixel.column);
        let axis = self.specimen.energy_axis();
        Ok(self.scalarizer.reduce(&spectrum, &self.coordinates, axis)?)
    }

    fn truth(&self) -> Option<&Map> {
        Some(&self.truth)
    }
}
