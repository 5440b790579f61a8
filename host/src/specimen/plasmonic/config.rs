//! What can be chosen about the assembly and the instrument that looks at it.

use serde::{Deserialize, Serialize};

use super::frame::{Frame, check_frame};
use super::range::{SpecimenError, check};

/// Everything that defines a plasmonic assembly and its instrument: equal configurations give
/// equal assemblies, images and spectra, bit for bit, on every machine.
///
/// The assembly depends on `seed`, the field of view and the shape of the frame, but not on the
/// number of pixels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlasmonicConfig {
    /// Rows of the scan, 16 to 512.
    pub height: usize,
    /// Columns of the scan, 16 to 512.
    pub width: usize,
    /// Chooses the assembly and all noise.
    pub seed: u64,
    /// Whether the sample also holds a rare behaviour that no single response shows: a cluster of
    /// crystals of the first layer with fewer electrons, where the counts of every window are ordinary, but not
    /// those below 0.5 eV beside those around 0.6 eV. Nothing else differs, but for the factor by which all
    /// counts are scaled.
    /// Files of samples without it do not say so.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub joint: bool,
    /// Width of the scanned area in nm; pixels are square. Width and height must both lie in
    /// 100 to 1000 nm.
    pub field_of_view_nm: f64,
    /// Diameter of a nanocrystal in nm, 8 to 40.
    pub diameter_nm: f64,
    /// Length of the ligands between two nanocrystals in nm, 1 to 5.
    pub gap_nm: f64,
    /// Conduction electrons per nm³ of Sn:In2O3, 0.3 to 1.5.
    pub electrons_per_nm3: f64,
    /// Damping of the electrons in eV, 0.05 to 0.3.
    pub damping_ev: f64,
    /// Energy of the beam in keV, 30 to 300.
    pub beam_energy_kev: f64,
    /// Resolution of the spectrometer in eV, as full width at half maximum; 0.01 to 0.1.
    pub resolution_ev: f64,
    /// Counts of a whole spectrum, as mean over all pixels; 1 to 10 million.
    pub counts_per_pixel: f64,
    /// Full width at half maximum of the probe in nm, 0.05 to 10.
    pub probe_fwhm_nm: f64,
    /// Mean counts per pixel of the HAADF image, 1 to 1 million.
    pub image_counts: f64,
    /// Standard deviation of the image's readout noise in counts, 0 to 1000.
    pub image_readout_counts: f64,
}

impl Default for PlasmonicConfig {
    fn default() -> Self {
        Self {
            height: 64,
            width: 64,
            seed: 0,
            joint: false,
            // Five pixels from one nanocrystal to the next: closer ones the image does not resolve,
            // and a patch would not tell a rod from a row of spheres.
            field_of_view_nm: 240.0,
            diameter_nm: 16.0,
            gap_nm: 2.0,
            electrons_per_nm3: 1.0,
            damping_ev: 0.11,
            beam_energy_kev: 60.0,
            resolution_ev: 0.03,
            counts_per_pixel: 10_000.0,
            probe_fwhm_nm: 0.5,
            image_counts: 250.0,
            image_readout_counts: 4.0,
        }
    }
}

impl PlasmonicConfig {
    /// What is scanned.
    pub(super) fn frame(&self) -> Frame {
        Frame::new(self.height, self.width, self.field_of_view_nm)
    }

    /// Distance of neighbouring nanocrystals in nm, centre to centre.
    pub fn spacing_nm(&self) -> f64 {
        self.diameter_nm + self.gap_nm
    }

    /// Checks every value against its range.
    ///
    /// # Errors
    /// The first value out of its range, with the range.
    pub fn validate(&self) -> Result<(), SpecimenError> {
        let (electrons, probe) = (self.electrons_per_nm3, self.probe_fwhm_nm);
        let (counts, readout) = (self.counts_per_pixel, self.image_readout_counts);
        let nm = (100.0, 1000.0);
        check_frame(self.height, self.width, self.field_of_view_nm, nm)?;
        check("diameter_nm", self.diameter_nm, 8.0, 40.0, "nm")?;
        check("gap_nm", self.gap_nm, 1.0, 5.0, "nm")?;
        check("electrons_per_nm3", electrons, 0.3, 1.5, "per nm³")?;
        check("damping_ev", self.damping_ev, 0.05, 0.3, "eV")?;
        check("beam_energy_kev", self.beam_energy_kev, 30.0, 300.0, "keV")?;
        check("resolution_ev", self.resolution_ev, 0.01, 0.1, "eV")?;
        check("counts_per_pixel", counts, 1.0, 1e7, "counts")?;
        check("probe_fwhm_nm", probe, 0.05, 10.0, "nm")?;
        check("image_counts", self.image_counts, 1.0, 1e6, "counts")?;
        check("image_readout_counts", readout, 0.0, 1000.0, "counts")
    }
}
