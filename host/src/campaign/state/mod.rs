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

mod commands;
mod next;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::Arc;

use beacon_kernel::{Candidate, Candidates, LARGEST_RESPONSE, Pixel, Strategy};

pub use next::{Action, Expose, Now, Wait};
pub use settings::Settings;
pub(super) use settings::positive;

use super::dose::{Ledger, pixel_area};
use super::event::{Begun, Event, Given, Measured, Overview, Proposed, Surveyed};
use super::{Ended, Region};
use crate::data::Map;
use crate::microscope::Position;
use crate::scalarizer::Scalarizer;
use crate::units::{Electrons, Picoamperes, Seconds};

/// What a candidate is: exactly one of these at any time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It may be proposed.
    Free,
    /// It was chosen and is exposed next.
    Next,
    /// The beam is on its way to it or on it.
    Exposing,
    /// It was measured, and counts.
    Measured,
    /// A person excluded it.
    Excluded,
    /// It cannot be measured, or its measurement cannot be used.
    LeftOut,
    /// It was measured, and a person discarded the measurement.
    Discarded,
}

/// Who chose a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Author {
    /// It was among the points given to start from, or in an order that is followed.
    Plan,
    /// The kernel, at random, before the strategy has a say.
    Chance,
    /// The kernel, by its strategy.
    Strategy,
    /// A person.
    Person,
}

/// The point that is measured next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NextPoint {
    /// The candidate.
    pub candidate: Candidate,
    /// Who chose it.
    pub author: Author,
    /// What the kernel said of it, where it chose it.
    pub proposed: Option<Proposed>,
    /// Whether it still waits for a person's word.
    pub waits: bool,
    /// Whether an exposure of it was begun and came to nothing: the sample may have been exposed
    /// there, so that nothing else comes before it.
    pub begun: bool,
}

/// A measured point. Its spectrum is in the journal, where there is one.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredPoint {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
    /// Where in the frame it was measured, drift included.
    pub position: Position,
    /// Where the beam really was, row and column of the first overview; known of simulated
    /// samples alone.
    pub true_pixel: Option<(f64, f64)>,
    /// How long the detectors were ready to count.
    pub live_time: Seconds,
    /// How long the beam was on.
    pub real_time: Seconds,
    /// Its dose; 0 where the current is not known.
    pub electrons: Electrons,
    /// A number from each scalarizer; NaN where one gave none.
    pub responses: Vec<f64>,
    /// Who chose it.
    pub author: Author,
    /// What the kernel said of it, where it chose it.
    pub proposed: Option<Proposed>,
    /// Targets sought before the one that it was chosen under.
    pub revision: u32,
    /// Whether a person discarded it.
    pub discarded: bool,
}

