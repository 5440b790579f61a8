//! The trainer: everything that stays warm from one fit to the next.

use beacon_kernel::{Architecture, Model, Network, Standardisation};
use serde::{Deserialize, Serialize};

use super::adam::Adam;
use super::backprop::Batch;
use super::likelihood::{self, Likelihood, PARAMETERS};
use super::{Pace, TrainError, TrainerConfig, initial, targets};

/// What a fit did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FitReport {
    /// Points trained on.
    pub points: usize,
    /// Epochs whose step was kept; of the filters, steps of all searches.
    pub epochs: usize,
    /// Epochs asked for that were not run, or whose step was taken back, because the
    /// likelihood or its gradient was not finite. The parameters and the optimiser are then
    /// those of the last step that was good. Of the filters, searches that could not begin.
    pub skipped: usize,
    /// Negative log marginal likelihood per point, in standardised units, of the parameters
    /// the fit began with; nothing where it could not be evaluated. Of the filters, with the
    /// penalty of the prior.
    pub loss_before: Option<f64>,
    /// The same of the parameters the fit ended with.
    pub loss_after: Option<f64>,
    /// Largest jitter a factorisation needed, relative to the outputscale; 0 as a rule.
    pub jitter: f64,
}

/// Points from which a second network is worth training.
const FIRST_RESTART: usize = 20;
/// Points below which a fit takes the early epochs, where they are set.
const EARLY: usize = 60;

/// Parameters and optimiser, which go forward and back together.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct State {
    /// Weights in the order of [`Network::layout`], then those of the likelihood.
    parameters: Vec<f64>,
    adam: Adam,
}

impl State {
    /// Initial weights of a seed.
    fn new(network: Network, config: &TrainerConfig, seed: u64) -> Self {
        let mut parameters = initial::weights(network, seed);
        parameters.extend(likelihood::initial(config.noise_floor));
        Self {
            adam: Adam::new(parameters.len()),
            parameters,
        }
    }

    fn copy_from(&mut self, other: &Self) {
        self.parameters.copy_from_slice(&other.parameters);
        self.adam.copy_from(&other.adam);
    }
}

/// All that a trainer keeps from one fit to the next, so that a campaign is taken up again without
/// training anew.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct TrainerState {
    state: State,
    fitted: bool,
    /// Points at the last restart.
    #[serde(default)]
    restarted: usize,
    /// Mean and scale of each response's targets, in bits.
    standardisations: Vec<[u32; 2]>,
}

/// Trains one deep kernel over a campaign: from scratch on the first fit, from where it was
/// on every later one.
#[derive(Debug)]
pub struct Trainer {
    network: Network,
    config: TrainerConfig,
    state: State,
    /// The last state whose loss was evaluated and finite.
    good: State,
    fitted: bool,
    restarted: usize,
    /// Of each response; at least one.
    standardisations: Vec<Standardisation>,
    batch: Batch,
    likelihood: Likelihood,
    /// Of each response.
    targets: Vec<Vec<f64>>,
    gradient: Vec<f64>,
}

impl Trainer {
    /// A trainer with initial weights for the network.
    ///
    /// # Errors
    /// [`TrainError::Config`] when the configuration is not valid, [`TrainError::Architecture`]
    /// for a network without convolutions.
    pub fn new(network: Network, config: TrainerConfig) -> Result<Self, TrainError> {
        config.validate()?;
        let found = network.architecture();
        if found == Architecture::Filters {
            return Err(TrainError::Architecture { found });
        }
        let state = State::new(network, &config, config.seed);
        let mut batch = Batch::new(network);
        batch.set_weights(&state.parameters);
        Ok(Self {
            network,
            good: state.clone(),
            gradient: vec![0.0; state.parameters.len()],
            state,
            fitted: false,
            restarted: 0,
            standardisations: vec![Standardisation::IDENTITY],
            batch,
            likelihood: Likelihood::new(config.noise_floor),
            targets: Vec::new(),
            config,
        })
    }

