//! The weights that make components of a spectrum.

use crc::{CRC_64_XZ, Crc};
use serde::{Deserialize, Serialize};

use super::{CAPACITY, ComponentsError, ComponentsTarget, MeasuredSpectra};
use crate::data::{Axis, Map, Spectra};
use crate::scalarizer::{Component, Scalarizer, sum_of_products as dot, weighted_units};

/// How spectra were weighted while their components were learnt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Weighting {
    /// For the noise of counting, by the mean spectrum and the mean of each spectrum.
    Counting,
    /// All alike: some numbers are below 0, which counts never are.
    Equal,
}

/// Components of spectra over one axis, learnt from some of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Basis {
    pub(super) target: ComponentsTarget,
    pub(super) axis: Axis,
    pub(super) coordinates: Vec<f64>,
    pub(super) weighting: Weighting,
    pub(super) left_out: Option<(f64, f64)>,
    pub(super) singular_values: Vec<f64>,
    /// A row a component; those that the spectra do not have are zero.
    pub(super) weights: Vec<Vec<f64>>,
}

impl Basis {
    /// The basis of all spectra of an image, or of [`CAPACITY`] spread over it: what components are to be
    /// judged by, since it does not depend on what a campaign measured. Pixels without numbers are left
    /// out.
    ///
    /// # Errors
    /// When there are too few spectra or channels, or all are zero.
    pub fn of_all(target: ComponentsTarget, spectra: &Spectra) -> Result<Self, ComponentsError> {
        let mut measured = MeasuredSpectra::new(
            target,
            spectra.coordinates.clone(),
            spectra.channels.clone(),
        )?;
        let pixels = spectra.height() * spectra.width();
        let step = spreading(pixels);
        let mut spectrum = Vec::new();
        for number in 0..pixels {
            let pixel = number * step % pixels;
            spectra.copy_into(
                pixel / spectra.width(),
                pixel % spectra.width(),
                &mut spectrum,
            );
            if spectrum.iter().all(|value| value.is_finite()) {
                measured.add(&spectrum)?;
            }
            if measured.len() == CAPACITY {
                break;
            }
        }
        measured.learn()
    }

    /// What was asked for.
    pub fn target(&self) -> ComponentsTarget {
        self.target
    }

    /// Numbers that a spectrum becomes.
    pub fn count(&self) -> usize {
        self.weights.len()
    }

    /// Components that the spectra have; beyond them all are 0. Equal spectra have one.
    pub fn rank(&self) -> usize {
        self.singular_values.len()
    }

    /// How the spectra were weighted.
    pub fn weighting(&self) -> Weighting {
        self.weighting
    }

    /// Lowest and highest coordinate of the channels that were left out as the peak at zero energy.
    pub fn left_out(&self) -> Option<(f64, f64)> {
        self.left_out
    }

    /// Singular values of the scaled spectra, falling, as many as the rank.
    pub fn singular_values(&self) -> &[f64] {
        &self.singular_values
    }

    /// What each channel counts in each component, a row a component: a component is the sum of the
    /// products of channels and weights.
    pub fn weights(&self) -> &[Vec<f64>] {
        &self.weights
    }

    /// CRC-64/XZ, in hexadecimal, of the target and of every bit of coordinates and weights. Equal bases
    /// have equal ones on every machine.
    pub fn identity(&self) -> String {
        const CHECKSUM: Crc<u64> = Crc::<u64>::new(&CRC_64_XZ);
        let mut digest = CHECKSUM.digest();
        digest.update(self.target.to_string().as_bytes());
        for value in self.coordinates.iter().chain(self.weights.iter().flatten()) {
            digest.update(&value.to_le_bytes());
        }
        format!("{:016x}", digest.finalize())
    }

    /// The components of a spectrum; all are NaN where one of its numbers is.
    ///
    /// # Errors
    /// When the spectrum has more or fewer channels than the axis.
    pub fn evaluate(&self, spectrum: &[f64]) -> Result<Vec<f64>, ComponentsError> {
        if spectrum.len() != self.coordinates.len() {
            return Err(ComponentsError::Length {
                found: spectrum.len(),
                expected: self.coordinates.len(),
            });
        }
        let components = self.weights.iter();
        Ok(components.map(|weights| dot(weights, spectrum)).collect())
    }

    /// The components of each of several spectra: what was measured, after a change of the basis.
    ///
    /// # Errors
    /// As [`Self::evaluate`].
    pub fn evaluate_all(
        &self,
        spectra: impl IntoIterator<Item = impl AsRef<[f64]>>,
    ) -> Result<Vec<Vec<f64>>, ComponentsError> {
        let spectra = spectra.into_iter();
        spectra
            .map(|spectrum| self.evaluate(spectrum.as_ref()))
            .collect()
    }

