//! Exposures as commands, without hardware: bytes and milliseconds come in, bytes go out.
//!
//! An exposure is a row of pixels, none longer than [`LONGEST_PIXEL`]: first blanked ones, which
//! move and settle, then those of the dwell. Every pixel of the dwell unblanks with its first
//! count and is followed by the byte that blanks, so that a controller that stops sending leaves
//! the beam off. Every pixel is followed by Synchronize with a cookie of its own. The generator's
//! answer says that the pixel is over and sends the next one on its way; [`WINDOW`] pixels are on
//! their way at a time. What times the exposure is the generator's clock alone.
//!
//! Between two pixels of a dwell the beam is off for the answer's time, which counts as no dwell.
//!
//! Before its answer the generator sends a pixel's sample: the detector's mean over it, of which the
//! driver makes the mean over the dwell.
//!
//! While nothing is exposed, and first after a reset, the generator is asked for an answer every [`HEARTBEAT_MS`]. Control
//! and beam are chosen anew with every question, so that one that was restarted is blanked again.

use beacon_kernel::link::Exposure;
use beacon_kernel::link::message::{BeamFault, Reading};

use super::{COUNTS_PER_US, Command, LARGEST_CODE, RECOVER};

/// Longest pixel, in counts: 450 µs. Two of them with what lies between take effect within the
/// millisecond in which a blanked beam has to be off.
const LONGEST_PIXEL: u32 = 450 * COUNTS_PER_US;
/// Pixels that are sent before the first one's answer has come. The second one waits in the
/// generator's FIFO, which has room for one.
const WINDOW: usize = 2;
/// How long an answer may take, in ms. It takes half a millisecond; a busy emulator takes longer.
const PATIENCE_MS: u16 = 500;
/// How often an idle generator is asked, in ms.
const HEARTBEAT_MS: u16 = 20;
/// The answer to Synchronize before its cookie.
const MARK: u16 = 0xffff;
/// Cookies have 15 bits: none has a byte of the mark in front.
const LARGEST_COOKIE: u16 = 0x7fff;
/// Bytes of a pixel's sample, the mark and the cookie.
const ANSWER: u8 = 6;

/// Bytes to send at once, without a pause.
#[derive(Clone, Copy, Debug)]
pub struct Burst {
    bytes: [u8; Self::LONGEST],
    length: usize,
}

impl Burst {
    /// Two pixels with everything around them.
    const LONGEST: usize = 40;

    const fn new() -> Self {
        Self {
            bytes: [0; Self::LONGEST],
            length: 0,
        }
    }

    fn extend(&mut self, bytes: &[u8]) {
        let free = self.bytes.get_mut(self.length..).unwrap_or_default();
        for (slot, byte) in free.iter_mut().zip(bytes) {
            *slot = *byte;
            self.length += 1;
        }
    }

    fn push(&mut self, command: Command) {
        self.extend(command.encode().as_ref());
    }
}

impl AsRef<[u8]> for Burst {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

/// What is left to be sent of an exposure.
#[derive(Clone, Copy, Debug)]
struct Plan {
    x: u16,
    y: u16,
    settle: u32,
    dwell: u32,
}

/// What a question was asked behind.
#[derive(Clone, Copy, Debug)]
enum Asked {
    /// Nothing: whether the generator is there.
    Presence,
    /// A pixel whose sample nobody wants.
    Pixel,
    /// A pixel with the beam on for so many counts.
    Dwell(u32),
}

/// What the detector has given in the dwell so far.
#[derive(Clone, Copy, Debug, Default)]
struct Detected {
    /// Samples, each times the counts of its pixel.
    sum: u64,
    counts: u32,
    saturated: bool,
}

impl Detected {
    fn add(&mut self, sample: u16, counts: u32) {
        self.sum = self
            .sum
            .saturating_add(u64::from(sample) * u64::from(counts));
        self.counts = self.counts.saturating_add(counts);
        self.saturated |= sample >= LARGEST_CODE;
    }
}

/// Drives a scan generator. Every method returns what has to be sent at once.
#[derive(Clone, Copy, Debug)]
pub struct Driver {
    /// Shortest pixel with the beam on, in counts.
    shortest: u32,
    plan: Option<Plan>,
    /// Whether an exposure is under way: pixels may still be on their way when all is sent.
    exposing: bool,
    /// What became of the last exposure.
    outcome: Result<(), BeamFault>,
    /// Whether an exposure can begin.
    ready: Result<(), BeamFault>,
    /// The cookie of the next question.
    cookie: u16,
    /// Questions that were not answered yet.
    awaiting: usize,
    /// What they were asked behind, the oldest first.
    asked: [Asked; WINDOW],
    /// Milliseconds since something was sent or answered.
    waited_ms: u16,
    /// The last bytes that came since the last answer, and how many.
    recent: u64,
    bytes: u8,
    detected: Detected,
    /// An answer came since the last right one that was not expected.
    strange: bool,
}

impl Driver {
    /// A driver of a generator that has not answered yet, at the end of a line that keeps dwells
    /// from [`shortest_dwell_us`](super::shortest_dwell_us) on.
    pub const fn new(shortest_dwell_us: u32) -> Self {
        Self {
            shortest: shortest_dwell_us.saturating_mul(COUNTS_PER_US),
            plan: None,
            exposing: false,
            outcome: Ok(()),
            ready: Err(BeamFault::Silent),
            cookie: 1,
            awaiting: 0,
            asked: [Asked::Presence; WINDOW],
            waited_ms: 0,
            recent: 0,
            bytes: 0,
            detected: Detected {
                sum: 0,
                counts: 0,
                saturated: false,
            },
            strange: false,
        }
    }

