//! `NeXus`: groups of class `NXdata`, whose attributes name what is measured and its axes.

use hdf5_pure::{AttrValue, Dataset, Group};

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::hdf5::Opened;
use super::hyperspy::Attributes;
use super::links::Linkless;
use super::members::Walked;
use super::nsid::text;
use super::number::listed;
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
/// When the file calls the data images, and when an axis lies behind a link that cannot be followed or does not
/// list its places: without it, channels would be taken for rows.
pub(super) fn describe(
    array: &mut Array,
    (dataset, source): (&Dataset, &Linkless),
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
    let all = all.filter(|(_, name)| name != ".");
    let all = all.map(|(place, name)| (index(&name).unwrap_or(place), name));
    let all: Vec<_> = all.collect();
    let mut missing = Vec::new();
    for (place, name) in &all {
        let Some(&size) = array.shape.get(*place) else {
            continue;
        };
        match member(name)? {
            Some(axis) if !is_position(&axis, &array.shape) => {
                match dimension(&axis, source, name, (*place, size)) {
                    Ok(dimension) => {
                        array.names_axes |= *place < 2;
                        array.set_dimension(*place, dimension);
                    }
                    Err(reason) => missing.push(((*place, size), name, reason)),
                }
            }
            Some(_) => missing.push(((*place, size), name, "has several dimensions".to_owned())),
            None => missing.push(((*place, size), name, "is named, and not there".to_owned())),
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
    let mut channels = (array.shape.len() == 3 && interpretation == "spectrum").then_some(2);
    if array.shape.len() == 3 && channels.is_none() {
        channels = beside_x_and_y(&all).or_else(|| array.spectral());
        if let Some(place) = channels {
            let mut order: Vec<usize> = (0..3).filter(|&other| other != place).collect();
            order.push(place);
            array.permute(&order);
        }
    }
    for ((place, size), name, reason) in missing {
        // Pixels can be counted; which dimension is that of the channels, and what they are, cannot be told.
        let is_pixels = channels.map_or(array.squeezed().len() < 3, |channels| channels != place);
        if !is_pixels {
            return Err(DatasetError::unlisted(&array.location, name, size, reason));
        }
        let location = &array.location;
        array.warnings.push(plain(&format!(
            "{location}: axis `{name}` {reason}; its pixels are counted"
        )));
    }
    Ok(())
}

/// Whether an axis tells a place for each of several dimensions at once, as positions of a stage.
fn is_position(axis: &Dataset, shape: &[usize]) -> bool {
    let long = |size: &&u64| **size != 1;
    axis.shape()
        .is_ok_and(|own| own.iter().filter(long).count() > 1 && own.len() <= shape.len())
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

/// The dimension that an axis lists, of so many places; of as many edges between bins their centres.
fn dimension(
    axis: &Dataset,
    source: &Linkless,
    name: &str,
    (place, size): (usize, usize),
) -> Result<Dimension, String> {
    let mut values = listed(axis, source, &[size, size + 1])?;
    if values.len() > size {
        let centres = values.windows(2).map(|edges| edges[0].midpoint(edges[1]));
        values = centres.collect();
    }
    let units = text(axis, "units");
    Ok(Dimension::listed(place, (&plain(name), &units), values))
}

/// The dimension beside those that are called x and y, of three.
fn beside_x_and_y(named: &[(usize, String)]) -> Option<usize> {
    let called = |letter: &str| {
        let is = |name: &str| name == letter || name.ends_with(&format!("_{letter}"));
        let mut found = named.iter().filter(|(_, name)| is(&name.to_lowercase()));
        let (place, _) = found.next()?;
        found.next().is_none().then_some(*place)
    };
    let (x, y) = called("x").zip(called("y"))?;
    3_usize
        .checked_sub(x + y)
        .filter(|place| x != y && ![x, y].contains(place))
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
    fn positions_of_a_stage_hide_no_channels() {
        use hdf5_pure::AttrValue::{I64Array, String as Text, StringArray};
        let mut file = hdf5_pure::FileBuilder::new();
        let mut group = file.create_group("data");
        group.set_attr("NX_class", Text("NXdata".to_owned()));
        group.set_attr("signal", Text("d".to_owned()));
        let axes = [".", ".", "energy"].map(str::to_owned);
        group.set_attr("axes", StringArray(axes.to_vec()));
        for name in ["x", "y"] {
            group.set_attr(&format!("{name}_indices"), I64Array(vec![0, 1]));
            group
                .create_dataset(name)
                .with_f64_data(&[1.0; 6])
                .with_shape(&[2, 3]);
        }
        group
            .create_dataset("energy")
            .with_f64_data(&[400.0, 401.0, 402.0, 403.0])
            .set_attr("units", Text("eV".to_owned()));
        group
            .create_dataset("d")
            .with_f64_data(&[0.0; 24])
            .with_shape(&[2, 3, 4]);
        file.add_group(group.finish());
        let (_folder, file) = written("a.nxs", &file.finish().unwrap());
        let found = spectra(&file);
        assert_eq!((found.height(), found.width()), (2, 3));
        assert_eq!(named(&found.channels), ("energy", "eV"));
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

    #[test]
    fn channels_are_what_lies_beside_x_and_y() {
        for (name, units) in [
            ("two_theta", "deg"),
            ("q", "1/angstrom"),
            ("shift", "cm^-1"),
        ] {
            let axes = [(name, units), ("sample_y", "um"), ("sample_x", "um")];
            let (_folder, file) = written("a.nxs", &channels_first(axes, axes.map(|axis| axis.0)));
            let found = spectra(&file);
            assert_eq!(named(&found.channels), (name, units));
            assert_eq!(found.at(1, 2), [120.0, 121.0, 122.0, 123.0]);
        }
    }

    /// 4 energies x 2 rows x 3 columns, with an energy axis of the given values, where there are such.
    fn with_energies(energies: Option<&[f64]>) -> Vec<u8> {
        use hdf5_pure::AttrValue::{String as Text, StringArray};
        let mut file = hdf5_pure::FileBuilder::new();
        file.set_attr("signal", Text("d".to_owned()));
        let axes = ["energy", ".", "."].map(str::to_owned);
        file.set_attr("axes", StringArray(axes.to_vec()));
        file.create_dataset("d")
            .with_u8_data(&(0..24).collect::<Vec<_>>())
            .with_shape(&[4, 2, 3]);
        if let Some(energies) = energies {
            let axis = file.create_dataset("energy");
            axis.with_f64_data(energies)
                .set_attr("units", Text("eV".to_owned()));
        }
        file.finish().unwrap()
    }

    #[test]
    fn a_named_axis_is_read_or_refused_and_edges_of_bins_are_their_centres() {
        let (_folder, file) = written("a.nxs", &with_energies(Some(&[0.0, 1.0, 3.0, 7.0, 9.0])));
        let found = spectra(&file);
        assert_eq!(found.coordinates, [0.5, 2.0, 5.0, 8.0]);
        assert_eq!((found.height(), found.width()), (2, 3));
        for (energies, told) in [
            (
                Some([0.0, 1.0, 2.0].as_slice()),
                "the shape 3, and the data have 4",
            ),
            (Some(&[0.0, 1.0, f64::NAN, 3.0]), "lists NaN"),
            (None, "is named, and not there"),
        ] {
            let (_folder, file) = written("a.nxs", &with_energies(energies));
            let message = crate::data::files::read(&file).unwrap_err().to_string();
            assert!(
                message.contains("axis `energy`") && message.contains(told),
                "{message}"
            );
        }
    }
}
