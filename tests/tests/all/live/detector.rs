//! A board that waits for its detector before every exposure.

use beacon_host::Session;
use beacon_host::campaign::{Ended, Event};
use beacon_host::controller::{InProcess, Linked, Memory, Recovery};
use beacon_host::internal::journal::RunFolder;
use beacon_kernel::Capacity;
use beacon_tests::live::{go, settings};

use super::super::pty_board::{Board, UNREADY};
use super::{SPECIMEN, Written, folder, opened};

#[test]
fn a_point_whose_detector_is_not_ready_is_left_out_with_its_dose() {
    let (_kept, path) = folder();
    let words = format!("{SPECIMEN} --dwell 0.002 --ready-timeout 0.02 --gate");
    let mut config = settings(&words.replace("--budget 40", "--budget 20"));
    let mut microscope = opened(&mut config);
    let candidates = config.campaign.candidates(64, 64).unwrap();
    let capacity = Capacity::for_candidates(candidates, config.budget);
    let board = Board::start(capacity);
    let mut memory = Memory::new(capacity);
    let mirror = InProcess::new(&mut memory).unwrap();
    let mut linked = Linked::connect(board.client(1), Recovery::default(), mirror).unwrap();
    let run = RunFolder::begin(&path).unwrap();
    let interrupted = std::sync::Arc::default();
    let session = Session::begin(&mut *microscope, config, None, &run, interrupted).unwrap();
    let ran = go(session, Some(&mut linked)).unwrap();
    assert_eq!(ran.outcome.ended, Ended::Budget);
    assert_eq!(ran.trajectory().len(), 20);

    let written = Written::read(&path);
    let events = written.records.iter().map(|(_, record)| &record.event);
    let exposing = events
        .clone()
        .filter(|event| matches!(event, Event::Exposing(_)));
    assert_eq!(exposing.count(), 20 + UNREADY.len());
    let left_out: Vec<_> = events
        .filter_map(|event| match event {
            Event::LeftOut { why, .. } => Some(why.as_str()),
            _ => None,
        })
        .collect();
    assert_eq!(left_out.len(), UNREADY.len(), "{left_out:?}");
    assert!(
        left_out
            .iter()
            .all(|why| why.contains("the detector did not say in time that it is ready")),
        "{left_out:?}"
    );
    // The board counts what it may have exposed, in full.
    let dose_us = linked.status().unwrap().dose_us;
    assert_eq!(dose_us, 2000 * (20 + UNREADY.len() as u64));
}
