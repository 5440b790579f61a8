//! How often a campaign trains.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::train::SurrogateKind;

/// Points up to which `auto` trains after each, and most points that one of its fits takes.
pub(crate) const FEW: usize = 500;
/// With more, a model is fitted when there are a twentieth more points than at the last fit.
const REFIT: usize = 20;

/// When a campaign trains.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Retraining {
    /// After each point up to 500, then when there are a twentieth more, on 500 of them that are spread over
    /// their order: what a point costs does not grow with the cube of the points.
    #[default]
    Auto,
    /// Whenever so many more points are measured, on all of them.
    Every(usize),
}

impl Retraining {
    /// What a person writes for [`Retraining::Auto`].
    const AUTO: &'static str = "auto";

    /// Whether the trainer has a say after so many steps.
    pub(crate) fn is_due(self, steps: usize) -> bool {
        match self {
            Self::Auto => true,
            Self::Every(points) => steps.is_multiple_of(points),
        }
    }

    /// Most points that a fit takes; `None` for all.
    pub(crate) fn most(self) -> Option<usize> {
        (self == Self::Auto).then_some(FEW)
    }

    /// Whether a surrogate is fitted to so many points that was fitted last to `fitted`. The filters' trainer
    /// has a schedule of its own.
    pub(crate) fn fits(self, surrogate: SurrogateKind, fitted: usize, points: usize) -> bool {
        let by_growth = self == Self::Auto && surrogate != SurrogateKind::Filters;
        !by_growth || points <= FEW || points < fitted || points >= fitted + fitted / REFIT
    }

    /// The number of points, where a person said one.
    pub(crate) fn points(self) -> Option<usize> {
        match self {
            Self::Auto => None,
            Self::Every(points) => Some(points),
        }
    }
}

impl From<usize> for Retraining {
    fn from(points: usize) -> Self {
        Self::Every(points)
    }
}

impl fmt::Display for Retraining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str(Self::AUTO),
            Self::Every(points) => points.fmt(f),
        }
    }
}

impl FromStr for Retraining {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == Self::AUTO {
            return Ok(Self::Auto);
        }
        let points = text.parse().map(Self::Every);
        points.map_err(|_| format!("expected {}, or 1 or more points", Self::AUTO))
    }
}

/// A number stays one in files, as it was before there was [`Retraining::Auto`].
impl Serialize for Retraining {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Auto => to.serialize_str(Self::AUTO),
            Self::Every(points) => to.serialize_u64(*points as u64),
        }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "expected auto, or 1 or more points")]
enum Written {
    Points(usize),
    Word(String),
}

impl<'de> Deserialize<'de> for Retraining {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Written::deserialize(from)? {
            Written::Points(points) => Ok(Self::Every(points)),
            Written::Word(word) => word.parse().map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_is_fitted_at_each_point_while_few_and_then_by_growth() {
        let fits = |how: Retraining, surrogate| {
            let mut fitted = 0;
            let due = |&points: &usize| {
                let due = how.fits(surrogate, fitted, points);
                fitted = if due { points } else { fitted };
                due
            };
            (1..=1100).filter(due).collect::<Vec<_>>()
        };
        let by_growth = fits(Retraining::Auto, SurrogateKind::Network);
        let later = [
            525, 551, 578, 606, 636, 667, 700, 735, 771, 809, 849, 891, 935, 981, 1030, 1081,
        ];
        let expected: Vec<usize> = (1..=500).chain(later).collect();
        assert_eq!(by_growth, expected);
        let each: Vec<usize> = (1..=1100).collect();
        assert_eq!(fits(Retraining::Auto, SurrogateKind::Filters), each);
        assert_eq!(fits(Retraining::Every(1), SurrogateKind::Network), each);
    }

    #[test]
    fn it_is_a_word_or_a_number_in_arguments_and_files() {
        #[derive(PartialEq, Debug, Serialize, Deserialize)]
        struct File {
            retrain_every: Retraining,
        }
        for (said, written, retrain_every) in [
            ("auto", "retrain_every = \"auto\"\n", Retraining::Auto),
            ("20", "retrain_every = 20\n", Retraining::Every(20)),
        ] {
            assert_eq!(said.parse::<Retraining>(), Ok(retrain_every));
            assert_eq!(retrain_every.to_string(), said);
            let file = File { retrain_every };
            assert_eq!(toml::to_string(&file).unwrap(), written);
            assert_eq!(toml::from_str::<File>(written).unwrap(), file);
        }
        let refused = "often".parse::<Retraining>().unwrap_err();
        assert_eq!(refused, "expected auto, or 1 or more points");
    }
}
