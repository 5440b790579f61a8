//! The AN500 image: a Cortex-M7 (Arm application note 400, chapter 3; AN500, chapter 3).

use super::Interrupts;

pub(super) const NAME: &str = "mps2-an500";
/// Clock of core and peripherals.
pub(super) const CORE_HZ: u32 = 25_000_000;
/// Base of the three UARTs: link, beam, logs.
pub(super) const UARTS: [usize; 3] = [0x4000_4000, 0x4000_5000, 0x4000_6000];
/// Base of the two timers: clock, counter.
pub(super) const TIMERS: [usize; 2] = [0x4000_0000, 0x4000_1000];
/// Base of the watchdog.
pub(super) const WATCHDOG: usize = 0x4000_8000;
/// Interrupts in use (table 4-2).
pub(super) const INTERRUPTS: Interrupts = Interrupts {
    received: 0,
    sent: 1,
    beam_received: 2,
    clock: 8,
};
