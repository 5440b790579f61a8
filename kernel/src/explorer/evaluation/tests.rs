use super::*;
use crate::random::Random;
use crate::{Acquisition, Capacity, Hyperparameters, Standardisation, Storage, Strategy};

const SIDE: usize = 24;
const WINDOW: usize = 10;
const ARCHITECTURES: [Architecture; 3] = [
    Architecture::Valid,
    Architecture::Same,
    Architecture::Filters,
];

/// What comes while new weights are evaluated.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    Nothing,
    Proposal,
    Prediction,
    Surrogate,
    Preparation,
    Measurement,
    Features,
    Exclusion,
    Strategy,
    /// The same with other weights, which are given up.
    Others,
    Refused,
}

const EVENTS: [Event; 11] = [
    Event::Nothing,
    Event::Proposal,
    Event::Prediction,
    Event::Surrogate,
    Event::Preparation,
    Event::Measurement,
    Event::Features,
    Event::Exclusion,
    Event::Strategy,
    Event::Others,
    Event::Refused,
];

fn model(network: Network, weights: &[f32]) -> Model<'_> {
    Model {
        network,
        weights,
        hyperparameters: Hyperparameters {
            lengthscale: [0.5, 0.5],
            outputscale: 1.0,
            noise: 0.02,
            mean: 0.0,
        },
        standardisation: Standardisation::IDENTITY,
        others: &[],
    }
}

fn weights(network: Network, random: &mut Random) -> Vec<f32> {
    let count = network.weight_count();
    let mut weights: Vec<f32> = (0..count).map(|_| 0.2 * random.normal()).collect();
    weights[network.layout().space].fill(0.3);
    weights
}

/// All that is said while new weights are evaluated for so many slices before an event and after it, and the
/// decisions that follow; and how many slices there were. Without slices they come at once.
fn told(architecture: Architecture, event: Event, slices: Option<[usize; 2]>) -> (String, usize) {
    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 10);
    let (mut floats, mut words) = (vec![f32::NAN; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let acquisition = Acquisition::new(Strategy::BeaconStructure);
    let mut explorer = Explorer::new(storage, acquisition, 3).unwrap();
    let mut random = Random::new(6, 0);
    let image: Vec<f32> = (0..SIDE * SIDE).map(|_| random.normal()).collect();
    explorer.load_image(SIDE, SIDE, WINDOW, &image).unwrap();
    let before = Network::for_window(WINDOW).unwrap();
    let old = weights(before, &mut random);
    explorer.load_model(&model(before, &old)).unwrap();
    let network = Network::new(architecture, WINDOW).unwrap();
    let [new, other] = [(); 2].map(|()| weights(network, &mut random));
    for n in 0..4 {
        explorer
            .measure(Candidate(50 * n), random.normal())
            .unwrap();
    }
    let mut told = vec![format!("{:?}", explorer.propose())];
    let (mut infinite, model) = (new.clone(), model(network, &new));
    infinite[3] = f32::INFINITY;
    let mut done = 0;
    let mut evaluate = |explorer: &mut Explorer<'_>, model: &Model<'_>, most: usize| {
        let count = (0..most).take_while(|_| explorer.evaluate(model)).count();
        done += count;
    };
    let [first, then] = slices.unwrap_or_default();
    match event {
        Event::Others => evaluate(
            &mut explorer,
            &Model {
                weights: &other,
                ..model
            },
            first,
        ),
        Event::Refused => evaluate(
            &mut explorer,
            &Model {
                weights: &infinite,
                ..model
            },
            first,
        ),
        _ => evaluate(&mut explorer, &model, first),
    }
    match event {
        Event::Nothing => {}
        Event::Proposal => told.push(format!("{:?}", explorer.propose())),
        Event::Prediction => told.push(format!("{:?}", explorer.predict(Candidate(9)))),
        Event::Surrogate => {
            let surrogate = explorer.surrogate().unwrap();
            told.push(format!("{:?}", surrogate.iter().collect::<Vec<_>>()));
        }
        Event::Preparation => while explorer.prepare(Some(Candidate(7))) {},
        Event::Measurement => explorer.measure(Candidate(99), 0.7).unwrap(),
        Event::Features => {
            explorer.filtered = false;
            told.push(format!("{:?}", explorer.features().unwrap().next()));
        }
        Event::Exclusion => explorer.exclude(0..9, 0..9).unwrap(),
        Event::Strategy => {
            explorer
                .set_acquisition(Acquisition::new(Strategy::Mu))
                .unwrap();
            told.push(format!("{:?}", explorer.propose()));
            explorer.set_acquisition(acquisition).unwrap();
        }
        Event::Others => explorer.forget_evaluation(),
        Event::Refused => {
            let refused = explorer.adopt(&Model {
                weights: &infinite,
                ..model
            });
            told.push(format!("{refused:?}, {:?}", explorer.propose()));
        }
    }
    evaluate(&mut explorer, &model, then);
    if slices.is_some() {
        explorer.adopt(&model).unwrap();
    } else {
        explorer.load_model(&model).unwrap();
    }
    assert!(!explorer.is_evaluated());
    told.push(format!("{:?}", explorer.latents()));
    for _ in 0..3 {
        let proposal = explorer.propose().unwrap();
        told.push(format!("{proposal:?}"));
        explorer
            .measure(proposal.candidate, random.normal())
            .unwrap();
    }
    (told.join("\n"), done)
}

/// The oracle is the model that comes at once, at the same place.
#[test]
fn no_bit_depends_on_how_much_of_new_weights_was_evaluated_before() {
    let mut random = Random::new(7, 0);
    for architecture in ARCHITECTURES {
        for event in EVENTS {
            let (plain, _) = told(architecture, event, None);
            let (whole, of) = told(architecture, event, Some([usize::MAX; 2]));
            assert_eq!(whole, plain, "{architecture:?}, {event:?}");
            assert!(of > 8 || event == Event::Refused, "{of} slices");
            for _ in 0..4 {
                let cuts = [(); 2].map(|()| random.below(of as u32 + 1) as usize);
                let (cut, _) = told(architecture, event, Some(cuts));
                assert_eq!(cut, plain, "{architecture:?}, {event:?}, {cuts:?} of {of}");
            }
        }
    }
}

/// What a decision takes back is evaluated anew.
#[test]
fn a_decision_of_the_model_in_force_ends_an_evaluation() {
    let slices = |event, slices| told(Architecture::Valid, event, Some(slices)).1;
    let all = slices(Event::Nothing, [usize::MAX, 0]);
    assert_eq!(slices(Event::Nothing, [all / 2, usize::MAX]), all);
    assert_eq!(
        slices(Event::Proposal, [all / 2, usize::MAX]),
        all / 2 + all
    );
    // A response alone needs none of its memory.
    assert_eq!(slices(Event::Measurement, [all / 2, usize::MAX]), all);
}
