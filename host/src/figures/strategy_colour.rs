//! One colour and one kind of line a strategy, the same in every figure.

use crate::plot::Stroke;
use plotters::style::RGBColor;

/// Strategies by their names on the command line, from dark to light: each differs by 6 or more
/// in lightness L* from every other or has another kind of line, so that curves are told apart
/// on a grey printer too.
const STYLES: [(&str, RGBColor, Stroke); 9] = [
    ("farthest", RGBColor(0x4a, 0x1d, 0x1f), Stroke::DashDotDot),
    ("thompson", RGBColor(0x5b, 0x2a, 0x86), Stroke::DashDot),
    ("beacon-elite", RGBColor(0x86, 0x45, 0x13), Stroke::Dotted),
    ("ei", RGBColor(0x1d, 0x6c, 0xb4), Stroke::Solid),
    ("ucb", RGBColor(0x15, 0x8a, 0x5a), Stroke::Dotted),
    (
        "beacon-structure",
        RGBColor(0xee, 0x4b, 0x4b),
        Stroke::Solid,
    ),
    ("random", RGBColor(0x91, 0x91, 0x91), Stroke::Dashed),
    ("beacon", RGBColor(0xf5, 0x90, 0x1e), Stroke::Solid),
    ("mu", RGBColor(0xea, 0xa6, 0xcd), Stroke::LongDashed),
];

/// Further variants of BEACON, warm as the family is.
const VARIANT: RGBColor = RGBColor(0x7a, 0x0f, 0x3c);

/// For anything else: cool and dark colours that no strategy has.
const OTHERS: [RGBColor; 3] = [
    RGBColor(0x0b, 0x4f, 0x5c),
    RGBColor(0x3d, 0x4a, 0x16),
    RGBColor(0x00, 0x8b, 0x9e),
];

/// Lines of what has no line of its own.
const OTHER_STROKES: [Stroke; 4] = [
    Stroke::Solid,
    Stroke::DashDot,
    Stroke::LongDashed,
    Stroke::DashDotDot,
];

/// Colour of a strategy by name, whatever its case.
pub fn strategy_colour(name: &str) -> RGBColor {
    if let Some((_, colour, _)) = known(name) {
        return *colour;
    }
    if name.to_ascii_lowercase().starts_with("beacon") {
        return VARIANT;
    }
    OTHERS[hash(name) % OTHERS.len()]
}

/// Line of a strategy by name, whatever its case.
pub fn strategy_stroke(name: &str) -> Stroke {
    known(name).map_or_else(
        || OTHER_STROKES[hash(name) / OTHERS.len() % OTHER_STROKES.len()],
        |(_, _, stroke)| *stroke,
    )
}

fn known(name: &str) -> Option<&'static (&'static str, RGBColor, Stroke)> {
    STYLES
        .iter()
        .find(|(strategy, ..)| strategy.eq_ignore_ascii_case(name))
}

/// FNV-1a of the lower-case name: alike in every figure, program and year.
fn hash(name: &str) -> usize {
    let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte.to_ascii_lowercase())).wrapping_mul(0x0100_0193)
    });
    hash as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plot::palette::lightness;

    #[test]
    fn names_are_found_whatever_their_case() {
        assert_eq!(strategy_colour("EI"), strategy_colour("ei"));
        assert_eq!(strategy_colour("BEACON-Elite"), RGBColor(0x86, 0x45, 0x13));
        assert_eq!(strategy_stroke("BEACON"), Stroke::Solid);
        assert_eq!(strategy_colour("Simplex"), strategy_colour("simplex"));
    }

    #[test]
    fn every_strategy_of_the_kernel_has_a_colour_and_a_line_of_its_own() {
        for strategy in beacon_kernel::Strategy::ALL {
            assert!(known(strategy.name()).is_some(), "{}", strategy.name());
        }
        assert_eq!(strategy_stroke("beacon-structure"), Stroke::Solid);
    }

    #[test]
    fn strategies_differ_in_grey_or_in_line() {
        for (i, (one, colour, stroke)) in STYLES.iter().enumerate() {
            for (other, colour_of_other, stroke_of_other) in &STYLES[..i] {
                let apart = (lightness(*colour) - lightness(*colour_of_other)).abs();
                assert!(apart >= 6.0 || stroke != stroke_of_other, "{one}, {other}");
                assert_ne!(colour, colour_of_other);
            }
        }
    }

    /// CIE 1976 distance in the chroma plane and lightness would need more colour science than
    /// this: 60 of 255 summed over the channels is a difference anybody sees.
    #[test]
    fn strategies_without_a_name_here_have_colours_of_their_own() {
        for name in ["beacon-greedy", "simplex", "grid", "density"] {
            let RGBColor(r, g, b) = strategy_colour(name);
            for (other, colour, _) in &STYLES {
                let RGBColor(r2, g2, b2) = *colour;
                let apart = r.abs_diff(r2) as u32 + g.abs_diff(g2) as u32 + b.abs_diff(b2) as u32;
                assert!(apart >= 60, "{name} is {apart} from {other}");
            }
        }
        assert_eq!(strategy_colour("beacon-greedy"), VARIANT);
    }
}
