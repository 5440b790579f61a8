//! Trains the matrix of [`Architecture::Filters`] with the Gaussian process on its plane: maximum a
//! posteriori, by BFGS.
//!
//! What the features do not tell and neighbours share is in the process as well: with
//! R = c(z) + ω m(|Δrow|/λ) m(|Δcolumn|/λ), c the correlation on the plane, m the Matérn-3/2
//! correlation along one axis, the covariance is s(R + rI), with noise of a share r that is floor
//! (1 + ω) + eᵘ.
//!
//! With nine features instead of a network's thousands of weights, every fit can go to its optimum.
//! A fit begins where the one before ended (*warm*), and from time to time along the features that
//! go with the response as well (*fresh*); the better end is kept. Between fits the kernel takes
//! measurements in with the model that it has.

use beacon_kernel::filters::FEATURES;
use beacon_kernel::network::LATENT;
use beacon_kernel::{
    Acquisition, Architecture, Candidate, Candidates, Capacity, Error, Explorer, Model, Network,
    Standardisation, Storage,
};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use super::bfgs::{self, Minimum, Objective};
use super::likelihood::{self, Likelihood};
use super::prior::Prior;
use super::{FitReport, Pace, TrainError, TrainerConfig, process, targets};

/// Weights of the matrix, `[feature][latent]`.
const WEIGHTS: usize = FEATURES * LATENT;
/// ln outputscale, ln of the noise's excess over its floor in outputscales, mean, ln ω, and ln λ with
/// λ in windows.
const REST: usize = 5;
const PARAMETERS: usize = WEIGHTS + REST;
const OUTPUTSCALE: usize = WEIGHTS;
const SPACE: usize = WEIGHTS + 3;
const REACH: usize = WEIGHTS + 4;

/// Before anything is measured: features are standardised, so that with weights of this size two
/// candidates lie some two lengthscales apart.
const WEIGHT: Prior = Prior {
    mean: 0.0,
    deviation: 1.0 / 3.0,
};
const PRIORS: [Prior; REST] = [
    Prior {
        mean: 0.0,
        deviation: 0.7,
    },
    Prior {
        mean: -3.5,
        deviation: 1.0,
    },
    Prior {
        mean: 0.0,
        deviation: 0.5,
    },
    process::PRIORS[process::SPACE],
    process::PRIORS[process::REACH],
];
/// Magnitude of a parameter that no fit comes to.
const LARGEST: f64 = 12.0;
/// Largest ln ω, and the logarithms of the least and the largest λ in pixels, of a model that the kernel
/// takes.
const LARGEST_SPACE: f64 = 9.0;
const REACHES: [f64; 2] = [-1.3, 9.2];
/// Steps of one search.
const MOST_STEPS: usize = 60;
/// Fresh starts at a time.
const FRESH_STARTS: u64 = 2;
/// A fit is due when there are a twentieth more points than at the last one; from 1000 points on a tenth and
/// from 2000 a quarter, as the factor under new parameters costs ever more, and a fit may take 500 points alone. A
/// fresh start is due when there are a third more than at the last fresh one.
const REFIT: usize = 20;
const MANY: usize = 1000;
const REFIT_MANY: usize = 10;
const THOUSANDS: usize = 2000;
const REFIT_THOUSANDS: usize = 4;
const RESTART: usize = 3;
/// A response as far from the mean as this, in standard deviations of those that were fitted, makes
/// a fit due at once.
const SURPRISE: f64 = 4.0;

/// Points at which the fit after one of so many is due.
fn next_fit(fitted: usize) -> usize {
    let share = match fitted {
        ..MANY => REFIT,
        MANY..THOUSANDS => REFIT_MANY,
        _ => REFIT_THOUSANDS,
    };
    fitted + (fitted / share).max(1)
}

/// The features of all candidates, by the kernel's own code: the numbers that it will multiply.
///
/// # Errors
/// What the kernel refuses of the image, and [`Error::Window`].
pub fn features(candidates: Candidates, pixels: &[f32]) -> Result<Vec<[f32; FEATURES]>, Error> {
    let capacity = Capacity::for_candidates(candidates, 1);
    let mut floats = vec![0.0; capacity.floats()];
    let mut words = vec![0; capacity.words()];
    let storage = Storage::new(capacity, &mut floats, &mut words)?;
    let mut explorer = Explorer::new(storage, Acquisition::default(), 0)?;
    explorer.load_image_for(candidates, pixels)?;
    Ok(explorer.features()?.collect())
}

