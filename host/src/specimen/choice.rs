//! Which specimen: its name, its seed, or all that defines it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{
    Ferroelectric, FerroelectricConfig, Nanoparticles, NanoparticlesConfig, Plasmonic,
    PlasmonicConfig, Specimen, SpecimenError,
};

/// The kinds of specimen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SpecimenKind {
    /// `nanoparticles`: a mixture of species, one of them rare, with EDS spectra.
    #[default]
    Nanoparticles,
    /// `ferroelectric`: domains with rare junctions of their walls, with hysteresis loops.
    Ferroelectric,
    /// `plasmonic`: one and two layers of nanocrystals with rare rods, with energy losses.
    Plasmonic,
}

impl SpecimenKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Nanoparticles, Self::Ferroelectric, Self::Plasmonic];

    /// The name users type and read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Nanoparticles => "nanoparticles",
            Self::Ferroelectric => "ferroelectric",
            Self::Plasmonic => "plasmonic",
        }
    }

    /// The response that is sought, as a scalarizer is written.
    pub const fn target(self) -> &'static str {
        match self {
            // The rare species is rich in palladium.
            Self::Nanoparticles => "line:Pd-La",
            Self::Ferroelectric => "loop-height",
            // Where rods resonate along their axis; single nanocrystals do so from 0.5 eV on.
            Self::Plasmonic => "window:0.26..0.38",
        }
    }

    /// Whether a behaviour that no single response shows can be planted in it.
    pub const fn has_joint(self) -> bool {
        match self {
            Self::Nanoparticles | Self::Plasmonic => true,
            Self::Ferroelectric => false,
        }
    }

    /// The default configuration with a seed.
    pub fn config(self, seed: u64) -> SpecimenConfig {
        match self {
            Self::Nanoparticles => SpecimenConfig::Nanoparticles(NanoparticlesConfig {
                seed,
                ..NanoparticlesConfig::default()
            }),
            Self::Ferroelectric => SpecimenConfig::Ferroelectric(FerroelectricConfig {
                seed,
                ..FerroelectricConfig::default()
            }),
            Self::Plasmonic => SpecimenConfig::Plasmonic(PlasmonicConfig {
                seed,
                ..PlasmonicConfig::default()
            }),
        }
    }
}

/// Something that names no specimen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownSpecimen {
    /// No kind.
    #[error("unknown specimen `{0}`; accepted are nanoparticles, ferroelectric and plasmonic")]
    Kind(String),
    /// No kind with or without a seed.
    #[error(
        "unknown specimen `{0}`; accepted are nanoparticles, ferroelectric and plasmonic, and each \
         with a seed, as in plasmonic:3; behind the seed of nanoparticles and plasmonic :joint, as in \
         plasmonic:3:joint, for a rare behaviour that no single response shows"
    )]
    Choice(String),
}

impl FromStr for SpecimenKind {
    type Err = UnknownSpecimen;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let kind = Self::ALL.into_iter().find(|kind| kind.name() == text);
        kind.ok_or_else(|| UnknownSpecimen::Kind(text.to_owned()))
    }
}

impl fmt::Display for SpecimenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A specimen by name and seed, everything else being default: `NAME`, `NAME:SEED`, or
/// `NAME:SEED:joint`, which also holds a rare behaviour that no single response shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SpecimenChoice {
    /// Which kind.
    pub kind: SpecimenKind,
    /// Chooses the sample and all noise.
    pub seed: u64,
    /// Whether it also holds a rare behaviour that no single response shows; for kinds that
    /// [have one](SpecimenKind::has_joint).
    pub joint: bool,
}

impl SpecimenChoice {
    /// The seed where none is given.
    pub const SEED: u64 = 1;

    /// The configuration of the specimen.
    pub fn config(self) -> SpecimenConfig {
        let mut config = self.kind.config(self.seed);
        match &mut config {
            SpecimenConfig::Nanoparticles(config) => config.joint = self.joint,
            SpecimenConfig::Plasmonic(config) => config.joint = self.joint,
            SpecimenConfig::Ferroelectric(_) => {}
        }
        config
    }
}

