//! Ionisation edges in energy-loss spectra.
//!
//! Onsets in eV of the major edges between 50 and 4000 eV of elements that are often looked for. An edge
//! stands for what is seen as one, at the onset of its first member: `L2,3` at that of L3, `M4,5` at that of
//! M5. Source: Ahn and Krivanek, *EELS Atlas* (Gatan, 1983); every onset was compared with the database of
//! eXSpy 0.3, which repeats it.

/// An ionisation edge.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Edge {
    /// Symbol of the element.
    pub element: &'static str,
    /// Its shell: `K`, `L2,3`, `M4,5` or `N4,5`.
    pub name: &'static str,
    /// Where it begins, in eV.
    pub onset_ev: f64,
}

impl std::fmt::Display for Edge {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.element, self.name)
    }
}

/// Edges that are named at a time where nobody said which elements there are.
const FEW: usize = 12;

/// The edges that are worth naming on an axis in eV from `low` to `high`, the most telling first: of these
/// elements; where there are none, those nearest to `sought`, where what is sought begins.
pub fn edges_on(
    (low, high): (f64, f64),
    elements: &[String],
    sought: Option<f64>,
) -> Vec<&'static Edge> {
    let within = EDGES
        .iter()
        .filter(|edge| (low..=high).contains(&edge.onset_ev));
    let known = |edge: &&Edge| {
        elements
            .iter()
            .any(|symbol| symbol.eq_ignore_ascii_case(edge.element))
    };
    let mut edges: Vec<&Edge> = within.collect();
    let from = sought
        .filter(|sought| *sought > 0.0)
        .unwrap_or(low.max(1.0));
    let away = |edge: &Edge| (edge.onset_ev / from).ln().abs();
    edges.sort_by(|a, b| away(a).total_cmp(&away(b)));
    if elements.is_empty() {
        edges.truncate(FEW);
    } else {
        edges.retain(known);
    }
    edges
}

macro_rules! edges {
    ($($element:ident: $($name:literal $onset:literal),+;)+) => {
        /// Every edge, by rising atomic number.
        pub const EDGES: &[Edge] = &[$($(Edge {
            element: stringify!($element),
            name: $name,
            onset_ev: $onset,
        }),+),+];
    };
}

edges! {
    Li: "K" 55.0;
    Be: "K" 111.0;
    B: "K" 188.0;
    C: "K" 284.0;
    N: "K" 401.0;
    O: "K" 532.0;
    F: "K" 685.0;
    Na: "K" 1072.0;
    Mg: "K" 1305.0, "L2,3" 51.0;
    Al: "K" 1560.0, "L2,3" 73.0;
    Si: "K" 1839.0, "L2,3" 99.0;
    P: "K" 2146.0, "L2,3" 132.0;
    S: "L2,3" 165.0;
    Cl: "L2,3" 200.0;
    K: "L2,3" 294.0;
    Ca: "L2,3" 346.0;
    Sc: "L2,3" 402.0;
    Ti: "L2,3" 456.0;
    V: "L2,3" 513.0;
    Cr: "L2,3" 575.0;
    Mn: "L2,3" 640.0;
    Fe: "L2,3" 708.0;
    Co: "L2,3" 779.0;
    Ni: "L2,3" 855.0;
    Cu: "L2,3" 931.0;
    Zn: "L2,3" 1020.0;
    Ga: "L2,3" 1115.0;
    Ge: "L2,3" 1217.0;
    As: "L2,3" 1323.0;
    Se: "L2,3" 1436.0;
    Sr: "L2,3" 1940.0, "M4,5" 134.0;
    Y: "L2,3" 2080.0, "M4,5" 160.0;
    Zr: "L2,3" 2222.0, "M4,5" 181.0;
    Nb: "L2,3" 2371.0, "M4,5" 205.0;
    Mo: "L2,3" 2520.0, "M4,5" 227.0;
    Ru: "M4,5" 279.0;
    Rh: "M4,5" 308.0;
    Pd: "M4,5" 335.0;
    Ag: "M4,5" 367.0;
    Cd: "M4,5" 404.0;
    In: "M4,5" 443.0;
    Sn: "M4,5" 485.0;
    Sb: "M4,5" 528.0;
    Te: "M4,5" 572.0;
    I: "M4,5" 620.0;
    Cs: "M4,5" 726.0, "N4,5" 78.0;
    Ba: "M4,5" 781.0, "N4,5" 90.0;
    La: "M4,5" 832.0, "N4,5" 99.0;
    Ce: "M4,5" 883.0, "N4,5" 110.0;
    Pr: "M4,5" 931.0, "N4,5" 114.0;
    Nd: "M4,5" 978.0, "N4,5" 118.0;
    Sm: "M4,5" 1080.0, "N4,5" 130.0;
    Eu: "M4,5" 1131.0, "N4,5" 134.0;
    Gd: "M4,5" 1185.0, "N4,5" 141.0;
    Tb: "M4,5" 1241.0, "N4,5" 148.0;
    Dy: "M4,5" 1295.0, "N4,5" 154.0;
    Ho: "M4,5" 1351.0, "N4,5" 161.0;
    Er: "M4,5" 1409.0, "N4,5" 168.0;
    Yb: "M4,5" 1528.0, "N4,5" 184.0;
    Lu: "M4,5" 1588.0, "N4,5" 195.0;
    Hf: "M4,5" 1662.0;
    Ta: "M4,5" 1735.0;
    W: "M4,5" 1809.0;
    Re: "M4,5" 1883.0;
    Ir: "M4,5" 2040.0;
    Pt: "M4,5" 2122.0;
    Au: "M4,5" 2206.0;
    Hg: "M4,5" 2295.0;
    Tl: "M4,5" 2389.0;
    Pb: "M4,5" 2484.0;
    Bi: "M4,5" 2580.0;
    Th: "M4,5" 3332.0;
    U: "M4,5" 3552.0;
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Onsets of a shell rise with the atomic number, so that a mistyped one stands out.
    #[test]
    fn onsets_rise_with_the_atomic_number() {
        for name in ["K", "L2,3", "M4,5", "N4,5"] {
            let of_shell = || EDGES.iter().filter(|edge| edge.name == name);
            for (before, after) in of_shell().zip(of_shell().skip(1)) {
                assert!(before.onset_ev < after.onset_ev, "{before}, {after}");
                assert!(after.onset_ev < 2.3 * before.onset_ev, "{before}, {after}");
            }
        }
    }

    /// Of a window on the oxygen edge.
    #[test]
    fn the_edges_near_what_is_sought_are_named_where_no_element_is_known() {
        let named = |elements: &[&str]| {
            let elements: Vec<String> = elements.iter().map(|&symbol| symbol.to_owned()).collect();
            let edges = edges_on((400.0, 800.0), &elements, Some(532.0));
            edges.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(named(&[])[..2], ["O K", "Sb M4,5"]);
        assert_eq!(named(&[]).len(), FEW);
        assert_eq!(named(&["fe", "C", "Ti"]), ["Ti L2,3", "Fe L2,3"]);
    }
}
