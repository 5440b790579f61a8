//! Spectra handed to a board that is reset, and to one that another host left behind.

use std::io::{Read as _, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use beacon_host::controller::{
    Controller as _, ControllerChoice, ControllerError, InProcess, Linked, Memory, Port, Recovery,
    Setup,
};
use beacon_kernel::link::frame::{Decoder, FrameKind, MAX_BODY, MAX_FRAME, encode};
use beacon_kernel::link::message::{Identity, Reading};
use beacon_kernel::link::scalarizer::{Scalarizer, Window, relative};
use beacon_kernel::link::{Client, Exposure, PROTOCOL_CURRENT, Timing, Transport as _};
use beacon_kernel::{Candidate, Candidates, Capacity};
use beacon_tests::{ControllerMemory, Rig};
use serialport::{SerialPort, TTYPort};

const SIDE: usize = 16;
const WINDOW: usize = 8;
const POINTS: u32 = 20;

fn capacity() -> Capacity {
    Capacity::for_campaign(SIDE, SIDE, WINDOW, POINTS as usize)
}

/// Exposures of a [`Board`] whose detector is not ready, where it is asked.
pub(crate) const UNREADY: [usize; 2] = [3, 14];

/// What befalls the next answers of a [`Board`], and what it has done.
#[derive(Clone, Default)]
pub(crate) struct Line {
    /// So many do not arrive.
    pub(crate) lost: Arc<AtomicUsize>,
    /// So many arrive with a bit changed in their middle.
    pub(crate) damaged: Arc<AtomicUsize>,
    /// Exposures since the last reset, an overview's pixels among them.
    pub(crate) exposed: Arc<AtomicUsize>,
}

impl Line {
    fn carry(&self, mut answer: Vec<u8>) -> Vec<u8> {
        let happens = |left: &AtomicUsize| {
            let one_less = |left: usize| left.checked_sub(1);
            left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less)
                .is_ok()
        };
        if answer.is_empty() {
            return answer;
        }
        if happens(&self.lost) {
            return Vec::new();
        }
        if happens(&self.damaged) {
            let middle = answer.len() / 2;
            answer[middle] ^= 0x10;
        }
        answer
    }
}

/// A controller in memory behind a pseudo terminal.
pub(crate) struct Board {
    name: String,
    pub(crate) line: Line,
    pub(crate) reset: Arc<AtomicBool>,
    off: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Board {
    fn start() -> Self {
        Self::of(PROTOCOL_CURRENT, capacity())
    }

    /// One that says that it speaks no newer protocol version.
    pub(crate) fn of(version: u8, capacity: Capacity) -> Self {
        Self::with(version, capacity, None)
    }

    /// One whose detector sees nothing but where the beam is.
    pub(crate) fn with_detector(detector: fn(Exposure) -> Reading) -> Self {
        Self::with(PROTOCOL_CURRENT, capacity(), Some(detector))
    }

    fn with(version: u8, capacity: Capacity, detector: Option<fn(Exposure) -> Reading>) -> Self {
        let (mut device, line) = TTYPort::pair().expect("a pair of pseudo terminals");
        let name = line.name().expect("a pseudo terminal has a name");
        // Its other end stays with the kernel for as long as the device has its own.
        drop(line);
        device
            .set_timeout(Duration::from_millis(1))
            .expect("a time-out");
        let (reset, off) = (
            Arc::new(AtomicBool::new(false)),
            Arc::new(AtomicBool::new(false)),
        );
        let line = Line::default();
        let told = (Arc::clone(&reset), Arc::clone(&off), line.clone());
        let thread = thread::spawn(move || {
            let (reset, off, line) = told;
            let mut memory = ControllerMemory::new(capacity);
            while !off.load(Ordering::SeqCst) {
                let mut rig = Rig::new(memory.controller());
                rig.board.unready = &UNREADY;
                rig.board.detector = detector;
                let started = Instant::now();
                let mut bytes = [0; 512];
                while !off.load(Ordering::SeqCst) && !reset.swap(false, Ordering::SeqCst) {
                    // Nothing asked, or no host at the other end.
                    let asked = device.read(&mut bytes).unwrap_or(0);
                    rig.send(&bytes[..asked]).expect("it is always there");
                    let passed = started.elapsed().as_millis() as u64;
                    let late = passed.saturating_sub(rig.now_ms());
                    rig.pass(late as u32);
                    let answer: Vec<u8> = rig.board.sent.drain(..).collect();
                    line.exposed
                        .store(rig.exposures().count(), Ordering::SeqCst);
                    let _ = device.write_all(&line.carry(of_version(version, answer)));
                }
            }
        });
        Self {
            name,
            line,
            reset,
            off,
            thread: Some(thread),
        }
    }

    /// Presses the button, and waits until the board has begun anew.
    pub(crate) fn restart(&self) {
        self.reset.store(true, Ordering::SeqCst);
        let since = Instant::now();
        while self.reset.load(Ordering::SeqCst) {
            assert!(since.elapsed().as_secs() < 60, "the board is not reset");
            thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn client(&self, host: u32) -> Client<Port> {
        let port = Port::open(&self.name, ControllerChoice::BAUD).expect("a port");
        Client::new(port, Timing::default(), host)
    }

    /// Everything that the board measured, with the bits of its value.
    fn measurements(&self) -> Vec<(u32, u32)> {
        let mut client = self.client(99);
        client.connect().unwrap();
        let mut listed = Vec::new();
        client
            .measurements(0, |m| listed.push((m.candidate, m.value.to_bits())))
            .unwrap();
        listed
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

/// What a controller says whose newest protocol version is this one: another identity.
fn of_version(version: u8, said: Vec<u8>) -> Vec<u8> {
    let mut decoder = Decoder::new([0; MAX_BODY]);
    if said.is_empty() || !decoder.push_all(&said).1 {
        return said;
    }
    let frame = decoder.frame().expect("controllers send intact frames");
    if frame.header.kind != FrameKind::Identity {
        return said;
    }
    let identity: Identity = frame.message().expect("an identity").0;
    let older = Identity {
        protocol_current: version,
        ..identity
    };
    let mut bytes = vec![0; MAX_FRAME];
    let length = encode(frame.header, &older, &[], &mut bytes).expect("there is room");
    bytes.truncate(length);
    bytes
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
    let board = Board::start();
    let reset = |candidate| {
        if candidate % 5 == 3 {
            board.restart();
        }
    };
    let (losses, resumed) = host(&board, 1, 12, reset).unwrap();
    assert_eq!((losses, resumed), (2, 0));
    assert_eq!(board.measurements(), expected(0..12));
}

#[test]
fn a_new_host_catches_up_with_spectra_and_then_hands_over_more() {
    let board = Board::start();
    assert_eq!(host(&board, 1, 7, |_| ()), Ok((0, 0)));
    // The first host is gone without a farewell; the second knows the same spectra.
    assert_eq!(host(&board, 2, 11, |_| ()), Ok((0, 7)));
    assert_eq!(board.measurements(), expected(0..11));
}
