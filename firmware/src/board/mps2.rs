//! Arm's MPS2 board, which QEMU emulates: with the AN500 image, a Cortex-M7, or the AN505 image, a
//! Cortex-M33.
//!
//! UART0 is the link. UART1 drives a scan generator with Open Beam Interface commands and takes
//! its answers. UART2 carries logs when they are built in.

mod counter;
#[cfg_attr(feature = "mps2-an500", path = "mps2/an500.rs")]
#[cfg_attr(feature = "mps2-an505", path = "mps2/an505.rs")]
mod image;

use core::sync::atomic::{AtomicU32, Ordering};

use crate::crash::Message;
use crate::obi::{Driver, recover_after_a_cut, shortest_dwell_us};
use cortex_m::interrupt::InterruptNumber;
use cortex_m::peripheral::NVIC;
use cortex_m_rt::exception;

pub use counter::Counter;
use image::{CORE_HZ, INTERRUPTS, TIMERS, UARTS};

use super::serial::{Ends, Owned, Serial};
use super::{Hardware, baud_divider, crash_store, start};
use beacon_kernel::link::Exposure;
use beacon_kernel::link::message::{BeamFault, Reading};

/// As fast as these UARTs go: they divide the clock by 16 at least.
const BAUD_DIVISOR: u32 = 16;
/// Their divider has 20 bits.
const LARGEST_DIVISOR: u32 = (1 << 20) - 1;
/// What the beam's line keeps, in µs.
const SHORTEST_DWELL_US: u32 = shortest_dwell_us(CORE_HZ / BAUD_DIVISOR);
/// One beat of the millisecond clock.
const TICKS_PER_MILLISECOND: u32 = CORE_HZ / 1000;
/// The main loop must come round within this time: four times [`Hardware::WORK_MS`], which
/// allows for an emulator on a busy machine. Exposures end without the main loop.
const WATCHDOG_SECONDS: u32 = 120;
/// Longest wait for one byte to leave a UART: 10 bits of 16 cycles take 160, and a busy emulator
/// may stop for a while.
const PATIENCE: u32 = 10_000_000;

/// Registers of a peripheral, as word offsets from its base.
#[derive(Clone, Copy)]
struct Registers(usize);

impl Registers {
    fn read(self, offset: usize) -> u32 {
        // SAFETY: only constants of this file become addresses, all of them registers.
        unsafe { ((self.0 + offset) as *const u32).read_volatile() }
    }

    fn write(self, offset: usize, value: u32) {
        // SAFETY: as above; what is written changes the peripheral alone, never memory.
        unsafe { ((self.0 + offset) as *mut u32).write_volatile(value) }
    }
}

/// A CMSDK UART (Cortex-M System Design Kit, section 4.3).
#[derive(Clone, Copy)]
struct Uart(Registers);

const LINK: Uart = Uart(Registers(UARTS[0]));
const BEAM: Uart = Uart(Registers(UARTS[1]));
#[cfg(feature = "defmt")]
const LOG: Uart = Uart(Registers(UARTS[2]));

impl Uart {
    const DATA: usize = 0x0;
    const STATE: usize = 0x4;
    const CONTROL: usize = 0x8;
    const INTERRUPT: usize = 0xc;
    const BAUD: usize = 0x10;

    const SEND_FULL: u32 = 1;
    const RECEIVE_FULL: u32 = 1 << 1;

    const ENABLE_SEND: u32 = 1;
    const ENABLE_RECEIVE: u32 = 1 << 1;
    const INTERRUPT_SENT: u32 = 1 << 2;
    const INTERRUPT_RECEIVED: u32 = 1 << 3;

    const SENT: u32 = 1;
    const RECEIVED: u32 = 1 << 1;

    fn start(self, control: u32) {
        self.0.write(Self::BAUD, BAUD_DIVISOR);
        self.0.write(Self::CONTROL, control);
    }

    fn can_send(self) -> bool {
        self.0.read(Self::STATE) & Self::SEND_FULL == 0
    }

    /// Sends bytes and waits for each, but not for ever.
    fn send(self, bytes: &[u8]) {
        for byte in bytes {
            let mut patience = PATIENCE;
            while !self.can_send() && patience > 0 {
                patience -= 1;
            }
            self.0.write(Self::DATA, u32::from(*byte));
        }
    }
}

/// A CMSDK timer, which counts down (section 4.2).
#[derive(Clone, Copy)]
struct Timer(Registers);

