//! From reset to `main`, faults, and the stack: the same on every Cortex-M7.

use core::ptr::{addr_of, addr_of_mut};

use beacon_firmware::crash::Message;
use cortex_m::peripheral::{MPU, SCB};
use cortex_m_rt::{ExceptionFrame, exception};

use super::{blank_now, crash_store};

/// Left free at the bottom of the stack and watched by the MPU. Fault handlers run without the
/// MPU, so after an overflow this is also the stack of the handler that reports it.
const GUARD: usize = 1024;

/// What cortex-m-rt's `paint-stack` fills the stack with.
const PAINT: u32 = 0xcccc_cccc;

unsafe extern "C" {
    static mut __sitcm: u32;
    static mut __eitcm: u32;
    static __siitcm: u32;
    static mut __saxisram: u32;
    static mut __eaxisram: u32;
    static mut _stack_end: u32;
    static mut _stack_start: u32;
}

/// Runs first after reset, before statics have their values.
///
/// SAFETY: touches no static but the sections that it fills, which nobody uses yet.
#[cortex_m_rt::pre_init]
unsafe fn before_main() {
    super::before_main();
    // SAFETY: the linker script makes these bounds of whole words that belong to us alone.
    unsafe {
        let mut word = addr_of_mut!(__saxisram);
        while word < addr_of_mut!(__eaxisram) {
            word.write_volatile(0);
            word = word.add(1);
        }
        let mut word = addr_of_mut!(__sitcm);
        let mut from = addr_of!(__siitcm);
        while word < addr_of_mut!(__eitcm) {
            word.write_volatile(from.read_volatile());
            word = word.add(1);
            from = from.add(1);
        }
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// Makes the bottom of the stack fault when touched.
pub(super) fn guard_stack(mpu: &mut MPU) {
    const ENABLE: u32 = 1;
    /// Everything else keeps the default memory map.
    const DEFAULT_MAP: u32 = 1 << 2;
    const NO_INSTRUCTIONS: u32 = 1 << 28;
    /// Regions are 2^(field + 1) bytes long.
    const SIZE: u32 = (GUARD.ilog2() - 1) << 1;
    let bottom = addr_of_mut!(_stack_end) as u32;
    // SAFETY: takes access away from addresses that only an overflowing stack reaches.
    unsafe {
        mpu.rnr.write(0);
        mpu.rbar.write(bottom);
        mpu.rasr.write(NO_INSTRUCTIONS | SIZE | ENABLE);
        mpu.ctrl.write(DEFAULT_MAP | ENABLE);
    }
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// Bytes of stack above the guard.
pub(crate) fn stack_size() -> usize {
    addr_of!(_stack_start) as usize - addr_of!(_stack_end) as usize - GUARD
}

/// Most bytes of stack that were ever in use.
pub(crate) fn stack_high_water() -> usize {
    let mut untouched = 0;
    // SAFETY: reads whole words inside the stack's region, above the guard.
    unsafe {
        let mut word = addr_of!(_stack_end).byte_add(GUARD);
        while word < addr_of!(_stack_start) && word.read_volatile() == PAINT {
            untouched += size_of::<u32>();
            word = word.add(1);
        }
    }
    stack_size() - untouched
}

/// Blanks the beam, keeps the message for the next Hello and starts over.
pub(crate) fn reset(message: &Message) -> ! {
    blank_now();
    crash_store::keep(message);
    SCB::sys_reset()
}

/// Every fault ends here: none of the finer handlers is enabled.
#[exception]
unsafe fn HardFault(frame: &ExceptionFrame) -> ! {
    blank_now();
    // SAFETY: reads status registers that have no side effects.
    let scb = unsafe { &*SCB::PTR };
    let status = scb.cfsr.read();
    let stack = core::ptr::from_ref(frame) as usize;
    let overflow = stack < addr_of!(_stack_end) as usize + GUARD;
    let message = Message::new();
    let message = if overflow {
        // The frame was not stored, so there is no address to tell.
        message.with("stack overflow")
    } else {
        message.with("hard fault at ").with_hex(frame.pc())
    };
    reset(
        &message
            .with(", CFSR ")
            .with_hex(status)
            .with(", HFSR ")
            .with_hex(scb.hfsr.read()),
    )
}

/// An interrupt without a handler was enabled, which is a mistake of ours.
#[exception]
unsafe fn DefaultHandler(number: i16) {
    reset(
        &Message::new()
            .with("unexpected interrupt ")
            .with_hex(number as u32),
    );
}
