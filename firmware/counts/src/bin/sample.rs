//! A joint sample of the response at all candidates, by the path on its grid.

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
        table.row("sample", shape, macs::sample, || {
            bench.explorer.only_sample()
        });
    })
}
