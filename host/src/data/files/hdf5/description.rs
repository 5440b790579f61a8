//! What an HDF5 file says of a dataset, in whichever way its format says it.

use hdf5_pure::Error;

use super::content::Content;
use super::opened::Opened;
use super::unreadable;
use crate::data::files::array::Array;
use crate::data::files::error::DatasetError;
use crate::data::files::listing::DatasetInfo;
use crate::data::files::{berkeley, h5oina, hyperspy, nexus, nsid, usid};

/// A dataset with what the file says of it.
pub(super) fn describe(
    file: &Opened<'_>,
    found: &Content,
    info: &DatasetInfo,
) -> Result<Array, DatasetError> {
    let unreadable = |e: Error| unreadable(file.file, &e);
    let location = format!("{}#{}", file.file, info.path);
    let dataset = match file.dataset(&info.path, &found.walked)? {
        Some(dataset) => dataset,
        None => file.open.dataset(&info.path).map_err(unreadable)?,
    };
    let parent = info.path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let group = match file.follow(parent, &found.walked)? {
        Some(parent) if !parent.is_empty() => file.open.group(&parent).map_err(unreadable)?,
        _ => file.open.root(),
    };
    let load = file.load(&dataset, &location)?;
    let mut array = Array::bare(&location, info.shape.clone(), "", load);
    array.width = usize::try_from(dataset.element_size().unwrap_or(1)).unwrap_or(1);
    let about = group.attrs().unwrap_or_default();
    let name = info.path.rsplit('/').next().unwrap_or_default();
    if hyperspy::is_main(&info.path) {
        hyperspy::describe(&mut array, &hyperspy::Stored(&group, &file.source))?;
    } else if berkeley::is_main(name, &about) {
        berkeley::describe(&mut array, &group, &file.source)?;
    } else if nexus::is_measured(name, &dataset, &about) {
        let member = |name: &str| file.dataset(&format!("{parent}/{name}"), &found.walked);
        nexus::describe(&mut array, (&dataset, &file.source), &group, member)?;
    } else if h5oina::is_one(&file.open) {
        h5oina::describe(&mut array, file, &info.path);
    } else {
        nsid::describe(&mut array, &dataset, &group, &file.source)?;
        if let Some(folder) = usid::tables(&found.numeric, info) {
            usid::describe(&mut array, file, folder)?;
        }
    }
    if array.quantity.is_empty() {
        name.clone_into(&mut array.quantity);
    }
    array.drop_single();
    Ok(array)
}
