use super::super::pairs::accumulate_body;
use super::*;

fn points(n: usize) -> (Vec<[f64; 2]>, Vec<f64>) {
    let wave = |i: usize, step: f64| libm::sin(1.0 + step * i as f64);
    let latents = (0..n).map(|i| [wave(i, 1.3), 0.8 * wave(i, 2.9)]);
    (latents.collect(), (0..n).map(|i| wave(i, 0.7)).collect())
}

const P: [f64; PARAMETERS] = [-0.4, 0.2, 0.3, -1.5, 0.1];

/// Oracle: eq. 5.8 with nalgebra's dense algebra.
#[test]
fn the_value_is_that_of_dense_algebra() {
    let floor = 0.01;
    for n in [1, 2, 7, 40] {
        let (z, y) = points(n);
        let found = Likelihood::new(floor).value(z.iter().copied(), &y, &P);
        let k = nalgebra::DMatrix::from_fn(n, n, |i, j| {
            let d = |a: usize| (z[i][a] - z[j][a]) / P[a].exp();
            let noise = if i == j { floor + P[3].exp() } else { 0.0 };
            P[2].exp() * ((-0.5 * (d(0) * d(0) + d(1) * d(1))).exp() + noise)
        });
        let residual = nalgebra::DVector::from_fn(n, |i, _| y[i] - P[4]);
        let cholesky = k.cholesky().unwrap();
        let quadratic = residual.dot(&cholesky.solve(&residual));
        let tau = core::f64::consts::TAU;
        let loss = quadratic + cholesky.determinant().ln() + n as f64 * tau.ln();
        assert!((found.unwrap() - 0.5 * loss / n as f64).abs() < 1e-12);
    }
}

/// Oracle: central differences of the value.
#[test]
fn the_gradient_is_the_slope_of_the_value() {
    for n in [1, 2, 9, 40] {
        let (mut z, y) = points(n);
        let mut likelihood = Likelihood::new(0.01);
        likelihood.value(z.iter().copied(), &y, &P).unwrap();
        let gradient = likelihood.gradient();
        let by_latent: Vec<_> = (0..n).map(|i| likelihood.latent_gradient(i)).collect();
        let mut value = |z: &[[f64; 2]], p: &[f64; PARAMETERS]| {
            likelihood.value(z.iter().copied(), &y, p).unwrap()
        };
        let step = 1e-5;
        for (k, g) in gradient.into_iter().enumerate() {
            let (mut up, mut down) = (P, P);
            up[k] += step;
            down[k] -= step;
            let slope = (value(&z, &up) - value(&z, &down)) / (2.0 * step);
            assert!((g - slope).abs() < 1e-8, "{n} {k}: {g} {slope}");
        }
        for i in 0..n {
            for axis in 0..2 {
                let centre = z[i][axis];
                z[i][axis] = centre + step;
                let up = value(&z, &P);
                z[i][axis] = centre - step;
                let down = value(&z, &P);
                z[i][axis] = centre;
                let slope = (up - down) / (2.0 * step);
                let g = by_latent[i][axis];
                assert!((g - slope).abs() < 1e-8, "{n} {i}: {g} {slope}");
            }
        }
    }
}

/// Oracle: the density of all points over that of all but one is the density of that one given the others.
#[test]
fn leaving_one_out_is_what_is_left_of_the_density_of_all() {
    let n = 12;
    let (z, y) = points(n);
    let mut likelihood = Likelihood::new(0.01);
    let without = |points: &[usize]| {
        let latents: Vec<_> = points.iter().map(|&i| z[i]).collect();
        let targets: Vec<_> = points.iter().map(|&i| y[i]).collect();
        let value = Likelihood::new(0.01).value(latents.into_iter(), &targets, &P);
        -(points.len() as f64) * value.unwrap()
    };
    let all: Vec<usize> = (0..n).collect();
    let densities = (0..n).map(|i| {
        let others: Vec<usize> = (0..n).filter(|&j| j != i).collect();
        without(&all) - without(&others)
    });
    let expected = densities.sum::<f64>() / n as f64;
    likelihood.value(z.iter().copied(), &y, &P).unwrap();
    likelihood.gradient();
    let found = likelihood.leave_one_out();
    assert!((found - expected).abs() < 1e-10, "{found} {expected}");
}

