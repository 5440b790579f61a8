//! Drives a campaign: carries out what its state says is to be done, and tells it what happened.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use beacon_kernel::{Candidate, Prediction, Proposal};
use serde::{Deserialize, Serialize};

use super::event::{Event, Exposing, Given, Measured, Record};
use super::growth::Growth;
use super::learner::{Learned, Learner, Use};
use super::published::publish;
use super::state::{Action, Contradiction, Expose, MeasuredPoint, Now, State, Wait};
use super::{
    CampaignError, Command, Discovery, Ended, Expectation, Measurement, Monitor, Observer, Outcome,
    Series, Times, memory,
};
use crate::controller::{BeamPort, Controller, ControllerError};
use crate::data::{Behaviour, Map, Patches};
use crate::metrics::Groups;
use crate::scalarizer::Scalarizer;

/// Why something was not done on the instrument.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The instrument failed. Trying again may help.
    Passing(String),
    /// The instrument failed for good.
    Final(String),
    /// A person had the exposure given up.
    Aborted(String),
    /// The exposure did not begin, and this point is left out.
    NotExposed(String),
    /// The exposure did not begin, and the campaign ends.
    Refused(Ended),
    /// This point gave nothing that can be used.
    Point(String),
    /// The controller refused or was lost.
    Controller(ControllerError),
    /// The campaign ends.
    End(Ended),
}

impl From<ControllerError> for Failure {
    fn from(error: ControllerError) -> Self {
        Self::Controller(error)
    }
}

/// What lies outside a campaign: the instrument, the disk, the clock and people.
pub(crate) trait World {
    /// How long the campaign has been running.
    fn elapsed(&self) -> Duration;

    /// Whether the campaign is to end as soon as the beam is blanked.
    fn is_interrupted(&self) -> bool;

    /// The next command that somebody gave.
    fn command(&mut self) -> Option<Given> {
        None
    }

    /// Whether a command waits that concerns the point under the beam: a pause, a stop, or an
    /// exclusion.
    fn is_urgent(&self) -> bool {
        false
    }

    /// Keeps an event before anything follows from it.
    ///
    /// # Errors
    /// Why it could not be kept.
    fn record(&mut self, _event: &Event, _beam: &mut dyn BeamPort) -> Result<(), Ended> {
        Ok(())
    }

    /// Keeps what was learned, where that is worth it; never anything that cannot be lost.
    fn keep_learned(&mut self, _kept: &dyn Fn() -> Kept) {}

    /// Takes an overview: the first, or one that is compared with it.
    ///
    /// # Errors
    /// Why there is none.
    fn survey(&mut self, state: &State) -> Result<Event, Failure>;

    /// Makes ready for an exposure, with the beam blanked.
    ///
    /// # Errors
    /// Why it cannot be made.
    fn prepare(
        &mut self,
        state: &State,
        expose: &Expose,
        beam: &mut dyn BeamPort,
    ) -> Result<(), Failure>;

    /// Exposes a point and acquires.
    ///
    /// # Errors
    /// Why nothing was acquired.
    fn expose(
        &mut self,
        state: &State,
        expose: &Expose,
        beam: &mut dyn BeamPort,
    ) -> Result<Measured, Failure>;

    /// Waits until an instrument that failed is there again.
    ///
    /// # Errors
    /// Why the campaign ends.
    fn recover(&mut self, why: &str, state: &State) -> Result<(), Ended> {
        let _ = state;
        Err(Ended::Instrument(why.to_owned()))
    }

    /// Lets some time pass, with the beam blanked.
    fn idle(&mut self, _wait: Wait, _beam: &mut dyn BeamPort) {}

    /// Blanks every beam.
    fn blank(&mut self, _beam: &mut dyn BeamPort) {}

    /// Shows what the campaign does.
    fn show(&mut self, _activity: &str) {}

    /// Says what somebody should know at once.
    fn say(&mut self, _what: &str) {}

    /// The response of every point so far by another scalarizer, NaN where it gives none.
    fn reduce(&mut self, state: &State, scalarizer: &Scalarizer) -> Vec<f64>;

    /// The true response at every pixel, where it is known: for judging a campaign, never for
    /// steering one.
    fn truth(&self, target: &Scalarizer) -> Option<Map>;

    /// What the target is and its units.
    fn target(&self, state: &State) -> (String, String);

