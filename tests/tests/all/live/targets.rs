//! Campaigns on a board that are told on the way to seek more at once than they began with.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use beacon_host::campaign::{CampaignError, Ended};
use beacon_host::internal::journal::RunFolder;
use beacon_host::{Session, TakenUp};
use beacon_kernel::Capacity;
use beacon_tests::campaign::{further, trajectory};
use beacon_tests::live::{Ran, begin, go, settings};
use beacon_tests::unreliable::Unreliable;

use super::{Written, folder, say};
use crate::link_interrupt::microscope;
use crate::pty_board::Board;

/// Exposures that a board in memory allows.
const SHORT: &str = "--microscope specimen --budget 22 --initial 8 --dwell 0.002 --current 2000 \
                     --retrain-every 3";
const TWO: &str = "target line:Pd-La,line:Au-Ma";
const THREE: &str = "target line:Pd-La,line:Au-Ma,sum";

/// What a campaign is told when it is about to measure its nth point.
type Told = fn(&Path, usize);

fn capacity(arguments: &str, responses: usize) -> Capacity {
    let config = settings(arguments);
    let candidates = config.campaign.candidates(64, 64).unwrap();
    Capacity::for_candidates(candidates, config.budget).with_responses(responses)
}

/// The campaign with the kernel in this process.
fn in_process(arguments: &str, told: Told) -> Ran {
    let (_kept, path) = folder();
    let config = settings(arguments);
    let mut microscope = Unreliable::new(microscope(&config), |nth| {
        told(&path, nth);
        None
    });
    begin(&mut microscope, config, &path).unwrap()
}

/// The campaign in a folder on a board, whose host has room for as many targets as there may be.
fn on_board(board: &Board, arguments: &str, path: &Path, told: Told) -> Ran {
    let config = settings(arguments);
    let mut microscope = Unreliable::new(microscope(&config), |nth| {
        told(path, nth);
        None
    });
    let folder = RunFolder::begin(path).unwrap();
    let session = Session::begin(&mut microscope, config, None, &folder, Arc::default()).unwrap();
    board.linked(capacity(arguments, 4), |linked| {
        let ran = go(session, Some(linked)).unwrap();
        let link = ran.outcome.link.as_ref().expect("a board is linked");
        assert_eq!((link.losses, ran.outcome.ended.clone()), (0, Ended::Budget));
        ran
    })
}

/// Goes on with the campaign of a folder on a board.
fn resumed_on(board: &Board, arguments: &str, path: &Path) -> Result<Ran, CampaignError> {
    let mut microscope = microscope(&settings(arguments));
    let folder = RunFolder::resume(path).unwrap();
    let taken_up = TakenUp::read(&folder).unwrap();
    let session = Session::resume(&mut microscope, taken_up, &folder, Arc::default()).unwrap();
    board.linked(capacity(arguments, 4), |linked| go(session, Some(linked)))
}

fn assert_same(found: &Ran, expected: &Ran) {
    assert_eq!(trajectory(&found.outcome), trajectory(&expected.outcome));
    assert_eq!(further(&found.outcome), further(&expected.outcome));
    assert_eq!(found.outcome.warnings, expected.outcome.warnings);
}

#[test]
fn a_board_begins_anew_with_as_many_targets_as_are_sought() {
    let told: Told = |path, nth| match nth {
        11 => drop(say(path, TWO).unwrap()),
        15 => drop(say(path, THREE).unwrap()),
        19 => drop(say(path, "target sum,line:Au-Ma").unwrap()),
        _ => {}
    };
    for reduce in ["host", "controller"] {
        let arguments = format!("{SHORT} --reduce {reduce}");
        let (_kept, path) = folder();
        let board = Board::start(capacity(&arguments, 3));
        let ran = on_board(&board, &arguments, &path, told);
        assert_same(&ran, &in_process(&arguments, told));
        assert_eq!(ran.outcome.further[0].target, "line:Au-Ma");
        assert_eq!(ran.summary.commands.len(), 3);
    }
}

#[test]
fn more_targets_than_its_image_holds_are_refused_by_name_and_nothing_is_lost() {
    let told: Told = |path, nth| match nth {
        12 => {
            let refused = say(path, THREE).unwrap_err().to_string();
            let targets = THREE.trim_start_matches("target ");
            let named = format!("3 targets, `{targets}`; expected at most 2 with this controller");
            assert!(refused.contains(&named), "{refused}");
        }
        14 => drop(say(path, TWO).unwrap()),
        _ => {}
    };
    let (_kept, path) = folder();
    let board = Board::start(capacity(SHORT, 2));
    let ran = on_board(&board, SHORT, &path, told);
    let expected = in_process(SHORT, |path, nth| {
        if nth == 14 {
            say(path, TWO).unwrap();
        }
    });
    assert_same(&ran, &expected);

    // One whose protocol knows of one response alone.
    let old = format!("{SHORT} --surrogate cnn --edges inside");
    let told: Told = |path, nth| {
        if nth == 12 {
            let refused = say(path, TWO).unwrap_err().to_string();
            let named = "expected at most 1 with this controller";
            assert!(refused.contains(named), "{refused}");
        }
    };
    let (_kept, path) = folder();
    let board = Board::of(1, capacity(&old, 1));
    let ran = on_board(&board, &old, &path, told);
    assert_same(&ran, &in_process(&old, |_, _| ()));
}

/// Whatever board the campaign is gone on with: its journal stays as it is where that has no room.
#[test]
fn a_campaign_of_more_targets_than_it_began_with_goes_on_where_there_is_room() {
    let told: Told = |path, nth| {
        if nth == 11 {
            say(path, TWO).unwrap();
        }
    };
    let (_kept, path) = folder();
    let whole = on_board(&Board::start(capacity(SHORT, 2)), SHORT, &path, told);
    let journal = Written::read(&path);
    let at = (0..journal.records.len()).find(|&index| journal.measured_before(index) == 15);
    let (_kept, path) = journal.cut(journal.records[at.unwrap()].0);
    let before = fs::read(path.join("journal")).unwrap();

    let small = Board::start(capacity(SHORT, 1));
    let refused = resumed_on(&small, SHORT, &path).unwrap_err().to_string();
    assert!(refused.contains("responses"), "{refused}");
    assert_eq!(fs::read(path.join("journal")).unwrap(), before);

    let again = resumed_on(&Board::start(capacity(SHORT, 2)), SHORT, &path).unwrap();
    assert_same(&again, &whole);
}
