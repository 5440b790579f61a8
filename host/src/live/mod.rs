//! A campaign on an instrument: dose, drift, failures, and a journal that loses nothing.

mod drift;

pub use drift::{DriftError, Shift, register};
