//! HDF5: which dataset is meant, and its values.

use hdf5_pure::{DType, Dataset, Error, File, Group};

use super::array::{Array, is_candidate};
use super::error::DatasetError;
use super::listing::{DatasetInfo, listing};
use super::{hyperspy, nsid, usid};
use crate::spectra::Values;

const FORMAT: &str = "HDF5";

/// Every numeric dataset in an HDF5 file, by path.
///
/// # Errors
/// When the file is missing or is not HDF5.
pub fn list_hdf5(file: &str) -> Result<Vec<DatasetInfo>, DatasetError> {
    if !std::path::Path::new(file).is_file() {
        return Err(DatasetError::Missing {
            file: file.to_owned(),
        });
    }
    let open = File::open(file).map_err(|e| DatasetError::unreadable(file, FORMAT, &e))?;
    list(&open).map_err(|e| DatasetError::unreadable(file, FORMAT, &e))
}

fn list(file: &File) -> Result<Vec<DatasetInfo>, Error> {
    let mut found = Vec::new();
    collect(&file.root(), "", 0, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    let of_tables: Vec<bool> = found
        .iter()
        .map(|info| usid::tables(&found, info).is_some())
        .collect();
    for (info, described) in found.iter_mut().zip(of_tables) {
        info.main |= described;
    }
    Ok(found)
}

/// Deeper nesting than any file of the field has; ends a cycle of hard links.
const DEEPEST: usize = 32;

fn collect(
    group: &Group,
    prefix: &str,
    depth: usize,
    found: &mut Vec<DatasetInfo>,
) -> Result<(), Error> {
    for name in group.datasets()? {
        // One damaged or exotic dataset must not hide the others.
        let Ok(dataset) = group.dataset(&name) else {
            continue;
        };
        let (Ok(shape), Ok(dtype)) = (dataset.shape(), dataset.dtype()) else {
            continue;
        };
        if !is_real(&dtype) {
            continue;
        }
        let path = format!("{prefix}{name}");
        let quantity = nsid::text(&dataset, "quantity");
        found.push(DatasetInfo {
            main: hyperspy::is_main(&path) || nsid::is_main(&dataset),
            path,
            shape: shape.iter().map(|&size| size as usize).collect(),
            dtype: dtype.to_string(),
            quantity,
        });
    }
    if depth < DEEPEST {
        for name in group.groups()? {
            if let Ok(inner) = group.group(&name) {
                collect(&inner, &format!("{prefix}{name}/"), depth + 1, found)?;
            }
        }
    }
    Ok(())
}

fn is_real(dtype: &DType) -> bool {
    use DType::{F32, F64, I8, I16, I32, I64, U8, U16, U32, U64};
    matches!(
        dtype,
        F32 | F64 | I8 | I16 | I32 | I64 | U8 | U16 | U32 | U64
    )
}

/// Reads the dataset `inside`, the only one in the group `inside`, or the only one that can be
/// meant when nothing is said.
///
/// # Errors
/// When the file is damaged, nothing or more than one fits, or the rank is not 2 or 3.
pub(super) fn read(file: &str, inside: Option<&str>) -> Result<Array, DatasetError> {
    let unreadable = |e: Error| DatasetError::unreadable(file, FORMAT, &e);
    let open = File::open(file).map_err(unreadable)?;
    let found = list(&open).map_err(unreadable)?;
    let chosen = choose(&found, file, inside)?;
    let location = format!("{file}#{}", chosen.path);
    // Checked before reading, so that a stack of frames too large for memory is refused at once.
    if !is_candidate(&chosen.shape) {
        return Err(DatasetError::shape(&location, &chosen.shape));
    }
    let dataset = open.dataset(&chosen.path).map_err(unreadable)?;
    let mut array = Array::bare(
        &location,
        chosen.shape.clone(),
        values(&dataset).map_err(unreadable)?,
        "",
    );
    let group = match chosen.path.rsplit_once('/') {
        Some((parent, _)) => open.group(parent).map_err(unreadable)?,
        None => open.root(),
    };
    if hyperspy::is_main(&chosen.path) {
        hyperspy::describe(&mut array, &group)?;
    } else {
        nsid::describe(&mut array, &dataset, &group)?;
        if let Some(folder) = usid::tables(&found, chosen) {
            usid::describe(&mut array, &open, folder);
        }
    }
    if array.quantity.is_empty() {
        let name = chosen.path.rsplit('/').next();
        name.unwrap_or_default().clone_into(&mut array.quantity);
    }
    Ok(array)
}

fn choose<'a>(
    found: &'a [DatasetInfo],
    file: &str,
    inside: Option<&str>,
) -> Result<&'a DatasetInfo, DatasetError> {
    if let Some(exact) = found.iter().find(|info| Some(info.path.as_str()) == inside) {
        return Ok(exact);
    }
    let within: Vec<&DatasetInfo> = match inside {
        None => found.iter().collect(),
        Some(group) => {
            let prefix = format!("{group}/");
            found
                .iter()
                .filter(|info| info.path.starts_with(&prefix))
                .collect()
        }
    };
    let mut candidates: Vec<&DatasetInfo> = within.iter().copied().filter(|i| i.main).collect();
    if candidates.is_empty() {
        candidates = within
            .iter()
            .copied()
            .filter(|info| is_candidate(&info.shape))
            .collect();
    }
    match (candidates.as_slice(), inside) {
        ([only], _) => Ok(only),
        ([], Some(inside)) => Err(DatasetError::UnknownInside {
            file: file.to_owned(),
            inside: inside.to_owned(),
            available: listing(found),
        }),
        ([], None) => Err(DatasetError::Nothing {
            file: file.to_owned(),
            available: listing(found),
        }),
        (several, _) => Err(DatasetError::Ambiguous {
            file: file.to_owned(),
            available: listing(&several.iter().copied().cloned().collect::<Vec<_>>()),
        }),
    }
}

