//! QEMU with an image, a model of the scan generator at its beam port, and a line to it.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, fs, io, process, thread};

use beacon_generator::{Attached, Stay};
use beacon_host::controller::{EmulatorError, firmware_image};
use beacon_kernel::link::{Client, Timing, Transport};
use beacon_tests::emulated::come_first;

/// What a slow machine needs for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// QEMU with an image, and a model of the scan generator at its beam port.
pub(super) struct Emulator {
    process: Child,
    pub(super) generator: Attached,
    socket: PathBuf,
}

impl Emulator {
    pub(super) fn start(board: &str, image: &Path, name: &str) -> Self {
        come_first();
        let base = env::temp_dir().join(format!("beacon-{}-{board}-{name}", process::id()));
        let socket = base.with_extension("link");
        let generator = Attached::listen().expect("a port for the generator");
        let link = format!("unix:{},server=on,wait=on", socket.display());
        let process = Command::new("qemu-system-arm")
            .args(["-M", board])
            .args(["-display", "none", "-monitor", "none"])
            .arg("-kernel")
            .arg(image)
            .args(["-serial", &link, "-serial"])
            .arg(format!("tcp:{},nodelay=on", generator.address()))
            .stderr(Stdio::null())
            .spawn()
            .expect("qemu-system-arm: apt-get install qemu-system-arm");
        Self {
            process,
            generator,
            socket,
        }
    }

    pub(super) fn connect(&self, host: u32) -> Client<Line> {
        let stream = until(|| UnixStream::connect(&self.socket).ok()).expect("an emulator");
        let line = Line {
            stream,
            start: Instant::now(),
        };
        // Patient, so that a busy machine is not taken for a lost byte.
        let timing = Timing {
            reply_ms: 5_000,
            longest_ms: 10_000,
            // The largest models are billions of instructions, of which a busy machine gives few.
            patience_ms: 1_200_000,
            ..Timing::default()
        };
        Client::new(line, timing, host)
    }

    /// What the pins of the scan generator exposed, once the beam is off.
    pub(super) fn stays(&self) -> Vec<Stay> {
        beacon_tests::emulated::stays(&self.generator, PATIENCE)
    }

    /// Waits until the generator has begun so many exposures.
    pub(super) fn await_stays(&self, count: usize) {
        let begun = || (self.generator.stays().len() >= count).then_some(());
        until(begun).expect("the beam is on");
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It may have ended by itself; the files may never have been there.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_file(&self.socket);
    }
}

/// The line to an image.
pub(super) struct Line {
    stream: UnixStream,
    start: Instant,
}

impl Transport for Line {
    type Error = io::Error;

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    fn receive(&mut self, buffer: &mut [u8], timeout_ms: u32) -> io::Result<usize> {
        let timeout = Duration::from_millis(u64::from(timeout_ms.max(1)));
        self.stream.set_read_timeout(Some(timeout))?;
        match self.stream.read(buffer) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(0)
            }
            other => other,
        }
    }

    fn now_ms(&mut self) -> u64 {
        self.start.elapsed().as_millis() as u64
    }
}

/// A running image of a board with its client, connected; `None`, said aloud, where image or emulator
/// is absent.
pub(super) fn started(board: &str, variant: &str, name: &str) -> Option<(Emulator, Client<Line>)> {
    let emulator = Emulator::start(board, &image(board, variant)?, name);
    let mut client = emulator.connect(1);
    let identity = client.connect().expect("hello");
    assert_eq!(identity.board, board);
    assert_eq!(identity.last_panic, 0);
    Some((emulator, client))
}

/// A board's image; `None`, said aloud, where it or the emulator is absent.
pub(super) fn image(board: &str, variant: &str) -> Option<PathBuf> {
    let emulator = Command::new("qemu-system-arm").arg("--version").output();
    let found = emulator.map_err(EmulatorError::Start);
    match found.and_then(|_| firmware_image()) {
        Ok(image) => {
            let image = image.with_file_name(format!("{board}{variant}.elf"));
            assert!(
                image.is_file(),
                "no `{}`: firmware/test builds it",
                image.display()
            );
            Some(image)
        }
        Err(error) if env::var_os("BEACON_REQUIRE_EMULATOR").is_none() => {
            // Not `println!`, which is only shown for tests that fail.
            let said = writeln!(io::stderr(), "skipped: {error}");
            said.expect("standard error takes text");
            None
        }
        Err(error) => panic!("no emulated controller: {error}"),
    }
}

/// Asks until there is an answer, as long as a slow machine may need for it.
pub(super) fn until<R>(mut ask: impl FnMut() -> Option<R>) -> Option<R> {
    let deadline = Instant::now() + PATIENCE;
    while Instant::now() < deadline {
        if let Some(answer) = ask() {
            return Some(answer);
        }
        thread::sleep(Duration::from_millis(20));
    }
    None
}
