//! How the files of an image and of a response are read.

use clap::Args;
use serde::Serialize;

use super::{Failure, OrFail as _, log};
use crate::data::Map;
use crate::data::files::{self, Dataset, Signal, Transpose, Wanted, is_marked, plain};

/// Arguments that say how files are read.
#[derive(Clone, Debug, Args, Serialize)]
pub(super) struct DataArgs {
    /// Map over the same pixels: those where it is 0, false or no number are no candidates.
    #[arg(long, value_name = "FILE", requires = "response")]
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<String>,
    /// Exchange rows and columns of a file that stores them the other way round.
    #[arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        default_missing_value = "response",
        requires = "response"
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    transpose: Option<Transpose>,
    /// Most memory that the values of one file may take, as in 512M or 16G.
    #[arg(long, value_name = "BYTES", default_value = "4G", value_parser = files::parse_memory)]
    #[serde(skip)]
    most_memory: u64,
}

impl DataArgs {
    /// Opens the image, without its values.
    pub(super) fn image(&self, location: &str) -> Result<Signal, Failure> {
        let signal = files::open_map(location).or_input()?;
        Ok(Transpose::turn(self.transpose, Transpose::Image, signal))
    }

    /// Opens the response, without its values: spectra where these are `wanted` and there is a choice.
    pub(super) fn response(&self, location: &str, wanted: Wanted) -> Result<Signal, Failure> {
        let signal = files::open(location, wanted).or_input()?;
        Ok(Transpose::turn(self.transpose, Transpose::Response, signal))
    }

    /// Reads the values of both, once they are known to cover the same pixels.
    pub(super) fn read(&self, image: Signal, response: Signal) -> Result<(Map, Dataset), Failure> {
        if image.area() != response.area() {
            return Err(Failure::Input(mismatch(&image, &response)));
        }
        if self.transpose.is_none()
            && let Some(told) = files::orientation(&image, &response)
        {
            log(&format!("warning: {told}"));
        }
        for told in image.warnings().iter().chain(response.warnings()) {
            log(&format!("warning: {told}"));
        }
        let map = self.map(image)?;
        let mut response = self.values(response)?;
        if let Some(location) = &self.mask {
            let mask = files::open_map(location).or_input()?;
            if mask.area() != (map.height(), map.width()) {
                return Err(Failure::Input(format!(
                    "the image has {} and the mask `{}` {}; expected the same rows and columns",
                    pixels((map.height(), map.width())),
                    plain(location),
                    pixels(mask.area())
                )));
            }
            let mask = self.map(mask)?;
            let kept = mask
                .values
                .iter()
                .filter(|&&value| is_marked(value))
                .count();
            log(&format!(
                "mask: it marks {kept} of {} pixels; the others are not measured",
                mask.values.len()
            ));
            if kept == 0 {
                return Err(Failure::Input(format!(
                    "the mask `{}` marks no pixel; expected numbers other than 0 where the sample may be \
                     measured",
                    plain(location)
                )));
            }
            response.leave_out(|pixel| !is_marked(mask.values[pixel]));
        }
        Ok((map, response))
    }

    /// Reads the values of a signal.
    pub(super) fn values(&self, signal: Signal) -> Result<Dataset, Failure> {
        signal.read(self.most_memory).or_input()
    }

    fn map(&self, signal: Signal) -> Result<Map, Failure> {
        match self.values(signal)? {
            Dataset::Map(map) => Ok(map),
            Dataset::Spectra(_) => Err(Failure::Input("an image has spectra".to_owned())),
        }
    }
}

fn pixels((rows, columns): (usize, usize)) -> String {
    format!("{rows} x {columns} pixels")
}

/// What to say of files of different areas.
fn mismatch(image: &Signal, response: &Signal) -> String {
    let (of_image, of_response) = (image.area(), response.area());
    let (rows, columns) = of_response;
    let shape = response.shape();
    let hint = if shape.len() == 3 && (shape[1], shape[2]) == of_image {
        "; channels come last: numpy.moveaxis(values, 0, -1) puts them there".to_owned()
    } else if (columns, rows) == of_image {
        "; --transpose exchanges rows and columns of the response".to_owned()
    } else if columns == 1 {
        format!(
            "; the response is a line, or scattered points, of {rows}, which no campaign can explore: \
             it needs a value or a spectrum for every pixel of the image"
        )
    } else {
        String::new()
    };
    format!(
        "the image has {} and the response {rows} x {columns}; expected the same rows and columns{hint}",
        pixels(of_image)
    )
}
