//! What the kernel is made to believe of points that are being measured elsewhere.
//!
//! A point that was asked for and is not told yet counts as if it had given what the model expects
//! there: the *kriging believer* of Ginsbourger, Le Riche and Carraro (2010). The kernel then
//! proposes neither the point nor its like. The trainer knows of what was measured alone.

use beacon_kernel::Candidate;

use super::{Learner, is_numeric};
use crate::campaign::{CampaignError, State};

impl Learner<'_> {
    /// Has the kernel take these candidates for measured, those among them that it does not yet.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(in crate::campaign) fn believe(
        &mut self,
        pending: impl Iterator<Item = Candidate>,
    ) -> Result<(), CampaignError> {
        for candidate in pending {
            if self.believed.contains(&candidate) {
                continue;
            }
            // Without a model any response serves: what proposes then is chance.
            let posteriors = self.posteriors().unwrap_or_default();
            let expected = (0..self.responses.len()).map(|response| {
                let means = posteriors.get(response).map(|posterior| &posterior.mean);
                let mean = means.and_then(|means| means.get(candidate.index()));
                mean.map_or(0.0, |mean| mean - self.origin_of(response)) as f32
            });
            let expected: Vec<f32> = expected.collect();
            match self.controller.measure_all(candidate, &expected) {
                Err(error) if is_numeric(&error) => self.warnings.note(&error.to_string()),
                other => other?,
            }
            self.believed.push(candidate);
        }
        Ok(())
    }

    /// Has the kernel know what was measured, and nothing else.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub(in crate::campaign) fn disbelieve(&mut self, state: &State) -> Result<(), CampaignError> {
        if self.believed.is_empty() {
            return Ok(());
        }
        self.start_over(state, true)
    }
}