    /// A map of each component, with the axes of the scan.
    ///
    /// # Errors
    /// When the spectra are over another axis.
    pub fn maps(&self, spectra: &Spectra) -> Result<Vec<Map>, ComponentsError> {
        self.check_axis(&spectra.coordinates, &spectra.channels)?;
        let pixels = spectra.height() * spectra.width();
        let mut maps: Vec<Map> = (1..=self.count())
            .map(|number| Map {
                values: Vec::with_capacity(pixels),
                rows: spectra.rows.clone(),
                columns: spectra.columns.clone(),
                quantity: format!("component {number}"),
                units: self.units(&spectra.units),
            })
            .collect();
        let mut spectrum = Vec::with_capacity(self.coordinates.len());
        for pixel in 0..pixels {
            spectra.copy_into(
                pixel / spectra.width(),
                pixel % spectra.width(),
                &mut spectrum,
            );
            for (map, weights) in maps.iter_mut().zip(&self.weights) {
                map.values.push(dot(weights, &spectrum));
            }
        }
        Ok(maps)
    }

    /// Units of the components of spectra whose values have these: weighted counts are divided by the
    /// root of a count.
    pub fn units(&self, values: &str) -> String {
        weighted_units(values, self.weighting == Weighting::Counting)
    }

    /// The components as scalarizers.
    pub fn components(&self) -> impl Iterator<Item = Component> {
        let counting = self.weighting == Weighting::Counting;
        let each = self.target.components().zip(&self.weights);
        each.map(move |(component, weights)| component.learnt(weights, counting))
    }

    /// Refuses spectra over another axis.
    ///
    /// # Errors
    /// When number or coordinates of the channels differ, or their units.
    pub fn check_axis(&self, coordinates: &[f64], axis: &Axis) -> Result<(), ComponentsError> {
        same_axis((&self.coordinates, &self.axis), (coordinates, axis))
    }
}

/// These targets, the components among them learnt from all of these spectra, as by [`Basis::of_all`].
///
/// # Errors
/// As [`Basis::of_all`].
pub(crate) fn components_of_all(
    spectra: &Spectra,
    targets: &[Scalarizer],
) -> Result<Vec<Scalarizer>, ComponentsError> {
    let mut learnt = targets.to_vec();
    let component = |target: &Scalarizer| match target {
        Scalarizer::Component(component) => Some(component.of()),
        _ => None,
    };
    let Some(sought) = learnt.iter().find_map(component) else {
        return Ok(learnt);
    };
    let basis = Basis::of_all(sought, spectra)?;
    for of_all in basis.components().map(Scalarizer::Component) {
        for target in &mut learnt {
            if *target == of_all {
                *target = of_all.clone();
            }
        }
    }
    Ok(learnt)
}

/// A step that leads through all of so many pixels, any few in a row spread over them: close to the golden
/// section of their number and without a factor in common with it.
fn spreading(pixels: usize) -> usize {
    const GOLDEN: f64 = 0.618_033_988_749_894_9;
    let common_factor = |mut a: usize, mut b: usize| {
        while b > 0 {
            (a, b) = (b, a % b);
        }
        a
    };
    let wanted = ((pixels as f64 * GOLDEN) as usize).max(1);
    let mut steps = wanted..;
    steps
        .find(|&step| common_factor(step, pixels) == 1)
        .unwrap_or(1)
}

/// Refuses an axis of other channels than those expected.
pub(super) fn same_axis(
    expected: (&[f64], &Axis),
    found: (&[f64], &Axis),
) -> Result<(), ComponentsError> {
    if expected.0 == found.0 && expected.1.units.trim() == found.1.units.trim() {
        return Ok(());
    }
    let text = |(coordinates, axis): (&[f64], &Axis)| {
        let ends = coordinates.first().zip(coordinates.last());
        let ends = ends.map_or_else(String::new, |(first, last)| format!(", {first}..{last}"));
        let (name, channels) = (&axis.name, coordinates.len());
        let text = format!("axis `{name}` of {channels} channels{ends} {}", axis.units);
        text.trim_end().to_owned()
    };
    Err(ComponentsError::OtherAxis {
        found: text(found),
        expected: text(expected),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pixel_is_taken_once_and_some_in_a_row_lie_everywhere() {
        for pixels in [1, 2, 3, 4, 35, 64, 1000, 4096] {
            let step = spreading(pixels);
            let mut order: Vec<usize> = (0..pixels).map(|n| n * step % pixels).collect();
            if pixels == 4096 {
                // Of 512, eight would lie in each block of 8 x 8 pixels were they spread evenly.
                for block in 0..64 {
                    let is_in = |pixel: &&usize| {
                        **pixel / 64 / 8 == block / 8 && **pixel % 64 / 8 == block % 8
                    };
                    let there = order[..512].iter().filter(is_in).count();
                    assert!((6..=10).contains(&there), "block {block}: {there}");
                }
            }
            order.sort_unstable();
            assert!(order.into_iter().eq(0..pixels), "{pixels}");
        }
    }
}
