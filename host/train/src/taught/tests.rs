use beacon_kernel::{Acquisition, Candidates, Capacity, Explorer, Storage};

use super::*;
use crate::Trainer;
use crate::bfgs::Objective as _;

const SIDE: usize = 24;
const WINDOW: usize = 8;
const COUNT: usize = 289;

/// Blobs on a slope.
fn patches() -> Patches {
    let pixel = |n: usize| {
        let (row, column) = ((n / SIDE) as f64, (n % SIDE) as f64);
        libm::sin(0.9 * row) * libm::cos(0.5 * column) + 0.05 * row
    };
    let pixels: Vec<f64> = (0..SIDE * SIDE).map(pixel).collect();
    of_image(&pixels)
}

fn of_image(pixels: &[f64]) -> Patches {
    let candidates = Candidates::new(SIDE, SIDE, WINDOW).unwrap();
    Patches::new(candidates, pixels).unwrap()
}

fn trainer() -> TaughtTrainer {
    TaughtTrainer::new(&patches(), TrainerConfig::default()).unwrap()
}

/// What the features of a candidate determine; spreads by 1.4.
fn truth(trainer: &TaughtTrainer, n: usize) -> f64 {
    let x = &trainer.sites[n].features;
    7.0 + 2.0 * libm::tanh(x[0] + 0.5 * x[5])
}

fn point(n: usize) -> Candidate {
    Candidate((n * 5 % COUNT) as u32)
}

/// Every fifth candidate, and the responses there.
fn measured(trainer: &mut TaughtTrainer, count: usize) -> Vec<f64> {
    trainer.clear();
    for n in 0..count {
        trainer.add(point(n)).unwrap();
    }
    let points = trainer.points.iter();
    points.map(|point| truth(trainer, point.index())).collect()
}

fn bits(trainer: &TaughtTrainer) -> Vec<u32> {
    let model = trainer.model();
    let [a, b] = model.hyperparameters.lengthscale;
    let process = [a, b, model.hyperparameters.noise];
    let numbers = model.weights.iter().chain(&process);
    numbers.map(|x| x.to_bits()).collect()
}

/// Oracle: central differences of the value.
#[test]
fn the_gradient_is_the_slope_of_the_value() {
    let latents = |n: usize| [libm::sin(n as f64), libm::cos(1.7 * n as f64)];
    let targets: Vec<f64> = (0..17).map(|n| libm::sin(0.9 + n as f64)).collect();
    let mut likelihood = Likelihood::new(1e-2);
    let mut plane = Plane {
        latents: (0..17).map(latents).collect(),
        targets: std::slice::from_ref(&targets),
        likelihood: &mut likelihood,
        parameters: [0.0; likelihood::PARAMETERS],
    };
    let mut parameters = [0.3, 0.8, -0.2, -2.0, 0.1];
    let mut gradient = [0.0; likelihood::PARAMETERS];
    plane.value(&parameters).unwrap();
    plane.gradient(&mut gradient);
    for k in 0..likelihood::PARAMETERS {
        let (centre, step) = (parameters[k], 1e-5);
        parameters[k] = centre + step;
        let up = plane.value(&parameters).unwrap();
        parameters[k] = centre - step;
        let down = plane.value(&parameters).unwrap();
        parameters[k] = centre;
        let slope = (up - down) / (2.0 * step);
        assert!((gradient[k] - slope).abs() < 1e-6, "{k}");
    }
}

/// Oracle: what makes them principal components.
#[test]
fn components_have_variance_1_and_no_covariance() {
    let trainer = trainer();
    let mean = |f: &dyn Fn([f64; 2]) -> f64| {
        let values = trainer.components.iter().map(|&c| f(c));
        values.sum::<f64>() / COUNT as f64
    };
    for axis in 0..LATENT {
        assert!(mean(&|c| c[axis]).abs() < 1e-3);
        assert!((mean(&|c| c[axis] * c[axis]) - 1.0).abs() < 1e-3);
    }
    assert!(mean(&|c| c[0] * c[1]).abs() < 1e-3);
}

#[test]
fn at_hand_over_the_network_knows_the_leading_component() {
    let mut trainer = trainer();
    let all: Vec<Candidate> = (0..COUNT as u32).map(Candidate).collect();
    trainer.show(&all).unwrap();
    let latents = trainer.batch.latents().zip(&trainer.components);
    let errors = latents.map(|(found, expected)| (f64::from(found[0]) - expected[0]).powi(2));
    let error = errors.sum::<f64>() / COUNT as f64;
    assert!(error < 0.1, "{error}");
}

/// Mean absolute error of the kernel that is told a model and these responses of every fifth
/// candidate, at all candidates.
fn error(model: &Model<'_>, responses: &[f64], of: &TaughtTrainer) -> f64 {
    let candidates = of.patches.candidates();
    let capacity = Capacity::for_candidates(candidates, responses.len());
    let mut floats = vec![0.0; capacity.floats()];
    let mut words = vec![0; capacity.words()];
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::default(), 1).unwrap();
    explorer
        .load_image_for(candidates, of.patches.pixels())
        .unwrap();
    explorer.load_model(model).unwrap();
    for (n, response) in responses.iter().enumerate() {
        explorer.measure(point(n), *response as f32).unwrap();
    }
    let surrogate = explorer.surrogate().unwrap();
    let errors = surrogate.iter().enumerate().map(|(n, (mean, _))| {
        let mean = surrogate.standardisation.restore(mean);
        (f64::from(mean) - truth(of, n)).abs()
    });
    errors.sum::<f64>() / COUNT as f64
}

