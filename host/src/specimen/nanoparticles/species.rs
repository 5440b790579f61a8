//! The species of the sample: what one particle of each is made of.
//!
//! They are chosen so that brightness alone does not tell them apart: a flat oxide cube is
//! as bright as a Pd rod, and the rare core-shell particle as bright as a Au sphere. Size,
//! outline, profile and texture do, which is what a patch of the image shows. Palladium, the
//! element to look for, comes in three amounts: as clusters on titania, as rods, and most in
//! the rare shells.

use super::material::Material;
use super::random::Stream;
use super::shape::{Shape, lying, tumbled};
use nalgebra::Matrix3;

/// A kind of particle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Species {
    /// What it is made of and what it looks like, such as `Pd rod`; a core before its shell.
    pub(super) name: &'static str,
    /// Whether it is the rare one that an experiment should discover.
    pub(super) rare: bool,
}

const fn species(name: &'static str, rare: bool) -> Species {
    Species { name, rare }
}

/// Every species; indices into this table identify a species everywhere.
pub(super) static SPECIES: [Species; 6] = [
    species("Au@Pd core-shell", true),
    species("Pd rod", false),
    species("Au sphere", false),
    species("Cu2O cube", false),
    species("Pd/TiO2 agglomerate", false),
    species("AuPd alloy sphere", true),
];

/// The species of a sample: the last, whose amounts of Au and of Pd are ordinary each and together are not,
/// is in those that are asked to hold it.
pub(super) fn of_sample(joint: bool) -> &'static [Species] {
    if joint { &SPECIES } else { &SPECIES[..5] }
}

/// Particles of each species per 1000 nm² of support, at the default density.
pub(super) const PER_1000_NM2: [f64; SPECIES.len()] = [0.14, 1.0, 1.2, 0.55, 0.36, 0.05];

/// A body of one material in a particle.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) shape: Shape,
    /// Centre relative to the particle's, in nm.
    pub(super) centre: (f64, f64),
    pub(super) material: Material,
    /// 1 for matter, -1 for a cavity that another part fills, its share for a constituent of an alloy.
    pub(super) sign: f64,
}

/// The middle of a particle.
const CENTRE: (f64, f64) = (0.0, 0.0);

/// A particle about the origin.
#[derive(Clone, Debug)]
pub(super) struct Particle {
    pub(super) parts: Vec<Part>,
    /// Discs (x, y, radius) in nm that cover the projection roughly, to keep particles from
    /// lying on top of each other.
    pub(super) footprint: Vec<(f64, f64, f64)>,
}

/// A random particle of a species.
pub(super) fn particle(species: usize, stream: &mut Stream) -> Particle {
    match species {
        0 => core_shell(stream),
        1 => rod(stream),
        2 => sphere(stream),
        3 => cube(stream),
        4 => agglomerate(stream),
        _ => alloy(stream),
    }
}

impl Part {
    /// A body of matter.
    fn new(shape: Shape, centre: (f64, f64), material: Material) -> Self {
        Self {
            shape,
            centre,
            material,
            sign: 1.0,
        }
    }
}

fn core_shell(stream: &mut Stream) -> Particle {
    let half = stream.between(5.2, 6.2);
    let rotation = tumbled(stream);
    let shell = Shape::truncated_cube(half, stream.between(1.15, 1.3), &rotation);
    let radius = stream.between(2.0, 2.8);
    let core = Shape::ellipsoid([radius; 3], &rotation);
    let centre = (stream.between(-1.2, 1.2), stream.between(-1.2, 1.2));
    let cavity = Part {
        sign: -1.0,
        ..Part::new(core.clone(), centre, Material::Palladium)
    };
    let parts = vec![
        Part::new(shell, CENTRE, Material::Palladium),
        cavity,
        Part::new(core, centre, Material::Gold),
    ];
    Particle {
        parts,
        footprint: vec![(0.0, 0.0, 1.2 * half)],
    }
}

fn rod(stream: &mut Stream) -> Particle {
    let radius = stream.between(2.0, 3.6);
    let half_length = stream.between(5.5, 11.0);
    let (v, u) = libm::sincos(stream.between(0.0, core::f64::consts::TAU));
    let shape = Shape::Rod {
        direction: (u, v),
        half_length,
        radius,
    };
    let footprint = [-1.0, -0.5, 0.0, 0.5, 1.0]
        .map(|t| (t * half_length * u, t * half_length * v, 1.2 * radius))
        .to_vec();
    Particle {
        parts: vec![Part::new(shape, CENTRE, Material::Palladium)],
        footprint,
    }
}

