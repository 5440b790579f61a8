//! What commands do, and why some cannot hold.

use beacon_kernel::{Candidate, Strategy};

use super::{Author, NextPoint, Seeding, Standing, State, positive};
use crate::campaign::dose::rounded_up;
use crate::campaign::{CampaignConfig, Command, Ended, Region, Targets, listed};
use crate::scalarizer::Scalarizer;
use crate::units::{Electrons, ElectronsPerSquareAngstrom, Seconds};

/// Why no dose can be limited.
const NO_CURRENT: &str = "the current is unknown: the instrument tells none; expected --current in pA \
                          beside a dose limit";

impl State {
    /// Why a command cannot hold now; `None` when it can.
    pub fn objection(&self, command: &Command) -> Option<String> {
        let why = self.contradiction_of(command);
        why.or_else(|| self.leaves_nothing(command))
    }

    /// What stands for a limit that was accepted and that an exposure has passed before it was taken: the least
    /// that can hold now and that ends the campaign, as it was accepted to. `None` for any other command.
    pub(crate) fn overtaken(&self, command: &Command) -> Option<Command> {
        match *command {
            Command::Budget(budget) if (1..self.points.len()).contains(&budget) => {
                Some(Command::Budget(self.points.len()))
            }
            Command::DoseLimit(limit) => {
                let spent = self.ledger.total().get();
                (limit > 0.0 && limit < spent).then_some(Command::DoseLimit(spent))
            }
            Command::PixelDoseLimit(Some(limit)) => {
                let worst = self.ledger.on_worst_pixel()?.get();
                let least = Command::PixelDoseLimit(Some(worst));
                let mut after = self.clone();
                after.carry_out(&least);
                // Other pixels may have taken less than the worst.
                let least = after.runs_out().map_or(Command::Stop, |_| least);
                (limit > 0.0 && limit < worst).then_some(least)
            }
            _ => None,
        }
    }

    /// Why an `exclude` or a `reject` after which the campaign would end for want of candidates is refused: a campaign
    /// that has ended so cannot be resumed, and `include` needs one that runs.
    fn leaves_nothing(&self, command: &Command) -> Option<String> {
        let expected = match command {
            Command::Reject => "`accept`",
            command if command.excluded().is_empty() => return None,
            _ => "a region that leaves something",
        };
        let mut after = self.clone();
        after.carry_out(command);
        (after.free_at_first() == 0)
            .then(|| format!("nothing would be left to measure; expected {expected}, or `stop`"))
    }

