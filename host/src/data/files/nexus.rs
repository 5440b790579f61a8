//! `NeXus`: groups of class `NXdata`, whose attributes name what is measured and its axes.

use hdf5_pure::{AttrValue, Dataset, Group};

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::hdf5::Opened;
use super::hyperspy::Attributes;
use super::members::Walked;
use super::nsid::text;
use super::number::plain_values;
use super::plain;

/// Whether a group, whose attributes are given, says what was measured or along which axes.
pub(super) fn is_data(group: &Attributes) -> bool {
    let class = group.get("NX_class").and_then(AttrValue::as_str);
    class == Some("NXdata") || group.contains_key("signal") || group.contains_key("axes")
}

/// What a group names as measured.
pub(super) fn signal(group: &Attributes) -> Option<&str> {
    group.get("signal").and_then(AttrValue::as_str)
}

/// Whether a dataset is what is measured in its group: named by it or marked itself.
pub(super) fn is_measured(name: &str, dataset: &Dataset, group: &Attributes) -> bool {
    is_main(name, group) || is_marked(dataset, group)
}

/// Whether a dataset is what is measured in its group, whose attributes are given: what `signal` names,
/// or `data` where the group names axes alone.
pub(super) fn is_main(name: &str, group: &Attributes) -> bool {
    let signal = match group.get("signal") {
        Some(signal) => signal.as_str(),
        None => group.get("axes").map(|_| "data"),
    };
    signal == Some(name) && !group.contains_key("emd_group_type")
}

/// Whether a dataset is marked as what is measured in a group of data, as files did before groups named it.
fn is_marked(dataset: &Dataset, group: &Attributes) -> bool {
    let class = group.get("NX_class").and_then(AttrValue::as_str);
    let marked = || {
        let attributes = dataset.attrs().unwrap_or_default();
        let mark = attributes.get("signal")?;
        Some(mark.as_i64() == Some(1) || mark.as_str() == Some("1"))
    };
    class == Some("NXdata") && !group.contains_key("signal") && marked().unwrap_or(false)
}

/// The path of what a file says that it is to be read for.
pub(super) fn default(file: &Opened<'_>, walked: &Walked) -> Option<String> {
    /// An entry and its data, and groups between, at most.
    const DEEPEST: usize = 8;
    let mut path = String::new();
    let mut group = file.open.root();
    for _ in 0..DEEPEST {
        let attributes = group.attrs().ok()?;
        if let Some(signal) = signal(&attributes) {
            return Some(format!("{path}{signal}"));
        }
        let next = attributes.get("default").and_then(AttrValue::as_str)?;
        let next = file.follow(&format!("{path}{next}"), walked).ok()??;
        group = file.open.group(&next).ok()?;
        path = format!("{next}/");
    }
    None
}

/// Fills in axes, quantity and units; `member` opens another dataset of the group.
///
/// # Errors
/// When the file calls the data images, and when an axis lies behind a link that cannot be followed: without
/// it, channels would be taken for rows.
pub(super) fn describe(
    array: &mut Array,
    dataset: &Dataset,
    group: &Group,
    member: impl Fn(&str) -> Result<Option<Dataset>, DatasetError>,
) -> Result<(), DatasetError> {
    let attributes = group.attrs().unwrap_or_default();
    let index = |name: &str| {
        let index = attributes.get(&format!("{name}_indices"))?;
        let single = index.as_i64().and_then(|index| usize::try_from(index).ok());
        single.or_else(|| index.to_f64s()?.first().map(|&index| index as usize))
    };
    let named = axes(&attributes, dataset);
    // An axis that is named by its place alone, where the list of axes has a dot.
    let placed = attributes.keys().filter_map(|key| {
        let name = key.strip_suffix("_indices")?;
        let place = index(name)?;
        let free = named.get(place).is_none_or(|said| said == ".");
        (free && !named.iter().any(|said| said == name)).then(|| (place, name.to_owned()))
    });
    let mut placed: Vec<_> = placed.collect();
    placed.sort_unstable();
    let all = named.iter().cloned().enumerate().chain(placed);
    for (place, name) in &all.collect::<Vec<_>>() {
        let place = index(name).unwrap_or(*place);
        let axis = if name == "." { None } else { member(name)? };
        if let Some(dimension) = axis.and_then(|axis| dimension(&axis, name, place)) {
            array.names_axes |= place < 2;
            array.set_dimension(place, dimension);
        }
    }
    let called = [text(dataset, "long_name"), text(dataset, "title")];
    array.quantity = called
        .into_iter()
        .find(|name| !name.is_empty())
        .unwrap_or_default();
    array.units = text(dataset, "units");
    let interpretation = text(dataset, "interpretation");
    let of_group = attributes.get("interpretation").and_then(AttrValue::as_str);
    let images = interpretation == "image" || of_group == Some("image");
    if images && array.squeezed().len() > 2 {
        return Err(array.is_stack());
    }
    if array.shape.len() == 3
        && interpretation != "spectrum"
        && let Some(place) = array.spectral()
    {
        let mut order: Vec<usize> = (0..3).filter(|&other| other != place).collect();
        order.push(place);
        array.permute(&order);
    }
    Ok(())
}

