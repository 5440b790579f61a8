//! The emulated board: QEMU with the firmware, started and stopped with the campaign.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use beacon_generator::Attached;

/// The emulator's program.
const QEMU: &str = "qemu-system-arm";
/// How long the emulator may take to open its serial port.
const PATIENCE: Duration = Duration::from_secs(10);
/// Where `firmware/build` leaves the image: from the root of the repository, and from the target
/// folder that both share where one is set.
const IMAGES: [&str; 2] = [
    "firmware/target/images/mps2-an500.elf",
    "images/mps2-an500.elf",
];
/// Names another image.
const VARIABLE: &str = "BEACON_FIRMWARE";

/// Why there is no emulated controller.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EmulatorError {
    /// The firmware was not built.
    #[error(
        "no firmware for the emulated controller at {looked}; build it with firmware/build, or \
         name one in {VARIABLE}"
    )]
    NoFirmware {
        /// Where it was looked for.
        looked: String,
    },
    /// QEMU cannot be started.
    #[error("`{QEMU}` cannot be started: {0}; on Debian, apt-get install qemu-system-arm")]
    Start(#[source] std::io::Error),
    /// The model of the scan generator cannot be reached.
    #[error("no port for the model of the scan generator: {0}")]
    Generator(#[source] std::io::Error),
    /// QEMU did not open a serial port.
    #[error("`{QEMU}` opened no serial port; it said: {0}")]
    NoPort(String),
}

/// The firmware image for the emulated board: what `BEACON_FIRMWARE` names, or what
/// `firmware/build` left, looked for from the working folder and from the program upwards.
///
/// # Errors
/// When there is none.
pub fn firmware_image() -> Result<PathBuf, EmulatorError> {
    if let Some(named) = std::env::var_os(VARIABLE) {
        let named = PathBuf::from(named);
        return if named.is_file() {
            Ok(named)
        } else {
            Err(EmulatorError::NoFirmware {
                looked: format!("`{}`", named.display()),
            })
        };
    }
    let starts = [std::env::current_dir(), std::env::current_exe()];
    let folders: Vec<PathBuf> = starts.into_iter().flatten().collect();
    folders
        .iter()
        .flat_map(|start| start.ancestors())
        .flat_map(|folder| IMAGES.map(|image| folder.join(image)))
        .find(|image| image.is_file())
        .ok_or_else(|| EmulatorError::NoFirmware {
            looked: format!("`{}`", IMAGES[0]),
        })
}

/// Emulators that run. They are out of reach of an interrupt at the terminal, so that a program
/// that exits without dropping them has to end them itself.
static RUNNING: Mutex<Vec<Arc<Mutex<Child>>>> = Mutex::new(Vec::new());

/// Ends every emulator of this program: for an exit that drops nothing.
pub fn end_emulators() {
    for child in locked(&RUNNING).drain(..) {
        // It may have ended by itself.
        let _ = locked(&child).kill();
    }
}

/// What is locked is whole whoever panicked: nothing is done to it in more than one step.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A running emulator, with a model of a scan generator at its beam port; both end when this is
/// dropped. An interrupt at the terminal does not reach
/// it: the campaign on it ends first, in order.
#[derive(Debug)]
pub struct Emulator {
    child: Arc<Mutex<Child>>,
    port: String,
    generator: Attached,
}

impl Emulator {
    /// Starts the firmware. Its beam port drives a model of a scan generator in this process: no
    /// beam, but pins that do what those of the generator would.
    ///
    /// # Errors
    /// When QEMU cannot be started or opens no port.
    pub fn start(firmware: &Path) -> Result<Self, EmulatorError> {
        let generator = Attached::listen().map_err(EmulatorError::Generator)?;
        let beam = format!("tcp:{},nodelay=on", generator.address());
        let mut command = Command::new(QEMU);
        in_its_own_group(&mut command);
        let mut child = command
            .args(machine(firmware))
            .args(["-display", "none", "-monitor", "none"])
            .args(["-serial", "pty", "-serial", &beam])
            .arg("-kernel")
            .arg(firmware)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(EmulatorError::Start)?;
        // Which of the two it speaks on depends on its version.
        let (said, lines) = mpsc::channel();
        if let Some(stdout) = child.stdout.take() {
            listen(stdout, said.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            listen(stderr, said);
        }
        let child = Arc::new(Mutex::new(child));
        locked(&RUNNING).push(Arc::clone(&child));
        let mut emulator = Self {
            child,
            port: String::new(),
            generator,
        };
        let mut heard = Vec::new();
        while let Ok(line) = lines.recv_timeout(PATIENCE) {
            // char device redirected to /dev/pts/3 (label serial0)
            let port = line
                .split_whitespace()
                .find(|word| word.starts_with("/dev/"));
            if let Some(port) = port {
                port.clone_into(&mut emulator.port);
                return Ok(emulator);
            }
            heard.push(line);
        }
        Err(EmulatorError::NoPort(heard.join(" ")))
    }

    /// Path of the controller's serial port.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// The model of the scan generator.
    pub fn generator(&self) -> &Attached {
        &self.generator
    }

    /// Process number of the emulator.
    pub fn process(&self) -> u32 {
        locked(&self.child).id()
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        locked(&RUNNING).retain(|child| !Arc::ptr_eq(child, &self.child));
        let mut child = locked(&self.child);
        // It may have ended by itself; either way it has to be waited for.
        let _ = child.kill();
        let _ = child.wait();
    }
}

/// The board of an image, by its name; the Cortex-M7's where that says none.
fn machine(firmware: &Path) -> &'static [&'static str] {
    let name = firmware.file_name().unwrap_or_default();
    if name.to_string_lossy().starts_with("mps2-an505") {
        &["-M", "mps2-an505"]
    } else {
        &["-M", "mps2-an500", "-cpu", "cortex-m7"]
    }
}

/// Keeps a terminal's interrupt, which goes to the group of the program, from the emulator.
fn in_its_own_group(command: &mut Command) {
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(command, 0);
    #[cfg(windows)]
    {
        /// `CREATE_NEW_PROCESS_GROUP` of the Windows API.
        const NEW_GROUP: u32 = 0x200;
        std::os::windows::process::CommandExt::creation_flags(command, NEW_GROUP);
    }
}

/// Passes on every line, and reads on after the last listener is gone: a full pipe would stop
/// the emulator.
fn listen(stream: impl std::io::Read + Send + 'static, said: mpsc::Sender<String>) {
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let _ = said.send(line);
        }
    });
}
