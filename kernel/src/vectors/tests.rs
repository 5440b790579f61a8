use nalgebra::{DMatrix, DVector};

use super::*;
use crate::random::Random;

/// What measured responses may be to each other.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Independent,
    /// All are the first, times a number.
    Collinear,
    Equal,
    /// The last never changes.
    Constant,
    /// Far from what they were standardised by.
    Drifted,
}

const KINDS: [Kind; 5] = [
    Kind::Independent,
    Kind::Collinear,
    Kind::Equal,
    Kind::Constant,
    Kind::Drifted,
];

/// Columns of `n` targets for each of `order` responses.
fn targets(kind: Kind, order: usize, n: usize, random: &mut Random) -> Vec<Vec<f32>> {
    let mut columns = vec![Vec::new(); order];
    for _ in 0..n {
        let first = random.normal();
        for (r, column) in columns.iter_mut().enumerate() {
            let own = if r == 0 { first } else { random.normal() };
            column.push(match kind {
                Kind::Collinear => first * [1.0, -0.5, 2.0, 1.5][r],
                Kind::Equal => first,
                Kind::Constant if r + 1 == order => 0.25,
                Kind::Independent | Kind::Constant => own,
                Kind::Drifted => 30.0 * own - 100.0 * (r as f32),
            });
        }
    }
    columns
}

fn slices(columns: &[Vec<f32>]) -> Vec<&[f32]> {
    columns.iter().map(|column| &column[..]).collect()
}

/// The shrunk covariance by its definition, in f64.
fn covariance(columns: &[Vec<f32>]) -> DMatrix<f64> {
    let (order, n) = (columns.len(), columns[0].len());
    let assumed = (order + 1) as f64;
    let mean = |r: usize| columns[r].iter().map(|&x| f64::from(x)).sum::<f64>() / n.max(1) as f64;
    DMatrix::from_fn(order, order, |r, s| {
        let pairs = columns[r].iter().zip(&columns[s]);
        let products = pairs.map(|(&x, &y)| (f64::from(x) - mean(r)) * (f64::from(y) - mean(s)));
        let own = if r == s { assumed } else { 0.0 };
        (products.sum::<f64>() + own) / (n as f64 + assumed)
    })
}

/// A vector of so many responses.
fn vector(order: usize, mut of: impl FnMut() -> f32) -> Vector {
    let mut vector = [0.0; MOST_RESPONSES];
    vector[..order].fill_with(&mut of);
    vector
}

#[test]
fn whitened_distances_are_mahalanobis_distances_of_the_shrunk_covariance() {
    let mut random = Random::new(21, 0);
    for order in 1..=MOST_RESPONSES {
        for n in [0, 1, 2, 5, 60, 320, 4000] {
            for kind in KINDS {
                let columns = targets(kind, order, n, &mut random);
                let whitening = Whitening::new(&slices(&columns));
                let expected = covariance(&columns);
                let least = expected.symmetric_eigenvalues().min();
                let floor = (order + 1) as f64 / (n + order + 1) as f64;
                assert!(
                    least > floor * (1.0 - 1e-6),
                    "{kind:?} {order} {n}: {least}"
                );
                let inverse = expected.try_inverse().unwrap();
                for _ in 0..20 {
                    let (a, b) = (
                        vector(order, || 2.0 * random.normal()),
                        vector(order, || 2.0 * random.normal()),
                    );
                    let (u, v) = (whitening.of(a), whitening.of(b));
                    assert!(u[order..].iter().all(|&x| x == 0.0));
                    let squared: f64 = (u.iter().zip(&v))
                        .map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2))
                        .sum();
                    let difference =
                        DVector::from_fn(order, |r, _| f64::from(a[r]) - f64::from(b[r]));
                    let expected = (difference.transpose() * &inverse * &difference)[0];
                    // The condition number is up to (n + ν)/ν times that of n responses.
                    let allowed = 1e-4 + 2e-6 * n as f64;
                    assert!(
                        (squared - expected).abs() <= allowed * (expected + 1e-2),
                        "{kind:?} {order} {n}: {squared} is not {expected}"
                    );
                }
            }
        }
    }
}

/// Columns of whitened vectors, as they are before they are sorted.
fn whitened(whitening: &Whitening, columns: &[Vec<f32>]) -> Vec<Vector> {
    (0..columns[0].len())
        .map(|n| {
            let mut vector = [0.0; MOST_RESPONSES];
            for (x, column) in vector.iter_mut().zip(columns) {
                *x = column[n];
            }
            whitening.of(vector)
        })
        .collect()
}

fn known<'k>(
    whitening: &Whitening,
    columns: &'k mut [Vec<f32>],
    room: &'k mut [f32],
) -> KnownVectors<'k> {
    let mut all: [&'k mut [f32]; MOST_RESPONSES] = Default::default();
    for (slot, column) in all.iter_mut().zip(columns) {
        *slot = column;
    }
    KnownVectors::new(whitening, all, room)
}

