use super::*;

const SIDE: usize = 24;
const WINDOW: usize = 8;

fn candidates() -> Candidates {
    Candidates::new(SIDE, SIDE, WINDOW).unwrap()
}

/// Blobs on a slope.
fn image() -> Vec<f32> {
    let pixel = |n: usize| {
        let (row, column) = ((n / SIDE) as f64, (n % SIDE) as f64);
        (0.9 * row).sin() * (0.5 * column).cos() + 0.05 * row
    };
    (0..SIDE * SIDE).map(|n| pixel(n) as f32).collect()
}

fn trainer() -> FiltersTrainer {
    FiltersTrainer::new(candidates(), &image(), &TrainerConfig::default()).unwrap()
}

/// Every fifth candidate and a response that its features determine.
fn measured(trainer: &mut FiltersTrainer, count: usize) -> Vec<f64> {
    trainer.clear();
    let numbers = (0..count).map(|n| Candidate((n * 5 % 289) as u32));
    numbers
        .map(|candidate| {
            trainer.add(candidate).unwrap();
            let x = trainer.points.last().unwrap();
            7.0 + 2.0 * libm::tanh(x[0] + 0.5 * x[5])
        })
        .collect()
}

fn plane<'a>(trainer: &'a mut FiltersTrainer, targets: &'a [Vec<f64>]) -> Plane<'a> {
    Plane {
        points: &trainer.points,
        places: &trainer.places,
        window: WINDOW,
        targets,
        likelihood: &mut trainer.likelihood,
        latents: Vec::new(),
        falloff: Falloff::default(),
        parameters: [0.0; PARAMETERS],
    }
}

/// Oracle: central differences of the value.
#[test]
fn the_gradient_is_the_slope_of_the_value() {
    let mut trainer = trainer();
    let responses = measured(&mut trainer, 17);
    let own: Vec<f64> = responses.iter().map(|r| r - 7.0).collect();
    let other = |k: usize| {
        (0..17)
            .map(|n| libm::sin((k + 1) as f64 * n as f64))
            .collect()
    };
    for count in 1..=3 {
        let mut targets: Vec<Vec<f64>> = (1..count).map(other).collect();
        targets.insert(0, own.clone());
        let mut parameters = start(correlations(&trainer.points, &own), 3);
        let mut plane = plane(&mut trainer, &targets);
        let mut gradient = vec![0.0; PARAMETERS];
        plane.value(&parameters).unwrap();
        plane.gradient(&mut gradient);
        for k in 0..PARAMETERS {
            let (centre, step) = (parameters[k], 1e-5);
            parameters[k] = centre + step;
            let up = plane.value(&parameters).unwrap();
            parameters[k] = centre - step;
            let down = plane.value(&parameters).unwrap();
            parameters[k] = centre;
            let slope = (up - down) / (2.0 * step);
            assert!(
                (gradient[k] - slope).abs() < 1e-6,
                "{count} {k}: {} {slope}",
                gradient[k]
            );
        }
    }
}

/// Of two copies every sum is twice that of one, to the bit; of three and four up to rounding.
#[test]
fn copies_of_a_response_teach_what_one_does() {
    let mut one = trainer();
    let responses = measured(&mut one, 40);
    one.fit(&responses).unwrap().unwrap();
    for count in 2..=4 {
        let mut several = trainer();
        measured(&mut several, 40);
        let columns: Vec<&[f64]> = (0..count).map(|_| responses.as_slice()).collect();
        several.fit_all(&columns).unwrap().unwrap();
        if count == 2 {
            assert_eq!(several.state.parameters, one.state.parameters);
        }
        let pairs = one.state.parameters.iter().zip(&several.state.parameters);
        for (a, b) in pairs {
            assert!((a - b).abs() < 1e-4 * a.abs().max(1.0), "{count}: {a} {b}");
        }
        let (model, own) = (several.model(), one.model().standardisation);
        assert_eq!(model.responses(), count);
        assert!(model.standardisations().all(|of| *of == own));
    }
}

