//! What is done now.

use std::time::Duration;

use beacon_kernel::{Acquisition, Candidate, Pixel};

use super::{Seeding, State};
use crate::campaign::dose::DoseError;
use crate::campaign::position::corrected;
use crate::campaign::{Ended, Event};
use crate::microscope::Position;
use crate::units::{Electrons, Seconds};

/// Overviews in a row without a drift that can be trusted, after which a campaign ends.
const UNCERTAIN: u32 = 3;

/// Why a point is left out that is no longer in the frame: how the reason begins.
pub(crate) const DRIFTED: &str = "it has drifted out of the frame";

/// What the state cannot know by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Now {
    /// How long the campaign has been running.
    pub elapsed: Duration,
    /// Points since coverage has grown last, and how full it was.
    pub stalled: usize,
    /// Coverage of the range of responses and of the structures.
    pub fullest: [f64; 2],
}

/// What is done now.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Action {
    /// An overview is taken: the first, or one for drift correction.
    Survey {
        /// Its dose; 0 where that is not known.
        electrons: Electrons,
    },
    /// The kernel proposes the next point.
    Propose {
        /// By this strategy.
        acquisition: Acquisition,
        /// Whether the model is trained beside it.
        train: bool,
    },
    /// A point is exposed.
    Expose(Expose),
    /// The next point cannot be measured.
    LeaveOut {
        /// The candidate.
        candidate: Candidate,
        /// Why.
        why: String,
    },
    /// The model is trained on all usable points.
    Train {
        /// Whether from initial weights.
        afresh: bool,
    },
    /// Nothing is done until a person gives a command.
    Wait(Wait),
    /// The campaign ends.
    End(Ended),
}

/// An exposure.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expose {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
    /// Where it is now, drift included.
    pub position: Position,
    /// Live time.
    pub dwell: Seconds,
    /// Electrons that it takes at most; 0 where the current is not known.
    pub electrons: Electrons,
}

/// What a campaign waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// A person paused it.
    Paused,
    /// Its proposal waits for approval.
    Approval(Candidate),
    /// An exposure is under way.
    Exposure(Candidate),
}

impl State {
    /// What is done now.
    pub fn next(&self, now: &Now) -> Action {
        if let Some(ended) = &self.ended {
            return Action::End(ended.clone());
        }
        if let Some((point, _)) = &self.exposing {
            return Action::Wait(Wait::Exposure(point.candidate));
        }
        if let Some(ended) = self.reason_to_end(now) {
            return Action::End(ended);
        }
        if self.overview.is_none() {
            return self.wait_or(|| self.survey());
        }
        if self.is_training_due() {
            let early = self.steps() <= self.settings.campaign.initial;
            let afresh = self.seeds == 0 && early && !self.trains_beside();
            return Action::Train { afresh };
        }
        if self.points.len() >= self.settings.budget {
            return Action::End(Ended::Budget);
        }
        if let Some(after) = self.settings.stall_after
            && now.stalled >= after
        {
            let [responses, patches] = now.fullest;
            return Action::End(Ended::Stalled(format!(
                "for {after} points it has been {responses:.2} of the range of responses and \
                 {patches:.2} of the structures"
            )));
        }
        self.wait_or(|| match self.next {
            Some(next) if next.waits => match self.expose(next.candidate) {
                // Nobody is asked for a point that cannot be exposed.
                end @ Action::End(_) => end,
                _ => Action::Wait(Wait::Approval(next.candidate)),
            },
            Some(next) => self.expose(next.candidate),
            None => self.propose(),
        })
    }

    /// Why the campaign would end at once after this `Resumed`; `None` where it would go on.
    pub fn ends_after(&self, resumed: &Event, now: &Now) -> Option<Ended> {
        let mut after = self.clone();
        if after.apply(resumed).is_err() {
            return None;
        }
        match &self.ended {
            // A person ended it, or a failure that may have passed.
            None
            | Some(
                Ended::Interrupted
                | Ended::Stopped
                | Ended::Drift(_)
                | Ended::Instrument(_)
                | Ended::Controller(_)
                | Ended::Unusable(_)
                | Ended::Disk(_),
            ) => None,
            Some(_) => match after.next(now) {
                Action::End(ended) => Some(ended),
                _ => None,
            },
        }
    }

