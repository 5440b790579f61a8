//! An experiment whose answers were acquired before.

use std::sync::Arc;

use beacon_kernel::Pixel;

use super::{Experiment, ExperimentError, Oracle, Point};
use crate::components::{ComponentsError, components_of_all};
use crate::data::files::Conditions;
use crate::data::{Channels, Map, Spectra};
use crate::metrics::Learnable;
use crate::scalarizer::{Scalarizer, ScalarizerError};

/// An image with a response of the same area. A clone shares the spectra that it came from.
#[derive(Clone, Debug)]
pub struct Replay {
    image: Map,
    response: Map,
    /// Those that are sought beside it.
    further: Vec<Map>,
    recorded: Option<Arc<Recorded>>,
    conditions: Conditions,
}

/// The spectra that a response was reduced from.
#[derive(Debug)]
struct Recorded {
    spectra: Spectra,
    elements: Vec<&'static str>,
    /// What the campaign reduces the spectra by itself, where it does.
    reduced: Option<Vec<Scalarizer>>,
}

/// An image and a response that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the image has {} x {} pixels and the response {} x {}; expected the same rows and columns",
    image.0, image.1, response.0, response.1
)]
pub struct ShapeMismatch {
    /// Rows and columns of the image.
    pub image: (usize, usize),
    /// Rows and columns of the response.
    pub response: (usize, usize),
}

