//! A microscope that answers from data acquired before.

use beacon_kernel::Pixel;

use super::{Microscope, MicroscopeError};
use crate::map::Map;

/// An image with a response of the same area.
#[derive(Clone, Debug)]
pub struct Replay {
    image: Map,
    response: Map,
}

/// An image and a response that do not belong together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the image has {} x {} pixels and the response {} x {}; expected the same rows and columns",
    image.0, image.1, response.0, response.1
)]
pub struct ShapeMismatch {
    /// Rows and columns of the image.
    pub image: (usize, usize),
    /// Rows and columns of the response.
    pub response: (usize, usize),
}

impl Replay {
    /// Replays `response` over `image`.
    ///
    /// # Errors
    /// When they differ in shape.
    pub fn new(image: Map, response: Map) -> Result<Self, ShapeMismatch> {
        let shape = |map: &Map| (map.height(), map.width());
        if shape(&image) != shape(&response) {
            return Err(ShapeMismatch {
                image: shape(&image),
                response: shape(&response),
            });
        }
        Ok(Self { image, response })
    }
}

impl Microscope for Replay {
    fn image(&self) -> &Map {
        &self.image
    }

    fn measure(&mut self, pixel: Pixel) -> Result<f64, MicroscopeError> {
        let Pixel { row, column } = pixel;
        let value = self.response.at(row, column);
        if value.is_finite() {
            Ok(value)
        } else {
            Err(MicroscopeError::NoResponse { row, column, value })
        }
    }

    fn truth(&self) -> Option<&Map> {
        Some(&self.response)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_answers_with_the_response_of_the_pixel() {
        let image = Map::uncalibrated(2, 2, vec![0.0; 4], "image");
        let response = Map::uncalibrated(2, 2, vec![1.0, 2.0, f64::NAN, 4.0], "response");
        let mut replay = Replay::new(image, response).unwrap();
        assert_eq!(replay.measure(Pixel { row: 0, column: 1 }), Ok(2.0));
        let error = replay.measure(Pixel { row: 1, column: 0 }).unwrap_err();
        assert!(error.to_string().contains("row 1, column 0 is NaN"));
    }

    #[test]
    fn shapes_that_differ_are_both_named() {
        let image = Map::uncalibrated(2, 3, vec![0.0; 6], "image");
        let response = Map::uncalibrated(3, 2, vec![0.0; 6], "response");
        let message = Replay::new(image, response).unwrap_err().to_string();
        assert!(
            message.contains("2 x 3") && message.contains("3 x 2"),
            "{message}"
        );
    }
}
