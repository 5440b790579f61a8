//! What can be chosen about the film and the instrument that looks at it.

use serde::{Deserialize, Serialize};

use super::frame::{Frame, check_frame};
use super::range::{SpecimenError, check};

/// Everything that defines a ferroelectric film and its instrument: equal configurations give
/// equal films, images and loops, bit for bit, on every machine.
///
/// The film depends on `seed`, the field of view and the shape of the frame, but not on the
/// number of pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FerroelectricConfig {
    /// Rows of the scan, 16 to 512.
    pub height: usize,
    /// Columns of the scan, 16 to 512.
    pub width: usize,
    /// Chooses the film and all noise.
    pub seed: u64,
    /// Width of the scanned area in nm; pixels are square. Width and height must both lie in
    /// 300 to 6000 nm.
    pub field_of_view_nm: f64,
    /// Typical width of a c domain in nm, 100 to 1000.
    pub domain_nm: f64,
    /// Full width at half maximum of what the tip averages over in nm, 5 to 100.
    pub tip_fwhm_nm: f64,
    /// Piezoresponse of a saturated c domain in pm, 1 to 1000.
    pub saturation_pm: f64,
    /// Coercive bias inside a c domain in V, 0.5 to 20.
    pub coercive_v: f64,
    /// Amplitude of the bias sweep in V, 1 to 100, and more than twice `coercive_v`.
    pub sweep_v: f64,
    /// Standard deviation of the noise of every point of a loop in pm, 0 to 1000.
    pub loop_noise_pm: f64,
    /// Standard deviation of the image's noise in pm, 0 to 1000.
    pub image_noise_pm: f64,
}

impl Default for FerroelectricConfig {
    fn default() -> Self {
        Self {
            height: 64,
            width: 64,
            seed: 0,
            field_of_view_nm: 1280.0,
            domain_nm: 220.0,
            tip_fwhm_nm: 30.0,
            saturation_pm: 40.0,
            coercive_v: 3.5,
            sweep_v: 10.0,
            loop_noise_pm: 1.5,
            image_noise_pm: 1.5,
        }
    }
}

impl FerroelectricConfig {
    /// What is scanned.
    pub(super) fn frame(&self) -> Frame {
        Frame::new(self.height, self.width, self.field_of_view_nm)
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value out of its range, with the range.
    pub fn validate(&self) -> Result<(), SpecimenError> {
        let nm = (300.0, 6000.0);
        check_frame(self.height, self.width, self.field_of_view_nm, nm)?;
        check("domain_nm", self.domain_nm, 100.0, 1000.0, "nm")?;
        check("tip_fwhm_nm", self.tip_fwhm_nm, 5.0, 100.0, "nm")?;
        check("saturation_pm", self.saturation_pm, 1.0, 1000.0, "pm")?;
        check("coercive_v", self.coercive_v, 0.5, 20.0, "V")?;
        let lowest = 2.0 * self.coercive_v;
        check("sweep_v", self.sweep_v, lowest, 100.0, "V")?;
        check("loop_noise_pm", self.loop_noise_pm, 0.0, 1000.0, "pm")?;
        check("image_noise_pm", self.image_noise_pm, 0.0, 1000.0, "pm")
    }
}
