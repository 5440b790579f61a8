//! The recursive posterior: means and variances of all candidates after one more point.

#![no_std]
#![no_main]

use beacon_counts::{Bench, MEASUREMENTS, macs, memory, run};
use beacon_kernel::Capacity;

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|mut table| {
        let mut bench = Bench::new(memory!(Capacity::DEFAULT));
        let shape = bench.shape(MEASUREMENTS);
        bench.measure_until(MEASUREMENTS - 1);
        bench.explorer.load_model(&bench.model).expect("a model");
        bench.explorer.surrogate().expect("a surrogate");
        bench.measure_until(MEASUREMENTS);
        table.row("update", shape, macs::update, || bench.surrogate());
    })
}