    /// Trains on all points measured so far: `patches` `[point][window][window]`, as the
    /// network is to see them, and `responses` one a point, in raw units. The network learns
    /// better from an image standardised to mean 0 and deviation 1 than from one in 0 to 1.
    ///
    /// # Errors
    /// Only for a caller's mistakes, which change nothing: [`TrainError::NoPoints`],
    /// [`TrainError::PatchCount`], [`TrainError::PatchValue`], [`TrainError::Response`].
    /// Numerical trouble is not an error but told in the report.
    pub fn fit(&mut self, patches: &[f32], responses: &[f64]) -> Result<FitReport, TrainError> {
        self.fit_all(patches, &[responses])
    }

    /// The same on several responses of every point, a column of each: they share the network and the
    /// hyperparameters, and the likelihood is that of all of them.
    ///
    /// # Errors
    /// As [`Self::fit`], and [`TrainError::NoResponses`], [`TrainError::Columns`].
    pub fn fit_all(
        &mut self,
        patches: &[f32],
        responses: &[&[f64]],
    ) -> Result<FitReport, TrainError> {
        self.fit_at(&Pace::default(), patches, responses)
    }

    /// The same, which another thread may break off.
    pub(super) fn fit_at(
        &mut self,
        pace: &Pace,
        patches: &[f32],
        responses: &[&[f64]],
    ) -> Result<FitReport, TrainError> {
        let count = self.check(patches, responses)?;
        let most = self.config.most_points;
        let some = || targets::some_of(count, most);
        let (standardisations, targets) = (&mut self.standardisations, &mut self.targets);
        targets::standardise(responses, most, standardisations, targets);
        if some().count() < count {
            let of_each = self.network.window() * self.network.window();
            let patches = some().map(|n| &patches[n * of_each..][..of_each]);
            self.batch
                .set_patches(&patches.collect::<Vec<_>>().concat());
        } else {
            self.batch.set_patches(patches);
        }
        // Begun outside the pool, each parallel loop would wait for a thread to wake and for the
        // news of its end.
        let report = rayon::scope(|_| {
            let first = (self.config.initial_epochs, self.config.learning_rate);
            let early = self.config.early_epochs;
            let early = early.filter(|_| count < EARLY);
            let epochs = early.unwrap_or(self.config.epochs);
            let later = (epochs, self.config.warm_learning_rate);
            let report = self.train(pace, if self.fitted { later } else { first });
            self.fitted = true;
            if self.config.restarts && count >= FIRST_RESTART.max(2 * self.restarted) {
                self.restarted = count;
                self.restart(pace, report, first)
            } else {
                report
            }
        });
        (!pace.is_broken())
            .then_some(report)
            .ok_or(TrainError::BrokenOff)
    }

    /// Trains another network as at first, and keeps it if it predicts each point better from the others
    /// than the present one, which `report` is about.
    fn restart(&mut self, pace: &Pace, report: FitReport, first: (usize, f64)) -> FitReport {
        let (present, density) = (self.state.clone(), self.leave_one_out());
        let number = self.restarted as u64;
        let seed = self.config.seed ^ number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.state = State::new(self.network, &self.config, seed);
        let another = self.train(pace, first);
        if self.leave_one_out() > density {
            return another;
        }
        self.state = present;
        self.good.copy_from(&self.state);
        self.batch.set_weights(&self.state.parameters);
        report
    }

    /// Mean log density of each point given the others, of the present state; the least there is of one that
    /// is no good.
    fn leave_one_out(&mut self) -> f64 {
        if self.evaluate().is_none() {
            return f64::NEG_INFINITY;
        }
        self.likelihood.gradient();
        let density = self.likelihood.leave_one_out();
        if density.is_finite() {
            density
        } else {
            f64::NEG_INFINITY
        }
    }

