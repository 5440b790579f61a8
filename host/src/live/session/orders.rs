//! What somebody wants otherwise, from the control socket or the journal, and what ends a
//! campaign before its budget.

use std::sync::atomic::Ordering;
use std::time::Duration;

use beacon_kernel::{Candidate, Pixel};

use super::Session;
use super::expose::ended;
use crate::controller::BeamPort;
use crate::experiment::{Ended, ExperimentError, Order};
use crate::live::control::Control;
use crate::live::event::Command;
use crate::live::event::Event;
use crate::scalarizer::Scalarizer;

impl Session<'_> {
    pub(super) fn next_order(
        &mut self,
        beam: &mut dyn BeamPort,
    ) -> Result<Option<Order>, ExperimentError> {
        if self.is_interrupted() {
            return Err(ended(Ended::Interrupted));
        }
        loop {
            let command = match self.reordered() {
                Some(command) => command,
                None if !self.past.is_empty() => return Ok(None),
                None => match self.asked(beam)? {
                    Some(command) => command,
                    None => return Ok(None),
                },
            };
            self.commands.push((self.points.all.len(), command.clone()));
            if let Some(order) = self.order_for(&command)? {
                return Ok(Some(order));
            }
        }
    }

    /// Waits while the campaign is paused.
    ///
    /// # Errors
    /// Why the campaign ends here, if it does.
    pub(super) fn hold(&mut self, beam: &mut dyn BeamPort) -> Result<(), ExperimentError> {
        let mut paused = false;
        loop {
            if self.is_interrupted() {
                return Err(ended(Ended::Interrupted));
            }
            let limit = self.config.time_limit.unwrap_or(f64::INFINITY);
            if self.elapsed().as_secs_f64() >= limit {
                return Err(ended(Ended::Time));
            }
            let (stop, pause) = self.control.as_ref().map_or((false, false), |control| {
                (control.stopped(), control.paused())
            });
            if stop {
                return Err(ended(Ended::Stopped));
            }
            if !pause {
                return Ok(());
            }
            if !std::mem::replace(&mut paused, true) {
                let _ = self.blank(beam);
                self.publish("paused");
                self.say("paused, with the beam blanked");
            }
            self.wait(Duration::from_millis(100))?;
        }
    }

    /// What the control socket asks for. What was asked for before a stop is taken before the end.
    fn asked(&mut self, beam: &mut dyn BeamPort) -> Result<Option<Command>, ExperimentError> {
        let held = self.hold(beam);
        if !matches!(held, Ok(()) | Err(ExperimentError::Ended(Ended::Stopped))) {
            return held.map(|()| None);
        }
        while let Some(command) = self.control.as_ref().and_then(Control::next) {
            if let Some(why) = self.objection(&command) {
                self.say(&format!("not done: {why}"));
                self.write(beam, Event::Refused { command, why })?;
                continue;
            }
            self.write(beam, Event::Commanded(command.clone()))?;
            return Ok(Some(command));
        }
        held.map(|()| None)
    }

    /// Whether nothing is to be exposed at a pixel any more, what was asked for and not taken yet
    /// included.
    pub(super) fn is_excluded(&self, pixel: Pixel) -> bool {
        let asked = |control: &Control| control.excludes(pixel);
        self.closed.is_excluded(pixel) || self.control.as_ref().is_some_and(asked)
    }

    /// Why something cannot be done now that could be asked for.
    fn objection(&self, command: &Command) -> Option<String> {
        let Command::Measure(candidate) = command else {
            return None;
        };
        let candidate = Candidate(*candidate);
        let pixel = self.candidates.pixel(candidate).ok()?;
        self.closed.objection(candidate, pixel)
    }

    /// A command as the campaign takes it.
    fn order_for(&mut self, command: &Command) -> Result<Option<Order>, ExperimentError> {
        match command {
            Command::Strategy(name) => {
                let mut campaign = self.config.campaign.clone();
                campaign.strategy.clone_from(name);
                let Some(acquisition) = campaign.acquisition() else {
                    return Ok(None);
                };
                self.acquisition = acquisition;
                Ok(Some(Order::Strategy(acquisition)))
            }
            Command::Target(text) => {
                let target: Scalarizer = text.parse()?;
                let journal = &self.journal;
                let responses = self.points.retarget(&target, |point| {
                    let spectrum = journal.borrow_mut().spectrum(point.place);
                    spectrum.map_err(ExperimentError::from)
                })?;
                self.truth = self.microscope.truth(&target);
                self.retargets.fetch_add(1, Ordering::Relaxed);
                // The controller starts over, and with it its account of the dose.
                self.unset = true;
                Ok(Some(Order::Responses(responses)))
            }
            Command::Exclude(region) => {
                self.closed.exclude(region.clone());
                Ok(Some(Order::Exclude(region.clone())))
            }
            Command::Measure(candidate) => Ok(Some(Order::Measure(Candidate(*candidate)))),
        }
    }
}
