//! The map to publish: what all measured points say of the response at every candidate.
//!
//! A [process](super::process) over nine features of a patch and its place, which has more to learn
//! from than the surrogate that decides: a lengthscale of every feature, and neighbours. A map
//! depends on its points alone, not on earlier maps, so that a campaign that was interrupted comes
//! to the same one. With many points its parameters are those of the first so many of them: a map of a few
//! points more has the same ones.

use beacon_kernel::{Candidate, Candidates, Error};

use super::process::{self, Estimate, Process, Site};
use super::{Pace, TrainError, features, targets};

/// Points that the parameters are sought with: of more, as many, spread evenly over their order. All
/// points make the map.
const MOST_FITTED: usize = 400;
/// With more points than that, the parameters are sought when there are a twentieth more than at the last
/// time.
const REFIT: usize = 20;
/// Steps of one search.
const MOST_STEPS: usize = 100;
/// Points that the model's own deviations count for beside those of points that are left out.
const TRUST: f64 = 10.0;
/// Points at which the parameters, of which the most probable ones alone are used, add as much to
/// the variances as the process at those says. Chosen on six data sets: at 10, 30 and 60 points the
/// density of the truth is highest with variances 1 to 6, 2 to 4, and 1.5 to 5 times as large.
const UNCERTAIN: f64 = 25.0;

/// Makes maps of the response over one image.
#[derive(Clone, Debug)]
pub struct Mapmaker {
    sites: Vec<Site>,
    /// The parameters that were sought last, and what with.
    sought: Option<Sought>,
}

/// Parameters, and the points and responses that they were sought with.
#[derive(Clone, Debug)]
struct Sought {
    points: Vec<Candidate>,
    responses: Vec<f64>,
    parameters: Vec<f64>,
}

/// The response at every candidate, in its own units.
#[derive(Clone, Debug, PartialEq)]
pub struct ResponseMap {
    /// Means.
    pub mean: Vec<f64>,
    /// Variances of the response itself, without the noise of measuring it once.
    pub variance: Vec<f64>,
    /// Variance of that noise.
    pub noise: f64,
    /// What all other points say of each point, in their order.
    pub left_out: Vec<LeftOut>,
}

/// A measured point beside what the others say of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LeftOut {
    /// Measured.
    pub response: f64,
    /// Predicted.
    pub mean: f64,
    /// Of the prediction, with noise.
    pub variance: f64,
}

impl Mapmaker {
    /// For the candidates of an image.
    ///
    /// # Errors
    /// [`TrainError::Kernel`] for an image or a window that the kernel refuses.
    pub fn new(candidates: Candidates, pixels: &[f32]) -> Result<Self, TrainError> {
        let sites = sites(candidates, pixels)?;
        Ok(Self {
            sites,
            sought: None,
        })
    }

    /// The map that these points give.
    ///
    /// # Errors
    /// [`TrainError::NoPoints`], [`TrainError::PointCount`], [`TrainError::Response`],
    /// [`TrainError::Kernel`] when there is no such candidate, and [`TrainError::NoMap`] where
    /// numerical trouble leaves none.
    pub fn map(
        &mut self,
        points: &[Candidate],
        responses: &[f64],
    ) -> Result<ResponseMap, TrainError> {
        self.map_at(&Pace::default(), points, responses)
    }

