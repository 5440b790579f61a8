//! Spectra handed to a board that is reset, and to one that another host left behind.

use beacon_host::controller::{
    Controller as _, ControllerError, InProcess, Linked, Memory, Recovery, Setup,
};
use beacon_kernel::link::scalarizer::{Scalarizer, Window, relative};
use beacon_kernel::{Candidate, Candidates, Capacity};

use crate::pty_board::Board;

const SIDE: usize = 16;
const WINDOW: usize = 8;
const POINTS: u32 = 20;

fn capacity() -> Capacity {
    Capacity::for_campaign(SIDE, SIDE, WINDOW, POINTS as usize)
}

const SCALARIZER: Scalarizer = Scalarizer {
    signal: Window { start: 40, end: 70 },
    background: Some((Window { start: 10, end: 25 }, Window { start: 80, end: 97 })),
};
const ORIGIN: f64 = 1234.567;

fn spectrum(candidate: u32) -> Vec<f32> {
    let channel = |n: u32| ((candidate * 31 + n * 7919) % 263) as f32 * 0.37;
    (0..300).map(channel).collect()
}

fn expected(candidates: std::ops::Range<u32>) -> Vec<(u32, u32)> {
    let value = |candidate| relative(SCALARIZER.response(&spectrum(candidate)), ORIGIN);
    candidates
        .map(|candidate| (candidate, value(candidate).to_bits()))
        .collect()
}

/// A host that hands spectra of the first candidates over; `before` each it may do something.
fn host(
    board: &Board,
    number: u32,
    candidates: u32,
    mut before: impl FnMut(u32),
) -> Result<(u32, u32), ControllerError> {
    let mut memory = Memory::new(capacity());
    let mirror = InProcess::new(&mut memory)?;
    let mut linked = Linked::connect(board.client(number), Recovery::default(), mirror)?;
    let pixels: Vec<f32> = (0..SIDE * SIDE).map(|n| (n % 13) as f32).collect();
    linked.begin(&Setup {
        candidates: Candidates::new(SIDE, SIDE, WINDOW)?,
        pixels: &pixels,
        seed: 5,
        revision: 0,
    })?;
    linked.reduce_with(Some(SCALARIZER), ORIGIN)?;
    for candidate in 0..candidates {
        before(candidate);
        linked.measure_spectrum(Candidate(candidate), &spectrum(candidate))?;
    }
    let report = linked.link().expect("a board is linked");
    Ok((report.losses, report.resumed))
}

#[test]
fn a_board_that_was_reset_is_told_again_how_to_reduce() {
    let board = Board::start(capacity());
    let reset = |candidate| {
        if candidate % 5 == 3 {
            board.restart();
        }
    };
    let (losses, resumed) = host(&board, 1, 12, reset).unwrap();
    assert_eq!((losses, resumed), (2, 0));
    assert_eq!(board.measurements(0), expected(0..12));
}

#[test]
fn a_new_host_catches_up_with_spectra_and_then_hands_over_more() {
    let board = Board::start(capacity());
    assert_eq!(host(&board, 1, 7, |_| ()), Ok((0, 0)));
    // The first host is gone without a farewell; the second knows the same spectra.
    assert_eq!(host(&board, 2, 11, |_| ()), Ok((0, 7)));
    assert_eq!(board.measurements(0), expected(0..11));
}
