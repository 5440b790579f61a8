//! Data acquired before, as if they were measured now.

use std::time::Duration;

use super::files::Recorded;
use crate::data::{Axis, Channels, Map, Region, Spectra, Values};
use crate::microscope::{Acquired, Beam, Microscope, MicroscopeError, Position};
use crate::scalarizer::Scalarizer;
use crate::units::Seconds;

/// An image with spectra, or a response, of the same area. Every place answers with the data of
/// the pixel it lies in; no time passes, nothing is damaged and nothing drifts.
#[derive(Clone, Debug)]
pub struct ReplayMicroscope {
    image: Map,
    spectra: Spectra,
    channels: Channels,
    recorded: Recorded,
    at: (usize, usize),
    acquired_at: Option<(usize, usize)>,
}

/// Refuses a response over other rows and columns than the image, or over none.
///
/// # Errors
/// [`MicroscopeError::Setting`], with both.
pub(super) fn require_same_area(
    image: (usize, usize),
    response: (usize, usize),
) -> Result<(), MicroscopeError> {
    if image == response && image.0 > 0 && image.1 > 0 {
        return Ok(());
    }
    let size = |(height, width)| format!("{height} x {width} pixels");
    let name = "the area of the replayed response";
    let accepted = format!("that of the image, {}, and at least one", size(image));
    Err(MicroscopeError::setting(name, size(response), accepted))
}

impl ReplayMicroscope {
    /// Replays `spectra` over `image`; `elements` are the symbols of those whose lines are worth
    /// naming.
    ///
    /// # Errors
    /// [`MicroscopeError::Setting`] when they differ in rows or columns, or hold no pixel.
    pub fn of_spectra(
        image: Map,
        spectra: Spectra,
        elements: &[&str],
    ) -> Result<Self, MicroscopeError> {
        let area = (image.height(), image.width());
        require_same_area(area, (spectra.height(), spectra.width()))?;
        Ok(Self {
            channels: spectra.along(elements),
            image,
            spectra,
            recorded: Recorded::default(),
            at: (0, 0),
            acquired_at: None,
        })
    }

    /// Replays `response` over `image`: as spectra of one channel, so that the scalarizer `sum`
    /// gives back every value as it is.
    ///
    /// # Errors
    /// As [`Self::of_spectra`].
    pub fn of_response(image: Map, response: Map) -> Result<Self, MicroscopeError> {
        let channel = Axis {
            units: String::new(),
            ..Axis::pixels("channel", 1)
        };
        let spectra = Spectra {
            rows: response.rows,
            columns: response.columns,
            channels: channel,
            coordinates: vec![0.0],
            quantity: response.quantity,
            units: response.units,
            values: Values::Double(response.values),
        };
        Self::of_spectra(image, spectra, &[])
    }

    /// The same data, with what their files say of how they were recorded.
    #[must_use]
    pub(super) fn recorded(self, recorded: Recorded) -> Self {
        Self { recorded, ..self }
    }
}

impl Microscope for ReplayMicroscope {
    fn description(&self) -> String {
        let (height, width) = (self.image.height(), self.image.width());
        let channels = self.channels.coordinates.len();
        let recorded = match self.recorded.told.as_str() {
            "" => String::new(),
            told => format!(", recorded with {told}"),
        };
        format!("replay of {height} x {width} pixels, channels {channels}{recorded}")
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        Ok(self.image.clone())
    }

    fn frame(&self) -> Option<(Axis, Axis)> {
        Some((self.image.rows.clone(), self.image.columns.clone()))
    }

    /// Pixels whose spectra are no numbers, as of a scan that was interrupted.
    fn absent(&self) -> Vec<Region> {
        Region::covering(self.image.height(), self.image.width(), |row, column| {
            !self.spectra.is_finite_at(row, column)
        })
    }

    fn channels(&self) -> &Channels {
        &self.channels
    }

    fn caution(&self) -> Option<&str> {
        self.recorded.caution.as_deref()
    }

    /// That which recorded the data, as far as their files say it.
    fn beam(&self) -> Beam {
        self.recorded.beam
    }

    fn beam_energy(&self) -> Option<f64> {
        self.recorded.energy
    }

    /// As the data took, where their file says both times; 1 otherwise.
    fn longest_real_to_live(&self) -> f64 {
        let exposure = self.recorded.exposure;
        exposure.map_or(1.0, |(live, real)| real / live)
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        let Position { x, y } = position;
        self.at = position
            .nearest_pixel(self.image.height(), self.image.width())
            .ok_or(MicroscopeError::Outside { x, y })?;
        Ok(())
    }

    /// The data of the pixel, with `dwell` for the live time, and the real time in the proportion of the data.
    fn acquire(&mut self, dwell: Duration, _key: &str) -> Result<Acquired, MicroscopeError> {
        let (row, column) = self.at;
        let spectrum = self.spectra.at(row, column);
        if !spectrum.iter().all(|value| value.is_finite()) {
            return Err(MicroscopeError::NoData { row, column });
        }
        self.acquired_at = Some(self.at);
        Ok(Acquired {
            spectrum,
            detectors: Vec::new(),
            live_time: dwell.into(),
            real_time: Seconds::from(dwell) * self.longest_real_to_live(),
        })
    }