    /// What there is to discover, where it is known: for judging a campaign, never for steering one.
    fn behaviours(&self) -> &[Behaviour];

    /// Whether the controller moves its beam as soon as a point is chosen.
    fn exposes_on_proposal(&self) -> bool {
        false
    }
}

/// What spares a campaign that is taken up again its trainings.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    learned: Learned,
    /// The figures so far, as JSON: figures that could not be computed survive that.
    series: String,
    growth: Growth,
}

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
    broken: Option<Ended>,
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
            broken: None,
        };
        let absent = drive.state.overview().map_or(0, |overview| {
            let pixels = overview.absent.iter();
            pixels.map(|r| r.rows.len() * r.columns.len()).sum()
        });
        if absent > 0 {
            let note = format!("no data at {absent} pixels in all, which are no candidates");
            drive.learner.warnings.note_first(&note);
        }
        Ok(drive)
    }

    /// The state of the campaign.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Takes in an event that the journal holds: what it led to is worked out anew.
    ///
    /// # Errors
    /// When it does not fit what came before, or the kernel refuses.
    pub(crate) fn fold(&mut self, record: &Record, world: &dyn World) -> Result<(), CampaignError> {
        let before = self.learner.times;
        let event = &record.event;
        let afresh = matches!(self.decided(), Action::Train { afresh: true });
        self.state.apply(event)?;
        if let Event::Trained(trained) = event {
            let again = self.learner.train(afresh)?;
            if again.checksum != trained.checksum {
                self.learner.warnings.note(
                    "training gave other weights than it gave before: another program or machine",
                );
            }
        } else {
            self.learner.follow(event, &self.state)?;
        }
        self.learner.times = before;
        self.learner.times.count(event);
        self.restart_judgement(event, world);
        self.judge(&mut ())
    }

    /// Goes on from what was learned by the end of these events, without training anew.
    ///
    /// # Errors
    /// When an event does not fit what came before, or the kernel refuses.
    pub(crate) fn fold_learned(
        &mut self,
        records: &[Record],
        kept: Kept,
        world: &dyn World,
    ) -> Result<(), CampaignError> {
        for record in records {
            self.state.apply(&record.event)?;
            self.learner.times.count(&record.event);
        }
        self.learner.restore(&self.state, kept.learned)?;
        // A series that cannot be read begins with the next step.
        self.series = serde_json::from_str(&kept.series).unwrap_or_default();
        self.judged = self.series.seconds.len();
        self.growth = kept.growth;
        self.restart_monitor(world);
        self.step = (Instant::now(), self.learner.times);
        Ok(())
    }

    /// What follows from a journal that does not say what the kernel proposed and when it was
    /// trained, up to this event: events that are missing before it.
    ///
    /// # Errors
    /// When the kernel decides otherwise now.
    pub(crate) fn derive(
        &mut self,
        event: &Event,
        world: &mut dyn World,
    ) -> Result<Vec<Event>, CampaignError> {
        let mut missing = Vec::new();
        if let Event::Commanded(given) = event
            && let Some(reduced) = self.reduction(&given.command, world)
        {
            self.state.apply(&reduced)?;
            missing.push(reduced);
        }
        loop {
            let candidate = match event {
                Event::Exposing(exposing) => Some(exposing.candidate),
                Event::LeftOut { candidate, .. } => Some(*candidate),
                _ => None,
            };
            match (self.decided(), candidate) {
                (Action::Train { afresh }, _) => {
                    let trained = Event::Trained(self.learner.train(afresh)?);
                    self.state.apply(&trained)?;
                    missing.push(trained);
                    self.judge(&mut ())?;
                }
                (Action::Propose { acquisition, train }, Some(candidate)) => {
                    let (proposed, trained) = self.learner.propose(acquisition, train)?;
                    if proposed.candidate != candidate {
                        return Err(Contradiction {
                            event: "Exposing",
                            why: format!(
                                "the journal has candidate {candidate} where candidate {} is \
                                 chosen now, after {} points: the program or the machine decides \
                                 otherwise than the one that began it",
                                proposed.candidate,
                                self.state.points().len()
                            ),
                        }
                        .into());
                    }
                    for event in [Some(Event::Proposed(proposed)), trained.map(Event::Trained)] {
                        let Some(event) = event else { continue };
                        self.state.apply(&event)?;
                        missing.push(event);
                    }
                }
                _ => return Ok(missing),
            }
        }
    }

    /// Whether the campaign goes on when it is resumed so, its journal having been read.
    pub(crate) fn goes_on_after(&self, resumed: &Event, world: &dyn World) -> bool {
        self.state.goes_on_after(resumed, &self.now(world))
    }

    /// Tells the campaign what happened, once that is kept.
    ///
    /// # Errors
    /// When it cannot be kept, or the kernel refuses.
    pub(crate) fn record(
        &mut self,
        event: &Event,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<(), CampaignError> {
        world
            .record(event, self.learner.controller())
            .map_err(CampaignError::Ended)?;
        self.state.apply(event)?;
        self.learner.follow(event, &self.state)?;
        self.restart_judgement(event, world);
        self.judge(observer)?;
        if matches!(event, Event::Trained(_)) {
            let (learner, series, growth) = (&self.learner, &self.series, self.growth);
            world.keep_learned(&|| Kept {
                learned: learner.learned(),
                series: serde_json::to_string(series).unwrap_or_default(),
                growth,
            });
        }
        Ok(())
    }

    fn now(&self, world: &dyn World) -> Now {
        Now {
            elapsed: world.elapsed().as_secs_f64(),
            stalled: self.growth.stalled(),
            fullest: self.growth.fullest,
        }
    }

    fn next(&self, world: &dyn World) -> Action {
        self.state.next(&self.now(world))
    }

    /// What is done next by the journal alone: no clock ends what it goes on with.
    fn decided(&self) -> Action {
        self.state.next(&Now::default())
    }

    /// Goes on until the campaign ends; why it did. What was measured is worth more than an error:
    /// once there is something, every error is an end.
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
            // The journal says that the command was taken, so that it ends no later life.
            let _ = self.take_commands(world, observer);
        }
        if self.state.ended().is_none() {
            let event = Event::Ended(ended.clone());
            // What could not be written is told by the reason of the end.
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
            // A point whose exposure was begun comes first, as it would have, had nothing gone wrong.
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
            match self.next(world) {
                Action::End(ended) => return Ok(ended),
                Action::Wait(wait) => {
                    world.show(match wait {
                        Wait::Approval(_) => "waiting for approval",
                        _ => "paused",
                    });
                    world.idle(wait, self.learner.controller());
                }
                Action::Survey { electrons } => {
                    world.show("looking for drift");
                    self.record(&Event::Surveying { electrons }, world, observer)?;
                    match world.survey(&self.state) {
                        Ok(event) => self.record(&event, world, observer)?,
                        Err(failure) => self.fail(failure, None, world, observer)?,
                    }
                }
                Action::Propose { acquisition, train } => {
                    world.show("deciding");
                    let (proposed, trained) = self.learner.propose(acquisition, train)?;
                    self.record(&Event::Proposed(proposed), world, observer)?;
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
        let prepared = world.prepare(&self.state, expose, self.learner.controller());
        if let Err(failure) = prepared {
            return Ok(Err(failure));
        }
        let event = Event::Exposing(Exposing {
            candidate: expose.candidate.0,
            position: expose.position,
            electrons: expose.electrons,
        });
        self.record(&event, world, observer)?;
        Ok(world.expose(&self.state, expose, self.learner.controller()))
    }

    /// Takes a failure in: what it means for the campaign is one event or two.
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
                world
                    .recover(&why, &self.state)
                    .map_err(CampaignError::Ended)
            }
            Failure::Final(why) => {
                self.record(&Event::Failed { why: why.clone() }, world, observer)?;
                Err(CampaignError::Ended(Ended::Instrument(why)))
            }
            Failure::Aborted(why) => {
                world.say(&why);
                self.record(&Event::Failed { why }, world, observer)?;
                Err(CampaignError::Ended(Ended::Interrupted))
            }
        }
    }

    /// Takes every command that waits.
    fn take_commands(
        &mut self,
        world: &mut dyn World,
        observer: &mut dyn Observer,
    ) -> Result<(), CampaignError> {
        while let Some(given) = world.command() {
            if let Some(why) = self.state.objection(&given.command) {
                world.say(&format!("not done: {why}"));
                self.record(&Event::Refused { given, why }, world, observer)?;
                continue;
            }
            if let Some(reduced) = self.reduction(&given.command, world) {
                self.record(&reduced, world, observer)?;
            }
            self.record(&Event::Commanded(given), world, observer)?;
        }
        Ok(())
    }

    /// What all points so far come to by a target that was not sought before.
    fn reduction(&self, command: &Command, world: &mut dyn World) -> Option<Event> {
        let Command::Target(text) = command else {
            return None;
        };
        let scalarizer: Scalarizer = text.parse().ok()?;
        let known = self.state.settings().scalarizers.contains(&scalarizer);
        (!known && !self.state.points().is_empty()).then(|| Event::Reduced {
            responses: world.reduce(&self.state, &scalarizer),
            scalarizer: scalarizer.to_string(),
        })
    }

    /// Judges anew what was judged by another target, or with other points.
    fn restart_judgement(&mut self, event: &Event, world: &dyn World) {
        let Event::Commanded(given) = event else {
            return;
        };
        match &given.command {
            Command::Target(_) => {
                self.growth.restart();
                self.restart_monitor(world);
            }
            Command::Discard(_) | Command::Restore(_) => self.restart_monitor(world),
            _ => {}
        }
    }

    /// The monitor as it would be, had it judged by this target, and these points, all along.
    fn restart_monitor(&mut self, world: &dyn World) {
        let truth = world.truth(self.state.settings().target());
        let seeds = if self.state.is_seeding() {
            0
        } else {
            self.state.seeds()
        };
        let judged = if self.state.is_seeding() {
            0
        } else {
            self.judged
        };
        let points = self.state.points();
        let target = self.state.settings().target;
        let visits = |points: &[MeasuredPoint]| -> Vec<(Candidate, f64)> {
            let counted = points.iter().filter(|point| !point.discarded);
            let response = |point: &MeasuredPoint| point.responses.get(target).copied();
            counted
                .map(|point| (point.candidate, response(point).unwrap_or(f64::NAN)))
                .collect()
        };
        let steps = points.get(seeds..seeds + judged).unwrap_or_default();
        let seeds = points.get(..seeds).unwrap_or_default();
        self.knows_seeds = !self.state.is_seeding();
        let restarted = self
            .monitor
            .restart(truth.as_ref(), &visits(seeds), &visits(steps));
        if let Err(error) = restarted {
            let note = format!("the target cannot be judged: {error}");
            self.learner.warnings.note(&note);
        }
    }

    /// Judges every step that is complete: measured, and trained on where that was due.
    fn judge(&mut self, observer: &mut dyn Observer) -> Result<(), CampaignError> {
        if self.state.is_seeding() || self.state.is_training_due() {
            return Ok(());
        }
        let (seeds, target) = (self.state.seeds(), self.state.settings().target);
        if !self.knows_seeds {
            self.knows_seeds = true;
            let counted = self.state.points().iter().take(seeds);
            for seed in counted.filter(|seed| !seed.discarded) {
                let response = seed.responses.get(target).copied();
                self.monitor
                    .seed(seed.candidate, response.unwrap_or(f64::NAN))?;
            }
            self.step = (Instant::now(), self.learner.times);
        }
        while self.judged < self.state.steps() {
            let Some(point) = self.state.points().get(seeds + self.judged) else {
                break;
            };
            let response = point.responses.get(target).copied().unwrap_or(f64::NAN);
            let visited = (point.candidate, response);
            let monitoring = Instant::now();
            let seconds = (monitoring - self.step.0).as_secs_f64();
            let posterior = self.learner.posterior();
            let recorded =
                self.monitor
                    .record(visited, posterior.as_ref(), seconds, &mut self.series);
            self.series.record_times(&self.step.1, &self.learner.times);
            if let Err(error) = recorded {
                let note = format!("the surrogate could not be judged: {error}");
                self.learner.warnings.note(&note);
            }
            self.judged += 1;
            self.growth.take(self.judged, &self.series);
            self.learner.times.monitoring += monitoring.elapsed();
            self.step = (Instant::now(), self.learner.times);
            let of = self.state.settings().budget.saturating_sub(seeds);
            if let ControlFlow::Break(ended) = observer.step(self.judged, of, &self.series) {
                self.broken.get_or_insert(ended);
            }
        }
        Ok(())
    }

    /// Says how many measurements the kernel has room for: no budget beyond that is taken from here
    /// on. What the journal holds was taken when there was room for it.
    pub(crate) fn set_room(&mut self, room: usize) {
        self.state.set_room(room);
    }

    /// The controller, to be told what the campaign is not about.
    pub(crate) fn controller(&mut self) -> &mut dyn Controller {
        self.learner.controller()
    }

    /// What the campaign has come to and the state it is in, with the controller told that it is
    /// over.
    pub(crate) fn outcome(mut self, ended: Ended, world: &mut dyn World) -> (Outcome, State) {
        let image = self.state.overview().cloned();
        let target = world.target(&self.state);
        let (mean, sigma) = match &image {
            Some(overview) => self.learner.surrogate_maps(&overview.image, &target),
            None => (None, None),
        };
        let started = Instant::now();
        let patches = self.learner.patches();
        let published = publish(&self.state, patches, &self.monitor, &target);
        let (map, maps) = published.unwrap_or_else(|error| {
            let note = format!("there is no map to publish: {error}");
            self.learner.warnings.note(&note);
            (None, Vec::new())
        });
        self.learner.times.mapping = started.elapsed();
        if !matches!(ended, Ended::Controller(_))
            && let Err(error) = self.learner.controller().end()
        {
            let note = format!("the controller could not be told that the campaign ended: {error}");
            self.learner.warnings.note(&note);
        }
        let points = self.state.points();
        let seeds = self.state.seeds();
        let measurements: Vec<_> = points.iter().map(|point| self.measurement(point)).collect();
        let (seeds, steps) = measurements.split_at(seeds);
        let width = self.learner.patches().candidates().width();
        let discoveries = world
            .behaviours()
            .iter()
            .map(|behaviour| Discovery::new(behaviour, width, seeds, steps))
            .collect();
        if !matches!(ended, Ended::Budget | Ended::Interrupted | Ended::Stopped) {
            self.learner
                .warnings
                .note(&format!("the campaign ended: {ended}"));
        }
        let mut config = self.state.settings().campaign.clone();
        config.steps = self.state.settings().budget.saturating_sub(seeds.len());
        self.learner.times.whole = world.elapsed().max(self.begun.elapsed());
        let outcome = Outcome {
            candidates: self.learner.patches().candidates().count(),
            occupied_bins: self.monitor.target().map_or(0, Groups::occupied),
            seeds: seeds.to_vec(),
            steps: steps.to_vec(),
            series: self.series,
            discoveries,
            mean,
            sigma,
            map,
            maps,
            times: self.learner.times,
            peak_memory: memory::peak_bytes(),
            link: self.learner.controller().link(),
            warnings: std::mem::take(&mut self.learner.warnings).into_notes(),
            ended,
            config,
        };
        (outcome, self.state)
    }

    fn measurement(&self, point: &MeasuredPoint) -> Measurement {
        let target = self.state.settings().target;
        // What was predicted of another target says nothing of this one.
        let of_target = |_: &_| point.revision == self.state.revision();
        let expected = point.proposed.filter(of_target).and_then(|proposed| {
            let (mean, sigma) = proposed.prediction?;
            Some(Expectation {
                mean: f64::from(mean) + proposed.origin,
                sigma: f64::from(sigma),
            })
        });
        Measurement {
            candidate: point.candidate,
            pixel: point.pixel,
            response: point.responses.get(target).copied().unwrap_or(f64::NAN),
            proposal: point.proposed.map(|proposed| Proposal {
                candidate: Candidate(proposed.candidate),
                step: proposed.step as usize,
                score: proposed.score,
                prediction: proposed
                    .prediction
                    .map(|(mean, sigma)| Prediction { mean, sigma }),
            }),
            expected,
        }
    }
}

/// How an error ends a campaign in order; `None` for one that has to be told as it is.
/// `measured` says whether there is anything to lose.
fn reason(error: &CampaignError, measured: bool) -> Option<Ended> {
    match error {
        CampaignError::Ended(ended) => Some(ended.clone()),
        CampaignError::Controller(error) if error.is_dose_limit() => {
            Some(Ended::Dose(error.to_string()))
        }
        CampaignError::Controller(error) if error.is_exhausted() => Some(Ended::Exhausted),
        error => measured.then(|| Ended::Controller(error.to_string())),
    }
}