    /// Why a command does not fit the campaign. Earlier versions took whatever fits, and their journals
    /// are read on.
    pub(super) fn contradiction_of(&self, command: &Command) -> Option<String> {
        let Some(candidates) = self.candidates else {
            return match command {
                Command::Pause | Command::Resume | Command::Stop => None,
                _ => Some("the first overview is not taken yet".to_owned()),
            };
        };
        match command {
            Command::Strategy(name) if Strategy::from_name(name).is_none() => {
                let names = Strategy::ALL.map(Strategy::name).join(", ");
                Some(format!("unknown strategy `{name}`; accepted are {names}"))
            }
            Command::Strategy(name) => self.objection_to_both(name, self.settings.targets.len()),
            Command::Target(_) | Command::Targets(_) => self.objection_to_targets(command.sought()),
            Command::Include(region) => self.objection_to_including(std::slice::from_ref(region)),
            Command::IncludeAll(regions) => self.objection_to_including(regions),
            Command::Withdraw(candidate) => self.objection_to_withdrawal(Candidate(*candidate)),
            Command::ApproveAfter(time_out) => time_out.check().err(),
            Command::Measure(candidate) => self.objection_to_point(Candidate(*candidate)),
            Command::Suggest(candidate) => self
                .objection_without_proposal("suggest")
                .or_else(|| self.objection_to_point(Candidate(*candidate))),
            Command::Discard(candidate) => match self.standing(Candidate(*candidate)) {
                Standing::Measured => None,
                Standing::Discarded => Some(format!(
                    "{} was discarded before",
                    self.name(Candidate(*candidate))
                )),
                _ => Some(format!(
                    "{} was not measured; expected a measured point",
                    self.name(Candidate(*candidate))
                )),
            },
            Command::Restore(candidate) => {
                let discarded = self.standing(Candidate(*candidate)) == Standing::Discarded;
                (!discarded).then(|| {
                    format!(
                        "{} is not discarded; expected a discarded point",
                        self.name(Candidate(*candidate))
                    )
                })
            }
            Command::Budget(budget) => {
                let exposing = usize::from(self.exposing.is_some());
                let (least, all) = (self.points.len() + exposing, candidates.count());
                let most = all.min(self.room);
                (!(least.max(1)..=most).contains(budget)).then(|| {
                    let why = if self.room < all {
                        "the kernel has room for no more until `beacon resume --budget`".to_owned()
                    } else {
                        format!("there are {all} candidates")
                    };
                    let least = match (least, exposing) {
                        (0, _) => "1".to_owned(),
                        (_, 0) => format!("{least}, the points measured, which ends the campaign,"),
                        _ => format!(
                            "{least}, the points measured and the one under the beam, which ends the campaign,"
                        ),
                    };
                    format!("budget is {budget}; expected {least} to {most}: {why}")
                })
            }
            Command::DoseLimit(limit) => self.objection_to_dose_limit(*limit),
            Command::PixelDoseLimit(Some(limit)) => self.objection_to_pixel_limit(*limit),
            Command::TimeLimit(Some(limit)) => {
                let limit = positive("time-limit", *limit, Seconds::new);
                limit.err().map(|error| error.to_string())
            }
            Command::Dwell(seconds) => {
                let refused = self.settings.dwell_of(*seconds).err();
                refused.map(|error| error.to_string())
            }
            Command::Accept => self.objection_without_proposal("accept"),
            Command::Reject => self.objection_without_proposal("reject"),
            Command::Exclude(_)
            | Command::ExcludeAll(_)
            | Command::NoDoseLimit
            | Command::PixelDoseLimit(None)
            | Command::TimeLimit(None)
            | Command::Approve(_)
            | Command::Pause
            | Command::Resume
            | Command::Stop
            | Command::Note(_) => None,
        }
    }

    /// How a command that only sets what may be measured ends the campaign, after the exposure under
    /// way; `None` where it goes on, or would have ended without it.
    pub fn ended_by(&self, command: &Command) -> Option<Ended> {
        let mut after = self.clone();
        after.carry_out(command);
        let ends = after.runs_out();
        ends.filter(|_| self.runs_out().is_none())
    }

    fn runs_out(&self) -> Option<Ended> {
        let exposing = self.exposing.is_some();
        if self.points.len() + usize::from(exposing) >= self.settings.budget {
            return Some(Ended::Budget);
        }
        let nothing = self.candidates.is_some() && self.free_at_first() == 0 && !exposing;
        if nothing {
            return Some(Ended::Exhausted);
        }
        let electrons = self.exposure_electrons();
        let admitted = self.ledger.admit_fresh(electrons, self.settings.limits);
        admitted.err().map(|error| Ended::Dose(error.to_string()))
    }

    fn objection_to_targets(&self, texts: &[String]) -> Option<String> {
        if let Some(why) = texts.iter().find_map(|text| self.objection_to_target(text)) {
            return Some(why);
        }
        let targets = texts.iter().filter_map(|text| text.parse().ok()).collect();
        let within = Targets::new(targets)
            .and_then(|targets| targets.within(self.most_targets, "with this controller"));
        let within = within.err().map(|error| error.to_string());
        within.or_else(|| self.objection_to_both(&self.settings.campaign.strategy, texts.len()))
    }