/// Beats every millisecond.
const CLOCK: Timer = Timer(Registers(TIMERS[0]));
/// Runs through all its 32 bits.
const COUNTER: Timer = Timer(Registers(TIMERS[1]));

impl Timer {
    const CONTROL: usize = 0x0;
    const VALUE: usize = 0x4;
    const RELOAD: usize = 0x8;
    const INTERRUPT: usize = 0xc;

    const ENABLE: u32 = 1;
    const ENABLE_INTERRUPT: u32 = 1 << 3;

    fn start(self, reload: u32, control: u32) {
        self.0.write(Self::RELOAD, reload);
        self.0.write(Self::VALUE, reload);
        self.0.write(Self::CONTROL, control);
    }
}

/// The CMSDK watchdog: interrupts when it expires and resets when it expires again (section 4.5).
mod watchdog {
    use super::{CORE_HZ, Registers, WATCHDOG_SECONDS, image};

    const WATCHDOG: Registers = Registers(image::WATCHDOG);
    const LOAD: usize = 0x0;
    const CONTROL: usize = 0x8;
    const INTERRUPT_AND_RESET: u32 = 0b11;

    pub(super) fn start() {
        WATCHDOG.write(LOAD, CORE_HZ * WATCHDOG_SECONDS);
        WATCHDOG.write(CONTROL, INTERRUPT_AND_RESET);
    }

    pub(super) fn feed() {
        // Writing the load value starts the count again.
        WATCHDOG.write(LOAD, CORE_HZ * WATCHDOG_SECONDS);
    }
}

/// Numbers of the interrupts in use.
struct Interrupts {
    received: u16,
    sent: u16,
    beam_received: u16,
    clock: u16,
}

/// Interrupts in use.
#[derive(Clone, Copy)]
#[repr(u16)]
enum Interrupt {
    LinkReceived = INTERRUPTS.received,
    LinkSent = INTERRUPTS.sent,
    BeamReceived = INTERRUPTS.beam_received,
    Clock = INTERRUPTS.clock,
}

// SAFETY: the numbers are those of the board and each has its handler in the table.
unsafe impl InterruptNumber for Interrupt {
    fn number(self) -> u16 {
        self as u16
    }
}

type Handler = unsafe extern "C" fn();

unsafe extern "C" {
    fn DefaultHandler();
}

/// The vector table after the core's own exceptions.
// SAFETY: the section's layout is an array of handlers, and this is one.
#[unsafe(link_section = ".vector_table.interrupts")]
#[unsafe(no_mangle)]
static __INTERRUPTS: [Handler; 64] = {
    let mut table: [Handler; 64] = [DefaultHandler; 64];
    table[Interrupt::LinkReceived as usize] = link_received;
    table[Interrupt::LinkSent as usize] = link_sent;
    table[Interrupt::BeamReceived as usize] = beam_received;
    table[Interrupt::Clock as usize] = clock;
    table
};

static RECEIVED: Owned<heapless::spsc::Producer<'static, u8>> = Owned::empty();
static TO_SEND: Owned<heapless::spsc::Consumer<'static, u8>> = Owned::empty();
static MILLISECONDS: AtomicU32 = AtomicU32::new(0);

unsafe extern "C" fn link_received() {
    // SAFETY: this handler is the queue's only producer.
    let Some(queue) = (unsafe { RECEIVED.get() }) else {
        return;
    };
    if !queue.ready() {
        // The byte stays in the UART and its interrupt pending until the main loop made room.
        NVIC::mask(Interrupt::LinkReceived);
        return;
    }
    // First the flag, then the byte: reading makes room for the next one, which sets it again.
    LINK.0.write(Uart::INTERRUPT, Uart::RECEIVED);
    if LINK.0.read(Uart::STATE) & Uart::RECEIVE_FULL != 0 {
        let _ = queue.enqueue(LINK.0.read(Uart::DATA) as u8);
    }
}

unsafe extern "C" fn link_sent() {
    LINK.0.write(Uart::INTERRUPT, Uart::SENT);
    // SAFETY: this handler is the queue's only consumer.
    let Some(queue) = (unsafe { TO_SEND.get() }) else {
        return;
    };
    if LINK.can_send()
        && let Some(byte) = queue.dequeue()
    {
        LINK.0.write(Uart::DATA, u32::from(byte));
    }
}

