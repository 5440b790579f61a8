//! Settings of a live campaign: one definition for the command line, the journal and code.

use std::path::PathBuf;
use std::time::Duration;

use beacon_kernel::link::message::{Field, Raster, Signals};
use serde::{Deserialize, Serialize};

use super::dose::Limits;
use super::position::field;
use super::state::{LONGEST_DWELL, dwell_within, positive};
use super::{CampaignConfig, Otherwise, SettingError, Settings, Targets, TimeOut};
use crate::controller::ControllerChoice;
use crate::microscope::{MicroscopeChoice, MicroscopeOptions};
use crate::scalarizer::Scalarizer;
#[cfg(feature = "cli")]
use crate::units::read::{electrons, electrons_per_area, picoamperes, seconds, whole_microseconds};
use crate::units::{Electrons, ElectronsPerSquareAngstrom, Kind, Seconds};

/// Settings of a live campaign.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(deny_unknown_fields)]
pub struct LiveConfig {
    /// The instrument: replay:IMAGE,RESPONSE, specimen, specimen:NAME, specimen:NAME:SEED,
    /// specimen:NAME:SEED:joint (nanoparticles and plasmonic, with a rare behaviour that no single response
    /// shows), pyro:HOST:PORT, bridge:HOST:PORT, or the controller alone: controller:serial:PORT or
    /// controller:emulated.
    #[cfg_attr(feature = "cli", arg(long, value_name = "WHICH"))]
    pub microscope: MicroscopeChoice,
    /// Where the kernel runs: in-process, emulated, serial:PORT, or serial:PORT@BAUD.
    #[cfg_attr(feature = "cli", arg(long, value_name = "WHERE", default_value_t))]
    pub controller: ControllerChoice,
    /// Points to measure in all, the random ones at the start included. `beacon ctl DIR budget` takes up to
    /// twice as many while it runs, `beacon resume --budget` any number.
    #[cfg_attr(feature = "cli", arg(long, value_name = "N"))]
    pub budget: usize,
    /// How a spectrum becomes a number, as in line:Pd-La; may be given several times. The first
    /// is the target, unless --target names others. Without it: the target of the specimen, or
    /// sum.
    #[cfg_attr(feature = "cli", arg(long = "scalarizer", value_name = "HOW", value_parser = parse_scalarizer))]
    #[serde(default)]
    pub scalarizers: Vec<Scalarizer>,
    /// The numbers that are sought, which share one model; in the journal text where it is one, a list where
    /// there are several.
    #[cfg_attr(feature = "cli", command(flatten))]
    #[serde(default, skip_serializing_if = "is_default")]
    pub target: Targets,
    /// Where a spectrum becomes a number: host or controller; the numbers are equal.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_enum, value_name = "WHERE", default_value_t)
    )]
    #[serde(default)]
    pub reduce: Reduce,
    /// Live time of each spectrum, in seconds or as in 500ms; without it, that of the specimen, or 1.
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME", value_parser = seconds))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dwell: Option<f64>,
    /// Beam current, in pA or as in 1nA; without it, what the instrument says.
    #[cfg_attr(feature = "cli", arg(long, value_name = "CURRENT", value_parser = picoamperes, help_heading = "Limits"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<f64>,
    /// Most electrons in all, or a charge as in 16nC; the campaign ends there.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "ELECTRONS", value_parser = electrons, help_heading = "Limits")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dose_limit: Option<f64>,
    /// Most electrons per Å² on one pixel, or as in 1e6e/nm2, overviews included; a point that would take more is
    /// left out.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "E_PER_A2", value_parser = electrons_per_area, help_heading = "Limits")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pixel_dose_limit: Option<f64>,
    /// Longest time, as in 90m, 8h or 2h30m; the campaign ends there.
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME", value_parser = parse_time, help_heading = "Limits"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_limit: Option<f64>,
    /// End when neither the range of responses nor the structures measured have become fuller
    /// over this many points. Of several targets, the cells of their vectors stand for the range.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "POINTS", help_heading = "Limits")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stall_after: Option<usize>,
    /// Points in a row that may be unusable before the campaign ends: exposed in vain, left out, or
    /// without a number.
    #[cfg_attr(feature = "cli", arg(
        long,
        value_name = "POINTS",
        default_value_t = Settings::MOST_FAILURES,
        help_heading = "Limits"
    ))]
    #[serde(default = "most_failures")]
    pub most_failures: usize,
    /// Let every proposal wait for a person: `beacon ctl DIR accept`, `reject` or `suggest
    /// ROW,COLUMN`.
    #[cfg_attr(feature = "cli", arg(long))]
    #[serde(default)]
    pub approve: bool,
    /// How long a proposal waits for a person, as in 90s or 5m; without it, until somebody answers.
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME", value_parser = parse_time, requires = "approve"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approve_after: Option<f64>,
    /// What happens then: go measures the proposal, pause pauses the campaign.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            value_enum,
            value_name = "WHAT",
            default_value_t,
            requires = "approve_after"
        )
    )]
    #[serde(default, skip_serializing_if = "is_default")]
    pub approve_then: Otherwise,
    /// Judge exploration in the latent space of an autoencoder as well, which takes seconds to learn
    /// from the overview, with the beam blanked.
    #[cfg_attr(feature = "cli", arg(long))]
    #[serde(default, skip_serializing_if = "is_default")]
    pub latent_coverage: bool,
    /// Points between one overview for drift correction and the next; without it drift is not
    /// corrected.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "POINTS", help_heading = "Drift and failures")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub drift_every: Option<usize>,
    /// How long a failing instrument is tried again, in seconds or as in 10m or 2h30m.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            value_name = "TIME",
            value_parser = seconds,
            default_value_t = 600.0,
            help_heading = "Drift and failures"
        )
    )]
    pub patience: f64,
    /// Where the frame of the overview lies in the deflection range of the controller, in
    /// fractions: LEFT,TOP,RIGHT,BOTTOM. Drift correction needs room around it: without this it
    /// is all of the range, with drift correction its middle three quarters.
    #[cfg_attr(feature = "cli", arg(long, value_name = "L,T,R,B", value_parser = parse_frame, help_heading = "Beam of a controller"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frame: Option<DeflectionFrame>,
    /// How long the controller's beam settles on a point first, blanked, in µs or as in 2ms.
    #[cfg_attr(
        feature = "cli",
        arg(
            long,
            value_name = "TIME",
            value_parser = whole_microseconds::<u32>,
            default_value_t = 10,
            help_heading = "Beam of a controller"
        )
    )]
    pub settle_us: u32,
    /// Let every exposure wait until the detector's line at the controller's ready input says that it
    /// is ready, for so long at most, in seconds or as in 500ms; then the point is left out.
    #[cfg_attr(feature = "cli", arg(long, value_name = "TIME", value_parser = parse_ready, help_heading = "Beam of a controller"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ready_timeout: Option<f64>,
    /// Have the controller's gate output tell the detector that the beam is on, for exactly the
    /// dwell.
    #[cfg_attr(feature = "cli", arg(long, help_heading = "Beam of a controller"))]
    #[serde(default)]
    pub gate: bool,
    /// Options of the instrument.
    #[cfg_attr(feature = "cli", command(flatten))]
    pub instrument: MicroscopeOptions,
    /// How points are chosen.
    #[cfg_attr(feature = "cli", command(flatten))]
    pub campaign: CampaignConfig,
    /// Points to measure first instead of random ones: rows and columns, as text with a first line
    /// `row,column` or as .npy of shape (n, 2); or candidate numbers, as text or .npy.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "FILE", conflicts_with = "initial")
    )]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seeds_from: Option<PathBuf>,
}

