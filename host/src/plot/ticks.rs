//! Round numbers: for axes, colour bars and scale bars.

/// Tick positions on an axis and how to write them.
#[derive(Clone, Debug, PartialEq)]
pub struct Ticks {
    /// Positions, in the units of the axis, ascending.
    pub values: Vec<f64>,
    /// One label a position.
    pub labels: Vec<String>,
    /// Power of ten taken out of the labels; to be named once, beside the units.
    pub exponent: i32,
    /// Subtracted from the labels before that; 0 unless the values hardly differ beside their
    /// size.
    pub offset: f64,
}

/// Digits beyond which the labels count from the first tick instead of from zero.
const MOST_DIGITS: i32 = 4;

/// Steps of an axis, more than any has.
const MOST_TICKS: usize = 64;

/// The power of ten by which numbers are to be multiplied before ticks between them are sought: a
/// multiple of three, as labels take out, and 0 where they need not be.
fn shift(low: f64, high: f64) -> i32 {
    let (span, largest) = (high - low, low.abs().max(high.abs()));
    if largest > 1e300 {
        -30
    } else if largest > 0.0 && (largest < 1e-280 || (span > 0.0 && span < 1e-280)) {
        60
    } else {
        0
    }
}

/// Leaves those out that are no larger than the one before: between numbers that hardly differ, a
/// round one may be that of its neighbour.
fn keep_rising(values: &mut Vec<f64>, labels: &mut Vec<String>) {
    let mut kept = 0;
    for i in 0..values.len() {
        if kept == 0 || values[i] > values[kept - 1] {
            values.swap(kept, i);
            labels.swap(kept, i);
            kept += 1;
        }
    }
    values.truncate(kept);
    labels.truncate(kept);
}

impl Ticks {
    /// Steps of 1, 2 or 5 times a power of ten between `low` and `high`, at most about
    /// `count` of them, for every pair of finite numbers; ends that are none have no ticks.
    ///
    /// An axis without extent gets its one value.
    pub fn new(low: f64, high: f64, count: usize) -> Self {
        if !low.is_finite() || !high.is_finite() {
            return Self {
                values: Vec::new(),
                labels: Vec::new(),
                exponent: 0,
                offset: 0.0,
            };
        }
        let shift = shift(low, high);
        if shift == 0 {
            return Self::within(low, high, count);
        }
        // Powers of ten are exact enough in the middle of the range of numbers alone.
        let factor = 10_f64.powi(shift);
        let moved = Self::within(low * factor, high * factor, count);
        let mut values: Vec<f64> = moved.values.iter().map(|value| value / factor).collect();
        let mut labels = moved.labels;
        if low < high {
            // Moved back, a value may be rounded to beyond an end.
            for value in &mut values {
                *value = value.clamp(low, high);
            }
            keep_rising(&mut values, &mut labels);
        } else {
            values = vec![low];
        }
        Self {
            values,
            labels,
            exponent: moved.exponent - shift,
            offset: moved.offset / factor,
        }
    }

    /// [`Self::new`] of numbers whose differences are far from both ends of what a number can be.
    fn within(low: f64, high: f64, count: usize) -> Self {
        let largest = low.abs().max(high.abs());
        if high <= low {
            let exponent = common_exponent(largest);
            return Self {
                values: vec![low],
                labels: vec![typeset(&format!("{:.3}", low / 10_f64.powi(exponent)))],
                exponent,
                offset: 0.0,
            };
        }
        // More would not be told apart, and their places not counted exactly.
        let count = count.clamp(1, MOST_TICKS);
        let (mantissa, power) = round_up((high - low) / count as f64);
        let step = mantissa * 10_f64.powi(power);
        // The tolerance keeps an end that is itself round, whatever its last bit.
        let first = (low / step - 1e-6).ceil() as i64;
        let last = (high / step + 1e-6).floor() as i64;
        let mut values: Vec<f64> = (first..=last).map(|i| i as f64 * step).collect();
        // Between numbers that hardly differ, a round one may be rounded to beyond an end.
        let slack = 1e-3 * step;
        values.retain(|value| (low - slack..=high + slack).contains(value));
        let digits = largest.log10().floor() as i32 - power;
        let (offset, exponent) = if digits > MOST_DIGITS {
            (round_below(low, high - low), common_exponent(high - low))
        } else {
            (0.0, common_exponent(largest))
        };
        let unit = 10_f64.powi(exponent);
        let decimals = (exponent - power).max(0) as usize;
        let labels = values
            .iter()
            .map(|value| typeset(&format!("{:.decimals$}", (value - offset) / unit)));
        let mut labels = labels.collect();
        keep_rising(&mut values, &mut labels);
        Self {
            values,
            labels,
            exponent,
            offset,
        }
    }

