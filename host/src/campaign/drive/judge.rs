//! Judging a campaign, step by step.

use std::ops::ControlFlow;
use std::time::Instant;

use beacon_kernel::Candidate;

use super::{Drive, World};
use crate::campaign::{
    CampaignError, Command, Event, FurtherTarget, MeasuredPoint, Observer, Posterior, State,
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

impl Drive<'_> {
    /// Restarts the judgement when another target is sought, or other points count.
    pub(super) fn restart_judgement(&mut self, event: &Event, world: &dyn World) {
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
    pub(super) fn restart_monitor(&mut self, world: &dyn World) {
        let truth = world.truth(self.state.settings().target());
        world.show_truth(truth.as_ref());
        let further = further_targets(&self.state, world);
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
        let target = self.state.settings().target_index();
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
        let all = self.monitor.target().cloned();
        let all = all.filter(|_| world.knows_all_components() && truth.is_some());
        let restarted = self.monitor.restart(
            (truth.as_ref(), all),
            &further,
            &visits(seeds),
            &visits(steps),
        );
        if let Err(error) = restarted {
            self.cannot_judge(&error);
        }
    }

    /// The surrogate, and those of further responses where several are sought.
    fn posteriors(&mut self) -> (Option<Posterior>, Vec<Posterior>) {
        if self.state.settings().targets.len() == 1 {
            return (self.learner.posterior(), Vec::new());
        }
        let mut all = self.learner.posteriors().unwrap_or_default().into_iter();
        (all.next(), all.collect())
    }

    /// Notes why the truth of the target judges nothing. The campaign goes on as on an instrument,
    /// which tells none.
    pub(crate) fn cannot_judge(&mut self, error: &MetricsError) {
        let note = format!("the target cannot be judged: {error}");
        self.learner.warnings.note(&note);
    }

    /// Judges every step that is complete: measured, and trained on where that was due. Returns the
    /// surrogate that the last one was judged by.
    pub(super) fn judge(
        &mut self,
        observer: &mut dyn Observer,
    ) -> Result<Option<Posterior>, CampaignError> {
        if self.state.is_training_due() {
            return Ok(None);
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
    ) -> Result<Option<Posterior>, CampaignError> {
        let mut newest = None;
        if self.state.is_seeding() {
            return Ok(newest);
        }
        let (seeds, target) = (self.state.seeds(), self.state.settings().target_index());
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
            let (posterior, further) = self.posteriors();
            let recorded =
                self.monitor
                    .record(visited, posterior.as_ref(), seconds, &mut self.series);
            let recorded = recorded.and(self.monitor.record_further(&further, &mut self.series));
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
            newest = posterior;
        }
        Ok(newest)
    }
}
