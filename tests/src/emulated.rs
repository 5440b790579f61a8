//! The firmware under the emulator, and campaigns whose host is attended from call to call.

use std::fmt::Debug;
use std::fs::File;
use std::io::Write as _;
use std::ops::Range;
use std::process::Command;
use std::time::{Duration, Instant};
use std::{env, thread};

use beacon_generator::{Attached, CLOCK_HZ, CYCLES_PER_COUNT, Stay};
use beacon_host::campaign::{Campaign, CampaignConfig, CampaignError, Oracle, Outcome, Seeds};
use beacon_host::controller::{
    BeamPort, Controller, ControllerChoice, ControllerError, Emulator, EmulatorError, InProcess,
    LinkReport, Linked, Memory, Port, Recovery, Setup, firmware_image,
};
use beacon_kernel::link::message::{Measurement, Settings};
use beacon_kernel::link::scalarizer::Scalarizer;
use beacon_kernel::link::{Client, Timing, Transport};
use beacon_kernel::{
    Acquisition, Candidate, Capacity, Model, Prediction, Proposal, Responses, Surrogate,
};

use crate::campaign::points;

/// For boards whose emulator may wait for a crowded machine: every answer has two minutes.
pub const PATIENT: Timing = Timing {
    reply_ms: 150,
    longest_ms: 2_000,
    attempts: 60,
    patience_ms: 600_000,
};

/// Lets this test, and what it starts, come before those beside it, where the system allows that: an emulated
/// board lives in real time, which a crowded machine would take from it.
pub fn come_first() {
    // The group of processes, which is this test's own where `cargo nextest` runs it. Who may not come
    // first comes when there is room.
    let first = Command::new("renice")
        .args(["-n", "-5", "-g", "0"])
        .output();
    drop(first);
}

/// A running board with a scan generator.
pub struct EmulatedBoard {
    emulator: Emulator,
    /// The line's end, which nobody reads here: of a line that nobody holds the emulator looks once a second
    /// whether somebody does.
    _held: File,
}

impl EmulatedBoard {
    /// Starts the firmware; `None`, said aloud, where the firmware or the emulator is absent.
    ///
    /// # Panics
    /// When either is absent although `BEACON_REQUIRE_EMULATOR` is set, or when the emulator is
    /// there and does not work.
    pub fn start() -> Option<Self> {
        Self::start_as("mps2-an500")
    }

    /// [`Self::start`] with another of the boards that QEMU emulates.
    ///
    /// # Panics
    /// As there.
    pub fn start_as(board: &str) -> Option<Self> {
        come_first();
        let image = firmware_image().map(|image| image.with_file_name(format!("{board}.elf")));
        let started = image.and_then(|image| Emulator::start(&image));
        match started {
            Ok(emulator) => {
                let held = File::open(emulator.port()).expect("the line is there");
                Some(Self {
                    emulator,
                    _held: held,
                })
            }
            Err(error @ (EmulatorError::NoFirmware { .. } | EmulatorError::Start(_)))
                if env::var_os("BEACON_REQUIRE_EMULATOR").is_none() =>
            {
                // Not `println!`, which is only shown for tests that fail.
                let said = writeln!(std::io::stderr(), "skipped: {error}");
                said.expect("standard error takes text");
                None
            }
            Err(error) => panic!("no emulated controller: {error}"),
        }
    }

