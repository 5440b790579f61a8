//! An instrument out of two functions.

use std::time::Duration;

use super::{Acquired, Beam, Microscope, MicroscopeError, Position};
use crate::data::{Channels, Map};

/// See [`from_functions`].
#[derive(Clone, Debug)]
pub struct FromFunctions<O, A> {
    description: String,
    channels: Channels,
    overview: O,
    acquire: A,
    at: Position,
}

/// An instrument whose beam is on within two functions alone. `overview` takes an image; `acquire` takes
/// a spectrum at a place for so long a live time, with a value for each of `channels`.
///
/// It tells nothing of its beam, so that no dose is counted, and each function blanks the beam by itself:
/// an instrument that knows more, or can be told to blank, implements [`Microscope`].
pub fn from_functions<O, A>(
    description: &str,
    channels: Channels,
    overview: O,
    acquire: A,
) -> FromFunctions<O, A>
where
    O: FnMut() -> Result<Map, MicroscopeError>,
    A: FnMut(Position, Duration) -> Result<Vec<f64>, MicroscopeError>,
{
    FromFunctions {
        description: description.to_owned(),
        channels,
        overview,
        acquire,
        at: Position { x: 0.5, y: 0.5 },
    }
}

impl<O, A> Microscope for FromFunctions<O, A>
where
    O: FnMut() -> Result<Map, MicroscopeError>,
    A: FnMut(Position, Duration) -> Result<Vec<f64>, MicroscopeError>,
{
    fn description(&self) -> String {
        self.description.clone()
    }

    fn overview(&mut self) -> Result<Map, MicroscopeError> {
        (self.overview)()
    }

    fn channels(&self) -> &Channels {
        &self.channels
    }

    fn beam(&self) -> Beam {
        Beam::default()
    }

    fn move_to(&mut self, position: Position) -> Result<(), MicroscopeError> {
        position.require_inside()?;
        self.at = position;
        Ok(())
    }

    fn acquire(&mut self, dwell: Duration, _key: &str) -> Result<Acquired, MicroscopeError> {
        let spectrum = (self.acquire)(self.at, dwell)?;
        Ok(Acquired::without_dead_time(spectrum, dwell))
    }

    fn blank(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }

    fn reconnect(&mut self) -> Result<(), MicroscopeError> {
        Ok(())
    }
}
