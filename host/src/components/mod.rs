//! Spectra without a scalarizer: the first components of the spectra that were measured so far.
//!
//! A [`ComponentsTarget`], written `spectrum` or `spectrum:N`, makes a vector of N numbers of a spectrum.
//! The components are those of multivariate statistical analysis of spectrum images, weighted for the
//! noise of counting (Keenan and Kotula, Surf. Interface Anal. 36, 203, 2004). D holds a spectrum a row,
//! g the mean of each spectrum, and h the mean spectrum:
//!
//! 1. D is scaled to diag(g)^-½ D diag(h)^-½. Counts have a variance equal to their mean, which is close to
//!    g hᵀ over the mean of all, so that every entry of the scaled matrix has the same variance.
//! 2. The right singular vectors v of the scaled matrix are taken in falling order of their singular
//!    values. Nothing is subtracted first: the first component of counts is their sum, but for a factor, and
//!    the others say how a spectrum departs from the mean spectrum.
//! 3. The entry of v that is largest in magnitude is positive, the first of several.
//! 4. A spectrum d has the components Σ d v / √h: its weights do not depend on its own mean, so that what
//!    a component is of two spectra together is the sum of what it is of each. Where spectra are counts,
//!    every component of the mean spectrum has the variance 1.
//!
//! Spectra with numbers below 0, such as hysteresis loops, are no counts: they are not weighted, g and h
//! being 1. Channels that were zero in all spectra have no weight. Where the peak at zero energy is most
//! of what was measured, as [`Scalarizer::zero_peak`](crate::scalarizer::Scalarizer::zero_peak) judges a
//! sum, its channels are left out, unless `@zero-peak` stands behind the target.
//!
//! [`MeasuredSpectra`] takes spectra as they come and says when a [`Basis`] is due. Each change of the basis
//! is a value, [`BasisChange`], by which a journal can tell that a replay learnt the same basis; after it
//! all that was measured is evaluated anew.
//!
//! ```
//! use beacon_host::components::MeasuredSpectra;
//! use beacon_host::data::Axis;
//!
//! let axis = Axis { units: "keV".to_owned(), scale: 0.01, ..Axis::pixels("Energy", 4) };
//! let mut measured = MeasuredSpectra::new("spectrum:2".parse()?, axis.values(), axis)?;
//! let spectra = [[9.0, 1.0, 0.0, 2.0], [8.0, 2.0, 0.0, 3.0], [1.0, 9.0, 0.0, 2.0]];
//! for spectrum in &spectra {
//!     measured.add(spectrum)?;
//! }
//! assert!(measured.is_due());
//! let change = measured.update()?;
//! assert_eq!((change.spectra, change.rank), (3, 2));
//! let basis = measured.basis().unwrap();
//! let vectors = basis.evaluate_all(&spectra)?;
//! assert_eq!(vectors[0].len(), 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod basis;
mod decomposition;
mod error;
mod measured;
#[cfg(test)]
mod tests;

pub use crate::scalarizer::{ComponentsTarget, MOST_COMPONENTS};
pub(crate) use basis::components_of_all;
pub use basis::{Basis, Weighting};
pub use error::ComponentsError;
pub(crate) use measured::is_outgrown;
pub use measured::{BasisChange, CAPACITY, MeasuredSpectra};
