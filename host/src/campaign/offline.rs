//! Campaigns on experiments that answer at once: replays, specimens, cells of a comparison, and
//! orders that are followed.

mod checks;

use std::collections::HashSet;
use std::time::{Duration, Instant};

use beacon_kernel::{Candidate, Candidates, Capacity, MOST_RESPONSES, Network, Strategy};

use super::drive::{Drive, Failure, World};
use super::event::{Begun, Event, Measured, Overview};
use super::learner::Use;
use super::seeds::check_present;
use super::state::{Expose, Settings, State, check_initial};
use super::{
    ALGORITHM, CampaignConfig, CampaignError, Ended, Exposure, FurtherTarget, LiveConfig,
    MeasuredPoint, Monitor, Observer, Outcome, Posterior, Region, Seeds, Series, Targets,
    check_seeds, check_window,
};
use crate::controller::{BeamPort, Controller, InProcess, Memory, Setup};
use crate::data::{Axis, Behaviour, Channels, Map, Patches};
use crate::experiment::{Experiment, Oracle, Point};
use crate::microscope::{Acquired, Beam, MicroscopeChoice};
use crate::scalarizer::{Background, Scalarizer};
use crate::spaces::Spaces;
use crate::units::{Electrons, Seconds};
pub(crate) use checks::check_image;
use checks::check_truths;

/// A campaign that has been checked and can start.
pub struct Campaign {
    state: State,
    patches: Patches,
    monitor: Monitor,
    witness: Option<Box<dyn Witness>>,
}

/// Who sees everything that happens to a campaign without a journal, and changes nothing of it.
pub(crate) trait Witness: Send {
    /// An event; the first two are the beginning and the overview.
    fn happened(&mut self, event: &Event);

    /// As [`World::shows_scores`].
    fn shows_scores(&self) -> bool;

    /// As [`World::show_figures`].
    fn show_figures(
        &mut self,
        state: &State,
        series: &Series,
        surrogates: &[Posterior],
        plane: Option<Vec<[f32; 2]>>,
    );

    /// As [`World::show_scores`].
    fn show_scores(&mut self, state: &State, scores: Vec<f32>);

    /// As [`World::show_truths`].
    fn show_truths(&mut self, truths: &[Option<&Map>]);
}

impl Campaign {
    /// The name of the strategy of a campaign that follows an order.
    pub const FOLLOWED: &str = "order";

