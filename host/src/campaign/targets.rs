//! What is sought: one response, or several that share one model.

use std::fmt;
use std::ops::Deref;
use std::str::FromStr;

use beacon_kernel::MOST_RESPONSES;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::scalarizer::{ComponentsTarget, Scalarizer, ScalarizerError};

/// What is wrong with targets.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum TargetsError {
    /// A target that is no scalarizer.
    #[error(transparent)]
    Scalarizer(#[from] ScalarizerError),
    /// The same target more than once.
    #[error("`{target}` is a target twice; expected each target once")]
    Twice {
        /// The target.
        target: String,
    },
    /// Components that are learnt as different ones.
    #[error(
        "`{first}` and `{other}` cannot be sought together; expected components of one kind, as in spectrum:3"
    )]
    Components {
        /// What is sought first.
        first: ComponentsTarget,
        /// The other.
        other: ComponentsTarget,
    },
    /// More targets than a campaign has room for.
    #[error("{found} targets, `{targets}`; expected at most {most} {place}")]
    TooMany {
        /// Their number.
        found: usize,
        /// The targets.
        targets: String,
        /// Most that are accepted.
        most: usize,
        /// Where no more are held.
        place: &'static str,
    },
}

/// Scalarizers that are sought, in their order; the first is what figures call the target. None where nobody
/// has named any.
///
/// Written with commas, as in `line:Au-Ma,line:Pd-La`. A part that begins with no letter belongs to the one
/// before it, as in `eels:530..570,450..520`. `spectrum:N` stands for the first N components of the spectra
/// measured so far, which are N targets: see [`ComponentsTarget`].
///
/// ```
/// use beacon_host::campaign::Targets;
///
/// let targets: Targets = "line:Au-Ma,eels:530..570,450..520".parse().unwrap();
/// assert_eq!(targets.len(), 2);
/// assert!("sum,sum".parse::<Targets>().is_err());
/// let components: Targets = "spectrum:2".parse().unwrap();
/// assert_eq!(components[1].to_string(), "component:2/2");
/// assert_eq!(components.to_string(), "spectrum:2");
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Targets(Vec<Scalarizer>);

impl Targets {
    /// These targets.
    ///
    /// # Errors
    /// [`TargetsError::Twice`], [`TargetsError::Components`] where they would be learnt as different ones, and
    /// [`TargetsError::TooMany`] for more than any kernel holds.
    pub fn new(targets: Vec<Scalarizer>) -> Result<Self, TargetsError> {
        for (n, target) in targets.iter().enumerate() {
            if targets[..n].contains(target) {
                let target = target.to_string();
                return Err(TargetsError::Twice { target });
            }
        }
        let mut components = targets.iter().filter_map(components_of);
        if let Some(first) = components.next()
            && let Some(other) = components.find(|other| *other != first)
        {
            return Err(TargetsError::Components { first, other });
        }
        let targets = Self(targets);
        targets.within(MOST_RESPONSES, "in a campaign")?;
        Ok(targets)
    }

    /// Checks that there are no more than `most`.
    ///
    /// # Errors
    /// [`TargetsError::TooMany`].
    pub(crate) fn within(&self, most: usize, place: &'static str) -> Result<(), TargetsError> {
        if self.len() <= most {
            return Ok(());
        }
        Err(TargetsError::TooMany {
            found: self.len(),
            targets: self.to_string(),
            most,
            place,
        })
    }
}

/// What components are sought with a scalarizer, where it is one of them.
pub(crate) fn components_of(target: &Scalarizer) -> Option<ComponentsTarget> {
    match target {
        Scalarizer::Component(component) => Some(component.of()),
        _ => None,
    }
}

/// How targets are written: all components of spectra, in their order, as what was asked for.
pub(crate) fn written<'t>(targets: impl IntoIterator<Item = &'t Scalarizer>) -> Vec<String> {
    let targets: Vec<_> = targets.into_iter().collect();
    let mut written = Vec::with_capacity(targets.len());
    let mut rest = &targets[..];
    while let Some((first, others)) = rest.split_first() {
        let whole = components_of(first).filter(|of| {
            let mut all = of.components().map(Scalarizer::Component).zip(rest);
            rest.len() >= of.count() && all.all(|(component, found)| component == **found)
        });
        if let Some(of) = whole {
            written.push(of.to_string());
            rest = &rest[of.count()..];
        } else {
            written.push(first.to_string());
            rest = others;
        }
    }
    written
}

/// Reads one target, or all components of spectra.
fn read(text: &str) -> Result<Vec<Scalarizer>, ScalarizerError> {
    let text = text.trim();
    if text.starts_with("spectrum") {
        let components: ComponentsTarget = text.parse()?;
        if components.count() > MOST_RESPONSES {
            return Err(ScalarizerError::Components(text.to_owned()));
        }
        return Ok(components.components().map(Scalarizer::Component).collect());
    }
    Ok(vec![text.parse()?])
}

impl Deref for Targets {
    type Target = [Scalarizer];

    fn deref(&self) -> &[Scalarizer] {
        &self.0
    }
}

impl From<Scalarizer> for Targets {
    fn from(target: Scalarizer) -> Self {
        Self(vec![target])
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&written(&self.0).join(","))
    }
}

