//! What the components are that a campaign sought: the weight of each channel, as a figure and as a table.

use super::Outcome;
use super::spectra::markers_of;
use crate::data::Channels;
use crate::experiment::Experiment;
use crate::figures::{Arrangement, Marker, SpectraFigure, Spectrum};
use crate::scalarizer::Component;

/// The components that were sought last, with what a figure of them needs.
pub(super) struct ComponentWeights<'a> {
    channels: Channels,
    markers: Vec<Marker>,
    components: Vec<(String, &'a [f64])>,
    units: String,
}

impl<'a> ComponentWeights<'a> {
    /// `None` where no component was learnt, and where the axis is not known.
    pub(super) fn new(outcome: &'a Outcome, experiment: &dyn Experiment) -> Option<Self> {
        let channels = experiment.channels()?;
        let first = outcome.components.first()?;
        let weights = |of: &'a Component| Some((of.to_string(), of.weights()?));
        let components = outcome.components.iter().filter_map(weights);
        Some(Self {
            markers: markers_of(&channels, channels.is_energy_loss(), None),
            units: first.weight_units(&channels.units),
            components: components.collect(),
            channels,
        })
    }

    /// In their order.
    pub(super) fn spectra(&self) -> Vec<Spectrum<'_>> {
        let components = self.components.iter();
        components
            .map(|(label, values)| Spectrum { label, values })
            .collect()
    }

    /// The figure of [`Self::spectra`].
    pub(super) fn figure<'s>(&'s self, spectra: &'s [Spectrum<'s>]) -> SpectraFigure<'s> {
        SpectraFigure {
            axis: &self.channels.axis.name,
            axis_units: &self.channels.axis.units,
            coordinates: &self.channels.coordinates,
            quantity: "weight of a channel",
            units: &self.units,
            spectra,
            markers: &self.markers,
            shades: &[],
            range: None,
            arrangement: Arrangement::Stacked,
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
            let _ = table.write_record(row.map(|number| number.to_string()));
        }
        table.into_inner().unwrap_or_default()
    }
}
