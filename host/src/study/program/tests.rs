use beacon_kernel::Edges;

use super::*;
use crate::experiment::Replay;

fn replay() -> Replay {
    let values = |scale: f64| (0..64).map(|n| scale * f64::from(n)).collect();
    let map = |scale| Map::uncalibrated(8, 8, values(scale), "ramp");
    Replay::new(map(1.0), map(0.5)).unwrap()
}

fn order_of(command: &str, enough: bool) -> Result<Vec<u32>, NoOrder> {
    order_within(command, Program::PATIENCE, enough)
}

fn order_within(command: &str, patience: Duration, enough: bool) -> Result<Vec<u32>, NoOrder> {
    let candidates = Candidates::with_edges(8, 8, 4, Edges::Reflect).unwrap();
    let config = CampaignConfig {
        steps: 3,
        window: 4,
        ..CampaignConfig::default()
    };
    let mut program = Program::start(command, patience).unwrap();
    let (seeds, mut replay) = ([Candidate(9), Candidate(18)], replay());
    let order = program.order(&config, &seeds, candidates, &mut replay, &mut || enough);
    order.map(|order| order.into_iter().map(|candidate| candidate.0).collect())
}

/// The judge is a shell script: it answers with rows 4, 5, 6 of the column that the lines so far make,
/// and leaves what it was told where it can be read.
#[test]
fn a_program_is_asked_and_told_line_by_line() {
    let folder = tempfile::tempdir().unwrap();
    let heard = folder.path().join("heard");
    let script = format!(
        r#"row=4; while read -r line; do echo "$line" >> {}; case $line in
        *ask*) echo "{{\"row\": $row, \"column\": 2}}"; row=$((row + 1));; *end*) exit;; esac; done"#,
        heard.display()
    );
    assert_eq!(order_of(&script, false).unwrap(), [34, 42, 50]);
    let heard = std::fs::read_to_string(heard).unwrap();
    let heard: Vec<Value> = heard
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect();
    assert_eq!(heard[0]["begin"]["image"][7][7], 63.0);
    assert_eq!(heard[0]["begin"]["edges"], "reflect");
    assert_eq!(
        heard[1],
        json!({ "tell": { "row": 1, "column": 1, "value": 4.5 } })
    );
    assert_eq!(heard[3], json!({ "ask": {} }));
    assert_eq!(heard[4]["tell"]["value"], 17.0);
    assert_eq!(heard.len(), 1 + 2 + 2 * 3 + 1);
}

