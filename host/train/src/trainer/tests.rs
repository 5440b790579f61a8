use super::super::backprop::tests::{numbers, reference};
use super::*;

fn data(window: usize, points: usize) -> (Vec<f32>, Vec<f64>) {
    let pixels = numbers(points * window * window, 0.618_033_988_749);
    let patches: Vec<f32> = pixels.iter().map(|p| *p as f32 + 0.5).collect();
    let brightness = |patch: &[f32]| 3.0 + f64::from(patch.iter().take(30).sum::<f32>());
    let responses = patches.chunks_exact(window * window).map(brightness);
    let responses = responses.collect();
    (patches, responses)
}

fn trainer(network: Network, initial_epochs: usize) -> Trainer {
    let config = TrainerConfig {
        initial_epochs,
        epochs: 3,
        ..TrainerConfig::default()
    };
    Trainer::new(network, config).unwrap()
}

/// Oracle: central differences of the whole loss, network by its definition in f64.
#[test]
fn the_whole_gradient_is_the_slope_of_the_whole_loss() {
    for (network, count) in [
        (Network::new(Architecture::Valid, 10).unwrap(), 1),
        (Network::new(Architecture::Same, 5).unwrap(), 1),
        (Network::new(Architecture::Same, 5).unwrap(), 3),
    ] {
        let window = network.window();
        let (patches, responses) = data(window, 18);
        let wave = |k: usize| (0..18).map(move |n| libm::sin((k * n) as f64));
        let others: Vec<Vec<f64>> = (1..count).map(|k| wave(k).collect()).collect();
        let columns = core::iter::once(&responses).chain(&others);
        let columns: Vec<&[f64]> = columns.map(Vec::as_slice).collect();
        let mut trainer = trainer(network, 5);
        trainer.fit_all(&patches, &columns).unwrap();
        assert_eq!(trainer.model().responses(), count);
        // Weights that f32 holds exactly, so that both sides see the same ones.
        let weights = network.weight_count();
        for w in &mut trainer.state.parameters[..weights] {
            *w = f64::from(*w as f32);
        }
        trainer.evaluate().unwrap();
        assert!(trainer.differentiate());
        let gradient = trainer.gradient.clone();
        let mut parameters = trainer.state.parameters.clone();
        let patches: Vec<f64> = patches.iter().map(|p| f64::from(*p)).collect();
        let mut likelihood = Likelihood::new(trainer.config.noise_floor);
        let mut loss = |parameters: &[f64]| {
            let patches = patches.chunks_exact(window * window);
            let latents = patches.map(|patch| reference(network, &parameters[..weights], patch));
            let process = core::array::from_fn(|k| parameters[weights + k]);
            likelihood
                .value_of(latents, &trainer.targets, &process)
                .unwrap()
        };
        let largest = gradient.iter().fold(0.0_f64, |a, g| a.max(g.abs()));
        let some = (0..weights)
            .step_by(37)
            .chain(weights..weights + PARAMETERS);
        for k in some {
            let (centre, step) = (parameters[k], 1e-6);
            parameters[k] = centre + step;
            let up = loss(&parameters);
            parameters[k] = centre - step;
            let down = loss(&parameters);
            parameters[k] = centre;
            let slope = (up - down) / (2.0 * step);
            let error = (gradient[k] - slope).abs();
            assert!(error < 1e-5 * largest, "{k}: {} for {slope}", gradient[k]);
        }
    }
}

#[test]
fn training_lowers_the_loss_and_gives_a_model_the_kernel_takes() {
    for network in [
        Network::for_window(16).unwrap(),
        Network::for_window(5).unwrap(),
    ] {
        let (patches, responses) = data(network.window(), 30);
        let mut trainer = trainer(network, 60);
        let report = trainer.fit(&patches, &responses).unwrap();
        assert_eq!((report.epochs, report.skipped), (60, 0));
        assert_eq!(report.jitter, 0.0);
        assert!(report.loss_after.unwrap() < report.loss_before.unwrap() - 0.1);
        assert_eq!(trainer.model().validate(), Ok(()));
        let again = trainer.fit(&patches, &responses).unwrap();
        assert_eq!(again.epochs, 3);
        assert_eq!(again.loss_before, report.loss_after);
    }
}

#[test]
fn threads_change_no_bit() {
    let (patches, responses) = data(16, 70);
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(|| {
            let mut trainer = trainer(Network::for_window(16).unwrap(), 4);
            let first = trainer.fit(&patches[..40 * 256], &responses[..40]).unwrap();
            let second = trainer.fit(&patches, &responses).unwrap();
            (trainer.state.parameters, first, second)
        })
    };
    let one = on(1);
    assert_eq!(one, on(2));
    assert_eq!(one, on(3));
}

/// One sum of bits for every machine. A change of the arithmetic changes it on purpose.
#[test]
fn the_bits_of_a_short_training_are_the_recorded_ones() {
    let (patches, responses) = data(16, 40);
    let mut trainer = trainer(Network::for_window(16).unwrap(), 5);
    trainer.fit(&patches, &responses).unwrap();
    let model = trainer.model();
    let sum = model
        .weights
        .iter()
        .fold(0_u32, |sum, w| sum.rotate_left(5).wrapping_add(w.to_bits()));
    assert_eq!(sum, RECORDED, "{sum:#010x}");
}

