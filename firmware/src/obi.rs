//! Open Beam Interface: the byte commands that drive an FPGA scan generator.
//!
//! Every command is one opcode byte, most of them followed by big-endian 16-bit words. Encoding
//! and decoding are inverse: whatever can be built is read back.

/// Largest coordinate: the scan generator's converters have 14 bits.
pub const LARGEST_CODE: u16 = (1 << 14) - 1;

/// Nanoseconds in one count of a dwell.
pub const DWELL_NANOSECONDS: u32 = 125;

/// Longest command in bytes.
pub const LONGEST: usize = 7;

/// One command to the scan generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Starts a stream; the generator repeats the cookie before its first sample.
    Synchronize {
        /// Any value.
        cookie: u16,
    },
    /// Asks for everything sampled so far.
    Flush,
    /// Takes the microscope's scan inputs over, or gives them back.
    ExternalControl(bool),
    /// Takes the beam off the specimen.
    Blank,
    /// Puts the beam on the specimen.
    Unblank,
    /// Does nothing for a number of the generator's clock cycles.
    Delay(u16),
    /// Moves to a point, origin at the top left, and dwells.
    VectorPixel {
        /// Converter code to the right.
        x: u16,
        /// Converter code downwards.
        y: u16,
        /// Counts of [`DWELL_NANOSECONDS`].
        dwell: u16,
    },
    /// Moves to a point and dwells as briefly as the generator can.
    VectorPixelMinDwell {
        /// Converter code to the right.
        x: u16,
        /// Converter code downwards.
        y: u16,
    },
}

/// The bytes of one command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Encoded {
    bytes: [u8; LONGEST],
    length: usize,
}

impl Encoded {
    fn new(opcode: u8, words: &[u16]) -> Self {
        let mut bytes = [0; LONGEST];
        let (first, rest) = bytes.split_at_mut(1);
        first.fill(opcode);
        for (slot, word) in rest.chunks_exact_mut(2).zip(words) {
            slot.copy_from_slice(&word.to_be_bytes());
        }
        Self {
            bytes,
            length: 1 + 2 * words.len(),
        }
    }
}

impl AsRef<[u8]> for Encoded {
    fn as_ref(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

impl Command {
    /// The command's bytes.
    pub fn encode(self) -> Encoded {
        match self {
            Self::Synchronize { cookie } => Encoded::new(0x00, &[cookie]),
            Self::Flush => Encoded::new(0x20, &[]),
            Self::ExternalControl(on) => Encoded::new(0x30 | u8::from(on), &[]),
            Self::Unblank => Encoded::new(0x50, &[]),
            Self::Blank => Encoded::new(0x51, &[]),
            Self::Delay(cycles) => Encoded::new(0x60, &[cycles]),
            Self::VectorPixel { x, y, dwell } => Encoded::new(0xe0, &[x, y, dwell]),
            Self::VectorPixelMinDwell { x, y } => Encoded::new(0xf0, &[x, y]),
        }
    }

    /// The first command of a byte stream and what follows it; `None` when it is cut short or
    /// not one of ours.
    pub fn decode(bytes: &[u8]) -> Option<(Self, &[u8])> {
        let (&opcode, rest) = bytes.split_first()?;
        Some(match opcode {
            0x00 => {
                let ([cookie], rest) = words(rest)?;
                (Self::Synchronize { cookie }, rest)
            }
            0x20 => (Self::Flush, rest),
            0x30 => (Self::ExternalControl(false), rest),
            0x31 => (Self::ExternalControl(true), rest),
            0x50 => (Self::Unblank, rest),
            0x51 => (Self::Blank, rest),
            0x60 => {
                let ([cycles], rest) = words(rest)?;
                (Self::Delay(cycles), rest)
            }
            0xe0 => {
                let ([x, y, dwell], rest) = words(rest)?;
                (Self::VectorPixel { x, y, dwell }, rest)
            }
            0xf0 => {
                let ([x, y], rest) = words(rest)?;
                (Self::VectorPixelMinDwell { x, y }, rest)
            }
            _ => return None,
        })
    }
}

fn words<const N: usize>(bytes: &[u8]) -> Option<([u16; N], &[u8])> {
    let (head, rest) = bytes.split_at_checked(2 * N)?;
    let mut words = [0; N];
    for (word, pair) in words.iter_mut().zip(head.as_chunks().0) {
        *word = u16::from_be_bytes(*pair);
    }
    Some((words, rest))
}

/// A point that a stream of commands sends the beam to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Visit {
    /// Converter code to the right.
    pub x: u16,
    /// Converter code downwards.
    pub y: u16,
    /// Whether the beam was on the specimen; else it only moved.
    pub exposed: bool,
}

/// Follows the beam through a stream of commands, for tests. What cannot be decoded ends it, and
/// stays in [`Track::rest`].
#[derive(Clone, Debug)]
pub struct Track<'s> {
    rest: &'s [u8],
    blanked: bool,
}

