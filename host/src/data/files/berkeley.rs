//! Berkeley's `.emd` (NCEM, py4DSTEM, HyperSpy): groups that hold `data` and a dataset `dimN` for each axis.

use hdf5_pure::Group;

use super::array::{Array, Dimension};
use super::hyperspy::Attributes;
use super::nsid::text;
use super::plain;

/// Whether a dataset is the data of such a group, whose attributes are given.
pub(super) fn is_main(name: &str, group: &Attributes) -> bool {
    let begins = ["data", "counted_datacube", "realslice", "diffractionslice"];
    group.contains_key("emd_group_type") && begins.iter().any(|begin| name.starts_with(begin))
}

/// Fills in axes, in the order rows, columns, channels: files whose axes are numbered from 1 store them the
/// other way round.
pub(super) fn describe(array: &mut Array, group: &Group) {
    let rank = array.shape.len();
    let from_zero = group.dataset("dim0").is_ok();
    let first = usize::from(!from_zero);
    let sizes = array.shape.clone();
    let mut dimensions = Vec::new();
    for (place, &size) in sizes.iter().enumerate() {
        let scale = group.dataset(&format!("dim{}", place + first));
        let shown = if from_zero { place } else { rank - 1 - place };
        let values = scale.as_ref().ok().and_then(|scale| {
            let length = scale.shape().ok()?.first().copied()?;
            (length <= 1 << 22).then(|| scale.read_f64().ok())?
        });
        let (name, units) = match &scale {
            Ok(scale) => (text(scale, "name"), self::units(&text(scale, "units"))),
            Err(_) => (String::new(), String::new()),
        };
        let step = match values.as_deref() {
            // The first two alone, or all of them.
            Some([first, .., last]) => {
                let count = values.as_ref().map_or(2, Vec::len);
                (*first, (last - first) / (count - 1) as f64)
            }
            _ => (0.0, 1.0),
        };
        dimensions.push(Dimension::uniform(shown, size, (&name, &units), step));
    }
    array.dimensions = dimensions;
    if !from_zero {
        let order: Vec<usize> = (0..rank).rev().collect();
        array.permute(&order);
    }
    array.names_axes = true;
    array.quantity = title(&array.location);
}

/// The name of the group.
fn title(location: &str) -> String {
    let inside = location
        .rsplit_once('#')
        .map_or(location, |(_, inside)| inside);
    let group = inside.rsplit_once('/').map_or("", |(group, _)| group);
    let name = group.rsplit('/').next().unwrap_or_default();
    if name == "__unnamed__" {
        String::new()
    } else {
        plain(name)
    }
}

/// Units without the brackets, and the lines between their letters, that the format wants.
fn units(text: &str) -> String {
    let text = text.trim();
    match text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
    {
        Some(inner) => inner.replace('_', "").replace("][", " "),
        None => text.to_owned(),
    }
}
