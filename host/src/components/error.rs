//! What can be wrong with spectra that components are sought of.

use crate::scalarizer::{ComponentsTarget, MOST_COMPONENTS};

/// Why components could not be learnt or worked out. Every message is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentsError {
    /// The axis has fewer channels than there are components.
    #[error(
        "`{target}` needs at least {} channels; the axis has {channels}: {}",
        target.count(),
        fewer(*channels)
    )]
    Channels {
        /// What was asked for.
        target: ComponentsTarget,
        /// Channels of the axis.
        channels: usize,
    },
    /// Fewer spectra than components.
    #[error(
        "`{target}` needs at least {} spectra, found {spectra}; measure {} more first, or {}",
        target.count(),
        target.count() - spectra,
        fewer(*spectra)
    )]
    TooFew {
        /// What was asked for.
        target: ComponentsTarget,
        /// Spectra that there are.
        spectra: usize,
    },
    /// Nothing was measured in any channel that counts.
    #[error(
        "all {spectra} spectra are zero in the {channels} channels that count; expected one that is not"
    )]
    Zero {
        /// Spectra that there are.
        spectra: usize,
        /// Channels without those that were left out.
        channels: usize,
    },
    /// A value is NaN, infinite, or too large to be squared.
    #[error("channel {channel} of a spectrum holds {value}, expected a number within ±1e100")]
    Value {
        /// Number of the channel, from 0.
        channel: usize,
        /// The offending value.
        value: f64,
    },
    /// A spectrum has more or fewer channels than the axis.
    #[error("a spectrum of {found} values on an axis of {expected} channels; both must agree")]
    Length {
        /// Values in the spectrum.
        found: usize,
        /// Channels of the axis.
        expected: usize,
    },
    /// Spectra are over another axis than those that components are of.
    #[error("the spectra are over {found}; the components are of spectra over {expected}")]
    OtherAxis {
        /// The axis of the spectra.
        found: String,
        /// The axis that was expected.
        expected: String,
    },
    /// The singular values were not found.
    #[error("the components of {spectra} spectra were not found after {iterations} iterations")]
    NotFound {
        /// Spectra that there are.
        spectra: usize,
        /// Iterations that were made.
        iterations: usize,
    },
}

/// What may be asked for instead.
fn fewer(most: usize) -> String {
    match most.min(MOST_COMPONENTS) {
        0 => "no components exist without any".to_owned(),
        1 => "ask for spectrum:1".to_owned(),
        most => format!("ask for spectrum:1 to spectrum:{most}"),
    }
}
