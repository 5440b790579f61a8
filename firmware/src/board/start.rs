//! From reset to `main`, faults, and the stack: the same on every board.

use core::ptr::addr_of;

use crate::crash::Message;
use cortex_m::peripheral::scb::Exception;
use cortex_m::peripheral::{MPU, SCB};
use cortex_m_rt::{ExceptionFrame, exception};

use super::{blank_now, crash_store};

/// Left free at the bottom of the stack and watched by the MPU. Fault handlers run without the
/// MPU, so after an overflow this is also the stack of the handler that reports it.
const GUARD: usize = 2048;

/// What cortex-m-rt's `paint-stack` fills the stack with.
const PAINT: u32 = 0xcccc_cccc;

unsafe extern "C" {
    static __saxisram: u32;
    static __eaxisram: u32;
    static __sd2sram: u32;
    static __ed2sram: u32;
    static __sdata: u32;
    static __euninit: u32;
    static _stack_end: u32;
    static _stack_start: u32;
}

/// Blanks the beam: the first thing after reset.
///
/// Statics have no values yet, so nothing below this may use any.
extern "C" fn blank_first() {
    super::before_main();
}

// Called by cortex-m-rt before it fills `.data` and `.bss`. In assembler because memory is not in
// the state that Rust takes for granted.
core::arch::global_asm!(
    ".section .text.__pre_init, \"ax\"",
    ".global __pre_init",
    ".type __pre_init, %function",
    ".thumb_func",
    "__pre_init:",
    "push {{r4, lr}}",
    "bl {blank}",
    // Clear the large buffers.
    "ldr r0, =__saxisram",
    "ldr r1, =__eaxisram",
    "movs r2, #0",
    "2: cmp r0, r1",
    "bhs 3f",
    "stm r0!, {{r2}}",
    "b 2b",
    "3: ldr r0, =__sd2sram",
    "ldr r1, =__ed2sram",
    "4: cmp r0, r1",
    "bhs 5f",
    "stm r0!, {{r2}}",
    "b 4b",
    // Copy the inner loops.
    "5: ldr r0, =__sitcm",
    "ldr r1, =__eitcm",
    "ldr r2, =__siitcm",
    "6: cmp r0, r1",
    "bhs 7f",
    "ldm r2!, {{r3}}",
    "stm r0!, {{r3}}",
    "b 6b",
    "7: dsb",
    "isb",
    "pop {{r4, pc}}",
    ".size __pre_init, . - __pre_init",
    ".previous",
    blank = sym blank_first,
);

/// Makes the bottom of the stack fault when touched.
///
/// The memory fault is enabled although its handler will find no stack: failing to enter it is
/// what takes the core to the hard fault, where the MPU is off. Failing to enter the hard fault
/// itself would lock the core up.
pub(super) fn guard_stack(mpu: &mut MPU, scb: &mut SCB) {
    const ENABLE: u32 = 1;
    /// Everything else keeps the default memory map.
    const DEFAULT_MAP: u32 = 1 << 2;
    let bottom = addr_of!(_stack_end) as u32;
    // SAFETY: takes access away from addresses that only an overflowing stack reaches.
    unsafe {
        mpu.rnr.write(0);
        forbid(mpu, bottom);
        mpu.ctrl.write(DEFAULT_MAP | ENABLE);
    }
    scb.enable(Exception::MemoryManagement);
    cortex_m::asm::dsb();
    cortex_m::asm::isb();
}

/// Takes all access to the guard away.
///
/// # Safety
/// Nothing that works as it should may need those addresses.
#[cfg(not(feature = "armv8-m"))]
unsafe fn forbid(mpu: &mut MPU, bottom: u32) {
    const ENABLE: u32 = 1;
    const NO_INSTRUCTIONS: u32 = 1 << 28;
    /// Regions are 2^(field + 1) bytes long.
    const SIZE: u32 = (GUARD.ilog2() - 1) << 1;
    // SAFETY: the caller's promise.
    unsafe {
        mpu.rbar.write(bottom);
        mpu.rasr.write(NO_INSTRUCTIONS | SIZE | ENABLE);
    }
}

/// Makes the guard read-only: Armv8-M has no region without any access.
///
/// # Safety
/// Nothing that works as it should may write to those addresses.
#[cfg(feature = "armv8-m")]
unsafe fn forbid(mpu: &mut MPU, bottom: u32) {
    const ENABLE: u32 = 1;
    const NO_INSTRUCTIONS: u32 = 1;
    const READ_ONLY: u32 = 0b10 << 1;
    /// Regions end with the 32 bytes that the limit lies in.
    const LAST: u32 = GUARD as u32 - 32;
    // SAFETY: the caller's promise.
    unsafe {
        mpu.rbar.write(bottom | READ_ONLY | NO_INSTRUCTIONS);
        mpu.rlar.write((bottom + LAST) | ENABLE);
    }
}

/// Bytes of static memory, in all regions and without the stack.
pub fn static_ram() -> usize {
    let between = |from: *const u32, to: *const u32| to as usize - from as usize;
    between(addr_of!(__sdata), addr_of!(__euninit))
        + between(addr_of!(__saxisram), addr_of!(__eaxisram))
        + between(addr_of!(__sd2sram), addr_of!(__ed2sram))
}

/// Bytes of stack above the guard.
pub fn stack_size() -> usize {
    addr_of!(_stack_start) as usize - addr_of!(_stack_end) as usize - GUARD
}

/// Most bytes of stack that were ever in use.
pub fn stack_high_water() -> usize {
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
pub fn reset(message: &Message) -> ! {
    blank_now();
    crash_store::keep(message);
    SCB::sys_reset()
}

/// Every fault but one ends here: none of the finer handlers is enabled.
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

/// A fault of the MPU with the stack intact; it watches nothing else, so this is not expected.
#[exception]
unsafe fn MemoryManagement() {
    // SAFETY: reads a status register that has no side effects.
    let status = unsafe { &*SCB::PTR }.cfsr.read();
    reset(&Message::new().with("memory fault, CFSR ").with_hex(status))
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

/// Reads where nothing answers.
#[cfg(feature = "panic-test")]
pub fn fault() {
    // SAFETY: faults, which is what it is for.
    unsafe { (0xe000_0000_u32.wrapping_sub(4) as *const u32).read_volatile() };
}
