//! The elements and materials of the sample, and how strongly they scatter.

/// An element, as the detectors see it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Element {
    pub(super) symbol: &'static str,
    pub(super) atomic_number: f64,
    /// Standard atomic weight in g/mol (IUPAC 2021).
    pub(super) atomic_weight: f64,
}

const fn element(symbol: &'static str, atomic_number: f64, atomic_weight: f64) -> Element {
    Element {
        symbol,
        atomic_number,
        atomic_weight,
    }
}

/// The elements of the sample, in the order of every array over elements.
pub(super) const ELEMENTS: [Element; 6] = [
    element("C", 6.0, 12.011),
    element("O", 8.0, 15.999),
    element("Ti", 22.0, 47.867),
    element("Cu", 29.0, 63.546),
    element("Pd", 46.0, 106.42),
    element("Au", 79.0, 196.967),
];

const CARBON: usize = 0;
const OXYGEN: usize = 1;
const TITANIUM: usize = 2;
const COPPER: usize = 3;
const PALLADIUM: usize = 4;
const GOLD: usize = 5;

/// The materials of the sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Material {
    Carbon,
    TitaniumDioxide,
    CuprousOxide,
    Palladium,
    Gold,
}

impl Material {
    /// Every material, in the order of every array over materials.
    pub(super) const ALL: [Self; 5] = [
        Self::Carbon,
        Self::TitaniumDioxide,
        Self::CuprousOxide,
        Self::Palladium,
        Self::Gold,
    ];

    /// Density in g/cm³: amorphous carbon film, anatase, cuprite and the metals.
    fn density(self) -> f64 {
        match self {
            Self::Carbon => 2.0,
            Self::TitaniumDioxide => 3.9,
            Self::CuprousOxide => 6.0,
            Self::Palladium => 12.02,
            Self::Gold => 19.3,
        }
    }

    /// Atoms of each element in a formula unit, as (element, number).
    fn formula(self) -> &'static [(usize, f64)] {
        match self {
            Self::Carbon => &[(CARBON, 1.0)],
            Self::TitaniumDioxide => &[(TITANIUM, 1.0), (OXYGEN, 2.0)],
            Self::CuprousOxide => &[(COPPER, 2.0), (OXYGEN, 1.0)],
            Self::Palladium => &[(PALLADIUM, 1.0)],
            Self::Gold => &[(GOLD, 1.0)],
        }
    }

    /// Atoms of each element per nm³.
    pub(super) fn atoms_per_nm3(self) -> [f64; ELEMENTS.len()] {
        /// Avogadro's number times 1 nm³ in cm³.
        const AVOGADRO_NM3: f64 = 602.214_076;
        let weight: f64 = self
            .formula()
            .iter()
            .map(|&(e, number)| ELEMENTS[e].atomic_weight * number)
            .sum();
        let mut atoms = [0.0; ELEMENTS.len()];
        for &(e, number) in self.formula() {
            atoms[e] = self.density() * AVOGADRO_NM3 / weight * number;
        }
        atoms
    }

    /// High-angle scattering per nm of thickness: atoms per nm³ times Z^1.7, which is what
    /// an annular detector measures between Rutherford's Z² and full screening (Pennycook
    /// 1989; Krivanek et al. 2010 find 1.64 at 60 kV).
    pub(super) fn scattering_per_nm(self) -> f64 {
        let atoms = self.atoms_per_nm3();
        ELEMENTS
            .iter()
            .zip(atoms)
            .map(|(e, n)| n * libm::pow(e.atomic_number, 1.7))
            .sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: gold is face-centred cubic with a = 0.4078 nm, palladium with 0.3890 nm, four
    /// atoms per cell; cuprite is cubic with a = 0.4270 nm, four copper and two oxygen atoms.
    #[test]
    fn number_densities_agree_with_the_lattice_constants() {
        let close = |found: f64, expected: f64| (found / expected - 1.0).abs() < 0.02;
        assert!(close(
            Material::Gold.atoms_per_nm3()[GOLD],
            4.0 / 0.4078f64.powi(3)
        ));
        assert!(close(
            Material::Palladium.atoms_per_nm3()[PALLADIUM],
            4.0 / 0.3890f64.powi(3)
        ));
        let cuprite = Material::CuprousOxide.atoms_per_nm3();
        assert!(close(cuprite[COPPER], 4.0 / 0.4270f64.powi(3)));
        assert!(close(cuprite[OXYGEN], 2.0 / 0.4270f64.powi(3)));
    }

    #[test]
    fn heavier_materials_scatter_more() {
        let scattering = Material::ALL.map(Material::scattering_per_nm);
        assert!(
            scattering.windows(2).all(|pair| pair[0] < pair[1]),
            "{scattering:?}"
        );
    }
}
