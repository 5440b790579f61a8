//! `beacon controller check`: the first session with a board, step by step.
//!
//! What the board says of itself is checked here. What only an oscilloscope sees is said, and a
//! person answers.

mod person;

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use beacon_kernel::link::message::{Beam, BlankReason, Phase, Pulse, Settings, Spot, Status};
use clap::Args;
use serde::Serialize;

use super::bench::{self, square};
use super::controller::{Place, connect, try_out};
use super::{Failure, OrFail as _, log, print_json};
use crate::campaign::DeflectionFrame;
use crate::controller::{BeamPort as _, Linked};
use person::{Answer, Person};

/// Arguments of `check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    #[command(flatten)]
    place: Place,
    /// Ask nobody what the oscilloscope shows, and go through; needed where standard input is no terminal.
    #[arg(long)]
    yes: bool,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Verdict {
    /// The board says so, and where there was something to see a person saw it.
    Passed,
    /// The board says so. What there was to see nobody was asked.
    NotLookedAt,
    /// The board does not say so, or a person did not see it.
    Failed,
    /// It takes a person, and none was asked.
    LeftOut,
}

/// What became of a step.
#[derive(Debug, Serialize)]
struct Step {
    what: &'static str,
    verdict: Verdict,
    #[serde(skip_serializing_if = "Option::is_none")]
    found: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<&'static str>,
}

/// What `check` says.
#[derive(Debug, Serialize)]
struct Report {
    board: String,
    build: String,
    passed: bool,
    steps: Vec<Step>,
}

/// The session as it goes on.
struct Check {
    json: bool,
    /// What the person types who is asked; `None` where nobody is.
    person: Option<Person>,
    steps: Vec<Step>,
}

/// What goes wrong in a step: in words.
type Found = Result<(), String>;

impl Check {
    fn say(&self, line: &str) {
        if !self.json {
            log(line);
        }
    }

    /// Goes through a step: does it, says what to `see`, and asks whether it was there.
    fn step(
        &mut self,
        what: &'static str,
        see: Option<&str>,
        advice: &'static str,
        mut act: impl FnMut(&Self) -> Found,
    ) {
        self.say(&format!("\n{}. {what}", self.steps.len() + 1));
        if let Some(see) = see {
            self.say(&format!("   see: {see}"));
        }
        let (verdict, found) = loop {
            break match (act(self), see) {
                (Err(found), _) => (Verdict::Failed, Some(found)),
                (Ok(()), None) => (Verdict::Passed, None),
                (Ok(()), Some(_)) => match self.person.as_ref().map(Person::ask) {
                    None => (Verdict::NotLookedAt, None),
                    Some(Answer::Seen) => (Verdict::Passed, None),
                    Some(Answer::Again) => continue,
                    Some(Answer::NotSeen) => (Verdict::Failed, Some("not seen".to_owned())),
                },
            };
        };
        match (&found, verdict) {
            (Some(found), _) => self.say(&format!("   FAILED: {found}\n   {advice}")),
            (None, Verdict::NotLookedAt) => self.say("   the board says so; nobody looked"),
            _ => self.say("   passed"),
        }
        self.steps.push(Step {
            what,
            verdict,
            advice: found.is_some().then_some(advice),
            found,
        });
    }
}

/// Where the signals are, in words.
struct Pins {
    beam: &'static str,
    x: &'static str,
    y: &'static str,
}

impl Pins {
    fn of(board: &str) -> Self {
        match board {
            // With its detector behind the name, where it has a choice.
            nucleo if nucleo.starts_with("nucleo-h743zi") => Self {
                beam: "PA0 (CN10 pin 29)",
                x: "PA4 (CN7 pin 17)",
                y: "PA5 (CN7 pin 10)",
            },
            _ => Self {
                beam: "the scan generator's blanking output",
                x: "its X output",
                y: "its Y output",
            },
        }
    }
}

/// Silence that the board is told to take for a lost link.
const SHORT_TIMEOUT_MS: u32 = 1000;
/// How long the program is silent: longer where the board's clock had not passed the time-out by then, as that
/// of an emulated board on a busy machine.
const SILENCES: [Duration; 4] = [
    Duration::from_millis(1500),
    Duration::from_secs(3),
    Duration::from_secs(6),
    Duration::from_secs(12),
];
/// A pulse that something else ends.
const LONG: Pulse = Pulse {
    at: Some(Spot::MIDDLE),
    dwell_us: 5_000_000,
};
/// How far the program's clock and the link may be off what the board's timer takes.
const LATE: Duration = Duration::from_millis(500);
/// Points of the trial campaign after the random ones.
const TRIAL_STEPS: usize = 20;

