//! A small campaign with everything in it, and what the kernel decides when it is asked
//! directly: the oracle that every link has to reproduce.

use std::fmt::Debug;

use beacon_host::campaign::Outcome;
use beacon_kernel::link::message::{
    Activation, Beam, BlankReason, Campaign, Health, LinkStatistics, Measurement, ModelHeader,
    Several, Status,
};
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{Client, Transport};
use beacon_kernel::{
    Candidate, Candidates, Capacity, Edges, Hyperparameters, MOST_RESPONSES, Model, Network,
    Proposal, Standardisation,
};
use rand_core::{Rng, SeedableRng};
use rand_xoshiro::Xoshiro128PlusPlus;

use crate::{ControllerMemory, ExplorerMemory};

/// A proposal bit by bit: candidate, step, score, prediction.
pub type Step = (u32, usize, u32, Option<(u32, u32)>);

/// The bits of a proposal.
pub fn bits(proposal: &Proposal) -> Step {
    let prediction = proposal.prediction;
    (
        proposal.candidate.0,
        proposal.step,
        proposal.score.to_bits(),
        prediction.map(|p| (p.mean.to_bits(), p.sigma.to_bits())),
    )
}

/// Every point of a campaign with the bits of its proposal, if it was proposed.
pub fn trajectory(outcome: &Outcome) -> Vec<(Candidate, Option<Step>)> {
    let points = outcome.seeds.iter().chain(&outcome.steps);
    let points = points.map(|point| (point.candidate, point.proposal.as_ref().map(bits)));
    points.collect()
}

/// What a campaign knows of the responses beside the first: values, predictions and maps. Two texts are equal
/// when all bits are.
pub fn further(outcome: &Outcome) -> String {
    format!("{:?}", outcome.further)
}

/// Every point of a campaign as its kernel is told: of each response the candidates, with the bits of the value
/// relative to the first one.
pub fn points(outcome: &Outcome) -> Vec<Vec<(u32, u32)>> {
    let all = outcome.seeds.iter().chain(&outcome.steps);
    let first = all.clone().map(|point| point.response).collect();
    let further = outcome.further.iter().map(|of| of.values.clone());
    let relative = |values: Vec<f64>| {
        let origin = values.first().copied().unwrap_or_default();
        let bits = values
            .iter()
            .map(|value| ((value - origin) as f32).to_bits());
        let candidates = all.clone().map(|point| point.candidate.0);
        candidates.zip(bits).collect()
    };
    std::iter::once(first)
        .chain(further)
        .map(relative)
        .collect()
}

/// A controller's status but for what silence on the line changes: the campaign stands as it did.
pub fn without_line(status: &Status) -> Status {
    Status {
        uptime_ms: 0,
        beam: Beam::Blanked(BlankReason::LinkLost),
        link: LinkStatistics::default(),
        health: Health::default(),
        ..*status
    }
}

/// Image, two models and a response for every candidate.
pub struct Bench {
    /// Side of the image in pixels.
    pub side: usize,
    /// Where the windows lie.
    pub candidates: Candidates,
    /// The image.
    pub image: Vec<f32>,
    /// Shape of the network.
    pub network: Network,
    /// Weights of both models.
    pub weights: [Vec<f32>; 2],
    /// Response of every candidate.
    pub responses: Vec<f32>,
    /// Seed of the campaign.
    pub seed: u64,
    /// Points measured before the first model.
    pub seeds: usize,
    /// Points measured when the second model arrives.
    pub swap_at: usize,
    /// Points measured at the end.
    pub end: usize,
}

impl Bench {
    /// Hyperparameters of both models.
    pub const HYPERPARAMETERS: Hyperparameters = Hyperparameters {
        lengthscale: [0.15, 0.1],
        outputscale: 1.0,
        noise: 1e-2,
        mean: 0.1,
    };
    /// Share of the outputscale and 1/λ of a spatial part, per pixel.
    pub const SPACE: [f32; 2] = [0.4, 0.2];
    /// Standardisation of both models.
    pub const STANDARDISATION: Standardisation = Standardisation {
        mean: 2.0,
        scale: 3.0,
    };
    /// Those of the responses beside the first, where a campaign has some.
    pub const OTHERS: [Standardisation; MOST_RESPONSES - 1] = [
        Standardisation {
            mean: -20.0,
            scale: 3.0,
        },
        Standardisation::IDENTITY,
        Standardisation {
            mean: 100.0,
            scale: 0.5,
        },
    ];

