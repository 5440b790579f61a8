//! One command at a time: what it does to blanking, external control, pipeline and output.

use crate::parser::{Command, kind};
use crate::pipeline::{BlankRequest, Pipeline, Point};
use crate::raster::{Asked, Raster, Region};

/// Converter codes have 14 bits.
const CODE: u16 = (1 << 14) - 1;
/// Points on their way are counted in 4 bits.
const IN_FLIGHT: u8 = 0xf;

/// What is written of a sample.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum OutputMode {
    #[default]
    SixteenBit,
    EightBit,
    Nothing,
}

impl OutputMode {
    fn new(bits: u8) -> Self {
        match bits & 3 {
            0 => Self::SixteenBit,
            2 => Self::Nothing,
            // 3 is no mode; what is written of a sample is as in 1.
            _ => Self::EightBit,
        }
    }
}

/// What the output's words are at present.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Words {
    #[default]
    Samples,
    /// The answer to Synchronize: 0xffff.
    Mark,
    /// The answer to Synchronize: the cookie.
    Cookie,
}

/// Everything but parser and pipeline.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Executor {
    command: Option<Command>,
    /// Points of a run so far.
    run: u16,
    delay: u16,
    /// Blanking is ours; nothing is blanked before.
    pub(crate) external_control: bool,
    pub(crate) beam: u8,
    mode: OutputMode,
    words: Words,
    /// The low byte of a word whose high byte was written.
    low: Option<u8>,
    in_flight: u8,
    with_point: BlankRequest,
    at_once: BlankRequest,
    next_blank: bool,
    pub(crate) blank: bool,
    raster: Raster,
    region: Region,
}

/// What the parts outside do in a cycle.
#[derive(Clone, Copy, Default)]
pub(crate) struct Cycle {
    /// A point goes to the pipeline.
    pub(crate) point: Option<Point>,
    /// The pipeline's sample is taken.
    pub(crate) takes_sample: bool,
    /// A byte goes out.
    pub(crate) output: Option<u8>,
    /// The low byte of the sample that is taken.
    low: u8,
    asked: Asked,
    submits: bool,
    ends: bool,
}

impl Executor {
    pub(crate) fn new() -> Self {
        Self {
            // The register's value after configuration of the FPGA.
            blank: true,
            ..Self::default()
        }
    }

    /// Whether it takes the command that is offered in this cycle.
    pub(crate) fn takes_command(&self) -> bool {
        self.command.is_none()
    }

    /// What is done in this cycle, given the pipeline and whether somebody takes output.
    pub(crate) fn look(&self, pipeline: &Pipeline, reader: bool) -> Cycle {
        let mut cycle = Cycle::default();
        let (word, offered) = match self.words {
            Words::Samples => (pipeline.sample(), pipeline.offers_sample()),
            Words::Mark => (0xffff, true),
            Words::Cookie => (self.command.map_or(0, |command| command.word(0)), true),
        };
        let mode = match self.words {
            Words::Samples => self.mode,
            Words::Mark | Words::Cookie => OutputMode::SixteenBit,
        };
        let word_taken = if let Some(low) = self.low {
            cycle.output = reader.then_some(low);
            false
        } else {
            if !matches!(mode, OutputMode::Nothing) && offered && reader {
                cycle.output = Some((word >> 8) as u8);
            }
            cycle.low = word as u8;
            matches!(mode, OutputMode::Nothing) || reader
        };
        cycle.takes_sample = self.words == Words::Samples && word_taken;
        let Some(command) = self.command else {
            return cycle;
        };
        let free = pipeline.takes_point();
        let raster_point = self.raster.takes_point(free);
        match command.kind {
            kind::SYNCHRONIZE => cycle.ends = self.words == Words::Cookie && word_taken,
            kind::ABORT => {
                cycle.asked.abort = true;
                cycle.ends = true;
            }
            kind::FLUSH => cycle.ends = true,
            kind::DELAY => cycle.ends = self.delay == command.word(0),
            kind::EXTERNAL_CONTROL | kind::BEAM_SELECT => cycle.ends = free,
            kind::BLANK => cycle.ends = free || command.flags & 2 != 0,
            kind::RASTER_REGION => {
                cycle.asked.connected = true;
                cycle.asked.abort = true;
                cycle.asked.region = Some(Region::new(&command));
                cycle.ends = self.raster.takes_region();
            }
            kind::RASTER_PIXEL | kind::RASTER_RUN | kind::RASTER_FILL => {
                cycle.asked.connected = true;
                cycle.submits = raster_point;
                let ended = self.raster.takes_region();
                cycle.asked.point = command.kind != kind::RASTER_FILL || !ended;
                cycle.ends = match command.kind {
                    kind::RASTER_PIXEL => raster_point,
                    kind::RASTER_RUN => raster_point && self.run == command.word(0),
                    _ => ended,
                };
            }
            kind::RASTER_FREE_RUN => {
                // A next command would end it, but none is offered before this one has ended.
                cycle.asked.connected = true;
                cycle.asked.region = Some(self.region);
                cycle.asked.point = true;
                cycle.submits = raster_point;
            }
            kind::VECTOR | kind::VECTOR_MIN_DWELL => {
                cycle.submits = free;
                cycle.ends = free;
            }
            // No command: nothing ends it.
            _ => {}
        }
        if cycle.submits {
            let (x, y, dwell) = match command.kind {
                kind::VECTOR | kind::VECTOR_MIN_DWELL => (
                    command.word(0) & CODE,
                    command.word(1) & CODE,
                    command.word(2),
                ),
                of_raster => {
                    let (x, y) = self.raster.position();
                    let operand = usize::from(of_raster == kind::RASTER_RUN);
                    (x, y, command.word(operand))
                }
            };
            cycle.point = Some(Point {
                x,
                y,
                dwell,
                blank: self.with_point,
            });
        }
        cycle
    }

