//! Which X-ray lines are counted together, and their windows in a silicon detector.

use std::fmt;

use super::background::{Background, SignalRange};
use super::error::{LineOutsideAxis, ScalarizerError};
use super::ruler::Ruler;
use crate::lines::{self, Line};

/// Lines that are counted together.
#[derive(Clone, Debug, PartialEq)]
pub enum LineSet {
    /// `line:Pd-La`, `line:Pd-La+Pd-Lb1`: these, each once.
    Named(Vec<&'static Line>),
    /// `lines:Pd`: every line of the element with a weight of at least [`LineSet::WEIGHT`] that
    /// lies, with its background, on the axis.
    Element(&'static str),
}

impl LineSet {
    /// The least weight, relative to the α line of the family, of a line that counts without
    /// being named: weaker ones add more noise than counts.
    pub const WEIGHT: f64 = 0.05;

    /// The lines joined by `+`.
    pub(super) fn named(names: &str) -> Result<Self, ScalarizerError> {
        let mut named: Vec<&'static Line> = Vec::new();
        for name in names.split('+') {
            let line = lines::line(name)?;
            if !named.contains(&line) {
                named.push(line);
            }
        }
        Ok(Self::Named(named))
    }

    /// The lines of an element.
    pub(super) fn element(text: &str, symbol: &str) -> Result<Self, ScalarizerError> {
        match lines::of_element(symbol.trim()) {
            [first, ..] => Ok(Self::Element(first.element)),
            [] => Err(ScalarizerError::UnknownElement {
                text: text.to_owned(),
                accepted: lines::symbols().collect::<Vec<_>>().join(" "),
            }),
        }
    }

    /// Symbols of their elements, each once.
    pub fn elements(&self) -> Vec<&'static str> {
        match self {
            Self::Element(symbol) => vec![symbol],
            Self::Named(named) => {
                let mut symbols = Vec::new();
                for line in named {
                    if !symbols.contains(&line.element) {
                        symbols.push(line.element);
                    }
                }
                symbols
            }
        }
    }

    /// Where they lie on an energy axis in keV or eV.
    ///
    /// # Errors
    /// When the axis is no energy, does not cover a line that was named, or none of an element.
    pub(super) fn signal_ranges(
        &self,
        background: Background,
        ruler: &Ruler<'_>,
    ) -> Result<Vec<SignalRange>, ScalarizerError> {
        let per_kev = ruler.per_kev()?;
        let signal_range = |line: &Line| {
            let signal_range = signal_range(line, per_kev);
            ruler
                .covers(signal_range.needed(background))
                .then_some(signal_range)
        };
        match self {
            Self::Named(named) => named
                .iter()
                .map(|line| {
                    signal_range(line).ok_or_else(|| {
                        let needed = self::signal_range(line, per_kev).needed(background);
                        let others = lines::of_element(line.element).iter();
                        let others = others.filter(|other| signal_range(other).is_some());
                        let others: Vec<_> = others.map(ToString::to_string).collect();
                        ScalarizerError::LineOutsideAxis(Box::new(LineOutsideAxis {
                            scalarizer: ruler.scalarizer.clone(),
                            line: line.to_string(),
                            energy: ruler.place(line.energy_kev * per_kev),
                            needed: ruler.text(needed),
                            element: line.element,
                            accepted: match others.as_slice() {
                                [] => "no line".to_owned(),
                                others => others.join(", "),
                            },
                            axis: ruler.axis.name.clone(),
                            range: ruler.range_text(),
                        }))
                    })
                })
                .collect(),
            Self::Element(symbol) => {
                let counted = || {
                    let lines = lines::of_element(symbol).iter();
                    lines.filter(|line| line.weight >= Self::WEIGHT)
                };
                let signal_ranges: Vec<_> = counted().filter_map(signal_range).collect();
                if signal_ranges.is_empty() {
                    let lines: Vec<_> = counted()
                        .map(|line| format!("{line} at {}", ruler.place(line.energy_kev * per_kev)))
                        .collect();
                    return Err(ScalarizerError::ElementOutsideAxis {
                        scalarizer: ruler.scalarizer.clone(),
                        element: symbol,
                        lines: lines.join(", "),
                        axis: ruler.axis.name.clone(),
                        range: ruler.range_text(),
                    });
                }
                Ok(signal_ranges)
            }
        }
    }
}

impl fmt::Display for LineSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Named(named) => {
                let names: Vec<_> = named.iter().map(ToString::to_string).collect();
                write!(f, "line:{}", names.join("+"))
            }
            Self::Element(symbol) => write!(f, "lines:{symbol}"),
        }
    }
}

/// The windows of a line: E ± 1 FWHM holds 98 % of a Gaussian peak; the background is taken from
/// 1.5 to 2.5 FWHM on either side, where 0.04 % of it is left.
fn signal_range(line: &Line, per_kev: f64) -> SignalRange {
    let energy = line.energy_kev * per_kev;
    let fwhm = fwhm_kev(line.energy_kev) * per_kev;
    let range = |from: f64, to: f64| (energy + from * fwhm, energy + to * fwhm);
    SignalRange {
        signal: range(-1.0, 1.0),
        ends: range(-0.8, 0.8),
        below: range(-2.5, -1.5),
        above: range(1.5, 2.5),
    }
}

/// Full width at half maximum of a line in a silicon detector that has 130 eV at Mn Kα, in keV:
/// FWHM² = (130 eV)² + 2.5 eV (E − 5898.75 eV), where 2.5 eV = 8 ln 2 × Fano factor × energy
/// per electron-hole pair (Fiori & Newbury, SEM 1978/I, 401).
pub(super) fn fwhm_kev(energy_kev: f64) -> f64 {
    (0.130_f64.powi(2) + 2.5e-3 * (energy_kev - 5.898_75)).sqrt()
}