/// Where spectra are reduced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[serde(rename_all = "kebab-case")]
pub enum Reduce {
    /// In this program.
    #[default]
    Host,
    /// On the controller, to which the whole spectrum goes.
    Controller,
}

/// A rectangle in the deflection range, in fractions of it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeflectionFrame {
    /// Left edge.
    pub left: f64,
    /// Top edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Bottom edge.
    pub bottom: f64,
}

impl DeflectionFrame {
    /// All of the range.
    pub const FULL: Self = Self {
        left: 0.0,
        top: 0.0,
        right: 1.0,
        bottom: 1.0,
    };
    /// With an eighth of the range on every side for the sample to drift into.
    pub const WITH_ROOM: Self = Self {
        left: 0.125,
        top: 0.125,
        right: 0.875,
        bottom: 0.875,
    };
}

impl LiveConfig {
    /// The settings that `beacon run` has by itself: `budget` points in all on an instrument.
    pub fn new(microscope: MicroscopeChoice, budget: usize) -> Self {
        Self {
            microscope,
            controller: ControllerChoice::default(),
            budget,
            scalarizers: Vec::new(),
            target: Targets::default(),
            reduce: Reduce::default(),
            dwell: None,
            current: None,
            dose_limit: None,
            pixel_dose_limit: None,
            time_limit: None,
            stall_after: None,
            most_failures: Settings::MOST_FAILURES,
            approve: false,
            approve_after: None,
            approve_then: Otherwise::default(),
            latent_coverage: false,
            drift_every: None,
            patience: 600.0,
            frame: None,
            settle_us: 10,
            ready_timeout: None,
            gate: false,
            instrument: MicroscopeOptions::default(),
            campaign: CampaignConfig::default(),
            seeds_from: None,
        }
    }

