//! One point on the instrument: drift, dose, exposure, and patience when something fails.

use beacon_kernel::link::message::{DoseLimits, Settings, Which};

use std::time::{Duration, Instant};

use beacon_kernel::Pixel;

use super::Session;
use crate::controller::{BeamPort, ControllerError};
use crate::experiment::{Ended, ExperimentError, Point};
use crate::live::control::Control;
use crate::live::dose::{self, DoseError};
use crate::live::drift::register;
use crate::live::event::Event;
use crate::live::event::{Exposing, Measured, Surveyed};
use crate::live::journal::Place;
use crate::microscope::{Acquired, MicroscopeError, Position};

/// First pause before an instrument that failed is tried again; every further one is twice as
/// long, up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// Slices in which pauses look up.
const SLICE: Duration = Duration::from_millis(20);
/// Overviews in a row that may tell no drift.
const UNCERTAIN: u32 = 3;

/// How an attempt at the instrument went wrong.
enum Attempt {
    /// The instrument's fault: worth another attempt, if it passes.
    Instrument(MicroscopeError),
    /// Anything else.
    Other(ExperimentError),
}

impl From<MicroscopeError> for Attempt {
    fn from(error: MicroscopeError) -> Self {
        Self::Instrument(error)
    }
}

impl From<ExperimentError> for Attempt {
    fn from(error: ExperimentError) -> Self {
        Self::Other(error)
    }
}

/// A scan generator that failed may be found again, as an instrument may.
fn failed(error: ControllerError) -> Attempt {
    if error.is_beam_fault() {
        Attempt::Instrument(MicroscopeError::Failed {
            call: "expose".to_owned(),
            message: error.to_string(),
        })
    } else {
        Attempt::Other(error.into())
    }
}

