//! A campaign on an instrument: dose, drift, failures, and a journal that loses nothing.
//!
//! The [campaign](crate::campaign) is the same as any other; a [`Session`] stands where a replay
//! has its data. In between lie the journal, the account of the dose, drift correction and
//! patience with whatever fails. What blanks the beam, and when, is on one page:
//! `host/docs/safety.md`.
//!
//! | file | what |
//! |---|---|
//! | [`session`](Session) | one point after another on the instrument, or from the journal |
//! | [`journal`](Journal), `event` | every event, on disk before the beam may move again |
//! | `dose` | electrons per pixel and in all, and how many are allowed |
//! | `drift`, `aim` | where the sample is now, and where the beam has to go |
//! | `control`, `status` | what `beacon ctl` says to a campaign that runs |
//! | `commands`, `closed` | what it was told and has yet to do; where nothing is measured any more |
//! | `stall` | whether coverage still grows |
//! | `folder`, `results` | the run folder, and what is in it at the end |

mod aim;
mod closed;
mod commands;
mod config;
mod control;
mod dose;
mod drift;
mod error;
mod event;
mod folder;
mod journal;
mod points;
mod reserve;
mod results;
mod session;
mod stall;
mod status;

pub use commands::CommandsError;
pub use config::{Frame, LiveConfig, Reduce, parse_time};
pub use control::{ControlError, WORDS, status, tell};
pub use dose::{DoseError, Ledger, Limits, electrons, pixel_area};
pub use drift::{DriftError, Shift, register};
pub use error::LiveError;
pub use event::{Begun, Command, Event, Exposing, Measured, Record, Surveyed};
pub use folder::{FolderError, RunFolder};
pub use journal::{Found, Journal, JournalError, Place};
pub use points::LivePoint;
pub use results::{LiveSummary, write_results};
pub use session::{Session, TakenUp, Voice};
pub use stall::Stall;
pub use status::Status;

use beacon_kernel::link::message::Settings;

use crate::controller::ControllerChoice;
use crate::microscope::MicroscopeChoice;
use crate::scalarizer::Scalarizer;
use points::Points;

/// What is sought where nothing was said: the target of a specimen, else the sum of a spectrum.
pub fn default_target(microscope: &MicroscopeChoice) -> Scalarizer {
    match microscope {
        MicroscopeChoice::Specimen(choice) => {
            choice.kind.target().parse().unwrap_or(Scalarizer::Sum)
        }
        _ => Scalarizer::Sum,
    }
}

/// Checks settings by themselves.
///
/// # Errors
/// The first that does not do.
fn check_alone(config: &LiveConfig, points: &Points) -> Result<(), LiveError> {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    for (name, value) in [
        ("dwell", config.dwell),
        ("current", config.current),
        ("dose-limit", config.dose_limit),
        ("pixel-dose-limit", config.pixel_dose_limit),
        ("timeout", Some(config.instrument.timeout)),
    ] {
        if let Some(value) = value.filter(|&value| !positive(value)) {
            return Err(setting(name, &value, "a number above 0"));
        }
    }
    let dwell = config.dwell.unwrap_or(1.0);
    let (longest, accepted) = if config.controller == ControllerChoice::InProcess {
        (3600.0, "a microsecond to an hour, in seconds")
    } else {
        (
            f64::from(Settings::LONGEST_US) * 1e-6,
            "a microsecond to a minute, in seconds, with a controller that exposes",
        )
    };
    if !(1e-6..=longest).contains(&dwell) {
        return Err(setting("dwell", &dwell, accepted));
    }
    if !(config.patience >= 0.0 && config.patience.is_finite()) {
        return Err(setting("patience", &config.patience, "seconds from 0"));
    }
    for (name, value) in [
        ("drift-every", config.drift_every),
        ("stall-after", config.stall_after),
    ] {
        if value == Some(0) {
            return Err(setting(name, &0, "1 or more points"));
        }
    }
    if config.reduce == Reduce::Controller && points.on_controller().is_none() {
        let value = format!("controller, for `{}`", points.target());
        let accepted = "a target that a controller can reduce: a sum, a window or a line on a \
                        rising axis; or host";
        return Err(setting("reduce", &value, accepted));
    }
    Ok(())
}

/// Checks settings against what is known of the beam and of the overview.
///
/// # Errors
/// The first that does not do.
fn check_with(
    config: &LiveConfig,
    current_pa: Option<f64>,
    area: Option<f64>,
) -> Result<(), LiveError> {
    let limited = config.dose_limit.is_some() || config.pixel_dose_limit.is_some();
    if limited && current_pa.is_none() {
        return Err(setting(
            "current",
            &"unknown: the instrument tells none",
            "--current in pA beside a dose limit",
        ));
    }
    if config.pixel_dose_limit.is_some() && area.is_none() {
        return Err(setting(
            "the size of a pixel",
            &"unknown: the overview has no scale in metres",
            "a calibrated overview beside --pixel-dose-limit, or --dose-limit instead",
        ));
    }
    Ok(())
}

fn setting(name: &'static str, value: &dyn ToString, accepted: &str) -> LiveError {
    LiveError::Setting {
        name,
        value: value.to_string(),
        accepted: accepted.to_owned(),
    }
}
