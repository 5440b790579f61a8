//! Means and variances of all candidates, asked for after a new model.

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
        table.row("surrogate", shape, macs::surrogate, || bench.surrogate());
    })
}
