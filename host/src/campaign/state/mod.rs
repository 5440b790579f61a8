//! The campaign as a state machine: events in, next action out. It knows no clock, no file, no
//! thread and no socket.
//!
//! [`State::apply`] takes what happened, [`State::next`] says what is done now. Replays, live
//! campaigns, cells of a comparison and `beacon score` carry the actions out and report the
//! events; `beacon resume` applies the events of the journal and goes on.
//!
//! Everything that may not be measured is in one place: a candidate is free, next, exposing,
//! measured, excluded, left out or discarded. The dose of every exposure and overview is admitted
//! in [`State::next`], and nothing else may start either.

mod apply;
mod commands;
mod folded;
mod go_on;
mod next;
mod point;
mod settings;
mod standings;
#[cfg(test)]
pub(in crate::campaign) mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use beacon_kernel::{Candidate, Candidates, MOST_RESPONSES, Pixel, Strategy};

pub use apply::{Contradiction, check_response};
pub(crate) use folded::Folded;
pub(crate) use next::DRIFTED;
pub use next::{Action, Expose, Now, Wait};
pub use point::{Author, MeasuredPoint, NextPoint, Standing};
pub use settings::Settings;
pub(super) use settings::{LONGEST_DWELL, check_initial, dwell_within, positive};

use super::dose::{Ledger, pixel_area};
use super::event::{Begun, Foreseen, Given, Overview};
use super::{Ended, Region};
use crate::components::{BasisChange, is_outgrown};
use crate::data::Map;
use crate::scalarizer::ComponentsTarget;
use crate::units::{Electrons, Picoamperes};

/// Points before the strategy has a say.
#[derive(Clone, Debug, PartialEq)]
enum Seeding {
    /// These, and how many were given.
    Given(VecDeque<Candidate>),
    /// Random ones, until so many points are measured.
    Random(usize),
    /// All are measured.
    Done,
}

/// Where the sample is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Drift {
    /// Pixels down and to the right that it has moved since the first overview.
    shift: (f64, f64),
    /// Points measured at the last overview.
    surveyed: usize,
    /// Overviews in a row that gave no drift.
    uncertain: u32,
    /// Whether the campaign goes on after it had ended by drift: an overview comes first.
    overdue: bool,
}

/// The state of a campaign.
#[derive(Clone, Debug)]
pub struct State {
    begun: Arc<Begun>,
    settings: Settings,
    overview: Option<Arc<Overview>>,
    candidates: Option<Candidates>,
    standings: Vec<Standing>,
    free: usize,
    points: Vec<MeasuredPoint>,
    /// Points that were measured and could not be used, with the reason.
    unusable: Vec<(Candidate, String)>,
    unusable_in_row: usize,
    seeding: Seeding,
    /// Points measured before the strategy had a say.
    seeds: usize,
    /// Points that are measured in this order after the seeds.
    order: VecDeque<Candidate>,
    /// Points that people want measured, in the order of their commands.
    wishes: VecDeque<Candidate>,
    next: Option<NextPoint>,
    /// The point under the beam, and the electrons announced for it.
    exposing: Option<(NextPoint, Electrons)>,
    /// What components were learnt from last, and the points that counted by then; `None` before.
    basis: Option<(BasisChange, usize)>,
    /// What was expected of each further response at the point that was proposed last, and which it is.
    foreseen: Option<(Candidate, Vec<Foreseen>)>,
    ledger: Ledger,
    /// Most measurements that the kernel has room for.
    room: usize,
    /// Most responses of a place that it holds.
    most_targets: usize,
    real_to_live: f64,
    drift: Drift,
    /// Whether the model has yet to be trained on what is known.
    train_due: bool,
    /// Targets sought before this one, components that were learnt anew being another.
    revision: u32,
    /// Times that the kernel had to start over: see [`State::epoch`].
    epoch: u32,
    commands: Vec<(usize, Given)>,
    refused: usize,
    failures: Vec<String>,
    paused: bool,
    stopped: bool,
    ended: Option<Ended>,
}

