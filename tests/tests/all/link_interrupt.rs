//! Hand-overs over a serial line that somebody breaks off, and that are taken up where they were; boards
//! that are reset, and answers that are lost.

use std::cell::Cell;
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use beacon_host::campaign::{Ended, LiveConfig, Outcome};
use beacon_host::controller::{
    BeamPort as _, Controller as _, ControllerError, HandOver, Linked, Setup,
};
use beacon_host::internal::control::tell;
use beacon_host::internal::journal::RunFolder;
use beacon_host::internal::specimen::SpecimenKind;
use beacon_host::microscope::SpecimenMicroscope;
use beacon_host::{Session, TakenUp};
use beacon_kernel::link::frame;
use beacon_kernel::link::message::Phase;
use beacon_kernel::link::transfer::Encoding;
use beacon_kernel::{
    Acquisition, Candidate, Candidates, Capacity, Hyperparameters, Model, Network, Standardisation,
    Strategy,
};
use beacon_tests::live::{begin, settings, trajectory};
use tempfile::TempDir;

use crate::pty_board::{Board, quick};

/// Has somebody watch who breaks off the hand-over of that name before its piece of that number.
/// Returns the count of its pieces.
fn watch(linked: &mut Linked<'_>, what: &'static str, break_at: u32) -> Rc<Cell<u32>> {
    let pieces = Rc::new(Cell::new(0));
    let counted = Rc::clone(&pieces);
    linked.set_watch(Box::new(move |handover: &HandOver| {
        if handover.what != what {
            return ControlFlow::Continue(());
        }
        counted.set(counted.get() + 1);
        if counted.get() > break_at {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }));
    pieces
}

/// The pixels of a square image.
fn waves(side: usize) -> Vec<f32> {
    (0..side * side).map(|n| (n as f32 * 0.7).sin()).collect()
}

fn setup(candidates: Candidates, pixels: &[f32]) -> Setup<'_> {
    Setup {
        candidates,
        pixels,
        seed: 5,
        revision: 0,
    }
}

fn weights(network: Network) -> Vec<f32> {
    let count = network.weight_count();
    (0..count).map(|n| 0.1 * (n as f32 * 0.3).cos()).collect()
}

/// A model that nobody trained.
fn model(network: Network, weights: &[f32]) -> Model<'_> {
    Model {
        network,
        weights,
        hyperparameters: Hyperparameters {
            lengthscale: [0.5, 0.5],
            outputscale: 1.0,
            noise: 0.02,
            mean: 0.0,
        },
        standardisation: Standardisation::IDENTITY,
        others: &[],
    }
}

const IMAGE: &str = "handing the image over";
const MODEL: &str = "handing the model over";
const POINTS: &str = "handing the points over";

fn frames(linked: &mut Linked<'_>) -> u32 {
    let link = linked.link().expect("a board is linked");
    link.frames - link.retries
}

#[test]
fn an_image_of_a_megabyte_is_broken_off_within_a_frame_and_taken_up_there() {
    const SIDE: usize = 500;
    let capacity = Capacity::for_campaign(SIDE, SIDE, 16, 10);
    let board = Board::start(capacity);
    let pixels: Vec<f32> = (0..SIDE * SIDE).map(|n| (n % 4093) as f32 * 0.37).collect();
    let setup = setup(Candidates::new(SIDE, SIDE, 16).unwrap(), &pixels);
    let chunks = (4 * SIDE * SIDE).div_ceil(frame::MAX_RAW) as u32;
    assert!(chunks > 900, "{chunks}");

    board.linked(capacity, |linked| {
        let pieces = watch(linked, IMAGE, 300);
        assert_eq!(linked.begin(&setup), Err(ControllerError::BrokenOff));
        assert_eq!(pieces.get(), 301);
        // Hello, Vectors, Status, Begin and Transfer, then the chunks up to the break and none behind it.
        assert_eq!(frames(linked), 5 + 300);
        linked.blank().unwrap();
        // The campaign is not over: what the board has is kept.
        linked.end().unwrap();
        assert_eq!(frames(linked), 5 + 300 + 1);
    });
    board.linked(capacity, |linked| {
        let pieces = watch(linked, IMAGE, 200);
        assert_eq!(linked.begin(&setup), Err(ControllerError::BrokenOff));
        assert_eq!(pieces.get(), 201);
    });
    board.linked(capacity, |linked| {
        let pieces = watch(linked, IMAGE, u32::MAX);
        linked.begin(&setup).unwrap();
        assert_eq!(pieces.get(), chunks - 500);
        let status = linked.status().unwrap();
        assert_eq!((status.phase, status.transfer), (Phase::Running, None));
        // Nobody counts it as a reset of the board.
        assert_eq!(linked.resets(), 0);
    });
}

