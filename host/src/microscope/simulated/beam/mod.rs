//! A built-in specimen under a simulated beam: time, dose, drift, damage and detectors.
//!
//! - Time passes with overviews and acquisitions, counted or slept through (`clock`).
//! - The sample drifts under the frame (`drift`), and is seen between its pixels (`sample`):
//!   images by cubic interpolation, spectra by a bilinear mix of those expected around, both with
//!   noise of their own kind.
//! - Every exposure counts in full on the pixels it falls on, and fades their signal (`damage`).
//! - Counts are divided over detectors, which are blind for a while after each (`detectors`).
//!
//! Where nothing drifts and nothing is damaged, the first overview is the specimen's image and
//! the first spectrum of a pixel the specimen's spectrum, bit for bit, as long as current and
//! dwell are the specimen's own: a campaign then decides as one on the specimen itself. Left out
//! are drift within an exposure or a scan, pile-up, contamination, and charging; beyond its border
//! the sample is mirrored.

mod clock;
mod config;
mod damage;
mod detectors;
mod drift;
mod exposures;
mod sample;
mod state;
#[cfg(test)]
mod tests;

pub use config::SimulatedBeam;

use std::sync::Arc;
use std::time::Duration;

use crate::data::{Axis, Behaviour, Channels, Map};
use crate::microscope::{Acquired, Beam, Interrupt, Microscope, MicroscopeError, Past, Position};
use crate::scalarizer::Scalarizer;
use crate::specimen::{Specimen, SpecimenKind};
use crate::units::{Picoamperes, Seconds};
use config::check;
use drift::Drift;
use state::State;

/// A specimen under a simulated beam. All that it answers follows from the specimen, the
/// settings and the exposures so far.
#[derive(Clone, Debug)]
pub struct SpecimenMicroscope {
    specimen: Arc<dyn Specimen>,
    config: SimulatedBeam,
    drift: Drift,
    beam: Beam,
    dwell: Duration,
    state: State,
    interrupt: Interrupt,
}

impl SpecimenMicroscope {
    /// Puts a specimen under a beam. `current_pa` is the current of the beam in pA, 0.001 to
    /// 100000, and `dwell` the live time that spectra are going to be acquired for; without them
    /// they are the specimen's own.
    ///
    /// # Errors
    /// [`MicroscopeError::Setting`] names the first value outside its range, or a setting of a
    /// beam where a tip scans the specimen.
    pub fn new(
        specimen: Arc<dyn Specimen>,
        config: SimulatedBeam,
        current_pa: Option<f64>,
        dwell: Option<Duration>,
    ) -> Result<Self, MicroscopeError> {
        config.validate()?;
        let own = specimen.current_pa();
        let current = current_pa.or(own);
        if let Some(current) = current {
            check("the beam current", current, 1e-3, 1e5, "pA")?;
        }
        let of_a_beam = [
            ("the beam current", current_pa, "pA"),
            ("--damage-dose", config.damage_dose, "e/Å²"),
        ];
        for (name, value, units) in of_a_beam {
            if let (Some(value), None) = (value, own) {
                let accepted = "none, since a tip scans this specimen and counts no electrons";
                let value = format!("{value} {units}");
                return Err(MicroscopeError::setting(name, value, accepted));
            }
        }
        let dwell = dwell.unwrap_or_else(|| Duration::from_secs_f64(specimen.live_seconds()));
        check_dwell(dwell)?;
        let image = specimen.image();
        Ok(Self {
            drift: Drift::new(&config, specimen.config().seed()),
            beam: Beam {
                current: current.and_then(|current| Picoamperes::new(current).ok()),
                overview_dwell: Some(Seconds::ONE * (config.overview_dwell_us * 1e-6)),
            },
            dwell,
            state: State::new(&config, image.values.len(), config.real_time),
            interrupt: Interrupt::default(),
            specimen,
            config,
        })
    }

    /// What lies under the beam.
    pub fn specimen(&self) -> &dyn Specimen {
        &*self.specimen
    }

    /// The live time that spectra are going to be acquired for: the one given, or that in which
    /// they are as [`Specimen::spectrum`] gives them.
    pub fn dwell(&self) -> Duration {
        self.dwell
    }

    /// Simulated time since the instrument was made, in s.
    pub fn elapsed_seconds(&self) -> f64 {
        self.state.clock.seconds()
    }