/// Why spectra cannot be replayed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ReplayError {
    /// There is nothing to seek.
    #[error("no target; expected one at least")]
    NoTarget,
    /// Image and spectra do not belong together.
    #[error(transparent)]
    Shape(#[from] ShapeMismatch),
    /// The spectra do not suit a target.
    #[error(transparent)]
    Scalarizer(#[from] ScalarizerError),
    /// Components cannot be learnt from the spectra.
    #[error(transparent)]
    Components(#[from] ComponentsError),
}

/// What each target makes of spectra, components being those of all spectra.
fn maps_of(spectra: &Spectra, targets: &[Scalarizer]) -> Result<Vec<Map>, ReplayError> {
    let learnt = components_of_all(spectra, targets)?;
    let maps = learnt.iter().map(|target| Ok(target.map(spectra)?));
    maps.collect()
}

impl Replay {
    /// Replays `response` over `image`. Pixels of the image without data have no response.
    ///
    /// # Errors
    /// When they differ in shape.
    pub fn new(image: Map, response: Map) -> Result<Self, ShapeMismatch> {
        let shape = |map: &Map| (map.height(), map.width());
        if shape(&image) != shape(&response) {
            return Err(ShapeMismatch {
                image: shape(&image),
                response: shape(&response),
            });
        }
        Ok(Self {
            response: response.where_known(&image),
            image,
            further: Vec::new(),
            recorded: None,
            conditions: Conditions::default(),
        })
    }

    /// Replays a further response beside the first.
    ///
    /// # Errors
    /// When it differs from the image in shape.
    pub fn and(mut self, response: Map) -> Result<Self, ShapeMismatch> {
        let shape = |map: &Map| (map.height(), map.width());
        if shape(&self.image) != shape(&response) {
            return Err(ShapeMismatch {
                image: shape(&self.image),
                response: shape(&response),
            });
        }
        self.further.push(response.where_known(&self.image));
        Ok(self)
    }

    /// What there is to learn in the response, where `reduced` says how its spectra became numbers.
    pub fn learnable(&self, reduced: Option<&Scalarizer>) -> Learnable {
        let counting = match (&self.recorded, reduced) {
            (Some(recorded), Some(how)) => how.counting_variance(&recorded.spectra),
            _ => counts_on_average(&self.response),
        };
        Learnable::of(&self.response.values, self.response.width(), counting)
    }

    /// The same of one of several responses, from 0, each with the name to tell it by; `None` where its map is
    /// not known.
    #[cfg(feature = "cli")]
    pub(crate) fn learnable_of(
        &self,
        response: usize,
        reduced: Option<&Scalarizer>,
    ) -> Option<Learnable> {
        let map = self.truth_of(response)?;
        let counting = match (&self.recorded, reduced) {
            (Some(recorded), Some(how)) => how.counting_variance(&recorded.spectra),
            _ => counts_on_average(map),
        };
        Some(Learnable::of(&map.values, map.width(), counting))
    }

    /// Keeps what the file of the response says of how it was recorded.
    #[must_use]
    pub fn with_conditions(self, conditions: Conditions) -> Self {
        Self { conditions, ..self }
    }

    /// The spectra that the response was reduced from, where it was.
    #[cfg(feature = "cli")]
    pub(crate) fn spectra(&self) -> Option<&Spectra> {
        self.recorded.as_deref().map(|recorded| &recorded.spectra)
    }

    /// Keeps the spectra that the response was reduced from, to show those of measured points;
    /// where lines were sought, those of their elements are named.
    #[must_use]
    pub fn with_spectra(self, spectra: Spectra, sought: &[Scalarizer]) -> Self {
        let elements = sought.iter().flat_map(Scalarizer::elements).collect();
        Self {
            recorded: Some(Arc::new(Recorded {
                spectra,
                elements,
                reduced: None,
            })),
            ..self
        }
    }

    /// Replays spectra over `image` that the campaign itself reduces by `targets`, of which there is one at
    /// least: components are then those of the spectra measured so far. The responses that exploration is
    /// judged by are the components of all spectra.
    ///
    /// # Errors
    /// When the shapes differ, or the spectra do not suit a target.
    pub fn of_spectra(
        image: Map,
        spectra: Spectra,
        targets: &[Scalarizer],
    ) -> Result<Self, ReplayError> {
        let maps = maps_of(&spectra, targets)?;
        let mut maps = maps.into_iter();
        let first = maps.next().ok_or(ReplayError::NoTarget)?;
        let replay = Self::new(image, first)?;
        let mut replay = maps.try_fold(replay, Self::and)?;
        let elements = targets.iter().flat_map(Scalarizer::elements);
        replay.recorded = Some(Arc::new(Recorded {
            elements: elements.collect(),
            spectra,
            reduced: Some(targets.to_vec()),
        }));
        Ok(replay)
    }
}

/// The mean of a map of counts, which is the variance that counting gives them; `None` where it holds other
/// numbers. Unless their units say what they are, whole numbers below 1 on average may be marks, and those above
/// [`MOST_COUNTS`] grey levels.
fn counts_on_average(map: &Map) -> Option<f64> {
    let known = || map.values.iter().copied().filter(|value| value.is_finite());
    let are_whole = known().all(|value| value >= 0.0 && value.fract() == 0.0);
    let mean = known().sum::<f64>() / known().count() as f64;
    let units = map.units.trim().to_lowercase();
    let said = mean > 0.0 && ["counts", "count"].contains(&units.as_str());
    let look_like = mean >= 1.0 && known().all(|value| value <= MOST_COUNTS);
    (are_whole && (said || look_like)).then_some(mean)
}

/// Most counts of a pixel that nothing says to be counts.
const MOST_COUNTS: f64 = 10_000.0;

impl Experiment for Replay {
    fn image(&self) -> &Map {
        &self.image
    }

    fn truth(&self) -> Option<&Map> {
        Some(&self.response)
    }

    fn responses(&self) -> usize {
        1 + self.further.len()
    }

    fn truth_of(&self, response: usize) -> Option<&Map> {
        std::iter::once(&self.response)
            .chain(&self.further)
            .nth(response)
    }

    fn targets(&self) -> Vec<(String, String)> {
        let all = std::iter::once(&self.response).chain(&self.further);
        all.map(|map| (map.quantity.clone(), map.units.clone()))
            .collect()
    }

    fn origin(&self) -> Option<String> {
        let told = self.conditions.to_string();
        (!told.is_empty()).then(|| format!("recorded with {told}"))
    }

    fn reduced_by_campaign(&self) -> Option<Vec<Scalarizer>> {
        self.recorded.as_deref()?.reduced.clone()
    }

    fn reduced(&self, scalarizer: &Scalarizer) -> Option<Map> {
        let Recorded { spectra, .. } = self.recorded.as_deref()?;
        Some(scalarizer.map(spectra).ok()?.where_known(&self.image))
    }

    fn channels(&self) -> Option<Channels> {
        let Recorded {
            spectra, elements, ..
        } = self.recorded.as_deref()?;
        Some(spectra.along(&[]).naming(elements.iter().copied()))
    }

    fn spectrum(&self, measured: Pixel) -> Option<Vec<f64>> {
        let Recorded { spectra, .. } = self.recorded.as_deref()?;
        Some(spectra.at(measured.row, measured.column))
    }
}

impl Oracle for Replay {
    fn measure(&mut self, point: Point) -> Result<f64, ExperimentError> {
        let Pixel { row, column } = point.pixel;
        let value = self.response.at(row, column);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(ExperimentError::NoResponse { row, column, value })
        }
    }

    fn measure_all(&mut self, point: Point) -> Result<Vec<f64>, ExperimentError> {
        let mut all = vec![self.measure(point)?];
        let Pixel { row, column } = point.pixel;
        for map in &self.further {
            let value = map.at(row, column);
            if !value.is_finite() {
                let target = map.quantity.clone();
                return Err(ExperimentError::NoResponseOf {
                    target,
                    row,
                    column,
                    value,
                });
            }
            all.push(value);
        }
        Ok(all)
    }
}

#[cfg(test)]
mod tests {
    use beacon_kernel::Candidate;

    use super::*;
    use crate::data::Axis;

    #[test]
    fn a_replay_answers_with_the_response_of_the_pixel() {
        let image = Map::uncalibrated(2, 2, vec![0.0; 4], "image");
        let response = Map::uncalibrated(2, 2, vec![1.0, 2.0, f64::NAN, 4.0], "response");
        let mut replay = Replay::new(image, response).unwrap();
        let point = |row, column| Point {
            candidate: Candidate(0),
            pixel: Pixel { row, column },
        };
        assert_eq!(replay.measure(point(0, 1)).unwrap(), 2.0);
        let error = replay.measure(point(1, 0)).unwrap_err();
        assert!(error.to_string().contains("row 1, column 0 is NaN"));
    }

    /// Whole numbers of mean 100 that alternate by 20: variance 100 is what counting gives, and 400 four times it.
    #[test]
    fn a_map_of_counts_tells_its_noise_and_other_maps_do_not() {
        let learned = |low: f64, high: f64, units: &str| {
            let values = (0..400).map(|i| if (i / 20 + i) % 2 == 0 { low } else { high });
            let mut map = Map::uncalibrated(20, 20, values.collect(), "map");
            units.clone_into(&mut map.units);
            let image = Map::uncalibrated(20, 20, vec![0.0; 400], "image");
            Replay::new(image, map)
                .unwrap()
                .learnable(None)
                .signal_to_noise
        };
        assert_eq!(learned(90.0, 110.0, ""), Some(0.0));
        assert_eq!(learned(80.0, 120.0, ""), Some(3.0_f64.sqrt()));
        assert_eq!(learned(80.5, 120.0, "counts"), None);
        assert_eq!(learned(-80.0, 120.0, "counts"), None);
        assert_eq!(learned(0.0, 1.0, ""), None);
        assert_eq!(learned(0.0, 1.0, "counts"), Some(0.0));
    }

    #[test]
    fn spectra_are_those_of_the_pixel_and_lines_name_their_elements() {
        let [rows, columns, channels] =
            [("y", 1), ("x", 2), ("energy", 3)].map(|(name, size)| Axis::pixels(name, size));
        let values = vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let spectra = Spectra::new(rows, columns, channels, vec![2.0, 3.0, 4.0], values);
        let map = || Map::uncalibrated(1, 2, vec![0.0; 2], "map");
        let replay = Replay::new(map(), map()).unwrap();
        let pixel = Pixel { row: 0, column: 1 };
        assert!(replay.channels().is_none() && replay.spectrum(pixel).is_none());
        let sought = ["line:Pd-La", "line:Cu-Ka", "line:Pd-Lb1"].map(|name| name.parse().unwrap());
        let replay = replay.with_spectra(spectra, &sought);
        assert_eq!(replay.spectrum(pixel), Some(vec![4.0, 5.0, 6.0]));
        assert_eq!(replay.channels().unwrap().elements, ["Pd", "Cu"]);
    }

    #[test]
    fn shapes_that_differ_are_both_named() {
        let image = Map::uncalibrated(2, 3, vec![0.0; 6], "image");
        let response = Map::uncalibrated(3, 2, vec![0.0; 6], "response");
        let message = Replay::new(image, response).unwrap_err().to_string();
        assert!(
            message.contains("2 x 3") && message.contains("3 x 2"),
            "{message}"
        );
    }
}
