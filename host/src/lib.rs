//! The host of a self-driving microscope: trains, relays, records, and never decides.
//!
//! A campaign on an instrument of one's own takes two functions and a call of [`run`]. Here the
//! "instrument" answers with a number for each place; one that records spectra has more channels, and a
//! [scalarizer](scalarizer::Scalarizer) that reduces them. An instrument that tells more of itself
//! implements [`Microscope`].
//!
//! ```
//! use beacon_host::campaign::LiveConfig;
//! use beacon_host::data::{Channels, Map};
//! use beacon_host::microscope::{MicroscopeChoice, Position, from_functions};
//!
//! let overview = || {
//!     let pixels = (0..32 * 32).map(|n| f64::from(n % 32 * (n / 32)).sin()).collect();
//!     Ok(Map::uncalibrated(32, 32, pixels, "brightness"))
//! };
//! let acquire = |at: Position, _dwell| Ok(vec![(9.0 * at.x).sin() + at.y]);
//! let mut mine = from_functions("mine", Channels::numbered(1, "signal"), overview, acquire);
//!
//! # let parent = tempfile::tempdir()?;
//! # let folder = &parent.path().join("campaign");
//! let config = LiveConfig::new(MicroscopeChoice::Own("mine".to_owned()), 14);
//! let outcome = beacon_host::run(&mut mine, config, folder, &mut ())?;
//! assert_eq!((outcome.seeds.len(), outcome.steps.len()), (10, 4));
//! // Whatever ended it, the journal in the folder has every point: it goes on from there.
//! let again = beacon_host::resume(&mut mine, folder, &mut ())?;
//! assert_eq!(again.steps, outcome.steps);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | a campaign | by |
//! |---|---|
//! | on an instrument, in one call | [`run`], [`resume`] |
//! | on an instrument, with commands, a controller, what is logged and what is judged | [`Session`] |
//! | whose points the caller measures | [`AskTell`] |
//! | on data or specimens that answer at once | [`campaign::Campaign`] |
//! | against others, many times | [`study`] |
//!
//! | module | what |
//! |---|---|
//! | [`campaign`] | the state machine of a campaign, its settings, what it is about, and what comes of it |
//! | [`microscope`] | instruments |
//! | [`controller`] | where the kernel runs: in this process, or on a board |
//! | [`train`] | the trainer of the deep kernel |
//! | [`data`] | axes, maps, spectra and their files; the quantities that doses are computed from |
//! | [`scalarizer`] | from a spectrum to a number |
//! | [`components`] | from a spectrum to the first components of all that were measured |
//! | [`metrics`] | how a campaign is judged |
//! | [`study`] | comparisons of strategies |
//!
//! # Features
//!
//! All are on by default. A campaign as above needs none: `default-features = false`.
//!
//! | feature | what it brings |
//! |---|---|
//! | `cli` | the program `beacon`; `figures`, `hdf5` and `page` with it |
//! | `figures` | run folders with their figures and report; `latent` with it |
//! | `hdf5` | NSID, USID and HyperSpy files, and a campaign's result as one |
//! | `page` | the control room: campaigns in a browser |
//! | `latent` | the latent space of the patches, learned by an autoencoder |
//!
//! [`Microscope`]: microscope::Microscope

#![forbid(unsafe_code)]

mod ask_tell;
pub mod campaign;
#[cfg(feature = "cli")]
mod cli;
pub mod components;
mod control;
#[cfg(feature = "page")]
mod control_room;
pub mod controller;
pub mod data;
mod experiment;
#[cfg(feature = "figures")]
mod figures;
mod journal;
mod lines;
mod live;
pub mod metrics;
pub mod microscope;
#[cfg(feature = "figures")]
mod page;
#[cfg(feature = "figures")]
mod plot;
pub mod scalarizer;
mod spaces;
mod specimen;
pub mod study;
pub mod train {
    //! The trainer of the deep kernel, a crate of its own: [`beacon_train`].

    pub use beacon_train::{
        Batch, FiltersState, FiltersTrainer, FitReport, LeftOut, Likelihood, Mapmaker, Pace,
        ResponseMap, SurrogateKind, SurrogateTrainer, TaughtState, TaughtTrainer, TrainError,
        Trainer, TrainerConfig, TrainerState, features,
    };
}
mod units;

pub use ask_tell::{AskTell, AskTellError, Asked, Beginning, Setup, Sight};
pub use journal::{FolderError, JournalError, RunFolder};
pub use live::{LiveError, LiveSummary, Log, Session, TakenUp, resume, run};

/// What the program `beacon`, the tests and the benchmarks need beside the library. It changes with
/// them.
#[doc(hidden)]
pub mod internal {
    /// Makes a private room of the library reachable.
    macro_rules! rooms {
        ($($(#[$features:meta])? $room:ident)*) => {$(
            $(#[$features])?
            pub mod $room {
                pub use crate::$room::*;
            }
        )*};
    }

    rooms! {
        #[cfg(feature = "cli")] cli
        control
        #[cfg(feature = "page")] control_room
        #[cfg(feature = "figures")] figures
        journal
        lines
        live
        #[cfg(feature = "figures")] page
        #[cfg(feature = "figures")] plot
        spaces
        specimen
        units
    }
}