/// All that a [`FiltersTrainer`] keeps from one fit to the next.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FiltersState {
    /// Weights, then those of the process.
    parameters: Vec<f64>,
    /// Points at the last fit, and at the last fresh start; 0 before the first.
    fitted: usize,
    restarted: usize,
    /// Mean and scale of each response's targets, in bits.
    standardisations: Vec<[u32; 2]>,
}

/// Trains the filters' matrix and process over a campaign.
#[derive(Debug)]
pub struct FiltersTrainer {
    network: Network,
    noise_floor: f64,
    seed: u64,
    /// Most points that a fit takes.
    most_points: Option<usize>,
    /// Of all candidates.
    features: Vec<[f32; FEATURES]>,
    candidates: Candidates,
    /// Of the points, in the order of their responses.
    points: Vec<[f64; FEATURES]>,
    /// Their rows and columns among the candidates.
    places: Vec<[usize; 2]>,
    state: FiltersState,
    /// Of each response; at least one.
    standardisations: Vec<Standardisation>,
    weights: Vec<f32>,
    likelihood: Likelihood,
}

impl FiltersTrainer {
    /// A trainer for the candidates of an image. Of the configuration it takes the noise floor, the
    /// seed and the most points of a fit.
    ///
    /// # Errors
    /// [`TrainError::Config`] when the configuration is not valid, [`TrainError::Kernel`] for an
    /// image or a window that the kernel refuses.
    pub fn new(
        candidates: Candidates,
        pixels: &[f32],
        config: &TrainerConfig,
    ) -> Result<Self, TrainError> {
        config.validate()?;
        let mut trainer = Self {
            network: Network::new(Architecture::Filters, candidates.window())?,
            noise_floor: config.noise_floor,
            seed: config.seed,
            most_points: config.most_points,
            features: features(candidates, pixels)?,
            candidates,
            points: Vec::new(),
            places: Vec::new(),
            state: FiltersState {
                parameters: start([0.0; FEATURES], config.seed),
                fitted: 0,
                restarted: 0,
                standardisations: Vec::new(),
            },
            standardisations: vec![Standardisation::IDENTITY],
            weights: Vec::new(),
            likelihood: Likelihood::new(config.noise_floor),
        };
        trainer.take_over();
        Ok(trainer)
    }

    /// Forgets what was learned, and keeps the points.
    pub fn forget(&mut self) {
        self.state = FiltersState {
            parameters: start([0.0; FEATURES], self.seed),
            fitted: 0,
            restarted: 0,
            standardisations: Vec::new(),
        };
        self.take_over();
    }

    /// Adds a point behind the others; its response comes with the next fit.
    ///
    /// # Errors
    /// [`Error::NoSuchCandidate`].
    pub fn add(&mut self, candidate: Candidate) -> Result<(), Error> {
        let features = self.features.get(candidate.index());
        let features = features.ok_or(Error::NoSuchCandidate {
            candidate,
            candidates: self.features.len(),
        })?;
        let corner = self.candidates.corner(candidate)?;
        self.points.push(features.map(f64::from));
        self.places.push([corner.row, corner.column]);
        Ok(())
    }

    /// Forgets the points, and keeps what was learned.
    pub fn clear(&mut self) {
        self.points.clear();
        self.places.clear();
    }

    /// Fits to all points, whose responses in raw units these are, where a fit is due; nothing
    /// where none is, and the model is as it was.
    ///
    /// # Errors
    /// For a caller's mistakes, which change nothing: [`TrainError::NoPoints`],
    /// [`TrainError::PointCount`], [`TrainError::Response`].
    pub fn fit(&mut self, responses: &[f64]) -> Result<Option<FitReport>, TrainError> {
        self.fit_all(&[responses])
    }

    /// The same to several responses of every point, a column of each: they share the matrix and the
    /// process, and the likelihood is that of all of them.
    ///
    /// # Errors
    /// As [`Self::fit`], and [`TrainError::NoResponses`], [`TrainError::Columns`].
    pub fn fit_all(&mut self, responses: &[&[f64]]) -> Result<Option<FitReport>, TrainError> {
        self.fit_at(&Pace::default(), responses)
    }

