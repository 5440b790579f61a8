//! Multiply-accumulates of every kernel, from the shapes alone.
//!
//! Counted is what the definitions in the kernel's documentation ask for: the products of the
//! convolutions, the triangular solves and sums, the interpolation, and two for every squared
//! distance on the latent plane. Not counted are exponentials, cosines, random numbers,
//! comparisons, divisions and addresses, so that a kernel full of those shows many instructions
//! per multiply-accumulate. A formula changes only with its algorithm.

use beacon_kernel::network::{CHANNELS_1, CHANNELS_2, LATENT, TAPS};
use beacon_kernel::{Acquisition, Network, Strategy};

use crate::Shape;

/// Fourier features of a sample.
const FEATURES: u64 = 128;
/// Nodes along an axis of the grid over the latent plane: ten in each of the workload's three
/// lengthscales, and what the interpolation needs beyond.
const NODES: u64 = 35;
/// Interpolation of a point from 4 × 4 nodes: four rows, then one column.
const INTERPOLATION: u64 = 4 * 4 + 4;

/// Dense features of all candidates: each layer once over the pixels that reach one. The second
/// pooling is needed over the candidates and as far beyond as the fully connected layer reaches,
/// at its dilation of 4; before it the second convolution two pixels further, and the first
/// seven.
pub fn features(shape: Shape) -> u64 {
    let network = Network::for_window(shape.candidates.window()).expect("a window of a network");
    let side = network.pool2_side();
    let reach = 4 * (side - 1);
    let (rows, columns) = (
        shape.candidates.rows() + reach,
        shape.candidates.columns() + reach,
    );
    let conv1 = (rows + 7) * (columns + 7) * TAPS * CHANNELS_1;
    let conv2 = (rows + 2) * (columns + 2) * TAPS * CHANNELS_1 * CHANNELS_2;
    let dense = shape.candidates.count() * side * side * CHANNELS_2 * LATENT;
    (conv1 + conv2 + dense) as u64
}

/// One row of the image on its way through the layers: the longest piece of the evaluation of new weights.
pub fn row_of_features(shape: Shape) -> u64 {
    let network = Network::for_window(shape.candidates.window()).expect("a window of a network");
    let side = network.pool2_side();
    let columns = shape.candidates.columns() + 4 * (side - 1);
    let conv1 = (columns + 7) * TAPS * CHANNELS_1;
    let conv2 = (columns + 2) * TAPS * CHANNELS_1 * CHANNELS_2;
    let dense = shape.candidates.columns() * side * side * CHANNELS_2 * LATENT;
    (conv1 + conv2 + dense) as u64
}

/// The nine features of the fixed filters: three Gaussian means and two gradients of two filters
/// each, along y over the columns of the image, then along x over the candidates; means and squared
/// deviations over three squares, and of every feature over the candidates.
pub fn filters(shape: Shape) -> u64 {
    let (window, count) = (shape.candidates.window(), shape.candidates.count());
    let along_y = shape.candidates.rows() * shape.candidates.extended_width();
    let gaussians = 7 * window * (along_y + count);
    let squares = 2 * count * (5 * 5 + 8 * 8 + 16 * 16);
    (gaussians + squares + 3 * beacon_kernel::filters::FEATURES * count) as u64
}

/// Latents from those features.
pub fn latents(shape: Shape) -> u64 {
    shape.count() * (beacon_kernel::filters::FEATURES * LATENT) as u64
}

/// A triangular solve of order n.
fn solve(n: u64) -> u64 {
    n * n.saturating_sub(1) / 2
}

/// The n-th row of the factor: the covariances with n − 1 points, the solve for the row, its
/// square for the pivot, and one more step of forward substitution of the targets.
fn row(n: u64) -> u64 {
    let earlier = n.saturating_sub(1);
    2 * earlier + solve(earlier) + earlier + earlier
}

/// One more point in the Gaussian process.
pub fn append(shape: Shape) -> u64 {
    row(shape.points())
}

/// Covariances and factor of all points, row by row.
pub fn refactor(shape: Shape) -> u64 {
    (1..=shape.points()).map(row).sum()
}

/// A new model: features, then the factor.
pub fn model(shape: Shape) -> u64 {
    features(shape) + refactor(shape)
}

/// Means and variances of all candidates: at each node of the grid its covariances with all points,
/// one solve and two sums, then interpolation of both.
pub fn surrogate(shape: Shape) -> u64 {
    NODES * NODES * posterior(shape.points()) + 2 * INTERPOLATION * shape.count()
}

/// Mean and variance at one place.
fn posterior(n: u64) -> u64 {
    2 * n + solve(n) + 2 * n
}

/// The same corrected by one more point: the weights by a solve, their sum of covariances, two
/// corrections a node, and interpolation.
pub fn update(shape: Shape) -> u64 {
    let n = shape.points();
    let corrections = NODES * NODES * 2;
    solve(n - 1) + covariances(n, NODES) + corrections + 2 * INTERPOLATION * shape.count()
}

/// A weighted sum of the covariances with n points at every node: their distances along both axes,
/// and one product a node for every point.
fn covariances(n: u64, nodes: u64) -> u64 {
    2 * nodes * n + nodes * nodes * n
}