    /// Checks everything that can be checked before anything is measured or written.
    ///
    /// # Errors
    /// The first setting, seed, or property of the data that does not fit.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "seeds belong to one campaign"
    )]
    pub fn new(
        config: CampaignConfig,
        seeds: Seeds,
        experiment: &dyn Experiment,
    ) -> Result<Self, CampaignError> {
        let Some(acquisition) = config.acquisition() else {
            let names = Strategy::ALL.map(Strategy::name).join(", ");
            return Err(CampaignError::Setting {
                name: "strategy",
                value: config.strategy,
                accepted: format!("one of {names}"),
            });
        };
        acquisition.validate()?;
        Self::checked(config, None, &seeds, experiment)
    }

    /// A campaign that measures `order` after `seeds`, without asking the kernel what it would
    /// have measured, and is judged step by step as any other. Its strategy is called
    /// [`Self::FOLLOWED`].
    ///
    /// Without seeds the model starts from the first points of the order: until there are as
    /// many as a campaign has seeds, it is trained from scratch after each.
    ///
    /// # Errors
    /// As [`Self::new`], and when a candidate is measured twice or does not exist.
    pub fn following(
        config: CampaignConfig,
        seeds: Vec<Candidate>,
        order: Vec<Candidate>,
        experiment: &dyn Experiment,
    ) -> Result<Self, CampaignError> {
        let config = CampaignConfig {
            strategy: Self::FOLLOWED.to_owned(),
            steps: order.len(),
            ..config
        };
        let mut measured = HashSet::new();
        let points = seeds.iter().chain(&order);
        if let Some(&candidate) = points.into_iter().find(|&&point| !measured.insert(point)) {
            return Err(beacon_kernel::Error::AlreadyMeasured { candidate }.into());
        }
        let last = order.iter().max().copied();
        let campaign = Self::checked(config, Some(order), &Seeds::Given(seeds), experiment)?;
        if let Some(last) = last {
            campaign.candidates().pixel(last)?;
        }
        Ok(campaign)
    }

    fn checked(
        config: CampaignConfig,
        order: Option<Vec<Candidate>>,
        seeds: &Seeds,
        experiment: &dyn Experiment,
    ) -> Result<Self, CampaignError> {
        let setting = |name, value: &dyn ToString, accepted: String| CampaignError::Setting {
            name,
            value: value.to_string(),
            accepted,
        };
        let image = experiment.image();
        check_window(image, config.window, config.edges)?;
        Network::for_window(config.window)?;
        check_image(image)?;
        let patches = image.patches_with_edges(config.window, config.edges)?;
        let candidates = patches.candidates();
        for (name, value) in [
            ("steps", config.steps),
            ("retrain_every", config.retrain_every.points().unwrap_or(1)),
            ("initial", seeds.count()),
        ] {
            if value == 0 && (name != "initial" || order.is_none()) {
                return Err(setting(name, &value, "1 or more".to_owned()));
            }
        }
        if let Seeds::Given(seeds) = seeds {
            check_seeds(seeds, candidates.count())?;
        }
        let responses = experiment.responses();
        if !(1..=MOST_RESPONSES).contains(&responses) {
            let accepted = format!("1 to {MOST_RESPONSES} that are sought together");
            return Err(setting("the number of responses", &responses, accepted));
        }
        let truths: Vec<&Map> = (0..responses)
            .filter_map(|n| experiment.truth_of(n))
            .collect();
        check_truths(image, &truths, candidates)?;
        let absent = Region::covering(image.height(), image.width(), |row, column| {
            let known = |map: &Map| map.is_known(row, column);
            !known(image) || !truths.iter().all(|truth| known(truth))
        });
        if let Seeds::Given(seeds) = seeds {
            check_present(seeds, candidates, &absent)?;
        }
        config.check_targets(responses)?;
        let further = experiment.targets().into_iter().enumerate().skip(1);
        let further = further.map(|(n, (name, units))| FurtherTarget {
            name,
            units,
            truth: experiment.truth_of(n).cloned(),
        });
        let further: Vec<_> = further.collect();
        let monitor = Monitor::of_several(experiment.truth(), &further, candidates)?;
        config.training.validate()?;

        let (window, steps, first) = (config.window, config.steps, seeds.count());
        let mut config = config;
        if let Seeds::Random(count) = *seeds {
            config.initial = count;
        }
        let mut settings = Settings::offline(config, first, order.unwrap_or_default());
        let reduced = experiment.reduced_by_campaign();
        if let Some(scalarizers) = &reduced {
            check_initial(scalarizers.iter(), seeds)?;
        }
        if responses > 1 || reduced.is_some() {
            settings.targets = (0..responses).collect();
            settings.scalarizers = reduced
                .clone()
                .unwrap_or_else(|| (0..responses).map(channel).collect());
        }
        let mut begun = begun(image, seeds, responses);
        if let Some(channels) = experiment.channels().filter(|_| reduced.is_some()) {
            begun.channels = channels;
        }
        let mut state = State::new(begun, settings);
        state.apply(&Event::Overview(Box::new(Overview {
            image: image.clone(),
            beam: Beam::default(),
            absent,
        })))?;
        let free = state.free_at_first();
        if first >= free {
            let accepted = format!("fewer than the {free} candidates");
            return Err(setting("initial", &first, accepted));
        }
        let most = free - first;
        if steps > most {
            let accepted = format!(
                "at most {most}: of {free} candidates for windows of {window} pixels, the seeds \
                 take {first}"
            );
            return Err(setting("steps", &steps, accepted));
        }
        Ok(Self {
            state,
            patches,
            monitor,
            witness: None,
        })
    }

    /// Tells somebody everything that happens.
    #[must_use]
    pub(crate) fn witnessed_by(mut self, witness: Box<dyn Witness>) -> Self {
        self.witness = Some(witness);
        self
    }

    /// Judges exploration in these spaces as well, which belong to [`Self::patches`]. One clone
    /// serves each of many campaigns on the same data.
    ///
    /// # Errors
    /// When the spaces are of other data.
    pub fn with_spaces(mut self, spaces: &Spaces) -> Result<Self, CampaignError> {
        self.monitor.judge_in(spaces)?;
        Ok(self)
    }

    /// The image as the network sees it.
    pub fn patches(&self) -> &Patches {
        &self.patches
    }

    /// The geometry of the image and its candidates.
    pub fn candidates(&self) -> Candidates {
        self.patches.candidates()
    }

    /// The points that the campaign measures before its strategy has a say, unless a measurement fails.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn first_points(&self) -> Result<Vec<Candidate>, CampaignError> {
        if let Some(seeds) = &self.state.begun().seeds {
            return Ok(seeds.iter().copied().map(Candidate).collect());
        }
        let CampaignConfig { initial, seed, .. } = self.state.settings().campaign;
        let candidates = self.candidates();
        let mut memory = Memory::new(Capacity::for_candidates(candidates, initial));
        let mut kernel = InProcess::new(&mut memory)?;
        kernel.begin(&Setup {
            candidates,
            pixels: self.patches.pixels(),
            seed,
            revision: 0,
        })?;
        let absent = self.state.overview().map(|overview| &overview.absent);
        for region in absent.into_iter().flatten() {
            kernel.exclude(region.rows.clone(), region.columns.clone())?;
        }
        kernel.choose(self.state.proposing())?;
        let mut point = || -> Result<_, CampaignError> {
            let candidate = kernel.propose(false)?.candidate;
            // Chance looks at no response.
            kernel.measure(candidate, 0.0)?;
            Ok(candidate)
        };
        (0..initial).map(|_| point()).collect()
    }

    /// Number of points the campaign will measure, seeds included.
    pub fn measurements(&self) -> usize {
        self.state.settings().budget
    }

    /// Responses that are sought together.
    pub fn responses(&self) -> usize {
        self.state.settings().targets.len()
    }

    /// What a kernel in this process has to have room for.
    pub fn capacity(&self) -> Capacity {
        Capacity::for_candidates(self.candidates(), self.measurements())
            .with_responses(self.responses())
    }

    /// Runs the campaign to its end.
    ///
    /// # Errors
    /// When the experiment fails or the controller refuses before anything is measured; later the
    /// campaign ends with what it has, and says why. Numerical trouble in training is retried,
    /// then reported as a warning; it never ends a campaign.
    pub fn run(
        self,
        experiment: &mut dyn Oracle,
        controller: &mut dyn Controller,
        observer: &mut dyn Observer,
    ) -> Result<Outcome, CampaignError> {
        let how = Use {
            reduces: false,
            exposes: true,
        };
        let mut world = Answers {
            experiment,
            begun: Instant::now(),
            witness: self.witness,
        };
        if let Some(witness) = &mut world.witness {
            let begun = witnessed(&self.state, world.experiment.target());
            witness.happened(&Event::Begun(Box::new(begun)));
            if let Some(overview) = self.state.overview() {
                witness.happened(&Event::Overview(Box::new((**overview).clone())));
            }
            let experiment = &world.experiment;
            let truths = (0..experiment.responses()).map(|n| experiment.truth_of(n));
            witness.show_truths(&truths.collect::<Vec<_>>());
        }
        let mut drive = Drive::new(self.state, self.patches, self.monitor, controller, how)?;
        let ended = drive.run(&mut world, observer)?;
        Ok(drive.outcome(ended, &mut world).0)
    }
}

