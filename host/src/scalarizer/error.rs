//! What can be wrong with a scalarizer or with the axis that it is applied to.

use crate::lines::UnknownLine;

/// Why a scalarizer could not be parsed or applied. Every message is one line.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ScalarizerError {
    /// The text names no scalarizer.
    #[error(
        "unknown scalarizer `{text}`; accepted are sum, window:LO..HI (in units of the axis; \
         channel numbers from 0 where the file gives no axis, as in .npy), line:ELEMENT-LINE (as \
         in line:Pd-La), loop-height, loop-area"
    )]
    Unknown {
        /// The text as given.
        text: String,
    },
    /// The bounds of a window are not two rising numbers.
    #[error(
        "`{text}`: write window:LO..HI with LO below HI in units of the axis, as in \
         window:2.7..3.0; in channel numbers from 0 where the file gives no axis, as in .npy"
    )]
    Bounds {
        /// The text as given.
        text: String,
    },
    /// The line is not in the table.
    #[error(transparent)]
    UnknownLine(#[from] UnknownLine),
    /// A line was asked for on an axis that is not an energy.
    #[error("`{scalarizer}` needs an energy axis in keV or eV; axis `{axis}` is in `{units}`")]
    NotEnergy {
        /// The scalarizer.
        scalarizer: String,
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
