//! The sample's steps: its prior, the noise at the points, and a and b at the candidates.

use core::ops::Range;

use super::super::{Explorer, Process};
use super::Preparation;
use crate::grid::{self, Grid, PASS};
use crate::math::dot;
use crate::random::Random;
use crate::storage::Ahead;
use crate::thompson::{FourierFeature, amplitude};
use crate::vectors::{self, Vector};
use crate::{Candidates, Error, MOST_RESPONSES};

impl Preparation {
    /// The next number of the response's deviations: standard normal, mixed from all streams up to its own.
    fn normal(&mut self) -> f32 {
        let [first, others @ ..] = &mut self.random;
        let own = first.normal();
        let [share, shares @ ..] = match self.mixing.get(self.response) {
            Some(row) if self.response > 0 => *row,
            _ => return own,
        };
        let others = others.iter_mut().zip(shares).take(self.response);
        others.fold(share * own, |sum, (random, share)| {
            sum + share * random.normal()
        })
    }

    /// The next feature of the response's prior.
    fn feature(&mut self, amplitude: f32) -> FourierFeature {
        let [first, others @ ..] = &mut self.random;
        let mut feature = FourierFeature::draw(first, amplitude);
        if let Some([share, shares @ ..]) = self.mixing.get(self.response)
            && self.response > 0
        {
            feature.weight *= share;
            for (random, share) in others.iter_mut().zip(shares).take(self.response) {
                feature.weight += share * (amplitude * random.normal());
            }
        }
        feature
    }
}

