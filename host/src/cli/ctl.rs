//! `beacon ctl`: a word to a campaign that runs, and its status for people.

use std::fmt::Write as _;
use std::path::PathBuf;

use clap::Args;

use super::{Failure, OrFail as _, print};
use crate::campaign::{Otherwise, TimeOut, WORDS};
use crate::control::{ControlError, Status, status_by_journal, tell};
use crate::journal::now_ms;

/// Arguments of `beacon ctl`.
#[derive(Clone, Debug, Args)]
pub(super) struct CtlArgs {
    /// Folder of the campaign: one that runs, or, of `status`, one that is over.
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// What to tell it.
    #[arg(value_name = "WHAT", required = true, help = format!("What to tell it: {WORDS}. Budgets go up to twice that of the beginning or of the last resume"))]
    words: Vec<String>,
    /// Who says so, for the journal; without this, the user's name.
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Print the status as JSON, with everything that programs may need.
    #[arg(long)]
    json: bool,
}

/// The name of the user, as far as the system tells.
pub(super) fn user() -> String {
    let names = ["USER", "LOGNAME", "USERNAME"];
    names
        .iter()
        .find_map(|name| std::env::var(name).ok())
        .unwrap_or_default()
}

/// Runs `beacon ctl`.
pub(super) fn run(args: &CtlArgs) -> Result<(), Failure> {
    let name = args.name.clone().unwrap_or_else(user);
    let said = match tell(&args.folder, &args.words, &name) {
        // Its journal says how it ended.
        Err(ControlError::NotRunning { folder })
            if args.words == ["status"] && folder.join("journal").is_file() =>
        {
            let status = status_by_journal(&folder).or_input()?;
            serde_json::to_value(status).or_running()?
        }
        said => said.or_input()?,
    };
    if let Some(text) = said.as_str() {
        return print(&format!("{text}\n"));
    }
    if args.json {
        let text = serde_json::to_string_pretty(&said);
        return print(&(text.or_running()? + "\n"));
    }
    let status: Status = serde_json::from_value(said).or_running()?;
    print(&described(&status))
}

/// What was measured of further targets at the last point.
pub(super) fn further(status: &Status) -> String {
    let known = status.further.iter();
    let known = known.filter_map(|(target, value)| Some((target, (*value)?)));
    let said = known.map(|(target, value)| format!("; {target} {}", figures(value)));
    said.collect::<Vec<_>>().concat()
}

/// A status for people: a line for each thing, and none for what is as usual.
fn described(status: &Status) -> String {
    let place = |(row, column): (usize, usize)| format!("row {row}, column {column}");
    let places = |places: &[(usize, usize)]| {
        let places: Vec<_> = places
            .iter()
            .map(|(row, column)| format!("{row},{column}"))
            .collect();
        places.join(" ")
    };
    let mut text = String::new();
    let mut line = |name: &str, said: &str| {
        if !said.is_empty() {
            // A string takes any text.
            let _ = writeln!(text, "{name:<10} {said}");
        }
    };
    line("state", &status.state);
    line("points", &points(status));
    let coverage = status.coverage.map(figures);
    line("coverage", &coverage.unwrap_or_default());
    if let (Some(last), Some(response)) = (status.last, status.response) {
        let expected = before(status.expected);
        line(
            "last",
            &format!(
                "{}: {}{expected}{}",
                place(last),
                figures(response),
                further(status)
            ),
        );
    }
    if let Some(proposal) = status.proposal {
        let predicted = before(status.predicted);
        line("proposal", &format!("{}{predicted}", place(proposal)));
    }
    line("strategy", &status.strategy);
    line("target", status.targets.as_ref().unwrap_or(&status.target));
    let approval = match (status.approval, status.time_out) {
        (false, _) => String::new(),
        (true, None) => ", every proposal waits for a person".to_owned(),
        (true, Some(TimeOut { seconds, then })) => {
            let then = match then {
                Otherwise::Go => "is measured then",
                Otherwise::Pause => "pauses the campaign then",
            };
            format!(
                ", every proposal waits {} for a person and {then}",
                duration(seconds)
            )
        }
    };
    line("dwell", &format!("{} s{approval}", status.dwell_seconds));
    for command in &status.commands {
        line("waits", command);
    }
    line("dose", &dose(status));
    line("on a pixel", &worst_pixel(status).unwrap_or_default());
    line("drift", &drift(status).unwrap_or_default());
    match status.blanked {
        Some(true) => line("beam", "blanked"),
        Some(false) => line("beam", "COULD NOT BE BLANKED: look after it"),
        None => {}
    }
    let running = if status.go_on.is_some() {
        "ran"
    } else {
        "running"
    };
    line(running, &duration(status.elapsed_seconds));
    line("left", &left(status).unwrap_or_default());
    let age = age(status, now_ms());
    line(
        "last event",
        &age.map_or_else(String::new, |age| format!("{age} ago")),
    );
    line("wanted", &places(&status.waiting));
    line("excluded", &status.excluded.join(" "));
    line("discarded", &places(&status.discarded));
    if let Some(why) = &status.last_failure {
        line("failures", &format!("{}, the last: {why}", status.failures));
    }
    line("to go on", status.go_on.as_deref().unwrap_or_default());
    text
}

