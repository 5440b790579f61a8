//! Figures, tables and maps of the run folder.
//!
//! A figure is a plain struct that borrows its data and says how large it is; [`save`]
//! draws it as PNG or SVG, whichever the file name ends in:
//!
//! ```
//! use beacon_host::map::Map;
//! use beacon_host::report::{Trajectory, TrajectoryFigure, save};
//!
//! let image = Map::uncalibrated(8, 8, (0..64).map(f64::from).collect(), "HAADF");
//! let trajectory =
//!     Trajectory { strategy: "beacon", seeds: &[(1, 1)], steps: &[(4, 2), (6, 7)] };
//! let folder = tempfile::tempdir()?;
//! save(&TrajectoryFigure { image: &image, trajectory }, &folder.path().join("trajectory.png"))?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Layout lives in one file a figure; what figures share has a file each: colours
//! ([`palette`], [`strategy_colour`]), round numbers ([`ticks`]), an image with its colour
//! bar and scale bar, a plane with its axes and curves, the legend above several, number labels
//! that keep out of each other's way, and the page itself. [`Report`] holds what is known of one
//! or several strategies, draws all their figures and puts them into one page of HTML.
//!
//! Pixels are given as `(row, column)` everywhere. NaN in a map means "no value here" and
//! is drawn light grey.

mod canvas;
mod colour_bar;
mod coverage;
mod curves;
mod density;
mod document;
mod error;
mod figures;
mod file;
mod frame;
mod growth;
mod html;
mod image_panel;
mod labels;
mod latent;
mod latent_plane;
mod legend;
mod manifold;
mod maps;
mod markers;
pub mod number;
mod overview;
mod page;
pub mod palette;
mod panels;
mod plane;
mod result;
mod scale_bar;
mod spectra;
pub mod strategy_colour;
mod stroke;
mod surrogate;
mod table;
mod target;
pub mod ticks;
mod times;
mod trajectories;
mod trajectory;

pub use canvas::{Figure, draw_svg, save, save_both};
pub use coverage::CoverageFigure;
pub use curves::Curve;
pub use document::{Report, write_report};
pub use error::ReportError;
pub use figures::{FIGURES, write_figures};
pub use file::{remove_file, write_file};
pub use growth::{Growth, GrowthFigure, GrowthPanel, PowerLaw};
pub use html::Table;
pub use latent::LatentFigure;
pub use latent_plane::LatentPlane;
pub use manifold::Manifold;
pub use maps::{on_candidates, write_npy};
pub use markers::{Marker, line_markers, main_line_markers};
pub use overview::OverviewFigure;
pub use page::{DrawResult, Page};
pub use panels::{CurvePanel, PanelsFigure, Span};
pub use result::{Metrics, Progress, StepTimes, StrategyResult};
pub use spectra::{Arrangement, SpectraFigure, Spectrum};
pub use stroke::Stroke;
pub use surrogate::SurrogateFigure;
pub use table::{Acquisition, write_acquisitions};
pub use target::TargetFigure;
pub use times::TimesFigure;
pub use trajectories::TrajectoriesFigure;
pub use trajectory::{Trajectory, TrajectoryFigure};

#[cfg(test)]
mod tests;
