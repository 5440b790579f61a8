//! Structural distances of all candidates to one more measured point.

#![no_std]
#![no_main]

use beacon_counts::{Bench, MEASUREMENTS, macs, memory, run};
use beacon_kernel::Capacity;

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|mut table| {
        let mut bench = Bench::new(memory!(Capacity::DEFAULT));
        let shape = bench.shape(MEASUREMENTS);
        bench.measure_with_structures_until(MEASUREMENTS - 1);
        bench.measure_until(MEASUREMENTS);
        table.row("structure", shape, macs::structure, || {
            bench.explorer.only_update_distances()
        });
    })
}
