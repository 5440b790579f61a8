//! What a campaign comes to: its points, its figures, its maps.

use std::time::Duration;

use beacon_kernel::{Candidate, Pixel, Proposal};

use super::event::Event;
use super::{CampaignConfig, DeadTime, Discovery, Ended, MapFigures, PublishedMap, Series};
use crate::controller::LinkReport;
use crate::data::Map;
use crate::scalarizer::Component;

/// What the model expected of a point, in the units of the response.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Expectation {
    /// Posterior mean.
    pub mean: f64,
    /// Posterior standard deviation of the response itself, without measurement noise.
    pub sigma: f64,
}

/// One measured point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measurement {
    /// The candidate.
    pub candidate: Candidate,
    /// Its pixel.
    pub pixel: Pixel,
    /// The response, in its own units.
    pub response: f64,
    /// What the kernel said when it proposed the point, its prediction relative to the
    /// campaign's first response; `None` for a seed that was given.
    pub proposal: Option<Proposal>,
    /// That prediction in the units of the response.
    pub expected: Option<Expectation>,
}

/// A response that is sought beside the first.
#[derive(Clone, Debug)]
pub struct FurtherResponse {
    /// What it is, as its scalarizer is written or its map is called.
    pub target: String,
    /// Its units.
    pub units: String,
    /// Its value at every point, seeds first.
    pub values: Vec<f64>,
    /// What the model expected of it there; `None` for seeds, and without a model.
    pub expected: Vec<Option<Expectation>>,
    /// Final surrogate mean over the candidates' pixels, NaN elsewhere, and standard deviation likewise.
    pub surrogate: Option<(Map, Map)>,
}

/// Where the time of the steps went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Waiting for proposals.
    pub deciding: Duration,
    /// Waiting for the experiment.
    pub measuring: Duration,
    /// Training, and handing the model to the controller.
    pub training: Duration,
    /// Handing the model to the controller, which is part of `training`.
    pub handing_over: Duration,
    /// Surrogate maps and metrics.
    pub monitoring: Duration,
    /// Events go to the disk.
    pub recording: Duration,
    /// The kernel is told what was measured.
    pub telling: Duration,
    /// The blanked beam is moved, and the controller is told dwell and limits.
    pub moving: Duration,
    /// The controller is told to expose, and to blank.
    pub commanding: Duration,
    /// What the instrument's answers take longer than the exposures.
    pub instrument: Duration,
    /// Overviews are taken.
    pub overviews: Duration,
    /// A person is waited for, or an instrument that failed.
    pub waiting: Duration,
    /// Making the map to publish, once the campaign is over.
    pub mapping: Duration,
    /// From the beginning of the campaign to its end, whatever it was spent on.
    pub whole: Duration,
}

impl Times {
    /// Counts what an event says of its time: what came before a program took the campaign up.
    pub(super) fn count(&mut self, event: &Event) {
        let seconds = |seconds: f64| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        match event {
            Event::Proposed(proposed) => self.deciding += seconds(proposed.seconds),
            Event::Trained(trained) => {
                self.training += seconds(trained.seconds);
                self.handing_over += seconds(trained.handing_over_seconds);
            }
            Event::Measured(measured) => {
                self.measuring += measured.acquired.real_time.duration();
            }
            _ => {}
        }
    }
}

/// A campaign's result.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its settings.
    pub config: CampaignConfig,
    /// Number of candidates.
    pub candidates: usize,
    /// Those of them without data, as a mask leaves out, which cannot be measured.
    pub absent: usize,
    /// Occupied bins of the target space.
    pub occupied_bins: usize,
    /// The seeds, in order.
    pub seeds: Vec<Measurement>,
    /// The steps, in order.
    pub steps: Vec<Measurement>,
    /// One entry per step and figure.
    pub series: Series,
    /// What was found of each behaviour that the experiment knows.
    pub discoveries: Vec<Discovery>,
    /// Final surrogate mean over the candidates' pixels, NaN elsewhere.
    pub mean: Option<Map>,
    /// Final surrogate standard deviation likewise.
    pub sigma: Option<Map>,
    /// What is sought beside the first response, where several are.
    pub further: Vec<FurtherResponse>,
    /// The components of spectra that are sought, as they were learnt last.
    pub components: Vec<Component>,
    /// The map to publish, of several responses that of the first; `None` where nothing was measured, or none could be made.
    pub map: Option<PublishedMap>,
    /// How good it is, and maps of fewer points were, by rising number of points.
    pub maps: Vec<MapFigures>,
    /// Where the time went.
    pub times: Times,
    /// Where the time between exposures went.
    pub dead_time: DeadTime,
    /// The most memory that the process had at once until the campaign ended, in bytes; `None`
    /// where the system does not tell.
    pub peak_memory: Option<u64>,
    /// What the link to the controller has been through, where there is one.
    pub link: Option<LinkReport>,
    /// Why it ended.
    pub ended: Ended,
    /// What went wrong without ending the campaign.
    pub warnings: Vec<String>,
}
