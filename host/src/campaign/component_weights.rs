//! What the components are that a campaign sought: their loadings as a figure, the weight of each channel as a
//! table.
//!
//! A component is a sum over channels, each times its weight; a spectrum is the components' sum, each times its
//! loading. Spectra that are weighted for the noise of counting have weights v/√m, with m the mean of a channel
//! and v a unit vector, and loadings v √m: what is rarely counted weighs much and shows little.

use super::Outcome;
use super::spectra::markers_of;
use crate::data::Channels;
use crate::experiment::Experiment;
use crate::figures::{Arrangement, Marker, SpectraFigure, Spectrum};
use crate::scalarizer::{Component, weighted_units};

/// The components that were sought last, with what a figure of them needs.
pub(super) struct ComponentWeights<'a> {
    channels: Channels,
    markers: Vec<Marker>,
    components: Vec<(String, &'a [f64])>,
    loadings: Vec<Vec<f64>>,
    units: String,
}

impl<'a> ComponentWeights<'a> {
    /// `None` where no component was learnt, and where the axis is not known.
    pub(super) fn new(outcome: &'a Outcome, experiment: &dyn Experiment) -> Option<Self> {
        let channels = experiment.channels()?;
        let first = outcome.components.first()?;
        let weights = |of: &'a Component| Some((of.to_string(), of.weights()?));
        let components = outcome.components.iter().filter_map(weights);
        let components: Vec<_> = components.collect();
        let mean = mean_spectrum(outcome, experiment, channels.coordinates.len());
        let mean = mean.filter(|_| first.is_of_counts());
        let loading = |(_, weights): &(String, &'a [f64])| match &mean {
            Some(mean) => weights.iter().zip(mean).map(|(w, m)| w * m).collect(),
            None => weights.to_vec(),
        };
        Some(Self {
            markers: markers_of(&channels, channels.is_energy_loss(), None),
            units: match &mean {
                Some(_) => weighted_units(&channels.units, true),
                None => String::new(),
            },
            loadings: components.iter().map(loading).collect(),
            components,
            channels,
        })
    }

    /// The loadings in their order.
    pub(super) fn spectra(&self) -> Vec<Spectrum<'_>> {
        let components = self.components.iter().zip(&self.loadings);
        components
            .map(|((label, _), values)| Spectrum { label, values })
            .collect()
    }

    /// The figure of [`Self::spectra`].
    pub(super) fn figure<'s>(&'s self, spectra: &'s [Spectrum<'s>]) -> SpectraFigure<'s> {
        SpectraFigure {
            axis: &self.channels.axis.name,
            axis_units: &self.channels.axis.units,
            coordinates: &self.channels.coordinates,
            quantity: "loading",
            units: &self.units,
            spectra,
            markers: &self.markers,
            shades: &[],
            range: None,
            arrangement: Arrangement::along(&self.channels.coordinates),
            narrow: false,
        }
    }

    /// `components.csv`: a row a channel, its place on the axis and its weight in each component.
    pub(super) fn table(&self) -> Vec<u8> {
        let mut table = csv::Writer::from_writer(Vec::new());
        let axis = &self.channels.axis;
        let place = match axis.units.as_str() {
            "" => axis.name.clone(),
            units => format!("{} ({units})", axis.name),
        };
        let names = self.components.iter().map(|(name, _)| name.clone());
        // To memory nothing fails.
        let _ = table.write_record(std::iter::once(place).chain(names));
        for (channel, place) in self.channels.coordinates.iter().enumerate() {
            let weights = self.components.iter().map(|(_, weights)| weights[channel]);
            let row = std::iter::once(*place).chain(weights);
            // Of a weight that is none no sign is written.
            let _ = table.write_record(row.map(|number| (number + 0.0).to_string()));
        }
        table.into_inner().unwrap_or_default()
    }
}

/// The mean of all spectra that were measured; `None` where the experiment keeps none.
fn mean_spectrum(
    outcome: &Outcome,
    experiment: &dyn Experiment,
    channels: usize,
) -> Option<Vec<f64>> {
    let measured = outcome.seeds.iter().chain(&outcome.steps);
    let spectra = measured.filter_map(|point| experiment.spectrum(point.pixel));
    let mut sum = vec![0.0; channels];
    let mut count = 0.0;
    for spectrum in spectra {
        count += 1.0;
        for (sum, value) in sum.iter_mut().zip(&spectrum) {
            *sum += value;
        }
    }
    (count > 0.0).then(|| sum.iter().map(|sum| sum / count).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_of_zero_has_no_sign() {
        let weights = ComponentWeights {
            channels: Channels::numbered(2, "X-rays"),
            markers: Vec::new(),
            components: vec![("component:1/1".to_owned(), &[-0.0, -1.5])],
            loadings: Vec::new(),
            units: String::new(),
        };
        let table = String::from_utf8(weights.table()).unwrap();
        assert_eq!(table, "channel,component:1/1\n0,0\n1,-1.5\n");
    }
}