#[test]
fn a_model_and_points_are_broken_off_and_taken_up() {
    const SIDE: usize = 40;
    const WINDOW: usize = 16;
    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 30);
    let board = Board::start(capacity);
    let pixels = waves(SIDE);
    let setup = setup(Candidates::new(SIDE, SIDE, WINDOW).unwrap(), &pixels);
    let network = Network::for_window(WINDOW).unwrap();
    let weights = weights(network);
    let model = model(network, &weights);
    let bytes = Encoding::of_weights(network.architecture()).size() as usize * weights.len();
    let chunks = bytes.div_ceil(frame::MAX_RAW) as u32;
    assert!(chunks > 3, "{chunks}");
    let response = |n: u32| (n as f32 * 0.37).sin();

    board.linked(capacity, |linked| {
        linked.begin(&setup).unwrap();
        // What is known before the board is told of it, as after a journal was read.
        linked.set_silent(true).unwrap();
        for n in 0..20 {
            linked.measure(Candidate(n), response(n)).unwrap();
        }
        let pieces = watch(linked, POINTS, 12);
        assert_eq!(linked.set_silent(false), Err(ControllerError::BrokenOff));
        assert_eq!(pieces.get(), 13);
        assert_eq!(linked.blank(), Ok(()));
        let pieces = watch(linked, POINTS, u32::MAX);
        assert_eq!(linked.status().unwrap().measured, 20);
        assert_eq!(pieces.get(), 8);

        let pieces = watch(linked, MODEL, 2);
        assert_eq!(
            linked.load_model(&model, 1),
            Err(ControllerError::BrokenOff)
        );
        assert_eq!(pieces.get(), 3);
        let pieces = watch(linked, MODEL, u32::MAX);
        linked.load_model(&model, 1).unwrap();
        assert_eq!(pieces.get(), chunks - 2);
        // Equal to that of the kernel in this process, or it is refused.
        linked.propose(false).unwrap();
        assert_eq!((linked.resets(), frames(linked) > 0), (0, true));
    });
}

const SIDE: usize = 12;
const WINDOW: usize = 4;

/// The campaign that the boards below are told of.
fn begin_small(linked: &mut Linked<'_>, strategy: Strategy) {
    let pixels = waves(SIDE);
    let setup = setup(Candidates::new(SIDE, SIDE, WINDOW).unwrap(), &pixels);
    linked.begin(&setup).unwrap();
    linked.choose(Acquisition::new(strategy)).unwrap();
}

/// A board that was reset is told everything again; whichever byte of its answers is the last for a while,
/// it holds the same afterwards.
#[test]
fn a_line_lost_at_any_byte_while_a_reset_board_is_restored_leaves_nothing_out() {
    const WORKERS: usize = 4;
    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 10);
    let network = Network::for_window(WINDOW).unwrap();
    let weights = weights(network);
    let model = model(network, &weights);
    let holds = |linked: &mut Linked<'_>| {
        let status = linked.status().unwrap();
        let campaign = (status.phase, status.campaign, status.image_crc);
        let model = (status.model, status.weights_crc, status.transfer);
        let measured = (status.measured, linked.measurements_of_board(0).unwrap());
        // Compared with that of the kernel in this process, exclusion and strategy included.
        let proposed = linked.propose(false).unwrap();
        (campaign, model, measured, proposed.candidate)
    };
    // Every answer of a restoration, cut at every byte, each worker having a board of its own.
    let restored = |first: usize| {
        let board = Board::start(capacity);
        board.linked_with(capacity, quick(), |linked| {
            begin_small(linked, Strategy::Beacon);
            for n in 0..3 {
                linked
                    .measure(Candidate(n), (n as f32 * 0.37).sin())
                    .unwrap();
            }
            linked.load_model(&model, 1).unwrap();
            linked.measure(Candidate(7), 0.4).unwrap();
            linked.exclude(0..6, 0..SIDE).unwrap();
            let expected = holds(linked);
            let mut byte = first;
            loop {
                board.line.deaf_after(byte);
                board.restart();
                linked.status().unwrap();
                if !board.line.was_deaf() {
                    break byte;
                }
                assert_eq!(holds(linked), expected, "cut at byte {byte}");
                byte += WORKERS;
            }
        })
    };
    let bytes = thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|first| scope.spawn(move || restored(first)))
            .collect();
        let bytes = workers.into_iter().map(|worker| worker.join().unwrap());
        bytes.max().unwrap()
    });
    println!("{bytes} bytes of answers");
    assert!(bytes > 100, "{bytes}");
}