    /// A campaign of 10 seeds and 40 steps on 225 candidates.
    ///
    /// # Panics
    /// When the kernel refuses its own default.
    pub fn new(seed: u64) -> Self {
        Self::of_size(seed, 24, 10)
    }

    /// The same on an image of `side` pixels with windows of `window`.
    ///
    /// # Panics
    /// When there is no network for the window.
    pub fn of_size(seed: u64, side: usize, window: usize) -> Self {
        let network = Network::for_window(window).unwrap();
        Self::with_network(seed, side, network, Edges::Inside)
    }

    /// The same on an image of `side` pixels with a network, whose windows may reach beyond the
    /// image.
    ///
    /// # Panics
    /// When the windows do not fit.
    pub fn with_network(seed: u64, side: usize, network: Network, edges: Edges) -> Self {
        let mut random = Xoshiro128PlusPlus::seed_from_u64(seed);
        let mut uniform = || (random.next_u32() >> 8) as f32 / 16_777_216.0;
        let waves: Vec<[f32; 3]> = (0..8).map(|_| [uniform(), uniform(), uniform()]).collect();
        let image = (0..side * side)
            .map(|i| {
                let (y, x) = ((i / side) as f32, (i % side) as f32);
                let waves = waves
                    .iter()
                    .map(|[a, b, c]| a * (0.9 * (b * y + c * x)).sin());
                waves.sum()
            })
            .collect();
        let mut draw = || {
            let count = network.weight_count();
            let mut weights: Vec<f32> = (0..count).map(|_| 0.3 * (uniform() - 0.5)).collect();
            let space = weights[network.layout().space].iter_mut();
            for (weight, value) in space.zip(Self::SPACE) {
                *weight = value;
            }
            weights
        };
        let weights = [draw(), draw()];
        let candidates = Candidates::with_edges(side, side, network.window(), edges).unwrap();
        let responses = (0..candidates.count())
            .map(|n| 2.0 + 3.0 * (n as f32 * 0.37).sin() + 0.1 * uniform())
            .collect();
        Self {
            side,
            candidates,
            image,
            network,
            weights,
            responses,
            seed,
            seeds: 10,
            swap_at: 25,
            end: 50,
        }
    }

    /// Just enough capacity.
    pub fn capacity(&self) -> Capacity {
        Capacity::for_candidates(self.candidates, 60)
    }

    /// Memory for a controller of just that capacity.
    pub fn memory(&self) -> ControllerMemory {
        ControllerMemory::new(self.capacity())
    }

    /// A candidate with its response.
    ///
    /// # Panics
    /// When there is no such candidate.
    pub fn measurement(&self, candidate: u32) -> Measurement {
        Measurement {
            candidate,
            value: self.responses[candidate as usize],
        }
    }

    /// So many responses of a candidate: the first is that of [`Self::measurement`], and the others are about as
    /// [`Self::OTHERS`] says.
    ///
    /// # Panics
    /// When there is no such candidate.
    pub fn vector(&self, candidate: u32, responses: usize) -> Vec<f32> {
        let n = candidate as f32;
        let all = [
            self.measurement(candidate).value,
            -20.0 + 3.0 * (0.1 * n).sin(),
            (0.37 * n).cos(),
            100.0 + 0.5 * (0.23 * n).sin(),
        ];
        all[..responses].to_vec()
    }

    /// Begins the campaign on a controller, which then has its image.
    ///
    /// # Panics
    /// When the controller refuses or does not answer.
    pub fn begin<T: Transport<Error: Debug>>(&self, client: &mut Client<T>) {
        self.begin_several(client, 1);
    }

