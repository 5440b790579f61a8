use nalgebra::{DMatrix, DVector};

use super::*;

fn sites(count: usize) -> Vec<Site> {
    let wave = |i: usize, k: usize| libm::sin(1.0 + (1.3 + 0.37 * k as f64) * i as f64);
    let site = |i: usize| Site {
        features: core::array::from_fn(|k| wave(i, k)),
        place: [0.31 * (i % 7) as f64, 0.17 * (i / 7) as f64],
    };
    (0..count).map(site).collect()
}

fn targets(count: usize) -> Vec<f64> {
    (0..count).map(|i| libm::sin(0.7 * i as f64)).collect()
}

fn parameters() -> Vec<f64> {
    (0..PARAMETERS)
        .map(|k| 0.2 * libm::cos(2.0 * k as f64) - 0.1)
        .collect()
}

/// The covariance by its definition.
fn between(p: &[f64], a: &Site, b: &Site) -> f64 {
    let square = |k: usize| ((a.features[k] - b.features[k]) / p[k].exp()).powi(2);
    let r = (0..FEATURES).map(square).sum::<f64>().sqrt();
    let root = 5.0_f64.sqrt() * r;
    let far = (a.place[0] - b.place[0]).hypot(a.place[1] - b.place[1]);
    let away = 3.0_f64.sqrt() * far / p[REACH].exp();
    let features = (1.0 + root + 5.0 * r * r / 3.0) * (-root).exp();
    features * (p[OUTPUTSCALE].exp() + p[SPACE].exp() * (1.0 + away) * (-away).exp())
}

/// Mean and variance at a site, and the loss but for priors, by dense algebra.
fn dense(p: &[f64], points: &[Site], y: &[f64], at: &Site) -> (f64, f64, f64) {
    let n = points.len();
    let noise = NOISE_FLOOR + p[NOISE].exp();
    let k = DMatrix::from_fn(n, n, |i, j| {
        between(p, &points[i], &points[j]) + if i == j { noise } else { 0.0 }
    });
    let own = DVector::from_fn(n, |i, _| between(p, &points[i], at));
    let residual = DVector::from_fn(n, |i, _| y[i] - p[MEAN]);
    let cholesky = k.cholesky().unwrap();
    let loss = residual.dot(&cholesky.solve(&residual)) + cholesky.determinant().ln();
    let mean = p[MEAN] + own.dot(&cholesky.solve(&residual));
    let variance = between(p, at, at) - own.dot(&cholesky.solve(&own));
    (mean, variance, 0.5 * loss)
}

/// Oracle: nalgebra's dense algebra.
#[test]
fn value_and_posterior_are_those_of_dense_algebra() {
    let p = parameters();
    for n in [1, 2, 9, 40] {
        let (all, y) = (sites(n + 11), targets(n));
        let mut process = Process::new(&all[..n], &y);
        let value = process.value(&p).unwrap();
        let priors = PRIORS.iter().zip(&p);
        let penalty: f64 = priors.map(|(prior, &x)| prior.penalty(x)).sum();
        assert!(process.settle(&p));
        let found = process.predict(&all, &Pace::default());
        assert_eq!(found.len(), all.len());
        for (site, found) in all.iter().zip(found) {
            let (mean, variance, loss) = dense(&p, &all[..n], &y, site);
            assert!((found.mean - mean).abs() < 1e-10);
            assert!((found.variance - variance).abs() < 1e-10);
            assert!((value - penalty - loss).abs() < 1e-9);
        }
    }
}

/// Oracle: central differences of the value.
#[test]
fn the_gradient_is_the_slope_of_the_value() {
    let mut p = parameters();
    for n in [1, 2, 9, 40] {
        let (sites, y) = (sites(n), targets(n));
        let mut process = Process::new(&sites, &y);
        process.value(&p).unwrap();
        let mut gradient = vec![f64::NAN; PARAMETERS];
        process.gradient(&mut gradient);
        for k in 0..PARAMETERS {
            let (centre, step) = (p[k], 1e-5);
            p[k] = centre + step;
            let up = process.value(&p).unwrap();
            p[k] = centre - step;
            let down = process.value(&p).unwrap();
            p[k] = centre;
            let slope = (up - down) / (2.0 * step);
            assert!(
                (gradient[k] - slope).abs() < 1e-6,
                "{n} {k}: {} {slope}",
                gradient[k]
            );
        }
    }
}