    /// The end of a cycle. `blank` is what the pipeline's point asks for.
    pub(crate) fn tick(
        &mut self,
        cycle: &Cycle,
        offered: Option<Command>,
        pipeline: (bool, bool),
        blank: BlankRequest,
    ) {
        let (free, sample) = pipeline;
        self.raster.tick(cycle.asked, free);
        self.write(cycle, sample);
        if blank.pending {
            self.next_blank = blank.blank;
        } else if self.at_once.pending {
            self.next_blank = self.at_once.blank;
            self.at_once.pending = false;
        }
        if cycle.submits {
            self.with_point.pending = false;
        }
        let retired = cycle.takes_sample && sample;
        self.in_flight = self
            .in_flight
            .wrapping_add(u8::from(cycle.submits))
            .wrapping_sub(u8::from(retired))
            & IN_FLIGHT;
        let Some(command) = self.command else {
            self.command = offered;
            return;
        };
        let flag = |bit: u8| command.flags >> bit & 1 == 1;
        match command.kind {
            kind::DELAY => self.delay = if cycle.ends { 0 } else { self.delay + 1 },
            kind::RASTER_REGION => self.region = Region::new(&command),
            kind::RASTER_RUN if cycle.submits => {
                self.run = if cycle.ends {
                    0
                } else {
                    self.run.wrapping_add(1)
                };
            }
            kind::SYNCHRONIZE if cycle.ends => self.mode = OutputMode::new(command.flags >> 1),
            kind::EXTERNAL_CONTROL if cycle.ends => {
                self.external_control = flag(0);
            }
            kind::BEAM_SELECT if cycle.ends => self.beam = command.flags & 3,
            kind::BLANK if cycle.ends => {
                let request = BlankRequest {
                    blank: flag(0),
                    pending: true,
                };
                if flag(1) {
                    self.with_point = request;
                } else {
                    self.at_once = request;
                }
            }
            _ => {}
        }
        if cycle.ends {
            self.command = None;
        }
    }

    /// The converters' clock rises.
    pub(crate) fn clock(&mut self) {
        self.blank = self.next_blank;
    }

    /// The end of a cycle for the output.
    fn write(&mut self, cycle: &Cycle, sample: bool) {
        let synchronizes = self
            .command
            .is_some_and(|command| command.kind == kind::SYNCHRONIZE);
        if self.low.is_some() {
            if cycle.output.is_some() {
                self.low = None;
            }
            if self.words == Words::Samples && self.in_flight == 0 && synchronizes {
                self.words = Words::Mark;
            }
            return;
        }
        match self.words {
            Words::Samples => {
                if sample && cycle.output.is_some() && self.mode == OutputMode::SixteenBit {
                    self.low = Some(cycle.low);
                }
                if self.in_flight == 0 && synchronizes {
                    self.words = Words::Mark;
                }
            }
            Words::Mark if cycle.output.is_some() => {
                self.low = Some(0xff);
                self.words = Words::Cookie;
            }
            Words::Cookie if cycle.output.is_some() => {
                self.low = self.command.map(|command| command.word(0) as u8);
                self.words = Words::Samples;
            }
            Words::Mark | Words::Cookie => {}
        }
    }
}
