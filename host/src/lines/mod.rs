//! Characteristic X-ray lines of the elements, and ionisation edges in energy-loss spectra.
//!
//! Energies in keV and weights relative to the α line of the same family, for beryllium to
//! uranium. A line stands for what an energy-dispersive detector sees as one peak, placed at
//! its strongest member: `Ka` holds Kα₁ and Kα₂ at the energy of Kα₁, `Kb` holds Kβ₁, Kβ₃ and
//! Kβ₂ at that of Kβ₁, `La` holds Lα₁ and Lα₂ at that of Lα₁. `Lb1`, `Lb2`, `Lg1`, `Ll` and
//! `Ma` stand alone.
//!
//! ```
//! let line = beacon_host::internal::lines::line("Pd-La").unwrap();
//! assert_eq!((line.element, line.name, line.energy_kev), ("Pd", "La", 2.83861));
//! ```

mod edges;
mod table;

pub use edges::{EDGES, Edge, edges_on};
use table::ELEMENTS;

/// One characteristic line of an element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Symbol of the element, such as `Pd`.
    pub element: &'static str,
    /// Siegbahn name in ASCII: `Ka`, `Kb`, `La`, `Lb1`, `Ll`, `Lb2`, `Lg1` or `Ma`.
    pub name: &'static str,
    /// Energy of the photon, in keV.
    pub energy_kev: f64,
    /// Intensity relative to the α line of the same family (K, L, M), which has 1; as emitted,
    /// before absorption and detection.
    pub weight: f64,
}

/// A line that the table does not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownLine {
    /// The element is known, the line of it is not.
    #[error("unknown X-ray line `{name}`: accepted are {accepted}")]
    Line {
        /// The name as given.
        name: String,
        /// Lines of the element, such as `Pd-Ka, Pd-Kb`.
        accepted: String,
    },
    /// The element has no lines here.
    #[error(
        "unknown X-ray line `{name}`: write element and line as in Pd-La, with one of the \
         elements {accepted}"
    )]
    Element {
        /// The name as given.
        name: String,
        /// Symbols of all known elements.
        accepted: String,
    },
}

/// The line called `name`: element and line joined by `-` or `_`, in any case (`Pd-La`).
///
/// # Errors
/// When the element or the line of it is unknown; the message lists those that exist.
pub fn line(name: &str) -> Result<&'static Line, UnknownLine> {
    let (symbol, of_it) = name
        .trim()
        .split_once(['-', '_'])
        .unwrap_or((name.trim(), ""));
    let lines = of_element(symbol);
    if lines.is_empty() {
        let symbols: Vec<&str> = symbols().collect();
        return Err(UnknownLine::Element {
            name: name.to_owned(),
            accepted: symbols.join(" "),
        });
    }
    lines
        .iter()
        .find(|line| line.name.eq_ignore_ascii_case(of_it))
        .ok_or_else(|| {
            let names: Vec<String> = lines.iter().map(ToString::to_string).collect();
            UnknownLine::Line {
                name: name.to_owned(),
                accepted: names.join(", "),
            }
        })
}

/// The lines of an element given by its symbol in any case; empty when it is unknown.
pub fn of_element(symbol: &str) -> &'static [Line] {
    ELEMENTS
        .iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(symbol))
        .map_or(&[], |(_, lines)| lines)
}

/// Symbols of all elements that have lines here, by rising atomic number.
pub fn symbols() -> impl Iterator<Item = &'static str> {
    ELEMENTS.iter().map(|(symbol, _)| *symbol)
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.element, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_in_any_spelling() {
        for name in ["Pd-La", "pd_la", "PD-LA", " Pd-La "] {
            assert_eq!(line(name).unwrap().to_string(), "Pd-La");
        }
    }

    /// Bearden's energies as every textbook prints them.
    #[test]
    fn reference_energies_hold() {
        for (name, energy_kev) in [
            ("C-Ka", 0.277),
            ("O-Ka", 0.5249),
            ("Ti-Ka", 4.51084),
            ("Mn-Ka", 5.89875),
            ("Cu-Ka", 8.04778),
            ("Cu-La", 0.9297),
            ("Pd-Ka", 21.1771),
            ("Au-La", 9.7133),
            ("Au-Ma", 2.1229),
            ("U-Ka", 98.439),
        ] {
            assert_eq!(line(name).unwrap().energy_kev, energy_kev, "{name}");
        }
    }

    /// Moseley's law: √E rises nearly linearly in Z, so that a mistyped energy stands out
    /// against the mean of its neighbours.
    #[test]
    fn energies_follow_moseley() {
        for family in ["Ka", "Kb", "La", "Lb1", "Ll", "Lb2", "Lg1", "Ma"] {
            let energy = |lines: &[Line]| {
                let line = lines.iter().find(|line| line.name == family)?;
                Some(line.energy_kev.sqrt())
            };
            for three in ELEMENTS.windows(3) {
                let (before, here, after) =
                    (energy(three[0].1), energy(three[1].1), energy(three[2].1));
                if let (Some(before), Some(here), Some(after)) = (before, here, after)
                    && here > 1.0
                {
                    let mean = f64::midpoint(before, after);
                    assert!((here - mean).abs() < 2e-3 * mean, "{} {family}", three[1].0);
                }
            }
        }
    }

    #[test]
    fn every_family_is_weighed_against_its_alpha() {
        for (symbol, lines) in ELEMENTS {
            for line in *lines {
                assert_eq!(line.element, *symbol);
                assert_eq!(line.weight == 1.0, line.name.ends_with('a'), "{line}");
                assert!(line.weight > 0.0 && line.weight <= 1.0, "{line}");
            }
        }
    }

    #[test]
    fn errors_list_what_exists_in_one_line() {
        let message = line("Pd-Ma").unwrap_err().to_string();
        assert_eq!(
            message,
            "unknown X-ray line `Pd-Ma`: accepted are Pd-Ka, Pd-Kb, Pd-La, Pd-Lb1, Pd-Ll, \
             Pd-Lb2, Pd-Lg1"
        );
        let message = line("Xx-La").unwrap_err().to_string();
        assert!(
            message.contains("`Xx-La`") && message.ends_with(" Th Pa U"),
            "{message}"
        );
        assert!(line("").is_err() && line("Pd").is_err() && of_element("Xx").is_empty());
    }
}
