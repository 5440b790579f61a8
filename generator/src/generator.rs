//! The generator: all its parts, its pins and its output.

use std::collections::VecDeque;

use crate::CYCLES_PER_COUNT;
use crate::detector::Detector;
use crate::executor::Executor;
use crate::front::{BYTE_TENTHS, Front, Input};
use crate::parser::Parser;
use crate::pipeline::Pipeline;

/// What the generator does to the column.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pins {
    /// Converter code to the right, 14 bits.
    pub x: u16,
    /// Converter code downwards, 14 bits.
    pub y: u16,
    /// Blanks the electron beam.
    pub electron_blank: bool,
    /// Blanks the ion beam.
    pub ion_blank: bool,
    /// Takes blanking over from the column.
    pub blank_enable: bool,
}

impl Pins {
    /// Whether the generator has the electron beam on the specimen.
    pub fn beam_on(&self) -> bool {
        self.blank_enable && !self.electron_blank
    }
}

/// Who takes the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// Every byte at once.
    Direct,
    /// A serial line of 1 562 500 baud: a byte every 6.4 µs.
    Uart,
    /// So many more bytes, at once; then nobody.
    StopsAfter(u64),
}

/// Everything that a clock cycle changes, but for the dwell counter.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Registers {
    parser: Parser,
    executor: Executor,
    pipeline: Pipeline,
}

/// A scan generator from power-up.
#[derive(Clone, Debug)]
pub struct Generator {
    now: u64,
    registers: Registers,
    dwelt: u16,
    input: Input,
    reader: Reader,
    detector: Detector,
    /// When the output's line is free, in tenths of a cycle.
    output_free_tenths: u64,
    output: VecDeque<(u64, u8)>,
}

impl Generator {
    /// A generator that was just powered up.
    pub fn new(front: Front, reader: Reader) -> Self {
        Self {
            now: 0,
            registers: Registers {
                parser: Parser::default(),
                executor: Executor::new(),
                pipeline: Pipeline::new(),
            },
            dwelt: 0,
            input: Input::new(front),
            reader,
            detector: Detector::default(),
            output_free_tenths: 0,
            output: VecDeque::new(),
        }
    }

    /// Power fails and comes back: everything in it is lost, time goes on.
    pub fn power_cycle(&mut self) {
        *self = Self {
            now: self.now,
            detector: self.detector.clone(),
            ..Self::new(self.input.front(), self.reader)
        };
    }

    /// Clock cycles since the first power-up.
    pub fn now(&self) -> u64 {
        self.now
    }

    /// Changes who takes the output.
    pub fn set_reader(&mut self, reader: Reader) {
        self.reader = reader;
    }

    /// Changes what the detector sees.
    pub fn set_detector(&mut self, detector: Detector) {
        self.detector = detector;
    }

    /// Sends a byte now, or as soon as the line is free.
    pub fn send(&mut self, byte: u8) {
        self.input.send(byte, self.now);
    }

    /// When the line has sent everything, in cycles.
    pub fn line_free(&self) -> u64 {
        self.input.free()
    }

    /// Whether every byte that was sent was taken or lost.
    pub fn took_everything(&self) -> bool {
        self.input.is_empty()
    }

    /// Bytes that found the FIFO full.
    pub fn lost(&self) -> u64 {
        self.input.lost()
    }

    /// The next byte of output, with the cycle in which it has arrived at its reader.
    pub fn receive(&mut self) -> Option<(u64, u8)> {
        self.output.pop_front()
    }

    /// The pins as they are.
    pub fn pins(&self) -> Pins {
        let Registers {
            executor, pipeline, ..
        } = &self.registers;
        let (x, y) = pipeline.codes();
        // Selected beams follow the register, others are blanked; 3 is no beam, and blanks none.
        let blanks = |number: u8| {
            executor.external_control
                && match executor.beam {
                    3 => false,
                    beam if beam == number => executor.blank,
                    _ => true,
                }
        };
        Pins {
            x,
            y,
            electron_blank: blanks(1),
            ion_blank: blanks(2),
            blank_enable: executor.external_control,
        }
    }

