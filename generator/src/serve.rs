//! A generator at the end of a connection, in real time.
//!
//! Its clock follows the wall's, with one exception. The other end is an emulator, whose bytes
//! come late when the machine is busy, where a controller's would have come in time. So the clock
//! waits while the beam is on and nothing that has come would ever end that: up to [`SILENCE`],
//! after which nothing is on its way any more.
//!
//! A controller sends the next pixel when it has the answer to one before, so every answer leaves when it
//! is due: an answer that waited for the next look would make a long dwell many times as long.

use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::CLOCK_HZ;
use crate::detector::Detector;
use crate::front::Front;
use crate::generator::{Generator, Reader};
use crate::record::{Record, Stay};

/// How long the clock waits for bytes that would blank the beam.
const SILENCE: Duration = Duration::from_millis(250);
/// How often the clock is looked at where nothing comes and no answer is due.
const LOOK: Duration = Duration::from_millis(1);

/// Generator, record and what is wrong with the line.
#[derive(Debug)]
struct State {
    generator: Generator,
    record: Record,
    powered: bool,
    deaf: bool,
    mute: bool,
    /// Bytes said of another protocol so far, where that is what it speaks.
    babbled: Option<usize>,
}

/// A generator that waits for one connection, and serves it in a thread of its own until the
/// other end closes it.
#[derive(Clone, Debug)]
pub struct Attached {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Attached {
    /// Listens on a port of this machine's own network that is free.
    ///
    /// # Errors
    /// When no port can be had.
    pub fn listen() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let attached = Self {
            address: listener.local_addr()?,
            state: Arc::new(Mutex::new(State {
                generator: Generator::new(Front::Uart, Reader::Uart),
                record: Record::default(),
                powered: true,
                deaf: false,
                mute: false,
                babbled: None,
            })),
        };
        let state = Arc::clone(&attached.state);
        thread::spawn(move || {
            // A connection that breaks ends the generator, as does one that is closed.
            let _ = listener
                .accept()
                .and_then(|(stream, _)| serve(stream, &state));
        });
        Ok(attached)
    }

    /// Where to connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the pins exposed so far.
    pub fn stays(&self) -> Vec<Stay> {
        let state = locked(&self.state);
        state.record.stays(state.generator.now())
    }

    /// Where the converters hold the beam, on or off, as codes (x, y).
    pub fn position(&self) -> (u16, u16) {
        let pins = locked(&self.state).generator.pins();
        (pins.x, pins.y)
    }

    /// Whether the beam is on.
    pub fn beam_on(&self) -> bool {
        locked(&self.state).record.beam_on()
    }

    /// How often the beam moved while it was on.
    pub fn moved(&self) -> usize {
        locked(&self.state).record.moved()
    }

    /// Cuts the line to the generator, or mends it.
    pub fn set_deaf(&self, deaf: bool) {
        locked(&self.state).deaf = deaf;
    }

    /// Cuts the line from the generator, or mends it.
    pub fn set_mute(&self, mute: bool) {
        locked(&self.state).mute = mute;
    }

    /// Has the generator answer as one of another protocol does, or as itself: as many bytes, and a
    /// cookie that nobody asked for.
    pub fn set_strange(&self, strange: bool) {
        locked(&self.state).babbled = strange.then_some(0);
    }

    /// Changes who takes the output.
    pub fn set_reader(&self, reader: Reader) {
        locked(&self.state).generator.set_reader(reader);
    }

    /// Changes what the generator's detector sees.
    pub fn set_detector(&self, detector: Detector) {
        locked(&self.state).generator.set_detector(detector);
    }

    /// Takes the generator's power away, or gives it back. What comes meanwhile is lost: a restart
    /// between two commands, which loses neither, would be noticed by nobody.
    pub fn set_powered(&self, powered: bool) {
        let mut state = locked(&self.state);
        state.powered = powered;
        state.generator.power_cycle();
        let (now, pins) = (state.generator.now(), state.generator.pins());
        state.record.follow(now, pins);
    }
}

/// What is locked is whole whoever panicked.
fn locked(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn serve(mut stream: TcpStream, state: &Mutex<State>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let bytes = listen(stream.try_clone()?);
    let begun = Instant::now();
    let (mut heard, mut wait) = (begun, LOOK);
    loop {
        let mut come = match bytes.recv_timeout(wait) {
            Ok(come) => come,
            Err(RecvTimeoutError::Timeout) => Vec::new(),
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        };
        come.extend(bytes.try_iter().flatten());
        let now = Instant::now();
        let mut replies = Vec::new();
        {
            let mut state = locked(state);
            if !state.deaf && state.powered && !come.is_empty() {
                for byte in come {
                    state.generator.send(byte);
                }
                heard = now;
            }
            let clock = now.duration_since(begun).as_nanos() * u128::from(CLOCK_HZ) / 1_000_000_000;
            state.run(clock as u64, now.duration_since(heard) < SILENCE);
            while let Some((_, byte)) = state.generator.receive() {
                if !state.mute {
                    replies.push(state.say(byte));
                }
            }
            wait = state.quiet(LOOK);
        }
        stream.write_all(&replies)?;
    }
}

/// What comes, as it comes, until the other end closes the connection. A thread waits for it: a socket's own
/// time-out ends with a tick of the system's clock, which is as long as ten pixels.
fn listen(mut stream: TcpStream) -> Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    receiver
}

impl State {
    /// The byte that leaves in place of one of the generator's own.
    fn say(&mut self, byte: u8) -> u8 {
        // The mark of an answer, and a cookie that is far from those of the first minutes.
        const ANSWER: [u8; 4] = [0xff, 0xff, 0x40, 0x00];
        match &mut self.babbled {
            None => byte,
            Some(said) => {
                let byte = ANSWER[*said % ANSWER.len()];
                *said += 1;
                byte
            }
        }
    }

    /// Runs until a cycle; `waits` says that bytes may still be on their way.
    fn run(&mut self, cycle: u64, waits: bool) {
        if waits {
            let mut ahead = self.generator.clone();
            while ahead.run_until(cycle) {}
            if ahead.pins().beam_on() && ahead.is_idle() {
                return;
            }
        }
        while self.generator.run_until(cycle) {
            self.record
                .follow(self.generator.now(), self.generator.pins());
        }
    }

    /// How long it will be until a byte leaves, if none comes: at most so long.
    fn quiet(&self, most: Duration) -> Duration {
        let cycles = most.as_nanos() * u128::from(CLOCK_HZ) / 1_000_000_000;
        let mut ahead = self.generator.clone();
        let now = ahead.now();
        while ahead.run_until(now + cycles as u64) && ahead.receive().is_none() {}
        Duration::from_nanos((ahead.now() - now) * 1_000_000_000 / CLOCK_HZ)
    }
}
