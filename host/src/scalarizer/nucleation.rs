//! Biases at which a hysteresis loop begins to switch.
//!
//! Jesse, Baddorf and Kalinin (Appl. Phys. Lett. 88, 062908, 2006) and Jesse, Lee and Kalinin
//! (Rev. Sci. Instrum. 77, 073702, 2006) describe a loop by remanences, coercive biases, work of
//! switching and the two nucleation biases: where a branch leaves its saturated state. BGlib, the
//! code of that group, takes the bias at which 3 % of the way to the other state is gone, of a
//! function fitted to the loop. On measured points 3 % drowns in noise; a tenth of the way is
//! taken here, between levels that are medians.

use super::ScalarizerError;
use super::hysteresis::median;
use super::ruler::Ruler;

/// Points of one branch in the order in which its bias goes, over all cycles of the sweep.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Branch {
    points: Vec<usize>,
    bias: Vec<f64>,
}

/// Points that a branch must have: then a quarter of them is two.
const POINTS: usize = 8;
/// Share of the way from one level to the other at which a branch has begun to switch.
const BEGUN: f64 = 0.1;

impl Branch {
    /// The branch of rising bias, on which switching is `positive`, or that of falling bias, of
    /// a sweep that [`super::hysteresis::LoopBranches`] accepts.
    ///
    /// # Errors
    /// When it has too few points.
    pub(super) fn new(positive: bool, ruler: &Ruler<'_>) -> Result<Self, ScalarizerError> {
        let bias = ruler.coordinates;
        let n = bias.len();
        let direction = if positive { 1.0 } else { -1.0 };
        let mut points: Vec<usize> = (0..n)
            .filter(|&i| (bias[(i + 1) % n] - bias[(i + n - 1) % n]) * direction > 0.0)
            .collect();
        points.sort_by(|&a, &b| (bias[a] * direction).total_cmp(&(bias[b] * direction)));
        let what = "points on each branch of the bias sweep";
        ruler.require_number(points.len(), POINTS, what)?;
        let bias = points.iter().map(|&i| bias[i]).collect();
        Ok(Self { points, bias })
    }

    /// The bias at which the branch has gone a tenth of the way from its level before switching
    /// to that after it.
    ///
    /// Where it switches is where two levels, one before and one after, deviate least from its
    /// points in the sum of absolute values; the levels are then the medians of the quarter of
    /// the branch before that place and of the one after, so that neither points that are off by
    /// orders of magnitude nor a slope of the saturated states count for much. A running median
    /// of three removes single stray points. From the place the branch is followed back to the
    /// last point that is not a tenth of the way; to the next one the bias is interpolated. A
    /// branch that stays level switches, if at all, beyond its last bias, which is returned. NaN
    /// when a point of the branch is.
    pub(super) fn nucleation(&self, response: &[f64]) -> f64 {
        let values: Vec<f64> = self.points.iter().map(|&i| response[i]).collect();
        let n = values.len();
        if values.iter().any(|value| value.is_nan()) {
            return f64::NAN;
        }
        let place = step(&values);
        let before = median(&values[place.saturating_sub(n / 4)..place]);
        let after = median(&values[place..n.min(place + n / 4)]);
        if before == after {
            return self.bias[n - 1];
        }
        let way = |k: usize| {
            // At the ends, of the outermost three.
            let first = k.saturating_sub(1).min(n - 3);
            let value = median(&values[first..first + 3]);
            (value - before) / (after - before)
        };
        let Some(rest) = (0..=place).rev().find(|&k| way(k) < BEGUN) else {
            return self.bias[0];
        };
        if rest + 1 == n {
            return self.bias[rest];
        }
        let (from, to) = (way(rest), way(rest + 1));
        // Behind a place that a stray point hides the way may be no longer than before it.
        let share = ((BEGUN - from) / (to - from)).clamp(0.0, 1.0);
        self.bias[rest] + share * (self.bias[rest + 1] - self.bias[rest])
    }
}

