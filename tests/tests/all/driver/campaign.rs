//! A whole campaign through the kernel's controller, the driver and the modelled generator in
//! virtual time, with a fault at every byte of an exposure: the modelled pins say what the beam
//! did, the controller what dose it counted.

use std::collections::VecDeque;
use std::convert::Infallible;

use beacon_generator::{Front, Reader};
use beacon_kernel::link::message::{
    Activation, Beam, BeamFault, BlankReason, Campaign, Edges, Exposed, Health, Measurement,
    ModelHeader, Next, Refusal, Settings,
};
use beacon_kernel::link::transfer::{Encoding, Payload, Sender};
use beacon_kernel::link::{Board, Client, Controller, Exposure, Failure, Timing, Transport};
use beacon_kernel::{Candidates, Capacity, Hyperparameters, Network, Standardisation};
use beacon_tests::ControllerMemory;

use super::PIXEL;
use super::driven::{Driven, Line, MICROSECOND, MILLISECOND, SHORTEST_DWELL_US};

/// A byte on the line, in clock cycles, rounded down.
const BYTE: u64 = 307;
const DWELL_US: u32 = 1500;
/// Points that are measured before the model arrives.
const SEEDS: u32 = 10;
const SIDE: usize = 28;
const WINDOW: usize = 10;
const SETTINGS: Settings = Settings {
    dwell_us: DWELL_US,
    settle_us: 100,
    ..Settings::DEFAULT
};

/// What goes wrong in an exposure.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Nothing,
    /// No more than so many of its bytes arrive at the generator.
    Forth(u64),
    /// No more than so many answered bytes arrive at the controller.
    Back(u64),
    /// Nobody takes the generator's output after so many bytes.
    Reader(u64),
    /// The controller is reset when it has sent so many bytes.
    Reset(u64),
    /// The host has been silent for the link time-out when the line had time for so many bytes.
    Host(u64),
}

/// Driver, line and generator as a controller's board.
struct Wire {
    driven: Driven,
    sent: VecDeque<u8>,
    /// What goes wrong with the next exposure.
    fault: Fault,
}

impl Board for Wire {
    fn name(&self) -> &'static str {
        "modelled"
    }

    fn build(&self) -> &'static str {
        "in memory"
    }

    fn clock_hz(&self) -> u32 {
        0
    }

    fn expose(&mut self, exposure: Exposure) {
        let (sent, received) = self.driven.bytes();
        match std::mem::replace(&mut self.fault, Fault::Nothing) {
            Fault::Forth(after) => self.driven.forth = Line::CutAfter(sent + after),
            Fault::Back(after) => self.driven.back = Line::CutAfter(received + after),
            Fault::Reader(after) => self.driven.generator.set_reader(Reader::StopsAfter(after)),
            Fault::Reset(after) => self.driven.reset_after(after),
            Fault::Nothing | Fault::Host(_) => {}
        }
        self.driven.begin(exposure);
    }

    fn exposing(&mut self) -> bool {
        self.driven.exposing()
    }

    fn shortest_dwell_us(&self) -> u32 {
        SHORTEST_DWELL_US
    }

    fn beam_ready(&mut self) -> Result<(), BeamFault> {
        self.driven.ready()
    }

    fn beam_outcome(&mut self) -> Result<(), BeamFault> {
        self.driven.outcome()
    }

    fn blank(&mut self) {
        self.driven.blank();
    }

    fn send(&mut self, frame: &[u8]) {
        self.sent.extend(frame);
    }

    fn health(&mut self) -> Health {
        Health::default()
    }

    fn last_panic(&self) -> &[u8] {
        &[]
    }

    fn clear_panic(&mut self) {}
}

/// A controller and its board, whose main loop turns every millisecond.
struct Rig<'a> {
    controller: Controller<'a>,
    wire: Wire,
    /// How far the controller's clock is ahead of the generator's.
    ahead_ms: u64,
}

