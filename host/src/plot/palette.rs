//! Colour maps whose steps look equal, in colour and in grey.

use plotters::style::RGBColor;

/// A perceptually uniform colour map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColourMap {
    /// Dark violet over green to yellow; for responses, means and steps.
    Viridis,
    /// Dark blue over grey to yellow, alike for readers with colour-vision deficiency; for
    /// uncertainties and errors, so that they are not mistaken for responses.
    Cividis,
    /// Black to white; for images.
    Grey,
    /// The middle of the greys, so that both ends of [`Self::Viridis`] stand out on it; for
    /// images under a trajectory.
    DimGrey,
    /// Middle grey to white; for densities, the densest darkest, under coloured dots.
    PaleGrey,
}

/// Where a map has no value.
pub const NO_VALUE: RGBColor = RGBColor(226, 226, 226);

/// Text and axes: softer than black, still at a contrast of 15 to 1 on white.
pub const INK: RGBColor = RGBColor(34, 34, 34);

impl ColourMap {
    /// Colour at `fraction` of the range, clamped to 0–1; NaN gives [`NO_VALUE`], or white where
    /// that is among the greys of the map.
    pub fn colour(self, fraction: f64) -> RGBColor {
        if fraction.is_nan() {
            return match self {
                Self::DimGrey => RGBColor(255, 255, 255),
                _ => NO_VALUE,
            };
        }
        match self {
            Self::Viridis => interpolate(&VIRIDIS, fraction),
            Self::Cividis => interpolate(&CIVIDIS, fraction),
            Self::Grey => interpolate(&[0x00_00_00, 0xff_ff_ff], fraction),
            Self::DimGrey => interpolate(&[0x30_30_30, 0xd8_d8_d8], fraction),
            Self::PaleGrey => interpolate(&[0x78_78_78, 0xff_ff_ff], fraction),
        }
    }

    /// Colour of `value` on a range `(low, high)`.
    pub fn of(self, value: f64, range: (f64, f64)) -> RGBColor {
        self.colour(share(value, range))
    }
}

/// Place of a value on a range, 0 at its low end and 1 at its high end.
pub(crate) fn share(value: f64, (low, high): (f64, f64)) -> f64 {
    let width = high - low;
    if width.is_finite() {
        (value - low) / width
    } else {
        // The widest ranges have a width in halves; the narrowest, of the smallest numbers, not.
        (value / 2.0 - low / 2.0) / (high / 2.0 - low / 2.0)
    }
}

fn interpolate(anchors: &[u32], fraction: f64) -> RGBColor {
    let position = fraction.clamp(0.0, 1.0) * (anchors.len() - 1) as f64;
    let index = (position as usize).min(anchors.len() - 2);
    let weight = position - index as f64;
    let channel = |shift: u32| {
        let low = f64::from(anchors[index] >> shift & 0xff);
        let high = f64::from(anchors[index + 1] >> shift & 0xff);
        (low + (high - low) * weight).round() as u8
    };
    RGBColor(channel(16), channel(8), channel(0))
}

/// Lightness L* of a colour under CIE 1976, 0 for black and 100 for white: what is left of
/// it on a grey printer.
pub fn lightness(RGBColor(red, green, blue): RGBColor) -> f64 {
    let linear = |channel: u8| {
        let c = f64::from(channel) / 255.0;
        if c <= 0.040_45 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    };
    let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
    if luminance <= 216.0 / 24_389.0 {
        luminance * 24_389.0 / 27.0
    } else {
        116.0 * luminance.cbrt() - 16.0
    }
}

// Every eighth entry of matplotlib's tables (CC0); linear interpolation between them stays
// within 5 of 255 of the full tables.
#[expect(
    clippy::unreadable_literal,
    reason = "colours are written as six digits"
)]
const VIRIDIS: [u32; 33] = [
    0x440154, 0x470d60, 0x48186a, 0x482374, 0x472d7b, 0x453781, 0x424086, 0x3e4989, 0x3b528b,
    0x375b8d, 0x33638d, 0x2f6b8e, 0x2c728e, 0x297a8e, 0x26828e, 0x23898e, 0x21918c, 0x1f988b,
    0x1fa088, 0x22a785, 0x28ae80, 0x32b67a, 0x3fbc73, 0x4ec36b, 0x5ec962, 0x70cf57, 0x84d44b,
    0x98d83e, 0xaddc30, 0xc2df23, 0xd8e219, 0xece51b, 0xfde725,
];
#[expect(
    clippy::unreadable_literal,
    reason = "colours are written as six digits"
)]
const CIVIDIS: [u32; 33] = [
    0x00224e, 0x00285b, 0x002e6a, 0x053371, 0x1a386f, 0x273e6e, 0x32436d, 0x3b496c, 0x434e6c,
    0x4b546c, 0x535a6d, 0x5a5f6e, 0x61656f, 0x686a71, 0x6f7073, 0x767676, 0x7d7c78, 0x848279,
    0x8c8878, 0x938e78, 0x9b9476, 0xa39a74, 0xaba072, 0xb4a76f, 0xbcae6c, 0xc4b468, 0xcdbb63,
    0xd5c25e, 0xdec958, 0xe7d150, 0xf0d846, 0xf9e03a, 0xfee838,
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Oracle: matplotlib's `viridis(0)`, `viridis(255)`, `cividis(0)`, `cividis(255)`.
    #[test]
    fn the_ends_are_matplotlibs() {
        assert_eq!(ColourMap::Viridis.colour(0.0), RGBColor(0x44, 0x01, 0x54));
        assert_eq!(ColourMap::Viridis.colour(1.0), RGBColor(0xfd, 0xe7, 0x25));
        assert_eq!(ColourMap::Cividis.colour(0.0), RGBColor(0x00, 0x22, 0x4e));
        assert_eq!(ColourMap::Cividis.colour(1.0), RGBColor(0xfe, 0xe8, 0x38));
        assert_eq!(ColourMap::Grey.colour(0.5), RGBColor(128, 128, 128));
    }

    #[test]
    fn values_beyond_the_range_take_the_ends_and_nan_is_no_value() {
        assert_eq!(ColourMap::Grey.of(7.0, (0.0, 1.0)), RGBColor(255, 255, 255));
        assert_eq!(ColourMap::Grey.of(-7.0, (0.0, 1.0)), RGBColor(0, 0, 0));
        assert_eq!(ColourMap::Viridis.of(f64::NAN, (0.0, 1.0)), NO_VALUE);
    }

    /// The reference points of CIE L*: black 0, white 100, mid-grey 119 at 50.03.
    #[test]
    fn lightness_has_the_known_values() {
        assert_eq!(lightness(RGBColor(0, 0, 0)), 0.0);
        assert!((lightness(RGBColor(255, 255, 255)) - 100.0).abs() < 1e-9);
        assert!((lightness(RGBColor(119, 119, 119)) - 50.03).abs() < 0.01);
    }

    #[test]
    fn every_map_gets_lighter_all_the_way() {
        for map in [
            ColourMap::Viridis,
            ColourMap::Cividis,
            ColourMap::Grey,
            ColourMap::DimGrey,
            ColourMap::PaleGrey,
        ] {
            let steps: Vec<f64> = (0..=32)
                .map(|i| lightness(map.colour(f64::from(i) / 32.0)))
                .collect();
            assert!(steps.windows(2).all(|w| w[1] > w[0]), "{map:?}: {steps:?}");
        }
    }
}