/// The names of the axes in the order of the dimensions: `.` where one has none.
fn axes(group: &Attributes, dataset: &Dataset) -> Vec<String> {
    let of_dataset = dataset.attrs().unwrap_or_default();
    let Some(said) = group.get("axes").or_else(|| of_dataset.get("axes")) else {
        return Vec::new();
    };
    // A single text is one of several strings as well.
    let Some(text) = said.as_str() else {
        return said.as_strings().unwrap_or_default().to_vec();
    };
    let names = text.trim_matches(['[', ']']).split([':', ',']);
    names.map(|name| name.trim().to_owned()).collect()
}

fn dimension(axis: &Dataset, name: &str, place: usize) -> Option<Dimension> {
    let [length] = axis.shape().ok()?[..] else {
        return None;
    };
    if length > 1 << 22 {
        return None;
    }
    let values = plain_values(axis)?;
    let units = text(axis, "units");
    Some(Dimension::listed(place, (&plain(name), &units), values))
}

#[cfg(test)]
mod tests {
    use crate::data::files::testing::{named, spectra, written};

    /// 4 channels x 2 rows x 3 columns, with the axes as they are named, and units of each.
    fn channels_first(axes: [(&str, &str); 3], said: [&str; 3]) -> Vec<u8> {
        use hdf5_pure::AttrValue::{I64, String as Text, StringArray};
        let mut file = hdf5_pure::FileBuilder::new();
        let mut group = file.create_group("data");
        group.set_attr("NX_class", Text("NXdata".to_owned()));
        group.set_attr("signal", Text("d".to_owned()));
        group.set_attr("axes", StringArray(said.map(str::to_owned).to_vec()));
        let value = |i: u16| 100 * (i / 3 % 2) + 10 * (i % 3) + i / 6;
        let stored = group.create_dataset("d");
        stored
            .with_u16_data(&(0..24).map(value).collect::<Vec<_>>())
            .with_shape(&[4, 2, 3]);
        for (place, ((name, units), size)) in (0..).zip(axes.into_iter().zip([4_u8, 2, 3])) {
            let values: Vec<f64> = (0..size).map(|i| 400.0 + f64::from(i)).collect();
            let axis = group.create_dataset(name);
            axis.with_f64_data(&values)
                .set_attr("units", Text(units.to_owned()));
            group.set_attr(&format!("{name}_indices"), I64(place));
        }
        file.add_group(group.finish());
        file.finish().unwrap()
    }

    #[test]
    fn channels_are_told_by_name_where_their_units_are_those_of_a_length() {
        for (name, units) in [
            ("wavelength", "nm"),
            ("delay", "ps"),
            ("photon_energy", "J"),
        ] {
            let axes = [(name, units), ("yy", "um"), ("xx", "um")];
            let (_folder, file) = written("a.nxs", &channels_first(axes, axes.map(|axis| axis.0)));
            let found = spectra(&file);
            assert_eq!((found.height(), found.width()), (2, 3));
            assert_eq!(named(&found.channels), (name, units));
            assert_eq!(found.at(1, 2), [120.0, 121.0, 122.0, 123.0]);
        }
    }

    #[test]
    fn axes_that_are_named_by_their_places_alone_are_read() {
        let axes = [("en", "keV"), ("yy", "nm"), ("xx", "nm")];
        let (_folder, file) = written("a.nxs", &channels_first(axes, [".", ".", "."]));
        let found = spectra(&file);
        assert_eq!(found.coordinates, [400.0, 401.0, 402.0, 403.0]);
        assert_eq!(named(&found.channels), ("en", "keV"));
        assert_eq!(named(&found.rows), ("yy", "nm"));
        assert_eq!(found.at(1, 2), [120.0, 121.0, 122.0, 123.0]);
    }
}
