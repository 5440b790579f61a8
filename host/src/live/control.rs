//! The control socket: what `beacon ctl` says to a campaign that runs.
//!
//! The campaign listens on a port of this machine alone, on every system alike, and writes the
//! port with a random word into the file `control` of its folder: who can read the folder can
//! control the campaign, nobody else. A request is one line of JSON, `{"token": …, "words":
//! ["measure", "12,40"]}`, and so is the answer: `{"ok": …}` with what will happen or the
//! [`Status`], or `{"error": …}`.

use std::collections::VecDeque;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use beacon_kernel::{Candidates, Pixel, Strategy};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::event::Command;
use super::status::{Board, Status};
use crate::experiment::Region;
use crate::scalarizer::Scalarizer;
use crate::spectra::Channels;

/// Longest line that is read, in bytes.
const LONGEST: u64 = 1 << 16;
/// How long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);

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
    port: u16,
    file: PathBuf,
    thread: Option<JoinHandle<()>>,
}

impl Control {
    /// Listens for a campaign in a folder.
    ///
    /// # Errors
    /// When there is no port or the file cannot be written.
    pub(super) fn open(folder: &Path, accepted: Accepted, board: Board) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        let token = format!("{:016x}", token());
        let file = folder.join("control");
        write_private(&file, &format!("{port} {token}\n"))?;
        let asked = Arc::new(Mutex::new(Asked::default()));
        let closing = Arc::new(AtomicBool::new(false));
        let server = Server {
            accepted,
            board,
            token,
            asked: Arc::clone(&asked),
        };
        let flag = Arc::clone(&closing);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if flag.load(Ordering::Relaxed) {
                    break;
                }
                // Who hangs up in the middle gets no answer.
                let _ = stream.and_then(|stream| server.answer(&stream));
            }
        });
        Ok(Self {
            asked,
            closing,
            port,
            file,
            thread: Some(thread),
        })
    }

    /// What was asked for and comes next.
    pub(super) fn next(&self) -> Option<Command> {
        self.lock().commands.pop_front()
    }

    /// Whether the campaign is to pause.
    pub(super) fn paused(&self) -> bool {
        self.lock().paused
    }

    /// Whether the campaign is to end.
    pub(super) fn stopped(&self) -> bool {
        self.lock().stopped
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
        // A last caller, so that the thread looks up; and nobody is to call any more.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        let _ = std::fs::remove_file(&self.file);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

struct Server {
    accepted: Accepted,
    board: Board,
    token: String,
    asked: Arc<Mutex<Asked>>,
}

impl Server {
    fn answer(&self, stream: &TcpStream) -> io::Result<()> {
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut line = String::new();
        BufReader::new(stream.take(LONGEST)).read_line(&mut line)?;
        let answer = match serde_json::from_str::<Request>(&line) {
            Ok(request) if request.token == self.token => self.obey(&request.words),
            Ok(_) => Err("a wrong token; expected the one in the file `control`".to_owned()),
            Err(error) => Err(format!("not a request: {error}")),
        };
        let answer = match answer {
            Ok(value) => serde_json::json!({ "ok": value }),
            Err(error) => serde_json::json!({ "error": error }),
        };
        let mut stream = stream;
        writeln!(stream, "{answer}")
    }

    fn obey(&self, words: &[String]) -> Result<Value, String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
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
                let (command, said) = self.command(&words)?;
                asked.commands.push_back(command);
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
                let candidate = candidates.at(Pixel { row, column }).ok_or_else(accepted)?;
                let said = format!("row {row}, column {column} is measured next");
                Ok((Command::Measure(candidate.0), said))
            }
            _ => Err(format!(
                "unknown request `{}`; accepted are {WORDS}",
                words.join(" ")
            )),
        }
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
    BufReader::new(stream.take(LONGEST))
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
    use crate::axis::Axis;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
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
        }
    }

    #[test]
    fn what_is_asked_for_arrives_in_order_and_mistakes_are_answered_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let board = Board::default();
        let control = Control::open(folder.path(), accepted(), board.clone()).unwrap();
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
            ("faster", "accepted are status, pause"),
        ] {
            let message = tell(wrong).unwrap_err().to_string();
            assert!(message.contains(said), "{wrong}: {message}");
        }
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
        let folder = tempfile::tempdir().unwrap();
        let control = Control::open(folder.path(), accepted(), Board::default()).unwrap();
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
}
