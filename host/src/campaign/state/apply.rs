//! What events change.

use std::sync::Arc;

use beacon_kernel::{Candidate, LARGEST_RESPONSE};

use super::{Author, MeasuredPoint, NextPoint, Seeding, Standing, State};
use crate::campaign::dose::pixel_area;
use crate::campaign::{
    ALGORITHM, Components, Ended, Event, Foreseen, Measured, Overview, Proposed, Surveyed,
};
use crate::components::Weighting;
use crate::scalarizer::Scalarizer;
use crate::units::Electrons;

/// An event that does not fit the campaign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event `{event}` does not fit the campaign: {why}")]
pub struct Contradiction {
    /// The event.
    pub event: &'static str,
    /// Why not.
    pub why: String,
}

impl State {
    /// Takes an event into account.
    ///
    /// # Errors
    /// When the event does not fit what happened before; the state is then as it was.
    pub fn apply(&mut self, event: &Event) -> Result<(), Contradiction> {
        match event {
            Event::Begun(_) => return Err(contradiction("Begun", "it has begun before")),
            Event::Resumed(resumed) => {
                self.settings
                    .resume(&resumed.settings)
                    .map_err(|why| contradiction("Resumed", why))?;
                self.real_to_live = resumed.real_to_live;
                self.drift.overdue = matches!(self.ended, Some(Ended::Drift(_)));
                (self.paused, self.stopped, self.ended) = (false, false, None);
                self.drift.uncertain = 0;
                self.unusable_in_row = 0;
                self.give_up_exposure();
            }
            Event::Surveying { electrons } => {
                self.check_beam("Surveying", *electrons)?;
                self.ledger.spend_on_overview(*electrons);
            }
            Event::Overview(overview) => self.take_overview(overview)?,
            Event::Surveyed(surveyed) => self.take_survey(*surveyed),
            Event::Proposed(proposed) => self.take_proposal(*proposed)?,
            Event::Exposing(exposing) => {
                let candidate = Candidate(exposing.candidate);
                let Some(next) = self.next.filter(|next| next.candidate == candidate) else {
                    let chosen = self.next.map(|next| next.candidate.0);
                    let chosen = chosen.map_or("none".to_owned(), |n| n.to_string());
                    let why = format!("candidate {}, where {chosen} is next", candidate.0);
                    return Err(contradiction("Exposing", why));
                };
                self.check_beam("Exposing", exposing.electrons)?;
                self.next = None;
                self.stand(candidate, Standing::Exposing);
                self.ledger.announce(candidate, exposing.electrons);
                self.exposing = Some((next, exposing.electrons));
            }
            Event::NotExposed { .. } => {
                if let Some((point, announced)) = self.exposing {
                    self.ledger
                        .correct(point.candidate, announced, Electrons::ZERO);
                    self.give_up_exposure();
                    self.unusable_in_row += 1;
                }
            }
            Event::Measured(measured) => self.take_measurement(measured)?,
            Event::LeftOut { candidate, why } => {
                let candidate = self.existing("LeftOut", *candidate)?;
                match self.standing(candidate) {
                    Standing::Measured | Standing::Discarded => {
                        let why = format!("candidate {} was measured", candidate.0);
                        return Err(contradiction("LeftOut", why));
                    }
                    _ => {}
                }
                // A point that was not tried says nothing of the instrument.
                self.unusable_in_row += usize::from(self.exposing.is_some());
                self.give_up_exposure();
                self.release_next(candidate);
                self.stand(candidate, Standing::LeftOut);
                self.unusable.push((candidate, why.clone()));
            }
            Event::Failed { why } => {
                self.failures.push(why.clone());
                self.give_up_exposure();
            }
            Event::GivenUp { .. } => self.give_up_exposure(),
            Event::Foreseen(foreseen) => {
                if let Some(next) = self.next.filter(|next| next.proposed.is_some()) {
                    self.foreseen = Some((next.candidate, foreseen.clone()));
                }
            }
            Event::Components(components) => self.take_components(components)?,
            Event::Trained(_) => self.train_due = false,
            Event::Commanded(given) => {
                if let Some(why) = self.contradiction_of(&given.command) {
                    return Err(contradiction("Commanded", why));
                }
                self.carry_out(&given.command);
                self.commands.push((self.points.len(), given.clone()));
            }
            Event::Refused { .. } => self.refused += 1,
            Event::Reduced {
                scalarizer,
                responses,
            } => self.take_reduction(scalarizer, responses)?,
            Event::Ended(why) => {
                self.give_up_exposure();
                self.ended = Some(why.clone());
            }
        }
        self.choose();
        Ok(())
    }

