//! The bridge on its stand-in: a server process that can be killed and started again, and what
//! its beam did meanwhile.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::{env, fs};

use beacon_host::data::npy;
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// What the stand-in measures; `None` is what the instrument does not tell.
#[derive(Clone, Debug)]
pub struct StandinData {
    /// Rows of pixels.
    pub height: usize,
    /// Pixels in a row.
    pub width: usize,
    /// Row-major, a value a pixel.
    pub image: Vec<f64>,
    /// The same pixels, the channel fastest.
    pub spectra: Vec<f64>,
    /// Width of a channel, in eV.
    pub dispersion_ev: Option<f64>,
    /// Energy of the first channel, in eV.
    pub offset_ev: Option<f64>,
    /// Side of a pixel, in nm.
    pub pixel_nm: Option<f64>,
    /// Current of the beam, in pA.
    pub current_pa: Option<f64>,
}

impl StandinData {
    fn write(&self, file: &Path) {
        let file = File::create(file).expect("the stand-in's file can be written");
        let mut archive = ZipWriter::new(file);
        let mut write = |name: &str, shape: &[usize], values: &[f64]| {
            archive
                .start_file(format!("{name}.npy"), SimpleFileOptions::default())
                .expect("an array can be begun");
            npy::write(&mut archive, shape, values.iter().copied())
                .expect("an array can be written");
        };
        let (height, width) = (self.height, self.width);
        let channels = self.spectra.len() / (height * width);
        write("image", &[height, width], &self.image);
        write("spectra", &[height, width, channels], &self.spectra);
        for (name, value) in [
            ("dispersion", self.dispersion_ev),
            ("offset", self.offset_ev),
            ("pixel_size", self.pixel_nm),
            ("current", self.current_pa),
        ] {
            if let Some(value) = value {
                write(name, &[], &[value]);
            }
        }
        archive
            .finish()
            .expect("the stand-in's file can be written");
    }
}

/// What the beam of the stand-in did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandinEvent {
    /// The beam came on.
    Unblanked,
    /// The beam went off.
    Blanked,
    /// An overview image began.
    OverviewBegan,
    /// An overview image was complete.
    OverviewEnded,
    /// An exposure of a pixel began.
    Began {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
    },
    /// An exposure of a pixel was complete.
    Ended {
        /// Row of the pixel.
        row: usize,
        /// Column of the pixel.
        column: usize,
    },
}

impl StandinEvent {
    /// A line of the exposure log.
    fn read(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        let pixel = |row: &str, column: &str| Some((row.parse().ok()?, column.parse().ok()?));
        Some(match words[..] {
            ["unblank"] => Self::Unblanked,
            ["blank"] => Self::Blanked,
            ["begin", "overview"] => Self::OverviewBegan,
            ["end", "overview"] => Self::OverviewEnded,
            ["begin", "spectrum", row, column, _] => {
                let (row, column) = pixel(row, column)?;
                Self::Began { row, column }
            }
            ["end", "spectrum", row, column, _] => {
                let (row, column) = pixel(row, column)?;
                Self::Ended { row, column }
            }
            _ => return None,
        })
    }
}

/// A bridge on the stand-in. It ends when this is dropped; state and exposure log outlive every
/// kill.
pub struct BridgeStandin {
    forks: Forks,
    folder: TempDir,
    options: Vec<String>,
    port: u16,
    runs: bool,
}

/// What forks the processes of a bridge: a server is started hundreds of times, and Python's start with
/// numpy takes longer than all that is tested of it.
struct Forks {
    process: Child,
    orders: Option<ChildStdin>,
    said: BufReader<ChildStdout>,
}

