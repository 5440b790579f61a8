//! How the film switches under each pixel.

use core::f64::consts::TAU;

use super::config::FerroelectricConfig;
use super::domains::Domains;
use super::frame::behaviours;
use super::hysteresis::Loop;
use super::needles::Needles;
use super::random::{Purpose, Stream};
use crate::data::{Behaviour, blur};

/// Reach of a junction in nm: its influence falls as exp(−r²/2ρ²) with this ρ.
const JUNCTION_NM: f64 = 30.0;

/// Reach of a 180° wall in nm: its influence falls as exp(−d/λ) with this λ.
const WALL_NM: f64 = 70.0;

/// Full width at half maximum in nm of the surroundings whose stray field imprints a loop.
const SURROUNDINGS_NM: f64 = 240.0;

/// The film as maps over the frame, row by row.
#[derive(Clone, Debug)]
pub(super) struct Film {
    /// Vertical piezoresponse without bias, as the tip averages it, in pm.
    pub(super) piezoresponse_pm: Vec<f64>,
    /// Share of a domains as the tip averages it, 0 to 1.
    pub(super) in_plane: Vec<f64>,
    /// Distance to the nearest 180° wall in nm; infinite in a film of one domain.
    pub(super) wall_nm: Vec<f64>,
    /// Influence of needles crossing 180° walls, 0 to 1.
    pub(super) at_walls: Vec<f64>,
    /// Influence of needles crossing one another, 0 to 1.
    pub(super) crossings: Vec<f64>,
    /// How the film switches.
    pub(super) loops: Vec<Loop>,
}

impl Film {
    pub(super) fn new(config: &FerroelectricConfig) -> Self {
        let domains = Domains::new(config);
        let needles = Needles::new(config, &domains);
        let frame = config.frame();
        let seen = |map: &[f64]| blur(map, config.width, config.tip_fwhm_nm / frame.pixel_nm);
        let near = |points: &[(f64, f64)]| {
            frame.each(|x, y| {
                let squares = points.iter().map(|p| (p.0 - x).powi(2) + (p.1 - y).powi(2));
                let nearest = squares.fold(f64::INFINITY, f64::min);
                libm::exp(-0.5 * nearest / (JUNCTION_NM * JUNCTION_NM))
            })
        };
        let (at_walls, crossings) = (near(&needles.at_walls), near(&needles.crossings));
        let up = frame.each(|x, y| domains.at(x, y));
        let share = frame.each(|x, y| needles.share(x, y));
        let wall_nm = frame.each(|x, y| domains.distance(x, y));
        let surroundings = blur(&up, config.width, SURROUNDINGS_NM / frame.pixel_nm);
        let grade = grade(config);
        let in_plane = seen(&share);
        let vertical: Vec<f64> = up.iter().zip(&share).map(|(p, a)| p * (1.0 - a)).collect();
        let graded = |(p, grade): (f64, &f64)| config.saturation_pm * grade * p;
        let loops = (0..up.len()).map(|i| {
            let surface = Surface {
                grade: grade[i],
                wall: libm::exp(-wall_nm[i] / WALL_NM),
                in_plane: in_plane[i],
                up: up[i],
                surroundings: surroundings[i],
                enlarged: at_walls[i] * (1.0 - crossings[i]),
                pinched: crossings[i],
            };
            surface.switches(config)
        });
        Self {
            loops: loops.collect(),
            piezoresponse_pm: seen(&vertical)
                .into_iter()
                .zip(&grade)
                .map(graded)
                .collect(),
            in_plane,
            wall_nm,
            at_walls,
            crossings,
        }
    }

    /// Every pixel shows one behaviour: the rarest that reaches it.
    pub(super) fn behaviours(&self) -> Vec<Behaviour> {
        const NAMES: [(&str, bool); 6] = [
            ("needle through a 180° wall", true),
            ("crossing of needles", true),
            ("a domain", false),
            ("180° wall", false),
            ("c+ domain", false),
            ("c- domain", false),
        ];
        let shown: Vec<_> = (0..self.loops.len())
            .map(|i| Some(self.behaviour(i)))
            .collect();
        behaviours(NAMES, &shown)
    }

    fn behaviour(&self, i: usize) -> usize {
        if self.crossings[i] > 0.5 {
            1
        } else if self.at_walls[i] > 0.5 {
            0
        } else if self.in_plane[i] > 0.5 {
            2
        } else if self.wall_nm[i] < 0.4 * WALL_NM {
            3
        } else if self.piezoresponse_pm[i] > 0.0 {
            4
        } else {
            5
        }
    }
}

/// What lies under the tip at one pixel, as numbers without units.
struct Surface {
    /// Piezoresponse of the composition, relative to the mean.
    grade: f64,
    /// Influence of the nearest 180° wall, 0 to 1.
    wall: f64,
    /// Share of a domains, 0 to 1.
    in_plane: f64,
    /// Polarisation, −1 to 1.
    up: f64,
    /// Mean polarisation around, −1 to 1.
    surroundings: f64,
    /// Influence of a needle crossing a 180° wall, 0 to 1.
    enlarged: f64,
    /// Influence of needles crossing one another, 0 to 1.
    pinched: f64,
}

impl Surface {
    /// Walls nucleate switching, so that it is easier beside them and the response less, since
    /// part of the film under the tip is always of the other sign; a domains do not switch out
    /// of the plane; and a domain is stable that is surrounded by its own kind, less so at a
    /// straight wall, least inside a bend. Where a needle crosses a 180° wall the polarisation
    /// rotates freely, which enlarges the response; where needles cross, their strains hold half
    /// of the film up and half down.
    fn switches(&self, config: &FerroelectricConfig) -> Loop {
        let softened = (1.0 - 0.35 * self.wall) * (1.0 - 0.6 * self.in_plane);
        let stable = (self.up * self.surroundings).clamp(-0.5, 1.0);
        let squareness = 0.7 + 0.25 * stable;
        Loop {
            saturation_pm: config.saturation_pm * self.grade * mix(softened, 1.7, self.enlarged),
            coercive_v: config.coercive_v * (1.0 - 0.3 * self.wall),
            squareness: mix(squareness, 0.95, self.enlarged),
            imprint_v: config.coercive_v * (0.15 + 0.3 * self.surroundings),
            split_v: 2.0 * config.coercive_v * self.pinched,
        }
    }
}

/// From `a` to `b` as `share` goes from 0 to 1.
fn mix(a: f64, b: f64, share: f64) -> f64 {
    a + (b - a) * share
}

/// Piezoresponse relative to its mean, to within about 10 %: the composition of the film varies
/// slowly.
fn grade(config: &FerroelectricConfig) -> Vec<f64> {
    const WAVES: usize = 6;
    let mut stream = Stream::new(config.seed, Purpose::Grade, [0, 0]);
    let waves: Vec<_> = (0..WAVES)
        .map(|_| {
            let k = TAU / stream.between(500.0, 1500.0);
            let (sin, cos) = libm::sincos(stream.between(0.0, TAU));
            (k * cos, k * sin, stream.between(0.0, TAU))
        })
        .collect();
    // A wave of amplitude a has the variance a²/2.
    let amplitude = 0.1 * (2.0 / WAVES as f64).sqrt();
    config.frame().each(|x, y| {
        let wave = |(kx, ky, phase): &(f64, f64, f64)| libm::cos(kx * x + ky * y + phase);
        1.0 + amplitude * waves.iter().map(wave).sum::<f64>()
    })
}