/// A path sample on the grid and how it changes with the newest response: the arguments of its features
/// along both axes and their two products a node, the covariances with two products a node, interpolation
/// at points and of both at candidates, two solves for the correction, two for what the newest response
/// changes and for the means; then one product a candidate.
pub fn sample(shape: Shape) -> u64 {
    let n = shape.points();
    let prior = 2 * NODES * FEATURES + NODES * NODES * 2 * FEATURES;
    let both = covariances(n, NODES) + NODES * NODES * n;
    let interpolated = (n + 2 * shape.count()) * INTERPOLATION;
    prior + both + interpolated + 4 * solve(n) + shape.count()
}

/// What neighbours add: along the row of every point, then four recursions down the columns, of one,
/// five, one and two products a candidate.
pub fn space(shape: Shape) -> u64 {
    shape.points() * shape.candidates.columns() as u64 + 9 * shape.count()
}

/// Novelty of all candidates: the posterior means at the points by two products each, the sample by one,
/// and the distances to the k nearest of the means.
pub fn novelty(shape: Shape) -> u64 {
    let k = u64::from(Acquisition::new(Strategy::Beacon).k);
    2 * shape.points() + shape.count() * (1 + k)
}

/// Structural distances to one measured point: a window's product at every candidate.
pub fn structure(shape: Shape) -> u64 {
    shape.count() * pixels(shape)
}

/// A new image: squares and squared deviations of every candidate's window.
pub fn image(shape: Shape) -> u64 {
    shape.count() * 2 * pixels(shape)
}

fn pixels(shape: Shape) -> u64 {
    (shape.candidates.window() * shape.candidates.window()) as u64
}

/// The longest piece of the work that waits for a response: whole rows of candidates of the structural
/// distances, until a quarter of a million is reached. Pieces of a sample are cut to as much.
pub fn slice(shape: Shape) -> u64 {
    let row = shape.candidates.columns() as u64 * pixels(shape);
    row * 250_000_u64.div_ceil(row)
}

/// A decision by `beacon` or `beacon-structure` after all that does not need the response was done while
/// the beam dwelt: one more step of forward substitution, novelty, and what the model expects of the
/// candidate that was chosen.
pub fn decision(shape: Shape) -> u64 {
    shape.points() + novelty(shape) + posterior(shape.points())
}

/// The same with several responses of a place: a step and a novelty of each.
pub fn decision_of<const R: u64>(shape: Shape) -> u64 {
    R * (shape.points() + novelty(shape)) + posterior(shape.points())
}

/// The same where the beam did not dwell: the point appended once, and a sample of each.
pub fn decision_of_no_dwell<const R: u64>(shape: Shape) -> u64 {
    decision_of::<R>(shape) + append(shape) + R * sample(shape)
}

/// The same with the fixed filters: what neighbours add to the candidate that was chosen.
pub fn decision_filters(shape: Shape) -> u64 {
    decision(shape) + 3 * shape.points()
}

/// The same where the beam did not dwell: the point appended with distances among the pixels, both parts of
/// the sample, and what neighbours add to both. Few candidates need their structural distance to the point.
pub fn decision_no_dwell(shape: Shape) -> u64 {
    let pixels = 2 * shape.points();
    let ahead = append(shape) + pixels + sample(shape) + 2 * space(shape);
    decision_filters(shape) + ahead
}

/// A decision by `ei`: as by `mu`, and the best of the posterior means at the points.
pub fn decision_ei(shape: Shape) -> u64 {
    decision_mu(shape) + 2 * shape.points()
}

/// The same with the fixed filters: what neighbours add to all candidates, and to the one that was chosen.
pub fn decision_ei_filters(shape: Shape) -> u64 {
    decision_ei(shape) + space(shape) + 3 * shape.points()
}

/// A decision by `mu`: the surrogate corrected, and what the model expects of the candidate that was chosen.
pub fn decision_mu(shape: Shape) -> u64 {
    shape.points() + update(shape) + posterior(shape.points())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CAPACITY;

    /// 15.1 million for the 2401 windows of a 64 × 64 image, as the kernel's `dense` and the
    /// design say; the exact figure from the sizes of the layers by hand.
    #[test]
    fn dense_features_cost_what_the_layers_sizes_say() {
        let shape = Shape::of(CAPACITY, 0);
        assert_eq!(shape.count(), 2401);
        let by_hand = 60 * 60 * 9 * 16 + 55 * 55 * 9 * 16 * 32 + 2401 * 2 * 2 * 32 * 2;
        assert_eq!(features(shape), by_hand);
        assert_eq!(by_hand, 15_072_256);
    }

    /// The loops of a Cholesky factorisation by rows, counted one by one (Golub and Van Loan,
    /// "Matrix computations", section 4.2), and what comes beside it.
    #[test]
    fn the_factor_costs_what_its_loops_count() {
        for n in [1, 2, 7, 310_u64] {
            let mut products = 0;
            for i in 0..n {
                // Row i: each of its entries, the diagonal last, sums over the ones before.
                products += (0..=i).sum::<u64>();
            }
            let (distances, targets) = (2 * solve(n), solve(n));
            let shape = Shape::of(CAPACITY, n as usize);
            assert_eq!(refactor(shape), products + distances + targets, "{n}");
        }
    }

    #[test]
    fn a_factor_is_its_points_appended_one_by_one() {
        let of = |n| Shape::of(CAPACITY, n);
        assert_eq!(refactor(of(310)), refactor(of(309)) + append(of(310)));
    }
}