    /// The same, which another thread may break off.
    pub(super) fn fit_at(
        &mut self,
        pace: &Pace,
        responses: &[&[f64]],
    ) -> Result<Option<FitReport>, TrainError> {
        let count = self.check(responses)?;
        if !self.is_due(count, responses) {
            return Ok(None);
        }
        let (standardisations, targets) = targets::standardised(responses, self.most_points);
        let report = rayon::scope(|_| self.search(pace, count, &targets));
        if pace.is_broken() {
            return Err(TrainError::BrokenOff);
        }
        self.state.fitted = count;
        self.state.standardisations = targets::to_bits(&standardisations);
        self.take_over();
        Ok(Some(report))
    }

    /// Whether there are enough more points than at the last fit, or a response is unlike those.
    fn is_due(&self, count: usize, responses: &[&[f64]]) -> bool {
        let fitted = self.state.fitted;
        let surprising = |(of, responses): (&Standardisation, &&[f64])| {
            let mean = f64::from(of.mean);
            let far = SURPRISE * f64::from(of.scale);
            let newer = responses.get(fitted..).unwrap_or_default();
            newer.iter().any(|response| (response - mean).abs() > far)
        };
        fitted == 0
            || count < fitted
            || count >= next_fit(fitted)
            || responses.len() != self.standardisations.len()
            || self.standardisations.iter().zip(responses).any(surprising)
    }

    /// Searches from every start; the best end becomes the state's parameters. There are `count` points,
    /// and targets of some of them.
    fn search(&mut self, pace: &Pace, count: usize, targets: &[Vec<f64>]) -> FitReport {
        let some: Vec<usize> = targets::some_of(count, self.most_points).collect();
        let points: Vec<_> = some.iter().map(|&n| self.points[n]).collect();
        let places: Vec<_> = some.iter().map(|&n| self.places[n]).collect();
        let FiltersState {
            parameters,
            fitted,
            restarted,
            ..
        } = &mut self.state;
        let mut starts = Vec::new();
        if *fitted > 0 {
            starts.push(parameters.clone());
        }
        if count < *restarted || count > *restarted + *restarted / RESTART {
            *restarted = count;
            // Of several responses, each has its turn to lend the first axis its features.
            let of = |n: u64| &targets[(count as u64 + n) as usize % targets.len()];
            let fresh = 0..FRESH_STARTS;
            starts.extend(fresh.map(|n| {
                let number = FRESH_STARTS * count as u64 + n;
                start(
                    correlations(&points, of(n)),
                    self.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
                )
            }));
        }
        let mut objective = Plane {
            points: &points,
            places: &places,
            window: self.candidates.window(),
            targets,
            likelihood: &mut self.likelihood,
            latents: Vec::new(),
            falloff: Falloff::default(),
            parameters: [0.0; PARAMETERS],
        };
        let mut report = FitReport {
            points: points.len(),
            epochs: 0,
            skipped: 0,
            loss_before: None,
            loss_after: None,
            jitter: 0.0,
        };
        let mut best: Option<(Minimum, Vec<f64>)> = None;
        pace.announce(starts.len() * MOST_STEPS);
        for mut start in starts {
            let found = bfgs::minimise(&mut objective, &mut start, MOST_STEPS, pace);
            let Some(minimum) = found else {
                report.skipped += 1;
                continue;
            };
            report.epochs += minimum.steps;
            report.jitter = report.jitter.max(objective.likelihood.jitter());
            let before = minimum.before / points.len() as f64;
            report.loss_before.get_or_insert(before);
            if best
                .as_ref()
                .is_none_or(|(best, _)| minimum.value < best.value)
            {
                best = Some((minimum, start));
            }
        }
        if let Some((minimum, found)) = best {
            report.loss_after = Some(minimum.value / points.len() as f64);
            *parameters = found;
        }
        report
    }

    /// What it keeps from one fit to the next.
    pub fn state(&self) -> FiltersState {
        self.state.clone()
    }

