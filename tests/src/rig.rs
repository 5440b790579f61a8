//! A controller in memory, with a board that writes down what its beam did and a clock that
//! only moves when somebody waits.

use std::collections::VecDeque;
use std::convert::Infallible;

use beacon_kernel::link::message::{BeamFault, Health, Reading, Signals, Which};
use beacon_kernel::link::{Board, Controller, Exposure, Transport};

/// What a beam did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeamEvent {
    /// An exposure began.
    Exposed(Exposure),
    /// It was blanked by command.
    Blanked,
}

/// A board without hardware.
#[derive(Debug, Default)]
pub struct TestBoard {
    /// Everything the beam did.
    pub beam: Vec<BeamEvent>,
    /// What was sent and not fetched yet.
    pub sent: VecDeque<u8>,
    /// Message of the last panic.
    pub panic: Vec<u8>,
    /// What is wrong with what drives the beam.
    pub fault: Option<BeamFault>,
    /// The rate of its line, where it is not the one from reset.
    pub baud: Option<u32>,
    /// Which lines to a detector it uses.
    pub signals: Signals,
    /// Exposures, counted from 1, whose detector is not ready in time, where it is asked.
    pub unready: &'static [usize],
    /// What its detector gives in an exposure, where it has one.
    pub detector: Option<fn(Exposure) -> Reading>,
    /// The shortest dwell that its detector can read, in µs, where that is above its own.
    pub shortest_reading_us: u32,
    /// Whether the last exposure was cut short.
    pub cut: bool,
    /// The present time.
    pub now_us: u64,
    until_us: u64,
}

impl TestBoard {
    /// Rates that its line takes, in bits a second.
    pub const BAUDS: std::ops::RangeInclusive<u32> = 9_600..=3_000_000;

    /// Whether the detector of the last exposure is not ready in time.
    fn waits_in_vain(&self) -> bool {
        let exposed = |event: &&BeamEvent| matches!(event, BeamEvent::Exposed(_));
        let last = self.beam.iter().filter(exposed).count();
        self.signals.ready_ms.is_some() && self.unready.contains(&last)
    }
}

impl Board for TestBoard {
    fn name(&self) -> &'static str {
        "test"
    }

    fn build(&self) -> &'static str {
        "in memory"
    }

    fn clock_hz(&self) -> u32 {
        0
    }

    fn expose(&mut self, exposure: Exposure) {
        assert!(!self.exposing(), "one exposure cut another short");
        self.beam.push(BeamEvent::Exposed(exposure));
        self.cut = false;
        let takes = if self.waits_in_vain() {
            1000 * self.signals.ready_ms.unwrap_or(0)
        } else {
            exposure.settle_us + exposure.dwell_us
        };
        self.until_us = self.now_us + u64::from(takes);
    }

    fn exposing(&mut self) -> bool {
        self.now_us < self.until_us
    }

    fn beam_ready(&mut self) -> Result<(), BeamFault> {
        self.fault.map_or(Ok(()), Err)
    }

    fn beam_outcome(&mut self) -> Result<(), BeamFault> {
        if self.waits_in_vain() {
            return Err(BeamFault::NotReady);
        }
        self.beam_ready()
    }

    fn set_signals(&mut self, signals: Signals) -> Result<(), Which> {
        self.signals = signals;
        Ok(())
    }

    fn check_baud(&self, baud: u32) -> Result<(), u32> {
        let nearest = baud.clamp(*Self::BAUDS.start(), *Self::BAUDS.end());
        if nearest == baud {
            Ok(())
        } else {
            Err(nearest)
        }
    }

    fn set_baud(&mut self, baud: Option<u32>) {
        self.baud = baud;
    }

    fn has_detector(&self) -> bool {
        self.detector.is_some()
    }

    fn shortest_reading_us(&self) -> u32 {
        self.shortest_dwell_us().max(self.shortest_reading_us)
    }

    fn reading(&mut self) -> Option<Reading> {
        let last = self.beam.iter().rev().find_map(|event| match event {
            BeamEvent::Exposed(exposure) => Some(*exposure),
            BeamEvent::Blanked => None,
        });
        let detector = self.detector.filter(|_| !self.cut)?;
        Some(detector(last?))
    }

    fn blank(&mut self) {
        self.cut |= self.exposing();
        self.until_us = self.now_us;
        self.beam.push(BeamEvent::Blanked);
    }

    fn send(&mut self, frame: &[u8]) {
        self.sent.extend(frame);
    }

    fn health(&mut self) -> Health {
        Health::default()
    }

    fn last_panic(&self) -> &[u8] {
        &self.panic
    }

    fn clear_panic(&mut self) {
        self.panic.clear();
    }
}

/// A controller with its board, reached as a transport.
pub struct Rig<'a> {
    /// The controller.
    pub controller: Controller<'a>,
    /// Its board.
    pub board: TestBoard,
    /// The rate of the host's end, where it is not the board's from reset.
    pub baud: Option<u32>,
    now_ms: u64,
    to_controller: VecDeque<u8>,
}

impl<'a> Rig<'a> {
    /// A controller that was just reset.
    pub fn new(controller: Controller<'a>) -> Self {
        Self {
            controller,
            board: TestBoard::default(),
            baud: None,
            now_ms: 0,
            to_controller: VecDeque::new(),
        }
    }

    /// Lets time pass; the controller's main loop turns once a millisecond.
    pub fn pass(&mut self, milliseconds: u32) {
        for _ in 0..milliseconds {
            self.now_ms += 1;
            self.turn();
        }
    }

    /// Lets time pass in which the main loop is held up.
    pub fn stall(&mut self, milliseconds: u64) {
        self.now_ms += milliseconds;
    }

    /// One turn of the main loop.
    fn turn(&mut self) {
        self.board.now_us = self.now_ms * 1000;
        while let Some(byte) = self.to_controller.pop_front() {
            if self.controller.receive(byte) {
                self.controller.poll(self.now_ms, &mut self.board);
            }
        }
        self.controller.poll(self.now_ms, &mut self.board);
        // No byte waits: the main loop works ahead.
        self.controller.idle();
    }

    /// Exposures in order.
    pub fn exposures(&self) -> impl Iterator<Item = Exposure> {
        self.board.beam.iter().filter_map(|event| match event {
            BeamEvent::Exposed(exposure) => Some(*exposure),
            BeamEvent::Blanked => None,
        })
    }
}

impl Transport for Rig<'_> {
    type Error = Infallible;

    fn send(&mut self, bytes: &[u8]) -> Result<(), Infallible> {
        // At another rate none of them is read as it was sent.
        let damage = if self.baud == self.board.baud {
            0
        } else {
            0x5A
        };
        self.to_controller
            .extend(bytes.iter().map(|byte| byte ^ damage));
        self.turn();
        Ok(())
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> Result<usize, Infallible> {
        for _ in 0..timeout_ms {
            if !self.board.sent.is_empty() {
                break;
            }
            self.pass(1);
        }
        let length = buffer.len().min(self.board.sent.len());
        for (slot, byte) in buffer.iter_mut().zip(self.board.sent.drain(..length)) {
            *slot = byte;
        }
        Ok(length)
    }

    fn now_ms(&mut self) -> u64 {
        self.now_ms
    }
}
