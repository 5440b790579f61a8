//! Target-space coverage: how much of the range of responses has been seen.

use super::error::{MetricsError, check};

/// Share of the occupied bins of the true response that have been visited.
///
/// The range from the smallest to the largest true value over all candidates is divided
/// into bins of equal width, the largest value belonging to the last bin. Bins that no
/// candidate falls into can never be visited, so they do not count: on the PFM benchmark
/// 92 of 100 bins are occupied. (Section S2 of the paper uses 100 bins; its notebook
/// drops the largest value and, by an indexing slip, bins the wrong pixels.)
///
/// Bins are assigned once, so a visit costs one lookup.
///
/// ```
/// use beacon_host::metrics::TargetCoverage;
///
/// let mut coverage = TargetCoverage::new(&[0.0, 0.1, 5.0, 10.0], 100)?;
/// coverage.visit(0)?;
/// coverage.visit(3)?;
/// assert_eq!(coverage.coverage(), 0.5);
/// # Ok::<(), beacon_host::metrics::MetricsError>(())
/// ```
#[derive(Clone, Debug)]
pub struct TargetCoverage {
    /// Bin of every candidate.
    bin_of: Vec<usize>,
    visited: Vec<bool>,
    occupied: usize,
    visited_count: usize,
}

impl TargetCoverage {
    /// Number of bins of the paper.
    pub const BINS: usize = 100;

    /// Nothing visited yet; `truth` holds the true response of every candidate, in any units.
    ///
    /// # Errors
    /// When there is no candidate, no bin, a value that is not finite, or when all
    /// candidates respond alike.
    pub fn new(truth: &[f64], bins: usize) -> Result<Self, MetricsError> {
        check("true response", truth, truth.len())?;
        if bins == 0 {
            return Err(MetricsError::NoBins);
        }
        let low = truth.iter().copied().fold(f64::INFINITY, f64::min);
        let high = truth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        if low == high {
            return Err(MetricsError::Constant(low));
        }
        // Dividing both by `bins` first keeps the difference finite for any finite range.
        let width = high / bins as f64 - low / bins as f64;
        let bin_of: Vec<usize> = truth
            .iter()
            .map(|value| ((value / width - low / width) as usize).min(bins - 1))
            .collect();
        let mut occupied = vec![false; bins];
        for &bin in &bin_of {
            occupied[bin] = true;
        }
        Ok(Self {
            bin_of,
            visited: vec![false; bins],
            occupied: occupied.into_iter().filter(|&o| o).count(),
            visited_count: 0,
        })
    }

    /// Counts a measurement at `candidate`; a bin visited before changes nothing.
    ///
    /// # Errors
    /// When there is no such candidate.
    pub fn visit(&mut self, candidate: usize) -> Result<(), MetricsError> {
        let Some(&bin) = self.bin_of.get(candidate) else {
            return Err(MetricsError::Candidate {
                candidate,
                candidates: self.bin_of.len(),
            });
        };
        if !self.visited[bin] {
            self.visited[bin] = true;
            self.visited_count += 1;
        }
        Ok(())
    }

    /// Visited share of the occupied bins, from 0 to 1.
    pub fn coverage(&self) -> f64 {
        self.visited_count as f64 / self.occupied as f64
    }

    /// Number of bins that at least one candidate falls into: the denominator.
    pub fn occupied(&self) -> usize {
        self.occupied
    }

