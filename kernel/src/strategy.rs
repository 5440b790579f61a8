//! The strategies: what makes a candidate worth measuring.
//!
//! A model may have a spatial part beside the latent plane
//! ([`Architecture::Filters`](crate::Architecture::Filters)). Posterior means count it, and so
//! does what the measurements correct of a sample; the prior of a sample does not. The standard
//! deviations that [`Ei`](Strategy::Ei), [`Mu`](Strategy::Mu) and [`Ucb`](Strategy::Ucb) read are those
//! of what the plane tells: √(s − kᵀK⁻¹k) with k the covariance on the plane and K the whole one. With
//! the spatial part's own deviation every place far from all points would be uncertain, and novel, and
//! every strategy would spread its points over the image as `random` does.
//!
//! With several responses of a place, [`Beacon`](Strategy::Beacon) and
//! [`BeaconStructure`](Strategy::BeaconStructure) seek vectors that are novel: the mean Mahalanobis distance of
//! the sampled vector from the k nearest known ones. [`Ei`](Strategy::Ei), [`Ucb`](Strategy::Ucb) and
//! [`Thompson`](Strategy::Thompson) seek large values, and only one response can be large first: they go by the
//! first. [`Mu`](Strategy::Mu) goes by the standard deviation, which in standardised units all responses share:
//! its order is that of each, and of the sum of their variances.
//! [`BeaconElite`](Strategy::BeaconElite) is defined by the best fifth of one response and refuses several
//! ([`Error::OneResponse`]).

use crate::Error;

/// Which acquisition function picks the next candidate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Novelty of a joint Thompson sample against all responses measured so far
    /// (Tang, Chakrabarty and Paulson, arXiv 2406.03616).
    Beacon,
    /// Novelty against the posterior means of the best fifth only, z-scored: Eqs. 2 and 3 of
    /// "Novelty-Driven Target-Space Discovery in Automated Electron and Scanning Probe
    /// Microscopy". Shows what exploitation costs in coverage of the target space.
    BeaconElite,
    /// Logarithm of the expected improvement over the best denoised response; of several responses, the
    /// first.
    Ei,
    /// Largest posterior standard deviation, which several responses share.
    Mu,
    /// Upper confidence bound μ + √β σ; of several responses, the first.
    Ucb,
    /// Largest value of a joint Thompson sample; of several responses, the first.
    Thompson,
    /// Uniform over the candidates not yet measured.
    Random,
    /// Novelty of a tempered joint sample against all responses, weighted by the structural
    /// distance to the nearest measured patch to the power of three quarters: seeks responses not
    /// seen before, at structures not seen before.
    BeaconStructure,
    /// Largest structural distance to the nearest measured patch: farthest-first traversal
    /// (Gonzalez, "Clustering to minimize the maximum intercluster distance", 1985), blind to
    /// every response.
    Farthest,
}

impl Strategy {
    /// Every strategy, in the order of its number on the wire.
    pub const ALL: [Self; 9] = [
        Self::Beacon,
        Self::BeaconElite,
        Self::Ei,
        Self::Mu,
        Self::Ucb,
        Self::Thompson,
        Self::Random,
        Self::BeaconStructure,
        Self::Farthest,
    ];

    /// The name users type and read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Beacon => "beacon",
            Self::BeaconElite => "beacon-elite",
            Self::Ei => "ei",
            Self::Mu => "mu",
            Self::Ucb => "ucb",
            Self::Thompson => "thompson",
            Self::Random => "random",
            Self::BeaconStructure => "beacon-structure",
            Self::Farthest => "farthest",
        }
    }

    /// The strategy of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|strategy| strategy.name() == name)
    }
}

/// Which responses novelty is measured against.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum References {
    /// Posterior means at the measured points: noise is not taken for novelty.
    Denoised,
    /// Responses as measured.
    Raw,
}

/// How a response is sampled at the candidates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sampling {
    /// One sample of the whole function: neighbours agree.
    Joint,
    /// An independent draw from each candidate's own posterior.
    Marginal,
}

/// The factor by which [`Strategy::BeaconStructure`] narrows its sample about the posterior mean.
/// Once the model has learned something, the deviations of a full sample are larger than the gaps
/// between responses; the mean alone ignores what the model does not know. The factor and the
/// power of the structural distance were chosen together on four kinds of data; neither is a setting.
const TEMPERATURE: f32 = 0.3;

/// A strategy and its settings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Acquisition {
    /// The strategy.
    pub strategy: Strategy,
    /// Neighbours that novelty averages over; 1 or more.
    pub k: u16,
    /// References of [`Strategy::Beacon`] and [`Strategy::BeaconStructure`].
    pub references: References,
    /// Sampling of [`Strategy::BeaconElite`].
    pub sampling: Sampling,
    /// Share of the measured points that [`Strategy::BeaconElite`] calls elite, in (0, 1].
    pub elite_share: f32,
    /// β of [`Strategy::Ucb`]; 0 or more.
    pub beta: f32,
}

impl Acquisition {
    /// A strategy with the published settings: k = 10, denoised references, marginal samples
    /// and the best 20 % for the elite variant, β = 4.
    pub const fn new(strategy: Strategy) -> Self {
        Self {
            strategy,
            k: 10,
            references: References::Denoised,
            sampling: Sampling::Marginal,
            elite_share: 0.2,
            beta: 4.0,
        }
    }

    /// The factor by which a joint sample's deviations from the posterior mean are scaled; `None` for
    /// a strategy that draws none.
    pub(crate) fn temperature(&self) -> Option<f32> {
        match (self.strategy, self.sampling) {
            (Strategy::BeaconStructure, _) => Some(TEMPERATURE),
            (Strategy::Beacon | Strategy::Thompson, _)
            | (Strategy::BeaconElite, Sampling::Joint) => Some(1.0),
            _ => None,
        }
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is out of range.
    pub fn validate(&self) -> Result<(), Error> {
        if self.k == 0 {
            return Err(Error::Setting {
                name: "k",
                value: f32::from(self.k),
                accepted: "1 or more neighbours",
            });
        }
        if !(self.elite_share > 0.0 && self.elite_share <= 1.0) {
            return Err(Error::Setting {
                name: "elite share",
                value: self.elite_share,
                accepted: "above 0 and at most 1",
            });
        }
        if !(self.beta >= 0.0 && self.beta.is_finite()) {
            return Err(Error::Setting {
                name: "beta",
                value: self.beta,
                accepted: "0 or more",
            });
        }
        Ok(())
    }
}

impl Default for Acquisition {
    fn default() -> Self {
        Self::new(Strategy::BeaconStructure)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_strategy() {
        for strategy in Strategy::ALL {
            assert_eq!(Strategy::from_name(strategy.name()), Some(strategy));
        }
        assert_eq!(Strategy::from_name("Beacon"), None);
    }

    #[test]
    fn settings_out_of_range_are_named() {
        let default = Acquisition::default();
        assert_eq!(default.validate(), Ok(()));
        for (name, wrong) in [
            ("k", Acquisition { k: 0, ..default }),
            (
                "elite share",
                Acquisition {
                    elite_share: 0.0,
                    ..default
                },
            ),
            (
                "elite share",
                Acquisition {
                    elite_share: f32::NAN,
                    ..default
                },
            ),
            (
                "beta",
                Acquisition {
                    beta: -1.0,
                    ..default
                },
            ),
        ] {
            assert!(matches!(wrong.validate(), Err(Error::Setting { name: n, .. }) if n == name));
        }
    }
}
