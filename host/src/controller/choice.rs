//! Which controller: the value of `--controller`.

use std::fmt;
use std::str::FromStr;

/// Where the kernel is to run. Parsing and printing agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ControllerChoice {
    /// `in-process`
    #[default]
    InProcess,
    /// `emulated`: the firmware in QEMU.
    Emulated,
    /// `serial:PORT[@BAUD]`: a board.
    Serial {
        /// Path or name of the port.
        port: String,
        /// Bits per second.
        baud: u32,
    },
}

impl ControllerChoice {
    /// Speed of the Nucleo's serial port, in bits per second.
    pub const BAUD: u32 = 2_000_000;
}

/// Something that names no controller.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "unknown controller `{0}`; accepted are in-process, emulated, serial:PORT and \
     serial:PORT@BAUD, as in serial:/dev/ttyACM0@2000000"
)]
pub struct UnknownController(pub String);

impl FromStr for ControllerChoice {
    type Err = UnknownController;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownController(text.to_owned());
        match text {
            "in-process" => return Ok(Self::InProcess),
            "emulated" => return Ok(Self::Emulated),
            _ => {}
        }
        let place = text.strip_prefix("serial:").ok_or_else(unknown)?;
        let (port, baud) = match place.rsplit_once('@') {
            Some((port, baud)) => (port, baud.parse().map_err(|_| unknown())?),
            None => (place, Self::BAUD),
        };
        if port.is_empty() || baud == 0 {
            return Err(unknown());
        }
        Ok(Self::Serial {
            port: port.to_owned(),
            baud,
        })
    }
}

impl fmt::Display for ControllerChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InProcess => f.write_str("in-process"),
            Self::Emulated => f.write_str("emulated"),
            Self::Serial { port, baud } => write!(f, "serial:{port}@{baud}"),
        }
    }
}

impl serde::Serialize for ControllerChoice {
    /// As text, in the form that parses back.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ControllerChoice {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choices_are_read_as_they_are_written() {
        for text in [
            "in-process",
            "emulated",
            "serial:/dev/ttyACM0@115200",
            "serial:COM3@2000000",
        ] {
            let choice: ControllerChoice = text.parse().unwrap();
            assert_eq!(choice.to_string(), text);
        }
        let choice: ControllerChoice = "serial:/dev/ttyACM0".parse().unwrap();
        assert_eq!(choice.to_string(), "serial:/dev/ttyACM0@2000000");
        for wrong in ["", "serial:", "serial:a@b", "serial:a@0", "usb"] {
            assert!(wrong.parse::<ControllerChoice>().is_err(), "{wrong}");
        }
    }
}