    fn reason_to_end(&self, now: &Now) -> Option<Ended> {
        if self.stopped {
            return Some(Ended::Stopped);
        }
        let elapsed = Seconds::from(now.elapsed);
        if self
            .settings
            .time_limit
            .is_some_and(|limit| elapsed >= limit)
        {
            return Some(Ended::Time);
        }
        let most = self.settings.most_failures;
        (self.unusable_in_row >= most).then(|| {
            let why = self.unusable.last().map_or("", |(_, why)| why);
            Ended::Unusable(format!("{most} points in a row, the last because {why}"))
        })
    }

    fn wait_or(&self, action: impl FnOnce() -> Action) -> Action {
        if self.paused {
            Action::Wait(Wait::Paused)
        } else {
            action()
        }
    }

    /// Electrons of an overview; 0 where they are not known.
    pub fn overview_electrons(&self) -> Electrons {
        let time = self.begun.overview_time.or_else(|| {
            let overview = self.overview.as_ref()?;
            let dwell = overview.beam.overview_dwell?;
            Some(dwell * overview.image.values.len() as f64)
        });
        self.electrons_in(time.unwrap_or(Seconds::ZERO))
    }

    /// Electrons that the beam takes to the sample in some time; 0 where its current is not known.
    pub(crate) fn electrons_in(&self, time: Seconds) -> Electrons {
        self.current()
            .map_or(Electrons::ZERO, |current| current * time)
    }

    fn survey(&self) -> Action {
        let electrons = self.overview_electrons();
        match self.ledger.admit_overview(electrons, self.settings.limits) {
            Ok(()) => Action::Survey { electrons },
            Err(error) => Action::End(Ended::Dose(error.to_string())),
        }
    }

    fn propose(&self) -> Action {
        if self.free == 0 {
            return Action::End(Ended::Exhausted);
        }
        // Where no pixel may take the dose, the campaign ends instead of leaving out all of them.
        let electrons = self.exposure_electrons();
        if let Err(error) = self.ledger.admit_fresh(electrons, self.settings.limits) {
            return Action::End(Ended::Dose(error.to_string()));
        }
        let step = self.steps() + 1;
        let due = self.settings.campaign.retrain_every.is_due(step);
        let train = due && self.seeding == Seeding::Done && self.trains_beside();
        Action::Propose {
            acquisition: self.proposing(),
            train: train && self.usable().next().is_some(),
        }
    }

    /// Checks, before the beam is used at all, that a point may be exposed with this live time after the
    /// first overview.
    ///
    /// # Errors
    /// The limit that it would pass.
    pub fn admit_first_point(&self, dwell: Seconds) -> Result<(), DoseError> {
        let mut ledger = self.ledger.clone();
        ledger.spend_on_overview(self.overview_electrons());
        let electrons = self.electrons_in(dwell * self.real_to_live);
        ledger.admit_fresh(electrons, self.settings.limits)
    }

    pub(super) fn exposure_electrons(&self) -> Electrons {
        self.electrons_in(self.settings.dwell * self.real_to_live)
    }

    fn expose(&self, candidate: Candidate) -> Action {
        if self.drift.uncertain >= UNCERTAIN {
            return Action::End(Ended::Drift(format!(
                "{} overviews in a row do not show how far",
                self.drift.uncertain
            )));
        }
        let points = self.points.len();
        if let Some(every) = self.settings.drift_every
            && (self.drift.overdue
                || points > 0 && points.is_multiple_of(every) && self.drift.surveyed != points)
        {
            return self.survey();
        }
        let pixel = self.pixel(candidate);
        let (down, right) = self.drift.shift;
        let size = self.candidates.map_or((1, 1), |c| (c.height(), c.width()));
        let Some(position) = corrected(pixel, self.drift.shift, size) else {
            let by = format!("by {down:.1} pixels down and {right:.1} to the right");
            let within = |shift: f64, side: usize| 1.0 - shift.abs() / side as f64;
            // Pixels at the border leave the frame first, and the others can still be measured.
            return if within(down, size.0).min(within(right, size.1)) > 0.5 {
                let why = format!("{DRIFTED}, {by}");
                Action::LeaveOut { candidate, why }
            } else {
                Action::End(Ended::Drift(format!(
                    "{by}, half of the sample has left the frame"
                )))
            };
        };
        let electrons = self.exposure_electrons();
        match self
            .ledger
            .admit(candidate, electrons, self.settings.limits)
        {
            Ok(()) => Action::Expose(Expose {
                candidate,
                pixel,
                position,
                dwell: self.settings.dwell,
                electrons,
            }),
            Err(error @ DoseError::Total { .. }) => Action::End(Ended::Dose(error.to_string())),
            Err(error @ DoseError::Pixel { .. }) => Action::LeaveOut {
                candidate,
                why: error.to_string(),
            },
        }
    }
}
