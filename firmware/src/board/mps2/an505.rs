//! The AN505 image: a Cortex-M33 with its floating-point unit (Arm application note 505, chapter
//! 4). Everything is Secure: nothing else runs here, so that every address has bit 28 set.

use super::Interrupts;

pub(super) const NAME: &str = "mps2-an505";
/// Clock of core and peripherals.
pub(super) const CORE_HZ: u32 = 20_000_000;
/// Base of the three UARTs: link, beam, logs.
pub(super) const UARTS: [usize; 3] = [0x5020_0000, 0x5020_1000, 0x5020_2000];
/// Base of the two timers: clock, counter.
pub(super) const TIMERS: [usize; 2] = [0x5000_0000, 0x5000_1000];
/// Base of the watchdog.
pub(super) const WATCHDOG: usize = 0x5008_1000;
/// Interrupts in use (table 4-1).
pub(super) const INTERRUPTS: Interrupts = Interrupts {
    received: 32,
    sent: 33,
    beam_received: 34,
    clock: 3,
};
