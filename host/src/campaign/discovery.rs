//! What a campaign found of the behaviours that a microscope is known to hold, and when.

use serde::{Deserialize, Serialize};

use super::Measurement;
use crate::specimen::Behaviour;

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
