//! What the debugger says on starting an image.

use core::cell::Cell;
use core::str;

use cortex_m_semihosting::{nr, syscall};

/// Bytes of the longest command line that is read, with the zero at its end.
pub(crate) const LENGTH: usize = 64;

/// The argument block of `SYS_GET_CMDLINE`: where the line goes, and the room for it, which the
/// debugger replaces by the line's length.
#[repr(C)]
struct Block {
    line: *mut u8,
    length: Cell<usize>,
}

/// Reads the command line into a buffer; `None` where the debugger has none, or a longer one.
///
/// Source: Arm, "Semihosting for AArch32 and AArch64", `SYS_GET_CMDLINE`.
#[expect(unsafe_code, reason = "the debugger writes to the buffer")]
pub(crate) fn read(buffer: &mut [u8; LENGTH]) -> Option<&str> {
    let block = Block {
        line: buffer.as_mut_ptr(),
        length: Cell::new(buffer.len()),
    };
    // SAFETY: the block is as the call asks, and names a buffer that is borrowed here alone; the
    // debugger writes no more than its length.
    let failed = unsafe { syscall(nr::GET_CMDLINE, &block) };
    let line = buffer.get(..block.length.get()).filter(|_| failed == 0)?;
    str::from_utf8(line).ok()
}
