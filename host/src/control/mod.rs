//! The control socket: what `beacon ctl` says to a campaign that runs.
//!
//! The campaign listens on a port of this machine alone, on every system alike, and writes the
//! port with a random word into the file `control` of its folder: who can read the folder can
//! control the campaign, nobody else. A request is one line of JSON, `{"token": …, "words":
//! ["measure", "12,40"], "name": …}`, and so is the answer: `{"ok": …}` with what will happen or the
//! [`Status`], or `{"error": …}`. A command is on disk before it is answered. The thread of the socket
//! folds the same events as the campaign, so that it refuses what cannot hold.

mod answers;
mod over;
mod status;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use beacon_kernel::Candidate;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use answers::{said, words};
use over::how_to_go_on;
pub use over::status_by_journal;
pub(crate) use status::Proposal;
pub use status::Status;

use crate::campaign::{Command, Event, Given, Otherwise, State, TimeOut};
use crate::journal::{Commands, CommandsError, RunFolder, now_ms};
use crate::microscope::Interrupt;
use crate::units::Seconds;

/// Longest line that is read, in bytes.
const LONGEST: usize = 1 << 16;
/// How long a caller waits for the campaign, which may have to wait for its disk.
const PATIENCE: Duration = Duration::from_secs(15);
/// How long a caller may take to send its request, and then to take its answer. What the campaign itself
/// needs in between, such as a slow disk's time for a command, is not the caller's.
const DEADLINE: Duration = Duration::from_secs(6);
/// Connections at a time; further ones wait for the deadline of those.
const CALLERS: usize = 16;
/// Points whose pace tells how long the rest takes.
const PACE: usize = 20;
/// How often the campaign looks for callers, and for what they send.
const IDLE: Duration = Duration::from_millis(20);
const BUSY: Duration = Duration::from_millis(1);
/// How long the end of a campaign waits for a request that is being answered.
const FAREWELL: Duration = Duration::from_millis(500);

/// Why a campaign got no command; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No campaign runs there.
    #[error(
        "`{}`: no campaign is running in it; expected the folder of one that is{}",
        folder.display(),
        how_to_go_on(folder)
    )]
    NotRunning {
        /// The folder.
        folder: PathBuf,
    },
    /// It does not answer.
    #[error("`{}`: the campaign does not answer: {source}", folder.display())]
    Silent {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its journal cannot be read.
    #[error("{0}")]
    Unread(String),
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

#[derive(Serialize, Deserialize)]
struct Request {
    token: String,
    words: Vec<String>,
    /// The name of the caller, as the caller gives it.
    #[serde(default)]
    name: String,
}

/// What the campaign and the thread of the socket share.
#[derive(Debug)]
struct Shared {
    /// The campaign's state, folded from the same events.
    state: State,
    /// Commands that were answered and are not on record yet.
    waiting: VecDeque<Given>,
    /// How many of them come before a point that was broken off.
    first: usize,
    activity: String,
    /// Whether the beam was blanked when it was last asked to be, and since when; `None` while a point
    /// is exposed.
    beam: Option<(bool, u64)>,
    /// When the last event was recorded.
    last_event_ms: Option<u64>,
    /// How much of the responses' range has been seen.
    coverage: Option<f64>,
    /// How long the campaign had been running when each of the last points was measured.
    measured: VecDeque<Duration>,
    /// The proposal that waits for a person, for how long, and since when.
    unanswered: Option<(Candidate, TimeOut, Instant)>,
    /// What gives an exposure under way up.
    interrupt: Option<Interrupt>,
    /// When the campaign was taken up, and how long it had been running by then.
    clock: (Instant, Duration),
}

impl Shared {
    /// Whether the campaign is to end.
    fn is_stopped(&self) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|given| given.command == Command::Stop)
    }

    /// Notes since when a proposal waits that may not wait for ever. Its time begins anew when the
    /// campaign was paused, and when the time is set.
    fn note_unanswered(&mut self) {
        let waits = self.state.next_point().filter(|next| next.waits);
        let waits = waits.filter(|_| !self.state.is_paused());
        let waits = waits.map(|next| next.candidate);
        let waits = waits.zip(self.state.settings().time_out);
        if self
            .unanswered
            .map(|(candidate, time, _)| (candidate, time))
            != waits
        {
            self.unanswered = waits.map(|(candidate, time)| (candidate, time, Instant::now()));
        }
    }

    /// The proposal that nobody has answered in time, and what then.
    fn overdue(&self) -> Option<(Candidate, Otherwise)> {
        let (candidate, time_out, since) = self.unanswered?;
        let due = since.elapsed().as_secs_f64() >= time_out.seconds && self.waiting.is_empty();
        due.then_some((candidate, time_out.then))
    }

    /// Notes that a point was measured now.
    fn note_measured(&mut self) {
        if self.measured.len() > PACE {
            self.measured.pop_front();
        }
        self.measured.push_back(self.running());
    }

    /// How long the rest of the budget takes at the pace of the last points, as far as a limit of time lets it;
    /// `None` where neither is known.
    fn left(&self) -> Option<Duration> {
        let settings = self.state.settings();
        let times = self.measured.iter();
        let mut each: Vec<Duration> = times
            .clone()
            .skip(1)
            .zip(times)
            .map(|(until, from)| until.saturating_sub(*from))
            .collect();
        // The median: a pause is no pace.
        each.sort_unstable();
        let points = settings.budget.saturating_sub(self.state.points().len());
        let each = each.get(each.len() / 2);
        let left = each.map(|each| each.saturating_mul(points.try_into().unwrap_or(u32::MAX)));
        let limit = settings.time_limit.map(Seconds::duration);
        let until = limit.map(|limit| limit.saturating_sub(self.running()));
        left.into_iter().chain(until).min()
    }

    /// How long the campaign has been running.
    fn running(&self) -> Duration {
        let (since, before) = self.clock;
        since.elapsed() + before
    }

    /// The state as it will be when the waiting commands are taken.
    fn after_waiting(&self) -> State {
        let mut state = self.state.clone();
        for given in &self.waiting {
            // A command that is refused changes nothing.
            let _ = state.apply(&Event::Commanded(given.clone()));
        }
        state
    }
}