fn values(dataset: &Dataset) -> Result<Values, Error> {
    Ok(match dataset.dtype()? {
        DType::F32 | DType::I8 | DType::I16 | DType::U8 | DType::U16 => {
            Values::Single(dataset.read_f32()?)
        }
        _ => Values::Double(dataset.read_f64()?),
    })
}

#[cfg(test)]
mod tests {
    use crate::dataset::testing::{close, nsid_file, shared, spectra, written};
    use crate::dataset::{list_hdf5, read, read_map};

    #[test]
    fn each_channel_of_a_pfm_image_is_selected_by_path() {
        let Some(file) = shared("beps/pto_funakubo_256.h5") else {
            return;
        };
        for (channel, quantity, sum) in [
            (0, "HeightRetrace", -0.038_286_321_493_274_045),
            (1, "AmplitudeRetrace", 7.685_029_056_635_467e-6),
            (2, "DeflectionRetrace", 0.006_548_680_528_901_23),
            (3, "PhaseRetrace", 2_556_702.222_113_609_3),
        ] {
            let map = read_map(&format!("{file}#Measurement_000/Channel_{channel}")).unwrap();
            assert_eq!((map.height(), map.width()), (256, 256));
            assert_eq!(map.quantity, quantity);
            close(map.values.iter().sum(), sum);
        }
        let message = read(&file).unwrap_err().to_string();
        assert!(
            message.contains(
                "Measurement_000/Channel_1/Channel_1/Channel_1 (256x256 f32 AmplitudeRetrace)"
            ),
            "{message}"
        );
        let message = read(&format!("{file}#Channel_9")).unwrap_err().to_string();
        assert!(
            message.contains("`Channel_9`") && message.contains("PhaseRetrace"),
            "{message}"
        );
    }

    #[test]
    fn an_nsid_file_gives_its_main_dataset_with_axes() {
        let (_folder, file) = written("loops.h5", &nsid_file());
        let loops = spectra(&file);
        assert_eq!(loops.coordinates, [0.0, 1.0, 0.0, -1.0]);
        assert_eq!(
            (loops.channels.name.as_str(), loops.channels.units.as_str()),
            ("Voltage", "V")
        );
        assert_eq!((loops.columns.scale, loops.rows.scale), (1e-9, 2e-9));
        assert_eq!(
            (loops.quantity.as_str(), loops.units.as_str()),
            ("Response", "pm")
        );
        assert_eq!(loops.at(1, 2), [20.0, 21.0, 22.0, 23.0]);
        assert_eq!(
            read_map(&format!("{file}#aside")).unwrap().values,
            [1.0, 2.0, 3.0, 4.0]
        );
        let listed = list_hdf5(&file).unwrap();
        let texts: Vec<String> = listed.iter().map(ToString::to_string).collect();
        assert_eq!(
            texts,
            [
                "aside (2x2 u8)",
                "loops/Voltage (4 f64)",
                "loops/X (3 f64)",
                "loops/Y (2 f64)",
                "loops/data (2x3x4 i32 Response)",
            ]
        );
        let message = read(&format!("{file}#loops/X")).unwrap_err().to_string();
        assert!(message.contains("shape 3;"), "{message}");
        let message = read(&format!("{file}#nothing")).unwrap_err().to_string();
        assert!(
            message.contains("`nothing`") && message.contains("loops/data"),
            "{message}"
        );
    }
}
