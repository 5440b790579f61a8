//! The image on the emulated board, driven by the client that the host uses.
//!
//! `firmware/test` builds the images and says where they are; without it nothing is run.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use beacon_firmware::obi::{Track, Visit};
use beacon_kernel::link::message::{
    Activation, Beam, BlankReason, Campaign, Measurement, ModelHeader, Next, Settings,
};
use beacon_kernel::link::transfer::{Encoding, Kind, Payload, Sender};
use beacon_kernel::link::{Client, Timing, Transport};
use beacon_kernel::{
    Acquisition, Architecture, Candidate, Capacity, Explorer, Hyperparameters, Model, Network,
    Proposal, Standardisation, Storage, Strategy,
};

const SIDE: usize = 64;
const WINDOW: usize = 16;
const SEED: u64 = 11;

/// QEMU with an image; both ends of its serial ports.
struct Emulator {
    process: Child,
    beam: PathBuf,
    socket: PathBuf,
}

impl Emulator {
    fn start(image: &str, name: &str) -> Self {
        let base = env::temp_dir().join(format!("beacon-{}-{name}", process::id()));
        let (beam, socket) = (base.with_extension("beam"), base.with_extension("link"));
        let link = format!("unix:{},server=on,wait=on", socket.display());
        let process = Command::new("qemu-system-arm")
            .args(["-M", board(image)])
            .args(["-display", "none", "-monitor", "none"])
            .args(["-kernel", image, "-serial", &link, "-serial"])
            .arg(format!("file:{}", beam.display()))
            .stderr(Stdio::null())
            .spawn()
            .expect("qemu-system-arm: apt-get install qemu-system-arm");
        Self {
            process,
            beam,
            socket,
        }
    }

    fn connect(&self, host: u32) -> Client<Line> {
        let deadline = Instant::now() + Duration::from_secs(20);
        let stream = loop {
            match UnixStream::connect(&self.socket) {
                Ok(stream) => break stream,
                Err(error) if Instant::now() > deadline => panic!("no emulator: {error}"),
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        };
        let line = Line {
            stream,
            start: Instant::now(),
        };
        // Patient, so that a busy machine is not taken for a lost byte.
        let timing = Timing {
            reply_ms: 5_000,
            longest_ms: 10_000,
            ..Timing::default()
        };
        Client::new(line, timing, host)
    }

    /// Everything that went to the scan generator so far.
    fn beam(&self) -> Vec<u8> {
        // What the board sent a moment ago may still be on its way to the file.
        thread::sleep(Duration::from_millis(200));
        fs::read(&self.beam).expect("beam file")
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; the files may never have been there.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.beam);
        let _ = fs::remove_file(&self.socket);
    }
}

struct Line {
    stream: UnixStream,
    start: Instant,
}

impl Transport for Line {
    type Error = io::Error;

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> io::Result<usize> {
        let timeout = Duration::from_millis(u64::from(timeout_ms.max(1)));
        self.stream.set_read_timeout(Some(timeout))?;
        match self.stream.read(buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(0)
            }
            other => other,
        }
    }

    fn now_ms(&mut self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// The board that an image is for, as QEMU calls it.
fn board(image: &str) -> &'static str {
    let boards = ["mps2-an500", "mps2-an505"];
    let found = boards.into_iter().find(|board| image.contains(board));
    found.unwrap_or_else(|| panic!("`{image}` names no board; expected one of {boards:?}"))
}

/// Where an image is, or nothing when the tests were not started by `firmware/test`.
fn image(variable: &str) -> Option<String> {
    let found = env::var(variable).ok();
    if found.is_none() {
        println!("{variable} is not set: run firmware/test");
    }
    found
}

/// A campaign's input, the same at both ends.
struct Bench {
    image: Vec<f32>,
    network: Network,
    weights: Vec<f32>,
}

impl Bench {
    const HYPERPARAMETERS: Hyperparameters = Hyperparameters {
        lengthscale: [0.15, 0.1],
        outputscale: 1.0,
        noise: 0.02,
        mean: 0.1,
    };
    const STANDARDISATION: Standardisation = Standardisation {
        mean: 2.0,
        scale: 3.0,
    };

