//! A new model: latents of all candidates, then the factor of the points measured so far.

use core::ops::ControlFlow;

use super::{Explorer, LARGEST_TARGET, Process};
use crate::gp::{self, NewRows};
use crate::grid::{Axes, WIDEST};
use crate::math::{larger, smaller, within};
use crate::network::LATENT;
use crate::{Candidate, Candidates, Error, MOST_RESPONSES, Model, Standardisation};

impl Explorer<'_> {
    /// Takes a newly trained model: computes the features of all candidates, then the factor of
    /// the points measured so far.
    ///
    /// # Errors
    /// What [`Model::validate`] finds, [`Error::NoImage`], [`Error::ModelWindow`] and
    /// [`Error::ModelResponses`] leave the model before in force. [`Error::NotFinite`] for a latent that overflowed leaves the explorer without
    /// one; after [`Error::NotPositiveDefinite`] or [`Error::Outlier`] it holds the new model but
    /// proposes nothing until a better one arrives. Measurements are kept in every case.
    pub fn load_model(&mut self, model: &Model<'_>) -> Result<(), Error> {
        self.forget_evaluation();
        self.adopt(model)
    }

    /// [`Self::load_model`] in pieces: before each it asks `watch`, which is told how many pieces
    /// are done and how many there are. A break ends it there and leaves the model before in force.
    ///
    /// # Errors
    /// As [`Self::load_model`].
    pub fn load_model_watched(
        &mut self,
        model: &Model<'_>,
        watch: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        self.forget_evaluation();
        let evaluated = self.finish_evaluation(model, watch)?;
        if evaluated.is_continue() {
            self.adopt(model)?;
        }
        Ok(evaluated)
    }

    /// Takes the model whose weights [`Self::evaluate`] was given: does what is left of their evaluation, if
    /// anything is, and computes the factor of the points measured so far.
    ///
    /// # Errors
    /// As [`Self::load_model`].
    pub fn adopt(&mut self, model: &Model<'_>) -> Result<(), Error> {
        self.adopt_by(model, gp::alone)
    }

    /// [`Self::adopt`], for which `share` works out the rows of the factor.
    pub(super) fn adopt_by(
        &mut self,
        model: &Model<'_>,
        share: impl FnMut(&mut [NewRows<'_>]),
    ) -> Result<(), Error> {
        let _ = self.finish_evaluation(model, |_, _| ControlFlow::Continue(()))?;
        let count = self.candidates.ok_or(Error::NoImage)?.count();
        self.evaluation = None;
        self.process = None;
        self.preparation = None;
        let memory = &mut self.memory;
        let latents = memory.latents.get_mut(..count).unwrap_or_default();
        let both = memory.own[0].plane.iter().zip(&*memory.slopes);
        for (latent, (&x, &y)) in latents.iter_mut().zip(both) {
            *latent = [x, y];
        }
        let bounds = scale_latents(latents, model.hyperparameters.lengthscale)?;
        let space = model.space();
        if let Some(space) = space {
            space.tabulate(memory.falloff);
        }
        let mut standardisations = [Standardisation::IDENTITY; MOST_RESPONSES];
        for (own, given) in standardisations.iter_mut().zip(model.standardisations()) {
            *own = *given;
        }
        self.process = Some(Process {
            hyperparameters: model.hyperparameters,
            standardisations,
            space,
            axes: Axes::spanning(bounds),
            swept: self.held,
            groups: 0,
            updated: self.held,
            spread: 0,
        });
        self.factor.clear();
        self.absorb_by(share)
    }

    /// Adds the measured points that the Gaussian process lacks.
    pub(super) fn absorb(&mut self) -> Result<(), Error> {
        self.absorb_by(gp::alone)
    }

    /// [`Self::absorb`], for which `share` works out the rows of the factor.
    fn absorb_by(&mut self, share: impl FnMut(&mut [NewRows<'_>])) -> Result<(), Error> {
        let process = self.process.ok_or(Error::NoModel)?;
        let known = self.factor.order();
        let mut placed = known;
        let mut outlier = Ok(());
        while placed < self.held && outlier.is_ok() {
            outlier = self.place(placed, &process);
            placed += usize::from(outlier.is_ok());
        }
        let prepared = self.preparation.as_ref().is_some_and(|preparation| {
            let candidate = self.held_candidate(known);
            candidate.is_some_and(|candidate| preparation.has_row(candidate, known))
        });
        let memory = &mut self.memory;
        let extended = if prepared && placed == known + 1 {
            self.factor.adopt();
            Ok(())
        } else {
            let points = memory.points.get(..placed).unwrap_or_default();
            let at = (points, &*memory.places, &*memory.falloff);
            let fill = |n: usize, row: &mut [f32]| process.covariances(at, n, row);
            self.factor.extend(placed, process.variance(), fill, share)
        };
        // One more step of forward substitution for each new row gives its entry of β.
        for n in known..self.factor.order() {
            let Some((diagonal, row)) = self.factor.row(n).split_last() else {
                break;
            };
            for own in memory.own.iter_mut().take(self.responses) {
                let (earlier, rest) = own.whitened.split_at_mut(n.min(own.whitened.len()));
                if let (Some(entry), Some(target)) = (rest.first_mut(), own.targets.get(n)) {
                    let centred = target - process.hyperparameters.mean;
                    *entry = (centred - crate::math::dot(row, earlier)) / diagonal;
                }
            }
        }
        extended.and(outlier)
    }

    /// Copies latent and place of measured point `n` and standardises its responses.
    fn place(&mut self, n: usize, process: &Process) -> Result<(), Error> {
        let candidate = self.held_candidate(n).ok_or(Error::NoMeasurement)?;
        self.stand(candidate, n)?;
        let all = self.memory.own.iter_mut().zip(&process.standardisations);
        for (response, (own, standardisation)) in all.enumerate().take(self.responses) {
            let (Some(&raw), Some(target)) = (own.responses.get(n), own.targets.get_mut(n)) else {
                return Err(Error::NoMeasurement);
            };
            *target = standardisation.standardise(raw);
            if !within(*target, LARGEST_TARGET) {
                return Err(Error::Outlier {
                    candidate,
                    response,
                });
            }
        }
        Ok(())
    }
}

impl Process {
    /// Writes the covariances of a measured point with all before it.
    // The factor asks for it from several places, and the fastest memory is small.
    #[inline(never)]
    pub(super) fn covariances(
        &self,
        (points, places, falloff): (&[[f32; 2]], &[[f32; 2]], &[f32]),
        n: usize,
        row: &mut [f32],
    ) {
        self.covariance().among(points)(n, row);
        if let (Some(space), Some(&own)) = (self.space, places.get(n)) {
            space.add_each(falloff, own, places, row);
        }
    }
}

/// Row and column of a candidate among the candidates.
pub(super) fn lattice(candidates: Candidates, candidate: Candidate) -> Result<[f32; 2], Error> {
    let corner = candidates.corner(candidate)?;
    Ok([corner.row as f32, corner.column as f32])
}

/// Divides latents by their lengthscale and bounds the plane they span to [`WIDEST`] lengthscales: what
/// lies beyond, along an axis, moves to the border. Returns the latents' box.
pub(super) fn scale_latents(
    latents: &mut [[f32; LATENT]],
    lengthscale: [f32; LATENT],
) -> Result<([f32; LATENT], [f32; LATENT]), Error> {
    let mut low = [f32::INFINITY; LATENT];
    let mut high = [f32::NEG_INFINITY; LATENT];
    for (index, latent) in latents.iter_mut().enumerate() {
        let axes = latent.iter_mut().zip(lengthscale);
        for ((x, lengthscale), (low, high)) in axes.zip(low.iter_mut().zip(&mut high)) {
            *x /= lengthscale;
            // At this bound the square of a distance is still finite.
            if !within(*x, 1e15) {
                return Err(Error::NotFinite {
                    what: "latent",
                    index,
                });
            }
            *low = smaller(*low, *x);
            *high = larger(*high, *x);
        }
    }
    for (axis, (low, high)) in low.iter_mut().zip(&mut high).enumerate() {
        if *high - *low > WIDEST {
            (*low, *high) = crowded(latents, axis, (*low, *high));
            for latent in &mut *latents {
                latent[axis] = smaller(larger(latent[axis], *low), *high);
            }
        }
    }
    Ok((low, high))
}

/// The part of an axis, [`WIDEST`] long, about which the latents crowd: by their mean within an interval
/// that shrinks fourfold towards it at each pass, so that a few far away do not count.
fn crowded(latents: &[[f32; LATENT]], axis: usize, (lowest, highest): (f32, f32)) -> (f32, f32) {
    let (mut low, mut high) = (lowest, highest);
    let mut reach = 0.5 * (high - low);
    while reach > 0.5 * WIDEST {
        let along = latents.iter().map(|latent| latent[axis]);
        let inside = along.filter(|x| (low..=high).contains(x));
        let (sum, count) = inside.fold((0.0, 0.0), |(sum, count), x| (sum + x, count + 1.0_f32));
        let centre = if count > 0.0 {
            sum / count
        } else {
            0.5 * (low + high)
        };
        reach = larger(0.25 * reach, 0.5 * WIDEST);
        let centre = smaller(larger(centre, lowest + reach), highest - reach);
        (low, high) = (centre - reach, centre + reach);
    }
    (low, high)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latents_within_the_widest_span_stay_where_they_are() {
        let mut latents = [[0.0, 3.0], [44.9, 1.0], [20.0, 2.0]];
        let bounds = scale_latents(&mut latents, [2.0, 1.0]).unwrap();
        assert_eq!(latents, [[0.0, 3.0], [22.45, 1.0], [10.0, 2.0]]);
        assert_eq!(bounds, ([0.0, 1.0], [22.45, 3.0]));
    }

    /// Whatever the outlier's distance, the plane stays about the many.
    #[test]
    fn a_latent_far_from_all_others_moves_to_the_border() {
        for far in [40.0, 1e3, -1e6, 9e14] {
            let mut latents: Vec<[f32; LATENT]> =
                (0..2401).map(|i| [(i % 49) as f32 / 7.0, 0.0]).collect();
            latents[77][0] = far;
            let before = latents.clone();
            let (low, high) = scale_latents(&mut latents, [1.0; 2]).unwrap();
            assert!(
                (high[0] - low[0] - WIDEST).abs() < 1e-5,
                "{far}: {low:?} {high:?}"
            );
            assert_eq!(latents[77][0], if far > 0.0 { high[0] } else { low[0] });
            latents[77] = before[77];
            assert_eq!(latents, before, "{far}");
        }
    }

    #[test]
    fn two_crowds_far_apart_stay_two() {
        let mut latents: Vec<[f32; LATENT]> = (0..100)
            .map(|i| [0.0, if i % 2 == 0 { -1e6 } else { 1e6 }])
            .collect();
        let (low, high) = scale_latents(&mut latents, [1.0; 2]).unwrap();
        assert!(high[1] - low[1] <= WIDEST);
        assert!(
            latents
                .iter()
                .enumerate()
                .all(|(i, latent)| latent[1] == if i % 2 == 0 { low[1] } else { high[1] })
        );
    }
}