    /// Why a strategy cannot decide by so many targets.
    fn objection_to_both(&self, strategy: &str, targets: usize) -> Option<String> {
        let both = CampaignConfig {
            strategy: strategy.to_owned(),
            ..self.settings.campaign.clone()
        };
        let refused = both.check_targets(targets).err();
        refused.map(|error| error.to_string())
    }

    fn objection_to_target(&self, text: &str) -> Option<String> {
        let target: Scalarizer = match text.parse() {
            Ok(target) => target,
            Err(error) => return Some(format!("{error}")),
        };
        let channels = &self.begun.channels;
        // A spectrum of zeros shows whether the axis suits.
        let nothing = vec![0.0; channels.coordinates.len()];
        let reduced = target.reduce(&nothing, &channels.coordinates, &channels.axis);
        reduced.err().map(|error| error.to_string())
    }

    fn objection_to_dose_limit(&self, limit: f64) -> Option<String> {
        let limit = match positive("dose-limit", limit, Electrons::new) {
            Ok(limit) => limit,
            Err(error) => return Some(error.to_string()),
        };
        if self.current().is_none() {
            return Some(NO_CURRENT.to_owned());
        }
        let spent = self.ledger.total();
        (limit < spent).then(|| {
            let spent = self.ledger.total_in_words();
            format!("dose-limit is {limit:e}; expected at least the {spent} electrons spent")
        })
    }

    fn objection_to_pixel_limit(&self, limit: f64) -> Option<String> {
        let limit = match positive("pixel-dose-limit", limit, ElectronsPerSquareAngstrom::new) {
            Ok(limit) => limit,
            Err(error) => return Some(error.to_string()),
        };
        if self.current().is_none() {
            return Some(NO_CURRENT.to_owned());
        }
        let Some(worst) = self.ledger.on_worst_pixel() else {
            return Some(
                "the size of a pixel is unknown: the overview has no scale in metres; expected \
                 `dose-limit` instead"
                    .to_owned(),
            );
        };
        (limit < worst).then(|| {
            let worst = rounded_up(worst.get());
            format!(
                "pixel-dose-limit is {limit:e}; expected at least the {worst:.2e} e/Å² on the pixel that \
                 took most"
            )
        })
    }

    /// Why a candidate cannot be measured by a command.
    fn objection_to_point(&self, candidate: Candidate) -> Option<String> {
        let name = self.name(candidate);
        let why = match self.standing(candidate) {
            Standing::Free if self.wishes.contains(&candidate) => "is measured next already",
            Standing::Free => return None,
            // A person may also want the point that was proposed or planned.
            Standing::Next
                if self
                    .next
                    .is_some_and(|n| n.author != Author::Person && !n.begun) =>
            {
                return None;
            }
            Standing::Next => "is measured next already",
            Standing::Exposing => "is under the beam",
            Standing::Measured => "was measured before",
            Standing::Discarded => "was measured before and discarded",
            Standing::Excluded => "was excluded",
            Standing::LeftOut => {
                let reason = self.unusable.iter().rev();
                let reason = reason.clone().find(|(left_out, _)| *left_out == candidate);
                return Some(match reason {
                    Some((_, why)) => format!("{name} was left out: {why}"),
                    None => format!("{name} has no data or is no candidate"),
                });
            }
        };
        Some(format!(
            "{name} {why}; expected a pixel that can still be measured"
        ))
    }

    fn objection_to_including(&self, regions: &[Region]) -> Option<String> {
        let mut regions_held = regions.iter();
        let excluded = regions_held.any(|region| self.any_in(region, Standing::Excluded));
        (!excluded).then(|| {
            format!(
                "nothing is excluded in {}; expected a region that overlaps one",
                listed(regions)
            )
        })
    }

    /// Why a candidate is not among those that people still wait for.
    fn objection_to_withdrawal(&self, candidate: Candidate) -> Option<String> {
        let wanted = |next: &NextPoint| {
            next.candidate == candidate && next.author == Author::Person && !next.begun
        };
        let wanted = self.next.as_ref().is_some_and(wanted) || self.wishes.contains(&candidate);
        (!wanted).then(|| {
            format!(
                "nobody waits for {}; expected a pixel that `measure` or `suggest` named and that is \
                 not under the beam yet",
                self.name(candidate)
            )
        })
    }

