//! The control socket: what `beacon ctl` says to a campaign that runs.
//!
//! The campaign listens on a port of this machine alone, on every system alike, and writes the
//! port with a random word into the file `control` of its folder: who can read the folder can
//! control the campaign, nobody else. The word names the folder too, so that a copy of it controls nothing. A request is one line of JSON, `{"token": …, "words":
//! ["measure", "12,40"], "name": …}`, and so is the answer: `{"ok": …}` with what will happen or the
//! [`Status`], or `{"error": …}`. A command is on disk before it is answered. The thread of the socket
//! folds the same events as the campaign, so that it refuses what cannot hold.
//!
//! | file | what |
//! |---|---|
//! | [`campaign_side`](Control) | the campaign's side: opens the socket, tells what happens, takes the commands |
//! | `shared` | what the campaign and the thread of the socket share |
//! | `server`, `caller`, `answers` | the thread: connections, and what they are answered |
//! | [`client`](tell) | the caller's side |
//! | [`status`](Status), `over` | how a campaign is, while it runs and afterwards |

mod answers;
mod caller;
mod campaign_side;
mod client;
mod over;
mod server;
mod shared;
mod status;
#[cfg(test)]
mod tests;

use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

pub(crate) use campaign_side::Control;
pub use campaign_side::OpenError;
#[cfg(feature = "page")]
pub(crate) use campaign_side::write_private;
pub use client::{status, tell};
use over::how_to_go_on;
pub use over::status_by_journal;
pub(crate) use status::Proposal;
pub use status::Status;

/// Longest request, in bytes.
const LONGEST: usize = 1 << 16;
/// Longest answer that is read, in bytes: far more than any status takes.
const LONGEST_ANSWER: u64 = 1 << 24;
/// What a campaign answers to whoever means another one.
const WRONG_TOKEN: &str = "a wrong token; expected the one in the file `control`";

/// What a folder keeps when it is moved, and no copy of it has; `None` where the system does not tell.
fn identity(folder: &Path) -> Option<String> {
    let metadata = folder.metadata().ok()?;
    #[cfg(unix)]
    let number = Some(std::os::unix::fs::MetadataExt::ino(&metadata).into());
    #[cfg(not(unix))]
    let number = (metadata.created().ok())
        .and_then(|made| made.duration_since(std::time::SystemTime::UNIX_EPOCH).ok())
        .map(|since| since.as_nanos());
    number.map(|number: u128| number.to_string())
}

/// Why a campaign got no command; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No campaign runs there.
    #[error(
        "`{}`: {}; expected the folder of one that is{}",
        folder.display(),
        if folder.is_dir() {
            "no campaign is running in it"
        } else {
            "no such folder, so that no campaign is running in it"
        },
        how_to_go_on(folder)
    )]
    NotRunning {
        /// The folder.
        folder: PathBuf,
    },
    /// It does not answer, or its answer cannot be read.
    #[error("`{}`: the campaign runs and gives no answer that can be read: {source}", folder.display())]
    Silent {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A command that is longer than a campaign reads.
    #[error("the command takes {length} bytes as it is sent; expected at most {LONGEST}")]
    TooLong {
        /// Its bytes.
        length: usize,
    },
    /// Its journal cannot be read.
    #[error("{0}")]
    Unread(String),
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

/// What a caller sends.
#[derive(Serialize, Deserialize)]
struct Request {
    token: String,
    words: Vec<String>,
    /// The name of the caller, as the caller gives it.
    #[serde(default)]
    name: String,
}