    /// Powers of ten from `low` to `high`, both positive, at most about `count` of them.
    pub fn decades(low: f64, high: f64, count: usize) -> Self {
        // Beyond, powers of ten are no longer numbers.
        let decade = |power: f64| power.clamp(-300.0, 300.0) as i32;
        let (first, last) = (
            decade((low.log10() - 1e-9).ceil()),
            decade((high.log10() + 1e-9).floor()),
        );
        let every = (last - first).max(0) as usize / count.max(1) + 1;
        let powers = (first..=last).step_by(every);
        let label = |power: i32| match power {
            0..=4 => format!("{}", 10_u32.pow(power.unsigned_abs())),
            -3..0 => format!("{:.*}", power.unsigned_abs() as usize, 10_f64.powi(power)),
            _ => format!("1e{}", typeset(&power.to_string())),
        };
        Self {
            values: powers.clone().map(|power| 10_f64.powi(power)).collect(),
            labels: powers.map(label).collect(),
            exponent: 0,
            offset: 0.0,
        }
    }

    /// `quantity (units)` with the power of ten the labels leave out.
    pub fn caption(&self, quantity: &str, units: &str) -> String {
        if self.offset != 0.0 {
            let sign = if self.offset < 0.0 { '+' } else { '\u{2212}' };
            let less = format!("{quantity} {sign} {}", plain(self.offset.abs()));
            return Self {
                offset: 0.0,
                ..self.clone()
            }
            .caption(&less, units);
        }
        match (units, self.exponent) {
            ("", 0) => quantity.to_owned(),
            (units, 0) => format!("{quantity} ({units})"),
            ("", exponent) => format!("{quantity} (1e{exponent})"),
            (units, exponent) => format!("{quantity} (1e{exponent} {units})"),
        }
    }
}

/// The last number no larger than `low` that has no digits below the leading one of `span`.
fn round_below(low: f64, span: f64) -> f64 {
    let power = span.log10().floor() as i32;
    let coarse = 10_f64.powi(power);
    let number = (low / coarse + 1e-6).floor() * coarse;
    // Through its decimal form, for binary fractions to leave no digits behind.
    let decimals = (-power).max(0) as usize;
    format!("{number:.decimals$}").parse().unwrap_or(number)
}

/// The shortest form that reads back to the same number, with an exponent when it is long.
fn plain(value: f64) -> String {
    let (decimal, scientific) = (format!("{value}"), format!("{value:e}"));
    if decimal.len() <= scientific.len().max(8) {
        decimal
    } else {
        scientific
    }
}

/// A proper minus sign, as wide as a digit.
fn typeset(number: &str) -> String {
    let is_zero = number.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    let magnitude = number.trim_start_matches('-');
    if number.starts_with('-') && !is_zero {
        format!("\u{2212}{magnitude}")
    } else {
        magnitude.to_owned()
    }
}

/// Labels of up to five digits are read at a glance; beyond, a multiple of three is taken out.
fn common_exponent(largest: f64) -> i32 {
    if largest == 0.0 || (1e-2..1e5).contains(&largest) || !largest.is_finite() {
        0
    } else {
        (largest.log10().floor() as i32).div_euclid(3) * 3
    }
}

/// The first tick no less than `high`, which is positive, of an axis from 0 with at most about
/// `count` of them.
pub(crate) fn ceiling(high: f64, count: usize) -> f64 {
    if !(1e-280..1e280).contains(&high) {
        return high;
    }
    let (mantissa, power) = round_up(high / count.max(1) as f64);
    let step = mantissa * 10_f64.powi(power);
    (high / step - 1e-6).ceil() * step
}

/// Smallest of 1, 2, 5 times a power of ten that is no less than `value`.
fn round_up(value: f64) -> (f64, i32) {
    let power = value.log10().floor() as i32;
    let fraction = value / 10_f64.powi(power);
    for mantissa in [1.0, 2.0, 5.0] {
        if fraction <= mantissa * (1.0 + 1e-9) {
            return (mantissa, power);
        }
    }
    (1.0, power + 1)
}