    /// Why words that judge the proposal of one candidate do not mean the one that waits.
    pub(crate) fn objection_to_judging(&self, judged: u32) -> Option<String> {
        let next = self.next.filter(|next| next.waits)?;
        (next.candidate.0 != judged).then(|| {
            format!(
                "the proposal of {} does not wait; expected the one of {}, which does",
                self.name(Candidate(judged)),
                self.name(next.candidate)
            )
        })
    }

    fn objection_without_proposal(&self, word: &str) -> Option<String> {
        (!self.waits_for_approval()).then(|| {
            format!("no proposal waits for `{word}`; expected it while one does, with `approve on`")
        })
    }

    /// Whether a proposal waits for approval.
    pub(super) fn waits_for_approval(&self) -> bool {
        self.next.is_some_and(|next| next.waits)
    }

    /// Whether a proposal was approved that is not under the beam yet.
    pub(crate) fn has_accepted(&self) -> bool {
        let accepted = |next: NextPoint| next.proposed.is_some() && !next.waits && !next.begun;
        self.settings.approval && self.next.is_some_and(accepted)
    }

    fn any_in(&self, region: &Region, standing: Standing) -> bool {
        let Some(candidates) = self.candidates else {
            return false;
        };
        let mut standings = (0..).map(Candidate).zip(&self.standings);
        standings.any(|(candidate, found)| {
            *found == standing
                && candidates
                    .pixel(candidate)
                    .is_ok_and(|pixel| region.holds(pixel))
        })
    }

    fn name(&self, candidate: Candidate) -> String {
        let pixel = self.pixel(candidate);
        format!("row {}, column {}", pixel.row, pixel.column)
    }

    /// Carries out a command that [`State::objection`] has nothing against.
    pub(super) fn carry_out(&mut self, command: &Command) {
        match command {
            Command::Strategy(name) => self.settings.campaign.strategy.clone_from(name),
            Command::Target(_) | Command::Targets(_) => {
                let sought = command.sought().iter();
                let sought: Vec<usize> = sought.filter_map(|text| self.scalarizer(text)).collect();
                if !sought.is_empty() {
                    self.settings.targets = sought;
                }
                self.revision += 1;
                self.start_model_over();
            }
            Command::Exclude(_) | Command::ExcludeAll(_) => {
                for region in command.excluded() {
                    self.restand(region, |standing| {
                        matches!(standing, Standing::Free | Standing::Next)
                            .then_some(Standing::Excluded)
                    });
                }
            }
            Command::Include(region) => self.include(std::slice::from_ref(region)),
            Command::IncludeAll(regions) => self.include(regions),
            Command::Withdraw(candidate) => {
                let candidate = Candidate(*candidate);
                self.wishes.retain(|&wish| wish != candidate);
                self.release_next(candidate);
            }
            Command::Measure(candidate) => {
                self.make_way();
                self.wishes.push_back(Candidate(*candidate));
            }
            Command::Suggest(candidate) => {
                self.release_proposal();
                self.wishes.push_front(Candidate(*candidate));
            }
            Command::Discard(candidate) => self.count_point(Candidate(*candidate), false),
            Command::Restore(candidate) => self.count_point(Candidate(*candidate), true),
            Command::Budget(budget) => self.settings.budget = *budget,
            Command::DoseLimit(limit) => {
                // A controller lets nobody raise its limits: it starts over.
                if let Ok(limit) = Electrons::new(*limit) {
                    let before = self.settings.limits.total.replace(limit);
                    self.epoch += u32::from(before.is_some_and(|before| limit > before));
                }
            }
            Command::NoDoseLimit => {
                let before = self.settings.limits.total.take();
                self.epoch += u32::from(before.is_some());
            }
            Command::PixelDoseLimit(limit) => {
                let limit = limit.and_then(|limit| ElectronsPerSquareAngstrom::new(limit).ok());
                let before = std::mem::replace(&mut self.settings.limits.pixel, limit);
                let raised = before.is_some_and(|before| limit.is_none_or(|limit| limit > before));
                self.epoch += u32::from(raised);
            }
            Command::TimeLimit(limit) => {
                self.settings.time_limit = limit.and_then(|limit| Seconds::new(limit).ok());
            }
            Command::Dwell(seconds) => {
                // Its limits follow from the shorter dwell, and it lets nobody raise them.
                if let Ok(dwell) = Seconds::new(*seconds) {
                    self.epoch += u32::from(dwell > self.settings.dwell);
                    self.settings.dwell = dwell;
                }
            }
            Command::Approve(on) => {
                self.settings.time_out = None;
                self.approve(*on);
            }
            Command::ApproveAfter(time_out) => {
                self.settings.time_out = Some(*time_out);
                self.approve(true);
            }
            Command::Accept => {
                if let Some(next) = &mut self.next {
                    next.waits = false;
                }
            }
            Command::Reject => {
                if let Some(NextPoint { candidate, .. }) = self.next {
                    self.release_next(candidate);
                    self.stand(candidate, Standing::Excluded);
                }
            }
            Command::Pause => self.paused = true,
            Command::Resume => self.paused = false,
            Command::Stop => self.stopped = true,
            Command::Note(_) => {}
        }
    }

