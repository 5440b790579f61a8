//! The spectra of a campaign that are worth showing.

use std::collections::BTreeMap;

use beacon_kernel::Pixel;

use super::{Measurement, Outcome};
use crate::microscope::{Channels, Microscope};
use crate::report::{Arrangement, Marker, SpectraFigure, Spectrum, main_line_markers};
use crate::specimen::Behaviour;

/// Share of all counts that the part of an X-ray spectrum in sight holds: what lies beyond is
/// background.
const IN_SIGHT: f64 = 0.98;

/// Spectra at chosen points, with what a figure of them needs.
pub(super) struct ChosenSpectra<'a> {
    channels: Channels<'a>,
    markers: Vec<Marker>,
    /// Where and why, and a value a channel.
    points: Vec<(String, Vec<f64>)>,
}

impl<'a> ChosenSpectra<'a> {
    /// The first seed, the strongest response, the first point on each rare behaviour that was
    /// found, and the last step; `None` where the microscope keeps no spectra.
    pub(super) fn new(outcome: &Outcome, microscope: &'a dyn Microscope) -> Option<Self> {
        let channels = microscope.channels()?;
        let width = microscope.image().width();
        let points: Vec<_> = chosen(outcome, microscope.behaviours(), width)
            .into_iter()
            .filter_map(|(label, pixel)| Some((label, microscope.spectrum(pixel)?)))
            .collect();
        let markers = main_line_markers(channels.elements.iter().copied());
        (!points.is_empty()).then_some(Self {
            channels,
            markers,
            points,
        })
    }

    /// The spectra by rising step.
    pub(super) fn spectra(&self) -> Vec<Spectrum<'_>> {
        let points = self.points.iter();
        points
            .map(|(label, values)| Spectrum { label, values })
            .collect()
    }

    /// The figure of [`Self::spectra`].
    pub(super) fn figure<'s>(&'s self, spectra: &'s [Spectrum<'s>]) -> SpectraFigure<'s> {
        let channels = &self.channels;
        SpectraFigure {
            axis: &channels.axis.name,
            axis_units: &channels.axis.units,
            coordinates: channels.coordinates,
            quantity: channels.quantity,
            units: channels.units,
            spectra,
            markers: &self.markers,
            range: self.range(),
            arrangement: if channels.coordinates.is_sorted()
                || channels.coordinates.is_sorted_by(|a, b| a >= b)
            {
                Arrangement::Stacked
            } else {
                Arrangement::Loops
            },
        }
    }

    /// The part of an axis with X-ray lines that holds nearly all counts, up to a whole unit;
    /// all of any other axis.
    fn range(&self) -> Option<(f64, f64)> {
        let coordinates = self.channels.coordinates;
        if self.markers.is_empty() || !coordinates.is_sorted() {
            return None;
        }
        let spectra = || self.points.iter().map(|(_, values)| values);
        let all: f64 = spectra().flatten().sum();
        let mut seen = 0.0;
        let end = coordinates.iter().enumerate().find(|&(channel, _)| {
            seen += spectra().map(|values| values[channel]).sum::<f64>();
            seen >= IN_SIGHT * all
        });
        let last = *coordinates.last()?;
        Some((0.0, end.map_or(last, |(_, x)| x.ceil().min(last))))
    }
}

/// Labels and pixels by rising step, seeds before them; a point chosen for two reasons stands
/// once.
fn chosen(outcome: &Outcome, behaviours: &[Behaviour], width: usize) -> Vec<(String, Pixel)> {
    let seeds = (1..).zip(&outcome.seeds);
    let seeds = seeds.map(|(n, point)| (format!("seed {n}"), point));
    let steps = (1..).zip(&outcome.steps);
    let steps = steps.map(|(n, point)| (format!("step {n}"), point));
    let points: Vec<(String, &Measurement)> = seeds.chain(steps).collect();
    let strongest =
        (0..points.len()).max_by(|&a, &b| points[a].1.response.total_cmp(&points[b].1.response));
    let mut reasons: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    if !outcome.seeds.is_empty() {
        reasons.entry(0).or_default();
    }
    if let Some(strongest) = strongest {
        reasons.entry(strongest).or_default().push("strongest");
    }
    for behaviour in behaviours.iter().filter(|behaviour| behaviour.rare) {
        let found = points.iter().position(|(_, point)| {
            let index = point.pixel.row * width + point.pixel.column;
            behaviour.pixels.get(index) == Some(&true)
        });
        if let Some(found) = found {
            reasons.entry(found).or_default().push(&behaviour.name);
        }
    }
    if !outcome.steps.is_empty() {
        reasons.entry(points.len() - 1).or_default().push("last");
    }
    let label = |(index, reasons): (usize, Vec<&str>)| {
        let (name, point) = &points[index];
        let Pixel { row, column } = point.pixel;
        let why = match reasons.join(", ") {
            none if none.is_empty() => none,
            why => format!(" ({why})"),
        };
        (
            format!("{name}: row {row}, column {column}{why}"),
            point.pixel,
        )
    };
    reasons.into_iter().map(label).collect()
}
