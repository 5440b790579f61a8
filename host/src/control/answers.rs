//! What people are answered, and what waits in their words.

use beacon_kernel::Candidate;

use crate::campaign::{Command, Given, Otherwise, State, TimeOut};
use crate::data::Channels;
use crate::scalarizer::Scalarizer;

/// A command that waits, as it was typed, and who gave it.
pub(super) fn words(given: &Given, state: &State) -> String {
    let words = given.command.words(state.candidates());
    match given.by.as_str() {
        "" => words,
        by => format!("{words} ({by})"),
    }
}

/// What is answered to a command that can hold.
#[expect(clippy::too_many_lines, reason = "a line or two for each command")]
pub(super) fn said(command: &Command, state: &State) -> String {
    let name = |candidate: u32| {
        let pixel = state
            .candidates()
            .and_then(|all| all.pixel(Candidate(candidate)).ok());
        pixel.map_or_else(String::new, |p| {
            format!("row {}, column {}", p.row, p.column)
        })
    };
    match command {
        Command::Strategy(name) => format!("`{name}` chooses from the next point on"),
        Command::Target(target) => {
            let Channels {
                coordinates, axis, ..
            } = &state.begun().channels;
            let scalarizer: Option<Scalarizer> = target.parse().ok();
            let cut = scalarizer.and_then(|scalarizer| scalarizer.cut(coordinates, axis));
            let cut = cut.map_or_else(String::new, |cut| format!("; {cut}"));
            format!("`{target}` is sought from the next point on{cut}")
        }
        Command::Targets(targets) => {
            let Channels {
                coordinates, axis, ..
            } = &state.begun().channels;
            let scalarizers = targets
                .iter()
                .filter_map(|of| of.parse::<Scalarizer>().ok());
            let cuts = scalarizers.filter_map(|of| of.cut(coordinates, axis));
            let cuts = cuts.map(|cut| format!("; {cut}"));
            let cuts = cuts.collect::<Vec<_>>().concat();
            let names: Vec<_> = targets.iter().map(|of| format!("`{of}`")).collect();
            let names = names.join(", ");
            format!("{names} are sought together from the next point on{cuts}")
        }
        Command::Exclude(region) => format!(
            "nothing is measured in rows {}..{}, columns {}..{} any more{}",
            region.rows.start,
            region.rows.end,
            region.columns.start,
            region.columns.end,
            seeds_there(command, state)
        ),
        Command::Include(region) => format!(
            "rows {}..{}, columns {}..{} may be measured again",
            region.rows.start, region.rows.end, region.columns.start, region.columns.end
        ),
        Command::ExcludeAll(regions) => {
            format!(
                "nothing is measured in {} rectangles any more{}",
                regions.len(),
                seeds_there(command, state)
            )
        }
        Command::IncludeAll(regions) => {
            format!("{} rectangles may be measured again", regions.len())
        }
        Command::Withdraw(candidate) => {
            format!("{} is not asked for any more", name(*candidate))
        }
        Command::Measure(candidate) if state.has_accepted() => format!(
            "{} is measured next; the proposal that was accepted gives way to it",
            name(*candidate)
        ),
        Command::Measure(candidate) | Command::Suggest(candidate) => {
            format!("{} is measured next", name(*candidate))
        }
        Command::Discard(candidate) => format!(
            "the measurement at {} no longer counts; `restore` undoes that",
            name(*candidate)
        ),
        Command::Restore(candidate) => {
            format!("the measurement at {} counts again", name(*candidate))
        }
        Command::Budget(points) => format!("{points} points are measured in all"),
        Command::DoseLimit(electrons) => {
            format!("at most {electrons:e} electrons are spent in all")
        }
        Command::NoDoseLimit => "any number of electrons may be spent".to_owned(),
        Command::PixelDoseLimit(Some(density)) => format!(
            "at most {density:e} e/Å² are spent on one pixel; a point that would take more is left out"
        ),
        Command::PixelDoseLimit(None) => {
            "any number of electrons may be spent on one pixel".to_owned()
        }
        Command::TimeLimit(Some(seconds)) => {
            format!("the campaign ends when it has been running for {seconds} s")
        }
        Command::TimeLimit(None) => "the campaign may run for any time".to_owned(),
        Command::Dwell(seconds) => {
            let before = state.settings().dwell.get();
            let mixes = state.settings().sought().any(Scalarizer::grows_with_dwell)
                && seconds.total_cmp(&before).is_ne()
                && !state.points().is_empty();
            let mixed = if mixes {
                format!(
                    "; responses grow with the dwell and are not divided by it: the {} points so far \
                     and those from now on are compared as if they had the same",
                    state.points().len()
                )
            } else {
                String::new()
            };
            format!("spectra take {seconds} s from the next point on{mixed}")
        }
        Command::Approve(true) => {
            "every proposal waits for `accept`, `reject` or `suggest`".to_owned()
        }
        Command::ApproveAfter(TimeOut { seconds, then }) => {
            let then = match then {
                Otherwise::Go => "it is measured",
                Otherwise::Pause => "the campaign pauses",
            };
            format!(
                "every proposal waits {seconds} s for `accept`, `reject` or `suggest`; then {then}"
            )
        }
        Command::Approve(false) => "no proposal waits any more".to_owned(),
        Command::Accept if state.is_paused() => {
            "the proposal is measured once `resume` ends the pause".to_owned()
        }
        Command::Accept => "the proposal is measured".to_owned(),
        Command::Reject => "the proposal is not measured, and its pixel is excluded".to_owned(),
        Command::Pause => "pauses after this point, with the beam blanked".to_owned(),
        Command::Resume => "goes on".to_owned(),
        Command::Note(_) => "it is on record".to_owned(),
        Command::Stop => "ends after this point; `beacon resume` goes on from there".to_owned(),
    }
}

/// What to add where seeds that are still to come are excluded.
fn seeds_there(command: &Command, state: &State) -> String {
    let seeds = state.seeds_within(command.excluded());
    seeds.map_or_else(String::new, |seeds| format!("; {seeds}"))
}
