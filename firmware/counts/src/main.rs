//! The image that counts: runs the kernel that the debugger names and prints its rows.

#![no_std]
#![no_main]

use beacon_counts::{
    CAPACITY, Lent, LinkedCampaign, Table, controller_memory, kernels, memory, run,
};

/// Memory of an explorer for an image of 64 × 64; asked for once.
fn lent() -> Lent {
    memory!(CAPACITY)
}

/// A controller with room for such an image, and its host; asked for once.
fn linked(table: Table) -> LinkedCampaign {
    LinkedCampaign::new(lent(), controller_memory!(CAPACITY), table)
}

/// An image of 256 × 256, 58 081 candidates: more than an STM32H743 holds.
#[cfg(feature = "large")]
fn large(table: Table) {
    const LARGE: beacon_kernel::Capacity = beacon_kernel::Capacity::for_campaign(256, 256, 16, 320);
    let memory = controller_memory!(LARGE);
    kernels::large(LinkedCampaign::new(memory!(LARGE), memory, table));
}

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|kernel, table| match kernel {
        "decision" => kernels::decision(linked(table)),
        "scenes" => kernels::scenes(linked(table)),
        #[cfg(feature = "large")]
        "large" => large(table),
        name => {
            let part = kernels::PARTS.iter().find(|(part, _)| *part == name);
            let (_, count) = part.unwrap_or_else(|| panic!("no kernel '{name}' on this board"));
            count(table, lent());
        }
    })
}
