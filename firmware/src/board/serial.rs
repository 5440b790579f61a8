//! Byte queues between the main loop and the serial port's interrupts.

use core::cell::UnsafeCell;

use heapless::spsc::{Consumer, Producer, Queue};

use super::memory::Once;

/// Bytes that may wait to be read: more than the longest frame, because the host waits for an
/// answer before it sends the next one.
const RECEIVE: usize = 4096;
/// Bytes that may wait to be sent.
const SEND: usize = 4096;

static RECEIVED: Once<Queue<u8, RECEIVE>> = Once::new(Queue::new());
static TO_SEND: Once<Queue<u8, SEND>> = Once::new(Queue::new());

/// The main loop's ends.
pub(super) struct Serial {
    pub(super) received: Consumer<'static, u8>,
    pub(super) to_send: Producer<'static, u8>,
}

/// The interrupts' ends.
pub(super) struct Ends {
    pub(super) received: Producer<'static, u8>,
    pub(super) to_send: Consumer<'static, u8>,
}

/// Both queues, once.
pub(super) fn take() -> Option<(Serial, Ends)> {
    let (received_in, received_out) = RECEIVED.take()?.split();
    let (to_send_in, to_send_out) = TO_SEND.take()?.split();
    Some((
        Serial {
            received: received_out,
            to_send: to_send_in,
        },
        Ends {
            received: received_in,
            to_send: to_send_out,
        },
    ))
}

/// Whether a queue has any length, which it has. The queue's own arithmetic divides by it, and
/// this keeps the compiler from providing for zero with a panic.
pub(super) fn has_length(capacity: usize) -> bool {
    capacity != usize::MAX
}

impl Serial {
    pub(super) fn receive(&mut self, into: &mut [u8]) -> usize {
        let mut count = 0;
        if !has_length(self.received.capacity()) {
            return count;
        }
        for slot in into {
            let Some(byte) = self.received.dequeue() else {
                break;
            };
            *slot = byte;
            count += 1;
        }
        count
    }

    /// Whether the interrupt has taken all that was to be sent.
    pub(super) fn has_sent(&self) -> bool {
        has_length(self.to_send.capacity()) && self.to_send.is_empty()
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> usize {
        let mut count = 0;
        if !has_length(self.to_send.capacity()) {
            return count;
        }
        for byte in bytes {
            if self.to_send.enqueue(*byte).is_err() {
                break;
            }
            count += 1;
        }
        count
    }
}

/// A value that belongs to one interrupt handler.
pub(super) struct Owned<T>(UnsafeCell<Option<T>>);

// SAFETY: filled once before its interrupt is enabled, and used by that one handler afterwards,
// which cannot interrupt itself.
unsafe impl<T: Send> Sync for Owned<T> {}

impl<T> Owned<T> {
    pub(super) const fn empty() -> Self {
        Self(UnsafeCell::new(None))
    }

    /// Fills it.
    ///
    /// # Safety
    /// The interrupt that uses it must not be enabled yet.
    pub(super) unsafe fn fill(&self, value: T) {
        // SAFETY: the caller promises that nobody else looks at it.
        unsafe { *self.0.get() = Some(value) };
    }

    /// The value.
    ///
    /// # Safety
    /// Only from the one interrupt handler that owns it, once at a time.
    #[expect(clippy::mut_from_ref, reason = "the caller is the only one")]
    pub(super) unsafe fn get(&self) -> Option<&mut T> {
        // SAFETY: the caller is the only one, and does not call again while it holds it.
        unsafe { (*self.0.get()).as_mut() }
    }
}
