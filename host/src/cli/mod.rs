//! The command line: arguments and printing, nothing else.

mod bench;
mod block;
mod check;
mod cluster;
mod compare;
mod controller;
mod ctl;
mod data;
mod dwell;
mod idle;
mod input;
mod instrument;
mod kernel;
mod listing;
mod live;
mod look;
mod others;
mod page;
mod progress;
mod replay;
mod scanner;
mod score;
mod spaces;
mod specimen;

use std::io::Write as _;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::parser::ValueSource;
use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

/// Decides where a microscope measures next, by deep-kernel learning and novelty search.
///
/// Without a command: a BEACON campaign on a built-in synthetic specimen beside random
/// sampling, with pictures.
#[derive(Debug, Parser)]
#[command(
    name = "beacon",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Exit status: 0 done; 1 failed while running; \
                  2 bad input, nothing was written; 3 a campaign on an instrument ended before its budget \
                  was met, by drift, a limit, time, or for want of anything to measure; 130 interrupted, the results hold what was \
                  measured until then."
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    specimen: specimen::SpecimenArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a campaign on data acquired before: an image and a response of the same area.
    Replay(Box<replay::ReplayArgs>),
    /// Look at files: what they hold, how they would be read, and what can be learned from them.
    Look(Box<look::LookArgs>),
    /// Judge any order in which somebody measured the same data, step by step.
    Score(Box<score::ScoreArgs>),
    /// Compare strategies: each with the same seeds on the same data, with paired tests.
    Compare(Box<compare::CompareArgs>),
    /// Run a campaign on an instrument, with a journal that loses nothing.
    Run(Box<live::RunArgs>),
    /// Go on with a campaign that was stopped, interrupted or killed.
    Resume(Box<live::ResumeArgs>),
    /// Tell a campaign that runs to pause, to stop, or to do something otherwise.
    Ctl(ctl::CtlArgs),
    /// See campaigns in a browser, and steer those that run.
    Page(page::PageArgs),
    /// Try an instrument out by hand, call by call, without a campaign.
    Instrument(Box<instrument::InstrumentArgs>),
    /// Look at a scan controller, or try it out.
    Controller(controller::ControllerArgs),
}

/// How a command ended other than well.
enum Failure {
    /// What was asked for cannot be done; nothing was written. Exit status 2.
    Input(String),
    /// Something went wrong while running. Exit status 1.
    Running(String),
    /// A campaign ended before its budget was met, as the text says. Exit status 3.
    Early(String),
    /// The user stopped it; what there was is written. Exit status 130.
    Interrupted,
    /// The user stopped it, and it can go on from what there is, as the text says. Exit status
    /// 130.
    Suspended(String),
    /// Nobody reads on. Exit status 0, as for any program in a pipe.
    Unheard,
}

/// Exit status after an interrupt, by the shell's custom: 128 and the signal's number.
const INTERRUPTED: u8 = 130;

impl Failure {
    /// What there is to say of it.
    fn text(self) -> String {
        match self {
            Self::Input(text) | Self::Running(text) | Self::Early(text) | Self::Suspended(text) => {
                text
            }
            Self::Interrupted | Self::Unheard => String::new(),
        }
    }
}

/// Says a line on standard error. Nobody may be there to read it, which ends no campaign.
fn log(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", shown(line));
}

/// Text without the characters that command a terminal: names and messages in it come from files and
/// servers.
fn shown(text: &str) -> String {
    let lines = text.split('\n').map(crate::data::files::plain);
    lines.collect::<Vec<_>>().join("\n")
}

/// Prints on standard output.
fn print(text: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    let text = shown(text);
    let printed = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    printed.map_err(|error| match error.kind() {
        std::io::ErrorKind::BrokenPipe => Failure::Unheard,
        _ => Failure::Running(format!("standard output cannot be written: {error}")),
    })
}

/// Prints an object as one line of JSON on standard output.
fn print_json(object: &impl serde::Serialize) -> Result<(), Failure> {
    print(&(serde_json::to_string(object).or_running()? + "\n"))
}

/// How an error ends a command.
trait OrFail<T> {
    /// As bad input.
    fn or_input(self) -> Result<T, Failure>;

    /// As something that went wrong while running.
    fn or_running(self) -> Result<T, Failure>;
}

impl<T, E: std::fmt::Display> OrFail<T> for Result<T, E> {
    fn or_input(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Input(error.to_string()))
    }

    fn or_running(self) -> Result<T, Failure> {
        self.map_err(|error| Failure::Running(error.to_string()))
    }
}

