//! A new image, up to the norms of its windows.

#![no_std]
#![no_main]

use beacon_counts::{Bench, macs, memory, run};
use beacon_kernel::Capacity;

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|mut table| {
        let mut bench = Bench::new(memory!(Capacity::DEFAULT));
        let shape = bench.shape(0);
        table.row("image", shape, macs::image, || bench.load_image());
    })
}
