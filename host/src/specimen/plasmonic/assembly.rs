//! Where the nanocrystals lie: a hexagonal layer with a gradual edge, and a second one on it.

use core::f64::consts::{PI, TAU};

use super::config::PlasmonicConfig;
use super::random::{Purpose, Stream};

/// A nanocrystal, or a rod of several that have grown together.
#[derive(Clone, Debug)]
pub(super) struct Crystal {
    /// Ends (x, y) of its axis in nm; equal for a sphere.
    pub(super) ends: [(f64, f64); 2],
    pub(super) radius_nm: f64,
    /// 0 on the support, 1 on the first layer.
    pub(super) layer: usize,
    /// Share of the space around it that others fill.
    pub(super) fill: f64,
}

impl Crystal {
    pub(super) fn is_rod(&self) -> bool {
        self.ends[0] != self.ends[1]
    }

    /// Distance in nm of (x, y) from the axis, in projection.
    pub(super) fn distance(&self, x: f64, y: f64) -> f64 {
        let [(ax, ay), (bx, by)] = self.ends;
        let (ux, uy) = (bx - ax, by - ay);
        let squared = ux * ux + uy * uy;
        let t = if squared > 0.0 {
            (((x - ax) * ux + (y - ay) * uy) / squared).clamp(0.0, 1.0)
        } else {
            0.0
        };
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

    /// Volume in nm³ and ratio of length to width.
    pub(super) fn body(&self) -> (f64, f64) {
        let (length, r) = (self.length_nm(), self.radius_nm);
        (
            PI * r * r * (length + 4.0 / 3.0 * r),
            1.0 + length / (2.0 * r),
        )
    }
}

/// All nanocrystals, and the places where one is missing.
#[derive(Clone, Debug)]
pub(super) struct Assembly {
    pub(super) crystals: Vec<Crystal>,
    /// Sites (x, y) in nm of the first layer that are empty among occupied ones.
    pub(super) vacancies: Vec<(f64, f64)>,
}

/// A site of the lattice: its indices, layer and whether a crystal lies there.
#[derive(Clone, Debug)]
struct Site {
    key: (i32, i32, usize),
    at: (f64, f64),
    occupied: bool,
}

/// Rods of the assembly.
const RODS: usize = 2;

impl Assembly {
    pub(super) fn new(config: &PlasmonicConfig) -> Self {
        let mut stream = Stream::new(config.seed, Purpose::Assembly, [0, 0]);
        let spacing = config.spacing_nm();
        let frame = (config.field_of_view_nm, config.field_height_nm());
        let edge = Edge::new(frame, spacing, &mut stream);
        let (sin, cos) = libm::sincos(stream.between(0.0, TAU));
        let place = |i: f64, j: f64| {
            let (u, v) = (spacing * (i + 0.5 * j), spacing * j * 0.75f64.sqrt());
            (
                0.5 * frame.0 + u * cos - v * sin,
                0.5 * frame.1 + u * sin + v * cos,
            )
        };
        // Sites beyond the frame matter to what is seen in it.
        let margin = 8.0 * spacing;
        let reach = ((libm::hypot(frame.0, frame.1) + 2.0 * margin) / spacing) as i32;
        let beyond = |(x, y): (f64, f64)| {
            x < -margin || y < -margin || x > frame.0 + margin || y > frame.1 + margin
        };
        let mut sites: std::collections::BTreeMap<(i32, i32, usize), Site> =
            std::collections::BTreeMap::new();
        for layer in 0..2 {
            for i in -reach..=reach {
                for j in -reach..=reach {
                    let hollow = layer as f64 / 3.0;
                    let at = place(f64::from(i) + hollow, f64::from(j) + hollow);
                    if beyond(at) {
                        continue;
                    }
                    let chance = stream.uniform();
                    let rests = layer == 0
                        || [(0, 0), (1, 0), (0, 1)].iter().all(|(a, b)| {
                            sites.get(&(i + a, j + b, 0)).is_some_and(|s| s.occupied)
                        });
                    let occupied = rests && chance < edge.occupation(at, layer);
                    sites.insert(
                        (i, j, layer),
                        Site {
                            key: (i, j, layer),
                            at,
                            occupied,
                        },
                    );
                }
            }
        }
        let vacancies = vacancies(&sites);
        let crystals = crystals(config, &sites, frame, &mut stream);
        Self {
            crystals,
            vacancies,
        }
    }

    /// Points (x, y) in nm where the hot spots of rods are.
    pub(super) fn ends_of_rods(&self) -> impl Iterator<Item = (f64, f64)> {
        let rods = self.crystals.iter().filter(|crystal| crystal.is_rod());
        rods.flat_map(|rod| rod.ends)
    }
}

/// The edges of both layers: wavy lines across the frame, over which the occupation falls off.
struct Edge {
    origin: (f64, f64),
    /// Unit vector into the assembly.
    inward: (f64, f64),
    /// Amplitude in nm, wave number in 1/nm and phase of both layers' waves.
    waves: [[(f64, f64, f64); 3]; 2],
    frame_nm: f64,
    spacing_nm: f64,
}

impl Edge {
    fn new(frame: (f64, f64), spacing_nm: f64, stream: &mut Stream) -> Self {
        let (sin, cos) = libm::sincos(stream.between(0.0, TAU));
        let frame_nm = frame.0.min(frame.1);
        let mut wave = |_| {
            let k = TAU / (frame_nm * stream.between(0.4, 1.2));
            (
                stream.between(0.02, 0.06) * frame_nm,
                k,
                stream.between(0.0, TAU),
            )
        };
        let waves = [[0, 1, 2].map(&mut wave), [0, 1, 2].map(&mut wave)];
        Self {
            origin: (0.5 * frame.0, 0.5 * frame.1),
            inward: (cos, sin),
            waves,
            frame_nm,
            spacing_nm,
        }
    }

