//! The Nucleo's image on an emulated STM32H743 (`tests/nucleo`), in virtual time.

use std::env;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use beacon_host::campaign::{CampaignConfig, CampaignError, Oracle, Outcome, Seeds};
use beacon_host::controller::{
    ControllerChoice, ControllerError, LinkReport, Linked, Port, firmware_image,
};
use beacon_kernel::link::Client;
use serde::Deserialize;

use crate::emulated::{PATIENT, run_on};

/// What an oscilloscope on PA0 and the converters sees of an exposure.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pulse {
    /// When the last byte of the frame that ordered it had arrived, in µs since power-on.
    pub ordered_us: f64,
    /// When the beam came on, in µs since power-on.
    pub start_us: f64,
    /// How long before that the exposure timer had started, in µs.
    pub settle_us: Option<f64>,
    /// How long the beam was on, in µs.
    pub length_us: f64,
    /// Code of converter 1, 12 bits.
    pub x: u16,
    /// Code of converter 2, 12 bits.
    pub y: u16,
    /// Whether something other than the timer ended it.
    pub cut: bool,
}

impl Pulse {
    /// From its order to the start of the timer, in µs: what it was late beyond settling.
    pub fn late_us(&self) -> f64 {
        self.start_us - self.ordered_us - self.settle_us.unwrap_or(0.0)
    }
}

/// How the emulated chip is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NucleoState {
    /// Virtual time since power-on, in µs.
    pub time_us: f64,
    /// Resets since power-on.
    pub resets: u32,
    /// Level of PA0: 1 is beam on.
    pub level: u8,
    /// Every pulse that has ended.
    pub pulses: Vec<Pulse>,
    /// Every pulse on the gate's pin, PA3, that has ended.
    pub gates: Vec<Pulse>,
    /// Codes of both converters; `None` while they are off.
    pub codes: (Option<u16>, Option<u16>),
    /// Rate of the link, in bits a second.
    pub baud: f64,
}

/// A running emulator; it ends when this is dropped.
pub struct NucleoBoard {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
    port: String,
}

impl NucleoBoard {
    /// Starts `images/nucleo-h743zi{variant}.elf`, with what `emulator.py` takes besides; `None`,
    /// said aloud, where the image or the emulator is absent.
    ///
    /// # Panics
    /// When either is absent although `BEACON_REQUIRE_NUCLEO` is set, or when the emulator is
    /// there and does not work.
    pub fn start(variant: &str, options: &[&str]) -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let name = format!("nucleo-h743zi{variant}.elf");
        // Beside the emulated Cortex-M7's.
        let image = firmware_image()
            .map_or_else(|_| name.clone().into(), |image| image.with_file_name(&name));
        let python = root.join("target/nucleo/bin/python");
        if let Some(absent) = [&image, &python].into_iter().find(|file| !file.is_file()) {
            let absent = absent.display();
            let required = env::var_os("BEACON_REQUIRE_NUCLEO").is_some();
            assert!(!required, "no emulated Nucleo without {absent}");
            // Not `println!`, which is only shown for tests that fail.
            let mut stderr = std::io::stderr();
            writeln!(
                stderr,
                "skipped: no {absent}; firmware/build and tests/nucleo/install make it"
            )
            .expect("standard error takes text");
            return None;
        }
        let mut child = Command::new(python)
            .arg(root.join("tests/nucleo/emulator.py"))
            .arg(image)
            .args(options)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a Python that is there starts");
        let orders = child.stdin.take().expect("standard input is piped");
        let answers = child.stdout.take().expect("standard output is piped");
        let mut board = Self {
            child,
            orders,
            answers: BufReader::new(answers),
            port: String::new(),
        };
        board.port = board.answer();
        // No host waits while a crowded machine brings the emulator up: from reset to the main loop
        // it takes 11 ms.
        board.pass(20);
        Some(board)
    }

    /// Path of the link.
    pub fn port(&self) -> &str {
        &self.port
    }

    /// How the chip is.
    ///
    /// # Panics
    /// When the emulator has ended, because the image did what the chip's description does not
    /// allow.
    pub fn state(&mut self) -> NucleoState {
        self.order("state")
    }

    /// Lets virtual time pass.
    ///
    /// # Panics
    /// As [`Self::state`].
    pub fn pass(&mut self, milliseconds: u32) -> NucleoState {
        self.order(&format!("pass {milliseconds}"))
    }

    /// The main loop never comes round again.
    ///
    /// # Panics
    /// As [`Self::state`].
    pub fn hang(&mut self) -> NucleoState {
        self.order("hang")
    }

    /// The main loop jumps to where no memory is.
    ///
    /// # Panics
    /// As [`Self::state`].
    pub fn fault(&mut self) -> NucleoState {
        self.order("fault")
    }

    /// The detector's line at the ready input, PA6, from now on.
    ///
    /// # Panics
    /// As [`Self::state`].
    pub fn ready(&mut self, is_ready: bool) -> NucleoState {
        self.order(&format!("ready {}", u8::from(is_ready)))
    }

    /// What the detector gives from now on: a map over the range of the beam, `width` columns, row by
    /// row. Without `--counting` codes of the converter, of which every third sample is higher by
    /// `ripple` and every third lower, the first one lower; with it pulses a second.
    ///
    /// # Panics
    /// As [`Self::state`].
    pub fn signal(&mut self, width: usize, values: &[f32], ripple: f32) -> NucleoState {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect();
        file.write_all(&bytes)
            .expect("a temporary file takes bytes");
        let height = values.len() / width;
        let path = file.path().display();
        self.order(&format!("signal {path} {width} {height} {ripple}"))
    }

    /// As [`EmulatedBoard::run`](crate::EmulatedBoard::run); `before` may give orders as well.
    pub fn run<F>(
        &mut self,
        host: u32,
        campaign: (&CampaignConfig, Seeds),
        experiment: &mut dyn Oracle,
        mut before: F,
    ) -> (Result<Outcome, CampaignError>, LinkReport)
    where
        F: FnMut(usize, &mut Linked<'_>, &mut Self) -> Result<(), ControllerError>,
    {
        let port = self.port.clone();
        run_on(
            &port,
            host,
            PATIENT,
            campaign,
            experiment,
            |call, linked| before(call, linked, self),
        )
    }

    /// A connected client.
    ///
    /// # Panics
    /// When the board does not answer.
    pub fn client(&self, host: u32) -> Client<Port> {
        let port = Port::open(&self.port, ControllerChoice::BAUD).expect("a port");
        let mut client = Client::new(port, PATIENT, host);
        client.connect().expect("hello");
        client
    }

    fn order(&mut self, order: &str) -> NucleoState {
        // When it has ended, its answer tells why.
        let _ = writeln!(self.orders, "{order}");
        let answer = self.answer();
        serde_json::from_str(&answer).expect("the emulator answers in JSON")
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        let read = self.answers.read_line(&mut line);
        if read.is_ok_and(|count| count > 0) {
            return line.trim().to_owned();
        }
        let mut said = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.read_to_string(&mut said);
        }
        panic!("the emulator has ended: {said}");
    }
}

impl Drop for NucleoBoard {
    fn drop(&mut self) {
        // It may have ended by itself; either way it has to be waited for.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