/// Runs `check`.
pub(super) fn run(args: &CheckArgs) -> Result<(), Failure> {
    let asks = !args.yes && !args.place.json;
    if asks && !std::io::stdin().is_terminal() {
        return Err(Failure::Input(
            "standard input is no terminal, so that nobody can be asked what the oscilloscope shows; \
             expected a terminal, or --yes to ask nobody"
                .to_owned(),
        ));
    }
    let mut session = Check {
        json: args.place.json,
        person: asks.then(|| Person::at(std::io::BufReader::new(std::io::stdin()))),
        steps: Vec::new(),
    };
    session.say(
        "Nothing but an oscilloscope may be connected: its probes on the beam's pin, X and Y, its \
         ground on the board's.",
    );
    let (board, build) = {
        let mut memory = bench::no_campaign();
        let mut board = connect(&args.place, &mut memory)?;
        board.check_bench().or_input()?;
        let status = board.status().or_running()?;
        if matches!(status.phase, Phase::Running | Phase::AwaitingImage) {
            return Err(Failure::Input(
                "a campaign is on the controller; let it end, or reset the board".to_owned(),
            ));
        }
        on_the_bench(&mut session, &mut board, &status)?;
        let identity = board.identity();
        (identity.board.to_string(), identity.build.to_string())
    };
    session.step(
        "a short campaign, compared with the kernel in this process",
        None,
        "flash the image of this build; with damaged frames, another cable",
        |_| match try_out(&args.place, TRIAL_STEPS, false) {
            Ok(result) => result.difference.map_or(Ok(()), Err),
            Err(Failure::Input(why) | Failure::Running(why)) => Err(why),
            Err(_) => Err("stopped".to_owned()),
        },
    );
    pull_the_plug(&mut session, &args.place)?;
    conclude(session, board, build)
}

/// Everything with the board as it is, in one connection.
fn on_the_bench(
    session: &mut Check,
    board: &mut Linked<'_>,
    status: &Status,
) -> Result<(), Failure> {
    let identity = board.identity().clone();
    session.say(&format!(
        "{} at {} MHz, firmware {}",
        identity.board,
        identity.clock_hz / 1_000_000,
        identity.build
    ));
    let pins = Pins::of(&identity.board);
    let Pins { beam, x, y } = pins;
    let settings = board.settings_of_board().or_running()?;
    session.step(
        "the board has a clean record",
        None,
        "read it with `beacon controller info`; switch the board off and on, and check again",
        |_| clean(status, identity.last_panic),
    );
    let middle = format!("{beam} low; {x} and {y} at half their range if the board was just reset");
    session.step(
        "the beam is blanked",
        Some(&middle),
        "do not connect this board to a column: look for a short, or another image on the board",
        |_| blanked(status),
    );
    for (what, at, see) in [
        ("X and Y at their least", (0, 0), "lowest, lowest"),
        ("X at its most", (u16::MAX, 0), "highest, lowest"),
        (
            "X and Y at their most",
            (u16::MAX, u16::MAX),
            "highest, highest",
        ),
        ("Y at its most", (0, u16::MAX), "lowest, highest"),
        ("X and Y in the middle", (1 << 15, 1 << 15), "half, half"),
    ] {
        let see = format!("{x} and {y}: {see}; {beam} low");
        session.step(what, Some(&see), WIRING, |_| {
            let (x, y) = at;
            bench::once_ready(|| board.point(Spot { x, y })).map_err(|error| error.to_string())?;
            blanked(&board.status().map_err(|error| error.to_string())?)
        });
    }
    let see = format!("with {x} across and {y} down, a square of 8 x 8 points; {beam} low");
    session.step("a square, blanked", Some(&see), WIRING, |session| {
        // As long as somebody needs to look.
        for _ in 0..if session.person.is_some() { 50 } else { 2 } {
            for spot in square(DeflectionFrame::FULL, 8) {
                board.point(spot).map_err(|error| error.to_string())?;
            }
        }
        blanked(&board.status().map_err(|error| error.to_string())?)
    });
    let see = format!("ten pulses of 1.000 ms on {beam}");
    session.step("ten pulses of 1 ms", Some(&see), TIMER, |_| {
        pulses(board, 10, 1000)
    });
    let see = format!("one pulse of 1.000 s on {beam}");
    session.step("a pulse of 1 s", Some(&see), TIMER, |_| {
        pulses(board, 1, 1_000_000)
    });
    let see = format!("a pulse of about half a second on {beam}, of 5 s that were asked for");
    session.step("a pulse that is cut", Some(&see), TIMER, |_| {
        begin(board, LONG)?;
        std::thread::sleep(Duration::from_millis(500));
        board.blank().map_err(|error| error.to_string())?;
        ended(board, BlankReason::Request)
    });
    let see = format!("a pulse of about a second on {beam}, of 5 s that were asked for");
    session.step(
        "a host that falls silent",
        Some(&see),
        "do not leave this board alone with a beam: it must blank when nobody speaks to it",
        |session| silent(session, board, settings),
    );
    Ok(())
}

