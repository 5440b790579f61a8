//! Numbers as they are read: four digits, whatever the magnitude.

/// Four significant digits; with an exponent below 0.001 and from 100 000 on.
pub fn significant(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let magnitude = value.abs().log10().floor();
    if (-3.0..5.0).contains(&magnitude) {
        let decimals = (3.0 - magnitude).max(0.0) as usize;
        format!("{value:.decimals$}")
    } else {
        format!("{value:.3e}")
    }
}

/// Mean and standard deviation, the latter with two digits where there is one; to at most four
/// decimals.
pub(crate) fn with_deviation(mean: f64, sd: Option<f64>) -> String {
    let number = |value: f64| match value {
        0.0 => "0".to_owned(),
        value => significant(value),
    };
    let text = match sd.filter(|sd| sd.is_finite()) {
        _ if !mean.is_finite() => "unknown".to_owned(),
        None => number(mean),
        Some(sd) => {
            let decimals = 1.0 - sd.log10().floor();
            if (1e-3..1e5).contains(&mean.abs()) && (0.0..=4.0).contains(&decimals) {
                let decimals = decimals as usize;
                format!("{mean:.decimals$} ± {sd:.decimals$}")
            } else if sd > 0.0 {
                format!("{} ± {sd:.1e}", number(mean))
            } else {
                format!("{} ± 0", number(mean))
            }
        }
    };
    // A line is never broken behind a minus sign, as it is behind a hyphen.
    text.replace('-', "\u{2212}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_digits_are_shown_whatever_the_magnitude() {
        for (value, text) in [
            (0.041_234, "0.04123"),
            (153.27, "153.3"),
            (1.5e-12, "1.500e-12"),
            (7.784e29, "7.784e29"),
            (0.0, "0"),
        ] {
            assert_eq!(significant(value), text);
        }
    }

    #[test]
    fn a_deviation_is_shown_where_there_is_one() {
        assert_eq!(with_deviation(0.975, Some(0.0123)), "0.975 ± 0.012");
        assert_eq!(with_deviation(153.2, Some(7.77)), "153.2 ± 7.8");
        assert_eq!(with_deviation(1.0, Some(0.0)), "1.000 ± 0");
        assert_eq!(with_deviation(1e-12, Some(2e-13)), "1.000e−12 ± 2.0e−13");
        assert_eq!(with_deviation(0.9999, Some(1.2e-5)), "0.9999 ± 1.2e−5");
        assert_eq!(with_deviation(0.0, None), "0");
        assert_eq!(with_deviation(0.5, Some(f64::NAN)), "0.5000");
        assert_eq!(with_deviation(f64::NAN, Some(1.0)), "unknown");
    }
}
