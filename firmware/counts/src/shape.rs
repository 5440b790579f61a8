//! How large a problem is.

use beacon_kernel::{Candidates, Capacity};

/// A square image with its candidates, and the points measured so far.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// The candidates' geometry.
    pub candidates: Candidates,
    /// Points measured, the newest included.
    pub measurements: usize,
}

impl Shape {
    /// The largest square image of a capacity, with this many points measured.
    pub fn of(capacity: Capacity, measurements: usize) -> Self {
        let side = capacity.image_width;
        let candidates = Candidates::new(side, side, capacity.window);
        Self {
            candidates: candidates.expect("a capacity has candidates"),
            measurements,
        }
    }

    /// Number of candidates.
    pub fn count(self) -> u64 {
        self.candidates.count() as u64
    }

    /// Points measured.
    pub fn points(self) -> u64 {
        self.measurements as u64
    }
}
