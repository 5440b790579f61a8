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
/// Counts whose root mean square is so many times the noise of counting them tell how far responses
/// reach. Of weaker ones, deviations are wider by the ratio to the power [`UNSEEN`], up to
/// [`MOST_UNSEEN`]. Chosen on the built-in specimens with the seeds 1 to 4.
const SEEN: f64 = 25.0;
const UNSEEN: f64 = 1.5;
const MOST_UNSEEN: f64 = 30.0;
/// Counts a point below which nothing is widened: real EDS data with a tenth to four tenths hardly have
/// more anywhere, and specimens that do at a tenth of their dose have more than a half.
const LEAST_COUNTS: f64 = 0.5;
/// Up to so many points, in full, and less and less up to twice as many: a tenth of the candidates is
/// missed by 20 points in one campaign of eight, by 40 in one of seventy.
const FEW: f64 = 20.0;
/// Deviations that are wider by as much are called a guess.
const GUESS: f64 = 2.0;

/// Makes maps of the response over one image.
#[derive(Clone, Debug)]
pub struct Mapmaker {
    sites: Vec<Site>,
    /// Whether responses are counts.
    counts: bool,
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
    /// Whether the responses hardly differ yet, so that the variances are a guess.
    pub guessed: bool,
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
            counts: false,
            sought: None,
        })
    }

    /// Says what the responses are measured in. Of counts the noise is known, and with it whether a few
    /// responses show more than noise.
    pub fn set_units(&mut self, units: &str) {
        self.counts = units.eq_ignore_ascii_case("counts");
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
        let unseen = if self.counts { unseen(responses) } else { 1.0 };
        let map = rayon::scope(|_| self.standardised(pace, &sites, &targets, &parameters, unseen));
        whole()?;
        self.sought = Some(Sought {
            points: points[..first].to_vec(),
            responses: responses[..first].to_vec(),
            parameters,
        });
        let mut map = map.ok_or(TrainError::NoMap)?;
        let differ = responses.iter().any(|y| *y != responses[0]);
        map.guessed = !differ || unseen >= GUESS;
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

    /// The map of standardised responses at these parameters, its deviations wider by a factor; nothing
    /// where there is none.
    fn standardised(
        &self,
        pace: &Pace,
        sites: &[Site],
        targets: &[f64],
        parameters: &[f64],
        unseen: f64,
    ) -> Option<ResponseMap> {
        let mut process = Process::new(sites, targets);
        if !process.settle(parameters) {
            return None;
        }
        let left_out = process.left_out();
        let wider = inflation(&left_out, targets) * unseen * unseen;
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
            guessed: false,
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
        &[&targets],
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

/// By how much the deviations of counts are too small because what a few points have met may be the
/// background alone, whose spread says nothing of the rest.
///
/// Neither features nor points that are left out show that: particles without the element that is
/// counted look like those with it.
fn unseen(responses: &[f64]) -> f64 {
    let points = responses.len() as f64;
    let mean_of = |f: fn(f64) -> f64| responses.iter().map(|&y| f(y)).sum::<f64>() / points;
    let (counts, square) = (mean_of(f64::abs), mean_of(|y| y * y));
    if counts < LEAST_COUNTS {
        return 1.0;
    }
    // The variance of counting is the count.
    let signal_to_noise = (square / counts).sqrt().max(1.0);
    let wider = libm::pow(SEEN / signal_to_noise, UNSEEN).clamp(1.0, MOST_UNSEEN);
    1.0 + (wider - 1.0) * (2.0 - points / FEW).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests;
