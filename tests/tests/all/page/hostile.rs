//! Clients that mean no good, or do not know what they do, beside a campaign that runs.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use beacon_host::campaign::{Event, Record};

use super::{PATIENCE, Program, begin, begin_asking, numbers, records, trajectory};

/// Memory that the program may grow by, whatever clients do: connections have buffers.
const GROWTH: usize = 48 << 20;
/// How much longer an exposure may take beside all clients. The machine has other work too.
const SLOWER: f64 = 1.5;
/// Exposures that take their time, so that a delay shows; the page stays when all is measured.
const TIMED: &str = "--budget 20 --seed 3 --real-time --dwell 200ms --page-stay";

/// The median time of an exposure, in milliseconds.
fn exposing(records: &[Record]) -> f64 {
    let mut begun = 0;
    let mut times: Vec<u64> = Vec::new();
    for record in records {
        match record.event {
            Event::Exposing(_) => begun = record.elapsed_ms,
            Event::Measured(_) => times.push(record.elapsed_ms - begun),
            _ => {}
        }
    }
    times.sort_unstable();
    times[times.len() / 2] as f64
}

/// Waits until a campaign whose page stays has ended, and returns its records.
fn ended(program: &Program, out: &Path) -> Vec<Record> {
    let begun = Instant::now();
    loop {
        let (_, told) = program.get("/api/campaigns", &program.watch);
        assert!(told.contains("200 OK"), "{told}");
        let records = records(out);
        if matches!(records.last(), Some(last) if matches!(last.event, Event::Ended(_))) {
            return records;
        }
        assert!(begun.elapsed() < PATIENCE, "{} records", records.len());
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn nobody_without_the_link_sees_or_steers_and_every_refusal_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = begin_asking(folder.path(), "--budget 20 --seed 3");
    let (control, watch) = (&program.control, &program.watch);
    let token = format!("Authorization: Bearer {control}\r\n");

    // The page itself holds no secret.
    let (number, page) = program.ask("GET /", "", b"");
    assert!(number == 200 && page.contains("Stop and blank"), "{page}");
    assert!(
        page.contains("content-security-policy: default-src 'none'"),
        "{page}"
    );
    for (asked, said) in [
        (
            program.ask("GET /api/campaigns", "", b""),
            (401, "a wrong token"),
        ),
        (
            program.get("/api/campaigns", &control[1..]),
            (401, "a wrong token"),
        ),
        (
            program.get("/api/campaigns", control),
            (200, "\"role\":\"control\""),
        ),
        (
            program.get("/api/campaigns", watch),
            (200, "\"role\":\"watch\""),
        ),
        (
            program.get("/api/campaigns/1/overview", watch),
            (404, "expected one below 1"),
        ),
        (
            program.get("/api/campaigns/0/spectra/0", watch),
            (404, "no spectrum in record 0"),
        ),
        (
            program.get("/api/campaigns/0/reduced/window:90..99", watch),
            (422, "axis"),
        ),
        (
            program.get("/../../etc/passwd", watch),
            (404, "nothing here"),
        ),
        (
            program.ask(
                "GET /api/campaigns",
                &format!("{token}Host: evil.example\r\n"),
                b"",
            ),
            (403, "a foreign Host"),
        ),
        (
            program.ask(
                "GET /api/campaigns",
                &format!("{token}Origin: http://evil.example\r\n"),
                b"",
            ),
            (403, "a foreign Origin"),
        ),
        (program.post(&["stop"], watch), (403, "this link watches")),
        (
            program.post(&["measure", "900,0"], control),
            (409, "is no candidate"),
        ),
        (program.post(&["faster"], control), (409, "accepted are")),
        (
            program.post(&["strategy", "ei"], control),
            (200, "`ei` chooses"),
        ),
        (
            program.ask(
                "POST /api/campaigns/0/command",
                &format!("{token}Content-Length: 2\r\n"),
                b"{}",
            ),
            (400, "not a command"),
        ),
    ] {
        let (number, answer) = asked;
        assert!(
            number == said.0 && answer.contains(said.1),
            "{said:?}: {answer}"
        );
    }

    // Whoever reads the events again after a number misses none and gets none twice.
    let all = numbers(&mut program.events(None), 20);
    assert_eq!(all, (0..20).collect::<Vec<_>>());
    let rest = numbers(&mut program.events(Some(14)), 5);
    assert_eq!(rest, [15, 16, 17, 18, 19]);
    // A client of a journal that was longer begins anew.
    assert_eq!(numbers(&mut program.events(Some(100_000)), 2), [0, 1]);
}

/// What a browser or a proxy on the way could read in another way than the page does.
#[test]
fn a_request_that_can_be_read_in_two_ways_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (program, _) = begin_asking(folder.path(), "--budget 20 --seed 3");
    let (port, token) = (program.port, &program.control);
    let own = format!("Host: 127.0.0.1:{port}\r\n");
    let token = format!("Authorization: Bearer {token}\r\n");
    let raw = |request: &str| {
        let mut stream = program.connect();
        // A server that refuses hangs up before everything is sent.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    let asked = |line: &str, head: &str| {
        raw(&format!(
            "{line} HTTP/1.1\r\n{token}Connection: close\r\n{head}\r\n"
        ))
    };
    let campaigns = "GET /api/campaigns";
    let absolute = |authority: &str| format!("GET http://{authority}/api/campaigns");
    let host = |host: &str| format!("Host: {host}\r\n");
    let local = format!("127.0.0.1:{port}");
    let padded = |bytes: usize| {
        let line = format!("{campaigns} HTTP/1.1\r\n{token}Connection: close\r\n{own}X: ");
        let rest = bytes - line.len() - 4;
        raw(&format!("{line}{}\r\n\r\n", "x".repeat(rest)))
    };
    let command = format!("POST /api/campaigns/0/command HTTP/1.1\r\n{token}{own}");
    let body = r#"{"words":["note","smuggled"],"name":"Ada"}"#;
    let (length, chunked) = (
        format!("Content-Length: {}\r\n", body.len()),
        "Transfer-Encoding: chunked\r\n",
    );
    let chunks = format!("{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    for (answer, said) in [
        (asked(campaigns, &own), ("200", "\"role\":\"control\"")),
        (asked(&absolute(&local), &own), ("200", "\"role\"")),
        (
            asked(campaigns, &host(&format!("{local}.evil.example"))),
            ("403", "a foreign Host"),
        ),
        (
            asked(campaigns, &host(&format!("{local}@evil.example"))),
            ("403", "a foreign Host"),
        ),
        (asked(campaigns, ""), ("400", "expected one")),
        (
            asked(campaigns, &format!("{own}{}", host("evil.example"))),
            ("400", "no Host, or several"),
        ),
        (
            asked(
                campaigns,
                &format!("{own}Origin: http://{local}\r\nOrigin: http://evil.example\r\n"),
            ),
            ("400", "several Origins"),
        ),
        (
            asked(&absolute("evil.example"), &own),
            ("403", "a foreign address"),
        ),
        (
            asked(&absolute(&format!("{local}@evil.example")), &own),
            ("403", "a foreign address"),
        ),
        (
            raw(&format!("{command}{length}{chunked}\r\n{chunks}")),
            ("411", "expected Content-Length"),
        ),
        (
            raw(&format!("{command}{chunked}{length}\r\n{chunks}")),
            ("411", "expected Content-Length"),
        ),
        (padded(64 << 10), ("200", "\"role\"")),
        (padded((64 << 10) + 1), ("431", "")),
        (padded(100_000), ("431", "")),
    ] {
        let number = answer.split(' ').nth(1).unwrap_or_default();
        // Who is hung up on while sending may not get to read why.
        let is_refused = said.0 == "431" && answer.is_empty();
        assert!(
            is_refused || number == said.0 && answer.contains(said.1),
            "{said:?}: {answer}"
        );
    }
    let (_, told) = program.get("/api/campaigns", &program.watch);
    assert!(
        told.contains("200 OK") && !told.contains("smuggled"),
        "{told}"
    );
}