/// An event that does not fit the campaign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the event `{event}` does not fit the campaign: {why}")]
pub struct Contradiction {
    /// The event.
    pub event: &'static str,
    /// Why not.
    pub why: String,
}

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
    /// Overviews in a row that told no drift.
    uncertain: u32,
    /// Whether the campaign goes on after it had ended by drift: it looks first where the sample is.
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
    /// Points that somebody said before, to be measured in this order after the seeds.
    order: VecDeque<Candidate>,
    /// Points that persons want measured, in the order they said so.
    wishes: VecDeque<Candidate>,
    next: Option<NextPoint>,
    /// The point under the beam, and the electrons announced for it.
    exposing: Option<(NextPoint, Electrons)>,
    ledger: Ledger,
    /// Most measurements that the kernel has room for.
    room: usize,
    real_to_live: f64,
    drift: Drift,
    /// Whether the model has yet to be trained on what is known.
    train_due: bool,
    /// Targets sought before this one.
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
            Event::Surveying { electrons } => self.ledger.spend_on_overview(*electrons),
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
                self.give_up_exposure();
                self.release_next(candidate);
                self.stand(candidate, Standing::LeftOut);
                self.unusable.push((candidate, why.clone()));
                self.unusable_in_row += 1;
            }
            Event::Failed { why } => {
                self.failures.push(why.clone());
                self.give_up_exposure();
            }
            Event::Trained(_) => self.train_due = false,
            Event::Commanded(given) => {
                if let Some(why) = self.objection(&given.command) {
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

    fn take_overview(&mut self, overview: &Overview) -> Result<(), Contradiction> {
        if self.overview.is_some() {
            return Err(contradiction("Overview", "there is one already"));
        }
        let image = &overview.image;
        let window = self.settings.campaign.window;
        let candidates = Candidates::new(image.height(), image.width(), window)
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
        let due = (self.steps() + 1).is_multiple_of(self.settings.campaign.retrain_every);
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
            revision: self.revision,
            discarded: false,
        });
        if let Seeding::Random(count) = self.seeding
            && self.points.len() >= count
        {
            self.finish_seeding();
        } else if self.seeding == Seeding::Done {
            let due = self
                .steps()
                .is_multiple_of(self.settings.campaign.retrain_every);
            self.train_due |= due && !self.trains_beside();
        }
        Ok(())
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
            let sought = index == self.settings.target;
            match response {
                Ok(response) if sought => responses.push(check_response(response)?),
                Ok(response) => responses.push(response),
                Err(error) if sought => return Err(error.to_string()),
                Err(_) => responses.push(f64::NAN),
            }
        }
        Ok(responses)
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

    /// What is next where somebody has said before: persons first, then the points to start from,
    /// then the order that is followed.
    fn choose(&mut self) {
        if self.overview.is_none() || self.next.is_some() || self.exposing.is_some() {
            return;
        }
        while let Some(candidate) = self.wishes.pop_front() {
            if self.is_free(candidate) {
                return self.choose_planned(candidate, Author::Person);
            }
        }
        while let Seeding::Given(seeds) = &mut self.seeding {
            match seeds.pop_front() {
                Some(seed) if self.is_free(seed) => {
                    return self.choose_planned(seed, Author::Plan);
                }
                // It was measured, excluded or left out before its turn came.
                Some(_) => {}
                None => self.finish_seeding(),
            }
        }
        if self.seeding == Seeding::Random(0) {
            self.finish_seeding();
        }
        while let (Seeding::Done, Some(candidate)) = (&self.seeding, self.order.pop_front()) {
            if self.is_free(candidate) {
                return self.choose_planned(candidate, Author::Plan);
            }
        }
    }

    /// Takes for granted that a candidate was proposed, where a journal does not say so.
    pub(crate) fn expect(&mut self, candidate: Candidate) {
        if self.next.is_none() && self.exposing.is_none() && self.is_free(candidate) {
            self.choose_planned(candidate, Author::Strategy);
        }
    }

    fn choose_planned(&mut self, candidate: Candidate, author: Author) {
        self.set_next(NextPoint {
            candidate,
            author,
            proposed: None,
            waits: false,
            begun: false,
        });
    }

    fn finish_seeding(&mut self) {
        self.seeding = Seeding::Done;
        self.seeds = self.points.len();
        self.train_due = true;
    }

    fn set_next(&mut self, next: NextPoint) {
        self.stand(next.candidate, Standing::Next);
        self.next = Some(next);
    }

    /// Forgets that a candidate is next; it is free then.
    fn release_next(&mut self, candidate: Candidate) {
        if self.next.is_some_and(|next| next.candidate == candidate) {
            self.next = None;
            self.stand(candidate, Standing::Free);
        }
    }

    /// The exposure under way came to nothing: its candidate is next again.
    fn give_up_exposure(&mut self) {
        if let Some((point, _)) = self.exposing.take() {
            self.set_next(NextPoint {
                begun: true,
                ..point
            });
        }
    }

    fn stand(&mut self, candidate: Candidate, standing: Standing) {
        let Some(place) = self.standings.get_mut(candidate.index()) else {
            return;
        };
        let before = std::mem::replace(place, standing);
        self.free += usize::from(standing == Standing::Free);
        self.free -= usize::from(before == Standing::Free);
    }

    /// Gives every candidate of a region the standing that `to` makes of the one it has.
    fn restand(&mut self, region: &Region, to: impl Fn(Standing) -> Option<Standing>) {
        let Some(candidates) = self.candidates else {
            return;
        };
        for row in region.rows.start..region.rows.end.min(candidates.height()) {
            for column in region.columns.start..region.columns.end.min(candidates.width()) {
                if let Some(candidate) = candidates.at(Pixel { row, column })
                    && let Some(standing) = to(self.standing(candidate))
                {
                    self.release_next(candidate);
                    self.stand(candidate, standing);
                }
            }
        }
    }

    fn existing(&self, event: &'static str, candidate: u32) -> Result<Candidate, Contradiction> {
        let count = self.standings.len();
        if (candidate as usize) < count {
            return Ok(Candidate(candidate));
        }
        let why = format!("there is no candidate {candidate}, but {count} numbered from 0");
        Err(contradiction(event, why))
    }

    fn is_free(&self, candidate: Candidate) -> bool {
        self.standing(candidate) == Standing::Free
    }

    /// Candidates that may be measured, those chosen already included.
    pub(crate) fn free_at_first(&self) -> usize {
        self.free + usize::from(self.next.is_some())
    }

    /// Where a candidate stands; left out where there is none.
    pub fn standing(&self, candidate: Candidate) -> Standing {
        let standing = self.standings.get(candidate.index());
        standing.copied().unwrap_or(Standing::LeftOut)
    }

    /// The standings of all candidates, in their order; none before the first overview.
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    fn pixel(&self, candidate: Candidate) -> Pixel {
        let pixel = self.candidates.and_then(|all| all.pixel(candidate).ok());
        pixel.unwrap_or(Pixel { row: 0, column: 0 })
    }

    /// Says how many measurements the kernel has room for, beyond which no budget is taken.
    pub(crate) fn set_room(&mut self, room: usize) {
        self.room = room;
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

    /// The points that count for the model, in order, each with its response.
    pub fn usable(&self) -> impl Iterator<Item = (&MeasuredPoint, f64)> {
        let target = self.settings.target;
        self.points.iter().filter_map(move |point| {
            let response = *point.responses.get(target)?;
            let usable = !point.discarded && check_response(response).is_ok();
            usable.then_some((point, response))
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

    /// Whether the strategy has no say yet.
    pub fn is_seeding(&self) -> bool {
        self.seeding != Seeding::Done
    }

    /// The point that is measured next, where it was chosen.
    pub fn next_point(&self) -> Option<&NextPoint> {
        self.next.as_ref()
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

    /// Targets sought before this one.
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

    /// What the instrument said each time that it failed.
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

fn contradiction(event: &'static str, why: impl Into<String>) -> Contradiction {
    Contradiction {
        event,
        why: why.into(),
    }
}
