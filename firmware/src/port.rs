//! The board as the kernel's controller sees it, whichever board it is.

use beacon_firmware::board::{self, Hardware, crash_store};
use beacon_firmware::crash::Message;
use beacon_kernel::link::message::{BeamFault, Health, Reading, Signals, Which};
use beacon_kernel::link::{Board, Exposure};

/// The port gives a frame up when the host takes no byte for this long. Two frames need a fifth of
/// it on the slowest link (115200 baud); the watchdog waits several times longer.
const SEND_PATIENCE_MS: u32 = 1000;

/// A board's hardware with a clock that does not wrap and the message of the last panic.
pub(crate) struct Port<H> {
    hardware: H,
    last_panic: Message,
    /// Milliseconds since the start; the hardware's clock wraps.
    now: u64,
}

impl<H: Hardware> Port<H> {
    pub(crate) fn new(hardware: H) -> Self {
        let last_panic = crash_store::message().unwrap_or_default();
        log!(
            "{=str} {=str} started, last panic: {=str}",
            hardware.name(),
            env!("BEACON_BUILD"),
            last_panic.as_str()
        );
        Self {
            hardware,
            last_panic,
            now: 0,
        }
    }

    /// Milliseconds since the start.
    pub(crate) fn now(&mut self) -> u64 {
        let passed = self.hardware.milliseconds().wrapping_sub(self.now as u32);
        self.now = self.now.saturating_add(u64::from(passed));
        self.now
    }

    /// Takes received bytes.
    pub(crate) fn receive(&mut self, into: &mut [u8]) -> usize {
        self.hardware.receive(into)
    }

    /// A free-running counter of the core's clock.
    #[cfg(feature = "defmt")]
    pub(crate) fn ticks(&self) -> u32 {
        self.hardware.ticks()
    }

    /// Proves to the watchdog that the main loop runs.
    pub(crate) fn feed_watchdog(&mut self) {
        self.hardware.feed_watchdog();
    }

    /// Waits for bytes or the next millisecond.
    pub(crate) fn sleep(&mut self) {
        self.hardware.sleep();
    }
}

impl<H: Hardware> Board for Port<H> {
    fn name(&self) -> &'static str {
        self.hardware.name()
    }

    fn build(&self) -> &'static str {
        env!("BEACON_BUILD")
    }

    fn clock_hz(&self) -> u32 {
        H::CLOCK_HZ
    }

    fn expose(&mut self, exposure: Exposure) {
        log!(
            "expose {=u16} {=u16} for {=u32} us",
            exposure.x,
            exposure.y,
            exposure.dwell_us
        );
        self.hardware.expose(exposure);
    }

    fn exposing(&mut self) -> bool {
        self.hardware.exposing()
    }

    fn shortest_dwell_us(&self) -> u32 {
        H::SHORTEST_DWELL_US
    }

    fn beam_ready(&mut self) -> Result<(), BeamFault> {
        self.hardware.beam_ready()
    }

    fn beam_outcome(&mut self) -> Result<(), BeamFault> {
        self.hardware.beam_outcome()
    }

    fn has_detector(&self) -> bool {
        self.hardware.has_detector()
    }

    fn shortest_reading_us(&self) -> u32 {
        self.hardware.shortest_reading_us()
    }

    fn reading(&mut self) -> Option<Reading> {
        self.hardware.reading()
    }

    fn set_signals(&mut self, signals: Signals) -> Result<(), Which> {
        self.hardware.set_signals(signals)
    }

    fn check_baud(&self, baud: u32) -> Result<(), u32> {
        H::check_baud(baud)
    }

    fn set_baud(&mut self, baud: Option<u32>) {
        let begun = self.hardware.milliseconds();
        while !self.hardware.has_sent()
            && self.hardware.milliseconds().wrapping_sub(begun) <= SEND_PATIENCE_MS
        {}
        self.hardware.set_baud(baud);
    }

    fn blank(&mut self) {
        self.hardware.blank();
    }

    fn send(&mut self, frame: &[u8]) {
        let mut rest = frame;
        let mut progress = self.hardware.milliseconds();
        while !rest.is_empty() {
            let sent = self.hardware.send(rest);
            rest = rest.get(sent..).unwrap_or_default();
            let now = self.hardware.milliseconds();
            if sent > 0 {
                progress = now;
            } else if now.wrapping_sub(progress) > SEND_PATIENCE_MS {
                // The host does not read. It repeats its request when it is back.
                return;
            }
        }
    }

    fn health(&mut self) -> Health {
        Health {
            stack_high_water: board::stack_high_water() as u32,
            stack_size: board::stack_size() as u32,
            static_ram: board::static_ram() as u32,
            lost_bytes: self.hardware.lost_bytes(),
            watchdog_resets: crash_store::watchdog_resets(),
        }
    }

    fn last_panic(&self) -> &[u8] {
        self.last_panic.as_str().as_bytes()
    }

    fn clear_panic(&mut self) {
        crash_store::forget();
        self.last_panic = Message::new();
    }
}
