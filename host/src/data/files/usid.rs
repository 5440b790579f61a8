//! USID, the older layout of pycroscopy: positions x channels, with tables that say which
//! position and which channel each row and column is.
//!
//! The file links data and tables by references; their names are fixed too, and they lie in
//! the folder of the data or the one above, which is how they are found here.

use hdf5_pure::{AttrValue, File};

use super::array::{Array, Dimension};
use super::listing::DatasetInfo;
use super::number::plain_values;

/// Entries of a table, more than any scan of the field has.
const MOST_ENTRIES: usize = 1 << 23;

const POSITION: &str = "Position_Indices";
const CHANNEL: &str = "Spectroscopic_Indices";

/// Whether a dataset is one of the tables that describe others.
pub(super) fn is_table(info: &DatasetInfo) -> bool {
    let name = info.path.rsplit('/').next();
    matches!(name, Some(POSITION | CHANNEL))
}

/// The folder with the tables, among those found, that describe a dataset; nothing when it is not USID
/// data.
pub(super) fn tables<'a>(found: &[DatasetInfo], info: &'a DatasetInfo) -> Option<&'a str> {
    let [positions, channels] = info.shape[..] else {
        return None;
    };
    let (own, name) = info.path.rsplit_once('/').unwrap_or(("", &info.path));
    if name.starts_with("Position_") || name.starts_with("Spectroscopic_") {
        return None;
    }
    let above = own.rsplit_once('/').map_or("", |(above, _)| above);
    [own, above].into_iter().find(|folder| {
        let shape = |table: &str| {
            let path = format!("{folder}/{table}");
            found
                .iter()
                .find(|info| info.path == path.trim_start_matches('/'))
                .map(|i| &i.shape)
        };
        matches!(
            (shape(POSITION).map(Vec::as_slice), shape(CHANNEL).map(Vec::as_slice)),
            (Some([n, _]), Some([_, m])) if *n == positions && *m == channels
        )
    })
}

/// One row of a table, or one column in the case of positions.
struct Entry {
    name: String,
    units: String,
    index: Vec<usize>,
    value: Vec<f64>,
}

impl Entry {
    fn size(&self) -> usize {
        self.index
            .iter()
            .max()
            .map_or(0, |most| most.saturating_add(1))
    }

    /// The axis: the value that first goes with each index.
    fn dimension(&self, place: usize) -> Dimension {
        let first = |i| self.index.iter().position(|&index| index == i);
        let coordinates: Option<Vec<f64>> = (0..self.size())
            .map(|i| self.value.get(first(i)?).copied())
            .collect();
        match coordinates {
            Some(coordinates) => Dimension::listed(place, (&self.name, &self.units), coordinates),
            None => Dimension::unknown(place, self.size()),
        }
    }
}

/// Unfolds positions x channels to rows x columns x channels and fills in the axes; leaves the
/// array alone when the tables do not describe a complete grid.
pub(super) fn describe(array: &mut Array, file: &File, folder: &str) -> Option<()> {
    let channels = *array.shape.get(1)?;
    let mut positions = read(file, folder, "Position", true)?;
    // The position that changes from one row to the next is the fast one and comes last.
    positions.sort_by_key(|entry| {
        entry
            .index
            .iter()
            .take_while(|i| **i == entry.index[0])
            .count()
    });
    positions.reverse();
    let mut shape: Vec<usize> = positions.iter().map(Entry::size).collect();
    let count = shape
        .iter()
        .try_fold(1_usize, |n, &size| n.checked_mul(size))?;
    if count != array.shape[0] {
        return None;
    }
    let place = |k: usize| {
        positions
            .iter()
            .zip(&shape)
            .fold(0, |place, (entry, size)| place * size + entry.index[k])
    };
    let places: Vec<usize> = (0..array.shape[0]).map(place).collect();
    let mut source = vec![None; count];
    for (k, &place) in places.iter().enumerate() {
        *source.get_mut(place)? = Some(k);
    }
    let source: Vec<usize> = source.into_iter().collect::<Option<_>>()?;
    let sorted = source.iter().enumerate().all(|(place, &k)| place == k);
    let mut dimensions: Vec<Dimension> = positions
        .iter()
        .enumerate()
        .map(|(place, entry)| entry.dimension(place))
        .collect();
    let spectral = read(file, folder, "Spectroscopic", false).unwrap_or_default();
    let mut varying = spectral.iter().filter(|entry| entry.size() > 1);
    dimensions.push(match (varying.next(), varying.next()) {
        // A single quantity is swept: its values in the order of acquisition are the axis.
        (Some(entry), None) => Dimension::listed(
            dimensions.len(),
            (&entry.name, &entry.units),
            entry.value.clone(),
        ),
        _ => Dimension::unknown(dimensions.len(), channels),
    });
    shape.push(channels);
    array.names_axes = true;
    array.reshape(shape, dimensions, (!sorted).then_some((source, channels)));
    Some(())
}

