//! The two layers as maps over the frame: thickness, image, and what is where.

use core::f64::consts::PI;

use super::assembly::{Assembly, Crystal};
use super::config::PlasmonicConfig;
use super::frame::{behaviours, haadf};
use crate::data::{Behaviour, Map, blur};

/// Thickness of the support in nm of Sn:In2O3 that scatters as much.
const SUPPORT_NM: f64 = 3.0;

/// Thickness in nm of both layers, and of the lightly doped crystals in them, row by row.
#[derive(Clone, Debug)]
pub(super) struct Layers {
    both: [Vec<f64>; 2],
    lightly_doped: Vec<f64>,
}

impl Layers {
    pub(super) fn new(config: &PlasmonicConfig, assembly: &Assembly) -> Self {
        let frame = config.frame();
        // Mean over 3 x 3 points of each pixel.
        let offsets = [-1.0, 0.0, 1.0].map(|third| third * frame.pixel_nm / 3.0);
        let thickness = |is_meant: &dyn Fn(&Crystal) -> bool| {
            let crystals: Vec<&Crystal> =
                assembly.crystals.iter().filter(|c| is_meant(c)).collect();
            let mut near = Vec::new();
            frame.each(|x, y| {
                // Whatever is farther from the centre than that is no thickness at any of the points.
                let reach = 0.5 * frame.pixel_nm;
                let is_near = |c: &&Crystal| c.distance(x, y) < c.radius_nm + reach;
                near.clear();
                near.extend(crystals.iter().copied().filter(is_near));
                let at = |x: f64, y: f64| near.iter().fold(0.0, |sum, c| sum + c.chord(x, y));
                let row = |dy: f64| offsets.map(|dx| at(x + dx, y + dy));
                offsets.map(row).as_flattened().iter().sum::<f64>() / 9.0
            })
        };
        Self {
            both: [0, 1].map(|layer| thickness(&|crystal| crystal.layer == layer)),
            lightly_doped: thickness(&Crystal::is_lightly_doped),
        }
    }

    /// Thickness of both together in nm.
    pub(super) fn thickness(&self) -> Vec<f64> {
        let [first, second] = &self.both;
        first.iter().zip(second).map(|(a, b)| a + b).collect()
    }

    /// Thickness of the lightly doped crystals in nm.
    pub(super) fn lightly_doped(&self) -> &[f64] {
        &self.lightly_doped
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
        const NAMES: [(&str, bool); 7] = [
            ("end of a rod", true),
            ("lightly doped cluster", true),
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
        let shares = self.both.each_ref().map(dense);
        let ends: Vec<_> = assembly.ends_of_rods().collect();
        let reaches = |points: &[(f64, f64)], x: f64, y: f64| {
            let mut distances = points.iter().map(|p| libm::hypot(p.0 - x, p.1 - y));
            distances.any(|distance| distance < radius)
        };
        // Where most of what the beam excites is lightly doped.
        let is_lightly_doped = |x: f64, y: f64| {
            let middle = assembly.lightly_doped;
            middle.is_some_and(|(a, b)| libm::hypot(x - a, y - b) < 0.75 * config.spacing_nm())
        };
        let behaviour = |(i, (x, y)): (usize, (f64, f64))| {
            let [first, second] = [0, 1].map(|layer| shares[layer][i] / full_nm);
            Some(if reaches(&ends, x, y) {
                0
            } else if is_lightly_doped(x, y) {
                1
            } else if reaches(&assembly.vacancies, x, y) {
                2
            } else if second > 0.5 {
                3
            } else if first > 0.75 {
                4
            } else if first > 0.1 {
                5
            } else {
                6
            })
        };
        let shown: Vec<_> = frame.centres().enumerate().map(behaviour).collect();
        let mut behaviours = behaviours(NAMES, &shown);
        if !config.joint {
            // In an assembly without it, it is nothing to look for.
            behaviours.remove(1);
        }
        behaviours
    }
}
