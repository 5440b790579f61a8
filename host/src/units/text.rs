//! Quantities as people write them: `500ms`, `1nA`, `2h30m`, `20 nm`.

/// A text that is no such quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{}` is no {what}; expected {accepted}", shortened(text))]
pub struct QuantityError {
    /// The text.
    pub text: String,
    /// What it should be.
    pub what: &'static str,
    /// What would be accepted.
    pub accepted: &'static str,
}

/// Letters of a text that a message repeats as a whole.
const LEGIBLE: usize = 60;

/// A text as a message repeats it: its beginning, where it is so long that nobody would read it.
pub(crate) fn shortened(text: &str) -> std::borrow::Cow<'_, str> {
    let letters = text.chars().count();
    if letters <= LEGIBLE {
        return text.into();
    }
    // A number says as much with an exponent.
    if let Some(number) = text.parse::<f64>().ok().filter(|number| number.is_finite()) {
        return format!("{number:e}").into();
    }
    let begin: String = text.chars().take(LEGIBLE / 2).collect();
    format!("{begin}… ({letters} letters)").into()
}

/// Refuses a bare number of seconds above the most that it may be, which is so much more `than` what there was:
/// it may be meant in ms.
///
/// # Errors
/// What would be accepted.
pub(crate) fn sure_of_seconds(
    name: &str,
    text: &str,
    seconds: f64,
    (most, than): (f64, &str),
) -> Result<(), String> {
    let text = text.trim();
    if text.parse::<f64>().is_ok() && seconds > most {
        return Err(format!(
            "{name} is {text}, which is in seconds and more than {than}; expected it with its unit, as in \
             {text}ms or {text}s"
        ));
    }
    Ok(())
}

/// How large a unit is beside the base unit. Parts are divided by a whole number, which rounds once.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Size {
    Times(f64),
    Part(f64),
}

use Size::{Part, Times};

impl Size {
    fn of(self, number: f64) -> f64 {
        match self {
            Times(factor) => number * factor,
            Part(parts) => number / parts,
        }
    }

    fn undone(self, number: f64) -> f64 {
        match self {
            Times(factor) => number / factor,
            Part(parts) => number * parts,
        }
    }
}

/// A kind of quantity, and how it is written.
#[derive(Clone, Copy, Debug)]
pub struct Kind {
    what: &'static str,
    units: &'static [(&'static str, Size)],
    /// The unit of a number without one; `None` where it needs one.
    bare: Option<&'static str>,
    /// The unit that numbers are read in.
    read_in: &'static str,
    accepted: &'static str,
}

/// Charge of a C in electrons.
const COULOMB: f64 = 1.0 / super::ELECTRON;

impl Kind {
    /// A time that needs a unit, in seconds.
    pub const TIME: Self = Self {
        what: "time",
        units: &[
            ("ns", Part(1e9)),
            ("us", Part(1e6)),
            ("µs", Part(1e6)),
            ("μs", Part(1e6)),
            ("ms", Part(1e3)),
            ("s", Times(1.0)),
            ("min", Times(60.0)),
            ("m", Times(60.0)),
            ("h", Times(3600.0)),
            ("d", Times(86_400.0)),
        ],
        bare: None,
        read_in: "s",
        accepted: "a number with its unit, as in 500ms, 90s, 45m, 8h or 2h30m",
    };
    /// A time, in seconds where it has no unit.
    pub const SECONDS: Self = Self {
        bare: Some("s"),
        accepted: "a time in seconds, or with its unit, as in 0.5, 500ms or 2m",
        ..Self::TIME
    };
    /// A time in µs, also where it has no unit.
    pub const MICROSECONDS: Self = Self {
        bare: Some("us"),
        read_in: "us",
        accepted: "a time in µs, or with its unit, as in 50, 50us or 2ms",
        ..Self::TIME
    };
    /// A time in ms, also where it has no unit.
    pub const MILLISECONDS: Self = Self {
        bare: Some("ms"),
        read_in: "ms",
        accepted: "a time in ms, or with its unit, as in 50, 50ms or 2s",
        ..Self::TIME
    };
    /// A current in pA, also where it has no unit.
    pub const PICOAMPERES: Self = Self {
        what: "current",
        units: &[
            ("fA", Part(1e3)),
            ("pA", Times(1.0)),
            ("nA", Times(1e3)),
            ("uA", Times(1e6)),
            ("µA", Times(1e6)),
            ("μA", Times(1e6)),
            ("mA", Times(1e9)),
        ],
        bare: Some("pA"),
        read_in: "pA",
        accepted: "a current in pA, or with its unit, as in 50, 50pA or 1nA",
    };
    /// A number of electrons.
    pub const ELECTRONS: Self = Self {
        what: "dose",
        units: &[
            ("e", Times(1.0)),
            ("e-", Times(1.0)),
            ("e⁻", Times(1.0)),
            ("electrons", Times(1.0)),
            ("pC", Times(1e-12 * COULOMB)),
            ("nC", Times(1e-9 * COULOMB)),
            ("uC", Times(1e-6 * COULOMB)),
            ("µC", Times(1e-6 * COULOMB)),
            ("μC", Times(1e-6 * COULOMB)),
        ],
        bare: Some("e"),
        read_in: "e",
        accepted: "a number of electrons above 0, or a charge, as in 1e11, 1e11e or 16nC",
    };
    /// Electrons per Å².
    pub const ELECTRONS_PER_SQUARE_ANGSTROM: Self = Self {
        what: "dose per area",
        units: &[
            ("e/A2", Times(1.0)),
            ("e/A^2", Times(1.0)),
            ("e/Å2", Times(1.0)),
            ("e/Å^2", Times(1.0)),
            ("e/Å²", Times(1.0)),
            ("e/nm2", Part(100.0)),
            ("e/nm^2", Part(100.0)),
            ("e/nm²", Part(100.0)),
        ],
        bare: Some("e/A2"),
        read_in: "e/A2",
        accepted: "electrons per Å², or a number with its unit, as in 1e4, 1e4e/A2 or 1e6e/nm2",
    };