/// Some responses of the same points.
fn columns(n: usize, count: usize) -> Vec<Vec<f64>> {
    let column = |k: usize| (0..n).map(move |i| libm::cos((0.7 + k as f64) * i as f64));
    (0..count).map(|k| column(k).collect()).collect()
}

/// Oracle: eq. 5.8 of each response with nalgebra's dense algebra, and central differences.
#[test]
fn several_responses_have_the_mean_of_their_losses_and_its_slopes() {
    let (floor, step) = (0.01, 1e-5);
    for (n, count) in [(1, 2), (7, 2), (40, 2), (9, 3), (40, 3)] {
        let (mut z, _) = points(n);
        let y = columns(n, count);
        let mut likelihood = Likelihood::new(floor);
        let found = likelihood.value_of(z.iter().copied(), &y, &P).unwrap();
        let k = nalgebra::DMatrix::from_fn(n, n, |i, j| {
            let d = |a: usize| (z[i][a] - z[j][a]) / P[a].exp();
            let noise = if i == j { floor + P[3].exp() } else { 0.0 };
            P[2].exp() * ((-0.5 * (d(0) * d(0) + d(1) * d(1))).exp() + noise)
        });
        let cholesky = k.cholesky().unwrap();
        let losses = y.iter().map(|y| {
            let residual = nalgebra::DVector::from_fn(n, |i, _| y[i] - P[4]);
            let tau = core::f64::consts::TAU;
            let quadratic = residual.dot(&cholesky.solve(&residual));
            0.5 * (quadratic + cholesky.determinant().ln() + n as f64 * tau.ln())
        });
        let expected = losses.sum::<f64>() / (n * count) as f64;
        assert!((found - expected).abs() < 1e-11, "{found} {expected}");

        let gradient = likelihood.gradient();
        let by_latent: Vec<_> = (0..n).map(|i| likelihood.latent_gradient(i)).collect();
        let mut value = |z: &[[f64; 2]], p: &[f64; PARAMETERS]| {
            likelihood.value_of(z.iter().copied(), &y, p).unwrap()
        };
        for (k, g) in gradient.into_iter().enumerate() {
            let (mut up, mut down) = (P, P);
            up[k] += step;
            down[k] -= step;
            let slope = (value(&z, &up) - value(&z, &down)) / (2.0 * step);
            assert!((g - slope).abs() < 1e-8, "{n} {k}: {g} {slope}");
        }
        for i in 0..n {
            for axis in 0..2 {
                let centre = z[i][axis];
                z[i][axis] = centre + step;
                let up = value(&z, &P);
                z[i][axis] = centre - step;
                let down = value(&z, &P);
                z[i][axis] = centre;
                let slope = (up - down) / (2.0 * step);
                let g = by_latent[i][axis];
                assert!((g - slope).abs() < 1e-8, "{n} {i}: {g} {slope}");
            }
        }
    }
}

#[test]
fn one_column_gives_the_bits_of_one_response() {
    let (z, y) = points(40);
    let (mut one, mut several) = (Likelihood::new(0.01), Likelihood::new(0.01));
    // Buffers of an earlier problem with more responses must not show.
    several.value_of(z.iter().copied(), &columns(40, 3), &P);
    several.gradient();
    let value = several.value_of(z.iter().copied(), &[&y], &P);
    assert_eq!(value, one.value(z.iter().copied(), &y, &P));
    assert_eq!(several.gradient(), one.gradient());
    assert_eq!(several.leave_one_out(), one.leave_one_out());
}

