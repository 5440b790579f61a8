//! USID, the older layout of pycroscopy: positions x channels, with tables that say which
//! position and which channel each row and column is.
//!
//! The file links data and tables by references; their names are fixed too, and they lie in
//! the folder of the data or the one above, which is how they are found here.

use hdf5_pure::AttrValue;

use super::array::{Array, Dimension};
use super::error::DatasetError;
use super::hdf5::Opened;
use super::listing::DatasetInfo;
use super::number::plain_values;

/// Entries of a table, more than any scan of the field has.
const MOST_ENTRIES: u64 = 1 << 23;

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
    /// From 0, the lowest that there is.
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

    /// The axis of a grid of which the entry has every index: the value that first goes with each.
    fn dimension(&self, place: usize) -> Dimension {
        let mut first = vec![None; self.size()];
        for (&index, &value) in self.index.iter().zip(&self.value) {
            first[index].get_or_insert(value);
        }
        match first.into_iter().collect() {
            Some(coordinates) => Dimension::listed(place, (&self.name, &self.units), coordinates),
            None => Dimension::unknown(place, self.size()),
        }
    }

    /// The values in the order of acquisition.
    fn listed(&self, place: usize) -> Dimension {
        Dimension::listed(place, (&self.name, &self.units), self.value.clone())
    }
}

/// Unfolds positions x channels to rows x columns x channels and fills in the axes; positions that are
/// no complete grid, or vary along one dimension alone, are those of a single column.
///
/// # Errors
/// When a table cannot be read.
pub(super) fn describe(
    array: &mut Array,
    file: &Opened<'_>,
    folder: &str,
) -> Result<(), DatasetError> {
    let [count, channels] = array.shape[..] else {
        return Ok(());
    };
    let table = |what: &str, by_column: bool| {
        read(file, folder, what, by_column).map_err(|(kind, reason)| DatasetError::Axis {
            location: array.location.clone(),
            axis: format!("{what}_{kind}"),
            reason,
            remedy: REMEDY.to_owned(),
        })
    };
    let mut positions = table("Position", true)?;
    let spectral = table("Spectroscopic", false)?;
    positions.retain(|entry| entry.size() > 1);
    // The position that changes from one row to the next is the fast one and comes last; of several the
    // one that the file names first.
    positions.sort_by_key(|entry| {
        entry
            .index
            .iter()
            .take_while(|i| **i == entry.index[0])
            .count()
    });
    positions.reverse();
    let sources = sources(&positions, count);
    let is_grid = positions.len() > 1 && sources.is_some();
    let (mut shape, mut dimensions, source) = match (positions.as_slice(), sources) {
        (_, Some(source)) if is_grid => (
            positions.iter().map(Entry::size).collect(),
            (0..)
                .zip(&positions)
                .map(|(place, entry)| entry.dimension(place))
                .collect(),
            Some(source),
        ),
        ([only], source) => {
            let rows = match source {
                Some(_) => only.dimension(0),
                None if only.value.len() == count => only.listed(0),
                None => Dimension::unknown(0, count),
            };
            (vec![count, 1], vec![rows, Dimension::unknown(1, 1)], source)
        }
        _ => {
            let mut rows = Dimension::unknown(0, count);
            "position".clone_into(&mut rows.axis.name);
            (vec![count, 1], vec![rows, Dimension::unknown(1, 1)], None)
        }
    };
    let sorted = |source: &Vec<usize>| source.iter().enumerate().all(|(place, &k)| place == k);
    let source = source.filter(|source| !sorted(source));
    let mut varying = spectral.iter().filter(|entry| entry.size() > 1);
    let place = dimensions.len();
    dimensions.push(match (varying.next(), varying.next()) {
        // A single quantity is swept: its values in the order of acquisition are the axis.
        (Some(entry), None) if entry.value.len() == channels => entry.listed(place),
        _ => Dimension::unknown(place, channels),
    });
    shape.push(channels);
    array.names_axes = is_grid;
    array.reshape(shape, dimensions, source.map(|source| (source, channels)));
    Ok(())
}

/// For each place of a grid the position in the file; nothing where positions are no complete grid.
fn sources(positions: &[Entry], count: usize) -> Option<Vec<usize>> {
    let sizes: Vec<usize> = positions.iter().map(Entry::size).collect();
    let all = sizes
        .iter()
        .try_fold(1_usize, |n, &size| n.checked_mul(size));
    if all != Some(count) {
        return None;
    }
    let mut source = vec![None; count];
    for k in 0..count {
        // Data have as many positions as their tables: see `tables`.
        let entries = positions.iter().zip(&sizes);
        let place = entries.fold(0, |place, (entry, size)| place * size + entry.index[k]);
        *source.get_mut(place)? = Some(k);
    }
    source.into_iter().collect()
}

const REMEDY: &str =
    "expected whole numbers from 0 as indices, and numbers as values, as pyUSID writes them";

