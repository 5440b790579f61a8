//! A built-in specimen as an experiment: measured at no cost, and its truth known.

use std::sync::Arc;

use beacon_kernel::Pixel;

use super::{Experiment, ExperimentError, Oracle, Point};
use crate::data::{Behaviour, Channels, Map};
use crate::scalarizer::Scalarizer;
use crate::specimen::{Specimen, SpecimenConfig};

/// A specimen whose spectra are reduced to one number.
#[derive(Clone, Debug)]
pub struct SpecimenExperiment {
    specimen: Arc<dyn Specimen>,
    scalarizer: Scalarizer,
    truth: Arc<Map>,
}

impl SpecimenExperiment {
    /// An experiment on the specimen of a configuration, after the target of its kind.
    ///
    /// # Errors
    /// The first value of `config` out of its range.
    pub fn open(config: SpecimenConfig) -> Result<Self, ExperimentError> {
        let scalarizer = config.kind().target().parse()?;
        Self::new(config.make()?, scalarizer)
    }

    /// An experiment on a specimen; the truth is what spectra without noise reduce to.
    ///
    /// # Errors
    /// When the scalarizer does not fit the specimen's channels.
    pub fn new(
        specimen: Arc<dyn Specimen>,
        scalarizer: Scalarizer,
    ) -> Result<Self, ExperimentError> {
        let truth = specimen.truth(&scalarizer, 1.0)?;
        Ok(Self {
            specimen,
            scalarizer,
            truth: Arc::new(truth),
        })
    }

    /// What lies under the beam.
    pub fn specimen(&self) -> &dyn Specimen {
        &*self.specimen
    }

    /// How its spectra become one number.
    pub fn scalarizer(&self) -> &Scalarizer {
        &self.scalarizer
    }
}

impl Experiment for SpecimenExperiment {
    fn image(&self) -> &Map {
        self.specimen.image()
    }

    fn truth(&self) -> Option<&Map> {
        Some(&self.truth)
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.specimen.behaviours()
    }

    fn channels(&self) -> Option<Channels> {
        Some(self.specimen.recorded().clone())
    }

    fn spectrum(&self, measured: Pixel) -> Option<Vec<f64>> {
        Some(self.specimen.spectrum(measured.row, measured.column))
    }
}

impl Oracle for SpecimenExperiment {
    fn measure(&mut self, point: Point) -> Result<f64, ExperimentError> {
        let pixel = point.pixel;
        let spectrum = self.specimen.spectrum(pixel.row, pixel.column);
        let (channels, coordinates) = (self.specimen.channels(), self.specimen.coordinates());
        Ok(self.scalarizer.reduce(&spectrum, coordinates, channels)?)
    }
}
