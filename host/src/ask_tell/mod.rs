//! Campaigns whose points the caller measures.
//!
//! | file | what |
//! |---|---|
//! | `beginning` | what a campaign begins with, or goes on with from a folder |
//! | `coverage` | how many of the vectors that several responses can be were met |
//! | `told` | what lies outside it: who tells, and the journal |
//! | `error` | what stands in its way |

mod beginning;
mod coverage;
mod error;
mod told;

use std::path::Path;

use beacon_kernel::{Candidate, Candidates, Pixel};

pub use beginning::{Beginning, Setup};
pub use error::AskTellError;

use crate::campaign::drive::{Chosen, Drive, Views};
use crate::campaign::{
    Author, CampaignError, Command, Ended, Event, Expectation, FurtherResponse, Given, MapFigures,
    Measurement, PublishedMap, Series, State,
};
use crate::controller::Controller;
use crate::data::Map;
use crate::journal::now_ms;
use told::Told;

/// A point that is to be measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Asked {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
    /// What the model expects there, of several targets of the first; `None` for a point that chance or a plan
    /// chose, or that was chosen when other targets were sought.
    pub expected: Option<Expectation>,
}

/// A point that was asked for and is not told yet.
#[derive(Clone, Debug)]
struct Pending {
    candidate: Candidate,
    /// `None` for one that was planned.
    chosen: Option<Chosen>,
    /// Targets sought before those that it was chosen under.
    revision: u32,
}

impl Pending {
    /// How it was chosen, without what was expected there where other targets are sought now.
    fn chosen_by(&self, revision: u32) -> Option<Chosen> {
        let mut chosen = self.chosen.clone()?;
        if self.revision != revision {
            chosen.proposed.prediction = None;
            chosen.foreseen.clear();
        }
        Some(chosen)
    }
}

/// What a strategy of the caller's, which decides by one target, may see: one entry a candidate, in their order.
#[derive(Clone, Debug)]
pub struct Sight {
    views: Views,
    revision: u32,
    /// Whether a candidate may be chosen.
    pub free: Vec<bool>,
}

impl Sight {
    /// Posterior means, in the units of the response.
    pub fn mean(&self) -> &[f64] {
        &self.views.mean
    }

    /// Posterior standard deviations, likewise, without the noise of measuring once.
    pub fn sigma(&self) -> &[f64] {
        &self.views.sigma
    }

    /// One joint sample of the posterior, likewise.
    pub fn sample(&self) -> &[f64] {
        &self.views.sample
    }

    /// Mean distance of the sample to the nearest k known responses, likewise.
    pub fn novelty(&self) -> &[f64] {
        &self.views.novelty
    }

    /// Distance to the most alike measured patch, in standard deviations of the patches' pixels.
    pub fn distance(&self) -> &[f64] {
        &self.views.distance
    }
}

/// A campaign whose points the caller measures: it asks for a point, measures it by whatever means it
/// has, and tells what came of it.
///
/// ```
/// use beacon_host::{AskTell, Beginning, Setup};
/// use beacon_host::campaign::{CampaignConfig, Seeds};
/// use beacon_host::controller::InProcess;
/// use beacon_host::data::Map;
///
/// let pixels = (0..32 * 32).map(|n| f64::from(n % 32 * (n / 32)).sin()).collect();
/// let image = Map::uncalibrated(32, 32, pixels, "brightness");
/// let setup = Setup::new(CampaignConfig::default(), 14);
/// let beginning = Beginning::new(setup, Seeds::Random(10), image, |_, _| false)?;
/// let mut memory = beginning.memory()?;
/// let mut controller = InProcess::new(&mut memory)?;
/// let mut explorer = AskTell::begin(beginning, &mut controller, None)?;
/// for _ in 0..14 {
///     for point in explorer.ask(1)? {
///         let response = (9.0 * point.pixel.column as f64).sin();
///         explorer.tell(vec![(point.candidate, vec![response])])?;
///     }
/// }
/// assert_eq!(explorer.measurements().1, 10);
/// assert!(explorer.ask(1).is_err(), "all 14 points are measured");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// It runs the same state machine, kernel and trainer as every campaign: asked and told one by one, it
/// measures the points of a replay, bit for bit. Points that were asked for and are not told yet count as
/// measured for what is asked next, with the responses that the model expects there.
pub struct AskTell<'a> {
    drive: Drive<'a>,
    candidates: Candidates,
    world: Told,
    pending: Vec<Pending>,
}

