//! The control socket: what `beacon ctl` says to a campaign that runs.
//!
//! The campaign listens on a port of this machine alone, on every system alike, and writes the
//! port with a random word into the file `control` of its folder: who can read the folder can
//! control the campaign, nobody else. A request is one line of JSON, `{"token": …, "words":
//! ["measure", "12,40"]}`, and so is the answer: `{"ok": …}` with what will happen or the
//! [`Status`], or `{"error": …}`. What changes the campaign's decisions is on disk before it is
//! answered: see `commands`. A pause and a stop are not: they end with the program.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use beacon_kernel::{Candidate, Candidates, Pixel, Strategy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::LiveError;
use super::closed::{Closed, holds};
use super::commands::Commands;
use super::event::Command;
use super::folder::RunFolder;
use super::status::{Board, Status};
use crate::data::Channels;
use crate::experiment::Region;
use crate::scalarizer::Scalarizer;

/// Longest line that is read, in bytes.
const LONGEST: usize = 1 << 16;
/// How long a caller waits for the campaign, which may have to wait for its disk.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a caller may take from its connection to the end of its answer.
const DEADLINE: Duration = Duration::from_secs(2);
/// Connections at a time; further ones wait for the deadline of those.
const CALLERS: usize = 16;
/// How often the campaign looks for callers, and for what they send.
const IDLE: Duration = Duration::from_millis(20);
const BUSY: Duration = Duration::from_millis(1);
/// How long the end of a campaign waits for a request that is being answered.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is accepted after `beacon ctl DIR`.
pub const WORDS: &str = "status, pause, resume, stop, strategy NAME, target SCALARIZER, exclude \
                         TOP..BOTTOM,LEFT..RIGHT and measure ROW,COLUMN";

/// Why a campaign could not be told something; each is one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ControlError {
    /// No campaign runs there.
    #[error("`{}`: no campaign is running in it; expected the folder of one that is", folder.display())]
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
    /// It refused.
    #[error("{0}")]
    Refused(String),
}

#[derive(Serialize, Deserialize)]
struct Request {
    token: String,
    words: Vec<String>,
}

/// What a campaign accepts, so that a mistake is answered at once.
#[derive(Clone, Debug)]
pub(super) struct Accepted {
    pub(super) candidates: Candidates,
    pub(super) channels: Channels,
    pub(super) closed: Closed,
}

/// What has been asked for and not been done yet.
#[derive(Debug, Default)]
struct Asked {
    commands: VecDeque<Command>,
    paused: bool,
    stopped: bool,
}

/// The campaign's end of the socket; it closes when this is dropped.
#[derive(Debug)]
pub(super) struct Control {
    asked: Arc<Mutex<Asked>>,
    closing: Arc<AtomicBool>,
    file: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Listens for a campaign in a folder, which has taken that many commands so far. Those that
    /// are waiting come first.
    ///
    /// # Errors
    /// When there is no port or a file cannot be written.
    pub(super) fn open(
        folder: &RunFolder,
        taken: usize,
        accepted: Accepted,
        board: Board,
    ) -> Result<Self, LiveError> {
        let (commands, waiting) = Commands::open(&folder.commands(), taken)?;
        let asked = Arc::new(Mutex::new(Asked {
            commands: waiting.into(),
            ..Asked::default()
        }));
        let file = folder.path().join("control");
        let token = format!("{:016x}", token());
        let listener = listen(&file, &token).map_err(LiveError::Control)?;
        let closing = Arc::new(AtomicBool::new(false));
        let mut server = Server {
            accepted,
            board,
            token,
            commands,
            asked: Arc::clone(&asked),
        };
        let flag = Arc::clone(&closing);
        let thread = std::thread::spawn(move || server.serve(&listener, &flag));
        Ok(Self {
            asked,
            closing,
            file,
            thread: Some(thread),
        })
    }

    /// What was asked for and comes next.
    pub(super) fn next(&self) -> Option<Command> {
        self.lock().commands.pop_front()
    }

    /// Whether a pixel lies in a region that is to be left out from the next point on.
    pub(super) fn excludes(&self, pixel: Pixel) -> bool {
        excludes(&self.lock().commands, pixel)
    }

    /// Whether the campaign is to pause.
    pub(super) fn paused(&self) -> bool {
        self.lock().paused
    }

    /// Whether the campaign is to end.
    pub(super) fn stopped(&self) -> bool {
        self.lock().stopped
    }

