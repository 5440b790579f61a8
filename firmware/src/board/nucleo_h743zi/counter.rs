//! Cycles, from the core's own counter.

use cortex_m::peripheral::DWT;

use super::start_core;
use crate::board::WorkCounter;

/// The cycle counter, at the clock of the controller's image and with its caches. It wraps after
/// 10.7 s, unnoticed: no work here takes a tenth of that.
pub struct Counter {
    begun: u32,
}

impl WorkCounter for Counter {
    const UNIT: &'static str = "cycles";

    fn take() -> Option<Self> {
        start_core()?;
        Some(Self { begun: 0 })
    }

    fn restart(&mut self) {
        self.begun = DWT::cycle_count();
    }

    fn read(&self) -> Option<u32> {
        Some(DWT::cycle_count().wrapping_sub(self.begun))
    }
}
