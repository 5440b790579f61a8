//! The spectra of a campaign that are worth showing.

use std::collections::BTreeMap;

use beacon_kernel::Pixel;

use super::{Measurement, Outcome};
use crate::data::{Behaviour, Channels};
use crate::experiment::Experiment;
use crate::figures::{
    Arrangement, Marker, Shade, SpectraFigure, Spectrum, edge_markers, main_line_markers,
};
use crate::scalarizer::{Scalarizer, Windows};

/// Share of all counts that the part of an X-ray spectrum in sight holds: what lies beyond is
/// background.
const IN_SIGHT: f64 = 0.98;

/// Spectra at chosen points, with what a figure of them needs.
pub(super) struct ChosenSpectra {
    channels: Channels,
    markers: Vec<Marker>,
    /// Whether these are lines of X-rays.
    lines: bool,
    /// Where the targets look.
    shades: Vec<Shade>,
    /// Where and why, and a value a channel.
    points: Vec<(String, Vec<f64>)>,
}

impl ChosenSpectra {
    /// The first seed, the strongest response, the first point on each rare behaviour that was
    /// found, and the last step; `None` where the experiment keeps no spectra.
    pub(super) fn new(outcome: &Outcome, experiment: &dyn Experiment) -> Option<Self> {
        let channels = experiment.channels()?;
        let width = experiment.image().width();
        let (seeds, steps) = (&outcome.seeds, &outcome.steps);
        let points: Vec<_> = chosen(seeds, steps, experiment.behaviours(), width)
            .into_iter()
            .filter_map(|(label, pixel)| Some((label, experiment.spectrum(pixel)?)))
            .collect();
        let names = std::iter::once(experiment.target().0);
        let names = names.chain(outcome.further.iter().map(|of| of.target.clone()));
        let targets: Vec<Scalarizer> = names.filter_map(|name| name.parse().ok()).collect();
        let of_each = targets.iter();
        let of_each =
            of_each.filter_map(|target| target.windows(&channels.coordinates, &channels.axis));
        let of_each: Vec<Windows> = of_each.collect();
        let losses = channels.is_energy_loss() || targets.iter().any(Scalarizer::is_of_losses);
        let mut signals = of_each.iter().flat_map(|windows| &windows.signal);
        let sought = signals.next().map(|(low, _)| *low);
        let markers = markers_of(&channels, losses, sought);
        (!points.is_empty()).then_some(Self {
            channels,
            markers,
            lines: !losses,
            shades: of_each.iter().flat_map(shades).collect(),
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
            coordinates: &channels.coordinates,
            quantity: &channels.quantity,
            units: &channels.units,
            spectra,
            markers: &self.markers,
            shades: &self.shades,
            range: self.range(),
            narrow: false,
            arrangement: Arrangement::along(&channels.coordinates),
        }
    }

    /// The part of an axis with X-ray lines that holds nearly all counts and every shade, up to a whole unit;
    /// all of any other axis.
    fn range(&self) -> Option<(f64, f64)> {
        let coordinates = &self.channels.coordinates;
        if self.markers.is_empty() || !self.lines || !coordinates.is_sorted() {
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
        let counted = end.map_or(last, |(_, x)| *x);
        let shaded = self.shades.iter().map(|shade| shade.high);
        Some((0.0, shaded.fold(counted, f64::max).ceil().min(last)))
    }
}

/// Edges where the axis is an energy loss, first those near the one that is sought; else lines of X-rays.
pub(super) fn markers_of(channels: &Channels, losses: bool, sought: Option<f64>) -> Vec<Marker> {
    if losses {
        let axis = &channels.axis;
        edge_markers(channels.range(), &axis.units, &channels.elements, sought)
    } else {
        main_line_markers(channels.elements.iter().map(String::as_str))
    }
}

fn shades(windows: &Windows) -> Vec<Shade> {
    let of = |ranges: &[(f64, f64)], background: bool| {
        let shade = |&(low, high): &(f64, f64)| Shade {
            low,
            high,
            background,
        };
        ranges.iter().map(shade).collect::<Vec<_>>()
    };
    [of(&windows.signal, false), of(&windows.background, true)].concat()
}

/// Labels and pixels by rising step, seeds before them; a point chosen for two reasons stands
/// once.
fn chosen(
    seeds: &[Measurement],
    steps: &[Measurement],
    behaviours: &[Behaviour],
    width: usize,
) -> Vec<(String, Pixel)> {
    let named = |name: &'static str, points| {
        let numbered = (1..).zip(points);
        numbered.map(move |(n, point): (usize, &Measurement)| (format!("{name} {n}"), *point))
    };
    let points: Vec<_> = named("seed", seeds).chain(named("step", steps)).collect();
    let strongest =
        (0..points.len()).max_by(|&a, &b| points[a].1.response.total_cmp(&points[b].1.response));
    let mut reasons: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    if !seeds.is_empty() {
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
    if !steps.is_empty() {
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

#[cfg(test)]
mod tests {
    use beacon_kernel::Candidate;

    use super::*;

    /// Points in one row, by column and response.
    fn points(points: &[(usize, f64)]) -> Vec<Measurement> {
        let point = |&(column, response): &(usize, f64)| Measurement {
            candidate: Candidate(column as u32),
            pixel: Pixel { row: 2, column },
            response,
            proposal: None,
            expected: None,
        };
        points.iter().map(point).collect()
    }

    /// Copper's Kα line lies at 8.05 keV, beyond nearly all counts.
    #[test]
    fn the_axis_reaches_as_far_as_the_windows_of_the_targets() {
        let coordinates: Vec<f64> = (0..200).map(|n| f64::from(n) / 10.0).collect();
        let mut axis = crate::data::Axis::pixels("energy", 200);
        "keV".clone_into(&mut axis.units);
        let target: Scalarizer = "line:Cu-Ka".parse().unwrap();
        let windows = target.windows(&coordinates, &axis).unwrap();
        let counts = coordinates.iter().map(|x| f64::from(u8::from(*x < 5.0)));
        let chosen = ChosenSpectra {
            points: vec![("seed 1".to_owned(), counts.collect())],
            channels: Channels {
                coordinates,
                axis,
                quantity: "X-rays".to_owned(),
                units: "counts".to_owned(),
                elements: vec!["Cu".to_owned()],
            },
            markers: main_line_markers(["Cu"]),
            lines: true,
            shades: shades(&windows),
        };
        let (_, end) = chosen.range().unwrap();
        let reach = windows.background.iter().map(|(_, high)| *high);
        assert!(end >= reach.fold(8.2, f64::max), "{end}");
        assert!(end < 12.0, "{end}");
    }

    #[test]
    fn the_first_the_strongest_the_rare_and_the_last_are_chosen_each_once() {
        let behaviour = |name: &str, rare, columns: &[usize]| Behaviour {
            name: name.to_owned(),
            rare,
            pixels: (0..30)
                .map(|i| i >= 20 && columns.contains(&(i - 20)))
                .collect(),
        };
        let behaviours = [
            behaviour("odd", true, &[4, 6]),
            behaviour("plain", false, &[3]),
            behaviour("never met", true, &[9]),
        ];
        let seeds = points(&[(0, 1.0), (1, 2.0)]);
        let steps = points(&[(3, 3.0), (4, 8.0), (5, 9.0), (6, 0.0)]);
        let labels = |seeds: &[_], steps: &[_]| -> Vec<String> {
            let chosen = chosen(seeds, steps, &behaviours, 10);
            chosen.into_iter().map(|(label, _)| label).collect()
        };
        assert_eq!(
            labels(&seeds, &steps),
            [
                "seed 1: row 2, column 0",
                "step 2: row 2, column 4 (odd)",
                "step 3: row 2, column 5 (strongest)",
                "step 4: row 2, column 6 (last)",
            ]
        );
        assert_eq!(
            labels(&[], &steps[1..2]),
            ["step 1: row 2, column 4 (strongest, odd, last)"]
        );
        assert!(labels(&[], &[]).is_empty());
    }
}
