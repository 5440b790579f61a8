use core::ops::ControlFlow;

use nalgebra::{DMatrix, DVector};

use super::*;
use crate::thompson::{FourierFeature, amplitude};
use crate::{
    Acquisition, Architecture, Capacity, Edges, Hyperparameters, LARGEST_RESPONSE, Model, Network,
    Sampling, Standardisation, Storage, Strategy,
};

const HEIGHT: usize = 14;
const WIDTH: usize = 19;
const HYPERPARAMETERS: Hyperparameters = Hyperparameters {
    lengthscale: [10.0, 8.0],
    outputscale: 1.3,
    noise: 0.02,
    mean: 0.2,
};
const STANDARDISATION: Standardisation = Standardisation {
    mean: 40.0,
    scale: 5.0,
};
/// Of the further responses of [`vector`].
const OTHERS: [Standardisation; 3] = [
    Standardisation {
        mean: -20.0,
        scale: 3.0,
    },
    Standardisation {
        mean: 0.0,
        scale: 1.0,
    },
    Standardisation {
        mean: 7.0,
        scale: 1.0,
    },
];

/// Some responses of a place, of which this is the first: the next follows it half, one has nothing to do with
/// it, and the last never changes.
fn vector(first: f32, responses: usize) -> Vec<f32> {
    let all = [
        first,
        -20.0 + 0.3 * (first - 40.0).clamp(-1e4, 1e4) + (31.0 * first).sin(),
        (57.0 * first).cos(),
        7.0,
    ];
    all[..responses].to_vec()
}

/// Measures [`vector`].
fn measure(explorer: &mut Explorer<'_>, candidate: Candidate, first: f32) -> Result<(), Error> {
    let responses = vector(first, explorer.responses());
    explorer.measure_all(candidate, &responses)
}

/// Candidates, the memory for an explorer of them, an image, and weights of the filters.
struct Fixture {
    candidates: Candidates,
    image: Vec<f32>,
    weights: Vec<f32>,
    floats: Vec<f32>,
    words: Vec<u32>,
    capacity: Capacity,
}

impl Fixture {
    fn new(measurements: usize, responses: usize) -> Self {
        let candidates = Candidates::with_edges(HEIGHT, WIDTH, 8, Edges::Reflect).unwrap();
        let capacity = Capacity::for_candidates(candidates, measurements);
        let capacity = capacity.with_responses(responses);
        let mut random = Random::new(11, 0);
        let image = (0..HEIGHT * WIDTH).map(|_| random.normal()).collect();
        let network = Network::new(Architecture::Filters, 8).unwrap();
        let mut weights: Vec<f32> = (0..network.weight_count())
            .map(|_| random.normal())
            .collect();
        weights[network.layout().space].copy_from_slice(&[0.4, 0.2]);
        Self {
            candidates,
            image,
            weights,
            floats: vec![f32::NAN; capacity.floats()],
            words: vec![7; capacity.words()],
            capacity,
        }
    }

    /// An explorer with the image, and the weights.
    fn explorer(&mut self, acquisition: Acquisition) -> (Explorer<'_>, &[f32]) {
        let storage = Storage::new(self.capacity, &mut self.floats, &mut self.words).unwrap();
        let mut explorer = Explorer::new(storage, acquisition, 3).unwrap();
        explorer
            .load_image_with(self.candidates, self.capacity.responses, &self.image)
            .unwrap();
        (explorer, &self.weights)
    }
}

fn model(weights: &[f32], responses: usize) -> Model<'_> {
    Model {
        network: Network::new(Architecture::Filters, 8).unwrap(),
        weights,
        hyperparameters: HYPERPARAMETERS,
        standardisation: STANDARDISATION,
        others: &OTHERS[..responses - 1],
    }
}

/// A stream of random numbers as a sample reads it: the features of a prior, then the noise.
struct Stream {
    features: Vec<FourierFeature>,
    noise: Vec<f64>,
}

