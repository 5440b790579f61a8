//! Files of `replay:IMAGE,RESPONSE`: how they are read, and opened as an instrument.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::ReplayMicroscope;
use super::replay::require_same_area;
use crate::data::files::{self, Conditions, Dataset, Transpose, Wanted, is_marked};
use crate::microscope::{Beam, MicroscopeError};
use crate::units::{Picoamperes, Seconds};

/// Times at a point, in seconds, that a file may say and a campaign takes over.
const USUAL: std::ops::RangeInclusive<f64> = 1e-6..=3600.0;

/// How data that are replayed were recorded.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    /// The beam, as far as the files know it.
    pub(super) beam: Beam,
    /// Its energy, in keV.
    pub(super) energy: Option<f64>,
    /// Live time of each spectrum, and time with the beam on, in seconds.
    pub(super) exposure: Option<(f64, f64)>,
    /// What the file of the response says, for people.
    pub(super) told: String,
    /// What a person is to be warned of.
    pub(super) caution: Option<String>,
}

impl Recorded {
    /// By what the files of an image and of a response say.
    fn of(image: &Conditions, response: &Conditions) -> Self {
        let current = response.beam_current.or(image.beam_current);
        let usual = |(live, real): &(f64, f64)| USUAL.contains(live) && USUAL.contains(real);
        Self {
            beam: Beam {
                current: current.and_then(|current| Picoamperes::new(current).ok()),
                overview_dwell: image.dwell.and_then(|dwell| Seconds::new(dwell).ok()),
            },
            energy: response.beam_energy.or(image.beam_energy),
            exposure: response.exposure().filter(usual),
            told: response.to_string(),
            caution: None,
        }
    }
}

/// How the files of `replay:IMAGE,RESPONSE` are read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "cli", derive(clap::Args))]
#[serde(default, deny_unknown_fields)]
pub struct ReplayOptions {
    /// Map over the pixels of replay:IMAGE,RESPONSE: those where it is 0, false or no number are no
    /// candidates.
    #[cfg_attr(
        feature = "cli",
        arg(long, value_name = "FILE", help_heading = "Instrument")
    )]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mask: Option<String>,
    /// Exchange rows and columns of a file of replay:IMAGE,RESPONSE that stores them the other way round.
    #[cfg_attr(feature = "cli", arg(
        long,
        value_name = "WHICH",
        num_args = 0..=1,
        default_missing_value = "response",
        help_heading = "Instrument"
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transpose: Option<Transpose>,
    /// Most memory that the values of one file of replay:IMAGE,RESPONSE may take, as in 512M or 16G; 4G unless
    /// said otherwise.
    #[cfg_attr(feature = "cli", arg(
        long,
        value_name = "BYTES",
        value_parser = files::parse_memory,
        help_heading = "Instrument"
    ))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most_memory: Option<u64>,
}

impl ReplayOptions {
    /// Whether files are read as they are.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Opens an image and a response, and the live time that the response says of each spectrum.
    ///
    /// # Errors
    /// When a file cannot be read, or they differ in rows or columns.
    pub(in crate::microscope) fn open(
        &self,
        image: &str,
        response: &str,
    ) -> Result<(ReplayMicroscope, Option<Duration>), MicroscopeError> {
        let turned = |which, signal| Transpose::turn(self.transpose, which, signal);
        let response = turned(Transpose::Response, files::open(response, Wanted::Any)?);
        let image = turned(Transpose::Image, files::open_map(image)?);
        require_same_area(image.area(), response.area())?;
        let turned = match self.transpose {
            None => files::orientation(&image, &response),
            Some(_) => None,
        };
        let warnings = image.warnings().iter().chain(response.warnings());
        let cautions: Vec<String> = turned.into_iter().chain(warnings.cloned()).collect();
        let most = self.most_memory.unwrap_or(files::MOST_MEMORY);
        let recorded = Recorded {
            caution: (!cautions.is_empty()).then(|| cautions.join("; ")),
            ..Recorded::of(image.conditions(), response.conditions())
        };
        let Dataset::Map(map) = image.read(most)? else {
            let accepted = "rows x columns";
            return Err(MicroscopeError::setting("the image", "spectra", accepted));
        };
        let mut response = response.read(most)?;
        if let Some(file) = &self.mask {
            let Dataset::Map(mask) = files::open_map(file)?.read(most)? else {
                let accepted = "rows x columns";
                return Err(MicroscopeError::setting("--mask", "spectra", accepted));
            };
            let sizes = [(map.height(), map.width()), (mask.height(), mask.width())];
            let [wanted, found] = sizes.map(|(rows, columns)| format!("{rows} x {columns} pixels"));
            if wanted != found {
                return Err(MicroscopeError::setting("--mask", found, wanted));
            }
            if !mask.values.iter().any(|&value| is_marked(value)) {
                let accepted = "numbers other than 0 where the sample may be measured";
                return Err(MicroscopeError::setting(
                    "--mask",
                    "a map that marks no pixel",
                    accepted,
                ));
            }
            response.leave_out(|pixel| !is_marked(mask.values[pixel]));
        }
        let microscope = match response {
            Dataset::Map(response) => ReplayMicroscope::of_response(map, response)?,
            Dataset::Spectra(spectra) => ReplayMicroscope::of_spectra(map, spectra, &[])?,
        };
        let own = recorded.exposure.map(|(live, _)| live);
        let own = own.and_then(|live| Duration::try_from_secs_f64(live).ok());
        Ok((microscope.recorded(recorded), own))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Map;
    use crate::data::files::write_npy;
    use crate::microscope::Microscope as _;

    #[test]
    fn files_are_turned_and_masked_as_they_are_for_a_replay() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, height: usize, width: usize, values: &[f64]| {
            let path = folder.path().join(name);
            let map = Map::uncalibrated(height, width, values.to_vec(), name);
            write_npy(&path, &map).unwrap();
            path.to_string_lossy().into_owned()
        };
        let image = write("image.npy", 2, 3, &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0]);
        let turned = write("turned.npy", 3, 2, &[0.0, 3.0, 1.0, 4.0, 2.0, 5.0]);
        let mask = write("mask.npy", 2, 3, &[1.0, 1.0, 0.0, 1.0, f64::NAN, 1.0]);
        let options = ReplayOptions {
            mask: Some(mask),
            transpose: Some(Transpose::Response),
            most_memory: None,
        };
        let (microscope, dwell) = options.open(&image, &turned).unwrap();
        assert_eq!(dwell, None);
        let truth = microscope
            .truth(&crate::scalarizer::Scalarizer::Sum)
            .unwrap();
        let known: Vec<f64> = truth.values.into_iter().filter(|v| v.is_finite()).collect();
        assert_eq!(known, [0.0, 1.0, 3.0, 5.0]);
        assert_eq!(microscope.absent().len(), 2);
        assert!(ReplayOptions::default().open(&image, &turned).is_err());
        for (mask, told) in [
            (write("other.npy", 1, 3, &[1.0; 3]), "1 x 3 pixels"),
            (write("none.npy", 2, 3, &[0.0; 6]), "marks no pixel"),
        ] {
            let options = ReplayOptions {
                mask: Some(mask),
                ..ReplayOptions::default()
            };
            let error = options.open(&image, &image).unwrap_err().to_string();
            assert!(error.contains(told), "{error}");
        }
    }
}
