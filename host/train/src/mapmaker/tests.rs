use super::*;

const SIDE: usize = 32;
const WINDOW: usize = 8;

fn candidates() -> Candidates {
    Candidates::new(SIDE, SIDE, WINDOW).unwrap()
}

fn image() -> Vec<f32> {
    let pixel = |n: usize| {
        let (row, column) = ((n / SIDE) as f64, (n % SIDE) as f64);
        libm::sin(0.9 * row) * libm::cos(0.5 * column) + 0.03 * row
    };
    (0..SIDE * SIDE).map(|n| pixel(n) as f32).collect()
}

fn mapmaker() -> Mapmaker {
    Mapmaker::new(candidates(), &image()).unwrap()
}

/// Every seventh candidate, in an order that jumps.
fn points(count: usize) -> Vec<Candidate> {
    (0..count)
        .map(|n| Candidate((n * 77 % 625) as u32))
        .collect()
}

/// What the features and the place of every candidate determine.
fn truth(mapmaker: &Mapmaker, of_place: f64) -> Vec<f64> {
    let response = |site: &Site| {
        let x = &site.features;
        let place = libm::sin(2.0 * site.place[0]) * libm::cos(1.5 * site.place[1]);
        500.0 + 20.0 * libm::tanh(x[0] + 0.5 * x[4]) + of_place * place
    };
    mapmaker.sites.iter().map(response).collect()
}

fn at(points: &[Candidate], truth: &[f64]) -> Vec<f64> {
    points.iter().map(|point| truth[point.index()]).collect()
}

fn mae(found: &[f64], truth: &[f64]) -> f64 {
    let errors = found.iter().zip(truth).map(|(a, b)| (a - b).abs());
    errors.sum::<f64>() / truth.len() as f64
}

#[test]
fn a_map_finds_what_features_and_what_neighbours_determine() {
    let mut mapmaker = mapmaker();
    for (of_place, most) in [(0.0, 1.0), (20.0, 3.0)] {
        let truth = truth(&mapmaker, of_place);
        let points = points(90);
        let map = mapmaker.map(&points, &at(&points, &truth)).unwrap();
        let found = mae(&map.mean, &truth);
        assert!(found < most, "{of_place}: {found}");
        let left_out: Vec<f64> = map.left_out.iter().map(|point| point.mean).collect();
        let expected = mae(&left_out, &at(&points, &truth));
        assert!(expected < 2.0 * most, "{of_place}: {expected}");
        let predictive = |variance: &f64| (variance + map.noise).sqrt();
        let sigmas = map.variance.iter().map(predictive);
        let errors = map.mean.iter().zip(&truth).map(|(a, b)| (a - b).abs());
        let within = errors
            .zip(sigmas)
            .filter(|(error, sigma)| *error < 2.0 * sigma);
        let share = within.count() as f64 / truth.len() as f64;
        assert!(share > 0.9, "{of_place}: {share}");
    }
}

#[test]
fn a_map_depends_on_its_points_alone_and_threads_change_no_bit() {
    let mapmaker = mapmaker();
    let truth = truth(&mapmaker, 5.0);
    let points = points(40);
    let responses = at(&points, &truth);
    let on = |threads| {
        let mut mapmaker = mapmaker.clone();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap()
            .install(|| mapmaker.map(&points, &responses).unwrap())
    };
    assert_eq!(on(1), on(3));
}

/// With many points the parameters are sought seldom, which makes no difference to a map.
#[test]
fn a_map_of_many_points_is_the_same_after_maps_of_fewer() {
    assert_eq!(
        [1, 399, 400, 419, 420, 440, 441, 462].map(fitted),
        [1, 399, 400, 400, 420, 420, 441, 441]
    );
    let mut mapmaker = mapmaker();
    let truth = truth(&mapmaker, 5.0);
    let points = points(450);
    let responses = at(&points, &truth);
    let mut fresh = mapmaker.clone();
    mapmaker.map(&points[..445], &responses[..445]).unwrap();
    let map = mapmaker.map(&points, &responses).unwrap();
    assert_eq!(map, fresh.map(&points, &responses).unwrap());
    // Other responses at the same points have parameters of their own.
    let (few, others) = (&points[..30], &responses[30..60]);
    fresh.map(few, &responses[..30]).unwrap();
    let map = fresh.map(few, others).unwrap();
    assert_eq!(map, mapmaker.map(few, others).unwrap());
}

