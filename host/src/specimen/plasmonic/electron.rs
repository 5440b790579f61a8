//! What a fast electron transfers to the modes of a crystal, near it and far.

use super::bessel::{k0, k1};

/// An electron that flies past, without retardation: the crystals are far smaller than the
/// wavelength of the light they resonate with.
#[derive(Clone, Copy, Debug)]
pub(super) struct SwiftElectron {
    /// ħv in eV nm: a loss of E is felt as far as ħv/E.
    reach_ev_nm: f64,
}

impl SwiftElectron {
    pub(super) fn new(kev: f64) -> Self {
        /// Rest energy of the electron in keV.
        const REST_KEV: f64 = 510.999;
        /// ħc in eV nm.
        const HBAR_C: f64 = 197.327;
        let gamma = 1.0 + kev / REST_KEV;
        let beta = (1.0 - 1.0 / (gamma * gamma)).sqrt();
        Self {
            reach_ev_nm: HBAR_C * beta,
        }
    }

    /// What it transfers to a round body per polarisability, in 1/nm²: (ω/v)² (K₁² + K₀²) of ωb/v
    /// at the distance b (García de Abajo, Rev. Mod. Phys. 82, 209, 2010, for a dipole). Within
    /// the body, whose parts the electron pulls in opposite directions, the transverse part falls
    /// with the square of the distance.
    pub(super) fn to_body(self, ev: f64, distance_nm: f64, radius_nm: f64) -> f64 {
        let per_nm = ev / self.reach_ev_nm;
        let outside = distance_nm.max(radius_nm);
        let x = per_nm * outside;
        let transverse = k1(x) * distance_nm / outside;
        per_nm * per_nm * (transverse * transverse + k0(x) * k0(x))
    }

    /// The same for the mode of a rod along its axis, with opposite charges at its ends:
    /// ((K₀(ωb₁/v) − K₀(ωb₂/v)) / length)², from the potential of both along the electron (García de
    /// Abajo and Kociak, Phys. Rev. Lett. 100, 106804, 2008). Within the radius of an end, over
    /// which its charge is spread, the potential stays what it is at the rim.
    pub(super) fn to_ends(
        self,
        ev: f64,
        distances_nm: [f64; 2],
        radius_nm: f64,
        length_nm: f64,
    ) -> f64 {
        let potential = |nm: f64| k0(ev / self.reach_ev_nm * nm.max(radius_nm));
        let [a, b] = distances_nm.map(potential);
        ((a - b) / length_nm).powi(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: v = 0.4462 c at 60 keV and 0.6953 c at 200 keV, as tabulated for microscopes.
    #[test]
    fn a_loss_is_felt_as_far_as_the_beam_is_fast() {
        for (kev, beta) in [(60.0, 0.4462), (200.0, 0.6953)] {
            let found = SwiftElectron::new(kev).reach_ev_nm / 197.327;
            assert!((found - beta).abs() < 1e-4, "{found} {beta}");
        }
    }

    /// Oracle: K₀′ = −K₁, so opposite charges close together are a dipole along their axis.
    #[test]
    fn a_short_rod_is_a_dipole() {
        let (electron, ev, length) = (SwiftElectron::new(60.0), 0.4, 0.01);
        for nm in [10.0, 40.0, 200.0] {
            let distances = [nm - 0.5 * length, nm + 0.5 * length];
            let rod = electron.to_ends(ev, distances, 1.0, length);
            let per_nm = ev / electron.reach_ev_nm;
            let dipole = (per_nm * k1(per_nm * nm)).powi(2);
            assert!((rod / dipole - 1.0).abs() < 1e-2, "{nm} nm: {rod} {dipole}");
        }
    }

    #[test]
    fn a_sphere_is_excited_at_its_rim_most_and_a_rod_never_at_its_middle() {
        let electron = SwiftElectron::new(60.0);
        let at = |nm: f64| electron.to_body(0.6, nm, 8.0);
        assert!(at(8.0) > at(0.0) && at(8.0) > at(12.0) && at(12.0) > at(60.0));
        assert_eq!(electron.to_ends(0.4, [18.0, 18.0], 8.0, 36.0), 0.0);
        assert!(electron.to_ends(0.4, [0.0, 36.0], 8.0, 36.0) > 0.0);
    }
}