unsafe extern "C" fn beam_received() {
    // First the flag, then the byte: reading makes room for the next one, which sets it again.
    BEAM.0.write(Uart::INTERRUPT, Uart::RECEIVED);
    if BEAM.0.read(Uart::STATE) & Uart::RECEIVE_FULL != 0 {
        let byte = BEAM.0.read(Uart::DATA) as u8;
        beam::act(|driver| driver.receive(byte));
    }
}

unsafe extern "C" fn clock() {
    CLOCK.0.write(Timer::INTERRUPT, 1);
    beam::act(Driver::tick);
    MILLISECONDS.fetch_add(1, Ordering::Relaxed);
}

/// The watchdog expired once; it will reset the board if we do not.
#[exception]
unsafe fn NonMaskableInt() -> ! {
    crash_store::count_watchdog_reset();
    start::reset(&Message::new().with("watchdog: the main loop did not come round"))
}

/// The beam port: a scan generator that Open Beam Interface commands drive.
///
/// Its answers time an exposure, in the interrupt that takes them, so that an exposure ends
/// whatever the main loop does.
mod beam {
    use core::cell::Cell;

    use cortex_m::interrupt::{Mutex, free};

    use crate::obi::{Burst, Driver};

    use super::{BEAM, SHORTEST_DWELL_US};

    static DRIVER: Mutex<Cell<Driver>> = Mutex::new(Cell::new(Driver::new(SHORTEST_DWELL_US)));

    /// Lets the driver act, and sends what it says without a pause: the byte that blanks has to
    /// follow its pixel at once.
    pub(super) fn act(act: impl FnOnce(&mut Driver) -> Burst) {
        free(|section| {
            let cell = DRIVER.borrow(section);
            let mut driver = cell.get();
            let burst = act(&mut driver);
            cell.set(driver);
            BEAM.send(burst.as_ref());
        });
    }

    pub(super) fn look<R>(look: impl FnOnce(&Driver) -> R) -> R {
        free(|section| look(&DRIVER.borrow(section).get()))
    }
}

/// Blanks the beam, before anything else runs.
pub(super) fn before_main() {
    BEAM.start(Uart::ENABLE_SEND);
    blank_now();
}

/// Blanks the beam from wherever something went wrong, and whatever command that cut in half.
pub fn blank_now() {
    for byte in recover_after_a_cut() {
        BEAM.send(&[byte]);
    }
}

/// The link's divider for a rate.
///
/// # Errors
/// The nearest rate that it has.
fn divisor(baud: u32) -> Result<u32, u32> {
    baud_divider(CORE_HZ, baud, BAUD_DIVISOR, LARGEST_DIVISOR)
}

/// The board's hardware.
pub struct Selected {
    serial: Serial,
}

impl Hardware for Selected {
    const NAME: &'static str = image::NAME;
    const CLOCK_HZ: u32 = CORE_HZ;
    const WORK_MS: u32 = 30_000;
    const SHORTEST_DWELL_US: u32 = SHORTEST_DWELL_US;

    fn take() -> Option<Self> {
        let mut core = cortex_m::Peripherals::take()?;
        start::guard_stack(&mut core.MPU, &mut core.SCB);
        let (serial, Ends { received, to_send }) = super::serial::take()?;
        // SAFETY: their interrupts are enabled below.
        unsafe {
            RECEIVED.fill(received);
            TO_SEND.fill(to_send);
        }
        BEAM.start(Uart::ENABLE_SEND | Uart::ENABLE_RECEIVE | Uart::INTERRUPT_RECEIVED);
        LINK.start(
            Uart::ENABLE_SEND
                | Uart::ENABLE_RECEIVE
                | Uart::INTERRUPT_SENT
                | Uart::INTERRUPT_RECEIVED,
        );
        #[cfg(feature = "defmt")]
        LOG.start(Uart::ENABLE_SEND);
        #[cfg(feature = "defmt")]
        COUNTER.start(u32::MAX, Timer::ENABLE);
        CLOCK.start(
            TICKS_PER_MILLISECOND - 1,
            Timer::ENABLE | Timer::ENABLE_INTERRUPT,
        );
        watchdog::start();
        for interrupt in [
            Interrupt::LinkReceived,
            Interrupt::LinkSent,
            Interrupt::BeamReceived,
            Interrupt::Clock,
        ] {
            // SAFETY: everything that the handlers use is in place.
            unsafe { NVIC::unmask(interrupt) };
        }
        Some(Self { serial })
    }

