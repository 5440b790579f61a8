//! How scalarizers are written and read.

use std::fmt;
use std::str::FromStr;

use super::{Background, Component, LineSet, Scalarizer, ScalarizerError};
use crate::units::AxisUnit;

impl FromStr for Scalarizer {
    type Err = ScalarizerError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        if let Some(component) = text.strip_prefix("component:") {
            let component = Component::read(component).map(Self::Component);
            return component.ok_or_else(|| ScalarizerError::Components(text.to_owned()));
        }
        let (how, chosen) = match text.split_once('@') {
            None => (text, None),
            Some((how, name)) => match Background::named(name.trim()) {
                Some(background) => (how.trim(), Some(background)),
                None => return Err(ScalarizerError::Background(text.to_owned())),
            },
        };
        let scalarizer = parse(text, how)?;
        match (scalarizer, chosen) {
            (scalarizer, None) => Ok(scalarizer),
            (Self::Window { low, high, .. }, Some(background)) => Ok(Self::Window {
                low,
                high,
                background,
            }),
            (Self::InUnit { unit, of }, Some(background)) => match *of {
                Self::Window { low, high, .. } => Ok(in_unit(
                    Some(unit),
                    Self::Window {
                        low,
                        high,
                        background,
                    },
                )),
                _ => Err(ScalarizerError::Background(text.to_owned())),
            },
            (Self::Lines { lines, .. }, Some(background)) => Ok(Self::Lines { lines, background }),
            _ => Err(ScalarizerError::Background(text.to_owned())),
        }
    }
}

/// What stands before the `@` of the whole text, with the background that it has by default.
fn parse(text: &str, how: &str) -> Result<Scalarizer, ScalarizerError> {
    let unknown = || ScalarizerError::Unknown(text.to_owned());
    let Some((kind, rest)) = how.split_once(':') else {
        return match how {
            "sum" => Ok(Scalarizer::Sum),
            "loop-height" => Ok(Scalarizer::LoopHeight),
            "loop-area" => Ok(Scalarizer::LoopArea),
            "nucleation-positive" => Ok(Scalarizer::NucleationPositive),
            "nucleation-negative" => Ok(Scalarizer::NucleationNegative),
            _ => Err(unknown()),
        };
    };
    let bounds = |example| {
        range(rest).ok_or_else(|| ScalarizerError::Bounds {
            text: text.to_owned(),
            kind: kind.to_owned(),
            example,
        })
    };
    let of_lines = |lines| Scalarizer::Lines {
        lines,
        background: Background::TwoWindow,
    };
    match kind {
        "line" => LineSet::named(rest).map(of_lines),
        "lines" => LineSet::element(text, rest).map(of_lines),
        "window" => {
            let ((low, high), unit) = bounds("window:2.7..3.0")?;
            let background = Background::None;
            Ok(in_unit(
                unit,
                Scalarizer::Window {
                    low,
                    high,
                    background,
                },
            ))
        }
        "plasmon-energy" => {
            let ((low, high), unit) = bounds("plasmon-energy:10..20")?;
            Ok(in_unit(unit, Scalarizer::PlasmonEnergy { low, high }))
        }
        "plasmon-height" => {
            let ((low, high), unit) = bounds("plasmon-height:10..20")?;
            Ok(in_unit(unit, Scalarizer::PlasmonHeight { low, high }))
        }
        "eels" => edge(rest).ok_or_else(|| ScalarizerError::EdgeBounds(text.to_owned())),
        _ => Err(unknown()),
    }
}

/// The scalarizer with its bounds in a unit, where they are in one.
fn in_unit(unit: Option<AxisUnit>, of: Scalarizer) -> Scalarizer {
    match unit {
        Some(unit) => Scalarizer::InUnit {
            unit,
            of: Box::new(of),
        },
        None => of,
    }
}

/// `LO..HI` with two finite numbers that rise, and the unit that they are in, if they have one.
fn range(text: &str) -> Option<((f64, f64), Option<AxisUnit>)> {
    let (low, high) = text.split_once("..")?;
    AxisUnit::bounds(low, high).filter(|((low, high), _)| low < high)
}

/// `LO..HI` or `LO..HI,LO..HI`, the second window before the first, all above zero.
fn edge(text: &str) -> Option<Scalarizer> {
    let (signal, fit) = match text.split_once(',') {
        None => (range(text)?, None),
        Some((signal, fit)) => (range(signal)?, Some(range(fit)?)),
    };
    let unit = signal.1;
    if fit.is_some_and(|fit| fit.1 != unit) {
        return None;
    }
    let (signal, fit) = (signal.0, fit.map(|fit| fit.0));
    let starts = fit.map_or(signal.0, |fit| fit.0);
    let in_order = fit.is_none_or(|fit| fit.1 <= signal.0);
    (starts > 0.0 && in_order).then(|| in_unit(unit, Scalarizer::Edge { signal, fit }))
}

impl fmt::Display for Scalarizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scalarizer, unit) = match self {
            Self::InUnit { unit, of } => (of.as_ref(), unit.name()),
            other => (other, ""),
        };
        let (usual, background) = match scalarizer {
            // Bounds have one unit.
            Self::InUnit { of, .. } => return of.fmt(f),
            Self::Window {
                low,
                high,
                background,
            } => {
                write!(f, "window:{low}{unit}..{high}{unit}")?;
                (Background::None, *background)
            }
            Self::Lines { lines, background } => {
                write!(f, "{lines}")?;
                (Background::TwoWindow, *background)
            }
            Self::Edge { signal, fit } => {
                write!(f, "eels:{}{unit}..{}{unit}", signal.0, signal.1)?;
                return match fit {
                    Some((low, high)) => write!(f, ",{low}{unit}..{high}{unit}"),
                    None => Ok(()),
                };
            }
            Self::PlasmonEnergy { low, high } => {
                return write!(f, "plasmon-energy:{low}{unit}..{high}{unit}");
            }
            Self::PlasmonHeight { low, high } => {
                return write!(f, "plasmon-height:{low}{unit}..{high}{unit}");
            }
            Self::Component(component) => return component.fmt(f),
            Self::Sum => return f.write_str("sum"),
            Self::LoopHeight => return f.write_str("loop-height"),
            Self::LoopArea => return f.write_str("loop-area"),
            Self::NucleationPositive => return f.write_str("nucleation-positive"),
            Self::NucleationNegative => return f.write_str("nucleation-negative"),
        };
        if background == usual {
            Ok(())
        } else {
            write!(f, "@{background}")
        }
    }
}