    /// What the beam may do to the sample.
    ///
    /// # Errors
    /// When a limit is not above 0.
    pub fn limits(&self) -> Result<Limits, SettingError> {
        let total = self.dose_limit;
        let total = total.map(|limit| positive("dose-limit", limit, Electrons::new));
        let pixel = self
            .pixel_dose_limit
            .map(|limit| positive("pixel-dose-limit", limit, ElectronsPerSquareAngstrom::new));
        Ok(Limits {
            total: total.transpose()?,
            pixel: pixel.transpose()?,
        })
    }

    /// Longest time.
    ///
    /// # Errors
    /// When it is not above 0.
    pub fn time_limit(&self) -> Result<Option<Seconds>, SettingError> {
        let limit = self.time_limit;
        let limit = limit.map(|limit| positive("time-limit", limit, Seconds::new));
        limit.transpose()
    }

    /// How long a proposal waits for a person, where not until somebody answers.
    ///
    /// # Errors
    /// When it is no time that a person can have.
    pub fn time_out(&self) -> Result<Option<TimeOut>, SettingError> {
        let Some(seconds) = self.approve_after else {
            return Ok(None);
        };
        let then = self.approve_then;
        let time_out = TimeOut { seconds, then }.check();
        let accepted = "a tenth of a second to seven days";
        let time_out =
            time_out.map_err(|_| SettingError::new("approve-after", &seconds, accepted))?;
        Ok(Some(time_out))
    }

    /// Live time of each spectrum, where the user said.
    ///
    /// # Errors
    /// When it is no time that a spectrum can take.
    pub fn own_dwell(&self) -> Result<Option<Duration>, SettingError> {
        let dwell = self.dwell.map(|dwell| dwell_within(dwell, LONGEST_DWELL));
        Ok(dwell.transpose()?.map(Seconds::duration))
    }

    /// Live time of each spectrum.
    pub fn dwell(&self) -> Duration {
        Duration::try_from_secs_f64(self.dwell.unwrap_or(1.0)).unwrap_or(Duration::MAX)
    }

    /// The frame in the deflection range of a controller: that of the settings, else the whole range,
    /// with room around it where drift is corrected.
    pub fn deflection_frame(&self) -> DeflectionFrame {
        let room = if self.drift_every.is_some() {
            DeflectionFrame::WITH_ROOM
        } else {
            DeflectionFrame::FULL
        };
        self.frame.unwrap_or(room)
    }

    /// How a controller that is the instrument takes its overviews: over the frame, where drift is
    /// not corrected.
    pub fn raster(&self) -> Raster {
        let scan = self.instrument.scan;
        let size = (
            usize::from(scan.rows.max(1)),
            usize::from(scan.columns.max(1)),
        );
        let field = field(self.deflection_frame(), (0.0, 0.0), size);
        scan.raster(self.settle_us, field.unwrap_or(Field::FULL))
    }

    /// The lines between controller and detector that are used.
    pub fn signals(&self) -> Signals {
        let waits = Signals::WAITS_MS;
        let ms = |seconds: f64| (1e3 * seconds).round() as u32;
        Signals {
            ready_ms: self
                .ready_timeout
                .map(|seconds| ms(seconds).clamp(*waits.start(), *waits.end())),
            gate: self.gate,
        }
    }

    /// The scalarizers in the order of the results, and which of them are the targets: where none is
    /// named, that of the specimen, else the sum of a spectrum.
    pub fn scalarizers(&self) -> (Vec<Scalarizer>, Vec<usize>) {
        let default = match &self.microscope {
            MicroscopeChoice::Specimen(choice) => {
                choice.kind.target().parse().unwrap_or(Scalarizer::Sum)
            }
            _ => Scalarizer::Sum,
        };
        let mut all = self.scalarizers.clone();
        let targets = match &self.target[..] {
            [] => vec![all.first().unwrap_or(&default).clone()],
            targets => targets.to_vec(),
        };
        let index = |target: Scalarizer| {
            let index = all.iter().position(|scalarizer| *scalarizer == target);
            index.unwrap_or_else(|| {
                all.push(target);
                all.len() - 1
            })
        };
        let indices = targets.into_iter().map(index).collect();
        (all, indices)
    }
}

