//! Files that hold several arrays by name: which one is meant.

use super::array::{is_candidate, squeezed};
use super::error::DatasetError;
use super::{Wanted, plain, shape_text};

/// An array of a file as it is chosen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    /// Its name, which others may have as well, or none.
    pub(super) name: String,
    /// Number of values along each dimension.
    pub(super) shape: Vec<usize>,
    /// Whether it is a part of another, which nobody means who does not name it.
    pub(super) is_part: bool,
}

impl Named {
    pub(super) fn new(name: String, shape: Vec<usize>) -> Self {
        Self {
            name,
            shape,
            is_part: false,
        }
    }
}

/// The array that is called `inside`, or has that number, from 1; where nothing is said, the only one
/// that can be meant.
///
/// # Errors
/// When none or several can be meant.
pub(super) fn choose(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
    all: &[Named],
) -> Result<usize, DatasetError> {
    let only = |fits: &dyn Fn(&Named) -> bool| {
        let mut fitting = all.iter().enumerate().filter(|(_, named)| fits(named));
        match (fitting.next(), fitting.next()) {
            (Some((place, _)), None) => Some(place),
            _ => None,
        }
    };
    let Some(inside) = inside else {
        let rank = |named: &Named| squeezed(&named.shape).len();
        let chosen = match wanted {
            _ if all.len() == 1 => Some(0),
            Wanted::Any => only(&|named| !named.is_part && is_candidate(&named.shape)),
            Wanted::Map => only(&|named| !named.is_part && rank(named) == 2),
            Wanted::Spectra => only(&|named| !named.is_part && rank(named) == 3),
        };
        return chosen.ok_or_else(|| {
            let (file, available) = (file.to_owned(), listing(all));
            if all.iter().any(|named| is_candidate(&named.shape)) {
                DatasetError::Ambiguous { file, available }
            } else {
                DatasetError::Nothing { file, available }
            }
        });
    };
    let is_called = |named: &Named| matches(&named.name, inside);
    let number = inside.parse().ok();
    let numbered = number.filter(|number| (1..=all.len()).contains(number));
    only(&is_called)
        .or_else(|| numbered.map(|number: usize| number - 1))
        .ok_or_else(|| {
            let (file, available) = (file.to_owned(), listing(all));
            if all.iter().any(is_called) {
                DatasetError::Ambiguous { file, available }
            } else {
                DatasetError::UnknownInside {
                    file,
                    inside: inside.to_owned(),
                    available,
                }
            }
        })
}

/// Whether a name is what stands behind `#`, whose slashes at the ends do not count.
fn matches(name: &str, inside: &str) -> bool {
    let bare = |text: &str| text.trim_matches(['/', ' ']).to_lowercase();
    bare(name) == bare(inside)
}

/// What stands behind `#` for each map and each spectra: the name where it is that of one array
/// alone, the number otherwise.
pub(super) fn paths(all: &[Named]) -> Vec<String> {
    let fitting = all.iter().enumerate();
    let fitting = fitting.filter(|(_, named)| !named.is_part && is_candidate(&named.shape));
    fitting
        .map(|(place, named)| {
            let same = all.iter().filter(|other| matches(&other.name, &named.name));
            let usable = !named.name.trim_matches(['/', ' ']).is_empty()
                && !named.name.contains('#')
                && plain(&named.name) == named.name
                && named.name.parse::<usize>().is_err();
            if usable && same.count() == 1 {
                named.name.clone()
            } else {
                (place + 1).to_string()
            }
        })
        .collect()
}

/// The arrays of a file for a message; a file of hundreds must not fill the screen.
fn listing(all: &[Named]) -> String {
    const SHOWN: usize = 24;
    if all.is_empty() {
        return "no array".to_owned();
    }
    let told = |(place, named): (usize, &Named)| {
        let shape = shape_text(&named.shape);
        format!("{} {} ({shape})", place + 1, plain(&named.name))
    };
    let mut shown: Vec<String> = all.iter().enumerate().take(SHOWN).map(told).collect();
    if all.len() > SHOWN {
        shown.push(format!("and {} more", all.len() - SHOWN));
    }
    shown.join(", ")
}
