//! Campaigns whose points the caller measures.
//!
//! | file | what |
//! |---|---|
//! | `beginning` | what a campaign begins with, or goes on with from a folder |
//! | `told` | what lies outside it: who tells, and the journal |
//! | `error` | what stands in its way |

mod beginning;
mod error;
mod told;

use std::path::Path;

use beacon_kernel::{Candidate, Candidates, Pixel};

pub use beginning::{Beginning, Setup};
pub use error::AskTellError;

use crate::campaign::drive::{Drive, Views};
use crate::campaign::{
    Author, CampaignError, Command, Ended, Event, Expectation, Given, MapFigures, Measurement,
    Proposed, PublishedMap, Series, State,
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
    /// What the model expects there; `None` for a point that chance or a plan chose.
    pub expected: Option<Expectation>,
}

/// A point that was asked for and is not told yet.
#[derive(Clone, Copy, Debug)]
struct Pending {
    candidate: Candidate,
    /// `None` for one that was planned.
    proposed: Option<Proposed>,
}

/// What a strategy of the caller's may see: one entry a candidate, in their order.
#[derive(Clone, Debug)]
pub struct Sight {
    views: Views,
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
/// measured for what is asked next, with the response that the model expects there.
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
        let how = crate::campaign::Use::default();
        let mut drive = Drive::new(state, patches, monitor, controller, how)?;
        drive.set_room(room);
        drive.set_most_targets(1);
        let mut world = Told::new(records);
        let mut done = 0;
        if let Some((count, kept)) = learned {
            done = count;
            drive.fold_learned(&rest[..done], kept, &mut world)?;
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
        let Pending {
            candidate,
            proposed,
        } = *pending;
        let expected = proposed.and_then(|proposed| {
            let (mean, sigma) = proposed.prediction?;
            Some(Expectation {
                mean: f64::from(mean) + proposed.origin,
                sigma: f64::from(sigma),
            })
        });
        Ok(Asked {
            candidate,
            pixel: self.candidates().pixel(candidate)?,
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
            let point = if let Some(candidate) = planned {
                Pending {
                    candidate,
                    proposed: None,
                }
            } else {
                let proposed = self.drive.propose_beside(&pending, &mut self.world)?;
                Pending {
                    candidate: Candidate(proposed.candidate),
                    proposed: Some(proposed),
                }
            };
            self.pending.push(point);
        }
        let asked = self.pending.iter().skip(before);
        asked.map(|point| self.asked(point)).collect()
    }

    /// What a strategy of the caller's may choose by; `None` while points are planned or chance chooses
    /// them, and without a model: [`Self::ask`] gives the next one then.
    ///
    /// # Errors
    /// When no point is left, or the kernel refuses.
    pub fn sight(&mut self) -> Result<Option<Sight>, AskTellError> {
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
        let views = self.drive.views(&pending)?;
        Ok(views.map(|views| Sight { views, free }))
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
            proposed: Some(self.drive.chosen(candidate, score, &sight.views)),
        };
        self.pending.push(pending);
        self.asked(&pending)
    }

    /// Why a command cannot hold now.
    fn objection(&self, command: &Command) -> Option<String> {
        self.state().objection(command)
    }

    /// Takes what was measured, in this order, and trains on it. A point need not have been asked for.
    /// Of each the caller tells one number for each of the [channels](Setup::channels). Where the
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
            let proposed = place.and_then(|place| self.pending[place].proposed);
            let wanted = given(Command::Measure(candidate.0));
            let world = &mut self.world;
            self.drive
                .take(candidate, proposed, wanted, spectrum, world)?;
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
    /// elsewhere; `None` without a model.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn surrogate(&mut self) -> Result<Option<(Map, Map)>, AskTellError> {
        let target = Told::quantity(self.drive.state());
        let (mean, sigma) = self.drive.maps(&target)?;
        Ok(mean.zip(sigma))
    }

    /// The map to publish: the response at every pixel as estimated from all points; `None` where
    /// nothing was measured.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn map(&self) -> Result<Option<(PublishedMap, MapFigures)>, AskTellError> {
        let target = Told::quantity(self.drive.state());
        let (map, mut figures) = self.drive.map_to_publish(&target)?;
        Ok(map.zip(figures.pop()))
    }

    /// Every measured point that is on record, in order, and how many of them were measured before the
    /// strategy had a say.
    pub fn measurements(&self) -> (Vec<Measurement>, usize) {
        self.drive.measurements()
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