/// Whether a setting is as nobody has set it: earlier versions read the journal then.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The default for journals of versions that lack this setting.
fn most_failures() -> usize {
    Settings::MOST_FAILURES
}

/// Reads a scalarizer.
#[cfg(feature = "cli")]
fn parse_scalarizer(text: &str) -> Result<Scalarizer, crate::scalarizer::ScalarizerError> {
    text.parse()
}

/// Reads a time with its unit, as in `500ms` or `2h30m`, in seconds.
///
/// # Errors
/// What would be accepted.
pub fn parse_time(text: &str) -> Result<f64, String> {
    let read = Kind::TIME.read(text).ok().filter(|seconds| *seconds > 0.0);
    read.ok_or_else(|| format!("expected {}", Kind::TIME.accepted()))
}

/// Reads a wait for the detector, in seconds.
///
/// # Errors
/// What would be accepted.
pub fn parse_ready(text: &str) -> Result<f64, String> {
    let waits = Signals::WAITS_MS;
    let (least, most) = (
        1e-3 * f64::from(*waits.start()),
        1e-3 * f64::from(*waits.end()),
    );
    let seconds = Kind::SECONDS.read(text).ok();
    seconds
        .filter(|seconds| (least..=most).contains(seconds))
        .ok_or_else(|| format!("expected seconds from {least} to {most}, as in 2 or 500ms"))
}

/// Reads a frame.
///
/// # Errors
/// What would be accepted.
pub fn parse_frame(text: &str) -> Result<DeflectionFrame, String> {
    let accepted = "expected four fractions LEFT,TOP,RIGHT,BOTTOM from 0 to 1, left of right and \
                    top above bottom, as in 0.1,0.1,0.9,0.9";
    let edges: Option<Vec<f64>> = text
        .split(',')
        .map(|edge| edge.trim().parse().ok())
        .collect();
    match edges.as_deref() {
        Some(&[left, top, right, bottom])
            if 0.0 <= left
                && left < right
                && right <= 1.0
                && 0.0 <= top
                && top < bottom
                && bottom <= 1.0 =>
        {
            Ok(DeflectionFrame {
                left,
                top,
                right,
                bottom,
            })
        }
        _ => Err(accepted.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "cli")]
    fn the_command_line_and_code_have_the_same_defaults() {
        use clap::{Args as _, Command, FromArgMatches as _};
        let command = LiveConfig::augment_args(Command::new("run").no_binary_name(true));
        let matches = command.get_matches_from(["--microscope", "own:mine", "--budget", "30"]);
        let own = MicroscopeChoice::Own("mine".to_owned());
        let parsed = LiveConfig::from_arg_matches(&matches).unwrap();
        assert_eq!(parsed, LiveConfig::new(own, 30));
    }

    #[test]
    fn times_have_units() {
        for (text, seconds) in [
            ("90s", 90.0),
            ("45m", 2700.0),
            ("1.5h", 5400.0),
            ("2h30m", 9000.0),
            ("500ms", 0.5),
            ("2 s", 2.0),
        ] {
            assert_eq!(parse_time(text), Ok(seconds), "{text}");
        }
        for wrong in ["", "8", "m", "-3h", "0", "0s", "2x", "nan", "infh"] {
            assert!(parse_time(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_wait_for_the_detector_is_a_minute_at_most() {
        assert_eq!(parse_ready("0.25"), Ok(0.25));
        assert_eq!(parse_ready("250ms"), Ok(0.25));
        for wrong in ["", "0", "-1", "60.1", "nan", "2m"] {
            assert!(parse_ready(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_frame_encloses_something_in_the_range() {
        assert_eq!(parse_frame("0, 0,1,1"), Ok(DeflectionFrame::FULL));
        for wrong in [
            "",
            "0,0,1",
            "0,0,1,1,1",
            "0.5,0,0.5,1",
            "0,0,1.1,1",
            "-0.1,0,1,1",
            "a,0,1,1",
        ] {
            assert!(parse_frame(wrong).is_err(), "{wrong}");
        }
    }
}
