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

use beacon_kernel::filters::FEATURES;
use beacon_kernel::network::LATENT;
use beacon_kernel::{Candidate, Error, Model, Network, Standardisation};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::backprop::Batch;
use super::bfgs::{self, Objective};
use super::likelihood::{self, Likelihood};
use super::prior::Prior;
use super::process::{self, Process, Site};
use super::{FitReport, Pace, TrainError, TrainerConfig, initial, mapmaker, targets};
use crate::data::Patches;

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
/// Share of their variance that further responses hold beyond the first one where the second axis is theirs.
const BEYOND: f64 = 1e-2;

/// Steps of one search for the teacher's parameters.
const MOST_STEPS: usize = 60;
/// The teacher's parameters are sought again when there are a tenth more points than at the last
/// time, from fresh starts when there are a half more than at the last fresh one.
const REFIT: usize = 10;
const RESTART: usize = 2;

/// ln ℓ of both axes, ln s, ln of the noise's excess over its floor, mean: a plane that is nearly
/// linear in its first axis and smooth in its second.
const PRIORS: [Prior; likelihood::PARAMETERS] = [
    Prior {
        mean: 1.0,
        deviation: 1.0,
    },
    Prior {
        mean: 1.5,
        deviation: 1.0,
    },
    Prior {
        mean: 1.0,
        deviation: 1.5,
    },
    Prior {
        mean: -3.0,
        deviation: 1.5,
    },
    Prior {
        mean: 0.0,
        deviation: 0.5,
    },
];
/// Magnitude of a parameter of the plane's process that no fit comes to.
const LARGEST: f64 = 12.0;
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

/// Minus the logarithm of the posterior density of the parameters of the plane's process, but for a
/// constant.
struct Plane<'a> {
    latents: Vec<[f64; LATENT]>,
    /// Of each response.
    targets: &'a [Vec<f64>],
    likelihood: &'a mut Likelihood,
    /// Where the value was asked for last.
    parameters: [f64; likelihood::PARAMETERS],
}

impl Objective for Plane<'_> {
    fn value(&mut self, parameters: &[f64]) -> Option<f64> {
        self.parameters.copy_from_slice(parameters);
        // Written so that NaN fails too.
        if !parameters.iter().all(|x| x.abs() <= LARGEST) {
            return None;
        }
        let latents = self.latents.iter().copied();
        let loss = self
            .likelihood
            .value_of(latents, self.targets, &self.parameters)?;
        let priors = PRIORS.iter().zip(parameters);
        let penalty: f64 = priors.map(|(prior, &x)| prior.penalty(x)).sum();
        Some(loss * self.latents.len() as f64 + penalty)
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        let count = self.latents.len() as f64;
        let loss = self.likelihood.gradient();
        let priors = PRIORS.iter().zip(&self.parameters);
        for ((slope, loss), (prior, &x)) in gradient.iter_mut().zip(loss).zip(priors) {
            *slope = loss * count + prior.slope(x);
        }
    }
}

/// The direction in which further responses vary most, what they share with the first one taken off.
#[derive(Debug)]
struct Beyond {
    /// Mean of each response, the first included.
    means: Vec<f64>,
    /// What the first one lends each of the others, by its difference from its mean.
    slopes: Vec<f64>,
    /// Of the others, scaled to variance 1.
    direction: Vec<f64>,
}

impl Beyond {
    /// Where a place lies along it, whose responses these are.
    fn of(&self, response: impl Fn(usize) -> f64) -> f64 {
        let first = response(0) - self.means[0];
        let others = self.slopes.iter().zip(&self.direction).enumerate();
        others
            .map(|(n, (slope, along))| {
                let own = response(n + 1) - self.means[n + 1];
                along * (own - slope * first)
            })
            .sum()
    }
}

