//! What a panic does.

use core::panic::PanicInfo;

/// The release image links only without any path that leads here: the linker finds no such
/// function, and its message names what is wrong.
#[cfg(not(feature = "panic-report"))]
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    unsafe extern "C" {
        fn a_panic_path_is_left_in_the_release_image() -> !;
    }
    // SAFETY: never called, because it never links.
    unsafe { a_panic_path_is_left_in_the_release_image() }
}

/// In a development image a panic blanks the beam and is reported at the next Hello.
#[cfg(feature = "panic-report")]
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    use core::fmt::Write;

    beacon_firmware::board::blank_now();
    cortex_m::interrupt::disable();
    let mut message = beacon_firmware::crash::Message::new();
    // A message that is too long is cut, so this cannot fail.
    let _ = write!(message, "{info}");
    beacon_firmware::board::reset(&message)
}