    /// Begins an exposure; one that is under way is given up.
    pub fn expose(&mut self, exposure: Exposure) -> Burst {
        let mut burst = Burst::new();
        // The generator's codes have 14 bits.
        let (x, y) = (exposure.x >> 2, exposure.y >> 2);
        let counts = |us: u32| us.saturating_mul(COUNTS_PER_US);
        self.plan = Some(Plan {
            x,
            y,
            // Moving takes a count at least.
            settle: counts(exposure.settle_us).max(1),
            // Without a dwell the blanked beam only moves.
            dwell: match counts(exposure.dwell_us) {
                0 => 0,
                dwell => dwell.max(self.shortest),
            },
        });
        self.exposing = true;
        self.outcome = Ok(());
        self.forget_samples();
        take_over(&mut burst);
        self.go_on(&mut burst);
        burst
    }

    /// Blanks and gives up the exposure. Pixels that are on their way still end by themselves,
    /// within a millisecond.
    pub fn blank(&mut self) -> Burst {
        let mut burst = Burst::new();
        self.plan = None;
        self.exposing &= self.awaiting > 0;
        self.forget_samples();
        blank(&mut burst);
        burst
    }

    /// Takes a byte from the generator.
    pub fn receive(&mut self, byte: u8) -> Burst {
        let mut burst = Burst::new();
        self.recent = self.recent << 8 | u64::from(byte);
        self.bytes = self.bytes.saturating_add(1);
        let answered = self.recent as u16;
        // A sample may end with a byte of the mark, which the last byte of the mark then is not.
        if (self.recent >> 16) as u16 != MARK || answered >> 8 == MARK >> 8 {
            return burst;
        }
        let sample = (self.recent >> 32) as u16;
        let whole = self.bytes == ANSWER;
        self.recent = 0;
        self.bytes = 0;
        // How many questions ago it was asked, from 1.
        let ago = self.cookie.wrapping_sub(answered) & LARGEST_COOKIE;
        if ago == 0 || ago > self.awaiting as u16 {
            self.strange = true;
            return burst;
        }
        let [asked, next] = self.asked;
        if ago < self.awaiting as u16 || !(whole || matches!(asked, Asked::Presence)) {
            // The answer before it is missing, and with it perhaps a pixel; or a byte of its sample.
            self.fail(&mut burst);
            return burst;
        }
        if let Asked::Dwell(counts) = asked {
            self.detected.add(sample, counts);
        }
        self.asked = [next; WINDOW];
        self.awaiting -= 1;
        self.waited_ms = 0;
        self.strange = false;
        self.ready = Ok(());
        self.go_on(&mut burst);
        if self.exposing && self.plan.is_none() && self.awaiting == 0 {
            self.exposing = false;
            // Once more: the byte that blanked may have been lost.
            blank(&mut burst);
        }
        burst
    }

    /// A millisecond has passed.
    pub fn tick(&mut self) -> Burst {
        let mut burst = Burst::new();
        self.waited_ms = self.waited_ms.saturating_add(1);
        if self.awaiting > 0 && self.waited_ms >= PATIENCE_MS {
            self.fail(&mut burst);
        } else if self.awaiting == 0 && self.waited_ms >= HEARTBEAT_MS {
            take_over(&mut burst);
            self.ask(Asked::Presence, &mut burst);
        }
        burst
    }

