//! Drives a campaign: carries out the actions of its state, and reports the events.
//!
//! | file | what |
//! |---|---|
//! | `ask` | points that somebody else measures, asked for and told |
//! | `cautions` | what in the data spoils a campaign |
//! | `components` | components of the spectra measured so far, where they are sought |
//! | `world` | what lies outside a campaign: instrument, disk, clock and people |
//! | `fold` | taking a campaign up from its journal |
//! | `judge` | judging it, step by step |
//! | `outcome` | what it has come to |
//! | `zero_peak` | whether the target is mostly the peak at zero energy |

mod ask;
mod cautions;
mod components;
mod fold;
mod judge;
mod outcome;
mod world;
mod zero_peak;

use std::time::Instant;

use beacon_kernel::Candidate;

pub(crate) use ask::Views;
#[cfg(feature = "cli")]
pub(crate) use cautions::filled_edges;
pub(crate) use fold::Kept;
pub(crate) use judge::further_targets;
pub(crate) use world::{Failure, World};

pub(crate) use super::learner::Chosen;

use super::dead_time::Gaps;
use super::event::{Event, Exposing, Measured};
use super::growth::Growth;
use super::learner::{Learner, Use};
use super::state::{Action, Expose, Now, State, Wait};
use super::{CampaignError, Command, Ended, Monitor, Observer, Series, Times};
use crate::controller::{Controller, ControllerError};
use crate::data::Patches;
use crate::scalarizer::Scalarizer;
use zero_peak::ZeroPeak;

/// A campaign under way.
pub(crate) struct Drive<'a> {
    state: State,
    learner: Learner<'a>,
    monitor: Monitor,
    series: Series,
    growth: Growth,
    /// Steps that the monitor has judged, and whether it knows the seeds.
    judged: usize,
    knows_seeds: bool,
    /// When the step under way began, and where the time had gone by then.
    step: (Instant, Times),
    begun: Instant,
    gaps: Gaps,
    broken: Option<Ended>,
    zero_peak: ZeroPeak,
    /// Points at which components could not be learnt.
    unlearnt_at: Option<usize>,
}

impl<'a> Drive<'a> {
    /// Takes up a campaign whose first overview was taken, with the kernel's campaign still to
    /// begin.
    ///
    /// # Errors
    /// When the kernel refuses the image, or the spaces are of another one.
    pub(crate) fn new(
        state: State,
        patches: Patches,
        monitor: Monitor,
        controller: &'a mut dyn Controller,
        how: Use,
    ) -> Result<Self, CampaignError> {
        let learner = Learner::begin(controller, patches, &state, how)?;
        let mut drive = Self {
            step: (Instant::now(), learner.times),
            state,
            learner,
            monitor,
            series: Series::default(),
            growth: Growth::default(),
            judged: 0,
            knows_seeds: false,
            begun: Instant::now(),
            gaps: Gaps::default(),
            broken: None,
            zero_peak: ZeroPeak::default(),
            unlearnt_at: None,
        };
        if let Some(overview) = drive.state.overview() {
            let config = &drive.state.settings().campaign;
            for note in cautions::on_image(&overview.image, config) {
                drive.learner.warnings.note_first(&note);
            }
        }
        let absent = drive.state.overview().map_or(0, |overview| {
            let pixels = overview.absent.iter();
            pixels.map(|r| r.rows.len() * r.columns.len()).sum()
        });
        if absent > 0 {
            let note = match absent {
                1 => "1 pixel is masked or without data, and is not measured".to_owned(),
                _ => format!("{absent} pixels are masked or without data, and are not measured"),
            };
            drive.learner.warnings.note_first(&note);
        }
        if let Some(lost) = drive.state.lost_seeds() {
            drive.learner.warnings.note_first(&lost);
        }
        Ok(drive)
    }

