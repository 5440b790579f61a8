//! The images on the boards that QEMU emulates, driven by the client that the host uses.
//!
//! `firmware/test` builds the images and runs these tests; without the images nothing is run.

mod every_pixel;

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use beacon_generator::{Attached, CLOCK_HZ, CYCLES_PER_COUNT, Reader, Stay};
use beacon_host::controller::{EmulatorError, firmware_image};
use beacon_kernel::link::message::{
    Activation, Beam, BeamFault, BlankReason, Campaign, Measurement, ModelHeader, Next, Refusal,
    Settings, Which,
};
use beacon_kernel::link::transfer::{Encoding, Kind, Payload, Sender};
use beacon_kernel::link::{Client, Failure, Timing, Transport};
use beacon_kernel::{
    Acquisition, Architecture, Candidate, Capacity, Edges, Explorer, Hyperparameters, Model,
    Network, Proposal, Standardisation, Storage, Strategy,
};

use every_pixel::a_campaign_of_filters_over_every_pixel_equals_the_one_on_the_host_bit_for_bit;

const SIDE: usize = 64;
const WINDOW: usize = 16;
const SEED: u64 = 11;

/// Every test, on a board.
macro_rules! tests_on {
    ($module:ident, $board:literal) => {
        mod $module {
            tests_on! { $board,
                a_campaign_on_the_emulated_board_equals_the_one_on_the_host_bit_for_bit
                a_campaign_of_filters_over_every_pixel_equals_the_one_on_the_host_bit_for_bit
                a_hundred_kilobytes_arrive_without_a_repetition
                a_lost_link_blanks_the_beam_and_keeps_the_campaign
                long_and_short_exposures_end_by_themselves
                a_dwell_that_the_generator_cannot_keep_is_refused
                a_generator_that_does_not_answer_is_reported_and_found_again
                a_failure_blanks_the_beam_resets_and_is_reported_until_cleared
                the_largest_campaigns_fit_the_stack_and_the_watchdogs_time
            }
        }
    };
    ($board:literal, $($test:ident)*) => {
        $(#[test]
        fn $test() {
            super::$test($board);
        })*
    };
}

tests_on!(mps2_an500, "mps2-an500");
tests_on!(mps2_an505, "mps2-an505");

/// QEMU with an image, and a model of the scan generator at its beam port.
struct Emulator {
    process: Child,
    generator: Attached,
    socket: PathBuf,
}

impl Emulator {
    fn start(board: &str, image: &Path, name: &str) -> Self {
        let base = env::temp_dir().join(format!("beacon-{}-{board}-{name}", process::id()));
        let socket = base.with_extension("link");
        let generator = Attached::listen().expect("a port for the generator");
        let link = format!("unix:{},server=on,wait=on", socket.display());
        let process = Command::new("qemu-system-arm")
            .args(["-M", board])
            .args(["-display", "none", "-monitor", "none"])
            .arg("-kernel")
            .arg(image)
            .args(["-serial", &link, "-serial"])
            .arg(format!("tcp:{},nodelay=on", generator.address()))
            .stderr(Stdio::null())
            .spawn()
            .expect("qemu-system-arm: apt-get install qemu-system-arm");
        Self {
            process,
            generator,
            socket,
        }
    }