    fn blank(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    /// What the data reduce to; `None` where the scalarizer does not suit them.
    fn truth(&self, target: &Scalarizer) -> Option<Map> {
        let truth = target.map(&self.spectra).ok()?;
        Some(truth.where_known(&self.image))
    }

    fn true_pixel(&self) -> Option<(f64, f64)> {
        let (row, column) = self.acquired_at?;
        Some((row as f64, column as f64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DWELL: Duration = Duration::from_millis(20);

    fn image() -> Map {
        Map::uncalibrated(2, 3, vec![0.0; 6], "image")
    }

    fn response(values: [f64; 6]) -> ReplayMicroscope {
        let response = Map::uncalibrated(2, 3, values.to_vec(), "response");
        ReplayMicroscope::of_response(image(), response).unwrap()
    }

    fn acquire(replay: &mut ReplayMicroscope, x: f64, y: f64) -> Result<f64, MicroscopeError> {
        replay.move_to(Position { x, y })?;
        let spectrum = replay.acquire(DWELL, "key")?.spectrum;
        let channels = replay.channels();
        Ok(Scalarizer::Sum.reduce(&spectrum, &channels.coordinates, &channels.axis)?)
    }

    /// Oracle: the border between two pixels lies at a whole number of pixels from the left.
    #[test]
    fn a_place_answers_with_the_value_of_the_pixel_it_lies_in() {
        // Values that single precision does not hold.
        let values = [0.1, 0.2, 0.3, 1.1, 1.2, 1e-300];
        let mut replay = response(values);
        for (i, value) in values.into_iter().enumerate() {
            let place = Position::of_pixel((i / 3) as f64, (i % 3) as f64, 2, 3);
            assert_eq!(acquire(&mut replay, place.x, place.y), Ok(value));
            assert_eq!(replay.true_pixel(), Some(((i / 3) as f64, (i % 3) as f64)));
        }
        assert_eq!(acquire(&mut replay, 0.0, 0.0), Ok(0.1));
        assert_eq!(acquire(&mut replay, 0.34, 0.49), Ok(0.2));
        assert_eq!(acquire(&mut replay, 1.0, 1.0), Ok(1e-300));
        let truth = replay.truth(&Scalarizer::Sum).unwrap();
        assert_eq!(truth.values, values);
    }

    #[test]
    fn a_place_off_the_frame_is_refused_and_the_beam_stays() {
        let mut replay = response([1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        assert_eq!(acquire(&mut replay, 0.5, 0.75), Ok(5.0));
        for (x, y) in [(-1e-9, 0.5), (0.5, 1.000_001), (f64::NAN, 0.5)] {
            let error = acquire(&mut replay, x, y).unwrap_err();
            assert!(matches!(error, MicroscopeError::Outside { .. }), "{error}");
        }
        assert_eq!(replay.acquire(DWELL, "key").unwrap().spectrum, [5.0]);
    }

    #[test]
    fn a_pixel_without_a_number_has_no_data() {
        let mut replay = response([1.0, 2.0, 3.0, f64::NAN, 5.0, f64::INFINITY]);
        let error = acquire(&mut replay, 0.1, 0.9).unwrap_err();
        assert_eq!(error, MicroscopeError::NoData { row: 1, column: 0 });
        let error = acquire(&mut replay, 0.9, 0.9).unwrap_err();
        assert_eq!(error, MicroscopeError::NoData { row: 1, column: 2 });
        assert_eq!(acquire(&mut replay, 0.5, 0.9), Ok(5.0));
    }

    #[test]
    fn spectra_come_whole_with_the_dwell_and_tell_what_they_are() {
        let [rows, columns] = [("y", 2), ("x", 3)].map(|(name, size)| Axis::pixels(name, size));
        let values = (0..12_u8).map(f32::from).collect();
        let axis = Axis::pixels("energy", 2);
        let spectra = Spectra::new(rows, columns, axis, vec![2.0, 3.0], values);
        let mut replay = ReplayMicroscope::of_spectra(image(), spectra, &["Pd"]).unwrap();
        replay.move_to(Position { x: 0.9, y: 0.1 }).unwrap();
        let acquired = replay.acquire(DWELL, "key").unwrap();
        assert_eq!(acquired.spectrum, [4.0, 5.0]);
        assert_eq!(
            (acquired.live_time.get(), acquired.real_time.get()),
            (0.02, 0.02)
        );
        assert_eq!(replay.channels().coordinates, [2.0, 3.0]);
        assert_eq!(replay.channels().elements, ["Pd"]);
        let window: Scalarizer = "window:2.5..3.5".parse().unwrap();
        let truth = replay.truth(&window).unwrap();
        assert_eq!(truth.values, [1.0, 3.0, 5.0, 7.0, 9.0, 11.0]);
        assert_eq!(replay.truth(&Scalarizer::LoopHeight), None);
    }

    #[test]
    fn areas_that_differ_are_both_named() {
        let response = Map::uncalibrated(3, 2, vec![0.0; 6], "response");
        let error = ReplayMicroscope::of_response(image(), response).unwrap_err();
        let message = error.to_string();
        assert!(
            message.contains("3 x 2") && message.contains("2 x 3"),
            "{message}"
        );
    }
}
