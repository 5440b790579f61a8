//! What happened in a campaign, as the tables of its report.

use super::History;
use crate::page::Table;

/// The tables, those without rows left out.
pub(super) fn tables(history: &History) -> Vec<Table> {
    let tables = [
        legs(history),
        phases(history),
        commands(history),
        failures(history),
        regions(history),
    ];
    let tables = tables.into_iter().filter(|table| !table.rows.is_empty());
    tables.collect()
}

fn table(caption: &str, header: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table {
        caption: caption.to_owned(),
        header: header.iter().map(|&name| name.to_owned()).collect(),
        rows,
    }
}

fn legs(history: &History) -> Table {
    let rows = (1..).zip(&history.legs).map(|(number, leg)| {
        let ended = leg.ended.as_deref();
        vec![
            number.to_string(),
            moment(leg.began_ms),
            moment(leg.ended_ms),
            lasted(leg.seconds),
            span(leg.from_point + 1, leg.to_point),
            ended.unwrap_or("broken off").to_owned(),
            leg.version.clone(),
        ]
    });
    let mut rows: Vec<_> = rows.collect();
    if rows.len() > 1 {
        let points = history.legs.last().map_or(0, |leg| leg.to_point);
        let mut all = vec![String::new(); 7];
        "in all".clone_into(&mut all[0]);
        all[3] = lasted(history.seconds());
        all[4] = points.to_string();
        rows.push(all);
    }
    table(
        "The times that a program ran the campaign, in UTC; points count from 1, initial ones included.",
        &["leg", "from", "to", "ran for", "points", "ended", "program"],
        rows,
    )
}

fn phases(history: &History) -> Table {
    let rows = history.phases.iter().map(|phase| {
        vec![
            phase.strategy.clone(),
            phase.targets(),
            format!("{} s", phase.dwell_seconds),
            span(phase.from_point, phase.to_point),
            span(phase.from_step, phase.to_step),
        ]
    });
    table(
        "Strategy and target in force. Step 0 stands for the points before the strategy had a say.",
        &["strategy", "target", "dwell", "points", "steps"],
        rows.collect(),
    )
}

fn commands(history: &History) -> Table {
    let rows = (1..).zip(&history.commands).map(|(number, taken)| {
        let (from, until) = (taken.after_step, taken.until_step);
        let held = match (&taken.refused, until) {
            (Some(why), _) => format!("refused: {why}"),
            (None, Some(until)) if until == from => format!("after step {from}"),
            (None, Some(until)) => format!("steps {} to {until}", from + 1),
            (None, None) => format!("from step {} on", from + 1),
        };
        let by = if taken.by.is_empty() {
            "somebody"
        } else {
            &taken.by
        };
        vec![
            number.to_string(),
            taken.command.clone(),
            held,
            by.to_owned(),
            moment(taken.at_ms),
        ]
    });
    table(
        "Commands, in the order they were taken.",
        &["number", "command", "held", "by", "given, UTC"],
        rows.collect(),
    )
}

fn failures(history: &History) -> Table {
    let rows = history.failures.iter().map(|failure| {
        let pixel = failure.pixel;
        let pixel = pixel.map_or_else(String::new, |(row, column)| format!("{row},{column}"));
        vec![
            failure.kind.words().to_owned(),
            format!("after point {}", failure.after_point),
            pixel,
            failure.why.clone(),
            moment(failure.at_ms),
        ]
    });
    table(
        "What failed.",
        &["what", "when", "row,column", "why", "UTC"],
        rows.collect(),
    )
}

fn regions(history: &History) -> Table {
    let places = |places: &[(usize, usize)]| {
        let places = places.iter().map(|(row, column)| format!("{row},{column}"));
        places.collect::<Vec<_>>().join(" ")
    };
    let regions = history.excluded.iter().map(ToString::to_string);
    let rows = [
        (
            "excluded, rows and columns",
            regions.collect::<Vec<_>>().join(" "),
        ),
        ("discarded, row and column", places(&history.discarded)),
        ("chosen by people", places(&history.by_people)),
    ];
    let rows = rows.into_iter().filter(|(_, places)| !places.is_empty());
    let rows = rows.map(|(name, places)| vec![name.to_owned(), places]);
    table(
        "What people excluded, discarded and chose, at the end of the campaign.",
        &[],
        rows.collect(),
    )
}

/// `3 to 8`, one number where both are equal, nothing where there is none.
fn span(from: usize, to: usize) -> String {
    match from.cmp(&to) {
        std::cmp::Ordering::Less => format!("{from} to {to}"),
        std::cmp::Ordering::Equal => from.to_string(),
        std::cmp::Ordering::Greater => "none".to_owned(),
    }
}

fn lasted(seconds: f64) -> String {
    let whole = seconds as u64;
    match whole {
        0..60 => format!("{seconds:.1} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A moment in UTC, from milliseconds since the beginning of 1970.
fn moment(at_ms: u64) -> String {
    let seconds = at_ms / 1000;
    let (year, month, day) = date(seconds / 86_400);
    let time = seconds % 86_400;
    let (hour, minute, second) = (time / 3600, time % 3600 / 60, time % 60);
    format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day of the Gregorian calendar, so many days after the beginning of 1970. Months
/// count from March, so that the day that a leap year adds is the last of its year.
fn date(days: u64) -> (u64, u64, u64) {
    // From the first of March of the year 0; 400 years have 146 097 days.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year + 400 * era + u64::from(month <= 2);
    (year, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `date -u -d @SECONDS` of GNU coreutils.
    #[test]
    fn moments_are_those_of_the_calendar() {
        for (seconds, text) in [
            (0, "1970-01-01 00:00:00"),
            (951_782_399, "2000-02-28 23:59:59"),
            (951_868_799, "2000-02-29 23:59:59"),
            (951_868_800, "2000-03-01 00:00:00"),
            (1_798_761_599, "2026-12-31 23:59:59"),
            (4_107_542_400, "2100-03-01 00:00:00"),
        ] {
            assert_eq!(moment(1000 * seconds), text);
        }
    }

    #[test]
    fn a_campaign_without_events_has_no_tables() {
        assert!(tables(&History::default()).is_empty());
    }
}