impl Explorer<'_> {
    /// The front of the workspace and the rest of it.
    fn ahead(&mut self) -> (Ahead<'_>, &mut [f32]) {
        Ahead::split(self.memory.workspace, self.memory.capacity.measurements)
    }

    /// Restarts the streams of random numbers for the sample of a response. The first one's beginning is that
    /// of all.
    pub(super) fn begin_sample(
        &mut self,
        preparation: &mut Preparation,
        process: &Process,
    ) -> Result<(), Error> {
        let known = preparation.known;
        // What was dropped counts among the steps.
        let step = self.measured - self.held + known + 1;
        preparation.random[0] = Random::new(self.seed, step);
        for (n, random) in preparation.random.iter_mut().enumerate().skip(1) {
            if n <= preparation.response {
                *random = Random::beside(self.seed, step, n);
            }
        }
        if preparation.response == 0 {
            self.stand(preparation.candidate, known)?;
            if self.responses > 1 {
                let own = self.memory.own.each_ref();
                let whitened = own.map(|own| own.whitened.get(..known).unwrap_or_default());
                let whitened = whitened.get(..self.responses).unwrap_or_default();
                preparation.mixing = vectors::shrunk(whitened, [0.0; MOST_RESPONSES]);
            }
        }
        let first = preparation.response == 0;
        let (ahead, _) = self.ahead();
        grid::clear(process.axes, ahead.values);
        if first {
            grid::clear(process.axes, ahead.slopes);
        }
        Ok(())
    }

    /// Draws the next features of the prior and adds them at the nodes.
    pub(super) fn add_features(&mut self, preparation: &mut Preparation, process: &Process) {
        // Any point of the candidates' box serves.
        let origin = self.memory.points.first().copied().unwrap_or_default();
        let tempered = preparation.temperature * preparation.temperature;
        let amplitude = amplitude(tempered * process.hyperparameters.outputscale);
        let features: [FourierFeature; PASS] =
            core::array::from_fn(|_| preparation.feature(amplitude));
        let (ahead, scratch) = self.ahead();
        if let Some(mut grid) = Grid::of(process.axes, ahead.values, scratch) {
            grid.add_features(&features, origin);
        }
    }

    /// Draws the noise at some of the points before: r₍₎.
    pub(super) fn draw_targets(
        &mut self,
        preparation: &mut Preparation,
        process: &Process,
        some: Range<usize>,
    ) {
        let mean = process.hyperparameters.mean;
        let deviation = noise_deviation(preparation.temperature, process);
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let prior = |point: &[f32; 2]| process.axes.stencil(*point).apply(ahead.values);
        let Some(own) = memory.own.get(preparation.response) else {
            return;
        };
        let weights = ahead.weights.get_mut(some.clone()).unwrap_or_default();
        let points = memory.points.get(some.clone()).unwrap_or_default();
        let targets = own.targets.get(some).unwrap_or_default();
        let measured = points.iter().zip(targets);
        for (weight, (point, target)) in weights.iter_mut().zip(measured) {
            *weight = target - mean - prior(point) - deviation * preparation.normal();
        }
    }

    /// L⁻¹r₍₎ where the factor has the point's row.
    pub(super) fn solve_targets(&mut self, known: usize) {
        let (ahead, _) = Ahead::split(self.memory.workspace, self.memory.capacity.measurements);
        let weights = ahead.weights.get_mut(..known).unwrap_or_default();
        self.factor.solve_lower(weights);
    }

    /// o, with the noise at the point itself.
    pub(super) fn draw_offset(&mut self, preparation: &mut Preparation, process: &Process) {
        let known = preparation.known;
        let deviation = noise_deviation(preparation.temperature, process);
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let prior = |point: &[f32; 2]| process.axes.stencil(*point).apply(ahead.values);
        let own = memory.points.get(known).map_or(0.0, prior);
        let weights = ahead.weights.get(..known).unwrap_or_default();
        let explained = dot(self.factor.row(known), weights);
        let noise = deviation * preparation.normal();
        if let Some(offset) = preparation.offset.get_mut(preparation.response) {
            *offset = process.hyperparameters.mean + own + noise + explained;
        }
    }

    /// Adds what some of the points contribute to a of a response at the nodes, and to b, with the first.
    pub(super) fn add_covariances(
        &mut self,
        response: usize,
        some: Range<usize>,
        process: &Process,
    ) {
        let memory = &mut self.memory;
        let (ahead, scratch) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let points = memory.points.get(some.clone()).unwrap_or_default();
        let weights = ahead.weights.get(some.clone()).unwrap_or_default();
        let direction = ahead.direction.get(some).unwrap_or_default();
        let (axes, covariance) = (process.axes, process.covariance());
        let values = (ahead.values, weights);
        if response == 0 {
            let functions = [values, (ahead.slopes, direction)];
            grid::add_covariances_to_each(axes, covariance, points, functions, scratch);
        } else {
            grid::add_covariances_to_each(axes, covariance, points, [values], scratch);
        }
    }

    /// a of a response at the candidates, and b with the first.
    fn planes(&mut self, response: usize, count: usize) -> [&mut [f32]; 2] {
        let own = self.memory.own.get_mut(response);
        let plane = own.and_then(|own| own.plane.get_mut(..count));
        let slopes = if response == 0 { count } else { 0 };
        let slopes = self.memory.slopes.get_mut(..slopes);
        [plane, slopes].map(Option::unwrap_or_default)
    }

    pub(super) fn clear_plane(&mut self, response: usize, candidates: Candidates) {
        if let Some(process) = &mut self.process {
            process.spread = 0;
        }
        for plane in self.planes(response, candidates.count()) {
            plane.fill(0.0);
        }
    }

    pub(super) fn share_along(
        &mut self,
        response: usize,
        some: Range<usize>,
        candidates: Candidates,
        process: &Process,
    ) {
        let Some(space) = process.space else { return };
        let (columns, count) = (candidates.columns(), candidates.count());
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let places = memory.places.get(some.clone()).unwrap_or_default();
        let Some(own) = memory.own.get_mut(response) else {
            return;
        };
        let functions = [
            (ahead.weights, &mut *own.plane),
            (ahead.direction, &mut *memory.slopes),
        ];
        let both = if response == 0 { 2 } else { 1 };
        for (weights, plane) in functions.into_iter().take(both) {
            let weights = weights.get(some.clone()).unwrap_or_default();
            let plane = plane.get_mut(..count).unwrap_or_default();
            space.spread_along(columns, memory.falloff, (places, weights), plane);
        }
    }

    pub(super) fn share_down(
        &mut self,
        response: usize,
        some: Range<usize>,
        candidates: Candidates,
        process: &Process,
    ) {
        let Some(space) = process.space else { return };
        for plane in self.planes(response, candidates.count()) {
            if !plane.is_empty() {
                space.spread_down(candidates.columns(), some.clone(), plane);
            }
        }
    }

    /// a of a response at some of the candidates, and b with the first.
    pub(super) fn interpolate(&mut self, response: usize, some: Range<usize>, process: &Process) {
        let mean = process.hyperparameters.mean;
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let Some(own) = memory.own.get_mut(response) else {
            return;
        };
        let latents = memory.latents.get(some.clone()).unwrap_or_default();
        let values = own.plane.get_mut(some.clone()).unwrap_or_default();
        if response > 0 {
            for (value, &latent) in values.iter_mut().zip(latents) {
                *value += mean + process.axes.stencil(latent).apply(ahead.values);
            }
            return;
        }
        let slopes = memory.slopes.get_mut(some).unwrap_or_default();
        for ((value, slope), &latent) in values.iter_mut().zip(slopes).zip(latents) {
            let stencil = process.axes.stencil(latent);
            *value += mean + stencil.apply(ahead.values);
            *slope += stencil.apply(ahead.slopes);
        }
    }

    /// g of a response, once [`Self::finish`] has prepared a sample.
    pub(in crate::explorer) fn gain(&self, response: usize) -> f32 {
        let gain = |preparation: &Preparation| {
            let target = self
                .memory
                .own
                .get(response)?
                .targets
                .get(preparation.known)?;
            let offset = preparation.offset.get(response)?;
            let diagonal = self.factor.row(preparation.known).last()?;
            Some((target - offset) / diagonal / diagonal)
        };
        self.preparation.as_ref().and_then(gain).unwrap_or_default()
    }

    /// g of each response; 0 beyond those there are.
    pub(in crate::explorer) fn gains(&self) -> Vector {
        let responses = self.responses;
        core::array::from_fn(|r| if r < responses { self.gain(r) } else { 0.0 })
    }
}

/// Deviation of the noise that a sample of this temperature draws.
fn noise_deviation(temperature: f32, process: &Process) -> f32 {
    libm::sqrtf((temperature * temperature) * process.hyperparameters.noise)
}

/// The sampled response of every candidate, a + g b.
pub(in crate::explorer) fn sampled(
    gain: f32,
    values: &[f32],
    slopes: &[f32],
) -> impl Iterator<Item = f32> {
    let both = values.iter().zip(slopes);
    both.map(move |(value, slope)| value + gain * slope)
}

/// The sampled responses of every candidate: those of each response as [`sampled`] has them.
pub(in crate::explorer) fn sampled_vectors(
    gains: Vector,
    planes: [&[f32]; MOST_RESPONSES],
    slopes: &[f32],
) -> impl Iterator<Item = Vector> {
    slopes.iter().enumerate().map(move |(index, slope)| {
        core::array::from_fn(|r| {
            let value = planes[r].get(index).copied().unwrap_or_default();
            value + gains[r] * slope
        })
    })
}
