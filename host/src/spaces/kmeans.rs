//! k-means: greedy k-means++ (Arthur and Vassilvitskii 2007) and Lloyd's iteration.
//!
//! As scikit-learn's `KMeans` with its defaults: one start, 2 + ln k trials for each centre of
//! it, empty clusters moved to the point that is worst served. No package for it is used: the
//! one that is well kept, `linfa-clustering`, brings 27 crates, a second `ndarray` and a second
//! `rand` among them, and labels that change with their versions.
//!
//! Labels are the same on every machine and for any number of threads: each point is worked on
//! alone, and every sum runs in the order of the points.

use beacon_train::Random;
use multiversion::multiversion;
use rayon::prelude::*;

/// Iterations after which Lloyd's is given up; it converges long before, as a rule.
const ITERATIONS: usize = 300;

/// Points that one task looks at.
const CHUNK: usize = 128;

/// Cluster centres.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Centres {
    dimension: usize,
    count: usize,
    /// `[dimension][centre]`, so that the distances to all centres grow side by side.
    transposed: Vec<f32>,
}

impl Centres {
    /// Clusters `points`, `[point][dimension]`, into at most `clusters` clusters: fewer where
    /// there are fewer distinct points.
    pub(super) fn fit(points: &[f32], dimension: usize, clusters: usize, seed: u64) -> Self {
        let mut centres = seeded(points, dimension, clusters, &mut Random::new(seed));
        let mut labels = Vec::new();
        for _ in 0..ITERATIONS {
            let nearest = centres.nearest_to_each(points);
            let found: Vec<u32> = nearest.iter().map(|&(label, _)| label).collect();
            if found == labels {
                break;
            }
            labels = found;
            centres = means(points, dimension, centres.count, &nearest);
        }
        centres
    }

    /// The nearest centre of each point, the first of several.
    pub(super) fn labels(&self, points: &[f32]) -> Vec<u32> {
        let nearest = self.nearest_to_each(points);
        nearest.into_iter().map(|(label, _)| label).collect()
    }

    /// Nearest centre and squared distance to it, point by point.
    fn nearest_to_each(&self, points: &[f32]) -> Vec<(u32, f32)> {
        let tasks = points.par_chunks(CHUNK * self.dimension);
        tasks
            .flat_map_iter(|points| {
                let mut distances = vec![0.0; self.count];
                let points = points.chunks_exact(self.dimension);
                let nearest = points.map(|point| {
                    squared_distances(point, &self.transposed, &mut distances);
                    let first = (0, f32::INFINITY);
                    (0..)
                        .zip(&distances)
                        .fold(first, |best, (label, &distance)| {
                            if distance < best.1 {
                                (label, distance)
                            } else {
                                best
                            }
                        })
                });
                nearest.collect::<Vec<_>>()
            })
            .collect()
    }

    fn from_rows(rows: &[f32], dimension: usize) -> Self {
        let count = rows.len() / dimension;
        let mut transposed = vec![0.0; rows.len()];
        for (centre, row) in rows.chunks_exact(dimension).enumerate() {
            for (axis, &value) in row.iter().enumerate() {
                transposed[axis * count + centre] = value;
            }
        }
        Self {
            dimension,
            count,
            transposed,
        }
    }
}

/// Squared distances of a point to all centres, summed axis by axis.
#[multiversion(targets("x86_64+avx2"))]
fn squared_distances(point: &[f32], transposed: &[f32], distances: &mut [f32]) {
    distances.fill(0.0);
    let axes = transposed.chunks_exact(distances.len());
    for (&x, centres) in point.iter().zip(axes) {
        for (distance, centre) in distances.iter_mut().zip(centres) {
            *distance += (x - centre) * (x - centre);
        }
    }
}