/// The entries of a pair of tables, indices and values.
fn read(file: &File, folder: &str, what: &str, by_column: bool) -> Option<Vec<Entry>> {
    let table = |kind: &str| file.dataset(&format!("{folder}/{what}_{kind}")).ok();
    let (indices, values) = (table("Indices")?, table("Values"));
    let shape: Vec<usize> = indices
        .shape()
        .ok()?
        .iter()
        .map(|&size| size as usize)
        .collect();
    let [height, width] = shape[..] else {
        return None;
    };
    let (entries, length) = if by_column {
        (width, height)
    } else {
        (height, width)
    };
    // More positions or channels than any scan has are the tables of none.
    let count = entries.checked_mul(length)?;
    if count == 0 || count > MOST_ENTRIES {
        return None;
    }
    let attributes = indices.attrs().ok()?;
    let names = |key: &str| {
        attributes
            .get(key)
            .and_then(AttrValue::as_strings)
            .unwrap_or_default()
    };
    let index = indices.read_u64().ok()?;
    let value = values
        .and_then(|values| plain_values(&values))
        .unwrap_or_default();
    let at = |entry: usize, k: usize| {
        if by_column {
            k * width + entry
        } else {
            entry * width + k
        }
    };
    let entry = |e: usize| {
        Some(Entry {
            name: names("labels").get(e).cloned().unwrap_or_default(),
            units: names("units").get(e).cloned().unwrap_or_default(),
            index: (0..length)
                .map(|k| index.get(at(e, k)).map(|&i| i as usize))
                .collect::<Option<_>>()?,
            value: (0..length)
                .filter_map(|k| value.get(at(e, k)).copied())
                .collect(),
        })
    };
    (0..entries).map(entry).collect()
}

#[cfg(test)]
mod tests {
    use crate::data::files::read_map;
    use crate::data::files::testing::{named, spectra, written};
    use hdf5_pure::AttrValue::{AsciiStringArray as Texts, String as Text};

    /// 2 rows x 3 columns x 4 voltages; `order` lists the positions as they were visited.
    fn usid_file(order: &[(u32, u32)]) -> Vec<u8> {
        let mut file = hdf5_pure::FileBuilder::new();
        let mut above = file.create_group("Measurement_000");
        let mut group = above.create_group("Channel_000");
        let texts = |texts: &[&str]| Texts(texts.iter().map(|&text| text.to_owned()).collect());
        let index: Vec<u32> = order.iter().flat_map(|&(x, y)| [x, y]).collect();
        let value: Vec<f64> = index.iter().map(|&i| 2.0 * f64::from(i)).collect();
        let table = above.create_dataset("Position_Indices");
        table.with_u32_data(&index).with_shape(&[6, 2]);
        table
            .set_attr("labels", texts(&["X", "Y"]))
            .set_attr("units", texts(&["nm", "nm"]));
        above
            .create_dataset("Position_Values")
            .with_f64_data(&value)
            .with_shape(&[6, 2]);
        let table = above.create_dataset("Spectroscopic_Indices");
        table.with_u32_data(&[0, 1, 2, 3]).with_shape(&[1, 4]);
        table
            .set_attr("labels", texts(&["Bias"]))
            .set_attr("units", texts(&["V"]));
        let table = above.create_dataset("Spectroscopic_Values");
        table
            .with_f64_data(&[0.0, 1.0, 0.0, -1.0])
            .with_shape(&[1, 4]);
        let data: Vec<f32> = order
            .iter()
            .flat_map(|&(x, y)| [0, 1, 2, 3].map(|c| (y * 100 + x * 10 + c) as f32))
            .collect();
        let main = group.create_dataset("Raw_Data");
        main.with_f32_data(&data).with_shape(&[6, 4]);
        main.set_attr("quantity", Text("Response".to_owned()));
        above.add_group(group.finish());
        file.add_group(above.finish());
        file.finish().unwrap()
    }

    #[test]
    fn positions_unfold_to_rows_and_columns_in_any_order() {
        let raster = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (2, 1)];
        let snake = [(0, 0), (1, 0), (2, 0), (2, 1), (1, 1), (0, 1)];
        for order in [raster, snake] {
            let (_folder, file) = written("usid.h5", &usid_file(&order));
            let loops = spectra(&file);
            assert_eq!((loops.height(), loops.width()), (2, 3));
            assert_eq!(loops.at(1, 2), [120.0, 121.0, 122.0, 123.0]);
            assert_eq!(loops.at(1, 0), [100.0, 101.0, 102.0, 103.0]);
            assert_eq!(
                (loops.rows.name.as_str(), loops.columns.name.as_str()),
                ("Y", "X")
            );
            assert_eq!(
                (loops.columns.units.as_str(), loops.columns.scale),
                ("nm", 2.0)
            );
            assert_eq!(named(&loops.channels), ("Bias", "V"));
            assert_eq!(loops.coordinates, [0.0, 1.0, 0.0, -1.0]);
            assert_eq!(loops.quantity, "Response");
        }
    }

    #[test]
    fn an_incomplete_grid_stays_as_it_was_stored() {
        let order = [(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (1, 1)];
        let (_folder, file) = written("usid.h5", &usid_file(&order));
        let map = read_map(&file).unwrap();
        assert_eq!((map.height(), map.width()), (6, 4));
    }
}
