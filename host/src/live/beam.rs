//! Settings of a controller's beam: dwell, dose limits, time-out, and where the frame lies.

use beacon_kernel::link::message::{DoseLimits, Settings, Which};

use crate::campaign::drive::Failure;
use crate::campaign::position::field;
use crate::campaign::{Ended, Limits, LiveConfig, State};
use crate::controller::BeamPort;
use crate::units::Seconds;

/// What the settings of a controller's beam follow from.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Basis {
    epoch: u32,
    dwell: Seconds,
    shift: (f64, f64),
    limits: Limits,
    resets: u32,
}

/// The settings that a controller's beam was given last.
#[derive(Debug, Default)]
pub(super) struct BeamSettings {
    basis: Option<Basis>,
    /// The dose limits in force, which a controller lets nobody raise.
    limits: Option<DoseLimits>,
}

impl BeamSettings {
    /// Configures the controller's beam where anything has changed since: what it may do, where the
    /// frame lies, and what is left of the dose.
    ///
    /// # Errors
    /// When the frame has left the deflection range, or the controller refuses.
    pub(super) fn configure(
        &mut self,
        state: &State,
        config: &LiveConfig,
        beam: &mut dyn BeamPort,
    ) -> Result<(), Failure> {
        let Some(before) = beam.settings() else {
            return Ok(());
        };
        let settings = state.settings();
        let basis = Basis {
            epoch: state.epoch(),
            dwell: settings.dwell,
            shift: state.drift(),
            limits: settings.limits,
            resets: beam.resets(),
        };
        if self.basis == Some(basis) {
            return Ok(());
        }
        if self.basis.is_some_and(|last| last.resets != basis.resets) {
            // After a reset the controller counts the dose from 0, and has no limits.
            self.limits = None;
        }
        let size = state
            .candidates()
            .map_or((1, 1), |c| (c.height(), c.width()));
        let (down, right) = state.drift();
        let Some(field) = field(config.deflection_frame(), state.drift(), size) else {
            return Err(Failure::End(Ended::Drift(format!(
                "by {down:.1} pixels down and {right:.1} to the right, the frame leaves the \
                 deflection range of the controller: give it room with --frame"
            ))));
        };
        let micros = |time: Seconds| (time.get() * 1e6).round();
        let dwell_us = micros(settings.dwell) as u32;
        let used_us = beam.dose_us()?;
        let current = state.current();
        // What the controller may spend in all: what it has spent, and what the account has left.
        let left = state.ledger().left(settings.limits).zip(current);
        // Without a limit of the campaign the board has its own ceiling.
        let total_us = left.map_or(u64::MAX, |(left, current)| {
            used_us.saturating_add(micros(left / current) as u64)
        });
        let pixel_us = match (settings.limits.pixel, state.ledger().area(), current) {
            (Some(limit), Some(area), Some(current)) => micros(limit * area / current) as u32,
            _ => before.dose.pixel_us.max(dwell_us.saturating_mul(4)),
        };
        // The beam is on for the dwell at most, whatever becomes of the host. The host is silent while
        // it waits for an instrument, and the time-out must not cut that exposure short.
        let signals = config.signals();
        let waits = f64::from(signals.ready_ms.unwrap_or(0));
        let silence = waits + 1e3 * (2.0 * settings.dwell.get() + config.instrument.timeout);
        let timeout_ms =
            (silence as u32).clamp(before.link_timeout_ms, *Settings::TIMEOUTS_MS.end());
        let before = self.limits.filter(|_| used_us > 0);
        let dose = DoseLimits {
            pixel_us: before.map_or(pixel_us, |before| pixel_us.min(before.pixel_us)),
            total_us: before.map_or(total_us, |before| total_us.min(before.total_us)),
        };
        let mut settings = Settings {
            dwell_us,
            settle_us: config.settle_us,
            dose,
            link_timeout_ms: timeout_ms,
            field,
        };
        // A board has ceilings of its own, and refuses limits above them.
        while let Err(error) = beam.configure(settings) {
            let Some((which, ceiling)) = error.ceiling() else {
                return Err(error.into());
            };
            let dose = &mut settings.dose;
            match which {
                Which::PixelDose if ceiling < u64::from(dose.pixel_us) => {
                    dose.pixel_us = ceiling as u32;
                }
                Which::TotalDose if ceiling < dose.total_us => dose.total_us = ceiling,
                _ => return Err(error.into()),
            }
        }
        beam.use_signals(signals)?;
        if beam.resets() != basis.resets {
            // The controller was reset meanwhile.
            self.limits = None;
            return self.configure(state, config, beam);
        }
        self.limits = Some(settings.dose);
        self.basis = Some(basis);
        Ok(())
    }
}
