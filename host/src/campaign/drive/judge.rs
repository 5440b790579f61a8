//! Judging a campaign, step by step.

use std::ops::ControlFlow;
use std::time::Instant;

use super::{Drive, World};
use crate::campaign::{
    CampaignError, Command, Event, FurtherTarget, Judgement, MeasuredPoint, Observer, Posterior,
    State, Visit,
};
use crate::metrics::MetricsError;

/// What is sought beside the first response, with the truth where it is known.
pub(crate) fn further_targets(state: &State, world: &dyn World) -> Vec<FurtherTarget> {
    let settings = state.settings();
    let targets = world.targets(state).into_iter().zip(settings.sought());
    let further = targets
        .skip(1)
        .map(|((name, units), target)| FurtherTarget {
            name,
            units,
            truth: world.truth(target),
        });
    further.collect()
}

/// The responses of a point that are sought, the first before the others; NaN where it has none.
fn sought(state: &State, point: &MeasuredPoint) -> Vec<f64> {
    let response = |index: &usize| point.responses.get(*index).copied();
    let targets = state.settings().targets.iter();
    targets
        .map(|index| response(index).unwrap_or(f64::NAN))
        .collect()
}

impl Drive<'_> {
    /// Restarts the judgement when another target is sought, or other points count.
    pub(super) fn restart_judgement(&mut self, event: &Event, world: &mut dyn World) {
        let given = match event {
            Event::Commanded(given) => given,
            Event::Components(_) => {
                self.growth.restart();
                self.restart_monitor(world);
                return;
            }
            _ => return,
        };
        match &given.command {
            Command::Target(_) | Command::Targets(_) => {
                self.growth.restart();
                self.restart_monitor(world);
            }
            Command::Discard(_) | Command::Restore(_) => self.restart_monitor(world),
            _ => {}
        }
    }

    /// The monitor as it would be, had it judged by this target, and these points, all along.
    pub(super) fn restart_monitor(&mut self, world: &mut dyn World) {
        let truth = world.truth(self.state.settings().target());
        let further = further_targets(&self.state, world);
        let truths = further.iter().map(|of| of.truth.as_ref());
        let truths: Vec<_> = std::iter::once(truth.as_ref()).chain(truths).collect();
        world.show_truths(&truths);
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
        let visits = |points: &[MeasuredPoint]| -> Vec<Visit> {
            let counted = points.iter().filter(|point| !point.discarded);
            counted
                .map(|point| (point.candidate, sought(&self.state, point)))
                .collect()
        };
        let steps = points.get(seeds..seeds + judged).unwrap_or_default();
        let seeds = points.get(..seeds).unwrap_or_default();
        let (seeds, steps) = (visits(seeds), visits(steps));
        self.knows_seeds = !self.state.is_seeding();
        let judgement = Judgement {
            truth: truth.as_ref(),
            further: &further,
            keeps_groups: world.knows_all_components() && truth.is_some(),
        };
        let restarted = self.monitor.restart(judgement, &seeds, &steps);
        if let Err(error) = restarted {
            self.cannot_judge(&error);
        }
    }

    /// The surrogate of each response that is sought; none without a model.
    pub(super) fn posteriors(&mut self) -> Vec<Posterior> {
        if self.state.settings().targets.len() == 1 {
            return self.learner.posterior().into_iter().collect();
        }
        self.learner.posteriors().unwrap_or_default()
    }

    /// Shows what holds at the end of the journal, where a model is there.
    pub(crate) fn show_folded(&mut self, world: &mut dyn World) {
        let surrogates = self.posteriors();
        if !surrogates.is_empty() {
            let plane = self.learner.plane();
            world.show_figures(&self.state, &self.series, &surrogates, plane);
        }
    }

    /// Notes why the truth of the target judges nothing. The campaign goes on as on an instrument,
    /// which tells none.
    pub(crate) fn cannot_judge(&mut self, error: &MetricsError) {
        let note = format!("the target cannot be judged: {error}");
        self.learner.warnings.note(&note);
    }

    /// Judges every step that is complete: measured, and trained on where that was due. Returns the
    /// surrogates that the last one was judged by.
    pub(super) fn judge(
        &mut self,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Posterior>, CampaignError> {
        if self.state.is_training_due() {
            return Ok(Vec::new());
        }
        self.judge_all(observer)
    }

    /// Judges every step that is measured, by its own target, where an event seeks another one.
    pub(super) fn judge_before(
        &mut self,
        event: &Event,
        observer: &mut dyn Observer,
    ) -> Result<(), CampaignError> {
        match event {
            Event::Commanded(given) if !given.command.sought().is_empty() => {
                self.judge_all(observer).map(|_| ())
            }
            _ => Ok(()),
        }
    }

    /// Judges every step that is measured, also by a surrogate whose weights were not trained on it yet: there
    /// is no later one where the campaign ends, or its target changes.
    pub(super) fn judge_all(
        &mut self,
        observer: &mut dyn Observer,
    ) -> Result<Vec<Posterior>, CampaignError> {
        let mut newest = Vec::new();
        if self.state.is_seeding() {
            return Ok(newest);
        }
        let seeds = self.state.seeds();
        if !self.knows_seeds {
            self.knows_seeds = true;
            let counted = self.state.points().iter().take(seeds);
            for seed in counted.filter(|seed| !seed.discarded) {
                self.monitor
                    .seed(seed.candidate, &sought(&self.state, seed))?;
            }
            self.step = (Instant::now(), self.learner.times);
        }
        while self.judged < self.state.steps() {
            let Some(point) = self.state.points().get(seeds + self.judged) else {
                break;
            };
            let (candidate, responses) = (point.candidate, sought(&self.state, point));
            let visited = (candidate, &responses[..]);
            let monitoring = Instant::now();
            let seconds = (monitoring - self.step.0).as_secs_f64();
            let surrogates = self.posteriors();
            let (first, further) = (surrogates.first(), surrogates.get(1..).unwrap_or_default());
            let recorded = self
                .monitor
                .record(visited, first, seconds, &mut self.series);
            let recorded = recorded.and(self.monitor.record_further(further, &mut self.series));
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
            observer.seeded(seeds);
            if let ControlFlow::Break(ended) = observer.step(self.judged, of, &self.series) {
                self.broken.get_or_insert(ended);
            }
            newest = surrogates;
        }
        Ok(newest)
    }
}
