//! Quantities that doses are computed from. Each is finite and in range from the moment it is made,
//! so that no limit is ever compared with a number that is none.
//!
//! | quantity | follows from |
//! |---|---|
//! | [`Electrons`] | [`Picoamperes`] × [`Seconds`], [`ElectronsPerSquareAngstrom`] × [`SquareAngstroms`] |
//! | [`ElectronsPerSquareAngstrom`] | [`Electrons`] / [`SquareAngstroms`] |
//! | [`Seconds`] | [`Electrons`] / [`Picoamperes`], a [`Duration`] |
//!
//! In files each is the plain number; one that is out of range cannot be read. People may write a number with
//! its unit, as in `500ms`, `1nA` or `2h30m`: [`Kind`] reads it.

#[cfg(feature = "cli")]
pub(crate) mod read;
mod text;

pub use text::{AxisUnit, Kind, QuantityError};
pub(crate) use text::{shortened, sure_of_seconds};

use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Charge of an electron in C (SI, 2019).
const ELECTRON: f64 = 1.602_176_634e-19;

/// A number that is no such quantity.
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{value} {unit}; expected {accepted}")]
pub struct UnitError {
    /// The number.
    pub value: f64,
    /// The unit that it was meant in.
    pub unit: &'static str,
    /// What would be accepted.
    pub accepted: &'static str,
}

