//! Convex bodies, and how thick they are along the beam.

use super::random::Stream;
use nalgebra::{Matrix3, Vector3};

/// A convex body about the origin, in nm; the beam runs along z.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// All r with rᵀ Q r ≤ 1.
    Ellipsoid { quadratic: Matrix3<f64>, reach: f64 },
    /// A cylinder with round ends, lying flat along `direction`.
    Rod {
        direction: (f64, f64),
        half_length: f64,
        radius: f64,
    },
    /// All r with n·r ≤ d for each face (n, d).
    Polyhedron {
        faces: Vec<(Vector3<f64>, f64)>,
        reach: f64,
    },
}

impl Shape {
    /// An ellipsoid with the given semi-axes in nm.
    pub(super) fn ellipsoid(semi_axes: [f64; 3], rotation: &Matrix3<f64>) -> Self {
        let inverse = Matrix3::from_diagonal(&Vector3::from(semi_axes.map(|a| 1.0 / (a * a))));
        Self::Ellipsoid {
            quadratic: rotation * inverse * rotation.transpose(),
            reach: semi_axes.into_iter().fold(0.0, f64::max),
        }
    }

    /// A cube of half edge `half`, its corners cut by an octahedron whose faces lie at
    /// `truncation * half` from the centre: √3 leaves the cube whole, 2/√3 makes a
    /// cuboctahedron.
    pub(super) fn truncated_cube(half: f64, truncation: f64, rotation: &Matrix3<f64>) -> Self {
        let mut faces = Vec::with_capacity(14);
        for axis in 0..3 {
            for sign in [-1.0, 1.0] {
                let mut normal = Vector3::zeros();
                normal[axis] = sign;
                faces.push((rotation * normal, half));
            }
        }
        for corner in 0..8u32 {
            let sign = |bit: u32| if corner >> bit & 1 == 0 { -1.0 } else { 1.0 };
            let normal = Vector3::new(sign(0), sign(1), sign(2)) / 3f64.sqrt();
            faces.push((rotation * normal, truncation * half));
        }
        Self::Polyhedron {
            faces,
            reach: half * 3f64.sqrt(),
        }
    }

    /// Length of the vertical line through (x, y) inside the body, in nm.
    pub(super) fn chord(&self, x: f64, y: f64) -> f64 {
        match self {
            Self::Ellipsoid { quadratic: q, .. } => {
                // a z² + 2 b z + c = 0 at the two surfaces.
                let a = q[(2, 2)];
                let b = q[(0, 2)] * x + q[(1, 2)] * y;
                let c = q[(0, 0)] * x * x + 2.0 * q[(0, 1)] * x * y + q[(1, 1)] * y * y - 1.0;
                2.0 * (b * b - a * c).max(0.0).sqrt() / a
            }
            Self::Rod {
                direction: (u, v),
                half_length,
                radius,
            } => {
                let along = (x * u + y * v).clamp(-half_length, *half_length);
                let (dx, dy) = (x - along * u, y - along * v);
                2.0 * (radius * radius - dx * dx - dy * dy).max(0.0).sqrt()
            }
            Self::Polyhedron { faces, .. } => {
                let (mut bottom, mut top) = (f64::NEG_INFINITY, f64::INFINITY);
                for (normal, distance) in faces {
                    let rest = distance - normal.x * x - normal.y * y;
                    if normal.z > 1e-9 {
                        top = top.min(rest / normal.z);
                    } else if normal.z < -1e-9 {
                        bottom = bottom.max(rest / normal.z);
                    } else if rest < 0.0 {
                        return 0.0;
                    }
                }
                (top - bottom).max(0.0)
            }
        }
    }

    /// Radius of a circle about the origin that holds the projection, in nm.
    pub(super) fn reach(&self) -> f64 {
        match self {
            Self::Ellipsoid { reach, .. } | Self::Polyhedron { reach, .. } => *reach,
            Self::Rod {
                half_length,
                radius,
                ..
            } => half_length + radius,
        }
    }
}