    /// Whether an exposure is under way.
    pub fn exposing(&self) -> bool {
        self.exposing
    }

    /// Whether an exposure can begin.
    ///
    /// # Errors
    /// What is wrong with the generator.
    pub fn ready(&self) -> Result<(), BeamFault> {
        self.ready
    }

    /// Whether the last exposure went as it was asked for, as far as it has come.
    ///
    /// # Errors
    /// What cut it short.
    pub fn outcome(&self) -> Result<(), BeamFault> {
        self.outcome
    }

    /// What the detector gave over the dwell of the last exposure; `None` while it is under way, and
    /// when it was cut short.
    pub fn reading(&self) -> Option<Reading> {
        let Detected {
            sum,
            counts,
            saturated,
        } = self.detected;
        let whole = !self.exposing && self.outcome.is_ok() && counts > 0;
        whole.then(|| Reading {
            value: (sum as f64 / f64::from(counts)) as f32,
            saturated,
            overflowed: false,
        })
    }

    /// Has the samples that are on their way belong to no dwell.
    fn forget_samples(&mut self) {
        self.detected = Detected::default();
        self.asked = self.asked.map(|asked| match asked {
            Asked::Dwell(_) => Asked::Pixel,
            other => other,
        });
    }

    /// An answer did not come.
    fn fail(&mut self, burst: &mut Burst) {
        let fault = if self.strange {
            BeamFault::Strange
        } else {
            BeamFault::Silent
        };
        self.ready = Err(fault);
        if self.exposing {
            self.outcome = Err(fault);
        }
        self.plan = None;
        self.exposing = false;
        self.awaiting = 0;
        self.recent = 0;
        self.bytes = 0;
        self.strange = false;
        self.waited_ms = 0;
        // The next question follows when the generator had time to take this in.
        burst.extend(&RECOVER);
    }

    /// Sends pixels while there are some to send and room for them.
    fn go_on(&mut self, burst: &mut Burst) {
        while self.awaiting < WINDOW
            && let Some(mut plan) = self.plan
        {
            let Plan { x, y, .. } = plan;
            let asked = if plan.settle > 0 {
                let counts = plan.settle.min(LONGEST_PIXEL);
                plan.settle -= counts;
                burst.push(Command::BlankWithPixel);
                let dwell = (counts - 1) as u16;
                burst.push(Command::VectorPixel { x, y, dwell });
                Asked::Pixel
            } else {
                let counts = part(plan.dwell, self.shortest);
                plan.dwell -= counts;
                burst.push(Command::UnblankWithPixel);
                let dwell = counts as u16;
                burst.push(Command::VectorPixel { x, y, dwell });
                blank_after(burst);
                Asked::Dwell(counts)
            };
            self.plan = (plan.settle > 0 || plan.dwell > 0).then_some(plan);
            self.ask(asked, burst);
        }
    }

    /// Asks for an answer.
    fn ask(&mut self, asked: Asked, burst: &mut Burst) {
        let cookie = self.cookie;
        burst.push(Command::Synchronize { cookie });
        self.cookie = after(cookie);
        if let Some(place) = self.asked.get_mut(self.awaiting) {
            *place = asked;
        }
        self.awaiting = self.awaiting.saturating_add(1);
        self.waited_ms = 0;
    }
}

/// Blanks, and takes control of the beam if it is not ours any more.
fn take_over(burst: &mut Burst) {
    blank(burst);
    burst.push(Command::ExternalControl(true));
    burst.push(Command::SelectElectronBeam);
}

/// Takes the beam off after the pixels before. Twice, in case that a byte is lost or damaged.
fn blank_after(burst: &mut Burst) {
    burst.push(Command::Blank);
    burst.push(Command::Blank);
}

/// Takes the beam off, and keeps it off with the next pixel whatever was said of it before.
fn blank(burst: &mut Burst) {
    blank_after(burst);
    burst.push(Command::BlankWithPixel);
}

/// How much of a dwell the next pixel takes, in counts, so that none is shorter than the shortest.
fn part(left: u32, shortest: u32) -> u32 {
    match left.checked_sub(LONGEST_PIXEL) {
        None | Some(0) => left,
        Some(rest) if rest < shortest => left / 2,
        Some(_) => LONGEST_PIXEL,
    }
}

fn after(cookie: u16) -> u16 {
    cookie.wrapping_add(1) & LARGEST_COOKIE
}
