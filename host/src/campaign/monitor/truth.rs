//! True responses, and the groups that candidates are in by them.

use beacon_kernel::Candidates;

use super::{Known, Posterior, at_candidates};
use crate::data::Map;
use crate::metrics::{Coverage, Groups, MetricsError, SurrogateErrors, TARGET_BINS, vector_groups};

/// How far a campaign has come in one space, by its steps alone and with its seeds.
#[derive(Clone, Debug)]
pub(super) struct Explored {
    pub(super) steps: Coverage,
    pub(super) all: Coverage,
}

impl Explored {
    pub(super) fn new(groups: &Groups) -> Self {
        let coverage = Coverage::new(groups.clone());
        Self {
            steps: coverage.clone(),
            all: coverage,
        }
    }

    /// The same space with nothing visited yet.
    pub(super) fn anew(&self) -> Self {
        Self::new(self.steps.groups())
    }

    pub(super) fn step(&mut self, candidate: usize) -> Result<(), MetricsError> {
        self.steps.visit(candidate)?;
        self.all.visit(candidate)
    }

    pub(super) fn append(&self, steps: &mut Vec<f64>, all: &mut Vec<f64>) {
        steps.push(self.steps.share());
        all.push(self.all.share());
    }
}

/// The true response at every candidate, of several the first, and its bins; of several the cells of all.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    pub(super) responses: Vec<f64>,
    pub(super) target: Explored,
    /// The true vectors of several responses.
    pub(super) vectors: Option<Vectors>,
}

/// The true responses of the candidates that have a number of each.
#[derive(Clone, Debug)]
pub(super) struct Vectors {
    candidates: Vec<usize>,
    /// A column a response.
    responses: Vec<Vec<f64>>,
    /// Candidates in all.
    count: usize,
}

impl Truth {
    /// Where the truth of a further response is not known, the bins are those of the first.
    pub(super) fn new(
        map: &Map,
        further: &[Known],
        candidates: Candidates,
    ) -> Result<Self, MetricsError> {
        let responses = at_candidates(map, candidates)?;
        let further = further.iter().map(|(_, truth)| truth.as_deref());
        let further: Option<Vec<&[f64]>> = further.collect();
        let columns = std::iter::once(&responses[..]).chain(further.unwrap_or_default());
        let vectors = Vectors::new(&columns.collect::<Vec<_>>());
        let target = vectors.groups(|responses| vector_groups(responses, TARGET_BINS))?;
        let several = vectors.responses.len() > 1;
        Ok(Self {
            responses,
            target: Explored::new(&target),
            vectors: several.then_some(vectors),
        })
    }
}

impl Vectors {
    /// Of responses at every candidate: of those candidates that have a number of each, or of all where none
    /// has.
    fn new(responses: &[&[f64]]) -> Self {
        let count = responses.first().map_or(0, |of| of.len());
        let is_known = |n: &usize| responses.iter().all(|of| of[*n].is_finite());
        let mut candidates: Vec<usize> = (0..count).filter(is_known).collect();
        if candidates.is_empty() {
            candidates = (0..count).collect();
        }
        let responses = responses.iter();
        let responses = responses.map(|of| candidates.iter().map(|&n| of[n]).collect());
        Self {
            responses: responses.collect(),
            candidates,
            count,
        }
    }

    /// The groups of all candidates. A candidate without data is never visited, so that its group does not
    /// matter, as long as it is one that another has.
    pub(super) fn groups(
        &self,
        of: impl FnOnce(&[&[f64]]) -> Result<Groups, MetricsError>,
    ) -> Result<Groups, MetricsError> {
        let responses: Vec<&[f64]> = self.responses.iter().map(Vec::as_slice).collect();
        let groups = of(&responses)?;
        if self.candidates.len() == self.count {
            return Ok(groups);
        }
        let labels = groups.labels();
        let mut all = vec![labels[0]; self.count];
        for (&candidate, &label) in self.candidates.iter().zip(labels) {
            all[candidate] = label;
        }
        Groups::new(all)
    }
}

/// How far a posterior is from true responses; where these have a gap there is nothing to be judged by.
pub(super) fn errors_against(
    truth: &[f64],
    posterior: &Posterior,
) -> Result<SurrogateErrors, MetricsError> {
    let Posterior {
        mean,
        variance,
        noise,
    } = posterior;
    if truth.iter().all(|response| response.is_finite()) {
        return SurrogateErrors::new(truth, mean, variance, *noise);
    }
    let known = |values: &[f64]| -> Vec<f64> {
        let known = values.iter().zip(truth);
        let known = known.filter(|(_, truth)| truth.is_finite());
        known.map(|(value, _)| *value).collect()
    };
    SurrogateErrors::new(&known(truth), &known(mean), &known(variance), *noise)
}
