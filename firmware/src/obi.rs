//! Open Beam Interface: the byte commands that drive an FPGA scan generator, and how exposures
//! are made of them.

mod driver;

pub use driver::{Burst, Driver};

/// Largest coordinate: the scan generator's converters have 14 bits.
pub const LARGEST_CODE: u16 = (1 << 14) - 1;

/// Counts of a dwell in a microsecond: a count is 125 ns.
pub const COUNTS_PER_US: u32 = 8;

/// Shortest dwell that is exact to a count over a serial line of `baud` bits a second, in µs.
///
/// The byte that blanks follows the pixel's last one over the line, ten bits long: shorter dwells
/// would all last as long as it. The generator has a microsecond to take it in.
pub const fn shortest_dwell_us(baud: u32) -> u32 {
    10_000_000_u32.div_ceil(baud) + 1
}

/// Longest command in bytes.
const LONGEST: usize = 7;

/// One command to the scan generator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Waits until every sample has left the generator, then answers 0xffff and the cookie. What
    /// follows is executed once the answer is taken, and every pixel of it gives a sample of 16
    /// bits.
    Synchronize {
        /// Any value.
        cookie: u16,
    },
    /// Stops a raster scan, and does nothing where there is none.
    Abort,
    /// Takes the microscope's scan and blanking inputs over, or gives them back.
    ExternalControl(bool),
    /// Selects the electron beam. Without a selection every beam is blanked.
    SelectElectronBeam,
    /// Takes the beam off the specimen after the pixels before.
    Blank,
    /// Takes the beam off the specimen with the next pixel.
    BlankWithPixel,
    /// Puts the beam on the specimen with the next pixel.
    UnblankWithPixel,
    /// Moves to a point, origin at the top left, and holds it for `dwell` + 1 counts.
    VectorPixel {
        /// Converter code to the right.
        x: u16,
        /// Converter code downwards.
        y: u16,
        /// Counts less one. From [`Command::UnblankWithPixel`] to a [`Command::Blank`] that waits
        /// behind the pixel the beam is on for this many: it goes off with the last count.
        dwell: u16,
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
            // A sample that nobody takes would stop the generator in the middle of the pixel after
            // it, with the beam on: behind every pixel a Synchronize keeps that one back.
            Self::Synchronize { cookie } => Encoded::new(0x00, &[cookie]),
            Self::Abort => Encoded::new(0x10, &[]),
            Self::ExternalControl(on) => Encoded::new(0x30 | u8::from(on), &[]),
            Self::SelectElectronBeam => Encoded::new(0x41, &[]),
            Self::Blank => Encoded::new(0x51, &[]),
            Self::UnblankWithPixel => Encoded::new(0x52, &[]),
            Self::BlankWithPixel => Encoded::new(0x53, &[]),
            Self::VectorPixel { x, y, dwell } => Encoded::new(0xe0, &[x, y, dwell]),
        }
    }
}

/// Bytes that blank the beam whatever the generator was told before, if it has power and takes
/// them. A command that was cut in half takes up to six bytes as its operands: Abort is harmless as
/// a command, and as a dwell it is 0.5 ms at most, where Blank would be 2.6 ms.
const RECOVER: [u8; 9] = [0x10, 0x10, 0x10, 0x10, 0x10, 0x10, 0x51, 0x51, 0x53];

/// Bytes that the line takes 1.3 ms for: longer than pixels can hold the generator, behind which
/// its FIFO is full and loses what comes.
const INSISTING: usize = 200;

/// What a reset and a fault send: the bytes that end a command cut in half and blank, and Blank until
/// one is bound to be taken.
pub fn recover_after_a_cut() -> impl Iterator<Item = u8> {
    const BLANK: u8 = RECOVER[6];
    const BLANK_WITH_PIXEL: u8 = RECOVER[8];
    let insisting = core::iter::repeat_n(BLANK, INSISTING);
    let blanks = insisting.chain([BLANK_WITH_PIXEL]);
    RECOVER.into_iter().chain(blanks)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From the interface's public encoder: do not change.
    const GOLDEN: [(Command, &[u8]); 9] = [
        (Command::Synchronize { cookie: 0x1235 }, &[0x00, 0x12, 0x35]),
        (Command::Abort, &[0x10]),
        (Command::ExternalControl(false), &[0x30]),
        (Command::ExternalControl(true), &[0x31]),
        (Command::SelectElectronBeam, &[0x41]),
        (Command::Blank, &[0x51]),
        (Command::UnblankWithPixel, &[0x52]),
        (Command::BlankWithPixel, &[0x53]),
        (
            Command::VectorPixel {
                x: 0x1234,
                y: 0x0abc,
                dwell: 100,
            },
            &[0xe0, 0x12, 0x34, 0x0a, 0xbc, 0x00, 0x64],
        ),
    ];

    #[test]
    fn commands_have_the_bytes_of_the_public_encoder() {
        for (command, bytes) in GOLDEN {
            assert_eq!(command.encode().as_ref(), bytes, "{command:?}");
        }
    }

    #[test]
    fn recovering_is_the_longest_commands_operands_and_two_ways_to_blank() {
        let (filling, blanking) = RECOVER.split_at(LONGEST - 1);
        assert!(
            filling
                .iter()
                .all(|byte| [*byte] == Command::Abort.encode().as_ref())
        );
        let commands =
            [Command::Blank, Command::Blank, Command::BlankWithPixel].map(Command::encode);
        assert_eq!(blanking, commands.each_ref().map(AsRef::as_ref).concat());
    }
}
