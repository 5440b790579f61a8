//! Names of places on the axis of a spectrum: X-ray lines, and edges.

use crate::lines;

/// A place on the axis worth pointing at.
#[derive(Clone, Debug, PartialEq)]
pub struct Marker {
    /// In the units of the axis.
    pub position: f64,
    /// What is there, such as `Pd Lα`.
    pub text: String,
}

/// Weight of the faintest line that is told apart beside the α line of its family as a rule: Kβ
/// and Lβ1 are, Ll and Lγ1 are not.
const TOLD_APART: f64 = 0.12;

/// Markers for all lines of elements by their symbols, strongest families first, in keV.
/// Unknown symbols have none.
pub fn line_markers<'a>(elements: impl IntoIterator<Item = &'a str>) -> Vec<Marker> {
    markers(elements, 0.0)
}

/// Markers for the lines of elements that are told apart as a rule, likewise: for spectra of
/// many elements.
pub fn main_line_markers<'a>(elements: impl IntoIterator<Item = &'a str>) -> Vec<Marker> {
    markers(elements, TOLD_APART)
}

fn markers<'a>(elements: impl IntoIterator<Item = &'a str>, faintest: f64) -> Vec<Marker> {
    let mut lines: Vec<&lines::Line> = elements.into_iter().flat_map(lines::of_element).collect();
    lines.retain(|line| line.weight >= faintest);
    lines.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let greek = |name: &str| {
        let (family, rest) = name.split_at(1);
        let rest = rest.replace('a', "α").replace('b', "β").replace('g', "γ");
        format!("{family}{rest}")
    };
    lines
        .into_iter()
        .map(|line| Marker {
            position: line.energy_kev,
            text: format!("{} {}", line.element, greek(line.name)),
        })
        .collect()
}

/// Markers for ionisation edges on an axis in these units, eV or keV, the most important first: see
/// [`lines::edges_on`]. None on any other axis.
pub fn edge_markers(
    (low, high): (f64, f64),
    units: &str,
    elements: &[String],
    sought: Option<f64>,
) -> Vec<Marker> {
    let per_ev = match units.trim().to_lowercase().as_str() {
        "ev" => 1.0,
        "kev" => 1e-3,
        _ => return Vec::new(),
    };
    let sought = sought.map(|sought| sought / per_ev);
    let edges = lines::edges_on((low / per_ev, high / per_ev), elements, sought);
    let marker = |edge: &lines::Edge| Marker {
        position: edge.onset_ev * per_ev,
        text: edge.to_string(),
    };
    edges.into_iter().map(marker).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_named_as_spectroscopists_write_them_the_strongest_first() {
        let markers = line_markers(["Pd", "nothing"]);
        let texts: Vec<&str> = markers.iter().map(|marker| marker.text.as_str()).collect();
        assert_eq!(texts[..2], ["Pd Kα", "Pd Lα"]);
        assert!(
            texts.contains(&"Pd Lβ1") && texts.contains(&"Pd Lγ1"),
            "{texts:?}"
        );
        assert_eq!(markers[1].position, 2.83861);
        let main = main_line_markers(["Pd"]);
        let texts: Vec<&str> = main.iter().map(|marker| marker.text.as_str()).collect();
        assert_eq!(texts, ["Pd Kα", "Pd Lα", "Pd Lβ1", "Pd Kβ"]);
    }
}