#[test]
fn responses_in_other_units_give_the_same_map_in_those() {
    let mut mapmaker = mapmaker();
    let truth = truth(&mapmaker, 5.0);
    let points = points(30);
    let responses = at(&points, &truth);
    let map = mapmaker.map(&points, &responses).unwrap();
    // A power of two changes no digit.
    let scaled: Vec<f64> = responses.iter().map(|y| 1024.0 * y).collect();
    let scaled = mapmaker.map(&points, &scaled).unwrap();
    for (a, b) in map.mean.iter().zip(&scaled.mean) {
        assert!((1024.0 * a - b).abs() < 1e-6 * b.abs());
    }
    for (a, b) in map.variance.iter().zip(&scaled.variance) {
        assert!((1_048_576.0 * a - b).abs() <= 1e-6 * b.abs());
    }
}

#[test]
fn mistakes_are_refused() {
    let mut mapmaker = mapmaker();
    assert_eq!(mapmaker.map(&[], &[]), Err(TrainError::NoPoints));
    let (found, expected) = (1, 2);
    assert_eq!(
        mapmaker.map(&points(2), &[1.0]),
        Err(TrainError::PointCount { found, expected })
    );
    let error = mapmaker.map(&points(2), &[1.0, f64::NAN]).unwrap_err();
    assert!(matches!(error, TrainError::Response { index: 1, .. }));
    let error = mapmaker.map(&[Candidate(625)], &[1.0]).unwrap_err();
    assert!(matches!(error, TrainError::Kernel(_)));
}

#[test]
fn images_and_responses_without_variance_and_outliers_have_a_map() {
    let flat = vec![0.0; SIDE * SIDE];
    let mut spike = flat.clone();
    spike[300] = 32.0;
    for image in [flat, spike, image()] {
        let mut mapmaker = Mapmaker::new(candidates(), &image).unwrap();
        for count in [1, 2, 30] {
            let points = points(count);
            let constant = vec![0.25; count];
            let mut outlier = constant.clone();
            outlier[count / 2] = 1e12;
            for responses in [constant, outlier] {
                let map = mapmaker.map(&points, &responses).unwrap();
                assert!(map.mean.iter().all(|mean| mean.is_finite()));
                assert!(map.variance.iter().all(|v| v.is_finite() && *v >= 0.0));
                assert!(map.noise > 0.0);
                let (low, high) = (-1e12, 2e12);
                assert!(map.mean.iter().all(|mean| (low..high).contains(mean)));
            }
            let map = mapmaker.map(&points, &vec![0.25; count]).unwrap();
            assert!(map.mean.iter().all(|mean| (mean - 0.25).abs() < 1e-6));
        }
    }
}

#[test]
fn few_counts_near_their_noise_widen_the_deviations_and_more_points_or_counts_do_not() {
    // Squares of 4 and 6 counts: 2.3 times the noise of counting them.
    let background = |points: usize| -> Vec<f64> {
        let count = |n: usize| if n.is_multiple_of(2) { 4.0 } else { 6.0 };
        (0..points).map(count).collect()
    };
    let in_full = unseen(&background(10));
    assert!(in_full == MOST_UNSEEN && unseen(&background(20)) == in_full);
    let less = unseen(&background(30));
    assert!(less > 10.0 && less < in_full, "{less}");
    assert_eq!(unseen(&background(40)), 1.0);
    let bright: Vec<f64> = background(10).iter().map(|y| 200.0 * y).collect();
    assert_eq!(unseen(&bright), 1.0);
    assert_eq!(unseen(&[0.0, 1.0, 0.0, 0.0]), 1.0);

    let mut mapmaker = mapmaker();
    let (points, responses) = (points(10), background(10));
    let plain = mapmaker.map(&points, &responses).unwrap();
    mapmaker.set_units("Counts");
    let counted = mapmaker.map(&points, &responses).unwrap();
    assert!(counted.guessed && !plain.guessed);
    assert_eq!(counted.mean, plain.mean);
    for (wide, narrow) in counted.variance.iter().zip(&plain.variance) {
        assert!((wide - in_full * in_full * narrow).abs() <= 1e-9 * wide);
    }
    let equal = mapmaker.map(&points, &[3000.0; 10]).unwrap();
    assert!(equal.guessed);
}
