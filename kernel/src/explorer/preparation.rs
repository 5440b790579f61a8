//! What is known of a decision before its newest response is.
//!
//! While the beam dwells on point i all is known of it but its response. The posterior mean and a sample
//! are linear in that response, so the explorer works out, in slices, what it will have to multiply. With
//! L the factor of the points before, (l, d) the row that the point adds to it, and
//!
//! γ = (−L⁻ᵀl, 1),
//!
//! weights of all points are those of the points before and a multiple of γ: for any right-hand side r
//!
//! K⁻¹r = (L⁻ᵀL⁻¹r₍₎, 0) + γ (rᵢ − l·L⁻¹r₍₎)/d², r₍₎ being r without its last.
//!
//! - The posterior mean has the weights α = (L⁻ᵀβ, 0) + γ βᵢ/d, with β = L⁻¹(t − m) of the points before
//!   and βᵢ the entry that the response t adds.
//! - A [sample](crate::thompson) is f(x) = a(x) + g b(x) with a(x) = m + f_prior(x) + Σ_j k(x, z_j) v_j,
//!   v = (L⁻ᵀL⁻¹r₍₎, 0), b(x) = Σ_j k(x, z_j) γ_j and g = (t − o)/d², where o = m + f_prior(zᵢ) + εᵢ +
//!   l·L⁻¹r₍₎ is what the point would have to answer for nothing to change.
//!
//! Several responses of a place have α, a and g each for themselves: K, γ and b are common to all. The
//! sample's stages are gone through for one response after the other, with the nodes of one grid, and every
//! response keeps its a at the candidates.
//!
//! The deviations of a sample from the posterior mean, f_prior and ε, are drawn for each response from a stream
//! of its own, and then mixed. Responses that share their covariance k are B ⊗ k of the intrinsic
//! coregionalisation model (Bonilla, Chai and Williams 2007), in which their means do not depend on B, the
//! covariance of the responses, and deviations do: those of response r are Σ_s M_rs e_s, with M Mᵀ = B and e_s
//! from stream s. The likelihood of the points before is largest with B = βᵀβ/n, a β of each response being a
//! column, and B is that, [shrunk](crate::vectors::shrunk) towards the identity. Were they not mixed, a sample
//! of two responses that have always been equal would differ between them, and nothing is more novel than that.
//! M₀₀ is 1: the deviations of the first response are what they would be if it were alone. All of B's features
//! have the frequencies and phases of the first stream, and their own weights.
//!
//! When the response arrives, α and f are one multiply-add each. A response that arrives before all is
//! done, or from a point that nobody expected, finds the rest done then, by the same steps in the same
//! order: no bit depends on how much was done beforehand.

use core::ops::Range;

use super::model::lattice;
use super::{Explorer, Process, SLICE};
use crate::grid::{self, Grid, PASS, TERMS};
use crate::math::dot;
use crate::random::Random;
use crate::storage::Ahead;
use crate::thompson::{FEATURES, FourierFeature, amplitude};
use crate::vectors::{self, Vector};
use crate::{Candidate, Candidates, Error, MOST_RESPONSES, space};

/// How far the work for one point has come.
pub(super) struct Preparation {
    candidate: Candidate,
    /// Points before it: its own number.
    known: usize,
    /// Whether (l, d) is there.
    row: bool,
    /// Responses whose L⁻ᵀβ is there; γ is with the first.
    weighed: usize,
    /// The response whose sample is worked out.
    response: usize,
    /// Of its sample.
    stage: Stage,
    /// By which the sample's deviations from the posterior mean are scaled.
    temperature: f32,
    /// The numbers of the step that decides after it, a stream for each response.
    random: [Random; MOST_RESPONSES],
    /// M
    mixing: [Vector; MOST_RESPONSES],
    /// o of each response
    offset: Vector,
}

/// What comes next, and how much of it is done.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Stage {
    /// f_prior at the nodes of the grid; features that are in it.
    Prior(usize),
    /// r₍₎; points that have their noise.
    Noise(usize),
    /// (l, d), L⁻¹r₍₎ and o
    Lower,
    /// γ, L⁻ᵀβ and v
    Upper,
    /// Covariances at the nodes; points that are in them.
    Covariances(usize),
    /// Zero a and b at the candidates.
    Clear,
    /// What neighbours share, along the rows of the points; points that are in it.
    Along(usize),
    /// The same down the columns; columns done.
    Down(usize),
    /// a and b at the candidates; candidates done. Then comes the next response.
    Candidates(usize),
    Done,
    /// The factor has no row for the point.
    Impossible,
}