macro_rules! quantity {
    ($name:ident, $unit:literal, $from:tt 0, $accepted:literal, $doc:literal) => {
        #[doc = $doc]
        #[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
        #[serde(try_from = "f64", into = "f64")]
        pub struct $name(f64);

        impl $name {
            /// The quantity of a number.
            ///
            /// # Errors
            /// When the number is not finite, or out of range.
            pub fn new(value: f64) -> Result<Self, UnitError> {
                if value.is_finite() && value $from 0.0 {
                    return Ok(Self(value));
                }
                Err(UnitError {
                    value,
                    unit: $unit,
                    accepted: $accepted,
                })
            }

            #[doc = concat!("The number in ", $unit, ".")]
            pub const fn get(self) -> f64 {
                self.0
            }
        }

        impl TryFrom<f64> for $name {
            type Error = UnitError;

            fn try_from(value: f64) -> Result<Self, UnitError> {
                Self::new(value)
            }
        }

        impl From<$name> for f64 {
            fn from(quantity: $name) -> Self {
                quantity.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::LowerExp for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

quantity!(Picoamperes, "pA", > 0, "a number above 0", "A beam current, above 0.");
quantity!(SquareAngstroms, "Å²", > 0, "a number above 0", "The area of a pixel, above 0.");
quantity!(Seconds, "s", >= 0, "a number from 0", "A time, from 0.");
quantity!(
    Electrons, "electrons", >= 0, "a number from 0",
    "A dose, from 0; 0 as well where the current is not known."
);
quantity!(ElectronsPerSquareAngstrom, "e/Å²", >= 0, "a number from 0", "A dose per area, from 0.");

/// What is too large for a number becomes the largest one, which every limit refuses.
fn saturated(value: f64) -> f64 {
    value.min(f64::MAX)
}

impl Seconds {
    /// No time.
    pub const ZERO: Self = Self(0.0);
    /// One second.
    pub const ONE: Self = Self(1.0);

    /// As a duration; the longest one where it is longer than that.
    pub fn duration(self) -> Duration {
        Duration::try_from_secs_f64(self.0).unwrap_or(Duration::MAX)
    }
}

impl From<Duration> for Seconds {
    fn from(duration: Duration) -> Self {
        Self(duration.as_secs_f64())
    }
}

impl Mul<f64> for Seconds {
    type Output = Self;

    /// So many times as long. What is no number from 0 makes the longest time: a ratio that an
    /// instrument tells wrongly must not hide a dose.
    fn mul(self, ratio: f64) -> Self {
        let time = self.0 * ratio;
        Self(if time >= 0.0 {
            saturated(time)
        } else {
            f64::MAX
        })
    }
}

impl Electrons {
    /// No dose.
    pub const ZERO: Self = Self(0.0);

    /// The same account once a dose that was counted as `announced` is known to have been `spent`.
    #[must_use]
    pub fn corrected(self, announced: Self, spent: Self) -> Self {
        Self(self.0 + (spent.0 - announced.0))
    }

    /// What is left of this limit after `spent`; nothing where that is more.
    #[must_use]
    pub fn left_after(self, spent: Self) -> Self {
        Self((self.0 - spent.0).max(0.0))
    }

    /// The share of each of so many pixels.
    #[must_use]
    pub fn shared_by(self, pixels: usize) -> Self {
        Self(self.0 / pixels as f64)
    }
}

impl Add for Electrons {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self(saturated(self.0 + more.0))
    }
}

impl AddAssign for Electrons {
    fn add_assign(&mut self, more: Self) {
        *self = *self + more;
    }
}

impl Mul<Seconds> for Picoamperes {
    type Output = Electrons;

    fn mul(self, time: Seconds) -> Electrons {
        Electrons(saturated(self.0 * 1e-12 * time.0 / ELECTRON))
    }
}

impl Div<Picoamperes> for Electrons {
    type Output = Seconds;

    /// How long a current takes for a dose.
    fn div(self, current: Picoamperes) -> Seconds {
        Seconds(saturated(self.0 / (current * Seconds::ONE).0))
    }
}

impl Div<SquareAngstroms> for Electrons {
    type Output = ElectronsPerSquareAngstrom;

    fn div(self, area: SquareAngstroms) -> ElectronsPerSquareAngstrom {
        ElectronsPerSquareAngstrom(saturated(self.0 / area.0))
    }
}

impl Mul<SquareAngstroms> for ElectronsPerSquareAngstrom {
    type Output = Electrons;

    fn mul(self, area: SquareAngstroms) -> Electrons {
        Electrons(saturated(self.0 * area.0))
    }
}

impl Add for ElectronsPerSquareAngstrom {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self(saturated(self.0 + more.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_nanoampere_for_a_second_is_six_milliard_electrons() {
        let current = Picoamperes::new(1000.0).unwrap();
        // 1 C is 6.241509e18 elementary charges (SI, 2019).
        let dose = current * Seconds::ONE;
        assert!((dose.get() / 6.241_509_074e9 - 1.0).abs() < 1e-9);
        assert!(((dose / current).get() - 1.0).abs() < 1e-15);
        let area = SquareAngstroms::new(4.0).unwrap();
        assert_eq!((dose / area).get(), dose.get() / 4.0);
        assert_eq!(dose / area * area, dose);
    }

    #[test]
    fn what_is_out_of_range_is_refused_with_what_would_be_accepted() {
        for wrong in [f64::NAN, -1.0, f64::INFINITY] {
            assert!(Electrons::new(wrong).is_err(), "{wrong}");
            assert!(serde_json::from_value::<Seconds>(wrong.into()).is_err());
        }
        assert_eq!(Electrons::new(0.0), Ok(Electrons::ZERO));
        let refused = Picoamperes::new(0.0).unwrap_err().to_string();
        assert_eq!(refused, "0 pA; expected a number above 0");
        assert!(SquareAngstroms::new(-0.0).is_err());
    }

    #[test]
    fn arithmetic_leaves_no_quantity_out_of_range() {
        let longest = Seconds::ONE * f64::NAN;
        assert_eq!(longest, Seconds::ONE * -1.0);
        assert_eq!(longest.duration(), Duration::MAX);
        let current = Picoamperes::new(1e300).unwrap();
        let most = current * (Seconds::ONE * 1e300);
        for dose in [most, most + most, most.corrected(most, Electrons::ZERO)] {
            assert_eq!(Electrons::new(dose.get()), Ok(dose));
        }
        let tiny = SquareAngstroms::new(1e-300).unwrap();
        assert!((most / tiny).get().is_finite());
        assert_eq!(Electrons::ZERO.left_after(most), Electrons::ZERO);
    }

    #[test]
    fn files_hold_the_plain_number() {
        let time = Seconds::new(0.1).unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), "0.1");
        assert_eq!(
            postcard::to_allocvec(&time).unwrap(),
            postcard::to_allocvec(&0.1).unwrap()
        );
        assert_eq!(format!("{time} {time:.2e}"), "0.1 1.00e-1");
    }
}