impl FromStr for Targets {
    type Err = TargetsError;

    fn from_str(text: &str) -> Result<Self, TargetsError> {
        let parts: Result<Vec<_>, _> = parts(text).iter().map(|of| read(of)).collect();
        Self::new(parts?.concat())
    }
}

/// The texts between commas, those that begin with no letter left with the one before.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for part in text.split(',') {
        let begins = part.trim_start().starts_with(|c: char| c.is_alphabetic());
        match parts.last_mut() {
            Some(before) if !begins => {
                before.push(',');
                before.push_str(part);
            }
            _ => parts.push(part.to_owned()),
        }
    }
    parts
}

/// One as text, as before there were several; several as a list.
impl Serialize for Targets {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &written(&self.0)[..] {
            [target] => target.serialize(to),
            targets => targets.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Targets {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            One(String),
            Several(Vec<String>),
        }
        let texts = match Written::deserialize(from)? {
            Written::One(text) => return text.parse().map_err(serde::de::Error::custom),
            Written::Several(texts) => texts,
        };
        let targets: Result<Vec<_>, _> = texts.iter().map(|text| read(text)).collect();
        let targets = targets.map_err(serde::de::Error::custom)?;
        Self::new(targets.concat()).map_err(serde::de::Error::custom)
    }
}

/// Serialises one as it is, as before there could be several, and several as a list.
#[cfg(feature = "cli")]
pub(crate) fn one_or_several<T: Serialize, S: Serializer>(
    all: &[T],
    to: S,
) -> Result<S::Ok, S::Error> {
    match all {
        [one] => one.serialize(to),
        several => several.serialize(to),
    }
}

/// `--target`, as often as there are targets, or with commas; `--targets` is the same.
#[cfg(feature = "cli")]
mod arguments {
    use clap::error::ErrorKind;
    use clap::{Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches};

    use super::{MOST_RESPONSES, Targets};

    impl FromArgMatches for Targets {
        fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
            let mut targets = Self::default();
            targets.update_from_arg_matches(matches)?;
            Ok(targets)
        }

        fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
            let Some(given) = matches.get_many::<Self>("target") else {
                return Ok(());
            };
            let all = given.flat_map(|targets| targets.iter().cloned()).collect();
            *self = Self::new(all)
                .map_err(|error| Error::raw(ErrorKind::ValueValidation, format!("{error}\n")))?;
            Ok(())
        }
    }

    impl Args for Targets {
        fn augment_args(command: Command) -> Command {
            let help = format!(
                "The number that is sought; several times, or with commas, for up to {MOST_RESPONSES} that are \
                 sought together. The first is what figures call the target."
            );
            let target = Arg::new("target")
                .long("target")
                .visible_alias("targets")
                .value_name("HOW")
                .action(ArgAction::Append)
                .value_parser(|text: &str| text.parse::<Targets>())
                .help(help);
            command.arg(target)
        }

        fn augment_args_for_update(command: Command) -> Command {
            Self::augment_args(command)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Result<Targets, String> {
        text.parse::<Targets>().map_err(|error| error.to_string())
    }

    #[test]
    fn targets_are_read_back_as_they_are_written() {
        #[derive(Serialize, Deserialize)]
        struct Settings {
            target: Targets,
        }
        for (text, count) in [
            ("sum", 1),
            ("eels:530..570,450..520", 1),
            ("line:Pd-La,sum", 2),
            ("spectrum:3", 3),
            ("spectrum:1", 1),
            ("component:2/3", 1),
            ("sum,spectrum:2@zero-peak,loop-area", 4),
            ("component:2/2,component:1/2", 2),
            ("sum,eels:530..570,450..520,window:1..2,loop-area", 4),
        ] {
            let read = targets(text).unwrap();
            assert_eq!((read.len(), read.to_string()), (count, text.to_owned()));
            let written = toml::to_string(&Settings {
                target: read.clone(),
            })
            .unwrap();
            let several = text.contains(',') && !text.starts_with("eels:530..570,450..520");
            assert_eq!(written.contains('['), several, "{written}");
            assert_eq!(toml::from_str::<Settings>(&written).unwrap().target, read);
        }
    }

    #[test]
    fn what_cannot_be_sought_together_is_named() {
        for (text, told) in [
            ("sum,line:Pd-La,sum", "`sum` is a target twice"),
            ("sum,peak", "unknown scalarizer `peak`"),
            ("", "unknown scalarizer ``"),
            (
                "spectrum:3,component:2/3",
                "`component:2/3` is a target twice",
            ),
            (
                "spectrum:2,component:1/3",
                "`spectrum:2` and `spectrum:3` cannot be sought together; expected components of one kind",
            ),
            ("spectrum:5", "spectrum:N with N from 1 to 4"),
            ("spectrum:0", "spectrum:N with N from 1 to 4"),
            ("component:3/2", "`component:3/2` names no components"),
            (
                "sum,window:1..2,window:2..3,window:3..4,window:4..5",
                "5 targets, `sum,window:1..2,window:2..3,window:3..4,window:4..5`; expected at most 4",
            ),
        ] {
            let why = targets(text).unwrap_err();
            assert!(why.contains(told), "{text}: {why}");
        }
    }
}
