//! What can be wrong with a scalarizer or with the axis that it is applied to.

use beacon_kernel::MOST_RESPONSES;

use super::{ComponentsTarget, MOST_COMPONENTS};
use crate::lines::UnknownLine;

/// Why a scalarizer could not be parsed or applied. Every message is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScalarizerError {
    /// The text names no scalarizer.
    #[error(
        "unknown scalarizer `{0}`; accepted are sum, window:LO..HI (in units of the axis; \
         channel numbers from 0 where the file gives no axis, as in .npy), line:ELEMENT-LINE (as \
         in line:Pd-La or line:Pd-La+Pd-Lb1), lines:ELEMENT, eels:LO..HI, plasmon-energy:LO..HI, \
         plasmon-height:LO..HI, loop-height, loop-area, nucleation-positive, nucleation-negative, component:K/N"
    )]
    Unknown(String),
    /// The bounds of a window are not two rising numbers.
    #[error(
        "`{text}`: write {kind}:LO..HI with LO below HI in units of the axis, as in {example}, or in a unit, as in \
         2.7keV..3keV; in \
         channel numbers from 0 where the file gives no axis, as in .npy"
    )]
    Bounds {
        /// The text as given.
        text: String,
        /// What stands before the bounds.
        kind: String,
        /// How it is written.
        example: &'static str,
    },
    /// The windows of an edge are not as they must be.
    #[error(
        "`{0}`: write eels:LO..HI with LO below HI, both above 0, in units of the axis, as in \
         eels:530..570; behind a comma the window in which the background is fitted, which ends \
         before the edge begins, as in eels:530..570,450..520"
    )]
    EdgeBounds(String),
    /// What stands behind the `@` names no background, or nothing that can have one stands
    /// before it.
    #[error(
        "`{0}`: accepted behind a window, line or lines are @none, @linear (through the ends of \
         the window) and @two-window (through windows on both sides), as in line:Pd-La@linear; \
         other scalarizers have no choice of background"
    )]
    Background(String),
    /// The text names no components of spectra.
    #[error(
        "`{0}` names no components of spectra; accepted are spectrum, for three, spectrum:N with N from 1 \
         to {MOST_RESPONSES}, and component:K/N for number K of N, up to {MOST_COMPONENTS}, each with @zero-peak \
         behind it where the peak at zero energy is to count"
    )]
    Components(String),
    /// An axis has fewer channels than there are components.
    #[error(
        "`{target}` needs at least {} channels; the axis has {channels}",
        target.count()
    )]
    FewChannels {
        /// What was asked for.
        target: ComponentsTarget,
        /// Channels of the axis.
        channels: usize,
    },
    /// The element is not in the table of lines.
    #[error("`{text}`: unknown element; write lines:ELEMENT with one of {accepted}")]
    UnknownElement {
        /// The text as given.
        text: String,
        /// Symbols of all known elements.
        accepted: String,
    },
    /// The line is not in the table.
    #[error(transparent)]
    UnknownLine(#[from] UnknownLine),
    /// A line was asked for on an axis that is not an energy.
    #[error(
        "`{scalarizer}` needs an energy axis in keV or eV; {}",
        found_axis(axis, units, true)
    )]
    NotEnergy {
        /// The scalarizer.
        scalarizer: String,
        /// Name of the axis.
        axis: String,
        /// Units of the axis.
        units: String,
    },
    /// Bounds in a unit that the axis does not have.
    #[error(
        "`{scalarizer}` has bounds in {unit}; {}; expected bounds in its units, or numbers alone",
        found_axis(axis, units, unit.ends_with("eV"))
    )]
    OtherUnit {
        /// The scalarizer.
        scalarizer: String,
        /// The unit of its bounds.
        unit: &'static str,
        /// Name of the axis.
        axis: String,
        /// Units of the axis.
        units: String,
    },
    /// The window, with the background beside it, does not lie on the axis.
    #[error("`{scalarizer}` needs {needed}; axis `{axis}` runs over {range}")]
    OutsideAxis {
        /// The scalarizer.
        scalarizer: String,
        /// The range needed, with units.
        needed: String,
        /// Name of the axis.
        axis: String,
        /// The range that exists, with units.
        range: String,
    },
    /// A line, with its background, does not lie on the axis.
    #[error(transparent)]
    LineOutsideAxis(Box<LineOutsideAxis>),
    /// No line of an element, with its background, lies on the axis.
    #[error(
        "`{scalarizer}`: no line of {element} lies on the axis with its background ({lines}); axis \
         `{axis}` runs over {range}"
    )]
    ElementOutsideAxis {
        /// The scalarizer.
        scalarizer: String,
        /// Symbol of the element.
        element: &'static str,
        /// Its lines, with their energies.
        lines: String,
        /// Name of the axis.
        axis: String,
        /// The range that exists, with units.
        range: String,
    },
    /// Fewer channels or points than the arithmetic takes.
    #[error("`{scalarizer}` needs at least {needed} {what}; the axis has {found}")]
    TooFew {
        /// The scalarizer.
        scalarizer: String,
        /// Of what.
        what: &'static str,
        /// How many are needed.
        needed: usize,
        /// How many there are.
        found: usize,
    },
    /// An axis on which there are no neighbours.
    #[error(
        "`{scalarizer}` needs an axis that rises or falls throughout; axis `{axis}` turns back"
    )]
    NotMonotonic {
        /// The scalarizer.
        scalarizer: String,
        /// Name of the axis.
        axis: String,
    },
    /// No channel falls into a window.
    #[error(
        "`{scalarizer}`: no channel lies within {window}; neighbouring channels are up to {step} apart"
    )]
    Empty {
        /// The scalarizer.
        scalarizer: String,
        /// The window, with units.
        window: String,
        /// Largest distance between neighbouring channels, with units.
        step: String,
    },
    /// The file gives no axis, so that a loop has no bias.
    #[error(
        "`{scalarizer}` needs a bias axis; axis `{axis}` only numbers the channels from 0. Loops \
         with their bias are read from NSID and USID files (.h5), as written by pyNSID and \
         pyUSID; .npy and .npz hold no axes"
    )]
    NoBias {
        /// The scalarizer.
        scalarizer: String,
        /// Name of the axis.
        axis: String,
    },
    /// The axis is no bias sweep that goes up and comes down.
    #[error(
        "`{scalarizer}` needs a bias sweep that rises and falls through zero; axis `{axis}` has \
         {rising} rising and {falling} falling points near zero"
    )]
    NotALoop {
        /// The scalarizer.
        scalarizer: String,
        /// Name of the axis.
        axis: String,
        /// Points of the rising branch near zero bias.
        rising: usize,
        /// Points of the falling branch near zero bias.
        falling: usize,
    },
    /// Spectrum and coordinates differ in length.
    #[error("a spectrum of {found} values on an axis of {expected} channels; both must agree")]
    Length {
        /// Values in the spectrum.
        found: usize,
        /// Channels of the axis.
        expected: usize,
    },
}