    /// How far the sample has drifted since the first overview, in pixels of it (rows, columns):
    /// what was at a pixel then is now that much further down and right.
    pub fn drift(&self) -> (f64, f64) {
        self.drift_at(self.state.clock.seconds())
    }

    fn drift_at(&self, seconds: f64) -> (f64, f64) {
        match self.state.origin {
            Some(origin) => self.drift.between(origin, seconds),
            None => (0.0, 0.0),
        }
    }

    /// What was exposed, unless it was to be given up meanwhile.
    fn unless_aborted<T>(&self, exposed: T, call: &str) -> Result<T, MicroscopeError> {
        if self.interrupt.is_abort() {
            return Err(MicroscopeError::Aborted {
                call: call.to_owned(),
                beam: "the beam is blanked".to_owned(),
            });
        }
        Ok(exposed)
    }

    fn shape(&self) -> (usize, usize) {
        let image = self.specimen.image();
        (image.height(), image.width())
    }
}

/// Nothing where a dwell can be simulated.
fn check_dwell(dwell: Duration) -> Result<(), MicroscopeError> {
    check("the dwell", dwell.as_secs_f64(), 1e-6, 1e4, "s")
}

impl Microscope for SpecimenMicroscope {
    fn description(&self) -> String {
        let config = self.specimen.config();
        let what = match config.kind() {
            SpecimenKind::Ferroelectric => "tip",
            SpecimenKind::Nanoparticles | SpecimenKind::Plasmonic => "column",
        };
        let (kind, seed) = (config.kind(), config.seed());
        format!("specimen {kind}:{seed} under a simulated {what}")
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        let image = self.scan();
        self.unless_aborted(image, "overview")
    }

    fn frame(&self) -> Option<(Axis, Axis)> {
        let image = self.specimen.image();
        Some((image.rows.clone(), image.columns.clone()))
    }

    fn channels(&self) -> &Channels {
        self.specimen.recorded()
    }

    fn beam(&self) -> Beam {
        self.beam
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        position.require_inside()?;
        self.state.at = position;
        Ok(())
    }

    fn acquire(&mut self, dwell: Duration, key: &str) -> Result<Acquired, MicroscopeError> {
        check_dwell(dwell)?;
        if let Some((last, acquired)) = &self.state.last
            && last == key
        {
            return Ok(acquired.clone());
        }
        let acquired = self.expose(dwell);
        let acquired = self.unless_aborted(acquired, "acquire")?;
        self.state.last = Some((key.to_owned(), acquired.clone()));
        Ok(acquired)
    }

    /// By the pixel of the sample that the busiest detector counts most on, with six standard
    /// deviations of its counting noise.
    fn longest_real_to_live(&self) -> f64 {
        let live = self.dwell.as_secs_f64();
        let most = self.most_counts();
        let blind = 1e-6 * self.config.dead_time_us * (most + 6.0 * most.sqrt() + 1.0);
        1.0 + blind / live
    }

    fn blank(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    /// What spectra without noise reduce to on the fresh sample, in the dwell that was given.
    fn truth(&self, target: &Scalarizer) -> Option<Map> {
        self.specimen.truth(target, self.dose(self.dwell)).ok()
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.specimen.behaviours()
    }

    fn true_pixel(&self) -> Option<(f64, f64)> {
        self.state.true_pixel
    }

    /// Makes all of these exposures again from the beginning, without the time they took; the
    /// answer to the last key is not among what it knows then.
    fn fast_forward(&mut self, past: &[Past]) {
        let pixels = self.specimen.image().values.len();
        self.state = State::new(&self.config, pixels, false);
        for exposure in past {
            match *exposure {
                Past::Overview => drop(self.scan()),
                Past::Acquisition(position, dwell) => {
                    self.state.at = position;
                    drop(self.expose(dwell));
                }
            }
        }
        let clock = self.state.clock.clone();
        self.state.clock = clock.sleeping(self.config.real_time);
        self.state.clock.set_interrupt(self.interrupt.clone());
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.state.clock.set_interrupt(interrupt.clone());
        self.interrupt = interrupt;
    }

    fn interrupt(&self) -> Option<Interrupt> {
        Some(self.interrupt.clone())
    }
}
