//! The board-independent parts of the scan controller's firmware, which also build and are
//! tested on the host. The image itself is `main.rs`; boards live in `board/`.

#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

pub mod crash;
pub mod obi;
