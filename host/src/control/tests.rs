use std::io::{self, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use beacon_kernel::Edges;

use super::server::{BUSY, CALLERS, MOST_TOLD};
use super::{Control, ControlError, status, status_by_journal, tell};
use crate::campaign::{
    Begun, CampaignConfig, Command, Event, Given, LiveConfig, Overview, Proposed, Record, Region,
    Settings, State, TimeOut,
};
use crate::data::{Axis, Channels, Map};
use crate::journal::{Journal, RunFolder};
use crate::microscope::Beam;

fn words(text: &str) -> Vec<String> {
    text.split(' ').map(str::to_owned).collect()
}

fn run_folder() -> (tempfile::TempDir, RunFolder) {
    let parent = tempfile::tempdir().unwrap();
    let folder = RunFolder::begin(&parent.path().join("run")).unwrap();
    (parent, folder)
}

/// A campaign on 20 × 30 pixels whose overview was taken.
fn state() -> State {
    let begun = Begun {
        version: String::new(),
        algorithm: 0,
        id: 0,
        settings: String::new(),
        instrument: String::new(),
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
        beam: Beam::default(),
        frame: None,
        overview_time: None,
        real_to_live: 1.0,
        seeds: None,
    };
    let config = CampaignConfig {
        window: 6,
        edges: Edges::Inside,
        ..CampaignConfig::default()
    };
    let mut state = State::new(begun, Settings::offline(config, 10, Vec::new()));
    let overview = Overview {
        image: Map::uncalibrated(20, 30, vec![0.0; 600], "HAADF"),
        beam: Beam::default(),
        absent: Vec::new(),
    };
    state.apply(&Event::Overview(Box::new(overview))).unwrap();
    state
}

fn open(folder: &RunFolder, state: State) -> Control {
    Control::open(folder, state, Duration::ZERO).unwrap()
}

/// Takes every command that waits.
fn waiting(control: &Control) -> Vec<Command> {
    let waiting = std::iter::from_fn(|| {
        let given = control.command()?;
        control.apply(&Event::Commanded(given.clone()));
        Some(given.command)
    });
    waiting.collect()
}

#[test]
fn what_is_asked_for_arrives_in_order_and_mistakes_are_answered_at_once() {
    let (_parent, folder) = run_folder();
    let control = open(&folder, state());
    let tell = |text: &str| tell(folder.path(), &words(text), "Ada");
    tell("strategy ei").unwrap();
    tell("target line:Pd-La").unwrap();
    tell("exclude 3..9,0..30").unwrap();
    tell("measure 10,4").unwrap();
    for (wrong, said) in [
        ("strategy best", "unknown strategy `best`; accepted are"),
        ("target line:Au-La", "axis `Energy` runs over"),
        ("exclude 9..3,0..30", "within 20 x 30"),
        ("measure 2,4", "no candidate"),
        ("measure 10,4", "row 10, column 4 is measured next already"),
        ("measure 8,4", "row 8, column 4 was excluded"),
        ("accept", "no proposal waits"),
        ("faster", "accepted are status, pause"),
        // What is excluded already is reckoned with.
        ("exclude 0..20,0..30", "nothing would be left to measure"),
    ] {
        let message = tell(wrong).unwrap_err().to_string();
        assert!(message.contains(said), "{wrong}: {message}");
    }
    // What was excluded a moment ago can be included again, although nobody has taken either.
    tell("include 8..9,4..5").unwrap();
    tell("pause").unwrap();
    assert!(control.waits() && !control.stopped());
    let status = status(folder.path()).unwrap();
    assert!(status.state.contains("pausing"), "{}", status.state);
    assert!(!status.approval && (status.dwell_seconds - 1.0).abs() < 1e-9);
    // What measures something else than its words say is said.
    for (word, said) in [
        ("exclude 0..17,0..30", "any more"),
        ("include 0..20,0..30", "may be measured again"),
        (
            "target window:4..6",
            "`window:4..6` is cut: axis `Energy` runs over",
        ),
        ("target window:4..4.9", "from the next point on"),
    ] {
        let answer = tell(word).unwrap();
        let answer = answer.as_str().unwrap();
        assert!(answer.contains(said), "{word}: {answer}");
        let quiet = ["any more", "may be", "from the"].contains(&said);
        assert!(!quiet || answer.ends_with(said), "{word}: {answer}");
    }
    tell("stop").unwrap();
    assert!(control.stopped());
    let all = Region {
        rows: 0..20,
        columns: 0..30,
    };
    let most = Region {
        rows: 0..17,
        columns: 0..30,
    };
    let region = Region {
        rows: 3..9,
        columns: 0..30,
    };
    assert_eq!(
        waiting(&control),
        [
            Command::Strategy("ei".to_owned()),
            Command::Target("line:Pd-La".to_owned()),
            Command::Exclude(region),
            Command::Measure(7 * 25 + 1),
            Command::Include(Region::pixel(8, 4)),
            Command::Pause,
            Command::Exclude(most),
            Command::Include(all),
            Command::Target("window:4..6".to_owned()),
            Command::Target("window:4..4.9".to_owned()),
            Command::Stop,
        ]
    );
}

#[test]
fn what_is_on_its_way_to_the_disk_is_reckoned_with() {
    let (_parent, folder) = run_folder();
    let control = open(&folder, state());
    let tell = |text: &str| tell(folder.path(), &words(text), "Ada");
    let refused = |text: &str, why: &str| {
        let message = tell(text).unwrap_err().to_string();
        assert!(message.contains(why), "{text}: {message}");
    };
    tell("exclude 3..9,0..30").unwrap();
    // The campaign has the command and is writing it.
    let exclude = control.command().unwrap();
    refused("measure 8,4", "row 8, column 4 was excluded");
    tell("include 3..9,0..30").unwrap();
    control.apply(&Event::Commanded(exclude));
    let include = control.command().unwrap();
    assert!(matches!(include.command, Command::Include(_)));
    control.apply(&Event::Commanded(include));
    tell("measure 8,4").unwrap();
    let measure = control.command().unwrap();
    refused("measure 8,4", "is measured next already");
    // A command that the campaign refuses has no effect and waits no longer.
    let why = "so".to_owned();
    control.apply(&Event::Refused {
        given: measure,
        why,
    });
    assert!(!control.waits());
    tell("measure 8,4").unwrap();
    assert_eq!(waiting(&control), [Command::Measure(5 * 25 + 1)]);
}

#[test]
fn a_word_on_a_proposal_that_no_longer_waits_is_refused() {
    let (_parent, folder) = run_folder();
    let mut state = state();
    let propose = |candidate| {
        Event::Proposed(Proposed {
            candidate,
            step: 0,
            score: 0.0,
            prediction: None,
            origin: 0.0,
            seconds: 0.0,
        })
    };
    let approve = Given {
        command: Command::Approve(true),
        by: String::new(),
        at_ms: 0,
    };
    state.apply(&Event::Commanded(approve)).unwrap();
    state.apply(&propose(7 * 25 + 1)).unwrap();
    let control = open(&folder, state);
    let tell = |text: &str| tell(folder.path(), &words(text), "Ada");
    let refused = |text: &str, why: &str| {
        let message = tell(text).unwrap_err().to_string();
        assert!(message.contains(why), "{text}: {message}");
    };
    refused("accept 10,5", "expected the one of row 10, column 4");
    tell("reject 10,4").unwrap();
    // The second press of a button, before and after the next proposal.
    refused("reject 10,4", "no proposal waits");
    assert_eq!(waiting(&control), [Command::Reject]);
    control.apply(&propose(7 * 25 + 2));
    refused("reject 10,4", "expected the one of row 10, column 5");
    refused("accept 10,4", "expected the one of row 10, column 5");
    tell("accept 10,5").unwrap();
    assert_eq!(waiting(&control), [Command::Accept]);
}

#[test]
fn a_proposal_that_nobody_answers_is_answered_by_the_time_out() {
    let (_parent, folder) = run_folder();
    let mut state = state();
    state
        .apply(&Event::Proposed(Proposed {
            candidate: 7 * 25 + 1,
            step: 0,
            score: 0.0,
            prediction: None,
            origin: 0.0,
            seconds: 0.0,
        }))
        .unwrap();
    let control = open(&folder, state);
    let tell = |text: &str| tell(folder.path(), &words(text), "Ada").unwrap();
    let take = || {
        let begun = Instant::now();
        while !control.waits() {
            assert!(begun.elapsed() < Duration::from_secs(20));
            std::thread::sleep(BUSY);
        }
        let given = control.command().unwrap();
        control.apply(&Event::Commanded(given.clone()));
        (given.command.to_string(), given.by)
    };
    let by = |command: &str, by: &str| (command.to_owned(), by.to_owned());
    tell("approve on after 0.1s pause");
    assert_eq!(take(), by("approve on after 0.1s pause", "Ada"));
    assert_eq!(take(), by("pause", TimeOut::NAME));
    // While the campaign is paused no time runs.
    std::thread::sleep(Duration::from_millis(300));
    assert!(!control.waits());
    tell("approve on after 0.1s go");
    assert_eq!(take(), by("approve on after 0.1s go", "Ada"));
    tell("resume");
    let status = status(folder.path()).unwrap();
    assert_eq!(status.commands, ["resume (Ada)"]);
    assert_eq!(status.time_out.unwrap().seconds.to_string(), "0.1");
    assert_eq!(take(), by("resume", "Ada"));
    assert_eq!(take(), by("accept", TimeOut::NAME));
    // It waits no longer.
    std::thread::sleep(Duration::from_millis(300));
    assert!(!control.waits());
}

#[test]
fn a_campaign_that_does_not_run_cannot_be_told_anything() {
    let (_parent, folder) = run_folder();
    let control = open(&folder, state());
    let file = folder.path().join("control");
    let content = std::fs::read_to_string(&file).unwrap();
    let port = content.split_once(' ').unwrap().0;
    // Another campaign has the port by now; and a copy of the folder of one that runs.
    let (own, named) = content.trim().rsplit_once('-').unwrap();
    let copied = format!("{own}-{}", named.parse::<u128>().unwrap() + 1);
    for content in [format!("{port} 0123"), copied] {
        std::fs::write(&file, &content).unwrap();
        for word in ["stop", "status"] {
            let error = tell(folder.path(), &words(word), "").unwrap_err();
            let is_named = matches!(error, ControlError::NotRunning { .. });
            assert!(is_named, "{content}: {error}");
        }
    }
    assert!(!control.stopped());
    std::fs::write(&file, &content).unwrap();
    tell(folder.path(), &words("status"), "").unwrap();
    drop(control);
    assert!(!file.exists());
    // As a kill leaves it.
    std::fs::write(&file, content).unwrap();
    let error = tell(folder.path(), &words("stop"), "").unwrap_err();
    assert!(matches!(error, ControlError::NotRunning { .. }), "{error}");
}

#[test]
fn a_status_is_told_however_much_waits_and_what_is_too_long_is_refused() {
    let (_parent, folder) = run_folder();
    let waiting = |number: usize| {
        let note = "\u{1f52c}".repeat(1000);
        let line = serde_json::json!({"number": number, "command": {"Note": note}, "by": "Ada"});
        format!("{line}\n")
    };
    let lines: String = (1..=MOST_TOLD + 20).map(waiting).collect();
    std::fs::write(folder.commands(), lines).unwrap();
    let control = open(&folder, state());
    let told = status(folder.path()).unwrap();
    assert_eq!(told.commands.len(), MOST_TOLD);
    let long = tell(folder.path(), &words(&"n".repeat(70_000)), "Ada").unwrap_err();
    assert!(
        matches!(long, ControlError::TooLong { length } if length > 70_000),
        "{long}"
    );
    assert!(
        long.to_string().ends_with("expected at most 65536"),
        "{long}"
    );
    drop(control);
}

#[test]
fn an_answer_that_is_cut_is_that_of_a_campaign_and_one_of_another_kind_is_not() {
    let (_parent, folder) = run_folder();
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::fs::write(folder.path().join("control"), format!("{port} 0123")).unwrap();
    for (answer, runs) in [
        (&b"{\"ok\":{\"state\":\"meas"[..], true),
        (b"{\"error\":\"\xf0\x9f", true),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", false),
        (b"", false),
    ] {
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let (mut caller, _) = listener.accept().unwrap();
                let _ = caller.read(&mut [0; 1024]);
                caller.write_all(answer).unwrap();
            });
            let error = status(folder.path()).unwrap_err();
            let silent = matches!(error, ControlError::Silent { .. });
            assert_eq!(silent, runs, "{error}");
            assert!(
                silent || matches!(error, ControlError::NotRunning { .. }),
                "{error}"
            );
        });
    }
}