/// The entries of a pair of tables, indices and values.
///
/// # Errors
/// Which of the two cannot be read, and why.
fn read(
    file: &Opened<'_>,
    folder: &str,
    what: &str,
    by_column: bool,
) -> Result<Vec<Entry>, (&'static str, String)> {
    let numbers = |kind: &'static str| {
        let path = format!("{folder}/{what}_{kind}");
        let Ok(table) = file.open.dataset(&path) else {
            return Ok(None);
        };
        let shape = table.shape().unwrap_or_default();
        // More positions or channels than any scan has are the tables of none.
        let count = shape.iter().try_fold(1_u64, |n, &size| n.checked_mul(size));
        if shape.len() != 2 || !count.is_some_and(|n| (1..=MOST_ENTRIES).contains(&n)) {
            return Err((kind, format!("has no table of 1 to {MOST_ENTRIES} entries")));
        }
        let values = plain_values(&table, &file.source).map_err(|reason| (kind, reason))?;
        Ok(Some((table, shape[0] as usize, shape[1] as usize, values)))
    };
    let indices = numbers("Indices")?;
    let (table, height, width, index) = indices.ok_or(("Indices", "is not there".to_owned()))?;
    let is_index = |index: &&f64| **index >= 0.0 && index.fract() == 0.0 && index.is_finite();
    if let Some(strange) = index.iter().find(|index| !is_index(index)) {
        return Err(("Indices", format!("has the index {strange}")));
    }
    let value = match numbers("Values")? {
        Some((_, rows, columns, value)) if (rows, columns) == (height, width) => value,
        Some((_, rows, columns, _)) => {
            let reason =
                format!("has the shape {rows}x{columns}, and its indices {height}x{width}");
            return Err(("Values", reason));
        }
        None => Vec::new(),
    };
    let attributes = table.attrs().unwrap_or_default();
    let names = |key: &str| {
        attributes
            .get(key)
            .and_then(AttrValue::as_strings)
            .unwrap_or_default()
    };
    let entries = if by_column { width } else { height };
    let of = |all: &[f64], e: usize| -> Vec<f64> {
        if by_column {
            all.iter().skip(e).step_by(width).copied().collect()
        } else {
            all.chunks(width).nth(e).unwrap_or_default().to_vec()
        }
    };
    let entry = |e: usize| {
        let index = of(&index, e);
        // A part of a larger grid may be numbered as it is there.
        let lowest = index.iter().copied().fold(f64::INFINITY, f64::min);
        Entry {
            name: names("labels").get(e).cloned().unwrap_or_default(),
            units: names("units").get(e).cloned().unwrap_or_default(),
            index: index
                .iter()
                .map(|index| (index - lowest) as usize)
                .collect(),
            value: of(&value, e),
        }
    };
    Ok((0..entries).map(entry).collect())
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
        table
            .with_u32_data(&index)
            .with_shape(&[order.len() as u64, 2]);
        table
            .set_attr("labels", texts(&["X", "Y"]))
            .set_attr("units", texts(&["nm", "nm"]));
        above
            .create_dataset("Position_Values")
            .with_f64_data(&value)
            .with_shape(&[order.len() as u64, 2]);
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
        main.with_f32_data(&data)
            .with_shape(&[order.len() as u64, 4]);
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
    fn positions_that_are_no_complete_grid_are_a_single_column() {
        for (order, rows) in [
            // Incomplete, and along a diagonal.
            (
                vec![(0, 0), (1, 0), (2, 0), (0, 1), (1, 1), (1, 1)],
                ("position", "px", 1.0),
            ),
            (
                vec![(0, 0), (1, 1), (2, 2), (3, 3)],
                ("position", "px", 1.0),
            ),
            // Lines, one of them a part of a larger grid.
            (vec![(0, 0), (0, 1), (0, 2)], ("Y", "nm", 2.0)),
            (vec![(4, 7), (5, 7), (6, 7), (7, 7)], ("X", "nm", 2.0)),
        ] {
            let (_folder, file) = written("usid.h5", &usid_file(&order));
            let found = spectra(&file);
            assert_eq!((found.height(), found.width()), (order.len(), 1));
            let axis = &found.rows;
            assert_eq!((axis.name.as_str(), axis.units.as_str(), axis.scale), rows);
            let (x, y) = order[2];
            let first = f64::from(100 * y + 10 * x);
            assert_eq!(found.at(2, 0), [0.0, 1.0, 2.0, 3.0].map(|c| first + c));
        }
    }

    #[test]
    fn one_position_dimension_takes_no_longer_than_its_points() {
        let entry = super::Entry {
            name: String::new(),
            units: "nm".to_owned(),
            index: (0..1 << 20).collect(),
            value: (0..1 << 20).map(f64::from).collect(),
        };
        // A search for each would not end.
        assert_eq!(entry.dimension(0).axis.scale, 1.0);
    }

    #[test]
    fn a_table_that_cannot_be_read_is_refused() {
        let mut file = hdf5_pure::FileBuilder::new();
        let table = file.create_dataset("Position_Indices");
        table.with_f64_data(&[0.0, 0.5]).with_shape(&[2, 1]);
        let table = file.create_dataset("Spectroscopic_Indices");
        table.with_u32_data(&[0, 1]).with_shape(&[1, 2]);
        let main = file.create_dataset("Raw_Data");
        main.with_f32_data(&[1.0; 4]).with_shape(&[2, 2]);
        let (_folder, file) = written("usid.h5", &file.finish().unwrap());
        let message = read_map(&format!("{file}#Raw_Data"))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains("`Position_Indices` has the index 0.5"),
            "{message}"
        );
    }
}