impl<'a> AskTell<'a> {
    /// Begins a campaign, or goes on with one. With `folder` every event is in a journal there, on
    /// disk before anything follows from it.
    ///
    /// # Errors
    /// When the kernel refuses, or the folder holds another campaign or cannot be written to.
    pub fn begin(
        beginning: Beginning,
        controller: &'a mut dyn Controller,
        folder: Option<&Path>,
    ) -> Result<Self, AskTellError> {
        let Beginning {
            state,
            patches,
            monitor,
            records,
            rest,
            learned,
        } = beginning;
        let (room, candidates) = (controller.room(), patches.candidates());
        let most = controller.room_for_responses();
        let how = crate::campaign::Use::default();
        let mut drive = Drive::new(state, patches, monitor, controller, how)?;
        drive.set_room(room);
        drive.set_most_targets(most);
        let mut world = Told::new(records);
        let mut done = 0;
        if let Some((count, kept)) = learned {
            done = count;
            for record in &rest[..done] {
                drive.pass(record)?;
            }
            drive.go_on_from(kept, &mut world)?;
        }
        for record in &rest[done..] {
            drive.fold(record, &mut world)?;
        }
        world.take_up(rest);
        if let Some(folder) = folder {
            let folder = world.keep_in(folder)?;
            if let Some((surrogates, plane)) = drive.shown() {
                folder.show(drive.state(), drive.series(), &surrogates, plane);
            }
        }
        let mut campaign = Self {
            drive,
            candidates,
            world,
            pending: Vec::new(),
        };
        campaign.clear()?;
        Ok(campaign)
    }

    /// Frees the point of a tell that broke off between its records. One that was under the beam by its
    /// record comes before all others: see [`Self::unfinished`].
    fn clear(&mut self) -> Result<(), CampaignError> {
        let world = &mut self.world;
        if self.drive.state().exposing().is_some() {
            let why = "what was measured was not kept".to_owned();
            self.drive
                .record(&Event::NotExposed { why }, world, &mut ())?;
        }
        let next = self.drive.state().next_point();
        let left = next.filter(|next| !next.begun && next.author == Author::Person);
        if let Some(candidate) = left.map(|next| next.candidate) {
            let withdrawn = given(Command::Withdraw(candidate.0));
            self.drive
                .record(&Event::Commanded(withdrawn), world, &mut ())?;
        }
        Ok(())
    }

    /// The point of a tell that broke off after the record that it is measured, and before what was.
    fn unfinished(&self) -> Option<Candidate> {
        let next = self.drive.state().next_point();
        next.filter(|next| next.begun).map(|next| next.candidate)
    }

    /// The state of the campaign.
    pub fn state(&self) -> &State {
        self.drive.state()
    }

    /// The geometry of the image and its candidates.
    pub fn candidates(&self) -> Candidates {
        self.candidates
    }

    fn asked(&self, pending: &Pending) -> Result<Asked, AskTellError> {
        let chosen = pending.chosen_by(self.state().revision());
        let expected = chosen.and_then(|Chosen { proposed, .. }| {
            let (mean, sigma) = proposed.prediction?;
            Some(Expectation {
                mean: f64::from(mean) + proposed.origin,
                sigma: f64::from(sigma),
            })
        });
        Ok(Asked {
            candidate: pending.candidate,
            pixel: self.candidates().pixel(pending.candidate)?,
            expected,
        })
    }