    fn lock(&self) -> MutexGuard<'_, Asked> {
        lock(&self.asked)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // Nobody is to call any more.
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

fn lock(asked: &Mutex<Asked>) -> MutexGuard<'_, Asked> {
    asked.lock().unwrap_or_else(PoisonError::into_inner)
}

fn excludes(commands: &VecDeque<Command>, pixel: Pixel) -> bool {
    let mut commands = commands.iter();
    commands.any(|command| matches!(command, Command::Exclude(region) if holds(region, pixel)))
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
    accepted: Accepted,
    board: Board,
    token: String,
    commands: Commands,
    asked: Arc<Mutex<Asked>>,
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
            // Who hangs up in the middle, or takes too long, gets no answer.
            callers.retain_mut(|caller| caller.go_on(|request| self.answer(request)));
            std::thread::sleep(if callers.is_empty() { IDLE } else { BUSY });
        }
    }

    fn answer(&mut self, request: &[u8]) -> Vec<u8> {
        let line = request.split(|&byte| byte == b'\n').next();
        let answer = match serde_json::from_slice::<Request>(line.unwrap_or_default()) {
            Ok(request) if request.token == self.token => self.obey(&request.words),
            Ok(_) => Err("a wrong token; expected the one in the file `control`".to_owned()),
            Err(error) => Err(format!("not a request: {error}")),
        };
        let answer = match answer {
            Ok(value) => serde_json::json!({ "ok": value }),
            Err(error) => serde_json::json!({ "error": error }),
        };
        format!("{answer}\n").into_bytes()
    }

    fn obey(&mut self, words: &[String]) -> Result<Value, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut asked = lock(&self.asked);
        let said = match words[..] {
            ["status"] => {
                let mut status = self.board.read();
                if asked.paused && status.state != "paused" {
                    status.state += ", pausing after this point";
                }
                return serde_json::to_value(status).map_err(|error| error.to_string());
            }
            ["pause"] => {
                asked.paused = true;
                "pauses after this point, with the beam blanked".to_owned()
            }
            ["resume"] => {
                asked.paused = false;
                "goes on".to_owned()
            }
            ["stop"] => {
                asked.stopped = true;
                "ends after this point; `beacon resume` goes on from there".to_owned()
            }
            _ => {
                // The campaign does not wait for the disk meanwhile.
                drop(asked);
                let (command, said) = self.command(&words)?;
                let kept = self.commands.append(&command);
                kept.map_err(|error| format!("the command cannot be kept on disk: {error}"))?;
                lock(&self.asked).commands.push_back(command);
                said
            }
        };
        Ok(Value::String(said))
    }

    fn command(&self, words: &[&str]) -> Result<(Command, String), String> {
        match *words {
            ["strategy", name] => {
                if Strategy::from_name(name).is_none() {
                    let names = Strategy::ALL.map(Strategy::name).join(", ");
                    return Err(format!("unknown strategy `{name}`; accepted are {names}"));
                }
                let said = format!("`{name}` chooses from the next point on");
                Ok((Command::Strategy(name.to_owned()), said))
            }
            ["target", text] => {
                let target: Scalarizer = text.parse().map_err(|e| format!("{e}"))?;
                let channels = &self.accepted.channels;
                // A spectrum of nothing shows whether the axis suits.
                let nothing = vec![0.0; channels.coordinates.len()];
                target
                    .reduce(&nothing, &channels.coordinates, &channels.axis)
                    .map_err(|e| e.to_string())?;
                let said = format!("`{target}` is sought from the next point on");
                Ok((Command::Target(target.to_string()), said))
            }
            ["exclude", text] => {
                let region = self.region(text)?;
                let said = format!(
                    "nothing is measured in rows {}..{}, columns {}..{} any more",
                    region.rows.start, region.rows.end, region.columns.start, region.columns.end
                );
                Ok((Command::Exclude(region), said))
            }
            ["measure", text] => {
                let candidates = self.accepted.candidates;
                let accepted = || {
                    format!(
                        "`{text}` is no candidate; expected ROW,COLUMN of a pixel whose window of \
                         {} pixels lies in the image of {} x {}, as in {},{}",
                        candidates.window(),
                        candidates.height(),
                        candidates.width(),
                        candidates.height() / 2,
                        candidates.width() / 2
                    )
                };
                let (row, column) = text.split_once(',').ok_or_else(accepted)?;
                let number = |text: &str| text.trim().parse::<usize>().map_err(|_| accepted());
                let (row, column) = (number(row)?, number(column)?);
                let pixel = Pixel { row, column };
                let candidate = candidates.at(pixel).ok_or_else(accepted)?;
                if let Some(why) = self.objection(candidate, pixel) {
                    return Err(format!(
                        "{why}; expected a pixel that can still be measured"
                    ));
                }
                let said = format!("row {row}, column {column} is measured next");
                Ok((Command::Measure(candidate.0), said))
            }
            _ => Err(format!(
                "unknown request `{}`; accepted are {WORDS}",
                words.join(" ")
            )),
        }
    }

    /// Why a candidate cannot be measured, as far as is known now.
    fn objection(&self, candidate: Candidate, pixel: Pixel) -> Option<String> {
        let closed = self.accepted.closed.objection(candidate, pixel);
        closed.or_else(|| {
            let Pixel { row, column } = pixel;
            let waiting = &lock(&self.asked).commands;
            if waiting.contains(&Command::Measure(candidate.0)) {
                return Some(format!(
                    "row {row}, column {column} is measured next already"
                ));
            }
            excludes(waiting, pixel).then(|| format!("row {row}, column {column} was excluded"))
        })
    }

    fn region(&self, text: &str) -> Result<Region, String> {
        let (height, width) = (
            self.accepted.candidates.height(),
            self.accepted.candidates.width(),
        );
        let accepted = || {
            format!(
                "`{text}` is no region; expected rows and columns of pixels TOP..BOTTOM,LEFT..RIGHT \
                 within {height} x {width}, the ends excluded, as in 10..20,0..{width}"
            )
        };
        let range = |text: &str, size: usize| {
            let (start, end) = text.trim().split_once("..")?;
            let (start, end): (usize, usize) = (start.parse().ok()?, end.parse().ok()?);
            (start < end && end <= size).then_some(start..end)
        };
        let (rows, columns) = text.split_once(',').ok_or_else(accepted)?;
        Ok(Region {
            rows: range(rows, height).ok_or_else(accepted)?,
            columns: range(columns, width).ok_or_else(accepted)?,
        })
    }
}