const WIRING: &str = "look for swapped probes and at the wiring in firmware/README.md; `beacon \
                      controller point X,Y` repeats it";
const TIMER: &str = "`beacon controller pulse --dwell S` repeats it; a pulse of another length is a \
                     clock that runs at another rate: check the board's revision";

fn clean(status: &Status, last_panic: u16) -> Found {
    let (health, link) = (&status.health, &status.link);
    let damaged = link.crc_errors + link.cobs_errors + link.overflows + link.runts;
    let found = [
        (health.watchdog_resets, "resets by the watchdog"),
        (u32::from(last_panic), "bytes of a panic's message"),
        (health.lost_bytes, "bytes lost"),
        (damaged, "frames damaged"),
    ];
    match found.iter().find(|(count, _)| *count > 0) {
        Some((count, what)) => Err(format!("{count} {what}")),
        None => Ok(()),
    }
}

fn blanked(status: &Status) -> Found {
    match status.beam {
        Beam::Blanked(_) => Ok(()),
        beam => Err(format!(
            "the board says that its beam is not blanked: {beam:?}"
        )),
    }
}

fn begin(board: &mut Linked<'_>, pulse: Pulse) -> Found {
    board.pulse(pulse).map_err(|error| error.to_string())?;
    match board.status().map_err(|error| error.to_string())?.beam {
        Beam::OnBench(Spot::MIDDLE) => Ok(()),
        beam => Err(format!("the beam did not come on: {beam:?}")),
    }
}

/// The exposure under way is over, for this reason.
fn ended(board: &mut Linked<'_>, expected: BlankReason) -> Found {
    let reason = board
        .until_blanked(bench::patience(LONG))
        .map_err(|error| error.to_string())?;
    if reason == expected {
        return Ok(());
    }
    Err(format!(
        "the pulse ended because {}; expected: because {}",
        cause(reason),
        cause(expected)
    ))
}

/// Why a pulse ended.
fn cause(reason: BlankReason) -> String {
    match reason {
        BlankReason::Between => "its time was over".to_owned(),
        BlankReason::Request => "the program asked for that".to_owned(),
        other => other.to_string(),
    }
}

/// Pulses that take their time and are counted in full.
fn pulses(board: &mut Linked<'_>, count: u32, dwell_us: u32) -> Found {
    // The clock of an emulated board is that of a machine that does other things as well.
    let emulated = board.identity().board.starts_with("mps2");
    let late = if emulated { 20 * LATE } else { LATE };
    let before = board.status().map_err(|error| error.to_string())?.dose_us;
    let pulse = Pulse {
        at: Some(Spot::MIDDLE),
        dwell_us,
    };
    for _ in 0..count {
        let begun = Instant::now();
        board.pulse(pulse).map_err(|error| error.to_string())?;
        match board
            .until_blanked(bench::patience(pulse))
            .map_err(|error| error.to_string())?
        {
            BlankReason::Between => {}
            reason => return Err(format!("a pulse was cut short: {reason}")),
        }
        let took = begun.elapsed();
        let dwell = Duration::from_micros(dwell_us.into());
        if took < dwell || took > dwell + dwell / 10 + late {
            return Err(format!(
                "a pulse of {dwell:?} took {took:?} by this machine's clock"
            ));
        }
    }
    let counted = board.status().map_err(|error| error.to_string())?.dose_us - before;
    let expected = u64::from(count) * u64::from(dwell_us);
    if counted == expected {
        return Ok(());
    }
    Err(format!(
        "the board counts {counted} µs of beam; expected {expected}"
    ))
}

