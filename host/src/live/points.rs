//! The measured points: where their spectra are in the journal, and what these come to.

use beacon_kernel::{Candidate, Pixel};

use super::event::Measured;
use super::journal::Place;
use crate::data::Channels;
use crate::microscope::Position;
use crate::scalarizer::{Scalarizer, ScalarizerError};

/// A measured point without its spectrum, which stays in the journal.
#[derive(Clone, Debug, PartialEq)]
pub struct LivePoint {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
    /// Where in the frame it was measured, drift included.
    pub position: Position,
    /// Where the beam really was, row and column of the first overview; known of simulated
    /// samples alone.
    pub true_pixel: Option<(f64, f64)>,
    /// Time that the detectors were ready to count, in seconds.
    pub live_seconds: f64,
    /// Time that the beam was on, in seconds.
    pub real_seconds: f64,
    /// Dose in electrons; 0 where the current is not known.
    pub electrons: f64,
    /// A number from each scalarizer.
    pub responses: Vec<f64>,
    /// Its record in the journal.
    pub(super) place: Place,
}

/// Points and scalarizers.
#[derive(Clone, Debug)]
pub(super) struct Points {
    scalarizers: Vec<Scalarizer>,
    target: usize,
    channels: Channels,
    pub(super) all: Vec<LivePoint>,
}

impl Points {
    /// No points yet.
    ///
    /// # Errors
    /// When the channels do not suit a scalarizer.
    pub(super) fn new(
        scalarizers: Vec<Scalarizer>,
        target: usize,
        channels: &Channels,
    ) -> Result<Self, ScalarizerError> {
        let points = Self {
            scalarizers,
            target,
            channels: channels.clone(),
            all: Vec::new(),
        };
        // A spectrum of nothing shows whether the axis suits.
        points.reduce(&vec![0.0; channels.coordinates.len()])?;
        Ok(points)
    }

    /// The scalarizers, in the order of a point's responses.
    pub(super) fn scalarizers(&self) -> &[Scalarizer] {
        &self.scalarizers
    }

    /// What is sought.
    pub(super) fn target(&self) -> &Scalarizer {
        &self.scalarizers[self.target]
    }

    /// Which of a point's responses is sought.
    pub(super) fn target_index(&self) -> usize {
        self.target
    }

    /// What is sought in the form that a controller reduces with; `None` where it cannot.
    pub(super) fn on_controller(&self) -> Option<beacon_kernel::link::scalarizer::Scalarizer> {
        let Channels {
            coordinates, axis, ..
        } = &self.channels;
        self.target().on_controller(coordinates, axis)
    }

    /// A number from each scalarizer.
    fn reduce(&self, spectrum: &[f64]) -> Result<Vec<f64>, ScalarizerError> {
        let Channels {
            coordinates, axis, ..
        } = &self.channels;
        let all = self.scalarizers.iter();
        all.map(|scalarizer| scalarizer.reduce(spectrum, coordinates, axis))
            .collect()
    }

    /// Adds a point and returns its response.
    ///
    /// # Errors
    /// When the spectrum has another length than the axis.
    pub(super) fn add(
        &mut self,
        place: Place,
        pixel: Pixel,
        measured: &Measured,
    ) -> Result<f64, ScalarizerError> {
        let responses = self.reduce(&measured.acquired.spectrum)?;
        let response = responses[self.target];
        self.all.push(LivePoint {
            candidate: Candidate(measured.candidate),
            pixel,
            position: measured.position,
            true_pixel: measured.true_pixel,
            live_seconds: measured.acquired.live_seconds,
            real_seconds: measured.acquired.real_seconds,
            electrons: measured.electrons,
            responses,
            place,
        });
        Ok(response)
    }

    /// Seeks something else from here on, and returns the responses of all points so far.
    /// `spectrum` reads the one of a point again.
    ///
    /// # Errors
    /// When the channels do not suit the scalarizer, or a spectrum cannot be read.
    pub(super) fn retarget<E: From<ScalarizerError>>(
        &mut self,
        target: &Scalarizer,
        mut spectrum: impl FnMut(&LivePoint) -> Result<Vec<f64>, E>,
    ) -> Result<Vec<f64>, E> {
        let known = self.scalarizers.iter().position(|known| known == target);
        let index = known.unwrap_or(self.scalarizers.len());
        if known.is_none() {
            let Channels {
                coordinates, axis, ..
            } = &self.channels;
            let mut further = Vec::with_capacity(self.all.len());
            for point in &self.all {
                let spectrum = spectrum(point)?;
                further.push(target.reduce(&spectrum, coordinates, axis)?);
            }
            for (point, response) in self.all.iter_mut().zip(further) {
                point.responses.push(response);
            }
            self.scalarizers.push(target.clone());
        }
        self.target = index;
        Ok(self
            .all
            .iter()
            .map(|point| point.responses[index])
            .collect())
    }
}