impl Rig<'_> {
    fn turn(&mut self) {
        let now_ms = self.now_ms();
        self.controller.poll(now_ms, &mut self.wire);
        self.controller.idle();
    }

    fn pass(&mut self, milliseconds: u32) {
        for _ in 0..milliseconds {
            self.wire.driven.run(MILLISECOND);
            self.turn();
        }
    }

    /// The host's silence reaches the link time-out now.
    fn fall_silent(&mut self) {
        self.ahead_ms += u64::from(SETTINGS.link_timeout_ms) + 1;
        self.turn();
    }
}

impl Transport for Rig<'_> {
    type Error = Infallible;

    fn send(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        for byte in bytes {
            if self.controller.receive(*byte) {
                self.turn();
            }
        }
        self.turn();
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> Result<usize, Infallible> {
        for _ in 0..timeout_ms {
            if !self.wire.sent.is_empty() {
                break;
            }
            self.pass(1);
        }
        let length = buffer.len().min(self.wire.sent.len());
        for (slot, byte) in buffer.iter_mut().zip(self.wire.sent.drain(..length)) {
            *slot = byte;
        }
        Ok(length)
    }

    fn now_ms(&mut self) -> u64 {
        self.wire.driven.generator.now() / MILLISECOND + self.ahead_ms
    }
}

/// Image, model and responses.
struct Sample {
    image: Vec<f32>,
    weights: Vec<f32>,
    network: Network,
}

impl Sample {
    const CAMPAIGN: Campaign = Campaign {
        id: 7,
        seed: 3,
        height: SIDE as u16,
        width: SIDE as u16,
        window: WINDOW as u16,
    };

    fn new() -> Self {
        let network = Network::for_window(WINDOW).expect("a network");
        let wave = |step: f32| move |n: usize| (n as f32 * step).sin();
        let weights = (0..network.weight_count()).map(wave(1.7));
        Self {
            image: (0..SIDE * SIDE).map(wave(0.37)).collect(),
            weights: weights.map(|weight| 0.15 * weight).collect(),
            network,
        }
    }

    fn measurement(candidate: u32) -> Measurement {
        let value = 2.0 + 3.0 * (candidate as f32 * 0.37).sin();
        Measurement { candidate, value }
    }

    /// What a host does that finds a controller which knows nothing: campaign, points so far,
    /// model.
    fn tell(&self, client: &mut Client<Rig<'_>>, measured: &[u32]) {
        client.connect().expect("hello");
        client.configure(SETTINGS).expect("settings");
        let (height, width) = (SIDE as u16, SIDE as u16);
        let image = Payload::Image { height, width };
        let image = Sender::new(image, Encoding::F32, &self.image).expect("an image");
        let begun = client.begin_with(Self::CAMPAIGN, Edges::Inside, &image);
        begun.expect("a campaign");
        for candidate in measured {
            let told = client.measure(Self::measurement(*candidate), Next::Nothing);
            told.expect("a measurement");
        }
        let weights = Payload::Weights {
            architecture: self.network.architecture().into(),
            window: WINDOW as u16,
        };
        let weights = Sender::new(weights, Encoding::F32, &self.weights).expect("weights");
        let hyperparameters = Hyperparameters {
            lengthscale: [0.15, 0.1],
            outputscale: 1.0,
            noise: 1e-2,
            mean: 0.1,
        };
        let standardisation = Standardisation {
            mean: 2.0,
            scale: 3.0,
        };
        let model = Activation::Model(ModelHeader {
            version: 1,
            hyperparameters: hyperparameters.into(),
            standardisation: standardisation.into(),
        });
        client.deliver(&weights, model).expect("a model");
    }
}

/// What a campaign came to.
#[derive(Default)]
struct Outcome {
    /// Candidates in the order in which they were measured.
    measured: Vec<u32>,
    /// The longest that the beam was on without a pause, and after the host was taken for lost, in
    /// clock cycles.
    longest: u64,
    after_loss: u64,
    /// Faults that left the beam on.
    kept_on: Vec<Fault>,
    /// Exposures that a fault cut short.
    cut: usize,
    /// Time with the beam on, in clock cycles, where it ended by itself.
    on: u64,
    /// Exposures that the controllers answered for.
    exposed: u64,
}

