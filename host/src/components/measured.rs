//! Spectra as they are measured, and the bases learnt from them.

use serde::{Deserialize, Serialize};

use super::basis::same_axis;
use super::decomposition::{decompose, means};
use super::{Basis, ComponentsError, ComponentsTarget, Weighting};
use crate::data::Axis;
use crate::scalarizer::{Scalarizer, half_of_zero_peak};

/// Spectra that are learnt from at most.
pub const CAPACITY: usize = 512;

/// Spectra above this, in magnitude, cannot be squared and summed.
const MOST: f64 = 1e100;

/// One change of the basis, as an event: what it was learnt from, and by what it is recognised. Equal
/// spectra in equal order give equal changes on every machine, for any number of threads, so that whoever
/// replays a campaign learns each basis again and compares its identity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BasisChange {
    /// Number of the change, from 1.
    pub number: usize,
    /// What was asked for.
    pub target: ComponentsTarget,
    /// Spectra that were measured by then.
    pub spectra: usize,
    /// Spectra among them that the basis was learnt from.
    pub learnt_from: usize,
    /// Components that they have; beyond them all are 0.
    pub rank: usize,
    /// How they were weighted.
    pub weighting: Weighting,
    /// Whether the peak at zero energy was left out.
    pub without_zero_peak: bool,
    /// [`Basis::identity`].
    pub identity: String,
}

/// Whether half as many spectra again were measured since a basis was learnt.
pub(crate) fn is_outgrown(learnt_at: usize, spectra: usize) -> bool {
    spectra >= learnt_at + learnt_at.div_ceil(2)
}

/// The spectra measured so far, or some of them, and the basis learnt last.
///
/// Memory is bounded: at most [`CAPACITY`] spectra are kept, 8 MB for 2048 channels. When they are full,
/// every other one is dropped, and from then on every other one is taken, so that those kept are spread
/// evenly over all. Up to that number a basis is that of all spectra.
#[derive(Clone, Debug)]
pub struct MeasuredSpectra {
    target: ComponentsTarget,
    coordinates: Vec<f64>,
    axis: Axis,
    kept: Vec<Vec<f64>>,
    /// Every `stride`-th spectrum is kept, from the first.
    stride: usize,
    added: usize,
    /// Whether one of all spectra, kept or not, had a number below 0.
    has_negative: bool,
    without_zero_peak: bool,
    basis: Option<Basis>,
    changes: usize,
    /// Spectra at the last change.
    learnt_at: usize,
}

impl MeasuredSpectra {
    /// None yet, over the channels of an axis.
    ///
    /// # Errors
    /// When the axis has fewer channels than there are components.
    pub fn new(
        target: ComponentsTarget,
        coordinates: Vec<f64>,
        axis: Axis,
    ) -> Result<Self, ComponentsError> {
        if coordinates.len() < target.count() {
            return Err(ComponentsError::Channels {
                target,
                channels: coordinates.len(),
            });
        }
        Ok(Self {
            target,
            coordinates,
            axis,
            kept: Vec::new(),
            stride: 1,
            added: 0,
            has_negative: false,
            without_zero_peak: false,
            basis: None,
            changes: 0,
            learnt_at: 0,
        })
    }

    /// Goes on from a change, as if its spectra had been added and [`Self::update`] had followed them, but for
    /// the spectra themselves.
    #[must_use]
    pub(crate) fn after(mut self, last: Option<&BasisChange>) -> Self {
        if let Some(last) = last {
            self.without_zero_peak = last.without_zero_peak;
            self.changes = last.number;
        }
        self
    }