    /// [`Self::begin`] with so many responses of a place.
    ///
    /// # Panics
    /// As there.
    pub fn begin_several<T: Transport<Error: Debug>>(
        &self,
        client: &mut Client<T>,
        responses: usize,
    ) {
        let edges = self.candidates.edges().into();
        let announced = client.announce_vectors(self.campaign(), edges, responses as u8);
        announced.expect("a campaign");
        let taken = client.deliver(&self.image_sender(), Activation::Image);
        taken.expect("an image");
    }

    /// Hands a model over to a controller.
    ///
    /// # Panics
    /// When the controller refuses or does not answer.
    pub fn hand_over<T: Transport<Error: Debug>>(&self, client: &mut Client<T>, version: usize) {
        self.hand_over_several(client, version, 1);
    }

    /// [`Self::hand_over`] with the standardisations of so many responses.
    ///
    /// # Panics
    /// As there.
    pub fn hand_over_several<T: Transport<Error: Debug>>(
        &self,
        client: &mut Client<T>,
        version: usize,
        responses: usize,
    ) {
        let header = self.header(version);
        let commit = match Several::new(&Self::OTHERS.map(Into::into)[..responses - 1]) {
            Some(others) => Activation::ModelOfVectors { header, others },
            None => Activation::Model(header),
        };
        let taken = client.deliver(&self.weights_sender(version), commit);
        taken.expect("a model");
    }

    /// The candidates measured before the first model.
    pub fn seed_candidates(&self) -> impl Iterator<Item = u32> {
        let count = self.responses.len();
        (0..self.seeds).map(move |n| ((n * 97) % count) as u32)
    }

    /// A model for the kernel.
    pub fn model(&self, version: usize) -> Model<'_> {
        Model {
            network: self.network,
            weights: &self.weights[version],
            hyperparameters: Self::HYPERPARAMETERS,
            standardisation: Self::STANDARDISATION,
            others: &[],
        }
    }

    /// A model for the link, but for its weights.
    pub fn header(&self, version: usize) -> ModelHeader {
        ModelHeader {
            version: version as u32,
            hyperparameters: Self::HYPERPARAMETERS.into(),
            standardisation: Self::STANDARDISATION.into(),
        }
    }

    /// The campaign as the link begins it.
    pub fn campaign(&self) -> Campaign {
        Campaign {
            id: 0x1234_5678,
            seed: self.seed,
            height: self.side as u16,
            width: self.side as u16,
            window: self.network.window() as u16,
        }
    }

    /// The image on its way.
    ///
    /// # Panics
    /// Never: the image has the shape it says.
    pub fn image_sender(&self) -> Sender<'_> {
        let payload = Payload::Image {
            height: self.side as u16,
            width: self.side as u16,
        };
        Sender::new(payload, Encoding::F32, &self.image).unwrap()
    }

    /// Weights on their way.
    ///
    /// # Panics
    /// Never: the weights number what the network has.
    pub fn weights_sender(&self, version: usize) -> Sender<'_> {
        let payload = Payload::Weights {
            architecture: self.network.architecture().into(),
            window: self.network.window() as u16,
        };
        Sender::new(payload, Encoding::F32, &self.weights[version]).unwrap()
    }

    /// What the kernel decides without any link.
    ///
    /// # Panics
    /// When the kernel refuses anything.
    pub fn direct(&self) -> Vec<Step> {
        let mut memory = ExplorerMemory::new(self.capacity());
        let mut explorer = memory.explorer(self.seed);
        let window = self.network.window();
        explorer
            .load_image(self.side, self.side, window, &self.image)
            .unwrap();
        for candidate in self.seed_candidates() {
            let response = self.responses[candidate as usize];
            explorer.measure(Candidate(candidate), response).unwrap();
        }
        explorer.load_model(&self.model(0)).unwrap();
        let mut steps = Vec::new();
        for n in self.seeds..self.end {
            if n == self.swap_at {
                explorer.load_model(&self.model(1)).unwrap();
            }
            let proposal = explorer.propose().unwrap();
            let candidate = proposal.candidate;
            steps.push(bits(&proposal));
            explorer
                .measure(candidate, self.responses[candidate.index()])
                .unwrap();
        }
        steps
    }
}
