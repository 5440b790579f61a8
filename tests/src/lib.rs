//! Tests across kernel, host and firmware.