/// Points from which on the factor comes from far: it is read once down and once up for all that is solved.
/// With fewer the parts are for themselves, so that slices are short.
const FAR: usize = if cfg!(test) { 30 } else { 1000 };
/// Candidates at a time.
const SOME: usize = 128;

/// Costs of a slice's parts in multiply-accumulates or what takes as long: of a sine and cosine or an
/// exponential, of the filter at one candidate, of interpolating two functions at one.
const ELEMENTARY: usize = 20;
const FILTER: usize = 28;
const INTERPOLATION: usize = 80;
/// Of a normal number where double precision is software, and points at a time that get theirs.
const NORMAL: usize = 400;
const NOISY: usize = 32;

/// Which weights are solved for.
#[derive(Clone, Copy, PartialEq)]
enum Weights {
    Mean,
    Sample,
    Both,
}

impl Preparation {
    fn new(candidate: Candidate, known: usize) -> Self {
        Self {
            candidate,
            known,
            row: false,
            weighed: 0,
            response: 0,
            stage: Stage::Prior(0),
            temperature: 1.0,
            random: core::array::from_fn(|_| Random::new(0, 0)),
            mixing: [[0.0; MOST_RESPONSES]; MOST_RESPONSES],
            offset: [0.0; MOST_RESPONSES],
        }
    }

    /// Whether the row of this point, of this number, lies behind the factor.
    pub(super) fn has_row(&self, candidate: Candidate, known: usize) -> bool {
        self.candidate == candidate && self.known == known && self.row
    }

    /// Whether this is the work for a point, of this number, and not in vain where the factor has its row.
    fn is_of(&self, candidate: Candidate, known: usize, order: usize) -> bool {
        let in_vain = self.stage == Stage::Impossible && known < order;
        self.candidate == candidate && self.known == known && !in_vain
    }

    /// Whether all is there that a decision with a sample of this temperature needs, or one without, of so many
    /// responses.
    fn serves(&self, temperature: Option<f32>, responses: usize) -> bool {
        match temperature {
            None => self.weighed >= responses || self.stage == Stage::Impossible,
            Some(_) => self.stage >= Stage::Done,
        }
    }

    /// Takes note that something else has been written where a at the candidates was, for a response of several.
    pub(super) fn lose_plane(&mut self, responses: usize) {
        if self.stage == Stage::Impossible {
            return;
        }
        if responses == 1 {
            if self.stage > Stage::Clear {
                self.stage = Stage::Clear;
            }
        } else if self.response > 0 || self.stage > Stage::Clear {
            // The grid of the first response is no more.
            (self.response, self.stage) = (0, Stage::Prior(0));
        }
    }

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

    /// Goes back to the sample's beginning where its temperature was another.
    fn warm(&mut self, temperature: Option<f32>) {
        if let Some(temperature) = temperature
            && temperature.to_bits() != self.temperature.to_bits()
        {
            self.temperature = temperature;
            if self.stage <= Stage::Done {
                (self.response, self.stage) = (0, Stage::Prior(0));
            }
        }
    }
}