/// Points and budget, with those to start from said apart.
pub(super) fn points(status: &Status) -> String {
    let Status {
        points,
        budget,
        seeds,
        ..
    } = status;
    format!("{points} of {budget}, {seeds} to start from")
}

/// How long the rest takes, and what limits that.
pub(super) fn left(status: &Status) -> Option<String> {
    let left = format!("about {}", duration(status.left_seconds?));
    let limit = status.time_limit_seconds.map(|limit| {
        let until = (limit - status.elapsed_seconds).max(0.0);
        format!(", {} of the time limit", duration(until))
    });
    Some(left + &limit.unwrap_or_default())
}

/// How long ago the last event was.
pub(super) fn age(status: &Status, now_ms: u64) -> Option<String> {
    let at = status.last_event_ms?;
    Some(duration(1e-3 * now_ms.saturating_sub(at) as f64))
}

/// The dose on the pixel that has taken most, and how much of its limit that is; `None` where the size of a
/// pixel is not known, or nothing was spent.
pub(super) fn worst_pixel(status: &Status) -> Option<String> {
    let worst = status.worst_pixel_e_per_a2.filter(|worst| *worst > 0.0)?;
    let share = status
        .pixel_limit_e_per_a2
        .map_or_else(String::new, |limit| {
            format!(", {:.0} % of its limit", 100.0 * worst / limit)
        });
    Some(format!("{worst:.1e} e⁻/Å²{share} at most"))
}

/// What was predicted, behind what it was predicted of.
pub(super) fn before(predicted: Option<(f64, f64)>) -> String {
    predicted.map_or_else(String::new, |(mean, sigma)| {
        format!(", predicted {} ± {}", figures(mean), figures(sigma))
    })
}

/// The dose, and how much of the limit that is.
pub(super) fn dose(status: &Status) -> String {
    let limit = status.dose_limit_electrons;
    let share = limit.map_or_else(String::new, |limit| {
        format!(
            ", {:.0} % of the limit",
            100.0 * status.dose_electrons / limit
        )
    });
    format!("{:.1e} e⁻{share}", status.dose_electrons)
}

/// How far the sample has moved; `None` where it has not.
pub(super) fn drift(status: &Status) -> Option<String> {
    let (down, right) = status.drift;
    (status.drift != (0.0, 0.0)).then(|| format!("{down:.2} px down, {right:.2} px to the right"))
}

/// A number with four figures.
pub(super) fn figures(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{value:.3e}");
    }
    let places = 3 - size.max(1e-3).log10().floor() as i32;
    format!("{value:.*}", places.max(0) as usize)
}

/// A time in units that fit it.
pub(super) fn duration(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_told_in_units_that_fit() {
        let status = Status {
            state: "measuring".to_owned(),
            points: 23,
            budget: 110,
            seeds: 10,
            coverage: Some(0.4125),
            last: Some((12, 40)),
            response: Some(2310.5),
            strategy: "ei".to_owned(),
            target: "sum".to_owned(),
            dwell_seconds: 0.5,
            dose_electrons: 2.6e8,
            dose_limit_electrons: Some(1.25e9),
            worst_pixel_e_per_a2: Some(1.2e4),
            pixel_limit_e_per_a2: Some(5e4),
            elapsed_seconds: 3725.0,
            time_limit_seconds: Some(10_925.0),
            left_seconds: Some(600.0),
            last_event_ms: Some(now_ms()),
            blanked: Some(false),
            discarded: vec![(3, 4), (5, 6)],
            commands: vec!["pause (Ada)".to_owned(), "note tip replaced".to_owned()],
            ..Status::default()
        };
        let said = described(&status);
        // How long ago the last event was depends on how busy the machine is.
        let (said, age) = said.split_once("last event ").unwrap();
        let (age, rest) = age.split_once('\n').unwrap();
        assert!(age.ends_with(" s ago"), "{age}");
        assert_eq!(
            format!("{said}{rest}"),
            "state      measuring\n\
             points     23 of 110, 10 to start from\n\
             coverage   0.4125\n\
             last       row 12, column 40: 2310\n\
             strategy   ei\n\
             target     sum\n\
             dwell      0.5 s\n\
             waits      pause (Ada)\n\
             waits      note tip replaced\n\
             dose       2.6e8 e⁻, 21 % of the limit\n\
             on a pixel 1.2e4 e⁻/Å², 24 % of its limit at most\n\
             beam       COULD NOT BE BLANKED: look after it\n\
             running    1 h 2 min\n\
             left       about 10 min 0 s, 2 h 0 min of the time limit\n\
             discarded  3,4 5,6\n"
        );
        assert_eq!(duration(65.0), "1 min 5 s");
        let several = Status {
            targets: Some("sum,line:Pd-La".to_owned()),
            further: vec![("line:Pd-La".to_owned(), Some(31.5))],
            ..status
        };
        let said = described(&several);
        for line in [
            "target     sum,line:Pd-La\n",
            "column 40: 2310; line:Pd-La 31.50\n",
        ] {
            assert!(said.contains(line), "{said}");
        }
    }
}
