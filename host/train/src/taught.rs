//! Teaches the fixed network what a wider process says of every patch.
//!
//! A network that learns from a few responses alone is a weak learner. Here a
//! [process](super::process) over nine features of a patch and its place learns from the responses,
//! and the first axis of the network's plane is taught that process's mean at patches of the whole
//! image (distillation: Hinton, Vinyals & Dean 2015, "Distilling the knowledge in a neural
//! network"). The second axis is held at the leading principal component of the features, which
//! tells structures apart that respond alike. Of several responses, the first axis is taught the first
//! one's mean, and the second what the means of the others hold beyond it, where they hold more. At hand-over, before anything is measured, the
//! network is taught the two leading components.
//!
//! The process on the plane has parameters of its own, maximum a posteriori. Every measured point
//! takes part in its own lesson, so that its latent agrees with its response better than those of
//! other candidates do; for the parameters, every point lies where the teacher without it would
//! have put it.

mod beyond;
mod components;
mod plane;

use beacon_kernel::network::LATENT;
use beacon_kernel::{Candidate, Error, Model, Network, Standardisation};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::backprop::Batch;
use super::bfgs;
use super::likelihood::{self, Likelihood};
use super::process::{self, Process, Site};
use super::{FitReport, Pace, TrainError, TrainerConfig, initial, mapmaker, targets};
use crate::Patches;
use beyond::beyond;
use components::components;
use plane::{PRIORS, Plane};

/// Patches of one step of a lesson.
const BATCH: usize = 64;
/// Steps of a lesson: at hand-over, with the first responses, and with every later one.
const PREPARATION: usize = 300;
const FIRST_LESSON: usize = 100;
const LESSON: usize = 12;
/// Adam's step size at the beginning of a lesson, and the share of it at the end. A third of it, over
/// half as many steps, leaves the network half of the teacher's variance behind on a ferroelectric.
const RATE: f64 = 3e-3;
const LAST_RATE: f64 = 0.3;
/// What an error of each axis counts for.
const COUNTS: [f64; LATENT] = [1.0, 0.1];
/// The same where the second axis is taught what further responses say.
const COUNTS_OF_SEVERAL: [f64; LATENT] = [1.0, 1.0];

/// Steps of one search for the teacher's parameters.
const MOST_STEPS: usize = 60;
/// The teacher's parameters are sought again when there are a tenth more points than at the last
/// time, from fresh starts when there are a half more than at the last fresh one.
const REFIT: usize = 10;
const RESTART: usize = 2;

/// Steps towards these parameters with every response.
const PLANE_STEPS: usize = 3;

/// All that a [`TaughtTrainer`] keeps from one fit to the next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TaughtState {
    /// In the order of [`Network::layout`].
    weights: Vec<f64>,
    adam: Adam,
    /// Of the plane's process.
    plane: [f64; likelihood::PARAMETERS],
    /// The teacher's parameters; points when they were sought last, and from fresh starts; 0 before
    /// the first.
    teacher: Vec<f64>,
    fitted: usize,
    restarted: usize,
    /// Mean and scale of each response's targets, in bits.
    standardisations: Vec<[u32; 2]>,
}

/// Teaches one network over a campaign.
#[derive(Debug)]
pub struct TaughtTrainer {
    network: Network,
    config: TrainerConfig,
    patches: Patches,
    sites: Vec<Site>,
    /// Leading principal components of the features of every candidate, of variance 1.
    components: Vec<[f64; LATENT]>,
    /// In the order of their responses.
    points: Vec<Candidate>,
    prepared: TaughtState,
    state: TaughtState,
    /// Of each response; at least one.
    standardisations: Vec<Standardisation>,
    batch: Batch,
    likelihood: Likelihood,
}

impl TaughtTrainer {
    /// A trainer whose network was prepared on the image. Of the configuration it takes the noise
    /// floor, the seed and the most points of a fit.
    ///
    /// # Errors
    /// [`TrainError::Config`] when the configuration is not valid, [`TrainError::Kernel`] for an
    /// image or a window that the kernel refuses.
    pub fn new(patches: &Patches, config: TrainerConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let candidates = patches.candidates();
        let network = Network::for_window(candidates.window())?;
        let sites = mapmaker::sites(candidates, patches.pixels())?;
        let weights = initial::weights(network, config.seed);
        let state = TaughtState {
            adam: Adam::new(weights.len()),
            weights,
            plane: PRIORS.map(|prior| prior.mean),
            teacher: Vec::new(),
            fitted: 0,
            restarted: 0,
            standardisations: Vec::new(),
        };
        let mut trainer = Self {
            network,
            patches: patches.clone(),
            components: components(&sites),
            sites,
            points: Vec::new(),
            prepared: state.clone(),
            state,
            standardisations: vec![Standardisation::IDENTITY],
            batch: Batch::new(network),
            likelihood: Likelihood::new(config.noise_floor),
            config,
        };
        let pupils = trainer.draw(PREPARATION);
        let lesson = pupils.iter().map(|n| trainer.components[n.index()]);
        let lesson: Vec<_> = lesson.collect();
        rayon::scope(|_| trainer.teach(&Pace::default(), &pupils, &lesson, COUNTS))?;
        trainer.prepared = trainer.state.clone();
        Ok(trainer)
    }