/// k-means++: each centre is drawn from the points with a chance that grows with the squared
/// distance to the centres so far, the best of several draws.
fn seeded(points: &[f32], dimension: usize, clusters: usize, random: &mut Random) -> Centres {
    let count = points.len() / dimension;
    let point = |n: usize| &points[n * dimension..(n + 1) * dimension];
    let trials = 2 + libm::log(clusters.max(1) as f64) as usize;
    let mut rows = point(random.below(count)).to_vec();
    let mut distances = vec![f32::INFINITY; count];
    lower(&mut distances, points, &rows);
    for _ in 1..clusters {
        let potential = total(&distances);
        if potential == 0.0 {
            // Every point is a centre already.
            break;
        }
        let candidates = (0..trials).map(|_| {
            let chosen = drawn(&distances, random.uniform() * potential);
            let mut distances = distances.clone();
            lower(&mut distances, points, point(chosen));
            (total(&distances), chosen, distances)
        });
        let best = candidates.reduce(|best, next| if next.0 < best.0 { next } else { best });
        let Some((_, chosen, lowered)) = best else {
            break;
        };
        rows.extend_from_slice(point(chosen));
        distances = lowered;
    }
    Centres::from_rows(&rows, dimension)
}

/// Lowers each point's squared distance to that of one more centre.
fn lower(distances: &mut [f32], points: &[f32], centre: &[f32]) {
    let chunks = distances.par_chunks_mut(CHUNK);
    chunks
        .zip(points.par_chunks(CHUNK * centre.len()))
        .for_each(|(distances, points)| {
            for (distance, point) in distances.iter_mut().zip(points.chunks_exact(centre.len())) {
                let squares = point.iter().zip(centre).map(|(x, c)| (x - c) * (x - c));
                *distance = distance.min(squares.sum());
            }
        });
}

fn total(distances: &[f32]) -> f64 {
    distances.iter().map(|&d| f64::from(d)).sum()
}

/// The point at which the running sum passes a value; one that is not yet a centre.
fn drawn(distances: &[f32], value: f64) -> usize {
    let mut sum = 0.0;
    let passed = distances.iter().position(|&distance| {
        sum += f64::from(distance);
        sum > value
    });
    // Rounding may leave the value just above the whole sum.
    let last = || distances.iter().rposition(|&distance| distance > 0.0);
    passed.or_else(last).unwrap_or(0)
}

