//! The methods of DTMicroscope's STEM server.

use serde_json::{Value, json};

use super::array::{self, Array};
use super::client::{self, Client};
use crate::microscope::MicroscopeError;

/// A server and what it is to answer from.
pub(super) struct Twin {
    pub(super) client: Client,
    /// Path of the file, as the server sees it.
    pub(super) data: Option<String>,
    /// Name of the spectra among the channels of the file.
    pub(super) spectra: String,
}

impl Twin {
    /// Makes a STEM and registers the data with it.
    ///
    /// # Errors
    /// When the server cannot be asked, or does not take the file.
    pub(super) fn register(&mut self) -> Result<(), MicroscopeError> {
        self.client
            .invoke("initialize_microscope", &[json!("STEM")])?;
        self.client.invoke("register_data", &[json!(self.data)])?;
        Ok(())
    }

    /// The overview: values, rows and columns.
    ///
    /// # Errors
    /// When the server fails, or answers with anything but an image of finite numbers.
    pub(super) fn image(&mut self) -> Result<(Vec<f64>, usize, usize), MicroscopeError> {
        let (array, call) = self.ask("get_overview_image", &[])?;
        let [height, width] = array.shape[..] else {
            return Err(unlike(call, &array, "an image of rows x columns"));
        };
        match array.values.iter().position(|value| !value.is_finite()) {
            None => Ok((array.values, height, width)),
            Some(i) => Err(MicroscopeError::NoData {
                row: i / width,
                column: i % width,
            }),
        }
    }

    /// The value of every channel.
    ///
    /// # Errors
    /// When the server fails, or answers with anything but a list of finite numbers.
    pub(super) fn axis(&mut self) -> Result<Vec<f64>, MicroscopeError> {
        let parameters = [json!(self.spectra)];
        let (array, call) = self.ask("get_spectrum_image_e_axis", &parameters)?;
        if array.shape.len() == 1 && array.values.iter().all(|value| value.is_finite()) {
            Ok(array.values)
        } else {
            Err(unlike(call, &array, "one finite number a channel"))
        }
    }

    /// The spectrum of `channels` numbers at a pixel. The server calls the row `x`.
    ///
    /// # Errors
    /// When the server fails, or answers with anything but that many finite numbers.
    pub(super) fn spectrum(
        &mut self,
        (row, column): (usize, usize),
        channels: usize,
    ) -> Result<Vec<f64>, MicroscopeError> {
        let parameters = [json!(self.spectra), json!(row), json!(column)];
        let (array, call) = self.ask("get_point_data", &parameters)?;
        if array.shape != [channels] {
            let expected = format!("the {channels} channels of the spectral axis");
            return Err(unlike(call, &array, &expected));
        }
        if array.values.iter().all(|value| value.is_finite()) {
            Ok(array.values)
        } else {
            Err(MicroscopeError::NoData { row, column })
        }
    }

    fn ask(
        &mut self,
        method: &str,
        parameters: &[Value],
    ) -> Result<(Array, String), MicroscopeError> {
        let call = client::call(method, parameters);
        let array = array::read(&self.client.invoke(method, parameters)?, &call)?;
        Ok((array, call))
    }
}

/// An array of another shape than was asked for, or with numbers that are none.
fn unlike(call: String, found: &Array, expected: &str) -> MicroscopeError {
    let finite = found.values.iter().all(|value| value.is_finite());
    let which = if finite { "" } else { ", some not finite" };
    let found = format!("an array of {}{which}", array::text(&found.shape));
    MicroscopeError::answer(call, found, expected)
}
