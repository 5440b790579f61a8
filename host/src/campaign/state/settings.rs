//! The settings of a campaign that are in force.

use beacon_kernel::Candidate;
use beacon_kernel::link::message::Settings as BeamSettings;

use crate::campaign::dose::Limits;
use crate::campaign::{CampaignConfig, LiveConfig, Reduce, SettingError};
use crate::controller::ControllerChoice;
use crate::scalarizer::Scalarizer;
use crate::data::Channels;

/// Live times that are accepted of a spectrum, in seconds, where no controller exposes.
const SHORTEST_DWELL: f64 = 1e-6;
const LONGEST_DWELL: f64 = 3600.0;

/// The settings in force.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How points are chosen.
    pub campaign: CampaignConfig,
    /// The scalarizers, in the order of a point's responses.
    pub scalarizers: Vec<Scalarizer>,
    /// Which of them is sought.
    pub target: usize,
    /// Points to measure in all.
    pub budget: usize,
    /// Live time of each spectrum, in seconds.
    pub dwell: f64,
    /// Longest dwell that is accepted, in seconds.
    pub longest_dwell: f64,
    /// Current of the beam, in pA, where the user said.
    pub current_pa: Option<f64>,
    /// What the beam may do to the sample.
    pub limits: Limits,
    /// Longest time, in seconds.
    pub time_limit: Option<f64>,
    /// Points without growth of coverage after which the campaign ends.
    pub stall_after: Option<usize>,
    /// Points between one overview for drift correction and the next.
    pub drift_every: Option<usize>,
    /// Points in a row that may be unusable.
    pub most_failures: usize,
    /// Whether every proposal waits for a person.
    pub approval: bool,
    /// Points to measure in this order after the seeds, where somebody has said before.
    pub order: Vec<Candidate>,
}

impl Settings {
    /// Points in a row that may be unusable, unless the user says otherwise.
    pub const MOST_FAILURES: usize = 10;

    /// Settings of a campaign whose answers cost nothing: `seeds` points, then the steps of the
    /// configuration or of an order that is followed.
    pub fn offline(campaign: CampaignConfig, seeds: usize, order: Vec<Candidate>) -> Self {
        Self {
            budget: campaign.steps + seeds,
            campaign,
            scalarizers: vec![Scalarizer::Sum],
            target: 0,
            dwell: 1.0,
            longest_dwell: LONGEST_DWELL,
            current_pa: None,
            limits: Limits::default(),
            time_limit: None,
            stall_after: None,
            drift_every: None,
            most_failures: usize::MAX,
            approval: false,
            order,
        }
    }

    /// Settings of a live campaign, checked by themselves: one check for `run` and `resume`.
    ///
    /// # Errors
    /// The first that does not do.
    pub fn live(config: &LiveConfig, channels: &Channels) -> Result<Self, SettingError> {
        let (scalarizers, target) = config.scalarizers();
        let nothing = vec![0.0; channels.coordinates.len()];
        for scalarizer in &scalarizers {
            scalarizer
                .reduce(&nothing, &channels.coordinates, &channels.axis)
                .map_err(|error| SettingError::Scalarizer(error.to_string()))?;
        }
        let positive = |value: f64| value.is_finite() && value > 0.0;
        for (name, value) in [
            ("dwell", config.dwell),
            ("current", config.current),
            ("dose-limit", config.dose_limit),
            ("pixel-dose-limit", config.pixel_dose_limit),
            ("time-limit", config.time_limit),
            ("timeout", Some(config.instrument.timeout)),
        ] {
            if let Some(value) = value.filter(|&value| !positive(value)) {
                return Err(SettingError::new(name, &value, "a number above 0"));
            }
        }
        if !(config.patience >= 0.0 && config.patience.is_finite()) {
            let accepted = "seconds from 0";
            return Err(SettingError::new("patience", &config.patience, accepted));
        }
        for (name, value) in [
            ("drift-every", config.drift_every),
            ("stall-after", config.stall_after),
            ("most-failures", Some(config.most_failures)),
            ("retrain-every", Some(config.campaign.retrain_every)),
            ("budget", Some(config.budget)),
        ] {
            if value == Some(0) {
                return Err(SettingError::new(name, &0, "1 or more points"));
            }
        }
        let exposes = config.controller != ControllerChoice::InProcess;
        let settings = Self {
            budget: config.budget,
            target,
            dwell: config.dwell.unwrap_or(1.0),
            longest_dwell: if exposes {
                f64::from(BeamSettings::LONGEST_US) * 1e-6
            } else {
                LONGEST_DWELL
            },
            current_pa: config.current,
            limits: config.limits(),
            time_limit: config.time_limit,
            stall_after: config.stall_after,
            drift_every: config.drift_every,
            most_failures: config.most_failures,
            approval: config.approve,
            order: Vec::new(),
            campaign: config.campaign.clone(),
            scalarizers,
        };
        if settings.objection_to_dwell(settings.dwell).is_some() {
            let accepted = settings.accepted_dwell();
            return Err(SettingError::new("dwell", &settings.dwell, &accepted));
        }
        let target = &settings.scalarizers[settings.target];
        let (coordinates, axis) = (&channels.coordinates, &channels.axis);
        if config.reduce == Reduce::Controller && target.on_controller(coordinates, axis).is_none()
        {
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
    /// The first that does not do.
    pub fn check_with(&self, current_pa: Option<f64>) -> Result<(), SettingError> {
        let limited = self.limits.total.is_some() || self.limits.pixel.is_some();
        if limited && self.current_pa.or(current_pa).is_none() {
            return Err(SettingError::new(
                "current",
                &"unknown: the instrument tells none",
                "--current in pA beside a dose limit",
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
        // What a campaign without settings in the journal goes on with.
        if settings.is_empty() {
            return Ok(());
        }
        let config: LiveConfig = toml::from_str(settings).map_err(|error| error.to_string())?;
        self.budget = config.budget;
        self.limits = config.limits();
        self.time_limit = config.time_limit;
        self.stall_after = config.stall_after;
        self.drift_every = config.drift_every;
        self.most_failures = config.most_failures;
        Ok(())
    }

    /// What is sought.
    pub fn target(&self) -> &Scalarizer {
        &self.scalarizers[self.target]
    }

    /// Why a dwell is not accepted; `None` when it is.
    pub(super) fn objection_to_dwell(&self, seconds: f64) -> Option<String> {
        let accepted = (SHORTEST_DWELL..=self.longest_dwell).contains(&seconds);
        (!accepted).then(|| format!("dwell is {seconds}; expected {}", self.accepted_dwell()))
    }

    fn accepted_dwell(&self) -> String {
        if self.longest_dwell < LONGEST_DWELL {
            "a microsecond to a minute, in seconds, with a controller that exposes".to_owned()
        } else {
            "a microsecond to an hour, in seconds".to_owned()
        }
    }
}