/// Oracle: dense algebra of each response, and central differences of the value.
#[test]
fn several_responses_have_the_mean_of_their_losses_and_its_slopes() {
    let mut p = parameters();
    let penalty = |p: &[f64]| -> f64 {
        let priors = PRIORS.iter().zip(p);
        priors.map(|(prior, &x)| prior.penalty(x)).sum()
    };
    for (n, count) in [(9, 2), (40, 2), (12, 3)] {
        let all = sites(n + 3);
        let wave = |k: usize| (0..n).map(move |i| libm::sin((0.7 + k as f64) * i as f64));
        let y: Vec<Vec<f64>> = (0..count).map(|k| wave(k).collect()).collect();
        let columns: Vec<&[f64]> = y.iter().map(Vec::as_slice).collect();
        let mut process = Process::of(&all[..n], columns);
        assert!(process.settle(&p));
        let value = process.value(&p).unwrap();
        let of_each = y.iter().map(|y| dense(&p, &all[..n], y, &all[n]));
        let losses: Vec<_> = of_each.collect();
        let mean = losses.iter().map(|(_, _, loss)| loss).sum::<f64>() / count as f64;
        assert!((value - penalty(&p) - mean).abs() < 1e-9);
        process.invert();
        for (response, (expected, ..)) in losses.iter().enumerate() {
            let found = process.means_of(response, &all[n..=n])[0];
            assert!((found - expected).abs() < 1e-10);
        }
        let mut gradient = vec![f64::NAN; PARAMETERS];
        process.value(&p).unwrap();
        process.gradient(&mut gradient);
        for k in 0..PARAMETERS {
            let (centre, step) = (p[k], 1e-5);
            p[k] = centre + step;
            let up = process.value(&p).unwrap();
            p[k] = centre - step;
            let down = process.value(&p).unwrap();
            p[k] = centre;
            let slope = (up - down) / (2.0 * step);
            assert!((gradient[k] - slope).abs() < 1e-6, "{n} {k}");
        }
    }
}

/// Oracle: the same process without the point, by dense algebra.
#[test]
fn what_is_left_out_is_predicted_by_the_others() {
    let (p, n) = (parameters(), 12);
    let (all, y) = (sites(n), targets(n));
    let mut process = Process::new(&all, &y);
    assert!(process.settle(&p));
    let noise = process.noise();
    for (i, found) in process.left_out().into_iter().enumerate() {
        let (mut others, mut rest) = (all.clone(), y.clone());
        let (site, _) = (others.remove(i), rest.remove(i));
        let (mean, variance, _) = dense(&p, &others, &rest, &site);
        assert!((found.mean - mean).abs() < 1e-10);
        assert!((found.variance - variance - noise).abs() < 1e-10);
    }
}

#[test]
fn threads_change_no_bit() {
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        pool.unwrap().install(|| {
            let (sites, y) = (sites(50), targets(50));
            let mut process = Process::new(&sites, &y);
            let value = process.value(&parameters());
            let mut gradient = vec![0.0; PARAMETERS];
            process.gradient(&mut gradient);
            (value, gradient, process.predict(&sites, &Pace::default()))
        })
    };
    assert_eq!(on(1), on(3));
}

#[test]
fn parameters_out_of_range_have_no_value() {
    let (sites, y) = (sites(5), targets(5));
    let mut process = Process::new(&sites, &y);
    for bad in [f64::NAN, f64::INFINITY, 12.5, -12.5] {
        let mut p = parameters();
        p[3] = bad;
        assert_eq!(process.value(&p), None);
        assert!(!process.settle(&p));
    }
}
