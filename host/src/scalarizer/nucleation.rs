//! Biases at which a hysteresis loop begins to switch.
//!
//! Jesse, Baddorf and Kalinin (Appl. Phys. Lett. 88, 062908, 2006) and Jesse, Lee and Kalinin
//! (Rev. Sci. Instrum. 77, 073702, 2006) describe a loop by remanences, coercive biases, work of
//! switching and the two nucleation biases: where a branch leaves its saturated state. BGlib, the
//! code of that group, takes the bias at which 3 % of the way to the other state is gone, of a
//! function fitted to the loop. On measured points 3 % drowns in noise; a tenth of the way is
//! taken here, between levels that are medians.

use super::ScalarizerError;
use super::ruler::Ruler;

/// Points of one branch in the order in which its bias goes, over all cycles of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch {
    points: Vec<usize>,
    bias: Vec<f64>,
}

/// Points that a branch must have: two for each level.
const POINTS: usize = 8;
/// Share of the way from one level to the other at which a branch has begun to switch.
const BEGUN: f64 = 0.1;

impl Branch {
    /// The branch of rising bias, on which switching is `positive`, or that of falling bias, of
    /// a sweep that [`super::hysteresis::Loop`] accepts.
    ///
    /// # Errors
    /// When it has too few points.
    pub(super) fn new(
        scalarizer: &str,
        positive: bool,
        ruler: &Ruler<'_>,
    ) -> Result<Self, ScalarizerError> {
        let bias = ruler.coordinates;
        let n = bias.len();
        let direction = if positive { 1.0 } else { -1.0 };
        let mut points: Vec<usize> = (0..n)
            .filter(|&i| (bias[(i + 1) % n] - bias[(i + n - 1) % n]) * direction > 0.0)
            .collect();
        points.sort_by(|&a, &b| (bias[a] * direction).total_cmp(&(bias[b] * direction)));
        if points.len() < POINTS {
            return Err(ScalarizerError::TooFew {
                scalarizer: scalarizer.to_owned(),
                what: "points on each branch of the bias sweep",
                needed: POINTS,
                found: points.len(),
            });
        }
        let bias = points.iter().map(|&i| bias[i]).collect();
        Ok(Self { points, bias })
    }

    /// The bias at which the branch has gone a tenth of the way from its level before switching
    /// to that after it.
    ///
    /// The levels are the medians of the first and of the last quarter of its points. A running
    /// median of three removes single points that are off. From the first point that is half way
    /// the branch is followed back to the last one that is not a tenth of the way, so that noise
    /// before it does not count; between the two points the bias is interpolated. A branch that
    /// stays level switches, if at all, beyond its last bias, which is returned. NaN when a point
    /// of the branch is.
    pub(super) fn nucleation(&self, response: &[f64]) -> f64 {
        let values: Vec<f64> = self.points.iter().map(|&i| response[i]).collect();
        let (n, last) = (values.len(), self.bias[self.bias.len() - 1]);
        if values.iter().any(|value| value.is_nan()) {
            return f64::NAN;
        }
        let quarter = n / 4;
        let (before, after) = (median(&values[..quarter]), median(&values[n - quarter..]));
        if before == after {
            return last;
        }
        let way = |k: usize| {
            let value = match k {
                0 => values[0],
                k if k + 1 == n => values[k],
                k => median(&values[k - 1..=k + 1]),
            };
            (value - before) / (after - before)
        };
        let Some(half) = (0..n).find(|&k| way(k) >= 0.5) else {
            return last;
        };
        let Some(rest) = (0..half).rev().find(|&k| way(k) < BEGUN) else {
            return self.bias[0];
        };
        let (from, to) = (way(rest), way(rest + 1));
        let share = (BEGUN - from) / (to - from);
        self.bias[rest] + share * (self.bias[rest + 1] - self.bias[rest])
    }
}

/// The middle of some numbers, none of them NaN.
fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}
