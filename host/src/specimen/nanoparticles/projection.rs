//! The sample projected along the beam onto the pixels of the scan.

use super::config::NanoparticlesConfig;
use super::material::Material;
use super::scene::Placed;
use super::species::SPECIES;
use super::support::Support;

/// What lies under each pixel, averaged over its area; every map is row-major.
#[derive(Clone, Debug)]
pub(super) struct Projection {
    /// Thickness of each material in nm, in the order of [`Material::ALL`].
    pub(super) materials: [Vec<f64>; Material::ALL.len()],
    /// Thickness of each species in nm.
    pub(super) species: [Vec<f64>; SPECIES.len()],
    /// High-angle scattering, see [`Material::scattering_per_nm`], channelling included.
    pub(super) scattering: Vec<f64>,
}

/// Sample points along each edge of a pixel.
const POINTS: usize = 4;

impl Projection {
    pub(super) fn new(config: &NanoparticlesConfig, support: &Support, placed: &[Placed]) -> Self {
        let pixels = config.height * config.width;
        let mut projection = Self {
            materials: core::array::from_fn(|_| vec![0.0; pixels]),
            species: core::array::from_fn(|_| vec![0.0; pixels]),
            scattering: vec![0.0; pixels],
        };
        projection.add_support(config, support);
        for particle in placed {
            projection.add_particle(config, particle);
        }
        projection
    }

    fn add_support(&mut self, config: &NanoparticlesConfig, support: &Support) {
        for (index, (x, y)) in config.frame().centres().enumerate() {
            let thickness = support.thickness(x, y);
            self.materials[Material::Carbon as usize][index] += thickness;
            self.scattering[index] += thickness * Material::Carbon.scattering_per_nm();
        }
    }

    fn add_particle(&mut self, config: &NanoparticlesConfig, placed: &Placed) {
        let pixel = config.frame().pixel_nm;
        for part in &placed.particle.parts {
            let centre = (
                placed.centre.0 + part.centre.0,
                placed.centre.1 + part.centre.1,
            );
            let reach = part.shape.reach();
            let span = |centre: f64, size: usize| {
                let first = ((centre - reach) / pixel).floor().max(0.0) as usize;
                let last = ((centre + reach) / pixel).ceil().max(0.0) as usize;
                first..last.min(size)
            };
            let scattering = placed.channelling * part.material.scattering_per_nm();
            for row in span(centre.1, config.height) {
                for column in span(centre.0, config.width) {
                    let mut sum = 0.0;
                    for point in 0..POINTS * POINTS {
                        let offset = |i: usize| (i as f64 + 0.5) / POINTS as f64;
                        let x = (column as f64 + offset(point % POINTS)) * pixel;
                        let y = (row as f64 + offset(point / POINTS)) * pixel;
                        sum += part.shape.chord(x - centre.0, y - centre.1);
                    }
                    let thickness = part.sign * sum / (POINTS * POINTS) as f64;
                    let index = row * config.width + column;
                    self.materials[part.material as usize][index] += thickness;
                    self.species[placed.species][index] += thickness;
                    self.scattering[index] += thickness * scattering;
                }
            }
        }
    }
}
