//! Strategies of others in a comparison: `--order` and `--external`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use beacon_kernel::Candidates;

use super::{Failure, OrFail as _};
use crate::study::Other;
use crate::units::read::seconds;

/// What stands for the number of a seed in the name of a file.
const SEED: &str = "{seed}";

/// Reads `NAME=FILE`.
pub(super) fn parse_named(text: &str) -> Result<(String, String), String> {
    let named = text.split_once('=');
    let named = named.filter(|(name, file)| !name.is_empty() && !file.is_empty());
    let (name, file) = named.ok_or("expected NAME=FILE, as in mine=order.csv")?;
    Ok((name.to_owned(), file.to_owned()))
}

/// Reads how long a program may take for an answer.
pub(super) fn patience(text: &str) -> Result<Duration, String> {
    let time = Duration::try_from_secs_f64(seconds(text)?).ok();
    let time = time.filter(|time| !time.is_zero());
    time.ok_or_else(|| "expected a time above 0, as in 10m".to_owned())
}

/// The name and the command of a program: what stands before the first `=`, where that is a name; else the
/// name of the file that the command mentions, as `mine` in `python mine.py`, or its first word.
fn external(text: &str) -> (String, String) {
    let is_name = |name: &str| {
        let letter = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        !name.is_empty() && name.chars().all(letter)
    };
    if let Some((name, command)) = text.split_once('=')
        && is_name(name)
    {
        return (name.to_owned(), command.to_owned());
    }
    let mut words = text.split_whitespace().map(Path::new);
    let is_file = |word: &Path| {
        let extension = word.extension().and_then(|extension| extension.to_str());
        extension.is_some_and(|extension| extension.starts_with(char::is_alphabetic))
    };
    let first = words.clone().next();
    let word = words.find(|word| is_file(word)).or(first);
    let name = word.and_then(|word| word.file_stem()?.to_str());
    let name = name.filter(|name| is_name(name)).unwrap_or("external");
    (name.to_owned(), text.to_owned())
}

/// The strategies of others that were asked for.
pub(super) fn of(
    orders: &[(String, String)],
    externals: &[String],
    seeds: u64,
    candidates: Candidates,
) -> Result<BTreeMap<String, Other>, Failure> {
    let mut files: BTreeMap<&str, Vec<PathBuf>> = BTreeMap::new();
    for (name, file) in orders {
        let files = files.entry(name).or_default();
        if file.contains(SEED) {
            files.extend((1..=seeds).map(|seed| file.replace(SEED, &seed.to_string()).into()));
        } else {
            files.push(file.into());
        }
    }
    let mut others = BTreeMap::new();
    for (name, files) in files {
        let orders = Other::read(&files, candidates).or_input()?;
        others.insert(name.to_owned(), orders);
    }
    for text in externals {
        let (name, command) = external(text);
        if others.contains_key(&name) {
            return Err(Failure::Input(format!(
                "`{name}` is named twice among --order and --external; name each once, as in \
                 --external mine={command}"
            )));
        }
        others.insert(name, Other::External(command));
    }
    Ok(others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_has_the_name_it_is_given_or_that_of_its_file() {
        for (text, name, command) in [
            ("python mine.py", "mine", "python mine.py"),
            (
                "python3 -u code/mine.py --k 0.3",
                "mine",
                "python3 -u code/mine.py --k 0.3",
            ),
            ("ours=python mine.py --x=2", "ours", "python mine.py --x=2"),
            ("./run --x=2", "run", "./run --x=2"),
        ] {
            assert_eq!(external(text), (name.to_owned(), command.to_owned()));
        }
        assert!(parse_named("order.csv").is_err() && parse_named("=order.csv").is_err());
    }
}
