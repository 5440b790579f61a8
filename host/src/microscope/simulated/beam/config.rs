//! What can be chosen about the simulated beam.

use serde::{Deserialize, Serialize};

use crate::microscope::MicroscopeError;

/// Where the command line lists these settings.
#[cfg(feature = "cli")]
const HEADING: &str = "Simulated beam";

/// Settings of the beam on a specimen; current and dwell are the campaign's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default, deny_unknown_fields)]
pub struct SimulatedBeam {
    /// Steady drift of a built-in specimen, in pixels of the overview per minute; 0 to 1000. `replay:`
    /// ignores it.
    #[cfg_attr(feature = "cli", arg(long = "drift", value_name = "PX_PER_MIN"))]
    #[cfg_attr(feature = "cli", arg(default_value_t = 0.0, help_heading = HEADING))]
    pub drift_px_per_min: f64,
    /// Where the steady drift goes, in degrees from the right clockwise: 90 is down; −360 to 360.
    #[cfg_attr(feature = "cli", arg(long = "drift-direction", value_name = "DEGREES"))]
    #[cfg_attr(
        feature = "cli",
        arg(default_value_t = 30.0, allow_negative_numbers = true)
    )]
    #[cfg_attr(feature = "cli", arg(help_heading = HEADING))]
    pub drift_direction_degrees: f64,
    /// Most that a wandering drift adds along each axis, in pixels of the overview; 0 to 100.
    #[cfg_attr(feature = "cli", arg(long = "drift-walk", value_name = "PX"))]
    #[cfg_attr(feature = "cli", arg(default_value_t = 0.0, help_heading = HEADING))]
    pub drift_walk_px: f64,
    /// Dose in e/Å² after which 1/e of what the beam can destroy is left, 1 to 1e12; without it
    /// nothing is damaged.
    #[cfg_attr(feature = "cli", arg(long, value_name = "E_PER_A2", value_parser = crate::units::read::electrons_per_area, help_heading = HEADING))]
    pub damage_dose: Option<f64>,
    /// Share of the signal that no dose destroys, 0 to 1.
    #[cfg_attr(feature = "cli", arg(long, value_name = "SHARE"))]
    #[cfg_attr(feature = "cli", arg(default_value_t = 0.2, help_heading = HEADING))]
    pub damage_floor: f64,
    /// Time in which a detector is blind after each count, in µs or as in 2us; 0 to 1000 µs.
    #[cfg_attr(feature = "cli", arg(long = "dead-time", value_name = "TIME", value_parser = crate::units::read::microseconds))]
    #[cfg_attr(feature = "cli", arg(default_value_t = 2.0, help_heading = HEADING))]
    pub dead_time_us: f64,
    /// Dwell on each pixel of an overview, in µs or as in 2ms; 0.01 µs to 1 s. The counts of the overview
    /// grow with it: at the default they are the specimen's own.
    #[cfg_attr(feature = "cli", arg(long = "overview-dwell", value_name = "TIME", value_parser = crate::units::read::microseconds))]
    #[cfg_attr(feature = "cli", arg(default_value_t = SimulatedBeam::OVERVIEW_DWELL_US))]
    #[cfg_attr(feature = "cli", arg(help_heading = HEADING))]
    pub overview_dwell_us: f64,
    /// Time that the blanked beam settles before each acquisition, in ms or as in 2s; 0 to 100 s.
    #[cfg_attr(feature = "cli", arg(long = "settle", value_name = "TIME", value_parser = crate::units::read::milliseconds))]
    #[cfg_attr(feature = "cli", arg(default_value_t = 1.0, help_heading = HEADING))]
    pub settle_ms: f64,
    /// Time that each overview and acquisition takes beside the beam's, in ms or as in 2s; 0 to 100 s.
    #[cfg_attr(feature = "cli", arg(long = "overhead", value_name = "TIME", value_parser = crate::units::read::milliseconds))]
    #[cfg_attr(feature = "cli", arg(default_value_t = 50.0, help_heading = HEADING))]
    pub overhead_ms: f64,
    /// Let all of this take its time, instead of counting it only.
    #[cfg_attr(feature = "cli", arg(long, help_heading = HEADING))]
    pub real_time: bool,
}