    /// What is accepted, for whoever names the text himself.
    pub fn accepted(&self) -> &'static str {
        self.accepted
    }

    /// Reads a quantity, in the unit of the kind. Several numbers with units add up, as in `2h30m`; nothing
    /// is below 0.
    ///
    /// # Errors
    /// When the text is none, with what would be accepted.
    pub fn read(&self, text: &str) -> Result<f64, QuantityError> {
        self.sum(text).ok_or_else(|| QuantityError {
            text: text.to_owned(),
            what: self.what,
            accepted: self.accepted,
        })
    }

    fn sum(&self, text: &str) -> Option<f64> {
        let mut rest = text.trim();
        let (mut sum, mut parts) = (0.0, 0);
        let mut before: Vec<f64> = Vec::new();
        while !rest.is_empty() {
            let (number, behind) = number(rest)?;
            if number < 0.0 {
                return None;
            }
            let (unit, after) = unit(behind);
            let size = match unit {
                // A number without a unit stands alone.
                "" if parts == 0 && after.is_empty() => self.size(self.bare?)?,
                unit => self.size(unit)?,
            };
            // A unit twice, by whatever name, is a slip.
            let of_one = size.of(1.0);
            if before.contains(&of_one) {
                return None;
            }
            before.push(of_one);
            sum += size.of(number);
            parts += 1;
            rest = after;
        }
        let read = self.size(self.read_in)?.undone(sum);
        (parts > 0 && read.is_finite()).then_some(read)
    }

    fn size(&self, unit: &str) -> Option<Size> {
        let mut units = self.units.iter();
        units.find(|(name, _)| *name == unit).map(|(_, size)| *size)
    }

    /// As [`Self::read`], for a whole number of the unit of the kind.
    ///
    /// # Errors
    /// As [`Self::read`], and when the number is not whole or too large.
    pub fn read_whole<N: TryFrom<u64>>(&self, text: &str) -> Result<N, QuantityError> {
        // Beyond, not every whole number is a float.
        const MOST: f64 = 9_007_199_254_740_992.0;
        let wrong = || QuantityError {
            text: text.to_owned(),
            what: "whole number of this unit, or it is too large",
            accepted: self.accepted,
        };
        let number = self.read(text)?;
        let whole = number.round();
        if (number - whole).abs() > 1e-9 * whole.max(1.0) || whole > MOST {
            return Err(wrong());
        }
        N::try_from(whole as u64).map_err(|_| wrong())
    }
}

/// The number at the beginning of a text, and what stands behind it.
fn number(text: &str) -> Option<(f64, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = usize::from(text.starts_with(['+', '-']));
    let mut end = sign + digits(&text[sign..]);
    if text[end..].starts_with('.') && !text[end..].starts_with("..") {
        end += 1 + digits(&text[end + 1..]);
    }
    // An e without a number behind it is a unit.
    if text[end..].starts_with(['e', 'E']) {
        let signed = 1 + usize::from(text[end + 1..].starts_with(['+', '-']));
        let exponent = digits(&text[end + signed..]);
        if exponent > 0 {
            end += signed + exponent;
        }
    }
    let number: f64 = text[..end].parse().ok()?;
    number.is_finite().then_some((number, &text[end..]))
}

