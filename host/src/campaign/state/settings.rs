//! The settings of a campaign that are in force.

use std::time::Duration;

use beacon_kernel::Candidate;
use beacon_kernel::link::message::Settings as BeamSettings;

use crate::campaign::dose::Limits;
use crate::campaign::targets::{components_of, written};
use crate::campaign::{
    CampaignConfig, CampaignError, LiveConfig, Reduce, Seeds, SettingError, TimeOut,
};
use crate::controller::ControllerChoice;
use crate::data::Channels;
use crate::scalarizer::{ComponentsTarget, Scalarizer};
use crate::units::{Picoamperes, Seconds, UnitError};

/// Live times that are accepted of a spectrum, where no controller exposes.
const SHORTEST_DWELL: Duration = Duration::from_micros(1);
pub(in crate::campaign) const LONGEST_DWELL: Duration = Duration::from_secs(3600);

/// The settings in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How points are chosen.
    pub campaign: CampaignConfig,
    /// The scalarizers, in the order of a point's responses.
    pub scalarizers: Vec<Scalarizer>,
    /// Which of them are sought, by their numbers; one or more, each once. The first is what figures call
    /// the target.
    pub targets: Vec<usize>,
    /// Points to measure in all.
    pub budget: usize,
    /// Live time of each spectrum.
    pub dwell: Seconds,
    /// Longest dwell that is accepted.
    pub longest_dwell: Duration,
    /// Current of the beam, where the user said.
    pub current: Option<Picoamperes>,
    /// What the beam may do to the sample.
    pub limits: Limits,
    /// Longest time.
    pub time_limit: Option<Seconds>,
    /// Points without growth of coverage after which the campaign ends.
    pub stall_after: Option<usize>,
    /// Points between one overview for drift correction and the next.
    pub drift_every: Option<usize>,
    /// Points in a row that may be unusable.
    pub most_failures: usize,
    /// Whether every proposal waits for a person.
    pub approval: bool,
    /// How long, where not until somebody answers.
    pub time_out: Option<TimeOut>,
    /// Points to measure in this order after the seeds, where an order is followed.
    pub order: Vec<Candidate>,
}

impl Settings {
    /// Points in a row that may be unusable, unless the user says otherwise.
    pub const MOST_FAILURES: usize = 10;

    /// Settings of a campaign on an experiment that answers at once: `seeds` points, then the steps of the
    /// configuration or of an order that is followed.
    pub fn offline(campaign: CampaignConfig, seeds: usize, order: Vec<Candidate>) -> Self {
        Self {
            budget: campaign.steps + seeds,
            campaign,
            scalarizers: vec![Scalarizer::Sum],
            targets: vec![0],
            dwell: Seconds::ONE,
            longest_dwell: LONGEST_DWELL,
            current: None,
            limits: Limits::default(),
            time_limit: None,
            stall_after: None,
            drift_every: None,
            most_failures: usize::MAX,
            approval: false,
            time_out: None,
            order,
        }
    }

    /// Settings of a live campaign, checked by themselves: one check for `run` and `resume`.
    ///
    /// # Errors
    /// Names the first that is not accepted.
    pub fn live(config: &LiveConfig, channels: &Channels) -> Result<Self, SettingError> {
        (config.campaign.check()).map_err(|error| SettingError::Campaign(error.to_string()))?;
        let (scalarizers, targets) = config.scalarizers();
        (config.campaign.check_targets(targets.len()))
            .map_err(|error| SettingError::Campaign(error.to_string()))?;
        let nothing = vec![0.0; channels.coordinates.len()];
        for scalarizer in &scalarizers {
            scalarizer
                .reduce(&nothing, &channels.coordinates, &channels.axis)
                .map_err(|error| SettingError::Scalarizer(error.to_string()))?;
        }
        let sought = targets.iter().map(|&index| &scalarizers[index]);
        check_initial(sought, &Seeds::Random(config.campaign.initial))
            .map_err(|error| SettingError::Campaign(error.to_string()))?;
        let current = config.current;
        let current = current.map(|current| positive("current", current, Picoamperes::new));
        positive("timeout", config.instrument.timeout, Seconds::new)?;
        if !(config.patience >= 0.0 && config.patience.is_finite()) {
            let accepted = "seconds from 0";
            return Err(SettingError::new("patience", &config.patience, accepted));
        }
        for (name, value) in [
            ("drift-every", config.drift_every),
            ("stall-after", config.stall_after),
            ("most-failures", Some(config.most_failures)),
            ("retrain-every", config.campaign.retrain_every.points()),
            ("budget", Some(config.budget)),
        ] {
            if value == Some(0) {
                return Err(SettingError::new(name, &0, "1 or more points"));
            }
        }
        let longest_dwell = if config.controller == ControllerChoice::InProcess {
            LONGEST_DWELL
        } else {
            Duration::from_micros(BeamSettings::LONGEST_US.into())
        };
        let settings = Self {
            budget: config.budget,
            targets,
            dwell: dwell_within(config.dwell.unwrap_or(1.0), longest_dwell)?,
            longest_dwell,
            current: current.transpose()?,
            limits: config.limits()?,
            time_limit: config.time_limit()?,
            stall_after: config.stall_after,
            drift_every: config.drift_every,
            most_failures: config.most_failures,
            approval: config.approve,
            time_out: config.time_out()?,
            order: Vec::new(),
            campaign: config.campaign.clone(),
            scalarizers,
        };
        let (coordinates, axis) = (&channels.coordinates, &channels.axis);
        let unfit = settings
            .sought()
            .find(|target| target.on_controller(coordinates, axis).is_none());
        if let Some(target) = unfit.filter(|_| config.reduce == Reduce::Controller) {
            let value = format!("controller, for `{target}`");
            let accepted = "a target that a controller can reduce: a sum, a window or a line on a \
                            rising axis; or host";
            return Err(SettingError::new("reduce", &value, accepted));
        }
        Ok(settings)
    }