impl Default for SimulatedBeam {
    fn default() -> Self {
        Self {
            drift_px_per_min: 0.0,
            drift_direction_degrees: 30.0,
            drift_walk_px: 0.0,
            damage_dose: None,
            damage_floor: 0.2,
            dead_time_us: 2.0,
            overview_dwell_us: Self::OVERVIEW_DWELL_US,
            settle_ms: 1.0,
            overhead_ms: 50.0,
            real_time: false,
        }
    }
}

impl SimulatedBeam {
    /// Dwell on each pixel of an overview in µs at which its counts are those of the specimen.
    pub const OVERVIEW_DWELL_US: f64 = 10.0;

    /// Checks every value.
    ///
    /// # Errors
    /// [`MicroscopeError::Setting`] names the first value outside its range.
    pub fn validate(&self) -> Result<(), MicroscopeError> {
        let dwell = self.overview_dwell_us;
        let speed = self.drift_px_per_min;
        check("--drift", speed, 0.0, 1000.0, "pixels per minute")?;
        let degrees = self.drift_direction_degrees;
        check("--drift-direction", degrees, -360.0, 360.0, "degrees")?;
        check("--drift-walk", self.drift_walk_px, 0.0, 100.0, "pixels")?;
        if let Some(dose) = self.damage_dose {
            check("--damage-dose", dose, 1.0, 1e12, "e/Å²")?;
        }
        check(
            "--damage-floor",
            self.damage_floor,
            0.0,
            1.0,
            "of the signal",
        )?;
        check("--dead-time", self.dead_time_us, 0.0, 1000.0, "µs")?;
        check("--overview-dwell", dwell, 0.01, 1e6, "µs")?;
        check("--settle", self.settle_ms, 0.0, 1e5, "ms")?;
        check("--overhead", self.overhead_ms, 0.0, 1e5, "ms")
    }
}

/// Nothing when `value` lies in its range; NaN never does.
pub(super) fn check(
    name: &'static str,
    value: f64,
    lowest: f64,
    highest: f64,
    units: &str,
) -> Result<(), MicroscopeError> {
    if (lowest..=highest).contains(&value) {
        Ok(())
    } else {
        let accepted = format!("{lowest} to {highest} {units}");
        Err(MicroscopeError::setting(name, value.to_string(), accepted))
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests {
    use clap::{Args as _, Command, FromArgMatches as _};

    use super::*;

    fn parse(arguments: &[&str]) -> SimulatedBeam {
        let command = SimulatedBeam::augment_args(Command::new("beam").no_binary_name(true));
        SimulatedBeam::from_arg_matches(&command.get_matches_from(arguments)).unwrap()
    }

    #[test]
    fn defaults_are_valid_and_the_same_in_code_on_the_command_line_and_in_files() {
        assert_eq!(SimulatedBeam::default().validate(), Ok(()));
        assert_eq!(parse(&[]), SimulatedBeam::default());
        assert_eq!(toml::from_str(""), Ok(SimulatedBeam::default()));
        let damaged = parse(&["--damage-dose", "1e4", "--drift-direction", "-90"]);
        let text = toml::to_string(&damaged).unwrap();
        assert_eq!(toml::from_str(&text), Ok(damaged));
    }

    #[test]
    fn a_value_out_of_range_is_named_with_what_is_accepted() {
        let cases = [
            (
                ["--drift", "-1"],
                "--drift is -1; expected 0 to 1000 pixels per minute",
            ),
            (
                ["--drift-walk", "NaN"],
                "--drift-walk is NaN; expected 0 to 100 pixels",
            ),
            (["--drift-direction", "400"], "--drift-direction is 400;"),
            (["--damage-dose", "0"], "--damage-dose is 0; expected 1 to"),
            (["--damage-floor", "1.5"], "--damage-floor is 1.5;"),
            (["--dead-time", "1e9"], "--dead-time is 1000000000;"),
            (
                ["--overview-dwell", "0"],
                "--overview-dwell is 0; expected 0.01 to",
            ),
            (["--settle", "1e6"], "--settle is 1000000;"),
            (["--overhead", "1e6"], "--overhead is 1000000;"),
        ];
        for ([flag, value], message) in cases {
            let argument = format!("{flag}={value}");
            let error = parse(&[&argument]).validate().unwrap_err().to_string();
            assert!(error.starts_with(message), "{error}");
        }
    }
}