    /// Runs a campaign as the host of that number. `before` every call that may ask something
    /// of the board it gets the call's number, from 1, and the board; its error ends the host
    /// there, without a farewell.
    ///
    /// # Panics
    /// When the campaign cannot start or the board does not answer.
    pub fn run<F>(
        &self,
        host: u32,
        (config, seeds): (&CampaignConfig, Seeds),
        experiment: &mut dyn Oracle,
        before: F,
    ) -> (Result<Outcome, CampaignError>, LinkReport)
    where
        F: FnMut(usize, &mut Linked<'_>) -> Result<(), ControllerError>,
    {
        run_on(
            self.emulator.port(),
            host,
            Timing::default(),
            (config, seeds),
            experiment,
            before,
        )
    }

    /// Links to the board as the host of that number, with a mirror of a capacity.
    ///
    /// # Panics
    /// When the board does not answer.
    pub fn linked<R>(
        &self,
        host: u32,
        capacity: Capacity,
        with: impl FnOnce(&mut Linked<'_>) -> R,
    ) -> R {
        link_to(
            self.emulator.port(),
            host,
            Timing::default(),
            capacity,
            with,
        )
    }

    /// Where the pins of the scan generator had the beam on the specimen, as converter codes
    /// (x, y) in order: one entry for every exposure of `dwell_us`, of which some may have been
    /// cut short.
    ///
    /// # Panics
    /// When the beam moved while it was on, when it is on, when more than `cut` places had it
    /// for anything but whole dwells, or more than one and a tenth for longer than that by more than a count
    /// of 125 ns. The emulator of a busy machine sends the byte that blanks late now and then, by some
    /// of the ten bits that it takes; what the firmware itself does is held in virtual time, by its
    /// own tests and by those of the Nucleo.
    pub fn exposures(&self, dwell_us: u32, cut: usize) -> Vec<(u16, u16)> {
        let dwell = u64::from(dwell_us) * CLOCK_HZ / 1_000_000;
        let stays = self.stays();
        let byte = (10 * CLOCK_HZ / 1_000_000).min(dwell / 4);
        let times = |stay: &Stay| (stay.on - stay.on.min(byte)).div_ceil(dwell);
        let whole = |stay: &Stay| times(stay) * dwell;
        let exact = |stay: &Stay, to: u64| stay.on.abs_diff(whole(stay)) <= times(stay) * to;
        let late = |stay: &&Stay| {
            stay.on > whole(stay) && exact(stay, byte) && !exact(stay, CYCLES_PER_COUNT)
        };
        let short = |stay: &&Stay| !exact(stay, CYCLES_PER_COUNT) && !late(stay);
        let short: Vec<_> = stays.iter().filter(short).collect();
        assert!(
            short.len() <= cut,
            "not so many dwells of {dwell} cycles: {short:?}"
        );
        let late: Vec<_> = stays.iter().filter(late).collect();
        assert!(late.len() <= 1 + stays.len() / 10, "late: {late:?}");
        let entries = stays
            .iter()
            .flat_map(|stay| std::iter::repeat_n((stay.x, stay.y), times(stay) as usize));
        entries.collect()
    }

    /// What the pins of the scan generator exposed, once the beam is off.
    ///
    /// # Panics
    /// When the beam moved while it was on, or stays on.
    pub fn stays(&self) -> Vec<Stay> {
        stays(self.emulator.generator(), Duration::from_secs(10))
    }

    /// Path of the link.
    pub fn port(&self) -> &str {
        self.emulator.port()
    }

    /// The scan generator, to be disturbed.
    pub fn generator(&self) -> &Attached {
        self.emulator.generator()
    }
}

/// What the pins of a scan generator exposed, once the beam is off, which is waited for.
///
/// # Panics
/// When the beam moved while it was on, or stays on.
pub fn stays(generator: &Attached, patience: Duration) -> Vec<Stay> {
    let deadline = Instant::now() + patience;
    // An exposure that was under way a moment ago has a pause every half a millisecond.
    let mut stays = generator.stays();
    loop {
        thread::sleep(Duration::from_millis(200));
        let later = generator.stays();
        if later == stays && !generator.beam_on() {
            break;
        }
        assert!(Instant::now() < deadline, "the beam stays on");
        stays = later;
    }
    assert_eq!(generator.moved(), 0, "the beam moved while it was on");
    stays
}

/// What makes the image that fails on demand fail, and what it then reports.
pub const PROVOCATIONS: [(&str, &str); 3] = [
    ("!panic!", "provoked over the link"),
    ("!fault!", "hard fault at "),
    ("!stack!", "stack overflow"),
];

/// The message that a board was reset with, which it then forgets.
///
/// # Panics
/// When the board does not answer, has no message, or does not forget it.
pub fn last_panic<T: Transport<Error: Debug>>(client: &mut Client<T>) -> String {
    let identity = client.connect().expect("hello after the reset");
    let mut message = [0; 240];
    let length = client.last_panic(&mut message).expect("the message");
    assert_eq!(usize::from(identity.last_panic), length);
    client.clear_panic().expect("clear");
    assert_eq!(client.connect().expect("hello").last_panic, 0);
    String::from_utf8_lossy(&message[..length]).into_owned()
}

/// The board's own posterior of each response, not the host's copy of it, has the same bits.
///
/// # Errors
/// When the board does not answer.
///
/// # Panics
/// When a bit differs.
pub fn check_posterior(linked: &mut Linked<'_>) -> Result<(), ControllerError> {
    (0..linked.surrogate()?.responses() as u8)
        .try_for_each(|response| check_posterior_of(linked, response))
}

/// [`check_posterior`] of one response, for a board whose instructions are interpreted: it takes long for each.
///
/// # Errors
/// When the board does not answer, or has no model.
///
/// # Panics
/// When a value differs in a bit.
pub fn check_posterior_of(linked: &mut Linked<'_>, response: u8) -> Result<(), ControllerError> {
    let bits = |(mean, variance): (f32, f32)| (mean.to_bits(), variance.to_bits());
    let surrogate = linked.surrogate()?;
    let expected: Vec<_> = surrogate.iter_of(response.into()).map(bits).collect();
    let (mean, variance) = linked.surrogate_of_board(response)?;
    let found: Vec<_> = mean.into_iter().zip(variance).map(bits).collect();
    assert_eq!(found, expected, "response {response}");
    Ok(())
}

/// The points that the board itself holds, of each response as [`points`] has them.
///
/// # Errors
/// When the board does not answer, or has no model.
pub fn points_of_board(linked: &mut Linked<'_>) -> Result<Vec<Vec<(u32, u32)>>, ControllerError> {
    let responses = linked.surrogate()?.responses() as u8;
    let column = |response| {
        let measured = linked.measurements_of_board(response)?;
        let bits = |point: Measurement| (point.candidate, point.value.to_bits());
        Ok(measured.into_iter().map(bits).collect())
    };
    (0..responses).map(column).collect()
}

/// The points that a board held on the way are the first ones of what the campaign came to.
///
/// # Panics
/// When there are none, or one differs in a bit.
pub fn check_points(held: &[Vec<(u32, u32)>], outcome: &Outcome) {
    let told = points(outcome);
    assert_eq!(held.len(), told.len());
    for (response, (held, told)) in held.iter().zip(&told).enumerate() {
        assert!(
            !held.is_empty() && told.starts_with(held),
            "response {response}: {held:?}, {told:?}"
        );
    }
}

/// [`EmulatedBoard::run`] with the board at a port.
pub(crate) fn run_on<F>(
    port: &str,
    host: u32,
    timing: Timing,
    (config, seeds): (&CampaignConfig, Seeds),
    experiment: &mut dyn Oracle,
    before: F,
) -> (Result<Outcome, CampaignError>, LinkReport)
where
    F: FnMut(usize, &mut Linked<'_>) -> Result<(), ControllerError>,
{
    let campaign = Campaign::new(config.clone(), seeds, experiment).expect("a valid campaign");
    let capacity = campaign.capacity();
    link_to(port, host, timing, capacity, |linked| {
        let mut attended = Attended {
            linked,
            calls: 0,
            before,
            gone: false,
        };
        let outcome = campaign.run(experiment, &mut attended, &mut ());
        let link = attended.linked.link().expect("a board is linked");
        (outcome, link)
    })
}

/// [`EmulatedBoard::linked`] with the board at a port.
fn link_to<R>(
    port: &str,
    host: u32,
    timing: Timing,
    capacity: Capacity,
    with: impl FnOnce(&mut Linked<'_>) -> R,
) -> R {
    let mut memory = Memory::new(capacity);
    let mirror = InProcess::new(&mut memory).expect("memory of the right size");
    let port = Port::open(port, ControllerChoice::BAUD).expect("a port");
    let client = Client::new(port, timing, host);
    let linked = Linked::connect(client, Recovery::default(), mirror);
    with(&mut linked.expect("a controller"))
}

/// A linked board with somebody who looks, or ends it all, before every call.
struct Attended<'l, 'm, F> {
    linked: &'l mut Linked<'m>,
    calls: usize,
    before: F,
    /// Whether the host is gone: it says nothing to the board any more, not even farewell.
    gone: bool,
}

impl<'m, F: FnMut(usize, &mut Linked<'_>) -> Result<(), ControllerError>> Attended<'_, 'm, F> {
    fn next(&mut self) -> Result<&mut Linked<'m>, ControllerError> {
        self.alive()?;
        self.calls += 1;
        let attended = (self.before)(self.calls, self.linked);
        self.gone = attended.is_err();
        attended.map(|()| &mut *self.linked)
    }

    fn alive(&mut self) -> Result<&mut Linked<'m>, ControllerError> {
        if self.gone {
            return Err(ControllerError::State("the host is gone".to_owned()));
        }
        Ok(self.linked)
    }
}

impl<F: FnMut(usize, &mut Linked<'_>) -> Result<(), ControllerError>> BeamPort
    for Attended<'_, '_, F>
{
    fn expose(&mut self, candidate: Candidate) -> Result<(), ControllerError> {
        self.next()?.expose(candidate)
    }

    fn finish(&mut self) -> Result<(), ControllerError> {
        self.alive()?.finish()
    }

    fn blank(&mut self) -> Result<(), ControllerError> {
        self.alive()?.blank()
    }

    fn configure(&mut self, settings: Settings) -> Result<(), ControllerError> {
        self.alive()?.configure(settings)
    }

    fn settings(&self) -> Option<Settings> {
        self.linked.settings()
    }

    fn dose_us(&mut self) -> Result<u64, ControllerError> {
        self.alive()?.dose_us()
    }
}

impl<F: FnMut(usize, &mut Linked<'_>) -> Result<(), ControllerError>> Controller
    for Attended<'_, '_, F>
{
    fn room(&self) -> usize {
        self.linked.room()
    }

    fn begin(&mut self, setup: &Setup<'_>) -> Result<(), ControllerError> {
        self.linked.begin(setup)
    }

    fn begin_with(&mut self, setup: &Setup<'_>, responses: usize) -> Result<(), ControllerError> {
        self.linked.begin_with(setup, responses)
    }

    fn room_for_responses(&self) -> usize {
        self.linked.room_for_responses()
    }

    fn predict_of(
        &mut self,
        candidate: Candidate,
        response: usize,
    ) -> Result<Prediction, ControllerError> {
        self.alive()?.predict_of(candidate, response)
    }

    fn choose(&mut self, acquisition: Acquisition) -> Result<(), ControllerError> {
        self.next()?.choose(acquisition)
    }

    fn load_model(&mut self, model: &Model<'_>, version: u32) -> Result<(), ControllerError> {
        self.next()?.load_model(model, version)
    }

    fn measure(&mut self, candidate: Candidate, response: f32) -> Result<(), ControllerError> {
        self.next()?.measure(candidate, response)
    }

    fn measure_all(
        &mut self,
        candidate: Candidate,
        responses: &[f32],
    ) -> Result<(), ControllerError> {
        self.next()?.measure_all(candidate, responses)
    }

    fn reduce_with(
        &mut self,
        scalarizer: Option<Scalarizer>,
        origin: f64,
    ) -> Result<(), ControllerError> {
        self.next()?.reduce_with(scalarizer, origin)
    }

    fn reduce_with_all(&mut self, reductions: &[(Scalarizer, f64)]) -> Result<(), ControllerError> {
        self.next()?.reduce_with_all(reductions)
    }

    fn measure_spectrum_all(
        &mut self,
        candidate: Candidate,
        spectrum: &[f32],
    ) -> Result<Responses, ControllerError> {
        self.next()?.measure_spectrum_all(candidate, spectrum)
    }

    fn exclude(
        &mut self,
        rows: Range<usize>,
        columns: Range<usize>,
    ) -> Result<(), ControllerError> {
        self.alive()?.exclude(rows, columns)
    }

    fn propose(&mut self, expose: bool) -> Result<Proposal, ControllerError> {
        self.next()?.propose(expose)
    }

    fn look_at_surrogate(
        &mut self,
        look: &mut dyn FnMut(&Surrogate<'_>),
    ) -> Result<(), ControllerError> {
        self.alive()?.look_at_surrogate(look)
    }

    fn end(&mut self) -> Result<(), ControllerError> {
        self.alive()?.end()
    }

    fn link(&mut self) -> Option<LinkReport> {
        self.linked.link()
    }
}