    /// The points that were asked for and are not told yet, in the order they were asked for.
    pub fn pending(&self) -> Vec<Asked> {
        let pending = self.pending.iter();
        pending.filter_map(|p| self.asked(p).ok()).collect()
    }

    fn pending_candidates(&self) -> Vec<Candidate> {
        self.pending.iter().map(|p| p.candidate).collect()
    }

    /// What keeps another point from being asked for.
    fn check_more(&self) -> Result<(), AskTellError> {
        let (state, pending) = (self.state(), self.pending.len());
        let budget = state.settings().budget;
        if state.points().len() + pending >= budget {
            return Err(AskTellError::Full { budget, pending });
        }
        if state.free_at_first() <= pending {
            return Err(AskTellError::Over(Ended::Exhausted));
        }
        Ok(())
    }

    /// The next `count` points to measure, fewer where no more are left. They are pending until they are
    /// told, [withdrawn](Self::withdraw) or excluded.
    ///
    /// # Errors
    /// When not even one is left, or the kernel refuses.
    pub fn ask(&mut self, count: usize) -> Result<Vec<Asked>, AskTellError> {
        let before = self.pending.len();
        for n in 0..count {
            match self.check_more() {
                Err(_) if n > 0 => break,
                more => more?,
            }
            let pending = self.pending_candidates();
            let is_new = |candidate: &Candidate| !pending.contains(candidate);
            let planned = self.unfinished().into_iter().chain(self.state().planned());
            let planned = planned.into_iter().find(is_new);
            let (candidate, chosen) = if let Some(candidate) = planned {
                (candidate, None)
            } else {
                let chosen = self.drive.propose_beside(&pending, &mut self.world)?;
                (Candidate(chosen.proposed.candidate), Some(chosen))
            };
            self.pending.push(Pending {
                candidate,
                chosen,
                revision: self.state().revision(),
            });
        }
        let asked = self.pending.iter().skip(before);
        asked.map(|point| self.asked(point)).collect()
    }

    /// What a strategy of the caller's may choose by; `None` while points are planned or chance chooses
    /// them, and without a model: [`Self::ask`] gives the next one then.
    ///
    /// # Errors
    /// [`AskTellError::OwnStrategy`] where several targets are sought: novelty is then a distance of vectors, which
    /// no array of one response tells. When no point is left, or the kernel refuses.
    pub fn sight(&mut self) -> Result<Option<Sight>, AskTellError> {
        let settings = self.state().settings();
        if settings.targets.len() > 1 {
            return Err(AskTellError::OwnStrategy {
                found: settings.targets.len(),
                targets: settings.targets_in_words(),
            });
        }
        self.check_more()?;
        let pending = self.pending_candidates();
        let state = self.state();
        let is_new = |candidate| !pending.contains(&candidate);
        if state.is_seeding() || state.planned().any(is_new) {
            return Ok(None);
        }
        let standings = state.standings().iter();
        let mut free: Vec<bool> = standings
            .map(|&standing| standing == crate::campaign::Standing::Free)
            .collect();
        for candidate in &pending {
            if let Some(free) = free.get_mut(candidate.index()) {
                *free = false;
            }
        }
        let revision = state.revision();
        let views = self.drive.views(&pending)?;
        Ok(views.map(|views| Sight {
            views,
            revision,
            free,
        }))
    }

    /// Takes the choice of a strategy of the caller's, as [`Self::ask`] takes the kernel's.
    ///
    /// # Errors
    /// When the candidate may not be chosen.
    pub fn choose(
        &mut self,
        candidate: Candidate,
        score: f32,
        sight: &Sight,
    ) -> Result<Asked, AskTellError> {
        self.check_more()?;
        if sight.free.get(candidate.index()) != Some(&true) {
            let refused = self.objection(&Command::Measure(candidate.0));
            let pixel = self.candidates().pixel(candidate)?;
            return Err(AskTellError::Refused(refused.unwrap_or_else(|| {
                format!(
                    "row {}, column {} is pending; expected a free candidate",
                    pixel.row, pixel.column
                )
            })));
        }
        let pending = Pending {
            candidate,
            chosen: Some(self.drive.chosen(candidate, score, &sight.views)),
            revision: sight.revision,
        };
        let asked = self.asked(&pending)?;
        self.pending.push(pending);
        Ok(asked)
    }