/// What the teacher's means hold beyond the first response's; `None` of one response, and of others that hold
/// nearly nothing more.
fn beyond(of_each: &[Vec<f64>]) -> Option<Beyond> {
    let count = of_each.first()?.len() as f64;
    let means: Vec<f64> = of_each
        .iter()
        .map(|of| of.iter().sum::<f64>() / count)
        .collect();
    let covariance = |a: usize, b: usize| {
        let pairs = of_each[a].iter().zip(&of_each[b]);
        let products = pairs.map(|(x, y)| (x - means[a]) * (y - means[b]));
        products.sum::<f64>() / count
    };
    let others = 1..of_each.len();
    let own = covariance(0, 0);
    let slope = |n: usize| {
        if own > 0.0 {
            covariance(0, n) / own
        } else {
            0.0
        }
    };
    let slopes: Vec<f64> = others.clone().map(slope).collect();
    let rest: Vec<Vec<f64>> = others
        .clone()
        .map(|a| {
            let of = |b: usize| covariance(a, b) - slopes[a - 1] * covariance(0, b);
            others.clone().map(of).collect()
        })
        .collect();
    let whole: f64 = others.clone().map(|n| covariance(n, n)).sum();
    let (direction, variance) = leading_of(&rest);
    let scale = 1.0 / variance.sqrt();
    // Of a variance that is NaN there is none either.
    (variance > BEYOND * whole).then(|| Beyond {
        means,
        slopes,
        direction: direction.iter().map(|x| x * scale).collect(),
    })
}

/// Direction of length 1, its largest part positive, and variance of the leading component of a small
/// covariance, by power iteration from its row of most variance.
fn leading_of(covariance: &[Vec<f64>]) -> (Vec<f64>, f64) {
    let most = (0..covariance.len()).max_by(|&a, &b| covariance[a][a].total_cmp(&covariance[b][b]));
    let Some(most) = most else {
        return (Vec::new(), 0.0);
    };
    let mut direction: Vec<f64> = covariance[most].clone();
    let mut variance = 0.0;
    for step in 0..100 {
        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length < 1e-12 {
            return (direction, 0.0);
        }
        if step > 0 {
            variance = length;
        }
        for x in &mut direction {
            *x /= length;
        }
        if step < 99 {
            let along = |row: &Vec<f64>| row.iter().zip(&direction).map(|(c, d)| c * d).sum();
            direction = covariance.iter().map(along).collect();
        }
    }
    let largest = direction.iter().copied();
    let largest = largest.fold(
        0.0,
        |most: f64, x| if x.abs() > most.abs() { x } else { most },
    );
    if largest < 0.0 {
        for x in &mut direction {
            *x = -*x;
        }
    }
    (direction, variance)
}

/// The leading principal components of the features at all sites, scaled to variance 1; zero where
/// nothing varies.
fn components(sites: &[Site]) -> Vec<[f64; LATENT]> {
    let mut covariance = [[0.0; FEATURES]; FEATURES];
    for site in sites {
        for (row, a) in covariance.iter_mut().zip(site.features) {
            for (sum, b) in row.iter_mut().zip(site.features) {
                *sum += a * b / sites.len() as f64;
            }
        }
    }
    let mut found = vec![[0.0; LATENT]; sites.len()];
    for axis in 0..LATENT {
        let (direction, variance) = leading(&covariance);
        let scale = if variance > 1e-6 {
            1.0 / variance.sqrt()
        } else {
            0.0
        };
        for (found, site) in found.iter_mut().zip(sites) {
            let along: f64 = site
                .features
                .iter()
                .zip(&direction)
                .map(|(x, d)| x * d)
                .sum();
            found[axis] = scale * along;
        }
        for (row, a) in covariance.iter_mut().zip(direction) {
            for (entry, b) in row.iter_mut().zip(direction) {
                *entry -= variance * a * b;
            }
        }
    }
    found
}

/// Direction and variance of the leading component, by power iteration.
fn leading(covariance: &[[f64; FEATURES]; FEATURES]) -> ([f64; FEATURES], f64) {
    // Any start will do that no symmetry makes orthogonal to the component.
    let mut direction: [f64; FEATURES] = core::array::from_fn(|k| 1.0 / (k + 1) as f64);
    let mut variance = 0.0;
    for _ in 0..100 {
        let image = covariance.map(|row| row.iter().zip(&direction).map(|(c, d)| c * d).sum());
        variance = image.iter().map(|x: &f64| x * x).sum::<f64>().sqrt();
        if variance < 1e-9 {
            return (direction, 0.0);
        }
        direction = image.map(|x| x / variance);
    }
    (direction, variance)
}

#[cfg(test)]
mod tests;