/// The campaign's end of the socket; it closes when this is dropped.
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
        let mut shared = Shared {
            state,
            waiting: waiting.into(),
            first: 0,
            activity: "beginning".to_owned(),
            beam: None,
            last_event_ms: None,
            coverage: None,
            measured: VecDeque::new(),
            unanswered: None,
            interrupt: None,
            clock: (Instant::now(), elapsed),
        };
        shared.note_unanswered();
        let shared = Arc::new(Mutex::new(shared));
        let file = folder.path().join("control");
        let token = format!("{:016x}", token());
        let listener = listen(&file, &token).map_err(OpenError::Socket)?;
        let closing = Arc::new(AtomicBool::new(false));
        let mut server = Server {
            token,
            commands,
            shared: Arc::clone(&shared),
        };
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
        let mut shared = self.lock();
        // Where it does not fit, the campaign itself reports it.
        let _ = shared.state.apply(event);
        if matches!(event, Event::Commanded(_) | Event::Refused { .. }) {
            shared.waiting.pop_front();
            shared.first = shared.first.saturating_sub(1);
        }
        shared.last_event_ms = Some(now_ms());
        if matches!(event, Event::Measured(_)) {
            shared.note_measured();
        }
        shared.note_unanswered();
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

    /// Whether a command waits that concerns the point under the beam, or that was broken off.
    pub(crate) fn is_urgent(&self) -> bool {
        let shared = self.lock();
        let urgent = |given: &Given| {
            let excludes = !given.command.excluded().is_empty();
            excludes || matches!(given.command, Command::Pause | Command::Stop)
        };
        shared.first > 0 || shared.waiting.iter().any(urgent)
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

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    // `apply` changes a state as a whole or not at all: a poisoned lock still holds a valid one.
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection: bytes of a request, then of its answer.
struct Caller {
    stream: TcpStream,
    since: Instant,
    request: Vec<u8>,
    answer: Option<Vec<u8>>,
}

impl Caller {
    fn new(stream: TcpStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            since: Instant::now(),
            request: Vec::new(),
            answer: None,
        })
    }

    /// Reads what there is; whether that completes the request.
    ///
    /// # Errors
    /// When there is nothing to read yet, and when the caller is gone.
    fn read(&mut self) -> io::Result<bool> {
        let mut buffer = [0; 1024];
        let count = self.stream.read(&mut buffer)?;
        self.request.extend_from_slice(&buffer[..count]);
        Ok(count == 0 || buffer[..count].contains(&b'\n') || self.request.len() > LONGEST)
    }

    /// Writes what goes of the answer; whether that was all of it.
    ///
    /// # Errors
    /// When nothing goes yet, and when the caller is gone.
    fn write(&mut self) -> io::Result<bool> {
        let Some(answer) = &mut self.answer else {
            return Ok(false);
        };
        let count = self.stream.write(answer)?;
        answer.drain(..count);
        Ok(answer.is_empty())
    }

    /// Goes on as far as it goes; whether there is anything left to do.
    fn go_on(&mut self, answer: impl FnOnce(&[u8]) -> Vec<u8>) -> bool {
        let done = match self.answer {
            None => self.read().map(|complete| {
                if complete {
                    self.answer = Some(answer(&self.request));
                    self.since = Instant::now();
                }
                false
            }),
            Some(_) => self.write(),
        };
        match done {
            Ok(done) => !done && self.since.elapsed() < DEADLINE,
            Err(error) => {
                let passing = [io::ErrorKind::WouldBlock, io::ErrorKind::Interrupted];
                passing.contains(&error.kind()) && self.since.elapsed() < DEADLINE
            }
        }
    }
}

