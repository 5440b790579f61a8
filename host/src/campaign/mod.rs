//! The campaign: a state machine, what it learns, and what drives it.
//!
//! The host never decides. The kernel proposes; the campaign's [`State`] says what is done next and
//! whether it may be done; a driver carries it out and reports what happened.
//!
//! | file | what |
//! |---|---|
//! | [`state`](State) | the machine: events in, next action out; no clock, file, thread or socket |
//! | `event`, [`command`](Command) | what happens to a campaign, and the commands that people give it |
//! | [`targets`](Targets) | what is sought: one response, or several that share one model |
//! | `dose`, `position` | electrons on every pixel and in all; where the beam has to go |
//! | `learner`, [`retraining`](Retraining) | the kernel and the trainer, kept in step with the state |
//! | [`monitor`](Monitor), `growth` | how the campaign is doing |
//! | [`dead_time`](DeadTime) | where the time between exposures goes |
//! | [`published`](PublishedMap) | the map of the response that it publishes |
//! | `drive` | carries out actions and reports events, for every kind of campaign |
//! | [`offline`](Campaign) | campaigns on experiments that answer at once |
//! | `folder`, [`summary`](Summary), [`history`](History), `page` | what is left of it |

mod command;
#[cfg(feature = "figures")]
mod component_weights;
mod config;
mod dead_time;
mod discovery;
pub(crate) mod dose;
pub(crate) mod drive;
mod ended;
mod error;
pub(crate) mod event;
#[cfg(feature = "figures")]
mod folder;
mod growth;
mod history;
#[cfg(feature = "figures")]
mod history_tables;
mod learner;
mod live_config;
mod memory;
mod monitor;
mod offline;
mod order;
mod outcome;
#[cfg(feature = "figures")]
mod page;
pub(crate) mod position;
mod published;
mod retraining;
mod seeds;
mod series;
#[cfg(feature = "figures")]
mod spectra;
mod state;
mod summary;
mod targets;
mod warnings;

use std::ops::ControlFlow;

use beacon_kernel::{Edges, Network};

use crate::data::Map;

pub use crate::data::{Patches, Region};
pub use crate::experiment::{
    Experiment, ExperimentError, Oracle, Point, Replay, SpecimenExperiment,
};
pub use crate::spaces::{Cache, LatentConfig, Spaces, SpacesError};
pub(crate) use command::listed;
pub use command::{Command, Otherwise, TimeOut, WORDS};
#[cfg(feature = "cli")]
pub(crate) use config::edges_parser;
pub use config::{CampaignConfig, DEFAULT_EDGES, default_strategy};
pub(crate) use dead_time::Exposure;
pub use dead_time::{BoardDeadTime, DeadTime};
pub use discovery::Discovery;
pub use dose::{DoseError, Ledger, Limits, pixel_area};
#[cfg(feature = "cli")]
pub(crate) use drive::filled_edges;
pub use ended::Ended;
pub use error::{CampaignError, SettingError};
pub use event::{
    Begun, Components, Event, Exposing, Foreseen, Given, Measured, Overview, Proposed, Record,
    Resumed, Surveyed, Trained,
};
#[cfg(feature = "figures")]
pub use folder::{FolderError, RunFiles, write_run, write_side_by_side};
#[cfg(feature = "hdf5")]
pub(crate) use history::Held;
pub use history::{CommandTaken, FailureKind, FailureSeen, History, Leg, Phase};
pub(crate) use learner::{Use, watched};
pub use live_config::{DeflectionFrame, LiveConfig, Reduce, parse_frame, parse_ready, parse_time};
pub use monitor::{FurtherTarget, Judgement, Monitor, Posterior, Visit};
pub use offline::Campaign;
pub(crate) use offline::Witness;
pub(crate) use offline::check_image;
pub use order::{Order, OrderError, PublishedFigures, read_order, read_published_order};
pub use outcome::{Expectation, FurtherResponse, Measurement, Outcome, Times};
pub use published::{MapFigures, PublishedMap};
pub use retraining::Retraining;
pub(crate) use seeds::check_present;
pub use seeds::{SeedList, Seeds, SeedsError, check_seeds, read_seeds};
pub use series::{FurtherFigures, Series};
pub(crate) use state::Folded;
pub use state::{
    Action, Author, Contradiction, Expose, MeasuredPoint, NextPoint, Now, Settings, Standing,
    State, Wait, check_response,
};
pub use summary::Summary;
pub use targets::{Targets, TargetsError};
#[cfg(feature = "cli")]
pub(crate) use targets::{components_of, one_or_several};

/// Revision of all that decides where a campaign measures: kernel, training, seeds. To be raised
/// whenever a campaign may take another way than before, so that its results are not mixed with
/// earlier ones.
pub const ALGORITHM: u32 = 7;

/// What follows the progress of a campaign.
pub trait Observer {
    /// A step is complete: number (from 1), total, the figures so far. A break ends the campaign
    /// there, with what it has, and says why.
    fn step(&mut self, step: usize, of: usize, series: &Series) -> ControlFlow<Ended>;

    /// So many points came before the first step.
    fn seeded(&mut self, _seeds: usize) {}
}

/// An observer that does nothing.
impl Observer for () {
    fn step(&mut self, _: usize, _: usize, _: &Series) -> ControlFlow<Ended> {
        ControlFlow::Continue(())
    }
}

/// Refuses a window that does not fit the image or the network.
pub(crate) fn check_window(image: &Map, window: usize, edges: Edges) -> Result<(), CampaignError> {
    let (from, most) = (Network::MIN_WINDOW_SAME, Network::MAX_WINDOW);
    let side = image.height().min(image.width());
    let to = match edges {
        Edges::Inside => most.min(side),
        Edges::Reflect => most,
    };
    if (from..=to).contains(&window) {
        return Ok(());
    }
    let (height, width) = (image.height(), image.width());
    let fits = if from <= to {
        format!("{from} to {to} pixels for an image of {height} x {width}")
    } else {
        format!("an image of {from} x {from} pixels or more, not {height} x {width}")
    };
    let accepted = if (from..=most).contains(&window) {
        format!("{fits}, or edges `{}`", Edges::Reflect.name())
    } else {
        fits
    };
    Err(CampaignError::Setting {
        name: "window",
        value: window.to_string(),
        accepted,
    })
}