impl Forks {
    fn new(python: &Path) -> Self {
        let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut process = Command::new(python)
            .current_dir(tests.join("../host/bridge"))
            // Without its texts for people and its threads numpy takes a third of the time.
            .env("PYTHONOPTIMIZE", "2")
            .env("PYTHONPATH", ".")
            .env("PYTHONPYCACHEPREFIX", tests.join("../target/pycache"))
            .env("OPENBLAS_NUM_THREADS", "1")
            .arg(tests.join("instruments/forked_bridge.py"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a Python that ran before runs again");
        let said = process.stdout.take().expect("a pipe was asked for");
        Self {
            orders: process.stdin.take(),
            said: BufReader::new(said),
            process,
        }
    }

    fn order(&mut self, order: &serde_json::Value) {
        let orders = self.orders.as_mut().expect("it was not dropped");
        writeln!(orders, "{order}").expect("what forks bridges takes orders");
    }

    /// The next line that it, or a bridge, says.
    fn line(&mut self) -> String {
        let mut line = String::new();
        let read = self.said.read_line(&mut line);
        assert!(read.expect("a bridge says text") > 0, "no bridge runs");
        line.trim_end().to_owned()
    }
}

impl Drop for Forks {
    fn drop(&mut self) {
        // It kills its bridge and ends where there are no more orders.
        self.orders = None;
        let _ = self.process.wait();
    }
}

impl BridgeStandin {
    /// Starts a bridge on a free port with further options, such as `--standin-delay 0.1`;
    /// `None`, said aloud, where no Python has numpy.
    ///
    /// # Panics
    /// When there is such a Python, and the bridge does not start.
    pub fn start(data: &StandinData, options: &[&str]) -> Option<Self> {
        let forks = Forks::new(&python_with_numpy()?);
        let folder = TempDir::new().expect("a folder for the bridge");
        data.write(&folder.path().join("data.npz"));
        let mut bridge = Self {
            forks,
            folder,
            options: options.iter().map(|&option| option.to_owned()).collect(),
            port: 0,
            runs: false,
        };
        bridge.restart();
        Some(bridge)
    }

    /// Where it listens, the same after every restart.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Kills the server, in whatever it is doing. Nothing where none runs.
    ///
    /// # Panics
    /// When what forks it is gone.
    pub fn kill(&mut self) {
        if std::mem::take(&mut self.runs) {
            self.forks.order(&serde_json::Value::Null);
            while self.forks.line() != "killed" {}
        }
    }

    /// Starts the server again on the same port with the same data and state; kills it first
    /// where it runs.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let said = path("stderr");
        let mut order = vec![said.clone()];
        order.extend(["--port".to_owned(), self.port.to_string()]);
        order.extend(["--standin".to_owned(), path("data.npz")]);
        order.extend(["--state".to_owned(), path("state.json")]);
        order.extend(["--exposure-log".to_owned(), path("exposures")]);
        order.extend_from_slice(&self.options);
        self.forks.order(&order.into());
        self.runs = true;
        // beacon_bridge 0.1.0: Stand-in, AutoScript stand-in on 127.0.0.1:39481
        let ready = self.forks.line();
        let port = ready.rsplit(':').next();
        self.port = port.and_then(|port| port.parse().ok()).unwrap_or_else(|| {
            let said = fs::read_to_string(&said).unwrap_or_default();
            panic!("the bridge does not start: {ready}{said}");
        });
    }

    /// Starts the server again as another instrument: with other data.
    ///
    /// # Panics
    /// When it does not start.
    pub fn replace(&mut self, data: &StandinData) {
        self.kill();
        data.write(&self.folder.path().join("data.npz"));
        self.restart();
    }

    /// The file that every exposure is appended to before it happens.
    pub fn exposure_log(&self) -> PathBuf {
        self.folder.path().join("exposures")
    }

    /// What the beam did so far, through all restarts.
    ///
    /// # Panics
    /// When the log holds something else.
    pub fn events(&self) -> Vec<StandinEvent> {
        let log = fs::read_to_string(self.exposure_log()).expect("the beam was blanked at start");
        log.lines()
            .map(|line| StandinEvent::read(line).unwrap_or_else(|| panic!("not an event: {line}")))
            .collect()
    }

    /// Rows and columns of the exposures that were complete, in order.
    ///
    /// # Panics
    /// When the log cannot be read.
    pub fn completed(&self) -> Vec<(usize, usize)> {
        let pixel = |event| match event {
            StandinEvent::Ended { row, column } => Some((row, column)),
            _ => None,
        };
        self.events().into_iter().filter_map(pixel).collect()
    }

    /// Whether the beam is off now.
    ///
    /// # Panics
    /// When the log cannot be read.
    pub fn is_blanked(&self) -> bool {
        self.events().last() == Some(&StandinEvent::Blanked)
    }
}

/// A Python that has numpy: the one that `BEACON_INSTRUMENTS_PYTHON` names, that of
/// `target/instruments`, or the system's; `None`, said aloud, where none has.
///
/// # Panics
/// When the variable names one that has not.
pub fn python_with_numpy() -> Option<PathBuf> {
    let has_numpy = |python: &Path| {
        let mut command = Command::new(python);
        let command = command.args(["-c", "import numpy"]).stderr(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    };
    if let Some(named) = env::var_os("BEACON_INSTRUMENTS_PYTHON") {
        let named = PathBuf::from(named);
        assert!(has_numpy(&named), "{} has no numpy", named.display());
        return Some(named);
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/instruments/bin/python");
    let found = [installed, PathBuf::from("python3")]
        .into_iter()
        .find(|python| has_numpy(python));
    if found.is_none() {
        // Not `println!`, which is only shown for tests that fail.
        let said = writeln!(std::io::stderr(), "skipped: no python3 has numpy");
        said.expect("standard error takes text");
    }
    found
}