struct Server {
    token: String,
    commands: Commands,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    /// Answers whoever calls until the campaign ends. No caller can make the others wait.
    fn serve(&mut self, listener: &TcpListener, closing: &AtomicBool) {
        let mut callers: Vec<Caller> = Vec::new();
        while !closing.load(Ordering::Relaxed) {
            while callers.len() < CALLERS
                && let Ok((stream, _)) = listener.accept()
            {
                callers.extend(Caller::new(stream));
            }
            // A caller that hangs up early or takes too long gets no answer.
            callers.retain_mut(|caller| caller.go_on(|request| self.answer(request)));
            self.answer_for_nobody();
            std::thread::sleep(if callers.is_empty() { IDLE } else { BUSY });
        }
    }

    /// Gives the command that follows where nobody has answered a proposal in time.
    fn answer_for_nobody(&mut self) {
        let (overdue, candidates) = {
            let shared = lock(&self.shared);
            (shared.overdue(), shared.state.candidates())
        };
        let Some((candidate, then)) = overdue else {
            return;
        };
        let pixel = candidates.and_then(|all| all.pixel(candidate).ok());
        let words = match (then, pixel) {
            (Otherwise::Go, Some(at)) => {
                vec!["accept".to_owned(), format!("{},{}", at.row, at.column)]
            }
            _ => vec!["pause".to_owned()],
        };
        // Where the disk takes no command, the proposal waits on.
        let _ = self.take(&Request {
            token: String::new(),
            words,
            name: TimeOut::NAME.to_owned(),
        });
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let line = request.split(|&byte| byte == b'\n').next();
        let answer = match serde_json::from_slice::<Request>(line.unwrap_or_default()) {
            Ok(request) if request.token == self.token => self.take(&request),
            Ok(_) => Err("a wrong token; expected the one in the file `control`".to_owned()),
            Err(error) => Err(format!("not a request: {error}")),
        };
        let answer = match answer {
            Ok(value) => serde_json::json!({ "ok": value }),
            Err(error) => serde_json::json!({ "error": error }),
        };
        format!("{answer}\n").into_bytes()
    }