    /// Forgets what responses taught, and keeps the points.
    pub fn forget(&mut self) {
        self.state = self.prepared.clone();
        self.take_over();
    }

    /// Adds a point behind the others; its response comes with the next fit.
    ///
    /// # Errors
    /// [`Error::NoSuchCandidate`].
    pub fn add(&mut self, candidate: Candidate) -> Result<(), Error> {
        self.patches.candidates().corner(candidate)?;
        self.points.push(candidate);
        Ok(())
    }

    /// Forgets the points, and keeps what was learned.
    pub fn clear(&mut self) {
        self.points.clear();
    }

    /// Teaches the network what the teacher says after all points, whose responses in raw units
    /// these are. Where numerical trouble leaves no teacher, or a model that the kernel would
    /// refuse, the network stays as it was.
    ///
    /// # Errors
    /// For a caller's mistakes, which change nothing: [`TrainError::NoPoints`],
    /// [`TrainError::PointCount`], [`TrainError::Response`].
    pub fn fit(&mut self, responses: &[f64]) -> Result<FitReport, TrainError> {
        self.fit_all(&[responses])
    }

    /// The same of several responses of every point, a column of each: they share the network, the teacher
    /// and the process on the plane, and the likelihoods are those of all of them.
    ///
    /// # Errors
    /// As [`Self::fit`], and [`TrainError::NoResponses`], [`TrainError::Columns`].
    pub fn fit_all(&mut self, responses: &[&[f64]]) -> Result<FitReport, TrainError> {
        self.fit_at(&Pace::default(), responses)
    }

    /// The same, which another thread may break off.
    pub(super) fn fit_at(
        &mut self,
        pace: &Pace,
        responses: &[&[f64]],
    ) -> Result<FitReport, TrainError> {
        let count = targets::count(responses, self.points.len())?;
        let before = self.state.clone();
        let most = self.config.most_points;
        let (standardisations, targets) = targets::standardised(responses, most);
        let some = targets::some_of(count, most);
        let points: Vec<Candidate> = some.map(|n| self.points[n]).collect();
        let mut report = FitReport {
            points: points.len(),
            epochs: 0,
            skipped: 0,
            loss_before: None,
            loss_after: None,
            jitter: 0.0,
        };
        rayon::scope(|_| self.learn(pace, &points, &targets, &mut report))?;
        if pace.is_broken() {
            return Err(TrainError::BrokenOff);
        }
        self.state.standardisations = targets::to_bits(&standardisations);
        self.take_over();
        if self.model().validate().is_err() {
            report.skipped += report.epochs;
            report.epochs = 0;
            self.state = before;
            self.take_over();
        }
        Ok(report)
    }

    /// A lesson by the teacher of these targets at these points, and the parameters of the plane's process.
    fn learn(
        &mut self,
        pace: &Pace,
        taught: &[Candidate],
        targets: &[Vec<f64>],
        report: &mut FitReport,
    ) -> Result<(), Error> {
        let columns: Vec<&[f64]> = targets.iter().map(Vec::as_slice).collect();
        let steps = if self.state.fitted == 0 {
            FIRST_LESSON
        } else {
            LESSON
        };
        let points: Vec<Site> = taught.iter().map(|n| self.sites[n.index()]).collect();
        pace.announce(steps);
        self.seek(pace, &points, &columns);
        let mut teacher = Process::of(&points, columns);
        if !teacher.settle(&self.state.teacher) {
            report.skipped = steps;
            return Ok(());
        }
        let pupils = self.draw(steps);
        let sites: Vec<Site> = pupils.iter().map(|n| self.sites[n.index()]).collect();
        let of_each = 0..targets.len();
        let means: Vec<Vec<f64>> = of_each
            .clone()
            .map(|response| teacher.means_of(response, &sites))
            .collect();
        let beyond = beyond(&means);
        let lesson = pupils.iter().enumerate().map(|(n, pupil)| {
            let second = match &beyond {
                Some(beyond) => beyond.of(|response| means[response][n]),
                None => self.components[pupil.index()][0],
            };
            [means[0][n], second]
        });
        let lesson: Vec<_> = lesson.collect();
        let counts = if beyond.is_some() {
            COUNTS_OF_SEVERAL
        } else {
            COUNTS
        };
        self.teach(pace, &pupils, &lesson, counts)?;
        report.epochs = steps;

        self.show(taught)?;
        let without: Vec<_> = of_each.map(|r| teacher.left_out_of(r)).collect();
        let latents = self.batch.latents().enumerate();
        let latents = latents.map(|(n, latent)| {
            let [first, second] = latent.map(f64::from);
            let with = |response: usize| {
                let (target, without) = (targets[response][n], &without[response][n]);
                let error = target - without.mean;
                target - teacher.noise() * error / without.variance
            };
            let second = match &beyond {
                Some(beyond) => second + beyond.of(|r| without[r][n].mean) - beyond.of(with),
                None => second,
            };
            [first + without[0][n].mean - with(0), second]
        });
        pace.announce(PLANE_STEPS);
        let mut plane = Plane {
            latents: latents.collect(),
            targets,
            likelihood: &mut self.likelihood,
            parameters: self.state.plane,
        };
        if let Some(found) = bfgs::minimise(&mut plane, &mut self.state.plane, PLANE_STEPS, pace) {
            let count = taught.len() as f64;
            report.loss_before = Some(found.before / count);
            report.loss_after = Some(found.value / count);
            report.jitter = self.likelihood.jitter();
        }
        Ok(())
    }