/// The board blanks when nobody speaks to it.
fn silent(session: &Check, board: &mut Linked<'_>, settings: Settings) -> Found {
    let shorter = Settings {
        link_timeout_ms: SHORT_TIMEOUT_MS,
        ..settings
    };
    board
        .configure(shorter)
        .map_err(|error| error.to_string())?;
    let mut ended = Ok(());
    for silence in SILENCES {
        ended = match in_silence(board, silence) {
            Ok(Silence::Blanked) => Ok(()),
            Ok(Silence::TooShort(passed)) => {
                let why = format!(
                    "in {silence:?} of silence the board's clock went on by {passed:?}, less than the \
                     {SHORT_TIMEOUT_MS} ms after which it blanks"
                );
                session.say(&format!("   {why}"));
                ended = Err(format!(
                    "{why}, so that nothing can be said; an emulated board needs a machine that is less busy"
                ));
                continue;
            }
            Err(found) => Err(found),
        };
        break;
    }
    board
        .configure(settings)
        .map_err(|error| error.to_string())?;
    ended
}

/// What a pulse met in which the program was silent.
enum Silence {
    /// The board blanked because of it.
    Blanked,
    /// It was shorter than the time-out by the board's own clock, of which this much passed.
    TooShort(Duration),
}

/// A pulse in which nobody speaks to the board for so long, judged by the board's clock: the program's goes on
/// while an emulator waits for a processor.
fn in_silence(board: &mut Linked<'_>, silence: Duration) -> Result<Silence, String> {
    let pulse = Pulse {
        dwell_us: LONG.dwell_us.max(3 * silence.as_micros() as u32),
        ..LONG
    };
    board.pulse(pulse).map_err(|error| error.to_string())?;
    let lost = Beam::Blanked(BlankReason::LinkLost);
    let begun = board.status().map_err(|error| error.to_string())?;
    // The pulse's answer may have taken longer than the time-out already.
    if begun.beam == lost {
        return Ok(Silence::Blanked);
    }
    std::thread::sleep(silence);
    let over = board.status().map_err(|error| error.to_string())?;
    if over.beam == lost {
        return Ok(Silence::Blanked);
    }
    board.blank().map_err(|error| error.to_string())?;
    let passed = over.uptime_ms.saturating_sub(begun.uptime_ms);
    if passed <= u64::from(SHORT_TIMEOUT_MS) {
        return Ok(Silence::TooShort(Duration::from_millis(passed)));
    }
    Err(match over.beam {
        Beam::Blanked(reason) => format!(
            "the pulse ended because {}; expected: because {}",
            cause(reason),
            cause(BlankReason::LinkLost)
        ),
        _ => format!(
            "the beam was on after {passed} ms of silence by the board's clock; expected: blanked after \
             {SHORT_TIMEOUT_MS} ms"
        ),
    })
}

/// The one step that nobody but a person can do.
fn pull_the_plug(session: &mut Check, place: &Place) -> Result<(), Failure> {
    const WHAT: &str = "the plug pulled in a pulse";
    if session.person.is_none() {
        session.say(&format!(
            "\n{}. {WHAT}: left out, it takes a hand",
            session.steps.len() + 1
        ));
        session.steps.push(Step {
            what: WHAT,
            verdict: Verdict::LeftOut,
            found: None,
            advice: None,
        });
        return Ok(());
    }
    let mut memory = bench::no_campaign();
    let mut board = connect(place, &mut memory)?;
    session.step(
        WHAT,
        Some("the beam's pin falls at once, and stays low when the plug is back"),
        "the pull-down at the blanker's side is missing: see the wiring in firmware/README.md",
        |session| {
            begin(
                &mut board,
                Pulse {
                    dwell_us: 30_000_000,
                    ..LONG
                },
            )?;
            session.say("   the beam is on for 30 s: pull the plug now, then put it back");
            Ok(())
        },
    );
    Ok(())
}

fn conclude(session: Check, board: String, build: String) -> Result<(), Failure> {
    let Check { json, steps, .. } = session;
    let count = |verdict| steps.iter().filter(|step| step.verdict == verdict).count();
    let failed: Vec<_> = steps
        .iter()
        .filter(|step| step.verdict == Verdict::Failed)
        .map(|step| step.what)
        .collect();
    let verdict = format!(
        "{} of {} steps passed, {} that nobody looked at, {} left out, {} failed",
        count(Verdict::Passed),
        steps.len(),
        count(Verdict::NotLookedAt),
        count(Verdict::LeftOut),
        failed.len()
    );
    let failed = failed.join("; ");
    if json {
        print_json(&Report {
            board,
            build,
            passed: failed.is_empty(),
            steps,
        })?;
    } else {
        log(&format!("\n{board}: {verdict}"));
    }
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::Running(format!("{verdict}: {failed}")))
}
