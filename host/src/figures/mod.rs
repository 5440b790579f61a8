//! The figures of a campaign and of a comparison.
//!
//! A figure is a plain struct that borrows its data, and lives in one file; [`crate::plot`]
//! draws it and writes it:
//!
//! ```
//! use beacon_host::data::Map;
//! use beacon_host::internal::figures::{Trajectory, TrajectoryFigure};
//! use beacon_host::internal::plot::save;
//!
//! let image = Map::uncalibrated(8, 8, (0..64).map(f64::from).collect(), "HAADF");
//! let trajectory = Trajectory {
//!     strategy: "beacon",
//!     seeds: &[(1, 1)],
//!     steps: &[(4, 2), (6, 7)],
//!     ..Trajectory::default()
//! };
//! let folder = tempfile::tempdir()?;
//! save(&TrajectoryFigure { image: &image, trajectory }, &folder.path().join("trajectory.png"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Pixels are given as `(row, column)` everywhere. NaN in a map means "no value here".

mod coverage;
mod curves;
mod density;
mod growth;
mod latent;
mod latent_plane;
mod manifold;
mod marked;
mod markers;
mod one_map;
mod overview;
mod pairs;
mod panels;
mod spectra;
mod step_mark;
pub mod strategy_colour;
mod strategy_result;
mod surrogate;
mod target;
mod times;
mod trajectories;
mod trajectory;

pub use coverage::CoverageFigure;
pub use curves::Curve;
pub(crate) use curves::MOST_BANDS;
pub use growth::{Growth, GrowthFigure, GrowthPanel, PowerLaw};
pub use latent::LatentFigure;
pub use latent_plane::LatentPlane;
pub use manifold::Manifold;
pub use marked::Marked;
pub use markers::{Marker, edge_markers, line_markers, main_line_markers};
pub use overview::OverviewFigure;
pub use pairs::{PairedResponse, PairsFigure};
pub use panels::{CurvePanel, PanelsFigure, Span};
pub use spectra::{Arrangement, Shade, SpectraFigure, Spectrum};
pub use step_mark::{StepMark, TargetChanges};
pub use strategy_result::{Metrics, Progress, ResponseErrors, StepTimes, StrategyResult};
pub use surrogate::SurrogateFigure;
pub use target::TargetFigure;
pub use times::TimesFigure;
pub use trajectories::TrajectoriesFigure;
pub use trajectory::{Trajectory, TrajectoryFigure};

#[cfg(test)]
pub(crate) mod tests;
