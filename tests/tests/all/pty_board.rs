//! A controller in memory at the end of a pseudo terminal, and what befalls it and its line.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use beacon_host::controller::{ControllerChoice, InProcess, Linked, Memory, Port, Recovery};
use beacon_kernel::Capacity;
use beacon_kernel::link::frame::{Decoder, FrameKind, Header, MAX_BODY, MAX_FRAME, encode};
use beacon_kernel::link::message::{Identity, Reading, Refusal, Reply, Request};
use beacon_kernel::link::{Client, Exposure, PROTOCOL_CURRENT, Timing, Transport as _};
use beacon_tests::{ControllerMemory, Rig};
use serde::Serialize;
use serialport::{SerialPort, TTYPort};

/// Exposures of a [`Board`] whose detector is not ready, where it is asked.
pub(crate) const UNREADY: [usize; 2] = [3, 14];

/// What befalls the bytes of a [`Board`], and what it has done.
#[derive(Clone, Default)]
pub(crate) struct Line {
    /// So many of the next answers do not arrive.
    pub(crate) lost: Arc<AtomicUsize>,
    /// So many arrive with a bit changed in their middle.
    pub(crate) damaged: Arc<AtomicUsize>,
    /// How long the board takes for whatever arrives at once.
    pub(crate) pace_ms: Arc<AtomicU64>,
    /// Exposures since the last reset, an overview's pixels among them.
    pub(crate) exposed: Arc<AtomicUsize>,
    cut: Arc<Mutex<Cut>>,
}

/// A line that is lost for a while.
#[derive(Default)]
struct Cut {
    /// Bytes of answers before that, where it is to be lost.
    after: Option<usize>,
    since: Option<Instant>,
}

impl Cut {
    /// Longer than a [`quick`] host asks again.
    const LASTS: Duration = Duration::from_millis(40);

    fn pass(&mut self, answer: &mut Vec<u8>) {
        if self
            .since
            .is_some_and(|since| since.elapsed() < Self::LASTS)
        {
            answer.clear();
        }
        if let Some(left) = self.after {
            if left < answer.len() {
                answer.truncate(left);
                self.after = None;
                self.since = Some(Instant::now());
            } else {
                self.after = Some(left - answer.len());
            }
        }
    }
}

impl Line {
    /// Loses the line after so many bytes of answers from here on, for a while.
    pub(crate) fn deaf_after(&self, bytes: usize) {
        self.cut.lock().expect("nobody panicked").after = Some(bytes);
    }

    /// Whether the line was lost; if not, it no longer is to be.
    pub(crate) fn was_deaf(&self) -> bool {
        let mut cut = self.cut.lock().expect("nobody panicked");
        cut.after.take().is_none()
    }

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
        self.cut.lock().expect("nobody panicked").pass(&mut answer);
        answer
    }
}

/// A host that soon gives an answer up, though not as soon as a busy machine lets a board wait.
pub(crate) fn quick() -> Timing {
    Timing {
        reply_ms: 10,
        longest_ms: 80,
        attempts: 4,
        ..Timing::default()
    }
}

/// A host that does not take a busy machine for a lost byte.
pub(crate) fn patient() -> Timing {
    Timing {
        reply_ms: 10_000,
        longest_ms: 10_000,
        ..Timing::default()
    }
}

/// What a [`Board`] is.
#[derive(Clone, Copy)]
struct Kind {
    /// The newest protocol version that it speaks.
    version: u8,
    /// Whether it knows [`Request::Vectors`].
    vectors: bool,
    detector: Option<fn(Exposure) -> Reading>,
}

impl Default for Kind {
    fn default() -> Self {
        Self {
            version: PROTOCOL_CURRENT,
            vectors: true,
            detector: None,
        }
    }
}

impl Kind {
    /// What it says in place of a controller of the current version: another identity.
    fn says(self, said: Vec<u8>) -> Vec<u8> {
        let mut decoder = Decoder::new([0; MAX_BODY]);
        if said.is_empty() || !decoder.push_all(&said).1 {
            return said;
        }
        let frame = decoder.frame().expect("controllers send intact frames");
        if frame.header.kind != FrameKind::Identity {
            return said;
        }
        let identity: Identity = frame.message().expect("an identity").0;
        let own = Identity {
            protocol_current: self.version,
            ..identity
        };
        framed(frame.header, &own)
    }

    /// What it says to a request that it does not know, and does not count.
    fn misunderstands(self, asked: &[u8]) -> Option<Vec<u8>> {
        let mut decoder = Decoder::new([0; MAX_BODY]);
        if self.vectors || asked.is_empty() || !decoder.push_all(asked).1 {
            return None;
        }
        let frame = decoder.frame()?;
        let request = frame.header.kind == FrameKind::Request;
        let request: Request = frame.message().ok().filter(|_| request)?.0;
        let kind = FrameKind::Reply;
        let header = Header {
            kind,
            ..frame.header
        };
        let reply = Reply::Refused(Refusal::Undecodable);
        (request == Request::Vectors).then(|| framed(header, &reply))
    }
}

