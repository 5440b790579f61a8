//! a domains: straight ferroelastic needles of two families, and what they cross.

use core::f64::consts::TAU;

use super::config::FerroelectricConfig;
use super::domains::Domains;
use super::random::{Purpose, Stream};

/// A needle-shaped a domain.
#[derive(Clone, Copy, Debug)]
pub(super) struct Needle {
    /// Centre (x, y) in nm.
    centre: (f64, f64),
    /// Unit vector along it.
    direction: (f64, f64),
    half_length_nm: f64,
    half_width_nm: f64,
}

impl Needle {
    /// Share of the length that counts as body; what crosses the tips makes no junction.
    const BODY: f64 = 0.85;

    /// A random needle through a point in nm, somewhere along its body.
    fn through(
        at: (f64, f64),
        direction: (f64, f64),
        frame: (f64, f64),
        stream: &mut Stream,
    ) -> Self {
        let half_length_nm = stream.between(0.16, 0.3) * frame.0.min(frame.1);
        let off = stream.between(-0.5, 0.5) * half_length_nm;
        Self {
            centre: (at.0 + off * direction.0, at.1 + off * direction.1),
            direction,
            half_length_nm,
            half_width_nm: stream.between(16.0, 26.0),
        }
    }

    /// Coordinates (along, across) of a point in nm.
    fn local(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let (dx, dy) = (x - self.centre.0, y - self.centre.1);
        let (u, v) = self.direction;
        (dx * u + dy * v, dy * u - dx * v)
    }

    /// The point `along` nm from the centre.
    fn point(&self, along: f64) -> (f64, f64) {
        let (u, v) = self.direction;
        (self.centre.0 + along * u, self.centre.1 + along * v)
    }

    /// Share of a domain at a point, 0 to 1: its walls follow a tanh, and its ends taper.
    fn share(&self, at: (f64, f64)) -> f64 {
        /// Half the width of a 90° wall in nm.
        const WALL_NM: f64 = 6.0;
        let (along, across) = self.local(at);
        let to_the_tip = (self.half_length_nm - along.abs()) / (0.3 * self.half_length_nm);
        let half = self.half_width_nm * to_the_tip.clamp(-1.0, 1.0);
        let inside = |edge: f64| 0.5 * (1.0 + libm::tanh(edge / WALL_NM));
        inside(half - across) * inside(half + across)
    }

    fn is_parallel_to(&self, other: &Self) -> bool {
        let (a, b) = (self.direction, other.direction);
        (a.0 * b.0 + a.1 * b.1).abs() > 0.5
    }

    /// Whether a needle of the same family lies so near that the two would merge.
    fn touches(&self, other: &Self) -> bool {
        /// Least distance of parallel needles in nm.
        const APART_NM: f64 = 90.0;
        let (along, across) = self.local(other.centre);
        self.is_parallel_to(other)
            && across.abs() < APART_NM
            && along.abs() < self.half_length_nm + other.half_length_nm
    }
}

/// All needles of a film and what they cross.
#[derive(Clone, Debug)]
pub(super) struct Needles {
    all: Vec<Needle>,
    /// Points (x, y) in nm where a needle crosses a 180° wall.
    pub(super) at_walls: Vec<(f64, f64)>,
    /// Points (x, y) in nm where needles of the two families cross.
    pub(super) crossings: Vec<(f64, f64)>,
}

impl Needles {
    /// Two needles through walls, and through each of them a third and fourth, in the middle of
    /// the frame: so every film has both kinds of junction where windows fit around them.
    pub(super) fn new(config: &FerroelectricConfig, domains: &Domains) -> Self {
        let mut stream = Stream::new(config.seed, Purpose::Needles, [0, 0]);
        let frame = config.frame().size_nm;
        let (sin, cos) = libm::sincos(stream.between(0.0, TAU));
        let families = [(cos, sin), (-sin, cos)];
        let walls = domains.walls().iter().copied();
        let walls: Vec<_> = walls.filter(|&at| is_in_the_middle(at, frame)).collect();
        let mut grown = Grown {
            needles: Vec::new(),
            anchors: Vec::new(),
            frame,
        };
        for [direction, other] in [families, [families[1], families[0]]] {
            let (first, at) = grown.clear(|| {
                let at = match walls.len() {
                    0 => (0.5 * frame.0, 0.5 * frame.1),
                    n => walls[(stream.uniform() * n as f64) as usize],
                };
                let needle = Needle::through(at, direction, frame, &mut stream);
                (needle, at, domains.steepness(at, direction) > 0.7)
            });
            grown.anchors.push(at);
            grown.needles.push(first);
            let (second, _) = grown.clear(|| {
                let at = first.point(stream.between(-0.7, 0.7) * first.half_length_nm);
                let needle = Needle::through(at, other, frame, &mut stream);
                (needle, at, is_in_the_middle(at, frame))
            });
            grown.needles.push(second);
        }
        let needles = grown.needles;
        let at_walls = needles.iter().flat_map(|n| at_walls(n, domains, frame));
        Self {
            at_walls: at_walls.collect(),
            crossings: crossings(&needles, frame),
            all: needles,
        }
    }

    /// Share of a domains at (x, y) in nm, 0 to 1.
    pub(super) fn share(&self, x: f64, y: f64) -> f64 {
        let outside = self.all.iter().map(|n| 1.0 - n.share((x, y)));
        1.0 - outside.product::<f64>()
    }
}

