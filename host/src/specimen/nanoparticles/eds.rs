//! Energy-dispersive spectra, made for one pixel at a time.

use super::config::NanoparticlesConfig;
use super::detector::{add_peak, efficiency, energy_axis};
use super::emission::{bremsstrahlung, lines};
use super::material::{ELEMENTS, Element, Material};
use super::projection::Projection;
use crate::data::{Axis, blur};
use crate::specimen::weighted::add_weighted;

/// All that a spectrum follows from. A thin sample absorbs nothing, so that a spectrum is
/// the sum over elements of the atoms under the probe times the spectrum of one atom.
#[derive(Clone, Debug)]
pub(super) struct Spectrometer {
    /// Counts in each channel per atom/nm² of each element, at the configured exposure.
    responses: [Vec<f64>; ELEMENTS.len()],
    /// Atoms per nm² of each element as the probe sees them, row-major.
    atoms: [Vec<f64>; ELEMENTS.len()],
    /// Solid angle of the detector in sr that `counts_per_pixel` amounts to.
    pub(super) solid_angle_sr: f64,
}

impl Spectrometer {
    pub(super) fn new(config: &NanoparticlesConfig, projection: &Projection) -> Self {
        let axis = energy_axis();
        let atoms = areal_densities(projection).map(|map| probe(config, &map));
        let mut responses = ELEMENTS.map(|element| response(&element, &axis, config));
        let pixels = (config.height * config.width) as f64;
        let mut mean = 0.0;
        for (response, atoms) in responses.iter().zip(&atoms) {
            mean += response.iter().sum::<f64>() * atoms.iter().sum::<f64>() / pixels;
        }
        let scale = config.counts_per_pixel / mean;
        for value in responses.iter_mut().flatten() {
            *value *= scale;
        }
        // Responses were in cm² per nm², which is 1e14 per electron over the full sphere.
        let photons_per_unit = config.exposure().million_electrons() * 1e6 * 1e14;
        let solid_angle_sr = 4.0 * core::f64::consts::PI * scale / photons_per_unit;
        Self {
            responses,
            atoms,
            solid_angle_sr,
        }
    }

    /// The spectrum without noise of a pixel by its index.
    pub(super) fn expected(&self, pixel: usize) -> Vec<f64> {
        let mut spectrum = vec![0.0; self.responses[0].len()];
        let atoms = self.atoms.each_ref().map(|map| map[pixel]);
        let responses = self.responses.each_ref().map(Vec::as_slice);
        add_weighted(&mut spectrum, &atoms, &responses);
        spectrum
    }
}

/// Atoms of each element per nm² in each pixel.
pub(super) fn areal_densities(projection: &Projection) -> [Vec<f64>; ELEMENTS.len()] {
    let mut densities = [(); ELEMENTS.len()].map(|()| vec![0.0; projection.scattering.len()]);
    for material in Material::ALL {
        let thickness = &projection.materials[material as usize];
        for (density, atoms) in densities.iter_mut().zip(material.atoms_per_nm3()) {
            if atoms > 0.0 {
                for (density, nm) in density.iter_mut().zip(thickness) {
                    *density += atoms * nm;
                }
            }
        }
    }
    densities
}

/// A map of atoms as the probe sees it: its core, and its tails with the electrons that the
/// sample scattered aside.
fn probe(config: &NanoparticlesConfig, map: &[f64]) -> Vec<f64> {
    let pixel = config.frame().pixel_nm;
    let mut seen = blur(map, config.width, config.probe_fwhm_nm / pixel);
    let tails = blur(map, config.width, config.tail_fwhm_nm / pixel);
    for (seen, tail) in seen.iter_mut().zip(tails) {
        *seen += config.tail_fraction * (tail - *seen);
    }
    seen
}

/// Spectrum of one atom in cm² per channel, detection included.
fn response(element: &Element, axis: &Axis, config: &NanoparticlesConfig) -> Vec<f64> {
    let beam = config.beam_energy_kev;
    let radiation = axis.values().into_iter().map(|kev| {
        // The zeroth channel lies at no energy, where nothing is counted.
        if kev > 0.0 {
            bremsstrahlung(element, beam, kev) * efficiency(kev) * axis.scale
        } else {
            0.0
        }
    });
    let mut spectrum: Vec<f64> = radiation.collect();
    for (line, cross_section) in lines(element, beam) {
        let kev = line.energy_kev;
        if kev <= axis.range().1 + 1.0 {
            add_peak(
                &mut spectrum,
                axis,
                kev,
                cross_section,
                config.resolution_ev,
            );
        }
    }
    spectrum
}
