//! X-rays per atom and electron: characteristic lines and bremsstrahlung of a thin sample.

use super::material::Element;
use crate::lines::{Line, of_element};

/// Rest energy of the electron in keV.
const REST_KEV: f64 = 510.999;

/// A family of lines: those that follow from an electron missing in one shell.
#[derive(Clone, Copy, Debug)]
struct Shell {
    /// First letter of the names of its lines.
    letter: char,
    /// Electrons in the shell.
    electrons: f64,
    /// b and c of the Bethe cross-section (Powell 1976).
    bethe: (f64, f64),
    /// Fluorescence yield is Z⁴ / (a + Z⁴) with this a (Wentzel's law), fitted to the yields
    /// of Krause (1979) for Ti and Cu K, Pd and Au L3; about half of the true one for C and O.
    yield_constant: f64,
}

const SHELLS: [Shell; 3] = [
    Shell {
        letter: 'K',
        electrons: 2.0,
        bethe: (0.9, 0.65),
        yield_constant: 9.0e5,
    },
    Shell {
        letter: 'L',
        electrons: 8.0,
        bethe: (0.5, 0.6),
        yield_constant: 1.0e8,
    },
    Shell {
        letter: 'M',
        electrons: 18.0,
        bethe: (0.4, 0.6),
        yield_constant: 1.4e9,
    },
];

/// Lines of an element with their cross-sections for emission in cm² per atom, for a beam of
/// `beam_kev`: ionisation times fluorescence yield, shared among the lines of the shell by
/// their weights. The highest line of a family stands for its edge, which it misses by a
/// tenth or so.
pub(super) fn lines(element: &Element, beam_kev: f64) -> Vec<(&'static Line, f64)> {
    let lines = of_element(element.symbol);
    let mut emitted = Vec::with_capacity(lines.len());
    for shell in &SHELLS {
        let family = || {
            lines
                .iter()
                .filter(|line| line.name.starts_with(shell.letter))
        };
        let edge = family().map(|line| line.energy_kev).fold(0.0, f64::max);
        let weights: f64 = family().map(|line| line.weight).sum();
        if weights > 0.0 {
            let emission =
                ionisation(shell, edge, beam_kev) * fluorescence(shell, element.atomic_number);
            emitted.extend(family().map(|line| (line, emission * line.weight / weights)));
        }
    }
    emitted
}

/// Bethe's cross-section for the ionisation of a shell in cm², in its relativistic form: with
/// T = m v²/2 of the beam, 6.51e-20 n b / (T E) [ln(c T / E) - ln(1 - β²) - β²].
fn ionisation(shell: &Shell, edge_kev: f64, beam_kev: f64) -> f64 {
    let beta2 = beta_squared(beam_kev);
    let t = 0.5 * REST_KEV * beta2;
    let (b, c) = shell.bethe;
    let logarithm = libm::log(c * t / edge_kev) - libm::log1p(-beta2) - beta2;
    6.51e-20 * shell.electrons * b / (t * edge_kev) * logarithm.max(0.0)
}

fn fluorescence(shell: &Shell, atomic_number: f64) -> f64 {
    let z2 = atomic_number * atomic_number;
    let z4 = z2 * z2;
    z4 / (shell.yield_constant + z4)
}

/// Square of the beam's speed over that of light.
fn beta_squared(beam_kev: f64) -> f64 {
    let gamma = 1.0 + beam_kev / REST_KEV;
    1.0 - 1.0 / (gamma * gamma)
}

/// Bremsstrahlung of an element in cm² per atom and keV at `photon_kev`: Kramers (1923),
/// 16π/(3√3) α rₑ² Z² / (β² E), falling linearly to nothing at the energy of the beam, times
/// one half, for a detector that looks across a beam which radiates mostly forward.
pub(super) fn bremsstrahlung(element: &Element, beam_kev: f64, photon_kev: f64) -> f64 {
    /// 16π/(3√3) α rₑ² in cm², with α = 1/137.036 and rₑ = 2.81794e-13 cm.
    const KRAMERS: f64 = 9.6736 * 5.7947e-28;
    const ACROSS: f64 = 0.5;
    let z = element.atomic_number;
    let fall = (1.0 - photon_kev / beam_kev).max(0.0);
    ACROSS * KRAMERS * z * z / (beta_squared(beam_kev) * photon_kev) * fall
}

#[cfg(test)]
mod tests {
    use super::super::material::ELEMENTS;
    use super::*;

    /// Oracle: the empirical formula of Casnati, Tartari and Baraldi (1982), fitted to
    /// measured K ionisation by electrons.
    fn casnati(edge_kev: f64, beam_kev: f64) -> f64 {
        let u = beam_kev / edge_kev;
        let (i, j) = (edge_kev / REST_KEV, beam_kev / REST_KEV);
        let exponent = -0.0318 + 0.3160 / u - 0.1135 / (u * u);
        let psi = libm::pow(edge_kev / 0.013_605_7, exponent);
        let phi = 10.57 * libm::exp(-1.736 / u + 0.317 / (u * u));
        let bound = (1.0 + i).powi(2);
        let ratio = (i + j) * (2.0 + j) * bound / (j * (2.0 + j) * bound + i * (2.0 + i));
        let relativity =
            (2.0 + i) / (2.0 + j) * ((1.0 + j) / (1.0 + i)).powi(2) * libm::pow(ratio, 1.5);
        let area = 2.0 * 2.800_285e-17 * (0.013_605_7 / edge_kev).powi(2);
        area * relativity * psi * phi * libm::log(u) / u
    }

    #[test]
    fn ionisation_agrees_with_the_empirical_formula_for_k_shells() {
        for (edge, beam) in [
            (4.966, 200.0),
            (8.979, 200.0),
            (8.979, 100.0),
            (4.966, 300.0),
        ] {
            let ratio = ionisation(&SHELLS[0], edge, beam) / casnati(edge, beam);
            assert!(
                (ratio - 1.0).abs() < 0.2,
                "{edge} keV at {beam} kV: {ratio}"
            );
        }
    }

    /// Oracle: Krause (1979): K of Ti and Cu; L3 of Pd and Au.
    #[test]
    fn fluorescence_yields_agree_with_the_tabulated() {
        for (shell, z, tabulated) in [
            (0, 22.0, 0.214),
            (0, 29.0, 0.440),
            (1, 46.0, 0.049),
            (1, 79.0, 0.320),
        ] {
            let ratio = fluorescence(&SHELLS[shell], z) / tabulated;
            assert!((ratio - 1.0).abs() < 0.15, "Z = {z}: {ratio}");
        }
    }

    #[test]
    fn lines_of_a_family_share_its_emission_by_weight() {
        let palladium = ELEMENTS.iter().find(|e| e.symbol == "Pd").unwrap();
        let lines = lines(palladium, 200.0);
        let of = |name| *lines.iter().find(|(l, _)| l.name == name).unwrap();
        let (alpha, beta) = (of("La"), of("Lb1"));
        assert!((beta.1 / alpha.1 - beta.0.weight / alpha.0.weight).abs() < 1e-12);
    }

    #[test]
    fn bremsstrahlung_ends_at_the_beam_energy_and_grows_with_z() {
        let (carbon, gold) = (&ELEMENTS[0], &ELEMENTS[5]);
        assert_eq!(bremsstrahlung(gold, 60.0, 60.0), 0.0);
        let ratio = bremsstrahlung(gold, 200.0, 5.0) / bremsstrahlung(carbon, 200.0, 5.0);
        assert!((ratio - (79.0f64 / 6.0).powi(2)).abs() < 1e-9);
    }
}
