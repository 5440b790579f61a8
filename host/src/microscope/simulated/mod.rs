//! Instruments that are simulated: a built-in specimen under a beam, and data acquired before.

mod beam;
mod files;
mod replay;

pub use beam::{SimulatedBeam, SpecimenMicroscope};
pub use files::ReplayOptions;
pub use replay::ReplayMicroscope;
