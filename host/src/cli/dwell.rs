//! A dwell that may be meant in another unit.

use clap::ArgMatches;
use clap::parser::ValueSource;

use crate::microscope::MicroscopeChoice;
use crate::units::sure_of_seconds;

/// Times longer than an instrument's own that a bare number may make it.
const FAR: f64 = 10.0;
/// Longest dwell that a bare number may be where the instrument has none of its own, in s.
const LONG: f64 = 60.0;

/// Why a dwell on the command line is refused: a bare number that may be meant in ms. Its dose cannot be
/// taken back.
pub(super) fn unsure_dwell(matches: &ArgMatches) -> Option<String> {
    let (name, mut matches) = matches.subcommand()?;
    match name {
        "run" => {}
        "instrument" => matches = matches.subcommand_matches("acquire")?,
        _ => return None,
    }
    if matches.value_source("dwell") != Some(ValueSource::CommandLine) {
        return None;
    }
    let text = matches.get_raw("dwell")?.next()?.to_str()?;
    let seconds = *matches.get_one::<f64>("dwell")?;
    let own = match matches.get_one("microscope")? {
        MicroscopeChoice::Specimen(choice) => choice.config().make().ok(),
        _ => None,
    };
    let (most, than) = match own.map(|specimen| specimen.live_seconds()) {
        Some(own) => (FAR * own, format!("{FAR} times the specimen's {own} s")),
        None => (LONG, "a minute".to_owned()),
    };
    sure_of_seconds("--dwell", text, seconds, (most, &than)).err()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::command;

    #[test]
    fn a_bare_dwell_that_is_far_longer_than_spectra_take_is_refused() {
        let said = |words: &str| {
            let words = ["beacon"].into_iter().chain(words.split(' '));
            unsure_dwell(&command().try_get_matches_from(words).unwrap())
        };
        let run = |microscope, dwell| {
            said(&format!(
                "run --budget 40 --microscope {microscope} --dwell {dwell}"
            ))
        };
        let acquire = |microscope, dwell| {
            said(&format!(
                "instrument acquire 0.5,0.5 --microscope {microscope} --dwell {dwell}"
            ))
        };
        let why = "--dwell is 500, which is in seconds and more than 10 times the specimen's 2 s; expected it \
                   with its unit, as in 500ms or 500s";
        assert_eq!(run("specimen", "500").as_deref(), Some(why));
        assert_eq!(acquire("specimen", "500").as_deref(), Some(why));
        let bridge = "bridge:localhost:9000";
        let why = "--dwell is 61, which is in seconds and more than a minute; expected it with its unit, as in \
                   61ms or 61s";
        assert_eq!(run(bridge, "61").as_deref(), Some(why));
        assert_eq!(acquire(bridge, "61").as_deref(), Some(why));
        for (microscope, dwell) in [
            ("specimen", "500s"),
            ("specimen", "500ms"),
            ("specimen", "5"),
            (bridge, "60"),
            (bridge, "2m"),
        ] {
            assert_eq!(run(microscope, dwell), None, "{dwell}");
            assert_eq!(acquire(microscope, dwell), None, "{dwell}");
        }
        assert_eq!(said("run --budget 40 --microscope specimen"), None);
        assert_eq!(said("ctl DIR status"), None);
    }
}