    /// So many epochs at a learning rate.
    fn train(&mut self, pace: &Pace, (wanted, rate): (usize, f64)) -> FitReport {
        pace.announce(wanted);
        let mut report = FitReport {
            points: self.targets.first().map_or(0, Vec::len),
            epochs: 0,
            skipped: wanted,
            loss_before: self.evaluate(),
            loss_after: None,
            jitter: self.likelihood.jitter(),
        };
        report.loss_after = report.loss_before;
        if report.loss_before.is_none() {
            return report;
        }
        self.good.copy_from(&self.state);
        for _ in 0..wanted {
            if pace.is_broken() {
                break;
            }
            pace.pass(1);
            let loss = self.differentiate().then(|| {
                let State { parameters, adam } = &mut self.state;
                adam.step(rate, parameters, &self.gradient);
                self.evaluate()
            });
            let Some(Some(loss)) = loss else {
                self.state.copy_from(&self.good);
                self.batch.set_weights(&self.state.parameters);
                break;
            };
            self.good.copy_from(&self.state);
            report.epochs += 1;
            report.skipped -= 1;
            report.loss_after = Some(loss);
            report.jitter = report.jitter.max(self.likelihood.jitter());
        }
        report
    }

    /// What it keeps from one fit to the next.
    pub fn state(&self) -> TrainerState {
        TrainerState {
            state: self.state.clone(),
            fitted: self.fitted,
            restarted: self.restarted,
            standardisations: targets::to_bits(&self.standardisations),
        }
    }

    /// Goes on from a state of a trainer for the same network.
    ///
    /// # Errors
    /// [`TrainError::State`] when it is of another network. Nothing changes then.
    pub fn restore(&mut self, state: TrainerState) -> Result<(), TrainError> {
        let (found, expected) = (state.state.parameters.len(), self.state.parameters.len());
        if found != expected || !state.state.adam.fits(expected) {
            return Err(TrainError::State { found, expected });
        }
        self.standardisations = targets::from_bits(&state.standardisations);
        self.fitted = state.fitted;
        self.restarted = state.restarted;
        self.good = state.state.clone();
        self.state = state.state;
        self.batch.set_weights(&self.state.parameters);
        Ok(())
    }

    /// The model as trained so far, for the kernel.
    pub fn model(&self) -> Model<'_> {
        Model {
            network: self.network,
            weights: self.batch.weights(),
            hyperparameters: likelihood::hyperparameters(
                &self.process_parameters(),
                self.config.noise_floor,
            ),
            standardisation: self.standardisations[0],
            others: &self.standardisations[1..],
        }
    }

    fn process_parameters(&self) -> [f64; PARAMETERS] {
        let parameters = &self.state.parameters;
        core::array::from_fn(|k| parameters[parameters.len() - PARAMETERS + k])
    }

    /// The loss of the present state, or nothing where the state is no good: a loss that is
    /// not finite, or a model that the kernel would refuse.
    fn evaluate(&mut self) -> Option<f64> {
        self.batch.set_weights(&self.state.parameters);
        self.model().validate().ok()?;
        self.batch.forward();
        let parameters = self.process_parameters();
        let latents = self.batch.latents().map(|z| z.map(f64::from));
        self.likelihood
            .value_of(latents, &self.targets, &parameters)
    }

    /// The gradient where [`evaluate`](Self::evaluate) last succeeded; whether it is finite.
    fn differentiate(&mut self) -> bool {
        let process = self.likelihood.gradient();
        let weights = self.gradient.len() - PARAMETERS;
        let (by_weight, by_process) = self.gradient.split_at_mut(weights);
        by_process.copy_from_slice(&process);
        let likelihood = &self.likelihood;
        self.batch
            .backward(|point| likelihood.latent_gradient(point), by_weight);
        self.gradient.iter().all(|g| g.is_finite())
    }

    /// How many points there are.
    fn check(&self, patches: &[f32], responses: &[&[f64]]) -> Result<usize, TrainError> {
        let points = responses.first().map_or(0, |first| first.len());
        let window = self.network.window();
        if responses.is_empty() {
            return Err(TrainError::NoResponses);
        }
        if points == 0 {
            return Err(TrainError::NoPoints);
        }
        let expected = points * window * window;
        if patches.len() != expected {
            return Err(TrainError::PatchCount {
                found: patches.len(),
                expected,
                points,
                window,
            });
        }
        if let Some(index) = patches.iter().position(|p| !p.is_finite()) {
            return Err(TrainError::PatchValue {
                index,
                value: patches[index],
            });
        }
        targets::check_all(responses)?;
        Ok(points)
    }
}

#[cfg(test)]
mod tests;