    /// Seeks the teacher's parameters where that is due.
    fn seek(&mut self, pace: &Pace, points: &[Site], targets: &[&[f64]]) {
        let (count, state) = (self.points.len(), &mut self.state);
        let due = |last: usize, share: usize| {
            last == 0 || count < last || count >= last + (last / share).max(1)
        };
        if !due(state.fitted, REFIT) {
            return;
        }
        let mut starts = Vec::new();
        if state.fitted > 0 {
            starts.push(state.teacher.clone());
        }
        if due(state.restarted, RESTART) {
            starts.extend(process::starts());
            state.restarted = count;
        }
        if let Some(found) = process::search(points, targets, starts, MOST_STEPS, pace) {
            state.teacher = found;
            state.fitted = count;
        }
    }

    /// Candidates for so many steps, by chance.
    fn draw(&self, steps: usize) -> Vec<Candidate> {
        let number = (self.points.len() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut random = Xoshiro256PlusPlus::seed_from_u64(self.config.seed ^ number);
        let count = self.sites.len() as u64;
        let mut any = || Candidate((random.next_u64() % count) as u32);
        (0..steps * BATCH).map(|_| any()).collect()
    }

    /// Takes the patches of these candidates through the network.
    fn show(&mut self, candidates: &[Candidate]) -> Result<(), Error> {
        let mut patches = Vec::new();
        for &candidate in candidates {
            self.patches.append(candidate, &mut patches)?;
        }
        self.batch.set_weights(&self.state.weights);
        self.batch.set_patches(&patches);
        self.batch.forward();
        Ok(())
    }

    /// Teaches latents to patches, a batch at a time, by Adam on the squared error, that of each axis
    /// counting for so much.
    fn teach(
        &mut self,
        pace: &Pace,
        pupils: &[Candidate],
        lesson: &[[f64; LATENT]],
        counts: [f64; LATENT],
    ) -> Result<(), Error> {
        let mut gradient = vec![0.0; self.state.weights.len()];
        let batches = pupils.chunks(BATCH).zip(lesson.chunks(BATCH));
        let steps = batches.len() as f64;
        for (step, (pupils, lesson)) in batches.enumerate() {
            if pace.is_broken() {
                break;
            }
            self.show(pupils)?;
            let latents = self.batch.latents().zip(lesson);
            let errors = latents.map(|(latent, lesson)| {
                core::array::from_fn(|axis| {
                    let error = f64::from(latent[axis]) - lesson[axis];
                    2.0 / BATCH as f64 * counts[axis] * error
                })
            });
            let errors: Vec<[f64; LATENT]> = errors.collect();
            self.batch.backward(|n| errors[n], &mut gradient);
            let rate = RATE * (1.0 - (1.0 - LAST_RATE) * step as f64 / steps);
            let TaughtState { weights, adam, .. } = &mut self.state;
            adam.step(rate, weights, &gradient);
            pace.pass(1);
        }
        self.batch.set_weights(&self.state.weights);
        Ok(())
    }

    /// What it keeps from one fit to the next.
    pub fn state(&self) -> TaughtState {
        self.state.clone()
    }

    /// Goes on from a state of a trainer for the same network.
    ///
    /// # Errors
    /// [`TrainError::State`] when it is of another network. Nothing changes then.
    pub fn restore(&mut self, state: TaughtState) -> Result<(), TrainError> {
        let (found, expected) = (state.weights.len(), self.state.weights.len());
        if found != expected || !state.adam.fits(expected) {
            return Err(TrainError::State { found, expected });
        }
        let (found, expected) = (state.teacher.len(), process::PARAMETERS);
        if state.fitted > 0 && found != expected {
            return Err(TrainError::State { found, expected });
        }
        self.state = state;
        self.take_over();
        Ok(())
    }

    /// Makes the model that of the state.
    fn take_over(&mut self) {
        self.standardisations = targets::from_bits(&self.state.standardisations);
        self.batch.set_weights(&self.state.weights);
    }

    /// The model as taught so far, for the kernel.
    pub fn model(&self) -> Model<'_> {
        Model {
            network: self.network,
            weights: self.batch.weights(),
            hyperparameters: likelihood::hyperparameters(
                &self.state.plane,
                self.config.noise_floor,
            ),
            standardisation: self.standardisations[0],
            others: &self.standardisations[1..],
        }
    }
}

#[cfg(test)]
mod tests;
