//! What the station does for a campaign.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use beacon_kernel::{Candidate, Pixel};

use super::{FIRST_PAUSE, LONGEST_PAUSE, SLICE, Station};
use crate::campaign::drive::{Failure, Kept, World};
use crate::campaign::{
    Command, Ended, Event, Expose, Exposure, Given, Measured, MeasuredPoint, Overview, Posterior,
    Series, State, Surveyed, Wait,
};
use crate::control::Control;
use crate::controller::{BeamPort, ControllerError};
use crate::data::{Behaviour, Channels, Map, Region};
use crate::journal::Moment;
use crate::live::drift::register;
use crate::scalarizer::Scalarizer;
use crate::units::Seconds;

/// Whether trying again may help with a controller: it was reset during an exposure, or its scan
/// generator failed, which may come back as an instrument may.
fn passes(error: &ControllerError) -> bool {
    matches!(error, ControllerError::ExposureUnknown) || error.is_beam_fault()
}

impl World for Station<'_> {
    fn elapsed(&self) -> Duration {
        self.clock.0.elapsed() + self.clock.1
    }

    fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    fn command(&mut self) -> Option<Given> {
        self.control.as_ref()?.command()
    }

    fn is_urgent(&self) -> bool {
        self.control.as_ref().is_some_and(Control::is_urgent)
    }

    fn is_stopped(&self) -> bool {
        self.control.as_ref().is_some_and(Control::stopped)
    }

    /// Writes an event into the journal. While that fails, the beam is blanked and the event is kept
    /// in memory. When the disk is full, the event goes into the reserve that is held for it.
    fn record(&mut self, event: &Event, beam: &mut dyn BeamPort) -> Result<(), Ended> {
        let record = self.record_of(event);
        let is_measured = matches!(event, Event::Measured(_));
        // A `stop` that is on its way to the disk waits for it as other events do.
        let is_stop = matches!(event, Event::Commanded(given) if given.command == Command::Stop);
        let begun = Instant::now();
        let mut pause = FIRST_PAUSE;
        let place = loop {
            let error = match self.journal.borrow_mut().append(&record) {
                Ok(place) => break place,
                Err(error) => error,
            };
            self.blank_both(beam);
            self.reserve.give_up();
            if let Ok(place) = self.journal.borrow_mut().append(&record) {
                break place;
            }
            if begun.elapsed().as_secs_f64() > self.config.patience {
                return Err(Ended::Disk(error.to_string()));
            }
            self.show("waiting for the disk");
            let kept = if is_measured {
                "the spectrum just measured is kept in memory"
            } else {
                "nothing is lost"
            };
            self.log(&format!(
                "{error}; the beam is blanked and {kept}, trying again in {:.1} s",
                pause.as_secs_f64()
            ));
            // A spectrum that was measured is not given up for an interrupt or a `stop`.
            let until = Instant::now() + pause;
            while Instant::now() < until {
                let stopped = !is_stop && self.control.as_ref().is_some_and(Control::stopped);
                if !is_measured && (self.is_interrupted() || stopped) {
                    return Err(if stopped {
                        Ended::Stopped
                    } else {
                        Ended::Interrupted
                    });
                }
                std::thread::sleep(SLICE);
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        };
        if let Event::Measured(measured) = event {
            self.places.insert(Candidate(measured.candidate), place);
            self.answers_again();
        }
        if let Some(control) = &self.control {
            control.apply(event);
        }
        Ok(())
    }

    fn keep_learned(&mut self, kept: &dyn Fn() -> Kept) {
        let end = self.journal.borrow().end();
        self.learned.write(end, kept);
    }

    fn survey(&mut self, state: &State) -> Result<Event, Failure> {
        let fresh = self.microscope.overview();
        let fresh = fresh.map_err(|error| Self::failure(&error, false))?;
        let Some(first) = state.image() else {
            return Ok(Event::Overview(Box::new(Overview {
                absent: absent(&fresh, self.microscope.absent()),
                image: fresh,
                // Some instruments know their beam once they have used it.
                beam: self.microscope.beam(),
            })));
        };
        self.answers_again();
        let (why, confidence) = match register(&first.completed(), &fresh.completed()) {
            Ok(shift) if shift.is_trusted() => {
                return Ok(Event::Surveyed(Surveyed {
                    shift: Some((shift.rows, shift.columns)),
                    confidence: shift.confidence,
                }));
            }
            Ok(shift) => (
                "the overviews have too little in common".to_owned(),
                shift.confidence,
            ),
            Err(error) => (error.to_string(), 0.0),
        };
        self.log(&format!("how far the sample drifted is not known: {why}"));
        Ok(Event::Surveyed(Surveyed {
            shift: None,
            confidence,
        }))
    }

    fn prepare(
        &mut self,
        state: &State,
        expose: &Expose,
        beam: &mut dyn BeamPort,
    ) -> Result<(), Failure> {
        self.beam.configure(state, &self.config, beam)?;
        self.hold_room(state, beam)?;
        self.microscope
            .move_to(expose.position)
            .map_err(|error| Self::failure(&error, true))
    }

    fn expose(
        &mut self,
        state: &State,
        expose: &Expose,
        beam: &mut dyn BeamPort,
    ) -> Result<(Measured, Exposure), Failure> {
        self.show_beam(None);
        match beam.expose(expose.candidate) {
            Ok(()) => {}
            // Refused before it began.
            Err(error) if error.is_pixel_dose_limit() => {
                return Err(Failure::NotExposed(error.to_string()));
            }
            Err(error) if error.is_dose_limit() => {
                return Err(Failure::Refused(Ended::Dose(error.to_string())));
            }
            Err(error) if passes(&error) => return Err(Failure::Passing(error.to_string())),
            Err(error) => return Err(error.into()),
        }
        let key = key(state.begun().id, expose);
        let asked = Instant::now();
        let acquired = self.microscope.acquire(expose.dwell.duration(), &key);
        let answered = Instant::now();
        // The controller's dwell may be longer than the instrument's. After an acquisition that
        // failed there is nothing to wait for.
        let finished = match acquired {
            Ok(_) => beam.finish(),
            Err(_) => Ok(()),
        };
        self.blank_controller(beam);
        let acquired = acquired.map_err(|error| Self::failure(&error, true))?;
        match finished {
            Err(error) if passes(&error) => return Err(Failure::Passing(error.to_string())),
            // What the instrument acquired is of no beam.
            Err(error) if error.is_not_ready() => return Err(Failure::Point(error.to_string())),
            finished => finished?,
        }
        let exposure = Exposure {
            asked,
            answered,
            lasted: acquired.real_time.duration(),
        };
        let measured = Measured {
            candidate: expose.candidate.0,
            position: expose.position,
            electrons: state.electrons_in(acquired.real_time),
            acquired,
            true_pixel: self.microscope.true_pixel(),
        };
        Ok((measured, exposure))
    }

    /// Tries again until the instrument answers or `--patience` is over. The beam is blanked in
    /// between.
    fn recover(&mut self, why: &str, state: &State) -> Result<(), Ended> {
        let (since, mut pause) = self.failing.unwrap_or((Instant::now(), FIRST_PAUSE));
        let blanked = if self.blanked {
            "the beam is blanked"
        } else {
            "the beam COULD NOT BE BLANKED: look after it"
        };
        self.show("waiting for the instrument");
        let mut why = why.to_owned();
        loop {
            if since.elapsed().as_secs_f64() > self.config.patience {
                return Err(Ended::Instrument(why));
            }
            self.log(&format!(
                "{why}; {blanked}, trying again in {:.1} s",
                pause.as_secs_f64()
            ));
            self.wait(pause, state)?;
            pause = (2 * pause).min(LONGEST_PAUSE);
            match self.microscope.reconnect() {
                Ok(()) => break,
                Err(error) if error.is_passing() => why = error.to_string(),
                Err(error) => return Err(Ended::Instrument(error.to_string())),
            }
        }
        self.failing = Some((since, pause));
        Ok(())
    }

    fn idle(&mut self, wait: Wait, state: &State, beam: &mut dyn BeamPort) {
        let what = match wait {
            Wait::Approval(_) => self.asking(state),
            _ => "paused, with the beam blanked".to_owned(),
        };
        self.blank_both(beam);
        self.log(&what);
        while !self.is_interrupted() && !self.control.as_ref().is_some_and(Control::waits) {
            let limit = state.settings().time_limit;
            if limit.is_some_and(|limit| Seconds::from(self.elapsed()) >= limit) {
                return;
            }
            std::thread::sleep(SLICE);
        }
    }

    fn blank(&mut self, beam: &mut dyn BeamPort) {
        let was_blanked = self.blanked;
        let said = self.blank_both(beam);
        if was_blanked && !self.blanked {
            self.log(said);
        } else if !was_blanked && self.blanked {
            self.log("the beam is blanked now");
        }
    }

    fn show(&mut self, activity: &str) {
        if let Some(control) = &self.control {
            control.show(activity);
        }
    }

    fn shows_maps(&self) -> bool {
        true
    }

    fn shows_scores(&self) -> bool {
        self.view.wants_scores()
    }

    fn show_figures(
        &mut self,
        state: &State,
        series: &Series,
        surrogates: &[Posterior],
        plane: Option<Vec<[f32; 2]>>,
    ) {
        if let Some(control) = &self.control {
            control.show_coverage(series.coverage());
        }
        let record = self.journal.borrow().last();
        let moment = Moment::after(record, state);
        self.view.show(moment, series, surrogates, plane);
    }

    fn show_scores(&mut self, state: &State, scores: Vec<f32>) {
        self.view.show_scores(state.points().len(), scores);
    }

    fn log(&mut self, line: &str) {
        (self.log)(line);
    }

    fn spectrum(&self, point: &MeasuredPoint) -> Option<Vec<f64>> {
        self.spectrum(point.candidate)?.ok()
    }

    fn truth(&self, target: &Scalarizer) -> Option<Map> {
        let truth = || self.microscope.truth(target);
        target.is_learnt().then(truth).flatten()
    }

    fn show_truths(&mut self, truths: &[Option<&Map>]) {
        self.view.show_truths(truths);
    }

    fn target(&self, state: &State) -> (String, String) {
        let target = state.settings().target();
        let Channels { axis, units, .. } = &state.begun().channels;
        (target.to_string(), target.units(&axis.units, units))
    }

    fn targets(&self, state: &State) -> Vec<(String, String)> {
        let Channels { axis, units, .. } = &state.begun().channels;
        let sought = state.settings().sought();
        let named = sought.map(|target| (target.to_string(), target.units(&axis.units, units)));
        named.collect()
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.microscope.behaviours()
    }
}