    fn new() -> Self {
        Self::with(Architecture::Valid, WINDOW)
    }

    fn with(architecture: Architecture, window: usize) -> Self {
        let mut state = 4_u32;
        let mut uniform = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as f32 / 16_777_216.0
        };
        let image = (0..SIDE * SIDE)
            .map(|i| {
                let (y, x) = ((i / SIDE) as f32, (i % SIDE) as f32);
                (0.2 * y).sin() * (0.13 * x).cos() + 0.1 * uniform()
            })
            .collect();
        let network = Network::new(architecture, window).expect("a network");
        let weights = (0..network.weight_count())
            .map(|_| 0.3 * (uniform() - 0.5))
            .collect();
        Self {
            image,
            network,
            weights,
        }
    }

    fn response(candidate: u32) -> f32 {
        2.0 + 3.0 * (0.01 * candidate as f32).sin()
    }

    fn model(&self) -> Model<'_> {
        Model {
            network: self.network,
            weights: &self.weights,
            hyperparameters: Self::HYPERPARAMETERS,
            standardisation: Self::STANDARDISATION,
        }
    }

    fn campaign(&self) -> Campaign {
        Campaign {
            id: 7,
            seed: SEED,
            height: SIDE as u16,
            width: SIDE as u16,
            window: self.network.window() as u16,
        }
    }

    fn begin<T: Transport>(&self, client: &mut Client<T>)
    where
        T::Error: std::fmt::Debug,
    {
        let shape = Payload::Image {
            height: SIDE as u16,
            width: SIDE as u16,
        };
        let image = Sender::new(shape, Encoding::F32, &self.image).expect("an image");
        client.begin(self.campaign(), &image).expect("begin");
        let shape = Payload::Weights {
            architecture: self.network.architecture().into(),
            window: self.network.window() as u16,
        };
        let weights = Sender::new(shape, Encoding::F32, &self.weights).expect("weights");
        let header = ModelHeader {
            version: 1,
            hyperparameters: Self::HYPERPARAMETERS.into(),
            standardisation: Self::STANDARDISATION.into(),
        };
        client
            .deliver(&weights, Activation::Model(header))
            .expect("a model");
    }
}

/// Codes of a pixel's centre in 14 bits, computed from the picture and not from the kernel.
fn code(index: u16) -> u16 {
    ((f64::from(index) + 0.5) / SIDE as f64 * 16384.0) as u16
}

#[test]
fn a_campaign_on_the_emulated_board_equals_the_one_on_the_host_bit_for_bit() {
    const STEPS: usize = 12;
    let Some(path) = image("BEACON_FIRMWARE") else {
        return;
    };
    let bench = Bench::new();
    let emulator = Emulator::start(&path, "campaign");
    let mut client = emulator.connect(1);
    let identity = client.connect().expect("hello");
    assert_eq!(identity.board, board(&path));
    assert_eq!(identity.last_panic, 0);

    let capacity = Capacity::for_campaign(SIDE, SIDE, WINDOW, 64);
    let (mut floats, mut words) = (vec![0.0; capacity.floats()], vec![0; capacity.words()]);
    let storage = Storage::new(capacity, &mut floats, &mut words).expect("memory");
    bench.begin(&mut client);
    // Both strategies in one campaign: the first half explores, the second improves.
    let mut explorer = Explorer::new(storage, Acquisition::default(), SEED).expect("an explorer");
    explorer
        .load_image(SIDE, SIDE, WINDOW, &bench.image)
        .expect("an image");
    explorer.load_model(&bench.model()).expect("a model");
    for n in 0..10 {
        let candidate = (n * 233) % 2401;
        let value = Bench::response(candidate);
        let next = Next::Nothing;
        client
            .measure(Measurement { candidate, value }, next)
            .expect("measure");
        explorer
            .measure(Candidate(candidate), value)
            .expect("measure");
    }
    let mut pixels = Vec::new();
    for step in 0..STEPS {
        let strategy = [Strategy::Beacon, Strategy::Ei][2 * step / STEPS];
        let acquisition = Acquisition {
            strategy,
            ..Acquisition::default()
        };
        client.choose(acquisition.into()).expect("choose");
        explorer.set_acquisition(acquisition).expect("choose");
        let expected = explorer.propose().expect("a proposal");
        let found = client.propose(true).expect("a proposal").proposal;
        assert_eq!(Proposal::from(found), expected, "step {step}");
        assert_eq!(found.score.to_bits(), expected.score.to_bits());
        pixels.push((found.row, found.column));
        let candidate = found.candidate;
        let value = Bench::response(candidate);
        client
            .measure(Measurement { candidate, value }, Next::Nothing)
            .expect("measure");
        explorer
            .measure(Candidate(candidate), value)
            .expect("measure");
    }
    client.end(7).expect("end");
    let status = client.status().expect("status");
    println!("{:?}", status.health);
    println!("{:?}", client.statistics());
    assert_eq!(client.statistics().retries, 0, "a byte was lost");
    assert!(status.health.static_ram <= 448 * 1024);
    assert!(status.health.stack_high_water < status.health.stack_size / 2);

    let stream = emulator.beam();
    let mut track = Track::new(&stream);
    let exposed: Vec<(u16, u16)> = track
        .by_ref()
        .filter(|visit| visit.exposed)
        .map(|Visit { x, y, .. }| (y, x))
        .collect();
    let expected: Vec<(u16, u16)> = pixels
        .iter()
        .map(|&(row, column)| (code(row), code(column)))
        .collect();
    assert_eq!(exposed, expected);
    assert!(track.rest().is_empty() && track.blanked());
}

