//! The steps of a campaign that are compared, on points chosen by the caller.

use std::time::{Duration, Instant};

use beacon_host::campaign::{CampaignConfig, Patches, Posterior};
use beacon_host::controller::{Controller, ControllerError, InProcess, Memory, Setup};
use beacon_host::data::Map;
use beacon_host::metrics::{MetricsError, mae, nlpd};
use beacon_host::train::{FitReport, SurrogateKind, SurrogateTrainer, TrainError, TrainerConfig};
use beacon_kernel::{Acquisition, Candidate, Capacity, Proposal, Strategy};

/// Why a step was not taken.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BoutError {
    /// Image and response are not of one area.
    #[error(
        "the response is {found_height}x{found_width}; the image's {height}x{width} is expected"
    )]
    Shape {
        /// Rows of the image.
        height: usize,
        /// Columns of the image.
        width: usize,
        /// Rows of the response.
        found_height: usize,
        /// Columns of the response.
        found_width: usize,
    },
    /// Fewer points were given than are asked for, or too few for the step.
    #[error("{asked} points are asked for; {least} to {most} are accepted")]
    Points {
        /// What was asked for.
        asked: usize,
        /// The fewest that the step can do with.
        least: usize,
        /// Those that were given.
        most: usize,
    },
    /// The kernel refused, the network or the geometry among it.
    #[error(transparent)]
    Kernel(#[from] beacon_kernel::Error),
    /// The controller refused.
    #[error(transparent)]
    Controller(#[from] ControllerError),
    /// The trainer refused.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The surrogate cannot be judged.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// Something done, and the wall time it took by a monotonic clock.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Timed<T> {
    /// What came of it.
    pub value: T,
    /// How long it took.
    pub elapsed: Duration,
}

fn timed<T, E>(work: impl FnOnce() -> Result<T, E>) -> Result<Timed<T>, E> {
    let started = Instant::now();
    let value = work()?;
    let elapsed = started.elapsed();
    Ok(Timed { value, elapsed })
}

/// What a decision starts from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// The model is in place: the measurement, then the proposal.
    Done,
    /// A newly trained model comes between the two, as in a campaign that trains at every step.
    Timed,
}

/// How far the surrogate is from the truth over the candidates that were not measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Judgement {
    /// Mean absolute error, in units of the response.
    pub mae: f64,
    /// Mean negative log predictive density with noise, in nats, of the response in its units.
    pub nlpd: f64,
}

/// An image and the true response at each of its candidates.
#[derive(Clone, Debug)]
pub struct Scene {
    patches: Patches,
    truth: Vec<f64>,
}

impl Scene {
    /// Cuts an image into the windows of a default campaign.
    ///
    /// # Errors
    /// [`BoutError::Shape`], and [`BoutError::Kernel`] when no window fits.
    pub fn new(image: &Map, response: &Map) -> Result<Self, BoutError> {
        let (height, width) = (image.height(), image.width());
        let (found_height, found_width) = (response.height(), response.width());
        if (height, width) != (found_height, found_width) {
            return Err(BoutError::Shape {
                height,
                width,
                found_height,
                found_width,
            });
        }
        let patches = image.patches(CampaignConfig::default().window)?;
        let candidates = patches.candidates();
        let truth = (0..candidates.count() as u32)
            .map(|n| {
                let pixel = candidates.pixel(Candidate(n))?;
                Ok(response.at(pixel.row, pixel.column))
            })
            .collect::<Result<_, beacon_kernel::Error>>()?;
        Ok(Self { patches, truth })
    }

    /// Number of candidates.
    pub fn count(&self) -> usize {
        self.truth.len()
    }

    /// Side of the windows in pixels.
    pub fn window(&self) -> usize {
        self.patches.candidates().window()
    }
}

/// Points in the order they were measured, and what is trained on them.
///
/// As in a campaign, kernel and trainer see responses relative to the first one.
pub struct Bout<'s> {
    scene: &'s Scene,
    points: Vec<Candidate>,
    responses: Vec<f64>,
    trainer: SurrogateTrainer,
    /// Points that the trainer was told of.
    told: usize,
    seed: u64,
    memory: Memory,
}

impl<'s> Bout<'s> {
    /// The trainer of a campaign's surrogate, with the seed, before its first fit.
    ///
    /// # Errors
    /// [`BoutError::Kernel`] for a candidate that does not exist; [`BoutError::Points`] without
    /// any.
    pub fn new(
        scene: &'s Scene,
        surrogate: SurrogateKind,
        seed: u64,
        points: Vec<Candidate>,
    ) -> Result<Self, BoutError> {
        for &candidate in &points {
            scene.patches.candidates().corner(candidate)?;
        }
        let truth = |candidate: &Candidate| scene.truth[candidate.index()];
        let Some(origin) = points.first().map(truth) else {
            return Err(BoutError::Points {
                asked: 0,
                least: 1,
                most: scene.count(),
            });
        };
        let candidates = scene.patches.candidates();
        let config = TrainerConfig {
            seed,
            ..TrainerConfig::default()
        };
        Ok(Self {
            scene,
            responses: points.iter().map(|point| truth(point) - origin).collect(),
            memory: Memory::new(Capacity::for_candidates(candidates, points.len())),
            points,
            trainer: SurrogateTrainer::new(surrogate, &scene.patches, config)?,
            told: 0,
            seed,
        })
    }

