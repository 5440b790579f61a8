//! What can stand in the way of a comparison.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use crate::campaign::{ALGORITHM, CampaignError};
use crate::data::files::WriteError;
#[cfg(feature = "figures")]
use crate::plot::FigureError;

/// Why a comparison cannot be made; each is one line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StudyError {
    /// Names that no strategy has.
    #[error("no strategy is called {}; accepted are {accepted}", quoted(names))]
    UnknownStrategies {
        /// The names.
        names: Vec<String>,
        /// All that would be accepted.
        accepted: String,
    },
    /// A strategy that is named twice.
    #[error("strategy `{0}` is named twice; name each once")]
    Repeated(String),
    /// A setting outside its range.
    #[error("{name} is {value}; expected {accepted}")]
    Setting {
        /// Which setting.
        name: &'static str,
        /// Its value.
        value: String,
        /// What would be accepted.
        accepted: String,
    },
    /// A setting that the file of a plan cannot hold.
    #[error("the study cannot be written down: {0}; expected whole numbers below 2^63")]
    Form(String),
    /// The order of somebody else cannot be read.
    #[error(transparent)]
    Order(crate::campaign::OrderError),
    /// Orders are not as many as seeds.
    #[error(
        "{found} orders of `{name}` with {seeds} seeds; expected {seeds}, one for each seed, the first of \
         seed 1"
    )]
    Orders {
        /// Whose.
        name: String,
        /// How many there are.
        found: usize,
        /// How many there should be.
        seeds: usize,
    },
    /// An order is shorter than the campaigns.
    #[error(
        "the order of `{name}` with seed {seed} has {found} steps; expected {steps} or more, or fewer \
         --steps"
    )]
    ShortOrder {
        /// Whose.
        name: String,
        /// Its seed.
        seed: usize,
        /// Its steps.
        found: usize,
        /// Steps of the campaigns.
        steps: usize,
    },
    /// A program of somebody else's failed.
    #[error("{name} with seed {seed}: {why}")]
    External {
        /// Its name.
        name: String,
        /// The seed of the campaign.
        seed: u64,
        /// What it did.
        why: String,
    },
    /// A program of somebody else's took too long.
    #[error(
        "{name} with seed {seed}: `{command}` gave no answer for step {step} within {} s; expected one in that \
         time, or a longer --external-patience",
        patience.as_secs_f64()
    )]
    Silent {
        /// Its name.
        name: String,
        /// The seed of the campaign.
        seed: u64,
        /// Its command line.
        command: String,
        /// The step that it was asked for.
        step: usize,
        /// How long it had.
        patience: Duration,
    },
    /// Something that names no cell.
    #[error("`{0}` names no cell or shard; expected I/N, the I-th of N, such as 3/50")]
    CellForm(String),
    /// A cell that the study does not have.
    #[error(
        "cell {number}/{of} is none of this study, which has {strategies} strategies x {seeds} \
         seeds = {cells} cells; expected 1/{cells} to {cells}/{cells}"
    )]
    NoSuchCell {
        /// Number of the cell.
        number: usize,
        /// Number of cells as given.
        of: usize,
        /// Number of strategies.
        strategies: usize,
        /// Number of seeds.
        seeds: usize,
        /// Number of cells.
        cells: usize,
    },
    /// A shard that the study cannot have.
    #[error(
        "shard {number}/{of} is none of this study, which has {cells} cells; expected K/N with N from 1 \
         to {cells} and K from 1 to N"
    )]
    NoSuchShard {
        /// Number of the shard.
        number: usize,
        /// Number of shards as given.
        of: usize,
        /// Number of cells.
        cells: usize,
    },
    /// Campaigns cannot start with these settings on these data.
    #[error(transparent)]
    Start(Box<CampaignError>),
    /// A campaign of the study failed.
    #[error("{strategy} with seed {seed}: {source}")]
    Campaign {
        /// Its strategy.
        strategy: String,
        /// Its seed.
        seed: u64,
        /// What the campaign said.
        source: Box<CampaignError>,
    },
    /// The operating system gives no threads.
    #[error("no threads to run campaigns on: {0}")]
    Threads(String),
    /// A folder that holds no study.
    #[error(
        "`{}`: no study in it (there is no study.toml); expected a folder that a comparison \
         wrote",
        folder.display()
    )]
    NoStudy {
        /// The folder.
        folder: PathBuf,
    },
    /// A folder with a study of something else.
    #[error(
        "`{}`: another study is in it: {}; choose another folder, or the same settings",
        folder.display(), differences.join(", ")
    )]
    AnotherStudy {
        /// The folder.
        folder: PathBuf,
        /// What differs, entry by entry.
        differences: Vec<String>,
    },
    /// A study whose campaigns another revision of the program decided.
    #[error(
        "`{}`: {}; this program's is {ALGORITHM}: collect it with the program that made it, or choose \
         another folder",
        folder.display(), revision(*found)
    )]
    AnotherRevision {
        /// The folder.
        folder: PathBuf,
        /// Its revision of what decides; `None` where it is older than the count of them.
        found: Option<u32>,
    },
    /// A study without a single finished cell.
    #[error("`{}`: none of its {cells} cells is finished", folder.display())]
    NothingYet {
        /// The folder.
        folder: PathBuf,
        /// Number of cells.
        cells: usize,
    },
    /// A file that cannot be read back.
    #[error("`{}`: cannot be read: {reason}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A folder or file that cannot be written.
    #[error("`{}`: cannot be written: {reason}", path.display())]
    Unwritable {
        /// The folder or file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A file that cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A figure that cannot be drawn or written.
    #[cfg(feature = "figures")]
    #[error(transparent)]
    Figure(#[from] FigureError),
    /// Campaigns of one seed that did not start alike.
    #[error(
        "{first} and {second} started from different points with seed {seed}; a paired test \
         expects the same"
    )]
    Unpaired {
        /// A strategy.
        first: String,
        /// One that started elsewhere.
        second: String,
        /// The seed.
        seed: u64,
    },
}

fn revision(found: Option<u32>) -> String {
    match found {
        Some(found) => format!("made by revision {found} of what decides"),
        None => "made before revisions of what decides were counted".to_owned(),
    }
}

fn quoted(names: &[String]) -> String {
    let quoted: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
    quoted.join(", ")
}