impl Session<'_> {
    pub(super) fn measure_live(
        &mut self,
        point: Point,
        beam: &mut dyn BeamPort,
    ) -> Result<f64, ExperimentError> {
        self.hold(beam)?;
        self.awaken(beam)?;
        self.survey_if_due(beam)?;
        self.publish("measuring");
        let (position, electrons, acquired) =
            self.patiently(beam, |session, beam| session.expose(point, beam))?;
        let measured = Measured {
            candidate: point.candidate.0,
            position,
            electrons,
            acquired,
            true_pixel: self.microscope.true_pixel(),
        };
        let spent = electrons - std::mem::take(&mut self.announced);
        self.ledger.spend(point.candidate, spent);
        let place = self.write(beam, Event::Measured(Box::new(measured.clone())))?;
        let response = self.keep(place, point, &measured)?;
        self.publish("deciding");
        Ok(response)
    }

    /// One exposure: place, electrons, what was acquired.
    fn expose(
        &mut self,
        point: Point,
        beam: &mut dyn BeamPort,
    ) -> Result<(Position, f64, Acquired), Attempt> {
        if self.is_excluded(point.pixel) {
            // Asked for since the point was chosen.
            return Err(self
                .leave_out(point, beam, &"it was excluded meanwhile")?
                .into());
        }
        let Some(position) = self.aim.position(point.pixel) else {
            let (down, right) = self.aim.shift;
            let Pixel { row, column } = point.pixel;
            return Err(ended(Ended::Drift(format!(
                "by {down:.1} pixels down and {right:.1} to the right, row {row}, column {column} \
                 has left the frame"
            )))
            .into());
        };
        let dwell = self.config.dwell();
        let current = self.current_pa.unwrap_or(0.0);
        let longest = dwell.as_secs_f64() * self.stretch;
        let announced = dose::electrons(current, longest);
        match self.ledger.admit(point.candidate, announced) {
            Ok(()) => {}
            Err(error @ DoseError::Total { .. }) => {
                return Err(ended(Ended::Dose(error.to_string())).into());
            }
            Err(error @ DoseError::Pixel { .. }) => {
                return Err(self.leave_out(point, beam, &error)?.into());
            }
        }
        self.set_beam(beam)?;
        self.hold_room(beam)?;
        self.microscope.move_to(position)?;
        self.write(
            beam,
            Event::Exposing(Exposing {
                candidate: point.candidate.0,
                position,
                electrons: announced,
            }),
        )?;
        self.ledger.spend(point.candidate, announced);
        self.announced = announced;
        match beam.expose(point.candidate) {
            Ok(()) => {}
            Err(error) if error.is_pixel_dose_limit() => {
                // Refused before it began.
                self.ledger.spend(point.candidate, -announced);
                return Err(self.leave_out(point, beam, &error)?.into());
            }
            Err(error) => return Err(failed(error)),
        }
        // Of the campaign and the point alone: an answer that was lost is told again.
        let key = format!("{:016x}/{}", self.begun.id, point.candidate.0);
        let acquired = self.microscope.acquire(dwell, &key);
        // The controller's own dwell may be longer, and an acquisition that failed has none.
        let finished = match acquired {
            Ok(_) => beam.finish(),
            Err(_) => Ok(()),
        };
        self.blank_controller(beam);
        let acquired = acquired?;
        finished.map_err(failed)?;
        let (found, expected) = (
            acquired.spectrum.len(),
            self.begun.channels.coordinates.len(),
        );
        if found != expected {
            return Err(MicroscopeError::Answer {
                call: "acquire".to_owned(),
                found: format!("{found} channels"),
                expected: format!("{expected}, as its axis has"),
            }
            .into());
        }
        let electrons = dose::electrons(current, acquired.real_seconds);
        Ok((position, electrons, acquired))
    }

    fn leave_out(
        &mut self,
        point: Point,
        beam: &mut dyn BeamPort,
        why: &dyn std::fmt::Display,
    ) -> Result<ExperimentError, ExperimentError> {
        let event = Event::LeftOut {
            candidate: point.candidate.0,
            why: why.to_string(),
        };
        self.write(beam, event)?;
        Ok(self.left_out(point, why.to_string()))
    }

    /// Looks where the sample is, when it is time to.
    fn survey_if_due(&mut self, beam: &mut dyn BeamPort) -> Result<(), ExperimentError> {
        let Some(every) = self.config.drift_every else {
            return Ok(());
        };
        let points = self.points.all.len();
        if self.uncertain >= UNCERTAIN {
            return Err(self.lost());
        }
        if points == 0 || !points.is_multiple_of(every) || self.surveyed == points {
            return Ok(());
        }
        self.publish("looking for drift");
        let dwell = self.begun.beam.overview_dwell_seconds;
        let pixels = self.begun.image.values.len() as f64;
        let electrons = self.current_pa.zip(dwell).map_or(0.0, |(current, dwell)| {
            dose::electrons(current, dwell * pixels)
        });
        let fresh = self.patiently(beam, |session, beam| {
            let pixels = session.begun.image.values.len();
            if let Err(error) = session.ledger.admit_overview(electrons, pixels) {
                return Err(ended(Ended::Dose(error.to_string())).into());
            }
            session.write(beam, Event::Surveying { electrons })?;
            session.announce_overview(electrons);
            Ok(session.microscope.overview()?)
        })?;
        let surveyed = match register(&self.begun.image, &fresh) {
            Ok(shift) if shift.is_trusted() => Surveyed {
                shift: Some((shift.rows, shift.columns)),
                confidence: shift.confidence,
            },
            unknown => {
                let (why, confidence) = match unknown {
                    Ok(shift) => (
                        "the overviews have too little in common".to_owned(),
                        shift.confidence,
                    ),
                    Err(error) => (error.to_string(), 0.0),
                };
                self.say(&format!("how far the sample drifted cannot be told: {why}"));
                Surveyed {
                    shift: None,
                    confidence,
                }
            }
        };
        self.write(beam, Event::Surveyed(surveyed))?;
        self.follow(surveyed);
        if self.uncertain >= UNCERTAIN {
            return Err(self.lost());
        }
        Ok(())
    }

    fn lost(&self) -> ExperimentError {
        ended(Ended::Drift(format!(
            "{} overviews in a row do not tell how far",
            self.uncertain
        )))
    }

    /// Makes sure that the measurement to come will find room on the disk.
    fn hold_room(&mut self, beam: &mut dyn BeamPort) -> Result<(), ExperimentError> {
        let mut pause = FIRST_PAUSE;
        let begun = Instant::now();
        while let Err(error) = self.reserve.hold() {
            let _ = self.blank(beam);
            if begun.elapsed().as_secs_f64() > self.config.patience {
                return Err(ExperimentError::NotKept(format!(
                    "there is no room on the disk for another spectrum: {error}"
                )));
            }
            self.publish("waiting for the disk");
            self.say(&format!(
                "there is no room on the disk for another spectrum: {error}; the beam is blanked, \
                 trying again in {:.1} s",
                pause.as_secs_f64()
            ));
            self.wait(pause)?;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
        Ok(())
    }

    /// Tells the controller's beam what it may do, where the frame lies and what is left of the
    /// dose, when any of it changed.
    fn set_beam(&mut self, beam: &mut dyn BeamPort) -> Result<(), ExperimentError> {
        let resets = beam.resets();
        if std::mem::replace(&mut self.resets, resets) != resets {
            // Its account of the dose began again, and with it its limits.
            (self.unset, self.told) = (true, None);
        }
        if !self.unset {
            return Ok(());
        }
        let Some(settings) = beam.settings() else {
            self.unset = false;
            return Ok(());
        };
        let Some(field) = self.aim.field() else {
            let (down, right) = self.aim.shift;
            return Err(ended(Ended::Drift(format!(
                "by {down:.1} pixels down and {right:.1} to the right, the frame leaves the \
                 deflection range of the controller: give it room with --frame"
            ))));
        };
        let micros = |seconds: f64| (seconds * 1e6).round();
        let dwell_us = micros(self.config.dwell().as_secs_f64()) as u32;
        let used_us = beam.dose_us()?;
        // What the controller may spend in all: what it has, and what the account has left.
        let total_us = match (self.ledger.left(), self.current_pa) {
            (Some(left), Some(current)) if current > 0.0 => {
                let seconds = left / dose::electrons(current, 1.0);
                used_us.saturating_add(micros(seconds) as u64)
            }
            _ => {
                let all = u64::from(dwell_us) * self.config.budget as u64;
                settings.dose.total_us.max(4 * all)
            }
        };
        let pixel_us = match (self.config.pixel_dose_limit, self.current_pa) {
            (Some(limit), Some(current)) if current > 0.0 => {
                let area = dose::pixel_area(&self.begun.image).unwrap_or(f64::INFINITY);
                micros(limit * area / dose::electrons(current, 1.0)) as u32
            }
            _ => settings.dose.pixel_us.max(dwell_us.saturating_mul(4)),
        };
        // The beam is on for the dwell at most, whatever becomes of the host: silence while an
        // instrument is waited for is no reason to cut an exposure short.
        let silence =
            1e3 * (2.0 * self.config.dwell().as_secs_f64() + self.config.instrument.timeout);
        let timeout_ms =
            (silence as u32).clamp(settings.link_timeout_ms, *Settings::TIMEOUTS_MS.end());
        let told = self.told.filter(|_| used_us > 0);
        let dose = DoseLimits {
            pixel_us: told.map_or(pixel_us, |told| pixel_us.min(told.pixel_us)),
            total_us: told.map_or(total_us, |told| total_us.min(told.total_us)),
        };
        let mut settings = Settings {
            dwell_us,
            settle_us: self.config.settle_us,
            dose,
            link_timeout_ms: timeout_ms,
            field,
        };
        // A board has ceilings of its own, below which it stays whatever it is told.
        while let Err(error) = beam.configure(settings) {
            let Some((which, ceiling)) = error.ceiling() else {
                return Err(error.into());
            };
            let dose = &mut settings.dose;
            match which {
                Which::PixelDose if ceiling < u64::from(dose.pixel_us) => {
                    dose.pixel_us = ceiling as u32;
                }
                Which::TotalDose if ceiling < dose.total_us => dose.total_us = ceiling,
                _ => return Err(error.into()),
            }
        }
        self.told = Some(settings.dose);
        self.unset = false;
        Ok(())
    }

    /// Tries until it works, the instrument fails for good, or patience is at its end. In between
    /// the beam is blanked.
    fn patiently<R>(
        &mut self,
        beam: &mut dyn BeamPort,
        mut attempt: impl FnMut(&mut Self, &mut dyn BeamPort) -> Result<R, Attempt>,
    ) -> Result<R, ExperimentError> {
        let mut failing: Option<(Instant, Duration)> = None;
        loop {
            let error = match attempt(self, beam) {
                Ok(result) => return Ok(result),
                Err(Attempt::Other(error)) => {
                    let _ = self.blank(beam);
                    return Err(error);
                }
                Err(Attempt::Instrument(error)) => error,
            };
            let blanked = self.blank(beam);
            self.announced = 0.0;
            let why = error.to_string();
            self.write(beam, Event::Failed { why: why.clone() })?;
            self.board.write(|status| {
                status.failures += 1;
                status.last_failure = Some(why.clone());
            });
            if matches!(error, MicroscopeError::Aborted { .. }) {
                self.say(&why);
                return Err(ended(Ended::Interrupted));
            }
            if !error.is_passing() {
                return Err(ended(Ended::Instrument(why)));
            }
            let (since, mut pause) = failing.unwrap_or((Instant::now(), FIRST_PAUSE));
            self.publish("waiting for the instrument");
            let mut why = why;
            loop {
                if since.elapsed().as_secs_f64() > self.config.patience {
                    return Err(ended(Ended::Instrument(why)));
                }
                self.say(&format!(
                    "{why}; {blanked}, trying again in {:.1} s",
                    pause.as_secs_f64()
                ));
                self.wait(pause)?;
                pause = (2 * pause).min(LONGEST_PAUSE);
                match self.microscope.reconnect() {
                    Ok(()) => break,
                    Err(error) if error.is_passing() => why = error.to_string(),
                    Err(error) => return Err(ended(Ended::Instrument(error.to_string()))),
                }
            }
            failing = Some((since, pause));
        }
    }

    /// Blanks both beams. Whichever cannot be reached blanks by itself: the controller after its
    /// time-out, the instrument at the end of the exposure.
    pub(super) fn blank(&mut self, beam: &mut dyn BeamPort) -> &'static str {
        self.blank_controller(beam);
        // What failed will often fail at this too, and has just been told.
        self.blanked = self.microscope.blank().is_ok();
        if self.blanked {
            "the beam is blanked"
        } else {
            "the beam COULD NOT BE BLANKED: look after it"
        }
    }

    fn blank_controller(&mut self, beam: &mut dyn BeamPort) {
        if let Err(error) = beam.blank() {
            self.say(&format!(
                "the controller could not be told to blank: {error}"
            ));
        }
    }

    /// Waits, and looks up.
    pub(super) fn wait(&mut self, time: Duration) -> Result<(), ExperimentError> {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if self.is_interrupted() {
                return Err(ended(Ended::Interrupted));
            }
            if self.control.as_ref().is_some_and(Control::stopped) {
                return Err(ended(Ended::Stopped));
            }
            if self.elapsed().as_secs_f64() >= self.config.time_limit.unwrap_or(f64::INFINITY) {
                return Err(ended(Ended::Time));
            }
            std::thread::sleep(SLICE.min(time));
        }
        Ok(())
    }

    /// Writes an event into the journal. While that fails, the beam is blanked and what is to be
    /// written is kept: a disk that is full may be emptied, and until then the room that is held
    /// for it takes what was measured.
    pub(super) fn write(
        &mut self,
        beam: &mut dyn BeamPort,
        event: Event,
    ) -> Result<Place, ExperimentError> {
        let record = self.record(event);
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.journal.borrow_mut().append(&record) {
                Ok(place) => return Ok(place),
                Err(error) => error,
            };
            let _ = self.blank(beam);
            self.reserve.give_up();
            if let Ok(place) = self.journal.borrow_mut().append(&record) {
                return Ok(place);
            }
            if begun.elapsed().as_secs_f64() > self.config.patience {
                return Err(error.into());
            }
            self.publish("waiting for the disk");
            let (kept, waited) = match record.event {
                // It is worth more than the wish to stop: only giving up loses it.
                Event::Measured(_) => ("the spectrum just measured is kept in memory", Ok(())),
                _ => ("nothing is lost", self.wait(pause)),
            };
            self.say(&format!(
                "{error}; the beam is blanked and {kept}, trying again in {:.1} s",
                pause.as_secs_f64()
            ));
            waited?;
            if matches!(record.event, Event::Measured(_)) {
                std::thread::sleep(pause);
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }
}

pub(super) fn ended(why: Ended) -> ExperimentError {
    ExperimentError::Ended(why)
}
