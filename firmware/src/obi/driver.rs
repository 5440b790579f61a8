//! Exposures as commands, without hardware: bytes and milliseconds come in, bytes go out.
//!
//! An exposure is a row of pixels, none longer than [`LONGEST_PIXEL`]: first blanked ones, which
//! move and settle, then those of the dwell. Every pixel of the dwell unblanks with its first
//! count and is followed by the byte that blanks, so that a controller that stops sending leaves
//! the beam off. Every pixel is followed by Synchronize with a cookie of its own. The generator's
//! answer says that the pixel is over and sends the next one on its way; [`WINDOW`] pixels are on
//! their way at a time. What times the exposure is the generator's clock alone.
//!
//! Between two pixels of a dwell the beam is off for the answer's 14 µs, which count as no dwell.
//!
//! While nothing is exposed, and first after a reset, the generator is asked for an answer every [`HEARTBEAT_MS`]. Control
//! and beam are chosen anew with every question, so that one that was restarted is blanked again.

use beacon_kernel::link::Exposure;
use beacon_kernel::link::message::BeamFault;

use super::{COUNTS_PER_US, Command, RECOVER};

/// Longest pixel, in counts: 450 µs. Two of them with what lies between take effect within the
/// millisecond in which a blanked beam has to be off.
const LONGEST_PIXEL: u32 = 450 * COUNTS_PER_US;
/// Pixels that are sent before the first one's answer has come. The second one waits in the
/// generator's FIFO, which has room for one.
const WINDOW: u8 = 2;
/// How long an answer may take, in ms. It takes half a millisecond; a busy emulator takes longer.
const PATIENCE_MS: u16 = 500;
/// How often an idle generator is asked, in ms.
const HEARTBEAT_MS: u16 = 20;
/// The answer to Synchronize before its cookie.
const MARK: u32 = 0xffff;
/// Cookies have 15 bits: none has a byte of the mark in front.
const LARGEST_COOKIE: u16 = 0x7fff;

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
    awaiting: u8,
    /// Milliseconds since something was sent or answered.
    waited_ms: u16,
    /// The last four bytes that came.
    recent: u32,
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
            waited_ms: 0,
            recent: 0,
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
        blank(&mut burst);
        burst
    }

    /// Takes a byte from the generator.
    pub fn receive(&mut self, byte: u8) -> Burst {
        let mut burst = Burst::new();
        self.recent = self.recent << 8 | u32::from(byte);
        if self.recent >> 16 != MARK {
            return burst;
        }
        let answered = self.recent as u16;
        self.recent = 0;
        // How many questions ago it was asked, from 1.
        let ago = self.cookie.wrapping_sub(answered) & LARGEST_COOKIE;
        if ago == 0 || ago > u16::from(self.awaiting) {
            self.strange = true;
            return burst;
        }
        if ago < u16::from(self.awaiting) {
            // The answer before it is missing, and with it perhaps a pixel.
            self.fail(&mut burst);
            return burst;
        }
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
            self.ask(&mut burst);
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
            if plan.settle > 0 {
                let counts = plan.settle.min(LONGEST_PIXEL);
                plan.settle -= counts;
                burst.push(Command::BlankWithPixel);
                let dwell = (counts - 1) as u16;
                burst.push(Command::VectorPixel { x, y, dwell });
            } else {
                let counts = part(plan.dwell, self.shortest);
                plan.dwell -= counts;
                burst.push(Command::UnblankWithPixel);
                let dwell = counts as u16;
                burst.push(Command::VectorPixel { x, y, dwell });
                blank_after(burst);
            }
            self.plan = (plan.settle > 0 || plan.dwell > 0).then_some(plan);
            self.ask(burst);
        }
    }

    /// Asks for an answer.
    fn ask(&mut self, burst: &mut Burst) {
        let cookie = self.cookie;
        burst.push(Command::Synchronize { cookie });
        self.cookie = after(cookie);
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
