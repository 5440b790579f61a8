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
        const FREE: f64 = 1.378_868;
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