/// A response that changes along one feature, and another along another: the plane tells both.
/// Oracle: the kernel's own predictions of each.
#[test]
fn a_plane_of_two_responses_predicts_both() {
    let mut trainer = trainer();
    measured(&mut trainer, 80);
    let features = trainer.features.clone();
    let truths: [Box<dyn Fn(usize) -> f64>; 2] = [0, 3].map(|k| {
        let of: Vec<f64> = features.iter().map(|x| f64::from(x[k])).collect();
        Box::new(move |n: usize| 7.0 + libm::tanh(of[n])) as Box<dyn Fn(usize) -> f64>
    });
    let columns = truths.each_ref().map(|truth| {
        let of = (0..80).map(|n| truth(n * 5 % 289));
        of.collect::<Vec<f64>>()
    });
    trainer
        .fit_all(&[&columns[0], &columns[1]])
        .unwrap()
        .unwrap();
    let model = trainer.model();
    for (response, truth) in truths.iter().enumerate() {
        let of = *model.standardisations().nth(response).unwrap();
        let alone = Model {
            standardisation: of,
            others: &[],
            ..model
        };
        let mae = error(&alone, &columns[response], truth);
        let spread = f64::from(of.scale);
        assert!(mae < 0.2 * spread, "{response}: {mae} of {spread}");
    }
}

#[test]
fn columns_that_do_not_fit_are_refused() {
    let mut trainer = trainer();
    measured(&mut trainer, 3);
    assert_eq!(trainer.fit_all(&[]), Err(TrainError::NoResponses));
    let error = trainer
        .fit_all(&[&[1.0, 2.0, 3.0], &[1.0, 2.0]])
        .unwrap_err();
    let told = error.to_string();
    assert!(
        told.contains("column 1 has 2 responses; 3 are needed"),
        "{told}"
    );
    let error = trainer.fit_all(&[&[1.0, 2.0, 3.0], &[1.0, f64::NAN, 2.0]]);
    assert!(matches!(error, Err(TrainError::Response { index: 1, .. })));
}

/// Mean absolute error of the kernel that is told a model and these responses of every fifth
/// candidate, at all candidates.
fn error(model: &Model<'_>, responses: &[f64], truth: impl Fn(usize) -> f64) -> f64 {
    let capacity = Capacity::for_candidates(candidates(), responses.len());
    let mut floats = vec![0.0; capacity.floats()];
    let mut words = vec![0; capacity.words()];
    let storage = Storage::new(capacity, &mut floats, &mut words).unwrap();
    let mut explorer = Explorer::new(storage, Acquisition::default(), 1).unwrap();
    explorer.load_image_for(candidates(), &image()).unwrap();
    explorer.load_model(model).unwrap();
    for (n, response) in responses.iter().enumerate() {
        let candidate = Candidate((n * 5 % 289) as u32);
        explorer.measure(candidate, *response as f32).unwrap();
    }
    let surrogate = explorer.surrogate().unwrap();
    let errors = surrogate.iter().enumerate().map(|(n, (mean, _))| {
        let mean = surrogate.standardisation.restore(mean);
        (f64::from(mean) - truth(n)).abs()
    });
    errors.sum::<f64>() / 289.0
}

#[test]
fn the_kernel_predicts_with_the_model_what_was_not_measured() {
    let mut trainer = trainer();
    let responses = measured(&mut trainer, 60);
    let report = trainer.fit(&responses).unwrap().unwrap();
    assert_eq!((report.points, report.skipped, report.jitter), (60, 0, 0.0));
    assert!(report.loss_after.unwrap() < report.loss_before.unwrap() - 0.5);
    let mae = error(&trainer.model(), &responses, |n| {
        let x = trainer.features[n].map(f64::from);
        7.0 + 2.0 * libm::tanh(x[0] + 0.5 * x[5])
    });
    // The responses spread by 1.4.
    assert!(mae < 0.1, "{mae}");
}

/// Oracle: the best model of the kernel's that has no spatial part, of those with more noise.
#[test]
fn what_neighbours_share_is_learned() {
    let mut trainer = trainer();
    let features: Vec<f64> = trainer.features.iter().map(|x| f64::from(x[0])).collect();
    let truth = |n: usize| {
        let (row, column) = ((n / 17) as f64, (n % 17) as f64);
        7.0 + libm::tanh(features[n]) + libm::sin(row / 4.0) * libm::cos(column / 5.0)
    };
    measured(&mut trainer, 100);
    let responses: Vec<f64> = (0..100).map(|n| truth(n * 5 % 289)).collect();
    trainer.fit(&responses).unwrap().unwrap();
    let model = trainer.model();
    let mae = error(&model, &responses, truth);
    let mut weights = model.weights.to_vec();
    weights[WEIGHTS] = 0.0;
    let without = [1.0, 3.0, 10.0, 30.0, 100.0].map(|times| {
        let mut plain = Model {
            weights: &weights,
            ..model
        };
        plain.hyperparameters.noise *= times;
        error(&plain, &responses, truth)
    });
    let without = without.into_iter().fold(f64::INFINITY, f64::min);
    assert!(mae < 0.3 * without, "{mae} {without}");
}

