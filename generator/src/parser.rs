//! Bytes to commands.

/// The kinds of commands: the upper four bits of the first byte.
pub(crate) mod kind {
    pub(crate) const SYNCHRONIZE: u8 = 0x0;
    pub(crate) const ABORT: u8 = 0x1;
    pub(crate) const FLUSH: u8 = 0x2;
    pub(crate) const EXTERNAL_CONTROL: u8 = 0x3;
    pub(crate) const BEAM_SELECT: u8 = 0x4;
    pub(crate) const BLANK: u8 = 0x5;
    pub(crate) const DELAY: u8 = 0x6;
    pub(crate) const ARRAY: u8 = 0x8;
    pub(crate) const RASTER_FILL: u8 = 0x9;
    pub(crate) const RASTER_REGION: u8 = 0xa;
    pub(crate) const RASTER_PIXEL: u8 = 0xb;
    pub(crate) const RASTER_RUN: u8 = 0xc;
    pub(crate) const RASTER_FREE_RUN: u8 = 0xd;
    pub(crate) const VECTOR: u8 = 0xe;
    pub(crate) const VECTOR_MIN_DWELL: u8 = 0xf;
}

/// Most bytes after the first.
const LONGEST: usize = 12;

/// A command as the executor takes it. Bytes that its kind does not have are those of the
/// commands before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Command {
    /// Upper four bits of the first byte.
    pub(crate) kind: u8,
    /// Lower four.
    pub(crate) flags: u8,
    operands: [u8; LONGEST],
}

impl Command {
    /// The operand word of that number.
    pub(crate) fn word(&self, index: usize) -> u16 {
        u16::from_be_bytes([self.operands[2 * index], self.operands[2 * index + 1]])
    }
}

/// Operand bytes of a kind; `None` for the one that is no command.
fn operands(kind: u8) -> Option<usize> {
    Some(match kind {
        kind::ABORT..=kind::BLANK => 0,
        kind::RASTER_REGION => 12,
        kind::RASTER_RUN | kind::VECTOR_MIN_DWELL => 4,
        kind::VECTOR => 6,
        0x7 => return None,
        _ => 2,
    })
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Waits for a command's first byte.
    #[default]
    Kind,
    /// Waits for the operand byte of that number.
    Operand(usize),
    /// Waits for the executor.
    Submit,
}

/// Assembles commands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Parser {
    state: State,
    command: Command,
    /// Repetitions of the command that an array command announced.
    repetitions: u16,
}

impl Parser {
    /// Whether it takes a byte in this cycle.
    pub(crate) fn ready(&self) -> bool {
        self.state != State::Submit
    }

    /// The command that it offers in this cycle.
    pub(crate) fn offer(&self) -> Option<Command> {
        (self.state == State::Submit && self.command.kind != kind::ARRAY).then_some(self.command)
    }

    /// One cycle: `byte` arrives, or the executor takes the command.
    pub(crate) fn tick(&mut self, byte: Option<u8>, taken: bool) {
        match (self.state, byte) {
            (State::Kind, Some(byte)) => {
                self.command.kind = byte >> 4;
                self.command.flags = byte & 0xf;
                self.state = self.first().unwrap_or(State::Kind);
            }
            (State::Operand(index), Some(byte)) => {
                self.command.operands[index] = byte;
                let last = operands(self.command.kind).unwrap_or(0);
                self.state = if index + 1 < last {
                    State::Operand(index + 1)
                } else {
                    State::Submit
                };
            }
            (State::Submit, _) if self.command.kind == kind::ARRAY => {
                self.repetitions = self.command.word(0);
                self.command = Command {
                    kind: self.command.flags,
                    ..Command::default()
                };
                self.state = self.first().unwrap_or(State::Submit);
            }
            (State::Submit, _) if taken => {
                self.state = State::Kind;
                if self.repetitions > 0 {
                    self.repetitions -= 1;
                    self.state = self.first().unwrap_or(State::Submit);
                }
            }
            _ => {}
        }
    }

    /// The state after a command's kind; `None` when it is no command.
    fn first(&self) -> Option<State> {
        operands(self.command.kind).map(|count| match count {
            0 => State::Submit,
            _ => State::Operand(0),
        })
    }
}
