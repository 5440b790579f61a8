//! Points that somebody else measures: they are asked for, and told when they are measured, in any
//! order.
//!
//! A point that is told is recorded as one that a driver has measured: proposed, exposing, measured,
//! trained. What was asked for and is not told is no part of the campaign's state.

use beacon_kernel::{Candidate, Strategy};

use super::{Chosen, Drive, World};
use crate::campaign::event::{Event, Exposing, Given, Measured, Proposed};
use crate::campaign::position::corrected;
use crate::campaign::published::publish;
use crate::campaign::state::Action;
use crate::campaign::{
    CampaignError, Ended, FurtherResponse, MapFigures, Measurement, Posterior, PublishedMap, Series,
};
use crate::data::Map;
use crate::microscope::Acquired;
use crate::train::Pace;
use crate::units::{Electrons, Seconds};

/// What a strategy may see of all candidates, one entry a candidate.
#[derive(Clone, Debug, Default)]
pub(crate) struct Views {
    /// Posterior means, in the units of the response.
    pub(crate) mean: Vec<f64>,
    /// Posterior standard deviations, likewise, without the noise of measuring once.
    pub(crate) sigma: Vec<f64>,
    /// One joint sample of the posterior, likewise.
    pub(crate) sample: Vec<f64>,
    /// Mean distance of the sample to the nearest k known responses, likewise.
    pub(crate) novelty: Vec<f64>,
    /// Distance to the most alike measured patch, in standard deviations of the patches' pixels.
    pub(crate) distance: Vec<f64>,
}

/// Where every candidate lies in the plane that the surrogates have learned.
type Plane = Vec<[f32; 2]>;