#[test]
fn no_client_delays_or_changes_a_campaign_or_grows_its_memory() {
    let quiet = tempfile::tempdir().unwrap();
    let (undisturbed, out) = begin(quiet.path(), TIMED);
    let alone = ended(&undisturbed, &out);
    let held_alone = undisturbed.memory();
    drop(undisturbed);
    let folder = tempfile::tempdir().unwrap();
    let (program, out) = begin_asking(folder.path(), TIMED);
    let before = program.memory();

    let mut watchers: Vec<_> = (0..200).map(|_| program.events(None)).collect();
    // One that never reads, some that send garbage, some that never end a head, and a body of 100 MB,
    // announced and not.
    let deaf: Vec<_> = (0..20).map(|_| program.events(None)).collect();
    for _ in 0..20 {
        let mut stream = program.connect();
        let _ = stream.write_all(&[0x16, 0x03, 0x01, 0xff, b'\n', b'\n']);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.contains("400"), "{answer}");
    }
    let endless: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = program.connect();
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: loc");
            stream
        })
        .collect();
    let token = format!("Authorization: Bearer {}\r\n", program.control);
    let body = vec![b' '; 100 << 20];
    let announced = format!("{token}Content-Length: {}\r\n", body.len());
    let (number, answer) = program.ask("POST /api/campaigns/0/command", &announced, &body);
    assert!(number == 413 || answer.is_empty(), "{answer}");
    let chunked = format!("{token}Transfer-Encoding: chunked\r\n");
    let body = [format!("{:x}\r\n", body.len()).into_bytes(), body].concat();
    let (number, answer) = program.ask("POST /api/campaigns/0/command", &chunked, &body);
    assert!(number == 411 || answer.is_empty(), "{answer}");

    let grown = program.memory().saturating_sub(before);
    assert!(grown < GROWTH, "{grown} bytes for 240 clients");
    // With all of them there the campaign goes on as it would without.
    assert_eq!(program.post(&["approve", "off"], &program.control).0, 200);
    for watcher in &mut watchers {
        numbers(watcher, 60);
    }
    let beside = ended(&program, &out);
    // Nothing has been gathered for those who read nothing.
    let grown = program.memory().saturating_sub(held_alone);
    assert!(grown < GROWTH, "{grown} bytes by the end");
    drop((deaf, endless));
    assert_eq!(trajectory(&alone), trajectory(&beside));
    let (without, with) = (exposing(&alone), exposing(&beside));
    assert!(
        with < SLOWER * without,
        "{with} ms beside {without} ms alone"
    );
}

#[test]
fn connections_that_say_nothing_lock_nobody_out() {
    let folder = tempfile::tempdir().unwrap();
    let (program, out) = begin_asking(folder.path(), "--budget 20 --seed 3");
    // More than there is room for. Whoever steers takes the place of one of them.
    let mut silent: Vec<_> = (0..620).map(|_| program.connect()).collect();
    assert_eq!(program.post(&["approve", "on"], &program.control).0, 200);
    let mut watcher = program.events(None);
    numbers(&mut watcher, 5);
    // The last one, too, is hung up on when it has said nothing for long enough.
    let mut answer = Vec::new();
    let _ = silent[619].read_to_end(&mut answer);
    assert!(answer.is_empty(), "{answer:?}");
    // The watcher, who has nothing to ask any more, is not.
    assert_eq!(program.post(&["note", "here"], &program.control).0, 200);
    let after = records(&out).len();
    numbers(&mut watcher, after - 5);
}
