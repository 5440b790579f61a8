//! Where nothing is to be measured any more: points that were, and regions that are left out.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use beacon_kernel::{Candidate, Pixel};

use super::event::{Command, Event};
use crate::experiment::Region;

/// Measured candidates and excluded regions, which the session writes and the control thread reads.
#[derive(Clone, Debug, Default)]
pub(super) struct Closed(Arc<Mutex<Sets>>);

#[derive(Debug, Default)]
struct Sets {
    measured: HashSet<Candidate>,
    excluded: Vec<Region>,
}

impl Closed {
    /// A candidate was measured.
    pub(super) fn measured(&self, candidate: Candidate) {
        self.lock().measured.insert(candidate);
    }

    /// A region is left out.
    pub(super) fn exclude(&self, region: Region) {
        self.lock().excluded.push(region);
    }

    /// Takes in what a journal says, ahead of the campaign that lives through it again.
    pub(super) fn foresee(&self, event: &Event) {
        match event {
            Event::Measured(measured) => self.measured(Candidate(measured.candidate)),
            Event::Commanded(Command::Exclude(region)) => self.exclude(region.clone()),
            _ => {}
        }
    }

    /// Whether a pixel is left out.
    pub(super) fn is_excluded(&self, pixel: Pixel) -> bool {
        self.lock()
            .excluded
            .iter()
            .any(|region| holds(region, pixel))
    }

    /// Why a candidate, which has this pixel, cannot be measured; `None` when it can.
    pub(super) fn objection(&self, candidate: Candidate, pixel: Pixel) -> Option<String> {
        let Pixel { row, column } = pixel;
        if self.lock().measured.contains(&candidate) {
            return Some(format!("row {row}, column {column} was measured before"));
        }
        let excluded = self.is_excluded(pixel);
        excluded.then(|| format!("row {row}, column {column} was excluded"))
    }

    fn lock(&self) -> MutexGuard<'_, Sets> {
        // Both are whole after every insertion.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a region has a pixel in it.
pub(super) fn holds(region: &Region, Pixel { row, column }: Pixel) -> bool {
    region.rows.contains(&row) && region.columns.contains(&column)
}