impl Stream {
    /// Of a response. The first one says frequency and phase of every feature.
    fn draw(first: &[FourierFeature], amplitude: f32, (step, response): (usize, usize)) -> Self {
        let mut random = Random::beside(3, step, response);
        let features = if response == 0 {
            (0..FEATURES)
                .map(|_| FourierFeature::draw(&mut random, amplitude))
                .collect()
        } else {
            let own = |feature: &FourierFeature| FourierFeature {
                weight: amplitude * random.normal(),
                ..*feature
            };
            first.iter().map(own).collect()
        };
        Self {
            features,
            noise: (0..step).map(|_| f64::from(random.normal())).collect(),
        }
    }

    /// Its prior at a point, in f64.
    fn at(&self, x: [f32; 2], origin: [f32; 2]) -> f64 {
        let cosine = |feature: &FourierFeature| {
            let angle = (0..2).map(|i| {
                f64::from(feature.frequency[i]) * (f64::from(x[i]) - f64::from(origin[i]))
            });
            let angle = angle.sum::<f64>() + f64::from(feature.phase);
            f64::from(feature.weight) * angle.cos()
        };
        self.features.iter().map(cosine).sum()
    }
}

/// The oracle draws the same numbers, and mixes, solves and sums in f64 with the newest responses in their
/// place, by the formulas of [`crate::thompson`], those of this module's docs and Rasmussen and Williams, Eq.
/// 2.25.
#[test]
fn both_parts_together_are_the_samples_and_the_means_with_the_responses() {
    for responses in 1..=MOST_RESPONSES {
        for (points, newest) in [(1, 43.0), (2, 38.0), (7, 40.3), (40, 41.0), (40, 4e3)] {
            compare_with_the_formulas(responses, points, newest);
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one formula after the other")]
fn compare_with_the_formulas(responses: usize, points: usize, newest: f32) {
    let mut fixture = Fixture::new(60, responses);
    let (mut explorer, weights) = fixture.explorer(Acquisition::default());
    explorer.load_model(&model(weights, responses)).unwrap();
    let mut random = Random::new(5, points);
    for n in 0..points - 1 {
        let candidate = Candidate((n * 37 % (HEIGHT * WIDTH)) as u32);
        measure(&mut explorer, candidate, 40.0 + 5.0 * random.normal()).unwrap();
    }
    // Next to the first.
    let last = Candidate(1);
    while explorer.prepare(Some(last)) {}
    measure(&mut explorer, last, newest).unwrap();
    explorer.propose().unwrap();
    let found: Vec<Vec<f64>> = (0..responses)
        .map(|r| {
            let memory = &explorer.memory;
            let plane = &memory.own[r].plane[..HEIGHT * WIDTH];
            let found = sampled(explorer.gain(r), plane, memory.slopes);
            found.map(f64::from).collect()
        })
        .collect();
    explorer.weigh().unwrap();

    let process = explorer.process.unwrap();
    let space = process.space.unwrap();
    let latents = &explorer.memory.latents[..HEIGHT * WIDTH];
    let plane = |a: [f32; 2], b: [f32; 2]| {
        let squared: f64 = (0..2)
            .map(|i| (f64::from(a[i]) - f64::from(b[i])).powi(2))
            .sum();
        f64::from(HYPERPARAMETERS.outputscale) * (-0.5 * squared).exp()
    };
    let at = |n: usize| [(n / WIDTH) as f32, (n % WIDTH) as f32];
    let whole = |a: usize, b: usize| {
        plane(latents[a], latents[b]) + f64::from(space.between(&[], at(a), at(b)))
    };
    let measured: Vec<usize> = explorer
        .measurements()
        .map(|(candidate, _)| candidate.index())
        .collect();
    let noise = f64::from(HYPERPARAMETERS.noise);
    let covariance = DMatrix::from_fn(points, points, |i, j| {
        whole(measured[i], measured[j]) + if i == j { noise } else { 0.0 }
    });
    let mean = f64::from(HYPERPARAMETERS.mean);
    let targets: Vec<DVector<f64>> = (0..responses)
        .map(|r| {
            DVector::from_fn(points, |i, _| {
                f64::from(explorer.memory.own[r].targets[i]) - mean
            })
        })
        .collect();
    // How deviations are mixed, by the points before.
    let before = points - 1;
    let whitened: Vec<DVector<f64>> = if before > 0 {
        let known = covariance.view((0, 0), (before, before)).into_owned();
        let lower = known.cholesky().unwrap().unpack();
        let solve = |centred: &DVector<f64>| {
            let centred = centred.rows(0, before).into_owned();
            lower.solve_lower_triangular(&centred).unwrap()
        };
        targets.iter().map(solve).collect()
    } else {
        vec![DVector::zeros(0); responses]
    };
    let assumed = (responses + 1) as f64;
    let shared = DMatrix::from_fn(responses, responses, |r, s| {
        let own = if r == s { assumed } else { 0.0 };
        (whitened[r].dot(&whitened[s]) + own) / (before as f64 + assumed)
    });
    let mut mixing = shared.cholesky().unwrap().unpack();
    mixing[(0, 0)] = 1.0;

    let inverse = covariance.try_inverse().unwrap();
    let temperature = explorer.acquisition.temperature().unwrap();
    let amplitude = amplitude(temperature * temperature * HYPERPARAMETERS.outputscale);
    let mut streams: Vec<Stream> = Vec::new();
    for response in 0..responses {
        let first = streams.first().map_or(&[][..], |first| &first.features);
        let stream = Stream::draw(first, amplitude, (points, response));
        streams.push(stream);
    }
    let origin = latents[measured[0]];
    for (r, found) in found.iter().enumerate() {
        let mixed = |of: &dyn Fn(&Stream) -> f64| -> f64 {
            (0..=r).map(|s| mixing[(r, s)] * of(&streams[s])).sum()
        };
        let centred = &targets[r];
        let residual = DVector::from_fn(points, |i, _| {
            let prior = mixed(&|stream| stream.at(latents[measured[i]], origin));
            let drawn = f64::from(temperature) * noise.sqrt() * mixed(&|stream| stream.noise[i]);
            centred[i] - prior - drawn
        });
        let (v, alpha) = (&inverse * residual, &inverse * centred);
        let size = 1.0 + centred.amax();
        for (n, found) in found.iter().enumerate() {
            let terms = measured.iter().zip(&v).map(|(&j, v)| whole(n, j) * v);
            let prior = mixed(&|stream| stream.at(latents[n], origin));
            let expected = mean + prior + terms.sum::<f64>();
            let error = (found - expected).abs() / size;
            assert!(
                error < 5e-4,
                "{responses} responses, {points} points, {r} at {n}: {found} is not {expected}"
            );
        }
        for (n, expected) in alpha.iter().enumerate() {
            let found = f64::from(explorer.memory.own[r].alpha[n]);
            let error = (found - expected).abs() / (1.0 + alpha.amax());
            assert!(
                error < 1e-4,
                "{responses} responses, {points} points, weight {n}: {found} is not {expected}"
            );
        }
    }
}

/// Steps of a campaign.
const STEPS: usize = 90;

/// What happens while the beam dwells on a proposal, besides the work ahead.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Nothing,
    Surrogate,
    /// The response comes once more.
    Twice,
    /// The response never comes: the point is left out.
    Never,
    /// Another point is measured, which a person suggested.
    Another,
    Model,
    /// All latents are equal.
    Flat,
    /// Latents that are not finite are refused, and the model from before comes again.
    Infinite,
    BrokenOff,
    Strategy,
    Seed,
    Prediction,
    Proposal,
    /// A response that is no number, before the one that is.
    NotANumber,
    Excluded,
    Features,
    /// A response beyond what the model can take; a new model can.
    Outlier,
}

const EVENTS: [Event; 16] = [
    Event::Nothing,
    Event::Surrogate,
    Event::Twice,
    Event::Never,
    Event::Another,
    Event::Model,
    Event::Flat,
    Event::Infinite,
    Event::BrokenOff,
    Event::Strategy,
    Event::Seed,
    Event::Prediction,
    Event::Proposal,
    Event::NotANumber,
    Event::Excluded,
    Event::Features,
];

/// What happens besides, at a step at which a candidate is proposed, and all that is said to it.
fn happen(
    event: Event,
    explorer: &mut Explorer<'_>,
    weights: &[f32],
    (step, candidate): (usize, Candidate),
    told: &mut Vec<String>,
) {
    let (acquisition, flat) = (explorer.acquisition(), vec![0.0; weights.len()]);
    let responses = explorer.responses();
    match event {
        Event::Nothing | Event::Twice | Event::Never => {}
        Event::Surrogate => {
            let surrogate = explorer.surrogate().unwrap();
            for response in 0..responses {
                let all: Vec<_> = surrogate.iter_of(response).collect();
                told.push(format!("{all:?}"));
            }
        }
        Event::Another => {
            let mut free = (0..(HEIGHT * WIDTH) as u32)
                .map(Candidate)
                .filter(|&c| c != candidate);
            let other = free.find(|&c| !explorer.is_measured(c)).unwrap();
            measure(explorer, other, 41.0).unwrap();
        }
        Event::Model => explorer.load_model(&model(weights, responses)).unwrap(),
        Event::Flat => explorer.load_model(&model(&flat, responses)).unwrap(),
        Event::Infinite => {
            let mut infinite = model(weights, responses);
            infinite.hyperparameters.lengthscale = [1e-12, 1e-12];
            let space = infinite.network.layout().space;
            let mut large: Vec<f32> = weights.iter().map(|weight| 1e3 * weight).collect();
            large[space.clone()].copy_from_slice(&weights[space]);
            infinite.weights = &large;
            told.push(format!("{:?}", explorer.load_model(&infinite)));
            explorer.prepare(Some(candidate));
            told.push(format!("{:?}", explorer.propose()));
            explorer.load_model(&model(weights, responses)).unwrap();
        }
        Event::BrokenOff => {
            let broken = explorer
                .load_model_watched(&model(weights, responses), |_, _| ControlFlow::Break(()));
            assert!(broken.unwrap().is_break() || explorer.filtered);
            explorer.load_model(&model(weights, responses)).unwrap();
        }
        Event::Strategy => {
            for other in [Strategy::Beacon, Strategy::Ei] {
                explorer.set_acquisition(Acquisition::new(other)).unwrap();
                told.push(format!("{:?}", explorer.propose()));
                explorer.prepare(Some(candidate));
            }
            explorer.set_acquisition(acquisition).unwrap();
        }
        Event::Seed => explorer.set_seed(step as u64),
        Event::Prediction => {
            for response in 0..=responses {
                told.push(format!("{:?}", explorer.predict_of(Candidate(9), response)));
            }
        }
        Event::Proposal => told.push(format!("{:?}", explorer.propose())),
        Event::NotANumber => {
            told.push(format!("{:?}", measure(explorer, candidate, f32::NAN)));
        }
        Event::Excluded => explorer
            .exclude(step % HEIGHT..step % HEIGHT + 1, 0..3)
            .unwrap(),
        Event::Features => {
            explorer.filtered = false;
            explorer.features().map(|_| ()).unwrap();
        }
        Event::Outlier => {
            let beyond = measure(explorer, candidate, LARGEST_RESPONSE);
            told.push(format!("{beyond:?}, {:?}", explorer.propose()));
            explorer.prepare(None);
            let mut wide = model(weights, responses);
            wide.standardisation.scale = 1e29;
            explorer.load_model(&wide).unwrap();
        }
    }
}

/// Candidates, scores and predictions of a campaign, and all refusals, with what happens at each step and
/// with so many slices worked ahead before and after.
fn campaign(
    (acquisition, responses): (Acquisition, usize),
    mut slices: impl FnMut(usize) -> [usize; 2],
    event: impl Fn(usize) -> Event,
) -> Vec<String> {
    let mut fixture = Fixture::new(2 * STEPS + 3, responses);
    let (mut explorer, weights) = fixture.explorer(acquisition);
    for n in 0..3 {
        measure(&mut explorer, Candidate(40 * n), 40.0 + n as f32).unwrap();
    }
    explorer.load_model(&model(weights, responses)).unwrap();
    let mut random = Random::new(8, 0);
    let mut told = Vec::new();
    for step in 0..STEPS {
        let proposal = explorer.propose();
        told.push(format!("{step}: {proposal:?}"));
        let candidate = proposal.unwrap().candidate;
        let [before, after] = slices(step);
        for _ in 0..before {
            explorer.prepare(Some(candidate));
        }
        let response = 40.0 + 5.0 * random.normal();
        happen(
            event(step),
            &mut explorer,
            weights,
            (step, candidate),
            &mut told,
        );
        for _ in 0..after {
            explorer.prepare(Some(candidate));
        }
        if event(step) == Event::Never {
            let pixel = explorer.candidates().unwrap().pixel(candidate).unwrap();
            let (row, column) = (pixel.row, pixel.column);
            explorer.exclude(row..row + 1, column..column + 1).unwrap();
        } else if event(step) != Event::Outlier {
            measure(&mut explorer, candidate, response).unwrap();
        }
        if event(step) == Event::Twice {
            told.push(format!("{:?}", measure(&mut explorer, candidate, response)));
        }
        if step % 5 == 2 {
            for _ in 0..after {
                explorer.prepare(None);
            }
        }
    }
    told.push(format!("{:?}", explorer.propose()));
    told
}

fn acquisitions() -> Vec<(Acquisition, usize)> {
    let elite = Acquisition {
        sampling: Sampling::Joint,
        ..Acquisition::new(Strategy::BeaconElite)
    };
    let others = [Strategy::Beacon, Strategy::Thompson, Strategy::Ei].map(Acquisition::new);
    let [beacon, thompson, ei] = others;
    let alone = [Acquisition::default(), beacon, thompson, elite, ei].map(|own| (own, 1));
    let several = [
        (Acquisition::default(), 2),
        (Acquisition::default(), 3),
        (beacon, 4),
        (ei, 2),
    ];
    [&alone[..], &several].concat()
}

/// With few nodes and points a whole preparation takes about forty slices here: every cut of it comes.
#[test]
fn no_bit_depends_on_where_the_work_was_cut() {
    for acquisition in acquisitions() {
        let plain = campaign(acquisition, |_| [0, 0], |_| Event::Nothing);
        let cut = campaign(acquisition, |step| [step, 0], |_| Event::Nothing);
        assert_eq!(cut, plain, "{acquisition:?}");
        let whole = campaign(acquisition, |_| [1000, 0], |_| Event::Nothing);
        assert_eq!(whole, plain, "{acquisition:?}");
    }
}

/// Whatever comes between, decisions are those of an explorer that works nothing ahead.
#[test]
fn what_comes_between_changes_no_decision() {
    for acquisition in acquisitions() {
        let events = |step: usize| match step + 1 {
            STEPS => Event::Outlier,
            _ => EVENTS[step % EVENTS.len()],
        };
        let plain = campaign(acquisition, |_| [0, 0], events);
        for said in [
            "AlreadyMeasured",
            "ResponseNotFinite",
            "\"latent\"",
            "Outlier",
        ] {
            assert!(plain.iter().any(|line| line.contains(said)), "{said}");
        }
        let mut random = Random::new(4, 0);
        for most in [5, 60, 1000] {
            let slices = |_| [random.below(most) as usize, random.below(most) as usize];
            let found = campaign(acquisition, slices, events);
            assert_eq!(found, plain, "{acquisition:?}, at most {most}");
        }
    }
}