    /// Checks that the beam may be on now for so many electrons.
    fn check_beam(&self, event: &'static str, electrons: Electrons) -> Result<(), Contradiction> {
        // Journals of older programs are only read, and those counted the dose otherwise.
        if self.begun.algorithm != ALGORITHM {
            return Ok(());
        }
        let why = if let Some(ended) = &self.ended {
            format!("the campaign has ended: {ended}")
        } else if self.stopped {
            "a person has stopped the campaign".to_owned()
        } else if self.paused {
            "a person has paused the campaign".to_owned()
        } else if let Some((point, _)) = self.exposing {
            format!("candidate {} is under the beam", point.candidate.0)
        } else if let Some(next) = self.next.filter(|next| next.waits) {
            format!(
                "the proposal of candidate {} waits for approval",
                next.candidate.0
            )
        } else if let Err(error) = self.ledger.admit_in_all(electrons, self.settings.limits) {
            error.to_string()
        } else {
            return Ok(());
        };
        Err(contradiction(event, why))
    }

    fn take_overview(&mut self, overview: &Overview) -> Result<(), Contradiction> {
        if self.overview.is_some() {
            return Err(contradiction("Overview", "there is one already"));
        }
        let image = &overview.image;
        let campaign = &self.settings.campaign;
        let candidates = (campaign.candidates(image.height(), image.width()))
            .map_err(|error| contradiction("Overview", error.to_string()))?;
        let area = pixel_area(&image.rows, &image.columns);
        self.ledger.set_area(area, image.values.len());
        self.standings = vec![Standing::Free; candidates.count()];
        self.free = candidates.count();
        self.candidates = Some(candidates);
        self.overview = Some(Arc::new(overview.clone()));
        for region in &overview.absent {
            self.restand(region, |standing| {
                (standing == Standing::Free).then_some(Standing::LeftOut)
            });
        }
        Ok(())
    }

    fn take_survey(&mut self, surveyed: Surveyed) {
        self.drift.surveyed = self.points.len();
        self.drift.overdue = false;
        match surveyed.shift {
            Some(shift) => (self.drift.shift, self.drift.uncertain) = (shift, 0),
            None => self.drift.uncertain += 1,
        }
    }

    fn take_proposal(&mut self, proposed: Proposed) -> Result<(), Contradiction> {
        let candidate = self.existing("Proposed", proposed.candidate)?;
        let standing = self.standing(candidate);
        if standing != Standing::Free || self.next.is_some() || self.exposing.is_some() {
            let why = match (standing, self.next, self.exposing) {
                (Standing::Free, Some(next), _) => {
                    format!("candidate {} is next", next.candidate.0)
                }
                (Standing::Free, _, Some((point, _))) => {
                    format!("candidate {} is under the beam", point.candidate.0)
                }
                _ => format!("candidate {} is {standing:?}", candidate.0),
            };
            return Err(contradiction("Proposed", why));
        }
        self.foreseen = None;
        let author = match self.seeding {
            Seeding::Done => Author::Strategy,
            _ => Author::Chance,
        };
        self.set_next(NextPoint {
            candidate,
            author,
            proposed: Some(proposed),
            waits: self.settings.approval,
            begun: false,
        });
        // Training beside the proposal is over with `Trained`, which follows.
        let due = self
            .settings
            .campaign
            .retrain_every
            .is_due(self.steps() + 1);
        self.train_due |= due && self.seeding == Seeding::Done && self.trains_beside();
        Ok(())
    }

    fn take_measurement(&mut self, measured: &Measured) -> Result<(), Contradiction> {
        let candidate = Candidate(measured.candidate);
        let Some((point, announced)) = self
            .exposing
            .filter(|(point, _)| point.candidate == candidate)
        else {
            let why = match self.exposing {
                Some((point, _)) => format!(
                    "the journal has candidate {} where candidate {} was exposed",
                    candidate.0, point.candidate.0
                ),
                None => format!("candidate {} was not exposed", candidate.0),
            };
            return Err(contradiction("Measured", why));
        };
        let pixel = self.pixel(candidate);
        self.exposing = None;
        self.ledger
            .correct(candidate, announced, measured.electrons);
        let responses = self.reduce(&measured.acquired.spectrum);
        let responses = match responses {
            Ok(responses) => responses,
            Err(why) => {
                self.stand(candidate, Standing::LeftOut);
                self.unusable.push((candidate, why));
                self.unusable_in_row += 1;
                return Ok(());
            }
        };
        self.stand(candidate, Standing::Measured);
        self.unusable_in_row = 0;
        let foreseen = self.foreseen_at(candidate);
        self.points.push(MeasuredPoint {
            candidate,
            pixel,
            position: measured.position,
            true_pixel: measured.true_pixel,
            live_time: measured.acquired.live_time,
            real_time: measured.acquired.real_time,
            electrons: measured.electrons,
            responses,
            author: point.author,
            proposed: point.proposed,
            foreseen,
            revision: self.revision,
            discarded: false,
        });
        if let Seeding::Random(count) = self.seeding
            && self.points.len() >= count
        {
            self.finish_seeding();
        } else if self.seeding == Seeding::Done {
            let due = self.settings.campaign.retrain_every.is_due(self.steps());
            self.train_due |= due && !self.trains_beside();
        }
        Ok(())
    }