    /// Goes on from a state.
    ///
    /// # Errors
    /// [`TrainError::State`] when it is of another network, [`TrainError::Weight`] for a parameter that
    /// no fit comes to. Nothing changes then.
    pub fn restore(&mut self, state: FiltersState) -> Result<(), TrainError> {
        let (found, expected) = (state.parameters.len(), PARAMETERS);
        if found != expected {
            return Err(TrainError::State { found, expected });
        }
        if let Some(index) = out_of_range(&state.parameters, self.candidates.window()) {
            let value = state.parameters[index];
            return Err(TrainError::Weight { index, value });
        }
        self.state = state;
        self.take_over();
        Ok(())
    }

    /// The model as trained so far, for the kernel; its latents are in lengthscales.
    pub fn model(&self) -> Model<'_> {
        let mut process = [0.0; likelihood::PARAMETERS];
        for (process, p) in process[LATENT..]
            .iter_mut()
            .zip(&self.state.parameters[WEIGHTS..])
        {
            *process = *p;
        }
        let mut hyperparameters = likelihood::hyperparameters(&process, self.noise_floor);
        let shared = self.state.parameters[OUTPUTSCALE] + self.state.parameters[SPACE];
        hyperparameters.noise += (self.noise_floor * libm::exp(shared)) as f32;
        Model {
            network: self.network,
            weights: &self.weights,
            hyperparameters,
            standardisation: self.standardisations[0],
            others: &self.standardisations[1..],
        }
    }

    /// Makes the model that of the state.
    fn take_over(&mut self) {
        self.standardisations = targets::from_bits(&self.state.standardisations);
        let weights = self.state.parameters.iter().take(WEIGHTS);
        self.weights = weights.map(|&w| w as f32).collect();
        let [space, reach] = [SPACE, REACH].map(|k| libm::exp(self.state.parameters[k]));
        let inverse_reach = 1.0 / (reach * self.candidates.window() as f64);
        self.weights.extend([space as f32, inverse_reach as f32]);
    }

    /// How many points there are.
    fn check(&self, responses: &[&[f64]]) -> Result<usize, TrainError> {
        targets::count(responses, self.points.len())
    }
}

/// Mean products of every feature and the targets, as a vector of length 1; zero where there are
/// none.
fn correlations(points: &[[f64; FEATURES]], targets: &[f64]) -> [f64; FEATURES] {
    let mut along = [0.0; FEATURES];
    for (point, target) in points.iter().zip(targets) {
        for (along, feature) in along.iter_mut().zip(point) {
            *along += feature * target;
        }
    }
    let length = along.iter().map(|x| x * x).sum::<f64>().sqrt().max(1e-9);
    along.map(|x| x / length)
}

/// Parameters to start a search from: the first axis of the plane along `along`, the second by
/// chance, the process as its prior has it.
fn start(along: [f64; FEATURES], seed: u64) -> Vec<f64> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let mut parameters = Vec::with_capacity(PARAMETERS);
    for along in along {
        parameters.push(along);
        parameters.push(WEIGHT.deviation * (2.0 * uniform() - 1.0));
    }
    parameters.extend(PRIORS.map(|prior| prior.mean));
    parameters
}

/// Minus the logarithm of the posterior density of the parameters, but for a constant.
struct Plane<'a> {
    points: &'a [[f64; FEATURES]],
    places: &'a [[usize; 2]],
    window: usize,
    /// Of each response.
    targets: &'a [Vec<f64>],
    likelihood: &'a mut Likelihood,
    latents: Vec<[f64; LATENT]>,
    falloff: Falloff,
    /// Where the value was asked for last.
    parameters: [f64; PARAMETERS],
}

