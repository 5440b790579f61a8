//! Which instrument: the value of `--microscope`, and what each needs to be told.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::pyro::{PyroMicroscope, PyroOptions};
use super::{
    BridgeMicroscope, BridgeOptions, Microscope, MicroscopeError, ReplayOptions, ScanOptions,
    SimulatedBeam, SpecimenMicroscope,
};
use crate::controller::ControllerChoice;
use crate::specimen::{SpecimenChoice, SpecimenKind};

/// An instrument. Parsing and printing agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MicroscopeChoice {
    /// `replay:IMAGE,RESPONSE`: data acquired before.
    Replay {
        /// File of the overview image.
        image: String,
        /// File of the response or the spectra over the same area.
        response: String,
    },
    /// `specimen[:NAME[:SEED]]`: a built-in specimen under a simulated beam.
    Specimen(SpecimenChoice),
    /// `pyro:HOST:PORT`: DTMicroscope.
    Pyro(String),
    /// `bridge:HOST:PORT`: an instrument behind the line-JSON bridge.
    Bridge(String),
    /// `controller:WHERE`: the board that is the campaign's controller, with a detector of its own.
    Controller(ControllerChoice),
    /// `own:NAME`: an instrument that another program brings, with this crate as its library.
    Own(String),
}

/// Something that names no instrument.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown microscope `{0}`; {hint}accepted are replay:IMAGE,RESPONSE, specimen, specimen:NAME, \
     specimen:NAME:SEED, specimen:NAME:SEED:joint, pyro:HOST:PORT, bridge:HOST:PORT, controller:serial:PORT and \
     controller:emulated, as in bridge:192.168.0.4:9092",
    hint = hint(.0)
)]
pub struct UnknownMicroscope(pub String);

/// What is missing of an instrument of a known kind.
fn hint(text: &str) -> String {
    match text.split_once(':') {
        Some(("specimen", _)) => {
            let names = SpecimenKind::ALL.map(|kind| kind.to_string()).join(", ");
            let joint = SpecimenKind::ALL
                .into_iter()
                .filter(|kind| kind.has_joint());
            let joint: Vec<_> = joint.map(|kind| kind.to_string()).collect();
            let joint = joint.join(" and ");
            format!(
                "specimens are {names}, a number behind the name, :joint behind that of {joint}; "
            )
        }
        Some(("replay", _)) => "image and response are separated by a comma; ".to_owned(),
        Some(("controller", _)) => "a controller is emulated or serial:PORT; ".to_owned(),
        Some(("pyro" | "bridge", _)) => "a host and a port from 1 are needed; ".to_owned(),
        _ => String::new(),
    }
}

/// An instrument, and the dwell that it is used to where it has one.
pub type Opened = (Box<dyn Microscope>, Option<Duration>);

impl MicroscopeChoice {
    /// Opens the instrument. `current_pa` and `dwell` are those of the campaign, where it has its
    /// own.
    ///
    /// # Errors
    /// When it is not there, or is not what it is taken for.
    pub fn open(
        &self,
        options: &MicroscopeOptions,
        current_pa: Option<f64>,
        dwell: Option<Duration>,
    ) -> Result<Opened, MicroscopeError> {
        match self {
            Self::Replay { image, response } => {
                let (microscope, own) = options.replay.open(image, response)?;
                Ok((Box::new(microscope), own))
            }
            Self::Specimen(choice) => {
                let specimen = choice.config().make()?;
                let beam = options.beam.clone();
                let microscope = SpecimenMicroscope::new(specimen, beam, current_pa, dwell)?;
                let dwell = microscope.dwell();
                Ok((Box::new(microscope), Some(dwell)))
            }
            Self::Pyro(address) => {
                let options = PyroOptions {
                    data: options.pyro_data.clone(),
                    units: options.pyro_units.clone(),
                    timeout: options.timeout(),
                    ..PyroOptions::default()
                };
                let microscope = PyroMicroscope::connect(address, options)?;
                Ok((Box::new(microscope), None))
            }
            Self::Bridge(address) => {
                let options = BridgeOptions {
                    timeout: options.timeout(),
                    ..BridgeOptions::default()
                };
                let microscope = BridgeMicroscope::connect(address, options)?;
                Ok((Box::new(microscope), None))
            }
            Self::Controller(_) => Err(MicroscopeError::setting(
                "--microscope",
                self.to_string(),
                "an instrument of its own line: a board that is the controller as well is opened with \
                 it",
            )),
            Self::Own(_) => Err(MicroscopeError::setting(
                "--microscope",
                self.to_string(),
                "an instrument that this program opens; go on with the program that began the \
                 campaign",
            )),
        }
    }
}

