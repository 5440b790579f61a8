//! What can be chosen about a specimen and the instrument that looks at it.

use serde::{Deserialize, Serialize};

use super::frame::{Frame, check_frame};
use super::range::{SpecimenError, check};

/// Everything that defines a specimen and its instrument: equal configurations give equal
/// specimens, images and spectra, bit for bit, on every machine.
///
/// The sample depends on `seed`, the field of view and the shape of the frame, but not on
/// the number of pixels: a finer scan shows the same particles.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NanoparticlesConfig {
    /// Rows of the scan, 16 to 512.
    pub height: usize,
    /// Columns of the scan, 16 to 512.
    pub width: usize,
    /// Chooses the sample and all noise.
    pub seed: u64,
    /// Whether the sample also holds a rare behaviour that no single response shows: spheres of a
    /// AuPd alloy, of which Au and Pd are ordinary each, but not together. All else stays what it is without
    /// them.
    /// Files of samples without it do not say so.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub joint: bool,
    /// Width of the scanned area in nm; pixels are square. Width and height must both lie
    /// in 20 to 800 nm.
    pub field_of_view_nm: f64,
    /// Particles per area, relative to the default sample, which they cover by about a
    /// third; 0.1 to 2.
    pub particle_density: f64,
    /// Mean thickness of the carbon support in nm, 1 to 100.
    pub support_nm: f64,
    /// Energy of the beam in keV, 60 to 300.
    pub beam_energy_kev: f64,
    /// Beam current in nA, 0.001 to 100.
    pub beam_current_na: f64,
    /// Live time of one spectrum in s, 0.0001 to 1000.
    pub live_time_s: f64,
    /// X-ray counts of a whole spectrum at `beam_current_na` and `live_time_s`, as mean over
    /// all pixels; 1 to 10 million. It stands for the solid angle of the detector.
    pub counts_per_pixel: f64,
    /// Full width at half maximum of the probe in nm, 0.05 to 10.
    pub probe_fwhm_nm: f64,
    /// Fraction of the current in the wide tails of the probe, 0 to 0.5; X-rays see it,
    /// the image hardly does.
    pub tail_fraction: f64,
    /// Full width at half maximum of those tails in nm, 0.1 to 50.
    pub tail_fwhm_nm: f64,
    /// Mean counts per pixel of the HAADF image, 1 to 1 million.
    pub image_counts: f64,
    /// Standard deviation of the image's readout noise in counts, 0 to 1000.
    pub image_readout_counts: f64,
    /// Resolution of the X-ray detector in eV, as full width at half maximum at Mn Kα
    /// (5.895 keV), 120 to 250.
    pub resolution_ev: f64,
}

impl Default for NanoparticlesConfig {
    fn default() -> Self {
        Self {
            height: 64,
            width: 64,
            seed: 0,
            joint: false,
            field_of_view_nm: 92.0,
            particle_density: 1.0,
            support_nm: 10.0,
            beam_energy_kev: 200.0,
            beam_current_na: 1.0,
            live_time_s: 2.0,
            counts_per_pixel: 4000.0,
            probe_fwhm_nm: 0.3,
            tail_fraction: 0.06,
            tail_fwhm_nm: 8.0,
            image_counts: 250.0,
            image_readout_counts: 4.0,
            resolution_ev: 130.0,
        }
    }
}

impl NanoparticlesConfig {
    /// What is scanned.
    pub(super) fn frame(&self) -> Frame {
        Frame::new(self.height, self.width, self.field_of_view_nm)
    }

    /// The exposure that `counts_per_pixel` refers to.
    pub fn exposure(&self) -> Exposure {
        Exposure {
            beam_current_na: self.beam_current_na,
            live_time_s: self.live_time_s,
        }
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value out of its range, with the range.
    pub fn validate(&self) -> Result<(), SpecimenError> {
        let (density, tails) = (self.particle_density, self.tail_fraction);
        let (counts, readout) = (self.counts_per_pixel, self.image_readout_counts);
        let nm = (20.0, 800.0);
        check_frame(self.height, self.width, self.field_of_view_nm, nm)?;
        check("particle_density", density, 0.1, 2.0, "times the default")?;
        check("support_nm", self.support_nm, 1.0, 100.0, "nm")?;
        check("beam_energy_kev", self.beam_energy_kev, 60.0, 300.0, "keV")?;
        check("beam_current_na", self.beam_current_na, 0.001, 100.0, "nA")?;
        check("live_time_s", self.live_time_s, 0.0001, 1000.0, "s")?;
        check("counts_per_pixel", counts, 1.0, 1e7, "counts")?;
        check("probe_fwhm_nm", self.probe_fwhm_nm, 0.05, 10.0, "nm")?;
        check("tail_fraction", tails, 0.0, 0.5, "of the current")?;
        check("tail_fwhm_nm", self.tail_fwhm_nm, 0.1, 50.0, "nm")?;
        check("image_counts", self.image_counts, 1.0, 1e6, "counts")?;
        check("image_readout_counts", readout, 0.0, 1000.0, "counts")?;
        check("resolution_ev", self.resolution_ev, 120.0, 250.0, "eV")
    }
}

/// How long and with which current one spectrum is taken.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Exposure {
    /// Beam current in nA, 0.001 to 100.
    pub beam_current_na: f64,
    /// Live time in s, 0.0001 to 1000.
    pub live_time_s: f64,
}

impl Exposure {
    /// Electrons that reach the sample, in millions.
    pub fn million_electrons(&self) -> f64 {
        // 1 nA s is 1e-9 C, and an electron 1.602176634e-19 C.
        self.beam_current_na * self.live_time_s * (1e4 / 1.602_176_634)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: 1 nA for 1 s is 1e-9 C / 1.602176634e-19 C = 6.2415e9 electrons.
    #[test]
    fn an_exposure_counts_electrons() {
        let exposure = Exposure {
            beam_current_na: 0.5,
            live_time_s: 2.0,
        };
        assert!((exposure.million_electrons() - 6241.509).abs() < 1e-3);
    }
}