impl Outcome {
    /// Adds what the pins did since the last time.
    fn add(&mut self, rig: &mut Rig<'_>) -> u64 {
        let driven = &mut rig.wire.driven;
        let stays = driven.stays();
        assert_eq!(driven.record().moved(), 0, "on while it moved");
        driven.record().clear();
        let longest = stays.iter().map(|stay| stay.longest).max();
        self.longest = self.longest.max(longest.unwrap_or(0));
        let on: u64 = stays.iter().map(|stay| stay.on).sum();
        self.on += on;
        on
    }

    /// Exposes a candidate as a host does once the fault is over, and tells its response.
    fn measure(&mut self, client: &mut Client<Rig<'_>>, candidate: u32) {
        let mut patience = 60;
        while let Err(failure) = client.expose(candidate) {
            let expected = matches!(failure, Failure::Refused(Refusal::Beam(_)));
            assert!(expected && patience > 0, "{failure}");
            patience -= 1;
            client.transport_mut().pass(20);
            // What waited in the generator, or what became of half a command.
            self.add(client.transport_mut());
        }
        self.exposed += 1;
        client.transport_mut().pass(5);
        let on = self.add(client.transport_mut());
        assert_eq!(on, u64::from(DWELL_US) * MICROSECOND, "after the fault");
        let response = Sample::measurement(candidate);
        client.measure(response, Next::Nothing).expect("a response");
        self.measured.push(candidate);
    }
}

/// A campaign with one fault at each exposure after the seeds.
fn campaign(faults: &[Fault]) -> Outcome {
    let sample = Sample::new();
    let candidates = Candidates::new(SIDE, SIDE, WINDOW).expect("candidates");
    let capacity = Capacity::for_candidates(candidates, SEEDS as usize + faults.len());
    let mut memory = ControllerMemory::new(capacity);
    let mut wire = Wire {
        driven: Driven::new(Front::Uart, Reader::Uart),
        sent: VecDeque::new(),
        fault: Fault::Nothing,
    };
    let mut outcome = Outcome {
        measured: (0..SEEDS).map(|n| n * 31).collect(),
        ..Outcome::default()
    };
    let mut faults = faults.iter().copied();
    // What a reset cut short.
    let mut again = None;
    'controllers: loop {
        let rig = Rig {
            controller: memory.controller(),
            wire,
            ahead_ms: 0,
        };
        let mut client = Client::new(rig, Timing::default(), 1);
        sample.tell(&mut client, &outcome.measured);
        let (on_before, mut dose_us) = (outcome.on, 0);
        if let Some(candidate) = again.take() {
            outcome.measure(&mut client, candidate);
        }
        for fault in faults.by_ref() {
            let candidate = expose(&mut client, fault, &mut outcome);
            if matches!(fault, Fault::Reset(_)) {
                // What the reset left of the controller knows nothing of it.
                again = Some(candidate);
                wire = client.into_transport().wire;
                wire.sent.clear();
                continue 'controllers;
            }
            let status = client.status().expect("status");
            outcome.cut += usize::from(matches!(
                status.beam,
                Beam::Blanked(BlankReason::Fault(_) | BlankReason::LinkLost)
            ));
            outcome.measure(&mut client, candidate);
            let status = client.status().expect("status");
            // Both exposures in full, and never less than before.
            let counted = status.dose_us;
            assert!(counted >= dose_us + 2 * u64::from(DWELL_US), "{counted} us");
            dose_us = counted;
            assert!(
                dose_us * MICROSECOND >= outcome.on - on_before,
                "{dose_us} us"
            );
        }
        return outcome;
    }
}

