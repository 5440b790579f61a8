//! The crash record in memory that no start-up code touches.

use core::ptr::{addr_of, addr_of_mut};

use beacon_firmware::crash::{Message, Record};

unsafe extern "C" {
    /// Placed by the memory map, outside every section.
    static mut _crash_record: Record;
}

/// Keeps a message across the reset that follows. The first one of a run counts: what comes
/// later is a consequence.
pub(crate) fn keep(message: &Message) {
    // SAFETY: the region is ours; a record is valid for every content, and whoever comes here in
    // an interrupt or a fault never returns.
    unsafe { addr_of_mut!(_crash_record).write_volatile(Record::new(message)) };
    cortex_m::asm::dsb();
}

/// The message of the last run, which is then forgotten.
pub(crate) fn take() -> Option<Message> {
    // SAFETY: as above.
    let record = unsafe { addr_of!(_crash_record).read_volatile() };
    // SAFETY: as above.
    unsafe { addr_of_mut!(_crash_record).write_volatile(Record::EMPTY) };
    record.message()
}
