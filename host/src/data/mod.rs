//! The data that everything else is about: calibrated axes, maps and spectra, and their files.
//!
//! A [`Map`] holds a value for every pixel, [`Spectra`] hold a spectrum for every pixel; an
//! [`Axis`] calibrates each direction. [`Patches`] are what the network sees of an image.
//! [`files`] reads and writes the formats of the field, [`result`] writes what a campaign found. Doses are
//! computed from [`Electrons`], [`Picoamperes`] and [`Seconds`].
//!
//! Nothing here knows of instruments, campaigns or figures.

mod axis;
mod behaviour;
mod blur;
pub mod files;
mod map;
pub mod npy;
mod region;
#[cfg(feature = "hdf5")]
pub mod result;
mod spectra;

pub use crate::units::{
    Electrons, ElectronsPerSquareAngstrom, Picoamperes, Seconds, SquareAngstroms, UnitError,
};
pub use axis::Axis;
pub use beacon_train::Patches;
pub use behaviour::Behaviour;
pub(crate) use blur::blur;
pub use map::{Map, on_candidates};
pub use region::Region;
pub(crate) use spectra::Values;
pub use spectra::{Channels, Spectra};