#[test]
fn the_more_points_the_rarer_a_fit() {
    let fitted = [19, 20, 100, 999, 1000, 1999, 2000, 4000];
    let due = [20, 21, 105, 1048, 1100, 2198, 2500, 5000];
    assert_eq!(fitted.map(next_fit), due);
}

#[test]
fn a_fit_is_due_when_points_grow_by_a_twentieth_or_one_is_a_surprise() {
    let mut trainer = trainer();
    let mut due = Vec::new();
    let mut responses = measured(&mut trainer, 70);
    for n in 10..=70 {
        trainer.points.truncate(10);
        measured(&mut trainer, n);
        if trainer.fit(&responses[..n]).unwrap().is_some() {
            due.push(n);
        }
    }
    let expected: Vec<usize> = (10..=40)
        .chain((42..=60).step_by(2))
        .chain([63, 66, 69])
        .collect();
    assert_eq!(due, expected);
    responses[69] = 100.0;
    assert!(trainer.fit(&responses).unwrap().is_some());
    let scale = f64::from(trainer.model().standardisation.scale);
    assert!(scale > 10.0, "{scale}");
}

#[test]
fn threads_and_what_was_kept_change_no_bit() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let mut trainer = trainer();
            let responses = measured(&mut trainer, 40);
            measured(&mut trainer, 30);
            trainer.fit(&responses[..30]).unwrap().unwrap();
            let kept = trainer.state();
            measured(&mut trainer, 40);
            trainer.fit(&responses).unwrap().unwrap();
            (kept, trainer.state())
        })
    };
    let (kept, whole) = on(1);
    assert_eq!((kept.clone(), whole.clone()), on(3));
    let mut again = trainer();
    let responses = measured(&mut again, 40);
    again.restore(kept).unwrap();
    again.fit(&responses).unwrap().unwrap();
    assert_eq!(again.state(), whole);
    again.forget();
    assert_eq!(again.state(), trainer().state());
}

#[test]
fn mistakes_are_refused_and_change_nothing() {
    let mut trainer = trainer();
    let before = trainer.state();
    assert_eq!(trainer.fit(&[]), Err(TrainError::NoPoints));
    measured(&mut trainer, 3);
    let error = trainer.fit(&[1.0]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "1 responses for 3 points; one for each is needed"
    );
    let found = trainer.fit(&[1.0, f64::NAN, 2.0]);
    assert!(matches!(found, Err(TrainError::Response { index: 1, .. })));
    assert!(trainer.add(Candidate(289)).is_err());
    let mut short = before.clone();
    short.parameters.pop();
    let (found, expected) = (22, 23);
    assert_eq!(
        trainer.restore(short),
        Err(TrainError::State { found, expected })
    );
    assert_eq!(trainer.state(), before);
}

/// Images and responses that have nothing in them, or one thing only.
#[test]
fn data_without_variance_and_outliers_train() {
    let flat = vec![0.0; SIDE * SIDE];
    let mut saturated = vec![1.0; SIDE * SIDE];
    saturated[..40].fill(-3.0);
    let mut spike = flat.clone();
    spike[300] = 24.0;
    for image in [flat, saturated, spike, image()] {
        for count in [1, 2, 12, 40] {
            let constant = vec![0.25; count];
            let mut outlier = constant.clone();
            outlier[count / 2] = 1e12;
            let waves = (0..count).map(|n| libm::sin(n as f64)).collect();
            for responses in [constant, outlier, waves] {
                let config = TrainerConfig::default();
                let mut trainer = FiltersTrainer::new(candidates(), &image, &config).unwrap();
                measured(&mut trainer, count);
                let report = trainer.fit(&responses).unwrap().unwrap();
                assert_eq!(report.skipped, 0);
                assert!(report.loss_after.unwrap() <= report.loss_before.unwrap());
                assert_eq!(trainer.model().validate(), Ok(()));
                // What is handed over fits half precision as well.
                let most = trainer
                    .weights
                    .iter()
                    .fold(0.0_f32, |most, w| most.max(w.abs()));
                assert!(most <= LARGEST as f32);
            }
        }
    }
}

#[test]
fn a_state_whose_weights_are_out_of_range_is_refused() {
    let mut trainer = trainer();
    for bad in [f64::NAN, 1e5, -12.5] {
        let mut state = trainer.state();
        state.parameters[4] = bad;
        let error = trainer.restore(state).unwrap_err().to_string();
        assert!(error.starts_with("weight 4 is"), "{error}");
    }
    assert_eq!(trainer.model().validate(), Ok(()));
}
