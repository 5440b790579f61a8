//! Components of the spectra measured so far: how many, and one of them as a number of a spectrum.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use super::ScalarizerError;

/// Components of a spectrum at most.
pub const MOST_COMPONENTS: usize = 16;

/// The first components of the spectra measured so far. Written as in the table; parsing and printing
/// agree.
///
/// | text | value |
/// |---|---|
/// | `spectrum` | the first three |
/// | `spectrum:N` | the first N, 1 to 16; a campaign seeks 4 at most |
/// | `spectrum:N@zero-peak` | the same with the peak at zero energy, however much of the spectra it is |
///
/// ```
/// use beacon_host::scalarizer::ComponentsTarget;
///
/// let target: ComponentsTarget = "spectrum".parse()?;
/// assert_eq!(target.to_string(), "spectrum:3");
/// assert!("spectrum:0".parse::<ComponentsTarget>().is_err());
/// # Ok::<(), beacon_host::scalarizer::ScalarizerError>(())
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
    /// [`ScalarizerError::Components`] unless `count` is 1 to [`MOST_COMPONENTS`].
    pub fn new(count: usize) -> Result<Self, ScalarizerError> {
        if (1..=MOST_COMPONENTS).contains(&count) {
            return Ok(Self {
                count,
                keeps_zero_peak: false,
            });
        }
        Err(ScalarizerError::Components(format!("spectrum:{count}")))
    }

    /// Numbers that a spectrum becomes.
    pub fn count(self) -> usize {
        self.count
    }
}

impl ComponentsTarget {
    /// The components, each as a scalarizer that is to be learnt.
    pub fn components(self) -> impl Iterator<Item = Component> {
        (1..=self.count).map(move |number| Component {
            number,
            of: self,
            learnt: None,
        })
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
    type Err = ScalarizerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || ScalarizerError::Components(text.to_owned());
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

/// One of the first components of the spectra measured so far, written `component:K/N`: which number of a
/// spectrum it is has to be learnt from spectra, and until then it is none. Two are equal where they are the
/// same of as many, whatever was learnt.
///
/// ```
/// use beacon_host::scalarizer::{Component, Scalarizer};
///
/// let second: Scalarizer = "component:2/3".parse()?;
/// assert!(matches!(&second, Scalarizer::Component(of) if of.number() == 2));
/// assert_eq!(second.to_string(), "component:2/3");
/// assert!("component:4/3".parse::<Scalarizer>().is_err());
/// # Ok::<(), beacon_host::scalarizer::ScalarizerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Component {
    number: usize,
    of: ComponentsTarget,
    learnt: Option<Learnt>,
}

/// What a component counts of a spectrum.
#[derive(Clone, Debug)]
struct Learnt {
    weights: Arc<[f64]>,
    counting: bool,
}

impl Component {
    /// Which it is, from 1.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The components that it is one of.
    pub fn of(&self) -> ComponentsTarget {
        self.of
    }

    /// The same component with what each channel counts in it; `counting` says that spectra were weighted for
    /// the noise of counting.
    #[must_use]
    pub fn learnt(&self, weights: &[f64], counting: bool) -> Self {
        Self {
            learnt: Some(Learnt {
                weights: weights.into(),
                counting,
            }),
            ..self.clone()
        }
    }

    /// What each channel counts; `None` before it was learnt.
    pub fn weights(&self) -> Option<&[f64]> {
        self.learnt.as_ref().map(|learnt| &*learnt.weights)
    }

    /// Units of the number for spectra whose values have these: weighted counts are divided by the root of a
    /// count. Before it was learnt they are not known, and none.
    pub(super) fn units(&self, values: &str) -> String {
        let learnt = self.learnt.as_ref();
        learnt.map_or_else(String::new, |learnt| {
            weighted_units(values, learnt.counting)
        })
    }

    /// Whether spectra were weighted for the noise of counting when it was learnt.
    #[cfg(feature = "figures")]
    pub(crate) fn is_of_counts(&self) -> bool {
        self.learnt.as_ref().is_some_and(|learnt| learnt.counting)
    }

    /// What each channel of an axis counts; `None` before it was learnt.
    ///
    /// # Errors
    /// When the axis has fewer channels than there are components, or others than it was learnt of.
    pub(super) fn on(&self, channels: usize) -> Result<Option<Arc<[f64]>>, ScalarizerError> {
        if channels < self.of.count {
            return Err(ScalarizerError::FewChannels {
                target: self.of,
                channels,
            });
        }
        let weights = self.learnt.as_ref().map(|learnt| &learnt.weights);
        match weights.filter(|weights| weights.len() != channels) {
            Some(weights) => Err(ScalarizerError::Length {
                found: weights.len(),
                expected: channels,
            }),
            None => Ok(weights.cloned()),
        }
    }

    /// What stands behind `component:`.
    pub(super) fn read(text: &str) -> Option<Self> {
        let (number, of) = text.split_once('/')?;
        let of: ComponentsTarget = format!("spectrum:{of}").parse().ok()?;
        let number = number.parse().ok()?;
        (1..=of.count).contains(&number).then_some(Self {
            number,
            of,
            learnt: None,
        })
    }
}

impl PartialEq for Component {
    fn eq(&self, other: &Self) -> bool {
        (self.number, self.of) == (other.number, other.of)
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.of.to_string();
        let all = all.trim_start_matches("spectrum:");
        write!(f, "component:{}/{all}", self.number)
    }
}

/// Units of a weighted sum of values of these units.
pub(crate) fn weighted_units(values: &str, counting: bool) -> String {
    if counting && !values.is_empty() {
        format!("√{values}")
    } else {
        values.to_owned()
    }
}

/// Sums that grow side by side in a product of two rows: enough for the vectors of every machine.
const LANES: usize = 8;

/// Sum of products, always in the same order: eight sums side by side, then pairs of them.
pub(crate) fn sum_of_products(a: &[f64], b: &[f64]) -> f64 {
    let mut sums = [0.0; LANES];
    let (chunks, others) = (a.chunks_exact(LANES), b.chunks_exact(LANES));
    let rest = chunks.remainder().iter().zip(others.remainder());
    let rest: f64 = rest.map(|(a, b)| a * b).sum();
    for (a, b) in chunks.zip(others) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let [a, b, c, d, e, f, g, h] = sums;
    ((a + b) + (c + d)) + ((e + f) + (g + h)) + rest
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
            assert!(error.contains("spectrum:N with N from 1 to 4"), "{error}");
        }
    }
}
