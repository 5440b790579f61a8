//! The nanocrystals: spheres on the sites of a lattice, and rods of three grown together.

use core::f64::consts::PI;

use super::config::PlasmonicConfig;
use super::lattice::{Key, Lattice, STEPS};
use super::random::{Purpose, Stream};

/// Rods of an assembly, where it has room.
const RODS: usize = 2;

/// Conduction electrons per volume of a lightly doped crystal, relative to the others.
pub(super) const LIGHTLY_DOPED: f64 = 0.6;

/// A nanocrystal, or a rod of several that have grown together.
#[derive(Clone, Debug)]
pub(super) struct Crystal {
    /// Ends (x, y) of its axis in nm, where the caps are centred; equal for a sphere.
    pub(super) ends: [(f64, f64); 2],
    pub(super) radius_nm: f64,
    /// 0 on the support, 1 on the first layer.
    pub(super) layer: usize,
    /// Share of the space around it that others fill, 0 to 1.
    pub(super) fill: f64,
    /// Its conduction electrons per volume, relative to those of the assembly.
    pub(super) electrons: f64,
}

impl Crystal {
    pub(super) fn is_rod(&self) -> bool {
        self.ends[0] != self.ends[1]
    }

    pub(super) fn is_lightly_doped(&self) -> bool {
        self.electrons < 1.0
    }

    /// Distance in nm of (x, y) from the axis, in projection.
    pub(super) fn distance(&self, x: f64, y: f64) -> f64 {
        let [(ax, ay), (bx, by)] = self.ends;
        let (ux, uy) = (bx - ax, by - ay);
        let squared = (ux * ux + uy * uy).max(f64::MIN_POSITIVE);
        let t = (((x - ax) * ux + (y - ay) * uy) / squared).clamp(0.0, 1.0);
        libm::hypot(x - ax - t * ux, y - ay - t * uy)
    }

    /// Thickness in nm at (x, y).
    pub(super) fn chord(&self, x: f64, y: f64) -> f64 {
        let d = self.distance(x, y);
        2.0 * (self.radius_nm * self.radius_nm - d * d).max(0.0).sqrt()
    }

    /// Distance of the ends in nm.
    pub(super) fn length_nm(&self) -> f64 {
        let [(ax, ay), (bx, by)] = self.ends;
        libm::hypot(bx - ax, by - ay)
    }

    /// Volume in nm³.
    pub(super) fn volume_nm3(&self) -> f64 {
        PI * self.radius_nm * self.radius_nm * (self.length_nm() + 4.0 / 3.0 * self.radius_nm)
    }

    /// Whole length over width.
    pub(super) fn aspect(&self) -> f64 {
        1.0 + self.length_nm() / (2.0 * self.radius_nm)
    }
}

/// All nanocrystals, and the places where one is missing.
#[derive(Clone, Debug)]
pub(super) struct Assembly {
    pub(super) crystals: Vec<Crystal>,
    /// Sites (x, y) in nm of the first layer that are empty among occupied ones.
    pub(super) vacancies: Vec<(f64, f64)>,
    /// Middle (x, y) in nm of the cluster of lightly doped crystals, where there is one.
    pub(super) lightly_doped: Option<(f64, f64)>,
}

impl Assembly {
    pub(super) fn new(config: &PlasmonicConfig) -> Self {
        let mut stream = Stream::new(config.seed, Purpose::Assembly, [0, 0]);
        let lattice = Lattice::new(config, &mut stream);
        let rows = rows(config, &lattice, &mut stream);
        // Close-packed spheres fill π/√18 of space, their cores less by the ligands; each of the
        // twelve neighbours there can be has its part in it.
        let packing = PI / 18f64.sqrt() * (config.diameter_nm / config.spacing_nm()).powi(3);
        let fill = |key| packing * (lattice.beside(key) + lattice.across(key)) as f64 / 12.0;
        let cluster = if config.joint {
            cluster(config, &lattice, &rows)
        } else {
            Vec::new()
        };
        let rods = rows.iter().map(|row| Crystal {
            ends: [lattice.at(row[0]), lattice.at(row[2])],
            radius_nm: rod_radius_nm(config),
            layer: row[0].2,
            fill: row.iter().map(|&key| fill(key)).sum::<f64>() / 3.0,
            electrons: 1.0,
        });
        let mut crystals: Vec<Crystal> = rods.collect();
        for (key, site) in lattice.sites().filter(|(_, site)| site.occupied) {
            // As far as the ligands give way: crystals never overlap.
            let mut within = |share: f64| stream.between(-share, share) * config.gap_nm;
            let radius_nm = 0.5 * config.diameter_nm + within(0.15);
            let at = (site.at.0 + within(0.2), site.at.1 + within(0.2));
            if !rows.as_flattened().contains(&key) {
                crystals.push(Crystal {
                    ends: [at, at],
                    radius_nm,
                    layer: key.2,
                    fill: fill(key),
                    electrons: if cluster.contains(&key) {
                        LIGHTLY_DOPED
                    } else {
                        1.0
                    },
                });
            }
        }
        let empty = |key: Key| key.2 == 0 && lattice.beside(key) >= 5;
        let vacancies = lattice
            .sites()
            .filter(|&(key, site)| !site.occupied && empty(key))
            .map(|(_, site)| site.at)
            .collect();
        Self {
            crystals,
            vacancies,
            lightly_doped: cluster.first().map(|&key| lattice.at(key)),
        }
    }

