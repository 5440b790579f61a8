//! The firmware's driver of the scan generator and the model of the generator, at the two ends of
//! a serial line, in virtual time: faults on the line and at both ends, and what the pins do.

use std::collections::VecDeque;

use beacon_firmware::obi::{Driver, recover_after_a_cut, shortest_dwell_us};
use beacon_generator::{CLOCK_HZ, CYCLES_PER_COUNT, Front, Generator, Reader, Record, Stay};
use beacon_kernel::link::Exposure;
use beacon_kernel::link::message::{BeamFault, Reading};

/// Clock cycles of the generator in a millisecond.
pub(super) const MILLISECOND: u64 = CLOCK_HZ / 1000;
/// Clock cycles of the generator in a microsecond.
pub(super) const MICROSECOND: u64 = CLOCK_HZ / 1_000_000;

/// What happens to the bytes of a direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Line {
    /// They arrive.
    #[default]
    Whole,
    /// None arrives after so many.
    CutAfter(u64),
    /// The byte of that number does not arrive, from 0.
    Loses(u64),
    /// The byte of that number arrives with its lowest bit changed, from 0.
    Damages(u64),
}

impl Line {
    fn pass(self, number: u64, byte: u8) -> Option<u8> {
        match self {
            Self::CutAfter(count) if number >= count => None,
            Self::Loses(lost) if number == lost => None,
            Self::Damages(damaged) if number == damaged => Some(byte ^ 1),
            _ => Some(byte),
        }
    }
}

/// Driver, line and generator.
pub(super) struct Driven {
    driver: Driver,
    /// The generator, to be disturbed.
    pub(super) generator: Generator,
    record: Record,
    /// From the driver to the generator.
    pub(super) forth: Line,
    /// From the generator to the driver.
    pub(super) back: Line,
    sent: u64,
    received: u64,
    /// Bytes that the driver has still to send to be reset.
    resets_after: Option<u64>,
    replies: VecDeque<(u64, u8)>,
    next_tick: u64,
    /// How long the controller takes from a byte to what it sends, in clock cycles.
    pub(super) reaction: u64,
}

/// The shortest dwell over the AN500's line, in µs.
pub(super) const SHORTEST_DWELL_US: u32 = shortest_dwell_us(1_562_500);
/// What it is for an interrupt of a 25 MHz core.
const REACTION: u64 = 5 * MICROSECOND;

impl Driven {
    /// Both ends just powered up, and 40 ms later.
    pub(super) fn new(front: Front, reader: Reader) -> Self {
        let mut driven = Self {
            driver: Driver::new(SHORTEST_DWELL_US),
            generator: Generator::new(front, reader),
            record: Record::default(),
            forth: Line::default(),
            back: Line::default(),
            sent: 0,
            received: 0,
            resets_after: None,
            replies: VecDeque::new(),
            next_tick: MILLISECOND,
            reaction: REACTION,
        };
        driven.start();
        driven.run(40 * MILLISECOND);
        assert_eq!(driven.ready(), Ok(()));
        driven
    }

    fn start(&mut self) {
        self.driver = Driver::new(SHORTEST_DWELL_US);
        let recovering: Vec<u8> = recover_after_a_cut().collect();
        self.send(&recovering);
    }

    /// Begins an exposure, settling time and dwell in µs.
    pub(super) fn expose(&mut self, (x, y): (u16, u16), settle_us: u32, dwell_us: u32) {
        // The driver drops the lowest two of 16 bits.
        self.begin(Exposure {
            x: x << 2,
            y: y << 2,
            settle_us,
            dwell_us,
        });
    }

    /// Begins an exposure as a board is told to.
    pub(super) fn begin(&mut self, exposure: Exposure) {
        let burst = self.driver.expose(exposure);
        self.send(burst.as_ref());
    }

    /// Whether an exposure is under way.
    pub(super) fn exposing(&self) -> bool {
        self.driver.exposing()
    }

    /// Blanks.
    pub(super) fn blank(&mut self) {
        let burst = self.driver.blank();
        self.send(burst.as_ref());
    }

    /// Resets the controller once it has sent so many more bytes; it starts again at once.
    pub(super) fn reset_after(&mut self, bytes: u64) {
        self.resets_after = Some(bytes);
    }

    /// Whether the controller has still to be reset.
    pub(super) fn will_reset(&self) -> bool {
        self.resets_after.is_some()
    }

    fn send(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            match self.resets_after {
                Some(0) => {
                    self.resets_after = None;
                    self.start();
                    return;
                }
                Some(left) => self.resets_after = Some(left - 1),
                None => {}
            }
            if let Some(byte) = self.forth.pass(self.sent, byte) {
                self.generator.send(byte);
            }
            self.sent += 1;
        }
    }

    /// Lets so many clock cycles of the generator pass.
    pub(super) fn run(&mut self, cycles: u64) {
        let until = self.generator.now() + cycles;
        while self.generator.now() < until {
            let reply = self.replies.front().map_or(u64::MAX, |(at, _)| *at);
            let next = until.min(self.next_tick).min(reply);
            if next > self.generator.now() {
                self.generator.run_until(next);
                let now = self.generator.now();
                self.record.follow(now, self.generator.pins());
                while let Some((at, byte)) = self.generator.receive() {
                    self.replies.push_back((at.max(now) + self.reaction, byte));
                }
            }
            let now = self.generator.now();
            if let Some(&(at, byte)) = self.replies.front()
                && at <= now
            {
                self.replies.pop_front();
                let number = self.received;
                self.received += 1;
                if let Some(byte) = self.back.pass(number, byte) {
                    let burst = self.driver.receive(byte);
                    self.send(burst.as_ref());
                }
            }
            if now >= self.next_tick {
                self.next_tick += MILLISECOND;
                let burst = self.driver.tick();
                self.send(burst.as_ref());
            }
        }
    }

    /// Runs until the exposure is over by the driver's account; returns how long that took, in
    /// clock cycles. `None` when it takes longer than so many.
    pub(super) fn finish(&mut self, at_most: u64) -> Option<u64> {
        let begun = self.generator.now();
        while self.exposing() {
            if self.generator.now() - begun > at_most {
                return None;
            }
            self.run(100 * MICROSECOND);
        }
        Some(self.generator.now() - begun)
    }

    /// What the pins exposed so far.
    pub(super) fn stays(&self) -> Vec<Stay> {
        self.record.stays(self.generator.now())
    }

    /// What the pins did.
    pub(super) fn record(&mut self) -> &mut Record {
        &mut self.record
    }

    /// Bytes that the driver has sent, and got.
    pub(super) fn bytes(&self) -> (u64, u64) {
        (self.sent, self.received)
    }

    /// Whether an exposure can begin.
    ///
    /// # Errors
    /// What the driver says is wrong.
    pub(super) fn ready(&self) -> Result<(), BeamFault> {
        self.driver.ready()
    }

    /// What the detector gave in the last exposure.
    pub(super) fn reading(&self) -> Option<Reading> {
        self.driver.reading()
    }

    /// What became of the last exposure.
    ///
    /// # Errors
    /// What cut it short.
    pub(super) fn outcome(&self) -> Result<(), BeamFault> {
        self.driver.outcome()
    }
}

/// Counts of 125 ns in clock cycles, rounded down.
pub(super) fn counts(cycles: u64) -> u64 {
    cycles / CYCLES_PER_COUNT
}