/// Needles while they are being placed.
struct Grown {
    needles: Vec<Needle>,
    /// Where the needles through walls cross theirs: no other needle shall hide that.
    anchors: Vec<(f64, f64)>,
    frame: (f64, f64),
}

impl Grown {
    /// The first good needle that lies clear of the others, of those drawn with the point they
    /// go through and whether they are good; in a crowded film, the last of many.
    fn clear(&self, mut draw: impl FnMut() -> (Needle, (f64, f64), bool)) -> (Needle, (f64, f64)) {
        const ATTEMPTS: usize = 500;
        let (mut needle, mut at, mut good) = draw();
        for _ in 1..ATTEMPTS {
            if good && self.is_clear(needle) {
                break;
            }
            (needle, at, good) = draw();
        }
        (needle, at)
    }

    fn is_clear(&self, needle: Needle) -> bool {
        /// Least distance of a wall's crossing from a needle's in nm.
        const APART_NM: f64 = 100.0;
        let all = [&self.needles[..], &[needle]].concat();
        let crossed = crossings(&all, self.frame);
        let hides = |anchor: &(f64, f64)| {
            let distance = |c: &(f64, f64)| libm::hypot(c.0 - anchor.0, c.1 - anchor.1);
            crossed.iter().any(|c| distance(c) < APART_NM)
        };
        !self.needles.iter().any(|other| other.touches(&needle)) && !self.anchors.iter().any(hides)
    }
}

/// Where the polarisation changes sign along a needle.
fn at_walls(needle: &Needle, domains: &Domains, frame: (f64, f64)) -> Vec<(f64, f64)> {
    const STEP_NM: f64 = 2.0;
    let steps = (Needle::BODY * needle.half_length_nm / STEP_NM) as i32;
    let at = |i: i32| needle.point(f64::from(i) * STEP_NM);
    let is_up = |(x, y)| domains.at(x, y) > 0.0;
    (-steps..steps)
        .filter(|&i| is_in(at(i), frame) && is_up(at(i)) != is_up(at(i + 1)))
        .map(at)
        .collect()
}

/// Where needles of different families cross.
fn crossings(needles: &[Needle], frame: (f64, f64)) -> Vec<(f64, f64)> {
    let mut points = Vec::new();
    for (n, a) in needles.iter().enumerate() {
        for b in needles[..n].iter().filter(|b| !a.is_parallel_to(b)) {
            // At right angles: b crosses a where b's centre lies along a.
            let (along, across) = a.local(b.centre);
            let reaches =
                |needle: &Needle, nm: f64| nm.abs() < Needle::BODY * needle.half_length_nm;
            let point = a.point(along);
            if reaches(a, along) && reaches(b, across) && is_in(point, frame) {
                points.push(point);
            }
        }
    }
    points
}

fn is_in((x, y): (f64, f64), (width, height): (f64, f64)) -> bool {
    (0.0..width).contains(&x) && (0.0..height).contains(&y)
}

fn is_in_the_middle((x, y): (f64, f64), (width, height): (f64, f64)) -> bool {
    (0.25..0.75).contains(&(x / width)) && (0.25..0.75).contains(&(y / height))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRAME: (f64, f64) = (1000.0, 1000.0);

    fn needle(centre: (f64, f64), direction: (f64, f64)) -> Needle {
        Needle {
            centre,
            direction,
            half_length_nm: 200.0,
            half_width_nm: 20.0,
        }
    }

    #[test]
    fn needles_cross_where_their_axes_do_within_both_bodies() {
        let a = needle((500.0, 500.0), (0.6, 0.8));
        let across = |along: f64, off: f64| {
            let (x, y) = a.point(along);
            needle((x - 0.8 * off, y + 0.6 * off), (-0.8, 0.6))
        };
        let b = across(100.0, -120.0);
        let crossed = crossings(&[a, b], FRAME);
        let (x, y) = a.point(100.0);
        assert_eq!(crossed.len(), 1);
        assert!((crossed[0].0 - x).abs() < 1e-9 && (crossed[0].1 - y).abs() < 1e-9);
        assert!(crossings(&[a, across(190.0, 0.0)], FRAME).is_empty());
        assert!(crossings(&[a, across(0.0, 190.0)], FRAME).is_empty());
        assert!(crossings(&[a, needle((520.0, 500.0), (0.6, 0.8))], FRAME).is_empty());
    }

    #[test]
    fn a_needle_is_filled_along_its_body_and_tapers() {
        let a = needle((500.0, 500.0), (1.0, 0.0));
        assert!(a.share((500.0, 500.0)) > 0.99 && a.share((600.0, 510.0)) > 0.9);
        assert!(a.share((500.0, 540.0)) < 0.01 && a.share((720.0, 500.0)) < 0.1);
        assert!(a.share((680.0, 510.0)) < a.share((620.0, 510.0)));
    }

    /// Every film has both kinds of junction, and some of each lie apart from the other.
    #[test]
    fn every_film_has_both_kinds_of_junction() {
        for seed in 0..20 {
            let config = FerroelectricConfig {
                seed,
                ..FerroelectricConfig::default()
            };
            let needles = Needles::new(&config, &Domains::new(&config));
            let apart = |a: &(f64, f64)| {
                let distance = |b: &(f64, f64)| libm::hypot(a.0 - b.0, a.1 - b.1);
                needles.crossings.iter().all(|b| distance(b) > 90.0)
            };
            assert!(needles.crossings.len() >= 2, "seed {seed}");
            assert!(needles.at_walls.iter().any(apart), "seed {seed}");
        }
    }
}
