//! Novelty of all candidates against the posterior means at the points measured.

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
        bench.explorer.load_model(&bench.model).expect("a model");
        bench.explorer.surrogate().expect("a surrogate");
        table.row("novelty", shape, macs::novelty, || {
            bench.explorer.only_novelty()
        });
    })
}