    /// Trains on the first `count` points: from scratch at first, then from where it was; `None`
    /// where the surrogate keeps its model.
    ///
    /// # Errors
    /// [`BoutError::Points`]; [`BoutError::Train`] for what the trainer does not take.
    pub fn train(&mut self, count: usize) -> Result<Timed<Option<FitReport>>, BoutError> {
        self.check(count, 1)?;
        if count < self.told {
            self.trainer.clear();
            self.told = 0;
        }
        for &point in &self.points[self.told..count] {
            self.trainer.add(point, &self.scene.patches)?;
        }
        self.told = count;
        let responses = &self.responses[..count];
        Ok(timed(|| self.trainer.fit(responses))?)
    }

    /// What the kernel proposes after the first `count` points, from the measurement of the last
    /// of them on. Everything before it, a proposal included, was done as in a campaign.
    ///
    /// # Errors
    /// [`BoutError::Points`] for fewer than two; [`BoutError::Controller`] when the kernel
    /// refuses.
    pub fn decide(
        &mut self,
        count: usize,
        strategy: Strategy,
        handover: Handover,
    ) -> Result<Timed<Proposal>, BoutError> {
        self.check(count, 2)?;
        let last = count - 1;
        let (candidate, response) = (self.points[last], self.responses[last] as f32);
        let Self {
            trainer, memory, ..
        } = self;
        let mut kernel = InProcess::new(memory)?;
        kernel.begin(&setup(self.scene, self.seed))?;
        for (point, response) in self.points[..last].iter().zip(&self.responses) {
            kernel.measure(*point, *response as f32)?;
        }
        kernel.choose(Acquisition::new(strategy))?;
        kernel.load_model(&trainer.model(), 1)?;
        kernel.propose(true)?;
        Ok(timed(|| {
            kernel.measure(candidate, response)?;
            if handover == Handover::Timed {
                kernel.load_model(&trainer.model(), 1)?;
            }
            kernel.propose(true)
        })?)
    }

    /// Judges the model as trained, conditioned on the first `count` points, over all other
    /// candidates.
    ///
    /// # Errors
    /// [`BoutError::Points`], [`BoutError::Controller`], and [`BoutError::Metrics`] when no
    /// candidate is left.
    pub fn judge(&mut self, count: usize) -> Result<Judgement, BoutError> {
        let posterior = self.posterior(count)?;
        let measured = &self.points[..count];
        let free: Vec<usize> = (0..self.scene.count())
            .filter(|&n| !measured.contains(&Candidate(n as u32)))
            .collect();
        let pick = |values: &[f64]| -> Vec<f64> { free.iter().map(|&n| values[n]).collect() };
        let (truth, mean) = (pick(&self.scene.truth), pick(&posterior.mean));
        let mut variance = pick(&posterior.variance);
        for v in &mut variance {
            *v += posterior.noise;
        }
        Ok(Judgement {
            mae: mae(&truth, &mean)?,
            nlpd: nlpd(&truth, &mean, &variance)?,
        })
    }

    /// The kernel's posterior at every candidate, in units of the response.
    ///
    /// # Errors
    /// As [`judge`](Self::judge).
    pub fn posterior(&mut self, count: usize) -> Result<Posterior, BoutError> {
        self.check(count, 1)?;
        let origin = self.scene.truth[self.points[0].index()];
        let mut kernel = InProcess::new(&mut self.memory)?;
        kernel.begin(&setup(self.scene, self.seed))?;
        for (point, response) in self.points[..count].iter().zip(&self.responses) {
            kernel.measure(*point, *response as f32)?;
        }
        kernel.load_model(&self.trainer.model(), 1)?;
        Ok(Posterior::new(&kernel.surrogate()?, origin))
    }

    fn check(&self, asked: usize, least: usize) -> Result<(), BoutError> {
        let most = self.points.len();
        if (least..=most).contains(&asked) {
            return Ok(());
        }
        Err(BoutError::Points { asked, least, most })
    }
}

fn setup(scene: &Scene, seed: u64) -> Setup<'_> {
    let candidates = scene.patches.candidates();
    Setup {
        candidates,
        pixels: scene.patches.pixels(),
        seed,
        revision: 0,
    }
}