impl FromStr for MicroscopeChoice {
    type Err = UnknownMicroscope;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownMicroscope(text.to_owned());
        let (kind, rest) = match text.split_once(':') {
            Some((kind, rest)) => (kind, Some(rest)),
            None => (text, None),
        };
        match (kind, rest) {
            ("specimen", None) => Ok(Self::Specimen(SpecimenChoice {
                kind: crate::specimen::SpecimenKind::default(),
                seed: SpecimenChoice::SEED,
                joint: false,
            })),
            ("specimen", Some(name)) => {
                let choice = name.parse().map_err(|_| unknown())?;
                Ok(Self::Specimen(choice))
            }
            ("controller", Some(place)) => match place.parse() {
                Ok(ControllerChoice::InProcess) | Err(_) => Err(unknown()),
                Ok(controller) => Ok(Self::Controller(controller)),
            },
            ("own", Some(name)) if !name.is_empty() => Ok(Self::Own(name.to_owned())),
            ("replay", Some(files)) => match files.split_once(',') {
                Some((image, response)) if !image.is_empty() && !response.is_empty() => {
                    Ok(Self::Replay {
                        image: image.to_owned(),
                        response: response.to_owned(),
                    })
                }
                _ => Err(unknown()),
            },
            ("pyro" | "bridge", Some(address)) => {
                let (host, port) = address.rsplit_once(':').ok_or_else(unknown)?;
                let port: Option<u16> = port.parse().ok();
                if host.is_empty() || port.is_none_or(|port| port == 0) {
                    return Err(unknown());
                }
                let address = address.to_owned();
                Ok(if kind == "pyro" {
                    Self::Pyro(address)
                } else {
                    Self::Bridge(address)
                })
            }
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for MicroscopeChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Replay { image, response } => write!(f, "replay:{image},{response}"),
            Self::Specimen(choice) => write!(f, "specimen:{choice}"),
            Self::Pyro(address) => write!(f, "pyro:{address}"),
            Self::Bridge(address) => write!(f, "bridge:{address}"),
            Self::Controller(controller) => write!(f, "controller:{controller}"),
            Self::Own(name) => write!(f, "own:{name}"),
        }
    }
}

impl Serialize for MicroscopeChoice {
    /// As text, in the form that parses back.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MicroscopeChoice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the command line lists these settings.
#[cfg(feature = "cli")]
const HEADING: &str = "Instrument";

/// What some instruments need to be told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default, deny_unknown_fields)]
pub struct MicroscopeOptions {
    /// How long an instrument on the network may take to answer, beyond the dwell, in seconds or as in 500ms or 2m.
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME", value_parser = crate::units::read::seconds))]
    #[cfg_attr(feature = "cli", arg(default_value_t = 30.0, help_heading = HEADING))]
    pub timeout: f64,
    /// NSID file that DTMicroscope is to register; a path on the server's machine.
    #[cfg_attr(feature = "cli", arg(long, value_name = "FILE", help_heading = HEADING))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pyro_data: Option<String>,
    /// Units of the spectra of DTMicroscope, such as eV, where its file does not say.
    #[cfg_attr(feature = "cli", arg(long, value_name = "UNITS", help_heading = HEADING))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pyro_units: Option<String>,
    /// The beam on a specimen; `column` in `config.toml` and the journal.
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(rename = "column")]
    pub beam: SimulatedBeam,
    /// How files that are replayed are read.
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(skip_serializing_if = "ReplayOptions::is_default")]
    pub replay: ReplayOptions,
    /// Overviews of a controller.
    #[cfg_attr(feature = "cli", command(flatten))]
    pub scan: ScanOptions,
}

impl Default for MicroscopeOptions {
    fn default() -> Self {
        Self {
            timeout: 30.0,
            pyro_data: None,
            pyro_units: None,
            beam: SimulatedBeam::default(),
            replay: ReplayOptions::default(),
            scan: ScanOptions::DEFAULT,
        }
    }
}

impl MicroscopeOptions {
    /// How long an instrument may take to answer, beyond the dwell.
    pub fn timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.timeout).unwrap_or(Duration::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instrument_of_another_program_is_opened_by_that_alone() {
        let choice = MicroscopeChoice::Own("FIB".to_owned());
        let opened = choice.open(&MicroscopeOptions::default(), None, None);
        let message = opened.err().unwrap().to_string();
        assert!(
            message.contains("own:FIB") && message.contains("program that began"),
            "{message}"
        );
    }

    #[test]
    fn choices_are_read_as_they_are_written() {
        for text in [
            "replay:image.npy,spectra.h5#a/b",
            "specimen:plasmonic:3",
            "pyro:localhost:9091",
            "bridge:[::1]:9092",
            "controller:emulated",
            "controller:serial:/dev/ttyACM0@2000000",
            "own:FIB 2",
        ] {
            let choice: MicroscopeChoice = text.parse().unwrap();
            assert_eq!(choice.to_string(), text);
        }
        let choice: MicroscopeChoice = "specimen".parse().unwrap();
        assert_eq!(choice.to_string(), "specimen:nanoparticles:1");
        for wrong in [
            "",
            "replay",
            "replay:a",
            "replay:,b",
            "own:",
            "specimen:",
            "specimen:gold",
            "pyro:",
            "pyro:9091",
            "pyro::9091",
            "pyro:host:",
            "pyro:host:0",
            "bridge:host:99999",
            "controller",
            "controller:in-process",
            "controller:serial:",
            "sem",
        ] {
            let message = wrong.parse::<MicroscopeChoice>().unwrap_err().to_string();
            assert!(message.contains("accepted are replay:"), "{message}");
        }
        for (wrong, said) in [
            (
                "specimen:gold",
                "specimens are nanoparticles, ferroelectric, plasmonic",
            ),
            ("replay:a", "separated by a comma"),
            ("bridge:host", "a host and a port"),
        ] {
            let message = wrong.parse::<MicroscopeChoice>().unwrap_err().to_string();
            assert!(message.contains(said), "{message}");
        }
    }
}
