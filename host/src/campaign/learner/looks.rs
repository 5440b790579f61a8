//! What the kernel makes of all candidates, for whoever looks.

use beacon_kernel::{Acquisition, Standardisation, Strategy, Surrogate};

use super::Learner;
use crate::campaign::published::on_pixels;
use crate::campaign::{CampaignError, Posterior};
use crate::data::Map;

impl Learner<'_> {
    /// Where every candidate lies in the plane that the surrogate has learned; `None` where there is no
    /// model.
    pub(in crate::campaign) fn plane(&mut self) -> Option<Vec<[f32; 2]>> {
        let mut plane = None;
        let mut look = |surrogate: &Surrogate<'_>| plane = Some(surrogate.latents().to_vec());
        self.controller.look_at_surrogate(&mut look).ok()?;
        plane
    }

    /// The surrogate in the units of the response; `None` where there is no model.
    pub(in crate::campaign) fn posterior(&mut self) -> Option<Posterior> {
        let (origin, mut posterior) = (self.origin(), None);
        let mut look =
            |surrogate: &Surrogate<'_>| posterior = Some(Posterior::new(surrogate, origin));
        self.controller.look_at_surrogate(&mut look).ok()?;
        posterior
    }

    /// Mean and standard deviation as maps of the image, NaN where there is no candidate.
    pub(in crate::campaign) fn surrogate_maps(
        &mut self,
        image: &Map,
        target: &(String, String),
    ) -> (Option<Map>, Option<Map>) {
        let Some(posterior) = self.posterior() else {
            return (None, None);
        };
        let map = |values: &[f64]| on_pixels(values, image, self.patches.candidates(), target);
        let sigma: Vec<f64> = posterior.variance.iter().map(|v| v.sqrt()).collect();
        (Some(map(&posterior.mean)), Some(map(&sigma)))
    }

    /// The scores of all candidates by a strategy; `None` where it needs a model and there is none.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(in crate::campaign) fn scores(
        &mut self,
        strategy: Strategy,
        k: u16,
    ) -> Result<Option<Vec<f32>>, CampaignError> {
        // The strategy of the campaign is chosen again before the next proposal.
        self.acquisition = None;
        let acquisition = Acquisition {
            k,
            ..Acquisition::new(strategy)
        };
        self.controller.choose(acquisition)?;
        self.controller.keep_scores(true);
        let proposed = self.controller.propose(false);
        let scores = self.controller.take_scores();
        self.controller.keep_scores(false);
        Ok(proposed.ok().and(scores))
    }

    /// How responses become the targets of the kernel; `None` where there is no model.
    pub(in crate::campaign) fn standardisation(&mut self) -> Option<Standardisation> {
        let mut found = None;
        let mut look = |surrogate: &Surrogate<'_>| found = Some(surrogate.standardisation);
        self.controller.look_at_surrogate(&mut look).ok()?;
        found
    }
}