/// Tells the campaign in a folder something, and returns what it answers.
///
/// # Errors
/// When none is running there, or it refuses.
pub fn tell(folder: &Path, words: &[String]) -> Result<Value, ControlError> {
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
    // The file of a campaign that was killed leads nowhere, or to somebody else.
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|_| not_running())?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(silent)?;
    let request = Request {
        token: token.to_owned(),
        words: words.to_vec(),
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
    let said = tell(folder, &["status".to_owned()])?;
    serde_json::from_value(said).map_err(|error| ControlError::Refused(error.to_string()))
}

/// A number that nobody can guess who cannot read it.
fn token() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    // The standard library seeds it from the system's random numbers.
    RandomState::new().hash_one(std::process::id())
}

/// Writes a file that its owner alone can read, where the system has owners.
fn write_private(file: &Path, content: &str) -> io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file)?.write_all(content.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Axis;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    fn run_folder() -> (tempfile::TempDir, RunFolder) {
        let parent = tempfile::tempdir().unwrap();
        let folder = RunFolder::begin(&parent.path().join("run")).unwrap();
        (parent, folder)
    }

    fn accepted() -> Accepted {
        Accepted {
            candidates: Candidates::new(20, 30, 6).unwrap(),
            channels: Channels {
                axis: Axis {
                    units: "keV".to_owned(),
                    scale: 0.01,
                    ..Axis::pixels("Energy", 500)
                },
                coordinates: (0..500).map(|i| 0.01 * f64::from(i)).collect(),
                quantity: "X-rays".to_owned(),
                units: "counts".to_owned(),
                elements: Vec::new(),
            },
            closed: Closed::default(),
        }
    }

    #[test]
    fn what_is_asked_for_arrives_in_order_and_mistakes_are_answered_at_once() {
        let (_parent, folder) = run_folder();
        let board = Board::default();
        let accepted = accepted();
        let closed = accepted.closed.clone();
        closed.measured(Candidate(5));
        closed.exclude(Region::pixel(15, 20));
        let control = Control::open(&folder, 0, accepted, board.clone()).unwrap();
        let tell = |text: &str| tell(folder.path(), &words(text));
        tell("strategy ei").unwrap();
        tell("target line:Pd-La").unwrap();
        tell("exclude 3..9,0..30").unwrap();
        tell("measure 10,4").unwrap();
        for (wrong, said) in [
            ("strategy best", "unknown strategy `best`; accepted are"),
            ("target line:Au-La", "axis `Energy` runs over"),
            ("exclude 9..3,0..30", "within 20 x 30"),
            ("exclude 3..9,0..31", "within 20 x 30"),
            ("measure 2,4", "no candidate"),
            ("measure here", "no candidate"),
            ("measure 10,4", "row 10, column 4 is measured next already"),
            ("measure 8,4", "row 8, column 4 was excluded"),
            ("measure 15,20", "row 15, column 20 was excluded"),
            ("measure 3,8", "row 3, column 8 was measured before"),
            ("faster", "accepted are status, pause"),
        ] {
            let message = tell(wrong).unwrap_err().to_string();
            assert!(message.contains(said), "{wrong}: {message}");
        }
        let (inside, outside) = (Pixel { row: 8, column: 4 }, Pixel { row: 9, column: 4 });
        assert!(control.excludes(inside) && !control.excludes(outside));
        let asked: Vec<_> = std::iter::from_fn(|| control.next()).collect();
        let region = Region {
            rows: 3..9,
            columns: 0..30,
        };
        assert_eq!(
            asked,
            [
                Command::Strategy("ei".to_owned()),
                Command::Target("line:Pd-La".to_owned()),
                Command::Exclude(region),
                Command::Measure(7 * 25 + 1),
            ]
        );
        assert!(!control.paused() && !control.stopped());
        tell("pause").unwrap();
        assert!(control.paused());
        tell("resume").unwrap();
        assert!(!control.paused());
        tell("stop").unwrap();
        assert!(control.stopped());
        board.write(|status| status.points = 17);
        assert_eq!(status(folder.path()).unwrap().points, 17);
    }

    #[test]
    fn a_campaign_that_does_not_run_cannot_be_told_anything() {
        let (_parent, folder) = run_folder();
        let control = Control::open(&folder, 0, accepted(), Board::default()).unwrap();
        let file = folder.path().join("control");
        let content = std::fs::read_to_string(&file).unwrap();
        let port = content.split_once(' ').unwrap().0;
        std::fs::write(&file, format!("{port} 0123")).unwrap();
        let message = tell(folder.path(), &words("stop")).unwrap_err().to_string();
        assert!(message.contains("wrong token"), "{message}");
        assert!(!control.stopped());
        drop(control);
        assert!(!file.exists());
        // As a kill leaves it.
        std::fs::write(&file, content).unwrap();
        let error = tell(folder.path(), &words("stop")).unwrap_err();
        assert!(matches!(error, ControlError::NotRunning { .. }), "{error}");
    }

    #[test]
    fn what_was_answered_outlives_the_program_until_it_is_taken() {
        let (_parent, folder) = run_folder();
        let tell = |text: &str| tell(folder.path(), &words(text)).unwrap();
        let open = |taken| Control::open(&folder, taken, accepted(), Board::default()).unwrap();
        let control = open(0);
        tell("strategy ei");
        tell("measure 10,4");
        assert_eq!(control.next(), Some(Command::Strategy("ei".to_owned())));
        drop(control);
        // The first was taken, of which the journal tells; the second was not.
        let control = open(1);
        tell("strategy random");
        let rest: Vec<_> = std::iter::from_fn(|| control.next()).collect();
        let expected = [
            Command::Measure(7 * 25 + 1),
            Command::Strategy("random".to_owned()),
        ];
        assert_eq!(rest, expected);
        drop(control);
        assert_eq!(open(3).next(), None);
    }

    #[test]
    fn callers_who_never_finish_keep_neither_others_nor_the_end_waiting() {
        let (_parent, folder) = run_folder();
        let control = Control::open(&folder, 0, accepted(), Board::default()).unwrap();
        let content = std::fs::read_to_string(folder.path().join("control")).unwrap();
        let port: u16 = content.split_once(' ').unwrap().0.parse().unwrap();
        let dribble = || {
            let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
            stream.write_all(b"{").unwrap();
            stream
        };
        let mut dribbling: Vec<_> = (0..CALLERS - 1).map(|_| dribble()).collect();
        // While these are connected, another is answered.
        tell(folder.path(), &words("pause")).unwrap();
        assert!(control.paused());
        // Whose bytes keep coming is hung up on all the same.
        let hung_up = |stream: &mut TcpStream| {
            stream.set_read_timeout(Some(Duration::from_millis(50)))?;
            let sent = stream.write_all(b" ");
            sent.and_then(|()| stream.read(&mut [0]))
        };
        let first = &mut dribbling[0];
        let gone = (0..1000).any(|_| match hung_up(first) {
            Ok(count) => count == 0,
            Err(error) => !matches!(
                error.kind(),
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
            ),
        });
        assert!(gone);
        let _still = dribble();
        drop(control);
        assert!(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err());
    }
}