/// The board is asked whether it has made the exposure before it is told again.
#[test]
fn an_exposure_whose_answer_is_lost_is_made_once() {
    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 60);
    let board = Board::start(capacity);
    board.linked_with(capacity, quick(), |linked| {
        begin_small(linked, Strategy::Random);
        let mut made = 0;
        let mut once = |what: &str, byte| {
            made += 1;
            let exposures = board.line.exposed.load(Ordering::SeqCst);
            assert_eq!(exposures, made, "{what}, its answer cut at byte {byte}");
        };
        for byte in 0..8 {
            board.line.deaf_after(byte);
            linked.expose(Candidate(byte as u32)).unwrap();
            assert!(board.line.was_deaf(), "the answer has no {byte} bytes");
            linked.finish().unwrap();
            once("an exposure", byte);
        }
        for byte in 0..8 {
            board.line.deaf_after(byte);
            let proposed = linked.propose(true).unwrap();
            assert!(board.line.was_deaf(), "the answer has no {byte} bytes");
            linked.finish().unwrap();
            once("a proposal that is exposed", byte);
            linked.measure(proposed.candidate, 0.3).unwrap();
        }
    });
}

/// Runs a session with the board to its end, however that comes.
fn run(
    board: &Board,
    config: &LiveConfig,
    mut session: Session<'_>,
    at_piece: impl FnMut(&HandOver) + 'static,
) -> Outcome {
    let capacity = capacity(config);
    let mut at_piece = at_piece;
    session.set_watch(Box::new(move |handover: &HandOver| {
        at_piece(handover);
        ControlFlow::Continue(())
    }));
    board.linked(capacity, |linked| {
        let outcome = session.run(None, linked, &mut ());
        outcome.expect("it ends in order")
    })
}

fn capacity(config: &LiveConfig) -> Capacity {
    let candidates = config.campaign.candidates(64, 64).expect("candidates");
    Capacity::for_candidates(candidates, config.budget)
}

pub(crate) fn microscope(config: &LiveConfig) -> SpecimenMicroscope {
    let specimen = SpecimenKind::Nanoparticles.config(1).make().unwrap();
    let beam = config.instrument.beam.clone();
    SpecimenMicroscope::new(specimen, beam, config.current, Some(config.dwell())).unwrap()
}

fn undisturbed(config: &LiveConfig, folder: &Path) -> Outcome {
    let ran = begin(&mut microscope(config), config.clone(), folder);
    ran.expect("a campaign").outcome
}

#[test]
fn a_campaign_that_is_interrupted_while_its_image_is_handed_over_slowly_goes_on_there() {
    broken_off(&Ended::Interrupted, |_, interrupted| {
        interrupted.store(true, Ordering::SeqCst);
    });
}

#[test]
fn so_does_one_that_a_person_stops_meanwhile() {
    broken_off(&Ended::Stopped, |folder, _| {
        tell(folder, &["stop".to_owned()], "Ada").expect("a campaign that listens");
    });
}

/// Runs a campaign whose image is handed over slowly, and breaks it off after three pieces of it; takes it
/// up, and expects what an undisturbed one does.
fn broken_off(expected_end: &Ended, break_off: fn(&Path, &AtomicBool)) {
    let config = settings(
        "--microscope specimen --budget 14 --initial 10 --dwell 0.002 --current 2000 \
         --retrain-every 2",
    );
    let folder = TempDir::new().unwrap();
    let expected = undisturbed(&config, &folder.path().join("undisturbed"));
    let folder = RunFolder::begin(&folder.path().join("run")).unwrap();
    let board = Board::start(capacity(&config));

    // 16 chunks of an image, each of them as slow as on a line of 40 kBd.
    board.line.pace_ms.store(250, Ordering::SeqCst);
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut instrument = microscope(&config);
    let session = Session::begin(
        &mut instrument,
        config.clone(),
        None,
        &folder,
        Arc::clone(&interrupted),
    );
    let (pieces, pace) = (Rc::new(Cell::new(0)), Arc::clone(&board.line.pace_ms));
    let path = folder.path().to_owned();
    let counted = Rc::clone(&pieces);
    let outcome = run(&board, &config, session.unwrap(), move |handover| {
        if handover.what == IMAGE {
            counted.set(counted.get() + 1);
            if counted.get() == 4 {
                assert!(handover.is_long() && handover.to_string().ends_with(" s left"));
                break_off(&path, &interrupted);
                pace.store(0, Ordering::SeqCst);
            }
        }
    });
    assert_eq!(&outcome.ended, expected_end);
    assert!(outcome.seeds.is_empty());
    // Not asked again: what broke it off comes first.
    assert_eq!(pieces.get(), 4);

    let taken_up = TakenUp::read(&folder).unwrap();
    let mut instrument = microscope(&config);
    let session = Session::resume(&mut instrument, taken_up, &folder, Arc::default());
    let pieces = Rc::new(Cell::new(0));
    let counted = Rc::clone(&pieces);
    let outcome = run(&board, &config, session.unwrap(), move |handover| {
        counted.set(counted.get() + u32::from(handover.what == IMAGE));
    });
    assert_eq!(outcome.ended, Ended::Budget);
    assert_eq!(pieces.get(), 16 - 4);
    assert_eq!(trajectory(&outcome), trajectory(&expected));
}
