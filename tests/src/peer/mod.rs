//! Our side of the comparison with other software: one training step, one decision, each timed
//! by itself, in a process that stays.
//!
//! [`Bout`] does and times the work, [`answer`] speaks for it in lines.

mod bout;
mod protocol;

pub use bout::{Bout, BoutError, Handover, Judgement, Scene, Timed};
pub use protocol::{Ask, ProtocolError, answer};
