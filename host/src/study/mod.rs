//! Honest comparisons: every strategy with every seed on the same data.
//!
//! A [`Plan`] numbers the cells, one campaign each. [`run_cells`] runs them over the cores and
//! keeps each finished one in a [`StudyFolder`], where other processes and machines may work as
//! well. A [`Comparison`] is what the folder holds; an [`Analysis`] its figures, with their
//! spread over seeds and paired tests; [`to_json`], [`describe`], the tables and [`write_report`]
//! show them.

mod analysis;
mod cell;
mod comparison;
mod error;
mod folder;
mod grids;
mod identity;
mod json;
mod maps;
mod metric;
mod others;
mod plan;
mod pool;
mod program;
#[cfg(feature = "figures")]
mod report;
mod statistics;
mod tables;
mod text;

pub use analysis::{
    Analysis, CAVEAT, Discovered, MetricSummary, STEPS, StrategyFigures, chosen_steps,
};
pub use cell::{CellResult, SpaceChecksums, Study};
pub use comparison::{Comparison, MeanCurve, StrategyRuns};
pub use error::StudyError;
pub use folder::{Stored, StudyFolder};
pub use identity::DataIdentity;
pub use json::to_json;
pub use maps::Maps;
pub use metric::{METRICS, Metric};
pub use others::Other;
pub use plan::{Cell, CellName, Conditions, Plan};
pub use pool::{Ending, Watch, Workers, cores, run_cells};
pub use program::Program;
#[cfg(feature = "figures")]
pub use report::write_report;
pub use statistics::{EXACT_PAIRS, PairedTest, Spread};
pub use tables::{write_series, write_table};
pub use text::describe;

#[cfg(test)]
mod testing;