fn found_axis(axis: &str, units: &str, of_energy: bool) -> String {
    if units.trim().is_empty() {
        let energies = if of_energy {
            ", and so no energies"
        } else {
            ""
        };
        return format!("the file gives no units of its axis{energies}");
    }
    format!("axis `{axis}` is in `{units}`")
}

/// A line that, with its background, does not lie on the axis.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error(
    "`{scalarizer}`: {line} at {energy} needs {needed}; of {element}, {accepted} can be counted \
     there; axis `{axis}` runs over {range}"
)]
pub struct LineOutsideAxis {
    /// The scalarizer.
    pub scalarizer: String,
    /// The line.
    pub line: String,
    /// Its energy, with units.
    pub energy: String,
    /// The range needed, with units.
    pub needed: String,
    /// Symbol of the element.
    pub element: &'static str,
    /// Lines of the element that lie on the axis.
    pub accepted: String,
    /// Name of the axis.
    pub axis: String,
    /// The range that exists, with units.
    pub range: String,
}

#[cfg(test)]
mod tests {
    #[test]
    fn what_lacks_units_lacks_energies_where_these_were_asked_for() {
        let told = |of_energy| super::found_axis("channel", "", of_energy);
        assert!(told(true).ends_with("no units of its axis, and so no energies"));
        assert!(told(false).ends_with("no units of its axis"));
    }
}
