//! Taking a campaign up from its journal.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Drive, World};
use crate::campaign::growth::Growth;
use crate::campaign::learner::Learned;
use crate::campaign::{Action, CampaignError, Contradiction, Event, Record};

/// What was learned: with it a campaign is taken up again without training anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Kept {
    learned: Learned,
    /// The figures so far, as JSON: figures that could not be computed survive that.
    series: String,
    growth: Growth,
}

impl Drive<'_> {
    /// What was learned so far.
    pub(super) fn kept(&self) -> Kept {
        Kept {
            learned: self.learner.learned(),
            series: serde_json::to_string(&self.series).unwrap_or_default(),
            growth: self.growth,
        }
    }

    /// Applies an event of the journal, and trains anew where it was a training.
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
        self.judge(&mut ()).map(|_| ())
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
        // Without a series that can be read, the figures begin with the next step.
        self.series = serde_json::from_str(&kept.series).unwrap_or_default();
        self.judged = self.series.seconds.len();
        self.growth = kept.growth;
        self.restart_monitor(world);
        self.step = (Instant::now(), self.learner.times);
        Ok(())
    }

    /// The events that a journal of version 1 lacks before this one: what the kernel proposed, and
    /// when it was trained.
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
}
