//! Berkeley's `.emd` (NCEM, py4DSTEM, HyperSpy): groups that hold `data` and a dataset `dimN` for each axis.

use hdf5_pure::Group;

use super::array::{Array, Dimension};
use super::hyperspy::Attributes;
use super::nsid::text;
use super::number::plain_values;
use super::plain;

/// Whether a dataset is the data of such a group, whose attributes are given.
pub(super) fn is_main(name: &str, group: &Attributes) -> bool {
    let begins = ["data", "counted_datacube", "realslice", "diffractionslice"];
    group.contains_key("emd_group_type") && begins.iter().any(|begin| name.starts_with(begin))
}

/// Name, units, and first value with its step, of an axis.
type Described = ((String, String), (f64, f64));

/// Fills in axes, in the order rows, columns, channels: files whose axes are numbered from 1 store them the
/// other way round, as HyperSpy does, unless their names or units say that they do not.
pub(super) fn describe(array: &mut Array, group: &Group) {
    let rank = array.shape.len();
    let from_zero = group.dataset("dim0").is_ok();
    let first = usize::from(!from_zero);
    let described: Vec<Described> = (0..rank)
        .map(|place| axis(group, &format!("dim{}", place + first)))
        .collect();
    let turned = !from_zero && !is_in_order(&described);
    let sizes = array.shape.clone();
    let dimensions = described.iter().zip(sizes).enumerate();
    let dimensions = dimensions.map(|(place, (((name, units), step), size))| {
        let shown = if turned { rank - 1 - place } else { place };
        Dimension::uniform(shown, size, (name, units), *step)
    });
    array.dimensions = dimensions.collect();
    if turned {
        let order: Vec<usize> = (0..rank).rev().collect();
        array.permute(&order);
    }
    array.names_axes = true;
    array.quantity = title(&array.location);
}

fn axis(group: &Group, name: &str) -> Described {
    let scale = group.dataset(name);
    let values = scale.as_ref().ok().and_then(|scale| {
        let length = scale.shape().ok()?.first().copied()?;
        (length <= 1 << 22).then(|| plain_values(scale))?
    });
    let names = match &scale {
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
    (names, step)
}

/// Whether axes are stored as rows, columns, and energies where there are such, by what they are called.
fn is_in_order(axes: &[Described]) -> bool {
    let is_energy = |((_, units), _): &Described| units.ends_with("eV");
    if let [rows, .., last] = axes
        && axes.len() > 2
        && (is_energy(rows) || is_energy(last))
    {
        return !is_energy(rows);
    }
    let name = |place: usize| axes.get(place).map(|((name, _), _)| name.to_lowercase());
    let names = name(0).zip(name(1)).unwrap_or_default();
    matches!(
        (names.0.as_str(), names.1.as_str()),
        ("y", "x") | ("height", "width") | ("row", "column") | ("rows", "columns")
    )
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