    /// Why a command cannot hold now.
    fn objection(&self, command: &Command) -> Option<String> {
        self.state().objection(command)
    }

    /// Takes what was measured, in this order, and trains on it. A point need not have been asked for.
    /// Of each the caller tells one number for each of the [channels](Setup::channels). Where a
    /// target becomes no finite number of them, the point is left out: its measurement has failed.
    ///
    /// # Errors
    /// When a point cannot be measured any more, the numbers are too few or too many, or the budget
    /// would be passed: then nothing is taken. When the journal cannot be written, or the kernel
    /// refuses.
    pub fn tell(&mut self, points: Vec<(Candidate, Vec<f64>)>) -> Result<(), AskTellError> {
        self.clear()?;
        let state = self.state();
        let expected = state.begun().channels.coordinates.len();
        let most = state.settings().budget - state.points().len().min(state.settings().budget);
        let told = points.len();
        if told > most {
            let budget = state.settings().budget;
            return Err(AskTellError::OverBudget { told, most, budget });
        }
        let unfinished = self.unfinished();
        if let Some(first) = unfinished
            && points.first().is_some_and(|(told, _)| *told != first)
        {
            let Pixel { row, column } = self.candidates().pixel(first)?;
            return Err(AskTellError::Refused(format!(
                "what was measured at row {row}, column {column} was not kept when it was told; expected it \
                 first, or that it failed"
            )));
        }
        for (n, (candidate, spectrum)) in points.iter().enumerate() {
            let pixel = self.candidates().pixel(*candidate)?;
            if unfinished != Some(*candidate)
                && let Some(why) = self.objection(&Command::Measure(candidate.0))
            {
                return Err(AskTellError::Refused(why));
            }
            if points[..n].iter().any(|(earlier, _)| earlier == candidate) {
                return Err(AskTellError::Twice(pixel));
            }
            if spectrum.len() != expected {
                return Err(AskTellError::Length {
                    pixel,
                    found: spectrum.len(),
                    expected,
                });
            }
        }
        for (candidate, spectrum) in points {
            let place = self.pending.iter().position(|p| p.candidate == candidate);
            let revision = self.state().revision();
            let chosen = place.and_then(|place| self.pending[place].chosen_by(revision));
            let wanted = given(Command::Measure(candidate.0));
            let world = &mut self.world;
            self.drive
                .take(candidate, chosen, wanted, spectrum, world)?;
            // One that could not be kept still waits to be told.
            if let Some(place) = place {
                self.pending.remove(place);
            }
        }
        Ok(self.drive.settle(&mut self.world)?)
    }

    /// Forgets that a point was asked for: it may be asked for again.
    ///
    /// # Errors
    /// When it is not pending.
    pub fn withdraw(&mut self, candidate: Candidate) -> Result<(), AskTellError> {
        let place = self.pending.iter().position(|p| p.candidate == candidate);
        let Some(place) = place else {
            return Err(AskTellError::NotPending(
                self.candidates().pixel(candidate)?,
            ));
        };
        self.pending.remove(place);
        Ok(self.drive.forget_pending()?)
    }

    /// Carries out a command: `exclude`, `include`, `discard`, `restore`, `strategy`, `target`, `budget`
    /// or `note`. Pending points that are excluded are withdrawn.
    ///
    /// # Errors
    /// When it cannot hold, with what would be accepted; when the journal cannot be written, or the
    /// kernel refuses.
    pub fn command(&mut self, command: Command) -> Result<(), AskTellError> {
        if let Some(why) = self.objection(&command) {
            return Err(AskTellError::Refused(why));
        }
        let (candidates, excluded) = (self.candidates(), command.excluded());
        let before = self.pending.len();
        self.pending.retain(|pending| {
            let pixel = candidates.pixel(pending.candidate);
            let lies = |pixel| excluded.iter().any(|region| region.holds(pixel));
            !pixel.is_ok_and(lies)
        });
        if self.pending.len() < before {
            self.drive.forget_pending()?;
        }
        self.world.waiting.push_back(given(command));
        Ok(self.drive.carry_out_commands(&mut self.world)?)
    }

