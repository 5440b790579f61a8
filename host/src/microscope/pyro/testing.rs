//! Servers for the tests: one that plays a recording, one that does as it is told.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serde_json::Value;

use super::wire::{self, HEADER, Header, Kind};
use super::{PyroMicroscope, PyroOptions};
use crate::microscope::MicroscopeError;

/// The next message of a recording, and what follows.
fn split(recording: &[u8]) -> (&[u8], &[u8]) {
    let header = Header::decode(recording[..HEADER].try_into().unwrap()).unwrap();
    recording.split_at(HEADER + header.data as usize + header.annotations as usize)
}

/// Plays the answers of a recording to a client whose requests are, byte for byte, those of the
/// recording. The thread fails where they are not, and ends with the recording.
pub(super) fn play(mut recording: &'static [u8]) -> (String, JoinHandle<()>) {
    serve(move |mut line| {
        while !recording.is_empty() {
            let (request, after) = split(recording);
            let mut found = vec![0; request.len()];
            line.read_exact(&mut found).unwrap();
            assert_eq!(
                found.escape_ascii().to_string(),
                request.escape_ascii().to_string()
            );
            let (answer, after) = split(after);
            line.write_all(answer).unwrap();
            recording = after;
        }
        assert_eq!(line.read(&mut [0]).unwrap(), 0, "it asks for more");
    })
}

/// Serves one connection on a free port: its address.
pub(super) fn serve(
    conversation: impl FnOnce(TcpStream) + Send + 'static,
) -> (String, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let served = thread::spawn(move || conversation(listener.accept().unwrap().0));
    (address, served)
}

/// What a stand-in does with a request.
pub(super) enum Reply {
    /// Returns JSON.
    Returns(&'static str),
    /// Raises an exception with this text.
    Raises(&'static str),
    /// Sends these bytes instead of a message, and closes.
    Sends(Vec<u8>),
}

/// A server that answers each method as it is told: 2 x 3 pixels of 4 channels where it is not.
pub(super) struct StandIn {
    pub(super) address: String,
    /// Method and parameters of every request but the first of each connection.
    asked: Arc<Mutex<Vec<String>>>,
}

impl StandIn {
    pub(super) fn new(
        mut reply: impl FnMut(&str, usize) -> Option<Reply> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::clone(&asked);
        thread::spawn(move || {
            for (connection, line) in listener.incoming().enumerate() {
                attend(line.unwrap(), &log, |method| reply(method, connection));
            }
        });
        Self { address, asked }
    }

    /// What was asked since this was last called.
    pub(super) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    pub(super) fn connect(&self) -> Result<PyroMicroscope, MicroscopeError> {
        PyroMicroscope::connect(&self.address, options("absent.h5"))
    }
}

pub(super) fn options(data: &str) -> PyroOptions {
    PyroOptions {
        data: Some(data.to_owned()),
        units: Some("eV".to_owned()),
        timeout: Duration::from_secs(20),
        ..PyroOptions::default()
    }
}

/// Why a campaign cannot begin on a server, whatever the patience.
pub(super) fn message(standin: &StandIn) -> String {
    let error = standin.connect().err().expect("an error");
    assert!(!error.is_passing(), "{error}");
    error.to_string()
}

/// One connection, until either side closes it.
fn attend(
    mut line: TcpStream,
    log: &Mutex<Vec<String>>,
    mut reply: impl FnMut(&str) -> Option<Reply>,
) {
    let mut bytes = [0; HEADER];
    while line.read_exact(&mut bytes).is_ok() {
        let header = Header::decode(&bytes).unwrap();
        let mut data = vec![0; header.data as usize];
        line.read_exact(&mut data).unwrap();
        let request: Value = serde_json::from_slice(&data).unwrap();
        let method = request["method"].as_str().unwrap_or("connect");
        if method != "connect" {
            let asked = format!("{method}{}", request["params"]);
            log.lock().unwrap().push(asked);
        }
        let kind = match method {
            "connect" => Kind::ConnectOk,
            _ => Kind::Result,
        };
        let answer = match reply(method).unwrap_or_else(|| usual(method)) {
            Reply::Returns(json) => wire::message(kind, header.sequence, json.as_bytes()),
            Reply::Raises(text) => {
                let exception = serde_json::json!({"__class__": "builtins.Error", "args": [text]});
                let data = exception.to_string();
                let mut answer = wire::message(kind, header.sequence, data.as_bytes());
                answer[9] = 1;
                answer
            }
            Reply::Sends(bytes) => {
                line.write_all(&bytes).unwrap();
                return;
            }
        };
        line.write_all(&answer).unwrap();
    }
}

fn usual(method: &str) -> Reply {
    Reply::Returns(match method {
        "get_overview_image" => r#"[[[0.5, 1, 2], [3, 4, 5]], [2, 3], "float64"]"#,
        "get_spectrum_image_e_axis" => r#"[[1, 2, 3, 4.5], [4], "float64"]"#,
        "get_point_data" => r#"[[7, 8, 9, 10], [4], "int64"]"#,
        "connect" => r#"{"handshake": "hello", "meta": {}}"#,
        _ => "null",
    })
}
