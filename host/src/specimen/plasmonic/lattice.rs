//! The sites of two hexagonal layers, and which of them are occupied.

use core::f64::consts::TAU;
use std::collections::BTreeMap;

use super::config::PlasmonicConfig;
use super::random::Stream;

/// A site by its indices along two lattice vectors at 60° and its layer: 0 on the support, 1 in
/// the hollows of the first.
pub(super) type Key = (i32, i32, usize);

/// Steps from a site to three of its six neighbours in the layer; the others are opposite.
pub(super) const STEPS: [(i32, i32); 3] = [(1, 0), (0, 1), (-1, 1)];

/// Steps from a site of the second layer to the three it rests on, less the layer.
const BELOW: [(i32, i32); 3] = [(0, 0), (1, 0), (0, 1)];

/// A place for a crystal.
#[derive(Clone, Copy, Debug)]
pub(super) struct Site {
    /// (x, y) in nm.
    pub(super) at: (f64, f64),
    pub(super) occupied: bool,
}

/// All sites in the frame and as far around as the beam in it is felt.
#[derive(Clone, Debug)]
pub(super) struct Lattice(BTreeMap<Key, Site>);

impl Lattice {
    pub(super) fn new(config: &PlasmonicConfig, stream: &mut Stream) -> Self {
        let (spacing, frame) = (config.spacing_nm(), config.frame().size_nm);
        let edges = Edges::new(frame, spacing, stream);
        let (sin, cos) = libm::sincos(stream.between(0.0, TAU));
        let place = |i: f64, j: f64| {
            let (u, v) = (spacing * (i + 0.5 * j), spacing * j * 0.75f64.sqrt());
            let (x, y) = (u * cos - v * sin, u * sin + v * cos);
            (0.5 * frame.0 + x, 0.5 * frame.1 + y)
        };
        let margin = 8.0 * spacing;
        let is_near = |(x, y): (f64, f64)| {
            let within = |at: f64, size: f64| (-margin..size + margin).contains(&at);
            within(x, frame.0) && within(y, frame.1)
        };
        let reach = ((libm::hypot(frame.0, frame.1) + 2.0 * margin) / spacing) as i32;
        let mut lattice = Self(BTreeMap::new());
        for layer in 0..2 {
            // A hollow lies at a third of both lattice vectors.
            let hollow = layer as f64 / 3.0;
            for (i, j) in (-reach..=reach).flat_map(|i| (-reach..=reach).map(move |j| (i, j))) {
                let at = place(f64::from(i) + hollow, f64::from(j) + hollow);
                if is_near(at) {
                    let chance = stream.uniform();
                    let occupied = chance < edges.occupation(at, layer)
                        && (layer == 0 || lattice.across((i, j, layer)) == 3);
                    lattice.0.insert((i, j, layer), Site { at, occupied });
                }
            }
        }
        lattice
    }

    pub(super) fn sites(&self) -> impl Iterator<Item = (Key, Site)> {
        self.0.iter().map(|(&key, &site)| (key, site))
    }

    pub(super) fn at(&self, key: Key) -> (f64, f64) {
        self.0[&key].at
    }

    pub(super) fn is_occupied(&self, key: Key) -> bool {
        self.0.get(&key).is_some_and(|site| site.occupied)
    }

    /// Occupied neighbours of a site in its own layer, of six.
    pub(super) fn beside(&self, (i, j, layer): Key) -> usize {
        let both = STEPS.iter().flat_map(|&(a, b)| [(a, b), (-a, -b)]);
        both.filter(|(a, b)| self.is_occupied((i + a, j + b, layer)))
            .count()
    }

    /// Occupied neighbours of a site in the other layer, of three.
    pub(super) fn across(&self, (i, j, layer): Key) -> usize {
        let sign = if layer == 0 { -1 } else { 1 };
        let other =
            |&&(a, b): &&(i32, i32)| self.is_occupied((i + sign * a, j + sign * b, 1 - layer));
        BELOW.iter().filter(other).count()
    }
}

/// A wave along an edge: amplitude in nm, wave number in rad/nm and phase.
type Wave = (f64, f64, f64);

/// The edges of both layers: wavy lines across the frame, over which the occupation falls off.
struct Edges {
    middle: (f64, f64),
    /// Unit vector into the assembly.
    inward: (f64, f64),
    waves: [[Wave; 3]; 2],
    frame_nm: f64,
    spacing_nm: f64,
}

impl Edges {
    fn new(frame: (f64, f64), spacing_nm: f64, stream: &mut Stream) -> Self {
        let (sin, cos) = libm::sincos(stream.between(0.0, TAU));
        let frame_nm = frame.0.min(frame.1);
        let mut wave = || {
            let amplitude = stream.between(0.02, 0.06) * frame_nm;
            let number = TAU / (frame_nm * stream.between(0.4, 1.2));
            (amplitude, number, stream.between(0.0, TAU))
        };
        Self {
            middle: (0.5 * frame.0, 0.5 * frame.1),
            inward: (cos, sin),
            waves: [(); 2].map(|()| [(); 3].map(|()| wave())),
            frame_nm,
            spacing_nm,
        }
    }

    /// Chance that a site of a layer holds a crystal.
    fn occupation(&self, (x, y): (f64, f64), layer: usize) -> f64 {
        /// Where the edges run, in widths of the frame from its middle.
        const AT: [f64; 2] = [-0.24, 0.1];
        /// Chance of a site deep inside to be empty.
        const EMPTY: [f64; 2] = [0.03, 0.05];
        /// Width of the edges in distances of neighbours.
        const GRADUAL: f64 = 0.8;
        let (dx, dy) = (x - self.middle.0, y - self.middle.1);
        let (u, v) = self.inward;
        let along = dy * u - dx * v;
        let wave = |(amplitude, k, phase): &Wave| amplitude * libm::cos(k * along + phase);
        let shift: f64 = self.waves[layer].iter().map(wave).sum();
        let inside = dx * u + dy * v - AT[layer] * self.frame_nm - shift;
        (1.0 - EMPTY[layer]) / (1.0 + libm::exp(-inside / (GRADUAL * self.spacing_nm)))
    }
}
