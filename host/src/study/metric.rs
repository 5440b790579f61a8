//! Every figure that a comparison looks at, in one table.

use std::borrow::Cow;

use crate::campaign::{FurtherFigures, Summary};

/// One figure of a campaign, step by step.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Its name in JSON and in tables: that of the field of [`Summary`], with the response behind a colon where
    /// it is one that is sought beside the first, as in `mae:line:Pd-La`.
    pub name: Cow<'static, str>,
    /// Name of the area under its curve, the mean over all steps: for shares, where it lies
    /// between 0 and 1.
    pub area: Option<&'static str>,
    /// Whether it is among the few that are printed.
    pub headline: bool,
    values: Values,
}

/// Where a summary has the figure.
#[derive(Clone, Debug)]
enum Values {
    OfCampaign(fn(&Summary) -> &[f64]),
    /// Of a response that is sought beside the first, which has units of its own.
    OfFurther {
        target: String,
        units: String,
        pick: fn(&FurtherFigures) -> &[f64],
    },
}

/// All metrics of a campaign that seeks one response, and of several the first, in the order of tables.
pub static METRICS: [Metric; 13] = [
    Metric::coverage("target_coverage", "auc_target", |s| {
        &s.series.target_coverage
    }),
    Metric::coverage("response_cluster_coverage", "auc_response_cluster", |s| {
        &s.series.response_cluster_coverage
    }),
    Metric::coverage("patch_coverage", "auc_patch", |s| &s.series.patch_coverage),
    Metric::coverage("latent_coverage", "auc_latent", |s| {
        &s.series.latent_coverage
    }),
    Metric::figure("target_coverage_with_seeds", false, |s| {
        &s.series.target_coverage_with_seeds
    }),
    Metric::figure("response_cluster_coverage_with_seeds", false, |s| {
        &s.series.response_cluster_coverage_with_seeds
    }),
    Metric::figure("patch_coverage_with_seeds", false, |s| {
        &s.series.patch_coverage_with_seeds
    }),
    Metric::figure("latent_coverage_with_seeds", false, |s| {
        &s.series.latent_coverage_with_seeds
    }),
    Metric::figure("mae", true, |s| &s.series.mae),
    Metric::figure("rmse", false, |s| &s.series.rmse),
    Metric::figure("nlpd", false, |s| &s.series.nlpd),
    Metric::figure("surrogate_mean", false, |s| &s.series.surrogate_mean),
    Metric::figure("surrogate_sigma", false, |s| &s.series.surrogate_sigma),
];

impl Metric {
    /// A coverage, 0 to 1, that is printed together with its area.
    const fn coverage(
        name: &'static str,
        area: &'static str,
        values: fn(&Summary) -> &[f64],
    ) -> Self {
        Self {
            name: Cow::Borrowed(name),
            area: Some(area),
            headline: true,
            values: Values::OfCampaign(values),
        }
    }

    /// A figure without a useful area.
    const fn figure(name: &'static str, headline: bool, values: fn(&Summary) -> &[f64]) -> Self {
        Self {
            name: Cow::Borrowed(name),
            area: None,
            headline,
            values: Values::OfCampaign(values),
        }
    }

    /// The errors of a response that is sought beside the first.
    pub(super) fn of_further(of: &FurtherFigures) -> [Self; 3] {
        let metric = |name: &str, headline, pick| Self {
            name: Cow::Owned(format!("{name}:{}", of.target)),
            area: None,
            headline,
            values: Values::OfFurther {
                target: of.target.clone(),
                units: of.units.clone(),
                pick,
            },
        };
        [
            metric("mae", true, |of| &of.mae),
            metric("rmse", false, |of| &of.rmse),
            metric("nlpd", false, |of| &of.nlpd),
        ]
    }

    /// The units of the response that it is of, where the first has these.
    pub(super) fn units<'m>(&'m self, of_first: &'m str) -> &'m str {
        match &self.values {
            Values::OfCampaign(_) => of_first,
            Values::OfFurther { units, .. } => units,
        }
    }

    /// The figure after every step; `None` where the campaign did not compute it. NaN at a
    /// step where it could not be computed.
    pub fn curve<'s>(&self, campaign: &'s Summary) -> Option<&'s [f64]> {
        let values = match &self.values {
            Values::OfCampaign(pick) => pick(campaign),
            Values::OfFurther { target, pick, .. } => {
                let mut further = campaign.series.further.iter();
                further.find(|of| of.target == *target).map(pick)?
            }
        };
        Some(values).filter(|values| !values.is_empty())
    }

    /// The figure after `step` steps, from 1; NaN where there is none.
    pub fn at(&self, campaign: &Summary, step: usize) -> f64 {
        let value = self
            .curve(campaign)
            .and_then(|curve| curve.get(step.wrapping_sub(1)));
        value.copied().unwrap_or(f64::NAN)
    }

    /// Mean of the curve over all steps; NaN where there is no curve.
    pub fn mean(&self, campaign: &Summary) -> f64 {
        self.curve(campaign).map_or(f64::NAN, |curve| {
            curve.iter().sum::<f64>() / curve.len() as f64
        })
    }
}