/// The unit behind a number, and what follows: the next number, but for the power of a unit such as `nm2`.
fn unit(behind: &str) -> (&str, &str) {
    let behind = behind.trim();
    let digit = |c: char| c.is_ascii_digit();
    let from = if behind.starts_with("e/") {
        behind.len()
    } else {
        behind.find(digit).unwrap_or(behind.len())
    };
    let (unit, after) = behind.split_at(from);
    (unit.trim(), after)
}

/// A unit of the axis of spectra, as a bound may be written in: `2.7keV`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisUnit {
    /// Energies, in eV.
    ElectronVolt,
    /// Voltages, in V.
    Volt,
    /// Lengths, in nm.
    Nanometre,
    /// Times, in s.
    Second,
}

const AXIS_UNITS: [(&str, AxisUnit, Size); 17] = [
    ("meV", AxisUnit::ElectronVolt, Part(1e3)),
    ("eV", AxisUnit::ElectronVolt, Times(1.0)),
    ("keV", AxisUnit::ElectronVolt, Times(1e3)),
    ("mV", AxisUnit::Volt, Part(1e3)),
    ("V", AxisUnit::Volt, Times(1.0)),
    ("kV", AxisUnit::Volt, Times(1e3)),
    ("pm", AxisUnit::Nanometre, Part(1e3)),
    ("Å", AxisUnit::Nanometre, Part(10.0)),
    ("nm", AxisUnit::Nanometre, Times(1.0)),
    ("um", AxisUnit::Nanometre, Times(1e3)),
    ("µm", AxisUnit::Nanometre, Times(1e3)),
    ("μm", AxisUnit::Nanometre, Times(1e3)),
    ("m", AxisUnit::Nanometre, Times(1e9)),
    ("us", AxisUnit::Second, Part(1e6)),
    ("µs", AxisUnit::Second, Part(1e6)),
    ("ms", AxisUnit::Second, Part(1e3)),
    ("s", AxisUnit::Second, Times(1.0)),
];

fn axis_unit(name: &str) -> Option<(AxisUnit, Size)> {
    let mut units = AXIS_UNITS.iter();
    let (_, unit, size) = units.find(|(known, ..)| *known == name.trim())?;
    Some((*unit, *size))
}