fn sphere(stream: &mut Stream) -> Particle {
    let radius = stream.between(2.6, 4.4);
    let rotation = tumbled(stream);
    let semi_axes = [0; 3].map(|_| radius * stream.between(0.92, 1.08));
    let shape = Shape::ellipsoid(semi_axes, &rotation);
    Particle {
        parts: vec![Part::new(shape, CENTRE, Material::Gold)],
        footprint: vec![(0.0, 0.0, radius)],
    }
}

fn cube(stream: &mut Stream) -> Particle {
    let half = stream.between(5.0, 8.0);
    let tilt = stream.between(0.0, 0.25);
    let rotation = lying(stream, tilt);
    let shape = Shape::truncated_cube(half, stream.between(1.4, 1.65), &rotation);
    Particle {
        parts: vec![Part::new(shape, CENTRE, Material::CuprousOxide)],
        footprint: vec![(0.0, 0.0, 1.2 * half)],
    }
}

/// A chain of touching titania grains with small clusters of palladium on them: a supported
/// catalyst.
fn agglomerate(stream: &mut Stream) -> Particle {
    let grains = 6 + (stream.uniform() * 5.0) as usize;
    let mut parts = Vec::with_capacity(grains);
    let mut footprint: Vec<(f64, f64, f64)> = Vec::with_capacity(grains);
    for _ in 0..grains {
        let radius = stream.between(3.2, 5.6);
        let rotation = tumbled(stream);
        let semi_axes = [0; 3].map(|_| radius * stream.between(0.75, 1.25));
        // Each grain touches an earlier one; in projection they may overlap.
        let centre = match footprint.len() {
            0 => (0.0, 0.0),
            earlier => {
                let (x, y, r) = footprint[(stream.uniform() * earlier as f64) as usize];
                let (sin, cos) = libm::sincos(stream.between(0.0, core::f64::consts::TAU));
                let distance = stream.between(0.55, 0.95) * (r + radius);
                (x + distance * cos, y + distance * sin)
            }
        };
        let grain = Shape::ellipsoid(semi_axes, &rotation);
        parts.push(Part::new(grain, centre, Material::TitaniumDioxide));
        footprint.push((centre.0, centre.1, radius));
    }
    for (x, y, r) in &footprint {
        for _ in 0..5 {
            // The square root spreads them evenly over the disc.
            let distance = r * stream.uniform().sqrt();
            let (sin, cos) = libm::sincos(stream.between(0.0, core::f64::consts::TAU));
            let radius = stream.between(0.6, 1.3);
            let cluster = Shape::ellipsoid([radius; 3], &Matrix3::identity());
            let centre = (x + distance * cos, y + distance * sin);
            parts.push(Part::new(cluster, centre, Material::Palladium));
        }
    }
    Particle { parts, footprint }
}

/// A sphere as large as those of gold, half of gold and half of palladium by volume: the volumes of both
/// add up in their solid solution to within a per cent. Either metal is as thick as in the flanks of
/// spheres and rods of one of them.
fn alloy(stream: &mut Stream) -> Particle {
    let radius = stream.between(3.2, 4.2);
    let rotation = tumbled(stream);
    let semi_axes = [0; 3].map(|_| radius * stream.between(0.92, 1.08));
    let shape = Shape::ellipsoid(semi_axes, &rotation);
    let half = |material: Material| Part {
        sign: 0.5,
        ..Part::new(shape.clone(), CENTRE, material)
    };
    Particle {
        parts: vec![half(Material::Gold), half(Material::Palladium)],
        footprint: vec![(0.0, 0.0, radius)],
    }
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    #[test]
    fn one_species_is_rare_and_one_more_where_it_is_asked_for_and_names_differ() {
        for (joint, rare) in [(false, 1), (true, 2)] {
            let species = of_sample(joint);
            assert_eq!(species.iter().filter(|s| s.rare).count(), rare);
        }
        for (i, s) in SPECIES.iter().enumerate() {
            assert!(SPECIES[..i].iter().all(|t| t.name != s.name));
        }
    }

    /// The cavity must lie inside the shell, or the shell would have negative thickness.
    #[test]
    fn cores_lie_inside_their_shells() {
        let mut stream = Stream::new(3, Purpose::Scene, [0, 0]);
        for _ in 0..200 {
            let parts = core_shell(&mut stream).parts;
            let (shell, core) = (&parts[0], &parts[2]);
            for step in 0..40 * 40 {
                let (x, y) = (
                    f64::from(step / 40) * 0.5 - 10.0,
                    f64::from(step % 40) * 0.5 - 10.0,
                );
                let inner = core.shape.chord(x - core.centre.0, y - core.centre.1);
                assert!(shell.shape.chord(x, y) >= inner);
            }
        }
    }
}