    /// Runs until a cycle, or until the pins have changed or a byte has left in one before it.
    /// Returns whether one of that happened.
    pub fn run_until(&mut self, cycle: u64) -> bool {
        let before = self.pins();
        while self.now < cycle {
            self.skip(cycle);
            if self.now >= cycle {
                break;
            }
            let output = self.output.len();
            self.tick();
            if self.pins() != before || self.output.len() != output {
                return true;
            }
        }
        false
    }

    /// Whether the generator can do nothing more without another byte.
    pub fn is_idle(&self) -> bool {
        self.input.is_empty() && self.steady().is_some_and(|counts| counts == u64::MAX)
    }

    /// Counts for which nothing changes but the dwell counter if no byte comes: `u64::MAX` when
    /// that does not either. `None` when more changes.
    fn steady(&self) -> Option<u64> {
        let mut later = self.clone_for_a_count();
        for _ in 0..CYCLES_PER_COUNT {
            later.cycle(None, later.output_ready());
            later.now += 1;
        }
        if later.registers != self.registers {
            return None;
        }
        if later.dwelt == self.dwelt {
            return Some(u64::MAX);
        }
        Some(self.registers.pipeline.counts_left(self.dwelt))
    }

    /// Without the queues, which a look ahead does not need.
    fn clone_for_a_count(&self) -> Self {
        Self {
            registers: self.registers.clone(),
            input: Input::new(self.input.front()),
            output: VecDeque::new(),
            detector: self.detector.clone(),
            ..*self
        }
    }

    /// Skips time in which nothing changes but the dwell counter.
    fn skip(&mut self, until: u64) {
        // Looking ahead costs a count: once in a count is enough.
        if !self.now.is_multiple_of(CYCLES_PER_COUNT) {
            return;
        }
        let until = until.min(self.input.next_arrival(self.now).unwrap_or(u64::MAX));
        let until = if self.output_ready() || self.reader != Reader::Uart {
            until
        } else {
            until.min(self.output_free_tenths.div_ceil(10))
        };
        let room = until.saturating_sub(self.now) / CYCLES_PER_COUNT;
        if room < 2 || (self.input.waits(self.now) && self.registers.parser.ready()) {
            return;
        }
        match self.steady() {
            Some(u64::MAX) => self.now += room * CYCLES_PER_COUNT,
            Some(counts) => {
                let counts = counts.min(room);
                self.now += counts * CYCLES_PER_COUNT;
                self.dwelt += counts as u16;
            }
            None => {}
        }
    }

    fn tick(&mut self) {
        let byte = self
            .input
            .offer(self.now)
            .filter(|_| self.registers.parser.ready());
        if byte.is_some() {
            self.input.take();
        }
        let output = self.cycle(byte, self.output_ready());
        self.now += 1;
        if let Some(byte) = output {
            let at = match &mut self.reader {
                Reader::Direct => self.now,
                Reader::Uart => {
                    self.output_free_tenths = 10 * self.now + BYTE_TENTHS;
                    self.output_free_tenths / 10
                }
                Reader::StopsAfter(left) => {
                    *left -= 1;
                    self.now
                }
            };
            self.output.push_back((at, byte));
        }
    }

    fn output_ready(&self) -> bool {
        match self.reader {
            Reader::Direct => true,
            Reader::Uart => self.output_free_tenths <= 10 * self.now,
            Reader::StopsAfter(left) => left > 0,
        }
    }

    /// One clock cycle; returns a byte that goes out.
    fn cycle(&mut self, byte: Option<u8>, reader: bool) -> Option<u8> {
        let beam_on = self.pins().beam_on();
        let detector = &self.detector;
        let Registers {
            parser,
            executor,
            pipeline,
        } = &mut self.registers;
        let cycle = executor.look(pipeline, reader);
        let offered = parser.offer().filter(|_| executor.takes_command());
        let before = (pipeline.takes_point(), pipeline.offers_sample());
        let see = |codes| detector.sample(codes, beam_on);
        let done = pipeline.tick(cycle.point, cycle.takes_sample, &mut self.dwelt, see);
        executor.tick(&cycle, offered, before, done.blank);
        parser.tick(byte, offered.is_some());
        if done.clock {
            executor.clock();
        }
        cycle.output
    }
}