    /// The state of the campaign.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Records an event, and applies it once it is on disk.
    ///
    /// # Errors
    /// When it cannot be kept, or the kernel refuses.
    pub(crate) fn record(
        &mut self,
        event: &Event,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<(), CampaignError> {
        let started = Instant::now();
        let recorded = world.record(event, self.learner.controller());
        self.learner.times.recording += started.elapsed();
        recorded.map_err(CampaignError::Ended)?;
        self.judge_before(event, observer)?;
        self.state.apply(event)?;
        let started = Instant::now();
        self.learner.follow(event, &self.state)?;
        self.learner.times.telling += started.elapsed();
        if let Some(caution) = self.caution(event) {
            world.log(&format!("warning: {caution}"));
        }
        self.restart_judgement(event, world);
        let mut surrogates = self.judge(observer)?;
        if surrogates.is_empty() && matches!(event, Event::Trained(_)) && world.shows_maps() {
            // Of the first model, and of one that learned anew, no step is judged yet.
            surrogates = self.posteriors();
        }
        if !surrogates.is_empty() {
            let plane = world.shows_maps().then(|| self.learner.plane()).flatten();
            world.show_figures(&self.state, &self.series, &surrogates, plane);
        }
        if matches!(event, Event::Trained(_)) {
            world.keep_learned(&|| self.kept());
        }
        Ok(())
    }

    /// Puts on record what a person should know before anything is measured.
    pub(crate) fn caution_first(&mut self, caution: &str) {
        self.learner.warnings.note_first(caution);
    }

    /// What an event tells of the target that a person should know, on record as a warning.
    fn caution(&mut self, event: &Event) -> Option<String> {
        if let Event::Measured(measured) = event {
            self.zero_peak.take(&measured.acquired.spectrum);
        }
        let caution = self.zero_peak.caution(&self.state)?;
        self.learner.warnings.note(&caution);
        Some(caution)
    }

    fn now(&self, world: &dyn World) -> Now {
        Now {
            elapsed: world.elapsed(),
            stalled: self.growth.stalled(),
            fullest: self.growth.fullest,
        }
    }

    fn next(&self, world: &dyn World) -> Action {
        self.state.next(&self.now(world))
    }

    /// The next action by the events alone, without a clock.
    fn decided(&self) -> Action {
        self.state.next(&Now::default())
    }

    /// Goes on until the campaign ends, and returns why. Once a point is measured, every error ends
    /// the campaign in order, so that its results are written.
    ///
    /// # Errors
    /// What keeps the campaign from measuring anything.
    pub(crate) fn run(
        &mut self,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<Ended, CampaignError> {
        let measured = |drive: &Self| !drive.state.points().is_empty();
        let ended = match self.go(world, observer) {
            Ok(ended) => ended,
            Err(CampaignError::Controller(ControllerError::BrokenOff))
                if world.is_stopped() && !world.is_interrupted() =>
            {
                Ended::Stopped
            }
            Err(error) => {
                let Some(ended) = reason(&error, measured(self)) else {
                    world.blank(self.learner.controller());
                    return Err(error);
                };
                ended
            }
        };
        world.blank(self.learner.controller());
        if ended == Ended::Stopped {
            // The journal records that the command was taken, so that it does not end the campaign
            // again after a resume.
            let _ = self.take_commands(world, observer);
        }
        if self.state.ended().is_none() {
            let event = Event::Ended(ended.clone());
            // Where it cannot be recorded, the caller still gets the reason.
            if world.record(&event, self.learner.controller()).is_ok() {
                self.state.apply(&event)?;
            }
        }
        world.show(&ended.to_string());
        Ok(ended)
    }

    fn go(
        &mut self,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<Ended, CampaignError> {
        loop {
            if world.is_interrupted() {
                return Ok(Ended::Interrupted);
            }
            // A point whose exposure was begun before a failure comes before any command.
            let begun = !self.state.is_paused()
                && self
                    .state
                    .next_point()
                    .is_some_and(|next| next.begun && !next.waits);
            if !begun || world.is_urgent() {
                self.take_commands(world, observer)?;
            }
            if let Some(ended) = self.broken.take() {
                return Ok(ended);
            }
            self.learn_components(world, observer)?;
            match self.next(world) {
                Action::End(ended) => return Ok(ended),
                Action::Wait(wait) => {
                    world.show(match wait {
                        Wait::Approval(_) => "waiting for approval",
                        _ => "paused",
                    });
                    let started = Instant::now();
                    world.idle(wait, &self.state, self.learner.controller());
                    self.learner.times.waiting += started.elapsed();
                }
                Action::Survey { electrons } => {
                    world.show("looking for drift");
                    self.record(&Event::Surveying { electrons }, world, observer)?;
                    let started = Instant::now();
                    let surveyed = world.survey(&self.state);
                    self.learner.times.overviews += started.elapsed();
                    match surveyed {
                        Ok(event) => self.record(&event, world, observer)?,
                        Err(failure) => self.fail(failure, None, world, observer)?,
                    }
                }
                Action::Propose { acquisition, train } => {
                    world.show("deciding");
                    let shows = world.shows_scores();
                    self.learner.controller().keep_scores(shows);
                    let (chosen, trained) = self.learner.propose(acquisition, train)?;
                    self.record(&Event::Proposed(chosen.proposed), world, observer)?;
                    if !chosen.foreseen.is_empty() {
                        self.record(&Event::Foreseen(chosen.foreseen), world, observer)?;
                    }
                    if let Some(scores) = self.learner.controller().take_scores() {
                        world.show_scores(&self.state, scores);
                    }
                    if let Some(trained) = trained {
                        self.record(&Event::Trained(trained), world, observer)?;
                    }
                }
                Action::LeaveOut { candidate, why } => {
                    let candidate = candidate.0;
                    self.record(&Event::LeftOut { candidate, why }, world, observer)?;
                }
                Action::Train { afresh } => {
                    world.show("training");
                    let trained = self.learner.train(afresh)?;
                    self.record(&Event::Trained(trained), world, observer)?;
                }
                Action::Expose(expose) => {
                    world.show("measuring");
                    let started = Instant::now();
                    let exposed = self.expose(&expose, world, observer);
                    self.learner.times.measuring += started.elapsed();
                    match exposed? {
                        Ok(measured) => {
                            let event = Event::Measured(Box::new(measured));
                            self.record(&event, world, observer)?;
                        }
                        Err(failure) => {
                            self.fail(failure, Some(expose.candidate), world, observer)?;
                        }
                    }
                }
            }
        }
    }

    fn expose(
        &mut self,
        expose: &Expose,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<Result<Measured, Failure>, CampaignError> {
        let proposed = self
            .state
            .next_point()
            .is_some_and(|n| n.proposed.is_some());
        if world.exposes_on_proposal() && !proposed {
            self.learner.expose(expose.candidate)?;
        }
        let started = Instant::now();
        let prepared = world.prepare(&self.state, expose, self.learner.controller());
        self.learner.times.moving += started.elapsed();
        if let Err(failure) = prepared {
            return Ok(Err(failure));
        }
        let event = Event::Exposing(Exposing {
            candidate: expose.candidate.0,
            position: expose.position,
            electrons: expose.electrons,
        });
        self.record(&event, world, observer)?;
        let started = Instant::now();
        let exposed = world.expose(&self.state, expose, self.learner.controller());
        let times = &mut self.learner.times;
        let (measured, exposure) = match exposed {
            Ok(exposed) => exposed,
            Err(failure) => {
                times.waiting += started.elapsed();
                return Ok(Err(failure));
            }
        };
        times.commanding += exposure.asked - started;
        times.instrument += exposure.longer();
        let times = *times;
        let clock = self.learner.controller().clock();
        self.gaps.exposed(&exposure, times, clock);
        self.learner.times.commanding += exposure.answered.elapsed();
        Ok(Ok(measured))
    }

    /// Records what a failure means for the campaign: one event or two.
    fn fail(
        &mut self,
        failure: Failure,
        point: Option<Candidate>,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<(), CampaignError> {
        let left_out = |why: String| {
            let candidate = point.unwrap_or(Candidate(0)).0;
            Event::LeftOut { candidate, why }
        };
        world.blank(self.learner.controller());
        match failure {
            Failure::End(ended) => Err(CampaignError::Ended(ended)),
            Failure::Controller(error) => Err(error.into()),
            Failure::NotExposed(why) => {
                let event = Event::NotExposed { why: why.clone() };
                self.record(&event, world, observer)?;
                self.record(&left_out(why), world, observer)
            }
            Failure::Refused(ended) => {
                let why = ended.to_string();
                self.record(&Event::NotExposed { why }, world, observer)?;
                Err(CampaignError::Ended(ended))
            }
            Failure::Point(why) => self.record(&left_out(why), world, observer),
            Failure::Passing(why) => {
                self.record(&Event::Failed { why: why.clone() }, world, observer)?;
                let started = Instant::now();
                let recovered = world.recover(&why, &self.state);
                self.learner.times.waiting += started.elapsed();
                recovered.map_err(CampaignError::Ended)
            }
            Failure::Final(why) => {
                self.record(&Event::Failed { why: why.clone() }, world, observer)?;
                Err(CampaignError::Ended(Ended::Instrument(why)))
            }
            Failure::Aborted(why) => {
                world.log(&why);
                self.record(&Event::GivenUp { why }, world, observer)?;
                Err(CampaignError::Ended(if world.is_stopped() {
                    Ended::Stopped
                } else {
                    Ended::Interrupted
                }))
            }
        }
    }

    /// Takes every command that waits.
    fn take_commands(
        &mut self,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<(), CampaignError> {
        while let Some(mut given) = world.command() {
            if let Some(least) = self.state.overtaken(&given.command) {
                let words = |command: &Command| command.words(self.state.candidates());
                world.log(&format!(
                    "`{}` is `{}`: a point was exposed before it was taken",
                    words(&given.command),
                    words(&least)
                ));
                given.command = least;
            }
            if let Some(why) = self.state.objection(&given.command) {
                world.log(&format!("not done: {why}"));
                self.record(&Event::Refused { given, why }, world, observer)?;
                continue;
            }
            for reduced in self.reductions(&given.command, world) {
                self.record(&reduced, world, observer)?;
            }
            let words = given.command.words(self.state.candidates());
            let by = match given.by.as_str() {
                "" => String::new(),
                by => format!(" ({by})"),
            };
            let lost = self.state.lost_seeds();
            self.record(&Event::Commanded(given), world, observer)?;
            world.log(&format!("{words}{by}"));
            if let Some(now) = self
                .state
                .lost_seeds()
                .filter(|now| Some(now) != lost.as_ref())
            {
                world.log(&format!("warning: {now}"));
                self.learner.warnings.note(&now);
            }
        }
        Ok(())
    }

    /// The responses of all points so far by each target that is new.
    fn reductions(&self, command: &Command, world: &dyn World) -> Vec<Event> {
        let sought = command.sought().iter();
        let reductions = sought.filter_map(|text| {
            let scalarizer: Scalarizer = text.parse().ok()?;
            let known = self.state.settings().scalarizers.contains(&scalarizer);
            (!known && !self.state.points().is_empty()).then(|| Event::Reduced {
                responses: self.reduced(&scalarizer, world),
                scalarizer: scalarizer.to_string(),
            })
        });
        reductions.collect()
    }

    /// The response of every point so far by a scalarizer, NaN where it gives none.
    fn reduced(&self, scalarizer: &Scalarizer, world: &dyn World) -> Vec<f64> {
        let channels = &self.state.begun().channels;
        let response = |point| {
            let spectrum = world.spectrum(point)?;
            let reduced = scalarizer.reduce(&spectrum, &channels.coordinates, &channels.axis);
            reduced.ok()
        };
        let points = self.state.points().iter();
        points
            .map(|point| response(point).unwrap_or(f64::NAN))
            .collect()
    }

    /// Sets how many responses of a place the kernel holds: no more targets are accepted from here on.
    pub(crate) fn set_most_targets(&mut self, most: usize) {
        self.state.set_most_targets(most);
    }

    /// Sets how many measurements the kernel has room for: no larger budget is accepted from here on.
    /// Budgets in the journal were accepted when there was room for them.
    pub(crate) fn set_room(&mut self, room: usize) {
        self.state.set_room(room);
    }

    /// The controller.
    pub(crate) fn controller(&mut self) -> &mut dyn Controller {
        self.learner.controller()
    }
}

/// How an error ends a campaign in order; `None` for an error that the caller gets as it is.
/// `measured` says whether a point was measured.
fn reason(error: &CampaignError, measured: bool) -> Option<Ended> {
    match error {
        CampaignError::Ended(ended) => Some(ended.clone()),
        CampaignError::Controller(ControllerError::BrokenOff) => Some(Ended::Interrupted),
        CampaignError::Controller(error) if error.is_dose_limit() => {
            Some(Ended::Dose(error.to_string()))
        }
        CampaignError::Controller(error) if error.is_exhausted() => Some(Ended::Exhausted),
        error => measured.then(|| Ended::Controller(error.to_string())),
    }
}
