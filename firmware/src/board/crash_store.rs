//! The crash record in memory that no start-up code touches.

use core::ptr::{addr_of, addr_of_mut};

use crate::crash::{Message, Record, ResetCount};

/// The layout of the reserved memory.
#[repr(C)]
struct Kept {
    record: Record,
    watchdog_resets: ResetCount,
}

unsafe extern "C" {
    /// Placed by the memory map, outside every section.
    static mut _crash_record: Kept;
}

/// Keeps a message across the reset that follows.
pub(crate) fn keep(message: &Message) {
    // SAFETY: the region is ours; a record is valid for every content, and whoever comes here in
    // an interrupt or a fault never returns.
    unsafe { addr_of_mut!(_crash_record.record).write_volatile(Record::new(message)) };
    cortex_m::asm::dsb();
}

/// The message of an earlier run, until it is forgotten.
pub fn message() -> Option<Message> {
    // SAFETY: as above.
    unsafe { addr_of!(_crash_record.record).read_volatile() }.message()
}

/// Forgets the message.
pub fn forget() {
    // SAFETY: as above.
    unsafe { addr_of_mut!(_crash_record.record).write_volatile(Record::EMPTY) };
}

/// Resets by the watchdog since power-on.
pub fn watchdog_resets() -> u32 {
    // SAFETY: as above.
    unsafe { addr_of!(_crash_record.watchdog_resets).read_volatile() }.value()
}

/// One more reset by the watchdog.
pub(crate) fn count_watchdog_reset() {
    let counter = ResetCount::new(watchdog_resets().wrapping_add(1));
    // SAFETY: as above.
    unsafe { addr_of_mut!(_crash_record.watchdog_resets).write_volatile(counter) };
}