    /// The same, which another thread may break off.
    ///
    /// # Errors
    /// As [`Self::map`], and [`TrainError::BrokenOff`].
    pub fn map_at(
        &mut self,
        pace: &Pace,
        points: &[Candidate],
        responses: &[f64],
    ) -> Result<ResponseMap, TrainError> {
        let (found, expected) = (responses.len(), points.len());
        if found == 0 {
            return Err(TrainError::NoPoints);
        }
        if found != expected {
            return Err(TrainError::PointCount { found, expected });
        }
        targets::check(responses)?;
        let site = |&candidate: &Candidate| {
            let site = self.sites.get(candidate.index()).copied();
            let candidates = self.sites.len();
            site.ok_or(Error::NoSuchCandidate {
                candidate,
                candidates,
            })
        };
        let sites = points.iter().map(site).collect::<Result<Vec<_>, _>>()?;
        let first = fitted(found);
        let (mean, scale) = targets::spread(&responses[..first]);
        let targets: Vec<f64> = responses.iter().map(|r| (r - mean) / scale).collect();
        let before = self.sought.take().filter(|sought| {
            sought.points == points[..first] && sought.responses == responses[..first]
        });
        let parameters = match before {
            Some(sought) => Some(sought.parameters),
            None => rayon::scope(|_| sought(pace, &sites[..first], &targets[..first])),
        };
        let whole = || {
            (!pace.is_broken())
                .then_some(())
                .ok_or(TrainError::BrokenOff)
        };
        whole()?;
        let parameters = parameters.ok_or(TrainError::NoMap)?;
        let map = rayon::scope(|_| self.standardised(pace, &sites, &targets, &parameters));
        whole()?;
        self.sought = Some(Sought {
            points: points[..first].to_vec(),
            responses: responses[..first].to_vec(),
            parameters,
        });
        let mut map = map.ok_or(TrainError::NoMap)?;
        map.noise *= scale * scale;
        for variance in &mut map.variance {
            *variance *= scale * scale;
        }
        for of in &mut map.mean {
            *of = *of * scale + mean;
        }
        for (point, &response) in map.left_out.iter_mut().zip(responses) {
            point.response = response;
            point.mean = point.mean * scale + mean;
            point.variance *= scale * scale;
        }
        Ok(map)
    }

    /// The map of standardised responses at these parameters; nothing where there is none.
    fn standardised(
        &self,
        pace: &Pace,
        sites: &[Site],
        targets: &[f64],
        parameters: &[f64],
    ) -> Option<ResponseMap> {
        let mut process = Process::new(sites, targets);
        if !process.settle(parameters) {
            return None;
        }
        let left_out = process.left_out();
        let wider = inflation(&left_out, targets);
        let (mean, variance) = process
            .predict(&self.sites, pace)
            .into_iter()
            .map(|estimate| (estimate.mean, wider * estimate.variance))
            .unzip();
        let left_out = left_out.into_iter().zip(targets);
        Some(ResponseMap {
            mean,
            variance,
            noise: wider * process.noise(),
            left_out: left_out
                .map(|(estimate, &response)| LeftOut {
                    response,
                    mean: estimate.mean,
                    variance: wider * estimate.variance,
                })
                .collect(),
        })
    }
}

/// The first so many of these points are those that the parameters are sought with.
fn fitted(points: usize) -> usize {
    let mut fitted = points.min(MOST_FITTED);
    while fitted >= MOST_FITTED && fitted + fitted / REFIT <= points {
        fitted += fitted / REFIT;
    }
    fitted
}

/// The most probable parameters; nothing where no search had a value.
fn sought(pace: &Pace, sites: &[Site], targets: &[f64]) -> Option<Vec<f64>> {
    let spread = || targets::some_of(targets.len(), Some(MOST_FITTED));
    let sites: Vec<_> = spread().map(|n| sites[n]).collect();
    let targets: Vec<_> = spread().map(|n| targets[n]).collect();
    process::search(
        &sites,
        &targets,
        process::starts().to_vec(),
        MOST_STEPS,
        pace,
    )
}

/// What the process knows of every candidate of an image.
///
/// # Errors
/// What the kernel refuses of the image.
pub(super) fn sites(candidates: Candidates, pixels: &[f32]) -> Result<Vec<Site>, Error> {
    let window = candidates.window() as f64;
    let features = features(candidates, pixels)?;
    let sites = (0..).zip(features).map(|(n, features)| {
        let pixel = candidates.pixel(Candidate(n))?;
        Ok(Site {
            features: features.map(f64::from),
            place: [pixel.row, pixel.column].map(|p| p as f64 / window),
        })
    });
    sites.collect()
}

/// By how much the variances are too small: because of the parameters, and by the mean squared error
/// of points that are left out in their own variances, which counts where it is more than 1.
fn inflation(left_out: &[Estimate], targets: &[f64]) -> f64 {
    let squares = left_out.iter().zip(targets).map(|(estimate, target)| {
        let error = target - estimate.mean;
        error * error / estimate.variance
    });
    let sum: f64 = squares.sum();
    let count = targets.len() as f64;
    let by_left_out = ((sum + TRUST) / (count + TRUST)).max(1.0);
    by_left_out * (1.0 + UNCERTAIN / count)
}

#[cfg(test)]
mod tests;
