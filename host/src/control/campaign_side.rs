//! The campaign's side of the socket.

use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::identity;
use super::server::{BUSY, Server};
use super::shared::{Shared, lock};
use crate::campaign::{Event, Given, State};
use crate::journal::{Commands, CommandsError, RunFolder, now_ms};
use crate::microscope::Interrupt;

/// How long the end of a campaign waits for a request that is being answered.
const FAREWELL: Duration = Duration::from_millis(500);

/// The campaign's side of the socket; it closes when this is dropped.
#[derive(Debug)]
pub(crate) struct Control {
    shared: Arc<Mutex<Shared>>,
    closing: Arc<AtomicBool>,
    file: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Listens for a campaign in a folder, which has come to this state after running for so long.
    /// Commands that are waiting come first.
    ///
    /// # Errors
    /// When there is no port or a file cannot be written.
    pub(crate) fn open(
        folder: &RunFolder,
        state: State,
        elapsed: Duration,
    ) -> Result<Self, OpenError> {
        let taken = state.commands_taken();
        let (commands, waiting) = Commands::open(&folder.commands(), taken)?;
        let shared = Arc::new(Mutex::new(Shared::new(state, waiting, elapsed)));
        let file = folder.path().join("control");
        let of = identity(folder.path()).map_or_else(String::new, |own| format!("-{own}"));
        let token = format!("{:016x}{of}", token());
        let listener = listen(&file, &token).map_err(OpenError::Socket)?;
        let closing = Arc::new(AtomicBool::new(false));
        let mut server = Server::new(token, commands, Arc::clone(&shared));
        let flag = Arc::clone(&closing);
        let thread = std::thread::spawn(move || server.serve(&listener, &flag));
        Ok(Self {
            shared,
            closing,
            file,
            thread: Some(thread),
        })
    }

    /// Applies an event, so that answers are up to date. A command that it takes or refuses waits no
    /// longer.
    pub(crate) fn apply(&self, event: &Event) {
        self.lock().apply(event);
    }

    /// Sets how many responses of a place the kernel holds: who asks for more is told so.
    pub(crate) fn set_most_targets(&self, most: usize) {
        self.lock().state.set_most_targets(most);
    }

    /// Sets how many measurements the kernel has room for.
    pub(crate) fn set_room(&self, room: usize) {
        self.lock().state.set_room(room);
    }

    /// The folder of the campaign.
    pub(crate) fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new(""))
    }

    /// Shows what the campaign does.
    pub(crate) fn show(&self, activity: &str) {
        activity.clone_into(&mut self.lock().activity);
    }

    /// Shows whether the beam is blanked; `None` while a point is exposed.
    pub(crate) fn show_beam(&self, blanked: Option<bool>) {
        let mut shared = self.lock();
        if shared.beam.map(|(before, _)| before) != blanked {
            shared.beam = blanked.map(|blanked| (blanked, now_ms()));
        }
    }

    /// Shows how much of the responses' range has been seen.
    pub(crate) fn show_coverage(&self, coverage: Option<f64>) {
        self.lock().coverage = coverage;
    }

    /// Sets what gives an exposure under way up when somebody says `stop now`.
    pub(crate) fn set_interrupt(&self, interrupt: Interrupt) {
        self.lock().interrupt = Some(interrupt);
    }

    /// The command that comes next. It waits until [`Control::apply`] is told what became of it: what
    /// is answered meanwhile reckons with it.
    pub(crate) fn command(&self) -> Option<Given> {
        self.lock().waiting.front().cloned()
    }

    /// Whether a command waits for the campaign.
    pub(crate) fn waits(&self) -> bool {
        !self.lock().waiting.is_empty()
    }

    /// Has the commands that wait taken before a point that was broken off.
    pub(crate) fn take_first(&self) {
        let mut shared = self.lock();
        shared.first = shared.waiting.len();
    }

    /// Whether a command waits that concerns a point that was broken off.
    pub(crate) fn is_urgent(&self) -> bool {
        self.lock().is_urgent()
    }

    /// Whether the command `stop` waits.
    pub(crate) fn stopped(&self) -> bool {
        self.lock().is_stopped()
    }

    /// For work that takes long: shows what the campaign does, and tells whether it is to end.
    pub(crate) fn attending(&self) -> impl Fn(&str) -> bool + use<> {
        let shared = Arc::clone(&self.shared);
        move |activity| {
            let mut shared = lock(&shared);
            activity.clone_into(&mut shared.activity);
            shared.is_stopped()
        }
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        lock(&self.shared)
    }
}

/// Why the control socket cannot be opened; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The file of the commands cannot be used.
    #[error(transparent)]
    Commands(#[from] CommandsError),
    /// The control socket cannot be opened.
    #[error("the control socket cannot be opened: {0}")]
    Socket(#[source] io::Error),
}

impl Drop for Control {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // Without the file no one calls any more.
        let _ = std::fs::remove_file(&self.file);
        let Some(thread) = self.thread.take() else {
            return;
        };
        // A disk that does not answer must not keep the program: the thread ends with it.
        let begun = Instant::now();
        while !thread.is_finished() {
            if begun.elapsed() > FAREWELL {
                return;
            }
            std::thread::sleep(BUSY);
        }
        let _ = thread.join();
    }
}

/// Opens a port and writes where it is.
fn listen(file: &Path, token: &str) -> io::Result<TcpListener> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let port = listener.local_addr()?.port();
    write_private(file, &format!("{port} {token}\n"))?;
    Ok(listener)
}

/// A number that no one can guess.
fn token() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    // The standard library seeds it from the system's random numbers.
    RandomState::new().hash_one(std::process::id())
}

/// Writes a file that its owner alone can read, where the system has owners.
pub(crate) fn write_private(file: &Path, content: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(content.as_bytes())
}
