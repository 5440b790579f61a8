//! Every pixel of the largest image as a candidate, and the model of the fixed filters, which nobody
//! trained.

use beacon_kernel::link::message::Next;
use beacon_kernel::{
    Acquisition, Architecture, Candidate, Candidates, Capacity, Edges, Pixel, Proposal, Strategy,
};
use beacon_tests::ExplorerMemory;

use super::emulator::started;
use super::{Bench, SEED, SIDE, WINDOW};

pub(super) fn a_campaign_of_filters_over_every_pixel_equals_the_one_on_the_host_bit_for_bit(
    board: &str,
) {
    const STRATEGIES: [Strategy; 4] = [
        Strategy::BeaconStructure,
        Strategy::Beacon,
        Strategy::Ei,
        Strategy::Farthest,
    ];
    let Some((_emulator, mut client)) = started(board, "", "every-pixel") else {
        return;
    };
    let bench = Bench::with(Architecture::Filters, WINDOW, Edges::Reflect);
    bench.begin(&mut client);

    let candidates = Candidates::with_edges(SIDE, SIDE, WINDOW, Edges::Reflect);
    let candidates = candidates.expect("every pixel");
    let mut memory = ExplorerMemory::new(Capacity::for_candidates(candidates, 64));
    let mut explorer = memory.explorer(SEED);
    explorer
        .load_image_for(candidates, &bench.0.image)
        .expect("an image");
    explorer.load_model(&bench.0.model(0)).expect("a model");
    // All four corners among them.
    let mut points = vec![0, 63, 4032, 4095];
    points.extend((1..7).map(|n| n * 577));
    let mut proposed = Vec::new();
    for step in 0..24 {
        let candidate = points.pop().unwrap_or_default();
        let measurement = bench.0.measurement(candidate);
        client.measure(measurement, Next::Nothing).expect("measure");
        explorer
            .measure(Candidate(candidate), measurement.value)
            .expect("measure");
        let acquisition = Acquisition {
            strategy: STRATEGIES[step % STRATEGIES.len()],
            ..Acquisition::default()
        };
        client.choose(acquisition.into()).expect("choose");
        explorer.set_acquisition(acquisition).expect("choose");
        let expected = explorer.propose().expect("a proposal");
        let found = client.propose(false).expect("a proposal").proposal;
        let place = (found.row, found.column);
        assert_eq!(Proposal::from(found), expected, "step {step}");
        assert_eq!(found.score.to_bits(), expected.score.to_bits());
        let Pixel { row, column } = candidates.pixel(expected.candidate).expect("a pixel");
        assert_eq!(place, (row as u16, column as u16));
        proposed.push((row, column));
        if points.is_empty() {
            points.push(found.candidate);
        }
    }
    let inside = |index: &usize| (WINDOW / 2..=SIDE - WINDOW / 2).contains(index);
    let beyond = proposed
        .iter()
        .filter(|(row, column)| !inside(row) || !inside(column));
    assert!(beyond.count() > 0, "no window reached beyond the image");
    client.end(bench.0.campaign().id).expect("end");
    let status = client.status().expect("status");
    println!("{:?}", status.health);
    assert!(status.health.stack_high_water < status.health.stack_size / 2);
}
