//! Deep-kernel learning and novelty search without std and without an allocator.
#![no_std]
#![forbid(unsafe_code)]