/// The oracles take all distances, sort them and average the first k: in f32 by the same sums, in f64 by
/// the definition.
#[test]
fn the_bounded_search_finds_what_a_search_of_all_finds() {
    let mut random = Random::new(22, 0);
    for order in 1..=MOST_RESPONSES {
        for n in [0, 1, 2, 9, 10, 11, 100, 320] {
            for kind in KINDS {
                let mut columns = targets(kind, order, n, &mut random);
                let whitening = Whitening::new(&slices(&columns));
                let all = whitened(&whitening, &columns);
                let mut room = vec![f32::NAN; n];
                let known = known(&whitening, &mut columns, &mut room);
                for k in [1, 2, 10, 500] {
                    for _ in 0..20 {
                        let raw = vector(order, || 2.0 * random.normal());
                        let mut at = whitening.of(raw);
                        if random.uniform() < 0.2 && n > 0 {
                            at = all[random.below(n as u32) as usize];
                        }
                        let found = known.novelty(at, k);
                        let mut squared: Vec<f32> = (all.iter())
                            .map(|other| {
                                let mut sum = 0.0;
                                for (x, y) in at.iter().zip(other) {
                                    sum += (x - y) * (x - y);
                                }
                                sum
                            })
                            .collect();
                        squared.sort_by(f32::total_cmp);
                        squared.truncate(k);
                        let sum: f32 = squared.iter().map(|x| x.sqrt()).sum();
                        let expected = if n == 0 {
                            0.0
                        } else {
                            sum / squared.len() as f32
                        };
                        let case = format!("{kind:?}, {order} of {n}, k {k}");
                        assert_eq!(found.to_bits(), expected.to_bits(), "{case}");
                        let mut distances: Vec<f64> = (all.iter())
                            .map(|other| {
                                let both = at.iter().zip(other);
                                let squares =
                                    both.map(|(x, y)| (f64::from(*x) - f64::from(*y)).powi(2));
                                squares.sum::<f64>().sqrt()
                            })
                            .collect();
                        distances.sort_by(f64::total_cmp);
                        distances.truncate(k);
                        for share in [0.5, 0.99, 1.01, 2.0] {
                            let most = share * found;
                            let above = known.novelty_above(at, k, most);
                            let own = above.to_bits() == found.to_bits();
                            assert!(own || (above <= most && found <= most), "{case}");
                        }
                        let exact = distances.iter().sum::<f64>() / distances.len().max(1) as f64;
                        let error = (f64::from(found) - exact).abs();
                        assert!(
                            error < 1e-5 * (1.0 + exact),
                            "{case}: {found} is not {exact}"
                        );
                    }
                }
            }
        }
    }
}

/// In one dimension the k nearest are those of [`KnownResponses`](crate::novelty::KnownResponses).
#[test]
fn with_one_response_the_distance_is_that_of_the_response_over_its_deviation() {
    let mut random = Random::new(23, 0);
    let mut columns = targets(Kind::Independent, 1, 200, &mut random);
    let deviation = covariance(&columns)[(0, 0)].sqrt();
    let mut alone = columns[0].clone();
    let alone = crate::novelty::KnownResponses::new(&mut alone);
    let whitening = Whitening::new(&slices(&columns));
    let mut room = vec![0.0; 200];
    let known = known(&whitening, &mut columns, &mut room);
    for _ in 0..100 {
        let y = 2.0 * random.normal();
        let found = f64::from(known.novelty(whitening.of([y, 0.0, 0.0, 0.0]), 10));
        let expected = f64::from(alone.novelty(y, 10)) / deviation;
        assert!(
            (found - expected).abs() < 1e-5 * (1.0 + expected),
            "{found} {expected}"
        );
    }
}

#[test]
fn no_novelty_of_a_vector_exceeds_its_bound() {
    let mut random = Random::new(24, 0);
    for (order, cells) in CELLS.into_iter().enumerate().skip(1) {
        for n in [1, 2, 30, 320] {
            for kind in KINDS {
                let mut columns = targets(kind, order, n, &mut random);
                let whitening = Whitening::new(&slices(&columns));
                let mut room = vec![0.0; n];
                let known = known(&whitening, &mut columns, &mut room);
                let bounds = VectorBounds::new(known, 10);
                let side = cells as f32;
                let mut slack = 0.0;
                for (axis, width) in known.axes.iter().zip(bounds.width).take(order) {
                    let ends = axis.iter().fold((f32::MAX, f32::MIN), |(low, high), &x| {
                        (low.min(x), high.max(x))
                    });
                    assert!((ends.1 - ends.0) / side <= width * 1.0001);
                    slack += width * width;
                }
                for _ in 0..1000 {
                    let wide = [0.5, 1.0, 10.0][random.below(3) as usize];
                    let at = whitening.of(vector(order, || wide * random.normal()));
                    let (novelty, bound) = (known.novelty(at, 10), bounds.at(at));
                    assert!(
                        novelty <= bound,
                        "{kind:?} {order} {n}: {novelty} > {bound}"
                    );
                    let inside = known.axes.iter().zip(at).take(order).all(|(axis, x)| {
                        axis.iter().any(|&y| y <= x) && axis.iter().any(|&y| y >= x)
                    });
                    // Novelty falls and rises by no more than the half diagonal of a cell.
                    let most = (novelty + slack.sqrt()) * 1.001 + 2.0 * bounds.margin;
                    assert!(
                        !inside || bound <= most,
                        "{kind:?} {order} {n}: {novelty} {bound}"
                    );
                }
            }
        }
    }
}

#[test]
fn rows_stay_together_when_they_are_sorted() {
    let mut random = Random::new(25, 0);
    for n in [0, 1, 2, 9, 310] {
        let mut columns = targets(Kind::Independent, 3, n, &mut random);
        let mut expected: Vec<[u32; 3]> = (0..n)
            .map(|i| [0, 1, 2].map(|r| columns[r][i].to_bits()))
            .collect();
        let mut all: [&mut [f32]; MOST_RESPONSES] = Default::default();
        for (slot, column) in all.iter_mut().zip(&mut columns) {
            *slot = column;
        }
        sort_by_first(&mut all);
        assert!(columns[0].is_sorted());
        let mut found: Vec<[u32; 3]> = (0..n)
            .map(|i| [0, 1, 2].map(|r| columns[r][i].to_bits()))
            .collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected);
    }
}