impl State {
    /// A campaign of which nothing has happened yet but its beginning.
    pub fn new(begun: Begun, settings: Settings) -> Self {
        let seeding = match &begun.seeds {
            Some(seeds) => Seeding::Given(seeds.iter().copied().map(Candidate).collect()),
            None => Seeding::Random(settings.campaign.initial),
        };
        let (area, pixels) = match &begun.frame {
            Some((rows, columns)) => (pixel_area(rows, columns), rows.size * columns.size),
            None => (None, 1),
        };
        Self {
            ledger: Ledger::new(area, pixels),
            room: usize::MAX,
            most_targets: MOST_RESPONSES,
            real_to_live: begun.real_to_live,
            order: settings.order.iter().copied().collect(),
            begun: Arc::new(begun),
            settings,
            overview: None,
            candidates: None,
            standings: Vec::new(),
            free: 0,
            points: Vec::new(),
            unusable: Vec::new(),
            unusable_in_row: 0,
            seeding,
            seeds: 0,
            wishes: VecDeque::new(),
            next: None,
            exposing: None,
            basis: None,
            foreseen: None,
            drift: Drift::default(),
            train_due: false,
            revision: 0,
            epoch: 0,
            commands: Vec::new(),
            refused: 0,
            failures: Vec::new(),
            paused: false,
            stopped: false,
            ended: None,
        }
    }

    /// Sets how many measurements the kernel has room for. No larger budget is accepted.
    pub(crate) fn set_room(&mut self, room: usize) {
        self.room = room;
    }

    /// Sets how many responses of a place the kernel holds. No more targets are accepted.
    pub(crate) fn set_most_targets(&mut self, most: usize) {
        self.most_targets = most;
    }

    /// What the campaign began with.
    pub fn begun(&self) -> &Begun {
        &self.begun
    }

    /// The settings in force.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The first overview; `None` before it was taken.
    pub fn image(&self) -> Option<&Map> {
        self.overview.as_ref().map(|overview| &overview.image)
    }

    /// The first overview with what came with it; `None` before it was taken.
    pub fn overview(&self) -> Option<&Arc<Overview>> {
        self.overview.as_ref()
    }

    /// The geometry of the image and its candidates; `None` before the first overview.
    pub fn candidates(&self) -> Option<Candidates> {
        self.candidates
    }

    /// Every measured point, in order, those included that were discarded.
    pub fn points(&self) -> &[MeasuredPoint] {
        &self.points
    }

    /// The points that count for the model, in order, each with its response; of several that are sought,
    /// the first. A point counts where all are usable.
    pub fn usable(&self) -> impl Iterator<Item = (&MeasuredPoint, f64)> {
        self.usable_vectors()
            .filter_map(|(point, mut responses)| Some((point, responses.next()?)))
    }

    /// The points that count for the model, in order, each with all responses that are sought.
    pub fn usable_vectors(
        &self,
    ) -> impl Iterator<Item = (&MeasuredPoint, impl Iterator<Item = f64>)> {
        let targets = &self.settings.targets;
        self.points.iter().filter_map(move |point| {
            let responses = targets
                .iter()
                .map(|&target| point.responses.get(target).copied());
            let mut known = responses.clone();
            let usable =
                !point.discarded && known.all(|of| of.is_some_and(|of| check_response(of).is_ok()));
            usable.then(|| (point, responses.flatten()))
        })
    }

    /// Points measured before the strategy had a say.
    pub fn seeds(&self) -> usize {
        match self.seeding {
            Seeding::Done => self.seeds,
            _ => self.points.len(),
        }
    }

    /// Points measured since.
    pub fn steps(&self) -> usize {
        self.points.len() - self.seeds()
    }

    /// Whether the model has yet to be trained on what is known.
    pub(crate) fn is_training_due(&self) -> bool {
        self.train_due && self.usable().next().is_some()
    }

    /// What the components that are sought were learnt from last; `None` where none are, or before.
    pub fn basis(&self) -> Option<&BasisChange> {
        self.learnt().map(|(basis, _)| basis)
    }

    fn learnt(&self) -> Option<(&BasisChange, usize)> {
        let sought = self.settings.components()?;
        let (basis, at) = self.basis.as_ref()?;
        (basis.target == sought).then_some((basis, *at))
    }

