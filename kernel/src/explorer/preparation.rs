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

mod sample;
mod weights;

pub(super) use sample::{sampled, sampled_vectors};

use super::{Explorer, Process, SLICE};
use crate::grid::{PASS, TERMS};
use crate::random::Random;
use crate::thompson::FEATURES;
use crate::vectors::Vector;
use crate::{Candidate, Candidates, Error, MOST_RESPONSES, space};
use weights::Weights;

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
}

#[cfg(test)]
mod tests;
