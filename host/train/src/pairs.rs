//! The sums over pairs of points that the gradient of the likelihood is made of.

use multiversion::multiversion;

use super::triangular::LANES;

/// What the sums over pairs of points read; upper triangles only.
#[derive(Clone, Copy)]
pub(super) struct Pairs<'a> {
    pub(super) negated_inverse: &'a [f64],
    pub(super) correlation: &'a [f64],
    /// Of each response, a stride after the other.
    pub(super) weights: &'a [f64],
    pub(super) responses: usize,
    pub(super) scaled: [&'a [f64]; 2],
    pub(super) stride: usize,
    pub(super) points: usize,
    pub(super) per_outputscale: f64,
}

/// Σ H over i ≤ j, and Σ H d²/ℓ² over i < j by axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Totals {
    pub(super) h: f64,
    pub(super) squares: [f64; 2],
}

/// The totals, and Σⱼ Hᵢⱼ(zᵢ − zⱼ)/ℓ of every point by axis.
#[multiversion(targets("x86_64+avx2"))]
pub(super) fn accumulate(pairs: Pairs<'_>, differences: &mut [Vec<f64>; 2]) -> Totals {
    accumulate_body(pairs, differences)
}

#[inline(always)]
pub(super) fn accumulate_body(pairs: Pairs<'_>, differences: &mut [Vec<f64>; 2]) -> Totals {
    let stride = pairs.stride;
    let [first, second] = differences;
    first.fill(0.0);
    second.fill(0.0);
    // h, h·d₁², h·d₂², each in lanes of their own for one fixed order of summation.
    let mut totals = [[0.0; LANES]; 3];
    for i in 0..pairs.points {
        // From the tile that holds the diagonal: the correlation is zero to its left.
        let start = i / LANES * LANES;
        let row = i * stride + start..(i + 1) * stride;
        let inverse = pairs.negated_inverse[row.clone()].chunks_exact(LANES);
        let correlation = pairs.correlation[row].chunks_exact(LANES);
        let weights = pairs.weights[start..stride].chunks_exact(LANES);
        let further = pairs.weights.chunks_exact(stride).take(pairs.responses);
        let further = further.skip(1);
        let za = pairs.scaled[0][start..stride].chunks_exact(LANES);
        let zb = pairs.scaled[1][start..stride].chunks_exact(LANES);
        let ga = first[start..stride].chunks_exact_mut(LANES);
        let gb = second[start..stride].chunks_exact_mut(LANES);
        let weight = pairs.weights[i] * pairs.per_outputscale;
        let (a, b) = (pairs.scaled[0][i], pairs.scaled[1][i]);
        let mut own = [[0.0; LANES]; 2];
        let matrices = inverse.zip(correlation).zip(weights);
        for (tile, (((inverse, correlation), weights), ((za, zb), (ga, gb)))) in
            matrices.zip(za.zip(zb).zip(ga.zip(gb))).enumerate()
        {
            let mut products = [0.0; LANES];
            for l in 0..LANES {
                products[l] = weight * weights[l];
            }
            for of in further.clone() {
                let weight = of[i] * pairs.per_outputscale;
                let of = &of[start + tile * LANES..][..LANES];
                for l in 0..LANES {
                    products[l] += weight * of[l];
                }
            }
            for l in 0..LANES {
                let h = -0.5 * (inverse[l] + products[l]) * correlation[l];
                let (da, db) = (a - za[l], b - zb[l]);
                let (ha, hb) = (h * da, h * db);
                totals[0][l] += h;
                totals[1][l] += ha * da;
                totals[2][l] += hb * db;
                own[0][l] += ha;
                own[1][l] += hb;
                ga[l] -= ha;
                gb[l] -= hb;
            }
        }
        first[i] += own[0].iter().sum::<f64>();
        second[i] += own[1].iter().sum::<f64>();
    }
    let [h, a, b] = totals.map(|lanes| lanes.iter().sum());
    Totals { h, squares: [a, b] }
}