/// Rotation by `tilt` about a random axis in the plane, after a random turn about the beam:
/// how a body lies that settled on a face, but not quite.
pub(super) fn lying(stream: &mut Stream, tilt: f64) -> Matrix3<f64> {
    let turn = about_z(stream.between(0.0, core::f64::consts::TAU));
    let axis = about_z(stream.between(0.0, core::f64::consts::TAU));
    let (sin, cos) = libm::sincos(tilt);
    let about_x = Matrix3::new(1.0, 0.0, 0.0, 0.0, cos, -sin, 0.0, sin, cos);
    axis * about_x * axis.transpose() * turn
}

/// Uniformly random orientation, as far as bodies with a centre of symmetry can tell.
pub(super) fn tumbled(stream: &mut Stream) -> Matrix3<f64> {
    let tilt = libm::acos(stream.between(-1.0, 1.0));
    lying(stream, tilt)
}

fn about_z(angle: f64) -> Matrix3<f64> {
    let (sin, cos) = libm::sincos(angle);
    Matrix3::new(cos, -sin, 0.0, sin, cos, 0.0, 0.0, 0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use super::super::random::Purpose;
    use super::*;

    /// Volume as the integral of the chord over a fine grid.
    fn volume(shape: &Shape) -> f64 {
        let step = 0.02;
        let half = (shape.reach() / step).ceil() as i32;
        let mut sum = 0.0;
        for i in -half..=half {
            for j in -half..=half {
                sum += shape.chord(f64::from(i) * step, f64::from(j) * step);
            }
        }
        sum * step * step
    }

    /// Oracles: 4/3 π abc; πr²L + 4/3 πr³; the cuboctahedron of a cube of edge 2 has 5/6 of
    /// its volume.
    #[test]
    fn chords_integrate_to_the_volume_in_every_orientation() {
        let mut stream = Stream::new(8, Purpose::Scene, [0, 0]);
        for _ in 0..5 {
            let rotation = tumbled(&mut stream);
            let ellipsoid = Shape::ellipsoid([1.0, 1.5, 2.0], &rotation);
            assert!((volume(&ellipsoid) / (4.0 * core::f64::consts::PI) - 1.0).abs() < 2e-3);
            let cut = Shape::truncated_cube(1.0, 2.0 / 3f64.sqrt(), &rotation);
            assert!((volume(&cut) / (8.0 * 5.0 / 6.0) - 1.0).abs() < 2e-3);
            let whole = Shape::truncated_cube(1.0, 3f64.sqrt(), &rotation);
            assert!((volume(&whole) / 8.0 - 1.0).abs() < 2e-3);
        }
        let rod = Shape::Rod {
            direction: (0.6, 0.8),
            half_length: 2.0,
            radius: 0.5,
        };
        let expected = core::f64::consts::PI * (0.25 * 4.0 + 4.0 / 3.0 * 0.125);
        assert!((volume(&rod) / expected - 1.0).abs() < 2e-3);
    }

    #[test]
    fn nothing_lies_beyond_the_reach() {
        let mut stream = Stream::new(9, Purpose::Scene, [0, 0]);
        for _ in 0..20 {
            let rotation = tumbled(&mut stream);
            for shape in [
                Shape::ellipsoid([1.0, 1.5, 2.0], &rotation),
                Shape::truncated_cube(1.0, 1.6, &rotation),
                Shape::Rod {
                    direction: (0.6, 0.8),
                    half_length: 2.0,
                    radius: 0.5,
                },
            ] {
                for step in 0..360 {
                    let (sin, cos) = libm::sincos(f64::from(step).to_radians());
                    let r = shape.reach() * (1.0 + 1e-9);
                    assert_eq!(shape.chord(r * cos, r * sin), 0.0);
                }
            }
        }
    }
}
