//! A new model: features of all candidates, then the factor of the points measured so far.

use core::ops::ControlFlow;

use super::{Explorer, LARGEST_TARGET, Process};
use crate::cnn::Layers;
use crate::grid::{Axes, WIDEST};
use crate::math::{larger, smaller, within};
use crate::network::{CHANNELS_1, LATENT};
use crate::{Architecture, Candidate, Candidates, Error, Model, Network, dense, filters};

impl Explorer<'_> {
    /// Takes a newly trained model: computes the features of all candidates, then the factor of
    /// the points measured so far.
    ///
    /// # Errors
    /// What [`Model::validate`] finds, [`Error::NoImage`] and [`Error::ModelWindow`] leave the
    /// explorer as it was. [`Error::NotFinite`] for a latent that overflowed leaves it without a
    /// model; after [`Error::NotPositiveDefinite`] or [`Error::Outlier`] it holds the new model but
    /// proposes nothing until a better one arrives. Measurements are kept in every case.
    pub fn load_model(&mut self, model: &Model<'_>) -> Result<(), Error> {
        self.load_model_watched(model, |_, _| ControlFlow::Continue(()))
            .map(|_| ())
    }

    /// [`Self::load_model`] in pieces: before each it asks `watch`, which is told how many pieces
    /// are done and how many there are. A break ends it there and leaves the explorer without a
    /// model; measurements are kept.
    ///
    /// # Errors
    /// As [`Self::load_model`].
    pub fn load_model_watched(
        &mut self,
        model: &Model<'_>,
        watch: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        model.validate()?;
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        if model.network.window() != candidates.window() {
            return Err(Error::ModelWindow {
                found: model.network.window(),
                expected: candidates.window(),
            });
        }
        self.process = None;
        self.preparation = None;
        let computed = self.compute_latents(model, candidates, watch)?;
        if computed.is_break() {
            return Ok(computed);
        }

        let latents = self
            .memory
            .latents
            .get_mut(..candidates.count())
            .unwrap_or_default();
        let bounds = scale_latents(latents, model.hyperparameters.lengthscale)?;
        self.process = Some(Process {
            hyperparameters: model.hyperparameters,
            standardisation: model.standardisation,
            space: model.space(),
            axes: Axes::spanning(bounds),
            swept: self.measured,
            groups: 0,
            updated: self.measured,
            spread: false,
        });
        self.factor.clear();
        self.absorb().map(|()| computed)
    }

    /// The features of all candidates by the fixed [filters], in half precision. The explorer
    /// computes them once for an image.
    ///
    /// # Errors
    /// [`Error::NoImage`], and [`Error::Window`] outside the windows of
    /// [`Architecture::Filters`].
    pub fn features(
        &mut self,
    ) -> Result<impl ExactSizeIterator<Item = [f32; filters::FEATURES]>, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let _ = self.compute_features(candidates, |_, _| ControlFlow::Continue(()))?;
        let features = self.memory.features.get(..candidates.count());
        Ok(features.unwrap_or_default().iter().map(filters::unpack))
    }

    /// Computes the features of the fixed filters unless they are those of the image already.
    fn compute_features(
        &mut self,
        candidates: Candidates,
        watch: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        if self.filtered {
            return Ok(ControlFlow::Continue(()));
        }
        Network::new(Architecture::Filters, candidates.window())?;
        // The memory of an update of the distances serves, and that of what is worked ahead: what is under
        // way begins again.
        self.distances_underway = None;
        self.preparation = None;
        let memory = &mut self.memory;
        let computed = filters::features(
            memory.image,
            candidates,
            (&mut *memory.next_distances, &mut *memory.workspace),
            memory.features,
            watch,
        )?;
        self.filtered = computed.is_continue();
        Ok(computed)
    }

    /// Latents of all candidates, in the network's own units.
    pub(super) fn compute_latents(
        &mut self,
        model: &Model<'_>,
        candidates: Candidates,
        mut watch: impl FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<ControlFlow<()>, Error> {
        if model.network.architecture() == Architecture::Filters {
            let computed = self.compute_features(candidates, watch)?;
            if computed.is_break() {
                return Ok(computed);
            }
            let memory = &mut self.memory;
            let features = memory.features.get(..candidates.count());
            filters::latents(model.weights, features.unwrap_or_default(), memory.latents);
            return Ok(computed);
        }
        let memory = &mut self.memory;
        let layers = Layers::new(model.network, model.weights)?;
        let (image, latents) = (&*memory.image, &mut *memory.latents);
        if model.network.architecture() == Architecture::Valid {
            let scratch = &mut *memory.workspace;
            return dense::features(&layers, image, candidates, latents, scratch, watch);
        }
        let (scratch, _) = memory.workspace.as_chunks_mut::<CHANNELS_1>();
        let numbered = latents.iter_mut().take(candidates.count());
        for (index, latent) in numbered.enumerate() {
            let corner = candidates.corner(Candidate(index as u32))?;
            let corner = (corner.row, corner.column);
            if corner.1 == 0 && watch(corner.0, candidates.rows()).is_break() {
                return Ok(ControlFlow::Break(()));
            }
            *latent = layers.patch(image, candidates.extended_width(), corner, scratch);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Adds the measured points that the Gaussian process lacks.
    pub(super) fn absorb(&mut self) -> Result<(), Error> {
        let process = self.process.ok_or(Error::NoModel)?;
        let known = self.factor.order();
        let mut placed = known;
        let mut outlier = Ok(());
        while placed < self.measured && outlier.is_ok() {
            outlier = self.place(placed, &process);
            placed += usize::from(outlier.is_ok());
        }
        let prepared = self.preparation.as_ref().is_some_and(|preparation| {
            let candidate = self.memory.measured.get(known);
            candidate.is_some_and(|&candidate| preparation.has_row(Candidate(candidate), known))
        });
        let memory = &mut self.memory;
        let extended = if prepared && placed == known + 1 {
            self.factor.adopt();
            Ok(())
        } else {
            let points = memory.points.get(..placed).unwrap_or_default();
            let at = (points, &*memory.places);
            let fill = |n: usize, row: &mut [f32]| process.covariances(at, n, row);
            self.factor.extend(placed, process.variance(), fill)
        };
        // One more step of forward substitution for each new row gives its entry of β.
        for n in known..self.factor.order() {
            let (earlier, rest) = memory.whitened.split_at_mut(n.min(memory.whitened.len()));
            if let (Some(own), Some(target), Some((diagonal, row))) = (
                rest.first_mut(),
                memory.targets.get(n),
                self.factor.row(n).split_last(),
            ) {
                let centred = target - process.hyperparameters.mean;
                *own = (centred - crate::math::dot(row, earlier)) / diagonal;
            }
        }
        extended.and(outlier)
    }

    /// Copies latent and place of measured point `n` and standardises its response.
    fn place(&mut self, n: usize, process: &Process) -> Result<(), Error> {
        let candidate = self.memory.measured.get(n).copied();
        let candidate = Candidate(candidate.ok_or(Error::NoMeasurement)?);
        self.stand(candidate, n)?;
        let memory = &mut self.memory;
        let (Some(&response), Some(target)) = (memory.responses.get(n), memory.targets.get_mut(n))
        else {
            return Err(Error::NoMeasurement);
        };
        *target = process.standardisation.standardise(response);
        if !within(*target, LARGEST_TARGET) {
            return Err(Error::Outlier { candidate });
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
        (points, places): (&[[f32; 2]], &[[f32; 2]]),
        n: usize,
        row: &mut [f32],
    ) {
        self.covariance().among(points)(n, row);
        if let (Some(space), Some(&own)) = (self.space, places.get(n)) {
            space.add_each(own, places, row);
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
