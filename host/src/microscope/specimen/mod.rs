//! A built-in specimen under a simulated column: time, dose, drift, damage and detectors.
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
mod sample;
#[cfg(test)]
mod tests;

pub use config::ColumnConfig;

use std::sync::Arc;
use std::time::Duration;

use super::{Acquired, Beam, Microscope, MicroscopeError, Past, Position};
use crate::map::Map;
use crate::scalarizer::Scalarizer;
use crate::specimen::{Behaviour, Exposure, Purpose, Specimen, SpecimenKind, Stream};
use crate::spectra::Channels;
use clock::Clock;
use config::check;
use damage::Damage;
use drift::Drift;

/// A specimen under a simulated column. All that it answers follows from the specimen, the
/// settings and the exposures so far.
#[derive(Clone, Debug)]
pub struct SpecimenMicroscope {
    specimen: Arc<dyn Specimen>,
    config: ColumnConfig,
    channels: Channels,
    drift: Drift,
    beam: Beam,
    dwell: Duration,
    state: State,
}

/// What exposures change.
#[derive(Clone, Debug)]
struct State {
    clock: Clock,
    damage: Option<Damage>,
    /// Time in s of the first overview, from which drift is told.
    origin: Option<f64>,
    overviews: u64,
    /// Acquisitions so far, by the pixel of the sample nearest to each.
    repeats: Vec<u64>,
    at: Position,
    true_pixel: Option<(f64, f64)>,
    /// The last acquisition and its key.
    last: Option<(String, Acquired)>,
}

impl State {
    fn new(config: &ColumnConfig, pixels: usize, sleeps: bool) -> Self {
        Self {
            clock: Clock::new(sleeps),
            damage: Damage::new(config, pixels),
            origin: None,
            overviews: 0,
            repeats: vec![0; pixels],
            at: Position { x: 0.5, y: 0.5 },
            true_pixel: None,
            last: None,
        }
    }
}

impl SpecimenMicroscope {
    /// Puts a specimen under a column. `current_pa` is the current of the beam in pA, 0.001 to
    /// 100000, and `dwell` the live time that spectra are going to be acquired for; without them
    /// they are the specimen's own.
    ///
    /// # Errors
    /// [`MicroscopeError::Setting`] names the first value outside its range, or a setting of a
    /// beam where a tip scans the specimen.
    pub fn new(
        specimen: Arc<dyn Specimen>,
        config: ColumnConfig,
        current_pa: Option<f64>,
        dwell: Option<Duration>,
    ) -> Result<Self, MicroscopeError> {
        config.validate()?;
        let own = specimen.current_pa();
        if let Some(current) = current_pa.or(own) {
            check("the beam current", current, 1e-3, 1e5, "pA")?;
        }
        let of_a_beam = [
            ("the beam current", current_pa, "pA"),
            ("--damage-dose", config.damage_dose, "e/Å²"),
        ];
        for (name, value, units) in of_a_beam {
            if let (Some(value), None) = (value, own) {
                return Err(MicroscopeError::Setting {
                    name,
                    value: format!("{value} {units}"),
                    accepted: "none, since a tip scans this specimen and no beam".to_owned(),
                });
            }
        }
        let dwell = dwell.unwrap_or_else(|| Duration::from_secs_f64(specimen.live_seconds()));
        check_dwell(dwell)?;
        let image = specimen.image();
        Ok(Self {
            channels: specimen.recorded(),
            drift: Drift::new(&config, specimen.config().seed()),
            beam: Beam {
                current_pa: current_pa.or(own),
                overview_dwell_seconds: Some(config.overview_dwell_us * 1e-6),
            },
            dwell,
            state: State::new(&config, image.values.len(), config.real_time),
            specimen,
            config,
        })
    }

    /// What lies under the column.
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

    fn shape(&self) -> (usize, usize) {
        let image = self.specimen.image();
        (image.height(), image.width())
    }

    /// Current over that of the specimen.
    fn relative_current(&self) -> f64 {
        match (self.beam.current_pa, self.specimen.current_pa()) {
            (Some(current), Some(own)) => current / own,
            _ => 1.0,
        }
    }

    /// Exposures of the specimen that `dwell` amounts to.
    fn dose(&self, dwell: Duration) -> f64 {
        let own = Duration::from_secs_f64(self.specimen.live_seconds());
        self.relative_current() * (dwell.as_secs_f64() / own.as_secs_f64())
    }

    /// Dose in e/Å² of one pixel that the beam stays on for some time in s.
    fn pixel_dose(&self, seconds: f64) -> f64 {
        let image = self.specimen.image();
        // 1 nm² is 100 Å².
        let area = 100.0 * (image.rows.scale * image.columns.scale).abs();
        let exposure = Exposure {
            beam_current_na: 1e-3 * self.beam.current_pa.unwrap_or(0.0),
            live_time_s: seconds,
        };
        1e6 * exposure.million_electrons() / area
    }