impl FromStr for SpecimenChoice {
    type Err = UnknownSpecimen;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownSpecimen::Choice(text.to_owned());
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        let (seed, joint) = match rest {
            Some(rest) => match rest.strip_suffix(":joint") {
                Some(seed) => (seed.parse().map_err(|_| unknown())?, true),
                None => (rest.parse().map_err(|_| unknown())?, false),
            },
            None => (Self::SEED, false),
        };
        let kind: SpecimenKind = kind.parse().map_err(|_| unknown())?;
        if joint && !kind.has_joint() {
            return Err(unknown());
        }
        Ok(Self { kind, seed, joint })
    }
}

impl fmt::Display for SpecimenChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let joint = if self.joint { ":joint" } else { "" };
        write!(f, "{}:{}{joint}", self.kind, self.seed)
    }
}

impl Serialize for SpecimenChoice {
    /// As text, in the form that parses back.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Everything that defines a specimen of any kind; in files, `name` says which kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase")]
pub enum SpecimenConfig {
    /// Nanoparticles on a carbon film.
    Nanoparticles(NanoparticlesConfig),
    /// A ferroelectric film.
    Ferroelectric(FerroelectricConfig),
    /// An assembly of plasmonic nanocrystals.
    Plasmonic(PlasmonicConfig),
}

impl SpecimenConfig {
    /// The kind of the specimen.
    pub fn kind(&self) -> SpecimenKind {
        match self {
            Self::Nanoparticles(_) => SpecimenKind::Nanoparticles,
            Self::Ferroelectric(_) => SpecimenKind::Ferroelectric,
            Self::Plasmonic(_) => SpecimenKind::Plasmonic,
        }
    }

    /// The seed of the sample and of all noise.
    pub fn seed(&self) -> u64 {
        match self {
            Self::Nanoparticles(config) => config.seed,
            Self::Ferroelectric(config) => config.seed,
            Self::Plasmonic(config) => config.seed,
        }
    }

    /// Makes the specimen.
    ///
    /// # Errors
    /// The first value out of its range.
    pub fn make(self) -> Result<Arc<dyn Specimen>, SpecimenError> {
        Ok(match self {
            Self::Nanoparticles(config) => Arc::new(Nanoparticles::new(config)?),
            Self::Ferroelectric(config) => Arc::new(Ferroelectric::new(config)?),
            Self::Plasmonic(config) => Arc::new(Plasmonic::new(config)?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn specimens_are_chosen_by_name_and_seed() {
        for kind in SpecimenKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(kind.config(7).kind(), kind);
            assert_eq!(kind.config(7).seed(), 7);
            let choice: SpecimenChoice = kind.name().parse().unwrap();
            assert_eq!(choice.seed, SpecimenChoice::SEED);
            assert!(!choice.joint);
            for joint in [false, kind.has_joint()] {
                let seed = 12;
                let choice = SpecimenChoice { kind, seed, joint };
                assert_eq!(choice.to_string().parse(), Ok(choice));
            }
        }
        for wrong in [
            "",
            "gold",
            "plasmonic:",
            "plasmonic:-1",
            "plasmonic:1:2",
            ":3",
            "plasmonic:joint",
            "plasmonic:1:joint:joint",
            "plasmonic::joint",
            "ferroelectric:1:joint",
        ] {
            let error = wrong.parse::<SpecimenChoice>().unwrap_err().to_string();
            assert!(error.contains(&format!("`{wrong}`")), "{error}");
            assert!(error.contains("nanoparticles, ferroelectric and plasmonic"));
        }
    }

    #[test]
    fn configurations_survive_their_file_form_and_refuse_what_they_do_not_know() {
        for (kind, joint) in SpecimenKind::ALL
            .into_iter()
            .flat_map(|kind| [(kind, false), (kind, kind.has_joint())])
        {
            let choice = SpecimenChoice {
                kind,
                seed: 5,
                joint,
            };
            let config = choice.config();
            let text = toml::to_string(&config).unwrap();
            assert!(text.starts_with(&format!("name = \"{kind}\"")), "{text}");
            assert_eq!(toml::from_str::<SpecimenConfig>(&text).unwrap(), config);
            // Files of samples without it are what they were.
            assert_eq!(text.contains("joint"), joint);
            let misspelt = text.replace("seed", "sead");
            assert!(toml::from_str::<SpecimenConfig>(&misspelt).is_err());
        }
    }
}
