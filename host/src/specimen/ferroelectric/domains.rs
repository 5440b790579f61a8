//! c+ and c− domains: a Landau–Ginzburg field relaxed from random waves.

use core::f64::consts::TAU;

use super::config::FerroelectricConfig;
use super::random::{Purpose, Stream};

/// Spacing of the field's own grid in nm, finer than its walls.
const STEP_NM: f64 = 10.0;

/// Width ξ of the walls in nm: they relax to tanh(x / √2 ξ).
const WALL_NM: f64 = 12.0;

/// Out-of-plane polarisation, −1 to 1, on a grid over the frame.
#[derive(Clone, Debug)]
pub(super) struct Domains {
    width: usize,
    height: usize,
    polarisation: Vec<f64>,
    walls: Vec<(f64, f64)>,
}

impl Domains {
    pub(super) fn new(config: &FerroelectricConfig) -> Self {
        let nodes = |nm: f64| (nm / STEP_NM).ceil() as usize + 1;
        let (width_nm, height_nm) = config.frame().size_nm;
        let (width, height) = (nodes(width_nm), nodes(height_nm));
        let mut polarisation = waves(config, width, height);
        // To t = 12: amplitudes are equilibrated, and wiggles shorter than about √(2t) ξ = 60 nm
        // are gone.
        for _ in 0..120 {
            polarisation = relaxed(&polarisation, width, 0.1);
        }
        let walls = zeros(&polarisation, width);
        Self {
            width,
            height,
            polarisation,
            walls,
        }
    }

    /// Polarisation at (x, y) in nm, linear between the nodes.
    pub(super) fn at(&self, x: f64, y: f64) -> f64 {
        let cell = |nm: f64, nodes: usize| {
            let t = (nm / STEP_NM).clamp(0.0, (nodes - 1) as f64);
            let node = (t as usize).min(nodes - 2);
            (node, t - node as f64)
        };
        let ((column, u), (row, v)) = (cell(x, self.width), cell(y, self.height));
        let node = |row: usize, column: usize| self.polarisation[row * self.width + column];
        let line = |row| (1.0 - u) * node(row, column) + u * node(row, column + 1);
        (1.0 - v) * line(row) + v * line(row + 1)
    }

    /// Points (x, y) in nm where a wall crosses the grid.
    pub(super) fn walls(&self) -> &[(f64, f64)] {
        &self.walls
    }

    /// How squarely a line in the direction of a unit vector meets the wall at (x, y) in nm: the
    /// cosine of its angle with the wall's normal, 0 to 1.
    pub(super) fn steepness(&self, (x, y): (f64, f64), (u, v): (f64, f64)) -> f64 {
        let slope_x = self.at(x + STEP_NM, y) - self.at(x - STEP_NM, y);
        let slope_y = self.at(x, y + STEP_NM) - self.at(x, y - STEP_NM);
        let steepest = libm::hypot(slope_x, slope_y);
        (slope_x * u + slope_y * v).abs() / steepest.max(f64::MIN_POSITIVE)
    }

    /// Distance in nm from (x, y) to the nearest wall; infinite where there is none.
    pub(super) fn distance(&self, x: f64, y: f64) -> f64 {
        let squares = self
            .walls
            .iter()
            .map(|w| (w.0 - x).powi(2) + (w.1 - y).powi(2));
        squares.fold(f64::INFINITY, f64::min).sqrt()
    }
}

/// The start: a weak sum of plane waves, twice as long as a domain is wide.
fn waves(config: &FerroelectricConfig, width: usize, height: usize) -> Vec<f64> {
    const NUMBER: usize = 24;
    let mut stream = Stream::new(config.seed, Purpose::Domains, [0, 0]);
    let waves: Vec<_> = (0..NUMBER)
        .map(|_| {
            let k = TAU / (2.0 * config.domain_nm * stream.between(0.8, 1.8));
            let (sin, cos) = libm::sincos(stream.between(0.0, TAU));
            (k * cos, k * sin, stream.between(0.0, TAU))
        })
        .collect();
    let amplitude = 0.3 * (2.0 / NUMBER as f64).sqrt();
    let mut field = Vec::with_capacity(width * height);
    for row in 0..height {
        for column in 0..width {
            let (x, y) = (column as f64 * STEP_NM, row as f64 * STEP_NM);
            let wave = |(kx, ky, phase): &(f64, f64, f64)| libm::cos(kx * x + ky * y + phase);
            field.push(amplitude * waves.iter().map(wave).sum::<f64>());
        }
    }
    field
}

