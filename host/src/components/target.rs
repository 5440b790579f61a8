//! How many components, and of which channels.

use std::fmt;
use std::str::FromStr;

use super::ComponentsError;

/// Components of a spectrum at most.
pub const MOST_COMPONENTS: usize = 16;

/// The first components of the spectra measured so far. Written as in the table; parsing and printing
/// agree.
///
/// | text | value |
/// |---|---|
/// | `spectrum` | the first three |
/// | `spectrum:N` | the first N, 1 to 16 |
/// | `spectrum:N@zero-peak` | the same with the peak at zero energy, however much of the spectra it is |
///
/// ```
/// use beacon_host::components::ComponentsTarget;
///
/// let target: ComponentsTarget = "spectrum".parse()?;
/// assert_eq!(target.to_string(), "spectrum:3");
/// assert!("spectrum:0".parse::<ComponentsTarget>().is_err());
/// # Ok::<(), beacon_host::components::ComponentsError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ComponentsTarget {
    count: usize,
    /// Whether a peak at zero energy counts even where it is most of the spectra.
    pub keeps_zero_peak: bool,
}

impl ComponentsTarget {
    /// The first `count` components, without a peak at zero energy that is most of the spectra.
    ///
    /// # Errors
    /// [`ComponentsError::Unknown`] unless `count` is 1 to [`MOST_COMPONENTS`].
    pub fn new(count: usize) -> Result<Self, ComponentsError> {
        if (1..=MOST_COMPONENTS).contains(&count) {
            return Ok(Self {
                count,
                keeps_zero_peak: false,
            });
        }
        Err(ComponentsError::Unknown(format!("spectrum:{count}")))
    }

    /// Numbers that a spectrum becomes.
    pub fn count(self) -> usize {
        self.count
    }
}

impl Default for ComponentsTarget {
    /// Three components.
    fn default() -> Self {
        Self {
            count: 3,
            keeps_zero_peak: false,
        }
    }
}

impl FromStr for ComponentsTarget {
    type Err = ComponentsError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || ComponentsError::Unknown(text.to_owned());
        let (components, keeps_zero_peak) = match text.strip_suffix("@zero-peak") {
            Some(components) => (components, true),
            None => (text, false),
        };
        let target = match components.split_once(':') {
            None if components == "spectrum" => Self::default(),
            Some(("spectrum", count)) => {
                let count = count.parse().map_err(|_| unknown())?;
                Self::new(count).map_err(|_| unknown())?
            }
            _ => return Err(unknown()),
        };
        Ok(Self {
            keeps_zero_peak,
            ..target
        })
    }
}

impl fmt::Display for ComponentsTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spectrum:{}", self.count)?;
        f.write_str(if self.keeps_zero_peak {
            "@zero-peak"
        } else {
            ""
        })
    }
}

impl serde::Serialize for ComponentsTarget {
    /// As text, in the form that parses back.
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for ComponentsTarget {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_print_as_they_are_read_and_what_is_none_is_refused() {
        for count in 1..=MOST_COMPONENTS {
            for keeps_zero_peak in [false, true] {
                let target = ComponentsTarget {
                    keeps_zero_peak,
                    ..ComponentsTarget::new(count).unwrap()
                };
                assert_eq!(target.to_string().parse(), Ok(target));
                let json = serde_json::to_string(&target).unwrap();
                assert_eq!(
                    serde_json::from_str::<ComponentsTarget>(&json).unwrap(),
                    target
                );
            }
        }
        let kept: ComponentsTarget = "spectrum@zero-peak".parse().unwrap();
        assert_eq!((kept.count(), kept.keeps_zero_peak), (3, true));
        for wrong in [
            "",
            "spectra",
            "spectrum:",
            "spectrum:0",
            "spectrum:17",
            "spectrum:-1",
            "spectrum:3@",
            "spectrum:3@none",
            "spectrum:2.5",
        ] {
            let error = wrong.parse::<ComponentsTarget>().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{wrong}`")), "{error}");
            assert!(error.contains("spectrum:N with N from 1 to 16"), "{error}");
        }
    }
}
