//! Novelty of a response: how far it lies from the responses already known.
//!
//! BEACON (Tang, Chakrabarty and Paulson, arXiv 2406.03616): α(x) is the mean distance of the
//! sampled response to its k nearest neighbours among those measured. This is for one response;
//! [`vectors`](crate::vectors) is for several.

/// Responses to be novel against, in ascending order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KnownResponses<'a> {
    sorted: &'a [f32],
}

impl<'a> KnownResponses<'a> {
    /// Sorts the responses in place; NaN, which cannot arise from finite ones, would go last.
    pub(crate) fn new(responses: &'a mut [f32]) -> Self {
        sort(responses);
        Self { sorted: responses }
    }

    /// Mean of |response − r| over the `k` nearest r, or over all when there are fewer; 0 when
    /// there are none. O(log n + k).
    pub(crate) fn novelty(&self, response: f32, k: usize) -> f32 {
        let k = k.min(self.sorted.len());
        // In one dimension the k nearest are consecutive: find the first of them.
        let (mut low, mut high) = (0, self.sorted.len() - k);
        while low < high {
            let middle = low + (high - low) / 2;
            match (self.sorted.get(middle), self.sorted.get(middle + k)) {
                (Some(left), Some(right)) if response - left > right - response => {
                    low = middle + 1;
                }
                _ => high = middle,
            }
        }
        let nearest = self.sorted.get(low..low + k).unwrap_or_default();
        let sum: f32 = nearest.iter().map(|r| libm::fabsf(response - r)).sum();
        if k == 0 { 0.0 } else { sum / k as f32 }
    }
}

/// Intervals of [`Bounds`], and most of them: with thousands of responses, which only hosts hold, the k nearest
/// lie in a small part of an interval of those, and a bound that is as wide passes nothing over.
const INTERVALS: usize = 128;
const MOST_INTERVALS: usize = if cfg!(target_arch = "arm") {
    INTERVALS
} else {
    16 * INTERVALS
};

/// A table of upper bounds of novelty. Most candidates score far below the best, and a bound that
/// is looked up suffices to pass them over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    low: f32,
    width: f32,
    /// 1/width
    density: f32,
    /// Larger than what rounding can change.
    margin: f32,
    intervals: usize,
    /// Novelty at the middle of each interval.
    middle: [f32; MOST_INTERVALS],
}

impl Bounds {
    /// Over the range of the reference.
    pub(crate) fn new(reference: KnownResponses<'_>, k: usize) -> Self {
        let low = reference.sorted.first().copied().unwrap_or_default();
        let high = reference.sorted.last().copied().unwrap_or_default();
        let intervals = (reference.sorted.len() / 2).clamp(INTERVALS, MOST_INTERVALS);
        let width = (high - low) / intervals as f32;
        let width = if width > 1e-12 { width } else { 1e-12 };
        let mut middle = [0.0; MOST_INTERVALS];
        for (i, novelty) in middle.iter_mut().enumerate().take(intervals) {
            *novelty = reference.novelty(low + (i as f32 + 0.5) * width, k);
        }
        Self {
            low,
            width,
            density: 1.0 / width,
            margin: 1e-5 * (libm::fabsf(low) + libm::fabsf(high)),
            intervals,
            middle,
        }
    }

    // A constant on a board, which looks up every candidate.
    fn intervals(&self) -> usize {
        if MOST_INTERVALS == INTERVALS {
            INTERVALS
        } else {
            self.intervals
        }
    }

    /// Novelty changes no faster than the response.
    pub(crate) fn at(&self, response: f32) -> f32 {
        let i = (((response - self.low) * self.density) as usize).min(self.intervals() - 1);
        let middle = self.low + (i as f32 + 0.5) * self.width;
        let away = libm::fabsf(response - middle);
        self.middle.get(i).map_or(f32::INFINITY, |novelty| {
            (novelty + away) * 1.0001 + self.margin
        })
    }
}

/// Gaps of [`sort`]: Ciura's up to 701 ("Best increments for the average case of Shellsort", 2001), then
/// 9/4 of the one before.
pub(crate) const GAPS: [usize; 13] = [
    40_412, 17_961, 7983, 3548, 1577, 701, 301, 132, 57, 23, 10, 4, 1,
];

