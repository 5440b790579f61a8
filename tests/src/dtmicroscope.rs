//! DTMicroscope's own server with data of its own, where a Python has it.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use beacon_host::microscope::MicroscopeError;
use beacon_host::microscope::pyro::{PyroMicroscope, PyroOptions};
use tempfile::TempDir;

/// Names the Python to use instead of the one in `target/instruments`.
const PYTHON: &str = "BEACON_INSTRUMENTS_PYTHON";
/// How long the server's many imports may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running server, and the folder with its data and its log.
pub struct DtServer {
    python: PathBuf,
    child: Child,
    address: String,
    folder: TempDir,
}

impl DtServer {
    const DATA: &str = "twin.h5";
    const LOG: &str = "server.log";

    /// Starts the server on a free port, beside an NSID file of 48 x 40 pixels and 64 channels;
    /// `None`, said aloud, where no Python has DTMicroscope.
    ///
    /// # Panics
    /// When the Python that `BEACON_INSTRUMENTS_PYTHON` names does not have it, or when it is
    /// there and does not work.
    pub fn start() -> Option<Self> {
        let python = python()?;
        let folder = TempDir::new().expect("a folder for the server");
        make(&python, &folder.path().join(Self::DATA), &[]);
        let (child, address) = launch(&python, folder.path(), 0);
        Some(Self {
            python,
            child,
            address,
            folder,
        })
    }

    /// Where it listens, as `HOST:PORT`; the same after a restart.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Path of the file to register: image `Channel_000`, spectra `Channel_001`.
    pub fn data(&self) -> String {
        self.path(Self::DATA)
    }

    /// Makes another file, with the options of `tests/instruments/make_nsid.py`.
    ///
    /// # Panics
    /// When it cannot be made.
    pub fn make(&self, name: &str, options: &[&str]) -> String {
        make(&self.python, &self.folder.path().join(name), options);
        self.path(name)
    }

    /// Connects to it, with its data.
    ///
    /// # Errors
    /// As [`PyroMicroscope::connect`].
    pub fn connect(&self) -> Result<PyroMicroscope, MicroscopeError> {
        let options = PyroOptions {
            data: Some(self.data()),
            ..PyroOptions::default()
        };
        PyroMicroscope::connect(&self.address, options)
    }

    /// Ends it at once, in the middle of whatever it does.
    ///
    /// # Panics
    /// When the system refuses.
    pub fn kill(&mut self) {
        self.child.kill().expect("the server is ours to kill");
        self.child.wait().expect("a killed server ends");
    }

    /// Starts it again on the same port, after [`Self::kill`]; it remembers nothing.
    ///
    /// # Panics
    /// When it does not start.
    pub fn restart(&mut self) {
        let port = self.address.rsplit(':').next().and_then(|p| p.parse().ok());
        let port = port.expect("an address ends with its port");
        let (child, address) = launch(&self.python, self.folder.path(), port);
        assert_eq!(address, self.address);
        self.child = child;
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_string_lossy().into_owned()
    }
}

impl Drop for DtServer {
    fn drop(&mut self) {
        // It may have been killed already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Python that has DTMicroscope.
fn python() -> Option<PathBuf> {
    let named = env::var_os(PYTHON).map(PathBuf::from);
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let usual = root.join("target/instruments/bin/python");
    let python = named.clone().unwrap_or(usual);
    let has = Command::new(&python)
        .args([
            "-c",
            "import importlib.util as i; i.find_spec('DTMicroscope').name",
        ])
        .stderr(Stdio::null())
        .status();
    if has.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    assert!(
        named.is_none(),
        "the Python of {PYTHON} has no DTMicroscope"
    );
    // Not `println!`, which is only shown for tests that fail.
    let said = writeln!(
        std::io::stderr(),
        "skipped: no Python with DTMicroscope; see host/docs/dtmicroscope.md"
    );
    said.expect("standard error takes text");
    None
}

fn script(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("instruments");
    folder.join(name)
}

fn make(python: &Path, file: &Path, options: &[&str]) {
    let made = Command::new(python)
        .arg(script("make_nsid.py"))
        .arg(file)
        .args(options)
        .output()
        .expect("Python starts");
    let said = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "{said}");
}

/// Starts the server in a folder and waits until it listens: where.
fn launch(python: &Path, folder: &Path, port: u16) -> (Child, String) {
    // It talks with every call, so that a pipe would have to be emptied all the time.
    let path = folder.join(DtServer::LOG);
    let log = File::create(&path).expect("a log of the server");
    let mut child = Command::new(python)
        .arg(script("serve_stem.py"))
        .arg(port.to_string())
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a second handle"))
        .stderr(log)
        .spawn()
        .expect("Python starts");
    let started = Instant::now();
    loop {
        let said = fs::read_to_string(&path).expect("a log of the server");
        let serving = said.split_inclusive('\n').find_map(|line| {
            let address = line.strip_prefix("serving ")?;
            address.strip_suffix('\n').map(str::to_owned)
        });
        if let Some(address) = serving {
            return (child, address);
        }
        let ended = child.try_wait().expect("a child to ask after");
        assert!(
            ended.is_none() && started.elapsed() < PATIENCE,
            "DTMicroscope's server does not serve: {said}"
        );
        thread::sleep(Duration::from_millis(50));
    }
}
