//! The host of a self-driving microscope: trains, relays, records, and never decides.
//!
//! A campaign on an instrument of one's own takes two functions and a call of [`live::run`]. Here the
//! "instrument" answers with a number for each place; one that records spectra has more channels, and a
//! [scalarizer](scalarizer::Scalarizer) that reduces them. An instrument that tells more of itself
//! implements [`Microscope`].
//!
//! ```
//! use beacon_host::campaign::LiveConfig;
//! use beacon_host::data::{Channels, Map};
//! use beacon_host::live;
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
//! let outcome = live::run(&mut mine, config, folder, &mut ())?;
//! assert_eq!((outcome.seeds.len(), outcome.steps.len()), (10, 4));
//! // Whatever ended it, the journal in the folder has every point: it goes on from there.
//! let again = live::resume(&mut mine, folder, &mut ())?;
//! assert_eq!(again.steps, outcome.steps);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what |
//! |---|---|
//! | [`campaign`] | the state machine of a campaign, its settings, and what comes of it |
//! | [`live`] | campaigns on instruments |
//! | [`ask_tell`] | campaigns whose points the caller measures |
//! | [`microscope`] | instruments |
//! | [`experiment`] | data and specimens that answer at once, for [offline campaigns](campaign::Campaign) |
//! | [`controller`] | where the kernel runs: in this process, or on a board |
//! | [`train`] | the trainer of the deep kernel |
//! | [`data`] | axes, maps, spectra and their files |
//! | [`scalarizer`] | from a spectrum to a number |
//! | [`components`] | from a spectrum to the first components of all that were measured |
//! | [`units`] | what doses are computed from: electrons, picoamperes, seconds, e/Å² |
//! | [`metrics`], [`spaces`] | how a campaign is judged |
//! | [`study`] | comparisons of strategies |
//!
//! What else is public serves the program `beacon` and the tests, and changes with them.
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

pub mod ask_tell;
pub mod campaign;
#[cfg(feature = "cli")]
#[doc(hidden)]
pub mod cli;
pub mod components;
#[doc(hidden)]
pub mod control;
#[cfg(feature = "page")]
#[doc(hidden)]
pub mod control_room;
pub mod controller;
pub mod data;
pub mod experiment;
#[cfg(feature = "figures")]
#[doc(hidden)]
pub mod figures;
#[doc(hidden)]
pub mod journal;
#[doc(hidden)]
pub mod lines;
pub mod live;
pub mod metrics;
pub mod microscope;
#[cfg(feature = "figures")]
#[doc(hidden)]
pub mod page;
#[cfg(feature = "figures")]
#[doc(hidden)]
pub mod plot;
pub mod scalarizer;
pub mod spaces;
#[doc(hidden)]
pub mod specimen;
pub mod study;
pub mod train;
pub mod units;
