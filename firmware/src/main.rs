//! The scan controller's image: one loop between the link and the beam.
//!
//! Interrupts move bytes between the serial port and two queues, and keep time. The main loop runs
//! the kernel's controller, which carries out at most one request a turn. While no byte waits, the
//! controller works ahead, and on new weights, in slices of a few milliseconds.

#![no_std]
#![no_main]

/// Logs a message on a channel beside the link (feature `defmt`).
#[cfg(feature = "defmt")]
macro_rules! log {
    ($($message:tt)*) => { ::defmt::info!($($message)*) };
}
/// Nothing without the feature `defmt`.
#[cfg(not(feature = "defmt"))]
macro_rules! log {
    ($($message:tt)*) => {};
}

mod panic;
mod port;
#[cfg(feature = "panic-test")]
mod provoke;

use beacon_firmware::board::memory::Once;
use beacon_firmware::board::{self, Hardware, Selected};
use beacon_firmware::crash::Message;
use beacon_firmware::large;
use beacon_kernel::link::message::DoseLimits;
use beacon_kernel::link::{Controller, Limits, Memory, frame};
use beacon_kernel::{Acquisition, Capacity, Explorer, MOST_RESPONSES, Storage};
use port::Port;

/// How large a campaign may be; its memory is const-asserted to fit the board's.
const CAPACITY: Capacity = Capacity::DEFAULT.with_responses(MOST_RESPONSES);

/// No host may raise the dose above this: a minute on a pixel, a day in all.
const LIMITS: Limits = Limits {
    dose: DoseLimits {
        pixel_us: 60_000_000,
        total_us: 86_400_000_000,
    },
    work_ms: Selected::WORK_MS,
};

/// Bytes that a turn takes out of the queue; few, so that every turn reads the clock soon.
const BATCH: usize = 64;

/// The AXI SRAM of an STM32H743 and the SRAM of its D2 domain, in words of four bytes.
#[cfg(not(feature = "psram"))]
const _: () = {
    let axi = CAPACITY.floats() - CAPACITY.workspace() + Memory::staging(CAPACITY);
    assert!(axi <= 512 * 1024 / 4);
    assert!(CAPACITY.words() + Memory::doses(CAPACITY) <= 288 * 1024 / 4);
};

large! {
    /// The explorer's numbers, but for those below.
    FLOATS: [f32; CAPACITY.floats() - CAPACITY.workspace()]
}
large! {
    ".d2sram",
    /// The explorer's indices, and what the filters say of the candidates.
    WORDS: [u32; CAPACITY.words()]
}
large! {
    /// An image or weights on their way.
    STAGING: [f32; Memory::staging(CAPACITY)]
}
large! {
    ".d2sram",
    /// The dose of every pixel, in µs.
    DOSES: [u32; Memory::doses(CAPACITY)]
}
/// The floats that the inner loops work on, in the DTCM beside the other small statics: it has no
/// wait states and no cache.
static WORKSPACE: Once<[f32; CAPACITY.workspace()]> = Once::new([0.0; CAPACITY.workspace()]);
/// A frame on its way in.
static RECEIVE: Once<[u8; frame::MAX_BODY]> = Once::new([0; frame::MAX_BODY]);
/// The last reply.
static REPLY: Once<[u8; frame::MAX_FRAME]> = Once::new([0; frame::MAX_FRAME]);

/// The controller in this image's memory; `None` from the second call on.
fn controller() -> Option<Controller<'static>> {
    let (floats, workspace, words) = (FLOATS.take()?, WORKSPACE.take()?, WORDS.take()?);
    let storage = Storage::with_workspace(CAPACITY, floats, workspace, words).ok()?;
    // The host chooses seed and strategy with every campaign.
    let explorer = Explorer::new(storage, Acquisition::default(), 0).ok()?;
    let memory = Memory {
        receive: RECEIVE.take()?,
        reply: REPLY.take()?,
        staging: STAGING.take()?,
        doses: DOSES.take()?,
    };
    Controller::new(explorer, memory, LIMITS).ok()
}

#[cortex_m_rt::entry]
fn main() -> ! {
    let (Some(hardware), Some(mut controller)) = (Selected::take(), controller()) else {
        board::reset(&Message::new().with("start-up failed"));
    };
    let mut port = Port::new(hardware);
    let mut bytes = [0; BATCH];
    #[cfg(feature = "panic-test")]
    let mut provocation = provoke::Provocation::default();
    loop {
        #[cfg(feature = "defmt")]
        let begun = port.ticks();
        port.feed_watchdog();
        let count = port.receive(&mut bytes);
        let received = bytes.get(..count).unwrap_or_default();
        #[cfg(feature = "panic-test")]
        for &byte in received {
            provocation.receive(byte);
        }
        for &byte in received {
            if controller.receive(byte) {
                let now = port.now();
                controller.poll(now, &mut port);
            }
        }
        let now = port.now();
        controller.poll(now, &mut port);
        #[cfg(feature = "defmt")]
        {
            let ticks = port.ticks().wrapping_sub(begun);
            if ticks > Selected::CLOCK_HZ / 1000 {
                log!("a turn took {=u32} ticks", ticks);
            }
        }
        if count == 0 && !controller.idle() {
            port.sleep();
        }
    }
}
