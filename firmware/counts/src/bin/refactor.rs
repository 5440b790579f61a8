//! Covariances and factor of all points measured: what a new model ends with.

#![no_std]
#![no_main]

use beacon_counts::{Bench, MEASUREMENTS, macs, memory, run};
use beacon_kernel::Capacity;

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|mut table| {
        let mut bench = Bench::new(memory!(Capacity::DEFAULT));
        let shape = bench.shape(MEASUREMENTS);
        bench.measure_until(MEASUREMENTS);
        table.row("refactor", shape, macs::refactor, || {
            bench.explorer.only_refactor()
        });
    })
}
