//! Lengths in metres as people read them.

/// The unit in which a length in metres lies between 1 and 1000, and how many of it a metre has.
pub(super) fn compact(metres: f64) -> (&'static str, f64) {
    let units = [("m", 1.0), ("mm", 1e3), ("µm", 1e6), ("nm", 1e9)];
    let fits = |(_, per_metre): &&(&str, f64)| metres.abs() * per_metre >= 1.0;
    *units.iter().find(fits).unwrap_or(&("pm", 1e12))
}
