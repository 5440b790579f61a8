//! DTMicroscope, the digital twin of a scanning transmission electron microscope, over Pyro 5.
//!
//! Its STEM server answers from a file that it registers: an image, and spectra of the same area.
//! What it does not have, this client does not make up:
//!
//! - There is no beam, so [`Microscope::blank`] has nothing to do, moving is noted here, and
//!   asking again for a spectrum whose answer was lost exposes nothing.
//! - A spectrum is the same whatever the dwell: the dwell that was asked for is reported as live
//!   and as real time.
//! - Each connection has a server object of its own, which ends with it: connecting again means
//!   registering the data again.
//! - Its `x` is the row and its `y` the column. A [`Position`] is measured at the nearest pixel.
//! - It sends the values along the spectral axis, and neither their units nor any axis of the
//!   image: those are taken from the registered file where it can be read here, or given in
//!   [`PyroOptions`].

mod array;
mod calibration;
mod client;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod twin;
mod wire;

use std::time::Duration;

use super::{Acquired, Beam, Interrupt, Microscope, MicroscopeError, Position};
use crate::data::{Axis, Channels, Map};
use calibration::Calibration;
use client::Client;
use twin::Twin;

/// How to use a server of DTMicroscope.
#[derive(Clone, Debug, PartialEq)]
pub struct PyroOptions {
    /// Path of the NSID file to register, as the server sees it; `None` where the server holds
    /// its data already, which the one that DTMicroscope comes with never does.
    pub data: Option<String>,
    /// Name of the spectra among the channels of the file.
    pub spectra: String,
    /// Units of the spectral axis, such as `eV`: before those in the file, and needed where the
    /// file cannot be read here.
    pub units: Option<String>,
    /// How long a call may take. The first ones read the file.
    pub timeout: Duration,
}

impl Default for PyroOptions {
    /// No data, `Channel_001`, units from the file, 30 s.
    fn default() -> Self {
        Self {
            data: None,
            spectra: "Channel_001".to_owned(),
            units: None,
            timeout: Duration::from_secs(30),
        }
    }
}

/// A server of DTMicroscope with data to answer from.
pub struct PyroMicroscope {
    twin: Twin,
    /// The last overview, with the axes that the server does not send.
    overview: Map,
    channels: Channels,
    position: Position,
}

impl PyroMicroscope {
    /// Connects to the server at `HOST:PORT`, makes a STEM, registers the data, and asks for
    /// everything once, the spectrum of the last pixel included, so that what does not belong
    /// together is found before a campaign begins.
    ///
    /// # Errors
    /// When the server cannot be reached, fails, or answers with something else; when the spectra
    /// do not cover the image; [`MicroscopeError::Uncalibrated`] when nothing tells the units of
    /// the spectral axis.
    pub fn connect(address: &str, options: PyroOptions) -> Result<Self, MicroscopeError> {
        let PyroOptions {
            data,
            spectra,
            units,
            timeout,
        } = options;
        if timeout.is_zero() {
            let name = "the time-out of DTMicroscope";
            return Err(MicroscopeError::setting(name, "0 s", "more"));
        }
        let client = Client::new(address, timeout);
        let mut twin = Twin {
            client,
            data,
            spectra,
        };
        twin.client.connect()?;
        if twin.data.is_some() {
            twin.register()?;
        }
        let coordinates = twin.axis().map_err(|error| explained(error, &twin))?;
        let (values, height, width) = twin.image()?;
        let overview = Map::uncalibrated(height, width, values, "overview");
        twin.spectrum((height - 1, width - 1), coordinates.len())
            .map_err(|error| uncovered(error, height, width))?;

        let found = match &twin.data {
            Some(file) => calibration::find(file, &overview, &coordinates),
            None => Calibration::default(),
        };
        let mut channels = match found.channels {
            Some(channels) => channels,
            None => calibration::bare(coordinates),
        };
        if let Some(units) = units {
            channels.axis.units = units;
        }
        if !calibration::are_units(&channels.axis.units) {
            return Err(MicroscopeError::Uncalibrated {
                what: format!("units for the spectral axis of {}", twin.spectra),
                expected: "them in the registered file, readable from here, or named, such as eV"
                    .to_owned(),
            });
        }
        Ok(Self {
            twin,
            overview: found.image.unwrap_or(overview),
            channels,
            position: Position { x: 0.5, y: 0.5 },
        })
    }

