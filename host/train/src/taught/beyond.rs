//! What further responses hold beyond the first one.

/// Share of their variance that further responses hold beyond the first one where the second axis is theirs.
const BEYOND: f64 = 1e-2;

/// The direction in which further responses vary most, what they share with the first one taken off.
#[derive(Debug)]
pub(super) struct Beyond {
    /// Mean of each response, the first included.
    means: Vec<f64>,
    /// What the first one lends each of the others, by its difference from its mean.
    slopes: Vec<f64>,
    /// Of the others, scaled to variance 1.
    direction: Vec<f64>,
}

impl Beyond {
    /// Where a place lies along it, whose responses these are.
    pub(super) fn of(&self, response: impl Fn(usize) -> f64) -> f64 {
        let first = response(0) - self.means[0];
        let others = self.slopes.iter().zip(&self.direction).enumerate();
        others
            .map(|(n, (slope, along))| {
                let own = response(n + 1) - self.means[n + 1];
                along * (own - slope * first)
            })
            .sum()
    }
}

/// What the teacher's means hold beyond the first response's; `None` of one response, and of others that hold
/// nearly nothing more.
pub(super) fn beyond(of_each: &[Vec<f64>]) -> Option<Beyond> {
    let count = of_each.first()?.len() as f64;
    let means: Vec<f64> = of_each
        .iter()
        .map(|of| of.iter().sum::<f64>() / count)
        .collect();
    let covariance = |a: usize, b: usize| {
        let pairs = of_each[a].iter().zip(&of_each[b]);
        let products = pairs.map(|(x, y)| (x - means[a]) * (y - means[b]));
        products.sum::<f64>() / count
    };
    let others = 1..of_each.len();
    let own = covariance(0, 0);
    let slope = |n: usize| {
        if own > 0.0 {
            covariance(0, n) / own
        } else {
            0.0
        }
    };
    let slopes: Vec<f64> = others.clone().map(slope).collect();
    let rest: Vec<Vec<f64>> = others
        .clone()
        .map(|a| {
            let of = |b: usize| covariance(a, b) - slopes[a - 1] * covariance(0, b);
            others.clone().map(of).collect()
        })
        .collect();
    let whole: f64 = others.clone().map(|n| covariance(n, n)).sum();
    let (direction, variance) = leading_of(&rest);
    let scale = 1.0 / variance.sqrt();
    // Of a variance that is NaN there is none either.
    (variance > BEYOND * whole).then(|| Beyond {
        means,
        slopes,
        direction: direction.iter().map(|x| x * scale).collect(),
    })
}

/// Direction of length 1, its largest part positive, and variance of the leading component of a small
/// covariance, by power iteration from its row of most variance.
fn leading_of(covariance: &[Vec<f64>]) -> (Vec<f64>, f64) {
    let most = (0..covariance.len()).max_by(|&a, &b| covariance[a][a].total_cmp(&covariance[b][b]));
    let Some(most) = most else {
        return (Vec::new(), 0.0);
    };
    let mut direction: Vec<f64> = covariance[most].clone();
    let mut variance = 0.0;
    for step in 0..100 {
        let length = direction.iter().map(|x| x * x).sum::<f64>().sqrt();
        if length < 1e-12 {
            return (direction, 0.0);
        }
        if step > 0 {
            variance = length;
        }
        for x in &mut direction {
            *x /= length;
        }
        if step < 99 {
            let along = |row: &Vec<f64>| row.iter().zip(&direction).map(|(c, d)| c * d).sum();
            direction = covariance.iter().map(along).collect();
        }
    }
    let largest = direction.iter().copied();
    let largest = largest.fold(
        0.0,
        |most: f64, x| if x.abs() > most.abs() { x } else { most },
    );
    if largest < 0.0 {
        for x in &mut direction {
            *x = -*x;
        }
    }
    (direction, variance)
}