/// The key of an exposure, by which an instrument whose answer was lost gives it again. It names campaign, point
/// and dwell alone: no bridge exposes for another dwell under a key that it has had.
fn key(id: u64, expose: &Expose) -> String {
    format!("{id:016x}/{}/{:e}", expose.candidate.0, expose.dwell.get())
}

/// All pixels that cannot be measured: those that the instrument names, and those where the overview
/// has no number.
fn absent(overview: &Map, mut named: Vec<Region>) -> Vec<Region> {
    let unknown = Region::covering(overview.height(), overview.width(), |row, column| {
        let pixel = Pixel { row, column };
        !overview.is_known(row, column) && !named.iter().any(|region| region.holds(pixel))
    });
    named.extend(unknown);
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::microscope::Position;
    use crate::units::Electrons;

    #[test]
    fn an_exposure_keeps_its_key_and_another_dwell_has_another() {
        let expose = |candidate, dwell, x| Expose {
            candidate: Candidate(candidate),
            pixel: Pixel { row: 1, column: 2 },
            position: Position { x, y: 0.5 },
            dwell: Seconds::new(dwell).unwrap(),
            electrons: Electrons::ZERO,
        };
        let first = key(7, &expose(3, 0.5, 0.25));
        assert_eq!(first, "0000000000000007/3/5e-1");
        // After a kill the sample may have drifted.
        assert_eq!(key(7, &expose(3, 0.5, 0.75)), first);
        for other in [
            key(7, &expose(3, 0.25, 0.25)),
            key(7, &expose(4, 0.5, 0.25)),
            key(8, &expose(3, 0.5, 0.25)),
        ] {
            assert_ne!(other, first);
        }
    }
}
