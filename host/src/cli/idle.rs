//! Options that change nothing beside the others, which a person should know who gave them.

use std::any::Any;

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::controller::ControllerChoice;
use crate::microscope::MicroscopeChoice;
use crate::train::SurrogateKind;

/// Commands that run campaigns.
const COMMANDS: [&str; 3] = ["replay", "compare", "run"];
/// Strategies that novelty is part of.
const NOVELTY: [&str; 3] = ["beacon-structure", "beacon", "beacon-elite"];
/// What trains the network alone.
const OF_NETWORK: [&str; 6] = [
    "initial_epochs",
    "epochs",
    "early_epochs",
    "restarts",
    "learning_rate",
    "warm_learning_rate",
];
/// What a board's beam is told.
const OF_BOARD: [&str; 5] = [
    "dwell_us",
    "settle_us",
    "pixel_dose_us",
    "total_dose_us",
    "link_timeout_ms",
];

/// A line for each option that was given and changes nothing.
pub(super) fn idle_options(matches: &ArgMatches) -> Vec<String> {
    let Some((name, matches)) = matches.subcommand() else {
        return Vec::new();
    };
    if !COMMANDS.contains(&name) {
        return Vec::new();
    }
    let given = |id: &str| {
        let known = matches.try_contains_id(id).is_ok();
        known && matches.value_source(id) == Some(ValueSource::CommandLine)
    };
    let mut strategies = all::<String>(matches, "strategy");
    strategies.extend(all::<String>(matches, "strategies"));
    let any_of = |used: &[&str]| strategies.iter().any(|name| used.contains(&name.as_str()));
    let with = strategies.join(", ");
    let mut idle = Vec::new();
    let mut say = |ids: &[&str], with: &str| {
        for id in ids.iter().filter(|id| given(id)) {
            let option = id.replace('_', "-");
            idle.push(format!("note: --{option} changes nothing with {with}"));
        }
    };
    let surrogates = all::<SurrogateKind>(matches, "surrogate");
    if !surrogates.is_empty() && !surrogates.contains(&SurrogateKind::Network) {
        say(&OF_NETWORK, "this --surrogate: it is of `cnn`");
    }
    if !strategies.is_empty() {
        if !any_of(&NOVELTY) {
            let why = format!("{with}, which seeks no novelty");
            say(&["k", "raw_references"], &why);
        }
        if !any_of(&["ucb"]) {
            say(&["beta"], &format!("{with}: it is of `ucb`"));
        }
        if !any_of(&["beacon-elite"]) {
            say(
                &["joint_elite"],
                &format!("{with}: it is of `beacon-elite`"),
            );
        }
    }
    let microscopes = all::<MicroscopeChoice>(matches, "microscope");
    let is_replayed = |choice: &MicroscopeChoice| matches!(choice, MicroscopeChoice::Replay { .. });
    if !microscopes.is_empty() && !microscopes.iter().any(is_replayed) {
        let why = "this --microscope: it is of replay:IMAGE,RESPONSE";
        say(&["mask", "transpose"], why);
    }
    // Beside an instrument, that of a controller says how its beam settles.
    if name != "run" {
        let controllers = all::<ControllerChoice>(matches, "controller");
        if controllers.contains(&ControllerChoice::InProcess) {
            say(&OF_BOARD, "the kernel in this process, which moves no beam");
        }
    }
    idle
}

/// The values of an argument; none where the command has no such argument.
fn all<T: Any + Clone + Send + Sync>(matches: &ArgMatches, id: &str) -> Vec<T> {
    let values = matches.try_get_many::<T>(id).ok().flatten();
    values.map_or_else(Vec::new, |values| values.cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(words: &str) -> Vec<String> {
        let words = format!("beacon {words}");
        let matches = super::super::command().try_get_matches_from(words.split(' '));
        idle_options(&matches.unwrap())
    }

    #[test]
    fn options_that_change_nothing_are_named_and_others_are_not() {
        let data = "replay --image a.npy --response b.npy";
        for quiet in [
            "",
            "--surrogate cnn --epochs 3 --restarts",
            "--strategy ucb --beta 2",
            "--strategy beacon --k 3 --raw-references",
            "--strategy beacon-elite --joint-elite",
            "--controller emulated --dwell-us 50",
        ] {
            let words = format!("{data} {quiet}");
            assert_eq!(said(words.trim()), Vec::<String>::new(), "{quiet}");
        }
        for (words, option) in [
            ("--epochs 3", "--epochs"),
            ("--restarts", "--restarts"),
            ("--early-epochs 3", "--early-epochs"),
            ("--surrogate taught --learning-rate 0.1", "--learning-rate"),
            ("--beta 2", "--beta"),
            ("--strategy random --k 3", "--k"),
            ("--joint-elite", "--joint-elite"),
            ("--dwell-us 50", "--dwell-us"),
        ] {
            let said = said(&format!("{data} {words}"));
            assert_eq!(said.len(), 1, "{said:?}");
            let begins = format!("note: {option} changes nothing with ");
            assert!(said[0].starts_with(&begins), "{said:?}");
        }
        let compared = said("compare --specimen plasmonic --strategies ei,ucb --beta 2 --k 5");
        assert_eq!(compared.len(), 1, "{compared:?}");
        assert!(compared[0].contains("--k"), "{compared:?}");
        let run = said("run --microscope specimen --budget 20 --epochs 2 --settle-us 5");
        assert_eq!(run.len(), 1, "{run:?}");
        let run = said("run --microscope specimen --budget 20 --mask m.npy");
        assert!(run.len() == 1 && run[0].contains("--mask"), "{run:?}");
        let run = said("run --microscope replay:a.npy,b.npy --budget 20 --transpose image");
        assert_eq!(run, Vec::<String>::new());
    }
}
