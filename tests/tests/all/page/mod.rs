//! The control room: its server against clients of every kind, and the page in a browser.

mod by_hand;
mod described;
mod hostile;
mod looked_at;
mod maps;
mod prompt;
mod refused;
mod steered;
mod together;
mod watchdog;

use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use beacon_host::campaign::{Event, Record};
use beacon_host::internal::control::{Status, status};
use beacon_host::internal::journal::Follower;

/// How long a campaign of a test may take to get anywhere.
const PATIENCE: Duration = Duration::from_secs(300);

/// A program with a page; killed where this is dropped while it runs.
struct Program {
    child: Child,
    port: u16,
    control: String,
    watch: String,
}

impl Program {
    /// A page of a folder.
    fn start_page(folder: &Path) -> Self {
        Self::start(&["page", folder.to_str().expect("a path that is text")])
    }

    /// Starts the program, which says its links first.
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_beacon-under-test"))
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program can be started");
        let mut said = BufReader::new(child.stderr.take().expect("it is piped"));
        let mut link = |name: &str| {
            let mut line = String::new();
            said.read_line(&mut line).expect("the program says text");
            let link = line.strip_prefix(name).map(str::trim).map(str::to_owned);
            link.unwrap_or_else(|| panic!("expected the link of {name}: {line}"))
        };
        let (control, watch) = (link("control "), link("watch "));
        let token = |link: &str| link.rsplit('=').next().unwrap_or_default().to_owned();
        let port = control
            .split('/')
            .nth(2)
            .and_then(|host| host.rsplit(':').next());
        let port = port
            .and_then(|port| port.parse().ok())
            .expect("a link has a port");
        // What it says later must not fill the pipe.
        std::thread::spawn(move || io::copy(&mut said, &mut io::sink()));
        Self {
            child,
            port,
            control: token(&control),
            watch: token(&watch),
        }
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(("127.0.0.1", self.port)).expect("the page listens");
        let patience = Some(Duration::from_secs(30));
        stream
            .set_read_timeout(patience)
            .expect("a time-out can be set");
        stream
    }

    /// A request with further lines in its head; the number of the answer, and the answer.
    fn ask(&self, request: &str, head: &str, body: &[u8]) -> (u16, String) {
        let mut stream = self.connect();
        let host = if head.contains("Host:") {
            String::new()
        } else {
            format!("Host: 127.0.0.1:{}\r\n", self.port)
        };
        let head = format!("{request} HTTP/1.1\r\n{host}Connection: close\r\n{head}\r\n");
        // A server that refuses hangs up before everything is sent.
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body));
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let number = answer
            .split(' ')
            .nth(1)
            .and_then(|number| number.parse().ok());
        (number.unwrap_or_default(), answer)
    }

    fn get(&self, path: &str, token: &str) -> (u16, String) {
        let head = format!("Authorization: Bearer {token}\r\n");
        self.ask(&format!("GET {path}"), &head, b"")
    }

    fn post(&self, words: &[&str], token: &str) -> (u16, String) {
        self.post_as("Ada", words, token)
    }

    fn post_as(&self, name: &str, words: &[&str], token: &str) -> (u16, String) {
        let words: Vec<String> = words.iter().map(|word| format!("{word:?}")).collect();
        let body = format!("{{\"words\":[{}],\"name\":{name:?}}}", words.join(","));
        let length = body.len();
        let head = format!("Authorization: Bearer {token}\r\nContent-Length: {length}\r\n");
        self.ask("POST /api/campaigns/0/command", &head, body.as_bytes())
    }

    /// Begins to read the events after a record.
    fn events(&self, after: Option<usize>) -> BufReader<TcpStream> {
        let mut stream = self.connect();
        let last = after.map_or_else(String::new, |last| format!("Last-Event-ID: {last}\r\n"));
        let head = format!(
            "GET /api/campaigns/0/events HTTP/1.1\r\nHost: localhost:{}\r\nAuthorization: Bearer {}\r\n{last}\r\n",
            self.port, self.watch
        );
        stream.write_all(head.as_bytes()).expect("the page listens");
        BufReader::new(stream)
    }

    /// Memory that the program holds, in bytes.
    fn memory(&self) -> usize {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.expect("the program runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        1024 * kilobytes.unwrap_or(0_usize)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The numbers of the next records in a stream, so many.
fn numbers(stream: &mut BufReader<TcpStream>, count: usize) -> Vec<usize> {
    let mut numbers = Vec::new();
    let mut line = String::new();
    while numbers.len() < count {
        line.clear();
        let read = stream.read_line(&mut line).expect("the stream goes on");
        assert!(read > 0, "the stream ends after {numbers:?}");
        numbers.extend(
            line.strip_prefix("id: ")
                .and_then(|id| id.trim().parse::<usize>().ok()),
        );
    }
    numbers
}

/// Waits until the campaign in a folder is as it should be.
fn until(folder: &Path, what: impl Fn(&Status) -> bool) {
    let begun = Instant::now();
    loop {
        let now = status(folder);
        if now.as_ref().is_ok_and(&what) {
            return;
        }
        assert!(begun.elapsed() < PATIENCE, "{now:?}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The records of a journal.
fn records(folder: &Path) -> Vec<Record> {
    let mut follower = Follower::new(&folder.join("journal"));
    let mut records = Vec::new();
    loop {
        let news = follower.poll().expect("the journal can be read");
        if news.records.is_empty() {
            return records;
        }
        records.extend(news.records.into_iter().map(|(_, record)| record));
    }
}

/// Candidates and spectra, bit by bit, in the order they were measured.
fn trajectory(records: &[Record]) -> Vec<(u32, Vec<u64>)> {
    let measured = records.iter().filter_map(|record| match &record.event {
        Event::Measured(measured) => Some(measured),
        _ => None,
    });
    let bits = |spectrum: &[f64]| spectrum.iter().map(|value| value.to_bits()).collect();
    measured
        .map(|measured| (measured.candidate, bits(&measured.acquired.spectrum)))
        .collect()
}

/// The commands in a journal, in order, with who gave each, and those that were refused.
fn commands(records: &[Record]) -> Vec<(String, String)> {
    let given = records.iter().filter_map(|record| match &record.event {
        Event::Commanded(given) => Some((given.command.to_string(), given.by.clone())),
        Event::Refused { given, why } => {
            Some((format!("{} ({why})", given.command), given.by.clone()))
        }
        _ => None,
    });
    given.collect()
}

/// Begins a campaign on the specimen, with points to start from and a page; where its folder is.
fn begin(parent: &Path, further: &str) -> (Program, PathBuf) {
    let (seeds, out) = (seeds(parent), parent.join("run"));
    let mut arguments = vec!["run", "--microscope", "specimen", "--page"];
    arguments.extend(["--seeds-from", &seeds]);
    arguments.extend(["--out", out.to_str().expect("a path that is text")]);
    arguments.extend(further.split(' '));
    (Program::start(&arguments), out)
}

/// The same with a person who is asked, and waits for the first question.
fn begin_asking(parent: &Path, further: &str) -> (Program, PathBuf) {
    let (program, out) = begin(parent, &format!("--approve {further}"));
    until(&out, |status| status.proposal.is_some());
    (program, out)
}

/// Points to start from, which do not wait for anybody.
fn seeds(folder: &Path) -> String {
    let file = folder.join("seeds.csv");
    let rows = (0..10).map(|n| format!("{},{}\n", 10 + 3 * n, 38 - 2 * n));
    let text = format!("row,column\n{}", rows.collect::<String>());
    fs::write(&file, text).expect("a file can be written");
    file.to_str().expect("a path that is text").to_owned()
}
