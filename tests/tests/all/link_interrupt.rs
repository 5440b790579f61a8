//! Hand-overs over a serial line that somebody breaks off, and that are taken up where they were; boards
//! that are reset, and answers that are lost.

use std::cell::Cell;
use std::io::{Read as _, Write as _};
use std::ops::ControlFlow;
use std::path::Path;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use beacon_host::campaign::{Ended, LiveConfig, Outcome};
use beacon_host::controller::{
    BeamPort as _, Controller as _, ControllerChoice, ControllerError, HandOver, InProcess, Linked,
    Memory, Port, Recovery, Setup,
};
use beacon_host::internal::control::tell;
use beacon_host::internal::journal::RunFolder;
use beacon_host::internal::specimen::SpecimenKind;
use beacon_host::microscope::SpecimenMicroscope;
use beacon_host::{Session, TakenUp};
use beacon_kernel::link::message::Phase;
use beacon_kernel::link::transfer::Encoding;
use beacon_kernel::link::{Client, Timing, Transport as _, frame};
use beacon_kernel::{
    Acquisition, Candidate, Candidates, Capacity, Hyperparameters, Model, Network, Standardisation,
    Strategy,
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
    reset: Arc<AtomicBool>,
    line: Arc<Mutex<Line>>,
    /// Exposures since the last reset.
    exposures: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

/// What of the board's answers comes through.
#[derive(Default)]
struct Line {
    /// Bytes before the line is lost, where it is to be.
    deaf_after: Option<usize>,
    lost: Option<Instant>,
}

impl Line {
    /// Longer than a [`quick`] host asks again.
    const LOST: Duration = Duration::from_millis(40);

    fn pass(&mut self, answer: &mut Vec<u8>) {
        if self.lost.is_some_and(|since| since.elapsed() < Self::LOST) {
            answer.clear();
        }
        if let Some(left) = self.deaf_after {
            if left < answer.len() {
                answer.truncate(left);
                self.deaf_after = None;
                self.lost = Some(Instant::now());
            } else {
                self.deaf_after = Some(left - answer.len());
            }
        }
    }
}

/// A host that soon gives an answer up, though not as soon as a busy machine lets a board wait.
fn quick() -> Timing {
    Timing {
        reply_ms: 10,
        longest_ms: 80,
        attempts: 4,
        ..Timing::default()
    }
}

/// A host that does not take a busy machine for a lost byte.
fn patient() -> Timing {
    Timing {
        reply_ms: 10_000,
        longest_ms: 10_000,
        ..Timing::default()
    }
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
        let (reset, line) = (Arc::<AtomicBool>::default(), Arc::<Mutex<Line>>::default());
        let exposures = Arc::<AtomicUsize>::default();
        let (pace, ends) = (Arc::clone(&pace_ms), Arc::clone(&off));
        let (resets, answers) = (Arc::clone(&reset), Arc::clone(&line));
        let exposed = Arc::clone(&exposures);
        let thread = thread::spawn(move || {
            let mut memory = ControllerMemory::new(capacity);
            let mut bytes = [0; 4096];
            while !ends.load(Ordering::SeqCst) {
                let mut rig = Rig::new(memory.controller());
                let started = Instant::now();
                resets.store(false, Ordering::SeqCst);
                while !ends.load(Ordering::SeqCst) && !resets.load(Ordering::SeqCst) {
                    // Nothing asked, or no host at the other end.
                    let asked = device.read(&mut bytes).unwrap_or(0);
                    if asked > 0 {
                        thread::sleep(Duration::from_millis(pace.load(Ordering::SeqCst)));
                    }
                    rig.send(&bytes[..asked]).expect("it is always there");
                    let late = (started.elapsed().as_millis() as u64).saturating_sub(rig.now_ms());
                    rig.pass(late as u32);
                    exposed.store(rig.exposures().count(), Ordering::SeqCst);
                    let mut answer: Vec<u8> = rig.board.sent.drain(..).collect();
                    answers.lock().expect("nobody panicked").pass(&mut answer);
                    let _ = device.write_all(&answer);
                }
            }
        });
        Self {
            name,
            pace_ms,
            off,
            reset,
            line,
            exposures,
            thread: Some(thread),
        }
    }

    /// Presses the button, and waits until the board has begun anew.
    fn reset(&self) {
        self.reset.store(true, Ordering::SeqCst);
        while self.reset.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_micros(100));
        }
    }

    /// Loses the line after so many bytes of answers from here on, for a while.
    fn deaf_after(&self, bytes: usize) {
        self.line.lock().expect("nobody panicked").deaf_after = Some(bytes);
    }

    /// Whether the line was lost; if not, it no longer is to be.
    fn was_deaf(&self) -> bool {
        let line = &mut self.line.lock().expect("nobody panicked");
        line.deaf_after.take().is_none()
    }

    /// Another process of the host, with a kernel of its own beside the board.
    fn linked<R>(&self, capacity: Capacity, with: impl FnOnce(&mut Linked<'_>) -> R) -> R {
        self.linked_with(capacity, patient(), with)
    }

    fn linked_with<R>(
        &self,
        capacity: Capacity,
        timing: Timing,
        with: impl FnOnce(&mut Linked<'_>) -> R,
    ) -> R {
        let recovery = Recovery {
            pause: Duration::from_millis(5),
            ..Recovery::default()
        };
        let begun = Instant::now();
        // Only a link that was there is sought again: a busy machine may miss a quick host's first word.
        loop {
            let port = Port::open(&self.name, ControllerChoice::BAUD).expect("a port");
            let mut memory = Memory::new(capacity);
            let mirror = InProcess::new(&mut memory).expect("enough memory");
            match Linked::connect(Client::new(port, timing, 7), recovery, mirror) {
                Ok(mut linked) => return with(&mut linked),
                Err(error) => assert!(begun.elapsed().as_secs() < 60, "{error}"),
            }
        }
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
        let measured = (status.measured, linked.measurements_of_board().unwrap());
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
                board.deaf_after(byte);
                board.reset();
                linked.status().unwrap();
                if !board.was_deaf() {
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
            let exposures = board.exposures.load(Ordering::SeqCst);
            assert_eq!(exposures, made, "{what}, its answer cut at byte {byte}");
        };
        for byte in 0..8 {
            board.deaf_after(byte);
            linked.expose(Candidate(byte as u32)).unwrap();
            assert!(board.was_deaf(), "the answer has no {byte} bytes");
            linked.finish().unwrap();
            once("an exposure", byte);
        }
        for byte in 0..8 {
            board.deaf_after(byte);
            let proposed = linked.propose(true).unwrap();
            assert!(board.was_deaf(), "the answer has no {byte} bytes");
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