/// The command line. A negative number is a value: what it belongs to says what is accepted.
fn command() -> clap::Command {
    let takes = |arg: clap::Arg| {
        let takes_values = arg.get_action().takes_values();
        arg.allow_negative_numbers(takes_values)
    };
    let whole = Cli::command();
    let all = |command: clap::Command| {
        let parts = command.get_subcommands();
        let parts: Vec<_> = parts.map(|part| part.get_name().to_owned()).collect();
        let command = command.mut_args(takes);
        parts.into_iter().fold(command, |command, part| {
            command.mut_subcommand(part, |part| part.mut_args(takes))
        })
    };
    COMMANDS.iter().fold(whole.mut_args(takes), |whole, name| {
        whole.mut_subcommand(name, all)
    })
}

/// Whether the user chose the edges of a command that runs campaigns.
fn says_edges(matches: &clap::ArgMatches) -> bool {
    matches.subcommand().is_some_and(|(name, matches)| {
        ["replay", "compare", "run"].contains(&name)
            && matches.value_source("edges") == Some(ValueSource::CommandLine)
    })
}

/// Has a file that may not grow any more be an error, as a full disk is one: by itself the system would end
/// the program, in the middle of an exposure too.
#[cfg(unix)]
fn outlive_large_files() {
    // Where it cannot be had, the program is as any other.
    let _ = signal_hook::flag::register(signal_hook::consts::SIGXFSZ, std::sync::Arc::default());
}