    /// The components that are to be learnt now, from every point that counts: once the strategy has a say,
    /// and then whenever half as many spectra again were measured. None once the campaign has ended, or a
    /// person has stopped it: its responses stay those that it ended with.
    pub(crate) fn components_due(&self) -> Option<ComponentsTarget> {
        let learns = !self.is_seeding() && !self.stopped && self.ended.is_none();
        let sought = self.settings.components().filter(|_| learns)?;
        let spectra = self.counted().count();
        let due = match self.learnt() {
            None => spectra >= sought.count(),
            Some((_, at)) => is_outgrown(at, spectra),
        };
        due.then_some(sought)
    }

    /// The points whose spectra components are learnt from: those that nobody has discarded.
    pub(crate) fn counted(&self) -> impl Iterator<Item = &MeasuredPoint> {
        self.points.iter().filter(|point| !point.discarded)
    }

    /// Whether the strategy has no say yet.
    pub fn is_seeding(&self) -> bool {
        self.seeding != Seeding::Done
    }

    /// The point that is measured next, where it was chosen.
    pub fn next_point(&self) -> Option<&NextPoint> {
        self.next.as_ref()
    }

    /// The points that people want measured, in the order of their commands.
    pub fn wishes(&self) -> impl Iterator<Item = Candidate> {
        self.wishes.iter().copied()
    }

    /// The candidate under the beam.
    pub fn exposing(&self) -> Option<Candidate> {
        self.exposing.map(|(point, _)| point.candidate)
    }

    /// The account of the dose.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Current of the beam: what the user said, else what the instrument says.
    pub fn current(&self) -> Option<Picoamperes> {
        let measured = self.overview.as_ref().and_then(|o| o.beam.current);
        let instrument = measured.or(self.begun.beam.current);
        self.settings.current.or(instrument)
    }

    /// How far the sample has moved down and to the right by the last overview, in pixels.
    pub fn drift(&self) -> (f64, f64) {
        self.drift.shift
    }

    /// Targets sought before this one, components that were learnt anew being another.
    pub fn revision(&self) -> u32 {
        self.revision
    }

    /// Counts the times that the kernel has to start over, from 0: when another target is sought,
    /// when other points count, when what it may not propose becomes less, and when more dose is
    /// allowed.
    pub fn epoch(&self) -> u32 {
        self.epoch
    }

    /// The commands that held, each with the points measured by then.
    pub fn commands(&self) -> &[(usize, Given)] {
        &self.commands
    }

    /// How many commands were taken, whether they held or not.
    pub fn commands_taken(&self) -> usize {
        self.commands.len() + self.refused
    }

    /// The message of the instrument at each failure.
    pub fn failures(&self) -> &[String] {
        &self.failures
    }

    /// The points that were left out or could not be used, with the reason.
    pub fn left_out(&self) -> &[(Candidate, String)] {
        &self.unusable
    }

    /// Whether a person paused the campaign.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Why the campaign ended, while it has.
    pub fn ended(&self) -> Option<&Ended> {
        self.ended.as_ref()
    }

    /// What the kernel must not propose, beside what it measured: few rectangles.
    pub fn mask(&self) -> Vec<Region> {
        let Some(candidates) = self.candidates else {
            return Vec::new();
        };
        let usable: std::collections::HashSet<_> =
            self.usable().map(|(point, _)| point.candidate).collect();
        Region::covering(candidates.height(), candidates.width(), |row, column| {
            let candidate = candidates.at(Pixel { row, column });
            candidate.is_some_and(|candidate| match self.standing(candidate) {
                Standing::Free | Standing::Next | Standing::Exposing => false,
                Standing::Measured => !usable.contains(&candidate),
                Standing::Excluded | Standing::LeftOut | Standing::Discarded => true,
            })
        })
    }

    /// Whether training goes on beside the proposals.
    fn trains_beside(&self) -> bool {
        self.settings.campaign.train_beside && self.settings.order.is_empty()
    }

    /// The strategy that proposes the next point.
    pub fn proposing(&self) -> beacon_kernel::Acquisition {
        let chosen = self.settings.campaign.acquisition();
        match self.seeding {
            Seeding::Done => chosen.unwrap_or_default(),
            _ => beacon_kernel::Acquisition::new(Strategy::Random),
        }
    }
}