impl Objective for Plane<'_> {
    fn value(&mut self, parameters: &[f64]) -> Option<f64> {
        self.parameters.copy_from_slice(parameters);
        if out_of_range(parameters, self.window).is_some() {
            return None;
        }
        let (weights, process) = parameters.split_at(WEIGHTS);
        self.latents.clear();
        self.latents.extend(self.points.iter().map(|point| {
            let mut latent = [0.0; LATENT];
            for (feature, weights) in point.iter().zip(weights.chunks_exact(LATENT)) {
                for (sum, weight) in latent.iter_mut().zip(weights) {
                    *sum += feature * weight;
                }
            }
            latent
        }));
        let process = [0.0, 0.0, process[0], process[1], process[2]];
        let latents = self.latents.iter().copied();
        let space = libm::exp(parameters[SPACE]);
        let reach = libm::exp(parameters[REACH]) * self.window as f64;
        self.falloff.tabulate(self.places, reach);
        let (falloff, places, floor) = (&self.falloff, self.places, self.likelihood.floor());
        let beside = |i: usize, j: usize| {
            if i == j {
                space * (1.0 + floor)
            } else {
                space * falloff.between(places[i], places[j])[0]
            }
        };
        let loss = self
            .likelihood
            .value_beside(latents, self.targets, &process, beside)?;
        let priors = priors().zip(parameters);
        let penalty: f64 = priors.map(|(prior, &x)| prior.penalty(x)).sum();
        Some(loss * self.points.len() as f64 + penalty)
    }

    fn gradient(&mut self, gradient: &mut [f64]) {
        let count = self.points.len() as f64;
        let process = self.likelihood.gradient();
        let (by_weight, by_process) = gradient.split_at_mut(WEIGHTS);
        by_weight.fill(0.0);
        for (n, point) in self.points.iter().enumerate() {
            let by_latent = self.likelihood.latent_gradient(n);
            for (feature, sums) in point.iter().zip(by_weight.chunks_exact_mut(LATENT)) {
                for (sum, slope) in sums.iter_mut().zip(by_latent) {
                    *sum += feature * slope;
                }
            }
        }
        let (by_process, by_space) = by_process.split_at_mut(REST - 2);
        by_process.copy_from_slice(&process[LATENT..]);
        let space = libm::exp(self.parameters[SPACE]);
        let own = space * (1.0 + self.likelihood.floor());
        let mut sums = [0.0; 2];
        for (i, &place) in self.places.iter().enumerate() {
            sums[0] += self.likelihood.by_beside(i, i) * own;
            for (j, &other) in self.places.iter().enumerate().skip(i + 1) {
                let slope = self.likelihood.by_beside(i, j) * space;
                let beside = self.falloff.between(place, other);
                for (sum, beside) in sums.iter_mut().zip(beside) {
                    *sum += slope * beside;
                }
            }
        }
        by_space.copy_from_slice(&sums);
        // An outputscale more is as much more in space.
        by_process[0] += sums[0];
        let priors = priors().zip(&self.parameters);
        for (slope, (prior, &x)) in gradient.iter_mut().zip(priors) {
            *slope = *slope * count + prior.slope(x);
        }
    }
}

/// The prior of every parameter.
fn priors() -> impl Iterator<Item = Prior> {
    core::iter::repeat_n(WEIGHT, WEIGHTS).chain(PRIORS)
}

/// The first parameter that no fit comes to.
fn out_of_range(parameters: &[f64], window: usize) -> Option<usize> {
    let pixels = libm::log(window as f64);
    // Written so that NaN counts too.
    let within = |(k, x): (usize, &f64)| match k {
        SPACE => (-LARGEST..=LARGEST_SPACE).contains(x),
        REACH => (REACHES[0]..=REACHES[1]).contains(&(x + pixels)),
        _ => x.abs() <= LARGEST,
    };
    parameters.iter().enumerate().position(|x| !within(x))
}

/// The correlation of neighbours along one axis, by the pixels between them.
#[derive(Debug, Default)]
struct Falloff {
    /// m, and its derivative by ln λ.
    lags: Vec<[f64; 2]>,
}

impl Falloff {
    /// For all lags between these places, λ in pixels.
    fn tabulate(&mut self, places: &[[usize; 2]], reach: f64) {
        let farthest = places.iter().flatten().max().copied().unwrap_or_default();
        self.lags.clear();
        self.lags.extend((0..=farthest).map(|lag| {
            let away = 3.0_f64.sqrt() * lag as f64 / reach;
            let decay = libm::exp(-away);
            [(1.0 + away) * decay, away * away * decay]
        }));
    }

    /// m m of two places, and its derivative by ln λ.
    fn between(&self, one: [usize; 2], other: [usize; 2]) -> [f64; 2] {
        let [rows, columns] = [0, 1].map(|axis| self.lags[one[axis].abs_diff(other[axis])]);
        [
            rows[0] * columns[0],
            rows[1] * columns[0] + rows[0] * columns[1],
        ]
    }
}

#[cfg(test)]
mod tests;
