//! A whole decision on an image of 256 × 256, whose numbers lie in the emulated board's PSRAM.

#![no_std]
#![no_main]

use beacon_counts::{Campaign, MEASUREMENTS, controller_memory, macs, memory, run};
use beacon_kernel::{Capacity, Strategy};

/// 58 081 candidates.
const CAPACITY: Capacity = Capacity::for_campaign(256, 256, 16, 320);

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|table| {
        let lent = memory!(CAPACITY);
        let mut campaign = Campaign::new(lent, controller_memory!(CAPACITY), table);
        let strategy = Strategy::BeaconStructure;
        campaign.decision("decision", strategy, MEASUREMENTS, macs::decision);
        campaign.slice(MEASUREMENTS);
    })
}
