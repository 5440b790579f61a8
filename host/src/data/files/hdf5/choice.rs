//! Which dataset of an HDF5 file is meant.

use super::content::Content;
use super::description::describe;
use super::opened::Opened;
use crate::data::files::array::{Array, is_candidate};
use crate::data::files::error::DatasetError;
use crate::data::files::listing::{DatasetInfo, listing};
use crate::data::files::members::Lead;
use crate::data::files::number::{BOOL, UNREAD_FLOAT};
use crate::data::files::remedy::written_anew;
use crate::data::files::{Wanted, nexus, velox};

/// The dataset `inside`, the only one in the group `inside`, or the only one that can be meant when
/// nothing is said: of several that are measured data, the only one of the kind that is wanted.
///
/// # Errors
/// When the file is damaged, nothing or more than one fits, or the rank is not 2 or 3.
pub(in crate::data::files) fn read(
    file: &str,
    inside: Option<&str>,
    wanted: Wanted,
) -> Result<Array, DatasetError> {
    let open = &Opened::new(file)?;
    if velox::is_one(&open.open) && !inside.is_some_and(|inside| inside.starts_with("Data/")) {
        return velox::read(open, inside, wanted);
    }
    let found = Content::of(open)?;
    let inside = match inside {
        Some(inside) if !found.all().any(|info| info.path == inside) => {
            match open.members.follow(inside, &found.walked) {
                Lead::Path(path) => Some(path),
                Lead::Astray(reason) => return Err(open.astray(inside, reason)),
                Lead::Absent | Lead::Unread(_) => Some(inside.to_owned()),
            }
        }
        inside => inside.map(str::to_owned),
    };
    let inside = inside.as_deref();
    if inside.is_none()
        && let Some(path) = found.astray.first()
        && !found.all().any(|info| info.main)
    {
        open.dataset(path, &found.walked)?;
    }
    let candidates = match choose(&found, file, inside)? {
        Chosen::One(info) => return describe(open, &found, info),
        Chosen::Several(candidates) => candidates,
    };
    let kind = |array: &Array| match wanted {
        Wanted::Any => true,
        Wanted::Map => array.squeezed().len() == 2,
        Wanted::Spectra => array.squeezed().len() == 3,
    };
    if inside.is_none()
        && let Some(path) = nexus::default(open, &found.walked)
        && let Some(info) = candidates.iter().find(|info| info.path == path)
    {
        let array = describe(open, &found, info)?;
        if kind(&array) {
            return Ok(array);
        }
    }
    let described = candidates
        .iter()
        .filter_map(|info| describe(open, &found, info).ok());
    let mut fitting = described.filter(|array| array.require_rank().is_ok() && kind(array));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only),
        _ => Err(DatasetError::Ambiguous {
            file: file.to_owned(),
            available: listing(&candidates.into_iter().cloned().collect::<Vec<_>>()),
        }),
    }
}

/// What can be meant.
enum Chosen<'a> {
    One(&'a DatasetInfo),
    Several(Vec<&'a DatasetInfo>),
}

fn choose<'a>(
    found: &'a Content,
    file: &str,
    inside: Option<&str>,
) -> Result<Chosen<'a>, DatasetError> {
    let is_exact = |info: &&DatasetInfo| Some(info.path.as_str()) == inside;
    if let Some(exact) = found.numeric.iter().find(is_exact) {
        return Ok(Chosen::One(exact));
    }
    if let Some(exact) = found.other.iter().find(is_exact) {
        return Err(wrong_type(file, exact));
    }
    // What a message lists beside a path, and means one dataset alone.
    let mut called = found.numeric.iter().filter(|info| {
        let quantity = info.quantity.trim();
        !quantity.is_empty() && is_candidate(&info.shape) && Some(quantity) == inside
    });
    if let (Some(only), None) = (called.next(), called.next()) {
        return Ok(Chosen::One(only));
    }
    let is_within = |info: &&DatasetInfo| match inside {
        None => true,
        Some(group) => {
            let below = info.path.strip_prefix(group);
            below.is_some_and(|below| below.starts_with('/'))
        }
    };
    let is_mapped = |info: &&DatasetInfo| is_candidate(&info.shape);
    let within = || found.numeric.iter().filter(is_within);
    let mut candidates: Vec<&DatasetInfo> = within().filter(|info| info.main).collect();
    let mut of_other_types = found.other.iter().filter(is_within).filter(is_mapped);
    if candidates.is_empty() {
        // Measured data of another type is what is meant, not the axes beside it.
        if let Some(info) = of_other_types.clone().find(|info| info.main) {
            return Err(wrong_type(file, info));
        }
        candidates = within().filter(is_mapped).collect();
    }
    if candidates.len() > 1 {
        // Truths beside numbers are a mask.
        let numbers = || candidates.iter().filter(|info| info.dtype != BOOL);
        if numbers().next().is_some() {
            candidates = numbers().copied().collect();
        }
    }
    match (candidates.as_slice(), inside) {
        ([only], _) => Ok(Chosen::One(only)),
        ([], inside) => Err(
            match (of_other_types.next(), of_other_types.next(), inside) {
                (Some(only), None, _) => wrong_type(file, only),
                (_, _, Some(inside)) => DatasetError::UnknownInside {
                    file: file.to_owned(),
                    inside: inside.to_owned(),
                    available: found.listing(),
                },
                (_, _, None) => DatasetError::Nothing {
                    file: file.to_owned(),
                    available: found.listing(),
                },
            },
        ),
        _ => Ok(Chosen::Several(candidates)),
    }
}

/// The error of a dataset that is there and holds no real numbers.
fn wrong_type(file: &str, info: &DatasetInfo) -> DatasetError {
    if info.dtype.starts_with(UNREAD_FLOAT) {
        return DatasetError::Stored {
            location: format!("{file}#{}", info.path),
            reason: format!("values of type {}, which is not read", info.dtype),
            remedy: written_anew(file, &info.path, ".astype(\"f8\")"),
        };
    }
    DatasetError::Type {
        location: format!("{file}#{}", info.path),
        dtype: info.dtype.clone(),
    }
}
