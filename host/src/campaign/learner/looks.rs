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

    /// The surrogate in the units of the response, of several the first; `None` where there is no model.
    pub(in crate::campaign) fn posterior(&mut self) -> Option<Posterior> {
        let (origin, mut posterior) = (self.origin(), None);
        let mut look =
            |surrogate: &Surrogate<'_>| posterior = Some(Posterior::new(surrogate, origin));
        self.controller.look_at_surrogate(&mut look).ok()?;
        posterior
    }

    /// The surrogate of each response that is sought, in its units; `None` where there is no model.
    pub(in crate::campaign) fn posteriors(&mut self) -> Option<Vec<Posterior>> {
        let mut posteriors = Vec::new();
        let origins = &self.origins;
        let mut look = |surrogate: &Surrogate<'_>| {
            let of_each = origins.iter().enumerate();
            posteriors = of_each
                .filter_map(|(response, &origin)| Posterior::of(surrogate, response, origin))
                .collect();
        };
        self.controller.look_at_surrogate(&mut look).ok()?;
        (!posteriors.is_empty()).then_some(posteriors)
    }

    /// Mean and standard deviation of each response as maps of the image, NaN where there is no candidate;
    /// nothing without a model.
    pub(in crate::campaign) fn surrogate_maps(
        &mut self,
        image: &Map,
        targets: &[(String, String)],
    ) -> Vec<(Map, Map)> {
        let posteriors = self.posteriors().unwrap_or_default();
        let candidates = self.patches.candidates();
        let maps = posteriors.iter().zip(targets).map(|(posterior, target)| {
            let map = |values: &[f64]| on_pixels(values, image, candidates, target);
            let sigma: Vec<f64> = posterior.variance.iter().map(|v| v.sqrt()).collect();
            (map(&posterior.mean), map(&sigma))
        });
        maps.collect()
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
