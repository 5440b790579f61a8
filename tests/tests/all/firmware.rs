//! The images on the boards that QEMU emulates, driven by the client that the host uses.
//!
//! `firmware/test` builds the images and runs these tests; without the images nothing is run.

mod emulator;
mod every_pixel;

use std::thread;
use std::time::{Duration, Instant};

use beacon_generator::{Attached, CLOCK_HZ, CYCLES_PER_COUNT, Reader};
use beacon_kernel::link::message::{
    Beam, BeamFault, BlankReason, Campaign, DoseLimits, Next, Refusal, Settings, Which,
};
use beacon_kernel::link::transfer::Kind;
use beacon_kernel::link::{Client, Failure, Transport};
use beacon_kernel::{
    Acquisition, Architecture, Candidate, Capacity, Edges, Explorer, Network, Proposal, Strategy,
};
use beacon_tests::ExplorerMemory;
use beacon_tests::emulated::{PROVOCATIONS, last_panic};

use self::emulator::{Emulator, Line, image, started, until};

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

/// The shortest dwell that a board keeps, in µs: longer than the byte that blanks, ten bits at a
/// sixteenth of its clock.
fn shortest_dwell_us(board: &str) -> u32 {
    if board == "mps2-an500" { 8 } else { 9 }
}

/// The small campaign on images of [`SIDE`] pixels, begun with its first model.
struct Bench(beacon_tests::Bench);

impl Bench {
    fn new() -> Self {
        Self::with(Architecture::Valid, WINDOW, Edges::Inside)
    }

    fn with(architecture: Architecture, window: usize, edges: Edges) -> Self {
        let network = Network::new(architecture, window).expect("a network");
        Self(beacon_tests::Bench::with_network(
            SEED, SIDE, network, edges,
        ))
    }

    fn begin<T: Transport<Error: std::fmt::Debug>>(&self, client: &mut Client<T>) {
        self.begin_several(client, 1);
    }

    fn begin_several<T>(&self, client: &mut Client<T>, responses: usize)
    where
        T: Transport<Error: std::fmt::Debug>,
    {
        self.0.begin_several(client, responses);
        self.0.hand_over_several(client, 0, responses);
    }
}

/// Begins a campaign for the beam alone: of a small image and without a model, both of which take the
/// emulated line seconds.
fn begin_small<T: Transport<Error: std::fmt::Debug>>(client: &mut Client<T>) -> Campaign {
    let bench = beacon_tests::Bench::new(SEED);
    bench.begin(client);
    bench.campaign()
}

/// Codes of a pixel's centre in 14 bits, computed from the picture and not from the kernel.
fn code(index: u16) -> u16 {
    ((f64::from(index) + 0.5) / SIDE as f64 * 16384.0) as u16
}

fn a_campaign_on_the_emulated_board_equals_the_one_on_the_host_bit_for_bit(board: &str) {
    const STEPS: usize = 12;
    let Some((emulator, mut client)) = started(board, "", "campaign") else {
        return;
    };
    let bench = Bench::new();
    let mut memory = ExplorerMemory::new(Capacity::for_campaign(SIDE, SIDE, WINDOW, 64));
    bench.begin(&mut client);
    // Both strategies in one campaign: the first half explores, the second improves.
    let mut explorer = memory.explorer(SEED);
    explorer
        .load_image(SIDE, SIDE, WINDOW, &bench.0.image)
        .expect("an image");
    explorer.load_model(&bench.0.model(0)).expect("a model");
    let measure = |client: &mut Client<Line>, explorer: &mut Explorer<'_>, candidate| {
        let measurement = bench.0.measurement(candidate);
        client.measure(measurement, Next::Nothing).expect("measure");
        let taken = explorer.measure(Candidate(candidate), measurement.value);
        taken.expect("measure");
    };
    for n in 0..10 {
        measure(&mut client, &mut explorer, (n * 233) % 2401);
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
        measure(&mut client, &mut explorer, found.candidate);
    }
    // `end` would cut the last exposure short.
    until(|| {
        let beam = client.status().expect("status").beam;
        matches!(beam, Beam::Blanked(_)).then_some(())
    })
    .expect("the last exposure ends");
    client.end(bench.0.campaign().id).expect("end");
    let status = client.status().expect("status");
    println!("{:?}", status.health);
    println!("{:?}", client.statistics());
    assert_eq!(client.statistics().retries, 0, "a byte was lost");
    assert!(status.health.static_ram <= (512 + 95 + 288) * 1024);
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
    let Some((_emulator, mut client)) = started(board, "", "bytes") else {
        return;
    };
    let bench = Bench::new();
    bench.begin(&mut client);
    let weights = bench.0.weights_sender(0);
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
    let Some((emulator, mut client)) = started(board, "", "silence") else {
        return;
    };
    let campaign = begin_small(&mut client);
    let settings = Settings {
        dwell_us: 20_000_000,
        dose: DoseLimits {
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
    assert_eq!(status.campaign, Some(campaign));
    assert_eq!(status.link.losses, 1);
}

fn long_and_short_exposures_end_by_themselves(board: &str) {
    let Some((emulator, mut client)) = started(board, "", "dwell") else {
        return;
    };
    begin_small(&mut client);
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
        // To the count in virtual time (`driver`); here a crowded machine may
        // hold up the byte that blanks.
        let (on, asked) = (stays[n].on / CYCLES_PER_COUNT, 8 * u64::from(dwell_us));
        assert!((asked..asked + 8_000).contains(&on), "{on} of {asked}");
    }
}

