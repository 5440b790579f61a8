//! Height and area of hysteresis loops.
//!
//! A point belongs to the rising branch of the sweep when the bias after it is higher than the
//! bias before it, and to the falling branch when it is lower; the sweep closes on itself, so
//! the last point is followed by the first. Turning points belong to neither.

use super::ScalarizerError;
use super::ruler::Ruler;

/// The branches of a closed bias sweep near zero bias.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LoopBranches {
    rising: Vec<usize>,
    falling: Vec<usize>,
}

/// Share of the largest bias within which a point counts as near zero: beyond it a branch may
/// already switch.
const NEAR_ZERO: f64 = 0.25;

impl LoopBranches {
    /// The branches of the sweep given by the bias of every point.
    ///
    /// # Errors
    /// When the axis only numbers the channels, or a branch has no point near zero: then it is no
    /// bias sweep.
    pub(super) fn new(ruler: &Ruler<'_>) -> Result<Self, ScalarizerError> {
        let bias = ruler.coordinates;
        let n = bias.len();
        let largest = bias.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
        let branch = |direction: f64| -> Vec<usize> {
            let in_branch = |&i: &usize| {
                let step = bias[(i + 1) % n] - bias[(i + n - 1) % n];
                step * direction > 0.0 && bias[i].abs() <= NEAR_ZERO * largest
            };
            (0..n).filter(in_branch).collect()
        };
        let (rising, falling) = (branch(1.0), branch(-1.0));
        if rising.is_empty() || falling.is_empty() || !is_closed(bias) {
            let (scalarizer, axis) = (ruler.scalarizer.clone(), ruler.axis.name.clone());
            return Err(if n > 1 && ruler.is_numbered() {
                ScalarizerError::NoBias { scalarizer, axis }
            } else {
                ScalarizerError::NotALoop {
                    scalarizer,
                    axis,
                    rising: rising.len(),
                    falling: falling.len(),
                }
            });
        }
        Ok(Self { rising, falling })
    }

    /// |median of the falling branch − median of the rising branch|, both near zero bias: the
    /// remanent response. The median, because single points of a measured loop can be off by
    /// orders of magnitude; they would rule a mean, and even more the difference between largest
    /// and smallest response. NaN when a point that counts is.
    pub(super) fn height(&self, response: &[f64]) -> f64 {
        let level = |branch: &[usize]| {
            let values: Vec<f64> = branch.iter().map(|&i| response[i]).collect();
            if values.iter().any(|value| value.is_nan()) {
                return f64::NAN;
            }
            median(&values)
        };
        (level(&self.falling) - level(&self.rising)).abs()
    }
}

/// The middle of some numbers, none of them NaN.
pub(super) fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    f64::midpoint(values[(values.len() - 1) / 2], values[values.len() / 2])
}

/// ½ |Σᵢ (Vᵢ Rᵢ₊₁ − Vᵢ₊₁ Rᵢ)| over the closed polygon of (bias V, response R): in units of bias
/// times response. Parts run round in opposite senses count against each other.
pub(super) fn area(bias: &[f64], response: &[f64]) -> f64 {
    let n = bias.len();
    let twice: f64 = (0..n)
        .map(|i| {
            let next = (i + 1) % n;
            bias[i] * response[next] - bias[next] * response[i]
        })
        .sum();
    0.5 * twice.abs()
}

/// Whether the sweep ends near where it began: the last step is no longer than twice the
/// longest before it.
fn is_closed(bias: &[f64]) -> bool {
    let longest = bias
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).abs())
        .fold(0.0, f64::max);
    match (bias.first(), bias.last()) {
        (Some(first), Some(last)) => (last - first).abs() <= 2.0 * longest,
        _ => false,
    }
}