#[test]
fn points_that_coincide_without_noise_are_factored_with_jitter() {
    let mut likelihood = Likelihood::new(0.0);
    let p = [0.0, 0.0, 0.0, -200.0, 0.0];
    let latents = [[0.3, 0.1]; 20].into_iter();
    let value = likelihood.value(latents, &[0.5; 20], &p);
    assert!(value.is_some());
    assert!(likelihood.jitter() > 0.0);
    assert!(likelihood.gradient().iter().all(|g| g.is_finite()));
    let (z, y) = points(5);
    likelihood.value(z.into_iter(), &y, &P);
    assert_eq!(likelihood.jitter(), 0.0);
}

#[test]
fn a_latent_that_is_not_finite_gives_no_value() {
    let mut likelihood = Likelihood::new(0.01);
    let latents = [[0.0, 1.0], [f64::NAN, 0.0], [1.0, 1.0]];
    assert_eq!(likelihood.value(latents.into_iter(), &[1.0; 3], &P), None);
}

#[test]
fn without_points_there_is_neither_value_nor_gradient() {
    let mut likelihood = Likelihood::new(0.01);
    assert!(likelihood.gradient().iter().any(|g| g.is_nan()));
    assert_eq!(likelihood.value(core::iter::empty(), &[], &P), None);
}

/// Buffers are reused; what an earlier, larger problem left there must not show.
#[test]
fn a_smaller_problem_after_a_larger_one_is_as_if_alone() {
    let mut used = Likelihood::new(0.01);
    let (z, y) = points(40);
    used.value(z.into_iter(), &y, &P);
    used.gradient();
    for n in [33, 9, 40] {
        let (z, y) = points(n);
        let mut fresh = Likelihood::new(0.01);
        let value = used.value(z.iter().copied(), &y, &P);
        assert_eq!(value, fresh.value(z.iter().copied(), &y, &P));
        assert_eq!(used.gradient(), fresh.gradient());
    }
}

/// What is known of a problem is carried over to one that begins like it. Oracle: the same
/// problem alone.
#[test]
fn points_that_are_added_or_moved_change_no_bit_of_the_others() {
    let mut used = Likelihood::new(0.01);
    let same = |used: &mut Likelihood, z: &[[f64; 2]], y: &[f64], p: &[f64; PARAMETERS]| {
        let mut fresh = Likelihood::new(0.01);
        let value = used.value(z.iter().copied(), y, p);
        assert_eq!(value, fresh.value(z.iter().copied(), y, p));
        fresh
    };
    // The first four have one stride, the last another.
    for n in [33, 34, 35, 40, 41] {
        let (mut z, y) = points(n);
        same(&mut used, &z, &y, &P);
        z[n / 2] = [0.2, 0.1];
        same(&mut used, &z, &y, &P);
        let mut noisier = P;
        noisier[EXCESS] += 0.1;
        same(&mut used, &z, &y, &noisier);
        let mut fresh = same(&mut used, &z, &y, &P);
        if n == 35 {
            assert_eq!(used.gradient(), fresh.gradient());
        }
    }
}

#[test]
fn wider_instructions_change_no_bit() {
    let (z, y) = points(40);
    let mut likelihood = Likelihood::new(0.01);
    likelihood.value(z.into_iter(), &y, &P);
    likelihood.gradient();
    let pairs = Pairs {
        negated_inverse: &likelihood.factor,
        correlation: &likelihood.correlation,
        weights: &likelihood.weights,
        responses: 1,
        scaled: [&likelihood.scaled[0], &likelihood.scaled[1]],
        stride: likelihood.stride,
        points: likelihood.points,
        per_outputscale: 0.7,
    };
    let mut dispatched = likelihood.latent_gradient.clone();
    let mut plain = dispatched.clone();
    assert_eq!(
        accumulate(pairs, &mut dispatched),
        accumulate_body(pairs, &mut plain)
    );
    assert_eq!(dispatched, plain);
}
