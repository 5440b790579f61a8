//! The two layers as maps over the frame: thickness, image, and what is where.

use core::f64::consts::PI;

use super::assembly::Assembly;
use super::config::PlasmonicConfig;
use super::frame::{behaviours, haadf};
use crate::data::{Behaviour, Map, blur};

/// Thickness of the support in nm of Sn:In2O3 that scatters as much.
const SUPPORT_NM: f64 = 3.0;

/// Thickness in nm of both layers, row by row.
#[derive(Clone, Debug)]
pub(super) struct Layers([Vec<f64>; 2]);

impl Layers {
    pub(super) fn new(config: &PlasmonicConfig, assembly: &Assembly) -> Self {
        let frame = config.frame();
        let thickness = |layer: usize, x: f64, y: f64| {
            let crystals = assembly.crystals.iter().filter(|c| c.layer == layer);
            crystals.map(|c| c.chord(x, y)).sum::<f64>()
        };
        // Mean over 3 x 3 points of each pixel.
        let offsets = [-1.0, 0.0, 1.0].map(|third| third * frame.pixel_nm / 3.0);
        let mean = |layer: usize, x: f64, y: f64| {
            let row = |dy: f64| offsets.map(|dx| thickness(layer, x + dx, y + dy));
            offsets.map(row).as_flattened().iter().sum::<f64>() / 9.0
        };
        Self([0, 1].map(|layer| frame.each(|x, y| mean(layer, x, y))))
    }

    /// Thickness of both together in nm.
    pub(super) fn thickness(&self) -> Vec<f64> {
        let [first, second] = &self.0;
        first.iter().zip(second).map(|(a, b)| a + b).collect()
    }

    /// The HAADF image in counts, without noise: proportional to the thickness of one material.
    pub(super) fn expected_image(&self, config: &PlasmonicConfig) -> Map {
        let scattering: Vec<f64> = self.thickness().iter().map(|nm| nm + SUPPORT_NM).collect();
        haadf(
            config.frame(),
            &scattering,
            config.probe_fwhm_nm,
            config.image_counts,
        )
    }

    /// Every pixel shows one behaviour: the rarest that reaches it.
    pub(super) fn behaviours(
        &self,
        config: &PlasmonicConfig,
        assembly: &Assembly,
    ) -> Vec<Behaviour> {
        const NAMES: [(&str, bool); 6] = [
            ("end of a rod", true),
            ("vacancy", false),
            ("two layers", false),
            ("one layer", false),
            ("edge", false),
            ("beyond the edge", false),
        ];
        let frame = config.frame();
        let radius = 0.5 * config.diameter_nm;
        // Shares of a full layer, as seen over the distance of two crystals: one of spheres of
        // diameter d at the distance a has the mean thickness π/√12 (d/a)² 2/3 d.
        let covered = PI / 12f64.sqrt() * (config.diameter_nm / config.spacing_nm()).powi(2);
        let full_nm = covered * 2.0 / 3.0 * config.diameter_nm;
        let dense =
            |nm: &Vec<f64>| blur(nm, frame.width, 2.0 * config.spacing_nm() / frame.pixel_nm);
        let shares = self.0.each_ref().map(dense);
        let ends: Vec<_> = assembly.ends_of_rods().collect();
        let reaches = |points: &[(f64, f64)], x: f64, y: f64| {
            let mut distances = points.iter().map(|p| libm::hypot(p.0 - x, p.1 - y));
            distances.any(|distance| distance < radius)
        };
        let behaviour = |(i, (x, y)): (usize, (f64, f64))| {
            let [first, second] = [0, 1].map(|layer| shares[layer][i] / full_nm);
            Some(if reaches(&ends, x, y) {
                0
            } else if reaches(&assembly.vacancies, x, y) {
                1
            } else if second > 0.5 {
                2
            } else if first > 0.75 {
                3
            } else if first > 0.1 {
                4
            } else {
                5
            })
        };
        let shown: Vec<_> = frame.centres().enumerate().map(behaviour).collect();
        behaviours(NAMES, &shown)
    }
}
