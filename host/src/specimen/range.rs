//! Ranges in which the models hold.

/// Why a specimen cannot be made.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum SpecimenError {
    /// A value outside the range in which the model holds.
    #[error("{name} is {value}, expected {lowest} to {highest} {units}")]
    OutOfRange {
        /// Field of the configuration.
        name: &'static str,
        /// What it was.
        value: f64,
        /// Lowest value allowed.
        lowest: f64,
        /// Highest value allowed.
        highest: f64,
        /// Units of the three values.
        units: &'static str,
    },
}

/// Nothing when `value` lies in its range; NaN never does.
pub(super) fn check(
    name: &'static str,
    value: f64,
    lowest: f64,
    highest: f64,
    units: &'static str,
) -> Result<(), SpecimenError> {
    if (lowest..=highest).contains(&value) {
        Ok(())
    } else {
        Err(SpecimenError::OutOfRange {
            name,
            value,
            lowest,
            highest,
            units,
        })
    }
}