/// Of a journal that a power failure cut within its first record nobody is sent from one command to the next.
#[test]
fn a_journal_without_a_beginning_is_named_as_that() {
    let parent = tempfile::tempdir().unwrap();
    let journal = parent.path().join("journal");
    std::fs::write(&journal, b"BEACON jou").unwrap();
    let begun = RunFolder::begin(parent.path()).unwrap_err().to_string();
    assert!(!begun.contains("beacon resume"), "{begun}");
    std::fs::write(&journal, b"BEACON journal\n\x02\x09\x00").unwrap();
    let begun = RunFolder::begin(parent.path()).unwrap_err().to_string();
    assert!(
        begun.contains("ends before the campaign's beginning"),
        "{begun}"
    );
    let told = tell(parent.path(), &words("pause"), "")
        .unwrap_err()
        .to_string();
    assert!(told.contains("begin again in another folder"), "{told}");
    let stands = super::status_by_journal(parent.path())
        .unwrap_err()
        .to_string();
    for said in [begun, told, stands] {
        assert!(!said.contains("beacon resume"), "{said}");
    }
}

#[test]
fn what_was_answered_outlives_the_program_until_it_is_taken() {
    let (_parent, folder) = run_folder();
    let tell = |text: &str| tell(folder.path(), &words(text), "Ada").unwrap();
    let taken = |count: usize| {
        let mut state = state();
        for _ in 0..count {
            let given = Given {
                command: Command::Pause,
                by: String::new(),
                at_ms: 0,
            };
            state.apply(&Event::Commanded(given)).unwrap();
        }
        state
    };
    let control = open(&folder, taken(0));
    tell("strategy ei");
    tell("measure 10,4");
    let first = control.command().unwrap();
    assert_eq!(first.command, Command::Strategy("ei".to_owned()));
    assert!(first.by == "Ada" && first.at_ms > 1_700_000_000_000);
    drop(control);
    // The journal has the first command as taken; it does not have the second.
    let control = open(&folder, taken(1));
    tell("strategy random");
    let expected = [
        Command::Measure(7 * 25 + 1),
        Command::Strategy("random".to_owned()),
    ];
    assert_eq!(waiting(&control), expected);
    drop(control);
    assert!(open(&folder, taken(3)).command().is_none());
}