/// The first point of the later of two levels that deviate least from the points in the sum of
/// absolute values; each level has two points at least.
fn step(values: &[f64]) -> usize {
    let deviation = |part: &[f64]| {
        let level = median(part);
        part.iter().map(|value| (value - level).abs()).sum::<f64>()
    };
    let cost = |&place: &usize| {
        let (before, after) = values.split_at(place);
        deviation(before) + deviation(after)
    };
    let places = 2..values.len() - 1;
    let least = places.min_by(|a, b| cost(a).total_cmp(&cost(b)));
    least.unwrap_or(2)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{axis, parse, square_loop};

    /// A triangle of `n` points over ±10 V from zero up, as in [`crate::specimen::ferroelectric`].
    fn sweep(n: usize) -> Vec<f64> {
        let turns = (0..n).map(|i| 4.0 * i as f64 / n as f64);
        let triangle = |t: f64| {
            if t <= 1.0 {
                t
            } else if t <= 3.0 {
                2.0 - t
            } else {
                t - 4.0
            }
        };
        turns.map(|t| 10.0 * triangle(t)).collect()
    }

    fn reduce(text: &str, bias: &[f64], response: &[f64]) -> f64 {
        let (axis, _) = axis("Voltage", "V", (0.0, 1.0), bias.len());
        parse(text).reduce(response, bias, &axis).unwrap()
    }

    /// Branches that go straight from -1 to 1: the rising one from 2 to 6 V, the falling one from
    /// -1 to -5 V. A tenth of the way is gone at 2.4 and at -1.4 V.
    fn trapezium(bias: &[f64]) -> Vec<f64> {
        let n = bias.len();
        let ramp = |share: f64| 2.0 * share.clamp(0.0, 1.0) - 1.0;
        let point = |i: usize| {
            if bias[(i + 1) % n] > bias[(i + n - 1) % n] {
                ramp((bias[i] - 2.0) / 4.0)
            } else {
                -ramp((-1.0 - bias[i]) / 4.0)
            }
        };
        (0..n).map(point).collect()
    }

    #[test]
    fn a_branch_begins_to_switch_a_tenth_of_the_way() {
        for (n, within) in [(64, 0.3), (400, 1e-9)] {
            let bias = sweep(n);
            let response = trapezium(&bias);
            let opposite: Vec<f64> = response.iter().map(|r| 7.0 - 0.5 * r).collect();
            for response in [response, opposite] {
                let positive = reduce("nucleation-positive", &bias, &response);
                let negative = reduce("nucleation-negative", &bias, &response);
                assert!((positive - 2.4).abs() < within, "{positive}");
                assert!((negative + 1.4).abs() < within, "{negative}");
            }
        }
    }

    /// A square loop switches between 4 and 5 V: a tenth of the way is gone at 4.1 V.
    #[test]
    fn a_square_loop_switches_where_it_is_drawn() {
        let (bias, response) = square_loop();
        assert!((reduce("nucleation-positive", &bias, &response) - 4.1).abs() < 1e-12);
        assert!((reduce("nucleation-negative", &bias, &response) + 4.1).abs() < 1e-12);
    }

    #[test]
    fn single_points_that_are_off_move_it_by_no_more_than_a_step() {
        let bias = sweep(64);
        let step = bias[1] - bias[0];
        let response = trapezium(&bias);
        let clean = reduce("nucleation-positive", &bias, &response);
        for spoilt in 0..64 {
            let mut response = response.clone();
            response[spoilt] = 1000.0;
            let found = reduce("nucleation-positive", &bias, &response);
            assert!(
                (found - clean).abs() <= 1.5 * step,
                "{spoilt}: {found} for {clean}"
            );
        }
    }

    #[test]
    fn a_loop_that_stays_level_switches_at_the_end_of_its_sweep_at_most() {
        let bias = sweep(64);
        assert_eq!(reduce("nucleation-positive", &bias, &[3.0; 64]), bias[15]);
        assert_eq!(reduce("nucleation-negative", &bias, &[3.0; 64]), bias[47]);
        assert!(reduce("nucleation-negative", &bias, &[f64::NAN; 64]).is_nan());
    }

    #[test]
    fn branches_of_few_points_are_refused() {
        let (axis, _) = axis("Voltage", "V", (0.0, 1.0), 12);
        let error = parse("nucleation-positive").reduce(&[0.0; 12], &sweep(12), &axis);
        assert_eq!(
            error.unwrap_err().to_string(),
            "`nucleation-positive` needs at least 8 points on each branch of the bias sweep; the \
             axis has 6"
        );
    }
}