fn framed(header: Header, message: &impl Serialize) -> Vec<u8> {
    let mut bytes = vec![0; MAX_FRAME];
    let length = encode(header, message, &[], &mut bytes).expect("there is room");
    bytes.truncate(length);
    bytes
}

/// A controller in memory behind a pseudo terminal.
pub(crate) struct Board {
    name: String,
    pub(crate) line: Line,
    reset: Arc<AtomicBool>,
    off: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Board {
    pub(crate) fn start(capacity: Capacity) -> Self {
        Self::with(capacity, Kind::default())
    }

    /// One that says that it speaks no newer protocol version.
    pub(crate) fn of(version: u8, capacity: Capacity) -> Self {
        let kind = Kind {
            version,
            ..Kind::default()
        };
        Self::with(capacity, kind)
    }

    /// One built before boards could be asked how many responses they have room for.
    pub(crate) fn without_vectors(capacity: Capacity) -> Self {
        let kind = Kind {
            vectors: false,
            ..Kind::default()
        };
        Self::with(capacity, kind)
    }

    /// One whose detector sees nothing but where the beam is.
    pub(crate) fn with_detector(capacity: Capacity, detector: fn(Exposure) -> Reading) -> Self {
        let kind = Kind {
            detector: Some(detector),
            ..Kind::default()
        };
        Self::with(capacity, kind)
    }

    fn with(capacity: Capacity, kind: Kind) -> Self {
        let (mut device, line) = TTYPort::pair().expect("a pair of pseudo terminals");
        let name = line.name().expect("a pseudo terminal has a name");
        // Its other end stays with the kernel for as long as the device has its own.
        drop(line);
        device
            .set_timeout(Duration::from_millis(1))
            .expect("a time-out");
        let (reset, off) = (Arc::<AtomicBool>::default(), Arc::<AtomicBool>::default());
        let line = Line::default();
        let told = (Arc::clone(&reset), Arc::clone(&off), line.clone());
        let thread = thread::spawn(move || {
            let (reset, off, line) = told;
            let mut memory = ControllerMemory::new(capacity);
            let mut bytes = [0; 4096];
            while !off.load(Ordering::SeqCst) {
                let mut rig = Rig::new(memory.controller());
                rig.board.unready = &UNREADY;
                rig.board.detector = kind.detector;
                let started = Instant::now();
                reset.store(false, Ordering::SeqCst);
                while !off.load(Ordering::SeqCst) && !reset.load(Ordering::SeqCst) {
                    // Nothing asked, or no host at the other end.
                    let asked = device.read(&mut bytes).unwrap_or(0);
                    if asked > 0 {
                        let pace = line.pace_ms.load(Ordering::SeqCst);
                        thread::sleep(Duration::from_millis(pace));
                    }
                    if let Some(answer) = kind.misunderstands(&bytes[..asked]) {
                        let _ = device.write_all(&answer);
                        continue;
                    }
                    rig.send(&bytes[..asked]).expect("it is always there");
                    let passed = started.elapsed().as_millis() as u64;
                    let late = passed.saturating_sub(rig.now_ms());
                    rig.pass(late as u32);
                    let answer: Vec<u8> = rig.board.sent.drain(..).collect();
                    line.exposed
                        .store(rig.exposures().count(), Ordering::SeqCst);
                    let _ = device.write_all(&line.carry(kind.says(answer)));
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
            thread::sleep(Duration::from_micros(100));
        }
    }

    pub(crate) fn client(&self, host: u32) -> Client<Port> {
        self.client_with(host, Timing::default())
    }

    fn client_with(&self, host: u32, timing: Timing) -> Client<Port> {
        let port = Port::open(&self.name, ControllerChoice::BAUD).expect("a port");
        Client::new(port, timing, host)
    }

    /// Another process of one host, with a kernel of its own beside the board.
    pub(crate) fn linked<R>(
        &self,
        capacity: Capacity,
        with: impl FnOnce(&mut Linked<'_>) -> R,
    ) -> R {
        self.linked_with(capacity, patient(), with)
    }

    pub(crate) fn linked_with<R>(
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
            let mut memory = Memory::new(capacity);
            let mirror = InProcess::new(&mut memory).expect("enough memory");
            match Linked::connect(self.client_with(7, timing), recovery, mirror) {
                Ok(mut linked) => return with(&mut linked),
                Err(error) => assert!(begun.elapsed().as_secs() < 60, "{error}"),
            }
        }
    }

    /// Everything that the board measured of a response, with the bits of its value.
    pub(crate) fn measurements(&self, response: u8) -> Vec<(u32, u32)> {
        let mut client = self.client(99);
        client.connect().expect("hello");
        let mut listed = Vec::new();
        client
            .measurements_of(response, 0, |m| {
                listed.push((m.candidate, m.value.to_bits()));
            })
            .expect("what it measured");
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