#[test]
fn callers_who_never_finish_keep_neither_others_nor_the_end_waiting() {
    let (_parent, folder) = run_folder();
    let control = open(&folder, state());
    let content = std::fs::read_to_string(folder.path().join("control")).unwrap();
    let port: u16 = content.split_once(' ').unwrap().0.parse().unwrap();
    let dribble = || {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
        stream.write_all(b"{").unwrap();
        stream
    };
    let mut dribbling: Vec<_> = (0..CALLERS - 1).map(|_| dribble()).collect();
    // While these are connected, another is answered.
    tell(folder.path(), &words("pause"), "").unwrap();
    assert!(control.waits());
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

#[test]
fn a_journal_that_was_altered_is_no_campaign_that_was_broken_off() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let record = |event| Record {
        at_ms: 1,
        elapsed_ms: 1,
        event,
    };
    let config = LiveConfig::new("specimen".parse().unwrap(), 20);
    let begun = Begun {
        settings: toml::to_string(&config).unwrap(),
        ..state().begun().clone()
    };
    let mut journal = Journal::begin(&path, &record(Event::Begun(Box::new(begun)))).unwrap();
    for why in ["second", "third"] {
        let why = why.to_owned();
        journal.append(&record(Event::Failed { why })).unwrap();
    }
    drop(journal);
    let whole = std::fs::read(&path).unwrap();
    let at = whole.windows(6).position(|at| at == b"second").unwrap();
    let mut altered = whole.clone();
    altered[at] ^= 1;
    std::fs::write(&path, altered).unwrap();
    let resumed = Journal::open(&path).unwrap_err().to_string();
    assert!(resumed.contains("is not as it was written"), "{resumed}");
    let said = status_by_journal(folder.path()).unwrap_err().to_string();
    assert_eq!(said, resumed);
    // A record that a kill tore was broken off.
    std::fs::write(&path, &whole[..=at]).unwrap();
    let torn = status_by_journal(folder.path()).unwrap();
    assert!(torn.state.contains("it was broken off"), "{}", torn.state);
}