/// Has the next point exposed with a fault, waits until it is noticed, and ends it.
fn expose(client: &mut Client<Rig<'_>>, fault: Fault, outcome: &mut Outcome) -> u32 {
    client.transport_mut().wire.fault = fault;
    let proposed = client.propose(true).expect("a proposal");
    assert_eq!(proposed.exposure, Exposed::Yes, "{fault:?}");
    outcome.exposed += 1;
    let rig = client.transport_mut();
    let mut lost = None;
    if let Fault::Host(bytes) = fault {
        rig.wire.driven.run(bytes * BYTE);
        rig.fall_silent();
        lost = Some(rig.wire.driven.generator.now());
    }
    // The driver waits half a second for an answer.
    rig.pass(700);
    assert!(!rig.wire.driven.will_reset(), "{fault:?} came too late");
    if let Some(lost) = lost {
        let stays = rig.wire.driven.stays();
        let last = stays.iter().map(|stay| stay.last).max().unwrap_or(lost);
        outcome.after_loss = outcome.after_loss.max(last.saturating_sub(lost));
    }
    if rig.wire.driven.record().beam_on() {
        outcome.kept_on.push(fault);
        rig.wire.driven.forth = Line::Whole;
        rig.pass(1000);
        assert!(!rig.wire.driven.record().beam_on(), "{fault:?}, mended");
        // Longer than any dwell that was counted.
        rig.wire.driven.record().clear();
    }
    outcome.add(rig);
    rig.wire.driven.forth = Line::Whole;
    rig.wire.driven.back = Line::Whole;
    rig.wire.driven.generator.set_reader(Reader::Uart);
    proposed.proposal.candidate
}

/// The campaign with a fault at each of so many bytes; it measures what it does without any.
fn faulty(count: u64, fault: fn(u64) -> Fault) -> Outcome {
    let faults: Vec<_> = (0..count).map(fault).collect();
    let outcome = campaign(&faults);
    let undisturbed = campaign(&vec![Fault::Nothing; faults.len()]);
    assert_eq!(outcome.measured, undisturbed.measured);
    assert!(undisturbed.cut == 0 && undisturbed.kept_on.is_empty());
    // The host's own account is the dwell of every exposure that it asked for.
    let account_us = outcome.exposed * u64::from(DWELL_US);
    assert!(account_us * MICROSECOND >= outcome.on, "{account_us} us");
    println!(
        "{count} faults, {} exposures cut: on for {} us at most, {} us after the host was lost; \
         on for good: {:?}",
        outcome.cut,
        outcome.longest / MICROSECOND,
        outcome.after_loss / MICROSECOND,
        outcome.kept_on
    );
    outcome
}

/// Bytes that an exposure of the campaign sends and gets.
fn bytes() -> (u64, u64) {
    super::bytes_of(|driven| driven.expose((4000, 5000), SETTINGS.settle_us, DWELL_US))
}

#[test]
fn a_campaign_goes_on_after_the_line_to_the_generator_was_cut_at_any_byte() {
    let outcome = faulty(bytes().0, Fault::Forth);
    // A pixel, or what the mended line makes of a command that was cut in half.
    assert!(outcome.longest <= 514 * MICROSECOND, "{}", outcome.longest);
    // Where the byte that blanks a pixel is the first that is lost, nothing bounds it.
    assert_eq!(outcome.kept_on.len(), 4);
    assert!(outcome.cut > 0);
}

#[test]
fn a_campaign_goes_on_after_the_line_from_the_generator_was_cut_at_any_byte() {
    let outcome = faulty(bytes().1, Fault::Back);
    assert!(outcome.longest <= PIXEL && outcome.kept_on.is_empty());
    assert!(outcome.cut > 0);
}

#[test]
fn a_campaign_goes_on_after_the_generators_output_was_not_read_from_any_byte_on() {
    let outcome = faulty(bytes().1, Fault::Reader);
    assert!(outcome.longest <= PIXEL && outcome.kept_on.is_empty());
    assert!(outcome.cut > 0);
}

#[test]
fn a_campaign_goes_on_after_a_reset_of_the_controller_at_any_byte() {
    let outcome = faulty(bytes().0, Fault::Reset);
    assert!(outcome.longest <= 514 * MICROSECOND && outcome.kept_on.is_empty());
}

#[test]
fn a_campaign_goes_on_after_the_host_fell_silent_at_any_byte() {
    // As long as the exposure, settling included.
    let bytes = u64::from(SETTINGS.settle_us + DWELL_US) * MICROSECOND / BYTE;
    let outcome = faulty(bytes, Fault::Host);
    assert!(outcome.longest <= PIXEL && outcome.kept_on.is_empty());
    assert!(outcome.after_loss <= 909 * MICROSECOND);
    assert_eq!(outcome.cut as u64, bytes);
}