    /// Checks the settings against what is known of the beam and of the overview before either is
    /// used.
    ///
    /// # Errors
    /// Names the first that is not accepted.
    pub fn check_with(&self, current: Option<Picoamperes>) -> Result<(), SettingError> {
        let limited = self.limits.total.is_some() || self.limits.pixel.is_some();
        if limited && self.current.or(current).is_none() {
            return Err(SettingError::new(
                "current",
                &"unknown: the instrument tells none",
                "--current in pA beside a dose limit, and no dose limit where a tip scans, which counts no \
                 electrons",
            ));
        }
        Ok(())
    }

    /// Takes over what `beacon resume` may change: budget, limits, and what ends a campaign. Target,
    /// strategy and dwell stay as the commands left them.
    ///
    /// # Errors
    /// When the settings cannot be read.
    pub(super) fn resume(&mut self, settings: &str) -> Result<(), String> {
        // Without settings in the journal the campaign keeps those it has.
        if settings.is_empty() {
            return Ok(());
        }
        let config: LiveConfig = toml::from_str(settings).map_err(|error| error.to_string())?;
        let limits = config.limits().map_err(|error| error.to_string())?;
        let time_limit = config.time_limit().map_err(|error| error.to_string())?;
        (self.limits, self.time_limit) = (limits, time_limit);
        self.budget = config.budget;
        self.stall_after = config.stall_after;
        self.drift_every = config.drift_every;
        self.most_failures = config.most_failures;
        Ok(())
    }

    /// What is sought; of several the first, which is what figures call the target.
    pub fn target(&self) -> &Scalarizer {
        &self.scalarizers[self.target_index()]
    }

    /// Its number among the scalarizers.
    pub fn target_index(&self) -> usize {
        self.targets.first().copied().unwrap_or(0)
    }

    /// All that is sought.
    pub fn sought(&self) -> impl ExactSizeIterator<Item = &Scalarizer> {
        self.targets.iter().map(|&index| &self.scalarizers[index])
    }

    /// The same with commas, as it is written.
    pub fn targets_in_words(&self) -> String {
        written(self.sought()).join(",")
    }

    /// What components are sought, where they are among the targets.
    pub fn components(&self) -> Option<ComponentsTarget> {
        self.sought().find_map(components_of)
    }

    /// Checks that the points before the strategy has a say suffice for what is sought.
    ///
    /// # Errors
    /// [`CampaignError::Setting`].
    pub(crate) fn check_first(&self, seeds: &Seeds) -> Result<(), CampaignError> {
        check_initial(self.sought(), seeds)
    }

    /// What is sought beside the first.
    pub(crate) fn further_targets(&self) -> Vec<String> {
        self.sought().skip(1).map(Scalarizer::to_string).collect()
    }

    /// A number of seconds as the live time of spectra.
    ///
    /// # Errors
    /// When it is too short or too long.
    pub(super) fn dwell_of(&self, seconds: f64) -> Result<Seconds, SettingError> {
        dwell_within(seconds, self.longest_dwell)
    }
}

/// Checks that the points before the strategy has a say suffice to learn the components that are sought.
///
/// # Errors
/// [`CampaignError::Setting`], by the name of what says how many they are.
pub(in crate::campaign) fn check_initial<'t>(
    mut targets: impl Iterator<Item = &'t Scalarizer>,
    seeds: &Seeds,
) -> Result<(), CampaignError> {
    let (name, initial) = match seeds {
        Seeds::Random(count) => ("initial", *count),
        Seeds::Given(seeds) => ("the number of seeds", seeds.len()),
    };
    let components = targets.find_map(components_of);
    match components.filter(|of| initial < of.count()) {
        Some(of) => Err(CampaignError::Setting {
            name,
            value: initial.to_string(),
            accepted: format!(
                "at least the {} spectra that `{of}` is learnt from",
                of.count()
            ),
        }),
        None => Ok(()),
    }
}

/// A live time of spectra, up to the longest that is accepted.
///
/// # Errors
/// When the number is none.
pub(in crate::campaign) fn dwell_within(
    seconds: f64,
    longest: Duration,
) -> Result<Seconds, SettingError> {
    let accepted = if longest < LONGEST_DWELL {
        "a microsecond to a minute, in seconds, with a controller that exposes"
    } else {
        "a microsecond to an hour, in seconds"
    };
    let range = SHORTEST_DWELL.into()..=longest.into();
    Seconds::new(seconds)
        .ok()
        .filter(|dwell| range.contains(dwell))
        .ok_or_else(|| SettingError::new("dwell", &seconds, accepted))
}

/// The quantity of a number above 0.
///
/// # Errors
/// When the number is not above 0, or not finite.
pub(in crate::campaign) fn positive<Q>(
    name: &'static str,
    value: f64,
    quantity: impl Fn(f64) -> Result<Q, UnitError>,
) -> Result<Q, SettingError> {
    let made = quantity(value).ok().filter(|_| value > 0.0);
    made.ok_or_else(|| SettingError::new(name, &value, "a number above 0"))
}
