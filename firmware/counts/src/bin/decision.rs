//! Whole decisions on a 64 × 64 image: from the last byte of a measurement to the beam command.

#![no_std]
#![no_main]

use beacon_counts::{Campaign, MEASUREMENTS, controller_memory, macs, memory, run};
use beacon_kernel::Capacity;
use beacon_kernel::Strategy::{Beacon, BeaconStructure, Ei, Mu};

#[cortex_m_rt::entry]
fn main() -> ! {
    run(|table| {
        let lent = memory!(Capacity::DEFAULT);
        let mut campaign = Campaign::new(lent, controller_memory!(Capacity::DEFAULT), table);
        campaign.decision("decision", BeaconStructure, MEASUREMENTS, macs::decision);
        campaign.slice(MEASUREMENTS);
        for measurements in [110, 30] {
            campaign.decision("decision", BeaconStructure, measurements, macs::decision);
        }
        campaign.decision("decision_beacon", Beacon, MEASUREMENTS, macs::decision);
        campaign.decision("decision_ei", Ei, MEASUREMENTS, macs::decision_ei);
        campaign.decision("decision_mu", Mu, MEASUREMENTS, macs::decision_mu);
    })
}