#[test]
fn a_hundred_kilobytes_arrive_without_a_repetition() {
    let Some(path) = image("BEACON_FIRMWARE") else {
        return;
    };
    let bench = Bench::new();
    let emulator = Emulator::start(&path, "bytes");
    let mut client = emulator.connect(6);
    client.connect().expect("hello");
    bench.begin(&mut client);
    let shape = Payload::Weights {
        architecture: bench.network.architecture().into(),
        window: bench.network.window() as u16,
    };
    let weights = Sender::new(shape, Encoding::F32, &bench.weights).expect("weights");
    let mut sent = 0;
    while sent < 100_000 {
        let mut upload = client.upload(weights).expect("upload");
        while !client.advance(&mut upload).expect("chunk") {}
        client.abort(Kind::Weights).expect("abort");
        sent += weights.length();
    }
    let statistics = client.statistics();
    assert_eq!((statistics.retries, statistics.damaged), (0, 0));
    let link = client.status().expect("status").link;
    println!("{sent} bytes, {link:?}");
    assert_eq!(link.crc_errors + link.cobs_errors + link.overflows, 0);
}

#[test]
fn a_lost_link_blanks_the_beam_and_keeps_the_campaign() {
    let Some(path) = image("BEACON_FIRMWARE") else {
        return;
    };
    let emulator = Emulator::start(&path, "silence");
    let mut client = emulator.connect(2);
    client.connect().expect("hello");
    let bench = Bench::new();
    bench.begin(&mut client);
    let settings = Settings {
        dwell_us: 20_000_000,
        dose: beacon_kernel::link::message::DoseLimits {
            pixel_us: 20_000_000,
            ..Settings::DEFAULT.dose
        },
        link_timeout_ms: 1000,
        ..Settings::DEFAULT
    };
    client.configure(settings).expect("configure");
    client.expose(5).expect("expose");
    let track = |stream: &[u8]| {
        let mut track = Track::new(stream);
        (track.by_ref().last(), track.blanked())
    };
    let (visit, blanked) = track(&emulator.beam());
    assert!(visit.is_some_and(|visit| visit.exposed) && !blanked);
    thread::sleep(Duration::from_millis(1500));
    assert!(track(&emulator.beam()).1, "still on after the time-out");
    client.connect().expect("hello again");
    let status = client.status().expect("status");
    assert_eq!(status.beam, Beam::Blanked(BlankReason::LinkLost));
    assert_eq!(status.campaign, Some(bench.campaign()));
    assert_eq!(status.link.losses, 1);
}

