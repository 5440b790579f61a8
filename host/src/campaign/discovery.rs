//! What a campaign found of the behaviours that an experiment is known to hold, and when.

use serde::{Deserialize, Serialize};

use super::Measurement;
#[cfg(feature = "figures")]
use super::Outcome;
use crate::data::Behaviour;
#[cfg(feature = "figures")]
use crate::page::Table;

/// What was found of one behaviour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// Name of the behaviour.
    pub behaviour: String,
    /// Whether it is one of the rare ones.
    pub rare: bool,
    /// Points measured on it, seeds included.
    pub points: usize,
    /// Step of the first of them, from 1; 0 for a seed, `None` when there is none.
    pub first_step: Option<usize>,
}

impl Discovery {
    /// What seeds and steps on an image of `width` columns found of a behaviour.
    pub(super) fn new(
        behaviour: &Behaviour,
        width: usize,
        seeds: &[Measurement],
        steps: &[Measurement],
    ) -> Self {
        let on_it = |point: &&Measurement| {
            let index = point.pixel.row * width + point.pixel.column;
            behaviour.pixels.get(index) == Some(&true)
        };
        let among_seeds = seeds.iter().filter(on_it).count();
        let first_step = steps.iter().position(|point| on_it(&point));
        Self {
            behaviour: behaviour.name.clone(),
            rare: behaviour.rare,
            points: among_seeds + steps.iter().filter(on_it).count(),
            first_step: if among_seeds > 0 {
                Some(0)
            } else {
                first_step.map(|index| index + 1)
            },
        }
    }
}

/// What each of several campaigns found, a row a behaviour; `None` where the experiment knows none.
#[cfg(feature = "figures")]
pub(super) fn table(outcomes: &[&Outcome]) -> Option<Table> {
    let behaviours = &outcomes.first()?.discoveries;
    let cell = |found: &Discovery| match found.first_step {
        Some(0) => format!("{}, from a seed", found.points),
        Some(step) => format!("{}, from step {step}", found.points),
        None => "none".to_owned(),
    };
    let rows = behaviours.iter().map(|behaviour| {
        let rare = if behaviour.rare { ", rare" } else { "" };
        let cells = outcomes.iter().map(|outcome| {
            let mut all = outcome.discoveries.iter();
            let found = all.find(|found| found.behaviour == behaviour.behaviour);
            found.map_or_else(String::new, cell)
        });
        let name = format!("{}{rare}", behaviour.behaviour);
        std::iter::once(name).chain(cells).collect()
    });
    let strategies = outcomes.iter().map(|outcome| &outcome.config.strategy);
    let header = std::iter::once("behaviour").chain(strategies.map(String::as_str));
    (!behaviours.is_empty()).then(|| Table {
        caption: "Points measured on each behaviour that the sample is known to hold, and the \
                  first of them."
            .to_owned(),
        header: header.map(str::to_owned).collect(),
        rows: rows.collect(),
    })
}

#[cfg(test)]
mod tests {
    use beacon_kernel::{Candidate, Pixel};

    use super::*;

    fn points(columns: &[usize]) -> Vec<Measurement> {
        let point = |&column: &usize| Measurement {
            candidate: Candidate(column as u32),
            pixel: Pixel { row: 1, column },
            response: 0.0,
            proposal: None,
            expected: None,
        };
        columns.iter().map(point).collect()
    }

    #[test]
    fn a_behaviour_is_found_at_its_first_step_or_among_the_seeds_or_never() {
        let behaviour = Behaviour {
            name: "odd".to_owned(),
            rare: true,
            pixels: (0..10).map(|i| i == 6 || i == 8).collect(),
        };
        for (seeds, steps, found, first) in [
            (&[0, 2][..], &[4, 1, 0, 3][..], 2, Some(2)),
            (&[0, 3], &[4, 1], 2, Some(0)),
            (&[0, 2], &[4], 0, None),
        ] {
            let discovery = Discovery::new(&behaviour, 5, &points(seeds), &points(steps));
            assert_eq!((discovery.points, discovery.first_step), (found, first));
        }
    }
}