impl AxisUnit {
    /// The name of the unit that bounds are kept in.
    pub fn name(self) -> &'static str {
        match self {
            Self::ElectronVolt => "eV",
            Self::Volt => "V",
            Self::Nanometre => "nm",
            Self::Second => "s",
        }
    }

    /// Reads two bounds. The numbers are as written where neither has a unit, else in the unit that bounds
    /// are kept in; the first may leave its unit to the second. `None` where they are none, or of two kinds.
    pub fn bounds(low: &str, high: &str) -> Option<((f64, f64), Option<Self>)> {
        let read = |text: &str| {
            let (value, behind) = number(text.trim()).map(|(n, b)| (n, b.trim().to_owned()))?;
            if behind.is_empty() {
                return Some((value, None));
            }
            Some((value, Some(axis_unit(&behind)?)))
        };
        let ((low, of_low), (high, of_high)) = (read(low)?, read(high)?);
        let Some((unit, size)) = of_high else {
            return of_low.is_none().then_some(((low, high), None));
        };
        let (unit_of_low, size_of_low) = of_low.unwrap_or((unit, size));
        let bounds = (size_of_low.of(low), size.of(high));
        (unit_of_low == unit).then_some((bounds, Some(unit)))
    }

    /// A bound on an axis with these units; `None` where these are of another kind.
    pub fn on_axis(self, bound: f64, units: &str) -> Option<f64> {
        let (unit, size) = axis_unit(units)?;
        (unit == self).then(|| size.undone(bound))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_with_their_units() {
        for (kind, text, value) in [
            (Kind::TIME, "90s", 90.0),
            (Kind::TIME, "45m", 2700.0),
            (Kind::TIME, "45 min", 2700.0),
            (Kind::TIME, "1.5h", 5400.0),
            (Kind::TIME, "2 s", 2.0),
            (Kind::TIME, "500ms", 0.5),
            (Kind::TIME, "2h30m", 9000.0),
            (Kind::TIME, "1d 2h 3m 4s", 93_784.0),
            (Kind::SECONDS, "0.5", 0.5),
            (Kind::SECONDS, "1e-3", 1e-3),
            (Kind::SECONDS, "250us", 2.5e-4),
            (Kind::SECONDS, "250µs", 2.5e-4),
            (Kind::MICROSECONDS, "50", 50.0),
            (Kind::MICROSECONDS, "2ms", 2000.0),
            (Kind::MILLISECONDS, "3 s", 3000.0),
            (Kind::PICOAMPERES, "1nA", 1000.0),
            (Kind::PICOAMPERES, "50 pA", 50.0),
            (Kind::PICOAMPERES, "20", 20.0),
            (Kind::ELECTRONS, "1e11", 1e11),
            (Kind::ELECTRONS, "1e11e", 1e11),
            (Kind::ELECTRONS, "2e", 2.0),
            (Kind::ELECTRONS_PER_SQUARE_ANGSTROM, "1e4", 1e4),
            (Kind::ELECTRONS_PER_SQUARE_ANGSTROM, "1e4e/Å²", 1e4),
            (Kind::ELECTRONS_PER_SQUARE_ANGSTROM, "1e6 e/nm2", 1e4),
        ] {
            assert_eq!(kind.read(text), Ok(value), "{text}");
        }
        // 1 C is 6.241509e18 elementary charges (SI, 2019).
        let charge = Kind::ELECTRONS.read("1nC").unwrap();
        assert!((charge / 6.241_509_074e9 - 1.0).abs() < 1e-9);
        assert_eq!(Kind::MICROSECONDS.read_whole("2ms"), Ok(2000_u32));
    }

    #[test]
    fn what_is_no_quantity_is_named_with_what_would_be_accepted() {
        for (kind, wrong) in [
            (Kind::TIME, ""),
            (Kind::TIME, "8"),
            (Kind::TIME, "m"),
            (Kind::TIME, "-3h"),
            (Kind::TIME, "1h-3m"),
            (Kind::TIME, "2h30"),
            (Kind::TIME, "1h1h"),
            (Kind::TIME, "3m1h2min"),
            (Kind::ELECTRONS, "1e9e 1e9electrons"),
            (Kind::TIME, "8 hours or so"),
            (Kind::TIME, "nan"),
            (Kind::TIME, "infh"),
            (Kind::TIME, "1e400s"),
            (Kind::SECONDS, "1nA"),
            (Kind::SECONDS, "1 2"),
            (Kind::PICOAMPERES, "1s"),
            (Kind::ELECTRONS, "1e11e/A2"),
            (Kind::ELECTRONS_PER_SQUARE_ANGSTROM, "1e4e/m2"),
        ] {
            let refused = kind.read(wrong).unwrap_err();
            assert_eq!(refused.text, wrong);
            assert!(refused.to_string().contains("; expected "), "{refused}");
        }
        assert_eq!(shortened(&"1".repeat(300)), format!("{:e}", 1e300 / 9.0));
        let refused = Kind::TIME.read(&"x".repeat(300)).unwrap_err().to_string();
        assert!(refused.starts_with(&format!("`{}… (300 letters)` is no time", "x".repeat(30))));
        for wrong in ["0.5us", "1.5", "5000s"] {
            let read = Kind::MICROSECONDS.read_whole::<u32>(wrong);
            assert!(read.is_err(), "{wrong}");
        }
    }

    #[test]
    fn bounds_are_converted_to_the_units_of_their_axis() {
        let energies = ((2700.0, 3000.0), Some(AxisUnit::ElectronVolt));
        for (low, high) in [("2.7 keV", "3keV"), ("2700eV", "3keV"), ("2.7", "3 keV")] {
            assert_eq!(AxisUnit::bounds(low, high), Some(energies), "{low}, {high}");
        }
        assert_eq!(AxisUnit::ElectronVolt.on_axis(2700.0, "keV"), Some(2.7));
        assert_eq!(AxisUnit::ElectronVolt.on_axis(2700.0, "eV"), Some(2700.0));
        assert_eq!(AxisUnit::ElectronVolt.on_axis(2700.0, "V"), None);
        assert_eq!(AxisUnit::bounds("2.7", "3"), Some(((2.7, 3.0), None)));
        for (low, high) in [("2.7keV", "3"), ("2.7 furlongs", "3"), ("1V", "2eV")] {
            assert_eq!(AxisUnit::bounds(low, high), None, "{low}, {high}");
        }
    }
}