    /// Row and column of the pixel that is nearest to where the beam would be.
    fn pixel(&self) -> (usize, usize) {
        let (height, width) = (self.overview.height(), self.overview.width());
        let (row, column) = self.position.pixel(height, width);
        let nearest = |place: f64, size: usize| (place.round().max(0.0) as usize).min(size - 1);
        (nearest(row, height), nearest(column, width))
    }
}

impl Microscope for PyroMicroscope {
    fn description(&self) -> String {
        let data = self.twin.data.as_deref().unwrap_or("data of its own");
        let (address, spectra) = (self.twin.client.address(), &self.twin.spectra);
        format!("DTMicroscope (STEM) at {address}, {spectra} of {data}")
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        let (values, height, width) = self.twin.image()?;
        let expected = [self.overview.height(), self.overview.width()];
        if [height, width] != expected {
            let found = format!("an image of {height} x {width}");
            let expected = format!("{}, as before", array::text(&expected));
            return Err(MicroscopeError::answer(
                "get_overview_image()",
                found,
                expected,
            ));
        }
        self.overview.values = values;
        Ok(self.overview.clone())
    }

    fn frame(&self) -> Option<(Axis, Axis)> {
        Some((self.overview.rows.clone(), self.overview.columns.clone()))
    }

    fn channels(&self) -> &Channels {
        &self.channels
    }

    /// Nothing: there is no beam.
    fn beam(&self) -> Beam {
        Beam::default()
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        position.require_inside()?;
        self.position = position;
        Ok(())
    }

    fn acquire(&mut self, dwell: Duration, _key: &str) -> Result<Acquired, MicroscopeError> {
        let pixel = self.pixel();
        let spectrum = self.twin.spectrum(pixel, self.channels.coordinates.len())?;
        Ok(Acquired::without_dead_time(spectrum, dwell))
    }

    /// Nothing to do: there is no beam.
    fn blank(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    fn set_interrupt(&mut self, interrupt: Interrupt) {
        self.twin.client.set_interrupt(interrupt);
    }

    fn interrupt(&self) -> Option<Interrupt> {
        Some(self.twin.client.interrupt().clone())
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        self.twin.client.connect()?;
        let coordinates = match self.twin.axis() {
            // A new connection, or a new server, knows nothing of the data.
            Err(MicroscopeError::Failed { .. }) if self.twin.data.is_some() => {
                self.twin.register()?;
                self.twin.axis()?
            }
            answer => answer?,
        };
        if coordinates == self.channels.coordinates {
            return Ok(());
        }
        Err(MicroscopeError::answer(
            "get_spectrum_image_e_axis",
            "another axis than before",
            "the data that this began on",
        ))
    }
}

/// Says what is missing where a server is asked for data that nobody gave it.
fn explained(error: MicroscopeError, twin: &Twin) -> MicroscopeError {
    match error {
        MicroscopeError::Failed { .. } if twin.data.is_none() => MicroscopeError::setting(
            "the file for DTMicroscope",
            "not named",
            "the path of an NSID file on the server, which holds no data of its own",
        ),
        error => error,
    }
}

/// Says what the failure means at the last pixel of the image.
fn uncovered(error: MicroscopeError, height: usize, width: usize) -> MicroscopeError {
    match error {
        MicroscopeError::Failed { call, message } => {
            let expected = format!("spectra at all of the {height} x {width} pixels of the image");
            MicroscopeError::answer(call, message, expected)
        }
        error => error,
    }
}
