//! Berkeley's `.emd` (NCEM, py4DSTEM, HyperSpy): groups that hold `data` and a dataset `dimN` for each axis.

use hdf5_pure::Group;

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::hyperspy::Attributes;
use super::links::Linkless;
use super::nsid::text;
use super::number::{Kind, listed};
use super::plain;

/// Whether a dataset is the data of such a group, whose attributes are given.
pub(super) fn is_main(name: &str, group: &Attributes) -> bool {
    let begins = ["data", "counted_datacube", "realslice", "diffractionslice"];
    group.contains_key("emd_group_type") && begins.iter().any(|begin| name.starts_with(begin))
}

/// Name, units, and values of an axis, where it has such: all of them, or the first two alone.
type Described = ((String, String), Option<Vec<f64>>);

/// Fills in axes, in the order rows, columns, channels: files whose axes are numbered from 1 store them the
/// other way round, as HyperSpy does, unless their names or units say that they do not.
///
/// # Errors
/// When an axis does not list its places.
pub(super) fn describe(
    array: &mut Array,
    group: &Group,
    source: &Linkless,
) -> Result<(), DatasetError> {
    let rank = array.shape.len();
    let from_zero = group.dataset("dim0").is_ok();
    let first = usize::from(!from_zero);
    let described = array.shape.iter().enumerate().map(|(place, &size)| {
        let name = format!("dim{}", place + first);
        axis(group, &name, source, size)
            .map_err(|reason| DatasetError::unlisted(&array.location, &name, size, reason))
    });
    let described: Vec<Described> = described.collect::<Result<_, _>>()?;
    let turned = !from_zero && !is_in_order(&described);
    let sizes = array.shape.clone();
    let dimensions = described.iter().zip(sizes).enumerate();
    let dimensions = dimensions.map(|(place, (((name, units), values), size))| {
        let shown = if turned { rank - 1 - place } else { place };
        let names = (name.as_str(), units.as_str());
        match values.as_deref() {
            Some(&[first, second]) => {
                Dimension::uniform(shown, size, names, (first, second - first))
            }
            Some(values) => Dimension::listed(shown, names, values.to_vec()),
            None => Dimension::uniform(shown, size, (name, ""), (0.0, 1.0)),
        }
    });
    array.dimensions = dimensions.collect();
    if turned {
        let order: Vec<usize> = (0..rank).rev().collect();
        array.permute(&order);
    }
    array.names_axes = true;
    array.quantity = title(&array.location);
    Ok(())
}

fn axis(group: &Group, name: &str, source: &Linkless, size: usize) -> Result<Described, String> {
    let Ok(scale) = group.dataset(name) else {
        return Ok(Described::default());
    };
    let names = (text(&scale, "name"), units(&text(&scale, "units")));
    // py4DSTEM names the slices of a stack so.
    if matches!(Kind::of_dataset(&scale), Kind::Other(dtype) if dtype.contains("string")) {
        return Ok((names, None));
    }
    Ok((names, Some(listed(&scale, source, &[size, 2])?)))
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

#[cfg(test)]
mod tests {
    use crate::data::files::testing::{named, spectra, written};

    /// 2 rows x 3 columns x 4 wavelengths, whose axis lists the given values.
    fn emd(wavelengths: &[f64]) -> Vec<u8> {
        use hdf5_pure::AttrValue::{I64, String as Text};
        let mut file = hdf5_pure::FileBuilder::new();
        let mut group = file.create_group("signal");
        group.set_attr("emd_group_type", I64(1));
        group
            .create_dataset("data")
            .with_u8_data(&(0..24).collect::<Vec<_>>())
            .with_shape(&[2, 3, 4]);
        let axes = [
            ("y", [0.0, 0.5].as_slice()),
            ("x", &[0.0, 0.25]),
            ("Wavelength", wavelengths),
        ];
        for (place, (name, values)) in axes.into_iter().enumerate() {
            let axis = group.create_dataset(&format!("dim{}", place + 1));
            axis.with_f64_data(values);
            axis.set_attr("name", Text(name.to_owned()))
                .set_attr("units", Text("[n_m]".to_owned()));
        }
        file.add_group(group.finish());
        file.finish().unwrap()
    }

    #[test]
    fn axes_list_all_values_or_the_first_two_and_nothing_else() {
        for (listed, expected) in [
            (
                [300.0, 310.0, 330.0, 360.0].as_slice(),
                [300.0, 310.0, 330.0, 360.0],
            ),
            (&[300.0, 310.0], [300.0, 310.0, 320.0, 330.0]),
        ] {
            let (_folder, file) = written("a.emd", &emd(listed));
            let found = spectra(&file);
            assert_eq!(found.coordinates, expected);
            assert_eq!(named(&found.channels), ("Wavelength", "nm"));
            assert_eq!((found.rows.scale, found.columns.scale), (0.5, 0.25));
        }
        let (_folder, file) = written("a.emd", &emd(&[300.0, 310.0, 330.0]));
        let message = crate::data::files::read(&file).unwrap_err().to_string();
        assert!(
            message.contains("axis `dim3` has the shape 3, and the data have 4"),
            "{message}"
        );
    }
}