/// One explicit step of ∂p/∂t = p − p³ + ξ²∇²p, the relaxation of the Landau–Ginzburg energy
/// ∫ −p²/2 + p⁴/4 + ξ²|∇p|²/2 (Chen, Annu. Rev. Mater. Res. 32, 113, 2002), with no flux
/// through the borders.
fn relaxed(field: &[f64], width: usize, dt: f64) -> Vec<f64> {
    let height = field.len() / width;
    let stiffness = (WALL_NM / STEP_NM).powi(2);
    let mut next = Vec::with_capacity(field.len());
    for row in 0..height {
        let (above, below) = (row.saturating_sub(1), (row + 1).min(height - 1));
        for column in 0..width {
            let (left, right) = (column.saturating_sub(1), (column + 1).min(width - 1));
            let p = field[row * width + column];
            let around = field[above * width + column]
                + field[below * width + column]
                + field[row * width + left]
                + field[row * width + right];
            next.push(p + dt * (p - p * p * p + stiffness * (around - 4.0 * p)));
        }
    }
    next
}

/// Where the field changes sign between neighbours on the grid, in nm.
fn zeros(field: &[f64], width: usize) -> Vec<(f64, f64)> {
    let height = field.len() / width;
    let mut points = Vec::new();
    for row in 0..height {
        for column in 0..width {
            let here = field[row * width + column];
            let mut between = |there: f64, dx: f64, dy: f64| {
                if (here < 0.0) != (there < 0.0) {
                    let t = here / (here - there);
                    let (x, y) = (column as f64 + t * dx, row as f64 + t * dy);
                    points.push((x * STEP_NM, y * STEP_NM));
                }
            };
            if column + 1 < width {
                between(field[row * width + column + 1], 1.0, 0.0);
            }
            if row + 1 < height {
                between(field[(row + 1) * width + column], 0.0, 1.0);
            }
        }
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two domains side by side, parted by a straight wall at x = 200 nm.
    fn halves() -> Domains {
        let (width, height) = (41, 21);
        let side = |i: usize| (i % width) as f64 - 20.0;
        let start = (0..width * height).map(|i| (0.5 * side(i)).clamp(-1.0, 1.0));
        let mut polarisation: Vec<f64> = start.collect();
        for _ in 0..400 {
            polarisation = relaxed(&polarisation, width, 0.1);
        }
        Domains {
            walls: zeros(&polarisation, width),
            width,
            height,
            polarisation,
        }
    }

    /// Oracle: the wall of the energy is tanh(x / √2 ξ) (Landau and Ginzburg 1950), to what a grid
    /// of about its width resolves.
    #[test]
    fn a_straight_wall_relaxes_to_the_hyperbolic_tangent() {
        let domains = halves();
        for nm in [0.0, 5.0, 10.0, 20.0, 40.0, 100.0] {
            let expected = libm::tanh(nm / (2f64.sqrt() * WALL_NM));
            let (right, left) = (domains.at(200.0 + nm, 100.0), domains.at(200.0 - nm, 100.0));
            assert!(
                (right - expected).abs() < 0.04,
                "{nm} nm: {right} {expected}"
            );
            assert!((right + left).abs() < 1e-9, "{nm} nm: {right} {left}");
        }
    }

    #[test]
    fn distances_are_to_the_wall_and_lines_meet_it_at_their_angle() {
        let domains = halves();
        assert!((domains.distance(260.0, 100.0) - 60.0).abs() < 1e-6);
        assert!((domains.distance(50.0, 40.0) - 150.0).abs() < 1e-6);
        for angle in [0.0, 0.5, 1.5] {
            let (sin, cos) = libm::sincos(angle);
            let steepness = domains.steepness((200.0, 100.0), (cos, sin));
            assert!((steepness - cos).abs() < 1e-6);
        }
    }
}