#[test]
fn long_and_short_exposures_end_by_themselves() {
    let Some(path) = image("BEACON_FIRMWARE") else {
        return;
    };
    let emulator = Emulator::start(&path, "dwell");
    let mut client = emulator.connect(3);
    client.connect().expect("hello");
    Bench::new().begin(&mut client);
    for (n, (settle_us, dwell_us)) in [(0, 1000), (10, 20_000), (30_000, 500), (9000, 9000)]
        .into_iter()
        .enumerate()
    {
        let settings = Settings {
            settle_us,
            dwell_us,
            ..Settings::DEFAULT
        };
        client.configure(settings).expect("configure");
        client.expose(n as u32).expect("expose");
        let stream = emulator.beam();
        let mut track = Track::new(&stream);
        let visits: Vec<Visit> = track.by_ref().collect();
        let [.., moved, exposed] = visits[..] else {
            panic!("{visits:?}");
        };
        assert!(!moved.exposed && exposed.exposed && track.blanked());
        assert_eq!((moved.x, moved.y), (exposed.x, exposed.y));
        assert_eq!(visits.len(), 2 * (n + 1));
    }
}

#[test]
fn a_failure_blanks_the_beam_resets_and_is_reported_until_cleared() {
    let Some(path) = image("BEACON_FIRMWARE_PANIC") else {
        return;
    };
    let emulator = Emulator::start(&path, "panic");
    let mut client = emulator.connect(4);
    for (provocation, reported) in [
        ("!panic!", "provoked over the link"),
        ("!fault!", "hard fault at "),
        ("!stack!", "stack overflow"),
    ] {
        client.connect().expect("hello");
        Bench::new().begin(&mut client);
        let settings = Settings {
            dwell_us: 900_000,
            ..Settings::DEFAULT
        };
        client.configure(settings).expect("configure");
        client.expose(5).expect("expose");
        let line = client.transport_mut();
        line.send(provocation.as_bytes()).expect("the line");
        thread::sleep(Duration::from_millis(300));
        let stream = emulator.beam();
        let mut track = Track::new(&stream);
        assert!(track.by_ref().last().is_some_and(|visit| visit.exposed));
        assert!(track.blanked(), "{provocation} leaves the beam on");
        let identity = client.connect().expect("hello after the reset");
        let mut message = [0; 240];
        let length = client.last_panic(&mut message).expect("the message");
        let message = String::from_utf8_lossy(&message[..length]);
        println!("{message}");
        assert!(message.contains(reported), "{message}");
        assert_eq!(usize::from(identity.last_panic), length);
        client.clear_panic().expect("clear");
        assert_eq!(client.connect().expect("hello").last_panic, 0);
    }
}

/// The longest work there is. Prints how long it takes; with `-icount` and logs built in, the
/// board says how many ticks.
#[test]
fn the_largest_campaigns_fit_the_stack_and_the_watchdogs_time() {
    const MEASUREMENTS: u32 = 319;
    let Some(path) = image("BEACON_FIRMWARE") else {
        return;
    };
    for (architecture, window, candidates) in [
        (Architecture::Valid, 16, 2401),
        (Architecture::Same, 16, 2401),
        (Architecture::Same, 5, 3600),
    ] {
        let bench = Bench::with(architecture, window);
        let emulator = Emulator::start(&path, "largest");
        let mut client = emulator.connect(5);
        client.connect().expect("hello");
        let start = Instant::now();
        let lap = |what: &str| println!("{what}: {:?} so far", start.elapsed());
        bench.begin(&mut client);
        lap("model before the first measurement");
        for n in 0..MEASUREMENTS {
            let candidate = (n * 233) % candidates;
            let value = Bench::response(candidate);
            client
                .measure(Measurement { candidate, value }, Next::Nothing)
                .expect("measure");
        }
        lap("measurements");
        for strategy in Strategy::ALL {
            let acquisition = Acquisition {
                strategy,
                ..Acquisition::default()
            };
            client.choose(acquisition.into()).expect("choose");
            client.propose(true).expect("a proposal");
            lap(strategy.name());
        }
        client.end(7).expect("end");
        let status = client.status().expect("status");
        println!("{architecture:?} {window}: {:?}", status.health);
        assert_eq!(status.health.watchdog_resets, 0);
        assert!(status.health.stack_high_water < status.health.stack_size / 2);
    }
}