    /// Takes a spectrum. The basis stays what it is until [`Self::update`].
    ///
    /// # Errors
    /// When its length is not that of the axis, or a value is no number that can be squared; it is not
    /// counted then.
    pub fn add(&mut self, spectrum: &[f64]) -> Result<(), ComponentsError> {
        if spectrum.len() != self.coordinates.len() {
            return Err(ComponentsError::Length {
                found: spectrum.len(),
                expected: self.coordinates.len(),
            });
        }
        // NaN lies within nothing.
        let usable = |value: &f64| value.abs() <= MOST;
        if let Some(channel) = spectrum.iter().position(|value| !usable(value)) {
            return Err(ComponentsError::Value {
                channel,
                value: spectrum[channel],
            });
        }
        self.has_negative |= spectrum.iter().any(|&value| value < 0.0);
        if self.added.is_multiple_of(self.stride) && self.kept.len() == CAPACITY {
            let mut number = 0;
            self.kept.retain(|_| {
                number += 1;
                number % 2 == 1
            });
            self.stride *= 2;
        }
        if self.added.is_multiple_of(self.stride) {
            self.kept.push(spectrum.to_vec());
        }
        self.added += 1;
        Ok(())
    }

    /// Refuses spectra over another axis.
    ///
    /// # Errors
    /// When number or coordinates of the channels differ, or their units.
    pub fn check_axis(&self, coordinates: &[f64], axis: &Axis) -> Result<(), ComponentsError> {
        same_axis((&self.coordinates, &self.axis), (coordinates, axis))
    }

    /// Spectra that were measured so far.
    pub fn len(&self) -> usize {
        self.added
    }

    /// Whether nothing was measured yet.
    pub fn is_empty(&self) -> bool {
        self.added == 0
    }

    /// Whether a basis is worth learning: as soon as there are as many spectra as components, and then
    /// whenever half as many again were measured since. It depends on the number of spectra alone.
    pub fn is_due(&self) -> bool {
        if self.changes == 0 {
            return self.added >= self.target.count();
        }
        is_outgrown(self.learnt_at, self.added)
    }

    /// The basis learnt last; none before the first.
    pub fn basis(&self) -> Option<&Basis> {
        self.basis.as_ref()
    }

    /// Learns the basis of the spectra so far, and makes it the one in force. What was measured before
    /// is then to be evaluated anew.
    ///
    /// # Errors
    /// When there are fewer spectra than components, or all are zero: the basis stays what it was.
    pub fn update(&mut self) -> Result<BasisChange, ComponentsError> {
        let basis = self.learn()?;
        self.without_zero_peak |= basis.left_out.is_some();
        self.changes += 1;
        self.learnt_at = self.added;
        let change = BasisChange {
            number: self.changes,
            target: self.target,
            spectra: self.added,
            learnt_from: self.kept.len(),
            rank: basis.rank(),
            weighting: basis.weighting,
            without_zero_peak: self.without_zero_peak,
            identity: basis.identity(),
        };
        self.basis = Some(basis);
        Ok(change)
    }

    /// The basis of the spectra so far.
    pub(super) fn learn(&self) -> Result<Basis, ComponentsError> {
        if self.added < self.target.count() {
            return Err(ComponentsError::TooFew {
                target: self.target,
                spectra: self.added,
            });
        }
        let left_out = self.zero_peak();
        let is_used = |coordinate: &f64| match left_out {
            Some((low, high)) => !(low..=high).contains(coordinate),
            None => true,
        };
        let used: Vec<bool> = self.coordinates.iter().map(is_used).collect();
        let weighting = if self.has_negative {
            Weighting::Equal
        } else {
            Weighting::Counting
        };
        let found = decompose(&self.kept, &used, weighting, self.target.count())?;
        let mut weights = found.weights;
        weights.resize(self.target.count(), vec![0.0; self.coordinates.len()]);
        Ok(Basis {
            target: self.target,
            axis: self.axis.clone(),
            coordinates: self.coordinates.clone(),
            weighting,
            left_out,
            singular_values: found.singular_values,
            weights,
        })
    }

    /// The channels of the peak at zero energy, where they are to be left out: once they were, they stay
    /// so, that the components do not come and go with the thickness of the sample.
    fn zero_peak(&self) -> Option<(f64, f64)> {
        if self.target.keeps_zero_peak {
            return None;
        }
        let half = half_of_zero_peak(&self.coordinates, &self.axis.units)?;
        let mean = || means(&self.kept, &vec![true; self.coordinates.len()]);
        let energies = (self.coordinates.as_slice(), self.axis.units.as_str());
        let dominates =
            || self.without_zero_peak || Scalarizer::Sum.zero_peak_in(energies, mean).is_some();
        dominates().then_some((-half, half))
    }
}
