//! One more point in the Gaussian process: a row of the factor.

#![no_std]
#![no_main]

use beacon_counts::{Bench, MEASUREMENTS, macs, memory, run};
use beacon_kernel::Capacity;

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|mut table| {
        let mut bench = Bench::new(memory!(Capacity::DEFAULT));
        for measurements in [30, 110, MEASUREMENTS] {
            let shape = bench.shape(measurements);
            bench.measure_until(measurements - 1);
            table.row("append", shape, macs::append, || {
                bench.measure(measurements - 1)
            });
        }
    })
}
