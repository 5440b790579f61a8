//! One colour a strategy, the same in every figure.

use plotters::style::RGBColor;

/// Strategies by their names on the command line, from dark to light: each is 6 or more
/// apart in lightness L* from the next, so that curves are told apart on a grey printer too.
const COLOURS: [(&str, RGBColor); 7] = [
    ("thompson", RGBColor(0x5b, 0x2a, 0x86)),
    ("beacon-elite", RGBColor(0x86, 0x45, 0x13)),
    ("ei", RGBColor(0x1d, 0x6c, 0xb4)),
    ("ucb", RGBColor(0x15, 0x8a, 0x5a)),
    ("random", RGBColor(0x91, 0x91, 0x91)),
    ("beacon", RGBColor(0xf5, 0x90, 0x1e)),
    ("mu", RGBColor(0xea, 0xa6, 0xcd)),
];

/// For anything else, a dark teal that no strategy has.
const OTHER: RGBColor = RGBColor(0x0b, 0x4f, 0x5c);

/// Colour of a strategy by name, whatever its case.
pub fn strategy_colour(name: &str) -> RGBColor {
    COLOURS
        .iter()
        .find(|(strategy, _)| strategy.eq_ignore_ascii_case(name))
        .map_or(OTHER, |(_, colour)| *colour)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::palette::lightness;

    #[test]
    fn names_are_found_whatever_their_case() {
        assert_eq!(strategy_colour("EI"), strategy_colour("ei"));
        assert_eq!(strategy_colour("BEACON-Elite"), RGBColor(0x86, 0x45, 0x13));
        assert_eq!(strategy_colour("simplex"), OTHER);
    }

    #[test]
    fn strategies_differ_in_grey() {
        let light: Vec<f64> = COLOURS
            .iter()
            .map(|(_, colour)| lightness(*colour))
            .collect();
        assert!(light.windows(2).all(|w| w[1] - w[0] >= 6.0), "{light:?}");
    }
}