/// Oracle: the same network, trained on the points alone.
#[test]
fn the_network_predicts_what_was_not_measured_better_than_one_that_saw_the_points_alone() {
    let mut trainer = trainer();
    let mut alone = Trainer::new(trainer.network, TrainerConfig::default()).unwrap();
    let (mut seen, mut responses) = (Vec::new(), Vec::new());
    for count in 10..=60 {
        responses = measured(&mut trainer, count);
        let report = trainer.fit(&responses).unwrap();
        assert_eq!((report.points, report.skipped), (count, 0));
        seen.clear();
        for n in 0..count {
            trainer.patches.append(point(n), &mut seen).unwrap();
        }
        alone.fit(&seen, &responses).unwrap();
    }
    let taught = error(&trainer.model(), &responses, &trainer);
    let alone = error(&alone.model(), &responses, &trainer);
    assert!(taught < 0.1, "{taught}");
    assert!(taught < 0.7 * alone, "{taught} {alone}");
}

#[test]
fn threads_change_no_bit() {
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            let mut trainer = trainer();
            for count in [12, 13, 20] {
                let responses = measured(&mut trainer, count);
                trainer.fit(&responses).unwrap();
            }
            bits(&trainer)
        })
    };
    assert_eq!(with(1), with(3));
}

#[test]
fn a_trainer_goes_on_from_a_state_as_if_it_had_never_stopped() {
    let mut trainer = trainer();
    let responses = measured(&mut trainer, 15);
    trainer.fit(&responses).unwrap();
    let kept = postcard::to_allocvec(&trainer.state()).unwrap();
    let mut other = self::trainer();
    other.restore(postcard::from_bytes(&kept).unwrap()).unwrap();
    assert_eq!(bits(&other), bits(&trainer));
    for trainer in [&mut trainer, &mut other] {
        let responses = measured(trainer, 16);
        trainer.fit(&responses).unwrap();
    }
    assert_eq!(bits(&other), bits(&trainer));

    other.forget();
    assert_eq!(bits(&other), bits(&self::trainer()));
}

#[test]
fn mistakes_are_refused_and_change_nothing() {
    let mut trainer = trainer();
    let before = bits(&trainer);
    assert_eq!(trainer.fit(&[]), Err(TrainError::NoPoints));
    assert!(trainer.add(Candidate(COUNT as u32)).is_err());
    measured(&mut trainer, 3);
    let refused = trainer.fit(&[1.0, 2.0]);
    assert!(matches!(
        refused,
        Err(TrainError::PointCount {
            found: 2,
            expected: 3
        })
    ));
    let refused = trainer.fit(&[1.0, f64::NAN, 2.0]);
    assert!(matches!(
        refused,
        Err(TrainError::Response { index: 1, .. })
    ));
    let mut other = trainer.state();
    other.weights.pop();
    let refused = trainer.restore(other);
    assert!(matches!(refused, Err(TrainError::State { .. })));
    assert_eq!(bits(&trainer), before);
}

#[test]
fn images_without_structure_and_responses_without_variance_or_with_an_outlier_are_learned_from() {
    for patches in [of_image(&[3.0; SIDE * SIDE]), patches()] {
        for odd in [1.0, 1e9] {
            let mut trainer = TaughtTrainer::new(&patches, TrainerConfig::default()).unwrap();
            for count in [1, 2, 12, 13] {
                measured(&mut trainer, count);
                let mut responses = vec![1.0; count];
                responses[count / 2] = odd;
                let report = trainer.fit(&responses).unwrap();
                assert_eq!(report.skipped, 0);
                assert_eq!(trainer.model().validate(), Ok(()));
            }
        }
    }
}

/// Copies of a response in other units teach what one does, up to rounding.
#[test]
fn copies_of_a_response_teach_what_one_does() {
    let mut one = trainer();
    let responses = measured(&mut one, 30);
    one.fit(&responses).unwrap();
    let mut several = trainer();
    measured(&mut several, 30);
    let other: Vec<f64> = responses.iter().map(|y| y + 100.0).collect();
    several.fit_all(&[&responses, &other]).unwrap();
    let pairs = one.state.weights.iter().zip(&several.state.weights);
    for (a, b) in pairs {
        assert!((a - b).abs() < 1e-3, "{a} {b}");
    }
    assert_eq!(several.model().others.len(), 1);
}

/// Oracle: what a second response holds beyond the first, by its definition.
#[test]
fn the_second_axis_is_what_a_second_response_adds() {
    let first: Vec<f64> = (0..50).map(|n| libm::sin(0.3 * f64::from(n))).collect();
    let rest: Vec<f64> = (0..50).map(|n| libm::cos(1.1 * f64::from(n))).collect();
    let second: Vec<f64> = first
        .iter()
        .zip(&rest)
        .map(|(a, b)| 2.0 * a + 0.5 * b)
        .collect();
    let beyond = beyond(&[first.clone(), second.clone()]).unwrap();
    let along: Vec<f64> = (0..50)
        .map(|n| beyond.of(|response| [first[n], second[n]][response]))
        .collect();
    let mean = |of: &dyn Fn(usize) -> f64| (0..50).map(of).sum::<f64>() / 50.0;
    assert!(mean(&|n| along[n]).abs() < 1e-12);
    assert!((mean(&|n| along[n] * along[n]) - 1.0).abs() < 1e-12);
    assert!(mean(&|n| along[n] * first[n]).abs() < 1e-12);
    let (with, without) = (mean(&|n| along[n] * rest[n]), mean(&|n| rest[n] * rest[n]));
    assert!(with > 0.9 * without.sqrt(), "{with} {without}");
    let copy: Vec<f64> = first.iter().map(|y| 3.0 - 2.0 * y).collect();
    assert!(super::beyond(&[first.clone(), copy]).is_none());
    assert!(super::beyond(&[first]).is_none());
}