/// The scalarizer of one of several responses, which are the channels of a spectrum: a window around one channel
/// that reaches beyond neither end of the axis.
fn channel(response: usize) -> Scalarizer {
    let at = response as f64;
    let (low, high) = if response == 0 {
        (0.0, 0.25)
    } else {
        (at - 0.25, at)
    };
    Scalarizer::Window {
        low,
        high,
        background: Background::None,
    }
}

/// The beginning of a campaign without a journal. The responses of a place are the channels of a spectrum.
fn begun(image: &Map, seeds: &Seeds, responses: usize) -> Begun {
    Begun {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        algorithm: ALGORITHM,
        id: 0,
        settings: String::new(),
        instrument: String::new(),
        channels: Channels {
            axis: Axis::pixels("response", responses),
            coordinates: (0..responses).map(|response| response as f64).collect(),
            quantity: String::new(),
            units: String::new(),
            elements: Vec::new(),
        },
        beam: Beam::default(),
        frame: Some((image.rows.clone(), image.columns.clone())),
        overview_time: None,
        real_to_live: 1.0,
        seeds: match seeds {
            Seeds::Given(seeds) => Some(seeds.iter().map(|seed| seed.0).collect()),
            Seeds::Random(_) => None,
        },
    }
}

/// What a witness is told of the beginning: with the settings, as a live campaign has them.
fn witnessed(state: &State, (quantity, units): (String, String)) -> Begun {
    let settings = state.settings();
    let microscope = MicroscopeChoice::Own("replay".to_owned());
    let config = LiveConfig {
        scalarizers: settings.scalarizers.clone(),
        target: match settings.targets.len() {
            1 => Targets::default(),
            _ => Targets::new(settings.sought().cloned().collect()).unwrap_or_default(),
        },
        campaign: settings.campaign.clone(),
        ..LiveConfig::new(microscope, settings.budget)
    };
    let mut begun = state.begun().clone();
    begun.settings = toml::to_string(&config).unwrap_or_default();
    "data acquired before".clone_into(&mut begun.instrument);
    if settings.components().is_none() {
        (begun.channels.quantity, begun.channels.units) = (quantity, units);
    }
    begun
}

