//! The electron gas of Sn:In2O3 and its resonances.

use nalgebra::Complex;

/// Permittivity of the lattice of In2O3, without its free electrons (Hamberg and Granqvist,
/// J. Appl. Phys. 60, R123, 1986).
const LATTICE: f64 = 4.0;

/// Mass of a conduction electron over that of a free one (same source).
const MASS: f64 = 0.4;

/// Permittivity of the ligands, as of oleic acid at optical frequencies.
pub(super) const LIGANDS: f64 = 2.0;

/// A Drude gas: ε(E) = ε∞ − Eₚ² / (E² + iΓE).
#[derive(Clone, Copy, Debug)]
pub(super) struct Drude {
    /// ħωₚ in eV.
    plasma_ev: f64,
    damping_ev: f64,
}

impl Drude {
    /// ħωₚ = ħ √(n e² / (ε₀ m)).
    pub(super) fn new(electrons_per_nm3: f64, damping_ev: f64) -> Self {
        /// (ħωₚ)² in eV² of one free electron per nm³.
        const FREE: f64 = 1.378_842;
        Self {
            plasma_ev: (FREE * electrons_per_nm3 / MASS).sqrt(),
            damping_ev,
        }
    }

    fn permittivity(&self, ev: f64) -> Complex<f64> {
        let gas = Complex::new(ev * ev, self.damping_ev * ev);
        Complex::new(LATTICE, 0.0) - Complex::new(self.plasma_ev * self.plasma_ev, 0.0) / gas
    }

    /// Energy in eV at which a body resonates whose depolarisation factor is `factor`, without
    /// damping: where ε = −εₘ (1/L − 1). For L = 1 it is the bulk plasmon.
    pub(super) fn resonance_ev(&self, factor: f64) -> f64 {
        self.plasma_ev / (LATTICE + LIGANDS * (1.0 / factor - 1.0)).sqrt()
    }

    /// Im(−1/ε), of volume losses.
    pub(super) fn volume_loss(&self, ev: f64) -> f64 {
        (-self.permittivity(ev).inv()).im
    }

    /// Im α in nm³ (Gaussian units) of a body of `volume_nm3` along an axis with depolarisation
    /// factor L: α = V/4π · (ε − εₘ) / (εₘ + L(ε − εₘ)) (Bohren and Huffman 1983, 5.3).
    pub(super) fn polarisability(&self, ev: f64, factor: f64, volume_nm3: f64) -> f64 {
        let excess = self.permittivity(ev) - LIGANDS;
        let response = excess / (excess * factor + LIGANDS);
        volume_nm3 / (4.0 * core::f64::consts::PI) * response.im
    }
}

/// Depolarisation factor of a prolate spheroid along its axis, for the ratio of its axes
/// (Bohren and Huffman 1983, eq. 5.33); 1/3 for a sphere.
pub(super) fn depolarisation(aspect: f64) -> f64 {
    if aspect <= 1.0 {
        return 1.0 / 3.0;
    }
    let e = (1.0 - 1.0 / (aspect * aspect)).sqrt();
    (1.0 - e * e) / (e * e) * (libm::atanh(e) / e - 1.0)
}

/// Depolarisation factor of a body among others that fill the share `fill` of space: L(1 − f),
/// which makes the resonances those of Maxwell Garnett's mixture (Phil. Trans. 203, 385, 1904).
pub(super) fn among_others(factor: f64, fill: f64) -> f64 {
    factor * (1.0 - fill)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gas() -> Drude {
        Drude::new(1.0, 0.05)
    }

    /// Energy where a function over 0.2 to 1.6 eV is largest.
    fn peak(value: impl Fn(f64) -> f64) -> f64 {
        let energies = (2000..16000).map(|i| f64::from(i) * 1e-4);
        let largest = |a: &f64, b: &f64| value(*a).total_cmp(&value(*b));
        energies.max_by(largest).unwrap()
    }

    /// Oracle: ωₚ² = n e² / (ε₀ m) in SI units (CODATA 2018), and ω = ωₚ/√ε∞ for the bulk.
    #[test]
    fn the_plasma_energy_follows_from_density_and_mass() {
        let (charge, hbar) = (1.602_176_634e-19, 1.054_571_817e-34);
        let (vacuum, electron) = (8.854_187_812_8e-12, 9.109_383_701_5e-31);
        let squared: f64 = 1e27 * charge * charge / (vacuum * MASS * electron);
        let omega = squared.sqrt();
        let plasma_ev = hbar * omega / charge;
        assert!((gas().plasma_ev / plasma_ev - 1.0).abs() < 1e-6);
        let bulk = peak(|ev| gas().volume_loss(ev));
        assert!((bulk - plasma_ev / LATTICE.sqrt()).abs() < 2e-3, "{bulk}");
        assert!((gas().resonance_ev(1.0) - plasma_ev / LATTICE.sqrt()).abs() < 1e-6);
    }

    /// Oracle: Fröhlich's condition ε = −2 εₘ.
    #[test]
    fn a_lone_sphere_resonates_where_froehlich_says() {
        let expected = gas().plasma_ev / (LATTICE + 2.0 * LIGANDS).sqrt();
        let found = peak(|ev| gas().polarisability(ev, depolarisation(1.0), 1.0));
        assert!((found - expected).abs() < 2e-3, "{found} {expected}");
        assert!((gas().resonance_ev(1.0 / 3.0) - expected).abs() < 1e-9);
    }

    /// Oracle: Maxwell Garnett's mixture has its pole where f (ε − εₘ)/(ε + 2εₘ) = 1.
    #[test]
    fn neighbours_lower_the_energy_as_in_a_mixture() {
        let mut before = f64::INFINITY;
        for fill in [0.0, 0.13, 0.26, 0.39, 0.52] {
            let ev = gas().resonance_ev(among_others(1.0 / 3.0, fill));
            let epsilon = LATTICE - (gas().plasma_ev / ev).powi(2);
            let pole = fill * (epsilon - LIGANDS) / (epsilon + 2.0 * LIGANDS);
            assert!(fill == 0.0 || (pole - 1.0).abs() < 1e-9, "{fill}: {pole}");
            assert!(ev < before);
            before = ev;
        }
    }

    /// Oracle: Osborn, Phys. Rev. 67, 351 (1945), table of prolate spheroids.
    #[test]
    fn depolarisation_factors_are_those_of_the_table() {
        for (aspect, factor) in [
            (1.000_001, 0.3333),
            (2.0, 0.1736),
            (3.0, 0.1087),
            (5.0, 0.0558),
        ] {
            let found = depolarisation(aspect);
            assert!((found - factor).abs() < 1e-4, "{aspect}: {found} {factor}");
        }
    }
}
