//! How many of the vectors that several responses can be were met, by what was measured alone.

use crate::campaign::State;
use crate::metrics::{TARGET_BINS, cells_per_axis, vector_groups};

/// The share after each step, of the points by then that count: see [`coverage`](super::AskTell::coverage).
pub(super) fn of_vectors(state: &State) -> Vec<f64> {
    let responses = state.settings().targets.len();
    let mut columns = vec![Vec::new(); responses];
    let mut usable = state.usable_vectors().peekable();
    let (seeds, mut shares) = (state.seeds(), Vec::new());
    for (n, point) in state.points().iter().enumerate() {
        if let Some((_, vector)) = usable.next_if(|(next, _)| next.candidate == point.candidate) {
            for (column, response) in columns.iter_mut().zip(vector) {
                column.push(response);
            }
        }
        if n >= seeds {
            shares.push(share(&columns));
        }
    }
    shares
}

/// Share of the cells that hold a vector; a column a response.
fn share(columns: &[Vec<f64>]) -> f64 {
    let known: Vec<&[f64]> = columns.iter().map(Vec::as_slice).collect();
    let varies = |column: &&&[f64]| column.iter().any(|value| *value != column[0]);
    let varying = known.iter().filter(varies).count();
    let cells = match varying {
        0 | 1 => TARGET_BINS,
        more => cells_per_axis(TARGET_BINS, more).pow(more as u32),
    };
    let visited = match vector_groups(&known, TARGET_BINS) {
        Ok(groups) => groups.occupied(),
        // One vector, or none.
        Err(_) => usize::from(!columns.iter().all(Vec::is_empty)),
    };
    visited as f64 / cells as f64
}
