//! Hand-overs over a serial line that somebody breaks off, and that are taken up where they were.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use beacon_host::campaign::{Ended, LiveConfig, Outcome};
use beacon_host::control::tell;
use beacon_host::controller::{
    BeamPort as _, Controller as _, ControllerChoice, ControllerError, HandOver, InProcess, Linked,
    Memory, Port, Recovery, Setup,
};
use beacon_host::journal::RunFolder;
use beacon_host::live::{Session, TakenUp};
use beacon_host::microscope::SpecimenMicroscope;
use beacon_host::specimen::SpecimenKind;
use beacon_kernel::link::message::Phase;
use beacon_kernel::link::transfer::Encoding;
use beacon_kernel::link::{Client, Timing, Transport as _, frame};
use beacon_kernel::{
    Candidate, Candidates, Capacity, Hyperparameters, Model, Network, Standardisation,
};
use beacon_tests::live::{begin, settings, trajectory};
use beacon_tests::{ControllerMemory, Rig};
use serialport::{SerialPort, TTYPort};
use tempfile::TempDir;

/// A controller in memory at the end of a pseudo terminal, slowed down by `pace_ms` for whatever
/// arrives at once.
struct Board {
    name: String,
    pace_ms: Arc<AtomicU64>,
    off: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Board {
    fn start(capacity: Capacity) -> Self {
        let (mut device, line) = TTYPort::pair().expect("a pair of pseudo terminals");
        let name = line.name().expect("a pseudo terminal has a name");
        drop(line);
        device
            .set_timeout(Duration::from_millis(1))
            .expect("a time-out");
        let (pace_ms, off) = (Arc::<AtomicU64>::default(), Arc::<AtomicBool>::default());
        let (pace, ends) = (Arc::clone(&pace_ms), Arc::clone(&off));
        let thread = thread::spawn(move || {
            let mut memory = ControllerMemory::new(capacity);
            let mut rig = Rig::new(memory.controller());
            let started = Instant::now();
            let mut bytes = [0; 4096];
            while !ends.load(Ordering::SeqCst) {
                // Nothing asked, or no host at the other end.
                let asked = device.read(&mut bytes).unwrap_or(0);
                if asked > 0 {
                    thread::sleep(Duration::from_millis(pace.load(Ordering::SeqCst)));
                }
                rig.send(&bytes[..asked]).expect("it is always there");
                let late = (started.elapsed().as_millis() as u64).saturating_sub(rig.now_ms());
                rig.pass(late as u32);
                let answer: Vec<u8> = rig.board.sent.drain(..).collect();
                let _ = device.write_all(&answer);
            }
        });
        Self {
            name,
            pace_ms,
            off,
            thread: Some(thread),
        }
    }

    /// Another process of the host, with a kernel of its own beside the board.
    fn linked<R>(&self, capacity: Capacity, with: impl FnOnce(&mut Linked<'_>) -> R) -> R {
        let port = Port::open(&self.name, ControllerChoice::BAUD).expect("a port");
        // Patient, so that a busy machine is not taken for a lost byte.
        let timing = Timing {
            reply_ms: 10_000,
            longest_ms: 10_000,
            ..Timing::default()
        };
        let mut memory = Memory::new(capacity);
        let mirror = InProcess::new(&mut memory).expect("enough memory");
        let linked = Linked::connect(Client::new(port, timing, 7), Recovery::default(), mirror);
        with(&mut linked.expect("a board"))
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.off.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

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
    let setup = Setup {
        candidates: Candidates::new(SIDE, SIDE, 16).unwrap(),
        pixels: &pixels,
        seed: 5,
        revision: 0,
    };
    let chunks = (4 * SIDE * SIDE).div_ceil(frame::MAX_RAW) as u32;
    assert!(chunks > 900, "{chunks}");

    board.linked(capacity, |linked| {
        let pieces = watch(linked, IMAGE, 300);
        assert_eq!(linked.begin(&setup), Err(ControllerError::BrokenOff));
        assert_eq!(pieces.get(), 301);
        // Hello, Status, Begin and Transfer, then the chunks up to the break and none behind it.
        assert_eq!(frames(linked), 4 + 300);
        linked.blank().unwrap();
        // The campaign is not over: what the board has is kept.
        linked.end().unwrap();
        assert_eq!(frames(linked), 4 + 300 + 1);
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
    let pixels: Vec<f32> = (0..SIDE * SIDE).map(|n| (n as f32 * 0.7).sin()).collect();
    let setup = Setup {
        candidates: Candidates::new(SIDE, SIDE, WINDOW).unwrap(),
        pixels: &pixels,
        seed: 5,
        revision: 0,
    };
    let network = Network::for_window(WINDOW).unwrap();
    let count = network.weight_count();
    let weights: Vec<f32> = (0..count).map(|n| 0.1 * (n as f32 * 0.3).cos()).collect();
    let model = Model {
        network,
        weights: &weights,
        hyperparameters: Hyperparameters {
            lengthscale: [0.5, 0.5],
            outputscale: 1.0,
            noise: 0.02,
            mean: 0.0,
        },
        standardisation: Standardisation::IDENTITY,
    };
    let bytes = Encoding::of_weights(network.architecture()).size() as usize * count;
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

fn microscope(config: &LiveConfig) -> SpecimenMicroscope {
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
    board.pace_ms.store(250, Ordering::SeqCst);
    let interrupted = Arc::new(AtomicBool::new(false));
    let mut instrument = microscope(&config);
    let session = Session::begin(
        &mut instrument,
        config.clone(),
        None,
        &folder,
        Arc::clone(&interrupted),
    );
    let (pieces, pace) = (Rc::new(Cell::new(0)), Arc::clone(&board.pace_ms));
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
