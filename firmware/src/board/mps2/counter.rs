//! Instructions, from a timer of the emulated board.
//!
//! Under `qemu-system-arm -icount shift=6,align=off,sleep=off` every instruction takes 64 ns of
//! the emulated time, whatever it does, and a tick of the timer 40 ns: the counts are exact to an
//! instruction and the same in every run. Without that option they mean nothing.

use super::{CORE_HZ, COUNTER, Timer, start};
use crate::board::WorkCounter;

/// An instruction under QEMU's `-icount shift=6`.
const INSTRUCTION_NANOSECONDS: u64 = 1 << 6;
/// A tick of the timer.
const TICK_NANOSECONDS: u64 = 1_000_000_000 / CORE_HZ as u64;

/// The second timer: its 32 bits hold 2.7 G instructions.
pub struct Counter(());

impl WorkCounter for Counter {
    const UNIT: &'static str = "instructions";

    fn take() -> Option<Self> {
        let mut core = cortex_m::Peripherals::take()?;
        start::guard_stack(&mut core.MPU, &mut core.SCB);
        // Its interrupt stays masked: only the flag is wanted, which tells that it wrapped.
        COUNTER.start(u32::MAX, Timer::ENABLE | Timer::ENABLE_INTERRUPT);
        Some(Self(()))
    }

    fn restart(&mut self) {
        COUNTER.0.write(Timer::INTERRUPT, 1);
        COUNTER.0.write(Timer::VALUE, u32::MAX);
    }

    fn read(&self) -> Option<u32> {
        // It counts down.
        let ticks = u64::from(u32::MAX - COUNTER.0.read(Timer::VALUE));
        let wrapped = COUNTER.0.read(Timer::INTERRUPT) != 0;
        let instructions = ticks * TICK_NANOSECONDS / INSTRUCTION_NANOSECONDS;
        (!wrapped).then_some(instructions as u32)
    }
}