    fn connect(&self, host: u32) -> Client<Line> {
        let deadline = Instant::now() + Duration::from_secs(60);
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

    /// What the pins of the scan generator exposed, once the beam is off.
    fn stays(&self) -> Vec<Stay> {
        let deadline = Instant::now() + Duration::from_secs(60);
        // An exposure that is under way has a pause every half a millisecond.
        let mut stays = self.generator.stays();
        loop {
            thread::sleep(Duration::from_millis(200));
            let later = self.generator.stays();
            if later == stays && !self.generator.beam_on() {
                break;
            }
            assert!(Instant::now() < deadline, "the beam stays on");
            stays = later;
        }
        assert_eq!(self.generator.moved(), 0, "the beam moved while it was on");
        stays
    }

    /// Waits until the generator has begun so many exposures.
    fn await_stays(&self, count: usize) {
        let deadline = Instant::now() + Duration::from_secs(60);
        while self.generator.stays().len() < count {
            assert!(Instant::now() < deadline, "the beam never is on");
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; the files may never have been there.
        let _ = self.process.kill();
        let _ = self.process.wait();
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

/// A board's image; `None`, said aloud, where it or the emulator is absent.
fn image(board: &str, variant: &str) -> Option<PathBuf> {
    let emulator = Command::new("qemu-system-arm").arg("--version").output();
    let found = emulator.map_err(EmulatorError::Start);
    match found.and_then(|_| firmware_image()) {
        Ok(image) => {
            let image = image.with_file_name(format!("{board}{variant}.elf"));
            assert!(
                image.is_file(),
                "no `{}`: firmware/test builds it",
                image.display()
            );
            Some(image)
        }
        Err(error) if env::var_os("BEACON_REQUIRE_EMULATOR").is_none() => {
            // Not `println!`, which is only shown for tests that fail.
            let said = writeln!(io::stderr(), "skipped: {error}");
            said.expect("standard error takes text");
            None
        }
        Err(error) => panic!("no emulated controller: {error}"),
    }
}

/// The shortest dwell that a board keeps, in µs: longer than the byte that blanks, ten bits at a
/// sixteenth of its clock.
fn shortest_dwell_us(board: &str) -> u32 {
    if board == "mps2-an500" { 8 } else { 9 }
}

/// A campaign's input, the same at both ends.
struct Bench {
    image: Vec<f32>,
    edges: Edges,
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
        Self::with(Architecture::Valid, WINDOW, Edges::Inside)
    }

    fn with(architecture: Architecture, window: usize, edges: Edges) -> Self {
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
            edges,
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
        client
            .begin_with(self.campaign(), self.edges.into(), &image)
            .expect("begin");
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

fn a_campaign_on_the_emulated_board_equals_the_one_on_the_host_bit_for_bit(board: &str) {
    const STEPS: usize = 12;
    let Some(path) = image(board, "") else {
        return;
    };
    let bench = Bench::new();
    let emulator = Emulator::start(board, &path, "campaign");
    let mut client = emulator.connect(1);
    let identity = client.connect().expect("hello");
    assert_eq!(identity.board, board);
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
    // `end` would cut the last exposure short.
    until(|| {
        let beam = client.status().expect("status").beam;
        matches!(beam, Beam::Blanked(_)).then_some(())
    })
    .expect("the last exposure ends");
    client.end(7).expect("end");
    let status = client.status().expect("status");
    println!("{:?}", status.health);
    println!("{:?}", client.statistics());
    assert_eq!(client.statistics().retries, 0, "a byte was lost");
    assert!(status.health.static_ram <= (512 + 95) * 1024);
    assert!(status.health.stack_high_water < status.health.stack_size / 2);

    emulator.await_stays(STEPS);
    let exposed: Vec<(u16, u16, u64)> = emulator
        .stays()
        .iter()
        .map(|stay| (stay.y, stay.x, stay.on / CYCLES_PER_COUNT))
        .collect();
    let counts = 8 * u64::from(Settings::DEFAULT.dwell_us);
    let expected: Vec<(u16, u16, u64)> = pixels
        .iter()
        .map(|&(row, column)| (code(row), code(column), counts))
        .collect();
    assert_eq!(exposed, expected);
}

fn a_hundred_kilobytes_arrive_without_a_repetition(board: &str) {
    let Some(path) = image(board, "") else {
        return;
    };
    let bench = Bench::new();
    let emulator = Emulator::start(board, &path, "bytes");
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

fn a_lost_link_blanks_the_beam_and_keeps_the_campaign(board: &str) {
    let Some(path) = image(board, "") else {
        return;
    };
    let emulator = Emulator::start(board, &path, "silence");
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
    emulator.await_stays(1);
    thread::sleep(Duration::from_millis(1500));
    let cut = emulator.stays();
    let [stay] = cut[..] else {
        panic!("one exposure: {cut:?}");
    };
    // On for the second of the time-out and what the machine was busy with, out of 20.
    let seconds = stay.on as f64 / CLOCK_HZ as f64;
    assert!((0.1..3.0).contains(&seconds), "{seconds} s on");
    client.connect().expect("hello again");
    let status = client.status().expect("status");
    assert_eq!(status.beam, Beam::Blanked(BlankReason::LinkLost));
    assert_eq!(status.campaign, Some(bench.campaign()));
    assert_eq!(status.link.losses, 1);
}

fn long_and_short_exposures_end_by_themselves(board: &str) {
    let Some(path) = image(board, "") else {
        return;
    };
    let emulator = Emulator::start(board, &path, "dwell");
    let mut client = emulator.connect(3);
    client.connect().expect("hello");
    Bench::new().begin(&mut client);
    let cases = [
        (0, 1000),
        (10, 20_000),
        (30_000, 500),
        (8000, 9000),
        (9, shortest_dwell_us(board)),
    ];
    for (n, (settle_us, dwell_us)) in cases.into_iter().enumerate() {
        let settings = Settings {
            settle_us,
            dwell_us,
            ..Settings::DEFAULT
        };
        client.configure(settings).expect("configure");
        client.expose(n as u32).expect("expose");
        emulator.await_stays(n + 1);
        let stays = emulator.stays();
        assert_eq!(stays.len(), n + 1);
        // To the count in virtual time (`firmware/tests/scan_generator`); here a crowded machine may
        // hold up the byte that blanks.
        let (on, asked) = (stays[n].on / CYCLES_PER_COUNT, 8 * u64::from(dwell_us));
        assert!((asked..asked + 8_000).contains(&on), "{on} of {asked}");
    }
}

fn a_dwell_that_the_generator_cannot_keep_is_refused(board: &str) {
    let Some(path) = image(board, "") else {
        return;
    };
    let emulator = Emulator::start(board, &path, "floor");
    let mut client = emulator.connect(7);
    client.connect().expect("hello");
    let settings = Settings {
        dwell_us: shortest_dwell_us(board) - 1,
        ..Settings::DEFAULT
    };
    let refused = client.configure(settings).expect_err("too short");
    let expected = Refusal::Setting {
        which: Which::Dwell,
        limit: shortest_dwell_us(board).into(),
    };
    assert!(
        matches!(&refused, Failure::Refused(refusal) if *refusal == expected),
        "{refused:?}"
    );
}

/// Asks until there is an answer, as long as a slow machine may need for it.
fn until<R>(mut ask: impl FnMut() -> Option<R>) -> Option<R> {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Instant::now() < deadline {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        thread::sleep(Duration::from_millis(20));
    }
    None
}

fn a_generator_that_does_not_answer_is_reported_and_found_again(board: &str) {
    let Some(path) = image(board, "") else {
        return;
    };
    let emulator = Emulator::start(board, &path, "silent");
    let mut client = emulator.connect(8);
    client.connect().expect("hello");
    Bench::new().begin(&mut client);
    let settings = Settings {
        dwell_us: 900_000,
        ..Settings::DEFAULT
    };
    client.configure(settings).expect("configure");
    for (n, silence) in [
        (|generator, silent| Attached::set_mute(generator, silent)) as fn(&Attached, bool),
        |generator, silent| Attached::set_deaf(generator, silent),
        |generator, silent| {
            generator.set_reader(if silent {
                Reader::StopsAfter(0)
            } else {
                Reader::Uart
            });
        },
        |generator, silent| Attached::set_powered(generator, !silent),
    ]
    .into_iter()
    .enumerate()
    {
        let (lost, next) = (2 * n as u32, 2 * n as u32 + 1);
        let begun = emulator.generator.stays().len();
        client.expose(lost).expect("expose");
        emulator.await_stays(begun + 1);
        silence(&emulator.generator, true);
        let reason = Beam::Blanked(BlankReason::Fault(BeamFault::Silent));
        let status = until(|| {
            let status = client.status().expect("status");
            (status.beam == reason).then_some(status)
        });
        let status = status.unwrap_or_else(|| panic!("no fault is reported, case {n}"));
        // Counted upwards: in full, though it was cut short.
        assert_eq!(status.dose_us, 900_000 * u64::from(next));
        assert!(!emulator.generator.beam_on());
        let refused = client.expose(next).expect_err("no generator");
        assert!(
            matches!(refused, Failure::Refused(Refusal::Beam(BeamFault::Silent))),
            "{refused:?}"
        );
        assert_eq!(client.status().expect("status").dose_us, status.dose_us);
        silence(&emulator.generator, false);
        let before = emulator.stays().len();
        until(|| client.expose(next).ok()).expect("it answers again");
        until(|| {
            let beam = client.status().expect("status").beam;
            matches!(beam, Beam::Blanked(_)).then_some(())
        })
        .expect("the exposure ends");
        let stays = emulator.stays();
        assert_eq!(stays.len(), before + 1);
        // Never shorter, and late by no more than a byte that waited on a busy
        // machine: the exact count is shown where time is virtual.
        let (on, asked) = (stays[before].on / CYCLES_PER_COUNT, 8 * 900_000);
        assert!((asked..asked + 8_000).contains(&on), "{on} of {asked}");
    }
}

fn a_failure_blanks_the_beam_resets_and_is_reported_until_cleared(board: &str) {
    let Some(path) = image(board, "-panic-test") else {
        return;
    };
    let emulator = Emulator::start(board, &path, "panic");
    let mut client = emulator.connect(4);
    for (candidate, (provocation, reported)) in (5..).zip([
        ("!panic!", "provoked over the link"),
        ("!fault!", "hard fault at "),
        ("!stack!", "stack overflow"),
    ]) {
        client.connect().expect("hello");
        Bench::new().begin(&mut client);
        let settings = Settings {
            dwell_us: 900_000,
            ..Settings::DEFAULT
        };
        client.configure(settings).expect("configure");
        let before = emulator.generator.stays().len();
        client.expose(candidate).expect("expose");
        emulator.await_stays(before + 1);
        let line = client.transport_mut();
        line.send(provocation.as_bytes()).expect("the line");
        thread::sleep(Duration::from_millis(300));
        let stays = emulator.stays();
        // Cut short: blanked within a pixel's dwell.
        assert!(stays[before].on < 900_000 * CLOCK_HZ / 1_000_000);
        // A command that the reset cut in two may expose elsewhere, for a dwell of the longest count.
        let elsewhere: u64 = stays[before + 1..].iter().map(|stay| stay.on).sum();
        assert!(elsewhere <= CLOCK_HZ / 50, "{stays:?}");
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
fn the_largest_campaigns_fit_the_stack_and_the_watchdogs_time(board: &str) {
    const MEASUREMENTS: u32 = 319;
    let Some(path) = image(board, "") else {
        return;
    };
    for (architecture, window, edges, candidates) in [
        (Architecture::Valid, 16, Edges::Inside, 2401),
        (Architecture::Valid, 16, Edges::Reflect, 4096),
        (Architecture::Same, 16, Edges::Reflect, 4096),
        (Architecture::Same, 5, Edges::Inside, 3600),
        (Architecture::Filters, 16, Edges::Reflect, 4096),
    ] {
        let bench = Bench::with(architecture, window, edges);
        let emulator = Emulator::start(board, &path, "largest");
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
        println!("{architecture:?} {window} {edges:?}: {:?}", status.health);
        assert_eq!(status.health.watchdog_resets, 0);
        assert!(status.health.stack_high_water < status.health.stack_size / 2);
    }
}