    /// Chance that a site holds a crystal.
    fn occupation(&self, (x, y): (f64, f64), layer: usize) -> f64 {
        /// Where the edges of the layers run, in widths of the frame from its middle.
        const AT: [f64; 2] = [-0.24, 0.1];
        /// Chance of a site deep inside to be empty.
        const EMPTY: [f64; 2] = [0.03, 0.05];
        let (dx, dy) = (x - self.origin.0, y - self.origin.1);
        let (u, v) = self.inward;
        let along = dy * u - dx * v;
        let wave =
            |&(amplitude, k, phase): &(f64, f64, f64)| amplitude * libm::cos(k * along + phase);
        let shift: f64 = self.waves[layer].iter().map(wave).sum();
        let inside = dx * u + dy * v - AT[layer] * self.frame_nm - shift;
        (1.0 - EMPTY[layer]) / (1.0 + libm::exp(-inside / (0.8 * self.spacing_nm)))
    }
}

type Sites = std::collections::BTreeMap<(i32, i32, usize), Site>;

const AROUND: [(i32, i32); 6] = [(1, 0), (0, 1), (-1, 1), (-1, 0), (0, -1), (1, -1)];

fn is_occupied(sites: &Sites, key: (i32, i32, usize)) -> bool {
    sites.get(&key).is_some_and(|site| site.occupied)
}

/// Neighbours that touch, of the twelve of a close packing.
fn neighbours(sites: &Sites, (i, j, layer): (i32, i32, usize)) -> usize {
    let beside = AROUND
        .iter()
        .filter(|(a, b)| is_occupied(sites, (i + a, j + b, layer)));
    let across = [(0, 0), (1, 0), (0, 1)];
    let sign = if layer == 0 { -1 } else { 1 };
    let across = across
        .iter()
        .filter(|(a, b)| is_occupied(sites, (i + sign * a, j + sign * b, 1 - layer)));
    beside.count() + across.count()
}

fn vacancies(sites: &Sites) -> Vec<(f64, f64)> {
    sites
        .values()
        .filter(|site| site.key.2 == 0 && !site.occupied && neighbours(sites, site.key) >= 5)
        .map(|site| site.at)
        .collect()
}

fn crystals(
    config: &PlasmonicConfig,
    sites: &Sites,
    frame: (f64, f64),
    stream: &mut Stream,
) -> Vec<Crystal> {
    let spacing = config.spacing_nm();
    // Close-packed spheres fill π/√18 of space, their cores less by the ligands.
    let packing = PI / 18f64.sqrt() * (config.diameter_nm / spacing).powi(3);
    let middle = |(x, y): (f64, f64)| {
        (0.25..0.75).contains(&(x / frame.0)) && (0.25..0.75).contains(&(y / frame.1))
    };
    // Three in a row whose middle lies where windows fit around it, with nothing on top.
    let rows: Vec<_> = sites
        .values()
        .filter(|site| site.occupied && middle(site.at))
        .flat_map(|site| AROUND[..3].iter().map(move |step| (site, step)))
        .map(|(site, (a, b))| {
            let (i, j, layer) = site.key;
            [(i - a, j - b, layer), (i, j, layer), (i + a, j + b, layer)]
        })
        .filter(|row| {
            row.iter().all(|&(i, j, layer)| {
                is_occupied(sites, (i, j, layer))
                    && (layer == 1
                        || [(0, 0), (1, 0), (0, 1)]
                            .iter()
                            .all(|(a, b)| !is_occupied(sites, (i - a, j - b, 1))))
            })
        })
        .collect();
    let mut rods: Vec<[(i32, i32, usize); 3]> = Vec::new();
    for _ in 0..100 {
        if rows.is_empty() || rods.len() == RODS {
            break;
        }
        let row = rows[(stream.uniform() * rows.len() as f64) as usize];
        let (x, y) = sites[&row[1]].at;
        let apart = rods.iter().all(|rod| {
            let (a, b) = sites[&rod[1]].at;
            libm::hypot(x - a, y - b) > 4.0 * spacing
        });
        if apart {
            rods.push(row);
        }
    }
    let fill = |key| packing * neighbours(sites, key) as f64 / 12.0;
    let mut crystals: Vec<Crystal> = rods
        .iter()
        .map(|row| Crystal {
            ends: [sites[&row[0]].at, sites[&row[2]].at],
            radius_nm: 0.5 * config.diameter_nm,
            layer: row[0].2,
            fill: row.iter().map(|&key| fill(key)).sum::<f64>() / 3.0,
        })
        .collect();
    for site in sites.values().filter(|site| site.occupied) {
        // Spread of sizes as of a good synthesis, and of places as far as the ligands give way.
        let radius_nm = 0.5 * config.diameter_nm * (1.0 + 0.04 * stream.normal().clamp(-2.0, 2.0));
        let mut shift = || stream.between(-0.3, 0.3) * config.gap_nm;
        let at = (site.at.0 + shift(), site.at.1 + shift());
        if !rods.iter().flatten().any(|&key| key == site.key) {
            crystals.push(Crystal {
                ends: [at, at],
                radius_nm,
                layer: site.key.2,
                fill: fill(site.key),
            });
        }
    }
    crystals
}
