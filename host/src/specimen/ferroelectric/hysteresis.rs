//! Hysteresis loops of the piezoresponse, and the sweep that takes them.

use crate::data::Axis;

/// Points of one sweep, as in band-excitation spectroscopy of polarisation switching.
const POINTS: usize = 64;

/// The axis of all loops in V; the bias of every point is in [`sweep`].
pub(super) fn bias_axis(amplitude_v: f64) -> Axis {
    Axis {
        name: "Bias".to_owned(),
        units: "V".to_owned(),
        offset: 0.0,
        scale: 4.0 * amplitude_v / POINTS as f64,
        size: POINTS,
    }
}

/// Bias of every point in V: a triangle from zero up, down and back.
pub(super) fn sweep(amplitude_v: f64) -> Vec<f64> {
    let quarter = POINTS as f64 / 4.0;
    (0..POINTS)
        .map(|i| i as f64 / quarter)
        .map(|t| match t {
            t if t <= 1.0 => t,
            t if t <= 3.0 => 2.0 - t,
            t => t - 4.0,
        })
        .map(|t| amplitude_v * t)
        .collect()
}

/// Whether each point of the sweep lies on its falling branch: from the highest bias to the
/// lowest.
pub(super) fn is_falling(point: usize) -> bool {
    (POINTS / 4..3 * POINTS / 4).contains(&point)
}

/// How the film under the tip switches.
///
/// The branches are those of Miller, Nasby, Schwank, Rodgers and Dressendorfer (J. Appl. Phys. 68,
/// 6463, 1990), R±(V) = Rₛ tanh((V − Vᵢ ∓ V꜀) / 2δ) with 2δ = V꜀ / artanh(Rᵣ/Rₛ), which pass
/// through the remanence Rᵣ at V = Vᵢ. A film that is split between two opposite internal
/// fields shows the mean of two such loops, shifted apart: pinched, as in aged or acceptor-doped
/// ferroelectrics.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Loop {
    /// Rₛ in pm.
    pub(super) saturation_pm: f64,
    /// V꜀ in V.
    pub(super) coercive_v: f64,
    /// Rᵣ/Rₛ, between 0 and 1.
    pub(super) squareness: f64,
    /// Vᵢ in V.
    pub(super) imprint_v: f64,
    /// Half the distance of the two internal fields in V.
    pub(super) split_v: f64,
}

impl Loop {
    /// Response in pm at a bias in V on the falling or rising branch.
    pub(super) fn response(&self, bias_v: f64, falling: bool) -> f64 {
        let coercive = if falling {
            -self.coercive_v
        } else {
            self.coercive_v
        };
        let branch = |shift: f64| {
            let beyond = bias_v - self.imprint_v - shift - coercive;
            libm::tanh(beyond / self.coercive_v * libm::atanh(self.squareness))
        };
        0.5 * self.saturation_pm * (branch(-self.split_v) + branch(self.split_v))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOOP: Loop = Loop {
        saturation_pm: 40.0,
        coercive_v: 3.5,
        squareness: 0.8,
        imprint_v: 0.0,
        split_v: 0.0,
    };

    /// Oracle: the order of the biases alone.
    #[test]
    fn the_sweep_is_a_closed_triangle_and_knows_its_branches() {
        let bias = sweep(10.0);
        assert_eq!(bias.len(), 64);
        assert_eq!((bias[0], bias[16], bias[48]), (0.0, 10.0, -10.0));
        for (i, pair) in bias.windows(2).enumerate() {
            assert!(((pair[1] - pair[0]).abs() - 0.625).abs() < 1e-12);
            assert_eq!(is_falling(i), pair[1] < pair[0], "point {i}");
        }
    }

    /// Oracle: the definition of remanence, coercive bias and saturation.
    #[test]
    fn branches_pass_through_remanence_and_coercive_bias() {
        let pm = |bias, falling| LOOP.response(bias, falling);
        assert!((pm(0.0, true) - 32.0).abs() < 1e-9 && (pm(0.0, false) + 32.0).abs() < 1e-9);
        assert!(pm(-3.5, true).abs() < 1e-9 && pm(3.5, false).abs() < 1e-9);
        assert!((pm(100.0, true) - 40.0).abs() < 1e-9 && (pm(-100.0, false) + 40.0).abs() < 1e-9);
        let imprinted = Loop {
            imprint_v: 1.0,
            ..LOOP
        };
        assert!(imprinted.response(-2.5, true).abs() < 1e-9);
        assert!(imprinted.response(4.5, false).abs() < 1e-9);
    }

    #[test]
    fn a_split_film_has_a_pinched_loop() {
        let pinched = Loop {
            split_v: 7.0,
            ..LOOP
        };
        let opening = |of: &Loop, bias| of.response(bias, true) - of.response(bias, false);
        assert!(opening(&pinched, 0.0) < 0.15 * opening(&LOOP, 0.0));
        // Open on either side, around the two internal fields.
        for bias in [-7.0, 7.0] {
            assert!(opening(&pinched, bias) > 0.4 * opening(&LOOP, 0.0));
        }
    }
}
