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
//! | [`run`](run()) | a whole campaign in a call |
//! | `station` | the instrument, the disk, the clock and people, as a campaign sees them |
//! | `beam` | what the beam of a controller is told |
//! | `drift` | registration of a fresh overview on the first |
//! | `summary`, `results` | what is left in the folder at the end; the HDF5 file needs the feature `hdf5` |

mod beam;
mod drift;
mod error;
#[cfg(feature = "hdf5")]
mod results;
mod run;
mod session;
mod station;
mod summary;

pub use crate::journal::{FolderError, JournalError, RunFolder};
pub use drift::{DriftError, Shift, register};
pub use error::LiveError;
#[cfg(feature = "hdf5")]
pub use results::write_results;
pub use run::{resume, run};
pub use session::{Session, TakenUp};
pub use station::Log;
pub use summary::LiveSummary;
