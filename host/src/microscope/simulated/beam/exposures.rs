//! Overviews and acquisitions: what they answer, and what they do to the sample.

use std::time::Duration;

use super::config::SimulatedBeam;
use super::{SpecimenMicroscope, detectors, sample};
use crate::data::Map;
use crate::microscope::{Acquired, Position};
use crate::specimen::{Exposure, Purpose, Stream};
use crate::units::{Picoamperes, Seconds};

impl SpecimenMicroscope {
    /// Current over that of the specimen.
    fn relative_current(&self) -> f64 {
        match (self.beam.current, self.specimen.current_pa()) {
            (Some(current), Some(own)) => current.get() / own,
            _ => 1.0,
        }
    }

    /// Exposures of the specimen that `dwell` amounts to.
    pub(super) fn dose(&self, dwell: Duration) -> f64 {
        let own = Duration::from_secs_f64(self.specimen.live_seconds());
        self.relative_current() * (dwell.as_secs_f64() / own.as_secs_f64())
    }

    /// Dose in e/Å² of one pixel that the beam stays on for some time in s.
    fn pixel_dose(&self, seconds: f64) -> f64 {
        let image = self.specimen.image();
        // 1 nm² is 100 Å².
        let area = 100.0 * (image.rows.scale * image.columns.scale).abs();
        let exposure = Exposure {
            beam_current_na: 1e-3 * self.beam.current.map_or(0.0, Picoamperes::get),
            live_time_s: seconds,
        };
        1e6 * exposure.million_electrons() / area
    }

    /// Takes an overview.
    pub(super) fn scan(&mut self) -> Map {
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
        let own = SimulatedBeam::OVERVIEW_DWELL_US;
        let dose = self.relative_current() * (self.config.overview_dwell_us / own);
        let repeat = self.state.overviews;
        self.state.overviews += 1;
        self.state.clock.pass(scan_seconds);
        Map {
            values: self.specimen.noisy_image(mean, dose, repeat),
            ..self.specimen.image().clone()
        }
    }

    /// Acquires where the beam was told to go.
    pub(super) fn expose(&mut self, dwell: Duration) -> Acquired {
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
            live_time: dwell.into(),
            real_time: Seconds::ONE * real,
        }
    }

    /// The most that one detector is expected to count in an acquisition, anywhere.
    pub(super) fn most_counts(&self) -> f64 {
        let shares = detectors::shares(self.specimen.config().kind());
        let share = shares.iter().copied().fold(0.0, f64::max);
        if share == 0.0 || self.config.dead_time_us == 0.0 {
            return 0.0;
        }
        let (height, width) = self.shape();
        let counts = (0..height * width).map(|pixel| {
            let spectrum = self
                .specimen
                .expected_spectrum(pixel / width, pixel % width);
            spectrum.iter().sum::<f64>()
        });
        counts.fold(0.0, f64::max) * share * self.dose(self.dwell)
    }

    /// Mean of one exposure of the specimen on some pixels, as they are left while they share a
    /// dose in e/Å².
    fn expected(&self, spots: &[sample::Spot], dose: f64) -> Vec<f64> {
        let width = self.shape().1;
        let mut mean = vec![0.0; self.specimen.coordinates().len()];
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
