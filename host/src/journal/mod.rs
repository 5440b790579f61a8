//! The files of a campaign while it runs: the journal of its events, the commands that were accepted,
//! what it has learned, and the folder that holds them.

mod commands;
mod file;
mod folder;
mod learned;
mod reserve;
mod version1;

pub(crate) use commands::Commands;
pub use commands::CommandsError;
pub use file::{Found, Journal, JournalError, Place};
pub use folder::{FolderError, RunFolder};
pub(crate) use learned::LearnedFile;
pub(crate) use reserve::Reserve;

use std::time::SystemTime;

/// Milliseconds since the beginning of 1970, UTC.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