fn a_dwell_that_the_generator_cannot_keep_is_refused(board: &str) {
    let Some((_emulator, mut client)) = started(board, "", "floor") else {
        return;
    };
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

/// What silences a generator or, told so, ends that; and the fault that follows.
type Silence = (fn(&Attached, bool), BeamFault);

fn a_generator_that_does_not_answer_is_reported_and_found_again(board: &str) {
    let Some(path) = image(board, "") else {
        return;
    };
    let emulator = Emulator::start(board, &path, "silent");
    let mut client = emulator.connect(8);
    client.connect().expect("hello");
    begin_small(&mut client);
    let settings = Settings {
        dwell_us: 900_000,
        ..Settings::DEFAULT
    };
    client.configure(settings).expect("configure");
    let silences: [Silence; 5] = [
        (Attached::set_mute, BeamFault::Silent),
        (Attached::set_deaf, BeamFault::Silent),
        (
            |generator, silent| {
                generator.set_reader(if silent {
                    Reader::StopsAfter(0)
                } else {
                    Reader::Uart
                });
            },
            BeamFault::Silent,
        ),
        (
            |generator, silent| generator.set_powered(!silent),
            BeamFault::Silent,
        ),
        (Attached::set_strange, BeamFault::Strange),
    ];
    for (n, (silence, fault)) in silences.into_iter().enumerate() {
        let (lost, next) = (2 * n as u32, 2 * n as u32 + 1);
        let begun = emulator.generator.stays().len();
        client.expose(lost).expect("expose");
        emulator.await_stays(begun + 1);
        silence(&emulator.generator, true);
        let reason = Beam::Blanked(BlankReason::Fault(fault));
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
            matches!(refused, Failure::Refused(Refusal::Beam(found)) if found == fault),
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
    let Some((emulator, mut client)) = started(board, "-panic-test", "panic") else {
        return;
    };
    for (candidate, (provocation, reported)) in (5..).zip(PROVOCATIONS) {
        client.connect().expect("hello");
        begin_small(&mut client);
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
        let message = last_panic(&mut client);
        println!("{message}");
        assert!(message.contains(reported), "{message}");
    }
}

/// The longest work there is. Prints how long it takes; with `-icount` and logs built in, the
/// board says how many ticks.
///
/// What a strategy computes from latents is the same for every architecture: all of them run where the
/// latents of most candidates are spread widest, and the default everywhere. With several responses all of them
/// run under the filters, whose model takes least time.
fn the_largest_campaigns_fit_the_stack_and_the_watchdogs_time(board: &str) {
    const MEASUREMENTS: u32 = 319;
    /// What the firmware's page says is in use at most with one response and with several, in bytes.
    const STACK: [u32; 2] = [13 * 1024, 16 * 1024];
    let mut deepest = [0; 2];
    for (architecture, window, edges, candidates, responses, all) in [
        (Architecture::Valid, 16, Edges::Reflect, 4096, 1, false),
        (Architecture::Same, 16, Edges::Reflect, 4096, 1, true),
        (Architecture::Same, 5, Edges::Inside, 3600, 1, false),
        (Architecture::Filters, 16, Edges::Reflect, 4096, 1, false),
        (Architecture::Filters, 16, Edges::Reflect, 4096, 3, true),
        (Architecture::Filters, 16, Edges::Reflect, 4096, 4, true),
    ] {
        let Some((_emulator, mut client)) = started(board, "", "largest") else {
            return;
        };
        let bench = Bench::with(architecture, window, edges);
        let start = Instant::now();
        let lap = |what: &str| println!("{what}: {:?} so far", start.elapsed());
        bench.begin_several(&mut client, responses);
        lap("model before the first measurement");
        for n in 0..MEASUREMENTS {
            let candidate = (n * 233) % candidates;
            let measured = bench.0.vector(candidate, responses);
            let taken = client.measure_all(candidate, &measured, Next::Nothing);
            taken.expect("measure");
        }
        lap("measurements");
        if responses > 1 {
            bench.0.hand_over_several(&mut client, 1, responses);
            lap("another model");
            let (mut mean, mut variance) = (Vec::new(), Vec::new());
            let last = responses as u8 - 1;
            let looked = client.surrogate_of(last, &mut mean, &mut variance);
            looked.expect("a surrogate");
            lap("its surrogate");
        }
        // One of them is defined by the best fifth of one response.
        let takes = |strategy: &Strategy| responses == 1 || *strategy != Strategy::BeaconElite;
        let run = |strategy: &Strategy| all || *strategy == Acquisition::default().strategy;
        let strategies = Strategy::ALL.into_iter().filter(takes);
        for strategy in strategies.filter(run) {
            let acquisition = Acquisition {
                strategy,
                ..Acquisition::default()
            };
            client.choose(acquisition.into()).expect("choose");
            client.propose(true).expect("a proposal");
            lap(strategy.name());
        }
        client.end(bench.0.campaign().id).expect("end");
        let health = client.status().expect("status").health;
        println!("{architecture:?} {window} {edges:?}, {responses} responses: {health:?}");
        assert_eq!(health.watchdog_resets, 0);
        let deepest = &mut deepest[usize::from(responses > 1)];
        *deepest = health.stack_high_water.max(*deepest);
    }
    // Interrupts that come at the deepest place add a KiB, or do not; the page is stale where it is less.
    for (deepest, stack) in deepest.into_iter().zip(STACK) {
        assert!((stack - 2047..=stack).contains(&deepest), "{deepest}");
    }
}