    /// Mean and standard deviation of the surrogate that decides, over the candidates' pixels, NaN
    /// elsewhere; of several targets of the first. `None` without a model.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn surrogate(&mut self) -> Result<Option<(Map, Map)>, AskTellError> {
        Ok(self.surrogates()?.into_iter().next())
    }

    /// The same of each target, in their order; none without a model.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn surrogates(&mut self) -> Result<Vec<(Map, Map)>, AskTellError> {
        let targets = Told::quantities(self.drive.state());
        Ok(self.drive.maps(&targets)?)
    }

    /// The map to publish: the response at every pixel as estimated from all points, of several targets the
    /// first; `None` where nothing was measured.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn map(&self) -> Result<Option<(PublishedMap, MapFigures)>, AskTellError> {
        self.map_of(0)
    }

    /// The same of a target by its place, from 0; `None` beyond those that are sought as well.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn map_of(
        &self,
        target: usize,
    ) -> Result<Option<(PublishedMap, MapFigures)>, AskTellError> {
        let targets = Told::quantities(self.drive.state());
        let Some(of) = targets.get(target) else {
            return Ok(None);
        };
        let (map, mut figures) = self.drive.map_to_publish((target, of))?;
        Ok(map.zip(figures.pop()))
    }

    /// Every measured point that is on record, in order, and how many of them were measured before the
    /// strategy had a say.
    pub fn measurements(&self) -> (Vec<Measurement>, usize) {
        self.drive.measurements()
    }

    /// What is sought beside the first target: its values and what was expected of them, an entry for each of
    /// [`Self::measurements`]. Their surrogates are among [`Self::surrogates`].
    pub fn further(&self) -> Vec<FurtherResponse> {
        let targets = Told::quantities(self.drive.state());
        self.drive.further_responses(targets)
    }

    /// Share of the range of responses so far that was visited after each step, from 0 to 1: that of
    /// [`Series::observed_coverage`]. Of several targets it is the share of cells of equal width between the
    /// lowest and the highest value along each whitened axis of the vectors so far, about as many cells as one
    /// response has bins, and of all steps as though these targets had been sought from the beginning.
    pub fn coverage(&self) -> Vec<f64> {
        match self.state().settings().targets.len() {
            1 => self.series().observed_coverage.clone(),
            _ => coverage::of_vectors(self.state()),
        }
    }

    /// What was told of a measured point.
    pub fn spectrum(&self, candidate: Candidate) -> Option<&[f64]> {
        self.world.spectrum(candidate)
    }

    /// The figures of every step so far.
    pub fn series(&self) -> &Series {
        self.drive.series()
    }

    /// What went wrong without ending the campaign.
    pub fn warnings(&self) -> &[String] {
        self.drive.warnings()
    }

    /// Writes the campaign into a folder, from which [`Beginning::load`] goes on. A folder that holds an
    /// earlier state of it is brought up to date. Pending points are not part of it.
    ///
    /// # Errors
    /// When the folder holds another campaign, or cannot be written to.
    pub fn save(&mut self, folder: &Path) -> Result<(), AskTellError> {
        let Some(mut folder) = self.world.copied(folder)? else {
            return Ok(());
        };
        let drive = &mut self.drive;
        folder.keep(&|| drive.kept());
        if let Some((surrogates, plane)) = drive.shown() {
            folder.show(drive.state(), drive.series(), &surrogates, plane);
        }
        Ok(())
    }
}

/// A command that the caller gives now.
fn given(command: Command) -> Given {
    Given {
        command,
        by: String::new(),
        at_ms: now_ms(),
    }
}

#[cfg(test)]
mod tests;
