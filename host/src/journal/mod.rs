//! The files of a campaign while it runs: the journal of its events, the commands that were accepted,
//! what it has learned, what a page shows of that, and the folder that holds them.

mod commands;
mod error;
mod file;
mod folder;
mod follow;
mod learned;
mod past;
mod reserve;
mod shown;
mod version1;
mod view;

pub(crate) use commands::Commands;
pub use commands::CommandsError;
pub use error::JournalError;
pub use file::{Found, Journal, Place};
pub use folder::{FolderError, RunFolder};
pub(crate) use follow::has_beginning;
pub use follow::{Follower, News, read_at};
pub(crate) use learned::LearnedFile;
pub(crate) use past::ROOM;
#[cfg(feature = "page")]
pub(crate) use past::kept as kept_views;
pub(crate) use reserve::Reserve;
pub(crate) use shown::Shown;
#[cfg(feature = "page")]
pub(crate) use view::{
    Head, Seen, file as view_file, read as read_view, read_file as read_view_at, read_head,
};
pub(crate) use view::{Moment, View};

use std::time::SystemTime;

/// Milliseconds since the beginning of 1970, UTC.
pub(crate) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as u64)
}