    fn receive(&mut self, into: &mut [u8]) -> usize {
        let count = self.serial.receive(into);
        if count > 0 {
            // SAFETY: its handler is ready; it may have stopped for want of room.
            unsafe { NVIC::unmask(Interrupt::LinkReceived) };
        }
        count
    }

    fn send(&mut self, bytes: &[u8]) -> usize {
        let count = self.serial.send(bytes);
        if count > 0 {
            // The first byte goes out as if one had just left.
            NVIC::pend(Interrupt::LinkSent);
        }
        count
    }

    fn lost_bytes(&self) -> u32 {
        // A byte without room stays where it is and holds the sender up.
        0
    }

    fn check_baud(baud: u32) -> Result<(), u32> {
        divisor(baud).map(|_| ())
    }

    fn set_baud(&mut self, baud: Option<u32>) {
        let divisor = baud.map(divisor).and_then(Result::ok);
        // A byte that has left the buffer still takes its ten bits.
        cortex_m::asm::delay(11 * LINK.0.read(Uart::BAUD));
        LINK.0.write(Uart::BAUD, divisor.unwrap_or(BAUD_DIVISOR));
    }

    fn has_sent(&self) -> bool {
        self.serial.has_sent() && LINK.can_send()
    }

    fn expose(&mut self, exposure: Exposure) {
        beam::act(|driver| driver.expose(exposure));
    }

    fn exposing(&self) -> bool {
        beam::look(Driver::exposing)
    }

    fn beam_ready(&self) -> Result<(), BeamFault> {
        beam::look(Driver::ready)
    }

    fn beam_outcome(&self) -> Result<(), BeamFault> {
        beam::look(Driver::outcome)
    }

    fn has_detector(&self) -> bool {
        true
    }

    fn reading(&mut self) -> Option<Reading> {
        beam::look(Driver::reading)
    }

    fn blank(&mut self) {
        beam::act(Driver::blank);
    }

    fn milliseconds(&self) -> u32 {
        MILLISECONDS.load(Ordering::Relaxed)
    }

    #[cfg(feature = "defmt")]
    fn ticks(&self) -> u32 {
        // It counts down.
        u32::MAX - COUNTER.0.read(Timer::VALUE)
    }

    fn feed_watchdog(&mut self) {
        watchdog::feed();
    }

    fn sleep(&mut self) {
        // An interrupt between the look and the sleep stays pending, and ends the sleep.
        cortex_m::interrupt::free(|_| {
            if !self.serial.received.ready() {
                cortex_m::asm::wfi();
            }
        });
    }
}

/// Logs to UART2, so that they need neither a probe nor semihosting.
#[cfg(feature = "defmt")]
mod logger {
    use core::cell::UnsafeCell;

    use super::LOG;

    struct State {
        encoder: defmt::Encoder,
        section: critical_section::RestoreState,
    }

    struct Shared(UnsafeCell<State>);

    // SAFETY: used between `acquire` and `release` only, with interrupts off.
    unsafe impl Sync for Shared {}

    static STATE: Shared = Shared(UnsafeCell::new(State {
        encoder: defmt::Encoder::new(),
        section: critical_section::RestoreState::invalid(),
    }));

    #[defmt::global_logger]
    struct Logger;

    fn write(bytes: &[u8]) {
        LOG.send(bytes);
    }

    // SAFETY: from `acquire` to `release` interrupts are off, so nobody else logs.
    unsafe impl defmt::Logger for Logger {
        fn acquire() {
            // SAFETY: released in `release`, which defmt calls after it.
            let section = unsafe { critical_section::acquire() };
            // SAFETY: interrupts are off.
            let state = unsafe { &mut *STATE.0.get() };
            state.section = section;
            state.encoder.start_frame(write);
        }

        unsafe fn flush() {}

        unsafe fn release() {
            // SAFETY: called after `acquire`, so interrupts are off.
            let state = unsafe { &mut *STATE.0.get() };
            state.encoder.end_frame(write);
            // SAFETY: what `acquire` got.
            unsafe { critical_section::release(state.section) };
        }

        unsafe fn write(bytes: &[u8]) {
            // SAFETY: called between `acquire` and `release`, so interrupts are off.
            let state = unsafe { &mut *STATE.0.get() };
            state.encoder.write(bytes, write);
        }
    }
}