impl<'s> Track<'s> {
    /// From a stream's beginning, where the beam may be on.
    pub const fn new(stream: &'s [u8]) -> Self {
        Self {
            rest: stream,
            blanked: false,
        }
    }

    /// Whether the beam is blanked after what was followed so far.
    pub const fn blanked(&self) -> bool {
        self.blanked
    }

    /// What was not followed yet.
    pub const fn rest(&self) -> &'s [u8] {
        self.rest
    }
}

impl Iterator for Track<'_> {
    type Item = Visit;

    fn next(&mut self) -> Option<Visit> {
        loop {
            let (command, rest) = Command::decode(self.rest)?;
            self.rest = rest;
            match command {
                Command::Blank => self.blanked = true,
                Command::Unblank => self.blanked = false,
                Command::VectorPixel { x, y, .. } | Command::VectorPixelMinDwell { x, y } => {
                    let exposed = !self.blanked;
                    return Some(Visit { x, y, exposed });
                }
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the interface's public encoder: do not change.
    const GOLDEN: [(Command, &[u8]); 10] = [
        (Command::Synchronize { cookie: 0x1235 }, &[0x00, 0x12, 0x35]),
        (Command::Flush, &[0x20]),
        (Command::ExternalControl(false), &[0x30]),
        (Command::ExternalControl(true), &[0x31]),
        (Command::Unblank, &[0x50]),
        (Command::Blank, &[0x51]),
        (Command::Delay(960), &[0x60, 0x03, 0xc0]),
        (
            Command::VectorPixel {
                x: 0x1234,
                y: 0x0abc,
                dwell: 100,
            },
            &[0xe0, 0x12, 0x34, 0x0a, 0xbc, 0x00, 0x64],
        ),
        (
            Command::VectorPixelMinDwell {
                x: 0x1234,
                y: 0x0abc,
            },
            &[0xf0, 0x12, 0x34, 0x0a, 0xbc],
        ),
        (Command::Delay(0xffff), &[0x60, 0xff, 0xff]),
    ];

    #[test]
    fn commands_have_the_bytes_of_the_public_encoder() {
        for (command, bytes) in GOLDEN {
            assert_eq!(command.encode().as_ref(), bytes, "{command:?}");
        }
    }

    #[test]
    fn a_stream_of_commands_is_read_back_in_order() {
        let stream: Vec<u8> = GOLDEN
            .iter()
            .flat_map(|(command, _)| command.encode().as_ref().to_vec())
            .collect();
        let mut rest = &stream[..];
        for (command, _) in GOLDEN {
            let (found, after) = Command::decode(rest).expect("a command");
            assert_eq!(found, command);
            rest = after;
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn a_command_cut_short_and_an_unknown_one_are_no_commands() {
        for (_, bytes) in GOLDEN {
            assert_eq!(Command::decode(&bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(Command::decode(&[0x77, 0, 0]), None);
    }
}