/// Sorts in ascending order, by Shell's method: it neither allocates nor recurses nor can panic, and a
/// few hundred responses cost little whatever their order.
pub(crate) fn sort(values: &mut [f32]) {
    for gap in GAPS {
        for end in gap..values.len() {
            let Some(&own) = values.get(end) else { break };
            let mut i = end;
            while let Some(before) = i.checked_sub(gap)
                && let Some(&other) = values.get(before)
                && other.total_cmp(&own).is_gt()
                && let Some(slot) = values.get_mut(i)
            {
                *slot = other;
                i = before;
            }
            if let Some(slot) = values.get_mut(i) {
                *slot = own;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    /// The oracle sorts all distances and averages the first k, as the definition says.
    #[test]
    fn novelty_is_the_mean_distance_to_the_k_nearest() {
        let mut random = Random::new(3, 0);
        for n in [1, 2, 9, 10, 11, 100, 310] {
            let responses: Vec<f32> = (0..n).map(|_| random.normal()).collect();
            let mut sorted = responses.clone();
            let reference = KnownResponses::new(&mut sorted);
            for k in [1, 2, 10, 50] {
                for _ in 0..50 {
                    let y = 2.0 * random.normal();
                    let mut distances: Vec<f64> = responses
                        .iter()
                        .map(|&r| (f64::from(y) - f64::from(r)).abs())
                        .collect();
                    distances.sort_by(f64::total_cmp);
                    let nearest = &distances[..k.min(n)];
                    let expected = nearest.iter().sum::<f64>() / nearest.len() as f64;
                    let got = f64::from(reference.novelty(y, k));
                    assert!((got - expected).abs() < 1e-6, "n {n}, k {k}, y {y}");
                }
            }
        }
    }

    #[test]
    fn no_novelty_exceeds_its_bound_and_few_are_far_from_it() {
        let mut random = Random::new(4, 0);
        for n in [1, 2, 30, 310, 5000] {
            for (scale, offset) in [(1.0, 0.0), (1e-3, 5.0), (0.0, 2.0), (1e6, -1e6)] {
                let mut responses: Vec<f32> =
                    (0..n).map(|_| offset + scale * random.normal()).collect();
                let reference = KnownResponses::new(&mut responses);
                let bounds = Bounds::new(reference, 10);
                for _ in 0..2000 {
                    let y = offset + 4.0 * scale * random.normal();
                    let (novelty, bound) = (reference.novelty(y, 10), bounds.at(y));
                    assert!(
                        novelty <= bound,
                        "{n} {scale} {offset}: {novelty} > {bound}"
                    );
                    // Of thousands the k nearest are nearer, and the intervals smaller.
                    let width = if n > 1000 { 0.01 } else { 0.1 };
                    let slack = width * scale + 1e-4 * (novelty + 2.0 * offset.abs() + scale);
                    assert!(
                        bound <= novelty + slack,
                        "{n} {scale} {offset}: {novelty} {bound}"
                    );
                }
            }
        }
    }

    #[test]
    fn equal_responses_and_an_empty_reference_are_no_novelty() {
        let mut same = [0.5; 4];
        assert_eq!(KnownResponses::new(&mut same).novelty(0.5, 10), 0.0);
        assert_eq!(KnownResponses::new(&mut []).novelty(0.5, 10), 0.0);
        assert_eq!(KnownResponses::new(&mut same).novelty(0.5, 0), 0.0);
    }

    #[test]
    fn sorting_is_ascending_and_keeps_every_value() {
        let mut values = [3.0, -1.0, 2.0, -0.0, 0.0, 2.0];
        sort(&mut values);
        assert_eq!(values, [-1.0, -0.0, 0.0, 2.0, 2.0, 3.0]);
        assert!(values[1].is_sign_negative());
        // The oracle is the standard library's.
        let mut random = Random::new(5, 0);
        for n in [0, 1, 2, 9, 310, 5000] {
            let mut values: Vec<f32> = (0..n).map(|_| random.normal()).collect();
            let mut expected = values.clone();
            expected.sort_by(f32::total_cmp);
            sort(&mut values);
            assert_eq!(values, expected);
        }
    }
}