    fn take(&mut self, request: &Request) -> Result<Value, String> {
        let words: Vec<&str> = request.words.iter().map(String::as_str).collect();
        if words == ["status"] {
            let status = self.status();
            return serde_json::to_value(status).map_err(|error| error.to_string());
        }
        // The campaign does not wait for the disk meanwhile.
        let state = lock(&self.shared).after_waiting();
        let command = match (&words[..], state.candidates()) {
            (["pause"], _) => Command::Pause,
            (["resume"], _) => Command::Resume,
            (["stop"] | ["stop", "now"], _) => Command::Stop,
            (words, Some(candidates)) => Command::parse(words, candidates)?,
            (_, None) => return Err("the first overview is not taken yet".to_owned()),
        };
        let judged = (state.candidates()).and_then(|all| Command::judged(&words, all));
        let other = judged.and_then(|judged| state.objection_to_judging(judged));
        let objection = || state.objection(&command);
        if let Some(why) = other.or_else(objection).or_else(|| self.too_late(&command)) {
            return Err(why);
        }
        let mut said = said(&command, &state);
        if let Some(ended) = state.ended_by(&command) {
            said = format!("{said}; this ends the campaign after the point under way: {ended}");
        }
        let given = Given {
            command,
            by: request
                .name
                .chars()
                .filter(|c| !c.is_control())
                .take(80)
                .collect(),
            at_ms: now_ms(),
        };
        let kept = self.commands.append(&given);
        kept.map_err(|error| format!("the command cannot be kept on disk: {error}"))?;
        let mut shared = lock(&self.shared);
        shared.waiting.push_back(given);
        if words == ["stop", "now"]
            && let Some(interrupt) = &shared.interrupt
        {
            interrupt.abort();
            "the beam is blanked at once, and the campaign ends; `beacon resume` goes on from there"
                .clone_into(&mut said);
        }
        Ok(Value::String(said))
    }

    /// Why a limit of the time is refused that has passed already; the state knows no clock.
    fn too_late(&self, command: &Command) -> Option<String> {
        let Command::TimeLimit(Some(limit)) = *command else {
            return None;
        };
        let running = lock(&self.shared).running().as_secs_f64();
        (limit <= running).then(|| {
            format!(
                "time-limit is {limit} s; expected more than the {running:.1} s that the campaign has been \
                 running, or `stop`"
            )
        })
    }

    fn status(&self) -> Status {
        let shared = lock(&self.shared);
        let running = shared.running();
        let (state, activity) = (shared.state.clone(), shared.activity.clone());
        let pauses = shared.after_waiting().is_paused() && !state.is_paused();
        let waiting = shared.waiting.iter();
        let commands = waiting.map(|given| words(given, &state)).collect();
        let (beam, last_event_ms) = (shared.beam, shared.last_event_ms);
        let (coverage, left) = (shared.coverage, shared.left());
        // The campaign does not wait for what takes time on a large image.
        drop(shared);
        let mut status = Status::new(&state, &activity, running);
        (status.blanked, status.blanked_since_ms) = beam.unzip();
        status.last_event_ms = last_event_ms;
        status.coverage = coverage;
        status.left_seconds = left.map(|left| left.as_secs_f64());
        status.commands = commands;
        if pauses {
            status.state += ", pausing after this point";
        }
        status
    }
}

/// Sends the campaign in a folder a command in the name of a person, and returns its answer.
///
/// # Errors
/// When none is running there, or it refuses.
pub fn tell(folder: &Path, words: &[String], name: &str) -> Result<Value, ControlError> {
    let not_running = || ControlError::NotRunning {
        folder: folder.to_owned(),
    };
    let silent = |source| ControlError::Silent {
        folder: folder.to_owned(),
        source,
    };
    let content = std::fs::read_to_string(folder.join("control")).map_err(|_| not_running())?;
    let (port, token) = content.trim().split_once(' ').ok_or_else(not_running)?;
    let port: u16 = port.parse().map_err(|_| not_running())?;
    // The file of a campaign that was killed names a port that is closed, or another program's.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|_| not_running())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(silent)?;
    let request = Request {
        token: token.to_owned(),
        words: words.to_vec(),
        name: name.to_owned(),
    };
    let request = serde_json::to_string(&request).map_err(|e| silent(e.into()))?;
    writeln!(stream, "{request}").map_err(silent)?;
    let mut line = String::new();
    BufReader::new(stream.take(LONGEST as u64))
        .read_line(&mut line)
        .map_err(silent)?;
    let answer: Value = serde_json::from_str(&line).map_err(|_| not_running())?;
    match (answer.get("ok"), answer.get("error")) {
        (Some(said), _) => Ok(said.clone()),
        (_, Some(error)) => {
            let error = error.as_str().unwrap_or("it refused");
            Err(ControlError::Refused(error.to_owned()))
        }
        _ => Err(not_running()),
    }
}

/// The status of the campaign in a folder.
///
/// # Errors
/// As [`tell`].
pub fn status(folder: &Path) -> Result<Status, ControlError> {
    let said = tell(folder, &["status".to_owned()], "")?;
    serde_json::from_value(said).map_err(|error| ControlError::Refused(error.to_string()))
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