impl Explorer<'_> {
    /// Does all that is left of the work for the point measured last, up to posterior means, or up to a
    /// sample of this temperature.
    // Once for all who ask: the fastest memory is small.
    #[inline(never)]
    pub(super) fn finish(&mut self, temperature: Option<f32>) -> Result<(), Error> {
        while !self.finish_slice(temperature)? {}
        Ok(())
    }

    /// Does a slice of that; returns whether nothing is left.
    pub(super) fn finish_slice(&mut self, temperature: Option<f32>) -> Result<bool, Error> {
        let last = self.held.checked_sub(1).ok_or(Error::NoMeasurement)?;
        let candidate = self.held_candidate(last).ok_or(Error::NoMeasurement)?;
        self.work_ahead(candidate, last, temperature)
    }

    /// Does a slice of the work for a point and its number: that of the point measured last, or of the
    /// one to come. Returns whether nothing is left, or nothing can be done.
    ///
    /// # Errors
    /// [`Error::NoImage`], [`Error::NoModel`], and what stands in the way of the factor's row.
    pub(super) fn work_ahead(
        &mut self,
        candidate: Candidate,
        known: usize,
        temperature: Option<f32>,
    ) -> Result<bool, Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let process = self.ready()?;
        self.evaluation = None;
        let mut preparation = match self.preparation.take() {
            Some(own) if own.is_of(candidate, known, self.factor.order()) => own,
            _ => Preparation::new(candidate, known),
        };
        preparation.warm(temperature);
        let (mut cost, mut result) = (0, Ok(()));
        while cost < SLICE && !preparation.serves(temperature, self.responses) {
            let advanced = match temperature {
                None => self.advance_weights(&mut preparation, &process),
                Some(_) => self.advance(&mut preparation, &process, candidates),
            };
            match advanced {
                Ok(of) => cost += of,
                Err(error) => {
                    preparation.stage = Stage::Impossible;
                    result = Err(error);
                }
            }
        }
        let done = preparation.serves(temperature, self.responses);
        self.preparation = Some(preparation);
        result.map(|()| done)
    }

    /// Does the next part of what a decision without a sample needs; returns what it costs.
    fn advance_weights(
        &mut self,
        preparation: &mut Preparation,
        process: &Process,
    ) -> Result<usize, Error> {
        let known = preparation.known;
        let solve = (known + 1) * (known + 1);
        if preparation.row || known < self.factor.order() {
            preparation.row = true;
            if preparation.weighed == 0 {
                self.solve_upper(known, Weights::Mean);
                preparation.weighed = 1;
                return Ok(2 * solve);
            }
            let further = if known < FAR {
                preparation.weighed..preparation.weighed + 1
            } else {
                preparation.weighed..self.responses
            };
            self.weigh_further(known, further.clone());
            preparation.weighed = further.end;
            return Ok(further.len() * solve);
        }
        self.stand(preparation.candidate, known)?;
        self.prepare_row(known, process, 0)?;
        preparation.row = true;
        Ok(solve)
    }

    /// Does the next part of a sample; returns what it costs.
    #[expect(clippy::too_many_lines, reason = "one stage after the other")]
    fn advance(
        &mut self,
        preparation: &mut Preparation,
        process: &Process,
        candidates: Candidates,
    ) -> Result<usize, Error> {
        let (axes, known) = (process.axes, preparation.known);
        let points = known + 1;
        let solve = points * points;
        let terms = axes.rows() * axes.columns() + ELEMENTARY * (axes.rows() + axes.columns());
        let (stage, cost) = match preparation.stage {
            Stage::Prior(done) => {
                if done == 0 {
                    self.begin_sample(preparation, process)?;
                }
                self.add_features(preparation, process);
                let done = done + PASS;
                let more = done < FEATURES;
                let next = if more {
                    Stage::Prior(done)
                } else {
                    Stage::Noise(0)
                };
                (next, 2 * PASS * terms)
            }
            Stage::Noise(done) => {
                let last = known.min(done + NOISY);
                self.draw_targets(preparation, process, done..last);
                let next = if last < known {
                    Stage::Noise(last)
                } else {
                    Stage::Lower
                };
                (next, NORMAL * (1 + preparation.response) * (last - done))
            }
            Stage::Lower | Stage::Upper if preparation.weighed < self.responses && known < FAR => {
                return self.advance_weights(preparation, process);
            }
            Stage::Lower => {
                let solves = if preparation.row || known < self.factor.order() {
                    self.solve_targets(known);
                    1
                } else {
                    self.prepare_row(known, process, known)?;
                    2
                };
                preparation.row = true;
                self.draw_offset(preparation, process);
                (Stage::Upper, solves * solve)
            }
            Stage::Upper => {
                let (weights, solves) = if preparation.weighed > 0 {
                    (Weights::Sample, 1)
                } else {
                    (Weights::Both, 2 + self.responses)
                };
                self.solve_upper(known, weights);
                self.weigh_further(known, preparation.weighed.max(1)..self.responses);
                preparation.weighed = self.responses;
                (Stage::Covariances(0), solves * solve)
            }
            Stage::Covariances(done) => {
                let last = points.min(done + TERMS);
                self.add_covariances(preparation.response, done..last, process);
                let more = last < points;
                let next = if more {
                    Stage::Covariances(last)
                } else {
                    Stage::Clear
                };
                (next, 2 * TERMS * terms)
            }
            Stage::Clear => {
                self.clear_plane(preparation.response, candidates);
                (Stage::Along(0), 2 * candidates.count())
            }
            Stage::Along(done) => {
                let last = points.min(done + TERMS);
                self.share_along(preparation.response, done..last, candidates, process);
                let more = last < points && process.space.is_some();
                let next = if more {
                    Stage::Along(last)
                } else {
                    Stage::Down(0)
                };
                (next, 2 * (2 * TERMS + ELEMENTARY) * candidates.columns())
            }
            Stage::Down(done) => {
                let last = candidates.columns().min(done + space::LANES);
                self.share_down(preparation.response, done..last, candidates, process);
                let more = last < candidates.columns() && process.space.is_some();
                let next = if more {
                    Stage::Down(last)
                } else {
                    Stage::Candidates(0)
                };
                (next, 2 * FILTER * space::LANES * candidates.rows())
            }
            Stage::Candidates(done) => {
                let last = candidates.count().min(done + SOME);
                self.interpolate(preparation.response, done..last, process);
                let next = if last < candidates.count() {
                    Stage::Candidates(last)
                } else if preparation.response + 1 < self.responses {
                    preparation.response += 1;
                    Stage::Prior(0)
                } else {
                    Stage::Done
                };
                (next, INTERPOLATION * SOME)
            }
            end @ (Stage::Done | Stage::Impossible) => (end, SLICE),
        };
        preparation.stage = stage;
        Ok(cost)
    }

    /// Covariances and factor's row of a point that was not measured, and beside it L⁻¹r₍₎ of so many points.
    fn prepare_row(
        &mut self,
        known: usize,
        process: &Process,
        targets: usize,
    ) -> Result<(), Error> {
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let targets = ahead.weights.get_mut(..targets).unwrap_or_default();
        let points = memory.points.get(..=known).unwrap_or_default();
        let at = (points, &*memory.places, &*memory.falloff);
        let fill = |n: usize, row: &mut [f32]| process.covariances(at, n, row);
        self.factor.prepare(process.variance(), fill, targets)
    }

    /// Copies latent and place of a point that is, or may become, this number.
    pub(super) fn stand(&mut self, candidate: Candidate, n: usize) -> Result<(), Error> {
        let candidates = self.candidates.ok_or(Error::NoImage)?;
        let memory = &mut self.memory;
        let (Some(latent), Some(point), Some(place)) = (
            memory.latents.get(candidate.index()),
            memory.points.get_mut(n),
            memory.places.get_mut(n),
        ) else {
            return Err(Error::NoMeasurement);
        };
        *point = *latent;
        *place = lattice(candidates, candidate)?;
        Ok(())
    }

    /// The front of the workspace and the rest of it.
    fn ahead(&mut self) -> (Ahead<'_>, &mut [f32]) {
        Ahead::split(self.memory.workspace, self.memory.capacity.measurements)
    }

    /// γ, and the weights of the points before in the posterior mean and in the sample: all that are asked for
    /// in one pass over the factor.
    fn solve_upper(&mut self, known: usize, which: Weights) {
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let first = &mut memory.own[0];
        let all = [ahead.direction, &mut *first.before, ahead.weights];
        let [
            Some((own, direction)),
            Some((no_mean, alpha)),
            Some((no_sample, weights)),
        ] = all.map(|weights| weights.get_mut(..=known)?.split_last_mut())
        else {
            return;
        };
        if which == Weights::Sample {
            *no_sample = 0.0;
            return self.factor.solve_upper(weights);
        }
        (*own, *no_mean) = (1.0, 0.0);
        for (weight, entry) in direction.iter_mut().zip(self.factor.row(known)) {
            *weight = -entry;
        }
        for (weight, whitened) in alpha.iter_mut().zip(&*first.whitened) {
            *weight = *whitened;
        }
        if which == Weights::Both {
            *no_sample = 0.0;
            self.factor.solve_upper_each([direction, alpha, weights]);
        } else {
            self.factor.solve_upper_each([direction, alpha]);
        }
    }

    /// L⁻ᵀβ of some of the further responses: all that are asked for in one pass over the factor.
    fn weigh_further(&mut self, known: usize, some: Range<usize>) {
        let responses = some.len();
        let all = self.memory.own.get_mut(some).unwrap_or_default();
        for own in all.iter_mut() {
            let before = own.before.get_mut(..=known).unwrap_or_default();
            for (weight, whitened) in before.iter_mut().zip(&*own.whitened) {
                *weight = *whitened;
            }
            if let Some(last) = before.last_mut() {
                *last = 0.0;
            }
        }
        let mut all = all.iter_mut().map(|own| {
            let before = own.before.get_mut(..known);
            before.unwrap_or_default()
        });
        if responses == 1 || cfg!(target_arch = "arm") {
            // All points lie near by, and the fastest memory has no room for as many forms of the solve.
            all.for_each(|before| self.factor.solve_upper(before));
        } else if let (Some(second), Some(third)) = (all.next(), all.next()) {
            match all.next() {
                Some(fourth) => self.factor.solve_upper_each([second, third, fourth]),
                None => self.factor.solve_upper_each([second, third]),
            }
        }
    }

    /// Copies γ of point `n` into the memory's row, where it is known; whether it is.
    pub(super) fn copy_direction(&mut self, n: usize) -> bool {
        let candidate = self.held_candidate(n);
        let known = self.preparation.as_ref().is_some_and(|preparation| {
            let own = Some(preparation.candidate) == candidate && preparation.known == n;
            own && preparation.weighed > 0
        });
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let weights = memory.row.iter_mut().zip(&*ahead.direction);
        if known {
            weights.take(n + 1).for_each(|(to, weight)| *to = *weight);
        }
        known
    }

    /// Restarts the streams of random numbers for the sample of a response. The first one's beginning is that
    /// of all.
    fn begin_sample(
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
    fn add_features(&mut self, preparation: &mut Preparation, process: &Process) {
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
    fn draw_targets(
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
    fn solve_targets(&mut self, known: usize) {
        let (ahead, _) = Ahead::split(self.memory.workspace, self.memory.capacity.measurements);
        let weights = ahead.weights.get_mut(..known).unwrap_or_default();
        self.factor.solve_lower(weights);
    }

    /// o, with the noise at the point itself.
    fn draw_offset(&mut self, preparation: &mut Preparation, process: &Process) {
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
    fn add_covariances(&mut self, response: usize, some: Range<usize>, process: &Process) {
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

    fn clear_plane(&mut self, response: usize, candidates: Candidates) {
        if let Some(process) = &mut self.process {
            process.spread = 0;
        }
        for plane in self.planes(response, candidates.count()) {
            plane.fill(0.0);
        }
    }

    fn share_along(
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

    fn share_down(
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
    fn interpolate(&mut self, response: usize, some: Range<usize>, process: &Process) {
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

    /// The weights of all points in the posterior mean of each response, into the memory's α.
    pub(super) fn weigh(&mut self) -> Result<(), Error> {
        self.finish(None)?;
        let n = self.held;
        let memory = &mut self.memory;
        let (ahead, _) = Ahead::split(memory.workspace, memory.capacity.measurements);
        let last = n.saturating_sub(1);
        for own in memory.own.iter_mut().take(self.responses) {
            let (Some(whitened), Some(diagonal)) =
                (own.whitened.get(last), self.factor.row(last).last())
            else {
                return Err(Error::NoMeasurement);
            };
            let step = whitened / diagonal;
            let known = own.before.iter().zip(&*ahead.direction);
            for (alpha, (before, direction)) in own.alpha.iter_mut().zip(known).take(n) {
                *alpha = before + step * direction;
            }
        }
        Ok(())
    }

    /// g of a response, once [`Self::finish`] has prepared a sample.
    pub(super) fn gain(&self, response: usize) -> f32 {
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
    pub(super) fn gains(&self) -> Vector {
        let responses = self.responses;
        core::array::from_fn(|r| if r < responses { self.gain(r) } else { 0.0 })
    }
}

/// Deviation of the noise that a sample of this temperature draws.
fn noise_deviation(temperature: f32, process: &Process) -> f32 {
    libm::sqrtf((temperature * temperature) * process.hyperparameters.noise)
}

/// The sampled response of every candidate, a + g b.
pub(super) fn sampled(gain: f32, values: &[f32], slopes: &[f32]) -> impl Iterator<Item = f32> {
    let both = values.iter().zip(slopes);
    both.map(move |(value, slope)| value + gain * slope)
}

/// The sampled responses of every candidate: those of each response as [`sampled`] has them.
pub(super) fn sampled_vectors(
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

#[cfg(test)]
mod tests;
