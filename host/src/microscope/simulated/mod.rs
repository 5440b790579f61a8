//! Instruments that are simulated: a built-in specimen under a beam, and data acquired before.

mod beam;
mod replay;

pub use beam::{SimulatedBeam, SpecimenMicroscope};
pub use replay::ReplayMicroscope;
pub(super) use replay::require_same_area;