    /// The number of a scalarizer, which is added where it is new: where points are measured, `Reduced` has
    /// added it before.
    fn scalarizer(&mut self, text: &str) -> Option<usize> {
        let mut known = self.settings.scalarizers.iter();
        let known = known.position(|known| known.to_string() == text);
        known.or_else(|| {
            self.settings.scalarizers.push(text.parse().ok()?);
            for point in &mut self.points {
                point.responses.push(f64::NAN);
            }
            Some(self.settings.scalarizers.len() - 1)
        })
    }

    fn include(&mut self, regions: &[Region]) {
        self.epoch += 1;
        for region in regions {
            self.restand(region, |standing| {
                (standing == Standing::Excluded).then_some(Standing::Free)
            });
        }
    }

    fn approve(&mut self, on: bool) {
        self.settings.approval = on;
        if let Some(next) = &mut self.next {
            // A point whose exposure was begun was approved before.
            let proposed = matches!(next.author, Author::Chance | Author::Strategy);
            next.waits = on && proposed && !next.begun;
        }
    }

    /// Frees the candidate that the kernel proposed: it proposes anew when a point is needed.
    fn release_proposal(&mut self) {
        if let Some(next) = self.next
            && next.proposed.is_some()
            && !next.begun
        {
            self.release_next(next.candidate);
        }
    }

    /// Lets a person's point come before the next one. A planned point goes back to its plan.
    fn make_way(&mut self) {
        self.release_proposal();
        if let Some(next) = self.next
            && next.author == Author::Plan
            && !next.begun
        {
            self.release_next(next.candidate);
            match &mut self.seeding {
                Seeding::Given(seeds) => seeds.push_front(next.candidate),
                _ => self.order.push_front(next.candidate),
            }
        }
    }

    /// Lets a measured point count, or not.
    fn count_point(&mut self, candidate: Candidate, counts: bool) {
        let mut points = self.points.iter_mut();
        if let Some(point) = points.find(|point| point.candidate == candidate) {
            point.discarded = !counts;
        }
        let standing = if counts {
            Standing::Measured
        } else {
            Standing::Discarded
        };
        self.stand(candidate, standing);
        self.start_model_over();
    }

    /// Has the model trained anew: it learned from other points or another target.
    pub(super) fn start_model_over(&mut self) {
        self.epoch += 1;
        self.release_proposal();
        self.train_due = true;
    }
}