#[test]
fn what_a_program_cannot_say_is_named_with_what_would_be_accepted() {
    let answer = |line: &str| {
        let script = format!("while read -r l; do case $l in *ask*) echo '{line}';; esac; done");
        match order_of(&script, false) {
            Err(NoOrder::Failed(why)) => why,
            other => panic!("{other:?}"),
        }
    };
    for (line, expected) in [
        ("north", "step 1: it answered `north`; expected a line as"),
        (
            r#"{"row": 8, "column": 0}"#,
            "expected a pixel of the 8 x 8",
        ),
        (r#"{"row": 1, "column": 1}"#, "that is not measured yet"),
        (r#"{"row": 5, "column": 1}"#, "step 2: it answered"),
    ] {
        let why = answer(line);
        assert!(why.contains(expected), "{why}");
    }
}

#[test]
fn how_a_program_left_is_told() {
    for (leaves, expected) in [
        ("exit 3", "it ended without an answer (exit status: 3)"),
        // What it began holds its output open.
        (
            "sleep 600 & exit 0",
            "it ended without an answer (exit status: 0)",
        ),
        (
            "exec >&-; sleep 600",
            "it closed its standard output without an answer",
        ),
    ] {
        let Err(NoOrder::Failed(why)) = order_of(leaves, false) else {
            panic!("{leaves}");
        };
        assert_eq!(why, expected, "{leaves}");
    }
}

/// Each would have gone on for ever.
#[test]
fn a_program_that_says_nothing_of_use_is_waited_for_as_long_as_it_may_take() {
    let patience = Duration::from_millis(300);
    for (useless, expected) in [
        ("cat > /dev/null", NoOrder::Silent(1)),
        ("sleep 600 | cat", NoOrder::Silent(1)),
        (
            r#"for l in b t t a; do read -r l; done; echo '{"row": 4, "column": 2}'; sleep 600"#,
            NoOrder::Silent(2),
        ),
    ] {
        assert_eq!(
            order_within(useless, patience, false),
            Err(expected),
            "{useless}"
        );
    }
    // Without an end of the line, without anything on it, and with letters that command a terminal.
    for garbage in [
        r"tr '\0' x < /dev/zero",
        "yes ''",
        r"while :; do printf 'north\033[2J\n'; done",
    ] {
        let Err(NoOrder::Failed(why)) = order_within(garbage, patience, false) else {
            panic!("{garbage}");
        };
        assert!(why.starts_with("step 1: it answered `"), "{why}");
        assert!(why.len() < 200 && !why.contains(char::is_control), "{why}");
    }
}

/// A shell that says something when it is asked, with `$row` 4, 5, 6, and when it is over.
fn answering(asked: &str, over: &str) -> String {
    format!(
        "row=4; while read -r l; do case $l in *ask*) {asked}; row=$((row + 1));; *end*) {over}; exit;; esac; done"
    )
}

/// How a shell answers with the row and this column.
fn answer(column: usize) -> String {
    format!(r#"echo "{{\"row\": $row, \"column\": {column}}}""#)
}

/// Whoever chooses before the last measurement is told plays another game than the strategies beside it.
#[test]
fn a_line_that_nobody_asked_for_is_no_choice() {
    let (first, second) = (answer(2), answer(3));
    let together = r#"printf '{"row": %d, "column": 2}\n{"row": %d, "column": 3}\n' $row $row"#;
    let twice = format!("{first}; {second}");
    for (script, said) in [
        // In one piece, one behind the other, and so late that it answers the next question.
        (
            answering(together, ":"),
            r#"step 1: it answered twice, the second time `{"row": 4, "column": 3}`"#,
        ),
        (
            answering(&twice, ":"),
            "it answered twice, the second time `",
        ),
        (
            answering(&format!("{first}; sleep 0.1; {second}"), ":"),
            "it answered twice, the second time `",
        ),
        // Always one ahead.
        (
            format!("row=0; {second}; {}", answering(&twice, ":")),
            "before it was asked",
        ),
        // Behind the last answer: of a point, and of anything else.
        (
            answering(&first, &second),
            r#"step 3: it answered twice, the second time `{"row": 7, "column": 3}`"#,
        ),
        (
            answering(&first, "sleep 0.2; echo done"),
            "step 3: it answered twice, the second time `done`",
        ),
    ] {
        for _ in 0..3 {
            match order_of(&script, false) {
                Err(NoOrder::Failed(why)) => assert!(why.contains(said), "{script}: {why}"),
                other => panic!("{script}: {other:?}"),
            }
        }
    }
    // Ends of lines and empty ones are no answers.
    let spaced = answering(&format!("{first}; echo"), "echo; echo");
    let order = order_of(&spaced, false);
    assert_eq!(order.unwrap(), [34, 42, 50]);
}

#[test]
fn what_a_program_began_ends_with_it() {
    let folder = tempfile::tempdir().unwrap();
    let child = folder.path().join("child");
    let script = format!(
        "sleep 600 & echo $! > '{}'; {}",
        child.display(),
        answering(&answer(2), ":")
    );
    assert_eq!(order_of(&script, false).unwrap(), [34, 42, 50]);
    let pid = std::fs::read_to_string(child).unwrap();
    let state = || std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
    // Until somebody has collected it, a process that has ended is a zombie.
    let ended = || state().map_or(true, |stat| stat.contains(") Z "));
    let begun = Instant::now();
    while !ended() && begun.elapsed() < PARTING {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!cfg!(target_os = "linux") || ended());
}

#[test]
fn a_program_that_never_answers_does_not_keep_a_study_from_ending() {
    for silent in ["cat > /dev/null", "sleep 600", "sleep 600 | cat"] {
        assert_eq!(order_of(silent, true), Err(NoOrder::Interrupted));
    }
}