    /// Points (x, y) in nm where the hot spots of rods are.
    pub(super) fn ends_of_rods(&self) -> impl Iterator<Item = (f64, f64)> {
        let rods = self.crystals.iter().filter(|crystal| crystal.is_rod());
        rods.flat_map(|rod| rod.ends)
    }
}

/// Radius of a rod in nm: its straight sides lie nearer to the next row than spheres do, by √3/2,
/// and half a gap stays free.
fn rod_radius_nm(config: &PlasmonicConfig) -> f64 {
    let next_row = 0.75f64.sqrt() * config.spacing_nm();
    let room = next_row - 0.5 * config.diameter_nm - 0.5 * config.gap_nm;
    room.min(0.5 * config.diameter_nm)
}

/// The rows of three sites that become rods: in the middle of the frame, where windows fit around
/// them, with nothing on top, and apart from one another.
fn rows(config: &PlasmonicConfig, lattice: &Lattice, stream: &mut Stream) -> Vec<[Key; 3]> {
    /// Draws before an assembly without room is left with fewer.
    const ATTEMPTS: usize = 100;
    let (width, height) = config.frame().size_nm;
    let is_in_the_middle = |(x, y): (f64, f64)| {
        (0.25..0.75).contains(&(x / width)) && (0.25..0.75).contains(&(y / height))
    };
    let is_free = |&key: &Key| lattice.is_occupied(key) && (key.2 == 1 || lattice.across(key) == 0);
    let candidates: Vec<[Key; 3]> = lattice
        .sites()
        .filter(|(_, site)| is_in_the_middle(site.at))
        .flat_map(|(key, _)| STEPS.map(|step| (key, step)))
        .map(|((i, j, layer), (a, b))| [-1, 0, 1].map(|n| (i + n * a, j + n * b, layer)))
        .filter(|row| row.iter().all(is_free))
        .collect();
    let mut rows: Vec<[Key; 3]> = Vec::new();
    for _ in 0..ATTEMPTS {
        if candidates.is_empty() || rows.len() == RODS {
            break;
        }
        let row = candidates[(stream.uniform() * candidates.len() as f64) as usize];
        let (x, y) = lattice.at(row[1]);
        let is_apart = |other: &[Key; 3]| {
            let (a, b) = lattice.at(other[1]);
            libm::hypot(x - a, y - b) > 4.0 * config.spacing_nm()
        };
        if rows.iter().all(is_apart) {
            rows.push(row);
        }
    }
    rows
}

/// A crystal of the first layer with nothing on top, and its neighbours, the middle one first: in the middle of
/// the frame, apart from the rods, and where as many as possible of the seven are there with nothing on top.
/// None where the assembly has no room.
///
/// It is drawn from random numbers of its own, so that the assembly is otherwise what it is without it.
fn cluster(config: &PlasmonicConfig, lattice: &Lattice, rods: &[[Key; 3]]) -> Vec<Key> {
    let (width, height) = config.frame().size_nm;
    let is_in_the_middle = |(x, y): (f64, f64)| {
        (0.2..0.8).contains(&(x / width)) && (0.2..0.8).contains(&(y / height))
    };
    let around = |(i, j, layer): Key| -> Vec<Key> {
        let both = STEPS.iter().flat_map(|&(a, b)| [(a, b), (-a, -b)]);
        let others = both.map(|(a, b)| (i + a, j + b, layer));
        std::iter::once((i, j, layer)).chain(others).collect()
    };
    let is_apart = |key: Key| {
        let (x, y) = lattice.at(key);
        rods.iter().flatten().all(|&rod| {
            let (a, b) = lattice.at(rod);
            libm::hypot(x - a, y - b) > 2.5 * config.spacing_nm()
        })
    };
    let is_single = |key: Key| lattice.is_occupied(key) && lattice.across(key) == 0;
    let in_a_single_layer = |cluster: &[Key]| cluster.iter().filter(|&&key| is_single(key)).count();
    let candidates: Vec<Vec<Key>> = lattice
        .sites()
        .filter(|&(key, site)| {
            key.2 == 0 && is_single(key) && is_in_the_middle(site.at) && is_apart(key)
        })
        .map(|(key, _)| around(key))
        .collect();
    let most = candidates
        .iter()
        .map(|cluster| in_a_single_layer(cluster))
        .max();
    let best = candidates
        .into_iter()
        .filter(|cluster| Some(in_a_single_layer(cluster)) == most);
    let best: Vec<Vec<Key>> = best.collect();
    let mut stream = Stream::new(config.seed, Purpose::Assembly, [1, 0]);
    let chosen = (stream.uniform() * best.len() as f64) as usize;
    best.into_iter().nth(chosen).unwrap_or_default()
}