const RECORDED: u32 = 0xf7f2_f256;

#[test]
fn constant_responses_and_single_points_train() {
    for points in [1, 2, 12] {
        let (patches, _) = data(10, points);
        let mut trainer = trainer(Network::for_window(10).unwrap(), 20);
        let report = trainer.fit(&patches, &vec![0.25; points]).unwrap();
        assert_eq!(report.epochs, 20);
        assert!(report.loss_after.unwrap().is_finite());
        assert_eq!(trainer.model().validate(), Ok(()));
    }
    let (patches, responses) = data(10, 2);
    let report = trainer(Network::for_window(10).unwrap(), 20).fit(&patches, &responses);
    assert_eq!(report.unwrap().epochs, 20);
}

#[test]
fn a_step_too_far_is_taken_back_with_the_state_of_the_optimiser() {
    let (patches, responses) = data(10, 12);
    let mut trainer = trainer(Network::for_window(10).unwrap(), 5);
    trainer.fit(&patches, &responses).unwrap();
    let (before, model) = (trainer.state.clone(), trainer.model().weights.to_vec());
    trainer.config.warm_learning_rate = 1e300;
    let report = trainer.fit(&patches, &responses).unwrap();
    assert_eq!((report.epochs, report.skipped), (0, 3));
    assert_eq!(report.loss_after, report.loss_before);
    assert_eq!(trainer.state.parameters, before.parameters);
    assert_eq!(trainer.model().weights, model);
    assert_eq!(trainer.model().validate(), Ok(()));
    // And training goes on as if the bad fit had never been.
    trainer.config.warm_learning_rate = 1e-3;
    assert_eq!(trainer.fit(&patches, &responses).unwrap().epochs, 3);
}

#[test]
fn a_restart_keeps_what_predicts_better_and_comes_as_the_points_double() {
    let (patches, responses) = data(10, 45);
    let run = |restarts: bool| {
        let network = Network::for_window(10).unwrap();
        let mut trainer = trainer(network, 5);
        trainer.config.restarts = restarts;
        let mut restarted = Vec::new();
        for points in [10, 19, 20, 39, 40, 45] {
            let patches = &patches[..100 * points];
            trainer.fit(patches, &responses[..points]).unwrap();
            restarted.push(trainer.restarted);
        }
        (trainer, restarted)
    };
    let (mut without, never) = run(false);
    let (mut with, restarted) = run(true);
    assert_eq!(never, [0; 6]);
    assert_eq!(restarted, [0, 0, 20, 20, 40, 40]);
    assert_eq!(with.model().validate(), Ok(()));
    assert_eq!(with.state.parameters, with.good.parameters);
    assert_ne!(with.state.parameters, without.state.parameters);
    assert!(with.leave_one_out() > without.leave_one_out());
    assert_eq!(run(true).0.state.parameters, with.state.parameters);
}

#[test]
fn early_epochs_are_those_of_later_fits_on_few_points() {
    let (patches, responses) = data(10, 61);
    let mut trainer = trainer(Network::for_window(10).unwrap(), 5);
    trainer.config.early_epochs = Some(2);
    let (first, later) = (trainer.config.initial_epochs, trainer.config.epochs);
    let fits = [(10, first), (11, 2), (59, 2), (60, later), (61, later)];
    for (points, epochs) in fits {
        let report = trainer.fit(&patches[..100 * points], &responses[..points]);
        assert_eq!(report.unwrap().epochs, epochs, "{points}");
    }
}

#[test]
fn a_network_without_convolutions_is_refused() {
    let network = Network::new(Architecture::Filters, 16).unwrap();
    let refused = Trainer::new(network, TrainerConfig::default()).map(|_| ());
    assert_eq!(
        refused.unwrap_err().to_string(),
        "the architecture is Filters; this trainer takes Valid and Same"
    );
}

#[test]
fn mistakes_are_refused_and_change_nothing() {
    let (patches, responses) = data(10, 3);
    let mut trainer = trainer(Network::for_window(10).unwrap(), 2);
    let before = trainer.state.parameters.clone();
    assert_eq!(trainer.fit(&[], &[]), Err(TrainError::NoPoints));
    let error = trainer.fit(&patches[1..], &responses).unwrap_err();
    assert_eq!(
        error.to_string(),
        "299 patch values for 3 responses; 300 are needed (10 × 10 each)"
    );
    for bad in [f64::NAN, f64::INFINITY, 1e39] {
        let found = trainer.fit(&patches, &[1.0, bad, 2.0]);
        assert!(matches!(found, Err(TrainError::Response { index: 1, .. })));
    }
    let mut broken = patches.clone();
    broken[7] = f32::NAN;
    let found = trainer.fit(&broken, &responses);
    assert!(matches!(
        found,
        Err(TrainError::PatchValue { index: 7, .. })
    ));
    assert_eq!(trainer.state.parameters, before);
}