/// An experiment that answers at once.
struct Answers<'e> {
    experiment: &'e mut dyn Oracle,
    begun: Instant,
    witness: Option<Box<dyn Witness>>,
}

impl World for Answers<'_> {
    fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    fn is_interrupted(&self) -> bool {
        false
    }

    fn record(&mut self, event: &Event, _: &mut dyn BeamPort) -> Result<(), Ended> {
        if let Some(witness) = &mut self.witness {
            witness.happened(event);
        }
        Ok(())
    }

    fn shows_maps(&self) -> bool {
        self.witness.is_some()
    }

    fn shows_scores(&self) -> bool {
        let witness = self.witness.as_ref();
        witness.is_some_and(|witness| witness.shows_scores())
    }

    fn show_figures(
        &mut self,
        state: &State,
        series: &Series,
        surrogates: &[Posterior],
        plane: Option<Vec<[f32; 2]>>,
    ) {
        if let Some(witness) = &mut self.witness {
            witness.show_figures(state, series, surrogates, plane);
        }
    }

    fn show_scores(&mut self, state: &State, scores: Vec<f32>) {
        if let Some(witness) = &mut self.witness {
            witness.show_scores(state, scores);
        }
    }

    fn survey(&mut self, _: &State) -> Result<Event, Failure> {
        Err(Failure::Final("there is one overview alone".to_owned()))
    }

    fn prepare(&mut self, _: &State, _: &Expose, _: &mut dyn BeamPort) -> Result<(), Failure> {
        Ok(())
    }

    fn expose(
        &mut self,
        _: &State,
        expose: &Expose,
        _: &mut dyn BeamPort,
    ) -> Result<(Measured, Exposure), Failure> {
        let point = Point {
            candidate: expose.candidate,
            pixel: expose.pixel,
        };
        let measured = match self.experiment.reduced_by_campaign() {
            Some(_) => self.experiment.measure_spectrum(point),
            None => self.experiment.measure_all(point),
        };
        let spectrum = measured.map_err(|error| Failure::Point(error.to_string()))?;
        let measured = Measured {
            candidate: expose.candidate.0,
            position: expose.position,
            acquired: Acquired {
                spectrum,
                detectors: Vec::new(),
                live_time: Seconds::ZERO,
                real_time: Seconds::ZERO,
            },
            electrons: Electrons::ZERO,
            true_pixel: None,
        };
        Ok((measured, Exposure::at_once()))
    }

    fn spectrum(&self, point: &MeasuredPoint) -> Option<Vec<f64>> {
        self.experiment.spectrum(point.pixel)
    }

    fn knows_all_components(&self) -> bool {
        true
    }

    fn truth(&self, target: &Scalarizer) -> Option<Map> {
        if self.experiment.reduced_by_campaign().is_some() {
            let reduced = || self.experiment.reduced(target);
            return target.is_learnt().then(reduced).flatten();
        }
        let mut channels = (0..self.experiment.responses()).map(channel);
        let response = channels.position(|channel| channel == *target);
        self.experiment.truth_of(response.unwrap_or(0)).cloned()
    }

    fn show_truths(&mut self, truths: &[Option<&Map>]) {
        if let Some(witness) = &mut self.witness {
            witness.show_truths(truths);
        }
    }

    fn targets(&self, _: &State) -> Vec<(String, String)> {
        self.experiment.targets()
    }

    fn target(&self, _: &State) -> (String, String) {
        self.experiment.target()
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.experiment.behaviours()
    }

    fn exposes_on_proposal(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_several_responses_is_a_channel_whose_scalarizer_is_read_back() {
        let spectrum = [3.5, -1.0, 2.0, 8.0];
        let axis = Axis::pixels("response", MOST_RESPONSES);
        let coordinates: Vec<f64> = (0..MOST_RESPONSES).map(|n| n as f64).collect();
        for (n, value) in spectrum.iter().enumerate() {
            let read: Scalarizer = channel(n).to_string().parse().unwrap();
            assert_eq!(read, channel(n));
            assert_eq!(read.reduce(&spectrum, &coordinates, &axis).unwrap(), *value);
            assert_eq!(read.cut(&coordinates[..=n.max(1)], &axis), None);
        }
    }
}
