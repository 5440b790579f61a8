//! The host of a self-driving microscope: trains, relays, records, and never decides.

#![forbid(unsafe_code)]

pub mod campaign;
#[cfg(feature = "cli")]
pub mod cli;
pub mod control;
pub mod controller;
pub mod data;
pub mod experiment;
#[cfg(feature = "figures")]
pub mod figures;
pub mod journal;
pub mod lines;
pub mod live;
pub mod metrics;
pub mod microscope;
#[cfg(feature = "figures")]
pub mod page;
#[cfg(feature = "figures")]
pub mod plot;
pub mod scalarizer;
pub mod spaces;
pub mod specimen;
pub mod study;
pub mod train;