/// Largest of 1, 2, 5 times a power of ten that is no more than `value`.
fn round_down(value: f64) -> (u32, i32) {
    let power = value.log10().floor() as i32;
    let fraction = value / 10_f64.powi(power);
    for mantissa in [5, 2] {
        if fraction >= f64::from(mantissa) * (1.0 - 1e-9) {
            return (mantissa, power);
        }
    }
    (1, power)
}

/// Lengths of scale bars that are said without an exponent, before their units take a prefix.
const SAID_IN_DIGITS: std::ops::Range<f64> = 1e-15..1e15;

/// Length of a scale bar over a field of view and its label, such as `(20.0, "20 nm")`.
///
/// The length is 1, 2 or 5 times a power of ten, in the `units` of the field, and at most
/// `share` of it. Metric lengths are labelled with the prefix that leaves 1 to 500, so that
/// data calibrated in metres reads `20 nm`, not `0.00000002 m`.
pub fn scale_bar(field: f64, share: f64, units: &str) -> (f64, String) {
    const PREFIXES: [(&str, i32); 5] = [("pm", -12), ("nm", -9), ("µm", -6), ("mm", -3), ("m", 0)];
    let (mantissa, power) = round_down(field.abs() * share);
    let length = f64::from(mantissa) * 10_f64.powi(power);
    if !SAID_IN_DIGITS.contains(&length) {
        return (length, format!("{mantissa}e{power} {units}"));
    }
    // Micro has two code points and a plain stand-in; files use all three.
    let plain = match units {
        "um" | "μm" => "µm",
        other => other,
    };
    let Some(&(_, unit_power)) = PREFIXES.iter().find(|(unit, _)| *unit == plain) else {
        let decimals = (-power).max(0) as usize;
        return (length, format!("{length:.decimals$} {units}"));
    };
    let total = power + unit_power;
    let (prefix, prefix_power) = PREFIXES
        .iter()
        .rev()
        .find(|(_, p)| *p <= total)
        .unwrap_or(&PREFIXES[0]);
    let shown = total - prefix_power;
    let value = f64::from(mantissa) * 10_f64.powi(shown);
    let decimals = (-shown).max(0) as usize;
    (length, format!("{value:.decimals$} {prefix}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_pair_of_finite_numbers_has_ticks(
            a in any::<u64>(),
            b in any::<u64>(),
            near in 0_u64..50,
            is_near in any::<bool>(),
            count in 0_usize..200,
        ) {
            let a = f64::from_bits(a);
            let b = if is_near {
                f64::from_bits(a.to_bits().wrapping_add(near))
            } else {
                f64::from_bits(b)
            };
            prop_assume!(a.is_finite() && b.is_finite());
            check(a.min(b), a.max(b), count);
            let (a, b) = (a.abs(), b.abs());
            let decades = Ticks::decades(a.min(b), a.max(b), count);
            prop_assert!(decades.values.iter().all(|value| value.is_finite() && *value > 0.0));
            prop_assert!(ceiling(a, count).is_finite());
            prop_assert!(scale_bar(b, 0.25, "nm").1.len() < 24);
        }
    }

    /// Ticks are few, rise, lie between the ends as far as the tolerance goes, and can be read.
    fn check(low: f64, high: f64, count: usize) {
        let ticks = Ticks::new(low, high, count);
        let told = format!("{low:e} to {high:e} by {count}: {ticks:?}");
        assert_eq!(ticks.values.len(), ticks.labels.len(), "{told}");
        assert!(ticks.values.len() <= 2 * MOST_TICKS, "{told}");
        assert!(
            ticks.values.windows(2).all(|pair| pair[0] < pair[1]),
            "{told}"
        );
        let slack = (high / 2.0 - low / 2.0) / 10.0 + f64::from_bits(1);
        for (value, label) in ticks.values.iter().zip(&ticks.labels) {
            assert!(value.is_finite(), "{told}");
            assert!(
                low / 2.0 - slack <= value / 2.0 && value / 2.0 <= high / 2.0 + slack,
                "{told}"
            );
            assert!(
                label.len() < 16 && label.chars().all(|c| "\u{2212}.0123456789".contains(c)),
                "{told}"
            );
        }
        assert!(ticks.offset.is_finite(), "{told}");
    }

    #[test]
    fn ranges_at_both_ends_of_what_a_number_can_be_have_ticks() {
        let least = f64::from_bits(1);
        for (low, high) in [
            (0.0, least),
            (0.0, 7e-320),
            (-3e-320, 9e-320),
            (1e-308, 2e-308),
            (least, least),
            (0.0, f64::MAX),
            (f64::MIN, f64::MAX),
            (f64::MAX, f64::MAX),
            (f64::MIN, 0.0),
            (1e17, 1e17 + 16.0),
            (0.0, 0.0),
        ] {
            for count in [0, 1, 5, usize::MAX] {
                check(low, high, count);
            }
        }
        let ticks = Ticks::new(0.0, 9e-320, 5);
        assert_eq!(ticks.labels, ["0", "20", "40", "60", "80"]);
        assert_eq!(ticks.exponent, -321);
        let ticks = Ticks::new(f64::MIN, f64::MAX, 5);
        assert_eq!(ticks.labels, ["\u{2212}100", "0", "100"]);
        assert_eq!(ticks.exponent, 306);
        assert_eq!(Ticks::new(f64::NAN, 1.0, 3).values, [0.0; 0]);
        assert_eq!(Ticks::new(0.0, f64::INFINITY, 3).values, [0.0; 0]);
        assert_eq!(scale_bar(1e-200, 0.25, "nm").1, "2e-201 nm");
    }

    #[test]
    fn ticks_are_round_and_inside() {
        let ticks = Ticks::new(0.0, 1.0, 5);
        assert_eq!(ticks.labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(
            Ticks::new(0.0, 300.0, 6).labels,
            ["0", "50", "100", "150", "200", "250", "300"]
        );
        assert_eq!(
            Ticks::new(-0.13, 0.12, 3).labels,
            ["\u{2212}0.1", "0.0", "0.1"]
        );
        assert_eq!(Ticks::new(3.0, 3.0, 4).values, [3.0]);
    }

    #[test]
    fn large_and_small_numbers_share_an_exponent() {
        let counts = Ticks::new(0.0, 2.4e6, 4);
        assert_eq!((counts.labels[1].as_str(), counts.exponent), ("1", 6));
        assert_eq!(counts.caption("Pd Lα", "counts"), "Pd Lα (1e6 counts)");
        let volts = Ticks::new(1e-4, 9e-4, 4);
        assert_eq!((volts.labels[0].as_str(), volts.exponent), ("200", -6));
        assert_eq!(Ticks::new(0.0, 5.0, 5).caption("HAADF", ""), "HAADF");
    }

    #[test]
    fn small_differences_on_a_large_offset_keep_short_labels() {
        let ticks = Ticks::new(1e6, 1e6 + 1.0, 5);
        assert_eq!(ticks.labels, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(ticks.caption("counts", ""), "counts \u{2212} 1000000");
        let ticks = Ticks::new(-1.0, -1.0 + 5.9e-9, 3);
        assert_eq!(ticks.labels, ["0", "2", "4"]);
        assert_eq!(ticks.caption("U", "V"), "U + 1 (1e-9 V)");
        assert_eq!(Ticks::new(999.0, 1000.0, 5).offset, 0.0);
    }

    #[test]
    fn decades_are_written_out_as_far_as_they_are_read_at_a_glance() {
        let ticks = Ticks::decades(1e-2, 1e3, 8);
        assert_eq!(ticks.labels, ["0.01", "0.1", "1", "10", "100", "1000"]);
        assert_eq!(
            Ticks::decades(1e-8, 1e-2, 3).labels,
            ["1e\u{2212}8", "1e\u{2212}5", "0.01"]
        );
    }

    #[test]
    fn scale_bars_are_1_2_or_5_and_carry_a_fitting_prefix() {
        assert_eq!(scale_bar(92.76, 0.25, "nm"), (20.0, "20 nm".to_owned()));
        assert_eq!(scale_bar(4.0, 0.25, "um"), (1.0, "1 µm".to_owned()));
        assert_eq!(scale_bar(2.0, 0.25, "µm"), (0.5, "500 nm".to_owned()));
        assert_eq!(scale_bar(5e-7, 0.25, "m").1, "100 nm");
        assert_eq!(scale_bar(20_000.0, 0.25, "nm").1, "5 µm");
        assert_eq!(scale_bar(1.3, 0.25, "Å").1, "0.2 Å");
        assert_eq!(scale_bar(1.3, 0.25, "pm").1, "0.2 pm");
    }
}
