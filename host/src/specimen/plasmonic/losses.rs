//! Energy losses of the beam at every pixel.

use rayon::prelude::*;

use super::assembly::{Assembly, Crystal, LIGHTLY_DOPED};
use super::config::PlasmonicConfig;
use super::drude::{Drude, among_others, depolarisation};
use super::electron::SwiftElectron;
use super::frame::Frame;
use super::layers::Layers;
use crate::data::{Axis, blur};
use crate::specimen::weighted::add_weighted;

/// The axis of all spectra: 140 channels of 10 meV from 0.2 eV.
pub(super) fn energy_axis() -> Axis {
    Axis {
        name: "Energy loss".to_owned(),
        units: "eV".to_owned(),
        offset: 0.2,
        scale: 0.01,
        size: 140,
    }
}

/// Spectra of all pixels, as sums over modes.
#[derive(Clone, Debug)]
pub(super) struct Losses {
    frame: Frame,
    channels: usize,
    /// Mean counts per channel of each pixel.
    expected: Vec<f64>,
}

/// A function of the energy in eV.
type Curve<'a> = dyn Fn(f64) -> f64 + 'a;

/// A mode that the beam excites.
struct Mode<'a> {
    /// 4 Im α in nm³ in each channel.
    spectrum: Vec<f64>,
    /// Where its peak would be without damping, in eV.
    ev: f64,
    crystal: &'a Crystal,
    /// Along a rod rather than across it or in a sphere.
    along: bool,
}

impl Mode<'_> {
    /// What the beam at (x, y) transfers to it, per polarisability, in 1/nm².
    fn pull(&self, beam: SwiftElectron, x: f64, y: f64) -> f64 {
        let radius = self.crystal.radius_nm;
        if self.along {
            let distances = self.crystal.ends.map(|(a, b)| libm::hypot(x - a, y - b));
            beam.to_ends(self.ev, distances, radius, self.crystal.length_nm())
        } else {
            beam.to_body(self.ev, self.crystal.distance(x, y), radius)
        }
    }
}

impl Losses {
    /// Spectra over an assembly in layers.
    pub(super) fn new(config: &PlasmonicConfig, assembly: &Assembly, layers: &Layers) -> Self {
        let axis = energy_axis();
        let energies = axis.values();
        let gas =
            |electrons: f64| Drude::new(config.electrons_per_nm3 * electrons, config.damping_ev);
        let beam = SwiftElectron::new(config.beam_energy_kev);
        let resolution = config.resolution_ev / axis.scale;
        let over = |value: &Curve<'_>| {
            let sharp: Vec<f64> = energies.iter().map(|&ev| value(ev)).collect();
            blur(&sharp, axis.size, resolution)
        };
        let modes: Vec<Mode<'_>> = assembly
            .crystals
            .iter()
            .flat_map(|crystal| modes(crystal, &gas(crystal.electrons), &over))
            .collect();
        let of_modes: Vec<&[f64]> = modes.iter().map(|mode| &*mode.spectrum).collect();
        let [volume, of_lightly_doped] = [1.0, LIGHTLY_DOPED].map(|electrons| {
            let gas = gas(electrons);
            over(&|ev| volume_loss(&gas, ev, 0.5 * config.diameter_nm))
        });
        let frame = config.frame();
        let thickness = layers.thickness();
        let pixels: Vec<_> = frame
            .centres()
            .zip(&thickness)
            .zip(layers.lightly_doped())
            .collect();
        // Pixel by pixel in any order: each sum runs over the modes in theirs.
        let spectrum = |(((x, y), nm), lightly_doped): (((f64, f64), &f64), &f64)| {
            let others = nm - lightly_doped;
            let mut spectrum: Vec<f64> = volume.iter().map(|per_nm| per_nm * others).collect();
            for (sum, per_nm) in spectrum.iter_mut().zip(&of_lightly_doped) {
                *sum += per_nm * lightly_doped;
            }
            let pulls: Vec<f64> = modes.iter().map(|mode| mode.pull(beam, x, y)).collect();
            add_weighted(&mut spectrum, &pulls, &of_modes);
            spectrum
        };
        let mut expected: Vec<f64> = pixels.into_par_iter().flat_map_iter(spectrum).collect();
        let mean = expected.iter().sum::<f64>() / thickness.len() as f64;
        for value in &mut expected {
            *value *= config.counts_per_pixel / mean;
        }
        Self {
            frame,
            channels: axis.size,
            expected,
        }
    }

    /// The spectrum without noise, in counts per channel.
    pub(super) fn expected(&self, row: usize, column: usize) -> Vec<f64> {
        let start = self.frame.index(row, column) * self.channels;
        self.expected[start..start + self.channels].to_vec()
    }
}

/// Volume losses per nm, in the units of the modes: 2 ln(q r) Im(−1/ε). Plasmons of shorter waves
/// than q decay into single electrons, and what reaches beyond the radius is left to the surface
/// modes (begrenzung; Egerton, Electron Energy-Loss Spectroscopy, 3.2 and 3.3).
fn volume_loss(gas: &Drude, ev: f64, radius_nm: f64) -> f64 {
    /// ωₚ over the Fermi velocity, in 1/nm.
    const CUT_OFF: f64 = 1.6;
    2.0 * libm::log(CUT_OFF * radius_nm) * gas.volume_loss(ev)
}

/// The modes of a crystal; `over` makes a spectrum of a curve, as the spectrometer sees it.
fn modes<'a>(
    crystal: &'a Crystal,
    gas: &Drude,
    over: &dyn Fn(&Curve<'_>) -> Vec<f64>,
) -> Vec<Mode<'a>> {
    let volume = crystal.volume_nm3();
    let long = depolarisation(crystal.aspect());
    let mode = |factor: f64, along: bool| {
        let factor = among_others(factor, crystal.fill);
        Mode {
            spectrum: over(&|ev| 4.0 * gas.polarisability(ev, factor, volume)),
            ev: gas.resonance_ev(factor),
            crystal,
            along,
        }
    };
    if crystal.is_rod() {
        vec![mode(long, true), mode(0.5 * (1.0 - long), false)]
    } else {
        vec![mode(long, false)]
    }
}
