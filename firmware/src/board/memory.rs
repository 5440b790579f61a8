//! Statics that are handed out once.

use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicBool, Ordering};

/// A static that can be taken once.
pub struct Once<T> {
    taken: AtomicBool,
    value: UnsafeCell<T>,
}

// SAFETY: `take` hands the value to one caller only.
unsafe impl<T: Send> Sync for Once<T> {}

impl<T> Once<T> {
    /// A static with a value.
    pub const fn new(value: T) -> Self {
        Self {
            taken: AtomicBool::new(false),
            value: UnsafeCell::new(value),
        }
    }

    /// The value, for the first who asks.
    #[expect(clippy::mut_from_ref, reason = "handed out once")]
    pub fn take(&'static self) -> Option<&'static mut T> {
        if self.taken.swap(true, Ordering::AcqRel) {
            return None;
        }
        // SAFETY: the flag lets exactly one caller come here.
        Some(unsafe { &mut *self.value.get() })
    }
}

/// Numbers in the AXI SRAM, or in the section named first, which start-up clears and never fills from
/// flash: all zero.
#[macro_export]
macro_rules! large {
    ($(#[$doc:meta])* $name:ident: [$number:ty; $length:expr]) => {
        $crate::large! { ".axisram", $(#[$doc])* $name: [$number; $length] }
    };
    ($section:literal, $(#[$doc:meta])* $name:ident: [$number:ty; $length:expr]) => {
        $(#[$doc])*
        // SAFETY: the section holds nothing but zeroes, which start-up writes before `main`.
        #[unsafe(link_section = $section)]
        static $name: $crate::board::memory::Once<[$number; $length]> =
            $crate::board::memory::Once::new([0 as $number; $length]);
    };
}