    /// Coverage after each visit of `order`, starting from nothing.
    ///
    /// # Errors
    /// As [`Self::new`] and [`Self::visit`].
    pub fn curve(truth: &[f64], order: &[usize], bins: usize) -> Result<Vec<f64>, MetricsError> {
        let mut coverage = Self::new(truth, bins)?;
        order
            .iter()
            .map(|&candidate| {
                coverage.visit(candidate)?;
                Ok(coverage.coverage())
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use npyz::NpyFile;
    use std::fs::File;
    use std::io::BufReader;
    use std::path::Path;

    #[test]
    fn the_largest_value_falls_into_the_last_bin() {
        let coverage = TargetCoverage::new(&[0.0, 0.995, 1.0], 100).unwrap();
        assert_eq!(coverage.bin_of, [0, 99, 99]);
        assert_eq!(coverage.occupied(), 2);
    }

    #[test]
    fn visiting_a_bin_again_adds_nothing() {
        let mut coverage = TargetCoverage::new(&[-1.0, -0.999, 3.0], 10).unwrap();
        assert_eq!(coverage.coverage(), 0.0);
        coverage.visit(0).unwrap();
        coverage.visit(1).unwrap();
        coverage.visit(0).unwrap();
        assert_eq!(coverage.coverage(), 0.5);
        coverage.visit(2).unwrap();
        assert_eq!(coverage.coverage(), 1.0);
    }

    #[test]
    fn what_cannot_be_binned_is_refused() {
        assert_eq!(
            TargetCoverage::new(&[], 100).unwrap_err(),
            MetricsError::Empty
        );
        assert_eq!(
            TargetCoverage::new(&[1.0], 0).unwrap_err(),
            MetricsError::NoBins
        );
        assert_eq!(
            TargetCoverage::new(&[2.0, 2.0], 9).unwrap_err(),
            MetricsError::Constant(2.0)
        );
        assert!(matches!(
            TargetCoverage::new(&[2.0, f64::NAN], 9).unwrap_err(),
            MetricsError::NotFinite { candidate: 1, .. }
        ));
        let mut coverage = TargetCoverage::new(&[1.0, 2.0], 9).unwrap();
        let error = coverage.visit(2).unwrap_err();
        assert_eq!(error.to_string(), "candidate 2 does not exist: there are 2");
    }

    fn npy<T: npyz::Deserialize>(path: &Path) -> Vec<T> {
        let reader = BufReader::new(File::open(path).unwrap());
        NpyFile::new(reader).unwrap().into_vec().unwrap()
    }

    fn published_order(path: &Path) -> Vec<usize> {
        let mut reader = csv::Reader::from_path(path).unwrap();
        let column = reader
            .headers()
            .unwrap()
            .iter()
            .position(|h| h == "patch_index")
            .unwrap();
        reader
            .records()
            .map(|row| row.unwrap()[column].parse().unwrap())
            .collect()
    }

    /// Oracle: numpy, `min(floor((t - t.min()) / (t.max() - t.min()) * 100), 99)` over the
    /// 1225 candidates, distinct bins among the first n of each published order; confirmed
    /// with `digitize` over `linspace(min, max, 101)`.
    #[test]
    fn the_published_pfm_runs_cover_what_numpy_counts() {
        let pfm = Path::new(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/../../shared/data/pfm"
        ));
        if !pfm.exists() {
            println!("skipped: no PFM data beside the repository");
            return;
        }
        let response: Vec<f64> = npy(&pfm.join("scalarizer.npy"));
        let coords: Vec<i32> = npy(&pfm.join("coords.npy"));
        let truth: Vec<f64> = coords
            .chunks_exact(2)
            .map(|rc| response[(rc[0] * 50 + rc[1]) as usize])
            .collect();
        let coverage = TargetCoverage::new(&truth, TargetCoverage::BINS).unwrap();
        assert_eq!(coverage.occupied(), 92);
        for (run, visited) in [
            ("ei", [37, 59, 81, 89]),
            ("mu", [38, 56, 77, 90]),
            ("beacon", [22, 31, 55, 62]),
        ] {
            let order = published_order(&pfm.join(format!("published_{run}.csv")));
            let curve = TargetCoverage::curve(&truth, &order, TargetCoverage::BINS).unwrap();
            for (steps, bins) in [50, 100, 200, 300].into_iter().zip(visited) {
                assert_eq!(curve[steps - 1], f64::from(bins) / 92.0, "{run} at {steps}");
            }
        }
    }
}