/// Runs the program and returns its exit status.
pub fn main() -> ExitCode {
    #[cfg(unix)]
    outlive_large_files();
    let parsed = command().try_get_matches();
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (cli, edges_said) = match parsed {
        Ok((cli, matches)) => {
            for note in idle::idle_options(&matches) {
                log(&note);
            }
            if let Some(why) = dwell::unsure_dwell(&matches) {
                log(&format!("error: {why}"));
                return ExitCode::from(2);
            }
            (cli, says_edges(&matches))
        }
        Err(error) => return usage(&error),
    };
    let result = match &cli.command {
        Some(Command::Replay(args)) => replay::run(args, edges_said),
        Some(Command::Look(args)) => look::run(args),
        Some(Command::Score(args)) => score::run(args),
        Some(Command::Compare(args)) => compare::run(args, edges_said),
        Some(Command::Run(args)) => live::run(args, edges_said),
        Some(Command::Resume(args)) => live::resume(args),
        Some(Command::Ctl(args)) => ctl::run(args),
        Some(Command::Page(args)) => page::run(args),
        Some(Command::Instrument(args)) => instrument::run(args),
        Some(Command::Controller(args)) => controller::run(args),
        None => specimen::run(&cli.specimen),
    };
    match result {
        Ok(()) | Err(Failure::Unheard) => ExitCode::SUCCESS,
        Err(Failure::Interrupted) => {
            log("stopped; the results hold what was measured until then");
            ExitCode::from(INTERRUPTED)
        }
        Err(Failure::Suspended(message)) => {
            log(&format!("stopped; {message}"));
            ExitCode::from(INTERRUPTED)
        }
        Err(Failure::Early(message)) => {
            log(&format!("ended early: {message}"));
            ExitCode::from(3)
        }
        Err(Failure::Input(message)) => {
            log(&format!("error: {message}"));
            ExitCode::from(2)
        }
        Err(Failure::Running(message)) => {
            log(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}

/// The commands with arguments of their own.
const COMMANDS: [&str; 10] = [
    "replay",
    "look",
    "score",
    "compare",
    "run",
    "resume",
    "instrument",
    "ctl",
    "page",
    "controller",
];

/// Help and version as they are; a mistake as one line that names it and what is accepted.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        // Nobody is left to tell when even this cannot be printed.
        let _ = error.print();
        return ExitCode::SUCCESS;
    }
    let text = error.to_string();
    let lines = text.lines().map(str::trim);
    let said: Vec<_> = lines
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    let command = std::env::args_os()
        .nth(1)
        .and_then(|word| word.into_string().ok())
        .filter(|word| COMMANDS.contains(&word.as_str()));
    let command = command.map(|word| word + " ").unwrap_or_default();
    let words: Vec<String> = std::env::args_os()
        .filter_map(|word| word.into_string().ok())
        .collect();
    let said = plainly(error, command.trim(), &words).unwrap_or_else(|| {
        let said = said.join(" ");
        said.replace(
            "invalid digit found in string",
            "expected a whole number from 0, written with digits alone",
        )
        .replace(
            "invalid float literal",
            "expected a number without a unit, as in 0.5 or 1e9",
        )
    });
    log(&format!("{said} (see `beacon {command}--help`)"));
    ExitCode::from(2)
}

/// A mistake among these words of a command line in those of this program, where those of its parser mislead.
fn plainly(error: &clap::Error, command: &str, words: &[String]) -> Option<String> {
    if error.kind() == ErrorKind::MissingRequiredArgument && command == "ctl" {
        return Some(
            "error: the folder of the campaign or the command is missing; expected `beacon ctl DIR \
             status`, or another command behind DIR"
                .to_owned(),
        );
    }
    let unknown = [ErrorKind::UnknownArgument, ErrorKind::ArgumentConflict];
    if !unknown.contains(&error.kind()) {
        return None;
    }
    let Some(ContextValue::String(found)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    if matches!(error.get(ContextKind::PriorArg), Some(ContextValue::String(before)) if before == found)
    {
        // The same option twice is no wrong one.
        return None;
    }
    let instead = match (command, found.split([' ', '=']).next().unwrap_or_default()) {
        ("replay" | "compare", "--budget") => "--steps, the points after the first random ones",
        ("run", "--steps" | "--budget") => "--budget, the points in all",
        ("resume", "--seed") => {
            let why = "the campaign keeps the seed that it began with";
            return Some(format!("error: beacon resume has no --seed: {why}"));
        }
        ("run", file) if std::path::Path::new(file).is_file() => {
            let image = words.iter().find_map(|word| {
                let (_, image) = word.split_once("replay:")?;
                (!image.contains(',')).then_some(image)
            });
            return Some(format!(
                "error: `{file}` stands without an option; expected image and response with a comma between them, \
                 as in --microscope replay:{},{file}",
                image.unwrap_or("IMAGE")
            ));
        }
        ("replay" | "compare" | "score", file) if std::path::Path::new(file).is_file() => {
            return Some(format!(
                "error: `{file}` stands without an option; expected it behind one, as in --image {file} or \
                 --response {file}"
            ));
        }
        ("resume", "--dwell") => "`beacon ctl DIR dwell SECONDS` while it runs",
        (_, number) if number.parse::<f64>().is_ok() => {
            // Of a pixel, the parser names the sign and the first digit alone.
            let at = words.iter().position(|word| word.starts_with(number))?;
            return out_of_place(command, words.get(at.checked_sub(1)?)?, &words[at]);
        }
        _ => return None,
    };
    let known = if command == "run" {
        "--steps"
    } else {
        found.as_str()
    };
    Some(format!(
        "error: beacon {command} has no {known}; expected {instead}"
    ))
}

/// What to say of a value that begins with a minus and is no number, by the word before it.
fn out_of_place(command: &str, before: &str, found: &str) -> Option<String> {
    let fractions = "fractions of the range from 0 to 1";
    let (name, expected) = match (command, found.matches(',').count()) {
        (_, 0) if !found.contains("..") => (before, "a number from 0".to_owned()),
        ("ctl", _) if found.contains("..") => (before, "TOP..BOTTOM,LEFT..RIGHT from 0".to_owned()),
        ("ctl", _) => (before, "ROW,COLUMN from 0".to_owned()),
        (_, 3) => ("--frame", format!("LEFT,TOP,RIGHT,BOTTOM, {fractions}")),
        (_, 1) if before == "--at" => (before, format!("X,Y, {fractions}")),
        (_, 1) => ("X,Y", format!("two {fractions}, as in 0.25,0.5")),
        _ => return None,
    };
    Some(format!("error: {name} is {found}; expected {expected}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mistakes_are_told_in_words_that_help() {
        let said = |words: &[&str]| {
            let words = [&["beacon"], words].concat();
            let error = command().try_get_matches_from(&words).unwrap_err();
            let owned: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
            plainly(&error, words[1], &owned)
        };
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("mine.hspy");
        std::fs::write(&file, "").unwrap();
        let file = file.to_str().unwrap();
        let run = ["run", "--budget", "40", "--microscope", "replay:img.hspy"];
        assert_eq!(
            said(&[&run[..], &[file]].concat()),
            Some(format!(
                "error: `{file}` stands without an option; expected image and response with a comma between them, \
                 as in --microscope replay:img.hspy,{file}"
            ))
        );
        assert_eq!(
            said(&["resume", "DIR", "--seed", "3"]).as_deref(),
            Some(
                "error: beacon resume has no --seed: the campaign keeps the seed that it began with"
            )
        );
        let run = ["run", "--budget", "40", "--microscope", "specimen"];
        assert_eq!(said(&[&run[..], &["--budget", "60"]].concat()), None);
        let steps = said(&[&run[..], &["--steps", "60"]].concat());
        assert!(
            steps
                .unwrap()
                .starts_with("error: beacon run has no --steps; expected --budget")
        );
    }
}