    fn scan(&mut self) -> Map {
        let shape = self.shape();
        let dwell = self.config.overview_dwell_us * 1e-6;
        let scan_seconds = dwell * (shape.0 * shape.1) as f64;
        self.state.clock.pass(1e-3 * self.config.overhead_ms);
        let middle = self.state.clock.seconds() + 0.5 * scan_seconds;
        self.state.origin.get_or_insert(middle);
        let shift = self.drift_at(middle);

        let pixel_dose = self.pixel_dose(dwell);
        let mut mean = self.specimen.expected_image().to_vec();
        if let Some(damage) = &mut self.state.damage {
            for (pixel, value) in mean.iter_mut().enumerate() {
                let row = (pixel / shape.1) as f64 + shift.0;
                let column = (pixel % shape.1) as f64 + shift.1;
                let scanned = Position::of_pixel(row, column, shape.0, shape.1).is_inside();
                let dose = if scanned { pixel_dose } else { 0.0 };
                *value *= damage.remaining(pixel, dose);
                damage.add(pixel, dose);
            }
        }
        let mean = sample::moved(&mean, shape, shift);
        let own = ColumnConfig::OVERVIEW_DWELL_US;
        let dose = self.relative_current() * (self.config.overview_dwell_us / own);
        let repeat = self.state.overviews;
        self.state.overviews += 1;
        self.state.clock.pass(scan_seconds);
        Map {
            values: self.specimen.noisy_image(mean, dose, repeat),
            ..self.specimen.image().clone()
        }
    }

    fn expose(&mut self, dwell: Duration) -> Acquired {
        let shape = self.shape();
        let blanked = self.config.settle_ms + self.config.overhead_ms;
        self.state.clock.pass(1e-3 * blanked);
        let live = dwell.as_secs_f64();
        let drift = self.drift_at(self.state.clock.seconds() + 0.5 * live);
        let told = self.state.at.pixel(shape.0, shape.1);
        let place = (told.0 - drift.0, told.1 - drift.1);
        self.state.true_pixel = Some(place);

        let spots = sample::around(place, shape);
        let mean = self.expected(&spots, self.pixel_dose(live));
        let pixel @ (row, column) = sample::nearest(place, shape);
        let repeats = &mut self.state.repeats[row * shape.1 + column];
        let repeat = *repeats;
        *repeats += 1;
        let spectrum = self.specimen.noisy(mean, self.dose(dwell), pixel, repeat);

        let config = self.specimen.config();
        let shares = detectors::shares(config.kind());
        let mut stream = Stream::at_pixel(config.seed(), Purpose::Detectors, pixel, repeat);
        let counts = detectors::divide(spectrum.iter().sum(), shares, &mut stream);
        let real = detectors::real_seconds(live, 1e-6 * self.config.dead_time_us, &counts);
        let dose = self.pixel_dose(real);
        if let Some(damage) = &mut self.state.damage {
            for (pixel, weight) in spots {
                damage.add(pixel, weight * dose);
            }
        }
        self.state.clock.pass(real);
        Acquired {
            spectrum,
            detectors: if counts.len() > 1 { counts } else { Vec::new() },
            live_seconds: live,
            real_seconds: real,
        }
    }

    /// Mean of one exposure of the specimen on some pixels, as they are left while they share a
    /// dose in e/Å².
    fn expected(&self, spots: &[sample::Spot], dose: f64) -> Vec<f64> {
        let width = self.shape().1;
        let mut mean = vec![0.0; self.channels.coordinates.len()];
        for &(pixel, weight) in spots {
            let remaining = match &self.state.damage {
                Some(damage) => damage.remaining(pixel, weight * dose),
                None => 1.0,
            };
            let spectrum = self
                .specimen
                .expected_spectrum(pixel / width, pixel % width);
            for (sum, value) in mean.iter_mut().zip(spectrum) {
                *sum += weight * remaining * value;
            }
        }
        mean
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
        Ok(self.scan())
    }

    fn channels(&self) -> &Channels {
        &self.channels
    }

    fn beam(&self) -> Beam {
        self.beam
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        if position.is_inside() {
            self.state.at = position;
            Ok(())
        } else {
            let Position { x, y } = position;
            Err(MicroscopeError::Outside { x, y })
        }
    }

    fn acquire(&mut self, dwell: Duration, key: &str) -> Result<Acquired, MicroscopeError> {
        check_dwell(dwell)?;
        if let Some((last, acquired)) = &self.state.last
            && last == key
        {
            return Ok(acquired.clone());
        }
        let acquired = self.expose(dwell);
        self.state.last = Some((key.to_owned(), acquired.clone()));
        Ok(acquired)
    }

    fn blank(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    /// What spectra without noise reduce to on the fresh sample, in the dwell that was given.
    fn truth(&self, target: &Scalarizer) -> Option<Map> {
        let image = self.specimen.image();
        let (axis, coordinates) = (self.specimen.channels(), self.specimen.coordinates());
        let dose = self.dose(self.dwell);
        let mut values = Vec::with_capacity(image.values.len());
        for row in 0..image.height() {
            for column in 0..image.width() {
                let mean = self.specimen.expected_spectrum(row, column);
                let exposed = self.specimen.exposed(mean, dose);
                values.push(target.reduce(&exposed, coordinates, axis).ok()?);
            }
        }
        Some(Map {
            values,
            quantity: target.to_string(),
            units: target.units(&axis.units, &self.channels.units),
            ..image.clone()
        })
    }

    fn behaviours(&self) -> &[Behaviour] {
        self.specimen.behaviours()
    }

    fn true_pixel(&self) -> Option<(f64, f64)> {
        self.state.true_pixel
    }

    /// Makes all of these exposures again from the beginning, without the time they took; the
    /// answer to the last key is not among what it knows then.
    fn relive(&mut self, past: &[Past]) {
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
    }
}
