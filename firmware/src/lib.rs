//! What the images stand on: the boards in `board/`, and the board-independent parts, which also
//! build and are tested on the host. The controller's image itself is `main.rs`; those that count
//! what work costs are in `counts/`.

#![cfg_attr(not(test), no_std)]
#![deny(unsafe_code)]

#[cfg(feature = "board")]
#[expect(unsafe_code, reason = "registers, and memory that the linker places")]
pub mod board;
pub mod crash;
pub mod obi;
