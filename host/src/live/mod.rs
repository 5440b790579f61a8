//! A campaign on an instrument: what lies between the campaign's state machine and the beam.
//!
//! The [campaign](crate::campaign) is the same as any other. Here its actions are carried out on an
//! instrument, with patience when something fails, and every event is in the
//! [journal](crate::journal) before anything follows from it. What blanks the beam, and when, is on one
//! page: `host/docs/safety.md`.
//!
//! | file | what |
//! |---|---|
//! | [`session`](Session) | a campaign in its folder: begun or taken up again, run, and its results |
//! | [`taken_up`](TakenUp), `fold` | the journal of a campaign that is taken up again, read and taken in |
//! | `admission` | whether a campaign may begin or go on: every check before the beam is used |
//! | `first_overview` | the way to the first overview, before there is a kernel |
//! | [`run`](run()) | a whole campaign in a call |
//! | `station` | the instrument, the disk, the clock and people, as a campaign sees them |
//! | `beam` | settings of a controller's beam |
//! | `drift` | registration of a fresh overview on the first |
//! | [`history`](read_history) | what happened, folded from the journal |
//! | `summary`, `table`, `results` | what is left in the folder at the end; the HDF5 file needs the feature `hdf5` |

mod admission;
mod beam;
mod drift;
mod error;
mod first_overview;
mod fold;
mod history;
#[cfg(feature = "hdf5")]
mod results;
mod run;
mod session;
mod station;
mod summary;
#[cfg(feature = "cli")]
mod table;
mod taken_up;
#[cfg(test)]
mod tests;

pub use drift::{DriftError, Shift, register};
pub use error::LiveError;
pub use history::read_history;
#[cfg(feature = "hdf5")]
pub use results::write_results;
pub use run::{resume, run};
pub use session::Session;
pub use station::Log;
pub use summary::LiveSummary;
#[cfg(feature = "cli")]
pub(crate) use table::write_points;
pub use taken_up::TakenUp;
