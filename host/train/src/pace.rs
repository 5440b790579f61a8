//! How far a fit or a map has come.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// How far what takes long has come, in steps. Another thread reads it, and may break the work off between
/// two of them.
#[derive(Debug, Default)]
pub struct Pace {
    done: AtomicUsize,
    of: AtomicUsize,
    broken: AtomicBool,
}

impl Pace {
    /// Steps that are done, and those that there are at most as far as is known.
    pub fn steps(&self) -> (usize, usize) {
        let of = self.of.load(Ordering::Relaxed);
        (self.done.load(Ordering::Relaxed).min(of), of)
    }

    /// Breaks the work off at its next step.
    pub fn break_off(&self) {
        self.broken.store(true, Ordering::Relaxed);
    }

    /// Whether the work was broken off.
    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Announces so many more steps.
    pub(super) fn announce(&self, steps: usize) {
        self.of.fetch_add(steps, Ordering::Relaxed);
    }

    /// Counts steps that are done, or that were not needed.
    pub(super) fn pass(&self, steps: usize) {
        self.done.fetch_add(steps, Ordering::Relaxed);
    }
}