impl Drive<'_> {
    /// The kernel's proposal, with pending points taken for measured.
    ///
    /// # Errors
    /// When nothing is left, or the kernel refuses.
    pub(crate) fn propose_beside(
        &mut self,
        pending: &[Candidate],
        world: &mut dyn World,
    ) -> Result<Chosen, CampaignError> {
        self.learner.believe(pending.iter().copied())?;
        let shows = world.shows_scores();
        self.learner.controller().keep_scores(shows);
        let (chosen, _) = self.learner.propose(self.state.proposing(), false)?;
        if let Some(scores) = self.learner.controller().take_scores() {
            world.show_scores(&self.state, scores);
        }
        Ok(chosen)
    }

    /// The surrogates, as they are shown, and where the candidates lie in their plane; `None` without a model.
    pub(crate) fn shown(&mut self) -> Option<(Vec<Posterior>, Option<Plane>)> {
        let surrogates = self.posteriors();
        let plane = self.learner.plane();
        (!surrogates.is_empty()).then_some((surrogates, plane))
    }

    /// What a strategy that decides by one response may see, with pending points taken for measured; `None` without
    /// a model.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn views(&mut self, pending: &[Candidate]) -> Result<Option<Views>, CampaignError> {
        self.learner.believe(pending.iter().copied())?;
        let origin = self.learner.origin();
        let Some((standardisation, posterior)) =
            self.learner.standardisation().zip(self.learner.posterior())
        else {
            return Ok(None);
        };
        let k = self.state.settings().campaign.k;
        let mut scores = |strategy| self.learner.scores(strategy, k);
        let (Some(sample), Some(novelty), Some(distance)) = (
            scores(Strategy::Thompson)?,
            scores(Strategy::Beacon)?,
            scores(Strategy::Farthest)?,
        ) else {
            return Ok(None);
        };
        let response = |&value: &f32| f64::from(standardisation.restore(value)) + origin;
        let scale = f64::from(standardisation.scale);
        Ok(Some(Views {
            mean: posterior.mean,
            sigma: posterior.variance.iter().map(|v| v.sqrt()).collect(),
            sample: sample.iter().map(response).collect(),
            novelty: novelty.iter().map(|&n| f64::from(n) * scale).collect(),
            distance: distance.iter().copied().map(f64::from).collect(),
        }))
    }

    /// A proposal that somebody else made of the views, as the kernel makes its own.
    pub(crate) fn chosen(&self, candidate: Candidate, score: f32, views: &Views) -> Chosen {
        let origin = self.learner.origin();
        let at = |values: &[f64]| values.get(candidate.index()).copied();
        let prediction = at(&views.mean).zip(at(&views.sigma));
        Chosen {
            proposed: Proposed {
                candidate: candidate.0,
                step: self.state.usable().count() as u32,
                score,
                prediction: prediction.map(|(mean, sigma)| ((mean - origin) as f32, sigma as f32)),
                origin,
                seconds: 0.0,
            },
            foreseen: Vec::new(),
        }
    }

    /// Takes what was measured at a candidate. `wanted` is the command that it be measured, which holds
    /// where the kernel did not propose it, or another point is planned first.
    ///
    /// # Errors
    /// When it cannot be kept, or the kernel refuses.
    pub(crate) fn take(
        &mut self,
        candidate: Candidate,
        chosen: Option<Chosen>,
        wanted: Given,
        spectrum: Vec<f64>,
        world: &mut dyn World,
    ) -> Result<(), CampaignError> {
        self.learner.disbelieve(&self.state)?;
        let next = self.state.next_point().map(|next| next.candidate);
        match chosen {
            _ if next == Some(candidate) => {}
            Some(Chosen { proposed, foreseen }) if next.is_none() => {
                self.record(&Event::Proposed(proposed), world, &mut ())?;
                if !foreseen.is_empty() {
                    self.record(&Event::Foreseen(foreseen), world, &mut ())?;
                }
            }
            _ => self.record(&Event::Commanded(wanted), world, &mut ())?,
        }
        let candidates = self.learner.patches().candidates();
        let (height, width) = (candidates.height(), candidates.width());
        let position = corrected(candidates.pixel(candidate)?, (0.0, 0.0), (height, width));
        // A candidate is a pixel of the image, which has not drifted.
        let position = position.ok_or(CampaignError::Ended(Ended::Exhausted))?;
        let electrons = Electrons::ZERO;
        let exposing = Event::Exposing(Exposing {
            candidate: candidate.0,
            position,
            electrons,
        });
        self.record(&exposing, world, &mut ())?;
        let measured = Measured {
            candidate: candidate.0,
            position,
            acquired: Acquired {
                spectrum,
                detectors: Vec::new(),
                live_time: Seconds::ZERO,
                real_time: Seconds::ZERO,
            },
            electrons,
            true_pixel: None,
        };
        self.record(&Event::Measured(Box::new(measured)), world, &mut ())
    }

    /// Carries out the commands that wait.
    ///
    /// # Errors
    /// When they cannot be kept, or the kernel refuses.
    pub(crate) fn carry_out_commands(
        &mut self,
        world: &mut dyn World,
    ) -> Result<(), CampaignError> {
        self.learner.disbelieve(&self.state)?;
        self.take_commands(world, &mut ())?;
        self.settle(world)
    }

    /// Has the kernel know of measured points alone.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn forget_pending(&mut self) -> Result<(), CampaignError> {
        self.learner.disbelieve(&self.state)
    }

    /// Trains where training is due.
    ///
    /// # Errors
    /// When it cannot be kept, or the kernel refuses.
    pub(crate) fn settle(&mut self, world: &mut dyn World) -> Result<(), CampaignError> {
        self.learn_components(world, &mut ())?;
        while let Action::Train { afresh } = self.decided() {
            let trained = self.learner.train(afresh)?;
            self.record(&Event::Trained(trained), world, &mut ())?;
        }
        Ok(())
    }

    /// Mean and standard deviation of the surrogate of each target as maps of the image; nothing without a model.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(crate) fn maps(
        &mut self,
        targets: &[(String, String)],
    ) -> Result<Vec<(Map, Map)>, CampaignError> {
        self.learner.disbelieve(&self.state)?;
        Ok(self.surrogate_maps(targets))
    }

    /// The map to publish of one of the responses that are sought, counted from 0, and its figures; nothing where
    /// nothing was measured.
    ///
    /// # Errors
    /// When it cannot be made or judged.
    pub(crate) fn map_to_publish(
        &self,
        target: (usize, &(String, String)),
    ) -> Result<(Option<PublishedMap>, Vec<MapFigures>), CampaignError> {
        let patches = self.learner.patches();
        let pace = Pace::default();
        let published = publish(&self.state, patches, &self.monitor, target, &pace)?;
        Ok(self.without_absent(published))
    }

    /// Every point so far, and how many of them are seeds.
    pub(crate) fn measurements(&self) -> (Vec<Measurement>, usize) {
        let points = self.state.points().iter();
        let points = points.map(|point| self.measurement(point)).collect();
        (points, self.state.seeds())
    }

    /// What is sought beside the first response, at every point so far; without surrogates.
    pub(crate) fn further_responses(&self, targets: Vec<(String, String)>) -> Vec<FurtherResponse> {
        self.further(targets, std::iter::empty())
    }

    /// The figures of every step so far.
    pub(crate) fn series(&self) -> &Series {
        &self.series
    }

    /// What went wrong without ending the campaign.
    pub(crate) fn warnings(&self) -> &[String] {
        self.learner.warnings.notes()
    }
}
