//! What the journal holds, lived through again.

use std::time::Instant;

use beacon_kernel::Pixel;

use super::Session;
use crate::controller::BeamPort;
use crate::experiment::{ExperimentError, Point, Region};
use crate::live::Reduce;
use crate::live::event::Event;
use crate::live::event::{Command, Surveyed};
use crate::live::journal::Place;
use crate::microscope::Past;

impl Session<'_> {
    /// The response of a point that was measured before; `None` when the journal is used up and
    /// the instrument has to answer.
    ///
    /// # Errors
    /// When the journal says otherwise than what is decided now.
    pub(super) fn relive(&mut self, point: Point) -> Result<Option<f64>, ExperimentError> {
        while let Some((place, record)) = self.past.pop_front() {
            match record.event {
                Event::Exposing(exposing) => {
                    self.agree(point, exposing.candidate)?;
                    self.ledger.spend(point.candidate, exposing.electrons);
                    self.announced = exposing.electrons;
                }
                Event::Measured(measured) => {
                    self.agree(point, measured.candidate)?;
                    let spent = measured.electrons - std::mem::take(&mut self.announced);
                    self.ledger.spend(point.candidate, spent);
                    let dwell = self.config.dwell();
                    self.remember(Past::Acquisition(measured.position, dwell));
                    return self.keep(place, point, &measured).map(Some);
                }
                Event::Surveying { electrons } => self.announce_overview(electrons),
                Event::Surveyed(surveyed) => {
                    self.remember(Past::Overview);
                    self.follow(surveyed);
                }
                Event::LeftOut { candidate, why } => {
                    self.agree(point, candidate)?;
                    return Err(self.left_out(point, why));
                }
                // An exposure that failed counts as announced. The rest decides nothing.
                Event::Failed { .. } => self.announced = 0.0,
                Event::Begun(_)
                | Event::Resumed { .. }
                | Event::Commanded(_)
                | Event::Refused { .. }
                | Event::Ended { .. } => {}
            }
        }
        Ok(None)
    }

    /// What somebody wanted at this point of the journal.
    pub(super) fn reordered(&mut self) -> Option<Command> {
        while let Some((_, record)) = self.past.front() {
            match &record.event {
                Event::Commanded(command) => {
                    let command = command.clone();
                    self.past.pop_front();
                    return Some(command);
                }
                Event::Resumed { .. } | Event::Refused { .. } | Event::Ended { .. } => {
                    self.past.pop_front();
                }
                _ => break,
            }
        }
        None
    }

    fn remember(&mut self, exposure: Past) {
        if let Some(asleep) = &mut self.asleep {
            asleep.exposures.push(exposure);
        }
    }

    /// Goes over from the journal to the instrument, once: brings a simulated one to where the
    /// journal ends, and writes down who goes on and how.
    pub(super) fn awaken(&mut self, beam: &mut dyn BeamPort) -> Result<(), ExperimentError> {
        let Some(asleep) = self.asleep.take() else {
            return Ok(());
        };
        self.microscope.relive(&asleep.exposures);
        self.announced = 0.0;
        if asleep.had_ended {
            self.uncertain = 0;
        }
        // Living through the journal is no time of the campaign.
        self.clock.0 = Instant::now();
        let settings = toml::to_string(&self.config).unwrap_or_default();
        let version = env!("CARGO_PKG_VERSION").to_owned();
        self.write(beam, Event::Resumed { version, settings })?;
        Ok(())
    }

    /// Counts an overview that is about to be taken.
    pub(super) fn announce_overview(&mut self, electrons: f64) {
        let pixels = self.begun.image.values.len();
        self.ledger.spend_on_overview(electrons, pixels);
    }

    /// Takes a measured point into account; returns its response.
    pub(super) fn keep(
        &mut self,
        place: Place,
        point: Point,
        measured: &crate::live::event::Measured,
    ) -> Result<f64, ExperimentError> {
        let acquired = &measured.acquired;
        self.closed.measured(point.candidate);
        self.unreduced = match self.config.reduce {
            Reduce::Controller => single(&acquired.spectrum),
            Reduce::Host => None,
        };
        Ok(self.points.add(place, point.pixel, measured)?)
    }

    /// Takes an overview into account.
    pub(super) fn follow(&mut self, surveyed: Surveyed) {
        self.surveyed = self.points.all.len();
        match surveyed.shift {
            Some(shift) => {
                self.uncertain = 0;
                self.aim.shift = shift;
                self.unset = true;
            }
            None => self.uncertain += 1,
        }
    }

    pub(super) fn left_out(&mut self, point: Point, reason: String) -> ExperimentError {
        let Pixel { row, column } = point.pixel;
        self.closed.exclude(Region::pixel(row, column));
        ExperimentError::LeftOut {
            row,
            column,
            reason,
        }
    }

    fn agree(&self, point: Point, candidate: u32) -> Result<(), ExperimentError> {
        if point.candidate.0 == candidate {
            return Ok(());
        }
        Err(ExperimentError::NotKept(format!(
            "the journal has candidate {candidate} where candidate {} is chosen now, after {} \
             points: the program or the machine decides otherwise than the one that began it",
            point.candidate.0,
            self.points.all.len()
        )))
    }
}

/// The spectrum in single precision; `None` where that would change it, as it never does to
/// counts: the host then reduces it.
fn single(spectrum: &[f64]) -> Option<Vec<f32>> {
    let exact = |&value: &f64| {
        let single = value as f32;
        (f64::from(single) == value).then_some(single)
    };
    spectrum.iter().map(exact).collect()
}
