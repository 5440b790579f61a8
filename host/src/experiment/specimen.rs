//! A built-in specimen as an experiment: measured at no cost, and its truth known.

use std::sync::Arc;

use beacon_kernel::Pixel;

use super::{Experiment, ExperimentError, Oracle, Point};
use crate::components::components_of_all;
use crate::data::{Behaviour, Channels, Map, Spectra};
use crate::scalarizer::{Scalarizer, ScalarizerError};
use crate::specimen::{Specimen, SpecimenConfig};

/// A specimen whose spectra are reduced to one number, or to several that are sought together.
#[derive(Clone, Debug)]
pub struct SpecimenExperiment {
    specimen: Arc<dyn Specimen>,
    scalarizer: Scalarizer,
    truth: Arc<Map>,
    /// What is sought beside that, with its truth.
    further: Vec<(Scalarizer, Arc<Map>)>,
    /// Whether components are sought, which the campaign learns itself.
    components: bool,
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
            further: Vec::new(),
            components: false,
        })
    }

    /// An experiment on a specimen after these targets, of which there is one at least.
    ///
    /// # Errors
    /// When a scalarizer does not fit the specimen's channels.
    pub fn of_several(
        specimen: Arc<dyn Specimen>,
        first: Scalarizer,
        further: impl IntoIterator<Item = Scalarizer>,
    ) -> Result<Self, ExperimentError> {
        let targets: Vec<_> = std::iter::once(first).chain(further).collect();
        let components = targets
            .iter()
            .any(|target| matches!(target, Scalarizer::Component(_)));
        let learnt = if components {
            components_of_all(&expected(&*specimen), &targets)?
        } else {
            targets.clone()
        };
        let mut all = targets.into_iter().zip(learnt).map(|(target, learnt)| {
            let truth = specimen.truth(&learnt, 1.0)?;
            Ok::<_, ExperimentError>((target, Arc::new(truth)))
        });
        // The first is always there.
        let (scalarizer, truth) = all
            .next()
            .ok_or(ScalarizerError::Unknown(String::new()))??;
        let further = all.collect::<Result<_, _>>()?;
        Ok(Self {
            specimen,
            scalarizer,
            truth,
            further,
            components,
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

/// The spectra of a specimen without noise, of one exposure.
fn expected(specimen: &dyn Specimen) -> Spectra {
    let (image, recorded) = (specimen.image(), specimen.recorded());
    let pixels = (0..image.values.len()).map(|i| (i / image.width(), i % image.width()));
    let values = pixels.flat_map(|(row, column)| {
        let mean = specimen.exposed(specimen.expected_spectrum(row, column), 1.0);
        mean.into_iter().map(|value| value as f32)
    });
    Spectra {
        quantity: recorded.quantity.clone(),
        units: recorded.units.clone(),
        ..Spectra::new(
            image.rows.clone(),
            image.columns.clone(),
            recorded.axis.clone(),
            recorded.coordinates.clone(),
            values.collect(),
        )
    }
}

impl Experiment for SpecimenExperiment {
    fn image(&self) -> &Map {
        self.specimen.image()
    }

    fn truth(&self) -> Option<&Map> {
        Some(&self.truth)
    }

    fn responses(&self) -> usize {
        1 + self.further.len()
    }

    fn truth_of(&self, response: usize) -> Option<&Map> {
        let further = self.further.iter().map(|(_, truth)| &**truth);
        std::iter::once(&*self.truth).chain(further).nth(response)
    }

    fn targets(&self) -> Vec<(String, String)> {
        let all = (0..self.responses()).filter_map(|n| self.truth_of(n));
        all.map(|map| (map.quantity.clone(), map.units.clone()))
            .collect()
    }

    fn reduced_by_campaign(&self) -> Option<Vec<Scalarizer>> {
        let further = self.further.iter().map(|(scalarizer, _)| scalarizer);
        let all = std::iter::once(&self.scalarizer).chain(further);
        self.components.then(|| all.cloned().collect())
    }

    fn reduced(&self, scalarizer: &Scalarizer) -> Option<Map> {
        self.specimen.truth(scalarizer, 1.0).ok()
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

    fn measure_all(&mut self, point: Point) -> Result<Vec<f64>, ExperimentError> {
        let pixel = point.pixel;
        let spectrum = self.specimen.spectrum(pixel.row, pixel.column);
        let (channels, coordinates) = (self.specimen.channels(), self.specimen.coordinates());
        let further = self.further.iter().map(|(scalarizer, _)| scalarizer);
        let all = std::iter::once(&self.scalarizer).chain(further);
        let reduced = all.map(|how| Ok(how.reduce(&spectrum, coordinates, channels)?));
        reduced.collect()
    }
}
