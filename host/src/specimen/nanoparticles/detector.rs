//! A silicon drift detector: how many photons it counts, and into which channels.

use crate::data::Axis;
use core::f64::consts::{FRAC_1_SQRT_2, LN_2};

/// Energy of Mn Kα in keV, where resolutions are quoted.
const MANGANESE_KEV: f64 = 5.895;

/// The axis of all spectra: 2048 channels of 10 eV; a value is the centre of its channel.
pub(super) fn energy_axis() -> Axis {
    Axis {
        name: "Energy".to_owned(),
        units: "keV".to_owned(),
        offset: 0.0,
        scale: 0.01,
        size: 2048,
    }
}

/// Fraction of photons that are counted: thin windows absorb soft X-rays as exp(-(E_w/E)³),
/// and 0.45 mm of silicon let hard ones pass.
pub(super) fn efficiency(photon_kev: f64) -> f64 {
    /// Energy in keV at which the window passes 1/e: that of a thin polymer window.
    const WINDOW_KEV: f64 = 0.25;
    /// 0.045 cm × 2.33 g/cm³ × 33.9 cm²/g at 10 keV (Hubbell and Seltzer 1995).
    const SILICON_AT_10_KEV: f64 = 0.045 * 2.33 * 33.9;
    if photon_kev <= 0.0 {
        return 0.0;
    }
    let cube = |x: f64| x * x * x;
    let window = libm::exp(-cube(WINDOW_KEV / photon_kev));
    window * -libm::expm1(-SILICON_AT_10_KEV * cube(10.0 / photon_kev))
}

/// Standard deviation of a peak in keV: the Fano noise of the electron-hole pairs, which
/// grows with √E, and the electronic noise, which makes up the rest of `resolution_ev` at
/// Mn Kα.
pub(super) fn sigma(photon_kev: f64, resolution_ev: f64) -> f64 {
    /// Fano factor of silicon times 3.65 eV per electron-hole pair, in keV.
    const FANO_KEV: f64 = 0.115 * 0.003_65;
    let fwhm_kev = resolution_ev / 1000.0;
    let at_manganese = fwhm_kev * fwhm_kev / (8.0 * LN_2);
    let electronic = at_manganese - FANO_KEV * MANGANESE_KEV;
    (electronic + FANO_KEV * photon_kev).sqrt()
}

/// Adds a peak of `photons` at `photon_kev` to a spectrum, as counts per channel.
pub(super) fn add_peak(
    spectrum: &mut [f64],
    axis: &Axis,
    photon_kev: f64,
    photons: f64,
    resolution_ev: f64,
) {
    let sigma = sigma(photon_kev, resolution_ev);
    let counts = photons * efficiency(photon_kev);
    let cumulative = |kev: f64| 0.5 * libm::erf((kev - photon_kev) / sigma * FRAC_1_SQRT_2);
    let channel = |kev: f64| ((kev - axis.offset) / axis.scale).max(0.0) as usize;
    let first = channel(photon_kev - 6.0 * sigma);
    let last = channel(photon_kev + 6.0 * sigma).min(spectrum.len().saturating_sub(1));
    for (i, value) in spectrum.iter_mut().enumerate().take(last + 1).skip(first) {
        let centre = axis.value(i);
        let half = 0.5 * axis.scale;
        *value += counts * (cumulative(centre + half) - cumulative(centre - half));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolution_is_as_configured_at_manganese_and_better_below() {
        let fwhm = |kev| 1000.0 * sigma(kev, 130.0) * (8.0 * LN_2).sqrt();
        assert!((fwhm(MANGANESE_KEV) - 130.0).abs() < 1e-9);
        // Typical of detectors sold with 130 eV: 60 to 80 eV at C Kα.
        assert!((55.0..85.0).contains(&fwhm(0.277)), "{}", fwhm(0.277));
        assert!(sigma(0.0, 120.0) > 0.0);
    }

    #[test]
    fn a_peak_keeps_its_counts_centre_and_width() {
        let axis = energy_axis();
        let mut spectrum = vec![0.0; axis.size];
        add_peak(&mut spectrum, &axis, 8.0478, 1000.0, 130.0);
        let total: f64 = spectrum.iter().sum();
        let mean = |f: &dyn Fn(f64) -> f64| {
            spectrum
                .iter()
                .enumerate()
                .map(|(i, v)| v * f(axis.value(i)))
                .sum::<f64>()
                / total
        };
        let centre = mean(&|kev| kev);
        let variance = mean(&|kev| (kev - centre).powi(2));
        assert!((total / (1000.0 * efficiency(8.0478)) - 1.0).abs() < 1e-6);
        assert!((centre - 8.0478).abs() < 1e-6);
        assert!((variance - sigma(8.0478, 130.0).powi(2) - 0.01f64.powi(2) / 12.0).abs() < 1e-7);
    }

    #[test]
    fn the_detector_sees_best_between_soft_and_hard() {
        assert!(efficiency(0.1) < 1e-3 && efficiency(0.277) > 0.3 && efficiency(0.277) < 0.7);
        assert!(efficiency(3.0) > 0.99 && efficiency(20.0) < 0.5);
    }
}
