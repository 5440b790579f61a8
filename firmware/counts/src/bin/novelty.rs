//! Scores of all candidates: their novelty against the posterior means at the points measured,
//! weighted by the structural distance.

#![no_std]
#![no_main]

use beacon_counts::{Bench, MEASUREMENTS, macs, memory, run};
use beacon_kernel::Capacity;

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|mut table| {
        let mut bench = Bench::new(memory!(Capacity::DEFAULT));
        let shape = bench.shape(MEASUREMENTS);
        bench.measure_with_structures_until(MEASUREMENTS);
        table.row("novelty", shape, macs::novelty, || {
            bench.explorer.only_novelty()
        });
    })
}
