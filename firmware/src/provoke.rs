//! Failures on demand, for tests of what happens then. Never in a release image.

/// Looks for `!panic!`, `!fault!`, `!stack!` and `!hang!` among the raw bytes of the link.
#[derive(Default)]
pub(crate) struct Provocation {
    last: [u8; 7],
}

impl Provocation {
    pub(crate) fn receive(&mut self, byte: u8) {
        self.last.rotate_left(1);
        self.last[6] = byte;
        match &self.last {
            b"!panic!" => panic!("provoked over the link"),
            // Nothing answers at this address.
            b"!fault!" => beacon_firmware::board::fault(),
            b"!stack!" => {
                core::hint::black_box(overflow(0));
            }
            [_, b'!', b'h', b'a', b'n', b'g', b'!'] => loop {
                cortex_m::asm::nop();
            },
            _ => {}
        }
    }
}

/// Calls itself until the stack is used up.
#[allow(unconditional_recursion)]
fn overflow(depth: u32) -> u32 {
    let space = core::hint::black_box([depth; 16]);
    overflow(depth + 1) + space[3]
}