/// Means of the clusters; an empty one goes to the point farthest from its centre.
fn means(points: &[f32], dimension: usize, clusters: usize, nearest: &[(u32, f32)]) -> Centres {
    let mut sums = vec![0.0_f64; clusters * dimension];
    let mut sizes = vec![0_usize; clusters];
    let mut nearest = nearest.to_vec();
    for &(label, _) in &nearest {
        sizes[label as usize] += 1;
    }
    for empty in 0..clusters {
        if sizes[empty] > 0 {
            continue;
        }
        let farthest = nearest
            .iter_mut()
            .filter(|(label, _)| sizes[*label as usize] > 1)
            .reduce(|far, next| if next.1 > far.1 { next } else { far });
        if let Some(point) = farthest {
            sizes[point.0 as usize] -= 1;
            sizes[empty] = 1;
            *point = (empty as u32, 0.0);
        }
    }
    for (point, &(label, _)) in points.chunks_exact(dimension).zip(&nearest) {
        let start = label as usize * dimension;
        for (sum, &x) in sums[start..start + dimension].iter_mut().zip(point) {
            *sum += f64::from(x);
        }
    }
    let rows = sums.chunks_exact(dimension).zip(&sizes);
    let rows: Vec<f32> = rows
        .flat_map(|(sum, &size)| sum.iter().map(move |s| (s / size.max(1) as f64) as f32))
        .collect();
    Centres::from_rows(&rows, dimension)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normals(count: usize, seed: u64) -> Vec<f32> {
        let mut random = Random::new(seed);
        (0..count).map(|_| random.normal() as f32).collect()
    }

    /// Sum of squared distances of planar points to the mean of their cluster.
    fn inertia(points: &[f32], labels: &[u32], clusters: u32) -> f64 {
        let point = |n: usize| [0, 1].map(|axis| f64::from(points[2 * n + axis]));
        let of = |label| (0..labels.len()).filter(move |&n| labels[n] == label);
        let cluster = |label| {
            let size = of(label).count().max(1) as f64;
            let mean = [0, 1].map(|axis| of(label).map(|n| point(n)[axis]).sum::<f64>() / size);
            let squared = |n| (point(n)[0] - mean[0]).powi(2) + (point(n)[1] - mean[1]).powi(2);
            of(label).map(squared).sum::<f64>()
        };
        (0..clusters).map(cluster).sum()
    }

    /// Oracle: all 3^9 ways to divide 9 points into 3 clusters. One start need not find the
    /// best, so the best of ten starts is held against it.
    #[test]
    fn the_best_of_several_starts_is_the_best_of_all_partitions() {
        for problem in 0..5 {
            let points = normals(18, 100 + problem);
            let best = (0..3_u32.pow(9))
                .map(|code| {
                    let labels: Vec<u32> = (0..9).map(|n| code / 3_u32.pow(n) % 3).collect();
                    inertia(&points, &labels, 3)
                })
                .fold(f64::INFINITY, f64::min);
            let found = (0..10)
                .map(|seed| {
                    let labels = Centres::fit(&points, 2, 3, seed).labels(&points);
                    inertia(&points, &labels, 3)
                })
                .fold(f64::INFINITY, f64::min);
            assert!((found - best).abs() < 1e-5 * best, "{found} {best}");
        }
    }

    /// Oracle: a search over all centres by itself.
    #[test]
    fn a_fit_is_a_fixed_point_of_nearest_centre_and_mean() {
        let points = normals(500 * 3, 7);
        let centres = Centres::fit(&points, 3, 20, 1);
        let labels = centres.labels(&points);
        let centre = |c: usize| [0, 1, 2].map(|axis| centres.transposed[axis * 20 + c]);
        let mut sums = [([0.0_f64; 3], 0.0); 20];
        for (point, &label) in points.chunks_exact(3).zip(&labels) {
            let distance = |c: usize| -> f32 {
                let pairs = point.iter().zip(centre(c));
                pairs.map(|(x, c)| (x - c).powi(2)).sum()
            };
            assert!((0..20).all(|c| distance(label as usize) <= distance(c)));
            let (sum, size) = &mut sums[label as usize];
            for (sum, &x) in sum.iter_mut().zip(point) {
                *sum += f64::from(x);
            }
            *size += 1.0;
        }
        for (c, (sum, size)) in sums.into_iter().enumerate() {
            for (sum, x) in sum.into_iter().zip(centre(c)) {
                assert!((f64::from(x) - sum / size).abs() < 1e-6);
            }
        }
    }

    #[test]
    fn well_separated_heaps_are_found_whatever_the_seed() {
        let noise = normals(400, 2);
        let heap = |n: usize| [n % 4 / 2, n % 2].map(|side| 100.0 * side as f32);
        let points: Vec<f32> = (0..200)
            .flat_map(|n| [heap(n)[0] + noise[2 * n], heap(n)[1] + noise[2 * n + 1]])
            .collect();
        for seed in 0..20 {
            let labels = Centres::fit(&points, 2, 4, seed).labels(&points);
            assert!((4..200).all(|n| labels[n] == labels[n % 4]), "seed {seed}");
            let mut heaps = labels[..4].to_vec();
            heaps.sort_unstable();
            assert_eq!(heaps, [0, 1, 2, 3]);
        }
    }

    #[test]
    fn there_are_no_more_clusters_than_distinct_points() {
        let points = [1.0, 2.0, 1.0, 5.0, 2.0, 1.0];
        let centres = Centres::fit(&points, 1, 100, 4);
        assert_eq!(centres.count, 3);
        let labels = centres.labels(&points);
        assert_eq!((labels[0], labels[1]), (labels[2], labels[4]));
        assert_eq!(Centres::fit(&[3.0; 8], 2, 5, 1).count, 1);
    }

    #[test]
    fn one_thread_and_several_label_alike() {
        let points = normals(3000 * 8, 5);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
            let labels = || Centres::fit(&points, 8, 60, 9).labels(&points);
            pool.unwrap().install(labels)
        };
        assert_eq!(on(1), on(3));
    }

    /// Two centres that coincide leave one without points.
    #[test]
    fn an_empty_cluster_moves_to_the_point_that_is_worst_served() {
        let points = [0.0, 1.0, 10.0];
        let nearest = [(0, 0.0), (0, 1.0), (0, 100.0)];
        let centres = means(&points, 1, 2, &nearest);
        assert_eq!(centres.transposed, [0.5, 10.0]);
    }
}
