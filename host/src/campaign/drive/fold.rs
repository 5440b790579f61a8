//! Taking a campaign up from its journal.

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::{Drive, World};
use crate::campaign::growth::Growth;
use crate::campaign::learner::Learned;
use crate::campaign::{Action, CampaignError, Ended, Event, Record};

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
    pub(crate) fn kept(&self) -> Kept {
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
    pub(crate) fn fold(
        &mut self,
        record: &Record,
        world: &mut dyn World,
    ) -> Result<(), CampaignError> {
        let before = self.learner.times;
        let event = &record.event;
        let afresh = matches!(self.decided(), Action::Train { afresh: true });
        self.judge_before(event, &mut ())?;
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
        self.caution(event);
        self.restart_judgement(event, world);
        self.judge(&mut ()).map(|_| ())
    }

    /// Applies an event of the journal that what was learned has taken in: [`Self::go_on_from`] follows.
    ///
    /// # Errors
    /// When it does not fit what came before.
    pub(crate) fn pass(&mut self, record: &Record) -> Result<(), CampaignError> {
        self.state.apply(&record.event)?;
        self.learner.times.count(&record.event);
        Ok(())
    }

    /// Goes on from what was learned by the end of the events that were passed, without training anew.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn go_on_from(
        &mut self,
        kept: Kept,
        world: &mut dyn World,
    ) -> Result<(), CampaignError> {
        self.learner.restore(&self.state, kept.learned)?;
        self.zero_peak.pass(&self.state);
        // Without a series that can be read, the figures begin with the next step.
        self.series = serde_json::from_str(&kept.series).unwrap_or_default();
        self.judged = self.series.seconds.len();
        self.growth = kept.growth;
        self.restart_monitor(world);
        self.step = (Instant::now(), self.learner.times);
        Ok(())
    }

    /// Why the campaign would end at once when it is resumed so, its journal having been read; `None` where
    /// it goes on.
    pub(crate) fn ends_after(&self, resumed: &Event, world: &dyn World) -> Option<Ended> {
        self.state.ends_after(resumed, &self.now(world))
    }
}
