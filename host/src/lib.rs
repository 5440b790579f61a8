//! The host of a self-driving microscope: trains, relays, records, and never decides.

#![forbid(unsafe_code)]

pub mod axis;
pub mod campaign;
pub mod cli;
pub mod controller;
pub mod dataset;
pub mod experiment;
pub mod lines;
pub mod live;
pub mod map;
pub mod metrics;
pub mod microscope;
pub mod npy;
pub mod patches;
pub mod report;
pub mod result;
pub mod scalarizer;
pub mod spaces;
pub mod specimen;
pub mod spectra;
pub mod study;
pub mod train;