    /// What was expected of each further response at a candidate, where it was proposed last.
    fn foreseen_at(&mut self, candidate: Candidate) -> Vec<Foreseen> {
        let foreseen = self.foreseen.take();
        let of_it = foreseen.filter(|(proposed, _)| *proposed == candidate);
        of_it.map_or_else(Vec::new, |(_, foreseen)| foreseen)
    }

    /// A number from each scalarizer, or why the spectrum cannot be used.
    fn reduce(&self, spectrum: &[f64]) -> Result<Vec<f64>, String> {
        let channels = &self.begun.channels;
        let (found, expected) = (spectrum.len(), channels.coordinates.len());
        if found != expected {
            return Err(format!(
                "its spectrum has {found} channels; expected {expected}, as the axis has"
            ));
        }
        let mut responses = Vec::with_capacity(self.settings.scalarizers.len());
        for (index, scalarizer) in self.settings.scalarizers.iter().enumerate() {
            let response = scalarizer.reduce(spectrum, &channels.coordinates, &channels.axis);
            let sought = self.settings.targets.contains(&index);
            // Of several it has to be said which one.
            let of_it = |why: String| match self.settings.targets.len() {
                1 => why,
                _ => format!("`{scalarizer}`: {why}"),
            };
            match response {
                // A component is no number before it is learnt, which takes spectra of numbers alone.
                Ok(response) if !scalarizer.is_learnt() => {
                    let odd = spectrum.iter().position(|value| !value.is_finite());
                    if let Some(channel) = odd.filter(|_| sought) {
                        let value = spectrum[channel];
                        return Err(of_it(format!(
                            "channel {channel} of its spectrum is {value}; expected a finite number"
                        )));
                    }
                    responses.push(response);
                }
                Ok(response) if sought => {
                    responses.push(check_response(response).map_err(of_it)?);
                }
                Ok(response) => responses.push(response),
                Err(error) if sought => return Err(of_it(error.to_string())),
                Err(_) => responses.push(f64::NAN),
            }
        }
        Ok(responses)
    }

    /// Takes what the components are from here on, and were of every point.
    fn take_components(&mut self, learnt: &Components) -> Result<(), Contradiction> {
        let Components {
            change,
            weights,
            responses,
        } = learnt;
        let (count, points) = (change.target.count(), self.points.len());
        let channels = self.begun.channels.coordinates.len();
        let fits = |rows: &[Vec<f64>], expected: (usize, usize)| {
            rows.len() == expected.0 && rows.iter().all(|row| row.len() == expected.1)
        };
        if !fits(weights, (count, channels)) || !fits(responses, (points, count)) {
            let why = format!(
                "it does not hold {count} components of {channels} channels and of {points} points"
            );
            return Err(contradiction("Components", why));
        }
        for (index, scalarizer) in self.settings.scalarizers.iter_mut().enumerate() {
            let Scalarizer::Component(component) = scalarizer else {
                continue;
            };
            if component.of() != change.target {
                continue;
            }
            let place = component.number() - 1;
            *component = component.learnt(&weights[place], change.weighting == Weighting::Counting);
            for (point, components) in self.points.iter_mut().zip(responses) {
                if let Some(response) = point.responses.get_mut(index) {
                    *response = components[place];
                }
            }
        }
        let sought = self.settings.components() == Some(change.target);
        self.basis = Some((change.clone(), self.counted().count()));
        if sought {
            // What was predicted before was predicted of other numbers.
            self.revision += 1;
            self.start_model_over();
        }
        Ok(())
    }

    fn take_reduction(&mut self, text: &str, responses: &[f64]) -> Result<(), Contradiction> {
        let scalarizer: Scalarizer = text
            .parse()
            .map_err(|error| contradiction("Reduced", format!("{error}")))?;
        if responses.len() != self.points.len() {
            let why = format!(
                "{} responses of {} points",
                responses.len(),
                self.points.len()
            );
            return Err(contradiction("Reduced", why));
        }
        if !self.settings.scalarizers.contains(&scalarizer) {
            self.settings.scalarizers.push(scalarizer);
            for (point, response) in self.points.iter_mut().zip(responses) {
                point.responses.push(*response);
            }
        }
        Ok(())
    }
}

/// A response that the kernel can take.
///
/// # Errors
/// Why it cannot.
pub fn check_response(response: f64) -> Result<f64, String> {
    let most = f64::from(LARGEST_RESPONSE) / 2.0;
    if !response.is_finite() {
        return Err(format!(
            "its response is {response}; expected a finite number"
        ));
    }
    if response.abs() > most {
        return Err(format!(
            "its response is {response:e}; expected at most {most:e} either way: choose larger \
             units"
        ));
    }
    Ok(response)
}

pub(super) fn contradiction(event: &'static str, why: impl Into<String>) -> Contradiction {
    Contradiction {
        event,
        why: why.into(),
    }
}
