//! Where the particles lie.

use super::config::NanoparticlesConfig;
use super::random::{Purpose, Stream};
use super::species::{PER_1000_NM2, Particle, of_sample, particle};

/// A particle in its place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    pub(super) species: usize,
    pub(super) particle: Particle,
    /// Centre in nm from the top left corner of the frame, as (x, y).
    pub(super) centre: (f64, f64),
    /// Brightness in the image relative to the mean over orientations: crystals close to a
    /// zone axis channel the beam and scatter more, at the same composition.
    pub(super) channelling: f64,
}

/// The particles of a sample, drawn so that they overlap little: each takes the freest of
/// some random places (Mitchell's best candidate).
pub(super) fn place(config: &NanoparticlesConfig) -> Vec<Placed> {
    const TRIES: usize = 24;
    let (width, height) = config.frame().size_nm;
    let mut stream = Stream::new(config.seed, Purpose::Scene, [0, 0]);
    let mut placed = Vec::new();
    let all = of_sample(config.joint);
    for (species, per_1000_nm2) in PER_1000_NM2.into_iter().enumerate().take(all.len()) {
        let expected = per_1000_nm2 * config.particle_density * width * height / 1000.0;
        // Rounded at random, so that seeds differ in number too; but never none.
        let number = (expected + stream.uniform()).floor().max(1.0) as usize;
        for index in 0..number {
            // The first of the rare species lies where windows around pixels reach it, and
            // the first of the others where it is not cut off.
            let margin = match (all[species].rare, index) {
                (true, 0) => 0.25,
                (_, 0) => 0.1,
                _ => 0.0,
            };
            let particle = particle(species, &mut stream);
            let mut best = ((0.0, 0.0), f64::NEG_INFINITY);
            for _ in 0..TRIES {
                let x = stream.between(margin, 1.0 - margin) * width;
                let y = stream.between(margin, 1.0 - margin) * height;
                let gap = clearance(&placed, &particle, (x, y));
                if gap > best.1 {
                    best = ((x, y), gap);
                }
                // Some particles touch, as they do on a real support.
                if gap > 0.5 {
                    break;
                }
            }
            let channelling = 1.0 + 0.09 * stream.normal().clamp(-2.0, 2.0);
            placed.push(Placed {
                species,
                particle,
                centre: best.0,
                channelling,
            });
        }
    }
    placed
}

/// Smallest gap in nm to the particles already there; negative when they overlap.
fn clearance(placed: &[Placed], particle: &Particle, centre: (f64, f64)) -> f64 {
    let mut gap = f64::INFINITY;
    for other in placed {
        let (dx, dy) = (centre.0 - other.centre.0, centre.1 - other.centre.1);
        // Footprints hardly ever reach half as far, so most pairs need no closer look.
        if dx * dx + dy * dy > 120.0 * 120.0 {
            continue;
        }
        for (x, y, r) in &particle.footprint {
            for (u, v, s) in &other.particle.footprint {
                let (ex, ey) = (dx + x - u, dy + y - v);
                gap = gap.min((ex * ex + ey * ey).sqrt() - r - s);
            }
        }
    }
    gap
}

#[cfg(test)]
mod tests {
    use super::*;

    fn centres(config: &NanoparticlesConfig) -> Vec<(f64, f64)> {
        place(config).iter().map(|p| p.centre).collect()
    }

    #[test]
    fn the_sample_does_not_depend_on_the_number_of_pixels() {
        let coarse = NanoparticlesConfig::default();
        let fine = NanoparticlesConfig {
            height: 256,
            width: 256,
            ..coarse.clone()
        };
        assert_eq!(centres(&coarse), centres(&fine));
        let other = NanoparticlesConfig {
            seed: 1,
            ..coarse.clone()
        };
        assert_ne!(centres(&coarse), centres(&other));
    }

    #[test]
    fn an_alloy_is_placed_after_all_others_and_moves_none() {
        for seed in 0..20 {
            let plain = NanoparticlesConfig {
                seed,
                ..NanoparticlesConfig::default()
            };
            let joint = NanoparticlesConfig {
                joint: true,
                ..plain.clone()
            };
            let (plain, joint) = (centres(&plain), centres(&joint));
            assert_eq!(joint.len(), plain.len() + 1);
            assert_eq!(joint[..plain.len()], plain);
        }
    }

    #[test]
    fn every_species_is_there_and_the_rare_one_lies_inside() {
        for (seed, joint) in (0..50).flat_map(|seed| [(seed, false), (seed, true)]) {
            let config = NanoparticlesConfig {
                seed,
                joint,
                ..NanoparticlesConfig::default()
            };
            let placed = place(&config);
            for (species, s) in of_sample(joint).iter().enumerate() {
                let first = placed.iter().find(|p| p.species == species).unwrap();
                if s.rare {
                    let (x, y) = first.centre;
                    assert!(x.min(y) > 22.9 && x.max(y) < 69.1, "{x} {y}");
                }
            }
        }
    }
}
